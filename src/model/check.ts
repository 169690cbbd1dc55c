import type { Finding } from './finding.js';

/** `unknown`: it could not be found out. That is said, and is never taken for `ok`. */
export type CheckStatus = 'ok' | 'warning' | 'problem' | 'unknown';

/** What a check belongs to. */
export type CheckGroup = 'machine' | 'session' | 'memory' | 'caps' | 'tools';

/** One thing about this machine that was looked at. */
export interface Check {
  /** The name by which it is asked for: `swap`. */
  name: string;
  title: string;
  group: CheckGroup;
  status: CheckStatus;
  /** What was seen, each with its file or command; what could not be seen, with the reason. */
  evidence: string[];
  findings: Finding[];
}
