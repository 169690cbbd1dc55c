/**
 * A first look at rlimit: a real Coq build under coq-standard, with a look at its limits while it
 * runs. On this machine's own systemd where there is one, else in a throwaway machine of the tests.
 */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { diagnoseUserManager, readUserManagerFacts } from '../src/systemd/diagnose.js';
import { bootMachine } from '../test/live/machine.js';
import { ensureHostPackages, ensurePackages } from '../test/setup/host.js';

/** Where the commands are tried, in a directory with the proofs. */
interface Place {
  /** Runs a command line and shows what it says as it comes. */
  show(line: string): Promise<void>;
  /** Runs a command line and gives back what it says. */
  read(line: string): Promise<string>;
  close(): Promise<void>;
}

const project = join(import.meta.dirname, '..');

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});

async function main(): Promise<void> {
  const place = await choosePlace();
  try {
    await showing(place, 'rlimit run coq-standard --dry-run -- make -j2');
    const build = showing(place, 'rlimit run coq-standard -- make -j2');
    await untilRunning(place);
    await showing(place, 'rlimit inspect');
    await build;
    await showing(place, 'rlimit inspect');
  } finally {
    await place.close();
  }
  console.log('\nThat was a real build, and its limits were seen in the kernel while it ran.');
  console.log('Next: README.md, `npx rlimit profile list`, `npx rlimit tune coq-standard`.');
}

async function choosePlace(): Promise<Place> {
  const trouble = diagnoseUserManager(readUserManagerFacts());
  if (trouble === undefined) return here();
  console.log(`Not on this machine: ${trouble.message}.`);
  console.log('So in a throwaway one: Debian 13 in an emulator, about ten times slower.');
  await ensureHostPackages();
  return throwawayMachine();
}

async function here(): Promise<Place> {
  await ensurePackages({ coqc: 'coq', make: 'make' }, 'The example build needs');
  const cwd = await mkdtemp(join(tmpdir(), 'rlimit-try-'));
  await cp(join(project, 'examples/proofs'), cwd, { recursive: true });
  const shell = (line: string) =>
    ['-c', `rlimit() { ${join(project, 'bin/run.js')} "$@"; }; ${line}`] as const;
  return {
    show: async (line) => {
      await execa('sh', shell(line), { cwd, stdio: 'inherit' });
    },
    read: async (line) => (await execa('sh', shell(line), { cwd })).stdout,
    close: () => rm(cwd, { recursive: true, force: true }),
  };
}

async function throwawayMachine(): Promise<Place> {
  const machine = await bootMachine('trixie');
  const cwd = '/home/dev/proofs';
  await machine.exec(['cp', '-r', '/opt/rlimit/examples/proofs', cwd]);
  return {
    show: async (line) => {
      const command = await machine.spawn(line, { cwd, tty: { rows: 24, cols: 80 } });
      process.stdout.write(command.stdout);
      command.onOutput((data) => process.stdout.write(data));
      await command.wait();
    },
    read: async (line) => (await machine.exec(line, { cwd })).stdout,
    close: () => machine.close(),
  };
}

async function showing(place: Place, line: string): Promise<void> {
  console.log(`\n$ ${line}`);
  await place.show(line);
}

async function untilRunning(place: Place): Promise<void> {
  while ((await place.read('pgrep -x coqc || true')) === '') await sleep(100);
}
