/**
 * Imports run one way: a room may import from the rooms below it in this list and from its own.
 * Leaves that stand on one line do not know each other's inside either way round.
 */
const ROOMS = [
  ['model', 'text'],
  ['catalogue', 'quantity', 'errors'],
  ['properties', 'cgroup', 'state'],
  ['machine', 'profiles', 'systemd', 'gpu'],
  ['units'],
  ['history', 'inspect', 'jobs', 'kill', 'verdict'],
  ['lint', 'watch', 'adopt', 'budget', 'change', 'doctor', 'jobserver', 'tune', 'export', 'timers'],
  ['prove', 'sampler', 'apply', 'slurm'],
  ['alerts'],
  ['guard'],
  ['render'],
  ['run'],
  ['cli'],
  ['commands', 'hooks'],
];

/** One rule a room: everything that is neither below it nor itself is forbidden. */
const oneWay = ROOMS.flatMap((rooms, level) =>
  rooms.map((room) => ({
    name: `one-way-${room}`,
    comment: `src/${room} imports only from rooms below it (.dependency-cruiser.mjs)`,
    severity: 'error',
    from: { path: `^src/${room}/` },
    to: {
      path: '^src/',
      pathNot: `^src/(${[room, ...ROOMS.slice(0, level).flat()].join('|')})/`,
    },
  })),
);

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...oneWay,
    {
      name: 'no-circles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'colour-and-tables-in-render',
      comment: 'wording for people stands in one place',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/render/' },
      to: { path: 'node_modules/(chalk|cli-table3|wrap-ansi)/' },
    },
    {
      name: 'every-room-has-its-place',
      comment: 'a new folder of src belongs into ROOMS',
      severity: 'error',
      from: {},
      to: { path: '^src/[^/]+/', pathNot: `^src/(${ROOMS.flat().join('|')})/` },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
  },
};
