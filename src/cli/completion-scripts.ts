/**
 * What each shell is told: to ask `rlimit completion --words` for candidates. Where there are none,
 * the shell's own completion of files goes on.
 */
export const COMPLETION_SCRIPTS = {
  bash: `# rlimit completion for bash: put this line into ~/.bashrc
#   eval "$(rlimit completion bash)"
_rlimit() {
  local words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  mapfile -t COMPREPLY < <(rlimit completion --words -- "\${words[@]}" 2>/dev/null)
}
complete -o default -F _rlimit rlimit`,
  zsh: `# rlimit completion for zsh: put this line into ~/.zshrc, below compinit
#   eval "$(rlimit completion zsh)"
_rlimit() {
  local -a candidates
  candidates=("\${(@f)$(rlimit completion --words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  candidates=(\${candidates:#})
  if (( \${#candidates} )); then compadd -a candidates; else _default; fi
}
compdef _rlimit rlimit`,
  fish: `# rlimit completion for fish: put this line into ~/.config/fish/config.fish
#   rlimit completion fish | source
function __rlimit_words
  set -l words (commandline -opc) (commandline -ct)
  rlimit completion --words -- $words[2..-1] 2>/dev/null
end
complete -c rlimit -a '(__rlimit_words)'`,
} as const;

export type Shell = keyof typeof COMPLETION_SCRIPTS;
