/** `rlimit run`: profile → limits → scope → the kernel's word → the command → its end. */
import { cgroupOf } from '../cgroup/index.js';
import { CannotRunError, EXIT } from '../errors/index.js';
import { readMachine } from '../machine/index.js';
import type { LeftOut, Machine } from '../model/index.js';
import { loadProfile, parseMachineOverride, resolve } from '../profiles/index.js';
import { renderLeftOut } from '../render/run.js';
import { scopeArgv } from '../systemd/compile.js';
import { diagnoseUserManager, readUserManagerFacts } from '../systemd/diagnose.js';
import { newRunId } from '../systemd/names.js';
import { systemdVersion } from '../systemd/version.js';
import { shellLine } from '../text/shell.js';
import type { RunContext } from './context.js';
import type { JobserverFacts } from './jobserver/index.js';
import type { Ending } from './launch.js';
import type { Launcher } from './launcher.js';
import type { Chosen } from './launchers/index.js';
import { bindOuter, outerRun } from './nested.js';
import type { RunOptions } from './options.js';
import { print, say } from './output.js';
import { type Plan, planRun } from './plan.js';
import { checkEncoding, checkProgram } from './program.js';
import { supervise } from './supervise.js';
import { SystemdLauncher } from './systemd-launcher.js';

/**
 * Runs a command under a profile, up to the command's end.
 * @returns how rlimit itself is to end: the command's own status or signal
 * @throws {RlimitError} when the command was not started
 */
export async function run(options: RunOptions, context: RunContext): Promise<Ending> {
  const { env } = context;
  if (options.on.length > 0) {
    const { runOnSlurm } = await import('./slurm/index.js');
    return runOnSlurm(options, context);
  }
  const chosen = await choose(options, env);
  const machine = machineFor(options, env, chosen);
  const profile = await loadProfile(options.profile, context);
  if (!options.quiet) for (const remark of profile.remarks) say(`rlimit: note: ${remark}`);
  const limits = resolve(profile, machine, {
    overrides: options.properties,
    force: options.force,
    ...(options.jobs === undefined ? {} : { jobs: options.jobs }),
  });
  const isManaged = chosen.kind === 'user' || chosen.kind === 'system';
  const outer = outerRun(env);
  const isWithin = outer !== undefined && isManaged;
  const bare = planRun(options, {
    limits,
    machine,
    id: newRunId(),
    env,
    ...(chosen.kind === 'system' ? { manager: 'system' } : {}),
    ...(isWithin ? { outer } : {}),
  });
  const plan = options.jobserver
    ? await planJobserver(bare, { profile, limits, machine, context, isDry: options.dryRun })
    : bare;
  if (!isManaged && options.slice !== undefined) plan.leftOut.push(noSlice(options.slice));
  if (options.dryRun) {
    printPlan(plan, options);
    return { status: EXIT.fine };
  }
  checkEncoding(options.command);
  checkProgram(options.command[0] ?? '', env.PATH);
  if (isWithin) bindOuter(outer, machine);
  const launcher = await launcherFor(chosen, plan, { machine, context });
  const { onStall = 'raise', jobs } = profile;
  const jobProcesses = jobs?.processes ?? [];
  return supervise(plan, { launcher, options, onStall, jobProcesses, machine, context });
}

async function planJobserver(plan: Plan, facts: JobserverFacts): Promise<Plan> {
  const { withJobserver } = await import('./jobserver/index.js');
  return withJobserver(plan, facts);
}

/** Where a run is started without systemd. */
function noSlice(slice: string): LeftOut {
  const why = 'slices are systemd’s, and this run is started without it';
  return { property: '--slice', wish: slice, why };
}

/**
 * The user's manager, wherever it can be had: only then is there nothing to load and to look at. A
 * run inside one that has no systemd stays there.
 */
async function choose(options: RunOptions, env: NodeJS.ProcessEnv): Promise<Chosen> {
  const { launcher, dryRun } = options;
  if (dryRun) return { kind: 'user' };
  const isPlain = launcher === 'user' || (launcher === 'auto' && !isInCgroupRun());
  if (isPlain && diagnoseUserManager(readUserManagerFacts({ env })) === undefined) {
    return { kind: 'user' };
  }
  const { chooseLauncher, readLauncherFacts } = await import('./launchers/index.js');
  return chooseLauncher(launcher, readLauncherFacts(env));
}

/** Whether we are in a cgroup as src/run/launchers/cgroup-launcher.ts makes them. */
function isInCgroupRun(): boolean {
  return /\/rlimit-[^/]+\/main(\/|$)/.test(cgroupOf('self') ?? '');
}

async function launcherFor(
  chosen: Chosen,
  plan: Plan,
  { machine, context }: { machine: Machine; context: RunContext },
): Promise<Launcher> {
  const { env } = context;
  if (chosen.kind === 'user' || chosen.kind === 'system') {
    const isInner = plan.within !== undefined;
    return new SystemdLauncher(plan.request, { machine, env, isInner });
  }
  const { launcherWithoutSystemd } = await import('./launchers/index.js');
  return launcherWithoutSystemd(chosen, plan.request, { machine, env });
}

function machineFor(options: RunOptions, env: NodeJS.ProcessEnv, { kind }: Chosen): Machine {
  // What systemd cannot take does not matter where there is none.
  const systemd = kind === 'cgroup' || kind === 'watched' ? undefined : systemdVersion(env);
  const here = { ...readMachine(), ...(systemd === undefined ? {} : { systemd }) };
  if (options.machine === undefined) return here;
  if (!options.dryRun) {
    throw new CannotRunError('--machine only answers for another machine', {
      remedy: 'add --dry-run',
    });
  }
  return parseMachineOverride(options.machine, here);
}

function printPlan(plan: Plan, options: RunOptions): void {
  // Pasted, it has nobody who reads the figures of a slice of its own and clears up behind it.
  const request = { ...plan.request, slice: plan.slice, collect: true };
  const argv = scopeArgv(request, plan.command);
  if (options.json) {
    const { request: _, ...rest } = plan;
    const { systemd, collect, ...unit } = request;
    print(JSON.stringify({ ...rest, ...unit, argv }, null, 2));
    return;
  }
  if (!options.quiet) {
    for (const leftOut of plan.leftOut) say(renderLeftOut(leftOut));
    for (const remark of plan.remarks ?? []) say(remark);
  }
  print(shellLine(argv));
}
