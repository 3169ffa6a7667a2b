#!/bin/sh
# SPDX-License-Identifier: ISC
#
# check.sh - `oauth-cgi check` on sites that are broken on purpose, one fault at
# a time: it is found, by name, and what is told to mend it mends it. Without a
# web server; that part is tests/e2e/check.test.mjs.

# shellcheck source=tests/cgi/lib.sh
. "${top_srcdir:-.}/tests/cgi/lib.sh"

who=$(id -un)
root=$([ "$(id -u)" -eq 0 ] && echo yes || echo no)

# ---- asking -----------------------------------------------------------------

# check [ARGUMENT]...: sets $rc; the findings are in $T/found.
check() {
	"$command" -c "$conf" check --json "$@" >"$T/found" 2>"$T/said"
	rc=$?
	cat "$T/found" "$T/said" >>"$T/all"
	[ ! -s "$T/said" ] || not_ok "check says nothing beside" \
	    "$(cat "$T/said")"
}
command=$build/oauth-cgi

# looked [ARGUMENT]...: without asking anybody.
looked() {
	check --offline --user "$who" "$@"
}

# finding NAME: its line.
finding() {
	grep "\"finding\":\"$1\"" "$T/found" | head -n 1
}

# told NAME: the lines that mend it; # begins words around them.
told() {
	finding "$1" | sed -n 's/.*"mend":"\(.*\)"}$/\1/p' |
	    sed -e 's/\\u000a/\
/g' -e 's/\\\(["\\]\)/\1/g'
}

mend() {
	told "$1" | grep -v '^#'
}

