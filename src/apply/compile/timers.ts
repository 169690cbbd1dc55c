/** Timers of a plan: the units of `rlimit timers install`, and their links for the boot. Pure. */
import {
  INSTALLED_BY,
  startedUnit,
  type TimerName,
  type TimerOptions,
  unitTexts,
  workingUnit,
} from '../../timers/index.js';
import { originOf, ownText, writtenBy } from '../../units/index.js';
import type { PlanFacts } from '../facts.js';
import type { Plan, TimersPlan } from '../plan.js';
import type { Compiled, PlannedFile } from './types.js';

type Parts = Pick<Compiled, 'files' | 'actions' | 'wishes' | 'notes' | 'made' | 'folders'>;

const FOLDER = '/etc/systemd/system';

/** Files that decide whether a timer is there already. */
export function timerFiles({ timers }: Plan): string[] {
  return (timers?.names ?? []).flatMap((name) =>
    [...new Set([workingUnit(name), startedUnit(name)])].map((unit) => `${FOLDER}/${unit}`),
  );
}

/** What `rlimit timers install` has set up is verified, and is not the plan's to take away. */
export function timers(plan: Plan, wish: TimersPlan, facts: PlanFacts): Parts {
  const options: TimerOptions = { ...facts.timerOptions, ...wish.options };
  const parts: Parts = { files: [], actions: [], wishes: [], notes: [], made: [], folders: [] };
  for (const name of wish.names) {
    parts.wishes.push({ what: 'timer', name });
    if (isInstalled(name, facts)) {
      parts.notes.push(
        `${startedUnit(name)} is there by \`rlimit timers install\`: the plan leaves it as it is and does not take it away`,
      );
      continue;
    }
    parts.files.push(...filesOf(name, plan, options));
    parts.actions.push({ do: 'start', unit: startedUnit(name), why: `the timer ${name}` });
    if (name !== 'metrics') continue;
    parts.folders.push(options.textfile);
    parts.made.push(`${options.textfile}/rlimit.prom`);
  }
  if (facts.isTree && parts.files.length > 0) {
    parts.notes.push(
      ...parts.folders.map(
        (folder) => `metrics are written into ${folder}, which is not made in a tree`,
      ),
      `the timers start rlimit as it is installed here: ${options.program.join(' ')}`,
    );
  }
  return parts;
}

/** Edited or not: it was set up without the plan. */
function isInstalled(name: TimerName, { texts }: PlanFacts): boolean {
  const text = texts[`${FOLDER}/${workingUnit(name)}`] ?? '';
  return originOf(text, `# ${INSTALLED_BY}`).origin !== 'foreign';
}

function filesOf(name: TimerName, plan: Plan, options: TimerOptions): PlannedFile[] {
  const header = `${writtenBy(plan.name)}; \`rlimit apply --revert\` takes it away.`;
  const started = startedUnit(name);
  const target = started.endsWith('.timer') ? 'timers.target' : 'multi-user.target';
  const link = `${FOLDER}/${target}.wants/${started}`;
  const why = `the timer ${name}`;
  return [
    ...unitTexts([name], options, header).map(
      ({ name: unit, text }): PlannedFile => ({
        path: `${FOLDER}/${unit}`,
        content: ownText(text),
        why,
        manager: 'system',
      }),
    ),
    {
      path: link,
      content: `${FOLDER}/${started}`,
      link: true,
      why: `${why} at boot`,
      manager: 'system',
    },
  ];
}
