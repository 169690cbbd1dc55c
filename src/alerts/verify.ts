/** The daily look: what `doctor` and `inspect` find, as an alert. */
import { examine } from '../doctor/index.js';
import { UnavailableError } from '../errors/index.js';
import { inspect } from '../inspect/index.js';
import type { Alert, Finding } from '../model/index.js';
import { counted } from '../text/index.js';
import { momentary } from './alert.js';

/** What was found; also what `--json` prints. */
export interface Verification {
  /** Limits that are not in force, and what on this machine keeps limits from working. */
  problems: Finding[];
  /** How many checks were made, and how many running units looked at. */
  checks: number;
  units: number;
  /** What could not be found out, as sentences. */
  unknown: string[];
  /** What was told, where there are problems. */
  alert?: Alert;
}

/** Problems whose causes are told in an alert. */
const MOST_CAUSES = 5;

/** Makes all checks and looks at all running units. */
export async function verifyLimits(time = Date.now()): Promise<Verification> {
  const { report } = await examine();
  const { units, trouble } = await inspectAll();
  const findings = [...report.checks, ...units].flatMap((each) => each.findings);
  const problems = findings.filter(({ severity }) => severity === 'problem');
  const unknown = [
    ...report.checks.filter(({ status }) => status === 'unknown').map(({ title }) => `${title}?`),
    ...units.flatMap(({ unit, partial = [] }) => partial.map((text) => `${unit}: ${text}`)),
    ...(trouble === undefined ? [] : [trouble]),
  ];
  return {
    problems,
    checks: report.checks.length,
    units: units.length,
    unknown,
    ...(problems.length === 0 ? {} : { alert: alertOf(problems, time) }),
  };
}

async function inspectAll() {
  try {
    return { units: (await inspect({ units: [], processes: false })).units };
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    return { units: [], trouble: `the running units: ${error.message}` };
  }
}

/** The alert of some problems. Pure. */
export function alertOf(problems: readonly Finding[], time: number): Alert {
  const names = [...new Set(problems.map(({ id }) => id))];
  const more = problems.length - MOST_CAUSES;
  return momentary({
    rule: 'verify',
    severity: 'WARNING',
    subject: { kind: 'machine', name: '' },
    value: problems.length,
    threshold: 1,
    says: `${counted(problems.length, 'problem')} with limits: ${names.join(', ')}`,
    facts: [
      ...problems
        .slice(0, MOST_CAUSES)
        .map(({ unit, cause }) => (unit ? `${unit}: ${cause}` : cause)),
      ...(more > 0 ? [`and ${more} more`] : []),
      'rlimit doctor and rlimit inspect tell what mends them',
    ],
    since: time,
  });
}
