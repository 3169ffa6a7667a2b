#!/bin/sh
# SPDX-License-Identifier: ISC
#
# run.sh - how fast it is: installs what is missing on a Debian, builds the
# programs with -O2, measures them beside others who do the same work, and
# writes doc/performance.md and doc/performance.svg.
#
#	sh tests/bench/run.sh [--quick] [--build DIR] [--out DIR]
#
#	--quick		only see that it works: seconds, no installing, and
#			nothing is written to doc/
#	--build DIR	programs that were built before; nothing is built then
#	--out DIR	where the report goes, instead of doc/
set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
build='' out=$top/doc quick=
while [ $# -gt 0 ]; do
	case $1 in
	--quick)
		quick=--quick ;;
	--build|--out)
		if [ ! -d "${2-}" ]; then
			echo "run.sh: $1 needs a folder" >&2
			exit 2
		fi
		case $1 in
		--build) build=$(cd "$2" && pwd) ;;
		--out) out=$(cd "$2" && pwd) ;;
		esac
		shift ;;
	*)
		sed -n 's/^#	*sh tests/usage: sh tests/p' "$0" >&2
		exit 2 ;;
	esac
	shift
done

# lighttpd and PHP-FPM are in sbin, which is not in everybody's path.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH

work=$(mktemp -d "${TMPDIR:-/tmp}/oac-bench-run.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

install() {
	node=
	command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 ||
	    node='nodejs npm'
	# better-sqlite3 is compiled, and Node's headers are needed for that.
	[ -d /usr/include/node ] || node="$node libnode-dev"
	# shellcheck disable=SC2086	# packages, or none
	sh "$top/tools/need.sh" autoconf automake make gcc g++ python3 \
	    libc6-dev pkg-config libfcgi-dev libcurl4-openssl-dev \
	    libjson-c-dev libsqlite3-dev libssl-dev libconfuse-dev \
	    libcunit1-dev ca-certificates curl lighttpd openssl sqlite3 wrk \
	    gnuplot-nox php-cli php-fpm php-sqlite3 php-curl $node
	cd "$top/tests/bench"
	[ ! -f node_modules/better-sqlite3/build/Release/better_sqlite3.node ] ||
	    return 0
	echo 'npm ci, and compiling better-sqlite3'
	if ! (npm ci --no-audit --no-fund --ignore-scripts &&
	    npm_config_nodedir=/usr npm_config_build_from_source=true \
	    npm rebuild better-sqlite3) >"$work/npm" 2>&1; then
		cat "$work/npm" >&2
		exit 1
	fi
}

compile() {
	build=$top/build-bench
	[ -x "$top/configure" ] || (cd "$top" && ./autogen.sh)
	mkdir -p "$build"
	cd "$build"
	[ -f Makefile ] || "$top/configure" -q CFLAGS=-O2
	make -j2
}

if [ -z "$quick" ]; then
	(install)
else
	# A smoke run is no reason to install a compiler's worth of peers.
	for tool in wrk gnuplot lighttpd openssl sqlite3 node; do
		command -v $tool >/dev/null || {
			echo "run.sh: $tool is missing; without --quick it" \
			    "would be installed" >&2
			exit 1
		}
	done
	[ "$out" != "$top/doc" ] || out=$work
fi
if [ -z "$build" ]; then
	echo "building in $top/build-bench"
	(compile) >"$work/build" 2>&1 || {
		tail -n 40 "$work/build" >&2
		exit 1
	}
	build=$top/build-bench
fi
make -C "$build" bench-programs >"$work/build" 2>&1 || {
	tail -n 40 "$work/build" >&2
	exit 1
}
mkdir -p "$out"
# shellcheck disable=SC2086	# an option, or none
BUILD_DIR=$build node "$top/tests/bench/bench.mjs" "$out" $quick
[ -z "$quick" ] || cat "$out/performance.md"
