#!/bin/sh
# SPDX-License-Identifier: ISC
#
# run.sh BUILD_DIR [TEST…] - every end-to-end test (or the named ones: flow,
# refresh …) against the programs in BUILD_DIR. Needs Node 18 or newer and
# lighttpd; a test that says so in its `needs:` or `runs:` line needs modules
# (`npm ci` in this folder), root, the archive of `make hosting`, or programs
# besides, and is left out, with a word, where they are missing.
set -u

if [ $# -lt 1 ] || [ ! -d "$1" ]; then
	echo "usage: $0 BUILD_DIR [TEST...]" >&2
	exit 2
fi
BUILD_DIR=$(cd "$1" && pwd)
export BUILD_DIR
shift
cd "$(dirname "$0")" || exit 2
PATH=$PATH:/usr/sbin:/sbin

if [ $# -eq 0 ]; then
	for file in *.test.mjs; do
		set -- "$@" "${file%.test.mjs}"
	done
fi

# A folder of our own for the output, so that the sums can be read from it.
out=$(mktemp -d "${TMPDIR:-/tmp}/oac-e2e.XXXXXX") || exit 1
trap 'rm -rf "$out"' EXIT
trap 'exit 1' HUP INT TERM

passed=0 failed=0 left_out=''
for name in "$@"; do
	needs=$(sed -n 's|^// needs: ||p' "$name.test.mjs")
	missing=''
	for need in $needs; do
		case $need in
		root) [ "$(id -u)" -eq 0 ] ;;
		archive) ls "$BUILD_DIR"/oauth-cgi-*-linux-*.tar.xz ;;
		*) [ -d "node_modules/$need" ] ;;
		esac >/dev/null 2>&1 || missing="$missing $need"
	done
	[ -z "$missing" ] || missing="$missing (npm ci, make hosting)"
	programs=$(sed -n 's|^// runs: ||p' "$name.test.mjs")
	for program in $programs; do
		command -v "$program" >/dev/null || missing="$missing $program"
	done
	if [ -n "$missing" ]; then
		echo "# $name: left out, for it needs$missing"
		left_out="$left_out $name"
		continue
	fi
	echo "# $name"
	node "$name.test.mjs" >"$out/log" 2>&1
	code=$?
	cat "$out/log"
	sum=$(tail -n 1 "$out/log")
	case $sum in
	*" passed, "*" failed")
		passed=$((passed + ${sum%% *}))
		sum=${sum#* passed, }
		failed=$((failed + ${sum%% *}))
		;;
	*)
		echo "not ok - $name ended with $code before its last line"
		failed=$((failed + 1))
		;;
	esac
done
if [ -n "$left_out" ]; then
	echo "left out:$left_out"
fi
echo "all: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
