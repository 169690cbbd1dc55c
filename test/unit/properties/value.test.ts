import { describe, expect, it } from 'vitest';
import { UnknownNameError, UsageError } from '../../../src/errors/index.js';
import {
  checkName,
  checkValue,
  NOT_FOR_SCOPES,
  PROPERTY_NAMES,
} from '../../../src/properties/index.js';

describe('values that systemd takes', () => {
  it.each([
    ['MemoryMax', '1024M', '1G', 1024 ** 3],
    ['MemoryMax', 'infinity', 'infinity', 'infinity'],
    ['MemoryMax', '50.0%', '50%', '50%'],
    ['MemorySwapMax', '0', '0', 0],
    ['CPUQuota', '150.50%', '150.5%', 1_505_000],
    ['CPUWeight', 'idle', 'idle', 'idle'],
    ['IOWeight', '050', '50', 50],
    ['TasksMax', '300', '300', 300],
    ['AllowedCPUs', '3,0-1', '0-1,3', '0-1,3'],
    ['RuntimeMaxSec', '90min', '1h 30min', 5_400_000_000],
    ['OOMPolicy', 'continue', 'continue', 'continue'],
    ['ManagedOOMPreference', 'avoid', 'avoid', 'avoid'],
    ['ManagedOOMMemoryPressureLimit', '80%', '80%', 8000],
    ['IOReadBandwidthMax', '/dev/sda  10M', '/dev/sda 10M', '/dev/sda 10M'],
    ['IOReadIOPSMax', '/dev/nvme0n1 1000', '/dev/nvme0n1 1000', '/dev/nvme0n1 1000'],
    ['IODeviceWeight', '/dev/sda 200', '/dev/sda 200', '/dev/sda 200'],
  ])('%s=%s', (property, given, text, amount) => {
    expect(checkValue(property, given)).toEqual({ property, text, amount });
  });
});

describe('values that systemd would refuse', () => {
  it.each([
    ['MemoryMax', '0'],
    ['MemoryHigh', '0%'],
    ['MemoryMax', '101%'],
    ['MemoryMax', ''],
    ['MemoryMax', '60% of memory'],
    ['CPUQuota', '50'],
    ['IOWeight', 'idle'],
    ['IOWeight', '0'],
    ['TasksMax', '0'],
    ['AllowedCPUs', ','],
    ['OOMPolicy', 'ignore'],
    ['ManagedOOMMemoryPressureLimit', '101%'],
    ['IOReadBandwidthMax', '10M'],
    ['IOReadBandwidthMax', 'sda 10M'],
    ['IOReadBandwidthMax', '/dev/sda 0'],
  ])('%s=%s', (property, text) => {
    expect(() => checkValue(property, text)).toThrow(UsageError);
    expect(() => checkValue(property, text)).toThrow(new RegExp(`^${property}: `));
  });
});

describe('names', () => {
  it('knows every property of the table', () => {
    for (const name of PROPERTY_NAMES) expect(checkName(name)).toBe(name);
  });

  it('tells the nearest name for a wrong one', () => {
    const error = thrown(() => checkValue('MemoryMaximum', '1G'));
    expect(error).toBeInstanceOf(UnknownNameError);
    expect(error.why).toContain('MemoryMax');
  });

  it.each(Object.keys(NOT_FOR_SCOPES))('tells what to use instead of %s', (name) => {
    const error = thrown(() => checkName(name));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.remedy).toBe(NOT_FOR_SCOPES[name]);
  });

  it.each(['__proto__', 'constructor', 'toString'])('%s is no property', (name) => {
    expect(() => checkName(name)).toThrow(UnknownNameError);
  });

  function thrown(work: () => unknown): UsageError {
    try {
      work();
    } catch (error) {
      return error as UsageError;
    }
    throw new Error('nothing was thrown');
  }
});
