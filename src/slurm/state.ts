/** What Slurm says of the end of a job: scontrol, sacct, and srun's own words. Pure. */

/** How Slurm saw a job or step end. */
export interface StepState {
  /** One word: `COMPLETED`, `OUT_OF_MEMORY`, `TIMEOUT`, `CANCELLED` … */
  state: string;
  /** Its reason, where it gives one: `NodeDown`. */
  reason?: string;
  /** User that cancelled it, where sacct tells. */
  cancelledBy?: number;
  /** The line or fields that it was read from. */
  says: string;
  /** MaxRSS of the accounting in bytes: the most of samples. */
  maxRss?: number;
}

/** States of a job that goes on, or of which not all is known yet (squeue(1), job state codes). */
const UNFINISHED = new Set([
  ...['PENDING', 'CONFIGURING', 'RUNNING', 'SUSPENDED', 'STOPPED', 'SIGNALING', 'STAGE_OUT'],
  ...['COMPLETING', 'REQUEUED', 'REQUEUE_HOLD', 'RESIZING', 'SPECIAL_EXIT', 'RESV_DEL_HOLD'],
]);

/** Whether the state is one that a job ends in. */
export function isFinal({ state }: StepState): boolean {
  return !UNFINISHED.has(state);
}

/** Reads `scontrol --oneliner show job ID`: `KEY=VALUE` words; undefined where there is no such job. */
export function parseScontrol(text: string): StepState | undefined {
  const state = /(?:^|\s)JobState=(\S+)/.exec(text)?.[1];
  if (state === undefined) return undefined;
  const reason = /\sReason=(\S+)/.exec(text)?.[1];
  const exit = /\sExitCode=(\S+)/.exec(text)?.[1];
  const words = [`JobState=${state}`, ...(reason === undefined ? [] : [`Reason=${reason}`])];
  return {
    state,
    ...(reason === undefined || reason === 'None' ? {} : { reason }),
    says: `scontrol: ${[...words, ...(exit === undefined ? [] : [`ExitCode=${exit}`])].join(' ')}`,
  };
}

/** What `parseSacct` reads. */
export const SACCT = ['--noheader', '--parsable2', '--format=JobID,State,ExitCode,MaxRSS'];

/**
 * Reads lines of sacct for a job and its steps. The line of the job has its state: a step that ran into
 * the time limit is CANCELLED there, its job TIMEOUT. In a job that goes on (a run inside of an
 * allocation) the step's own line counts.
 * @param step `123.0`
 */
export function parseSacct(text: string, step: string): StepState | undefined {
  const rows = text.split('\n').map((line) => line.split('|'));
  const find = (id: string) => rows.find(([first]) => first === id);
  const [own, job] = [find(step), find(step.replace(/\..*/, ''))];
  const jobState = job === undefined ? undefined : stateOf(job);
  const row = jobState !== undefined && isFinal(jobState) ? job : (own ?? job);
  if (row === undefined) return undefined;
  const maxRss = bytesOf(own?.[3]);
  const by =
    /^CANCELLED by (\d+)$/.exec(own?.[1] ?? '') ?? /^CANCELLED by (\d+)$/.exec(row[1] ?? '');
  return {
    ...stateOf(row),
    ...(by?.[1] === undefined ? {} : { cancelledBy: Number(by[1]) }),
    ...(maxRss === undefined ? {} : { maxRss }),
  };
}

function stateOf([id = '', said = '', exit = '']: readonly string[]): StepState {
  return { state: said.split(' ')[0] ?? '', says: `sacct: ${id} ${said} ${exit}` };
}

/** `65160K`; sacct rounds to whole kilobytes, megabytes only with --units. */
function bytesOf(text: string | undefined): number | undefined {
  const [, number, unit = ''] = /^([\d.]+)([KMGT]?)$/.exec(text ?? '') ?? [];
  if (number === undefined) return undefined;
  return Math.round(Number(number) * 1024 ** ' KMGT'.indexOf(unit || ' '));
}

/**
 * What srun and slurmstepd wrote on stderr, where nothing else is to be had. A command can write the same,
 * so it is a guess.
 */
export function guessFromWords(lines: readonly string[]): StepState | undefined {
  for (const line of lines) {
    const found = WORDS.find(([pattern]) => pattern.test(line));
    if (found !== undefined) return { state: found[1], says: line };
  }
  return undefined;
}

const WORDS: readonly (readonly [RegExp, string])[] = [
  [/^slurmstepd.*error: Detected \d+ oom[_-]kill event/, 'OUT_OF_MEMORY'],
  [/^srun: error: .*: Out Of Memory/, 'OUT_OF_MEMORY'],
  [/^slurmstepd.*\*\*\* .* CANCELLED AT .* DUE TO TIME LIMIT/, 'TIMEOUT'],
  [/^slurmstepd.*\*\*\* .* CANCELLED AT .* DUE TO PREEMPTION/, 'PREEMPTED'],
  [/^slurmstepd.*\*\*\* .* DUE TO NODE FAILURE/, 'NODE_FAIL'],
  [/^srun: error: Node failure on /, 'NODE_FAIL'],
  [/^slurmstepd.*\*\*\* .* CANCELLED AT /, 'CANCELLED'],
];

/** Whether a line is of srun's own or of the daemon that starts a step. */
export function isOfSlurm(line: string): boolean {
  return /^(srun|slurmstepd[^:\s]*): /.test(line);
}
