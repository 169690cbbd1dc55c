/** Unit files as text. Pure. */

/** A section with its lines: `Name=Value`, and comments. */
export type Section = readonly [name: string, lines: readonly string[]];

/** A unit file, or a drop-in: comments at its head (with `#` or without), then the sections. */
export function unitText(comments: readonly string[], sections: readonly Section[]): string {
  const head = comments.map((line) => line.replace(/[\n\r\0]+/g, ' ').replace(/^(?!#)/, '# '));
  const parts = sections.map(([name, lines]) => [`[${name}]`, ...lines].join('\n'));
  return `${[...(head.length === 0 ? [] : [head.join('\n')]), ...parts].join('\n\n')}\n`;
}
