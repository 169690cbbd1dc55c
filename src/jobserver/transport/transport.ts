import type { JobserverFigures } from '../../model/index.js';
import type { JobserverAuth } from '../makeflags.js';

/** Tokens as they are at one moment. */
export interface Tokens {
  /** Clients have them; each stands for one running job. */
  held: number;
  /** Given out, and taken by nobody so far: where there are any, nobody waits for one. */
  lying: number;
}

/** The way in which tokens reach the clients, and come back. */
export interface Transport {
  readonly style: JobserverFigures['style'];
  /** What clients are told. */
  readonly auth: JobserverAuth;
  /** Descriptors that the command inherits: its number, and ours. Ours are open until `started`. */
  readonly inherited: readonly (readonly [theirs: number, ours: number])[];
  /** Tokens too many that clients wrote, and that were taken out. */
  readonly surplus: number;
  /** The command has its descriptors; ours are closed. */
  started(): void;
  /** Takes in what lies about, and counts. Every look is followed by a `give`. */
  look(): Tokens;
  /** Gives out tokens up to so many, those that are held counted; never takes one from a client. */
  give(tokens: number): void;
  /** Counts so many of the tokens that are held as lost: nobody will return them. */
  forget(tokens: number): void;
  /** Is called when a client has returned a token, where that can be heard. */
  onReturn(listener: () => void): void;
  /** Looks after the files; what had to be mended, as a sentence for people. */
  mend(): string | undefined;
  close(): void;
}

/** What GNU make itself writes for a token; a client may rely on getting one it knows. */
export const TOKEN = 0x2b;

/** As many can be written to a FIFO at once without a part of it being refused (PIPE_BUF, pipe(7)). */
export const MOST_TOKENS = 4096;
