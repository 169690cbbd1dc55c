/**
 * Why systemd holds another value than was asked for: all wording of such findings. Not for `run`,
 * which asks systemd nothing.
 */
import type { Finding } from '../model/index.js';
import { roughBytes } from '../quantity/index.js';
import type { Setting } from '../systemd/settings.js';
import { printable, shellQuote } from '../text/index.js';
import type { AncestorLimit } from './ancestors.js';
import type { Asked, KernelContext } from './context.js';
import type { Meaning, Value } from './meaning.js';
import { differs, finding, setAgain } from './wording.js';

interface Difference {
  asked: Asked;
  meaning: Meaning;
  /** What systemd holds. */
  held: Value | undefined;
}

/** systemd itself holds another value than was asked of it: who gave it that one. */
export function otherThanAsked(difference: Difference, context: KernelContext): Finding {
  const { name } = difference.asked;
  const setting = context.settings?.[name];
  if (notLoaded(difference, context)) return notReloaded(difference, context);
  if (context.profile !== undefined) return otherThanProfile(difference, setting, context);
  const isOverride = setting?.source === 'drop-in' || setting?.source === 'unit file';
  return isOverride && holds(setting, difference)
    ? overridden(difference, setting, context)
    : changedSince(difference, setting, context);
}

/** The file says what was asked, and systemd has not read it. */
function notLoaded({ asked, meaning }: Difference, { onDisk }: KernelContext): boolean {
  const setting = onDisk?.[asked.name];
  return setting !== undefined && settingValue(setting, meaning) === asked.value;
}

/** The unit's file, or a drop-in, says something else than systemd holds: it was not read again. */
export function notReloaded(difference: Difference, context: KernelContext): Finding {
  const { asked } = difference;
  const setting = context.onDisk?.[asked.name];
  const manager = context.system ? 'sudo systemctl' : 'systemctl --user';
  const found = differs('daemon-reload-missing', difference, context, (_, observed) => {
    const text = printable(setting?.text || 'no limit');
    return `${placeOf(setting)} says ${text} and systemd holds ${observed}: it has not read that file since it was changed`;
  });
  return { ...found, ...whereOf(setting), remedy: `${manager} daemon-reload` };
}

function overridden(difference: Difference, setting: Setting, context: KernelContext): Finding {
  const { asked } = difference;
  const found = differs('overridden-by-drop-in', difference, context, (wanted, observed) => {
    const kind = setting.source === 'drop-in' ? 'a drop-in' : 'the unit’s own file';
    return `${wanted} was asked for and systemd holds ${observed}: ${kind} overrides it, ${placeOf(setting)}`;
  });
  const remedy = [
    setAgain(asked, context),
    `# for good: take ${asked.name}= out of line ${setting.line} of ${shellQuote(setting.file)}`,
  ].join('\n');
  return { ...found, ...whereOf(setting), remedy };
}

function changedSince(
  difference: Difference,
  setting: Setting | undefined,
  context: KernelContext,
): Finding {
  const source = setting?.source ?? '';
  const isRecorded = setting !== undefined && source.startsWith('set-property');
  const found = differs('changed-since', difference, context, (wanted, observed) => {
    const how = isRecorded
      ? `systemctl ${source}, kept in ${placeOf(setting)}`
      : `systemctl set-property, or over D-Bus${unread(context)}`;
    return `${wanted} was asked for at the start and systemd now holds ${observed}: somebody changed it since (${how})`;
  });
  return { ...found, ...(isRecorded ? whereOf(setting) : {}) };
}

/** The unit was never given the profile's value, or something else gives it another one. */
function otherThanProfile(
  difference: Difference,
  setting: Setting | undefined,
  context: KernelContext,
): Finding {
  const { asked, meaning } = difference;
  const found = differs('differs-from-profile', difference, context, (wanted, observed) => {
    const why = holds(setting, difference)
      ? `${sourceText(setting)}, ${placeOf(setting)}, says so`
      : `none of its files sets it${unread(context)}`;
    return `the profile ${context.profile} asks for ${wanted} and systemd holds ${observed}: ${why}`;
  });
  const value = asked.value === undefined ? asked.text : meaning.text(asked.value);
  const remedy = setForGood({ ...asked, text: value }, context);
  return { ...found, ...whereOf(setting), remedy };
}

