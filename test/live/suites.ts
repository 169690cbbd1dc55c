import type { NodeMajor } from '../setup/node.js';

/** The Debian releases that the live tests run on, oldest first. */
export const suites = ['bookworm', 'trixie', 'forky'] as const;
export type Suite = (typeof suites)[number];

/** With this variable set, to whatever, all tests run in all suites. */
export const wholeVariable = 'RLIMIT_LIVE_WHOLE';

interface SuiteFacts {
  /** The major version of systemd that the release has. */
  systemd: number;
  /** The Node that the machine gets, so that the suites together cover all supported ones. */
  node: NodeMajor;
}

export const suiteFacts: Record<Suite, SuiteFacts> = {
  bookworm: { systemd: 252, node: 20 },
  trixie: { systemd: 257, node: 22 },
  forky: { systemd: 262, node: 24 },
};

/** Read a list of suites such as `trixie,forky`; all of them when there is none. */
export function parseSuites(list: string | undefined): Suite[] {
  const names = (list ?? '').split(',').filter((name) => name !== '');
  return names.length === 0 ? [...suites] : names.map(parseSuite);
}

export function parseSuite(name: string): Suite {
  const suite = suites.find((known) => known === name);
  if (suite === undefined) {
    throw new Error(`There is no suite ${name}; the suites are ${suites.join(', ')}.`);
  }
  return suite;
}
