/** A NixOS module. */
import { UsageError } from '../../errors/index.js';
import { withoutSpecifiers } from '../../units/index.js';
import { aboutProfile, header } from '../comment.js';
import { refuseOneForMany, unitFor } from '../names.js';
import type { Cannot, Format, Subject, Target } from '../types.js';
import { nixSettings } from './nix-conf.js';
import { hardeningNote, propertiesOf, unitSettings } from './systemd.js';

export const nixos: Format = {
  summary: 'a NixOS module: systemd.services, systemd.slices, nix.settings',
  many: true,
  uses: ['unit', 'harden'],
  write: (subjects, target) => {
    refuseOneForMany(subjects, target, ['unit']);
    const parts = subjects.map((subject) => ({ subject, ...attributes(subject, target) }));
    const names = parts.flatMap(({ keys }) => keys);
    const twice = names.find((name, at) => names.indexOf(name) !== at);
    if (twice !== undefined) {
      throw new UsageError(`two of the profiles set ${twice}`, {
        remedy: 'one of them at a time, into modules of their own',
      });
    }
    const text = [
      ...header('nixos', subjects, target.machine, [
        'Import it in configuration.nix: imports = [ ./THIS-FILE.nix ];',
      ]),
      '{ ... }:',
      '{',
      ...parts.flatMap(({ subject, lines, notes, cannot }) =>
        [...aboutProfile(subject, { notes, cannot }), ...lines].map((line) => `  ${line}`),
      ),
      '}',
    ];
    return { text: `${text.join('\n')}\n`, cannot: parts.flatMap(({ cannot }) => cannot) };
  },
};

interface Part {
  /** Attributes that it sets. */
  keys: string[];
  lines: string[];
  notes: string[];
  cannot: Cannot[];
}

/** A profile for Nix itself becomes its settings; every other one those of a unit. */
function attributes(subject: Subject, target: Target): Part {
  const { profile, limits } = subject;
  const settings = nixSettings(limits.environment.NIX_CONFIG ?? '');
  if (settings.length === 0) return unitAttributes(subject, target);
  const lines = [
    'nix.settings = {',
    ...settings.map(([name, value]) => `  ${attribute(name)} = ${settingValue(value)};`),
    '};',
  ];
  const part: Part = { keys: ['nix.settings'], lines, notes: [], cannot: [] };
  if (target.unit === undefined) {
    const why =
      'it is of the nix command, which is no service: --unit nix-daemon puts it on the daemon';
    const cannot = limits.properties.map(({ property, value }) => {
      return { profile: profile.name, what: property, value, why };
    });
    return { ...part, cannot: [...cannot, ...propertiesOf(subject, target, 'service').cannot] };
  }
  const { NIX_CONFIG: _, ...environment } = limits.environment;
  const unit = unitAttributes({ profile, limits: { ...limits, environment } }, target);
  return { ...unit, keys: [...part.keys, ...unit.keys], lines: [...lines, ...unit.lines] };
}

function unitAttributes(subject: Subject, target: Target): Part {
  const { unit, kind } = unitFor(subject, target);
  const { settings, cannot } = unitSettings(subject, target);
  const name = nixString(unit.slice(0, unit.lastIndexOf('.')));
  const config = settings.filter(([setting]) => setting !== 'Environment');
  const key = kind === 'slice' ? `systemd.slices.${name}` : `systemd.services.${name}`;
  const lines = [
    `${key}.${kind}Config = {`,
    ...config.map(([setting, value]) => `  ${setting} = ${nixString(value)};`),
    '};',
    ...(kind === 'service' ? environmentLines(key, subject) : []),
  ];
  return { keys: [key], lines, notes: hardeningNote(kind, target), cannot };
}

/** NixOS quotes them for systemd itself, but leaves `%` alone. */
function environmentLines(key: string, { limits }: Subject): string[] {
  const variables = Object.entries(limits.environment);
  if (variables.length === 0) return [];
  return [
    `${key}.environment = {`,
    ...variables.map(
      ([name, value]) => `  ${attribute(name)} = ${nixString(withoutSpecifiers(value))};`,
    ),
    '};',
  ];
}

/** Numbers stay numbers: nix.settings knows their types. */
function settingValue(value: string): string {
  return /^(?:0|[1-9]\d{0,15})$/.test(value) ? value : nixString(value);
}

function attribute(name: string): string {
  return /^[a-zA-Z_][\w-]*$/.test(name) && !KEYWORDS.has(name) ? name : nixString(name);
}

const KEYWORDS = new Set([
  'assert',
  'else',
  'if',
  'in',
  'inherit',
  'let',
  'or',
  'rec',
  'then',
  'with',
]);

/** In double quotes, where `${` would be an expression (Nix manual, String literal). */
export function nixString(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('${', '\\${')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t');
  return `"${escaped}"`;
}
