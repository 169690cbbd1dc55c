/** A TasksMax that a build of so many jobs runs into. */

import { adviseJobs } from '../profiles/jobs.js';
import { jobMemory } from '../profiles/resolve.js';
import { amountOf, described } from '../profiles/rules.js';
import { askedJobs } from './asked-jobs.js';
import type { Lint, Subject } from './subject.js';

/**
 * Tasks of one job beside the threads that do its work: the shell of the recipe and the compiler's
 * driver. Seen: `make -j4` with g++ has 13 tasks, itself and three for each job.
 */
const TASKS_AROUND_A_JOB = 2;

/** What is said is the least that the jobs need: programs with threads need more. */
export function lintTasks({ profile, limits, machine }: Subject): Lint[] {
  const tasks = limits.find(({ property }) => property === 'TasksMax');
  if (tasks === undefined || tasks.value === 'infinity') return [];
  const { jobs: model } = profile;
  const advised = model ? adviseJobs(model, machine, jobMemory(limits, machine)).pick : 0;
  const jobs = Math.max(advised, ...askedJobs(profile).map((asked) => asked.jobs));
  const perJob = TASKS_AROUND_A_JOB + Math.max(1, Math.ceil(model?.cores ?? 1));
  const least = 1 + jobs * perJob;
  if (jobs < 1 || amountOf(tasks) >= least) return [];
  return [
    {
      id: 'tasks-too-few-for-jobs',
      severity: 'warning',
      key: 'limits.TasksMax',
      message: `${described(tasks)} is too few for -j${jobs}: that takes ${least} tasks or more`,
      why:
        `A job is ${perJob} tasks (the shell of the recipe, the compiler’s driver, and what works), ` +
        'and the build tool is one more. At TasksMax fork() fails: Resource temporarily unavailable.',
      remedy: `TasksMax: ${2 * least}; or fewer jobs`,
    },
  ];
}
