#!/bin/sh
# SPDX-License-Identifier: ISC
#
# admin.sh - the operator's command: init, apps and keys, help, exit codes; and
# what a web program makes of its arguments.

# shellcheck source=tests/cgi/lib.sh
. "${top_srcdir:-.}/tests/cgi/lib.sh"

site http://localhost:8080/oauth

# cmd ARGUMENT...: sets $rc, $printed, $said.
cmd() {
	printed=$("$build/oauth-cgi" "$@" 2>"$T/said" </dev/null)
	rc=$?
	said=$(cat "$T/said")
	cat "$T/said" >>"$log"
}
# exits NAME CODE ARGUMENT...
exits() {
	name=$1 want=$2
	shift 2
	cmd "$@"
	if [ "$rc" -eq "$want" ]; then
		ok "$name: exit $want"
	else
		not_ok "$name" "exit $rc, expected $want" "$said"
	fi
}
sums() {
	cksum "$conf" "$T/site/keys/pending.key" "$T/site/keys/token.key"
}

# ---- init ----

before=$(sums)
exits 'init again' 0 -c "$conf" init
is 'it overwrites nothing' "$(sums)" "$before"
get start provider=demo
is 'and what there was goes on' "$code" 303
exits 'the app is still there' 0 -c "$conf" app list
like 'app list' "$printed" '^shop .*https://shop.example'
for f in "$T/site/keys/pending.key" "$T/site/keys/token.key" \
    "$T/site/db/oauth.db"; do
	like "$(basename "$f") is for its owner alone" \
	    "$(find "$f" -perm 600 -o -perm 400)" .
done
mkdir "$T/new"
exits 'init without a configuration' 0 -c "$T/new/oauth-cgi.conf" init
yes 'it writes an example' grep -q '^site {' "$T/new/oauth-cgi.conf"
like 'and says what it has created' "$printed" 'created .*/new/oauth-cgi.conf'
exits 'init where there is no folder' 2 -c "$T/nowhere/oauth-cgi.conf" init

# As root without --user, and then with it: the programs can use all of it.
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null 2>&1; then
	chmod 711 "$T"
	mkdir "$T/two"
	chmod 755 "$T/two"
	sed -e "s|$T/site|$T/two|" \
	    -e 's|client_secret = .*|client_secret = "demo-secret"|' \
	    "$conf" >"$T/two/oauth-cgi.conf"
	exits 'init by root, without --user' 0 -c "$T/two/oauth-cgi.conf" init
	like 'is warned of' "$said" '--user NAME'
	exits 'and with it' 0 -c "$T/two/oauth-cgi.conf" init --user nobody
	exits 'an app' 0 -c "$T/two/oauth-cgi.conf" app add shop
	# The build folder may be closed to nobody.
	cp "$build/start.fcgi" "$T/two/" && chmod 755 "$T/two/start.fcgi"
	like 'nobody can run a program with it' "$(setpriv --reuid=nobody \
	    --regid=nogroup --clear-groups env -i QUERY_STRING=provider=demo \
	    OAUTH_CGI_CONFIG="$T/two/oauth-cgi.conf" REQUEST_METHOD=GET \
	    HTTP_HOST=localhost:8080 "$T/two/start.fcgi" 2>&1 </dev/null)" \
	    '^Status: 303'
	is 'what others may enter is not given away' \
	    "$(stat -c %U "$T/two")" root
fi

# ---- apps and keys ----

exits 'app add' 0 -c "$conf" app add blog --origin https://blog.example \
    --origin HTTPS://Other.Example:443/
like 'the key is alone on standard output' "$printed" \
    '^oacgi_[A-Za-z0-9_-]{43}$'
is 'one line' "$(printf '%s\n' "$printed" | wc -l | tr -d ' ')" 1
blog=$printed
exits 'the same app again' 1 -c "$conf" app add blog
is 'prints no key' "$printed" ''
sleep 1	# two keys of one second have no order
exits 'app key' 0 -c "$conf" app key blog
second=$printed
unlike 'is another key' "$second" "^$blog\$"
for key in "$blog" "$second"; do
	refresh 'provider=demo&subject=me'
	is 'both keys are good' "$code" 404
