import { describe, expect, it } from 'vitest';
import { TROUBLES } from '../../../src/catalogue/index.js';

describe.each(Object.entries(TROUBLES))('%s', (id, { title, why, mend, found, systemd }) => {
  it('has a name, a title and a reason that read alike', () => {
    expect(id).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(title).toMatch(/[^.]$/);
    expect(why).toMatch(/^\S.*\.$/);
    expect(mend).toMatch(/^\S.*\.$/);
    expect(found.length).toBeGreaterThan(0);
  });

  it('names versions of systemd that there can be', () => {
    expect(systemd?.from ?? 0).toBeLessThanOrEqual(systemd?.until ?? Number.POSITIVE_INFINITY);
  });
});
