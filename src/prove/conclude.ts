/** From what was seen to a verdict: what all judges share. Pure. */
import type { Finding, TroubleId } from '../model/index.js';
import { printable } from '../text/index.js';
import type { Judgement } from './types.js';

/** Troubles with which the kernel has nothing that could hold the limit. */
const NOTHING_HOLDS: ReadonlySet<TroubleId> = new Set([
  'controller-not-delegated',
  'controller-not-enabled',
  'io-weight-without-scheduler',
  'no-kernel-file',
  'no-swap-accounting',
]);

/** The kernel holds the limit, and what it should prevent happened all the same. */
export function notEnforced(
  property: string,
  { expected, measured }: { expected: string; measured: string },
): Finding {
  return {
    id: 'limit-not-enforced',
    severity: 'problem',
    property,
    wanted: expected,
    observed: measured,
    cause: 'the kernel holds it in its file as asked, and was not seen to act on it',
    remedy:
      'rlimit doctor --prove --json, once more when the machine is idle; if it stays, the kernel ' +
      'or its patches are at fault: uname -a',
  };
}

/**
 * The verdict on a limit.
 * @param holds whether what was seen is what was claimed
 * @param findings what of the asked properties the kernel does not hold
 */
export function conclude(
  property: string,
  {
    holds,
    expected,
    measured,
    findings,
  }: { holds: boolean; expected: string; measured: string; findings: readonly Finding[] },
): Judgement {
  const own = findings.filter((finding) => finding.property === property);
  if (own.some(({ id }) => NOTHING_HOLDS.has(id)))
    return { verdict: 'inert', measured, findings: own };
  // Where the kernel holds another value, that it went well was luck.
  const differs = own.some(({ severity }) => severity === 'problem');
  if (holds && !differs) return { verdict: 'held', measured, findings: own };
  const reasons = own.length > 0 ? own : [notEnforced(property, { expected, measured })];
  return { verdict: 'failed', measured, findings: reasons };
}

/** It was not tried, or could not be. */
export function refused(finding: Finding, measured: string): Judgement {
  return { verdict: 'refused', measured, findings: [finding] };
}

/** There is nothing here to try it on. */
export function notApplicable(measured: string, findings: Finding[] = []): Judgement {
  return { verdict: 'not-applicable', measured, findings };
}

/** The experiment itself could not be carried out. */
export function notCarriedOut(why: string, remedy?: string): Judgement {
  const cause = printable(`the experiment could not be carried out: ${why}`);
  return refused(
    {
      id: 'experiment-not-carried-out',
      severity: 'warning',
      cause,
      ...(remedy === undefined ? {} : { remedy }),
    },
    why,
  );
}
