import { describe, expect, it } from 'vitest';
import { handoverOf } from '../../../src/run/daemons.js';

describe('handoverOf', () => {
  it.each([
    [['nix', 'build', '.#x'], 'nix'],
    [['/run/current-system/sw/bin/nix-build'], 'nix-build'],
    [['docker', '--context', 'x', 'run', 'alpine'], 'docker run'],
    [['docker', 'run', 'alpine'], 'docker run'],
    [['docker', 'ps'], undefined],
    [['env', 'A=b', 'docker', 'compose', 'up'], 'docker compose'],
    [['podman', 'run', '--cgroups=split', 'x'], undefined],
    [['podman', 'run', 'x'], 'podman run'],
    [['flatpak', 'run', 'org.x'], 'flatpak run'],
    [['ollama', 'run', 'llama3'], 'ollama run'],
    [['ollama', 'serve'], undefined],
    [['bazel', 'build', '//...'], 'bazel'],
    [['bazel', '--batch', 'build'], undefined],
    [['./gradlew', 'assemble'], 'gradlew'],
    [['gradle', '--no-daemon', 'assemble'], undefined],
    [['sh', '-c', 'cd x && nix build'], 'nix'],
    [['bash', '-ec', 'make; sudo docker build .'], 'docker build'],
    [['make', 'docker'], undefined],
    [['echo', 'nix', 'build'], undefined],
    [['sh', '-c', 'echo nix'], undefined],
    [['sh', '-c'], undefined],
    [[], undefined],
  ])('%j: %s', (command, called) => {
    expect(handoverOf(command)?.called).toBe(called);
  });
});
