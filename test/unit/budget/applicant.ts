/**
 * A process that wants in, for admit.test.ts: it says `place N`, `in` and `out` on stdout, one line
 * each, and writes its comings and goings to a common log.
 */
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { admit } from '../../../src/budget/admit.js';
import { isRlimitError } from '../../../src/errors/index.js';
import { removeRecord } from '../../../src/state/write.js';

interface Task {
  unit: string;
  memoryMax: string;
  wait: boolean;
  /** Stays in for so long; without it, for ever. */
  holdMs?: number;
  /** Tries so many times, as fast as it can, and goes at once when it is in. */
  rounds?: number;
  log: string;
  root: string;
  uid: number;
  env: { HOME: string; XDG_RUNTIME_DIR: string };
  ignoredSignals?: number[];
}

const task = JSON.parse(process.argv[2] ?? '') as Task;
const size = Number.parseInt(task.memoryMax, 10);
const note = (change: number) => appendFileSync(task.log, `${change} ${task.unit}\n`);

async function comeIn(): Promise<boolean> {
  const written = await admit(
    {
      record: {
        version: 1,
        unit: task.unit,
        slice: 'app-rlimit.slice',
        profile: 'default',
        properties: { MemoryMax: task.memoryMax },
        command: ['true'],
        cwd: '/',
        started: Date.now(),
      },
      wait: task.wait,
      onPlace: ({ place }) => console.log(`place ${place}`),
      ignoredSignals: task.ignoredSignals ?? [],
    },
    { root: task.root, uid: task.uid, env: task.env, pollMs: 200 },
  );
  note(size);
  return written;
}

function goOut(): void {
  note(-size);
  removeRecord(`${task.env.XDG_RUNTIME_DIR}/rlimit`, task.unit);
}

try {
  for (let round = 0; round < (task.rounds ?? 0); round += 1) {
    const isIn = await comeIn().catch(() => false);
    if (!isIn) continue;
    // Another one that came in at the same time would be seen beside it.
    await sleep(3);
    goOut();
  }
  const written = task.rounds === undefined && (await comeIn());
  console.log(`in ${written}`);
  if (task.rounds !== undefined) process.exit();
  if (task.holdMs === undefined) setInterval(() => {}, 1000);
  else {
    await sleep(task.holdMs);
    goOut();
  }
} catch (error) {
  if (!isRlimitError(error)) throw error;
  console.log(`refused ${error.id} ${error.exitCode}`);
}
