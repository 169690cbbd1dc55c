/**
 * The entry of the executable. `run` goes straight to its own code; every other verb, and the help
 * of all, goes through oclif, which takes longer to load than a command takes to start. `guard run`
 * does without oclif as well, since it stays: what is loaded once is resident for ever.
 */
import { run } from './run/index.js';
import type { Ending } from './run/launch.js';
import { parseRunArguments } from './run/options.js';
import { takeStartedWith } from './run/started-with.js';

const startedWith = takeStartedWith(process.env);
const [verb, ...rest] = process.argv.slice(2);
void (verb === 'run' ? runVerb(rest) : verb === 'guard' ? guardVerb(rest) : otherVerb());

async function runVerb(argv: string[]): Promise<void> {
  try {
    const options = parseRunArguments(argv);
    if (options.help) await otherVerb();
    else endAs(await run(options, { cwd: process.cwd(), startedWith, env: startedWith.env }));
  } catch (error) {
    const { reportRunError } = await import('./cli/report-run-error.js');
    process.exit(reportRunError(error, argv));
  }
}

/** Ends the way the command ended: a death by signal is a death by signal. */
function endAs({ status, signal }: Ending): void {
  if (signal === undefined) process.exit(status);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  // SIGKILL and its like have ended us by now; whatever has not is told as shells tell it.
  setTimeout(() => process.exit(1), 1000);
}

async function guardVerb([verb_, ...argv]: string[]): Promise<void> {
  if (verb_ !== 'run') return otherVerb();
  const { runDaemon } = await import('./cli/guard-daemon.js');
  const status = await runDaemon(argv);
  if (status === undefined) await otherVerb();
  else process.exit(status);
}

async function otherVerb(): Promise<void> {
  const { runOclif } = await import('./cli/oclif.js');
  await runOclif();
}
