import { constants, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { Descriptors, drain, makeFifos, openOwn, put } from './files.js';
import { Hand } from './hand.js';
import { MOST_TOKENS, type Tokens, type Transport } from './transport.js';

export interface PipeOptions {
  /** A directory of the user's alone. */
  directory: string;
  /** Numbers of the two descriptors in the command: to read tokens from, and to return them to. */
  descriptors: readonly [read: number, write: number];
}

/**
 * Two pipes by inherited descriptors (`--jobserver-auth=R,W`, all GNU makes from 4.2 on). A token that
 * comes back lies in the other pipe, where nobody can take it before we have decided.
 *
 * They are opened for both directions, so that neither end ever breaks: not when rlimit dies, and not
 * when a client closes what it was not asked to. Nothing needs their names, which are gone at once.
 */
export class PipeTransport implements Transport {
  readonly style = 'pipe';
  readonly auth: { read: number; write: number };
  readonly inherited: readonly (readonly [number, number])[];
  /** What the guard needs to pass tokens on when we are gone: to read from, and to write to. */
  readonly handover: readonly [read: number, write: number];
  surplus = 0;
  readonly #open = new Descriptors();
  readonly #give: number;
  readonly #back: Socket;
  readonly #hand = new Hand();
  /** Tokens that are neither in our hand nor were never made. */
  #out = 0;
  #lying = 0;
  #heard = () => {};

  /** @throws {CannotRunError} */
  constructor({ directory, descriptors: [read, write] }: PipeOptions) {
    const [give, back] = [`${directory}/give`, `${directory}/back`];
    makeFifos([give, back]);
    const open = (path: string, flags: number) => this.#open.add(openSync(path, flags));
    this.#give = this.#open.add(openOwn(give));
    const own = openOwn(back);
    this.inherited = [
      [read, open(give, constants.O_RDWR)],
      [write, open(back, constants.O_RDWR)],
    ];
    // These end when the last client has: they are what tells the guard that it is not needed.
    this.handover = [open(back, constants.O_RDONLY), open(give, constants.O_WRONLY)];
    rmSync(give);
    rmSync(back);
    this.auth = { read, write };
    this.#back = new Socket({ fd: own, readable: true, writable: false });
    this.#back.on('data', (tokens: Buffer) => this.#takeBack(tokens));
    this.#back.on('error', () => {}); // No token comes back any more; those that are out do.
    this.#back.unref();
  }

  started(): void {
    this.#open.close(this.inherited.map(([, ours]) => ours));
  }

  look(): Tokens {
    const lying = drain(this.#give);
    const known = Math.min(lying.length, this.#lying);
    // A client that writes where it should read makes tokens out of nothing.
    this.surplus += lying.length - known;
    this.#hand.add(lying.subarray(0, known));
    this.#out -= known;
    this.#lying = 0;
    return { held: this.#out, lying: known };
  }

  give(tokens: number): void {
    const count = Math.min(tokens - this.#out, MOST_TOKENS);
    if (count <= 0) return;
    const given = put(this.#give, this.#hand.take(count));
    this.#out += given;
    this.#lying += given;
  }

  forget(tokens: number): void {
    this.#out -= Math.min(tokens, this.#out);
  }

  onReturn(listener: () => void): void {
    this.#heard = listener;
  }

  mend(): undefined {}

  close(): void {
    this.#open.close();
    this.#back.destroy();
  }

  #takeBack(tokens: Buffer): void {
    const known = Math.min(tokens.length, this.#out);
    this.surplus += tokens.length - known;
    this.#hand.add(tokens.subarray(0, known));
    this.#out -= known;
    this.#heard();
  }
}
