/** A text that is not a value of the kind that was asked for. The message says what is. */
export class QuantityError extends Error {
  override name = 'QuantityError';

  constructor(
    readonly text: string,
    readonly expected: string,
  ) {
    super(`${JSON.stringify(text)} is not ${expected}`);
  }
}
