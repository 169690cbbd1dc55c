/** What was asked of a unit against what systemd and the kernel hold for it. Pure. */
import { CgroupFileError } from '../cgroup/index.js';
import type { Finding, Observation, UnitRecord } from '../model/index.js';
import {
  isByBpf,
  isPropertyName,
  PROPERTY_NAMES,
  type PropertyName,
  propertySpec,
  shownName,
} from '../properties/index.js';
import type { Setting } from '../systemd/settings.js';
import { type AncestorLimit, ancestorFindings, tightestAncestor } from './ancestors.js';
import type { Asked, KernelContext } from './context.js';
import { type Meaning, meaningOf, tolerant, type Value } from './meaning.js';
import { notReloaded, otherThanAsked, settingValue } from './overrides.js';
import { percentFinding, percentRule } from './percent.js';
import { stallFindings } from './stall.js';
import { verifyOne } from './verify.js';

/** One property of one unit, in systemd's syntax. What nobody asked, or nobody holds, is absent. */
export interface PropertyRow {
  property: PropertyName;
  asked?: string;
  systemd?: string;
  kernel?: string;
  /** As `systemctl show` prints it: `CPUQuotaPerSecUSec=4s`. */
  shown?: string;
  /** Where a file of the unit sets it, with the line that counts. */
  setting?: Setting;
  /** How a share became the value: `60% of 1.93G installed`. */
  rule?: string;
  /** The tightest limit of this kind above; absent where nothing above limits it. */
  ancestor?: AncestorLimit;
  /** rlimit itself sees to it, because no kernel file does here. */
  watched?: true;
  /** The kernel was not looked at: the unit does not run, or its cgroup cannot be read. */
  unchecked?: true;
  /** Whether the kernel (for what systemd does itself: systemd) holds what was asked. */
  inForce: boolean;
}

/** A unit's properties, and what is wrong with them. */
export interface Comparison {
  rows: PropertyRow[];
  findings: Finding[];
}

/**
 * Compares properties as asked, as systemd holds them, and as the kernel does. Without `asked`
 * (a unit that rlimit did not make) what systemd holds is what is wanted of the kernel. Properties
 * that nobody set have no row.
 */
export function compare(
  asked: UnitRecord['properties'] | undefined,
  observation: Observation,
  facts: KernelContext = {},
): Comparison {
  const context: KernelContext = {
    ...facts,
    unit: observation.unit,
    kind: observation.kind,
    system: observation.manager === 'system',
    ...(observation.manager === 'none' && observation.cgroup !== undefined
      ? { ownCgroup: observation.cgroup }
      : {}),
    ...(observation.unreadable === undefined ? {} : { unreadable: observation.unreadable }),
  };
  const result: Comparison = { rows: [], findings: [] };
  for (const name of orderedNames(asked)) {
    const state = stateOf(name, asked?.[name], observation, context);
    if (!state) continue;
    const findings = findingsOn(state, observation, context);
    const isChecked = isLookedAt(state, observation);
    result.rows.push(rowOf(state, { isChecked, isFine: findings.length === 0 }, context));
    result.findings.push(...findings);
  }
  if (hasLimits(observation)) {
    result.findings.push(
      ...ancestorFindings(observation.kernel, context),
      ...stallFindings(observation.kernel, context),
    );
  }
  return result;
}

/** One property in three languages. */
interface State {
  name: PropertyName;
  meaning: Meaning;
  asked?: Asked;
  /** Absent when systemd does not show the property at all; `value` absent when it is not set. */
  systemd?: { text: string; value: Value | undefined };
  kernel?: Value;
  above?: AncestorLimit;
}

/** Those asked for first, in their order; then the others that may be set. */
function orderedNames(asked: UnitRecord['properties'] | undefined): PropertyName[] {
  return [...new Set([...Object.keys(asked ?? {}).filter(isPropertyName), ...PROPERTY_NAMES])];
}

/** A root slice or a unit that has ended has no files to compare with. */
function hasLimits({ cgroup }: Observation): boolean {
  return cgroup !== undefined && cgroup !== '/';
}

/** Whether there is anything to believe: a unit that does not run has no limits in force. */
function isLookedAt({ name, asked, systemd }: State, observation: Observation): boolean {
  if (observation.activeState !== 'active') return false;
  // What a manager that cannot be asked wants is not known.
  if (!asked && systemd === undefined && observation.manager !== 'none') return false;
  // Only a probe from inside the cgroup tells.
  if (isByBpf(name)) return false;
  // What systemd acts on itself has no kernel file.
  if (propertySpec(name).file === undefined) return systemd !== undefined;
  return hasLimits(observation);
}

/** The property's state, or undefined when nobody set it. */
function stateOf(
  name: PropertyName,
  text: string | undefined,
  observation: Observation,
  context: KernelContext,
): State | undefined {
  const meaning = meaningOf(name);
  const asked = text === undefined ? undefined : askedFor(name, text, meaning);
  const shown = observation.systemd[shownName(name)];
  const systemd =
    shown === undefined ? undefined : { text: shown, value: tolerant(() => meaning.shown(shown)) };
  const kernel = kernelValue(meaning, asked?.value ?? systemd?.value, observation, context);
  const above = hasLimits(observation) ? tightestAncestor(name, context) : undefined;
  const isSomebodys = above !== undefined || isSet(name, meaning, systemd?.value, kernel);
  if (asked === undefined && !isSomebodys) return undefined;
  return {
    name,
    meaning,
    ...(asked === undefined ? {} : { asked }),
    ...(systemd === undefined ? {} : { systemd }),
    ...(kernel === undefined ? {} : { kernel }),
    ...(above === undefined ? {} : { above }),
  };
}

