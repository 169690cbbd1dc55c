import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.js';
import { machineFlag, machineFor } from '../cli/flags.js';
import { UsageError } from '../errors/index.js';
import { loadProfile, resolve } from '../profiles/index.js';
import { renderTune } from '../render/tune.js';
import { adviseTuning, type TuneReport } from '../tune/index.js';

export default class Tune extends BaseCommand {
  static override summary = 'Recommend a number of parallel jobs, and what to try next.';
  static override description =
    'Says how many jobs fit, whether the cores or memory decided, why it is not the number of ' +
    'cores, and what to change when the build is too slow or the machine too busy.';
  static override examples = [
    '<%= config.bin %> tune coq-standard',
    'make -j"$(<%= config.bin %> tune coq-standard --jobs-only)"',
    '<%= config.bin %> tune coq-standard --machine cores=36,memory=252G',
  ];
  static override args = {
    profile: Args.string({ description: 'name of the profile', required: true }),
  };
  static override flags = {
    'jobs-only': Flags.boolean({ description: 'print the number and nothing else' }),
    machine: machineFlag,
  };

  async run(): Promise<TuneReport> {
    const { args, flags } = await this.parse(Tune);
    refuseUnit(args.profile);
    const machine = machineFor(flags.machine);
    const profile = await loadProfile(args.profile);
    const report = adviseTuning(profile, resolve(profile, machine), machine);
    this.say(flags['jobs-only'] ? String(report.jobs.pick) : renderTune(report));
    for (const remark of profile.remarks) this.remark(`rlimit: note: ${remark}`);
    return report;
  }
}

function refuseUnit(name: string): void {
  if (!/\.(scope|service|slice)$/.test(name)) return;
  throw new UsageError(`tune takes a profile, and ${JSON.stringify(name)} is a unit`, {
    remedy: `rlimit inspect ${name}`,
  });
}
