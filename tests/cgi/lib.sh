# shellcheck shell=sh disable=SC2034
# SPDX-License-Identifier: ISC
#
# lib.sh - what the tests of the programs as plain CGI share: a temporary site
# made with `oauth-cgi init`, one request at a time, and checks. Sourced.

: "${top_builddir:=.}"
build=$(cd "$top_builddir" && pwd) || exit 99
umask 077
unset OAUTH_CGI_CONFIG OAUTH_CGI_WORKERS CREDENTIALS_DIRECTORY

T=$(mktemp -d "${TMPDIR:-/tmp}/oac-cgi.XXXXXX") || exit 99
provider_pid=
failures=0
requests=0

finish() {
	[ -z "$provider_pid" ] || kill "$provider_pid" 2>/dev/null
	rm -rf "$T"
}
trap finish EXIT
trap 'exit 99' HUP INT TERM

# ---- checks -----------------------------------------------------------------

ok() {
	printf 'ok - %s\n' "$1"
}

not_ok() {
	printf 'not ok - %s\n' "$1"
	failures=$((failures + 1))
	shift
	for line; do
		printf '# %s\n' "$line"
	done
}

# is NAME ACTUAL EXPECTED
is() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1" "got:      $2" "expected: $3"
	fi
}

# like NAME TEXT ERE
like() {
	if printf '%s\n' "$2" | grep -Eq -e "$3"; then
		ok "$1"
	else
		not_ok "$1" "got:     $2" "pattern: $3"
	fi
}

unlike() {
	if printf '%s\n' "$2" | grep -Eq -e "$3"; then
		not_ok "$1" "got:         $2" "must not be: $3"
	else
		ok "$1"
	fi
}

# yes NAME COMMAND...
yes() {
	what=$1
	shift
	if "$@"; then
		ok "$what"
	else
		not_ok "$what" "failed: $*"
	fi
}

finished() {
	if [ -s "$T/odd" ]; then
		not_ok 'every answer has the headers that all must have' \
		    "$(cat "$T/odd")"
	else
		ok 'every answer has the headers that all must have'
	fi
	[ "$failures" -eq 0 ] || exit 1
	exit 0
}

# ---- the site ---------------------------------------------------------------

