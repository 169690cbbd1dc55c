/**
 * Writes docs/reference.md, the reference of all verbs, from oclif.manifest.json: it cannot
 * disagree with `--help`. It is made by the build and not committed.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync('oclif.manifest.json', 'utf8'));
/** @type {Command[]} */
const all = Object.values(manifest.commands);
const commands = all.filter((command) => !command.hidden).sort((a, b) => a.id.localeCompare(b.id));

writeFileSync(
  'docs/reference.md',
  `# Reference

Made from the code by \`npm run build\`; \`rlimit help VERB\` prints the same.

Exit codes: every verb ends with 2 for a mistake in what was asked. \`run\` ends as the command ends,
and with 125 when it could not be started as asked, 126 when it cannot be executed, 127 when it was
not found. The others end with 0 when all is well, 1 with problems, 3 when something they need is not
to be had here.

${commands.map(chapter).join('\n')}`,
);

/**
 * @typedef {{ name: string; required?: boolean; description?: string }} Arg
 * @typedef {{ name: string; char?: string; type: string; helpValue?: string; options?: string[];
 *   hidden?: boolean; description?: string; summary?: string }} Flag
 * @typedef {string | { command: string }} Example
 * @typedef {{ id: string; hidden?: boolean; summary?: string; description?: string; usage?: string;
 *   args: Record<string, Arg>; flags: Record<string, Flag>; examples?: Example[] }} Command
 */

/** @param {Command} command */
function chapter(command) {
  const name = command.id.replaceAll(':', ' ');
  const args = Object.values(command.args);
  const flags = Object.values(command.flags).filter((flag) => !flag.hidden);
  return [
    `## rlimit ${name}\n`,
    `${text(command.summary)}\n`,
    `    rlimit ${usage(command, name, args)}\n`,
    ...(command.description ? [`${text(command.description)}\n`] : []),
    ...(args.length > 0 ? [...args.map(argument), ''] : []),
    ...(flags.length > 0 ? [...flags.map(option), ''] : []),
    ...(command.examples?.length ? ['Examples:\n', ...command.examples.map(example), ''] : []),
  ].join('\n');
}

/** @param {Command} command @param {string} name @param {Arg[]} args */
function usage(command, name, args) {
  if (command.usage) return text(command.usage);
  const words = args.map(
    (arg) => (arg.required ? '' : '[') + arg.name.toUpperCase() + (arg.required ? '' : ']'),
  );
  return [name, ...words, '[OPTION…]'].join(' ');
}

/** @param {Arg} arg */
function argument(arg) {
  return `- \`${arg.name.toUpperCase()}\`: ${text(arg.description ?? '')}`;
}

/** @param {Flag} flag */
function option(flag) {
  const value =
    flag.type === 'option' ? `=${flag.helpValue ?? flag.options?.join('|') ?? 'VALUE'}` : '';
  const char = flag.char ? `\`-${flag.char}\`, ` : '';
  return `- ${char}\`--${flag.name}${value}\`: ${text(flag.description ?? flag.summary ?? '')}`;
}

/** @param {Example} entry */
function example(entry) {
  const line = typeof entry === 'string' ? entry : entry.command;
  return `    ${text(line)}`;
}

/** @param {string | undefined} template */
function text(template) {
  return String(template ?? '')
    .replaceAll('<%= config.bin %>', 'rlimit')
    .replaceAll('<%= command.id %>', '');
}
