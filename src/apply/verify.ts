/** Whether a plan is in force: systemd's word and the kernel's, unit by unit. */
import { readFileSync } from 'node:fs';
import { examine } from '../doctor/index.js';
import { compare, type PropertyRow } from '../inspect/compare.js';
import { contextReader } from '../inspect/context-reader.js';
import { observe } from '../inspect/observe.js';
import type { Finding } from '../model/index.js';
import { parseShow, type Shown, showArgs } from '../systemd/show.js';
import { printable } from '../text/index.js';
import type { Compiled, UnitWish } from './compile/types.js';
import { filterFindings } from './filter.js';
import { must, StepFailed, type System, systemctlLine } from './system.js';
import { asUser, type LoggedIn, loggedIn } from './users.js';
import { factFinding, type VerifiedFact, verifyFact } from './verify-facts.js';

/** One unit against the plan. */
export interface VerifiedUnit {
  unit: string;
  /**
   * `in-force`: the kernel holds all of it. `waits`: it does not run, and systemd holds the values for
   * when it does, or its manager has not read the files yet. `none`: no unit of that pattern is there.
   * `not-in-force`: see the findings. `not-verified`: see `why`.
   */
  state: 'in-force' | 'waits' | 'none' | 'not-in-force' | 'not-verified';
  rows: PropertyRow[];
  why?: string;
}

export interface Verified {
  units: VerifiedUnit[];
  facts: VerifiedFact[];
  findings: Finding[];
  /** Whether anything of the plan is not as it is to be. */
  isInForce: boolean;
}

/**
 * Looks at every unit and fact that a plan is about.
 * @throws {StepFailed} where the manager does not answer
 */
export async function verify(
  { units, userUnits, wishes, plan }: Pick<Compiled, 'units' | 'userUnits' | 'wishes' | 'plan'>,
  {
    system,
    checks,
    users = loggedIn(),
  }: { system: System; checks: readonly string[]; users?: readonly LoggedIn[] },
): Promise<Verified> {
  const verified: VerifiedUnit[] = [];
  const findings: Finding[] = [];
  for (const wish of units) {
    const result = await verifyWish(wish, plan, system);
    verified.push(...result.units);
    findings.push(...result.findings);
  }
  for (const wish of userUnits) {
    const result = await verifyForUsers(wish, { plan, system, users });
    verified.push(...result.units);
    findings.push(...result.findings);
  }
  const facts: VerifiedFact[] = [];
  for (const wish of wishes) facts.push(await verifyFact(wish));
  findings.push(...facts.filter(({ isSo }) => !isSo).map(factFinding));
  if (checks.length > 0) {
    const { report } = await examine({ names: checks });
    findings.push(...report.checks.flatMap((check) => check.findings));
  }
  const isInForce =
    verified.every(({ state }) => state !== 'not-in-force') && facts.every(({ isSo }) => isSo);
  return { units: verified, facts, findings, isInForce };
}

interface Result {
  units: VerifiedUnit[];
  findings: Finding[];
}

/** Units of users' own managers, in those that run. */
async function verifyForUsers(
  wish: UnitWish,
  { plan, system, users }: { plan: string; system: System; users: readonly LoggedIn[] },
): Promise<Result> {
  const notVerified = (whose: string, why: string): Result => ({
    units: [{ unit: `${wish.units}${whose}`, state: 'not-verified', rows: [], why }],
    findings: [],
  });
  if (users.length === 0) return notVerified('', 'nobody is logged in');
  const result: Result = { units: [], findings: [] };
  for (const user of users) {
    const whose = ` of UID ${user.uid}`;
    const { units, findings } = await verifyWish(wish, plan, asUser(system, user)).catch(
      (error: unknown) => {
        if (!(error instanceof StepFailed)) throw error;
        return notVerified('', error.said);
      },
    );
    result.units.push(...units.map((unit) => ({ ...unit, unit: `${unit.unit}${whose}` })));
    result.findings.push(...findings);
  }
  return result;
}

