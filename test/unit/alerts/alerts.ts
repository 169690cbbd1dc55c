import type { Alert } from '../../../src/model/index.js';
import { EPOCH, GiB } from './samples.js';

/** An alert on memory, but for what is said. */
export function alert(parts: Partial<Alert> = {}): Alert {
  return {
    version: 1,
    id: 'mi7abc-12345678',
    rule: 'memory',
    severity: 'WARNING',
    subject: { kind: 'machine', name: '' },
    value: 0.86,
    threshold: 0.85,
    says: 'memory is 86% used',
    facts: ['swap 50% used (2G of 4G)'],
    top: { pid: 7, comm: 'firefox', bytes: 4 * GiB },
    since: EPOCH,
    ...parts,
  };
}

/** A name that tries everything: markup, an option, line breaks, escapes of C and of terminals. */
export const HOSTILE = '--<b>&\n\u001b[31m\\033\\n"$(id)`id`\u202e';
