/** nix.conf: how many builds Nix starts, and with how many threads each. */
import { UsageError } from '../../errors/index.js';
import { aboutProfile, header } from '../comment.js';
import { beyondLimits } from '../translate.js';
import type { Format } from '../types.js';
import { withoutEnvironment } from './systemd.js';

export const nixConf: Format = {
  summary: 'settings for nix.conf: max-jobs, cores, timeout',
  many: false,
  uses: [],
  write: ([subject], { machine }) => {
    if (subject === undefined) return { text: '', cannot: [] };
    const { profile, limits } = subject;
    const { NIX_CONFIG = '', ...others } = limits.environment;
    const settings = nixSettings(NIX_CONFIG);
    if (settings.length === 0) {
      throw new UsageError(`profile ${profile.name} says nothing of Nix`, {
        why: 'The settings of nix.conf are those in the variable NIX_CONFIG of a profile.',
        remedy: 'rlimit export nix.conf nix-build',
      });
    }
    const name = profile.name;
    const why =
      'Nix has no such setting; nix-daemon.service can have the limit (profile nix-daemon)';
    const cannot = [
      ...limits.properties.map(({ property: what, value }) => ({
        profile: name,
        what,
        value,
        why,
      })),
      ...withoutEnvironment(
        name,
        { environment: others },
        'Nix builds in an environment of its own',
      ),
      ...beyondLimits(profile),
    ];
    const text = [
      ...header('nix.conf', [subject], machine, [
        'For everybody: /etc/nix/nix.conf, and restart nix-daemon; for yourself: ~/.config/nix/nix.conf',
      ]),
      ...aboutProfile(subject, { notes: [], cannot }),
      ...settings.map(([setting, value]) => `${setting} = ${value}`),
    ];
    return { text: `${text.join('\n')}\n`, cannot };
  },
};

/** The settings of a NIX_CONFIG, the last of a name; what is no setting is passed over (nix.conf(5)). */
export function nixSettings(config: string): [name: string, value: string][] {
  const settings = new Map<string, string>();
  for (const line of config.split('\n').map((each) => each.replace(/#.*/, '').trim())) {
    const [, name, value] = /^([a-z][a-z0-9-]*)\s*=\s*(.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) settings.set(name, value);
  }
  return [...settings];
}
