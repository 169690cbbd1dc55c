/** Limits bound to units, as drop-ins and as what is to be seen in force. */
import { propertiesOf, unitSettings } from '../../export/formats/systemd.js';
import type { Limits, Machine, Profile, UnitKind } from '../../model/index.js';
import { loadProfile, resolve } from '../../profiles/index.js';
import { isPropertyName, propertySpec } from '../../properties/index.js';
import type { ManagerKind } from '../../systemd/client.js';
import { unitText, writtenBy } from '../../units/index.js';
import { fileNameOf, type PlanFacts } from '../facts.js';
import type { Plan, Target } from '../plan.js';
import { hardeningOf, shownHardening } from './hardening.js';
import type { PlannedFile, UnitWish } from './types.js';

/** A target with its limits on one machine. */
export interface ResolvedTarget extends Target {
  profileText: Profile;
  limitsHere: Limits;
}

/**
 * Looks up the profiles of a plan and resolves all targets.
 * @param machine with the swap that the plan itself makes
 * @throws {UsageError} for a value that would harm or cannot be meant, unless forced
 * @throws {UnknownNameError} for a profile that is not there
 */
export async function resolveTargets(
  plan: Plan,
  machine: Machine,
  { force, home }: { force: boolean; home: Readonly<Record<string, string | undefined>> },
): Promise<ResolvedTarget[]> {
  const resolved: ResolvedTarget[] = [];
  for (const target of plan.targets) {
    const profileText = await profileOf(plan, target, home);
    resolved.push({ ...target, profileText, limitsHere: resolve(profileText, machine, { force }) });
  }
  return resolved;
}