done
exits 'a third key' 1 -c "$conf" app key blog
exits 'app retire' 0 -c "$conf" app retire blog
is 'prints nothing' "$printed" ''
key=$blog
refresh 'provider=demo&subject=me'
is 'ends the older key' "$code" 401
key=$second
refresh 'provider=demo&subject=me'
is 'but not the newer' "$code" 404
exits 'app retire, of one key' 1 -c "$conf" app retire blog
exits 'app retire of nobody' 1 -c "$conf" app retire nobody
exits 'a second key again' 0 -c "$conf" app key blog
exits 'app key --replace' 0 -c "$conf" app key blog --replace
third=$printed
for key in "$blog" "$second"; do
	refresh 'provider=demo&subject=me'
	is 'it ends the older ones' "$code" 401
done
key=$third
refresh 'provider=demo&subject=me'
is 'it is good itself' "$code" 404
exits 'app list --json' 0 -c "$conf" app list --json
like 'origins in their canonical form' "$printed" \
    '"app":"blog","origins":"https://blog.example https://other.example"'
unlike 'no key is listed' "$printed" oacgi_
exits 'app key --json' 0 -c "$conf" app key blog --replace --json
like 'as JSON' "$printed" '^\{"app":"blog","key":"oacgi_[A-Za-z0-9_-]{43}"\}$'
exits 'app remove' 0 -c "$conf" app remove blog
refresh 'provider=demo&subject=me'
is 'its keys are gone' "$code" 401
exits 'app remove again' 1 -c "$conf" app remove blog
exits 'app key of nobody' 1 -c "$conf" app key nobody
exits 'a bad name' 2 -c "$conf" app add 'No Good'
for o in shop.example ftp://shop.example https://shop.example/path \
    https://user@shop.example 'https://a https://b' ''; do
	exits "origin '$o'" 2 -c "$conf" app add other --origin "$o"
done

# ---- connections that are not there ----

exits 'connect' 0 -c "$conf" connect demo me
exits 'connect --json' 0 -c "$conf" connect demo me --json
like 'as JSON' "$printed" \
    '^\{"url":"http://localhost:8080/oauth/start\?link=.*","expires_at":[0-9]+\}$'
exits 'connect to nobody' 1 -c "$conf" connect nobody me
exits 'connect without a subject' 2 -c "$conf" connect demo ''
exits 'show' 1 -c "$conf" show demo me
exits 'token' 1 -c "$conf" token demo me
is 'prints no token' "$printed" ''
exits 'retry' 1 -c "$conf" retry demo me
exits 'list' 0 -c "$conf" list
exits 'list of an app that is not there' 1 -c "$conf" list --app nobody
exits 'a min-valid that is no number' 2 -c "$conf" token demo me --min-valid x
like 'which is said' "$said" 'min-valid is a number'
exits 'purge' 0 -c "$conf" purge
is 'purge is silent when all is well' "$printed$said" ''

# ---- help and usage ----

exits '--help' 0 --help
commands=$(printf '%s\n' "$printed" |
    sed -n 's/^  oauth-cgi \([a-z]*\).*/\1/p' | sort -u)
like 'it names the commands' "$commands" '^init$'
for c in $commands; do
	exits "$c --help" 0 "$c" --help
	like "$c --help tells its usage" "$printed" \
	    "^usage: oauth-cgi \[-c FILE\] $c"
	is "$c --help says nothing else" "$said" ''
	exits "$c --nonsense" 2 -c "$conf" "$c" --nonsense
	exits "$c with too many arguments" 2 -c "$conf" "$c" a b c d
done
exits 'no command' 2
exits 'an unknown command' 2 -c "$conf" nonsense
exits 'an option of another command' 2 -c "$conf" list --origin https://a.b
exits '-c without a file' 2 list -c
exits '--version' 0 --version
like 'the version' "$printed" '^oauth-cgi [0-9]'
exits 'version --libs' 0 version --libs
like 'the libraries too' "$printed" '^  libcurl [0-9]'
exits '--libs elsewhere' 2 list --libs
exits '-c behind the command' 0 app list -c "$conf"
is 'does the same' "$printed" "$("$build/oauth-cgi" -c "$conf" app list)"
exits '-c between' 0 app -c "$conf" list
OAUTH_CGI_CONFIG=$conf
export OAUTH_CGI_CONFIG
exits 'OAUTH_CGI_CONFIG' 0 app list
exits '-c goes before it' 2 -c "$T/nowhere.conf" app list
unset OAUTH_CGI_CONFIG

# ---- a configuration that is wrong ----

