#!/bin/sh
# SPDX-License-Identifier: ISC
#
# start.sh - /start as plain CGI: the redirect, the cookie, who may start, and
# what is refused.

# shellcheck source=tests/cgi/lib.sh
. "${top_srcdir:-.}/tests/cgi/lib.sh"

upstream=http://127.0.0.1:9
site http://localhost:8080/oauth

# ---- the redirect ----

get start 'provider=demo&return_to=%2Faccount'
is 'a start is a 303' "$code" 303
like 'it leads to the authorize_url' "$location" \
    '^http://127\.0\.0\.1:9/authorize\?'
is 'response_type is code' "$(param response_type "$location")" code
is 'client_id is that of the section' "$(param client_id "$location")" \
    demo-client
is 'redirect_uri is url/callback/NAME' "$(param redirect_uri "$location" |
    sed 's/%3A/:/g; s/%2F/\//g')" http://localhost:8080/oauth/callback/demo
like 'scope is sent' "$(param scope "$location")" \
    '^read_user(\+|%20)write_data$'
state=$(param state "$location")
like 'state is 43 characters of base64url' "$state" '^[A-Za-z0-9_-]{43}$'
like 'state is canonical: its last two bits are zero' "$state" \
    '[AEIMQUYcgkosw048]$'
like 'the challenge is 43 characters' "$(param code_challenge "$location")" \
    '^[A-Za-z0-9_-]{43}$'
is 'its method is S256' "$(param code_challenge_method "$location")" S256
is 'there is no nonce without openid' "$(param nonce "$location")" ''
like 'http on localhost: the cookie has its name and attributes' "$new" \
    '^oauth-cgi=[A-Za-z0-9_-]{43}; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax$'

first=$jar
get start 'provider=demo'
is 'the cookie stays the same for the next start' "$jar" "$first"
yes 'and is renewed' [ -n "$new" ]
unlike 'the state does not' "$(param state "$location")" "^$state\$"
jar=oauth-cgi=malformed
get start 'provider=demo'
like 'a malformed cookie is replaced' "$jar" '^oauth-cgi=[A-Za-z0-9_-]{43}$'
get start ''
is 'provider and app are optional while there is one' "$code" 303
post start 'provider=demo&return_to=%2F'
is 'a start by POST' "$code" 303
get start 'provider=demo&app=shop&nonsense=1&nonsense=2'
is 'unknown names are ignored' "$code" 303
get start 'provider=demo&return_to=https%3A%2F%2Fshop.example%2Fa%3Fb%23c'
is 'return_to at an origin of the app' "$code" 303
bind_value=0123456789abcdef
get start "provider=demo&bind=$bind_value"
unlike 'bind never comes back' "$(cat "$T/out")" "$bind_value"

# ---- the right host ----

get start 'provider=demo&return_to=%2Fa%26b' HTTP_HOST=127.0.0.1:8080
is 'a foreign Host is sent on' "$code" 303
like 'to url, once' "$location" \
    '^http://localhost:8080/oauth/start\?.*[?&]h=1$'
like 'with the same parameters' "$location" '[?&]return_to=(/|%2F)a%26b&'
is 'and without a cookie' "$new" ''
get start 'provider=demo&h=1' HTTP_HOST=127.0.0.1:8080
like 'never twice' "$location" '/authorize\?'
get start 'provider=demo' HTTP_HOST=LOCALHOST:8080
like 'host names know no case' "$location" '/authorize\?'
get start 'provider=demo' HTTP_HOST=evil.example HTTP_X_FORWARDED_HOST=evil.example
unlike 'no Location is built from Host' "$location" evil

# ---- HEAD, methods, paths, sizes ----

jar=
get start 'provider=demo' REQUEST_METHOD=HEAD
is 'HEAD is 200' "$code" 200
is 'HEAD has no Location' "$location" ''
is 'HEAD sets no cookie' "$new" ''
is 'HEAD has no body' "$body" ''
for m in PUT DELETE OPTIONS TRACE get; do
	get start '' REQUEST_METHOD=$m
	is "$m is 405 with Allow" "$code $(header Allow)" '405 GET, HEAD, POST'
