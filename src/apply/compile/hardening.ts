/**
 * Settings that take privileges away, for services known to do without. Those of a kind that some such
 * service is known not to bear are left out: ProtectClock= closes all other devices (systemd.exec(5):
 * it adds DeviceAllow=char-rtc), which a server on a GPU needs, and ProtectSystem= would close
 * /usr/share/ollama, where Ollama keeps its models; a server that compiles at run time (V8, Julia)
 * needs memory that is both written and executed.
 */
import type { Hardening } from '../plan.js';

const COMMON = {
  NoNewPrivileges: 'yes',
  CapabilityBoundingSet: '',
  AmbientCapabilities: '',
  LockPersonality: 'yes',
  ProtectControlGroups: 'yes',
  ProtectHostname: 'yes',
  ProtectKernelLogs: 'yes',
  ProtectKernelModules: 'yes',
  ProtectKernelTunables: 'yes',
  RestrictNamespaces: 'yes',
  RestrictRealtime: 'yes',
  RestrictSUIDSGID: 'yes',
  SystemCallArchitectures: 'native',
} as const;

const SETTINGS: Readonly<Record<Hardening, Readonly<Record<string, string>>>> = {
  'model-server': COMMON,
  'network-server': {
    ...COMMON,
    PrivateDevices: 'yes',
    PrivateTmp: 'yes',
    ProtectClock: 'yes',
    ProtectSystem: 'full',
    // AF_NETLINK: getaddrinfo(3) asks for the machine's addresses through it.
    RestrictAddressFamilies: 'AF_INET AF_INET6 AF_NETLINK AF_UNIX',
  },
};

/** The settings of a kind of service, as they stand in a drop-in. */
export function hardeningOf(kind: Hardening): Readonly<Record<string, string>> {
  return SETTINGS[kind];
}

/** What `systemctl show` says of them once they are loaded; only what it prints alike everywhere. */
export function shownHardening(kind: Hardening): Record<string, string> {
  const simple = Object.entries(SETTINGS[kind]).filter(
    ([, value]) => value === 'yes' || value === 'full',
  );
  return { CapabilityBoundingSet: '', ...Object.fromEntries(simple) };
}
