/** A machine that a ready plan was written for, and what is looked at there by hand. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { ApplyReport, CheckReport } from '../../../src/apply/index.js';
import { bootMachine, type LiveMachine } from '../machine.js';
import type { Suite } from '../suites.js';

/** A ready plan with swap that fits on the disk of the standard image. */
export function withSmallSwap(plan: string): string {
  const text = readFileSync(`src/apply/plans/${plan}.yaml`, 'utf8');
  return text.replace(/^( {4}size:) \d+G$/gm, '$1 64M');
}

/** Gibibytes, and processors. */
export interface Size {
  memory: number;
  cores: number;
}

/**
 * Nominal memory in MiB with which MemTotal comes out just above so many gibibytes: the kernel keeps 1/64 for
 * its table of pages and up to 250 MiB for itself.
 */
function nominalMiB(memory: number): number {
  return Math.ceil((memory * 1024 + 250) * (64 / 63));
}

export class Bench {
  private constructor(readonly machine: LiveMachine) {}

  /** @param units files of services by name; they are started, now and at each boot */
  static async boot(
    suite: Suite,
    { memory, cores }: Size,
    units: Readonly<Record<string, string>> = {},
  ): Promise<Bench> {
    const machine = await bootMachine(suite, {
      image: 'plans',
      memoryMiB: nominalMiB(memory),
      cpus: cores,
    });
    const bench = new Bench(machine);
    for (const [name, text] of Object.entries(units)) {
      await machine.writeFile(`/etc/systemd/system/${name}`, text, { owner: 'root' });
    }
    const instances = Object.keys(units).map((name) => name.replace('@.', '@dev.'));
    await bench.must(`cd /etc/systemd/system; rm -f earlyoom.service systemd-oomd.service systemd-oomd.socket
      systemctl daemon-reload; for unit in ${instances.join(' ')}; do systemctl enable --now $unit; done
      systemctl start earlyoom systemd-oomd`);
    return bench;
  }

  close(): Promise<void> {
    return this.machine.close();
  }

  /** A line of root's that has to go well. */
  async must(command: string): Promise<string> {
    const { status, stdout, stderr } = await this.machine.exec(`set -e\n${command}`, {
      user: 'root',
      timeoutMs: 240_000,
    });
    if (status !== 0) throw new Error(`${command}: status ${status}\n${stdout}${stderr}`);
    return stdout;
  }

  /** Root's `rlimit apply`, or that of `dev`. */
  async apply<T = ApplyReport>(words: string, user: 'root' | 'dev' = 'root') {
    const run = await this.machine.exec(`rlimit apply ${words} --json`, {
      user,
      timeoutMs: 240_000,
    });
    try {
      return { status: run.status, report: JSON.parse(run.stdout) as T, said: run.stderr };
    } catch {
      throw new Error(`rlimit apply ${words}: status ${run.status}\n${run.stdout}${run.stderr}`);
    }
  }

  /** Applies a plan, which has to be in force then; else all that was said is the error. */
  async applied(words: string, user: 'root' | 'dev' = 'root'): Promise<ApplyReport> {
    const { status, report } = await this.apply(`${words} --yes`, user);
    const { outcome, failure, verified } = report;
    if (status === 0 && outcome === 'applied' && verified?.isInForce) return report;
    const found = {
      status,
      outcome,
      failure,
      findings: verified?.findings,
      facts: verified?.facts,
    };
    throw new Error(`${words}: ${JSON.stringify(found)}`);
  }

  /** `--check`, and all that it has found: `unit property`, facts by what they are about, paths of files. */
  async check(plan: string, user: 'root' | 'dev' = 'root') {
    const { status, report } = await this.apply<CheckReport>(`${plan} --check`, user);
    const { verified, files } = report;
    const named = [
      ...(verified?.findings ?? []).map(({ unit, property }) =>
        [unit, property].filter((word) => word).join(' '),
      ),
      ...files.map(({ path }) => path),
    ];
    const states = verified?.units.map(({ unit, state }) => `${unit} ${state}`) ?? [];
    return { status, named, states, report };
  }

  /** Every name below /etc, and of files their contents; what plans leave outside of it. */
  manifest(): Promise<string> {
    return this.must(`{ find /etc -printf '%p %y %m %U:%G %l\\n'; find /etc -type f -exec sha256sum {} +
      find /swapfile* /var/lib/rlimit /run/rlimit/apply /run/systemd/system.control/* -printf '%p %y %m %U:%G\\n' 2>/dev/null || :; } | sort`);
  }

  /** What the kernel holds, read without any of our readers (held.py): `user.slice memory.max` → value. */
  async held(): Promise<Record<string, string>> {
    return JSON.parse(await this.must('python3 /opt/rlimit/fixtures/held.py'));
  }
}

/** Lines that one text has and the other has not. */
export function differences(now: string, before: string): string[] {
  const [after, former] = [now, before].map((text) => text.split('\n'));
  return [
    ...(former ?? []).filter((line) => !after?.includes(line)).map((line) => `- ${line}`),
    ...(after ?? []).filter((line) => !former?.includes(line)).map((line) => `+ ${line}`),
  ];
}

/** What a controller that is on for a cgroup holds where nothing was set. */
const DEFAULTS = ['max', '100', 'default 100', 'max 100000', '', '0'];

/**
 * As before, but for controllers that are on still: they show what is set where nothing is.
 */
export function expectAsBefore(
  now: Readonly<Record<string, string>>,
  before: Readonly<Record<string, string>>,
): void {
  const added = Object.entries(now).filter(([what]) => before[what] === undefined);
  expect(added.filter(([, value]) => !DEFAULTS.includes(value))).toEqual([]);
  expect(now).toMatchObject(before);
}
