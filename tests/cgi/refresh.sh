#!/bin/sh
# SPDX-License-Identifier: ISC
#
# refresh.sh - /refresh as plain CGI: who may ask, what is asked, redeeming.

# shellcheck source=tests/cgi/lib.sh
. "${top_srcdir:-.}/tests/cgi/lib.sh"

provider
site http://localhost:8080/oauth
shop=$key
blog=$(admin app add blog)

says() {
	is "$1" "$code $(json error)" "$2"
}

# ---- who asks ----

connect '&app=shop'
first=$ticket
post refresh 'provider=demo&subject=me'
says 'no key' '401 invalid_key'
is 'no key arrived' "$(json reason)" missing
is 'a 401 has WWW-Authenticate' "$(header WWW-Authenticate)" Bearer
is 'it is JSON' "$(header Content-Type)" application/json
for k in "Bearer ${key}x" "Bearer x$key" 'Bearer ' "Basic $key" "$key" \
    "Bearer oacgi_$(printf '%043d' 0)"; do
	post refresh 'provider=demo&subject=me' HTTP_AUTHORIZATION="$k"
	says "key '$k'" '401 invalid_key'
	case $k in
	Bearer*) is 'it arrived' "$(json reason)" unknown ;;
	*) is 'it is no key' "$(json reason)" missing ;;
	esac
done
post refresh 'provider=demo&subject=me' HTTP_X_OAUTH_CGI_KEY="$key"
says 'X-OAuth-CGI-Key' '404 unknown_connection'
post refresh 'provider=demo&subject=me' HTTP_AUTHORIZATION="bearer $key"
says 'the scheme knows no case' '404 unknown_connection'
post refresh "provider=demo&subject=me&key=$key"
says 'a key in the body is none' '401 invalid_key'

# ---- methods and shape ----

for m in GET HEAD PUT; do
	run refresh REQUEST_METHOD=$m HTTP_AUTHORIZATION="Bearer $key"
	is "$m is 405 with Allow" "$code $(header Allow)" '405 POST'
done
refresh 'provider=demo&subject=me' PATH_INFO=/x
is 'PATH_INFO is 404' "$code" 404
refresh '{}' CONTENT_TYPE=application/json
is 'JSON is 400' "$code" 400
refresh "subject=$(printf '%070000d' 0)"
is 'a large body is 413' "$code" 413
refresh 'provider=demo&subject=me' QUERY_STRING='min_valid=5'
says 'a query' '400 invalid_request'
big=$(printf '%0256d' 0)
while IFS= read -r b; do
	refresh "$b"
	says "'$b'" '400 invalid_request'
done <<LIST

provider=demo
subject=me
provider=demo&subject=
provider=&subject=me
provider=demo&subject=me&provider=demo
provider=demo&subject=me&unknown=1
provider=demo&subject=me&min_valid=
provider=demo&subject=me&min_valid=-1
provider=demo&subject=me&min_valid=+1
provider=demo&subject=me&min_valid=1e3
provider=demo&subject=me&min_valid=86401
provider=demo&subject=me&min_valid=99999999999999999999
provider=Demo&subject=me
provider=demo&subject=%FF
provider=demo&subject=a%00b
provider=demo&subject=$big
connection=x&subject=me
connection=x&provider=demo
connection=x&bind=$bind
ticket=$first
ticket=$first&subject=me
ticket=$first&bind=$bind
ticket=$first&subject=me&bind=$bind&provider=demo
LIST
for m in 0 86400; do
	refresh "provider=demo&subject=me&min_valid=$m"
	says "min_valid=$m" '404 unknown_connection'
done
for c in x 00000000000000000000000000000000 "$(printf '%022d' 0)"; do
	refresh "connection=$c"
	says "connection=$c" '404 unknown_connection'
done

# ---- redeeming ----

redeem() {
	refresh "ticket=$1&subject=$2&bind=${3-$bind}"
}
redeem "$first" me session-of-somebody-else
says 'another session' '403 wrong_session'
refresh "ticket=$first&subject=me&browser=${jar#*=}"
says 'with bind at /start only bind counts' '403 wrong_session'
key=$blog
redeem "$first" me
says 'the ticket of another app' '410 ticket_spent'
key=$shop
redeem "$first" me
is 'the ticket is still good' "$code $(json subject) $(json status)" \
    '200 me ok'
answer=$body
id=$(json connection)
token=$(json access_token)
is 'provider, type and scope' \
    "$(json provider) $(json token_type) $(json scope)" \
    'demo Bearer read_user write_data'
