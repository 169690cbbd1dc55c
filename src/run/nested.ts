import { spawnSync } from 'node:child_process';
import { cgroupOf, readLimitFiles } from '../cgroup/index.js';
import { CannotRunError } from '../errors/index.js';
import { filesToVerify, verifyKernel } from '../inspect/verify.js';
import type { Machine, UnitRecord } from '../model/index.js';
import { isPropertyName, propertySpec } from '../properties/index.js';
import { readRecord } from '../state/read.js';
import { recordDirectory } from '../state/write.js';

/** The run that we are inside of, if any: the nearest scope above us that is a recorded one. */
export function outerRun(env: NodeJS.ProcessEnv): UnitRecord | undefined {
  const directory = recordDirectory(env);
  const scopes =
    cgroupOf('self')
      ?.split('/')
      .filter((name) => name.endsWith('.scope')) ?? [];
  if (directory === undefined) return undefined;
  for (const scope of scopes.reverse()) {
    const record = readRecord(directory, scope);
    if (record !== undefined) return record;
  }
  return undefined;
}

/**
 * Makes the limits of the outer run bind what is started inside it. They sit on its scope, and the
 * inner scope is no child of that: both are children of the outer run's slice, so that gets the same
 * limits. Done by the inner run, since few runs ever have one.
 * @throws {CannotRunError} when the slice does not get them: the inner run would escape
 */
export function bindOuter(outer: UnitRecord, machine: Machine): void {
  const properties = Object.fromEntries(
    Object.entries(outer.properties).filter(([name]) => isOfSlices(name, machine)),
  );
  const slice = sliceCgroup(outer);
  const lacking = (): string[] => {
    const files = slice === undefined ? {} : readLimitFiles(slice, filesToVerify(properties));
    const found = verifyKernel(properties, files, machine);
    return found
      .filter(({ severity }) => severity === 'problem')
      .map(({ property }) => property ?? '');
  };
  if (lacking().length === 0) return;
  const manager = outer.launcher === 'system' ? '--system' : '--user';
  const assignments = Object.entries(properties).map(([name, value]) => `${name}=${value}`);
  const { stderr } = spawnSync(
    'systemctl',
    [manager, 'set-property', '--runtime', '--', outer.slice, ...assignments],
    { encoding: 'utf8', timeout: 30_000 },
  );
  const missing = lacking();
  if (missing.length === 0) return;
  throw new CannotRunError(`it would escape the limits of ${outer.unit}, which it is started in`, {
    why: `${missing.join(', ')} could not be set on ${outer.slice}. ${(stderr ?? '').trim()}`.trim(),
    remedy: `rlimit inspect ${outer.unit}`,
  });
}

function isOfSlices(name: string, { systemd }: Machine): boolean {
  if (!isPropertyName(name)) return false;
  const since = propertySpec(name).since.slice;
  return since !== undefined && (systemd === undefined || systemd >= since);
}

/** The outer slice's cgroup: the part of our own path that ends with its name. */
function sliceCgroup({ slice }: UnitRecord): string | undefined {
  const own = cgroupOf('self') ?? '';
  const at = own.indexOf(`/${slice}/`);
  return at < 0 ? undefined : own.slice(0, at + slice.length + 1);
}