# site URL [LINE_OF_SITE] [LINE_OF_PROVIDER]; provider "demo" at $upstream.
upstream=http://127.0.0.1:9
client_secret=demo-secret
site() {
	url=$1
	host=${url#*://}
	host=${host%%/*}
	case $url in
	https:*) cookie_name=__Host-oauth ;;
	*) cookie_name=oauth-cgi ;;
	esac
	rm -rf "$T/site"
	mkdir "$T/site"
	conf=$T/site/oauth-cgi.conf
	log=$T/site/log
	: >"$log"
	printf '%s\n' "$client_secret" >"$T/site/client.secret"
	{
		printf 'site {\n\turl = "%s"\n' "$url"
		printf '\tdatabase = "%s"\n' "$T/site/db/oauth.db"
		printf '\tkeys = "%s"\n' "$T/site/keys"
		printf '\t%s\n}\n' "${2-}"
		printf 'provider demo {\n\tclient_id = "demo-client"\n'
		printf '\tclient_secret = "file:%s"\n' "$T/site/client.secret"
		printf '\tauthorize_url = "%s/authorize"\n' "$upstream"
		printf '\ttoken_url = "%s/token"\n' "$upstream"
		printf '\tscope = "read_user write_data"\n'
		printf '\tallow_insecure = yes\n'
		printf '\t%s\n}\n' "${3-}"
	} >"$conf"
	admin init >/dev/null || exit 99
	key=$(admin app add shop --origin https://shop.example) || exit 99
	jar=
}

admin() {
	"$build/oauth-cgi" -c "$conf" "$@" 2>>"$log"
}

# ---- requests ---------------------------------------------------------------

# run PROGRAM [VARIABLE=VALUE]...; the body is in $T/stdin.
# Afterwards: $code, $T/head, $T/body, $body, $location, and $jar when set.
run() {
	program=$1
	shift
	requests=$((requests + 1))
	env -i PATH="$PATH" ASAN_OPTIONS="${ASAN_OPTIONS-}" \
	    UBSAN_OPTIONS="${UBSAN_OPTIONS-}" TMPDIR="${TMPDIR-/tmp}" \
	    OAUTH_CGI_CONFIG="$conf" GATEWAY_INTERFACE=CGI/1.1 \
	    SERVER_PROTOCOL=HTTP/1.1 REQUEST_METHOD=GET HTTP_HOST="$host" \
	    REMOTE_ADDR=192.0.2.7 "$@" "$build/$program.fcgi" \
	    <"$T/stdin" >"$T/out" 2>>"$log"
	: >"$T/stdin"
	tr -d '\r' <"$T/out" | sed '/^$/q' >"$T/head"
	tr -d '\r' <"$T/out" | sed '1,/^$/d' >"$T/body"
	cat "$T/out" >>"$T/answers"
	body=$(cat "$T/body")
	code=$(header Status)
	code=${code%% *}
	location=$(header Location)
	new=$(header Set-Cookie)
	if [ -n "$new" ]; then
		jar=${new%%;*}
	fi
	usual "$program"
}
: >"$T/stdin"

# header NAME
header() {
	sed -n "s/^$1: //p" "$T/head"
}

usual() {
	for name in Status Cache-Control Referrer-Policy \
	    X-Content-Type-Options; do
		[ "$(grep -c "^$name: " "$T/head")" -eq 1 ] ||
		    echo "$1 ($requests): $name" >>"$T/odd"
	done
	[ "$(header Cache-Control)" = no-store ] ||
	    echo "$1 ($requests): Cache-Control" >>"$T/odd"
	[ "$(header Referrer-Policy)" = no-referrer ] ||
	    echo "$1 ($requests): Referrer-Policy" >>"$T/odd"
	[ "$(header X-Content-Type-Options)" = nosniff ] ||
	    echo "$1 ($requests): X-Content-Type-Options" >>"$T/odd"
	case $(header Content-Type) in
	text/html*)
		header Content-Security-Policy | grep -Eq "^default-src \
'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; frame-ancestors 'none'; \
base-uri 'none'\$" || echo "$1 ($requests): policy" >>"$T/odd" ;;
	esac
}

# get PROGRAM QUERY [VARIABLE=VALUE]...; with the cookie that we have.
get() {
	get_program=$1 get_query=$2
	shift 2
	run "$get_program" QUERY_STRING="$get_query" HTTP_COOKIE="$jar" "$@"
}

# post PROGRAM BODY [VARIABLE=VALUE]...
post() {
	post_program=$1
	printf '%s' "$2" >"$T/stdin"
	shift 2
	run "$post_program" REQUEST_METHOD=POST HTTP_COOKIE="$jar" \
	    CONTENT_TYPE=application/x-www-form-urlencoded \
	    CONTENT_LENGTH="$(wc -c <"$T/stdin" | tr -d ' ')" "$@"
}

# refresh BODY [VARIABLE=VALUE]...; with the app's key.
refresh() {
	refresh_body=$1
	shift
	saved=$jar jar=
	post refresh "$refresh_body" HTTP_AUTHORIZATION="Bearer $key" "$@"
	jar=$saved
}

# param NAME URL: a query parameter, still encoded.
param() {
	printf '%s\n' "${2%%#*}" | sed -n "s/^[^?]*?//p" | tr '&' '\n' |
	    sed -n "s/^$1=//p"
}

# json NAME: a string or number of the body.
json() {
	sed -n -e "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" \
	    -e "s/.*\"$1\":\([0-9a-z][0-9a-z]*\).*/\1/p" "$T/body"
}

# ---- the provider -----------------------------------------------------------

# provider [NAME=VALUE]...; sets $upstream.
provider() {
	command -v curl >/dev/null 2>&1 || {
		echo '# skipped: there is no curl'
		exit 77
	}
	for setting; do
		set -- "$@" --set "$setting"
		shift
	done
	mkdir -p "$T/state"
	"$build/tests/provider/provider" --port 0 --state "$T/state" \
	    --set auto=1 "$@" >"$T/provider" 2>&1 </dev/null &
	provider_pid=$!
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		grep -q '^listening on ' "$T/provider" && break
		sleep 0.1
	done
	upstream=http://$(sed -n 's/^listening on //p' "$T/provider")
	[ "$upstream" != http:// ] || exit 99
}

# control WHAT [NAME=VALUE]...
control() {
	what=$1
	shift
	for setting; do
		set -- "$@" --data-urlencode "$setting"
		shift
	done
	curl -sf --noproxy '*' -X POST "$@" "$upstream/control/$what" \
	    >/dev/null || not_ok "control $what"
}

# calls GRANT_TYPE: how many token calls the provider has counted.
calls() {
	curl -sf --noproxy '*' "$upstream/control/stats" |
	    sed -n "s/.*\"token\":{[^}]*\"$1\":\([0-9]*\).*/\1/p"
}

# consent: from the answer of /start through the provider; sets $back, the
# query with which the browser comes back.
consent() {
	back=$(curl -s --noproxy '*' -o /dev/null -w '%{redirect_url}' \
	    "$location")
	back=${back#*\?}
}

# connect [PARAMETERS]: /start, consent, /callback; sets $ticket.
bind=session-0123456789abcdef
connect() {
	get start "provider=demo&bind=$bind&return_to=%2Faccount${1-}"
	consent
	get callback "$back" PATH_INFO=/demo
	ticket=$(param ticket "$location")
}
