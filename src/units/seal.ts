import { createHash } from 'node:crypto';

const SEAL = /^# ([0-9a-f]{16}) is the checksum of the lines above$/m;

/** Marks a text as ours: any later change of it is noticed. */
export function seal(text: string): string {
  return `${text}# ${checksum(text)} is the checksum of the lines above\n`;
}

/** Tells whether a text is as it was sealed: only then may it go without a backup. */
export function isSealed(text: string): boolean {
  const match = SEAL.exec(text);
  if (match === null || text.length !== match.index + match[0].length + 1) return false;
  return checksum(text.slice(0, match.index)) === match[1];
}

function checksum(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
