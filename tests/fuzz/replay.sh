#!/bin/sh
# SPDX-License-Identifier: ISC
#
# replay.sh - runs every fuzz target over its corpus: what fuzzing has found
# once stays a test.

: "${top_srcdir:=.}" "${top_builddir:=.}"
failures=0
log=$(mktemp "${TMPDIR:-/tmp}/oac-replay.XXXXXX") || exit 99
trap 'rm -f "$log"' EXIT

for source in "$top_srcdir"/tests/fuzz/fuzz_*.c; do
	target=$(basename "$source" .c)
	program=$top_builddir/tests/fuzz/$target
	corpus=$top_srcdir/tests/fuzz/corpus/${target#fuzz_}
	set -- "$corpus"/*
	if [ ! -x "$program" ]; then
		echo "not ok - $target is not built"
		failures=$((failures + 1))
	elif [ ! -e "$1" ]; then
		echo "not ok - $target has no corpus"
		failures=$((failures + 1))
	elif "$program" "$@" >"$log" 2>&1; then
		echo "ok - $target: $# inputs"
	else
		echo "not ok - $target"
		sed 's/^/# /' "$log"
		failures=$((failures + 1))
	fi
done
[ "$failures" -eq 0 ]
