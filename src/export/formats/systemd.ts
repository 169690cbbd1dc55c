/** Settings of a service or a slice: a drop-in, and for a slice a unit file as well. */
import type { Limits } from '../../model/index.js';
import { isPropertyName, propertySpec } from '../../properties/index.js';
import { compileProperties } from '../../systemd/compile.js';
import { quoted, unitText, withoutSpecifiers, word } from '../../units/index.js';
import { aboutProfile, header } from '../comment.js';
import { unitFor } from '../names.js';
import { beyondLimits } from '../translate.js';
import type { Cannot, Format, Subject, Target } from '../types.js';

/** What a service needs no privileges for: the two settings that take the most away at once. */
const HARDENING = { NoNewPrivileges: 'yes', CapabilityBoundingSet: '' } as const;

export const systemd: Format = {
  summary: 'drop-in of a service, or a slice (--unit)',
  many: false,
  uses: ['unit', 'harden'],
  write: ([subject], target) => {
    if (subject === undefined) return { text: '', cannot: [] };
    const { unit, kind } = unitFor(subject, target);
    const { settings, cannot } = unitSettings(subject, target);
    const comments = [
      ...header('systemd', [subject], target.machine, [
        `Put it into /etc/systemd/system/${unit}.d/50-rlimit.conf, then: systemctl daemon-reload`,
        ...(kind === 'slice' ? [`It can as well be the unit file itself, .../${unit}.`] : []),
      ]),
      ...aboutProfile(subject, { notes: hardeningNote(kind, target), cannot }),
    ];
    const lines = settings.map(([name, value]) => `${name}=${value}`);
    const text = unitText(comments, [[kind === 'slice' ? 'Slice' : 'Service', lines]]);
    return { text, cannot };
  },
};

/** The settings of a unit as they stand behind `=`, and what this kind or version does not have. */
export function unitSettings(
  subject: Subject,
  target: Target,
): { settings: [name: string, value: string][]; cannot: Cannot[] } {
  const { kind } = unitFor(subject, target);
  const { profile, limits } = subject;
  const { properties, cannot } = propertiesOf(subject, target, kind);
  const environment = Object.entries(limits.environment);
  const settings: [string, string][] = Object.entries(properties).map(([name, value]) => [
    name,
    settingValue(name, value),
  ]);
  if (kind === 'service') {
    settings.push(...environment.map(environmentSetting));
    if (target.harden === true) settings.push(...Object.entries(HARDENING));
  } else {
    cannot.push(...withoutEnvironment(profile.name, limits, 'a slice starts no processes'));
  }
  return { settings, cannot };
}

/** What of the limits systemd takes for a kind of unit, and what not. */
export function propertiesOf(
  { profile, limits }: Subject,
  { machine: { systemd: version } }: Target,
  kind: 'service' | 'slice' | 'scope',
): { properties: Record<string, string>; cannot: Cannot[] } {
  const here = new Set(limits.leftOut.map(({ property }) => property));
  const compiled = compileProperties(limits, { systemd: version, kind });
  const refused = compiled.leftOut.filter(({ property }) => !here.has(property));
  const cannot = refused.map(({ property: what, why }) => {
    const value = limits.properties.find(({ property }) => property === what)?.value ?? '';
    return { profile: profile.name, what, value, why };
  });
  return { properties: compiled.properties, cannot: [...cannot, ...beyondLimits(profile)] };
}

/** One entry for all variables: their values may be long. */
export function withoutEnvironment(
  profile: string,
  { environment }: Pick<Limits, 'environment'>,
  why: string,
): Cannot[] {
  const names = Object.keys(environment);
  return names.length === 0 ? [] : [{ profile, what: 'environment', value: names.join(', '), why }];
}

/** A path in front of a rate or a weight is a word with specifiers; all else is taken as it is. */
function settingValue(name: string, value: string): string {
  const kind = isPropertyName(name) ? propertySpec(name).kind.toString() : '';
  if (!kind.startsWith('io-device')) return value;
  const [path = '', amount = ''] = value.split(' ');
  return `${word(path)} ${amount}`;
}

function environmentSetting([name, value]: [string, string]): [string, string] {
  return ['Environment', withoutSpecifiers(quoted(`${name}=${value}`))];
}

/** That privileges were not asked about, where they could be taken away. */
export function hardeningNote(kind: 'service' | 'slice', { harden }: Target): string[] {
  if (kind === 'slice' || harden !== undefined) return [];
  const what = Object.keys(HARDENING).join(' and ');
  return [`privileges are left as they are; --harden adds ${what}`];
}
