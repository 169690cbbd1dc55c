/** Swap, compressed memory, sysctl and earlyoom. Pure. */
import { MiB } from '../../quantity/index.js';
import { shellLine } from '../../text/index.js';
import { commandLine, unitText, writtenBy } from '../../units/index.js';
import { MERGED_FILES, type PlanFacts } from '../facts.js';
import type { EarlyoomPlan, Plan, SwapFile, Zram } from '../plan.js';
import { withIniSection, withShellSettings } from './merge.js';
import type { Compiled, PlannedFile } from './types.js';

type Parts = Pick<Compiled, 'files' | 'actions' | 'wishes' | 'left' | 'notes' | 'made'> & {
  tryOut?: string[];
};

const none = (): Parts => ({ files: [], actions: [], wishes: [], left: [], notes: [], made: [] });

const own = (path: string, content: string, why: string): PlannedFile => ({
  path,
  content,
  why,
  manager: 'system',
});

/** vm.swappiness, in a file and at once. */
export function swappiness(plan: Plan, value: number): Parts {
  return {
    ...none(),
    files: [
      own(
        `/etc/sysctl.d/60-rlimit-${plan.name}.conf`,
        `# ${writtenBy(plan.name)}: programs are left in memory while there is some.\nvm.swappiness = ${value}\n`,
        `vm.swappiness ${value}`,
      ),
    ],
    actions: [{ do: 'sysctl', name: 'vm.swappiness', value: String(value) }],
    wishes: [{ what: 'swappiness', value }],
  };
}

/** The unit that makes a swap file. */
export function makerOf(path: string): string {
  return `rlimit-swapfile-${escapePath(path)}.service`;
}

/** Its name until it is whole. */
export function unfinished(path: string): string {
  return `${path}.new`;
}

/** A swap file: a unit that makes it, and one that uses it. */
export function swapFile(plan: Plan, { path, size, priority }: SwapFile): Parts {
  const swap = `${escapePath(path)}.swap`;
  const maker = makerOf(path);
  const folder = '/etc/systemd/system';
  return {
    ...none(),
    files: [
      own(`${folder}/${maker}`, makerText(plan, { path, size, swap }), `makes ${path}`),
      own(`${folder}/${swap}`, swapText(plan, { path, priority, maker }), `swap on ${path}`),
      {
        ...own(`${folder}/swap.target.wants/${swap}`, `../${swap}`, `swap on ${path} at boot`),
        link: true,
      },
    ],
    actions: [{ do: 'start', unit: swap, why: `swap on ${path}` }],
    wishes: [{ what: 'swap', path, priority, size }],
    made: [path],
  };
}

/**
 * What makes the file. It gets its name only when it is whole, so that a power cut leaves none that is
 * half a swap file. On btrfs it must not be copied on write (chattr +C; elsewhere that fails, and is
 * not needed), and where fallocate(1) cannot, zeros are written: a swap file may have no holes
 * (swapon(8)). Not ordered after local-fs.target: /tmp may be mounted after swap.target.
 */
function makerText(
  plan: Plan,
  { path, size, swap }: { path: string; size: number; swap: string },
): string {
  const blocks = Math.floor(size / MiB);
  const folder = path.slice(0, path.lastIndexOf('/')) || '/';
  const draft = unfinished(path);
  const steps = [
    `rm -f ${draft}`,
    `: > ${draft}`,
    `chmod 600 ${draft}`,
    `chattr +C ${draft} 2>/dev/null || :`,
    `fallocate -l ${blocks}M ${draft} || dd if=/dev/zero of=${draft} bs=1M count=${blocks}`,
    `mkswap ${draft} >/dev/null`,
    `mv -f ${draft} ${path}`,
  ];
  const unit = [
    `Description=Make the swap file ${path}`,
    'DefaultDependencies=no',
    `RequiresMountsFor=${folder}`,
    'After=systemd-remount-fs.service',
    `Before=${swap} shutdown.target`,
    'Conflicts=shutdown.target',
    `ConditionPathExists=!${path}`,
  ];
  const start = `ExecStart=${commandLine(['/bin/sh', '-ec', steps.join('; ')])}`;
  return unitText(
    [`${writtenBy(plan.name)}.`],
    [
      ['Unit', unit],
      ['Service', ['Type=oneshot', 'UMask=0077', start]],
    ],
  );
}

function swapText(
  plan: Plan,
  { path, priority, maker }: { path: string; priority: number; maker: string },
): string {
  return unitText(
    [`${writtenBy(plan.name)}.`],
    [
      ['Unit', [`Description=Swap on ${path}`, `Requires=${maker}`, `After=${maker}`]],
      ['Swap', [`What=${path}`, `Priority=${priority}`]],
      ['Install', ['WantedBy=swap.target']],
    ],
  );
}

