import type {
  Check,
  CheckGroup,
  CheckStatus,
  Finding,
  Severity,
  TroubleId,
} from '../model/index.js';
import type { Fix } from './fix.js';
import { type Place, Unknown } from './place.js';

/** What a check came to. */
export interface Judged {
  evidence: string[];
  findings: Finding[];
  /** What could not be found out, besides what is in the evidence. */
  unknown?: string;
  /** What `--fix` can do about the findings. */
  fixes?: Fix[];
}

/** A check: a reader of files and programs, and a pure judge behind it. */
export interface CheckSpec {
  name: string;
  title: string;
  group: CheckGroup;
  /** @throws {Unknown} where nothing can be said at all */
  look(place: Place): Judged | Promise<Judged>;
}

/** A check that was made, with what `--fix` can do. */
export interface Checked {
  check: Check;
  fixes: Fix[];
}

/** Makes one check. Whatever stops it makes it `unknown`, and no other check suffers. */
export async function make(spec: CheckSpec, place: Place): Promise<Checked> {
  const { name, title, group } = spec;
  const judged = await attempt(spec, place);
  const { findings, unknown, fixes = [] } = judged;
  const evidence = unknown === undefined ? judged.evidence : [...judged.evidence, unknown];
  return { check: { name, title, group, status: statusOf(judged), evidence, findings }, fixes };
}

/** The heaviest finding decides. Something unknown is never outweighed by what looks well. */
export function statusOf({ findings, unknown }: Judged): CheckStatus {
  if (findings.some(({ severity }) => severity === 'problem')) return 'problem';
  if (findings.length > 0) return 'warning';
  return unknown === undefined ? 'ok' : 'unknown';
}

async function attempt(spec: CheckSpec, place: Place): Promise<Judged> {
  try {
    return await spec.look(place);
  } catch (error) {
    const { message } = error as Error;
    // Files in a format that is not known come here as well, as errors of their parsers.
    const unknown = error instanceof Unknown ? message : `it could not be made out: ${message}`;
    return { evidence: [], findings: [], unknown };
  }
}

/** A finding of a check. */
export function found(
  severity: Severity,
  id: TroubleId,
  details: Omit<Finding, 'severity' | 'id'>,
): Finding {
  return { id, severity, ...details };
}
