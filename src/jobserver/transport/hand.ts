import { MOST_TOKENS, TOKEN } from './transport.js';

/** Tokens that came back, byte for byte: a client may write another one than it has read. */
export class Hand {
  #tokens: number[] = [];

  /** Keeps tokens to give them out again. */
  add(tokens: Uint8Array): void {
    for (const token of tokens) if (this.#tokens.length < MOST_TOKENS) this.#tokens.push(token);
  }

  /** Tokens to give out: those that came back first, then new ones. */
  take(count: number): Uint8Array {
    const kept = this.#tokens.splice(0, count);
    return Uint8Array.from({ length: count }, (_, index) => kept[index] ?? TOKEN);
  }
}
