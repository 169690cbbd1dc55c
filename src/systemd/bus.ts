import { spawn } from 'node:child_process';
import { UnavailableError } from '../errors/index.js';
import { type ManagerKind, systemctlFailure } from './client.js';
import { type BusProperty, busWords } from './marshal.js';

/** A scope to be made of processes that run already. */
export interface TransientScope {
  unit: string;
  slice: string;
  description: string;
  properties: readonly BusProperty[];
}

const MANAGER = [
  'org.freedesktop.systemd1',
  '/org/freedesktop/systemd1',
  'org.freedesktop.systemd1.Manager',
] as const;

/**
 * The busctl line that makes a scope out of running processes
 * (StartTransientUnit, org.freedesktop.systemd1(5)). `Delegate` is what later lets further
 * processes be attached: seen, on 252, 257 and 262 a scope without it refuses them.
 */
export function startScopeArgv(
  scope: TransientScope,
  pids: readonly number[],
  manager: ManagerKind = 'user',
): string[] {
  const properties: BusProperty[] = [
    { name: 'PIDs', signature: 'au', words: [String(pids.length), ...pids.map(String)] },
    { name: 'Slice', signature: 's', words: [scope.slice] },
    { name: 'Description', signature: 's', words: [scope.description] },
    // A scope that ended badly would else stay loaded, as failed, until somebody resets it.
    { name: 'CollectMode', signature: 's', words: ['inactive-or-failed'] },
    { name: 'Delegate', signature: 'b', words: ['true'] },
    ...scope.properties,
  ];
  return [
    ...['busctl', `--${manager}`, 'call', ...MANAGER, 'StartTransientUnit', 'ssa(sv)a(sa(sv))'],
    ...[scope.unit, 'fail', String(properties.length), ...properties.flatMap(busWords), '0'],
  ];
}

/** The busctl line that moves running processes into a unit (AttachProcessesToUnit). */
export function attachArgv(
  unit: string,
  pids: readonly number[],
  manager: ManagerKind = 'user',
): string[] {
  return [
    ...['busctl', `--${manager}`, 'call', ...MANAGER, 'AttachProcessesToUnit', 'ssau'],
    ...[unit, '', String(pids.length), ...pids.map(String)],
  ];
}

/** How a call ended: `said` is the manager's reason where it failed. */
export interface Call {
  ok: boolean;
  said: string;
}

/** Calls that run at this moment: where rlimit is ended by a signal, they end with it. */
const running = new Set<ReturnType<typeof spawn>>();

/**
 * Runs a busctl line. A refusal of the manager is a result.
 * @throws {UnavailableError} when there is no busctl, or no manager to talk to, with the cause
 */
export async function callBus([program = '', ...args]: readonly string[]): Promise<Call> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
  running.add(child);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  try {
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (status === 0) return { ok: true, said: '' };
  } catch (error) {
    throw new UnavailableError(`${program} could not be started`, {
      why: `${(error as Error).message}. It comes with systemd.`,
    });
  } finally {
    running.delete(child);
  }
  const failure = /^Call failed: (.*)$/m.exec(said)?.[1];
  // Whatever else it says is about the connection.
  if (failure === undefined) throw systemctlFailure([program], said);
  return { ok: false, said: failure };
}

/** Ends the calls that are under way, before rlimit itself ends. */
export function endCalls(): void {
  for (const child of running) child.kill('SIGKILL');
}
