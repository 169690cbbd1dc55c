import { spawn, spawnSync } from 'node:child_process';
import { isRlimitError } from '../../errors/index.js';
import { systemctl } from '../../systemd/client.js';
import { notCarriedOut } from '../conclude.js';
import {
  type EarlyoomSeen,
  EXPECTED_EARLYOOM,
  EXPECTED_OOMD,
  judgeEarlyoom,
  judgeOomd,
  type OomdSeen,
  type PressedSeen,
} from '../judges/daemons.js';
import type { Lab } from '../lab.js';
import { runningProgram } from '../observe.js';
import { balloon, holding, THRASH } from '../programs.js';
import { ExperimentError } from '../scope.js';
import type { Experiment } from './experiment.js';

/** First systemd whose units can say how long they must be under pressure (NEWS of 257). */
const DURATION_SINCE = 257;
/** Default of DefaultMemoryPressureDurationSec= (oomd.conf(5)). */
const DEFAULT_SECONDS = 30;
/** Nobody who did not ask for it by name waits for longer than this. */
const MOST_SECONDS = 3;
/** The kernel's averages take two seconds to show anything, and oomd looks once a second. */
const AVERAGE_MS = 5000;
/** How much longer is waited for what should come than for what should not. */
const PATIENCE = 3;

export const systemdOomd: Experiment = {
  name: 'systemd-oomd',
  title: 'systemd-oomd ends what is under pressure',
  expected: EXPECTED_OOMD,
  async run(lab, { patient }) {
    const state = await oomdState();
    if (state !== 'running') return judgeOomd({ state });
    const own = (lab.systemd ?? 0) >= DURATION_SINCE;
    const seconds = own ? 1 : defaultSeconds();
    if (!patient && seconds > MOST_SECONDS) return judgeOomd({ state, tooLong: seconds });
    const managed = {
      ManagedOOMMemoryPressure: 'kill',
      ManagedOOMMemoryPressureLimit: '1%',
      ...(own ? { ManagedOOMMemoryPressureDurationSec: '1s' } : {}),
      MemoryHigh: '16M',
      // Ended by that, it would look as if oomd had done it.
      RuntimeMaxSec: '200',
    };
    // First the one that should be left alone: oomd pauses for 15 s after it has acted.
    const swapless = await pressed(lab, seconds * 1000 + AVERAGE_MS, {
      name: 'systemd-oomd-swapless',
      properties: { ...managed, MemorySwapMax: '0' },
      script: `for i in 1 2 3 4; do (${balloon(16)}) & done; echo pressed; wait`,
    });
    if (swapless.killed) await lab.pass(15_000);
    const reclaiming = await pressed(lab, (seconds * 1000 + AVERAGE_MS) * PATIENCE, {
      name: 'systemd-oomd-reclaiming',
      properties: managed,
      script: THRASH,
      // On a disk: what lies in a tmpfs cannot be dropped and read again (file-hierarchy(7)).
      args: ['/var/tmp'],
    });
    const seen: OomdSeen = { state, swapless, reclaiming };
    return judgeOomd(seen);
  },
};

async function oomdState(): Promise<OomdSeen['state']> {
  const args = ['show', '--property=LoadState', '--property=ActiveState', 'systemd-oomd.service'];
  const shown = await systemctl(args, { manager: 'system' }).catch((error: unknown) => {
    if (isRlimitError(error)) return '';
    throw error;
  });
  if (shown.includes('ActiveState=active')) return 'running';
  return /LoadState=(loaded|masked)/.test(shown) ? 'stopped' : 'absent';
}

/** What oomctl(1) says; it may be asked by anybody. */
function defaultSeconds(): number {
  const { stdout } = spawnSync('oomctl', { encoding: 'utf8', timeout: 5000, env: lean() });
  const said = /^Default Memory Pressure Duration: (?:(\d+)min ?)?(?:(\d+)s)?$/m.exec(stdout ?? '');
  if (!said || (said[1] === undefined && said[2] === undefined)) return DEFAULT_SECONDS;
  return Number(said[1] ?? 0) * 60 + Number(said[2] ?? 0);
}

