import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kindOf, parseShow, showArgs } from '../../../src/systemd/show.js';

/** Cut from what 257 prints for one scope, one name that does not exist, and one more scope. */
const SHOWN = `Result=success
OOMPolicy=stop
ControlGroup=/user.slice/user-1000.slice/user@1000.service/app.slice/rlimit-b-1.scope
CPUWeight=idle
CPUQuotaPerSecUSec=5ms
IOReadBandwidthMax=/dev/vda 1000000
IOReadBandwidthMax=/dev/vdb 2000000
Id=rlimit-b-1.scope
Description=[systemd-run] /usr/bin/sleep 100
LoadState=loaded
ActiveState=active

Result=success
CPUWeight=[not set]
Id=nope.scope
LoadState=not-found
ActiveState=inactive

MemoryMax=67108864
Id=rlimit-a-1.scope
Description=x
LoadState=loaded
ActiveState=active
`;

describe('parseShow', () => {
  it('gives one record a unit', () => {
    const units = parseShow(SHOWN);
    expect(units.map(({ Id }) => Id)).toEqual([
      'rlimit-b-1.scope',
      'nope.scope',
      'rlimit-a-1.scope',
    ]);
    expect(units[0]).toMatchObject({ CPUWeight: 'idle', ActiveState: 'active' });
    expect(units[1]).toMatchObject({ LoadState: 'not-found', CPUWeight: '[not set]' });
  });

  it('keeps a value for each device, a line each', () => {
    expect(parseShow(SHOWN)[0]?.IOReadBandwidthMax).toBe('/dev/vda 1000000\n/dev/vdb 2000000');
  });

  it('takes a unit once, though a name and a pattern both match it', () => {
    expect(parseShow(`${SHOWN}\n${SHOWN}`)).toHaveLength(3);
  });

  it('keeps values with an equals sign whole, and empty ones', () => {
    expect(parseShow('Id=a.scope\nDescription=env A=b\nSlice=\n')).toEqual([
      { Id: 'a.scope', Description: 'env A=b', Slice: '' },
    ]);
  });

  it('takes a line that is no property for more of the one before', () => {
    expect(parseShow('Description=one\ntwo\nId=a.scope\n')).toEqual([
      { Id: 'a.scope', Description: 'one\ntwo' },
    ]);
  });

  it('does not take a second value for the first', () => {
    // What a description with line breaks could try to say.
    const [unit] = parseShow('MemoryMax=1\nId=a.scope\nDescription=x\nMemoryMax=2\n');
    expect(unit?.MemoryMax).toBe('1');
  });

  it('nothing is no unit', () => {
    expect(parseShow('')).toEqual([]);
    expect(parseShow('\n\n')).toEqual([]);
  });

  it('never fails', () => {
    const line = fc.stringMatching(/^[A-Za-z]{0,8}=?[^\n]{0,20}$/);
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        for (const unit of parseShow(lines.join('\n'))) expect(unit.Id).toBeTypeOf('string');
      }),
    );
  });
});

describe('showArgs', () => {
  it('asks for everything in one call, and keeps names from being options', () => {
    const args = showArgs(['rlimit-*.scope', '-.slice']);
    expect(args[0]).toBe('show');
    expect(args[1]).toContain('CPUQuotaPerSecUSec');
    expect(args.slice(2)).toEqual(['--', 'rlimit-*.scope', '-.slice']);
  });
});

describe('kindOf', () => {
  it('is told by the suffix', () => {
    expect(kindOf('a.b.scope')).toBe('scope');
    expect(kindOf('user@1.service')).toBe('service');
    expect(kindOf('-.slice')).toBe('slice');
    expect(kindOf('a.timer')).toBeUndefined();
    expect(kindOf('scope')).toBeUndefined();
  });
});
