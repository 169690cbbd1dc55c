import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { monotonicMs } from '../machine/clock.js';
import type { Received } from '../verdict/index.js';

const FORWARDED = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/** How long the command has to go after a Ctrl-C, before we say that it has not. */
const PATIENCE_MS = 1000;
/** How long a further Ctrl-C then counts as "all of it, now". */
const ARMED_MS = 10_000;

/** What `run` does about signals besides handing them on. */
export interface SignalHooks {
  /** Any signal at all came, before it is handed on. */
  onSignal?: () => void;
  /** The command is still there a while after a Ctrl-C: says what another one will do. */
  onStubborn?: () => void;
  /** Another Ctrl-C after that. */
  onImpatient?: () => void;
  /** The terminal was closed. */
  onHangUp?: () => void;
}

/**
 * Hands signals on to the command, and so keeps them from ending rlimit before it. What a terminal
 * sends (Ctrl-C, Ctrl-\) reaches the command by itself, being in the same process group, and must
 * not arrive twice.
 */
export class Signals {
  readonly received: Received[] = [];
  readonly #child: ChildProcess;
  readonly #hooks: SignalHooks = {};
  #patience: NodeJS.Timeout | undefined;
  #armedUntilMs = 0;
  readonly #hadTerminal = hasTerminal();

  constructor(child: ChildProcess) {
    this.#child = child;
    const take = (signal: NodeJS.Signals): void => this.#take(signal);
    for (const signal of FORWARDED) process.on(signal, take);
    child.once('close', () => {
      clearTimeout(this.#patience);
      for (const signal of FORWARDED) process.off(signal, take);
    });
  }

  /** Begins to act on what the user wants besides; before the command has started nothing is done. */
  watch(hooks: SignalHooks): void {
    Object.assign(this.#hooks, hooks);
  }

  #take(signal: NodeJS.Signals): void {
    const fromTerminal = (signal === 'SIGINT' || signal === 'SIGQUIT') && inForeground();
    this.received.push({ signal, fromTerminal });
    this.#hooks.onSignal?.();
    if (!fromTerminal) this.#child.kill(signal);
    if (signal === 'SIGINT') this.#interrupted();
    if (signal === 'SIGHUP' && this.#hadTerminal && !hasTerminal()) this.#hooks.onHangUp?.();
  }

  /**
   * A program may live through a Ctrl-C on purpose (a prompt such as coqtop's): the second one ends
   * everything only after it was said that it will.
   */
  #interrupted(): void {
    if (monotonicMs() < this.#armedUntilMs) {
      this.#armedUntilMs = 0;
      this.#hooks.onImpatient?.();
      return;
    }
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => {
      this.#armedUntilMs = monotonicMs() + ARMED_MS;
      this.#hooks.onStubborn?.();
    }, PATIENCE_MS).unref();
  }
}

/** Whether our process group is the foreground group of a terminal: the one Ctrl-C goes to. */
function inForeground(): boolean {
  // pid (comm) state ppid pgrp session tty_nr tpgid: see proc(5). comm may hold blanks and brackets.
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[2] === fields[5];
}

/** Whether there is a terminal of ours: after it was closed, /dev/tty cannot be opened any more. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}
