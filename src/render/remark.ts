/** What is said beside the matter itself: whole sentences from anywhere, made safe for a terminal. */
import { printable } from '../text/index.js';
import { paragraph, style } from './style.js';

export function note(text: string): string {
  return paragraph(`${style.faint('note:')} ${printable(text)}`);
}

export function warning(text: string): string {
  return paragraph(`${style.warning('warning:')} ${printable(text)}`);
}
