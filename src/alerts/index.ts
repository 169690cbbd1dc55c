/**
 * Alerts: rules on samples of the machine (pure), the places they are told in, and their log. The guard
 * feeds the same rules and tells the same sinks.
 */
export { type AlertParts, momentary } from './alert.js';
export { Follower } from './follow.js';
export { GuardKills, guardSamples } from './guards.js';
export { KillReader } from './kill-reader.js';
export { type LoadedSettings, loadAlertSettings } from './load.js';
export { alertLogFile, isWanted, parseAlert, readAlerts } from './log.js';
export { RecentAlerts } from './recent.js';
export { AlertRules } from './rules.js';
export { DEFAULT_INTERVAL_MS, watchAlerts } from './run.js';
export { EVENT_RULES, THRESHOLD_IDS } from './settings.js';
export { openSinks } from './sinks/index.js';
export { isOver } from './words.js';
