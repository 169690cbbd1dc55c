/** The option `--explain` of several verbs; what it answers is loaded only where it is asked for. */
import { Flags } from '@oclif/core';

/** Stands for every trouble in place of a name. */
export const ALL_TROUBLES = 'list';

export const explainFlag = Flags.string({
  description: 'say what a trouble is, why it matters and what mends it; without ID list them all',
  helpValue: 'ID',
});

/**
 * oclif knows no option with a value that may be missing: a bare `--explain` becomes the list of
 * everything, before the command line is parsed.
 */
export function withExplainValue(argv: readonly string[]): string[] {
  return argv.map((word, at) => {
    const next = argv[at + 1];
    return word === '--explain' && (next === undefined || next.startsWith('-'))
      ? `--explain=${ALL_TROUBLES}`
      : word;
  });
}
