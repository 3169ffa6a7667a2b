#!/bin/sh
# SPDX-License-Identifier: ISC
#
# callback.sh - /callback as plain CGI: what is refused without touching the
# state, how a flow ends, and that it ends once.

# shellcheck source=tests/cgi/lib.sh
. "${top_srcdir:-.}/tests/cgi/lib.sh"

provider
site http://localhost:8080/oauth

# page: what is on the page, but for its number.
page() {
	sed 's/number: <bdi>[^<]*//' "$T/body"
}
begin() {
	get start "provider=demo&return_to=%2Faccount%3Fa%3Db%23c"
	state=$(param state "$location")
	consent
}
back() {
	get callback "$1" PATH_INFO=/demo
}
ends() {
	is "$1" "$code $location" "303 http://localhost:8080/account?a=b&$2#c"
}

# ---- what is refused, and burns nothing ----

begin
good=$back
other=$(printf '%043d' 0)
back "code=x&state=$other"
unknown=$(page)
is 'an unknown state is 400' "$code $location" '400 '
for s in '' x "${state}A" "${state%?}" "${state%?}B" "${state}%00"; do
	back "code=x&state=$s"
	is "state '$s' is 400" "$code $location" '400 '
done
for s in x "${state%?}" "${state%?}B"; do
	back "code=x&state=$s"
	is "state '$s' gives the page of an unknown one" "$(page)" "$unknown"
done
mine=$jar
jar=oauth-cgi=$other
back "$good"
is 'another browser: the same page' "$code $(page)" "400 $unknown"
jar=
back "$good"
like 'no cookie: a page of its own' "$code $body" '^400 .*|cookie'
unlike 'which is another page' "$(page)" 'This attempt is over'
jar=$mine
get callback "$good" PATH_INFO=/demo REQUEST_METHOD=HEAD
is 'HEAD is 200, without Location and body' "$code $location$body" '200 '
for p in '' / /nobody /demo/ /demo/x /../demo; do
	get callback "$good" PATH_INFO=$p
	is "PATH_INFO '$p' is 404" "$code" 404
	get callback "$good" PATH_INFO=$p REQUEST_METHOD=HEAD
	is "PATH_INFO '$p' is 404 for HEAD" "$code" 404
done
get callback '' PATH_INFO=/demo REQUEST_METHOD=PUT
is 'PUT is 405 with Allow' "$code $(header Allow)" '405 GET, HEAD, POST'
post callback "$good" PATH_INFO=/demo
is 'POST is 405 where form_post is not configured' \
    "$code $(header Allow)" '405 GET, HEAD'
for p in code state error iss; do
	back "$good&$p=1&$p=1"
	is "$p twice is 400" "$code $location" '400 '
done
back "$good&error=access_denied"
is 'code and error together are 400' "$code $location" '400 '
back "state=$state"
is 'neither of them is 400' "$code $location" '400 '
back "state=$state&code="
is 'an empty code is 400' "$code $location" '400 '
back "state=$state&code=a%0Ab"
is 'a line feed in the code is 400' "$code $location" '400 '
back "state=$state&code=$(printf '%08193d' 0)"
is 'a code of 8193 bytes is 400' "$code $location" '400 '
get callback "state=$state&error=%3Cb%3E" PATH_INFO=/demo HTTP_COOKIE=
unlike 'nothing of the provider is shown' "$body" '<b>'
is 'and none of these asked the provider' "$(calls authorization_code)" 0

# ---- success, and once ----

back "$good&nonsense=1&scope=a&scope=b"
ticket=$(param ticket "$location")
ends 'after all of it the state is good' \
    "ticket=$ticket&provider=demo&status=connected"
like 'the ticket is 43 characters' "$ticket" '^[A-Za-z0-9_-]{43}$'
was=$location
back "$good"
is 'a reload is the same redirect' "$code $location" "303 $was"
back "state=$state&code=another"
is 'whatever code comes along' "$code $location" "303 $was"
is 'one code was exchanged' "$(calls authorization_code)" 1
jar=oauth-cgi=$other
back "$good"
is 'not for another browser' "$(page)" "$unknown"

# ---- other ends ----

jar=
begin
back "state=$state&error=access_denied&error_description=%3Cb%3E"
ends 'declined' 'provider=demo&status=denied'
while read -r e outcome; do
	begin
	back "state=$state&error=$e"
	ends "error=$e" "provider=demo&status=error&error=$outcome"
done <<LIST
temporarily_unavailable temporarily_unavailable
server_error temporarily_unavailable
invalid_scope provider_misconfigured
unauthorized_client provider_misconfigured
anything_else provider_rejected
LIST
while read -r fail outcome; do
	begin
	control set "fail=1:$fail"
	back "$back"
	ends "the token endpoint: $fail" \
	    "provider=demo&status=error&error=$outcome"
