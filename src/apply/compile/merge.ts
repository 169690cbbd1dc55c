/** Settings put into files that others write as well: what is not ours stays as it is. Pure. */

/** `NAME=value` lines as a shell reads them; each setting once, others and comments kept. */
export function withShellSettings(
  text: string,
  settings: Readonly<Record<string, string>>,
  { without = [] }: { without?: readonly string[] } = {},
): string {
  const names = [...Object.keys(settings), ...without];
  return withLines(text, (line) => names.includes(/^\s*([A-Za-z_]+)=/.exec(line)?.[1] ?? ''), [
    ...Object.entries(settings).map(([name, value]) => `${name}=${value}`),
  ]);
}

/** `name = value` lines of nix.conf(5). */
export function withNixSettings(text: string, settings: Readonly<Record<string, string>>): string {
  const isOurs = (line: string) =>
    Object.hasOwn(settings, /^\s*([\w-]+)\s*=/.exec(line)?.[1] ?? '');
  return withLines(
    text,
    isOurs,
    Object.entries(settings).map(([name, value]) => `${name} = ${value}`),
  );
}

/** One section of an INI file; its other keys and all other sections stay. */
export function withIniSection(
  text: string,
  section: string,
  settings: Readonly<Record<string, string>>,
): string {
  const lines = linesOf(text);
  const header = `[${section}]`;
  const start = lines.findIndex((line) => line.trim() === header);
  const ours = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  if (start < 0) {
    const gap = lines.length === 0 ? [] : [''];
    return joined([...lines, ...gap, header, ...ours]);
  }
  const next = lines.findIndex((line, at) => at > start && /^\s*\[/.test(line));
  const end = next < 0 ? lines.length : next;
  const kept = lines
    .slice(start + 1, end)
    .filter((line) => !Object.hasOwn(settings, /^\s*([\w-]+)\s*=/.exec(line)?.[1] ?? ''));
  return joined([...lines.slice(0, start + 1), ...ours, ...kept, ...lines.slice(end)]);
}

/** The old lines without those that are replaced, where the first of them stood, the new ones. */
function withLines(
  text: string,
  isReplaced: (line: string) => boolean,
  added: readonly string[],
): string {
  const lines = linesOf(text);
  const first = lines.findIndex(isReplaced);
  const kept = lines.filter((line) => !isReplaced(line));
  const at = first < 0 ? kept.length : first;
  return joined([...kept.slice(0, at), ...added, ...kept.slice(at)]);
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function joined(lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}
