/**
 * Reads `nvidia-smi -q -x`. Pure.
 *
 * Not by an XML parser: what it prints is not always XML. Names of processes come unescaped and may hold
 * any byte, and some drivers leave tags out (`supported_clocks`). So each block is looked for by itself,
 * and what a name could forge is checked: the number of GPUs against the one told before all names, and a
 * process before it is ended against what the kernel knows (`confirm.ts`).
 */
import type { GpuProcess, GpuProcessType, GpuSample } from '../model/machine-sample.js';

const MIB = 1024 * 1024;

/** What nvidia-smi told, or why that is nothing to go by. */
export type ParsedGpus = { gpus: GpuSample[]; driver?: string } | { reason: string };

/** GPUs in the order of nvidia-smi, the parts of one split by MIG behind it. */
export function parseGpus(text: string): ParsedGpus {
  if (!text.includes('<nvidia_smi_log>')) return { reason: failureOf(text) };
  const driver = word(text, 'driver_version');
  const blocks = text.match(/<gpu id="[^"\n]*">[\s\S]*?<\/gpu>/g) ?? [];
  const attached = Number(word(text, 'attached_gpus'));
  if (blocks.length !== attached) {
    return { reason: `nvidia-smi tells of ${blocks.length} GPUs where ${attached} are attached` };
  }
  const gpus = blocks.flatMap((block, index) => gpuOf(block, index, driver));
  return { gpus, ...(driver === undefined ? {} : { driver }) };
}

/** What it says instead, on its first line with words. */
export function failureOf(text: string): string {
  const line = text.split('\n').find((each) => /[a-z]/i.test(each) && !each.startsWith('<'));
  return line === undefined ? 'nvidia-smi said nothing' : line.trim().slice(0, 300);
}

function gpuOf(block: string, index: number, driver: string | undefined): GpuSample[] {
  const processes = processesOf(block);
  const own = block
    .replace(/<processes>[\s\S]*/, '')
    .replace(/<mig_devices>[\s\S]*?<\/mig_devices>/, '');
  const uuid = word(own, 'uuid') ?? `index ${index}`;
  const name = word(own, 'product_name') ?? 'NVIDIA GPU';
  const parts = partsOf(block);
  const common = { index, ...(driver === undefined ? {} : { driver }) };
  const whole: GpuSample = {
    ...common,
    uuid,
    name,
    ...memoryOf(own),
    ...optional('utilisation', scaled(inside(own, 'utilization'), 'gpu_util', 1 / 100)),
    ...optional('temperature', scaled(inside(own, 'temperature'), 'gpu_temp', 1)),
    // Those of a GPU that is split are in its parts: there is where their memory can run out.
    processes: processes.filter(({ part }) => !parts.some((each) => each.part === part)).map(plain),
  };
  return [
    whole,
    ...parts.map(({ part, memory }) => ({
      ...common,
      uuid: `${uuid}/MIG-${part}`,
      name: `${name} MIG ${part}`,
      ...memory,
      processes: processes.filter((each) => each.part === part).map(plain),
    })),
  ];
}

interface PlacedProcess extends GpuProcess {
  /** Instances of MIG: `gi3-ci0`. */
  part?: string;
}

function plain({ part: _, ...process }: PlacedProcess): GpuProcess {
  return process;
}

function partsOf(block: string) {
  const devices = block.match(/<mig_device>[\s\S]*?<\/mig_device>/g) ?? [];
  return devices.flatMap((device) => {
    const part = partOf(device);
    return part === undefined ? [] : [{ part, memory: memoryOf(device) }];
  });
}

function partOf(text: string): string | undefined {
  const gi = word(text, 'gpu_instance_id');
  const ci = word(text, 'compute_instance_id');
  return [gi, ci].every((id) => /^\d+$/.test(id ?? '')) ? `gi${gi}-ci${ci}` : undefined;
}

/** A process that computes and draws may be listed for each: it is one, with the larger figure. */
function processesOf(block: string): PlacedProcess[] {
  const found = new Map<number, PlacedProcess>();
  for (const info of block.match(/<process_info>[\s\S]*?<\/process_info>/g) ?? []) {
    // The name is the only text in it that somebody chose.
    const nameless = info.replace(/<process_name>[\s\S]*<\/process_name>/, '');
    const pid = Number(word(nameless, 'pid'));
    if (!Number.isSafeInteger(pid) || pid < 1) continue;
    const memory = scaled(nameless, 'used_memory', MIB);
    const type = typeOf(word(nameless, 'type'));
    const part = partOf(nameless);
    const before = found.get(pid);
    if (before !== undefined && (before.memory ?? 0) >= (memory ?? 0)) continue;
    found.set(pid, {
      pid,
      name: decoded(/<process_name>([\s\S]*)<\/process_name>/.exec(info)?.[1]?.trim() ?? ''),
      ...optional('type', type),
      ...optional('memory', memory),
      ...optional('part', part),
    });
  }
  return [...found.values()];
}

function typeOf(text: string | undefined): GpuProcessType | undefined {
  return (['C', 'G', 'C+G', 'M', 'M+C'] as const).find((type) => type === text);
}

function memoryOf(text: string): Pick<GpuSample, 'memoryTotal' | 'memoryUsed'> {
  const usage = inside(text, 'fb_memory_usage');
  return {
    ...optional('memoryTotal', scaled(usage, 'total', MIB)),
    ...optional('memoryUsed', scaled(usage, 'used', MIB)),
  };
}

/** The text between two tags; empty where they are not there. */
function inside(text: string, tag: string): string {
  return new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`).exec(text)?.[1] ?? '';
}

/** The text of a tag on one line; absent for what a driver has instead of a value. */
function word(text: string, tag: string): string | undefined {
  const value = new RegExp(`<${tag}>([^<\\n]*)</${tag}>`).exec(text)?.[1]?.trim() ?? '';
  return value === '' || /^\[?(N\/A|Not (Supported|Found)|Unknown Error)\]?$/i.test(value)
    ? undefined
    : decoded(value);
}

/** A figure with its unit, `81920 MiB`, `8 %`, `36 C`, in units of one; absent where it is none. */
function scaled(text: string, tag: string, factor: number): number | undefined {
  const figure = /^(\d+(?:\.\d+)?)(?: (?:MiB|MB|%|C))?$/.exec(word(text, tag) ?? '')?.[1];
  return figure === undefined ? undefined : Number(figure) * factor;
}

const ENTITIES: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

function decoded(text: string): string {
  return text.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => ENTITIES[name] ?? '');
}

function optional<K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, V>);
}
