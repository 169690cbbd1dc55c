import { describe, expect, it } from 'vitest';
import { parseNodes, smallestNode } from '../../../src/slurm/index.js';
import { CLUSTER, NODES } from './recorded.js';

const MIB = 1024 ** 2;

describe('nodes of sinfo', () => {
  it('are read with cores and memory', () => {
    expect(parseNodes(NODES)[0]).toMatchObject({
      name: 'guest',
      partition: 'debug',
      isDefault: true,
      isUp: true,
      machine: { cores: 2, cpus: 2, memory: 1500 * MIB },
    });
    expect(parseNodes(CLUSTER)).toHaveLength(5);
    expect(parseNodes(CLUSTER)[0]?.machine).toMatchObject({ cores: 36, cpus: 72 });
    expect(parseNodes('')).toEqual([]);
  });

  it.each([
    // n3 is smaller, but down; where no partition is named it is the default one.
    [undefined, 'n2'],
    ['batch', 'n2'],
    ['himem', 'fat2'],
    ['himem,batch', 'n2'],
    ['nosuch', undefined],
  ])('the smallest of partition %s that is up counts', (partition, name) => {
    expect(smallestNode(parseNodes(CLUSTER), partition)?.name).toBe(name);
  });

  it('that are all down are better than none', () => {
    expect(smallestNode(parseNodes('a|p|p|100|2|1|down'), undefined)?.name).toBe('a');
  });
});