# wrong EXIT NAME [PATTERN]: that is found, with that exit code, and a line
# that mends it; without a pattern words are enough.
wrong() {
	if [ "$rc" -eq "$1" ] && [ -n "$(finding "$2")" ]; then
		ok "$2 is found"
	else
		not_ok "$2 is found" "exit $rc, expected $1" \
		    "$(cat "$T/found")"
	fi
	if [ $# -gt 2 ]; then
		like "$2: how to mend it" "$(mend "$2")" "$3"
	else
		like "$2: how to mend it" "$(told "$2")" '^# .'
	fi
}

# obey NAME: run the lines that mend it.
obey() {
	mend "$1" | grep -v '^17 ' >"$T/mend.sh"	# no crontab
	(cd / && sh -e "$T/mend.sh") >"$T/mended" 2>&1 ||
	    not_ok "the lines for $1 can be run" "$(cat "$T/mend.sh")" \
	    "$(cat "$T/mended")"
}

# gone NAME
gone() {
	is "$1 is mended" "$(finding "$1")" ''
}

# cured NAME [ARGUMENT]...: obey, look again, and it has gone.
cured() {
	cured=$1
	shift
	obey "$cured"
	looked "$@"
	gone "$cured"
}

# write NAME: put the line that mends it in the place of what it sets.
write() {
	mend "$1" >"$T/lines"
	while IFS= read -r line; do
		word=${line%% *}
		grep -Eq "^[[:blank:]]*$word +=" "$conf" ||
		    sed -i "s|^\(provider demo {\)|\1\n\t$line|" "$conf"
		sed -i "s|^\([[:blank:]]*\)$word  *=.*|\1$line|" "$conf"
	done <"$T/lines"
}

# ---- all is well ------------------------------------------------------------

site http://localhost:8080/oauth
looked
is 'all is well: exit' "$rc" 0
unlike 'nothing is wrong' "$(cat "$T/found")" '"severity":"(wrong|unusable|later)"'
like 'the redirect URI is shown' "$(cat "$T/found")" \
    'http://localhost:8080/oauth/callback/demo'
like 'the sum is the last line' "$(tail -n 1 "$T/found")" \
    '^\{"ok":[0-9]+,"note":[0-9]+,"later":0,"wrong":0,"unusable":0,"exit":0\}$'

"$command" -c "$conf" check --offline --user "$who" >"$T/people" 2>&1
is 'for people: exit' "$?" 0
like 'themes stand alone' "$(cat "$T/people")" '^key files$'
like 'findings below them' "$(cat "$T/people")" '^  ok     .*token\.key'
like 'and a sum' "$(tail -n 1 "$T/people")" '^0 to mend, .*--offline'
unlike 'no colours but on a terminal' "$(cat "$T/people")" "$(printf '\033')"
unlike 'lines are short, but for those to copy' \
    "$(grep -v -e '^ *mend:' -e '^                ' "$T/people")" '^.{81}'
if command -v script >/dev/null 2>&1; then
	# on_terminal VARIABLE=VALUE: what it prints there.
	on_terminal() {
		script -qec "env TERM=xterm $1 '$command' -c '$conf' check \
		    --offline --user '$who'" /dev/null </dev/null
	}
	like 'colours on a terminal' "$(on_terminal A=b)" \
	    "$(printf '\033')\\[1;32mok"
	unlike 'but not with NO_COLOR' "$(on_terminal NO_COLOR=1)" \
	    "$(printf '\033')"
	like 'an empty one does not count' "$(on_terminal NO_COLOR=)" \
	    "$(printf '\033')"
fi
before=$(cksum "$conf" "$T/site/keys/"* "$T/site/db/oauth.db")
looked
is 'it changes nothing' \
    "$(cksum "$conf" "$T/site/keys/"* "$T/site/db/oauth.db")" "$before"

# ---- the configuration ------------------------------------------------------

chmod 644 "$conf"
looked
wrong 2 conf_mode '^chmod 6[04]0 '
cured conf_mode
is 'then all is well' "$rc" 0

mv "$conf" "$conf.away"
looked
wrong 2 conf_missing ' init'
obey conf_missing
looked
gone conf_missing
mine=$conf
conf=$T/new/etc/oauth-cgi.conf
looked
wrong 2 conf_missing '^mkdir -p '
cured conf_missing
conf=$mine
looked
wrong 1 conf_example '^url = '
mv "$conf.away" "$conf"

echo 'nonsense = 1' >>"$conf"
looked
wrong 2 conf_invalid
like 'it names file and line' "$(finding conf_invalid)" \
    "oauth-cgi\.conf:$(wc -l <"$conf" | tr -d ' '):"
sed -i '$d' "$conf"

sed -i 's|http://localhost:8080|http://shop.test|' "$conf"
looked
wrong 2 conf_invalid '^url = "https://shop\.test/oauth"$'
write conf_invalid
looked
gone conf_invalid
sed -i 's|https://shop\.test|http://localhost:8080|' "$conf"

sed -i 's|client_id = .*|client_id = "replace-me"|' "$conf"
looked
wrong 1 conf_example '^client_id = '
sed -i 's|client_id = .*|client_id = "demo-client"|' "$conf"

mv "$conf" "$T/saved.conf"
mkdir "$conf"
looked
wrong 2 conf_type '^mv '
cured conf_type
mv "$T/saved.conf" "$conf"

chmod 644 "$T/site/client.secret"
looked
wrong 2 conf_invalid "chmod 600 $T/site/client.secret"
cured conf_invalid

mkdir "$T/site/logs"
sed -i "s|^site {|site {\n\tlog = \"file:$T/site/logs/more/log\"|" "$conf"
looked
if [ "$root" = no ]; then
	wrong 1 log_closed '^install -d '
	mkdir "$T/site/logs/more"
	looked
	gone log_closed
fi
sed -i '/log = /d' "$conf"

# ---- pages ------------------------------------------------------------------

mkdir "$T/site/pages"
echo 'back = {nonsense}' >"$T/site/pages/en.txt"
looked
wrong 1 pages_invalid
like 'it names file and line' "$(finding pages_invalid)" 'pages/en\.txt:1: '
echo 'back = Home' >"$T/site/pages/en.txt"
chmod 666 "$T/site/pages/en.txt"
looked
wrong 1 pages_invalid "^chmod o-w $T/site/pages/en.txt"
cured pages_invalid
cp "$T/site/pages/en.txt" "$T/site/pages/fr.txt"
looked
wrong 0 pages_unfinished ' pages$'
rm -r "$T/site/pages"

# ---- key files --------------------------------------------------------------

chmod 644 "$T/site/keys/token.key"
looked
wrong 1 key_mode '^chmod 6[04]0 .*token\.key$'
cured key_mode
is 'then all is well' "$rc" 0

rm "$T/site/keys/pending.key"
looked
wrong 1 key_missing ' init'
cured key_missing
rm "$T/site/keys/pending.key"
mkdir "$T/site/keys/pending.key"
looked
wrong 1 key_type '^mv '
cured key_type
echo '1 abc' >"$T/site/keys/pending.key"
looked
wrong 1 key_invalid ' init'
cured key_invalid

# ---- the database -----------------------------------------------------------

db=$T/site/db/oauth.db
chmod 644 "$db"
looked
wrong 1 database_mode '^chmod 600 '
cured database_mode

rm "$db-lock"
looked
wrong 1 lock_missing ' init'
cured lock_missing

chmod 666 "$db-lock"
looked
wrong 1 lock_mode '^chmod 600 .*-lock$'
cured lock_mode

rm -f "$db-shm"
mkdir "$db-shm"
looked
wrong 1 database_unusable
rmdir "$db-shm"

chmod 777 "$T/site/db"
looked
wrong 1 database_folder '^chmod 700 '
cured database_folder

mkdir "$T/away"
mv "$T/site/db/"* "$T/away"
looked
wrong 1 database_missing ' init'
cured database_missing
rm "$T/site/db/"*
mv "$T/away/"* "$T/site/db/"

mv "$db" "$T/away/real"
ln -s "$T/away/real" "$db"
looked
wrong 1 database_type '^database = '
rm "$db"
mv "$T/away/real" "$db"

cp -p "$T/site/db/"* "$T/away"
truncate -s 80M "$db-wal"
looked
wrong 1 wal_large '^fuser '
rm "$db-wal"
looked
wrong 1 database_empty ' init'
cured database_empty
rm "$T/site/db/"*
mv "$T/away/"* "$T/site/db/"

sed -i "s|^site {|site {\n\tjournal = \"delete\"|" "$conf"
looked
wrong 1 journal_mode ' init'
cured journal_mode
is 'then all is well' "$rc" 0

# Now that the journal is not a log any more the pages are in the file.
cp "$db" "$T/away/whole"
printf '\0\0\0\0' | dd of="$db" bs=1 seek=60 conv=notrunc 2>/dev/null
looked
wrong 1 schema_old ' init'
printf '\0\0\0\143' | dd of="$db" bs=1 seek=60 conv=notrunc 2>/dev/null
looked
wrong 1 schema_new
printf 'none' | dd of="$db" bs=1 seek=68 conv=notrunc 2>/dev/null
looked
wrong 1 database_foreign '^database = '
cp "$T/away/whole" "$db"
pages=$(($(wc -c <"$db") / 4096))
dd if=/dev/zero of="$db" bs=4096 seek=$((pages - 2)) count=2 conv=notrunc \
    2>/dev/null
looked
wrong 1 database_damaged ' init'
head -c 4096 "$T/away/whole" >"$db"
looked
wrong 1 database_damaged ' init'
cp "$T/away/whole" "$db"
sed -i '/journal = /d' "$conf"
admin init >/dev/null
looked
is 'all is well again' "$rc" 0

# ---- where things lie -------------------------------------------------------

mkdir -p "$T/public_html/db"
cp -p "$T/site/db/"* "$T/public_html/db/"
sed -i "s|database = .*|database = \"$T/public_html/db/oauth.db\"|" "$conf"
looked
wrong 1 document_root '^database = "/var/lib/oauth-cgi/oauth\.db"$'
sed -i "s|database = .*|database = \"$db\"|" "$conf"

mkdir "$T/programs"
cp "$build/oauth-cgi" "$build/start.fcgi" "$build/callback.fcgi" \
    "$build/refresh.fcgi" "$T/programs"
command=$T/programs/oauth-cgi
chmod 644 "$T/programs/start.fcgi"
looked
wrong 1 program_mode '^chmod 755 '
cured program_mode
chmod 777 "$T/programs/start.fcgi"
looked
wrong 1 program_writable '^chmod 755 '
cured program_writable
rm "$T/programs/callback.fcgi"
looked
wrong 1 program_missing
command=$build/oauth-cgi

# ---- apps and upkeep --------------------------------------------------------

sed -i "s|^provider demo {|provider demo {\n\tapps = \"blog\"|" "$conf"
looked
wrong 1 app_unknown ' app add blog$'
cured app_unknown
like 'two apps are worth to know' "$(finding app_several)" '"severity":"note"'
is 'but not wrong' "$rc" 0
sed -i '/apps = /d' "$conf"
admin app remove blog
admin app remove shop
looked
wrong 1 app_none ' app add shop$'
cured app_none

like 'purge has not run yet' "$(finding purge_never)" '"severity":"note"'
cured purge_never
admin connect demo me >/dev/null
looked
like 'a link that is open is told' "$(finding links_open)" '"severity":"note"'

if command -v sqlite3 >/dev/null 2>&1; then
	sqlite3 "$db" "UPDATE upkeep SET done_at = done_at - 200000"
	looked
	wrong 1 purge_late ' purge$'
	cured purge_late
	sqlite3 "$db" "DELETE FROM upkeep;
	    UPDATE app SET created_at = created_at - 200000"
	looked
	wrong 1 purge_never ' purge$'
	cured purge_never
	sqlite3 "$db" "UPDATE app_key SET
	    expires_at = unixepoch('now') + 3600"
	looked
	like 'an app key that ends' "$(finding app_key_ends)" '"severity":"note"'
	sqlite3 "$db" "UPDATE app SET created_at = created_at + 400000"
	looked
	wrong 1 clock '^timedatectl '
	sqlite3 "$db" "UPDATE app SET created_at = created_at - 300000"
	looked
	gone clock
	sqlite3 "$db" "BEGIN IMMEDIATE" ".shell touch '$T/held'; sleep 8" &
	holder=$!
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ -e "$T/held" ] && break
		sleep 0.1
	done
	looked
	wrong 3 database_busy '^fuser '
	kill "$holder"
	wait "$holder" 2>/dev/null
	sqlite3 "$db" "DELETE FROM app_key"
	looked
	wrong 1 app_no_key ' app key shop$'
	cured app_no_key
