#!/bin/sh
# SPDX-License-Identifier: ISC
#
# presets.sh - each shipped preset with a client_id and a client_secret alone:
# the authorization request, the exchange of a code and the refresh, whole. A
# change of a preset changes its lines here, and no others.

# shellcheck source=tests/cgi/lib.sh
. "${top_srcdir:-.}/tests/cgi/lib.sh"

site https://shop.example/oauth
presets=
for f in "${top_srcdir:-.}"/providers/*.conf; do
	presets="$presets $(basename "$f" .conf)"
done
for preset in $presets; do
	printf 'provider %s {\n\tclient_id = "my-client"\n' "$preset"
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

authorizations() {
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

for preset in $presets; do
	is "$preset" "$preset $(request "$preset" "$(parameters "$preset")")" \
	    "$(authorizations | grep "^$preset ")"
done

# ---- the token requests ----

# Of the same presets, with a provider of the tests behind their URLs.
provider ttl=1 pkce=optional hmac=on
site http://localhost:8080/oauth
for preset in $presets; do
	printf 'provider %s {\n\tclient_id = "demo-client"\n' "$preset"
	printf '\tclient_secret = "demo-secret"\n\tallow_insecure = yes\n'
	printf '\tauthorize_url = "%s/authorize"\n' "$upstream"
	printf '\ttoken_url = "%s/token"\n' "$upstream"
	printf '\trevoke_url = ""\n\trevoke = none\n}\n'
done >>"$conf"

# The provider's last call: how the client proved itself, the type of the
# body, and its parameters, without the values that the provider hides.
last_call() {
	tail -n 1 "$T/state/calls.log" | sed -E -e 's/"[0-9a-f]{8}"/"*"/g' \
	    -e 's/.*"content_type":"application\/([^"]*)".*"auth":"([^"]*)",'\
'"params":\{([^}]*)\},"worked":true,.*/\2 \1 \3/' \
	    -e 's/x-www-form-urlencoded/form/; s/"//g'
}

exchanges() {
	cat <<'EOT'
dropbox post form grant_type:authorization_code,code:*,redirect_uri:http://localhost:8080/oauth/callback/dropbox,code_verifier:*,client_id:demo-client,client_secret:*
github post form grant_type:authorization_code,code:*,redirect_uri:http://localhost:8080/oauth/callback/github,code_verifier:*,client_id:demo-client,client_secret:*
google post form grant_type:authorization_code,code:*,redirect_uri:http://localhost:8080/oauth/callback/google,code_verifier:*,client_id:demo-client,client_secret:*
hubspot post form grant_type:authorization_code,code:*,redirect_uri:http://localhost:8080/oauth/callback/hubspot,client_id:demo-client,client_secret:*
interact post json grant_type:authorization_code,code:*,redirect_uri:http://localhost:8080/oauth/callback/interact,code_verifier:*,client_id:demo-client,client_secret:*
mailchimp post form grant_type:authorization_code,code:*,redirect_uri:http://localhost:8080/oauth/callback/mailchimp,client_id:demo-client,client_secret:*
microsoft post form grant_type:authorization_code,code:*,redirect_uri:http://localhost:8080/oauth/callback/microsoft,code_verifier:*,client_id:demo-client,client_secret:*
salesforce post form grant_type:authorization_code,code:*,redirect_uri:http://localhost:8080/oauth/callback/salesforce,code_verifier:*,client_id:demo-client,client_secret:*
shopify post form grant_type:authorization_code,code:*,redirect_uri:http://localhost:8080/oauth/callback/shopify,expiring:1,client_id:demo-client,client_secret:*
slack basic form grant_type:authorization_code,code:*,redirect_uri:http://localhost:8080/oauth/callback/slack
zoho post form grant_type:authorization_code,code:*,redirect_uri:http://localhost:8080/oauth/callback/zoho,client_id:demo-client,client_secret:*
EOT
}

refreshes() {
	cat <<'EOT'
dropbox post form grant_type:refresh_token,refresh_token:*,client_id:demo-client,client_secret:*
github post form grant_type:refresh_token,refresh_token:*,client_id:demo-client,client_secret:*
google post form grant_type:refresh_token,refresh_token:*,client_id:demo-client,client_secret:*
hubspot post form grant_type:refresh_token,refresh_token:*,client_id:demo-client,client_secret:*
interact post json grant_type:refresh_token,refresh_token:*,client_id:demo-client,client_secret:*
mailchimp post form grant_type:refresh_token,refresh_token:*,client_id:demo-client,client_secret:*
microsoft post form grant_type:refresh_token,refresh_token:*,client_id:demo-client,client_secret:*
salesforce post form grant_type:refresh_token,refresh_token:*,client_id:demo-client,client_secret:*
shopify post form grant_type:refresh_token,refresh_token:*,client_id:demo-client,client_secret:*
slack basic form grant_type:refresh_token,refresh_token:*
zoho post form grant_type:refresh_token,refresh_token:*,client_id:demo-client,client_secret:*
EOT
}

for preset in $presets; do
	get start "provider=$preset&bind=$bind&return_to=%2Faccount$(
	    parameters "$preset")"
	consent
	get callback "$back" PATH_INFO="/$preset"
	is "$preset, a code" "$preset $(last_call)" \
	    "$(exchanges | grep "^$preset ")"
	refresh "ticket=$(param ticket "$location")&bind=$bind&subject=me"
	is "$preset, a ticket" "$code" 200
done
sleep 1.1	# the tokens live for a second
for preset in $presets; do
	refresh "provider=$preset&subject=me"
	is "$preset, a token" "$code" 200
	is "$preset, a refresh" "$preset $(last_call)" \
	    "$(refreshes | grep "^$preset ")"
done

finished
