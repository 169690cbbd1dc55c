import { configHome, isThere } from '../profiles/places.js';
import { type AlertSettings, DEFAULT_RULES, defaultSinks } from './settings.js';

/** Settings, and the file they are from; without one they are the defaults. */
export interface LoadedSettings extends AlertSettings {
  file?: string;
}

/**
 * Where settings are looked for: `$XDG_CONFIG_HOME/rlimit/alerts.yaml`, and for root, where that is not
 * there, /etc/rlimit/alerts.yaml.
 */
export function alertSettingsFiles(
  env: NodeJS.ProcessEnv = process.env,
  uid = process.geteuid?.() ?? 0,
): string[] {
  const own = `${configHome({ env })}/rlimit/alerts.yaml`;
  return uid === 0 ? [own, '/etc/rlimit/alerts.yaml'] : [own];
}

/**
 * Reads the settings.
 * @param file instead of those that are looked for; it must be there
 * @throws {SettingsFileError} with file, line and column
 */
export async function loadAlertSettings(
  file?: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<LoadedSettings> {
  const path = file ?? alertSettingsFiles(env).find(isThere);
  if (path === undefined) return { rules: DEFAULT_RULES, sinks: defaultSinks() };
  // A watch without settings is to do without a YAML parser and a schema.
  const { readAlertSettings } = await import('./settings-file.js');
  return { file: path, ...readAlertSettings(path) };
}
