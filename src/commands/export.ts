import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.js';
import { lintFactsFor, machineFlag } from '../cli/flags.js';
import {
  type Cannot,
  exportProfiles,
  type FileWritten,
  FORMAT_NAMES,
  type FormatName,
  type Subject,
  writeExport,
} from '../export/index.js';
import type { LeftOut } from '../model/index.js';
import { loadProfile, resolve } from '../profiles/index.js';
import { renderExported } from '../render/export.js';

interface ExportResult {
  format: FormatName;
  profiles: string[];
  text: string;
  cannot: Cannot[];
  /** What the machine cannot have, by profile. */
  leftOut: (LeftOut & { profile: string })[];
  written?: FileWritten;
}

export default class Export extends BaseCommand {
  static override summary = 'Write profiles in the format of another tool.';
  static override description =
    'Shares of the machine become figures, for this machine or the one that --machine describes. ' +
    'What the format has no words for stands in the file as a comment that begins with "cannot say", ' +
    'and in the list `cannot` of --json. Services get a drop-in of systemd, a NixOS module, ' +
    'containers (docker-compose, docker-run, podman, quadlet), Pods (kubernetes), jobs (slurm); builds a ' +
    'fragment for make, a function for a shell, a recipe for just; Nix its nix.conf.';
  static override examples = [
    '<%= config.bin %> export systemd ollama --output /etc/systemd/system/ollama.service.d/50-rlimit.conf',
    '<%= config.bin %> export docker-compose ollama llama-cpp llm-proxy monitor',
    '<%= config.bin %> export slurm coq-standard --machine cores=36,memory=252G',
    '<%= config.bin %> export shell coq-standard --shell fish',
  ];
  static override strict = false;
  static override usage = 'export FORMAT PROFILE… [OPTION…]';
  static override args = {
    format: Args.string({ description: 'format to write', required: true, options: FORMAT_NAMES }),
    profile: Args.string({ description: 'profiles to write', required: true }),
  };
  static override flags = {
    machine: machineFlag,
    unit: Flags.string({
      description:
        'the unit that a drop-in is for (systemd, nixos), in place of the profile’s name',
      helpValue: 'NAME',
    }),
    name: Flags.string({
      description: 'name of the container, Pod, job, function, recipe or variable',
      helpValue: 'NAME',
    }),
    image: Flags.string({ description: 'image of the container', helpValue: 'IMAGE' }),
    health: Flags.string({
      description: 'shell command that tells whether the container is well',
      helpValue: 'COMMAND',
    }),
    harden: Flags.boolean({
      description:
        'take privileges away: no new ones, no capabilities (containers: unless --no-harden)',
      allowNo: true,
    }),
    shell: Flags.string({
      description: 'whose function to write',
      options: ['bash', 'zsh', 'fish'],
      default: 'bash',
    }),
    output: Flags.string({
      char: 'o',
      description: 'write into FILE, whole or not at all; one that is replaced is kept as a backup',
      helpValue: 'FILE',
    }),
    force: Flags.boolean({
      description: 'replace a file of somebody else’s, and let pass what is refused as unwise',
    }),
  };

  async run(): Promise<ExportResult> {
    const { argv, args, flags } = await this.parse(Export);
    const format = args.format as FormatName;
    const names = (argv as string[]).slice(1);
    const { machine } = lintFactsFor(flags.machine);
    const subjects = await this.subjects(names, machine, flags.force);
    const { unit, name, image, health, harden } = flags;
    const shell = flags.shell as 'bash' | 'zsh' | 'fish';
    const wishes = Object.entries({ unit, name, image, health, harden });
    const given = Object.fromEntries(wishes.filter(([, value]) => value !== undefined));
    const { text, cannot } = exportProfiles(format, subjects, { machine, shell, ...given });
    const leftOut = subjects.flatMap(({ limits }) =>
      limits.leftOut.map((each) => ({ ...each, profile: limits.profile })),
    );
    const result: ExportResult = { format, profiles: names, text, cannot, leftOut };
    if (flags.output === undefined) this.say(text.trimEnd());
    else {
      result.written = writeExport(flags.output, text, { force: flags.force });
      this.say(renderExported(result.written, cannot));
    }
    return result;
  }

  private async subjects(
    names: readonly string[],
    machine: Parameters<typeof resolve>[1],
    force: boolean,
  ): Promise<Subject[]> {
    const subjects: Subject[] = [];
    for (const name of names) {
      const profile = await loadProfile(name);
      for (const remark of profile.remarks) this.remark(`rlimit: note: ${remark}`);
      subjects.push({ profile, limits: resolve(profile, machine, { force }) });
    }
    return subjects;
  }
}
