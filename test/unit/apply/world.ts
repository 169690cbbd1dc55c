import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { PlanFacts } from '../../../src/apply/facts.js';
import type { Plan } from '../../../src/apply/plan.js';
import { planFromFile } from '../../../src/apply/read-plan.js';
import { timerOptions } from '../../../src/timers/index.js';
import { machineWith } from '../profiles/places.js';

/** A plan from the text of its file. */
export function planOf(text: string, name = 'mine'): Plan {
  return planFromFile(`/plans/${name}.yaml`, text);
}

const unit = (name: string) => ({ path: `/usr/lib/systemd/system/${name}`, masked: false });

/** What is known of a machine on which everything is installed. */
export function facts(more: Partial<PlanFacts> = {}): PlanFacts {
  const names = [
    ...['docker.service', 'earlyoom.service', 'nix-daemon.service', 'systemd-oomd.service'],
    ...['ollama.service', 'llamacpp.service', 'local-llm-proxy.service', 'libvirtd.service'],
  ];
  return {
    machine: machineWith({ cores: 8, memory: '16G' }),
    isTree: false,
    isBare: false,
    people: [{ name: 'dev', uid: 1000 }],
    uid: 0,
    configHome: '/root/.config',
    texts: {},
    units: Object.fromEntries(names.map((name) => [name, unit(name)])),
    instances: {},
    enabled: { 'earlyoom.service': '/lib/systemd/system/earlyoom.service' },
    has: { docker: true, nix: true, zramGenerator: true, zramTools: false, oomd: true },
    timerOptions: timerOptions(
      'system',
      {},
      { env: {}, program: ['/usr/bin/node', '/opt/rlimit'] },
    ),
    unknown: [],
    ...more,
  };
}

/** A directory for one test, removed with it, with these files. */
export function treeWith(files: Record<string, string> = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'rlimit-apply-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(`${root}${path}`), { recursive: true });
    writeFileSync(`${root}${path}`, text);
  }
  return root;
}

/** All that is in a tree: path → content with its mode, owner and group; folders as such. */
export function contentsOf(
  root: string,
  { without = [] }: { without?: readonly string[] } = {},
): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = `${entry.parentPath}/${entry.name}`;
    const name = path.slice(root.length);
    if (without.some((each) => name === each || name.startsWith(`${each}/`))) continue;
    if (entry.isSymbolicLink()) {
      found[name] = `link ${readlinkSync(path)}`;
      continue;
    }
    const { mode, uid, gid } = statSync(path);
    const rest = `${(mode & 0o7777).toString(8)} ${uid}:${gid}`;
    found[name] = entry.isDirectory() ? `folder ${rest}` : `${rest}\n${readFileSync(path, 'utf8')}`;
  }
  return found;
}
