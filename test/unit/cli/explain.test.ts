import { describe, expect, it } from 'vitest';
import { TROUBLES } from '../../../src/catalogue/index.js';
import { explain } from '../../../src/cli/explain.js';
import { withExplainValue } from '../../../src/cli/explain-flag.js';
import { UnknownNameError } from '../../../src/errors/index.js';
import { renderExplanation } from '../../../src/render/explain.js';

describe('explain', () => {
  it.each(Object.keys(TROUBLES))('%s, in 80 columns', (id) => {
    const { troubles } = explain(id);
    expect(troubles).toMatchObject([{ id, title: expect.any(String), mend: expect.any(String) }]);
    const text = renderExplanation(troubles);
    expect(text).toContain(`${id}: `);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('lists everything', () => {
    const { troubles } = explain('list');
    expect(troubles.map(({ id }) => id)).toEqual(Object.keys(TROUBLES));
    const lines = renderExplanation(troubles).split('\n');
    expect(lines).toHaveLength(troubles.length + 1);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('tells the versions of systemd, and where the story is', () => {
    const oomd = explain('oomd-with-swap-zero').troubles;
    expect(renderExplanation(oomd)).toMatch(/systemd: +247 and later$/m);
    expect(oomd[0]?.lesson).toBe('docs/lessons.md#oomd-with-swap-zero');
    const [trouble] = explain('livelock').troubles;
    if (trouble === undefined) throw new Error('unreachable');
    expect(trouble).not.toHaveProperty('lesson');
    expect(renderExplanation([trouble])).toMatch(/systemd: +every version$/m);
    const between = renderExplanation([{ ...trouble, systemd: { from: 250, until: 252 } }]);
    expect(between).toMatch(/systemd: +250 to 252$/m);
    expect(renderExplanation([{ ...trouble, systemd: { until: 252 } }])).toMatch(/up to 252$/m);
  });

  it('a name that is none has near ones', () => {
    expect(() => explain('livelok')).toThrow(UnknownNameError);
    expect(() => explain('livelok')).toThrow(/"livelok"/);
  });
});

it.each([
  [['--explain'], ['--explain=list']],
  [
    ['--explain', '--json'],
    ['--explain=list', '--json'],
  ],
  [
    ['mine', '--explain', 'livelock'],
    ['mine', '--explain', 'livelock'],
  ],
  [['--explain=livelock'], ['--explain=livelock']],
  [['--json'], ['--json']],
])('%j is read as %j', (argv, expected) => {
  expect(withExplainValue(argv)).toEqual(expected);
});
