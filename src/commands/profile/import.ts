import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.js';
import { lintFactsFor, machineFlag } from '../../cli/flags.js';
import { EXIT } from '../../errors/index.js';
import { type Imported, importProfile, saveImported } from '../../export/import/index.js';
import { checkText, type ProfileProblem } from '../../lint/index.js';
import { processPlaces, type Written } from '../../profiles/index.js';
import { renderImported } from '../../render/import.js';
import { renderProfileCheck } from '../../render/lint.js';

interface ImportResult extends Imported {
  /** What `profile check` says of it. */
  problems: ProfileProblem[];
  written?: Written;
}

export default class ProfileImport extends BaseCommand {
  static override summary = 'Make a profile of limits that stand elsewhere.';
  static override description =
    'SOURCE is a unit file (its drop-ins beside it are read as well), a unit that is loaded, a ' +
    'systemd-run line as it is (in quotes, or its words behind --), or a Compose file. The profile is ' +
    'printed, or put among your own with --write. What could not be carried stands in it as comments. ' +
    'It is checked as `profile check` does; a problem ends with 1.';
  static override examples = [
    '<%= config.bin %> profile import /etc/systemd/system/ollama.service --write',
    '<%= config.bin %> profile import nix-daemon.service',
    '<%= config.bin %> profile import "systemd-run --user --scope -p MemoryMax=8G make" --name mine',
    '<%= config.bin %> profile import docker-compose.yml --service ollama',
  ];
  static override strict = false;
  static override usage = 'profile import SOURCE… [OPTION…]';
  static override args = {
    source: Args.string({
      description: 'a path, a unit, or a systemd-run line',
      required: true,
    }),
  };
  static override flags = {
    name: Flags.string({ description: 'name of the profile', helpValue: 'NAME' }),
    service: Flags.string({ description: 'service of the Compose file', helpValue: 'NAME' }),
    write: Flags.boolean({ description: 'put it among your own profiles' }),
    force: Flags.boolean({ description: 'replace one that is there, and keep a backup of it' }),
    machine: machineFlag,
  };

  async run(): Promise<ImportResult> {
    const { argv, flags } = await this.parse(ProfileImport);
    const places = processPlaces();
    const { name, service } = flags;
    const imported = await importProfile(argv as string[], places, {
      ...(name === undefined ? {} : { name }),
      ...(service === undefined ? {} : { service }),
    });
    const facts = lintFactsFor(flags.machine);
    const problems = await checkText(imported.name, imported.text, places, facts);
    const result: ImportResult = { ...imported, problems };
    if (flags.write) result.written = saveImported(imported, places, { force: flags.force });
    this.say(renderImported(result));
    if (problems.length > 0) {
      this.remark(renderProfileCheck({ checked: [imported.name], problems }));
    }
    const isBad = problems.some(({ severity }) => severity === 'problem');
    this.endWith(isBad ? EXIT.problems : EXIT.fine);
    return result;
  }
}
