/** The text of new profile files. Written by hand, so that the comments stand where they help. */

import { JOBS } from './body.js';

export interface Draft {
  name: string;
  summary?: string;
  extends?: string;
  limits: Readonly<Record<string, string>>;
  /** What is inherited, to be shown as a comment. */
  inherited?: Readonly<Record<string, string>>;
}

/** A profile of the user's: the whole file. */
export function userTemplate(draft: Draft): string {
  return [
    `# Profile ${draft.name} of rlimit. What is not said here comes from the profile below it:`,
    '# the one it extends, or the built-in one of the same name.',
    `# To see the outcome: rlimit profile show ${draft.name}`,
    '',
    ...bodyLines(draft),
    '',
    ...hints(),
    '',
  ].join('\n');
}

/** A project's file with one profile in it. */
export function projectTemplate(draft: Draft): string {
  return [
    '# Profiles of this project for rlimit: they count in this directory and below.',
    '# They may set limits, jobs, and counts of jobs and threads in the environment.',
    '',
    'profiles:',
    `  ${draft.name}:`,
    ...bodyLines(draft).map((line) => `    ${line}`.trimEnd()),
    '',
  ].join('\n');
}

/** The profile as plain data, for a project file that is there already. */
export function draftData(draft: Draft): Record<string, unknown> {
  return {
    ...(draft.summary === undefined ? {} : { summary: draft.summary }),
    ...(draft.extends === undefined ? {} : { extends: draft.extends }),
    limits: { ...draft.limits },
  };
}

function bodyLines({ summary, extends: parent, limits, inherited = {} }: Draft): string[] {
  const own = Object.entries(limits).map(([name, value]) => `  ${name}: ${scalar(value)}`);
  const others = Object.entries(inherited)
    .filter(([name]) => !Object.hasOwn(limits, name))
    .map(([name, value]) => `  # ${name}: ${scalar(value)}`);
  return [
    summary === undefined
      ? '# summary: one line for `rlimit profile list`'
      : `summary: ${scalar(summary)}`,
    ...(parent === undefined ? [] : [`extends: ${parent}`]),
    'limits:',
    '  # Sizes and CPUQuota may be shares of the machine: 60% of memory, 75% of cores.',
    '  # An empty value takes an inherited limit away.',
    ...own,
    ...(others.length > 0
      ? ['  # Inherited; take the # away to set another value:', ...others]
      : []),
  ];
}

function hints(): string[] {
  return [
    `# How one job of the build behaves, for \`rlimit tune\` and for ${JOBS}:`,
    '# jobs:',
    '#   memory: 1G-4G',
    '#   pick: high',
    '#   processes: [cc1plus, ld]',
    '# When programs stall between MemoryHigh and MemoryMax, --break-stall lifts MemoryHigh, or:',
    '# on-stall: kill',
    '# environment:',
    `#   CMAKE_BUILD_PARALLEL_LEVEL: ${JOBS}`,
  ];
}

/** Text as YAML: bare where YAML reads it back as it is, else in double quotes, which JSON's are. */
export function scalar(text: string): string {
  const bare = /^[A-Za-z0-9$/][A-Za-z0-9 _.,%/$+=-]*$/.test(text) && !text.endsWith(' ');
  return bare ? text : JSON.stringify(text);
}
