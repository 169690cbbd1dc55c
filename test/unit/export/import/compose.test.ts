import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromCompose } from '../../../../src/export/import/compose.js';
import { write } from '../subjects.js';

const read = (body: string, service?: string) =>
  fromCompose(`services:\n${body}`, 'c.yml', service);
const one = (...lines: string[]) =>
  read(['  a:', ...lines.map((line) => `    ${line}`)].join('\n'));

describe('limits of a service', () => {
  it('the plain form', () => {
    const { limits } = one(
      'mem_limit: 8g',
      'memswap_limit: 9g',
      'mem_reservation: 512m',
      'cpus: 1.5',
      'cpuset: 0-3,8',
      'cpu_shares: 1024',
      'pids_limit: 512',
      'blkio_config:',
      '  weight: 20',
      '  device_read_bps: [{path: /dev/sda, rate: 10m}]',
    );
    expect(limits).toEqual({
      MemoryMax: '8G',
      MemorySwapMax: '1G',
      MemoryLow: '512M',
      CPUQuota: '150%',
      AllowedCPUs: '0-3,8',
      CPUWeight: '100',
      TasksMax: '512',
      IOWeight: '102',
      IOReadBandwidthMax: `/dev/sda ${10 * 1024 ** 2}`,
    });
  });

  it('the form of deploy, which wins', () => {
    const { limits } = one(
      'mem_limit: 1g',
      'deploy:',
      '  resources:',
      '    limits: {memory: 8GiB, cpus: "0.50", pids: 9}',
      '    reservations: {memory: 256MB}',
    );
    expect(limits).toEqual({
      MemoryMax: '8G',
      CPUQuota: '50%',
      TasksMax: '9',
      MemoryLow: '256M',
    });
  });

  it('a quota and its period', () => {
    expect(one('cpu_quota: 25000', 'cpu_period: 50000').limits).toEqual({
      CPUQuota: '50%',
      CPUQuotaPeriodSec: '50000us',
    });
  });

  it('says what is not carried', () => {
    const { limits, notCarried } = one(
      'image: x',
      'mem_limit: ${MEM:-8g}',
      'cpus: many',
      'mem_swappiness: 0',
      'ulimits: {nofile: 9}',
      'environment: [TOKEN=secret, GOMAXPROCS=4]',
    );
    expect(limits).toEqual({});
    expect(notCarried.map(({ what }) => what).sort()).toEqual([
      'cpus',
      'image',
      'mem_limit',
      'mem_swappiness',
      'the variable TOKEN',
      'ulimits',
    ]);
    expect(JSON.stringify(notCarried)).not.toContain('secret');
  });
});

describe('which service', () => {
  const two = '  a: {mem_limit: 1g}\n  b: {mem_limit: 2g}';

  it('has to be said where there are several', () => {
    expect(() => read(two)).toThrow('c.yml has 2 services');
    expect(read(two, 'b').limits).toEqual({ MemoryMax: '2G' });
    expect(() => read(two, 'c')).toThrow('there is no service "c"');
    expect(() => read(two, '__proto__')).toThrow('there is no service');
  });

  it.each([
    ['a: [', 'no YAML'],
    ['', 'no services'],
    ['- a', 'no services'],
    ['services: []', 'no services'],
    ['services: {a: 1}', 'is no mapping'],
  ])('%j: %s', (text, message) => {
    expect(() => fromCompose(text, 'c.yml')).toThrow(message);
  });

  it('a text that unfolds without end', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
    for (let at = 1; at < 12; at += 1) {
      lines.push(
        `a${at}: &a${at} [${Array(9)
          .fill(`*a${at - 1}`)
          .join(', ')}]`,
      );
    }
    expect(() => fromCompose(`${lines.join('\n')}\nservices: {a: {}}`, 'c.yml')).toThrow('YAML');
  });

  it('never fails otherwise', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (service) => {
        const text = JSON.stringify({ services: { a: service } });
        expect(fromCompose(text, 'c.yml').source).toBe('service a of c.yml');
      }),
    );
  });
});

it('what was exported comes back, as far as the scales go', async () => {
  const { text } = await write('docker-compose', 'llama-cpp');
  expect(fromCompose(text, 'c.yml').limits).toEqual({
    MemoryMax: '6G',
    MemorySwapMax: 'infinity',
    CPUQuota: '150%',
    AllowedCPUs: '8-11',
    IOWeight: '81',
    TasksMax: '256',
  });
});