/** A percentage of the machine, under a cgroup that allows less than that. */
export function percentOfMachine(
  asked: Asked,
  figures: { percent: string; memory: number; held: string; above: AncestorLimit },
  context: KernelContext,
): Finding {
  const { percent, memory, held, above } = figures;
  return finding('percent-of-machine', asked, context, {
    severity: 'warning',
    observed: held,
    cause:
      `${percent} is of the memory installed (${roughBytes(memory)}), which makes ${held}, and not ` +
      `of what ${above.unit ?? above.cgroup} above allows, ${above.value}`,
    remedy: partOf(asked, percent, above, context),
  });
}

/** That part of what the ancestor allows. */
function partOf(
  asked: Asked,
  percent: string,
  { amount }: AncestorLimit,
  context: KernelContext,
): string {
  const bytes = Math.floor((amount * Number.parseFloat(percent)) / 100 / 4096) * 4096;
  return setAgain({ name: asked.name, text: String(bytes) }, context);
}

/**
 * What stays after a restart: for a scope, which none survives, until it ends. What systemd takes
 * only from a file (OOMPolicy=) is written into one.
 */
function setForGood({ name, text }: Asked, context: KernelContext): string {
  const { unit = 'UNIT', kind, system, ownCgroup } = context;
  if (ownCgroup !== undefined || kind === 'scope') return setAgain({ name, text }, context);
  const manager = system ? 'sudo systemctl' : 'systemctl --user';
  if (!isFixed(name)) {
    return `${manager} set-property ${shellQuote(unit)} ${shellQuote(`${name}=${text}`)}`;
  }
  const directory = system
    ? `/etc/systemd/system/${unit}.d`
    : `$HOME/.config/systemd/user/${unit}.d`;
  const section = kind === 'slice' ? 'Slice' : 'Service';
  return [
    `${system ? 'sudo ' : ''}mkdir -p "${directory}"`,
    `printf '[${section}]\\n${name}=${text}\\n' |`,
    `${system ? 'sudo ' : ''}tee "${directory}/50-${name}.conf"`,
    `${manager} daemon-reload`,
  ].join('\n');
}

/** set-property refuses these (seen): they are no properties of a cgroup. */
function isFixed(name: string): boolean {
  return name === 'OOMPolicy' || name === 'RuntimeMaxSec';
}

/** Whether the assignment is what systemd holds. */
function holds(setting: Setting | undefined, { meaning, held }: Difference): setting is Setting {
  if (setting === undefined) return false;
  const value = settingValue(setting, meaning);
  // Of a percentage only systemd knows what it is.
  return value === undefined || value === (held ?? meaning.unset);
}

/** Undefined where only systemd can tell. */
export function settingValue({ text }: Setting, meaning: Meaning): Value | undefined {
  if (text === '' && meaning.unset !== undefined) return meaning.unset;
  try {
    return meaning.asked(text);
  } catch {
    return undefined;
  }
}

/** What may say so as well, for all we know. */
function unread({ unreadSettings = {} }: KernelContext): string {
  const [file] = Object.entries(unreadSettings);
  return file === undefined
    ? ''
    : printable(`; ${file[0]} cannot be read (${file[1]}) and may say so`);
}

function sourceText({ source }: Setting): string {
  switch (source) {
    case 'unit file':
      return 'its unit file';
    case 'transient unit':
      return 'what it was started with';
    case 'drop-in':
      return 'a drop-in';
    default:
      return `systemctl ${source}`;
  }
}

/** For a sentence: a path can hold anything. */
function placeOf(setting: Setting | undefined): string {
  return setting === undefined ? 'a file' : printable(`${setting.file}:${setting.line}`);
}

function whereOf(setting: Setting | undefined): Pick<Finding, 'where'> {
  return setting === undefined ? {} : { where: `${setting.file}:${setting.line}` };
}
