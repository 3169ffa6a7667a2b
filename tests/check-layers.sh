#!/bin/sh
# SPDX-License-Identifier: ISC
#
# check-layers.sh - a module includes only modules of its own or a lower layer,
# and each third-party library belongs to one module.

: "${top_srcdir:=.}"
tmp=$(mktemp -d "${TMPDIR:-/tmp}/oac-layers.XXXXXX") || exit 99
trap 'rm -rf "$tmp"' EXIT
failures=0

# layers DIR: the includes that point upwards, one per line.
layers() (
	cd "$1" || exit
	find src cgi-bin admin -name '*.[ch]' -exec \
	    grep -nE '^[ 	]*#[ 	]*include[ 	]*"' /dev/null {} + | awk -F: '
	BEGIN {
		n = split("base pure ports oauth flows app", order, " ")
		for (i = 1; i <= n; i++)
			rank[order[i]] = i
		rank["cgi-bin"] = rank["admin"] = n + 1
	}
	{
		split($1, path, "/")
		layer = path[1] == "src" ? path[2] : path[1]
		file = path[path[1] == "src" ? 3 : 2]
		header = $3
		sub(/^[^"]*"/, "", header)
		sub(/".*/, "", header)
		from[NR] = layer; name[NR] = $1 ":" $2; to[NR] = header
		home[file] = layer
		all = NR
	}
	END {
		while (("cd src && find . -name \"*.h\"" | getline f) > 0) {
			split(f, p, "/")
			home[p[3]] = p[2]
		}
		while (("find admin cgi-bin -name \"*.h\"" | getline f) > 0) {
			split(f, p, "/")
			home[p[2]] = p[1]
		}
		for (i = 1; i <= all; i++) {
			h = to[i]
			if (h == "config.h")
				continue
			if (!(h in home))
				print name[i] ": " h " is no module of ours"
			else if (rank[home[h]] > rank[from[i]])
				print name[i] ": " from[i] " includes " h \
				    " of " home[h]
			else if (rank[home[h]] == rank["admin"] &&
			    home[h] != from[i])
				print name[i] ": " h " is of " home[h]
			else if (from[i] == "app" && h == "flow.h")
				print name[i] ": app knows no flow"
		}
	}'
)

# module FILE: store_app.c and store_internal.h are of store.
module() {
	m=$(basename "$1")
	m=${m%.[ch]}
	case $m in
	store_*) m=store ;;
	conf_*) m=conf ;;
	httpc_*) m=httpc ;;
	crypto_internal) m=crypto ;;
	esac
	echo "$m"
}

# libraries DIR: headers of others that are included where they must not be.
libraries() {
	while read -r pattern owner; do
		found=no
		for f in $(cd "$1" && find src cgi-bin admin -name '*.[ch]' \
		    -exec grep -lE "^[ 	]*#[ 	]*include[ 	]*[<\"]$pattern" \
		    {} +); do
			found=yes
			[ "$(module "$f")" = "$owner" ] ||
			    echo "$f: includes $pattern, which is $owner's"
		done
		[ "$found" = yes ] || echo "nobody includes $pattern"
	done <<LIST
openssl/ crypto
sqlite3 store
curl/ httpc
json-c/ jsonin
fcgi gateway
confuse conf
LIST
}

report() {
	if [ -s "$tmp/found" ]; then
		echo "not ok - $1"
		sed 's/^/# /' "$tmp/found"
		failures=$((failures + 1))
	else
		echo "ok - $1"
	fi
}

# proves NAME CHECK FILE INCLUDE: with that line the check must complain.
proves() {
	rm -rf "$tmp/copy"
	mkdir "$tmp/copy"
	cp -R "$top_srcdir/src" "$top_srcdir/cgi-bin" "$top_srcdir/admin" \
	    "$tmp/copy"
	chmod -R u+w "$tmp/copy"
	printf '#include %s\n' "$4" >>"$tmp/copy/$3"
	"$2" "$tmp/copy" >"$tmp/found" 2>&1
	if grep -q "$3" "$tmp/found"; then
		echo "ok - $1"
	else
		echo "not ok - $1"
		failures=$((failures + 1))
	fi
}

layers "$top_srcdir" >"$tmp/found" 2>&1
report 'modules include only their own or a lower layer'
libraries "$top_srcdir" >"$tmp/found" 2>&1
report 'each third-party library belongs to one module'

proves 'pure must not include ports' layers src/pure/urlenc.c '"conf.h"'
proves 'ports must not include oauth' layers src/ports/conf.h '"token.h"'
proves 'flows must not include app' layers src/flows/page.c '"app.h"'
proves 'app must not include a flow' layers src/app/app.c '"flow.h"'
proves 'nobody includes admin' layers src/flows/page.h '"admin.h"'
proves 'programs do not include each other' layers cgi-bin/start.c '"admin.h"'
proves 'an unknown header is told' layers src/base/buf.c '"nowhere.h"'
proves 'flows must not include OpenSSL' libraries src/flows/page.c \
    '<openssl/evp.h>'
proves 'nor httpc json-c' libraries src/ports/httpc.c '<json-c/json.h>'
proves 'nor the command SQLite' libraries admin/cmd_app.c '<sqlite3.h>'
[ "$failures" -eq 0 ]
