#!/bin/sh
# SPDX-License-Identifier: ISC
#
# presets.sh - each shipped preset with a client_id and a client_secret alone:
# the authorization request that a browser is sent to the provider with. A
# change of a preset changes its line here, and nothing else's.

# shellcheck source=tests/cgi/lib.sh
. "${top_srcdir:-.}/tests/cgi/lib.sh"

site https://shop.example/oauth
for f in "${top_srcdir:-.}"/providers/*.conf; do
	name=$(basename "$f" .conf)
	printf 'provider %s {\n\tclient_id = "my-client"\n' "$name"
	printf '\tclient_secret = "my-secret"\n}\n'
done >>"$conf"

# request NAME [PARAMETERS]: the whole Location, with what differs each time
# replaced, after a look at its form.
request() {
	get start "provider=$1${2-}"
	printf '%s\n' "$location" | sed -E \
	    -e 's/([?&]state=)[A-Za-z0-9_-]{43}(&|$)/\1STATE\2/' \
	    -e 's/([?&]code_challenge=)[A-Za-z0-9_-]{43}(&|$)/\1CHALLENGE\2/' \
	    -e 's/([?&]nonce=)[A-Za-z0-9_-]{43}(&|$)/\1NONCE\2/'
}

parameters() {
	case $1 in
	shopify) echo '&shop=my-shop.myshopify.com' ;;
	esac
}

golden() {
	cat <<'EOT'
dropbox https://www.dropbox.com/oauth2/authorize?response_type=code&client_id=my-client&redirect_uri=https%3A%2F%2Fshop.example%2Foauth%2Fcallback%2Fdropbox&scope=account_info.read&state=STATE&code_challenge=CHALLENGE&code_challenge_method=S256&token_access_type=offline
github https://github.com/login/oauth/authorize?response_type=code&client_id=my-client&redirect_uri=https%3A%2F%2Fshop.example%2Foauth%2Fcallback%2Fgithub&scope=read%3Auser&state=STATE&code_challenge=CHALLENGE&code_challenge_method=S256
google https://accounts.google.com/o/oauth2/v2/auth?response_type=code&client_id=my-client&redirect_uri=https%3A%2F%2Fshop.example%2Foauth%2Fcallback%2Fgoogle&scope=openid%20email&state=STATE&code_challenge=CHALLENGE&code_challenge_method=S256&nonce=NONCE&access_type=offline&prompt=consent
hubspot https://app.hubspot.com/oauth/authorize?response_type=code&client_id=my-client&redirect_uri=https%3A%2F%2Fshop.example%2Foauth%2Fcallback%2Fhubspot&scope=oauth&state=STATE
interact https://api.interact.com/oauth/authorize?response_type=code&client_id=my-client&redirect_uri=https%3A%2F%2Fshop.example%2Foauth%2Fcallback%2Finteract&scope=read_user%20write_data&state=STATE&code_challenge=CHALLENGE&code_challenge_method=S256
mailchimp https://login.mailchimp.com/oauth2/authorize?response_type=code&client_id=my-client&redirect_uri=https%3A%2F%2Fshop.example%2Foauth%2Fcallback%2Fmailchimp&state=STATE
microsoft https://login.microsoftonline.com/common/oauth2/v2.0/authorize?response_type=code&client_id=my-client&redirect_uri=https%3A%2F%2Fshop.example%2Foauth%2Fcallback%2Fmicrosoft&scope=offline_access%20User.Read&state=STATE&code_challenge=CHALLENGE&code_challenge_method=S256
salesforce https://login.salesforce.com/services/oauth2/authorize?response_type=code&client_id=my-client&redirect_uri=https%3A%2F%2Fshop.example%2Foauth%2Fcallback%2Fsalesforce&scope=api%20refresh_token&state=STATE&code_challenge=CHALLENGE&code_challenge_method=S256
shopify https://my-shop.myshopify.com/admin/oauth/authorize?response_type=code&client_id=my-client&redirect_uri=https%3A%2F%2Fshop.example%2Foauth%2Fcallback%2Fshopify&scope=read_products&state=STATE
slack https://slack.com/oauth/v2/authorize?response_type=code&client_id=my-client&redirect_uri=https%3A%2F%2Fshop.example%2Foauth%2Fcallback%2Fslack&scope=chat%3Awrite&state=STATE
zoho https://accounts.zoho.com/oauth/v2/auth?response_type=code&client_id=my-client&redirect_uri=https%3A%2F%2Fshop.example%2Foauth%2Fcallback%2Fzoho&scope=AaaServer.profile.READ&state=STATE&access_type=offline&prompt=consent
EOT
}

for f in "${top_srcdir:-.}"/providers/*.conf; do
	name=$(basename "$f" .conf)
	is "$name" "$name $(request "$name" "$(parameters "$name")")" \
	    "$(golden | grep "^$name ")"
done

finished
