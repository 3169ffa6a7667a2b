#!/bin/sh
# SPDX-License-Identifier: ISC
#
# check-style.sh - the rules of the code that a program can check.

: "${top_srcdir:=.}"
tmp=$(mktemp -d "${TMPDIR:-/tmp}/oac-style.XXXXXX") || exit 99
trap 'rm -rf "$tmp"' EXIT
failures=0

# in_code PATTERN FOLDER...: lines of C that match, comments left out.
in_code() {
	pattern=$1
	shift
	find "$@" -name '*.[ch]' | sort | while IFS= read -r f; do
		awk -v f="$f" -v pattern="$pattern" '
		{
			line = $0
			gsub(/\/\*.*\*\//, "", line)
			if (line ~ /^[ \t]*\*/ || line ~ /^[ \t]*\/\*/)
				next
			gsub(/"([^"\\]|\\.)*"/, "\"\"", line)
			if (line ~ pattern)
				print f ":" FNR ": " $0
		}' "$f"
	done
}

# The rules; each prints what breaks it. $1 is the top folder.
names='strcpy|strcat|sprintf|vsprintf|atoi|atol|strtok|gets|scanf|sscanf|'\
'fscanf|system|popen|alloca|setjmp|longjmp|ctime|asctime|localtime|gmtime|'\
'tmpnam|mktemp'
banned="(^|[^A-Za-z0-9_])($names)[ 	]*[(]"
rule_banned() {
	in_code "$banned" "$1/src" "$1/cgi-bin" "$1/admin"
}
rule_blanks() {
	find "$1/src" "$1/cgi-bin" "$1/admin" "$1/tests" -type d \
	    -name node_modules -prune -o -type f \
	    \( -name '*.[ch]' -o -name '*.sh' \) \
	    -exec grep -nE '[[:blank:]]$' /dev/null {} +
}
rule_spdx() {
	find "$1/src" "$1/cgi-bin" "$1/admin" "$1/tests" -type d \
	    -name node_modules -prune -o -type f \
	    \( -name '*.[ch]' -o -name '*.sh' \) -print |
	    while IFS= read -r f; do
		head -n 3 "$f" |
		    grep -q 'SPDX-License-Identifier: ISC' || echo "$f"
	done
}
rule_long() {
	find "$1/src" "$1/cgi-bin" "$1/admin" -name '*.[ch]' |
	    while IFS= read -r f; do
		expand "$f" | awk -v f="$f" \
		    'length($0) > 100 { print f ":" FNR ": " length($0) }'
	done
}
# A log call, joined to one line, with a variable named like a secret.
rule_secrets() {
	find "$1/src" "$1/cgi-bin" "$1/admin" -name '*.c' |
	    while IFS= read -r f; do
		awk -v f="$f" '
		/^[ \t]*(\/?\*)/ { next }
		/(^|[^a-z_])(log_(error|warn|info|debug|die)|admin_say)\(/ {
			call = ""; at = FNR
			open = 1
		}
		open {
			call = call " " $0
			if ($0 ~ /;[ \t]*$/) {
				open = 0
				gsub(/"([^"\\]|\\.)*"/, "\"\"", call)
				if (call ~ secret || call ~ field)
					print f ":" at ":" call
			}
		}' secret='[^a-z_](([a-z_]+(->|\.))*)([a-z]+_)?(secret|'\
'client_secret|verifier|ticket|state|code|cookie|key|token|access|refresh|'\
'bind|nonce|mac|authorization|plain)[ \t]*[,)]' \
		    field='P_(TICKET|BIND|BROWSER|REJECTED|LINK)[]]' "$f"
	done
}

check() {
	rule_"$1" "$top_srcdir" >"$tmp/found" 2>&1
	if [ -s "$tmp/found" ]; then
		echo "not ok - $2"
		sed 's/^/# /' "$tmp/found"
		failures=$((failures + 1))
	else
		echo "ok - $2"
	fi
}

# The rule must find what breaks it.
prove() {
	rule_"$1" "$tmp/bad" >"$tmp/found" 2>&1
	if grep -q "^$tmp/bad/src/$1[.][ch]" "$tmp/found"; then
		echo "ok - the rule \"$1\" can fail"
	else
		echo "not ok - the rule \"$1\" finds nothing"
		failures=$((failures + 1))
	fi
}

mkdir -p "$tmp/bad/src" "$tmp/bad/cgi-bin" "$tmp/bad/admin" "$tmp/bad/tests"
printf '\tstrcpy(a, b);\n' >"$tmp/bad/src/banned.c"
printf 'int a; \n' >"$tmp/bad/src/blanks.c"
printf 'int a;\n' >"$tmp/bad/src/spdx.h"
printf '%0101d\n' 0 >"$tmp/bad/src/long.h"
printf '\tlog_warn("no %%s",\n\t    c->client_secret);\n' \
    >"$tmp/bad/src/secrets.c"

check banned 'no banned function is called'
check blanks 'no line ends with a blank'
check spdx 'every file names its licence'
check long 'no line is longer than 100 columns'
check secrets 'no log call is given a secret'
for rule in banned blanks spdx long secrets; do
	prove "$rule"
done
[ "$failures" -eq 0 ]
