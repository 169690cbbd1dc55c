/** How a step ended: its own report first, since it rests on the kernel; Slurm is asked for the rest. */
import { CannotRunError } from '../../errors/index.js';
import type { Figures, Machine } from '../../model/index.js';
import { renderStart } from '../../render/run.js';
import { wordVerdict } from '../../render/verdict.js';
import { believeStep } from '../../slurm/index.js';
import { type Evidence, judge } from '../../verdict/index.js';
import type { RunContext } from '../context.js';
import type { Ending } from '../launch.js';
import type { RunOptions } from '../options.js';
import { keep, outcomeOf, tell } from '../outcome.js';
import { say } from '../output.js';
import { askEnd, type End } from './ask.js';
import type { SlurmPlan } from './plan.js';
import type { StepSeen } from './step.js';

interface Circumstances {
  options: RunOptions;
  context: RunContext;
  /** The node that the run was sized for. */
  machine: Machine;
  /** Milliseconds since the epoch at the start of srun. */
  started: number;
}

/**
 * Says how it ended, and keeps that.
 * @throws {CannotRunError} with --strict, when the step refused
 */
export function conclude(
  plan: SlurmPlan,
  seen: StepSeen,
  { options, context, machine, started }: Circumstances,
): Ending {
  const { begun, elapsedMs } = seen;
  if (begun?.refused) {
    throw new CannotRunError('not started: --strict, and not every property is in force');
  }
  if (begun === undefined && !options.quiet) {
    const findings = believeStep(plan.asked, undefined);
    const { leftOut, name: unit } = plan;
    say(renderStart({ unit, launcher: 'slurm', enforced: {}, findings, leftOut }));
  }
  const end = endOf(seen, context.env);
  const ending = endingOf(seen, end);
  const evidence = evidenceOf(plan, seen, { end, ending, machine });
  const { profile, command, jobs } = plan;
  const record = { unit: plan.name, profile, command, cwd: context.cwd, started };
  const outcome = outcomeOf(
    { ...record, ...(jobs === undefined ? {} : { jobs }) },
    { kind: 'slurm' },
    ending,
    {
      elapsedMs,
      limits: { ...plan.asked.properties },
      figures: evidence.measured.figures,
      ...slurmOf(seen, end),
      verdict: wordVerdict(judge(evidence), evidence),
    },
  );
  tell(outcome, options, undefined);
  keep(outcome, context.env);
  return ending;
}

/** A run that went well is not made to wait for what Slurm says of it. */
function endOf({ begun, ended, words }: StepSeen, env: NodeJS.ProcessEnv): End {
  const isClear = ended?.status === 0 && !ended.kills;
  if (begun === undefined || isClear) return { says: [] };
  return askEnd(begun.step, { words, isInside: env.SLURM_JOB_ID !== undefined, env });
}

/**
 * The command's own status, as its shell had it. srun says 1 wherever anything in the step was killed for
 * memory; where the shell was killed with it, it was SIGKILL.
 */
function endingOf({ srun, ended }: StepSeen, { state }: End): Ending {
  if (ended !== undefined) return { status: ended.status };
  return state?.state === 'OUT_OF_MEMORY' ? { signal: 'SIGKILL' } : srun;
}

function evidenceOf(
  plan: SlurmPlan,
  { ended, elapsedMs, received }: StepSeen,
  { end, ending, machine }: { end: End; ending: Ending; machine: Machine },
): Evidence {
  const { peak, oom, kills, cpu } = ended ?? {};
  const memoryPeak = peak ?? end.state?.maxRss;
  const figures: Figures = {
    ...(memoryPeak === undefined ? {} : { memoryPeak }),
    ...(cpu === undefined ? {} : { cpuUsec: cpu }),
    ...(kills === undefined ? {} : { oomKills: kills }),
  };
  const { state, cancelledBy } = end.state ?? {};
  return {
    command: plan.command,
    launcher: 'slurm',
    ending,
    elapsedMs,
    limits: plan.asked.properties,
    ...(plan.jobs === undefined ? {} : { jobs: plan.jobs }),
    cpus: machine.cpus,
    measured: {
      figures,
      // cgroup v1 counts kills only, and Slurm's own limit is the one there.
      events: kills === undefined ? {} : { oom: oom ?? kills, oom_kill: kills },
      ancestors: [],
      machine: { total: machine.memory },
    },
    received,
    slurm: {
      says: end.says,
      ...(state === undefined ? {} : { state }),
      ...(cancelledBy === undefined ? {} : { cancelledBy }),
    },
  };
}

function slurmOf({ begun }: StepSeen, { state }: End) {
  if (begun === undefined) return {};
  const { step, node } = begun;
  return {
    slurm: {
      step,
      ...(node === undefined ? {} : { node }),
      ...(state === undefined ? {} : { state: state.state }),
    },
  };
}
