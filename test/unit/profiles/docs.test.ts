import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { PROJECT_VARIABLES } from '../../../src/profiles/allowlist.js';
import { BUILT_IN_NAMES, builtIn } from '../../../src/profiles/catalog.js';
import { PROPERTY_NAMES } from '../../../src/properties/index.js';

const page = readFileSync(new URL('../../../docs/profiles.md', import.meta.url), 'utf8');

it.each([
  ['built-in profile', BUILT_IN_NAMES],
  ['property', PROPERTY_NAMES],
  ['variable that a project file may set', PROJECT_VARIABLES],
] as const)('docs/profiles.md names every %s', (_, names) => {
  for (const name of names) expect(page).toContain(`\`${name}\``);
});

it('docs/parallelism.md names every variable of the built-in profiles', () => {
  const text = readFileSync(new URL('../../../docs/parallelism.md', import.meta.url), 'utf8');
  const names = BUILT_IN_NAMES.flatMap((name) => Object.keys(builtIn(name)?.environment ?? {}));
  expect(names).toContain('DUNE_JOBS');
  for (const name of names) expect(text).toContain(`\`${name}\``);
});
