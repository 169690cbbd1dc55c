/** Profiles: finding, layering and checking them, and resolving them on a machine. */
export { BUILT_IN_NAMES } from './catalog.js';
export { type LibraryOptions, openLibrary } from './library.js';
export {
  type LoadedProfile,
  listProfileNames,
  listProfiles,
  loadProfile,
  type ProfileEntry,
  projectRemark,
} from './load.js';
export { parseMachineOverride } from './machine-override.js';
export { isProfileName, requireProfileName } from './name.js';
export { type Places, PROJECT_FILE, processPlaces } from './places.js';
export { type ResolveOptions, resolve } from './resolve.js';
