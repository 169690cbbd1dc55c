/**
 * Programs that start jobs and wait for them, by their comm. Their children are the jobs, whatever
 * those are called. One that works in one process (ghc --make) is none, nor is a shell.
 */
const BUILD_TOOLS = new Set([
  ...['make', 'gmake', 'bmake', 'ninja', 'ninja-build', 'samu', 'n2', 'tup', 'just', 'scons'],
  ...['meson', 'cmake', 'ctest', 'bazel', 'buck2', 'b2', 'bjam', 'task', 'remake'],
  ...['cargo', 'dune', 'jbuilder', 'opam', 'go', 'cabal', 'stack', 'lake', 'swift-build'],
  ...['nix', 'nix-build', 'nix-store', 'nix-daemon', 'nix-shell'],
]);

/**
 * Compilers and linkers: jobs also where a script, and no build tool, starts them. Interpreters (node,
 * python) are left out: nearly everything is one, servers included.
 */
const COMPILERS = [
  ...['coqc', 'coqtop', 'coqworker', 'rocq', 'rocqworker', 'lean'],
  ...['cc', 'c++', 'gcc', 'g++', 'cc1', 'cc1plus', 'cc1obj', 'f951', 'gnat1', 'd21', 'collect2'],
  ...['clang', 'clang++', 'flang', 'lto1', 'lto-wrapper', 'lto1-wpa', 'lto1-ltrans', 'nvcc'],
  ...['ld', 'ld.bfd', 'ld.gold', 'ld.lld', 'lld', 'rust-lld', 'mold', 'ld.mold', 'wild'],
  ...[
    'rustc',
    'rustdoc',
    'clippy-driver',
    'ghc',
    'ocamlc.opt',
    'ocamlopt.opt',
    'ocamlc',
    'ocamlopt',
  ],
  ...['esbuild', 'tsgo', 'swift-frontend'],
];

/** Newer versions of Node name their main thread, and with it the process. */
const OTHER_NAMES: Record<string, string[]> = { node: ['MainThread', 'node-MainThread'] };

/** The kernel cuts a comm to this many bytes (proc_pid_comm(5)). */
const COMM_BYTES = 15;

/** Whether a process of that name starts jobs rather than being one. */
export function isBuildTool(comm: string): boolean {
  return BUILD_TOOLS.has(comm);
}

/**
 * The comms of processes that are jobs of themselves: compilers, and those named besides.
 * @param names names of programs, which may be longer than a comm
 */
export function jobNames(names: Iterable<string> = []): ReadonlySet<string> {
  const all = [...names].flatMap((name) => [name, ...(OTHER_NAMES[name] ?? [])]);
  const comms = all.map((name) => Buffer.from(name).subarray(0, COMM_BYTES).toString());
  return new Set([...COMPILERS, ...comms]);
}
