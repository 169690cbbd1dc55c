/**
 * Sets a run's own variables for the command, where no systemd-run does it.
 * @returns the line around the command
 */
export function withEnvironment(
  variables: Readonly<Record<string, string>>,
  command: readonly string[],
): string[] {
  const words = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  return ['/usr/bin/env', ...words, ...command];
}
