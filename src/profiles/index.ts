/** Profiles: finding, layering and checking them, and resolving them on a machine. */
export { JOBS } from './body.js';
export { type LiveChange, resolveChange } from './live.js';
export {
  type LoadedProfile,
  listProfileNames,
  listProfiles,
  loadProfile,
  type ProfileEntry,
} from './load.js';
export { parseMachineOverride } from './machine-override.js';
export { type Places, processPlaces } from './places.js';
export type { Written } from './replace-file.js';
export { type ResolveOptions, resolve } from './resolve.js';
export { type ProfileView, viewProfile } from './show.js';