yes 'expires_in is nearly the whole hour' [ "$(json expires_in)" -gt 3500 ]
left=$(($(json expires_at) - $(date +%s)))
yes 'expires_at is the same as a time' [ "$left" -gt 3500 ]
is 'nothing was replaced' "$(json replaced)" ''
steady() {
	printf '%s\n' "$1" | sed 's/"expires_in":[0-9]*//'
}
redeem "$first" me
is 'the same again gives the same answer' "$code $(steady "$body")" \
    "200 $(steady "$answer")"
redeem "$first" you
says 'another subject' '410 ticket_spent'
redeem "$first" me wrong-wrong-wrong-wrong
unlike 'another proof gets nothing' "$code" 200
redeem "$(printf '%043d' 0)" me
says 'an unknown ticket' '410 ticket_spent'
redeem "${first}x" me
says 'what is no ticket' '410 ticket_spent'

# ---- asking ----

refresh "connection=$id"
is 'by connection' "$code $(json access_token)" "200 $token"
refresh 'provider=demo&subject=me'
is 'by provider and subject' "$code $(json access_token)" "200 $token"
is 'token --json says the same' \
    "$(steady "$(admin token demo me --app shop --json)")" "$(steady "$body")"
refresh 'provider=demo&subject=me' HTTP_ACCEPT=text/html
is 'always as JSON' "$(header Content-Type)" application/json
refresh 'provider=demo&subject=ME'
says 'subjects are compared bytewise' '404 unknown_connection'
key=$blog
refresh "connection=$id"
says 'the connection of another app' '404 unknown_connection'
missing=$body
refresh 'connection=00000000000000000000000000000000'
is 'looks like a missing one' "$body" "$missing"
refresh 'provider=demo&subject=me'
says 'by subject, too' '404 unknown_connection'
key=$shop
is 'nothing was refreshed so far' "$(calls refresh_token)" 0

# ---- the same subject connects again ----

connect '&app=shop'
redeem "$ticket" me
is 'a second connect takes over' \
    "$code $(json connection) $(json replaced)" "200 $id true"
unlike 'with its own tokens' "$(json access_token)" "^$token\$"
token=$(json access_token)
redeem "$ticket" me
is 'again the same' "$code $(json access_token)" "200 $token"
redeem "$first" me
says 'the first ticket is over' '410 ticket_spent'
is 'there is one connection' "$(admin list | grep -c demo)" 1

# ---- the cookie as proof ----

get start 'provider=demo&app=shop&return_to=%2F'
consent
get callback "$back" PATH_INFO=/demo
ticket=$(param ticket "$location")
redeem "$ticket" static
says 'bind where /start had none' '403 wrong_session'
refresh "ticket=$ticket&subject=static&browser=$(printf '%043d' 0)"
says 'the cookie of another' '403 wrong_session'
refresh "ticket=$ticket&subject=static&browser=${jar#*=}"
is 'the cookie' "$code $(json subject)" '200 static'

# ---- a subject that would move a terminal's cursor ----

connect '&app=shop'
redeem "$ticket" 'a%1B%5B2Jb%C2%9Bc'
is 'is a subject like any other' "$code" 200
is 'the operator sees no control characters' \
    "$(admin list --app shop | grep -c 'a?\[2Jb?c ')" 1
id2=$(json connection)
like 'nor in show' "$(admin show "$id2")" '^subject +a\?\[2Jb\?c$'

# ---- refreshing ----

refresh "connection=$id&rejected=$token"
says 'rejected, but new: later' '503 temporarily_unavailable'
yes 'with Retry-After' [ -n "$(header Retry-After)" ]
is 'and in the body' "$(json retry_after)" "$(header Retry-After)"
is 'with the connection' "$(json connection)" "$id"
refresh "connection=$id&rejected=some-older-one"
is 'an older one was rejected: the current one' \
    "$code $(json access_token)" "200 $token"
control set ttl=2
connect '&app=shop'
redeem "$ticket" short
old=$(json access_token)
sleep 2
refresh "provider=demo&subject=short&rejected=$old"
is 'expired: refreshed' "$code $(json status)" '200 ok'
unlike 'it is another token' "$(json access_token)" "^$old\$"
is 'by one call' "$(calls refresh_token)" 1
control set 'fail=*:400/invalid_grant'
sleep 2
refresh 'provider=demo&subject=short'
says 'the grant is over' '409 reauthorization_required'
yes 'it names the connection' [ -n "$(json connection)" ]
connect '&app=shop'
unlike 'nor can a new one be had' "$location" 'status=connected'
control set fail=
connect '&app=shop'
redeem "$ticket" short
is 'connecting again mends it' "$code $(json replaced)" '200 true'

