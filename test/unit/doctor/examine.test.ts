import { describe, expect, it } from 'vitest';
import { CHECK_TITLES, examine } from '../../../src/doctor/index.js';
import { askProgram, namesIn, readText } from '../../../src/doctor/place.js';
import { renderDoctor, renderFixPlan } from '../../../src/render/doctor.js';
import { cgroupFiles, healthy, place, SYSTEM, shown, USER } from './place.js';

const ill = () =>
  place(
    {
      ...healthy({ swapGib: 4 }),
      ...cgroupFiles('/user.slice/user-1000.slice'),
      'proc/swaps': 'Filename\tType\tSize\tUsed\tPriority\n/x\u001b[31m file 1024 0 5\n',
      'proc/sys/vm/swappiness': '60\n',
      'proc/sys/kernel/osrelease': '6.1.0\n',
    },
    {
      [SYSTEM]: shown({ Id: 'systemd-oomd.service' }),
      [USER]: '',
      'systemctl --version': 'systemd 257\n',
    },
  );

describe('examine', () => {
  it('makes every check, and one that fails harms no other', async () => {
    const { report } = await examine({ place: ill() });
    expect(report.checks.map(({ name }) => name)).toEqual([...CHECK_TITLES.keys()]);
    const { ok, warning, problem, unknown } = report.summary;
    expect(ok + warning + problem + unknown).toBe(CHECK_TITLES.size);
    expect(unknown).toBeGreaterThan(0);
  });

  it('with nothing at all to look at, is sure of nothing that limits rest on', async () => {
    const { report } = await examine({ place: place() });
    const sure = report.checks.filter(({ status }) => status === 'ok').map(({ name }) => name);
    // What is not installed needs no care.
    expect(sure).toEqual(['nix', 'notifications', 'nvidia']);
  });

  it('makes those that are named, in its own order', async () => {
    const { report } = await examine({ names: ['oomd', 'swap'], place: ill() });
    expect(report.checks.map(({ name }) => name)).toEqual(['swap', 'oomd']);
    await expect(examine({ names: ['swop'], place: ill() })).rejects.toThrow('no check "swop"');
  });
});

describe('the report', () => {
  it('fits into 80 columns but for commands, and harms no terminal', async () => {
    const { report, fixes } = await examine({ place: ill() });
    const text = renderDoctor(report);
    expect(text).not.toContain('\u001b[31m');
    const prose = text.split('\n').filter((line) => !/^ {4}(?! )|^ {2}mend:/.test(line));
    // A path may be wider by itself.
    const words = (line: string) => line.slice(11).trim().split(' ');
    expect(prose.filter((line) => line.length > 80 && words(line).length > 1)).toEqual([]);
    expect(renderFixPlan({ own: [], root: fixes }, 'x.sh')).toContain('- set vm.swappiness to 10');
  });

  it('of single checks', async () => {
    const { report } = await examine({ names: ['swap', 'versions', 'psi', 'oomd'], place: ill() });
    expect(renderDoctor(report, { own: [], root: [] })).toMatchInlineSnapshot(`
      "THE MACHINE
      ok       versions  systemd 257 (systemctl --version), Linux 6.1.0
      warning  psi       the kernel does not tell pressure
        warning: there is no /proc/pressure/memory, cpu, io: the kernel was built
                 without it, or with it switched off (CONFIG_PSI_DEFAULT_DISABLED)
        why:     Stalls can neither be seen nor told apart, and systemd-oomd cannot
                 start.
        mend:    add psi=1 to GRUB_CMDLINE_LINUX in /etc/default/grub, then sudo update-grub, and boot anew

      WHEN MEMORY RUNS OUT
      warning  swap      memory in use is swapped to disk early
        seen:    /x\\x1b[31m (disk): 1M, 0K used, priority 5
        seen:    vm.swappiness 60
        warning: vm.swappiness is 60, with /x\\x1b[31m on disk
        why:     Above 10 the kernel moves programs out to keep its file cache while
                 there is memory left; getting them back makes the desktop wait for
                 the disk.
        mend:
          sudo mkdir -p /etc/sysctl.d
          printf %s 'vm.swappiness = 10
          ' | sudo tee /etc/sysctl.d/50-rlimit.conf
          sudo sysctl -q -w vm.swappiness=10
      warning  oomd      systemd-oomd runs and was told to watch nothing
        seen:    systemd-oomd.service is active; there is swap
        warning: systemd-oomd runs, and no unit has ManagedOOMSwap=kill or
                 ManagedOOMMemoryPressure=kill
        why:     It acts only on cgroups with ManagedOOMSwap=kill or
                 ManagedOOMMemoryPressure=kill.
        mend:    sudo systemctl set-property user.slice ManagedOOMMemoryPressure=kill ManagedOOMMemoryPressureLimit=80%

      4 checks: 1 ok, 3 warnings."
    `);
  });
});

describe('reading', () => {
  it('a program that hangs is not waited for; one that is not there is none', async () => {
    await expect(askProgram(['sleep', '60'], 50)).rejects.toThrow(
      'sleep 60 did not answer within 0.05 s',
    );
    expect(await askProgram(['rlimit-no-such-program'])).toBeUndefined();
    expect(await askProgram(['sh', '-c', 'echo out; echo err >&2; exit 3'])).toEqual({
      status: 3,
      out: 'out',
      err: 'err',
    });
  });

  it('a file that is there and cannot be read is unknown, not absent', () => {
    const here = place({ 'a/b': '' });
    expect(readText(here, '/none')).toBeUndefined();
    expect(() => readText(here, '/a')).toThrow('/a cannot be read: it is a directory');
    expect(namesIn(here, '/a/b')).toEqual([]);
  });
});
