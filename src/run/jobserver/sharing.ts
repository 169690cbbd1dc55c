import { dirname } from 'node:path';
import { readProcess } from '../../cgroup/index.js';
import {
  CapReader,
  clearDeadPeers,
  type Look,
  Peers,
  type Policy,
  type Sight,
  shareTokens,
  wantedJobs,
} from '../../jobserver/index.js';
import type { JobserverPlaces } from './places.js';

/**
 * Shares the tokens of the machine with the user's other runs that have a jobserver. All of them
 * compute the same shares from what each tells of itself. While memory is short, a guard says how many
 * each may have at most.
 * @returns the most tokens that this run may have out; undefined where it is alone and no guard says so
 */
export function sharingOf(
  { plan, request, cpus }: JobserverPlaces,
  policy: Pick<Policy, 'expected'>,
): ((look: Look, seen: Sight) => number | undefined) | undefined {
  const own = readProcess(process.pid);
  if (own === undefined) return undefined;
  const directory = dirname(plan.directory);
  const { unit } = request;
  const { cap } = plan;
  const runner = { pid: own.pid, startTicks: own.startTicks };
  const peers = new Peers({ directory, unit });
  const guard = new CapReader({ records: directory });
  clearDeadPeers(directory);
  return (look, { free, available }) => {
    const { tokensOut, demand = 0, used } = look;
    const { expected } = policy;
    const state = { cap, wants: wantedJobs(look, cap), out: tokensOut - demand, expected, used };
    peers.tell({ runner, ...state });
    const others = peers.others();
    const most = guard.most();
    if (others.length === 0) return most;
    const slots = Math.max(
      cpus,
      ...[cap, ...others.map((other) => other.cap)].map((most) => most + 1),
    );
    const amounts = [free, available].filter((amount) => typeof amount === 'number');
    const pool = {
      slots,
      free: amounts.length === 0 ? ('infinity' as const) : Math.min(...amounts),
    };
    const share = shareTokens([{ unit, ...state }, ...others], pool).get(unit);
    return most === undefined || share === undefined ? share : Math.min(most, share);
  };
}
