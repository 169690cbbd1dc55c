/** The script for what needs root: readable, repeatable, and with a way back. Pure. */
import { TROUBLES } from '../catalogue/index.js';
import { printable, shellLine, shellQuote } from '../text/index.js';
import type { Fix, Step } from './fix.js';

/** A POSIX shell script that does the steps of fixes, and takes them back with `--undo`. */
export function scriptFor(fixes: readonly Fix[]): string {
  return [HEAD, ...fixes.map(chapter), TAIL].join('\n');
}

function chapter(fix: Fix): string {
  const { trouble, title, steps, ending } = fix;
  const words = printable(`${title}. Why: ${TROUBLES[trouble].why}`);
  return [
    ...comment(words),
    `begin ${shellQuote(printable(title))}`,
    ...steps.flatMap(stepLines),
    ...(ending === undefined
      ? []
      : [`ends_sessions ${shellQuote(ending.ends)} ${shellLine(ending.run)}`]),
    '',
  ].join('\n');
}

function stepLines(step: Step): string[] {
  if ('file' in step) {
    const end = endMark(step.content);
    return [`put ${shellQuote(step.file)} <<'${end}'`, step.content.replace(/\n$/, ''), end];
  }
  if ('run' in step) {
    const undo = step.undo === undefined ? [] : [`way_back ${shellQuote(shellLine(step.undo))}`];
    return [...undo, shellLine(step.run)];
  }
  if ('tryOut' in step) return [`try_out ${shellLine(step.tryOut)}`];
  if ('reload' in step) return [`reload ${shellLine(step.reload)}`.trimEnd()];
  return [`switch_${step.state} ${shellLine(step.units)}`];
}

/** A line that does not stand in the text itself. */
function endMark(content: string): string {
  let mark = 'END';
  while (content.split('\n').includes(mark)) mark += '_';
  return mark;
}