done
for p in / /demo /x; do
	get start 'provider=demo' PATH_INFO=$p
	is "PATH_INFO $p is 404" "$code" 404
done
long=$(printf '%020000d' 0)
get start "x=$long"
is 'a query that is too long is 414' "$code" 414
is 'the same without Location' "$location" ''
post start "x=$long$long$long$long"
is 'a body that is too large is 413' "$code" 413
post start 'provider=demo' CONTENT_LENGTH=99999999999999999999
is 'so is one that says so' "$code" 413
post start 'provider=demo' CONTENT_LENGTH=-1
is 'a negative length is 400' "$code" 400
post start 'provider=demo' CONTENT_LENGTH= HTTP_TRANSFER_ENCODING=chunked
is 'a body of no known length is 400, not passed over' "$code" 400
post start '{"provider":"demo"}' CONTENT_TYPE=application/json
is 'a body that is no form is 400' "$code" 400
get start provider=demo HTTP_COOKIE="a=$long"
is 'a cookie header that is too long is 400' "$code" 400
get start provider=demo HTTP_REFERER="$long"
is 'so is any other' "$code" 400

# ---- parameters ----

refused() {
	name=$1
	shift
	get start "$@"
	is "$name" "$code $location" "400 "
}
for p in provider app return_to bind link h; do
	refused "$p twice" "provider=demo&$p=a&$p=b"
done
post start 'provider=demo' QUERY_STRING='provider=demo'
is 'once in the query and once in the body' "$code" 400
for r in //evil.example '/%5Cevil.example' https://evil.example \
    https://shop.example.evil.example https://shop.example@evil.example \
    javascript:alert account '' '/a%0D%0AX:y' /a%20b /a%7F '/%25FF' \
    /oauth/start /oauth/callback/demo /x/../oauth/start \
    '/a%3Fticket=1' '/a%3Fx=1%26st%2561tus=2' '/a%3Ferror' \
    'https://shop.example/%3Fconnection=1' http://shop.example/; do
	refused "return_to $r" "provider=demo&return_to=$r"
done
refused 'return_to of 2049 bytes' \
    "provider=demo&return_to=/$(printf '%02048d' 0)"
get start "provider=demo&return_to=/$(printf '%02047d' 0)"
is 'return_to of 2048 bytes' "$code" 303
refused 'bind of 15 bytes' 'provider=demo&bind=012345678901234'
refused 'bind of 129 bytes' "provider=demo&bind=$(printf '%0129d' 0)"
refused 'bind with a blank' 'provider=demo&bind=0123456789abcde+0'
refused 'an unknown provider' 'provider=nobody'
refused 'a provider that names a file' 'provider=../../etc/passwd'
refused 'an unknown app' 'provider=demo&app=nobody'
refused 'an unknown link' "link=$state"
refused 'a link that is none' 'link=x'
refused 'a bad escape' 'provider=demo&return_to=%zz'
refused 'a NUL' 'provider=demo%00'
get start 'provider=nobody'
like 'errors for people are pages' "$(header Content-Type)" '^text/html'
number=$(sed -n 's/.*number: <bdi>\([^<]*\)<.*/\1/p' "$T/body")
yes 'with a number that is in the log' grep -q " ${number:-none}: " "$log"
get start 'provider=%3Cscript%3E'
unlike 'and repeat nothing' "$body" '<script'
get start 'provider=nobody' HTTP_ACCEPT=application/json
is 'with Accept they are JSON' "$(header Content-Type) $(json error)" \
    'application/json unknown_provider'
yes 'JSON has the number, too' [ -n "$(json error_id)" ]

# ---- who may start ----

begins() {
	name=$1
	shift
	get start provider=demo "$@"
	like "$name" "$code $location" '^303 .*/authorize\?'
}
asks() {
	name=$1
	shift
	"$@"
	like "$name" "$code $body" '^200 .*|name="confirm"'
	yes "$name: sets the cookie" [ -n "$new" ]
	is "$name: starts nothing" "$location" ''
}
for s in same-origin same-site none; do
	begins "Sec-Fetch-Site: $s starts at once" HTTP_SEC_FETCH_SITE=$s