else
	echo '# skipped: there is no sqlite3'
fi

# ---- as root: other users, and a full disk ----------------------------------

# rounds NAME: what is told about the secret's file ends in two rounds, and
# then the other commands take it too.
rounds() {
	for round in 1 2; do
		check --offline
		[ "$rc" -ne 0 ] || break
		is "$1: one finding" \
		    "$(grep -c '"severity":"unusable"' "$T/found")" 1
		obey conf_invalid
		[ -s "$secret" ] || echo demo-secret >"$secret"
	done
	check --offline
	is "$1: ends in $round rounds" "$rc" 0
	admin app list >"$T/listed" 2>&1
	is "$1: then other commands take it" "$?" 0
}

secret_files() {
	secret=$T/other/demo.secret
	sed -i "s|client_secret = .*|client_secret = \"file:$secret\"|" "$conf"
	rounds 'no secret file'
	for of in root:root nobody daemon; do
		for mode in 644 600 400 000; do
			chown "$of" "$secret"
			chmod "$mode" "$secret"
			rounds "a secret file of $of, mode $mode"
		done
	done
	chown nobody "$secret"
	chmod 400 "$secret"
	check --offline
	is "the programs' own secret file is taken" "$rc" 0
	sed -i 's|client_secret = .*|client_secret = "demo-secret"|' "$conf"
}

