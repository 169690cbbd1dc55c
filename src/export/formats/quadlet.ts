/** A Quadlet: a .container file from which Podman makes a service (podman-systemd.unit(5)). */

import { unitText, withoutSpecifiers } from '../../units/index.js';
import { aboutProfile, header } from '../comment.js';
import { CONTAINER_NAME, nameFor } from '../names.js';
import type { Format, Subject, Target } from '../types.js';
import { HEALTH, serviceOf } from './service.js';
import { unitSettings } from './systemd.js';

/** Podman's own settings stand in [Container]; systemd's limits hold for the whole service. */
export const quadlet: Format = {
  summary: 'a .container file of Podman',
  many: false,
  uses: ['name', 'image', 'health', 'harden'],
  write: ([subject], target) => {
    if (subject === undefined) return { text: '', cannot: [] };
    const name = nameFor(subject, target, CONTAINER_NAME);
    const { settings, cannot } = unitSettings(subject, { ...withoutUnit(target), harden: false });
    const { notes, restarts } = serviceOf(subject, target);
    // They are for what runs in the container, not for podman.
    const environment = settings.filter(([setting]) => setting === 'Environment');
    const comments = [
      ...header('quadlet', [subject], target.machine, [
        `Put it into /etc/containers/systemd/${name}.container (~/.config/containers/systemd/ for`,
        `yourself), then: systemctl daemon-reload, systemctl start ${name}`,
      ]),
      ...aboutProfile(subject, { notes: [...notes, SPLIT], cannot }),
    ];
    const container = [
      ...containerLines(name, subject, target),
      ...environment.map(([setting, value]) => `${setting}=${unexpanded(value)}`),
    ];
    const service = [
      ...settings
        .filter((each) => !environment.includes(each))
        .map(([setting, value]) => `${setting}=${value}`),
      `Restart=${restarts ? 'on-failure' : 'no'}`,
    ];
    const text = unitText(comments, [
      ['Container', container],
      ['Service', service],
      ...(restarts ? [['Install', ['WantedBy=default.target']] as const] : []),
    ]);
    return { text, cannot };
  },
};

const SPLIT =
  'the container is in the cgroup of its service (--cgroups=split), so its limits hold for it';

/** Both become words of ExecStart=, where systemd puts variables in place of `$NAME`. */
function unexpanded(text: string): string {
  return text.replaceAll('$', '$$$$');
}

function withoutUnit({ unit: _, ...target }: Target): Target {
  return target;
}

function containerLines(name: string, subject: Subject, target: Target): string[] {
  const { image, health, harden } = serviceOf(subject, target);
  const { interval, timeout, retries, startPeriod } = HEALTH;
  return [
    `ContainerName=${name}`,
    `Image=${image}`,
    ...(harden ? ['DropCapability=all', 'NoNewPrivileges=true'] : []),
    ...(health === undefined
      ? []
      : [
          `HealthCmd=${unexpanded(withoutSpecifiers(health))}`,
          `HealthInterval=${interval}s`,
          `HealthTimeout=${timeout}s`,
          `HealthRetries=${retries}`,
          `HealthStartPeriod=${startPeriod}s`,
        ]),
  ];
}