done <<LIST
400/invalid_grant provider_rejected
401/invalid_client provider_misconfigured
401_empty provider_misconfigured
200_error provider_rejected
200_no_token invalid_response
200_garbage invalid_response
503/later temporarily_unavailable
LIST
get start provider=demo
consent
back "$back"
is 'without return_to there is a page' "$code $location" '200 '
like 'that says so' "$body" '<h1><bdi>demo</bdi> is connected</h1>'
get start provider=demo
state=$(param state "$location")
back "state=$state&error=access_denied"
like 'or that it was declined' "$body" 'declined'
get callback "state=$state&error=access_denied" PATH_INFO=/demo \
    HTTP_ACCEPT=application/json
is 'to a program the same as JSON' "$(header Content-Type) $body" \
    'application/json {"provider":"demo","status":"denied"}'
back "state=$state&error=access_denied"
like 'with a link to try again' "$body" 'href="http://localhost:8080/oauth/start'

if command -v sqlite3 >/dev/null 2>&1; then
	begin
	sqlite3 "$T/site/db/oauth.db" \
	    'UPDATE pending SET expires_at = 1000 WHERE stage = 0' ||
	    not_ok 'expire the state'
	back "$back"
	is 'an expired state gives the same page' "$code $(page)" \
	    "400 $unknown"
fi

# ---- what /start let by is looked at again ----

if command -v sqlite3 >/dev/null 2>&1; then
	before=$(calls authorization_code)
	get start 'provider=demo&return_to=https%3A%2F%2Fshop.example%2Fa'
	consent
	sqlite3 "$T/site/db/oauth.db" "UPDATE app SET origins = ''" ||
	    not_ok 'take the origin away'
	back "$back"
	is 'an origin that the app has lost: nowhere' "$code $location" '400 '
	sqlite3 "$T/site/db/oauth.db" \
	    "UPDATE app SET origins = 'https://shop.example'"
	is 'and no exchange' "$(calls authorization_code)" "$before"
	back "$back"
	like 'nor was the state burnt' "$location" \
	    '^https://shop.example/a\?ticket='
fi
site http://localhost:8080/oauth
before=$(calls authorization_code)
begin
admin app remove shop
back "$back"
is 'an app that is gone: 400' "$code $location" '400 '
is 'and no exchange' "$(calls authorization_code)" "$before"

# ---- pending keys ----

site http://localhost:8080/oauth
keys=$T/site/keys/pending.key
begin
was=$(cat "$keys")
printf '2 %064d\n%s\n' 2 "$was" >"$keys"
back "$back"
like 'a flow ends under the retired key that it began with' "$location" \
    'ticket=.*&status=connected'
was=$location
before=$(calls authorization_code)
back "$back"
is 'and its reload carries the same ticket' "$location" "$was"
printf '2 %064d\n' 2 >"$keys"
back "$back"
is 'once that key is gone, a reload is 503' "$code $location" '503 '
like 'which the log explains' "$(tail -n 2 "$log")" 'keep a retired key'
get start 'provider=demo&return_to=%2Fa'
consent
printf '3 %064d\n' 3 >"$keys"
back "$back"
like 'and a new flow ends' "$location" 'status=error&error=server_error'
is 'without an exchange' "$(calls authorization_code)" "$before"

# ---- a database that is busy when the tokens come ----

if command -v sqlite3 >/dev/null 2>&1; then
	site http://localhost:8080/oauth
	begin
	control set delay_ms=500
	db=$T/site/db/oauth.db
	{
		# Once the row is taken: longer than SQLite waits.
		for _ in $(seq 200); do
			[ "$(sqlite3 "$db" \
			    'SELECT max(stage) FROM pending')" = 0 ] || break
			sleep 0.05
		done
		printf 'BEGIN IMMEDIATE;\n'
		sleep 4
		printf 'COMMIT;\n'
	} | sqlite3 "$db" &
	back "$back"
	wait $!
	control set delay_ms=0
	like 'tokens wait for their turn' "$location" 'status=connected'
	like 'and the log tells why' "$(cat "$log")" 'busy for more than'
fi

# ---- several providers at one redirect URI ----

site http://localhost:8080/oauth '' \
    'redirect_uri = "http://localhost:8080/oauth/callback"'
sed -n '/^provider demo/,$p' "$conf" | sed 's/^provider demo/provider twin/' \
    >"$T/twin"
cat "$T/twin" >>"$conf"
get start 'provider=twin&return_to=%2Fa'
consent
get callback "$back" PATH_INFO=
like 'the state tells which provider it is' "$location" \
    '&provider=twin&status=connected$'
get callback "$back" PATH_INFO=/twin
is 'there is no other path then' "$code" 404