done
begins 'so does no header at all' A=B
begins 'a Referer of our own' HTTP_REFERER=http://localhost:8080/x
begins 'a Referer of the app' HTTP_REFERER=https://shop.example/x
jar=
asks 'cross-site' get start provider=demo HTTP_SEC_FETCH_SITE=cross-site
asks 'an unknown Sec-Fetch-Site' get start provider=demo \
    HTTP_SEC_FETCH_SITE=other
asks 'a foreign Referer' get start provider=demo \
    HTTP_REFERER=https://evil.example/
asks 'a Referer that only begins like the app' get start provider=demo \
    HTTP_REFERER=https://shop.example.evil.example/
asks 'Origin: null' post start provider=demo HTTP_ORIGIN=null
asks 'a foreign Origin' post start provider=demo \
    HTTP_ORIGIN=https://evil.example
jar=
asks 'a POST of the app without cookie' post start provider=demo \
    HTTP_ORIGIN=https://shop.example
post start provider=demo HTTP_ORIGIN=https://shop.example
like 'with the cookie it starts' "$location" /authorize
jar=
post start provider=demo HTTP_ORIGIN=http://localhost:8080
like 'so does our own without one' "$location" /authorize

forbidden() {
	name=$1
	shift
	get start provider=demo "$@"
	is "$name" "$code $location" '403 '
}
for m in cors no-cors same-origin websocket; do
	forbidden "Sec-Fetch-Mode: $m" HTTP_SEC_FETCH_MODE=$m
done
for d in iframe image empty script; do
	forbidden "Sec-Fetch-Dest: $d" HTTP_SEC_FETCH_DEST=$d
done
forbidden 'Sec-Purpose: prefetch' HTTP_SEC_PURPOSE=prefetch
forbidden 'prefetch;prerender' 'HTTP_SEC_PURPOSE=prefetch;prerender'
begins 'a navigation of a document' HTTP_SEC_FETCH_MODE=navigate \
    HTTP_SEC_FETCH_DEST=document

# ---- the confirmation ----

# confirm_body: what the page's button sends.
confirm_body() {
	sed -n 's/.*<input type="hidden" name="\([^"]*\)" value="\([^"]*\)".*/\1=\2/p' \
	    "$T/body" | sed 's/&amp;/%26/g; s|/|%2F|g' | paste -s -d '&' -
}
jar=
get start 'provider=demo&return_to=%2Fa' HTTP_SEC_FETCH_SITE=cross-site
form=$(confirm_body)
like 'the page posts to url/start' "$body" \
    '<form method="post" action="http://localhost:8080/oauth/start">'
unlike 'without form-action' "$(header Content-Security-Policy)" form-action
unlike 'and without script' "$body" '<script'
post start "$form" HTTP_SEC_FETCH_SITE=same-origin HTTP_ORIGIN=null
like 'its button starts' "$location" /authorize
post start "$form" HTTP_SEC_FETCH_SITE=cross-site HTTP_ORIGIN=null
like 'judged by the confirmation alone' "$location" /authorize
post start "$(printf %s "$form" | sed 's/return_to=%2Fa/return_to=%2Fb/')"
is 'another return_to is refused' "$code $location" '403 '
post start "$form&bind=0123456789abcdef"
is 'a parameter more is refused' "$code $location" '403 '
post start "$(printf %s "$form" | sed 's/confirm=[0-9]/confirm=9/')"
is 'another expiry is refused' "$code $location" '403 '
post start 'provider=demo&return_to=%2Fa&confirm='
is 'an empty confirmation is refused' "$code $location" '403 '
post start "$form" HTTP_COOKIE=
is 'without the cookie it is refused' "$code $location" '400 '
post start "$form" "HTTP_COOKIE=oauth-cgi=$state"
is 'with the cookie of another it is refused' "$code $location" '403 '
get start "$form" HTTP_SEC_FETCH_SITE=cross-site
is 'as GET it is worth nothing' "$code $location" '200 '

