/** What a plan would do here. Reads, and changes nothing. */
import { placeHere } from '../doctor/index.js';
import { machineOf } from '../inspect/machine.js';
import type { Machine } from '../model/index.js';
import { parseMachineOverride } from '../profiles/machine-override.js';
import type { ManagerKind } from '../systemd/client.js';
import { unifiedDiff } from '../text/index.js';
import { compilePlan, servicesIn } from './compile/index.js';
import { timerFiles } from './compile/timers.js';
import type { Compiled, LeftOver } from './compile/types.js';
import { commandsOf } from './effects.js';
import { readFacts } from './facts.js';
import { type Ground, groundOf, tolerantLoad } from './ground.js';
import type { Journal } from './journal.js';
import type { Plan } from './plan.js';
import type { ApplyOptions, FileDiff, Prepared, Preview } from './report.js';
import { type Draft, draftApply, textOf } from './transaction.js';

/**
 * Compiles a plan for this machine and compares it with what is there. Changes nothing.
 * @throws {UsageError} for limits that would harm, and a file that cannot be merged with
 * @throws {UnavailableError} where files cannot be read
 */
export async function preparePlan(plan: Plan, options: ApplyOptions = {}): Promise<Prepared> {
  const { root = '', env = process.env } = options;
  const ground = groundOf(plan.name, options);
  const here = machineOf(env);
  const machine: Machine =
    options.machine === undefined ? here : parseMachineOverride(options.machine, here);
  const place = { ...placeHere(), root, uid: ground.uid, env };
  const facts = await readFacts(place, {
    machine,
    services: servicesIn(plan),
    files: timerFiles(plan),
  });
  const whole = await compilePlan(plan, facts, {
    force: (options.force ?? false) || (options.lenient ?? false),
    runtime: options.runtime ?? false,
    env,
  });
  const compiled = partFor(whole, ground, plan);
  const journal = tolerantLoad(ground.store);
  const draft = draftApply(compiled.files, journal, root);
  return {
    plan,
    compiled,
    options,
    preview: previewOf(plan, compiled, { draft, journal, options }),
  };
}

/** Root writes what is the system's, everybody else what is their own; the rest is told. */
function partFor(compiled: Compiled, { uid, isTree }: Ground, plan: Plan): Compiled {
  const mine: ManagerKind = isTree || uid === 0 ? 'system' : 'user';
  const others = compiled.files.filter(({ manager }) => manager !== mine);
  const files = compiled.files.filter(({ manager }) => manager === mine);
  const units = compiled.units.filter(({ manager }) => manager === mine);
  const actions = compiled.actions.filter((action) =>
    action.do === 'reload' ? action.manager === mine : mine === 'system',
  );
  const told: LeftOver[] =
    others.length === 0
      ? []
      : [
          otherPart(
            mine,
            others.map(({ why }) => why),
            plan,
          ),
        ];
  if (mine === 'system')
    return { ...compiled, files, units, actions, left: [...compiled.left, ...told] };
  const { tryOut: _, ...rest } = compiled;
  return {
    ...rest,
    files,
    units,
    userUnits: [],
    actions,
    wishes: [],
    made: [],
    folders: [],
    left: told,
  };
}

function otherPart(mine: ManagerKind, whys: readonly string[], { name, file }: Plan): LeftOver {
  const what = [...new Set(whys)].join(', ');
  return mine === 'user'
    ? { what: `left to root: ${what}`, run: `sudo rlimit apply ${file ?? name}` }
    : { what: `left to each user: ${what}`, run: `rlimit apply ${file ?? name}` };
}

function previewOf(
  plan: Plan,
  compiled: Compiled,
  { draft, journal, options }: { draft: Draft; journal: Journal; options: ApplyOptions },
): Preview {
  const { root = '', runtime = false, restart = true } = options;
  const whys = Object.fromEntries(compiled.files.map(({ path, why }) => [path, why]));
  const { sums, notes, left } = compiled;
  return {
    plan: plan.name,
    summary: plan.summary,
    way: root !== '' ? 'tree' : runtime ? 'trial' : 'for good',
    files: diffsOf(draft, whys),
    commands: root !== '' ? [] : commandsOf(compiled.actions, restart),
    sums,
    notes,
    left,
    edited: draft.edited,
    ...(journal.open === undefined ? {} : { interrupted: journal.open.kind }),
  };
}

/** The moves of files as differences of texts. */
export function diffsOf(
  { moves, contents }: Draft,
  whys: Readonly<Record<string, string>>,
): FileDiff[] {
  return moves.map(({ path, from, to }) => ({
    path,
    why: whys[path] ?? 'no part of the plan any more',
    change: from.kind === 'absent' ? 'new' : to.kind === 'absent' ? 'removed' : 'changed',
    diff: unifiedDiff(textOf(from, contents), textOf(to, contents), {
      from: from.kind === 'absent' ? '/dev/null' : path,
      to: to.kind === 'absent' ? '/dev/null' : path,
    }),
  }));
}
