/** What came of a step: done, or its subject had gone before, or why not. */
export type Outcome = 'done' | 'gone' | { failed: string };

/** The outcome that an error of the system means. */
export function outcomeOf(error: unknown): Outcome {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ESRCH' || code === 'ENODEV') return 'gone';
  if (code === 'EACCES' || code === 'EPERM') return { failed: 'you may not do that' };
  return { failed: message };
}