function askedFor(name: PropertyName, text: string, meaning: Meaning): Asked {
  const value = tolerant(() => meaning.asked(text));
  return { name, text, ...(value === undefined ? {} : { value }) };
}

function kernelValue(
  meaning: Meaning,
  wanted: Value | undefined,
  { kernel }: Observation,
  context: KernelContext,
): Value | undefined {
  try {
    return meaning.kernel?.(kernel, wanted, context.devices ?? {});
  } catch (error) {
    // `verifyOne` says so.
    if (error instanceof CgroupFileError) return undefined;
    throw error;
  }
}

/** Whether somebody set a property that was not asked for: in systemd, or in the kernel by hand. */
function isSet(
  name: PropertyName,
  { unset }: Meaning,
  systemd: Value | undefined,
  kernel: Value | undefined,
): boolean {
  // What only systemd acts on, and how long the quota's period is, says nothing by itself.
  if (propertySpec(name).force === 'manager' || name === 'CPUQuotaPeriodSec') return false;
  return [systemd, kernel].some((value) => value !== undefined && value !== (unset ?? 'infinity'));
}

function findingsOn(state: State, observation: Observation, context: KernelContext): Finding[] {
  const { meaning, asked, systemd } = state;
  if (observation.loadState === 'not-found') return [];
  const isActive = observation.activeState === 'active';
  if (!isActive && context.profile === undefined) return [];
  if (!asked && systemd === undefined && observation.manager !== 'none') return [];
  const findings: Finding[] = [];
  if (asked && systemd && differs(asked, systemd, meaning)) {
    findings.push(otherThanAsked({ asked, meaning, held: systemd.value }, context));
  }
  if (!asked) findings.push(...reloadFindings(state, context));
  findings.push(...percentFinding(state, context));
  if (isActive && hasLimits(observation)) {
    for (const wanted of wantedOfKernel(state)) {
      const finding = verifyOne(wanted, observation.kernel, context);
      if (finding) findings.push(finding);
    }
  }
  return findings;
}

/** Where nobody asked, the unit's files are what is wanted. */
function reloadFindings({ name, meaning, systemd }: State, context: KernelContext): Finding[] {
  const setting = context.onDisk?.[name];
  if (setting === undefined || systemd === undefined) return [];
  const wanted = settingValue(setting, meaning);
  if (wanted === undefined || wanted === (systemd.value ?? meaning.unset)) return [];
  const asked = { name, text: setting.text, value: wanted };
  return [notReloaded({ asked, meaning, held: systemd.value }, context)];
}

/** Whether systemd holds something else than was asked. What we cannot read ourselves is no proof. */
function differs(asked: Asked, systemd: NonNullable<State['systemd']>, meaning: Meaning): boolean {
  if (asked.value === undefined) return false;
  const held = systemd.value ?? meaning.unset;
  if (isPerDevice(asked.name)) return !lines(held).includes(String(asked.value));
  return held !== asked.value;
}

/** The kernel is measured by what systemd holds, since it is systemd that writes its files. */
function wantedOfKernel({ name, meaning, asked, systemd }: State): Asked[] {
  // A run without systemd: what was asked is all there is.
  if (asked && systemd === undefined) return [asked];
  const held = systemd?.value ?? meaning.unset;
  if (asked && (held === undefined || held === asked.value || isPerDevice(name))) return [asked];
  if (held === undefined) return [];
  if (isPerDevice(name)) return lines(held).map((text) => askedFor(name, text, meaning));
  return [{ name, text: meaning.text(held), value: held }];
}

/** Such a property has one value for each device, which systemctl shows on a line each. */
function isPerDevice(name: PropertyName): boolean {
  return propertySpec(name).kind.toString().startsWith('io-device');
}

function lines(value: Value | undefined): string[] {
  return String(value ?? '')
    .split('\n')
    .filter(Boolean);
}

function rowOf(
  state: State,
  { isChecked, isFine }: { isChecked: boolean; isFine: boolean },
  context: KernelContext,
): PropertyRow {
  const { name, meaning, asked, systemd, kernel, above } = state;
  const held = systemd?.value;
  const setting = context.settings?.[name];
  const rule = context.rules?.[name] ?? percentRule(state, context);
  return {
    property: name,
    ...(asked === undefined ? {} : { asked: asked.text }),
    ...(held === undefined ? {} : { systemd: meaning.text(held) }),
    ...(kernel === undefined ? {} : { kernel: meaning.text(kernel) }),
    ...(systemd === undefined ? {} : { shown: `${shownName(name)}=${systemd.text}` }),
    ...(setting === undefined ? {} : { setting }),
    ...(rule === undefined ? {} : { rule }),
    ...(above === undefined ? {} : { ancestor: above }),
    ...(isChecked ? {} : { unchecked: true as const }),
    inForce: isFine && isChecked,
  };
}
