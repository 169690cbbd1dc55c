#!/bin/sh
":" //; # A shell script first and JavaScript after: to JavaScript these lines are a string and a comment.
":" //; # It notes what Node is about to change (soft limits, ignored signals, inherited descriptors), and
":" //; # for `run` the environment, which a shell does not hand on unchanged; then it becomes node.
":" //; # src/run/started-with.ts reads the note. Up to the last `case` these are built-ins: nothing forks.
":" //; while read -r rl_x rl_key rl_x rl_a rl_b rl_x; do case $rl_key in open) rl_nofile=$rl_a ;; core) rl_core=$rl_b ;; esac; done </proc/self/limits
":" //; while read -r rl_key rl_a; do case $rl_key in SigIgn:) rl_ignored=$rl_a ;; esac; done </proc/self/status
":" //; # Descriptors above 2 that are not close-on-exec (02000000 in the octal flags).
":" //; for rl_fd in /proc/$$/fd/*; do rl_fd=${rl_fd##*/}; case $rl_fd in [0-2] | '*') continue ;; esac; while read -r rl_key rl_a; do case $rl_key$rl_a in flags:*[2367]??????) ;; flags:*) rl_fds=$rl_fds,$rl_fd ;; esac; done </proc/$$/fdinfo/$rl_fd; done 2>/dev/null
":" //; # One variable holds 128 KiB at most; an environment as large as that goes through the shell.
":" //; case $1 in run) rl_env=$(base64 -w0 /proc/$$/environ 2>/dev/null); [ ${#rl_env} -lt 130000 ] || rl_env= ;; esac
":" //; # A command that dies of SIGSEGV makes rlimit die of it too: that must not dump Node's memory.
":" //; ulimit -Sc 0
":" //; # What stays, stays resident: less of Node's own for short-lived objects and code.
":" //; rl_node=; case "$*" in 'guard run'* | 'monitor '*--listen* | 'monitor '*--watch* | 'monitor alerts '*--follow*) rl_node='--max-semi-space-size=1 --single-threaded --optimize-for-size --no-opt' ;; esac
":" //; export RLIMIT_STARTED_WITH="$rl_nofile $rl_core $rl_ignored $rl_fds $rl_env"
":" //; exec node $rl_node "$0" "$@"
require('../dist/main.cjs');
