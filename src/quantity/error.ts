/** A text that is not a value of the kind that was asked for. The message says what is. */
export class QuantityError extends Error {
  override name = 'QuantityError';

  constructor(
    readonly text: string,
    readonly expected: string,
  ) {
    super(`${JSON.stringify(shorten(text))} is not ${expected}`);
  }
}

/** Enough of a text to know it again: a message must not be as long as a hostile file. */
function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
