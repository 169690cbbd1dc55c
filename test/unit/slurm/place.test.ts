import { describe, expect, it } from 'vitest';
import { parsePlace } from '../../../src/slurm/index.js';

describe('--on', () => {
  it.each([
    [['slurm'], {}],
    [['slurm:partition=long'], { partition: 'long' }],
    [['slurm:nodelist=n1,n2,account=a b'], { nodelist: 'n1,n2', account: 'a b' }],
    [['slurm:qos=x', 'slurm:constraint=[a|b],qos=y'], { qos: 'y', constraint: '[a|b]' }],
    [['slurm:comment=a=b'], { comment: 'a=b' }],
  ])('reads %j', (words, expected) => {
    expect(parsePlace(words)).toEqual(expected);
  });

  it.each([
    [['pbs'], /only place besides here is slurm/],
    [['slurm:partitoin=x'], /there is no option "partitoin"/],
    [['slurm:'], /there is no option ""/],
    [['slurm:partition'], /needs a value/],
    [['slurm:partition='], /needs a value/],
    [['slurm:mem=4G'], /mem cannot be given/],
    [['slurm:pty=yes'], /pty cannot be given/],
    [['slurm:toString=x'], /there is no option "toString"/],
  ])('refuses %j', (words, message) => {
    expect(() => parsePlace(words)).toThrow(message);
  });
});
