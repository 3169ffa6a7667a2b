#!/bin/sh
# SPDX-License-Identifier: ISC
#
# leaks.sh - a whole flow, a refresh and some failures with secrets that can be
# recognised (the provider's tokens begin with canary-at- and canary-rt-); then all logs, all that a browser got, and the files of the
# database are searched for them, plain, in base64, in hex and URL-encoded.

# shellcheck source=tests/cgi/lib.sh
. "${top_srcdir:-.}/tests/cgi/lib.sh"

for tool in xxd base64; do
	command -v $tool >/dev/null 2>&1 || {
		echo "# skipped: there is no $tool"
		exit 77
	}
done
client_secret='Canary+/secret=&8f2c'
provider "client_secret=$client_secret" ttl=3
site http://localhost:8080/oauth 'log = "stderr"'

# ---- use them ----

connect ''
yes 'the flow reaches its end' [ -n "$ticket" ]
flow_code=$(param code "?$back")
flow_state=$(param state "?$back")
browser=${jar#*=}
mv "$T/answers" "$T/browser"
refresh "ticket=$ticket&subject=me&bind=$bind"
access=$(json access_token)
sleep 3
refresh 'provider=demo&subject=me'
access2=$(json access_token)
unlike 'there were two access tokens' "$access2" "^($access|)\$"
control set 'fail=*:500'
sleep 3
refresh 'provider=demo&subject=me'
is 'and a failure' "$code" 503
post refresh 'provider=demo&subject=me' HTTP_AUTHORIZATION="Bearer ${key}x"
refresh "connection=x&unknown=$access2"
get callback "$back&code=again" PATH_INFO=/demo
get start "provider=$flow_code" HTTP_SEC_FETCH_MODE=cors
{
	admin list
	admin list --json
	admin show demo me --json
	admin app list
} >"$T/printed"
cat "$T/answers" >>"$T/browser"

# ---- search ----

# forms SECRET: as it could be written, one form per line. In base64 the three
# ways in which it can lie in a longer text, without their edges.
forms() {
	printf '%s\n' "$1"
	printf %s "$1" | xxd -p | tr -d '\n'
	echo
	printf %s "$1" | xxd -p | tr -d '\n' | tr a-f A-F
	echo
	printf %s "$1" | xxd -p | tr -d '\n' | sed 's/../%&/g' | tr a-f A-F
	echo
	curl -s -o /dev/null -w '%{url_effective}\n' -G --noproxy '*' \
	    --data-urlencode "x=$1" "$upstream/control/settings" |
	    sed 's/.*?x=//'
	for pad in '' x xx; do
		printf '%s%s' "$pad" "$1" | base64 | tr -d '\n=' |
		    sed 's/^....//; s/..$//'
		echo
	done
	for pad in '' x xx; do
		printf '%s%s' "$pad" "$1" | base64 | tr -d '\n=' |
		    sed 's/^....//; s/..$//' | tr '+/' '-_'
		echo
	done
}

# hides NAME SECRET FILE...
hides() {
	name=$1 secret=$2
	shift 2
	if [ ${#secret} -lt 10 ]; then
		not_ok "$name: is known to the test" "$secret"
		return
	fi
	forms "$secret" | sort -u >"$T/forms"
	for f; do
		[ -e "$f" ] || continue
		if LC_ALL=C grep -aqFf "$T/forms" "$f"; then
			not_ok "$name is not in $(basename "$f")"
		else
			ok "$name is not in $(basename "$f")"
		fi
	done
}

db=$T/site/db/oauth.db
yes 'the database has been written' [ -s "$db" ]
cat "$db"-* >"$T/db-files" 2>/dev/null
all="$db $T/db-files $log $T/printed"
# shellcheck disable=SC2086
{
	hides 'the client secret' "$client_secret" $all "$T/browser"
	hides 'the app key' "$key" $all "$T/browser"
	hides 'the first access token' "$access" $all
	hides 'the second access token' "$access2" $all
	hides 'any access token' canary-at- $all
	hides 'any refresh token' canary-rt- $all "$T/browser"
	hides 'the state' "$flow_state" $all
	hides 'the ticket' "$ticket" $all
	hides 'the code' "$flow_code" $all
	hides 'the cookie' "$browser" $all
	hides 'bind' "$bind" $all "$T/browser"
}
yes 'the access token is in no answer to the browser' \
    sh -c "! sed '/access_token/d' '$T/browser' | grep -q '$access'"

# All that is derived or sealed comes of these.
key_hex=$(awk 'NF == 2 && $1 !~ /^#/ { print $2; exit }' \
    "$T/site/keys/pending.key")
token_hex=$(awk 'NF == 2 && $1 !~ /^#/ { print $2; exit }' \
    "$T/site/keys/token.key")
# shellcheck disable=SC2086
for hex in "$key_hex" "$token_hex"; do
	for f in $all "$T/browser"; do
		[ -e "$f" ] || continue
		if xxd -p "$f" | tr -d '\n' | grep -qF "$hex" ||
		    grep -aqiF "$hex" "$f"; then
			not_ok "no key is in $(basename "$f")"
		else
			ok "no key is in $(basename "$f")"
		fi
	done
done
if command -v openssl >/dev/null 2>&1; then
	verifier=$(printf \
	    'pkce\0demo\0http://localhost:8080/oauth/callback/demo\0%s' \
	    "$flow_state" | openssl dgst -sha256 -mac HMAC \
	    -macopt "hexkey:$key_hex" -binary | openssl base64 |
	    tr '+/' '-_' | tr -d '=\n')
	challenge=$(printf %s "$verifier" | openssl dgst -sha256 -binary |
	    openssl base64 | tr '+/' '-_' | tr -d '=\n')
	yes 'the verifier is what this test takes it for' \
	    grep -aqF "code_challenge=$challenge" "$T/browser"
	# shellcheck disable=SC2086
	hides 'the verifier' "$verifier" $all "$T/browser"
fi

# The search must be able to find.
for form in 'plain:%s' 'in a sentence:x %s y'; do
	# shellcheck disable=SC2059
	printf "${form#*:}" "$client_secret" >"$T/found"
	yes "the search finds: ${form%%:*}" grep -qF "$client_secret" "$T/found"
done
forms "$client_secret" >"$T/forms"
for pad in a ab abc; do
	printf '%s%s%s' "$pad" "$client_secret" zz | base64 | tr -d '\n' \
	    >"$T/found"
	yes "the search finds base64 behind $pad" grep -qFf "$T/forms" \
	    "$T/found"
done
printf '<%s>' "$client_secret" | xxd -p >"$T/found"
yes 'the search finds hex' grep -qFf "$T/forms" "$T/found"
finished
