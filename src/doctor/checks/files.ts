import { type Fix, remedyOf } from '../fix.js';
import { type Place, readText, Unknown } from '../place.js';
import { type CheckSpec, found, type Judged } from '../spec.js';

/** How many files a process may have open. */
export const files: CheckSpec = {
  name: 'nofile',
  title: 'enough files may be open',
  group: 'session',
  look: (place) => judgeFiles(readFiles(place)),
};

export interface FileFacts {
  soft: number;
  hard: number;
  /** Whose limits they are. */
  source: string;
}

/** Node raises its own soft limit, so the process that called rlimit is looked at. */
export function readFiles(place: Place): FileFacts {
  for (const pid of [place.parent, 'self'] as const) {
    const path = `/proc/${pid}/limits`;
    const text = readQuietly(place, path);
    const [, soft, hard] = /^Max open files\s+(\d+|unlimited)\s+(\d+|unlimited)/m.exec(text) ?? [];
    if (soft !== undefined && hard !== undefined) {
      return { soft: figure(soft), hard: figure(hard), source: path };
    }
  }
  throw new Unknown(`/proc/${place.parent}/limits does not tell Max open files`);
}

/** What a hard limit should allow: systemd's own default is 524288 (systemd-system.conf(5)). */
const HARD_ENOUGH = 65_536;
/** The kernel's default; select(2) can have no more, so it is no fault. */
const SOFT_ENOUGH = 1024;

export function judgeFiles({ soft, hard, source }: FileFacts): Judged {
  const evidence = [`soft ${text(soft)}, hard ${text(hard)} (${source})`];
  if (soft >= SOFT_ENOUGH && hard >= HARD_ENOUGH) return { evidence, findings: [] };
  const low = hard < HARD_ENOUGH ? `the hard limit is ${hard}` : `the soft limit is ${soft}`;
  const fix: Fix = {
    trouble: 'nofile-low',
    title: 'allow 524288 open files (from the next login)',
    root: true,
    steps: [
      ...['system', 'user'].map((name) => ({
        file: `/etc/systemd/${name}.conf.d/50-rlimit.conf`,
        content: '[Manager]\nDefaultLimitNOFILE=1024:524288\n',
      })),
      {
        // pam_limits(8) sets those of logins after systemd.
        file: '/etc/security/limits.d/50-rlimit.conf',
        content: '* soft nofile 1024\n* hard nofile 524288\n',
      },
      { reload: [] },
    ],
  };
  const finding = found('warning', 'nofile-low', {
    property: 'LimitNOFILE',
    wanted: `${SOFT_ENOUGH}:${HARD_ENOUGH}`,
    observed: `${text(soft)}:${text(hard)}`,
    cause: `${low} for what is started here`,
    remedy: remedyOf(fix),
  });
  return { evidence, findings: [finding], fixes: [fix] };
}

function readQuietly(place: Place, path: string): string {
  try {
    return readText(place, path) ?? '';
  } catch {
    // Another user's process, such as sudo.
    return '';
  }
}

function figure(word: string): number {
  return word === 'unlimited' ? Number.POSITIVE_INFINITY : Number(word);
}

function text(count: number): string {
  return Number.isFinite(count) ? String(count) : 'unlimited';
}
