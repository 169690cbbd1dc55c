import { mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Flags } from '@oclif/core';
import { alertLogFile, loadAlertSettings } from '../../alerts/index.js';
import { BaseCommand } from '../../cli/base-command.js';
import { guardManager, guardUserFlag } from '../../cli/guard-flags.js';
import { askProgram } from '../../doctor/place.js';
import { loadSettings, settingsFile, settingsPlace } from '../../guard/index.js';
import { installService, type ServiceChange, serviceNeeds } from '../../guard/service/index.js';
import { renderServiceChange } from '../../render/guard-service.js';

export default class GuardInstall extends BaseCommand {
  static override summary = 'Set the guard up as a service of systemd.';
  static override description =
    'Writes rlimit-guard.service for this rlimit and this settings file, with as few rights as the ' +
    'settings need, has systemd check it, and enables it for the next boot. The settings are ' +
    'checked first. A file of that name that somebody else wrote is kept, and put back by ' +
    'uninstall. Once more changes nothing; after a change of what the settings need (eBPF, GPUs, ' +
    'where data is collected) it writes the file anew.\n' +
    'Ends with 0, or with 2 for a wrong settings file, 3 without systemd or without the right to.';
  static override examples = [
    '$ sudo <%= config.bin %> guard install --now',
    '<%= config.bin %> guard install --user --now',
    '$ sudo <%= config.bin %> guard install --config /srv/guard.yaml',
  ];
  static override flags = {
    user: guardUserFlag,
    now: Flags.boolean({ default: false, description: 'start it as well' }),
    config: Flags.string({
      description: 'settings file (default: /etc/rlimit/guard.yaml, or your own guard.yaml)',
      helpValue: 'FILE',
    }),
  };

  async run(): Promise<ServiceChange> {
    const { flags } = await this.parse(GuardInstall);
    const manager = guardManager(flags.user);
    const uid = manager === 'system' ? 0 : process.getuid?.();
    const config = flags.config === undefined ? undefined : resolve(flags.config);
    const settings = await loadSettings(settingsFile(config, settingsPlace(process.env, uid)));
    const args = config === undefined ? [] : ['--config', config];
    const writable = manager === 'system' ? await alertLogs() : [];
    const needs = serviceNeeds(settings, { manager, args, writable });
    const change = await installService(needs, { start: flags.now, ask: askProgram });
    this.say(renderServiceChange(change));
    return change;
  }
}

/**
 * The directory of the log that the guard's alerts go to: the service sees a file system that it cannot
 * write. It is made, since systemd opens only what is there.
 * @throws {SettingsFileError} where the settings of alerts are wrong
 */
async function alertLogs(): Promise<string[]> {
  const { log } = (await loadAlertSettings()).sinks;
  if (log === undefined) return [];
  const directory = dirname(log.file ?? alertLogFile());
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch {
    // The guard says it when it has something to tell, and goes on without.
  }
  return [directory];
}
