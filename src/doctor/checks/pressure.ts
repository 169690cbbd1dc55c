import { parsePressure } from '../../cgroup/index.js';
import { type Place, readText } from '../place.js';
import { type CheckSpec, found, type Judged } from '../spec.js';

/** Pressure stall information: whether there is any, and what it says now. */
export const pressure: CheckSpec = {
  name: 'psi',
  title: 'the kernel tells pressure (PSI)',
  group: 'machine',
  look: (place) => judgePressure(readPressureFacts(place)),
};

export interface PressureFacts {
  /** Content of /proc/pressure/NAME; absent where the kernel does not tell. */
  files: Readonly<Record<string, string | undefined>>;
  /** /proc/cmdline. */
  commandLine: string;
}

const NAMES = ['memory', 'cpu', 'io'];

export function readPressureFacts(place: Place): PressureFacts {
  const files = NAMES.map((name) => [name, readText(place, `/proc/pressure/${name}`)] as const);
  return {
    files: Object.fromEntries(files),
    commandLine: readText(place, '/proc/cmdline') ?? '',
  };
}

/** @throws {CgroupFileError} for figures in another format */
export function judgePressure({ files, commandLine }: PressureFacts): Judged {
  const evidence = NAMES.flatMap((name) => {
    const content = files[name];
    if (content === undefined) return [];
    const { some, full } = parsePressure(content.trimEnd(), `/proc/pressure/${name}`);
    return [`${name} some ${some?.avg60 ?? 0}% full ${full?.avg60 ?? 0}%`];
  });
  const missing = NAMES.filter((name) => files[name] === undefined);
  const said = evidence.length === 0 ? [] : [`of the last minute: ${evidence.join(', ')}`];
  if (missing.length === 0) return { evidence: said, findings: [] };
  const option = /(?:^|\s)psi=(\S+)/.exec(commandLine)?.[1];
  const cause =
    option === undefined
      ? 'the kernel was built without it, or with it switched off (CONFIG_PSI_DEFAULT_DISABLED)'
      : `the kernel was booted with psi=${option}`;
  const finding = found('warning', 'pressure-off', {
    cause: `there is no /proc/pressure/${missing.join(', ')}: ${cause}`,
    remedy:
      'add psi=1 to GRUB_CMDLINE_LINUX in /etc/default/grub, then sudo update-grub, and boot anew',
  });
  return { evidence: said, findings: [finding] };
}