async function verifyWish(wish: UnitWish, plan: string, system: System): Promise<Result> {
  const shownUnits = await show(wish, system);
  const contextFor = contextReader(process.env);
  const result: Result = { units: [], findings: [] };
  for (const shown of shownUnits) {
    const observation = observe({ manager: wish.manager, shown });
    if (observation === undefined || observation.loadState === 'not-found') continue;
    if (wish.ofOthers && shown.NeedDaemonReload === 'yes') {
      const why = 'its manager has not read the files yet';
      result.units.push({ unit: observation.unit, state: 'waits', rows: [], why });
      continue;
    }
    const isActive = observation.activeState === 'active';
    const context = {
      ...(await contextFor(observation, wish.properties)),
      // Of a unit that does not run, systemd's word is compared only with a profile's.
      ...(isActive ? {} : { profile: plan }),
    };
    const { rows, findings } = compare(wish.properties, observation, context);
    const ours = rows.filter(({ asked }) => asked !== undefined);
    const settings =
      isActive || wish.settings !== undefined ? await settingFindings(wish, shown, system) : [];
    const about = findings.filter(
      ({ property }) => property === undefined || property in wish.properties,
    );
    const filter =
      isActive && wish.manager === 'system' && observation.cgroup !== undefined
        ? await filterFindings(
            { unit: observation.unit, cgroup: observation.cgroup, properties: wish.properties },
            system,
          )
        : [];
    const bad = [...[...about, ...filter].filter(isContrary), ...settings];
    result.findings.push(...about, ...filter, ...settings);
    result.units.push({
      unit: observation.unit,
      state: bad.length > 0 ? 'not-in-force' : isActive ? 'in-force' : 'waits',
      rows: ours,
    });
  }
  if (result.units.length === 0) result.units.push({ unit: wish.units, state: 'none', rows: [] });
  return result;
}

/** Somebody else's value, or one that did not arrive: of a weight as well, which is but a warning. */
const CONTRARY: readonly string[] = [
  'changed-since',
  'daemon-reload-missing',
  'differs-from-profile',
  'kernel-differs',
  'overridden-by-drop-in',
];

/** Troubles of what runs there, which are not of the plan's making. */
const NOT_OURS: readonly string[] = ['ancestor-tighter', 'livelock'];

function isContrary({ id, severity }: Finding): boolean {
  return CONTRARY.includes(id) || (severity === 'problem' && !NOT_OURS.includes(id));
}

async function show({ units, manager }: UnitWish, system: System): Promise<Shown[]> {
  return parseShow(await must(system, systemctlLine(manager, ...showArgs([units]))));
}

/** Settings besides limits: what systemd has loaded, and what the kernel holds for the main process. */
async function settingFindings(wish: UnitWish, shown: Shown, system: System): Promise<Finding[]> {
  const { settings, manager } = wish;
  const unit = shown.Id ?? wish.units;
  if (settings === undefined) return [];
  const names = Object.keys(settings);
  const text = await must(
    system,
    systemctlLine(manager, 'show', `--property=${names.join(',')}`, '--', unit),
  );
  const held = new Map(
    [...text.matchAll(/^(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
  const wrong = names.filter((name) => held.has(name) && held.get(name) !== settings[name]);
  const findings = wrong.map((name) =>
    notSo(
      unit,
      name,
      settings[name] ?? '',
      held.get(name) ?? '',
      `systemd holds ${name}=${held.get(name)}`,
    ),
  );
  const kernel = privilegesOf(shown.MainPID);
  if (settings.NoNewPrivileges === 'yes' && kernel !== undefined && !kernel.none) {
    findings.push(
      notSo(
        unit,
        'NoNewPrivileges',
        'yes',
        'no',
        `its main process ${shown.MainPID} was started without it`,
      ),
    );
  }
  return findings;
}

/** NoNewPrivs of /proc/PID/status (proc(5)); absent where there is no main process. */
function privilegesOf(pid: string | undefined): { none: boolean } | undefined {
  if (pid === undefined || !/^[1-9]\d*$/.test(pid)) return undefined;
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return { none: /^NoNewPrivs:\s*1$/m.test(status) };
  } catch {
    return undefined;
  }
}

function notSo(
  unit: string,
  property: string,
  wanted: string,
  observed: string,
  cause: string,
): Finding {
  return {
    id: 'plan-not-in-force',
    severity: 'problem',
    unit,
    property,
    wanted,
    observed,
    cause: printable(`${unit}: ${cause}, and the plan wants ${wanted === '' ? 'none' : wanted}`),
    remedy: `sudo systemctl restart ${unit}`,
  };
}
