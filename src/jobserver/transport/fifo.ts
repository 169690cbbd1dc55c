import { fstatSync, statSync } from 'node:fs';
import { Descriptors, drain, makeFifos, openOwn, put } from './files.js';
import { Hand } from './hand.js';
import { MOST_TOKENS, type Tokens, type Transport } from './transport.js';

/**
 * One named pipe for both directions (`--jobserver-auth=fifo:PATH`, GNU make from 4.4 on and ninja from
 * 1.13 on). A client may take a token that another one returned before we see it; all that we can do
 * is to let fewer lie about.
 */
export class FifoTransport implements Transport {
  readonly style = 'fifo';
  readonly auth: { fifo: string };
  readonly inherited = [];
  surplus = 0;
  readonly #path: string;
  /** The FIFO of that name, after those that somebody deleted: clients that have them go on. */
  readonly #ends: number[] = [];
  readonly #open = new Descriptors();
  readonly #hand = new Hand();
  /** Tokens at the clients, when none lies in a pipe. */
  #held = 0;
  #lying = 0;
  #turn = 0;

  /**
   * @param path in a directory of the user's alone
   * @throws {CannotRunError}
   */
  constructor({ path }: { path: string }) {
    this.#path = path;
    this.auth = { fifo: path };
    this.#make();
  }

  started(): void {}

  look(): Tokens {
    const out = this.#held + this.#lying;
    const lying = Buffer.concat(this.#ends.map(drain));
    const known = Math.min(lying.length, out);
    this.surplus += lying.length - known;
    this.#hand.add(lying.subarray(0, known));
    this.#held = out - known;
    this.#lying = 0;
    return { held: this.#held, lying: known };
  }

  give(tokens: number): void {
    const count = Math.min(tokens - this.#held - this.#lying, MOST_TOKENS);
    if (count <= 0) return;
    const given = this.#hand.take(count);
    const ends = this.#ends.length;
    this.#turn += 1;
    for (let end = 0; end < ends; end += 1) {
      const part = given.filter((_, index) => (index + this.#turn) % ends === end);
      this.#lying += put(this.#ends[end] ?? -1, part);
    }
  }

  forget(tokens: number): void {
    this.#held -= Math.min(tokens, this.#held);
  }

  onReturn(): void {}

  /** A FIFO that somebody deleted is made anew, for the tools that are still to come. */
  mend(): string | undefined {
    const now = statSync(this.#path, { throwIfNoEntry: false });
    if (now?.ino === fstatSync(this.#ends.at(-1) ?? -1).ino) return undefined;
    const said = `${this.#path}, through which tools get their tokens, `;
    if (now !== undefined)
      return `${said}was replaced by something else: they will run one job each`;
    try {
      this.#make();
      return `${said}was deleted, and is made anew`;
    } catch (error) {
      return `${said}was deleted: ${(error as Error).message}; they will run one job each`;
    }
  }

  close(): void {
    this.#open.close();
  }

  #make(): void {
    makeFifos([this.#path]);
    this.#ends.push(this.#open.add(openOwn(this.#path)));
  }
}
