import type { Hook } from '@oclif/core';
import { UnknownNameError } from '../errors/index.js';
import { renderError } from '../render/index.js';

/** Says which verbs are like the one that does not exist, and ends with 2. */
const hook: Hook.CommandNotFound = async ({ config, id }) => {
  const verbs = config.commandIDs.map((known) => known.replaceAll(':', ' '));
  const error = new UnknownNameError('command', id.replaceAll(':', ' '), verbs, {
    remedy: 'rlimit --help',
  });
  process.stderr.write(`${renderError(error)}\n`);
  process.exit(error.exitCode);
};

export default hook;
