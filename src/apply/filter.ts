/**
 * Whether the kernel filters addresses as IPAddressAllow= and IPAddressDeny= say. systemd does so by BPF
 * programs on the cgroup, of which no file tells; so a datagram is sent from inside, to an address of this
 * very machine, which nothing leaves.
 */
import { readdirSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { Finding } from '../model/index.js';
import { isAmong, parseAddresses } from '../quantity/index.js';
import { printable } from '../text/index.js';
import type { System } from './system.js';

/** What a probe found: an address of this machine, and whether the kernel let the datagram through. */
export interface FilterProbe {
  address: string;
  wanted: 'denied' | 'allowed';
  seen: 'denied' | 'allowed';
}

interface FilterSubject {
  unit: string;
  /** Path below the root of cgroups. */
  cgroup: string;
  properties: Readonly<Record<string, string>>;
}

/** Findings on the filter of one unit that runs; none where it is seen to act, or none is wanted. */
export async function filterFindings(
  subject: FilterSubject,
  system: System,
  { own = ownAddresses(), cgroups = '/sys/fs/cgroup' } = {},
): Promise<Finding[]> {
  const { properties } = subject;
  if (properties.IPAddressDeny === undefined) return [];
  const addresses = wantedOf(properties, own);
  if (addresses.every(({ wanted }) => wanted === 'allowed')) {
    return [notSeen(subject, 'no address of this machine is among those that are denied')];
  }
  const leaf = leafOf(subject.cgroup, cgroups);
  if (leaf === undefined) return [notSeen(subject, 'nothing runs in it')];
  const findings: Finding[] = [];
  for (const probe of addresses) {
    const seen = await send(`${cgroups}${leaf}`, probe.address, system);
    if ('unknown' in seen) return [notSeen(subject, seen.unknown)];
    if (seen.seen !== probe.wanted) findings.push(notSo(subject, { ...probe, ...seen }));
  }
  return findings;
}

/**
 * One address that must be denied and one that must be allowed, where there are such. What is allowed
 * counts before what is denied (systemd.resource-control(5)). Pure.
 */
export function wantedOf(
  { IPAddressAllow = '', IPAddressDeny = '' }: Readonly<Record<string, string>>,
  own: readonly string[],
): Omit<FilterProbe, 'seen'>[] {
  const allowed = parseAddresses(IPAddressAllow);
  const denied = parseAddresses(IPAddressDeny);
  const all = own.map((address) => ({
    address,
    wanted:
      !isAmong(address, allowed) && isAmong(address, denied)
        ? ('denied' as const)
        : ('allowed' as const),
  }));
  return (['denied', 'allowed'] as const).flatMap(
    (wanted) => all.find((each) => each.wanted === wanted) ?? [],
  );
}

/** Those of this machine's interfaces; what is sent to them goes over the loopback. */
function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .filter(({ address, scopeid = 0 }) => scopeid === 0 && !address.startsWith('fe80:'))
    .map(({ address }) => address);
}

/** The first cgroup below that holds processes itself; programs on those above count in it as well. */
function leafOf(cgroup: string, cgroups: string): string | undefined {
  try {
    const below = readdirSync(`${cgroups}${cgroup}`, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => `${cgroup}/${name}`);
    if (below.length === 0) return cgroup.endsWith('.slice') ? undefined : cgroup;
    for (const each of below.sort()) {
      const leaf = leafOf(each, cgroups);
      if (leaf !== undefined) return leaf;
    }
  } catch {
    // It has ended meanwhile.
  }
  return undefined;
}

/** Discard: where no server listens, and nobody minds. */
const PORT = 9;
const CANNOT_ENTER = 3;
/** A shell that enters the cgroup and sends one byte by UDP: a filter makes write(2) fail with EPERM. */
const SCRIPT = `echo $$ 2>/dev/null >"$1/cgroup.procs" || exit ${CANNOT_ENTER}; printf x >"/dev/udp/$2/${PORT}"`;

async function send(
  folder: string,
  address: string,
  system: System,
): Promise<Pick<FilterProbe, 'seen'> | { unknown: string }> {
  const shell = ['env', 'LC_ALL=C', 'timeout', '-s', 'KILL', '5', 'bash', '-c', SCRIPT, 'rlimit'];
  const answer = await system.run([...shell, folder, address]);
  if (answer === undefined || answer.status === 127) return { unknown: 'bash is not there' };
  if (answer.status === 0) return { seen: 'allowed' };
  if (answer.status === CANNOT_ENTER) return { unknown: `${folder} cannot be entered` };
  if (answer.err.includes('not permitted')) return { seen: 'denied' };
  return { unknown: printable(answer.err.trim().split('\n').at(-1) ?? '') };
}

function notSeen({ unit, properties }: FilterSubject, why: string): Finding {
  return {
    id: 'address-filter-not-seen',
    severity: 'warning',
    unit,
    property: 'IPAddressDeny',
    wanted: properties.IPAddressDeny ?? '',
    cause: `${printable(unit)}: whether the kernel filters is not known: ${why}`,
  };
}

function notSo(
  { unit, properties }: FilterSubject,
  { address, wanted, seen }: FilterProbe,
): Finding {
  return {
    id: 'plan-not-in-force',
    severity: 'problem',
    unit,
    property: wanted === 'denied' ? 'IPAddressDeny' : 'IPAddressAllow',
    wanted: `${address} ${wanted}`,
    observed: `${address} ${seen}`,
    cause: printable(
      `${unit}: a datagram to ${address} was ${seen} from inside its cgroup, and the plan wants it ${wanted}`,
    ),
    // Seen on 257: a reload alone leaves the kernel's filter as it was.
    remedy: `sudo systemctl set-property --runtime ${unit} IPAccounting=${properties.IPAccounting ?? 'no'}`,
  };
}