/** A target's own limits over those of its profile. A project's file has no say in the system. */
async function profileOf(
  plan: Plan,
  { profile, limits, line }: Target,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Profile> {
  const base: Profile =
    profile === undefined
      ? {
          name: plan.name,
          summary: '',
          layer: 'user',
          lineage: [],
          limits: {},
          environment: {},
          origins: {},
        }
      : await loadProfile(profile, { cwd: '/', env }, { project: false });
  const merged = Object.entries({ ...base.limits, ...limits }).filter(([, value]) => value !== '');
  const origin = {
    layer: 'user' as const,
    profile: plan.name,
    ...(plan.file === undefined ? {} : { file: plan.file }),
    ...(line === undefined ? {} : { line }),
  };
  const origins = Object.fromEntries(Object.keys(limits).map((name) => [`limits.${name}`, origin]));
  return { ...base, limits: Object.fromEntries(merged), origins: { ...base.origins, ...origins } };
}

/** What one target comes to. */
export interface TargetParts {
  files: PlannedFile[];
  units: UnitWish[];
  userUnits: UnitWish[];
  /** Services to be started anew, since some of their settings count only from a start on. */
  restart: string[];
  notes: string[];
}

/** The drop-ins of one target. Pure. */
export function compileTarget(
  target: ResolvedTarget,
  {
    facts,
    plan,
    runtime,
    machine,
  }: { facts: PlanFacts; plan: string; runtime: boolean; machine: Machine },
): TargetParts {
  const notes = leftOutNotes(target);
  const parts: TargetParts = { files: [], units: [], userUnits: [], restart: [], notes };
  for (const unit of unitsOf(target, facts, parts.notes)) {
    const kind: UnitKind = unit.file.endsWith('.scope')
      ? 'scope'
      : unit.file.endsWith('.slice')
        ? 'slice'
        : 'service';
    const { lines, properties, settings, notes } = linesOf(target, {
      unit: unit.file,
      kind,
      machine,
      runtime,
    });
    parts.notes.push(...notes);
    if (lines.length === 0) continue;
    parts.files.push({
      path: dropInPath(unit, { facts, plan, runtime }),
      content: dropInText(target, kind, lines, plan),
      why: `limits of ${unit.file}`,
      manager: unit.manager,
      ...(runtime ? { runtime: true as const } : {}),
    });
    const wish = { units: unit.pattern, kind, properties };
    if (unit.folder === 'user') {
      parts.userUnits.push({ ...wish, manager: 'user', ofOthers: true });
    } else {
      const more = settings === undefined ? {} : { settings };
      parts.units.push({ ...wish, manager: unit.manager, ...more });
    }
    if (settings !== undefined && kind === 'service') parts.restart.push(unit.file);
  }
  return parts;
}

interface UnitPlace {
  /** Name of the unit file that the drop-in is for: `user-.slice`. */
  file: string;
  /** The units that it counts for. */
  pattern: string;
  manager: ManagerKind;
  /** Directory of units below /etc/systemd. */
  folder: 'system' | 'user' | 'own';
}

function unitsOf({ units }: Target, facts: PlanFacts, notes: string[]): UnitPlace[] {
  switch (units.kind) {
    case 'users':
      return [
        { file: 'user-.slice', pattern: 'user-*.slice', manager: 'system', folder: 'system' },
      ];
    case 'slice':
      return [{ file: units.name, pattern: units.name, manager: 'system', folder: 'system' }];
    case 'every-user':
      return units.names.map((file) => ({
        file,
        pattern: file.replace(/([@-])\./, '$1*.'),
        manager: 'system',
        folder: 'user',
      }));
    case 'this-user':
      return [{ file: units.name, pattern: units.name, manager: 'user', folder: 'own' }];
    case 'service':
      return servicesOf(units.names, facts, notes);
  }
}

/** Those that are there. A drop-in for one that is not would do no harm, and nothing else either. */
function servicesOf(names: readonly string[], facts: PlanFacts, notes: string[]): UnitPlace[] {
  const known = names.filter((name) => facts.units[fileNameOf(name)]?.path !== undefined);
  const masked = known.filter((name) => facts.units[fileNameOf(name)]?.masked === true);
  for (const name of masked) {
    notes.push(`${name} is masked and cannot be started: nothing is written for it`);
  }
  const there = facts.isBare ? names.slice(0, 1) : known.filter((name) => !masked.includes(name));
  if (known.length === 0 && !facts.isBare) {
    notes.push(
      `${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} not installed: nothing is written for it`,
    );
  }
  return there.map((name) => ({
    file: fileNameOf(name),
    pattern: name,
    manager: 'system',
    folder: 'system',
  }));
}

/** A later name than those of `set-property` and of `rlimit doctor --fix` (50-…): it counts. */
function dropInPath(
  { file, folder }: UnitPlace,
  { facts, plan, runtime }: { facts: PlanFacts; plan: string; runtime: boolean },
): string {
  const name = runtime ? `61-rlimit-${plan}-trial.conf` : `60-rlimit-${plan}.conf`;
  if (folder === 'own') {
    const base = runtime ? `/run/user/${facts.uid}` : facts.configHome;
    return `${base}/systemd/user/${file}.d/${name}`;
  }
  return `${runtime ? '/run' : '/etc'}/systemd/${folder}/${file}.d/${name}`;
}

const SECTIONS: Readonly<Record<UnitKind, string>> = {
  service: 'Service',
  slice: 'Slice',
  scope: 'Scope',
};

function linesOf(
  target: ResolvedTarget,
  {
    unit,
    kind,
    machine,
    runtime,
  }: { unit: string; kind: UnitKind; machine: Machine; runtime: boolean },
) {
  const subject = { profile: target.profileText, limits: target.limitsHere };
  const place = { machine, unit, shell: 'bash' as const };
  const { properties, cannot } = propertiesOf(subject, place, kind);
  const lines =
    kind === 'scope'
      ? Object.entries(properties).map(([name, value]) => `${name}=${value}`)
      : unitSettings(subject, place).settings.flatMap(([name, value]) => [
          // To what the unit and other drop-ins list, systemd would add it.
          ...(isListOfAddresses(name) ? [`${name}=`] : []),
          `${name}=${value}`,
        ]);
  // What counts only from a start on is nothing to be tried for a while.
  const hardening = runtime ? undefined : target.hardening;
  const score = runtime ? undefined : target.oomScore;
  if (score !== undefined) lines.push(`OOMScoreAdjust=${score}`);
  if (hardening !== undefined) {
    lines.push(
      ...Object.entries(hardeningOf(hardening)).map(([name, value]) => `${name}=${value}`),
    );
  }
  const settings =
    hardening === undefined && score === undefined
      ? undefined
      : {
          ...(score === undefined ? {} : { OOMScoreAdjust: String(score) }),
          ...(hardening === undefined ? {} : shownHardening(hardening)),
        };
  const notes = cannot
    .filter(({ what }) => what !== 'environment')
    .map(({ what, value, why }) => `${unit}: ${what}=${value} is left out: ${why}`);
  return { lines, properties, settings, notes };
}

function isListOfAddresses(name: string): boolean {
  return isPropertyName(name) && propertySpec(name).kind === 'addresses';
}

function dropInText(
  { profile, limitsHere }: ResolvedTarget,
  kind: UnitKind,
  lines: readonly string[],
  plan: string,
): string {
  const from = profile === undefined ? '' : `, profile ${profile}`;
  const rules = limitsHere.properties.flatMap(({ property, rule }) =>
    rule === undefined ? [] : [`${property}: ${rule}`],
  );
  return unitText([`${writtenBy(plan)}${from}.`, ...rules], [[SECTIONS[kind], lines]]);
}

function leftOutNotes({ limitsHere, units }: ResolvedTarget): string[] {
  const name =
    units.kind === 'users' ? 'user-.slice' : 'name' in units ? units.name : units.names.join(', ');
  return limitsHere.leftOut.map(
    ({ property, wish, why }) => `${name}: ${property}=${wish} is left out: ${why}`,
  );
}
