/** The parts that findings share: severity, the sentence's frame, the command that sets a value. */
import type { Finding, Severity, TroubleId } from '../model/index.js';
import { propertySpec } from '../properties/index.js';
import { shellQuote } from '../text/shell.js';
import type { Asked, KernelContext } from './context.js';
import { kernelWrites } from './kernel-text.js';
import type { Meaning, Value } from './meaning.js';

/** Where the cgroup v2 tree is, as it stands in commands for people. */
export const CGROUPS = '/sys/fs/cgroup';

/** A hard limit that does not hold is a problem; a weight, a watermark or a hint a warning. */
export function finding(
  id: TroubleId,
  asked: Asked,
  { unit }: KernelContext,
  details: Pick<Finding, 'cause' | 'remedy' | 'observed' | 'where'> & { severity?: Severity },
): Finding {
  return {
    id,
    severity: propertySpec(asked.name).force === 'hard' ? 'problem' : 'warning',
    ...(unit === undefined ? {} : { unit }),
    property: asked.name,
    wanted: asked.text,
    ...details,
  };
}

/** The command that gives a unit the value that was asked for. */
export function setAgain({ name, text }: Asked, context: KernelContext): string {
  const { unit, system, ownCgroup } = context;
  if (ownCgroup !== undefined) {
    const [write] = kernelWrites({ [name]: text }, context);
    return `echo '${write?.text ?? text}' >${CGROUPS}${ownCgroup}/${write?.file ?? ''}`;
  }
  const manager = system ? 'sudo systemctl' : 'systemctl --user';
  const value = shellQuote(`${name}=${text}`);
  return `${manager} set-property --runtime ${shellQuote(unit ?? 'UNIT')} ${value}`;
}

/** systemctl as it is called for the unit of a cgroup: below user@UID.service it is one of the user's manager. */
export function managerOf(cgroup: string): string {
  return /\/user@\d+\.service\//.test(cgroup) ? 'systemctl --user' : 'sudo systemctl';
}

/** The cgroup above. */
export function parentOf(cgroup: string): string {
  return cgroup.slice(0, cgroup.lastIndexOf('/')) || '/';
}

/** A cgroup’s path as it stands behind the root’s. */
export function below(cgroup: string): string {
  return cgroup === '/' ? '' : cgroup;
}

function describe(wanted: Value | undefined, meaning: Meaning, asked: Asked): string {
  return wanted === undefined ? asked.text : meaning.text(wanted);
}

/** The kernel’s file of a property. */
export function fileOf(asked: Asked): string {
  return propertySpec(asked.name).file ?? '';
}

/** A value that is another than asked for; one that is tighter limits all the same. */
export function differs(
  id: TroubleId,
  { asked, meaning, held }: { asked: Asked; meaning: Meaning; held: Value | undefined },
  context: KernelContext,
  causeOf: (wanted: string, observed: string) => string,
): Finding {
  const wanted = asked.value;
  const observed = held === undefined ? 'nothing' : meaning.text(held);
  const tighter = wanted !== undefined && held !== undefined && !meaning.looser(wanted, held);
  return finding(id, asked, context, {
    observed,
    cause: causeOf(describe(wanted, meaning, asked), observed),
    remedy: setAgain(asked, context),
    ...(tighter ? { severity: 'warning' } : {}),
  });
}
