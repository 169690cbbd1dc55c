import { JOBS } from './body.js';

/**
 * What a project file may put into the environment. It arrives with somebody's repository, so it
 * must not be able to choose what runs: only variables that hold a count, and only counts.
 */
export const PROJECT_VARIABLES: readonly string[] = [
  'BUNDLE_JOBS',
  'CARGO_BUILD_JOBS',
  'CMAKE_BUILD_PARALLEL_LEVEL',
  'CTEST_PARALLEL_LEVEL',
  'DUNE_JOBS',
  'GOMAXPROCS',
  'JOBS',
  'JULIA_NUM_THREADS',
  'MAX_JOBS',
  'MKL_NUM_THREADS',
  'NIX_BUILD_CORES',
  'NUMEXPR_NUM_THREADS',
  'OMP_NUM_THREADS',
  'OPENBLAS_NUM_THREADS',
  'RAYON_NUM_THREADS',
  'RUST_TEST_THREADS',
  'TOKIO_WORKER_THREADS',
  'UV_CONCURRENT_BUILDS',
  'UV_THREADPOOL_SIZE',
  'VITEST_MAX_WORKERS',
];

/** Why some that one might expect are not among them. */
const REASONS: Readonly<Record<string, string>> = {
  MAKEFLAGS: 'MAKEFLAGS can run commands (--eval)',
  GNUMAKEFLAGS: 'GNUMAKEFLAGS can run commands (--eval)',
  NIX_CONFIG: 'NIX_CONFIG can run commands (hooks)',
  NODE_OPTIONS: 'NODE_OPTIONS can load code (--require)',
  OCAMLRUNPARAM: 'OCAMLRUNPARAM is not a count',
  RUSTFLAGS: 'RUSTFLAGS can run commands (-C linker)',
  LD_PRELOAD: 'LD_PRELOAD loads code',
  PATH: 'PATH chooses what runs',
};

/** Why a project file may not set a variable to a value, or undefined when it may. */
export function refusalOf(name: string, value: string): string | undefined {
  if (!PROJECT_VARIABLES.includes(name)) {
    const reason = Object.hasOwn(REASONS, name) ? `: ${REASONS[name]}` : '';
    return (
      `a project file may not set ${name}${reason}. It may set counts of jobs and threads, ` +
      'such as CARGO_BUILD_JOBS; put anything else into a profile of your own'
    );
  }
  if (value === '' || value === JOBS || /^[1-9]\d{0,3}$/.test(value)) return undefined;
  return `a project file may set ${name} to a number or to \${jobs} only`;
}
