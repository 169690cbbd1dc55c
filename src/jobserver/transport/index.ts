/** How tokens reach the clients: GNU make's FIFO, or a pair of inherited pipes. */
export { FifoTransport } from './fifo.js';
export { PipeTransport } from './pipe.js';
export type { Tokens, Transport } from './transport.js';
