/** Appends to the history as `run` does: append-many.js START COUNT NAME, when the file START is there. */
import { existsSync } from 'node:fs';
import { appendOutcome } from '../../../src/state/history.js';
import { outcome } from '../history/outcome.js';

const [start = '', count = '0', name = ''] = process.argv.slice(2);
process.stdout.write('ready\n');
while (!existsSync(start)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
for (let number = 0; number < Number(count); number += 1) {
  appendOutcome(outcome({ unit: `rlimit-x-${name}n${number}.scope`, profile: 'x' }));
}
