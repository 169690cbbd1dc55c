import { describe, expect, it } from 'vitest';
import { dropInNames, loadedSettings, settingsOnDisk } from '../../../src/systemd/settings.js';
import { tree } from '../cgroup/tree.js';

describe('settings of a unit', () => {
  const files = {
    'etc/systemd/system/a.service': '[Service]\nMemoryMax=8G\nTasksMax=9\n[Unit]\nCPUQuota=10%\n',
    'etc/systemd/system/a.service.d/10-x.conf': '[Service]\nMemoryMax=4G\n',
    'etc/systemd/system.control/a.service.d/50-MemoryMax.conf': '[Service]\nMemoryMax=2G\n',
    'etc/systemd/system/service.d/99-all.conf': '[Service]\nTasksMax=\n[Slice]\nMemoryMax=1\n',
  };

  it('are those of the last file that says so, with its line', () => {
    const root = tree(files);
    const etc = `${root}/etc/systemd`;
    const dropIns = [
      `${etc}/system/a.service.d/10-x.conf`,
      `${etc}/system.control/a.service.d/50-MemoryMax.conf`,
      `${etc}/system/service.d/99-all.conf`,
    ];
    const shown = {
      Id: 'a.service',
      FragmentPath: `${etc}/system/a.service`,
      DropInPaths: dropIns.join(' '),
    };
    const expected = {
      MemoryMax: { text: '2G', file: dropIns[1], line: 2, source: 'set-property' },
      TasksMax: { text: '', file: dropIns[2], line: 2, source: 'drop-in' },
    };
    expect(loadedSettings(shown)).toEqual({ settings: expected, unreadable: {} });
    // What systemd has not loaded is found by the directories of its manager.
    const path = [`${etc}/system.control`, `${etc}/system`, `${etc}/none`];
    expect(settingsOnDisk({ ...shown, DropInPaths: '' }, path).settings).toEqual(expected);
  });

  it('of a transient unit tell what it was started with from what was set since', () => {
    const root = tree({
      'run/systemd/transient/a.scope': '[Scope]\nMemoryMax=60.00%\nTasksMax=5\n',
      'run/systemd/transient/a.scope.d/50-TasksMax.conf': '[Scope]\nTasksMax=7\n',
    });
    const { settings } = loadedSettings({
      Id: 'a.scope',
      FragmentPath: `${root}/run/systemd/transient/a.scope`,
      DropInPaths: `${root}/run/systemd/transient/a.scope.d/50-TasksMax.conf`,
    });
    expect(settings).toMatchObject({
      MemoryMax: { text: '60.00%', source: 'transient unit' },
      TasksMax: { text: '7', source: 'set-property --runtime' },
    });
  });

  it('of files that cannot be read are not made up', () => {
    const root = tree({ 'b.service/x': '' });
    const shown = { Id: 'b.service', FragmentPath: `${root}/b.service`, DropInPaths: '/no/where' };
    expect(loadedSettings(shown)).toEqual({
      settings: {},
      unreadable: { [`${root}/b.service`]: 'EISDIR', '/no/where': 'it is gone' },
    });
    expect(loadedSettings({ Id: 'x.mount' })).toEqual({ settings: {}, unreadable: {} });
  });

  it('may come from drop-ins of the template, of name prefixes and of the type', () => {
    expect(dropInNames('rlimit-a-b.scope')).toEqual([
      'rlimit-a-b.scope',
      'rlimit-a-.scope',
      'rlimit-.scope',
      'scope',
    ]);
    expect(dropInNames('t3-serve@u.service')).toEqual([
      't3-serve@u.service',
      't3-serve@.service',
      't3-.service',
      'service',
    ]);
    expect(dropInNames('-.slice')).toEqual(['-.slice', 'slice']);
  });
});