cp "$conf" "$T/site/bad.conf"
printf 'nonsense = 1\n' >>"$T/site/bad.conf"
line=$(wc -l <"$T/site/bad.conf" | tr -d ' ')
exits 'an unknown key' 2 -c "$T/site/bad.conf" list
like 'file and line are named' "$said" "bad\.conf:$line:"
exits 'no configuration' 2 -c "$T/nowhere.conf" list
like 'is named, too' "$said" 'nowhere\.conf'
sed 's|localhost:8080|shop.example|' "$conf" >"$T/site/bad.conf"
exits 'http to another host' 2 -c "$T/site/bad.conf" list
cp "$conf" "$T/site/bad.conf"
chmod 644 "$T/site/bad.conf"
exits 'readable by others' 2 -c "$T/site/bad.conf" list
mv "$T/site/db" "$T/site/away"
exits 'no database' 2 -c "$conf" list
mv "$T/site/away" "$T/site/db"

# ---- pages ----

exits 'pages' 0 -c "$conf" pages
like 'the languages' "$printed" '^de +shipped$'
like 'the style' "$printed" '^style +shipped$'
like 'where own ones belong' "$printed" "$T/site/pages\$"
exits 'pages de' 0 -c "$T/nowhere" pages de
like 'prints the shipped file' "$printed" '^continue = Weiter$'
exits 'pages style' 0 -c "$T/nowhere" pages style
like 'also the style' "$printed" '^:root \{$'
exits 'pages tlh' 1 -c "$conf" pages tlh
exits 'pages ../../etc/passwd' 1 -c "$conf" pages ../../etc/passwd
mkdir "$T/site/pages"
"$build/oauth-cgi" pages en | sed '/^again/d; /^site /d' \
    >"$T/site/pages/fr.txt"
echo 'back = Heim' >"$T/site/pages/de.txt"
exits 'pages with own ones' 0 -c "$conf" pages
like 'a new language' "$printed" '^fr +own +2 texts are missing'
like 'what it lacks' "$printed" '^    site again$'
like 'one that adds' "$printed" '^de +shipped, own$'
exits 'pages --json' 0 -c "$conf" pages --json
like 'an object for each language' "$printed" \
    '^\{"language":"fr","shipped":false,"own":true,"missing":2\}$'
echo 'heim = Heim' >>"$T/site/pages/de.txt"
exits 'pages with a slip' 2 -c "$conf" pages
like 'says where' "$said" 'pages/de\.txt:2: '
get start provider=nobody HTTP_ACCEPT_LANGUAGE=de-AT
like 'which no visitor sees' "$body" '<html lang="de" dir="ltr">'
like 'but what is right there' "$body" '>Heim<'
rm -r "$T/site/pages"

# ---- arguments of a web program ----

sed 's|localhost:8080|localhost:9999|' "$conf" >"$T/evil.conf"
# argued QUERY ARGUMENT...: as a web server runs /start with them.
argued() {
	query=$1
	shift
	env -i PATH="$PATH" OAUTH_CGI_CONFIG="$conf" REQUEST_METHOD=GET \
	    GATEWAY_INTERFACE=CGI/1.1 HTTP_HOST=www.example \
	    QUERY_STRING="$query" "$build/start.fcgi" "$@" </dev/null \
	    2>>"$log" | tr -d '\r'
}
like 'arguments made of a query are ignored' \
    "$(argued "-c+$T/evil.conf" -c "$T/evil.conf")" \
    '^Location: http://localhost:8080/'
like 'also --help' "$(argued --help --help)" '^Location: http://localhost:8080/'
like 'with "=" in the query they are the operator'\''s' \
    "$(argued a=b -c "$T/evil.conf")" '^Location: http://localhost:9999/'
like 'and without a query' "$(argued '' -c "$T/evil.conf")" \
    '^Location: http://localhost:9999/'
for p in start callback refresh; do
	printed=$("$build/$p.fcgi" --help </dev/null)
	like "$p.fcgi --help" "$?$printed" "^0usage: $p.fcgi"
	"$build/$p.fcgi" --nonsense </dev/null >/dev/null 2>"$T/said"
	is "$p.fcgi --nonsense: exit" "$?" 2
	"$build/$p.fcgi" </dev/null >/dev/null 2>"$T/said"
	is "$p.fcgi by hand: exit" "$?" 2
	like "$p.fcgi by hand says what it is" "$(cat "$T/said")" 'web server'
done

finished
