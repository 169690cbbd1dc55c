/** What the guard tells while it runs; `render` makes lines of it. */
import type { Finding } from '../model/index.js';
import type { Note } from './collect/entry.js';
import type { Action } from './decide/types.js';

/** How an action came out, as it is told. */
export type Told = 'done' | 'gone' | 'failed' | 'would';

export type GuardEvent = { time: number } & (
  | { event: 'started'; pid: number; uid: number; settings?: string; resumed: boolean }
  | { event: 'ended' }
  | { event: 'action'; action: Action; result: Told; failed?: string }
  | { event: 'remark'; why: string }
  | { event: 'note'; note: Note }
  | { event: 'finding'; finding: Finding }
  | { event: 'settings'; settings?: string; problem?: string }
);
