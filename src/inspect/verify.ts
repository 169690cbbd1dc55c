/**
 * Properties against the kernel's files: the part of `inspect` that `run` uses as well, at its
 * gate, after the scope was made and before the command starts. Pure, and light to import.
 */
import { CgroupFileError, type KernelFiles, parseNames } from '../cgroup/index.js';
import type { Finding } from '../model/index.js';
import { isByBpf, isPropertyName, type PropertyName, propertySpec } from '../properties/index.js';
import { ancestorFindings } from './ancestors.js';
import * as causes from './causes.js';
import type { Asked, KernelContext } from './context.js';
import { type Meaning, meaningOf, tolerant } from './meaning.js';

/** cgroup files that `verifyKernel` needs to see for these properties. */
export function filesToVerify(properties: Readonly<Record<string, string>>): string[] {
  const files = new Set(['cgroup.controllers']);
  for (const name of Object.keys(properties)) {
    if (!isPropertyName(name)) continue;
    for (const file of filesOf(name)) files.add(file);
  }
  return [...files];
}

/** The files a property lives in: its own, and the ones that stand in for it. */
export function filesOf(name: PropertyName): string[] {
  const { file } = propertySpec(name);
  if (file === undefined) return [];
  const more: Record<string, string[]> = {
    'cpu.weight': ['cpu.idle'],
    'io.weight': ['io.bfq.weight'],
    'cpuset.cpus': ['cpuset.cpus.effective'],
  };
  return [file, ...(more[file] ?? [])];
}

/**
 * Compares properties with what the kernel holds for the unit's cgroup.
 * @param properties systemd property name → value as passed to systemd
 * @param kernel the files of `filesToVerify`, as `readLimitFiles` gives them
 * @returns one finding for each property that is not in force, with cause and remedy; none is good
 */
export function verifyKernel(
  properties: Readonly<Record<string, string>>,
  kernel: KernelFiles,
  context: KernelContext = {},
): Finding[] {
  const findings: Finding[] = [];
  for (const [name, text] of Object.entries(properties)) {
    if (!isPropertyName(name)) continue;
    const value = tolerant(() => meaningOf(name).asked(text));
    const asked = { name, text, ...(value === undefined ? {} : { value }) };
    const finding = verifyOne(asked, kernel, context);
    if (finding) findings.push(finding);
  }
  return [...findings, ...ancestorFindings(kernel, context)];
}

/** The finding on one property, or undefined when it is in force. */
export function verifyOne(
  asked: Asked,
  kernel: KernelFiles,
  context: KernelContext,
): Finding | undefined {
  const spec = propertySpec(asked.name);
  const refused = causes.notTaken(asked, context);
  if (refused) return refused;
  if (isByBpf(asked.name)) return causes.filterWithoutRoot(asked, context);
  const { file } = spec;
  if (file === undefined) return undefined;
  const meaning = meaningOf(asked.name);
  const denied = filesOf(asked.name).find((each) => context.unreadable?.[each] !== undefined);
  if (denied !== undefined) return causes.notReadable(asked, denied, context);
  const present = filesOf(asked.name).some((candidate) => kernel[candidate] !== undefined);
  if (!present) return missing(asked, meaning, kernel, context);
  try {
    return differing(asked, meaning, kernel, context);
  } catch (error) {
    if (!(error instanceof CgroupFileError)) throw error;
    return causes.unreadable(asked, error, context);
  }
}

/** No file: asking for no limit, or for no swap where there is none, holds all the same. */
function missing(
  asked: Asked,
  meaning: Meaning,
  kernel: KernelFiles,
  context: KernelContext,
): Finding | undefined {
  const { value } = asked;
  if (value === meaning.unset && (value === 'infinity' || value === 0)) return undefined;
  if (asked.name === 'MemorySwapMax' && context.swap === 0) return undefined;
  const { controller } = propertySpec(asked.name);
  if (controller !== undefined) {
    if (context.lost?.[controller]?.why === 'kernel') {
      return causes.notInKernel(asked, controller, context);
    }
    if (context.controllers && !context.controllers.includes(controller)) {
      return causes.notDelegated(asked, controller, context);
    }
    const enabled = kernel['cgroup.controllers'];
    if (enabled !== undefined && !parseNames(enabled).includes(controller)) {
      return causes.notEnabled(asked, controller, context);
    }
  }
  return causes.noFile(asked, context);
}

function differing(
  asked: Asked,
  meaning: Meaning,
  kernel: KernelFiles,
  context: KernelContext,
): Finding | undefined {
  const { value: wanted } = asked;
  const held = meaning.kernel?.(kernel, wanted, context.devices ?? {});
  if (wanted === undefined) {
    // `MemoryMax=60%`: systemd works the figure out; that there is one must do here.
    return held === undefined || held === meaning.unset
      ? causes.notHeld(asked, meaning, held, context)
      : undefined;
  }
  const settled = meaning.settled?.(wanted, kernel) ?? wanted;
  if (held === undefined && settled === meaning.unset) return undefined;
  if (held !== settled) return causes.notHeld(asked, meaning, held, context);
  if (asked.name === 'IOWeight' && context.ioWeights === false) {
    return causes.weightWithoutScheduler(asked, context);
  }
  return undefined;
}
