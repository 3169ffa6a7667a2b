#!/bin/sh
# SPDX-License-Identifier: ISC
#
# run.sh - every test: installs what is missing on a bare Debian 12, builds
# with gcc, clang and sanitizers, and ends with a line `N passed, N failed`.
#
#	sh tests/run.sh			everything
#	sh tests/run.sh check e2e	these stages alone (see the end)
#
# Works on a copy of the sources in a temporary folder, so that a build of
# yours stays as it is. KEEP=1 keeps that folder.
set -u

top=$(cd "$(dirname "$0")/.." && pwd) || exit 1
passed=0
failed=0

node=
command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 ||
    node='nodejs npm'
# shellcheck disable=SC2086	# two packages, or none
sh "$top/tools/need.sh" autoconf automake make gcc clang libclang-rt-14-dev \
    libc6-dev pkg-config xz-utils libfcgi-dev libcurl4-openssl-dev \
    libjson-c-dev libsqlite3-dev libssl-dev libconfuse-dev libcunit1-dev \
    ca-certificates curl lighttpd apache2-bin libapache2-mod-fcgid \
    apache2-suexec-custom nginx-light spawn-fcgi systemd logrotate perl \
    sqlite3 shellcheck mandoc chromium procps xxd openssl php-cli php-curl \
    python3 wrk gnuplot-nox $node || exit 1

work=$(mktemp -d "${TMPDIR:-/tmp}/oauth-cgi-run.XXXXXX") || exit 1
trap '[ -n "${KEEP-}" ] || rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
echo "working in $work"

# ok NAME CODE LOG: count one step; on failure show the end of its log.
ok() {
	if [ "$2" -eq 0 ]; then
		passed=$((passed + 1))
		echo "ok - $1"
	else
		failed=$((failed + 1))
		echo "not ok - $1"
		tail -n "${4:-60}" "$3"
	fi
}

# step NAME COMMAND...: run it, keep its output, count it.
step() {
	name=$1
	shift
	log=$work/$(echo "$name" | tr -c 'a-zA-Z0-9\n' -).log
	"$@" >"$log" 2>&1
	ok "$name" $? "$log"
}

# Count the tests of a `make check` one by one; show the logs of those that
# failed.
check() {
	name=$1
	log=$work/check-$1.log
	(cd "$work/$name" && make -j"$jobs" check) >"$log" 2>&1
	code=$?
	p=$(sed -n 's/^# PASS: *//p' "$log" | tail -n 1)
	f=$(sed -n 's/^# FAIL: *//p; s/^# ERROR: *//p' "$log" |
	    awk '{n += $1} END {print n + 0}')
	if [ -z "$p" ]; then
		ok "$name: make check" 1 "$log"
		return
	fi
	echo "$name: make check: $p passed, $f failed"
	passed=$((passed + p))
	failed=$((failed + f))
	if [ "$code" -ne 0 ]; then
		[ "$f" -gt 0 ] || failed=$((failed + 1))
		cat "$work/$name/test-suite.log" 2>/dev/null || tail -n 60 "$log"
	fi
}

# build NAME CC CFLAGS CONFIGURE-OPTION...
build() {
	name=$1 cc=$2 cflags=$3
	shift 3
	mkdir "$work/$name"
	log=$work/build-$name.log
	(cd "$work/$name" && "$work/src/configure" -q --enable-werror \
	    CC="$cc" CFLAGS="$cflags" "$@" && make -j"$jobs") >"$log" 2>&1
	ok "$name: builds without a warning" $? "$log"
}

jobs=$(nproc 2>/dev/null || echo 2)

stage_source() {
	mkdir "$work/src"
	(cd "$top" && tar -cf - --exclude=.git --exclude=node_modules \
	    --exclude=config.status --exclude=autom4te.cache \
	    --exclude='*.o' --exclude='*.a' --exclude='build-*' \
	    --exclude='*.fcgi' --exclude=./Makefile . ) |
	    (cd "$work/src" && tar -xf -)
	step 'autogen.sh' "$work/src/autogen.sh"
}

stage_check() {
	build gcc gcc '-O2 -g'
	check gcc
	build clang clang '-O2 -g'
	check clang
	build sanitizers gcc '-O1 -g' --enable-sanitizers
	check sanitizers
}

