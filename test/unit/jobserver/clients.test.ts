import { describe, expect, it } from 'vitest';
import { readClients } from '../../../src/jobserver/index.js';

type Env = Record<string, string>;
const read = (argv: string[], env: Env = {}, generator?: string) =>
  readClients({ argv, env, ...(generator !== undefined && { generator: () => generator }) });
const sh = (script: string) => ['sh', '-c', script];

describe('the tools of a command line', () => {
  it.each<[string[], string[], string, string]>([
    [['make'], ['make'], 'yes', 'pipe'],
    [['/usr/bin/gmake', '-k', 'all'], ['gmake'], 'yes', 'pipe'],
    [['ninja', '-C', 'build'], ['ninja'], 'yes', 'fifo'],
    [['cargo', 'build'], ['cargo'], 'yes', 'pipe'],
    [['meson', 'compile', '-C', 'b'], ['meson compile'], 'yes', 'fifo'],
    [['meson', 'test'], ['meson'], 'no', 'pipe'],
    [['meson', 'setup', 'b'], [], 'unknown', 'pipe'],
    [['cmake', '--build', 'b'], ['cmake --build'], 'yes', 'pipe'],
    [['cmake', '-B', 'b'], [], 'unknown', 'pipe'],
    [['env', '-u', 'X', 'CC=clang', 'make'], ['make'], 'yes', 'pipe'],
    [['nice', '-n', '5', 'make'], ['make'], 'yes', 'pipe'],
    [['nice', '-5', 'ninja'], ['ninja'], 'yes', 'fifo'],
    [['time', '-p', 'make'], ['make'], 'yes', 'pipe'],
    [['timeout', '-k', '5', '1h', 'env', 'A=1', 'make'], ['make'], 'yes', 'pipe'],
    [['taskset', '0x3', 'make'], ['make'], 'yes', 'pipe'],
    [['stdbuf', '-oL', 'setsid', '-w', 'make'], ['make'], 'yes', 'pipe'],
    [sh('make'), ['make'], 'yes', 'pipe'],
    [
      ['bash', '-eu', '-o', 'pipefail', '-c', 'cd x && make 2>&1 | tee log'],
      ['make'],
      'yes',
      'pipe',
    ],
    [sh('./configure; make && ninja'), ['make', 'ninja'], 'yes', 'fifo'],
    [sh('if true; then\n exec nice \'make\' "all"\nfi'), ['make'], 'yes', 'pipe'],
    [sh("sh -c 'ninja all'"), ['ninja'], 'yes', 'fifo'],
    [['dune', 'build'], ['dune'], 'no', 'pipe'],
    [sh('./prepare && dune build'), ['dune'], 'unknown', 'pipe'],
    [['./build.sh', 'make'], [], 'unknown', 'pipe'],
    [['echo', 'ninja'], [], 'unknown', 'pipe'],
    [['toString'], [], 'unknown', 'pipe'],
    [[], [], 'unknown', 'pipe'],
    [['env'], [], 'unknown', 'pipe'],
  ])('%j: %j, asks: %s, style %s', (argv, tools, asks, style) => {
    expect(read(argv)).toMatchObject({ tools, asks, style, defeated: [] });
  });

  it.each([
    ['Ninja', 'fifo'],
    ['Ninja Multi-Config', 'fifo'],
    ['Unix Makefiles', 'pipe'],
    ['CodeBlocks - Unix Makefiles', 'pipe'],
  ])('cmake --build with the generator %s needs %s', (generator, style) => {
    expect(read(['cmake', '--build', 'b'], {}, generator).style).toBe(style);
    expect(read(['cmake', '--build', 'b'], { CMAKE_GENERATOR: generator }).style).toBe(style);
  });

  it('asks for the generator of the directory that is built', () => {
    const asked: string[] = [];
    const generator = (directory: string) => {
      asked.push(directory);
      return 'Ninja';
    };
    readClients({ argv: sh('cmake -B a && cmake --build a --target x'), env: {}, generator });
    expect(asked).toEqual(['a']);
  });

  it('knows that rustc holds tokens for its threads', () => {
    expect(read(['cargo', 'build']).manyTokens).toBe(true);
    expect(read(['make']).manyTokens).toBe(false);
  });
});

