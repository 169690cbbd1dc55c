import { describe, expect, it } from 'vitest';
import type { Limits, Machine } from '../../../src/model/index.js';
import { parseRunArguments } from '../../../src/run/options.js';
import { planRun } from '../../../src/run/plan.js';

const machine: Machine = { cores: 4, cpus: 8, memory: 2 ** 34, swap: 0, systemd: 257 };
const limits: Limits = {
  profile: 'nix-build',
  properties: [],
  leftOut: [],
  jobs: { low: 2, high: 4, pick: 3, bound: 'cores', reason: '', notes: [] },
  environment: { NIX_CONFIG: 'max-jobs = 3\ncores = 1', GOMAXPROCS: '3' },
};

function plan(argv: string[], env: NodeJS.ProcessEnv = {}) {
  return planRun(parseRunArguments(argv), { limits, machine, id: 'id1', env });
}

describe('planRun', () => {
  it('names the scope after profile and run, in a slice of its own below that of all runs', () => {
    expect(plan(['nix-build', '--', 'nix', 'build']).request).toMatchObject({
      unit: 'rlimit-nix-build-id1.scope',
      slice: 'app-rlimit-id1.slice',
      description: 'rlimit nix-build: nix build',
      environment: {
        RLIMIT_PROFILE: 'nix-build',
        RLIMIT_UNIT: 'rlimit-nix-build-id1.scope',
        RLIMIT_JOBS: '3',
        GOMAXPROCS: '3',
      },
    });
  });

  it('takes names from the command line, with or without their suffix', () => {
    const request = plan(['p', '--unit', 'mine', '--slice', 'a-b.slice', '--', 'x']).request;
    expect(request).toMatchObject({ unit: 'mine.scope', slice: 'a-b-id1.slice' });
  });

  it('puts a run that is started inside another one below the slice of that', () => {
    const outer = { unit: 'rlimit-a-id0.scope', slice: 'app-rlimit-id0.slice' };
    const options = parseRunArguments(['p', '--', 'x']);
    const inner = planRun(options, { limits, machine, id: 'id1', env: {}, outer });
    expect(inner).toMatchObject({
      within: 'rlimit-a-id0.scope',
      slice: 'app-rlimit-id0.slice',
      request: { slice: 'app-rlimit-id0-id1.slice' },
    });
  });

  it.each(['', 'a/b', '../x', 'a b', '.hidden', 'ü', 'x'.repeat(260), '$(reboot)', 'a\nb'])(
    'refuses %j as the name of a unit',
    (name) => {
      expect(() => plan(['p', `--unit=${name}`, '--', 'x'])).toThrow('cannot be the name');
    },
  );

  it("lets the caller's variables win, and NIX_CONFIG line by line", () => {
    const env = { GOMAXPROCS: '16', NIX_CONFIG: 'cores = 2' };
    const { environment } = plan(['p', '--', 'x'], env).request;
    expect(environment).not.toHaveProperty('GOMAXPROCS');
    expect(environment.NIX_CONFIG).toBe('max-jobs = 3\ncores = 1\ncores = 2');
  });

  it('--jobs is what the command is told', () => {
    expect(plan(['p', '-j', '7', '--', 'x'])).toMatchObject({
      jobs: 7,
      request: { environment: { RLIMIT_JOBS: '7' } },
    });
  });

  it('cuts and defuses the description of a hostile command', () => {
    const { description } = plan(['p', '--', 'x\u001b[2J\n', 'y'.repeat(500)]).request;
    expect(description).toMatch(/^rlimit nix-build: x\\x1b\[2J\\x0a y+…$/);
    expect(description.length).toBeLessThan(150);
  });
});
