/** The trees of cgroups that hold work on a machine, with the memory limits of each. */
import { ancestorsOf, parseAmount, readCgroupFile } from '../cgroup/index.js';
import type { Amount } from '../model/index.js';
import { formatBytes, GiB, MiB } from '../quantity/index.js';
import type { Shown } from '../systemd/show.js';
import { namesIn, needText, type Place, Unknown } from './place.js';

const CGROUPS = '/sys/fs/cgroup';

/** The limits of one cgroup, in bytes. A file that is not there is an absent field. */
export interface Tree {
  /** Name of its unit: the last part of the path. */
  unit: string;
  cgroup: string;
  /** Whose work it holds. */
  user?: string;
  /** memory.max, memory.swap.max and memory.high. */
  max?: Amount;
  swapMax?: Amount;
  high?: Amount;
  /** The tightest memory.max of the cgroups above, and whose it is. */
  above?: { cgroup: string; max: number };
}

/** A person with an account: login.defs(5) gives people the IDs from 1000 to 60000. */
export interface Person {
  name: string;
  uid: number;
}

/** People who may log in. @throws {Unknown} */
export function readPeople(place: Place): Person[] {
  return needText(place, '/etc/passwd')
    .split('\n')
    .flatMap((line) => {
      const [name = '', , id = '', , , , shell = ''] = line.split(':');
      const uid = /^\d+$/.test(id) ? Number(id) : 0;
      const mayLogIn = uid >= 1000 && uid <= 60_000 && !/\/(nologin|false)$/.test(shell);
      return mayLogIn ? [{ name, uid }] : [];
    });
}

/**
 * The limits of one cgroup.
 * @throws {CgroupFileError} for a file that holds something else
 */
export function readTree(place: Place, cgroup: string, user?: string): Tree {
  const root = `${place.root}${CGROUPS}`;
  const amount = (path: string, file: string) => {
    const content = readCgroupFile(path, file, root);
    return content === undefined ? undefined : parseAmount(content, file);
  };
  const fields = {
    max: amount(cgroup, 'memory.max'),
    swapMax: amount(cgroup, 'memory.swap.max'),
    high: amount(cgroup, 'memory.high'),
    above: ancestorsOf(cgroup)
      .flatMap((path) => {
        const max = amount(path, 'memory.max');
        return typeof max === 'number' ? [{ cgroup: path, max }] : [];
      })
      .sort((a, b) => a.max - b.max)[0],
    user,
  };
  const known = Object.entries(fields).filter(([, value]) => value !== undefined);
  return { unit: nameOf(cgroup), cgroup, ...Object.fromEntries(known) };
}

/** The trees at the top of the machine, below the root. @throws {Unknown} without cgroup v2 */
export function topCgroups(place: Place): string[] {
  needUnified(place);
  return childrenOf(place, '/');
}

/**
 * Every tree that holds a person's work: user-UID.slice, and the services that run for somebody,
 * be they instances of a template (X@USER.service) or have User=.
 * @param units services of the system; without them only the slices are found
 * @throws {Unknown} without cgroup v2
 */
export function readUserTrees(
  place: Place,
  people: readonly Person[],
  units: readonly Shown[],
): Tree[] {
  needUnified(place);
  const slices = childrenOf(place, '/user.slice').flatMap((cgroup) => {
    const uid = /\/user-(\d+)\.slice$/.exec(cgroup)?.[1];
    const person = people.find((each) => String(each.uid) === uid);
    return person === undefined ? [] : [readTree(place, cgroup, person.name)];
  });
  const services = units.flatMap((unit) => {
    const owner = ownerOf(unit, people);
    const { ControlGroup: cgroup = '' } = unit;
    return owner === undefined || cgroup === '' ? [] : [readTree(place, cgroup, owner.name)];
  });
  return [...slices, ...services];
}

