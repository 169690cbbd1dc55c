/** What the system says of a failure, in words. */
export function reasonOf(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const words: Record<string, string> = {
    EACCES: 'permission denied',
    EISDIR: 'it is a directory',
    ELOOP: 'too many symbolic links',
    ENOENT: 'there is no such file',
    ENOSPC: 'no space left on the device',
    ENOTDIR: 'a part of the path is not a directory',
    EPERM: 'operation not permitted',
    EROFS: 'the file system is read-only',
    EDQUOT: 'the disk quota is used up',
  };
  return words[code] ?? message;
}
