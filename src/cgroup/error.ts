/** A cgroup file whose content is not what the kernel's cgroup-v2 document promises. */
export class CgroupFileError extends Error {
  override name = 'CgroupFileError';

  constructor(
    /** Name or path of the file. */
    readonly file: string,
    readonly content: string,
    readonly expected: string,
  ) {
    super(`${file} holds ${JSON.stringify(shorten(content))}, which is not ${expected}`);
  }
}

function shorten(content: string): string {
  return content.length > 80 ? `${content.slice(0, 79)}…` : content;
}

/** What a reader gives, or nothing where the file makes no sense: that is said elsewhere. */
export function tolerantly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof CgroupFileError) return undefined;
    throw error;
  }
}