/** Compressed memory by whichever tool is there. */
export function zram(plan: Plan, wish: Zram, facts: PlanFacts): Parts {
  const { size, priority, algorithm } = wish;
  const mebibytes = String(Math.floor(size / MiB));
  const wishes: Parts['wishes'] = [{ what: 'zram', priority, size }];
  if (facts.has.zramTools && !facts.has.zramGenerator) {
    const settings = {
      ...(algorithm === undefined ? {} : { ALGO: algorithm }),
      SIZE: mebibytes,
      PRIORITY: String(priority),
    };
    const text = facts.texts[MERGED_FILES.zramTools] ?? '';
    return {
      ...none(),
      files: [
        own(
          MERGED_FILES.zramTools,
          // A share of the memory would be used in place of the size.
          withShellSettings(text, settings, { without: ['PERCENT'] }),
          'compressed memory (zram-tools)',
        ),
      ],
      actions: [{ do: 'start', unit: 'zramswap.service', why: 'compressed memory' }],
      wishes,
    };
  }
  if (!facts.has.zramGenerator && !facts.isBare) {
    return {
      ...none(),
      notes: ['zram is left out: neither zram-generator nor zram-tools is installed'],
      left: [
        {
          what: 'compressed memory needs a program that sets it up at boot',
          run: `apt install systemd-zram-generator && rlimit apply ${plan.name}`,
        },
      ],
    };
  }
  const section = {
    'zram-size': mebibytes,
    ...(algorithm === undefined ? {} : { 'compression-algorithm': algorithm }),
    'swap-priority': String(priority),
  };
  const text = facts.texts[MERGED_FILES.zramGenerator] ?? '';
  return {
    ...none(),
    files: [
      own(
        MERGED_FILES.zramGenerator,
        withIniSection(text, 'zram0', section),
        'compressed memory (zram-generator)',
      ),
    ],
    actions: [{ do: 'start', unit: 'dev-zram0.swap', why: 'swap on compressed memory' }],
    wishes,
  };
}

/**
 * earlyoom: SIGTERM and SIGKILL at shares of free memory, swap left out of account (`-s 100` alone would
 * mean 50 for SIGKILL; seen, 1.7 and 1.8).
 */
export function earlyoom(plan: Plan, wish: EarlyoomPlan, facts: PlanFacts): Parts {
  const unit = facts.units['earlyoom.service'];
  if (!facts.isBare && unit?.path === undefined) {
    return {
      ...none(),
      notes: ['earlyoom is left out: it is not installed'],
      left: [
        {
          what: 'nothing acts before the kernel’s OOM killer until earlyoom is there',
          run: `apt install earlyoom && rlimit apply ${plan.name}`,
        },
      ],
    };
  }
  if (unit?.masked === true) {
    return {
      ...none(),
      notes: ['earlyoom is left out: its service is masked'],
      left: [
        {
          what: 'earlyoom.service is masked by somebody, and is not started',
          run: `systemctl unmask earlyoom.service && rlimit apply ${plan.name}`,
        },
      ],
    };
  }
  const argv = earlyoomArguments(wish);
  const link = '/etc/systemd/system/multi-user.target.wants/earlyoom.service';
  const target = unit?.path ?? '/usr/lib/systemd/system/earlyoom.service';
  const atBoot = facts.enabled['earlyoom.service'];
  return {
    ...none(),
    files: [
      own(
        '/etc/default/earlyoom',
        `# ${writtenBy(plan.name)}.\n# Free memory alone decides: work that may not swap leaves swap free.\nEARLYOOM_ARGS="${shellLine(argv)}"\n`,
        'options of earlyoom',
      ),
      // One that leads elsewhere does the same; ours stays part of the plan.
      ...(atBoot === undefined || atBoot === target
        ? [{ ...own(link, target, 'earlyoom at boot'), link: true as const }]
        : []),
    ],
    actions: [{ do: 'start', unit: 'earlyoom.service', why: 'acts before memory is out' }],
    wishes: [{ what: 'earlyoom', term: wish.term, kill: wish.kill }],
    tryOut: ['earlyoom', '--dryrun', ...argv],
  };
}

/** Its options; names become one regular expression each (earlyoom(1): POSIX extended). */
export function earlyoomArguments({ term, kill, avoid, prefer }: EarlyoomPlan): string[] {
  return [
    ...['-m', `${term},${kill}`, '-s', '100,100', '-r', '3600'],
    ...(avoid.length === 0 ? [] : ['--avoid', namesExpression(avoid)]),
    ...(prefer.length === 0 ? [] : ['--prefer', namesExpression(prefer)]),
  ];
}

/** The kernel cuts names of processes at 15 bytes (proc(5), /proc/PID/comm). */
function namesExpression(names: readonly string[]): string {
  const each = names.map((name) => {
    const isOpen = name.endsWith('*');
    const bare = (isOpen ? name.slice(0, -1) : name).slice(0, 15);
    const escaped = bare.replace(/[.+]/g, '[$&]');
    return `${escaped}${isOpen && bare.length < 15 ? '.*' : ''}`;
  });
  return `^(${[...new Set(each)].join('|')})$`;
}

/** systemd-escape --path (systemd.unit(5), string escaping): `/var/swap-1` is `var-swap\x2d1`. */
export function escapePath(path: string): string {
  const trimmed = path.replace(/^\/+|\/+$/g, '').replace(/\/+/g, '/');
  const escaped = [...Buffer.from(trimmed)].map((byte, at) => {
    const character = String.fromCharCode(byte);
    if (character === '/') return '-';
    const isPlain = /[A-Za-z0-9:_]/.test(character) || (character === '.' && at > 0);
    return isPlain ? character : `\\x${byte.toString(16).padStart(2, '0')}`;
  });
  return escaped.join('');
}
