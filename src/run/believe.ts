import { CannotRunError } from '../errors/index.js';
import type { LauncherKind } from '../model/index.js';
import { isPropertyName, propertySpec } from '../properties/index.js';
import { renderHandover, renderStart } from '../render/run.js';
import { handoverOf } from './daemons.js';
import type { Believed, Launcher } from './launcher.js';
import type { RunOptions } from './options.js';
import { say } from './output.js';
import type { Plan } from './plan.js';

/**
 * Believes no limit until it is seen in force; says what is, and refuses where that was asked for.
 * @param pid the command at the gate
 * @throws {CannotRunError} with --strict, when not all is in force
 */
export function believe(
  plan: Plan,
  pid: number,
  { launcher, options }: { launcher: Launcher; options: RunOptions },
): void {
  const believed = launcher.believe(pid);
  const { findings, watched } = believed;
  const whole = findings.length + watched.length + plan.leftOut.length === 0;
  if (!options.quiet || (options.strict && !whole)) announce(plan, believed, launcher.kind);
  if (!options.strict || whole) return;
  throw new CannotRunError('not started: --strict, and not every property is in force');
}

/** Only what has a file in the kernel can be said to be in force: OOMPolicy= has none. */
function announce(plan: Plan, { findings, watched }: Believed, launcher: LauncherKind): void {
  const { unit, properties } = plan.request;
  const troubled = new Set(findings.map(({ property }) => property));
  const chosen = (isMeant: (name: string) => boolean) =>
    Object.fromEntries(Object.entries(properties).filter(([name]) => isMeant(name)));
  const isHeld = (name: string) => isPropertyName(name) && Boolean(propertySpec(name).file);
  const start = {
    unit,
    launcher,
    enforced: chosen((name) => isHeld(name) && !troubled.has(name) && !watched.includes(name)),
    watched: chosen((name) => watched.includes(name)),
    findings,
    leftOut: plan.leftOut,
  };
  say(renderStart({ ...start, ...(plan.within === undefined ? {} : { within: plan.within }) }));
  const handover = handoverOf(plan.command);
  if (handover !== undefined) say(renderHandover(handover));
  for (const remark of plan.remarks ?? []) say(remark);
}
