import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseSwaps } from '../../../src/doctor/checks/swap.js';
import { type Fix, mend, planFixes, remedyOf } from '../../../src/doctor/index.js';
import { Unknown } from '../../../src/doctor/place.js';
import { scriptFor } from '../../../src/doctor/script.js';
import { tree } from '../cgroup/tree.js';
import { place } from './place.js';

const CAP: Fix = {
  trouble: 'user-tree-uncapped',
  title: 'cap “it’s” at 1G',
  root: true,
  steps: [
    { file: '/etc/a b/x.conf', content: "[Slice]\nA='1'\nEND\n" },
    { reload: ['user-*.slice'] },
  ],
  ending: { run: ['systemctl', 'restart', 'user@1.service'], ends: 'all of it' },
};
const LINGER: Fix = {
  trouble: 'no-linger',
  title: 'linger',
  root: false,
  steps: [{ run: ['loginctl', 'enable-linger'], undo: ['loginctl', 'disable-linger'] }],
  asRoot: [{ run: ['loginctl', 'enable-linger', 'dev'] }],
};

function folder() {
  const path = mkdtempSync(join(tmpdir(), 'rlimit-fix-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

describe('a remedy', () => {
  it('is what the script does, for a person to paste', () => {
    expect(remedyOf(CAP).split('\n')).toEqual([
      "sudo mkdir -p '/etc/a b'",
      "printf %s '[Slice]",
      "A='\\''1'\\''",
      'END',
      "' | sudo tee '/etc/a b/x.conf'",
      'sudo systemctl daemon-reload',
      'sudo systemctl restart user@1.service   # ends all of it',
    ]);
    expect(remedyOf(LINGER)).toBe('loginctl enable-linger');
  });
});

describe('the script', () => {
  const script = scriptFor([CAP, { ...LINGER, root: true }]);

  it('is a shell script that gives the reason for each step', () => {
    execFileSync('sh', ['-n'], { input: script });
    expect(script).toMatch(/^# cap “it’s” at 1G\. Why: One runaway program/m);
    expect(script).toContain("put '/etc/a b/x.conf' <<'END_'");
    expect(script).toMatch(/^reload 'user-\*\.slice'$/m);
    expect(script).toContain("way_back 'loginctl disable-linger'");
  });

  it('never ends sessions unless it is told to', () => {
    expect(script).toMatch(/^ends_sessions 'all of it' systemctl restart user@1\.service$/m);
    expect(script.match(/systemctl restart user@/g)).toHaveLength(1);
  });

  it('writes no line that is wider than a page', () => {
    expect(script.split('\n').filter((line) => line.length > 100)).toEqual([]);
  });

  it('refuses an option it does not know', () => {
    const file = tree({ 'fix.sh': script });
    expect(() => execFileSync('sh', [`${file}/fix.sh`, '--what'], { stdio: 'pipe' })).toThrow(
      /usage: /,
    );
  });
});

describe('mending', () => {
  it('does each fix once, and writes the rest for root', async () => {
    const script = join(folder(), 'fix.sh');
    const plan = planFixes([CAP, LINGER, CAP]);
    expect(plan).toMatchObject({ own: [LINGER], root: [CAP] });
    const report = await mend(plan, { place: place({}, { 'loginctl enable-linger': '' }), script });
    expect(report).toEqual({
      mended: [
        {
          title: 'linger',
          done: true,
          said: ['loginctl enable-linger'],
          undo: ['loginctl disable-linger'],
        },
      ],
      script: { path: script, titles: [CAP.title] },
    });
    expect(statSync(script).mode & 0o777).toBe(0o700);
  });

  it('leaves to root what was refused', async () => {
    const script = join(folder(), 'fix.sh');
    const here = place({}, { loginctl: { status: 1, err: 'Access denied\nmore' } });
    const report = await mend(planFixes([LINGER]), { place: here, script });
    expect(report.mended).toMatchObject([
      { done: false, said: ['loginctl enable-linger: Access denied'], undo: [] },
    ]);
    expect(readFileSync(script, 'utf8')).toMatch(/^loginctl enable-linger dev$/m);
    const again = await mend(planFixes([LINGER]), { place: here, script });
    expect(again.script?.backup).toBe(`${script}.bak`);
  });

  it('keeps the former file, and says how to put it back', async () => {
    const root = tree({ 'nix.conf': 'old\n' });
    const file = `${root}/nix.conf`;
    const fix: Fix = { ...LINGER, title: 'nix', steps: [{ file, content: 'new\n' }] };
    const report = await mend(planFixes([fix]), { place: place(), script: '/none' });
    expect(report.script).toBeUndefined();
    const [undo = ''] = report.mended[0]?.undo ?? [];
    expect(readFileSync(file, 'utf8')).toBe('new\n');
    execFileSync('sh', ['-c', undo]);
    expect(readFileSync(file, 'utf8')).toBe('old\n');
  });
});

describe('/proc/swaps', () => {
  it('is read or refused, whatever it holds', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string()), (head, lines) => {
        try {
          for (const area of parseSwaps([head, ...lines].join('\n'))) {
            expect(Number.isSafeInteger(area.size)).toBe(true);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(Unknown);
        }
      }),
    );
  });
});
