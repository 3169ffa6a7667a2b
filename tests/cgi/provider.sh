#!/bin/sh
# SPDX-License-Identifier: ISC
#
# provider.sh - oauth-cgi provider list and show.

# shellcheck source=tests/cgi/lib.sh
. "${top_srcdir:-.}/tests/cgi/lib.sh"

site http://localhost:8080/oauth
mkdir "$T/site/providers"
cat >"$T/site/providers/acme.conf" <<EOT
provider acme {
	authorize_url = "https://acme.example/authorize"
	token_url = "https://acme.example/token"
	pkce = off
}
EOT
cp "$T/site/providers/acme.conf" "$T/site/providers/No Name.conf"
cat >>"$conf" <<EOT
provider acme {
	client_id = "acme-client"
	client_secret = "acme-hidden"
	scope = "read"
	apps = "shop blog"
}
provider shopify {
	client_id = "shop-client"
	client_secret = "shop-hidden"
	field shop { example = "mine.myshopify.com" }
}
provider open {
	preset = interact
	client_id = "open-client"
	auth = none
}
EOT
# line TEXT: where it stands in the configuration, for a pattern.
line() {
	echo "$conf:$(grep -nF "$1" "$conf" | head -n 1 | cut -d: -f1)"
}

# ---- list ----

printed=$(admin provider list)
is 'list: exit' $? 0
like 'a configured provider, its redirect URI and its label' "$printed" \
    '^shopify +http://localhost:8080/oauth/callback/shopify +Shopify$'
like 'an embedded preset' "$printed" '^dropbox +preset +embedded$'
like 'a preset from a file' "$printed" \
    "^acme +preset +$T/site/providers/acme\\.conf\$"
unlike 'a file that no section can name' "$printed" 'No Name'
for f in "${top_srcdir:-.}"/providers/*.conf; do
	name=$(basename "$f" .conf)
	is "$name is listed once" \
	    "$(printf '%s\n' "$printed" | grep -c "^$name  *preset ")" 1
done
cp "${top_srcdir:-.}/providers/dropbox.conf" "$T/site/providers/"
printed=$(admin provider list --json)
like 'as JSON: a provider' "$printed" '^\{"provider":"acme","label":"acme",'\
'"redirect_uri":"http://localhost:8080/oauth/callback/acme"\}$'
like 'a preset' "$printed" \
    '^\{"preset":"google","embedded":true,"file":null\}$'
like 'a file goes before the embedded one' "$printed" '^\{"preset":'\
"\"dropbox\",\"embedded\":false,\"file\":\"$T/site/providers/dropbox.conf\"\\}\$"
is 'which is not told too' "$(printf '%s\n' "$printed" |
    grep -c '"preset":"dropbox"')" 1

# ---- show ----

printed=$(admin provider show acme)
is 'show: exit' $? 0
like 'the redirect URI to register' "$printed" \
    'redirect URI: http://localhost:8080/oauth/callback/acme$'
like 'a setting of the configuration' "$printed" \
    "^scope +read  \\($(line 'scope = "read"')\\)\$"
like 'one of a preset in a file' "$printed" "^authorize_url +\
https://acme\\.example/authorize  \\($T/site/providers/acme\\.conf:2\\)\$"
like 'one that nobody wrote' "$printed" '^auth +post  \(usual\)$'
like 'refresh_url is token_url' "$printed" \
    '^refresh_url +https://acme\.example/token  \(usual\)$'
like 'pkce' "$printed" '^pkce +off '
like 'apps' "$printed" '^apps +shop blog '
like 'there is a secret' "$printed" \
    "^client_secret +\\(there is one\\)  \\($(line 'acme-hidden')\\)\$"
unlike 'what is not shown' "$printed" hidden

printed=$(admin provider show shopify)
like 'a setting of an embedded preset' "$printed" \
    '^scope_separator +comma  \(preset shopify:[0-9]+\)$'
like 'its field' "$printed" '^field shop$'
like 'the pattern' "$printed" '^pattern .*myshopify.*\(preset shopify:[0-9]+\)$'
like 'an example of the configuration' "$printed" \
    "^example +mine\\.myshopify\\.com  \\($(line 'field shop')\\)\$"
like 'where its value comes from' "$printed" '^from +start  \(usual\)$'
printed=$(admin provider show shopify --json)
like 'as JSON: a setting' "$printed" \
    '"token_params":\{"value":"expiring=1","from":"preset shopify:[0-9]+"\}'
like 'whether there is a secret' "$printed" \
    '"client_secret":\{"given":true,"from":"[^"]+:[0-9]+"\}'
like 'a field' "$printed" \
    '"fields":\{"shop":\{"from":\{"value":"start","from":null\},'
unlike 'and no secret' "$printed" hidden
like 'without a secret' "$(admin provider show open)" \
    '^client_secret +\(none\)  \(usual\)$'

# show NAME that is not there, and calls that are none
admin provider show nobody >"$T/printed"
is 'show of nobody: exit' $? 1
admin provider show >"$T/printed"
is 'show without a name: exit' $? 2
admin provider list acme >"$T/printed"
is 'list with a name: exit' $? 2
admin provider nonsense >"$T/printed"
is 'another verb: exit' $? 2

finished
