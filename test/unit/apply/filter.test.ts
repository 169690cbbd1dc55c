import { mkdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { filterFindings, wantedOf } from '../../../src/apply/filter.js';
import { treeWith } from './world.js';

const OWN = ['127.0.0.1', '::1', '192.0.2.7'];

/** A kernel that lets through what is named, for processes in one cgroup. */
function world({ cgroup = '/system.slice/x.service', passes = OWN, status = 1 } = {}) {
  const cgroups = treeWith();
  mkdirSync(`${cgroups}${cgroup}`, { recursive: true });
  const asked: string[] = [];
  const system = {
    run: async (argv: readonly string[]) => {
      const [folder = '', address = ''] = argv.slice(-2);
      asked.push(`${folder.slice(cgroups.length)} ${address}`);
      if (status !== 1) return { status, out: '', err: '' };
      return passes.includes(address)
        ? { status: 0, out: '', err: '' }
        : { status: 1, out: '', err: 'bash: printf: write error: Operation not permitted\n' };
    },
  };
  const look = (properties: Record<string, string>, at = '/system.slice/x.service') =>
    filterFindings({ unit: 'x.service', cgroup: at, properties }, system, { own: OWN, cgroups });
  return { look, asked };
}

describe('the filter of addresses', () => {
  it('is tried with an address that is denied and one that is allowed', async () => {
    const { look, asked } = world({ passes: ['::1'] });
    const lists = { IPAddressDeny: 'any', IPAddressAllow: '::1' };
    expect(await look(lists)).toEqual([]);
    expect(asked).toEqual(['/system.slice/x.service 127.0.0.1', '/system.slice/x.service ::1']);
    expect(wantedOf(lists, OWN)).toEqual([
      { address: '127.0.0.1', wanted: 'denied' },
      { address: '::1', wanted: 'allowed' },
    ]);
  });

  it('that lets through what is denied is a problem', async () => {
    const { look } = world();
    const [finding, ...more] = await look({ IPAddressDeny: '127.0.0.0/8' });
    expect(more).toEqual([]);
    expect(finding).toMatchObject({
      id: 'plan-not-in-force',
      severity: 'problem',
      wanted: '127.0.0.1 denied',
      observed: '127.0.0.1 allowed',
      remedy: 'sudo systemctl set-property --runtime x.service IPAccounting=no',
    });
  });

  it('of somebody else above is told as well', async () => {
    const { look } = world({ passes: [] });
    const findings = await look({ IPAddressDeny: 'localhost' });
    expect(findings.map(({ wanted, observed }) => [wanted, observed])).toEqual([
      ['192.0.2.7 allowed', '192.0.2.7 denied'],
    ]);
  });

  it('of a slice is tried where something runs in it', async () => {
    const inner = '/a.slice/a-b.slice/s.scope';
    const { look, asked } = world({ cgroup: inner, passes: ['192.0.2.7'] });
    expect(await look({ IPAddressDeny: 'localhost' }, '/a.slice')).toEqual([]);
    expect(asked).toEqual([`${inner} 127.0.0.1`, `${inner} 192.0.2.7`]);
    const empty = world({ cgroup: '/a.slice' });
    const [finding] = await empty.look({ IPAddressDeny: 'localhost' }, '/a.slice');
    expect(finding).toMatchObject({ id: 'address-filter-not-seen', severity: 'warning' });
    expect(finding?.cause).toContain('nothing runs in it');
  });

  it.each([
    [{ IPAddressDeny: '203.0.113.0/24' }, 1, 'no address of this machine'],
    [{ IPAddressDeny: 'any' }, 3, 'cannot be entered'],
    [{ IPAddressDeny: 'any' }, 127, 'bash is not there'],
  ])('with %j and status %i is not known', async (lists, status, words) => {
    const [finding] = await world({ status }).look(lists);
    expect(finding).toMatchObject({ id: 'address-filter-not-seen' });
    expect(finding?.cause).toContain(words);
  });

  it('is nobody’s business where nothing is denied', async () => {
    expect(await world().look({ IPAccounting: 'yes' })).toEqual([]);
  });
});