as_root() {
	chmod 711 "$T"
	mkdir "$T/other"
	chmod 755 "$T/other"
	mine=$conf
	conf=$T/other/oauth-cgi.conf
	sed -e "s|$T/site/db|$T/other/oauth-cgi|" \
	    -e "s|$T/site/keys|$T/other/oauth-cgi/keys|" \
	    -e 's|client_secret = .*|client_secret = "demo-secret"|' \
	    "$mine" >"$conf"
	chown "root:$(id -gn nobody)" "$conf"
	chmod 640 "$conf"
	admin init --user nobody >/dev/null || exit 99
	admin app add shop >/dev/null
	check --offline
	is 'as root, for another user: exit' "$rc" 0
	like 'it is looked at as he' "$(cat "$T/found")" 'as user nobody'

	chown daemon "$T/other/oauth-cgi/oauth.db"
	check --offline
	wrong 1 database_owner '^chown nobody .*oauth\.db'
	chown root "$T/other/oauth-cgi/oauth.db"
	check --offline
	wrong 1 database_owner '^chown nobody .*oauth\.db'
	obey database_owner
	check --offline
	gone database_owner
	chown root "$T/other/oauth-cgi/oauth.db-lock"
	check --offline
	wrong 1 lock_owner '^chown nobody '
	obey lock_owner
	check --offline
	gone lock_owner
	chown root:root "$T/other/oauth-cgi/keys/token.key"
	chmod 600 "$T/other/oauth-cgi/keys/token.key"
	check --offline
	wrong 1 key_closed '^chown root:.* && chmod 640 '
	obey key_closed
	check --offline
	gone key_closed
	chown daemon "$T/other/oauth-cgi/keys/token.key"
	check --offline
	wrong 1 key_owner '^chown nobody .* && chmod 600 '
	obey key_owner
	check --offline
	gone key_owner
	chown daemon "$conf"
	check --offline --user nobody
	wrong 2 conf_owner '^chown nobody .* && chmod 600 '
	obey conf_owner
	check --offline
	gone conf_owner
	mkdir -m 700 "$T/other/home"
	mv "$T/other/oauth-cgi/keys" "$T/other/home/"
	sed -i "s|keys = .*|keys = \"$T/other/home/keys\"|" "$conf"
	check --offline
	wrong 1 key_closed '^keys = "/var/lib/oauth-cgi/keys"$'
	unlike 'a folder that others live in is not given away' \
	    "$(mend key_closed)" '^chown'
	mv "$T/other/home/keys" "$T/other/oauth-cgi/"
	sed -i "s|keys = .*|keys = \"$T/other/oauth-cgi/keys\"|" "$conf"
	chown root "$T/other/oauth-cgi/keys"
	check --offline
	wrong 1 key_closed "^chown nobody $T/other/oauth-cgi/keys\$"
	obey key_closed
	check --offline
	gone key_closed
	chown root:root "$conf"
	check --offline
	wrong 2 conf_closed '^chown root:.* && chmod 640 '
	obey conf_closed
	check --offline
	gone conf_closed
	is 'then all is well' "$rc" 0
	secret_files
	rm "$T/other/oauth-cgi/oauth.db-lock"
	check --offline
	wrong 1 lock_missing ' init --user nobody$'
	obey lock_missing
	check --offline
	gone lock_missing
	check --offline --user no-such-user
	is 'an unknown user: exit' "$rc" 1
	like 'is told' "$(cat "$T/found")" '"finding":"user_unknown"'
	conf=$mine

	check --offline
	wrong 1 database_owner '^chown [^ ]+ .*oauth\.db'
	conf=$T/none.conf
	check --offline
	wrong 2 conf_missing ' init --user [^ ]+$'
	conf=$mine

	mkdir "$T/small"
	if mount -t tmpfs -o size=300k,mode=700 oac "$T/small" 2>/dev/null
	then
		cp -p "$T/site/db/"* "$T/small/"
		sed -i "s|database = .*|database = \"$T/small/oauth.db\"|" \
		    "$conf"
		looked
		wrong 1 disk_low '^df '
		head -c 300000 /dev/zero >"$T/small/filler" 2>/dev/null
		looked
		wrong 1 disk_full '^df '
		rm "$T/small/filler"
		mount -o remount,ro "$T/small"
		looked
		like 'read-only is told' "$(cat "$T/found")" \
		    '"finding":"(disk_readonly|database_)'
		umount "$T/small"
		sed -i "s|database = .*|database = \"$db\"|" "$conf"
	else
		echo '# skipped: no file system can be mounted here'
	fi
}
if [ "$root" = yes ]; then
	as_root
