/** The catalogue of troubles: what each is, and why it matters. Long texts; loaded where told. */
export * from './troubles.js';
