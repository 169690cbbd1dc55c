/**
 * The built-in profiles. The files are bundled as data, so no YAML parser and no schema runs for
 * them; test/unit/profiles/catalog.test.ts holds them to the schema instead.
 */

import { type ProfileBody, type RawBody, toBody } from './body.js';
import agent from './catalog/agent.yaml';
import compute from './catalog/compute.yaml';
import coqAggressive from './catalog/coq-aggressive.yaml';
import coqConservative from './catalog/coq-conservative.yaml';
import coqSingle from './catalog/coq-single.yaml';
import coqStandard from './catalog/coq-standard.yaml';
import cxxBuild from './catalog/cxx-build.yaml';
import anyBuild from './catalog/default.yaml';
import goBuild from './catalog/go-build.yaml';
import llamaCpp from './catalog/llama-cpp.yaml';
import llmProxy from './catalog/llm-proxy.yaml';
import monitor from './catalog/monitor.yaml';
import nixBuild from './catalog/nix-build.yaml';
import nixDaemon from './catalog/nix-daemon.yaml';
import nodeBuild from './catalog/node-build.yaml';
import ollama from './catalog/ollama.yaml';
import rustBuild from './catalog/rust-build.yaml';

const CATALOG: Readonly<Record<string, unknown>> = {
  agent,
  compute,
  'coq-aggressive': coqAggressive,
  'coq-conservative': coqConservative,
  'coq-single': coqSingle,
  'coq-standard': coqStandard,
  'cxx-build': cxxBuild,
  default: anyBuild,
  'go-build': goBuild,
  'llama-cpp': llamaCpp,
  'llm-proxy': llmProxy,
  monitor,
  'nix-build': nixBuild,
  'nix-daemon': nixDaemon,
  'node-build': nodeBuild,
  ollama,
  'rust-build': rustBuild,
};

/** Names of the built-in profiles, in alphabetical order. */
export const BUILT_IN_NAMES: readonly string[] = Object.keys(CATALOG).sort();

/** What a built-in profile says, or undefined when there is none of that name. */
export function builtIn(name: string): ProfileBody | undefined {
  return Object.hasOwn(CATALOG, name) ? toBody(CATALOG[name] as RawBody) : undefined;
}