describe('what defeats the jobserver', () => {
  it.each<[string[], string, string]>([
    [['make', '-j8', 'all'], '-j8', 'make all'],
    [['make', '-j', '8', 'all'], '-j 8', 'make all'],
    [['make', 'all', '-j'], '-j', 'make all'],
    [['make', '-kj8'], '-kj8', 'make -k'],
    [['make', '--jobs=4', 'A=b c'], '--jobs=4', "make 'A=b c'"],
    [['make', '--jobs'], '--jobs', 'make'],
    [['env', 'A=1', 'nice', 'make', '-j2'], '-j2', 'env A=1 nice make'],
    [['ninja', '-j', '4', '-C', 'b'], '-j 4', 'ninja -C b'],
    [['cmake', '--build', 'b', '--parallel', '4'], '--parallel 4', 'cmake --build b'],
    [['cmake', '--build', 'b', '--', '-j4'], '-j4', 'cmake --build b --'],
    [['meson', 'compile', '-j', '3'], '-j 3', 'meson compile'],
  ])('%j: %s, instead %s', (argv, by, instead) => {
    const { defeated } = read(argv);
    expect(defeated).toEqual([expect.objectContaining({ by, instead })]);
    expect(defeated[0]?.cause).toContain('before the jobserver');
  });

  it('does not rewrite a script', () => {
    const { defeated } = read(sh('./configure && make -j4'));
    expect(defeated).toEqual([expect.objectContaining({ tool: 'make', by: '-j4' })]);
    expect(defeated[0]).not.toHaveProperty('instead');
  });

  it('is CMAKE_BUILD_PARALLEL_LEVEL for cmake, wherever it is set', () => {
    const level = { CMAKE_BUILD_PARALLEL_LEVEL: '4' };
    expect(read(['cmake', '--build', 'b'], level).defeated).toEqual([
      expect.objectContaining({
        by: 'CMAKE_BUILD_PARALLEL_LEVEL=4',
        instead: 'env -u CMAKE_BUILD_PARALLEL_LEVEL cmake --build b',
      }),
    ]);
    const within = sh('CMAKE_BUILD_PARALLEL_LEVEL=4 cmake --build b');
    expect(read(within).defeated).toHaveLength(1);
    expect(read(['make'], level).defeated).toEqual([]);
  });

  it.each<[string[], Env]>([
    [['make'], { MAKEFLAGS: '-j8' }],
    [['cargo', 'build'], { CARGO_BUILD_JOBS: '4' }],
    [['make', '-k', '-Iobj', '-f', 'x.mk'], {}],
    [['ninja', '-k', '0', '-v'], {}],
  ])('is nothing in %j with %j', (argv, env) => {
    expect(read(argv, env).defeated).toEqual([]);
  });

  it('is no -j of cargo, which says itself that it ignores it', () => {
    const { defeated, notes } = read(['cargo', 'build', '-j4']);
    expect(defeated).toEqual([]);
    expect(notes).toEqual([expect.stringContaining('ignores')]);
  });

  it('shows nothing that a terminal would take as a command', () => {
    const { defeated } = read(['make', '-j4', '--jobs=\u001b[2J']);
    expect(JSON.stringify(defeated)).not.toContain('\\u001b');
  });

  it.each([['-l4'], ['--load-average=4']])('is no load limit, which is told: %s', (option) => {
    const { defeated, notes } = read(['make', option]);
    expect(defeated).toEqual([]);
    expect(notes).toEqual([expect.stringContaining('load limit')]);
  });

  it('tells of a jobserver around the run', () => {
    expect(read(['make'], { MAKEFLAGS: '-j4 --jobserver-auth=3,4' }).notes).toHaveLength(1);
  });
});
