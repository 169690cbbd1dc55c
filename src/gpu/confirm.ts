/**
 * Whether a process really is on a GPU. What nvidia-smi prints of processes can be forged by their names,
 * and in a PID namespace it prints the PIDs of another one: so the kernel is asked before one is ended.
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { isGone } from '../cgroup/index.js';
import { type AskProgram, askProgram } from './program.js';

/** Without names: nothing in it can be forged. */
const LINE = ['nvidia-smi', '--query-compute-apps=pid', '--format=csv,noheader,nounits'];

/**
 * Whether the process has a device of the driver open, or the driver names it among those that compute.
 * @returns undefined where neither can be found out
 */
export async function isOnGpu(
  pid: number,
  { ask = askProgram, proc = '/proc' }: { ask?: AskProgram; proc?: string } = {},
): Promise<boolean | undefined> {
  const holds = holdsDevice(pid, proc);
  if (holds !== undefined) return holds;
  const answer = await ask(LINE);
  if (answer.kind !== 'answered' || answer.status !== 0) return undefined;
  return answer.out.split('\n').some((line) => line.trim() === String(pid));
}

/** Whether a file of the process is a GPU's (/dev/nvidia0, /dev/nvidiactl, /dev/dri/…). */
function holdsDevice(pid: number, proc: string): boolean | undefined {
  const folder = `${proc}/${pid}/fd`;
  try {
    return readdirSync(folder).some((entry) => {
      try {
        return /^\/dev\/(nvidia|dri\/)/.test(readlinkSync(`${folder}/${entry}`));
      } catch (error) {
        // It was closed meanwhile.
        if (isGone(error)) return false;
        throw error;
      }
    });
  } catch (error) {
    // No such process; a refusal (EACCES) leaves it open.
    return isGone(error) ? false : undefined;
  }
}
