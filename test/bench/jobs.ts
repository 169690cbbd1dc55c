/**
 * Measures here, natively, what it costs to look at a run and at its jobs: CPU time during a build of
 * many short jobs. Needs a cgroup v2 tree in which a cgroup can be made; where the machine has none at
 * its usual place, root can mount one:
 *
 *   mkdir /tmp/cgroup2 && mount -t cgroup2 none /tmp/cgroup2
 *   npx tsx test/bench/jobs.ts /tmp/cgroup2
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CgroupSource } from '../../src/jobs/index.js';
import { CgroupMeter } from '../../src/run/cgroup-meter.js';
import { watchJobs } from '../../src/run/jobs.js';
import { Sampling } from '../../src/run/sampling.js';

class CountingSource extends CgroupSource {
  looks = 0;
  override members() {
    this.looks += 1;
    return super.members();
  }
}

const [root = '/sys/fs/cgroup', parent = ''] = process.argv.slice(2);
const cgroup = `${parent}/rlimit-bench-${process.pid}`;

const BUILDS = [
  { name: '600 jobs of 1 s, -j32', jobs: 600, seconds: 1, parallel: 32 },
  { name: '400 jobs of 20 s, -j400', jobs: 400, seconds: 20, parallel: 400 },
  { name: '10,000 jobs of 0.1 s, -j16', jobs: 10_000, seconds: 0.1, parallel: 16 },
];

for (const build of BUILDS) {
  // What the jobs cost besides shows in a short one as well.
  for (const withJobs of build === BUILDS[0] ? [false, true] : [true]) {
    const { percent, seconds, looks, seen } = await measure(build, withJobs);
    const what = withJobs ? 'with its jobs' : 'the run alone';
    const found = withJobs ? `, ${looks} looks, ${seen} jobs seen` : '';
    console.log(
      `${build.name.padEnd(28)} ${what}: ${percent.toFixed(2)} % of a core in ${seconds.toFixed(0)} s${found}`,
    );
  }
}

async function measure({ jobs, seconds, parallel }: (typeof BUILDS)[number], withJobs: boolean) {
  const directory = mkdtempSync(join(tmpdir(), 'rlimit-bench-'));
  const targets = Array.from({ length: jobs }, (_, index) => `j${index}`).join(' ');
  // With a colon make needs a shell: two processes a job.
  const makefile = `all: ${targets}\n${targets}:\n\t@sleep ${seconds}; :\n`;
  writeFileSync(join(directory, 'Makefile'), makefile);
  mkdirSync(`${root}${cgroup}`);
  const script = `echo $$ >${root}${cgroup}/cgroup.procs && exec make -s -j${parallel}`;
  const child = spawn('sh', ['-c', script], { cwd: directory, stdio: 'inherit' });
  const source = new CountingSource(cgroup, { root });
  const begun = { cpu: process.cpuUsage(), at: performance.now() };
  const sampling = new Sampling(new CgroupMeter({ top: cgroup, leaf: cgroup, root }));
  const watch = withJobs ? watchJobs(source, [], () => sampling.costMs) : undefined;
  await once(child, 'exit');
  sampling.stop();
  const { jobFigures } = watch?.stop() ?? {};
  const { user, system } = process.cpuUsage(begun.cpu);
  const elapsedMs = performance.now() - begun.at;
  rmdirSync(`${root}${cgroup}`);
  rmSync(directory, { recursive: true });
  return {
    percent: (user + system) / 10 / elapsedMs,
    seconds: elapsedMs / 1000,
    looks: source.looks,
    seen: jobFigures?.seen ?? 0,
  };
}
