#!/bin/sh
":" //; # A shell script first and JavaScript after: to JavaScript these lines are a string and a comment.
":" //; # It notes what Node is about to change (soft limits, ignored signals, inherited descriptors), so
":" //; # that `rlimit run` can give the command the world as it was, and then it becomes node.
":" //; # Built-ins only: no process is started. See src/run/started-with.ts for the other end.
":" //; nofile='' core='' ignored='' fds=''
":" //; while read -r _ what _ a b _; do case $what in open) nofile=$a ;; core) core=$b ;; esac; done </proc/self/limits
":" //; while read -r key value; do case $key in SigIgn:) ignored=$value ;; esac; done </proc/self/status
":" //; # Descriptors above 2 that are not close-on-exec (02000000 in the octal flags).
":" //; for fd in /proc/$$/fd/*; do fd=${fd##*/}; case $fd in [0-2] | '*') continue ;; esac; while read -r key value; do case $key$value in flags:*[2367]??????) ;; flags:*) fds=$fds,$fd ;; esac; done </proc/$$/fdinfo/$fd; done 2>/dev/null
":" //; # A command that dies of SIGSEGV makes rlimit die of it too: that must not dump Node's memory.
":" //; ulimit -Sc 0
":" //; export RLIMIT_STARTED_WITH="$nofile $core $ignored $fds"
":" //; exec node "$0" "$@"
require('../dist/main.cjs');
