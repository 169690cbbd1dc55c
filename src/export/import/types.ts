/** What a reader of foreign files finds. */

/** Something that a profile has no place for. */
export interface NotCarried {
  /** A setting, an option or a key, with its value where that is short and nobody's secret. */
  what: string;
  why: string;
}

/** Limits that were found, as a profile writes them. */
export interface Found {
  /** Where from, for a person: a path, a unit, `systemd-run`. */
  source: string;
  /** What the profile may be called, before it is made a profile's name. */
  name: string;
  limits: Record<string, string>;
  environment: Record<string, string>;
  notCarried: NotCarried[];
  /** Things to know about what was carried, as whole sentences. */
  notes: string[];
}