/** Puts a scope under pressure, and waits whether somebody ends it. */
async function pressed(
  lab: Lab,
  patienceMs: number,
  trial: Parameters<Lab['start']>[0],
): Promise<PressedSeen> {
  const scope = await lab.start(trial);
  scope.go();
  const begun = () => scope.heard('pressed') !== undefined;
  if (!(await lab.until(() => begun() || scope.hasEnded, 20_000)) || !begun()) {
    throw new ExperimentError(`${scope.unit} could not be put under pressure`);
  }
  const sinceMs = performance.now();
  let pgscan: number | undefined;
  const isOver = () => {
    pgscan = scope.own('memory.stat').pgscan ?? pgscan;
    return !scope.isPopulated();
  };
  const ended = await lab.until(isOver, patienceMs, 50);
  const forMs = performance.now() - sinceMs;
  const byKernel = (scope.counts('memory.events').oom_kill ?? 0) > 0;
  scope.kill();
  return { forMs, killed: ended && !byKernel, ...(pgscan === undefined ? {} : { pgscan }) };
}

export const earlyoom: Experiment = {
  name: 'earlyoom',
  title: 'earlyoom would end a hog',
  expected: EXPECTED_EARLYOOM,
  async run(lab) {
    const running = runningProgram('earlyoom');
    if (spawnSync('earlyoom', ['-v'], { stdio: 'ignore' }).error !== undefined) {
      return judgeEarlyoom({ installed: false });
    }
    // Somebody to be chosen: with oom_score_adj 1000, as all of ours.
    const hog = await lab.start({
      name: 'earlyoom-hog',
      properties: { MemoryMax: '96M' },
      script: holding(64),
    });
    hog.go();
    const isFull = () => (hog.count('memory.current') ?? Number.POSITIVE_INFINITY) > 60 * 1024 ** 2;
    if (!(await lab.until(isFull, 20_000))) return notCarriedOut('its hog did not grow');
    const seen = readDryRun(await dryRun(lab, running ?? []));
    return judgeEarlyoom({
      installed: true,
      ...(running === undefined ? {} : { running }),
      ...seen,
    });
  },
};

/** Words of a dry run, until it has named somebody or has had its time. */
async function dryRun(lab: Lab, running: readonly string[]): Promise<string> {
  const thresholds = ['--dryrun', '-m', '99,1', '-s', '100,100', '-r', '1'];
  const child = spawn('earlyoom', [...thresholds, ...choosing(running)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: lean(),
    detached: true,
  });
  let said = '';
  let ended = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(0, 20_000);
    });
  }
  child.once('close', () => {
    ended = true;
  });
  child.once('error', (error) => {
    said += `fatal: ${error.message}`;
    ended = true;
  });
  try {
    await lab.until(() => ended || said.includes('dryrun, not actually'), 5000);
  } finally {
    child.kill('SIGKILL');
  }
  return said;
}

/** Of the arguments of the earlyoom that runs, those that decide whom it takes. */
export function choosing(running: readonly string[]): string[] {
  return running.flatMap((word, index) => {
    if (/^--(prefer|avoid|ignore)=/.test(word) || word === '--sort-by-rss' || word === '-g') {
      return [word];
    }
    const value = running[index + 1];
    return /^--(prefer|avoid|ignore)$/.test(word) && value !== undefined ? [word, value] : [];
  });
}

/**
 * Reads what a dry run says: `sending SIGTERM to process 155 uid 1000 "dd": …`, in 1.8
 * `… "dd": oom_score 1333, …`, and `mem avail:  1823 of  1978 MiB (92.18%), …`.
 */
export function readDryRun(said: string): Pick<EarlyoomSeen, 'available' | 'victim' | 'failure'> {
  const available = /^mem avail: .*?\(\s*([\d.]+)%\)/m.exec(said)?.[1];
  const victim = /sending (SIG[A-Z]+) to process (\d+)(?: uid \d+)? "(.*?)"/.exec(said);
  const failure = /^fatal: (.*)$/m.exec(said)?.[1];
  return {
    ...(available === undefined ? {} : { available: Number(available) }),
    ...(victim
      ? { victim: { signal: victim[1] ?? '', pid: Number(victim[2]), comm: victim[3] ?? '' } }
      : {}),
    ...(failure === undefined ? {} : { failure }),
  };
}

/** Messages are read, so they are to be in English. */
function lean(): NodeJS.ProcessEnv {
  return { ...process.env, LC_ALL: 'C' };
}
