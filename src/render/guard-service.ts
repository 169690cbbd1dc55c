import type {
  ServiceAction,
  ServiceChange,
  ServiceNeeds,
  ServiceState,
} from '../guard/service/index.js';
import { printable, shellQuote } from '../text/index.js';
import { paragraph, style } from './style.js';

/** What `guard install` or `uninstall` did. */
export function renderServiceChange(change: ServiceChange): string {
  const { file, backup, needs, exposure, verified, restartNeeded, manager } = change;
  const user = manager === 'user' ? ' --user' : '';
  return [
    SAID[change.change](printable(file)),
    ...(backup === undefined ? [] : [`What it said before is kept as ${printable(backup)}`]),
    ...(needs === undefined ? [] : rights(needs)),
    ...(exposure === undefined
      ? []
      : [`systemd-analyze security: ${exposure} (0 is confined, 10 is exposed)`]),
    ...(needs === undefined || verified
      ? []
      : [`${style.warning('note:')} systemd-analyze is not there, so nobody checked the file`]),
    stateLine(change.state),
    ...(restartNeeded
      ? [
          paragraph(
            `${style.warning('note:')} it runs as its file was: rlimit guard restart${user}`,
          ),
        ]
      : []),
    ...(needs !== undefined && change.state.active !== 'active'
      ? [`Start it: rlimit guard start${user}`]
      : []),
  ].join('\n');
}

const SAID: Record<ServiceChange['change'], (file: string) => string> = {
  written: (file) => `Wrote ${file}`,
  unchanged: (file) => `${file} is as it should be`,
  removed: (file) => `Removed ${file}`,
  'put-back': (file) => `Put back what ${file} was before`,
  absent: (file) => `There is no service of rlimit’s in ${file}`,
};

/** What `guard start`, `stop`, `restart` or `reload` did. */
export function renderServiceAction({ verb, unit, state }: ServiceAction): string {
  const done = { start: 'started', stop: 'stopped', restart: 'restarted', reload: 'reloaded' };
  return `${style.name(unit)} ${done[verb]}\n${stateLine(state)}`;
}

function stateLine({ active, enabled, pid, status, result }: ServiceState): string {
  const paint =
    active === 'active' ? style.good : active === 'failed' ? style.problem : style.faint;
  const parts = [
    paint(active || 'unknown'),
    ...(pid === undefined ? [] : [`PID ${pid}`]),
    ...(status === undefined ? [] : [printable(status)]),
    ...(enabled === '' ? [] : [`${enabled} at boot`]),
    ...(result === undefined ? [] : [style.problem(`ended last with ${printable(result)}`)]),
  ];
  return `Service: ${parts.join(', ')}`;
}

/** What the unit lets the guard do beyond the least, and why. */
function rights({ ebpf, gpu, gpuSettings, writable, argv }: ServiceNeeds): string[] {
  const granted = [
    ...(ebpf ? ['eBPF programs (bpftrace)'] : []),
    ...(gpu ? ['the GPUs’ devices'] : []),
    ...(gpuSettings ? ['settings of NVIDIA’s driver (CAP_SYS_ADMIN)'] : []),
    ...writable.map((directory) => `writing in ${printable(directory)}`),
  ];
  return [
    `It runs ${argv.map((word) => printable(shellQuote(word))).join(' ')}`,
    ...(granted.length === 0
      ? []
      : [paragraph(`By its settings it may use: ${granted.join(', ')}`)]),
  ];
}
