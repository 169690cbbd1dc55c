import { describe, expect, it } from 'vitest';
import { lostReader } from '../../../src/inspect/levels.js';
import { tree } from '../cgroup/tree.js';

const MANAGER = 'user.slice/user-1.slice/user@1.service';

/** A tree in which each level has some controllers, and passes some on. */
function levels(spec: Record<string, [has: string, passes: string]>): string {
  return tree(
    Object.fromEntries(
      Object.entries(spec).flatMap(([path, [has, passes]]) => [
        [`${path}/cgroup.controllers`, has],
        [`${path}/cgroup.subtree_control`, passes],
      ]),
    ),
  );
}

describe('where a controller ends', () => {
  const all = 'cpuset cpu io memory pids';
  const three = 'cpu memory pids';

  it('is above the user’s manager where it was not delegated', () => {
    const root = levels({
      '.': [all, 'cpu io memory pids'],
      'user.slice': ['cpu io memory pids', three],
      'user.slice/user-1.slice': [three, three],
      [MANAGER]: [three, three],
      [`${MANAGER}/app.slice`]: [three, 'cpu memory'],
      [`${MANAGER}/app.slice/a.scope`]: ['cpu memory', ''],
    });
    expect(lostReader(root)(`/${MANAGER}/app.slice/a.scope`)).toEqual({
      cpuset: { cgroup: '/', why: 'delegation' },
      io: { cgroup: '/user.slice', why: 'delegation' },
      pids: { cgroup: `/${MANAGER}/app.slice`, why: 'unit' },
    });
  });

  it('is the root where the kernel has it not, and a slice for units of the system', () => {
    const root = levels({
      '.': [three, three],
      'system.slice': [three, 'memory'],
      'system.slice/a.service': ['memory', ''],
    });
    expect(lostReader(root)('/system.slice/a.service')).toEqual({
      cpu: { cgroup: '/system.slice', why: 'unit' },
      cpuset: { cgroup: '/', why: 'kernel' },
      io: { cgroup: '/', why: 'kernel' },
      pids: { cgroup: '/system.slice', why: 'unit' },
    });
  });

  it('is not known where nothing can be read', () => {
    expect(lostReader(tree({}))('/a.slice/b.scope')).toEqual({});
    expect(lostReader(tree({ 'cgroup.controllers': all }))('/a.slice/b.scope')).toEqual({});
  });
});
