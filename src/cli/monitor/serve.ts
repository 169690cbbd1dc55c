/** Metrics for whoever asks by HTTP: read-only, and bounded in all that a client can do. */
import type { Server, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { isIPv6 } from 'node:net';
import { UnavailableError, UsageError } from '../../errors/index.js';
import { PROMETHEUS_TYPE } from '../../render/prometheus/index.js';

/**
 * Not by `import`, which asks a module for all that it exports: in Node 24 node:http loads a whole HTTP
 * client (undici) for WebSocket then, which is 12 MiB resident.
 */
const { createServer } = createRequire(import.meta.url)('node:http') as typeof import('node:http');

/** Where to listen. */
export interface ListenAddress {
  host: string;
  /** 0 is any that is free. */
  port: number;
}

const LOOPBACK = '127.0.0.1';

/**
 * Reads `127.0.0.1:9101`, `[::1]:9101`, `:9101` or `9101`; without a host it is the loopback.
 * @throws {UsageError}
 */
export function parseListen(text: string): ListenAddress {
  const found = /^(?:(?:\[([\da-fA-F:.]+)\]|([\w.-]*)):)?(\d{1,5})$/.exec(text);
  const [, inBrackets, plain, digits = ''] = found ?? [];
  const port = Number(digits);
  if (found === null || port > 65_535) {
    throw new UsageError(`--listen ${JSON.stringify(text)} is not an address`, {
      why: 'It is HOST:PORT, or a PORT of the loopback.',
      remedy: `rlimit monitor --listen ${LOOPBACK}:9101`,
    });
  }
  return { host: inBrackets || plain || LOOPBACK, port };
}

/** A slow client is not waited for, and no more than so many are served at a time. */
const PATIENCE_MS = 10_000;
const MOST_CLIENTS = 32;

/** A page is made at most so often; in between the last one is given. */
const FRESH_MS = 1000;

export interface ServeOptions {
  /** Makes the page of metrics. */
  page: () => string;
  /** Milliseconds of a clock that nobody sets. */
  clock: () => number;
}

/**
 * Serves GET /metrics and /healthz.
 * @returns the server, and the address that it listens on
 * @throws {UnavailableError} where the address is taken, not ours, or not allowed
 */
export async function serveMetrics(
  { host, port }: ListenAddress,
  options: ServeOptions,
): Promise<{ server: Server; url: string }> {
  const pages = new FreshPage(options);
  const server = createServer(
    {
      requestTimeout: PATIENCE_MS,
      headersTimeout: PATIENCE_MS,
      keepAliveTimeout: PATIENCE_MS,
      connectionsCheckingInterval: 1000,
      maxHeaderSize: 8192,
    },
    ({ method = '', url = '' }, response) => answer(method, url, response, pages),
  );
  server.maxConnections = MOST_CLIENTS;
  // One that reads nothing of its answer, or sends nothing, is let go.
  server.setTimeout(PATIENCE_MS, (socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(cannotListen(error, host, port)));
    server.listen({ host, port }, resolve);
  });
  const address = server.address();
  const actual = typeof address === 'object' && address !== null ? address.port : port;
  return { server, url: `http://${isIPv6(host) ? `[${host}]` : host}:${actual}` };
}

class FreshPage {
  readonly #options: ServeOptions;
  #text = '';
  #madeMs = Number.NEGATIVE_INFINITY;

  constructor(options: ServeOptions) {
    this.#options = options;
  }

  get(): string {
    const now = this.#options.clock();
    if (now - this.#madeMs >= FRESH_MS) {
      this.#text = this.#options.page();
      this.#madeMs = now;
    }
    return this.#text;
  }
}

function answer(method: string, url: string, response: ServerResponse, pages: FreshPage): void {
  const path = url.split('?', 1)[0];
  if (method !== 'GET' && method !== 'HEAD') {
    // What it may have sent is not read.
    response.setHeader('Allow', 'GET, HEAD').setHeader('Connection', 'close');
    send(response, 405, 'Only GET and HEAD: nothing can be changed here.\n');
  } else if (path === '/healthz') send(response, 200, 'ok\n');
  else if (path === '/metrics') sendMetrics(response, pages);
  else send(response, 404, 'There are /metrics and /healthz.\n');
}

function sendMetrics(response: ServerResponse, pages: FreshPage): void {
  try {
    send(response, 200, pages.get(), PROMETHEUS_TYPE);
  } catch (error) {
    send(response, 500, `${error instanceof Error ? error.message : String(error)}\n`);
  }
}

function send(
  response: ServerResponse,
  status: number,
  text: string,
  type = 'text/plain; charset=utf-8',
): void {
  const length = Buffer.byteLength(text);
  const headers = { 'Content-Type': type, 'Content-Length': length, 'Cache-Control': 'no-store' };
  // HEAD: node:http leaves the body out by itself.
  response.writeHead(status, headers).end(text);
}

function cannotListen(error: Error, host: string, port: number): UnavailableError {
  const { code } = error as NodeJS.ErrnoException;
  const where = `${host}:${port}`;
  if (code === 'EADDRINUSE') {
    return new UnavailableError(`${where} is taken`, {
      why: 'Another program listens there.',
      remedy: `ss -ltnp 'sport = :${port}' tells which; --listen ${LOOPBACK}:0 takes a free port`,
    });
  }
  return new UnavailableError(`cannot listen on ${where}: ${error.message}`, {
    remedy: `rlimit monitor --listen ${LOOPBACK}:9101`,
  });
}
