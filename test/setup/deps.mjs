/**
 * Makes a checkout ready for the tests: installs what package-lock.json says where that has not
 * been done, and builds. Plain JavaScript without imports of ours: it runs before anything is there.
 */
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';

const project = join(import.meta.dirname, '../..');

if (!isInstalled()) npm('ci');
npm('run', 'build');

/** npm writes this file last, so it stands for a complete installation. */
function isInstalled() {
  const installed = modified('node_modules/.package-lock.json');
  return installed !== undefined && installed >= (modified('package-lock.json') ?? 0);
}

/** @param {string} file */
function modified(file) {
  return statSync(join(project, file), { throwIfNoEntry: false })?.mtimeMs;
}

/** @param {string[]} args */
function npm(...args) {
  const { status, error } = spawnSync('npm', args, { cwd: project, stdio: 'inherit' });
  if (error) console.error(`npm ${args.join(' ')}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}