else
	check --offline --user root
	wrong 1 user_needs_root '^sudo '
fi

# ---- providers --------------------------------------------------------------

# asked: as `provider test`, which needs no site.
asked() {
	"$command" -c "$conf" provider test demo --json >"$T/found" \
	    2>"$T/said"
	rc=$?
	cat "$T/found" "$T/said" >>"$T/all"
}

site http://localhost:8080/oauth
asked
wrong 3 provider_refused '^curl '
sed -i 's|http://127.0.0.1:9/|https://127.0.0.1:9/|' "$conf"
asked
is 'nobody answers: exit' "$rc" 3
sed -i 's|https://127.0.0.1:9/|https://oauth-cgi.invalid/|' "$conf"
asked
like 'no address' "$(cat "$T/found")" '"finding":"provider_(dns|timeout)"'
is 'no address: exit' "$rc" 3
"$command" -c "$conf" provider test other --json >"$T/found" 2>"$T/said"
rc=$?
wrong 1 provider_unknown '^provider other'

# The rest needs curl, for the scripted provider's controls.
provider
site http://localhost:8080/oauth
asked
is 'a provider that knows us: exit' "$rc" 0
unlike 'nothing to mend' "$(cat "$T/found")" '"severity":"(wrong|later)"'

control set redirect_uri=http://localhost:8080/oauth/callback/demo
asked
is 'a redirect URI that is registered: exit' "$rc" 0
control set redirect_uri= auto=0
asked
is 'a redirect URI that nobody tells about: exit' "$rc" 0
like 'it is shown' "$(finding redirect_uri_unchecked)" \
    'http://localhost:8080/oauth/callback/demo'
