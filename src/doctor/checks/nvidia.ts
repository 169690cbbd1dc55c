import { type Place, readText, Unknown } from '../place.js';
import { type CheckSpec, found, type Judged } from '../spec.js';

/** NVIDIA's tools, where there is such a GPU. */
export const nvidia: CheckSpec = {
  name: 'nvidia',
  title: 'NVIDIA’s tools answer',
  group: 'tools',
  look: async (place) => judgeNvidia(await readNvidia(place)),
};

export interface NvidiaFacts {
  /** /proc/driver/nvidia/version, where the driver is loaded. */
  driver?: string;
  hasProgram: boolean;
  /** GPUs as nvidia-smi lists them. */
  gpus: readonly string[];
  /** Why it lists none. */
  failure?: string;
}

const QUERY = [
  'nvidia-smi',
  '--query-gpu=name,driver_version,memory.total',
  '--format=csv,noheader',
];

export async function readNvidia(place: Place): Promise<NvidiaFacts> {
  const driver = readText(place, '/proc/driver/nvidia/version')?.split('\n')[0];
  const known = driver === undefined ? {} : { driver };
  try {
    const answer = await place.ask(QUERY);
    if (answer === undefined) return { ...known, hasProgram: false, gpus: [] };
    const lines = answer.out.trim().split('\n').filter(Boolean);
    if (answer.status === 0) return { ...known, hasProgram: true, gpus: lines };
    const failure = lines[0] ?? answer.err.trim().split('\n')[0] ?? `status ${answer.status}`;
    return { ...known, hasProgram: true, gpus: [], failure };
  } catch (error) {
    if (!(error instanceof Unknown)) throw error;
    return { ...known, hasProgram: true, gpus: [], failure: error.message };
  }
}

export function judgeNvidia({ driver, hasProgram, gpus, failure }: NvidiaFacts): Judged {
  if (!hasProgram && driver === undefined) {
    return { evidence: ['no NVIDIA driver and no nvidia-smi: nothing to watch'], findings: [] };
  }
  const evidence = [...(driver === undefined ? [] : [driver]), ...gpus];
  if (hasProgram && failure === undefined) return { evidence, findings: [] };
  const finding = found('warning', 'nvidia-silent', {
    cause: hasProgram
      ? `nvidia-smi does not answer: ${failure}`
      : 'the driver is loaded, and there is no nvidia-smi',
    remedy: hasProgram
      ? 'boot anew after an update of the driver; else: sudo modprobe nvidia'
      : 'sudo apt install nvidia-smi (or nvidia-utils)',
  });
  return { evidence, findings: [finding] };
}
