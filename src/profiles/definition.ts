import type { Layer } from '../model/index.js';
import type { ProfileBody } from './body.js';
import type { Position } from './document.js';

/** What one layer says of one profile, and where each value stands. */
export interface Definition {
  name: string;
  layer: Layer;
  file?: string;
  body: ProfileBody;
  /** `limits.MemoryMax` → where its key begins in `file`. */
  positions: Readonly<Record<string, Position>>;
}

/** A file's text before it is in the file. */
export interface SourceFile {
  path: string;
  text: string;
  /** Whether it is a project file. */
  project: boolean;
}

/** What a project file says. */
export interface ProjectFile {
  profiles: Map<string, Definition>;
  /** Why it was not read, as a sentence for the user. */
  skipped?: string;
}
