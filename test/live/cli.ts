import { parseArgs } from 'node:util';
import { ensureHostPackages } from '../setup/host.js';
import type { ExecOptions, GuestProcess } from './guest-process.js';
import { ensureImage, type ImageKind } from './image.js';
import { type BootOptions, bootMachine, type LiveMachine } from './machine.js';
import { isBuilt } from './payload.js';
import { parseSuite, parseSuites } from './suites.js';

const usage = `Test machines: Debian with a real systemd, under emulation.

  build [SUITE...]                 make the disk images now
  shell [OPTIONS] SUITE            an interactive shell in a fresh machine
  exec  [OPTIONS] SUITE COMMAND    one line of bash in a fresh machine

SUITE is bookworm, trixie or forky. The user is dev unless --root is given. --plans takes the image
that the plans of rlimit apply are tried on, --memory MIB and --cpus N another machine.
What \`npm run build\` made is installed there as rlimit; see also /opt/rlimit.
`;

type User = NonNullable<ExecOptions['user']>;

/** Do what the arguments say, and give back the exit status. */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      root: { type: 'boolean', default: false },
      plans: { type: 'boolean', default: false },
      memory: { type: 'string' },
      cpus: { type: 'string' },
    },
  });
  const image = values.plans ? 'plans' : 'standard';
  const options: BootOptions = {
    image,
    payload: isBuilt() ? 'product' : 'none',
    ...(values.memory === undefined ? {} : { memoryMiB: Number(values.memory) }),
    ...(values.cpus === undefined ? {} : { cpus: Number(values.cpus) }),
  };
  const user = values.root ? 'root' : 'dev';
  const [verb, suite = '', command] = positionals;
  if (verb === 'build') return build(positionals.slice(1), image);
  if (verb === 'shell') return withMachine(suite, options, (machine) => shell(machine, user));
  if (verb === 'exec' && command !== undefined) {
    return withMachine(suite, options, (machine) => execute(machine, command, user));
  }
  process.stderr.write(usage);
  return 2;
}

async function build(names: string[], image: ImageKind): Promise<number> {
  await ensureHostPackages();
  for (const suite of parseSuites(names.join(','))) {
    const { disk } = await ensureImage(suite, image);
    process.stdout.write(`${suite}: ${disk}\n`);
  }
  return 0;
}

async function withMachine(
  suite: string,
  options: BootOptions,
  use: (machine: LiveMachine) => Promise<number>,
): Promise<number> {
  await ensureHostPackages();
  if (!isBuilt()) process.stderr.write('There is no dist/: the machine will have no rlimit.\n');
  const machine = await bootMachine(parseSuite(suite), options);
  try {
    return await use(machine);
  } finally {
    await machine.close();
  }
}

async function execute(machine: LiveMachine, command: string, user: User): Promise<number> {
  const running = await machine.spawn(command, { user });
  running.end();
  running.onOutput((data, stream) => process[stream].write(data));
  return endOf(running);
}

async function shell(machine: LiveMachine, user: User): Promise<number> {
  const { stdin, stdout } = process;
  const size = () => ({ rows: stdout.rows ?? 24, cols: stdout.columns ?? 80 });
  const running = await machine.spawn(['bash', '--login'], { user, tty: size() });
  running.onOutput((data) => stdout.write(data));
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.on('data', (data: Buffer) => running.write(data));
  stdout.on('resize', () => running.resize(size()));
  try {
    return await endOf(running);
  } finally {
    if (stdin.isTTY) stdin.setRawMode(false);
    stdin.destroy();
  }
}

/** The exit status as a shell would give it. */
async function endOf(running: GuestProcess): Promise<number> {
  const { status, signal } = await running.wait(Number.POSITIVE_INFINITY);
  if (signal !== null) process.stderr.write(`ended by ${signal}\n`);
  return status ?? 255;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
