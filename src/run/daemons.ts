/** Programs that only ask a daemon, elsewhere, to do the work: their limits bind next to nothing. */

/** A program whose work happens in a daemon. */
export interface Handover {
  /** As it was called: `docker run`. */
  called: string;
  /** Who does the work. */
  daemon: string;
  /** What to limit instead. */
  instead: string;
}

interface Known {
  programs: readonly string[];
  /** First words that matter; without them, every use does. */
  verbs?: readonly string[];
  /** Words that keep the work here. */
  unless?: readonly string[];
  daemon: string;
  instead: string;
}

const CONTAINER_VERBS = ['run', 'build', 'buildx', 'compose', 'create', 'start', 'exec', 'up'];

const KNOWN: readonly Known[] = [
  {
    programs: [
      'nix',
      'nix-build',
      'nix-shell',
      'nix-env',
      'nix-store',
      'nixos-rebuild',
      'home-manager',
    ],
    daemon: 'nix-daemon, where one runs',
    instead:
      'NIX_CONFIG of a nix profile reaches it (max-jobs, cores, timeout); for memory and CPU: ' +
      'sudo systemctl set-property nix-daemon.service MemoryMax=8G CPUQuota=400%',
  },
  {
    programs: ['docker', 'docker-compose', 'nerdctl'],
    verbs: CONTAINER_VERBS,
    daemon: 'dockerd and its containers',
    instead: 'docker run --memory=8g --cpus=2 --pids-limit=512, or mem_limit and cpus in compose',
  },
  {
    programs: ['podman', 'podman-remote', 'buildah', 'podman-compose'],
    verbs: CONTAINER_VERBS,
    unless: ['--cgroups=split', '--cgroups=disabled', '--cgroups=no-conmon'],
    daemon: 'a scope that podman makes for each container',
    instead: 'podman run --memory=8g --cpus=2, or --cgroups=split to stay inside this scope',
  },
  {
    programs: ['flatpak'],
    verbs: ['run'],
    daemon: 'a scope that flatpak makes for the application',
    instead: 'systemctl --user set-property --runtime app-flatpak-APP-PID.scope MemoryMax=4G',
  },
  {
    programs: ['ollama'],
    verbs: ['run', 'create', 'pull', 'push', 'embed'],
    daemon: 'ollama.service',
    instead: 'sudo systemctl set-property ollama.service MemoryMax=8G CPUQuota=200%',
  },
  {
    programs: ['bazel', 'bazelisk'],
    unless: ['--batch'],
    daemon: 'the bazel server, which may have been started elsewhere',
    instead: '`bazel shutdown` first, so that the server starts in here, or bazel --batch',
  },
  {
    programs: ['gradle', 'gradlew'],
    unless: ['--no-daemon'],
    daemon: 'the gradle daemon, which may have been started elsewhere',
    instead: 'gradle --no-daemon, or `gradle --stop` first',
  },
  {
    programs: ['systemd-run', 'systemctl', 'machinectl', 'at', 'batch'],
    daemon: 'a unit or job of its own',
    instead: 'set the limits there: systemd-run -p MemoryMax=…',
  },
];

/** Words in front of the program that is meant. */
const PREFIXES = new Set([
  'env',
  'sudo',
  'doas',
  'nice',
  'ionice',
  'time',
  'command',
  'exec',
  'nohup',
  'setsid',
]);

/** The daemon that would do the work of a command, if it is one of the known ones. */
export function handoverOf(command: readonly string[]): Handover | undefined {
  for (const words of simpleCommands(command)) {
    const [program = '', ...rest] = words;
    const name = program.slice(program.lastIndexOf('/') + 1);
    const known = KNOWN.find(({ programs }) => programs.includes(name));
    if (known === undefined || known.unless?.some((word) => rest.includes(word))) continue;
    // Behind options with values, such as `docker --context ci run`.
    const verb = rest.slice(0, 4).find((word) => known.verbs?.includes(word));
    if (known.verbs !== undefined && verb === undefined) continue;
    const { daemon, instead } = known;
    return { called: verb === undefined ? name : `${name} ${verb}`, daemon, instead };
  }
  return undefined;
}

/** The command, and those in the script of a `sh -c`; words are enough, this is no shell. */
function simpleCommands(command: readonly string[]): string[][] {
  const words = withoutPrefixes(command);
  const shell = /(?:^|\/)(?:ba|da|z|k)?sh$/.test(words[0] ?? '');
  const option = words.findIndex((word) => /^-[a-z]*c$/.test(word));
  if (!shell || option < 0) return [words];
  const script = words[option + 1] ?? '';
  return script.split(/[;&|\n(){}]+/).map((part) => withoutPrefixes(part.trim().split(/\s+/)));
}

function withoutPrefixes(words: readonly string[]): string[] {
  const at = words.findIndex((word) => !PREFIXES.has(word) && !/^[A-Za-z_]\w*=/.test(word));
  return at < 0 ? [] : words.slice(at);
}
