/**
 * From systemd's properties to the words of another format. A dictionary has an entry for every
 * property there is, so none can be forgotten: it is said, is so anyway, or cannot be said.
 */
import type { Limit, Limits } from '../model/index.js';
import { isPropertyName, type PropertyName } from '../properties/index.js';
import type { Cannot, Subject } from './types.js';

/** How one property is told in a format. */
export type Told<T> =
  | { say: T; note?: string }
  /** The format does so by itself, which is worth a comment. */
  | { already: string }
  | { cannot: string };

/** @param find the value of another property of the same profile */
export type Teller<T> = (
  value: string,
  find: (name: PropertyName) => string | undefined,
) => Told<T>;

export type Dictionary<T> = Readonly<Record<PropertyName, Teller<T>>>;

export interface Translation<T> {
  said: T[];
  /** Whole sentences for comments. */
  notes: string[];
  cannot: Cannot[];
}

/** Looks every limit of a profile up in a dictionary. */
export function translate<T>(
  { profile, limits }: Subject,
  dictionary: Dictionary<T>,
): Translation<T> {
  const result: Translation<T> = { said: [], notes: [], cannot: [] };
  for (const limit of limits.properties) {
    const told = lookUp(limit, dictionary, finder(limits));
    const said = `${limit.property}=${limit.value}`;
    if ('say' in told) result.said.push(told.say);
    if ('say' in told && told.note !== undefined) result.notes.push(`${said}: ${told.note}`);
    if ('already' in told) result.notes.push(`${said} needs no line: ${told.already}`);
    if ('cannot' in told) {
      const { property: what, value } = limit;
      result.cannot.push({ profile: profile.name, what, value, why: told.cannot });
    }
  }
  return { ...result, cannot: [...result.cannot, ...beyondLimits(profile)] };
}

/** Finds the value of a property among limits. */
export function finder({ properties }: Limits): Parameters<Teller<unknown>>[1] {
  return (name) => properties.find(({ property }) => property === name)?.value;
}

/** What no format has: only `rlimit run` does it. */
export function beyondLimits({ name, onStall }: Subject['profile']): Cannot[] {
  if (onStall === undefined) return [];
  const why = 'only `rlimit run --break-stall` looks for stalls';
  return [{ profile: name, what: 'on-stall', value: onStall, why }];
}

/** An entry of a dictionary that has no words, whatever the value. */
export function never<T>(why: string): Teller<T> {
  return () => ({ cannot: why });
}

/** Entries for the properties on which systemd-oomd acts: it looks at units only. */
export function withoutOomd<T>(
  why: string,
): Record<Extract<PropertyName, `ManagedOOM${string}`>, Teller<T>> {
  const none = never<T>(`systemd-oomd ${why}`);
  return {
    ManagedOOMSwap: none,
    ManagedOOMMemoryPressure: none,
    ManagedOOMMemoryPressureLimit: none,
    ManagedOOMPreference: none,
  };
}

/** Entries for what systemd filters and counts by BPF programs on a cgroup. */
export function withoutFilter<T>(
  why: string,
): Record<Extract<PropertyName, `IP${string}`>, Teller<T>> {
  const none = never<T>(why);
  return { IPAddressAllow: none, IPAddressDeny: none, IPAccounting: none };
}

function lookUp<T>(
  { property, value }: Limit,
  dictionary: Dictionary<T>,
  find: Parameters<Teller<T>>[1],
): Told<T> {
  if (!isPropertyName(property)) return { cannot: 'it is not known here' };
  return dictionary[property](value, find);
}