# ---- an odd no: a firewall's page, an empty 400 ----

# later SECONDS: that much time goes by, for all that is stored.
later() {
	sqlite3 "$T/site/db/oauth.db" "UPDATE connection SET issued_at =
	    issued_at - $1, expires_at = expires_at - $1, next_attempt_at = 0,
	    refused_at = iif(refused_at = 0, 0, refused_at - $1);
	    UPDATE provider_success SET at = at - $1"
}
odd() {
	control set "fail=*:$1"
	refresh 'provider=demo&subject=odd'
	control set fail=
}

if command -v sqlite3 >/dev/null 2>&1; then
	control set ttl=3600
	connect '&app=shop'
	redeem "$ticket" odd
	later 3600
	for _ in 1 2 3 4 5; do
		odd html_403
		says 'an odd no is no end' '503 temporarily_unavailable'
		later 1
	done
	later 86400
	odd empty_400
	says 'not after a day, while others get none' \
	    '503 temporarily_unavailable'
	connect '&app=shop'
	redeem "$ticket" other
	later 1
	odd 401_empty
	says 'a 401 without a body never is' '503 temporarily_unavailable'
	later 1
	odd empty_400
	says 'but after many, a day, and with others that do well' \
	    '409 reauthorization_required'
	is 'with its reason' "$(json reason)" refused
	connect '&app=shop'
	redeem "$ticket" odd
	is 'connecting again mends it' "$code $(json replaced)" '200 true'
fi

# ---- a section that was wrong, and is mended ----

if command -v sqlite3 >/dev/null 2>&1; then
	control set ttl=1
	connect '&app=shop'
	redeem "$ticket" mended
	control set ttl=3600
	sleep 1
	# A wrong secret, in words that no specification knows.
	control set 'fail=*:override' override_status=401 \
	    override_type=text/plain override_body=Unauthorized
	refresh 'provider=demo&subject=mended'
	says 'an odd no' '503 temporarily_unavailable'
	control set fail=
	sqlite3 "$T/site/db/oauth.db" \
	    'UPDATE connection SET next_attempt_at = next_attempt_at + 60'
	before=$(calls refresh_token)
	refresh 'provider=demo&subject=mended'
	says 'backs off' '503 temporarily_unavailable'
	is 'without a call' "$(calls refresh_token)" "$before"
	control set client_secret=other
	printf 'other\n' >"$T/site/client.secret"
	refresh 'provider=demo&subject=mended'
	is 'until what we send is configured anew' "$code $(json status)" \
	    '200 ok'
fi

# ---- what nobody redeemed ----

if command -v sqlite3 >/dev/null 2>&1; then
	revocations() {
		curl -sf --noproxy '*' "$upstream/control/stats" |
		    sed -n 's/.*"revocations":\([0-9]*\).*/\1/p'
	}
	cp "$conf" "$conf.was"
	sed "s|scope = .*|&\n	revoke = token\n	revoke_url = $upstream/revoke|" \
	    "$conf.was" | sed 's|\(revoke_url = \)\(.*\)|\1"\2"|' >"$conf"
	connect '&app=shop'
	connect '&app=shop'
	young=$ticket
	sqlite3 "$T/site/db/oauth.db" "UPDATE connection SET created_at =
	    created_at - 901 WHERE subject IS NULL AND id < (SELECT max(id)
	    FROM connection)"
	before=$(revocations)
	control set revoke_status=500
	is 'purge keeps what it can not revoke now' \
	    "$(admin purge --json; echo $?)" \
	    '{"flows":0,"links":0,"keys":0,"connections":0,"kept":1}
3'
	control set revoke_status=200
	is 'revokes and removes it when it can' "$(admin purge --json)" \
	    '{"flows":0,"links":0,"keys":0,"connections":1,"kept":0}'
	yes 'the provider was told' [ "$(revocations)" -gt "$before" ]
	redeem "$young" young
	is 'one that may still be redeemed stays' "$code" 200
	cat "$conf.was" >"$conf"
fi

# ---- keys end ----

admin app key shop --replace >"$T/new"
refresh "connection=$id"
says 'a key that was replaced' '401 invalid_key'
key=$(cat "$T/new")
refresh "connection=$id"
is 'the new one' "$code" 200

finished
