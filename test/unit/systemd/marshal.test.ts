import { describe, expect, it } from 'vitest';
import { PROPERTY_NAMES } from '../../../src/properties/index.js';
import { attachArgv, startScopeArgv } from '../../../src/systemd/bus.js';
import { busProperties, busWords } from '../../../src/systemd/marshal.js';

const NEVER = '18446744073709551615';

describe('busProperties', () => {
  it.each([
    ['MemoryMax', '150G', 'MemoryMax t 161061273600'],
    ['MemoryMax', 'infinity', `MemoryMax t ${NEVER}`],
    ['MemoryHigh', '1.5M', 'MemoryHigh t 1572864'],
    ['MemorySwapMax', '0', 'MemorySwapMax t 0'],
    ['MemoryLow', '512', 'MemoryLow t 512'],
    ['MemoryZSwapMax', '1K', 'MemoryZSwapMax t 1024'],
    ['CPUQuota', '2700%', 'CPUQuotaPerSecUSec t 27000000'],
    ['CPUQuota', '12.5%', 'CPUQuotaPerSecUSec t 125000'],
    ['CPUQuota', '', `CPUQuotaPerSecUSec t ${NEVER}`],
    ['CPUQuotaPeriodSec', '50ms', 'CPUQuotaPeriodUSec t 50000'],
    ['CPUWeight', '50', 'CPUWeight t 50'],
    ['CPUWeight', 'idle', 'CPUWeight t 0'],
    ['IOWeight', '30', 'IOWeight t 30'],
    ['TasksMax', '300', 'TasksMax t 300'],
    ['TasksMax', 'infinity', `TasksMax t ${NEVER}`],
    ['AllowedCPUs', '0', 'AllowedCPUs ay 1 1'],
    ['AllowedCPUs', '0-7', 'AllowedCPUs ay 1 255'],
    ['AllowedCPUs', '1,8-9,23', 'AllowedCPUs ay 3 2 3 128'],
    ['AllowedMemoryNodes', '1', 'AllowedMemoryNodes ay 1 2'],
    ['IODeviceWeight', '/dev/vda 200', 'IODeviceWeight a(st) 1 /dev/vda 200'],
    ['IOReadBandwidthMax', '/dev/vda 10M', 'IOReadBandwidthMax a(st) 1 /dev/vda 10000000'],
    ['IOWriteBandwidthMax', '/ infinity', `IOWriteBandwidthMax a(st) 1 / ${NEVER}`],
    ['IOReadIOPSMax', '/dev/vda 1K', 'IOReadIOPSMax a(st) 1 /dev/vda 1000'],
    ['OOMPolicy', 'continue', 'OOMPolicy s continue'],
    ['RuntimeMaxSec', '1h 30min', 'RuntimeMaxUSec t 5400000000'],
    ['RuntimeMaxSec', 'infinity', `RuntimeMaxUSec t ${NEVER}`],
    ['ManagedOOMSwap', 'kill', 'ManagedOOMSwap s kill'],
    ['ManagedOOMPreference', 'avoid', 'ManagedOOMPreference s avoid'],
    // Parts of 2^32 - 1.
    ['ManagedOOMMemoryPressureLimit', '80%', 'ManagedOOMMemoryPressureLimit u 3435973836'],
    ['ManagedOOMMemoryPressureLimit', '100%', 'ManagedOOMMemoryPressureLimit u 4294967295'],
  ])('%s=%s', (property, value, words) => {
    const { properties, leftOut } = busProperties({ [property]: value });
    expect(leftOut).toEqual([]);
    expect(properties.map((one) => busWords(one).join(' '))).toEqual([words]);
  });

  it('leaves out what it cannot say, and says so', () => {
    const { properties, leftOut } = busProperties({
      MemoryMax: '60%',
      TasksMax: '10',
      AllowedCPUs: '',
      Unheard: 'of',
    });
    expect(properties.map(({ name }) => name)).toEqual(['TasksMax']);
    expect(leftOut.map(({ property }) => property)).toEqual([
      'MemoryMax',
      'AllowedCPUs',
      'Unheard',
    ]);
  });

  it('has addresses as numbers', () => {
    const { properties } = busProperties({ IPAddressDeny: '127.0.0.0/8 ::1' });
    expect(properties[0]).toEqual({
      name: 'IPAddressDeny',
      signature: 'a(iayu)',
      words: [
        ...['2', '2', '4', '127', '0', '0', '0', '8'],
        ...['10', '16', ...Array.from({ length: 15 }, () => '0'), '1', '128'],
      ],
    });
  });

  it('has a form for every property of the table', () => {
    const sample: Record<string, string> = {
      CPUQuota: '50%',
      ManagedOOMMemoryPressureLimit: '50%',
      IPAddressAllow: 'localhost',
      IPAddressDeny: 'any',
      IPAccounting: 'yes',
      OOMPolicy: 'stop',
      ManagedOOMSwap: 'auto',
      ManagedOOMMemoryPressure: 'auto',
      ManagedOOMPreference: 'none',
    };
    const device = /^IO(Device|Read|Write)/;
    for (const name of PROPERTY_NAMES) {
      const value = sample[name] ?? (device.test(name) ? '/dev/vda 100' : '100');
      expect(busProperties({ [name]: value }).properties, name).toHaveLength(1);
    }
  });
});

describe('the lines for busctl', () => {
  const scope = {
    unit: 'x.scope',
    slice: 'app-rlimit.slice',
    description: 'rlimit x: make',
    ...busProperties({ MemoryMax: '1G' }),
  };

  it('counts processes and properties', () => {
    const argv = startScopeArgv(scope, [11, 12]);
    expect(argv.slice(7)).toEqual([
      'ssa(sv)a(sa(sv))',
      ...['x.scope', 'fail', '6'],
      ...['PIDs', 'au', '2', '11', '12'],
      ...['Slice', 's', 'app-rlimit.slice'],
      ...['Description', 's', 'rlimit x: make'],
      ...['CollectMode', 's', 'inactive-or-failed'],
      ...['Delegate', 'b', 'true'],
      ...['MemoryMax', 't', '1073741824', '0'],
    ]);
  });

  it('attaches', () => {
    expect(attachArgv('x.scope', [11, 12]).slice(6)).toEqual([
      'AttachProcessesToUnit',
      ...['ssau', 'x.scope', '', '2', '11', '12'],
    ]);
  });
});