/** The memory.swap.max that holds for a cgroup, its own or the least of those above. */
export function leastSwap(place: Place, cgroup: string): Amount | undefined {
  const amounts = [cgroup, ...ancestorsOf(cgroup)].flatMap((path) => {
    const text = readCgroupFile(path, 'memory.swap.max', `${place.root}${CGROUPS}`);
    return text === undefined ? [] : [parseAmount(text, 'memory.swap.max')];
  });
  const sizes = amounts.filter((amount) => amount !== 'infinity');
  return sizes.length === 0 ? amounts[0] : Math.min(...sizes);
}

/** The memory.max that holds for a tree, its own or one above; `infinity` without any. */
export function capOf({ max = 'infinity', above }: Tree): Amount {
  if (above === undefined) return max;
  return max === 'infinity' ? above.max : Math.min(max, above.max);
}

/** A tree in the words of systemd, all three limits said. */
export function describeTree(tree: Tree): string {
  const { unit, user, max, swapMax, high, above } = tree;
  const text = (amount: Amount | undefined) =>
    amount === undefined ? 'not accounted' : formatBytes(amount);
  const whose = user === undefined ? '' : ` (${user})`;
  const bound =
    above === undefined ? '' : `, ${nameOf(above.cgroup)} above it ${formatBytes(above.max)}`;
  return (
    `${unit}${whose}: MemoryMax=${text(max)} MemorySwapMax=${text(swapMax)} ` +
    `MemoryHigh=${text(high)}${bound}`
  );
}

/**
 * A cap for each of so many trees of people: half of the machine, or less where all of them
 * together, with a quarter for containers and a tenth for the system, would not fit.
 * @param memory MemTotal in bytes
 */
export function suggestedCap(memory: number, trees: number, hasContainers: boolean): number {
  const free = memory * (hasContainers ? 0.65 : 0.9);
  return wholeSize(Math.min(memory / 2, free / Math.max(1, trees)));
}

/** Rounds down to a size that reads well: whole GiB from 4G on, else steps of 64 MiB. */
export function wholeSize(bytes: number): number {
  const step = bytes >= 4 * GiB ? GiB : 64 * MiB;
  return Math.max(step, Math.floor(bytes / step) * step);
}

/** Whether anything runs in a cgroup or below it. */
export function isPopulatedCgroup(place: Place, cgroup: string): boolean {
  const events = readCgroupFile(cgroup, 'cgroup.events', `${place.root}${CGROUPS}`) ?? '';
  return /^populated 1$/m.test(events);
}

/** Cgroups directly below one. */
export function childrenOf(place: Place, cgroup: string): string[] {
  const base = cgroup === '/' ? '' : cgroup;
  return namesIn(place, `${CGROUPS}${base}`)
    .filter((name) => /\.(slice|service|scope)$/.test(name) || base === '')
    .filter((name) => isCgroup(place, `${base}/${name}`))
    .map((name) => `${base}/${name}`);
}

function isCgroup(place: Place, cgroup: string): boolean {
  return readCgroupFile(cgroup, 'cgroup.procs', `${place.root}${CGROUPS}`) !== undefined;
}

function needUnified(place: Place): void {
  const controllers = readCgroupFile('/', 'cgroup.controllers', `${place.root}${CGROUPS}`);
  if (controllers === undefined) throw new Unknown(`there is no cgroup v2 tree at ${CGROUPS}`);
}

function ownerOf({ Id = '', User = '' }: Shown, people: readonly Person[]): Person | undefined {
  const [, template = '', instance = ''] = /^(.+)@(.+)\.service$/.exec(Id) ?? [];
  // logind's own: the manager lies in the user's slice, the other holds nothing.
  if (template === 'user' || template === 'user-runtime-dir') return undefined;
  const is = ({ name, uid }: Person, text: string) => text === name || text === String(uid);
  return people.find((each) => is(each, instance)) ?? people.find((each) => is(each, User));
}

function nameOf(cgroup: string): string {
  return cgroup.slice(cgroup.lastIndexOf('/') + 1);
}
