/** What Slurm 24.11 of Debian 13 said of jobs of one task, cut to the parts that matter. */

const job = (id: number, said: string) =>
  `JobId=${id} JobName=sh UserId=dev(1000) GroupId=dev(1000) MCS_label=N/A Priority=1 Nice=0 Account=(null) ` +
  `QOS=normal ${said} RunTime=00:00:02 TimeLimit=01:00:00 Partition=debug NodeList=guest Command=sh WorkDir=/tmp \n`;

/** `scontrol --oneliner show job`. */
export const SCONTROL = {
  oom: job(2, 'JobState=OUT_OF_MEMORY Reason=OutOfMemory Dependency=(null) ExitCode=0:125'),
  sigkill: job(4, 'JobState=FAILED Reason=RaisedSignal:9(Killed) Dependency=(null) ExitCode=0:9'),
  status2: job(6, 'JobState=FAILED Reason=NonZeroExitCode Dependency=(null) ExitCode=2:0'),
  completed: job(7, 'JobState=COMPLETED Reason=None Dependency=(null) ExitCode=0:0'),
  cancelled: job(12, 'JobState=CANCELLED Reason=None Dependency=(null) ExitCode=0:15'),
  timeout: job(16, 'JobState=TIMEOUT Reason=TimeLimit Dependency=(null) ExitCode=0:15'),
  nodeFail: job(17, 'JobState=NODE_FAIL Reason=NodeDown FailedNode=guest ExitCode=0:1'),
  running: job(39, 'JobState=RUNNING Reason=None Dependency=(null) ExitCode=0:0'),
};

/** `sacct --noheader --parsable2 --format=JobID,State,ExitCode,MaxRSS`. */
export const SACCT = {
  oom: '2|OUT_OF_MEMORY|0:125|\n2.0|OUT_OF_MEMORY|0:125|65160K\n',
  sigkill: '4|FAILED|0:9|\n4.0|CANCELLED|0:9|584K\n',
  completed: '7|COMPLETED|0:0|\n7.0|COMPLETED|0:0|620K\n',
  terminated: '11|FAILED|0:9|\n11.0|CANCELLED by 1000|0:9|564K\n',
  cancelled: '12|CANCELLED by 1000|0:0|\n12.0|CANCELLED|0:15|604K\n',
  timeout: '16|TIMEOUT|0:0|\n16.0|CANCELLED|0:15|596K\n',
  nodeFail: '17|NODE_FAIL|1:0|\n17.0|CANCELLED||\n',
  inside: '39|RUNNING|0:0|\n39.0|OUT_OF_MEMORY|0:125|65000K\n39.1|FAILED|3:0|636K\n',
};

/** Lines of srun and slurmstepd on stderr. */
export const WORDS = {
  oom: [
    'slurmstepd-guest: error: Detected 1 oom_kill event in StepId=2.0. Some of the step tasks have been OOM Killed.',
    'srun: error: guest: task 0: Out Of Memory',
  ],
  status2: ['srun: error: guest: task 0: Exited with exit code 2'],
  cancelled: [
    'srun: Job step aborted: Waiting up to 7 seconds for job step to finish.',
    'slurmstepd-guest: error: *** STEP 12.0 ON guest CANCELLED AT 2026-11-22T03:01:17 ***',
    'srun: error: guest: task 0: Terminated',
  ],
  timeout: [
    'srun: Job step aborted: Waiting up to 7 seconds for job step to finish.',
    'slurmstepd-guest: error: *** STEP 16.0 ON guest CANCELLED AT 2026-11-22T03:06:00 DUE TO TIME LIMIT ***',
    'srun: error: guest: task 0: Terminated',
  ],
  nodeFail: ['srun: error: Node failure on guest'],
};

/** `sinfo` as `SINFO` asks: two partitions on one node, and a larger cluster in the same words. */
export const NODES = 'guest|debug|debug*|1500|2|1|idle\nguest|long|long|1500|2|1|idle\n';
export const CLUSTER = `n1|batch|batch*|257000|72|2|mix
n2|batch|batch*|128000|36|1|idle
n3|batch|batch*|64000|36|1|down*
fat|himem|himem|1031000|128|2|drain
fat2|himem|himem|2063000|128|2|alloc

slurm_load_partitions: not a node
`;