stage_fuzz() {
	build fuzz clang '-O1 -g' --enable-sanitizers --enable-fuzzing
	(cd "$work/fuzz" && make -j"$jobs" fuzzers) >"$work/fuzzers.log" 2>&1
	ok 'fuzz targets build' $? "$work/fuzzers.log"
	for target in "$work"/fuzz/tests/fuzz/fuzz_*; do
		case $target in *.o) continue ;; esac
		name=${target##*/fuzz_}
		mkdir -p "$work/corpus-$name"
		step "fuzz $name for 10 s" "$target" -max_total_time=10 \
		    -rss_limit_mb=2048 -artifact_prefix="$work/crash-$name-" \
		    "$work/corpus-$name" "$work/src/tests/fuzz/corpus/$name"
	done
}

stage_dist() {
	[ -d "$work/gcc" ] || build gcc gcc '-O2 -g'
	step 'make install DESTDIR' make -C "$work/gcc" install \
	    DESTDIR="$work/inst"
	# The installed files for web servers name the installation's paths.
	step 'make install with another prefix' make -C "$work/gcc" \
	    install-data DESTDIR="$work/inst2" prefix=/opt/x
	step 'the installed examples name it' sh -c "cd \
	    '$work/inst2/opt/x/share/doc/oauth-cgi/examples' && \
	    grep -q /opt/x/libexec/oauth-cgi/start.fcgi lighttpd/50-oauth-cgi.conf \
	    && [ -x spawn-fcgi/oauth-cgi ] && ! grep -r /usr/local ."
	step 'make distcheck' make -C "$work/gcc" -j"$jobs" distcheck
}

stage_lint() {
	step 'shellcheck' sh -c "cd '$work/src' && find . -name '*.sh' \
	    -not -path '*/node_modules/*' -not -path './build-aux/*' | \
	    xargs shellcheck autogen.sh .ci/run deploy/spawn-fcgi/oauth-cgi"
	for page in "$work"/src/man/*.[1-8]; do
		[ -f "$page" ] || continue
		step "mandoc -T lint ${page##*/}" mandoc -T lint -W warning \
		    "$page"
	done
}

# The archive for shared hosts; stage e2e tests it, if this was before. Its
# programs have a libcurl and a C library of their own.
stage_hosting() {
	[ -d "$work/gcc" ] || build gcc gcc '-O2 -g'
	step 'make hosting' make -C "$work/gcc" hosting
	step 'static programs: make check' make -j"$jobs" \
	    -C "$work/gcc/build-hosting/programs" check
}

stage_e2e() {
	[ -d "$work/gcc" ] || build gcc gcc '-O2 -g'
	make -C "$work/gcc" tests/provider/provider >"$work/provider.log" 2>&1
	step 'npm ci' sh -c "cd '$work/src/tests/e2e' && \
	    npm ci --no-audit --no-fund --ignore-scripts"
	for name in gcc sanitizers; do
		[ -d "$work/$name" ] || continue
		log=$work/e2e-$name.log
		# The sanitized programs go through the flows once more.
		only=
		[ "$name" = gcc ] || only='flow refresh'
		# shellcheck disable=SC2086	# test names
		sh "$work/src/tests/e2e/run.sh" "$work/$name" $only \
		    >"$log" 2>&1
		code=$?
		grep -v '^ok' "$log"
		sum=$(sed -n 's/^all: //p' "$log" | tail -n 1)
		if [ -z "$sum" ]; then
			ok "end to end, $name" 1 "$log"
			continue
		fi
		p=${sum%% *}
		f=${sum#* passed, }
		f=${f%% *}
		passed=$((passed + p))
		failed=$((failed + f))
		[ "$code" -eq 0 ] || [ "$f" -gt 0 ] || failed=$((failed + 1))
	done
}

stage_bench() {
	[ -d "$work/gcc" ] || build gcc gcc '-O2 -g'
	step 'the benchmark works' sh "$work/src/tests/bench/run.sh" --quick \
	    --build "$work/gcc"
}

[ $# -gt 0 ] || set -- check fuzz dist lint hosting e2e bench
stage_source
for stage in "$@"; do
	case $stage in
	check|fuzz|dist|lint|hosting|e2e|bench)
		echo "== $stage"
		"stage_$stage"
		;;
	*)
		echo "run.sh: no stage $stage:" \
		    "check fuzz dist lint hosting e2e bench" >&2
		failed=$((failed + 1))
		;;
	esac
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
