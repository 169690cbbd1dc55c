/** Findings on controllers that a cgroup does not have: where they end, and how they come down. */
import type { Controller, Finding } from '../model/index.js';
import { delegateLines } from '../systemd/delegation.js';
import { shellQuote } from '../text/shell.js';
import type { Asked, KernelContext } from './context.js';
import { below, CGROUPS, fileOf, finding, managerOf, parentOf, setAgain } from './wording.js';

/** The manager was not given the controller, so none of its units has the file. */
export function notDelegated(
  asked: Asked,
  controller: Controller,
  context: KernelContext,
): Finding {
  if (context.ownCgroup !== undefined) {
    return notGiven(asked, controller, context.ownCgroup, context);
  }
  const manager = `user@${context.uid ?? 'UID'}.service`;
  const lost = context.lost?.[controller];
  const level =
    lost === undefined ? '' : `; ${levelName(lost.cgroup)} is the first not to pass it on`;
  return finding('controller-not-delegated', asked, context, {
    ...(lost === undefined ? {} : { where: lost.cgroup }),
    cause:
      `the ${controller} controller is not delegated to your user manager (${manager}), so the ` +
      `kernel has no ${fileOf(asked)} for its units${level}`,
    remedy: delegationRemedy(manager),
  });
}

/** The place below which rlimit makes cgroups was not given the controller from above. */
function notGiven(
  asked: Asked,
  controller: Controller,
  ownCgroup: string,
  context: KernelContext,
): Finding {
  const place = parentOf(ownCgroup);
  const remedy =
    place === '/'
      ? `have whatever set up this machine or container give it the ${controller} controller`
      : `echo +${controller} | sudo tee ${CGROUPS}${below(parentOf(place))}/cgroup.subtree_control`;
  return finding('controller-not-delegated', asked, context, {
    cause:
      `the ${controller} controller is not given to ${place}, below which this run has its ` +
      `cgroup, so the kernel has no ${fileOf(asked)} there`,
    remedy,
  });
}

/** The controller is there, but is not switched on for this unit's cgroup. */
export function notEnabled(asked: Asked, controller: Controller, context: KernelContext): Finding {
  const lost = context.lost?.[controller];
  const without = `so the kernel has no ${fileOf(asked)} there`;
  if (lost === undefined) {
    return finding('controller-not-enabled', asked, context, {
      cause: `the ${controller} controller is not enabled for the unit’s cgroup, ${without}`,
      remedy: setAgain(asked, context),
    });
  }
  const { disabledBy } = lost;
  const reason =
    disabledBy === undefined
      ? `${levelName(lost.cgroup)} does not pass it on (cgroup.subtree_control), and no unit says so: somebody changed that by hand`
      : `${disabledBy} has DisableControllers= for it`;
  return finding('controller-not-enabled', asked, context, {
    where: lost.cgroup,
    cause: `the ${controller} controller ends above the unit’s cgroup, ${without}: ${reason}`,
    remedy:
      disabledBy === undefined
        ? setAgain(asked, context)
        : [
            `${managerOf(`${lost.cgroup}/`)} set-property --runtime ${shellQuote(disabledBy)} DisableControllers=`,
            // Seen on 257: that alone brings the file back, and not its value.
            setAgain(asked, context),
          ].join('\n'),
  });
}

/** The root of the tree has not the controller: no cgroup below can have it. */
export function notInKernel(asked: Asked, controller: Controller, context: KernelContext): Finding {
  return finding('no-kernel-file', asked, context, {
    where: '/',
    cause:
      `the root cgroup has no ${controller} controller, so there is no ${fileOf(asked)} anywhere: ` +
      'the kernel was built or booted without it (cgroup_disable=), or cgroup v1 has it',
  });
}

function levelName(cgroup: string): string {
  return cgroup === '/' ? 'the root cgroup' : cgroup.slice(cgroup.lastIndexOf('/') + 1);
}

/** How `user@.service` is given all controllers. Seen on 252, 257 and 262. */
export function delegationRemedy(manager: string): string {
  return [
    'as root, and only when your session may end (the last line ends every program in it):',
    'sudo mkdir -p /etc/systemd/system/user@.service.d',
    `printf '[Service]\\n${delegateLines().join('\\n')}\\n' |`,
    'sudo tee /etc/systemd/system/user@.service.d/delegate.conf',
    'sudo systemctl daemon-reload',
    `sudo systemctl restart ${manager}`,
  ].join('\n');
}