control set auto=1 redirect_uri=http://localhost:8080/callback
asked
wrong 1 redirect_uri '^http://localhost:8080/oauth/callback/demo$'
control set redirect_uri= client_id=another-client
asked
wrong 1 client_id '^client_id = '
wrong 1 client_refused '^client_secret = '
control set client_id=demo-client authorize_error=invalid_scope
asked
wrong 1 scope '^scope = '
control set authorize_error=unauthorized_client
asked
wrong 1 authorize_refused '^client_id = '
control set authorize_error= client_secret=another-secret
asked
wrong 1 client_refused '^client_secret = '
before=$(calls authorization_code)
asked
is 'it asks in all ways, once each' "$(calls authorization_code)" \
    $((before + 4))
control set client_secret=demo-secret

# style SETTING...: the provider wants it so; the lines that mend it do.
style() {
	cp "$conf" "$T/before.conf"
	control set "$@"
	asked
	wrong 1 auth_style '^(auth|body) = '
	is "$*: that is what is to be changed, and no more" \
	    "$(mend auth_style | tr -d ' ' | sort | tr '\n' ' ')" "$* "
	write auth_style
	asked
	gone auth_style
	is "$*: then all is well" "$rc" 0
	cp "$T/before.conf" "$conf"
	control set auth=any body=any
}
style auth=basic
style body=json
style auth=basic body=json
sed -i 's|^provider demo {|provider demo {\n\tauth = basic\n\tbody = json|' \
    "$conf"
style auth=post body=form
style auth=post
sed -i -e '/auth = /d' -e '/body = /d' "$conf"

control set 'fail=*:503'
asked
wrong 3 provider_error
control set 'fail=*:429'
asked
wrong 3 provider_limit
control set 'fail=*:override' override_status=200 override_type=text/html \
    'override_body=<p>Welcome'
asked
wrong 1 token_url '^token_url = '
control set override_status=400 override_type=application/json \
    'override_body={"error":"invalid_request"}'
asked
is 'an answer that tells nothing: exit' "$rc" 0
like 'it is worth to know' "$(finding token_answer)" '"severity":"note"'
control set fail=
sed -i 's|/token"|/tokens"|' "$conf"
asked
wrong 1 token_url '^token_url = '
sed -i -e 's|/tokens"|/token"|' -e 's|/authorize"|/authorise"|' "$conf"
asked
wrong 1 authorize_url '^authorize_url = '
sed -i 's|/authorise"|/authorize"|' "$conf"
control set 'date=Sun, 06 Nov 1994 08:49:37 GMT'
asked
wrong 1 clock '^timedatectl '
control set date=

