import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import {
  type ApplyReport,
  applyPrepared,
  type CheckReport,
  checkPlan,
  findPlan,
  listPlans,
  type PlanEntry,
  type Prepared,
  type Preview,
  planToRevert,
  preparePlan,
  revertPlan,
} from '../apply/index.js';
import { BaseCommand } from '../cli/base-command.js';
import { canAsk, confirm } from '../cli/confirm.js';
import { machineFlag } from '../cli/flags.js';
import { EXIT, UsageError } from '../errors/index.js';
import { renderApplied, renderCheck, renderPlanList, renderPreview } from '../render/apply.js';

export default class Apply extends BaseCommand {
  static override summary = 'Set limits up for good: services, users, containers, swap.';
  static override description =
    'PLAN is a ready plan (see --list) or a YAML file. Without an option, what would change is shown ' +
    'as a difference of files; after a question they are written, by rename and with their former ' +
    'contents kept, systemd and the services are told, and every limit is read back from the kernel. ' +
    'What fails is rolled back, also by the next call after a crash. Done once more it changes ' +
    'nothing.\n' +
    'With --revert every file and value is put back as it was. A file that somebody has changed since ' +
    'is never overwritten without --force.\n' +
    'Root applies what is the system’s, everybody else what is their own.\n' +
    'Ends with 0 when all is in force, 1 when something is not, has drifted (--check) or was rolled ' +
    'back, 2 for a mistake in what was asked and for caps above the machine, 3 where files cannot be ' +
    'written or systemd does not run.';
  static override examples = [
    '<%= config.bin %> apply --list',
    '<%= config.bin %> apply shared-host --diff',
    '$ sudo <%= config.bin %> apply shared-host --runtime',
    '$ sudo <%= config.bin %> apply ./my-plan.yaml --yes',
    '<%= config.bin %> apply shared-host --check',
    '$ sudo <%= config.bin %> apply shared-host --revert',
    '<%= config.bin %> apply ai-services --root ./image --machine cores=12,memory=20G --yes',
  ];
  static override args = {
    plan: Args.string({ description: 'name of a ready plan, or path of a plan’s file' }),
  };
  static override flags = {
    list: Flags.boolean({ default: false, description: 'print the ready plans' }),
    diff: Flags.boolean({
      default: false,
      description: 'show what would change, and change nothing',
      exclusive: ['check', 'revert'],
    }),
    check: Flags.boolean({
      default: false,
      description: 'compare the machine with the plan, and change nothing',
      exclusive: ['revert'],
    }),
    revert: Flags.boolean({
      default: false,
      description: 'put every file and value back as it was before',
    }),
    runtime: Flags.boolean({
      default: false,
      description: 'until the next boot: limits of what runs, and nothing is started anew',
      exclusive: ['root'],
    }),
    restart: Flags.boolean({
      allowNo: true,
      default: true,
      description: 'whether services are started anew where a setting counts only from then on',
    }),
    root: Flags.string({
      description: 'write into the tree at DIR, and do nothing else',
      helpValue: 'DIR',
    }),
    machine: machineFlag,
    yes: Flags.boolean({ char: 'y', default: false, description: 'do not ask' }),
    force: Flags.boolean({
      default: false,
      description:
        'let pass caps above the machine, and files that somebody changed (a copy is kept)',
    }),
  };

  async run(): Promise<Preview | ApplyReport | CheckReport | PlanEntry[]> {
    const { args, flags } = await this.parse(Apply);
    if (flags.list) {
      const plans = listPlans();
      this.say(renderPlanList(plans));
      return plans;
    }
    if (args.plan === undefined) {
      throw new UsageError('which plan is to be applied?', { remedy: 'rlimit apply --list' });
    }
    const { root, machine, force, runtime, restart } = flags;
    if (root !== undefined && root.trim() === '') throw new UsageError('--root needs a directory');
    const lenient = flags.check || flags.revert;
    const plan = flags.revert ? planToRevert(args.plan) : findPlan(args.plan);
    const prepared = await preparePlan(plan, {
      lenient,
      ...(root === undefined ? {} : { root: resolve(root) }),
      ...(machine === undefined ? {} : { machine }),
      force,
      runtime,
      restart,
    });
    if (flags.check) return this.#check(prepared);
    if (flags.diff) {
      this.say(renderPreview(prepared.preview));
      return prepared.preview;
    }
    return flags.revert ? this.#revert(prepared, flags.yes) : this.#apply(prepared, flags.yes);
  }

  async #check(prepared: Prepared): Promise<CheckReport> {
    const report = await checkPlan(prepared);
    this.say(renderCheck(report));
    this.endWith(report.isAsPlanned ? EXIT.fine : EXIT.problems);
    return report;
  }

  async #apply(prepared: Prepared, yes: boolean): Promise<Preview | ApplyReport> {
    const { preview } = prepared;
    if (preview.files.length > 0) this.say(`${renderPreview(preview)}\n`);
    if (preview.files.length > 0 && !(await this.#mayGoOn(yes, 'Apply it?'))) return preview;
    return this.#told(await applyPrepared(prepared));
  }

  async #revert(prepared: Prepared, yes: boolean): Promise<Preview | ApplyReport> {
    const question = `Put back all that ${prepared.plan.name} has changed?`;
    if (!(await this.#mayGoOn(yes, question))) return prepared.preview;
    return this.#told(await revertPlan(prepared));
  }

  #told(report: ApplyReport): ApplyReport {
    this.say(renderApplied(report));
    const isWell = report.outcome !== 'rolled-back' && (report.verified?.isInForce ?? true);
    this.endWith(isWell ? EXIT.fine : EXIT.problems);
    return report;
  }

  async #mayGoOn(yes: boolean, question: string): Promise<boolean> {
    if (yes) return true;
    if (this.jsonEnabled() || !canAsk()) {
      throw new UsageError('apply asks first, and there is nobody to ask', {
        why: 'Neither is there a terminal, nor was --yes given. Nothing was changed.',
        remedy: 'the same line with --yes; or with --diff, to look',
      });
    }
    if (await confirm(question)) return true;
    this.say('Nothing was changed.');
    return false;
  }
}