# ---- iss ----

iss=http%3A%2F%2F127.0.0.1%3A1
site http://localhost:8080/oauth '' "issuer = \"http://127.0.0.1:1\""
begin
back "$back&iss=https%3A%2F%2Fattacker.example"
ends 'another issuer' 'provider=demo&status=error&error=invalid_response'
begin
back "$back&iss=${iss}%2F"
ends 'one byte more' 'provider=demo&status=error&error=invalid_response'
begin
before=$(calls authorization_code)
back "state=$state&error=access_denied&iss=x"
ends 'also with an error' 'provider=demo&status=error&error=invalid_response'
is 'no code was sent' "$(calls authorization_code)" "$before"
begin
back "$back&iss=$iss"
like 'the right issuer' "$location" 'status=connected'
begin
back "$back"
like 'none, where it is not required' "$location" 'status=connected'
sed 's/issuer = .*/&\n	require_iss = yes/' "$conf" >"$conf.new"
cat "$conf.new" >"$conf"
begin
back "$back"
ends 'none, where it is' 'provider=demo&status=error&error=invalid_response'
site http://localhost:8080/oauth
begin
back "$back&iss=https%3A%2F%2Fattacker.example"
like 'without issuer it is ignored' "$location" 'status=connected'

# ---- remote_user and links bind at once ----

site http://localhost:8080/oauth 'identity = "remote_user"'
start_as() {
	get start 'provider=demo&return_to=%2Fa' REMOTE_USER="$1"
	consent
}
before=$(calls authorization_code)
start_as alice
for user in bob '' ALICE; do
	get callback "$back" PATH_INFO=/demo REMOTE_USER="$user" \
	    HTTP_REMOTE_USER=alice
	is "started by alice, back as '$user'" "$code $location" '403 '
done
is 'refused before the exchange' "$(calls authorization_code)" "$before"
get callback "$back" PATH_INFO=/demo REMOTE_USER=alice
like 'back as alice: a connection, no ticket' "$location" \
    '\?connection=[A-Za-z0-9_-]+&provider=demo&status=connected$'
refresh 'provider=demo&subject=alice'
is "alice's token" "$code $(json subject)" '200 alice'

site http://localhost:8080/oauth
link=$(admin connect demo me)
press() {
	get start "${link#*\?}"
	mac=$(sed -n 's/.*name="confirm" value="\([^"]*\)".*/\1/p' "$T/body")
	post start "${link#*\?}&confirm=$mac"
	consent
}
press
first=$back
press
get callback "$back" PATH_INFO=/demo
is 'a link ends on a page' "$code" 200
refresh 'provider=demo&subject=me'
is 'and has bound its subject' "$code $(json subject)" '200 me'
get callback "$first" PATH_INFO=/demo
like 'a second start of it has come too late' "$body" '<h1>The attempt was interrupted</h1>'
get start "${link#*\?}"
is 'the link is used up' "$code" 400

# ---- form_post ----

site http://localhost:8080/oauth '' 'response_mode = "form_post"'
get start 'provider=demo&return_to=%2Faccount'
is 'response_mode is sent' "$(param response_mode "$location")" form_post
state=$(param state "$location")
page=$(curl -s --noproxy '*' "$location" | tr -d '\n')
token=$(printf %s "$page" | sed 's/.*name="code" value="\([^"]*\)".*/\1/')
mine=$jar
jar=
post callback "code=$token&state=$state&x=1" PATH_INFO=/demo \
    HTTP_SEC_FETCH_SITE=cross-site HTTP_ORIGIN=https://provider.example
is 'without cookie the answer is a page' "$code $location" '200 '
to=$(sed -n 's/.*http-equiv="refresh" content="0;url=\([^"]*\)".*/\1/p' \
    "$T/body" | sed 's/&amp;/\&/g')
is 'that goes on by GET with what is needed' "$to" \
    "http://localhost:8080/oauth/callback/demo?code=$token&state=$state"
like 'and has a link' "$body" '<a [^>]*href="http://localhost:8080/oauth/callback'
post callback "code=$token" PATH_INFO=/demo QUERY_STRING="state=$state"
is 'parameters in both query and body are 400' "$code $location" '400 '
jar=$mine
get callback "${to#*\?}" PATH_INFO=/demo
like 'the GET ends the flow' "$location" 'status=connected'

# ---- nobody there ----

kill "$provider_pid"
wait "$provider_pid" 2>/dev/null
provider_pid=
site http://localhost:8080/oauth
get start 'provider=demo&return_to=%2Faccount%3Fa%3Db%23c'
back "code=x&state=$(param state "$location")"
ends 'no provider' 'provider=demo&status=error&error=temporarily_unavailable'

finished