if command -v openssl >/dev/null 2>&1; then
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -keyout "$T/tls.key" -out "$T/tls.pem" -days 2 \
	    -subj /CN=localhost -addext subjectAltName=DNS:localhost \
	    2>/dev/null
	plain=$provider_pid
	"$build/tests/provider/provider" --port 0 --tls "$T/tls.pem" \
	    "$T/tls.key" --set auto=1 >"$T/tls" 2>&1 </dev/null &
	provider_pid="$plain $!"
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		grep -q '^listening on ' "$T/tls" && break
		sleep 0.1
	done
	port=$(sed -n 's/^listening on .*://p' "$T/tls")
	cp "$conf" "$T/before.conf"
	sed -i "s|$upstream/|https://localhost:$port/|" "$conf"
	asked
	wrong 1 provider_certificate '^openssl s_client '
	sed -i "s|^provider demo {|provider demo {\n\tca_file = \"$T/tls.pem\"|" \
	    "$conf"
	asked
	gone provider_certificate
	is 'with its ca_file all is well' "$rc" 0
	sed -i "s|ca_file = .*|ca_file = \"$T/nowhere.pem\"|" "$conf"
	asked
	wrong 1 provider_ca_file 'ca-certificates'
	cp "$T/before.conf" "$conf"
else
	echo '# skipped: there is no openssl'
fi

# ---- connections, and the keys that they need -------------------------------

connect '&app=shop'
redeemed=$(refresh "ticket=$ticket&bind=$bind&subject=42"; echo "$code")
is 'a connection' "$redeemed" 200
looked
like 'is counted' "$(cat "$T/found")" '1 connections, 1 of them well'
cp -p "$T/site/keys/token.key" "$T/token.key"
sed -i 's/^1 /2 /' "$T/site/keys/token.key"
looked
wrong 1 key_lost '^1 THAT-KEY$'
cp -p "$T/token.key" "$T/site/keys/token.key"
looked
gone key_lost
sed "s/^1 .*/1 $(printf '%064d' 7)/" "$T/token.key" >"$T/site/keys/token.key"
looked
wrong 1 key_other '^1 THAT-KEY$'
cp -p "$T/token.key" "$T/site/keys/token.key"
looked
gone key_other
sed -i 's|client_id = .*|client_id = "new-client"|' "$conf"
looked
wrong 1 connections_client
sed -i 's|client_id = .*|client_id = "demo-client"|' "$conf"
sed -i 's|^provider demo|provider other|' "$conf"
looked
wrong 1 connections_provider '^provider demo \{'
sed -i 's|^provider other|provider demo|' "$conf"
control set ttl=1
connect '&app=shop'
refresh "ticket=$ticket&bind=$bind&subject=43"
control revoke
sleep 2
refresh 'provider=demo&subject=43'
is 'a connection that the provider ends' "$code" 409
looked
like 'a broken one is told' "$(finding connections_broken)" '"severity":"note"'
if command -v sqlite3 >/dev/null 2>&1; then
	for state in 'degraded status = 1' 'uncertain status = 2' \
	    'uncertain status = 0, rotates = 1, attempt_at = 1'; do
		sqlite3 "$db" "UPDATE connection SET ${state#* }"
		looked
		is "${state#* }: exit" "$rc" 0
		like 'is told' "$(finding "connections_${state%% *}")" \
		    '"2 of 2 connections'
	done
fi

control set 'fail=*:override' override_status=400 \
    override_type=application/json \
    'override_body={"error":"redirect_uri_mismatch"}'
sed -i "s|^provider demo {|provider demo {\n\tclient_errors = \
\"redirect_uri_mismatch\"|" "$conf"
asked
wrong 1 redirect_uri '^http://localhost:8080/oauth/callback/demo$'

# ---- secrets ----------------------------------------------------------------

unlike 'no secret was ever told' "$(cat "$T/all" "$T/people")" \
    "$(sed -n 's/^1 //p' "$T/site/keys/token.key")|demo-secret\
|$(sed -n 's/^1 //p' "$T/site/keys/pending.key")|$key"
rm -f "$T/odd"

finished