if command -v openssl >/dev/null 2>&1; then
	hex=$(awk 'NF == 2 && $1 !~ /^#/ { print $2; exit }' \
	    "$T/site/keys/pending.key")
	# mac EXPIRY: what the page would carry for {provider=demo}.
	mac() {
		printf 'confirm\0%s\0+demo\0-\0-\0-\0-\0%s' \
		    "${jar#*=}" "$1" | openssl dgst -sha256 -mac HMAC \
		    -macopt "hexkey:$hex" -binary | openssl base64 |
		    tr '+/' '-_' | tr -d '=\n'
	}
	soon=$(($(date +%s) + 60))
	post start "provider=demo&confirm=$soon.$(mac $soon)" \
	    HTTP_ORIGIN=null
	like 'a confirmation that is made by hand' "$location" /authorize
	post start "provider=demo&confirm=1000.$(mac 1000)" HTTP_ORIGIN=null
	is 'one that is over shows the page again' "$code $location" '200 '
	like 'with a button' "$body" 'name="confirm"'
fi

# ---- one-time links ----

link=$(admin connect demo 'me & <you>')
like 'connect prints a link' "$link" \
    '^http://localhost:8080/oauth/start\?link=[A-Za-z0-9_-]{43}$'
jar=
get start "${link#*\?}" HTTP_SEC_FETCH_SITE=none
is 'a link shows its page, starts nothing' "$code $location" '200 '
like 'the page names the provider' "$body" '<dd><bdi>demo</bdi></dd>'
like 'and the app' "$body" '<dd><bdi>shop</bdi></dd>'
like 'and the subject, escaped' "$body" 'me &amp; &lt;you&gt;'
form=$(confirm_body)
post start "$form" HTTP_ORIGIN=null
like 'its button starts' "$location" /authorize
post start "$form" HTTP_ORIGIN=null
like 'any number of times' "$location" /authorize
get start "${link#*\?}&provider=other"
is 'what contradicts the link is refused' "$code" 400

# ---- https ----

site https://shop.example/oauth
get start provider=demo
is 'https: the redirect' "$code" 303
like 'https: the cookie is __Host-oauth, and Secure' "$new" \
    '^__Host-oauth=[A-Za-z0-9_-]{43}; '
for a in Path=/ Max-Age=3600 HttpOnly SameSite=Lax Secure; do
	like "https: it has $a" "$new" "; $a(;|\$)"
done
unlike 'https: it has no Domain' "$new" Domain
get start provider=demo HTTP_HOST=shop.example:443
like 'the standard port is no other host' "$location" /authorize
get start provider=demo HTTP_HOST=www.shop.example
like 'www is' "$location" '^https://shop.example/oauth/start\?.*h=1$'

# ---- openid, remote_user, programs without their things ----

site http://localhost:8080/oauth 'identity = "remote_user"' \
    'authorize_params = "prompt=login"'
get start provider=demo
is 'remote_user: nobody logged in is 403' "$code $location" '403 '
get start provider=demo REMOTE_USER=
is 'remote_user: an empty one, too' "$code $location" '403 '
get start provider=demo HTTP_REMOTE_USER=mallory HTTP_X_REMOTE_USER=mallory
is 'remote_user: never from a header' "$code $location" '403 '
get start provider=demo REMOTE_USER=alice
is 'remote_user: a login starts' "$code" 303
is "the provider's own parameters are sent" "$(param prompt "$location")" login

sed 's/scope = .*/scope = "openid"/' "$conf" >"$conf.new"
cat "$conf.new" >"$conf"
get start provider=demo REMOTE_USER=alice
like 'openid: a nonce is sent' "$(param nonce "$location")" \
    '^[A-Za-z0-9_-]{43}$'
rm -f "$T/site/client.secret"
get start provider=demo REMOTE_USER=alice
is 'start does not need the client secret' "$code" 303
mv "$T/site/db" "$T/site/away"
get start provider=demo REMOTE_USER=alice
is 'no database: 503' "$code" 503
yes 'with Retry-After' [ -n "$(header Retry-After)" ]
yes 'and it is not created' [ ! -e "$T/site/db" ]

# ---- no room ----

site http://localhost:8080/oauth
like 'past a limit on file sizes: 503' \
    "$(ulimit -f 64; get start provider=demo; echo "$code")" '^503$'
like 'told like a full disk' "$(cat "$log")" 'the disk or quota is full'
get start provider=demo
is 'and once there is room it goes on' "$code" 303

finished