/** A paragraph as comment lines of at most 100 columns. */
function comment(text: string): string[] {
  const lines = [''];
  for (const word of text.split(/\s+/)) {
    const line = lines.at(-1) ?? '';
    if (line.length + word.length > 96) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.map((line) => `# ${line}`);
}

const HEAD = `#!/bin/sh
# Written by \`rlimit doctor --fix\`: what it found on this machine and only root can mend.
# Read it, change it where you like, then:
#   sudo sh THIS-FILE                  does it; done once more, it changes nothing
#   sudo sh THIS-FILE --end-sessions   does as well what ends programs of users
#   sudo sh THIS-FILE --undo           puts every file and unit back as it was
set -eu
umask 022
export SYSTEMD_PAGER= SYSTEMD_COLORS=0

# What was there before: files below was/, one line a file in files, states of units in units/.
kept=/var/lib/rlimit/doctor
changed= may_end=

# Every file and unit is put back from what was kept, whichever of these scripts changed it.
undo() {
  [ -d "$kept" ] || { echo 'nothing to undo'; return 0; }
  while IFS= read -r path; do
    # What somebody wrote since is not thrown away.
    if [ -e "$path" ] && ! cmp -s "$path" "$kept/ours$path"; then
      cp -p "$path" "$path.before-undo"
      echo "edited since, kept as $path.before-undo"
    fi
    if [ -e "$kept/was$path" ] || [ -L "$kept/was$path" ]; then
      cp -pP "$kept/was$path" "$path.rlimit-new"
      mv -f "$path.rlimit-new" "$path"
    else
      rm -f "$path"
    fi
    echo "put back $path"
  done <"$kept/files"
  while IFS= read -r folder; do rmdir "$folder" 2>/dev/null || :; done <"$kept/folders"
  systemctl daemon-reload
  while IFS= read -r pattern; do push "$pattern" </dev/null; done <"$kept/pushed"
  for state in "$kept"/units/*; do
    if [ -e "$state" ]; then restore "\${state##*/}" <"$state"; fi
  done
  sh -e "$kept/way-back"
  rm -rf "$kept"
}

restore() {
  read -r masked; read -r active; read -r enabled
  case $enabled in
    enabled) systemctl --quiet enable "$1" ;;
    disabled) systemctl --quiet disable "$1" ;;
  esac
  if [ "$active" = active ]; then systemctl restart "$1"; else systemctl stop "$1"; fi
  case $masked in
    masked) systemctl --quiet mask "$1" ;;
    masked-runtime) systemctl --quiet --runtime mask "$1" ;;
  esac
  echo "put back $1: $active"
}

begin() {
  changed=
  echo "$1"
}

# put FILE: its new content comes on standard input. It takes the place of the old one at once.
put() {
  cat >"$kept/draft"
  if [ ! -L "$1" ] && [ -f "$1" ] && cmp -s "$kept/draft" "$1"; then return 0; fi
  folder=\${1%/*}
  if [ ! -d "$folder" ]; then
    mkdir -p "$folder"
    printf '%s\\n' "$folder" >>"$kept/folders"
  fi
  if ! grep -qxF "$1" "$kept/files"; then
    mkdir -p "$kept/was$folder"
    if [ -e "$1" ] || [ -L "$1" ]; then cp -pP "$1" "$kept/was$1"; fi
    printf '%s\\n' "$1" >>"$kept/files"
  fi
  mkdir -p "$kept/ours$folder"
  cp "$kept/draft" "$kept/ours$1"
  cp "$kept/draft" "$1.rlimit-new"
  mv -f "$1.rlimit-new" "$1"
  changed=yes
  echo "  wrote $1"
}

# way_back LINE: what --undo does besides.
way_back() {
  grep -qxF "$1" "$kept/way-back" || printf '%s\\n' "$1" >>"$kept/way-back"
}

# reload PATTERN...: systemd reads its files again, and the kernel gets the limits of what runs.
reload() {
  [ -n "$changed" ] || return 0
  systemctl daemon-reload
  for pattern; do
    grep -qxF "$pattern" "$kept/pushed" || printf '%s\\n' "$pattern" >>"$kept/pushed"
    push "$pattern"
  done
}

# Seen on systemd 257: after a reload it holds the new limits and the kernel still has the old ones,
# until some property of the unit is set: here one to the value that it has.
push() {
  for unit in $(systemctl list-units --plain --no-legend --state=active "$1" | cut -d' ' -f1); do
    file=/run/systemd/system.control/$unit.d/50-MemoryLow.conf
    [ ! -e "$file" ] || continue
    low=$(systemctl show -p MemoryLow --value "$unit")
    systemctl set-property --runtime "$unit" MemoryLow="$low"
    rm -f "$file"
    rmdir "\${file%/*}" 2>/dev/null || :
  done
}

# try_out COMMAND: one that would run on for ever takes its options, if only timeout(1) ends it.
try_out() {
  status=0
  timeout 2 "$@" >"$kept/draft" 2>&1 || status=$?
  [ "$status" = 124 ] || { cat "$kept/draft" >&2; echo "refused: $*" >&2; exit 1; }
}

keep_unit() {
  if [ -e "$kept/units/$1" ]; then return 0; fi
  masked=$(systemctl is-enabled "$1" 2>/dev/null) || :
  active=$(systemctl is-active "$1" 2>/dev/null) || :
  printf '%s\\n%s\\n' "$masked" "$active" >"$kept/units/$1"
  case $masked in
    masked) systemctl --quiet unmask "$1" ;;
    masked-runtime) systemctl --quiet --runtime unmask "$1" ;;
  esac
  enabled=$(systemctl is-enabled "$1" 2>/dev/null) || :
  printf '%s\\n' "$enabled" >>"$kept/units/$1"
}

switch_on() {
  for unit; do
    keep_unit "$unit"
    systemctl --quiet enable "$unit"
    if [ -n "$changed" ] || ! systemctl --quiet is-active "$unit"; then
      systemctl restart "$unit"
      echo "  started $unit"
    fi
  done
}

switch_off() {
  units=
  for unit; do
    if systemctl --quiet is-active "$unit"; then keep_unit "$unit"; units="$units $unit"; fi
  done
  # shellcheck disable=SC2086
  [ -z "$units" ] || { systemctl --quiet disable --now $units; echo "  stopped$units"; }
}

# ends_sessions WHAT COMMAND: done only where it was asked for.
ends_sessions() {
  ends=$1
  shift
  if [ -z "$may_end" ]; then
    echo "  left to you, since it ends $ends:"
    echo "    $*    (or this script with --end-sessions)"
    return 0
  fi
  echo "  ends $ends"
  "$@"
}

case \${1-} in
  '' | --undo) ;;
  --end-sessions) may_end=yes ;;
  *) echo "usage: $0 [--end-sessions | --undo]" >&2; exit 2 ;;
esac
[ "$(id -u)" = 0 ] || { echo "this needs root: sudo sh $0 \${1-}" >&2; exit 1; }
if [ "\${1-}" = --undo ]; then
  undo
  exit 0
fi
mkdir -p "\${kept%/*}"
mkdir -p -m 700 "$kept"
mkdir -p "$kept/units"
touch "$kept/files" "$kept/folders" "$kept/pushed" "$kept/way-back"
`;

const TAIL = `rm -f "$kept/draft"
echo "done; the way back: sudo sh $0 --undo"
`;
