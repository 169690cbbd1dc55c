/**
 * The policy of the jobserver in the simulator, over many builds: how many the kernel kills, and the
 * time against the best fixed -j of each. Deterministic, and measures no machine.
 *
 *   npx tsx test/bench/policy.ts [SEEDS]
 */
import { ALL_BUILDS, compare } from '../unit/jobserver/compare.js';

const seeds = Number(process.argv[2] ?? 240);

console.log(`${seeds} builds of each kind\n`);
console.log(`${' '.repeat(30)} pipe: killed  ratio    fifo: killed  ratio`);
for (const name of Object.keys(ALL_BUILDS)) {
  const cells = (['pipe', 'fifo'] as const).map((style) => {
    const { killed, hung, ratio } = compare(name, seeds, style);
    if (hung > 0) throw new Error(`${hung} builds of ${name} never ended`);
    return `${String(killed).padStart(12)} ${ratio.toFixed(3).padStart(7)}`;
  });
  console.log(`${name.padEnd(30)} ${cells.join('    ')}`);
}
