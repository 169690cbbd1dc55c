import { describe, expect, it } from 'vitest';
import type { ProofReport } from '../../../src/prove/index.js';
import { renderProofs } from '../../../src/render/prove.js';

const GIB = 1024 ** 3;
const REPORT: ProofReport = {
  date: '2026-01-01T10:30:00Z',
  host: {
    name: 'desk',
    kernel: '6.1.0',
    systemd: 257,
    memory: 16 * GIB,
    available: 9 * GIB,
    swap: 0,
    cpus: 8,
  },
  manager: 'user',
  proofs: [
    {
      name: 'memory-max',
      title: 'a program dies at MemoryMax, and the machine does not swap',
      expected: 'killed at MemoryMax',
      verdict: 'held',
      measured: '1 killed at 32M, peak 32.01M, CONSTRAINT_MEMCG, machine’s swap flat',
      findings: [],
    },
    {
      name: 'io-weight',
      title: 'IOWeight is held, and a device goes by it',
      expected: 'io.weight holds it',
      verdict: 'inert',
      measured: 'no io.weight in the cgroup',
      findings: [
        {
          id: 'controller-not-delegated',
          severity: 'warning',
          property: 'IOWeight',
          cause: 'the io controller is not delegated',
          remedy: 'one\ntwo',
        },
      ],
    },
    {
      name: 'earlyoom',
      title: 'earlyoom would end a hog',
      expected: 'named',
      verdict: 'not-applicable',
      measured: 'a name to fear \u001b[31m',
      findings: [],
    },
  ],
  left: [],
};

describe('renderProofs', () => {
  it('fits 80 columns and can be pasted', () => {
    const [head = '', ...lines] = renderProofs(REPORT).split('\n');
    expect(head).toMatch(/^rlimit doctor --prove {2}2026-01-01 \d\d:\d\d:00$/);
    expect(lines.every((line) => line.length <= 80)).toBe(true);
    expect(lines.join('\n')).toMatchInlineSnapshot(`
      "desk: Linux 6.1.0, systemd 257, 8 CPUs, memory 16G (9.0G available), no swap
      scopes of your user manager

      held            memory-max: a program dies at MemoryMax, and the machine does
                      not swap
                      1 killed at 32M, peak 32.01M, CONSTRAINT_MEMCG, machine’s swap
                      flat
      inert           io-weight: IOWeight is held, and a device goes by it
                      no io.weight in the cgroup
                      expected: io.weight holds it
      warning: IOWeight: the io controller is not delegated [controller-not-delegated]
        mend: one
        two
      not applicable  earlyoom: earlyoom would end a hog
                      a name to fear \\x1b[31m

      1 held, 1 inert, 1 not applicable"
    `);
  });

  it('tells a remedy once, and what was left behind', () => {
    const [, inert] = REPORT.proofs;
    const twice = inert === undefined ? [] : [inert, inert];
    const text = renderProofs({ ...REPORT, proofs: twice, left: ['x.slice'] });
    expect(text.match(/mend: one/g)).toHaveLength(1);
    expect(text).toContain('mend: as above');
    expect(text).toContain('left behind: x.slice; systemctl --user stop x.slice');
  });
});
