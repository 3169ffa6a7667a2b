#!/bin/sh
# SPDX-License-Identifier: ISC
#
# crash.sh - what a kill -9 in the middle of a refresh or an exchange leaves,
# and what the next one makes of it.

# shellcheck source=tests/cgi/lib.sh
. "${top_srcdir:-.}/tests/cgi/lib.sh"

command -v sqlite3 >/dev/null 2>&1 || {
	echo '# skipped: there is no sqlite3'
	exit 77
}
provider
site http://localhost:8080/oauth

says() {
	is "$1" "$code $(json error)" "$2"
}
db() {
	sqlite3 -cmd '.timeout 9000' "$T/site/db/oauth.db" "$1"
}
# later SECONDS: that much time goes by for what is stored.
later() {
	db "UPDATE connection SET issued_at = issued_at - $1,
	    expires_at = expires_at - $1, next_attempt_at = 0,
	    attempt_at = iif(attempt_at = 0, 0, attempt_at - $1)"
}
status() {
	admin show demo "$1" --json | sed -n 's/.*"status":"\([a-z]*\)".*/\1/p'
}
# bound SUBJECT: a connection whose token is in the second half of its life.
bound() {
	connect ''
	refresh "ticket=$ticket&subject=$1&bind=$bind"
	old=$(json access_token)
	later 2400
	before=$(calls refresh_token)
}
ask() {
	refresh "provider=demo&subject=$1&min_valid=86400"
}
sent() {
	is "$1" "$(($(calls refresh_token) - before))" "$2"
}

# killed PROGRAM BODY GRANT VARIABLE=VALUE...: run it until the provider has
# its request, and kill it there.
killed() {
	killed_program=$1 killed_grant=$3
	printf '%s' "$2" >"$T/stdin"
	shift 3
	killed_calls=$(calls "$killed_grant")
	control set delay_ms=10000
	env -i PATH="$PATH" OAUTH_CGI_CONFIG="$conf" \
	    GATEWAY_INTERFACE=CGI/1.1 HTTP_HOST="$host" \
	    CONTENT_TYPE=application/x-www-form-urlencoded \
	    CONTENT_LENGTH="$(wc -c <"$T/stdin" | tr -d ' ')" "$@" \
	    "$build/$killed_program.fcgi" <"$T/stdin" >/dev/null 2>>"$log" &
	victim=$!
	for _ in $(seq 200); do
		[ "$(calls "$killed_grant")" = "$killed_calls" ] || break
		sleep 0.05
	done
	kill -9 "$victim"
	wait "$victim" 2>/dev/null
	: >"$T/stdin"
	control set delay_ms=0
}
kill_refresh() {
	killed refresh "provider=demo&subject=$1&min_valid=86400" \
	    refresh_token REQUEST_METHOD=POST \
	    HTTP_AUTHORIZATION="Bearer $key"
}

# ---- the answer is lost, and the token still lives ----

bound one
kill_refresh one
sent 'the provider was asked' 1
is 'the connection is uncertain' "$(status one)" uncertain
ask one
is 'the token that lives is handed out' \
    "$code $(json status) $(json access_token)" "200 degraded $old"
ask one
sent 'and nothing is sent' 1
later 1201
ask one
says 'once it is over the spent token is tried: a definite no' \
    '409 reauthorization_required'
sent 'once' 2
is 'the connection is broken' "$(status one)" broken
connect ''
refresh "ticket=$ticket&subject=one&bind=$bind"
is 'until the user connects again' "$code $(json status)" '200 ok'

# ---- a provider that does not rotate loses nothing ----

control set rotation=same
bound two
db "UPDATE connection SET rotates = 0 WHERE subject = 'two'"
kill_refresh two
is 'without rotation: degraded' "$(status two)" degraded
ask two
is 'and asked again at once' "$code $(json status)" '200 ok'
sent 'two calls' 2
control set rotation=new

# ---- replay_grace: the provider takes a used token again for a while ----

control set reuse_grace_ms=600000
cp "$conf" "$conf.was"
sed 's/scope = .*/&\n	replay_grace = 60/' "$conf.was" >"$conf"
bound three
kill_refresh three
is 'with grace: uncertain, too' "$(status three)" uncertain
ask three
is 'but sent once more, while the provider forgives it' \
    "$code $(json status)" '200 ok'
unlike 'which gives a new token' "$(json access_token)" "^$old\$"
sent 'two calls' 2
bound four
kill_refresh four
later 56
ask four
is 'five seconds before its end the grace is over' \
    "$code $(json status)" '200 degraded'
sent 'and nothing is sent' 1
later 1200
control set reuse_grace_ms=0
cat "$conf.was" >"$conf"

# ---- while the token is over ----

bound five
later 1201
kill_refresh five
ask five
says 'an expired one is tried again: a definite no' \
    '409 reauthorization_required'
sent 'by one call more' 2

# ---- an exchange ----

get start "provider=demo&bind=$bind&return_to=%2Faccount"
consent
before=$(calls authorization_code)
killed callback '' authorization_code REQUEST_METHOD=GET PATH_INFO=/demo \
    QUERY_STRING="$back" HTTP_COOKIE="$jar"
db 'UPDATE pending SET taken_at = taken_at - 41 WHERE stage = 1'
get callback "$back" PATH_INFO=/demo
is 'a reload says that it was interrupted' "$code $location" \
    "303 http://localhost:8080/account?provider=demo&status=error&error=interrupted"
is 'and sends no code twice' \
    "$(($(calls authorization_code) - before))" 1
connect ''
unlike 'the next attempt goes well' "$ticket" '^$'

finished
