import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { TROUBLES } from '../../../src/catalogue/index.js';
import { LINT_IDS } from '../../../src/lint/lint.js';

const page = readFileSync(new URL('../../../docs/lessons.md', import.meta.url), 'utf8');
const sections = page.split(/^## /m).slice(1);
const ids = sections.map((section) => section.slice(0, section.indexOf('\n')));

describe('docs/lessons.md', () => {
  it('has one section for each lint, in the order of their names', () => {
    expect(ids).toEqual([...LINT_IDS]);
  });

  it.each(sections.map((section, at) => [ids[at] ?? '', section]))('%s', (id, section) => {
    expect(Object.keys(TROUBLES)).toContain(id);
    // A story says what was seen or read, and what to do.
    expect(section).toMatch(/\b[Ss]een\b|\b[Rr]ead\b/);
    expect(section).toMatch(/\*\*Mend\.\*\*/);
  });
});

it.each(LINT_IDS)('docs/profiles.md has %s in its table', (id) => {
  const profiles = readFileSync(new URL('../../../docs/profiles.md', import.meta.url), 'utf8');
  expect(profiles).toContain(`| \`${id}\` |`);
});

it('every trouble that profile check tells of is a lint', () => {
  const told = Object.entries(TROUBLES).filter(([, { found }]) => found.includes('profile check'));
  expect(told.map(([id]) => id).sort()).toEqual([...LINT_IDS]);
});
