/** Verdicts on those who kill on behalf of the machine. Pure. */
import type { Finding } from '../../model/index.js';
import { notApplicable, notCarriedOut } from '../conclude.js';
import { inTime } from '../pulse.js';
import type { Judgement } from '../types.js';

/** What systemd-oomd did about a scope under pressure. */
export interface PressedSeen {
  /** How long it was under pressure, in milliseconds: until it was killed, or we lost patience. */
  forMs: number;
  /** Whether it was killed, and not by the kernel. */
  killed: boolean;
  /** Pages scanned for reclaim: `pgscan` of memory.stat; absent where unknown. */
  pgscan?: number;
}

export interface OomdSeen {
  state: 'absent' | 'stopped' | 'running';
  /** How long a scope must be under pressure, in seconds, where it cannot be tried for that. */
  tooLong?: number;
  /** One that reads the same file over and over: there is something to reclaim. */
  reclaiming?: PressedSeen;
  /** One over MemoryHigh without swap: there is nothing to reclaim. */
  swapless?: PressedSeen;
}

export const EXPECTED_OOMD = 'ends a scope that reclaims all the time; without swap it may not act';

/** systemd-oomd acts on pressure, and not where there is nothing to reclaim. */
export function judgeOomd(seen: OomdSeen): Judgement {
  const { state, tooLong, reclaiming, swapless } = seen;
  if (state === 'absent') return notApplicable('systemd-oomd is not installed');
  if (state === 'stopped') return notApplicable('systemd-oomd is installed and does not run');
  if (tooLong !== undefined) {
    return notApplicable(
      `it acts after ${tooLong} s of pressure, which this systemd cannot change for one scope; ` +
        'to wait for that: --only systemd-oomd',
    );
  }
  if (reclaiming === undefined || swapless === undefined) return notCarriedOut('it was not tried');
  const measured = [
    `reclaiming: ${actText(reclaiming)}`,
    `MemoryHigh without swap: ${actText(swapless)}`,
  ].join('; ');
  if (!reclaiming.killed) {
    const finding = didNotAct(
      'systemd-oomd',
      measured,
      'journalctl --unit=systemd-oomd.service --boot',
    );
    return { verdict: 'failed', measured, findings: [finding] };
  }
  const findings = swapless.killed ? [] : [blindWithoutSwap(swapless)];
  return { verdict: 'held', measured, findings };
}

function actText({ forMs, killed, pgscan }: PressedSeen): string {
  const scanned = pgscan === undefined ? '' : ` (pgscan ${pgscan})`;
  return `${killed ? 'ended after' : 'left alone for'} ${inTime(forMs)}${scanned}`;
}

/** systemd-oomd does not see a stall where nothing can be reclaimed. */
function blindWithoutSwap({ pgscan }: PressedSeen): Finding {
  return {
    id: 'oomd-with-swap-zero',
    severity: 'warning',
    ...(pgscan === undefined ? {} : { observed: `pgscan ${pgscan}` }),
    cause:
      'systemd-oomd does not act on work without swap: it waits for reclaim, and there is nothing ' +
      'to reclaim',
    remedy:
      'as a backstop run earlyoom, which goes by free memory: sudo apt install earlyoom (or your ' +
      'distribution’s way), then EARLYOOM_ARGS="-m 5,3 -s 100" in /etc/default/earlyoom',
  };
}

function didNotAct(daemon: string, measured: string, remedy: string): Finding {
  return {
    id: 'oom-daemon-did-not-act',
    severity: 'problem',
    observed: measured,
    cause: `${daemon} was given a reason to act, and did not: ${measured}`,
    remedy,
  };
}

/** What earlyoom says it would do. */
export interface EarlyoomSeen {
  installed: boolean;
  /** Arguments of the one that runs; absent where none does. */
  running?: readonly string[];
  /** Memory that it takes for available, in percent, where it says so. */
  available?: number;
  /** Signal, name and PID of whom a dry run, told that 99 % free is too little, would end. */
  victim?: { signal: string; comm: string; pid: number };
  /** Its words where it could not be tried. */
  failure?: string;
}

export const EXPECTED_EARLYOOM = 'its own dry run names whom it would end, and it runs';

/** earlyoom runs, and its dry run would fire. */
export function judgeEarlyoom(seen: EarlyoomSeen): Judgement {
  const { installed, running, victim, failure } = seen;
  if (!installed) return notApplicable('earlyoom is not installed');
  if (failure !== undefined) return notCarriedOut(`earlyoom --dryrun: ${failure}`);
  const would =
    victim === undefined
      ? 'a dry run at 99% free memory would end nobody'
      : `a dry run at 99% free memory would end ${victim.comm} (${victim.pid}, ${victim.signal})`;
  if (running === undefined) return notApplicable(`earlyoom does not run; ${would}`);
  const measured = `runs with ${running.join(' ') || 'its defaults (-m 10 -s 10)'}; ${would}`;
  if (victim !== undefined) return { verdict: 'held', measured, findings: [] };
  // On a large idle machine even that much is free.
  if ((seen.available ?? 0) >= 99) return notApplicable(`${measured}: more than that is free`);
  return {
    verdict: 'failed',
    measured,
    findings: [didNotAct('earlyoom', measured, 'earlyoom --dryrun -m 99 -s 100 -d')],
  };
}
