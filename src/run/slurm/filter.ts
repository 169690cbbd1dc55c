/** Takes the lines of the report out of what a step writes on stderr; all else stays byte for byte. */

/** What came of a piece of the stream. */
export interface Filtered {
  /** To be handed on. */
  pass: Buffer;
  /** Lines of the report, without the word that they begin with. */
  reports: string[];
}

const NEWLINE = 10;

export class ReportFilter {
  readonly #word: Buffer;
  #held: Buffer = Buffer.alloc(0);

  /** @param word that each line of the report begins with, wherever in the stream that is */
  constructor(word: string) {
    this.#word = Buffer.from(word);
  }

  /** Holds back no more than what may be the beginning of a line of the report. */
  push(bytes: Uint8Array): Filtered {
    let rest: Buffer = Buffer.concat([this.#held, bytes]);
    const passed: Buffer[] = [];
    const reports: string[] = [];
    for (;;) {
      const at = rest.indexOf(this.#word);
      const end = at < 0 ? -1 : rest.indexOf(NEWLINE, at);
      if (end < 0) {
        const from = at < 0 ? this.#beginningAt(rest) : at;
        passed.push(rest.subarray(0, from));
        this.#held = rest.subarray(from);
        return { pass: Buffer.concat(passed), reports };
      }
      passed.push(rest.subarray(0, at));
      reports.push(rest.subarray(at + this.#word.length, end).toString());
      rest = rest.subarray(end + 1);
    }
  }

  /** What is still held back when nothing more comes. */
  flush(): Buffer {
    const held = this.#held;
    this.#held = Buffer.alloc(0);
    return held;
  }

  /** Where an unfinished word begins at the end of these bytes. */
  #beginningAt(bytes: Buffer): number {
    const first = Math.max(0, bytes.length - this.#word.length + 1);
    for (let at = first; at < bytes.length; at += 1) {
      if (this.#word.subarray(0, bytes.length - at).equals(bytes.subarray(at))) return at;
    }
    return bytes.length;
  }
}
