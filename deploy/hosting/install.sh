#!/bin/sh
# SPDX-License-Identifier: ISC
#
# install.sh - sets up oauth-cgi on a shared host, without root; see HOSTING.md.
#
# Run it as often as you like: it creates what is missing, puts new programs
# in place of old ones, and overwrites nothing else.
set -u
umask 077

usage() {
	cat <<-'END'
	usage: sh install.sh [OPTION VALUE]...

	  --public DIR         folder for the programs, one of their own below
	                       the website's: public_html/oauth. Seen from the
	                       folder that oauth-cgi/ lies in, and within it
	  --url URL            the address of that folder
	  --provider NAME      interact, if not given
	  --client-id ID       as the provider gave it
	  --secret-file FILE   a file with the client's secret
	  --app NAME           your website's name for oauth-cgi: website
	  --cgi-bin            DIR is in a cgi-bin folder: the programs are called
	                       start, callback and refresh
	  --offline            don't ask your website and the provider at the end

	What is not given is taken from settings.txt in this folder, then asked
	for if this runs in a terminal. To upgrade, give nothing.
	END
}

die() {
	printf 'install.sh: %s\n' "$@" >&2
	exit 1
}

say() {
	printf '%s\n' "$@"
}

# quoted TEXT: as a shell reads it.
quoted() {
	printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"
}

# ---- what we are told -------------------------------------------------------

public='' url='' provider='' client_id='' client_secret='' secret_file=''
app='' cgi_bin='' offline=''
settings=''

options() {
	while [ $# -gt 0 ]; do
		case $1 in
		--help | -h)
			usage
			exit 0
			;;
		--cgi-bin)
			cgi_bin=yes
			shift
			continue
			;;
		--offline)
			offline=yes
			shift
			continue
			;;
		esac
		[ $# -ge 2 ] || {
			usage >&2
			exit 2
		}
		case $1 in
		--public) public=$2 ;;
		--url) url=$2 ;;
		--provider) provider=$2 ;;
		--client-id) client_id=$2 ;;
		--secret-file) secret_file=$2 ;;
		--app) app=$2 ;;
		*)
			usage >&2
			exit 2
			;;
		esac
		shift 2
	done
}

# trimmed TEXT: without blanks around it, and what Windows' editors add.
trimmed() {
	printf '%s' "${1#"$mark"}" | tr -d '\r' |
	    sed 's/^[[:blank:]]*//; s/[[:blank:]]*$//'
}
mark=$(printf '\357\273\277')

# Lines `name = value`; what an option has given stays.
read_settings() {
	line_number=0
	while IFS= read -r line || [ -n "$line" ]; do
		line_number=$((line_number + 1))
		line=$(trimmed "$line")
		case $line in
		'' | '#'*) continue ;;
		*=*) ;;
		*)
			die "$1, line $line_number: write NAME = VALUE"
			;;
		esac
		name=$(trimmed "${line%%=*}")
		value=$(trimmed "${line#*=}")
		case $name in
		public) public=${public:-$value} ;;
		url) url=${url:-$value} ;;
		provider) provider=${provider:-$value} ;;
		client_id) client_id=${client_id:-$value} ;;
		client_secret) client_secret=$value ;;
		app) app=${app:-$value} ;;
		cgi_bin) cgi_bin=${cgi_bin:-$value} ;;
		offline) offline=${offline:-$value} ;;
		*)
			die "$1, line $line_number: there is no setting \"$name\"" \
			    'see settings-example.txt'
			;;
		esac
	done <"$1"
}

# ask VARIABLE QUESTION [SUGGESTION]: unless it is known.
ask() {
	eval "value=\$$1"
	[ -z "$value" ] || return 0
	[ -t 0 ] || {
		missing="$missing $1"
		return 0
	}
	while [ -z "$value" ]; do
		printf '%s%s: ' "$2" "${3:+ [$3]}"
		IFS= read -r value || die 'nothing was done'
		value=$(trimmed "${value:-${3-}}")
	done
	eval "$1=\$value"
}

ask_secret() {
	[ -t 0 ] || {
		missing="$missing client_secret"
		return 0
	}
	# Not shown, where the terminal can do that.
	trap 'stty echo 2>/dev/null; exit 1' HUP INT TERM
	stty -echo 2>/dev/null
	while [ -z "$client_secret" ]; do
		printf 'client secret (not shown): '
		IFS= read -r client_secret || break
		echo
	done
	stty echo 2>/dev/null
	trap - HUP INT TERM
	[ -n "$client_secret" ] || die 'nothing was done'
}

# The website's folder, if one with a usual name is here.
suggested_public() {
	for folder in public_html httpdocs htdocs www html public web; do
		if [ -d "$home/$folder" ]; then
			echo "$folder/oauth"
			return
		fi
	done
}

ask_all() {
	missing='' known=no
	ask public 'folder for the programs' "$(suggested_public)"
	if [ -e "$conf" ]; then
		url=$(sed -n 's/^[[:blank:]]*url[[:blank:]]*=[[:blank:]]*"\(.*\)".*/\1/p' \
		    "$conf" | head -n 1)
		provider=$(sed -n 's/^provider[[:blank:]]*\([a-z0-9_-]*\).*/\1/p' \
		    "$conf" | head -n 1)
		url=${url:-URL}
		provider=${provider:-PROVIDER}
		known=yes
	else
		ask url 'its address, like https://www.example.org/oauth'
		[ -t 0 ] || provider=${provider:-interact}
		ask provider 'provider' interact
		ask client_id "client id that $provider gave you"
		if [ -z "$secret_file" ] && [ -z "$client_secret" ] &&
		    [ ! -e "$here/etc/$provider.secret" ]; then
			ask_secret
		fi
	fi
	app=${app:-website}
	[ -z "$missing" ] ||
	    die "nobody is here to ask, and these are missing:$missing" \
		'put them into settings.txt, or see: sh install.sh --help'
}

check_public_name() {
	public=${public#"$home"/}
	public=${public%/}
	case $public in
	/* | '' | . | .. | ../* | */.. | */../* | ./* | */. | */./*)
		die "public = $public: give a path from $home, without dots, like public_html/oauth"
		;;
	oauth-cgi | oauth-cgi/*)
		die "public = $public: oauth-cgi/ is for what nobody may read"
		;;
	esac
	case ${public##*/} in
	public_html | httpdocs | htdocs | www | html | public | web)
		die "public = $public: this is the whole website; add a folder of its own: $public/oauth"
		;;
	esac
}

# Words that go into files: nothing that could mean something there.
check_words() {
	case $app in
	*[!a-z0-9_-]*) die "app = $app: a to z, 0 to 9, - and _ only" ;;
	esac
	case $cgi_bin in
	'' | yes | no) ;;
	*) die "cgi_bin = $cgi_bin: yes or no" ;;
	esac
	case $offline in
	'' | yes | no) ;;
	*) die "offline = $offline: yes or no" ;;
	esac
	[ "$known" = no ] || return 0
	url=${url%/}
	case $url in
	*[\"\\\ \$]* | *"'"* | *'`'*) die "url = $url: this is no address" ;;
	https://*/* | http://localhost* | http://127.*) ;;
	*) die "url = $url: write https://, the host and the path: https://www.example.org/oauth" ;;
	esac
	case $provider in
	*[!a-z0-9_-]*) die "provider = $provider: a to z, 0 to 9, - and _ only" ;;
	esac
	case $client_id in
	*[\"\\\$]*) die 'client_id: must not have a quote, a dollar or a backslash' ;;
	esac
}

# ---- what we do -------------------------------------------------------------

# Uploads by FTP lose the modes.
set_modes() {
	chmod 700 "$here" "$here/etc" "$here/var" ||
	    die "can't set the modes in $here"
	chmod 755 "$here/bin" "$here"/bin/* ||
	    die "can't set the modes in $here/bin"
	find "$here/etc" "$here/var" -type d -exec chmod 700 {} \; \
	    -o -type f -exec chmod 600 {} \;
	[ ! -e "$settings" ] || chmod 600 "$settings"
}

check_programs() {
	for name in oauth-cgi start.fcgi callback.fcgi refresh.fcgi; do
		[ -s "$here/bin/$name" ] || die "$here/bin/$name is missing: upload the whole archive"
	done
	"$oauth" version >/dev/null 2>&1 && return
	case $(uname -s -m 2>/dev/null) in
	'Linux x86_64' | 'Linux amd64')
		die "$oauth does not run here" \
		    'If it was uploaded by FTP: was that in binary mode? Otherwise the host does not' \
		    'allow programs in this folder; ask for "noexec" to be taken off.'
		;;
	*)
		die 'this is not Linux on an x86-64 processor; the programs run there only'
		;;
	esac
}

# create FILE: standard input, if there is no such file; whole or not at all.
create() {
	if [ -e "$1" ]; then
		say "kept      $1"
		cat >/dev/null
		return
	fi
	if ! cat >"$1.new" || ! mv "$1.new" "$1"; then
		die "can't create $1"
	fi
	say "created   $1"
}

write_configuration() {
	if [ -n "$secret_file" ]; then
		[ -r "$secret_file" ] || die "can't read $secret_file"
		tr -d '\r' <"$secret_file" |
		    create "$here/etc/$provider.secret" || exit 1
	elif [ -n "$client_secret" ]; then
		printf '%s\n' "$client_secret" |
		    create "$here/etc/$provider.secret" || exit 1
	fi
	create "$conf" <<-END
	# Configuration of oauth-cgi; doc/oauth-cgi.conf.5.html tells all.
	# Relative paths are seen from this file's folder.
	site {
	    url      = "$url"
	    database = "../var/oauth.db"
	    keys     = "keys"
	    # Works on every file system that a host may have.
	    journal  = "delete"
	    # Without this line: into the web server's error log.
	    log      = "file:../var/oauth-cgi.log"
	}
	provider $provider {
	    client_id     = "$client_id"
	    client_secret = "file:$provider.secret"
	}
	END
}

set_up() {
	"$oauth" -c "$conf" init || die "mend what is said above in $conf, then run this again"
	apps=$("$oauth" -c "$conf" app list) || exit 1
	key=$here/etc/$app.key
	case "
$apps" in
	*"
$app "*) ;;
	*)
		if ! "$oauth" -c "$conf" app add "$app" >"$key.new" ||
		    ! mv "$key.new" "$key"; then
			die "can't add the app $app"
		fi
		say "created   $key: the key for your website's own code"
		;;
	esac
}

# May we have this folder? Its .htaccess closes it for everything else.
check_public() {
	parent=$(dirname "$target")
	[ -d "$parent" ] || die "$parent does not exist: is public = $public right?"
	real=$(cd "$parent" && pwd -P)
	above=$(cd "$home" && pwd -P)
	case $real/ in
	"${above%/}"/*) ;;
	*)
		die "$parent is really $real" \
		    'The programs look for oauth-cgi/ in the folders above theirs: put it there.'
		;;
	esac
	[ ! -e "$target/start.fcgi" ] && [ ! -e "$target/start" ] || return 0
	for file in "$target"/* "$target"/.[!.]*; do
		[ -e "$file" ] || [ -L "$file" ] || continue
		case ${file##*/} in
		start*.new) ;;
		.htaccess)
			grep -q '^# oauth-cgi:' "$file" ||
			    die "$file is not ours; give a folder of its own for the programs"
			;;
		*)
			die "$target holds other files (${file##*/}); give a folder of its own for the programs"
			;;
		esac
	done
}

# A running program can't be written to, only replaced.
put_program() {
	if cmp -s "$here/bin/$1" "$target/$2"; then
		say "kept      $target/$2"
	else
		if ! cp "$here/bin/$1" "$target/$2.new" ||
		    ! chmod 755 "$target/$2.new" ||
		    ! mv -f "$target/$2.new" "$target/$2"; then
			die "can't write $target/$2"
		fi
		say "installed $target/$2"
	fi
	chmod 755 "$target/$2"
}

# The .htaccess for this place: mod_fcgid takes a path with a blank (or a quote)
# in it for several words, so there it has to be plain CGI. In a cgi-bin folder
# the host has said all but one thing.
htaccess() {
	if [ "$cgi_bin" = yes ]; then
		grep -e '^# oauth-cgi' -e '^SetEnvIf' "$here/public/.htaccess"
		return
	fi
	case $target in
	*[!A-Za-z0-9/._~@%+=:,-]*)
		sed 's/fcgid-script/cgi-script/' "$here/public/.htaccess"
		;;
	*) cat "$here/public/.htaccess" ;;
	esac
}

publish() {
	[ -d "$target" ] || mkdir "$target" || die "can't create $target"
	# Not writable for the group, or suEXEC refuses it.
	chmod 755 "$target" || die "can't set the mode of $target"
	suffix=.fcgi
	[ "$cgi_bin" != yes ] || suffix=''
	for name in start callback refresh; do
		put_program "$name.fcgi" "$name$suffix"
	done
	htaccess | create "$target/.htaccess" || exit 1
	chmod 644 "$target/.htaccess"
	htaccess | cmp -s - "$target/.htaccess" ||
	    say "          It differs from the new one in $here/public/."
}

remember() {
	[ -e "$settings" ] && return
	create "$settings" <<-END
	# What install.sh was told; it looks here first. See settings-example.txt.
	public = $public
	app = $app
	cgi_bin = ${cgi_bin:-no}
	END
}

# What is wrong with all of it, by the programs' own judgement.
judge() {
	say ''
	if [ "$offline" = yes ]; then
		"$oauth" -c "$conf" check --offline
	else
		"$oauth" -c "$conf" check
	fi
}

next_steps() {
	cat <<-END

	oauth-cgi $("$oauth" version | sed 's/^oauth-cgi //') is set up. Next:

	1. Register this redirect URI at the provider:
	       $url/callback/$provider
	2. $verdict
	3. Your website's own code asks $url/refresh with the key in
	       $here/etc/$app.key
	4. Let cron run this every ten minutes:
	       $(quoted "$oauth") purge
	What the programs log is in $here/var/oauth-cgi.log
	END
}

here=$(cd "$(dirname "$0")" && pwd) || exit 1
home=$(dirname "$here")
oauth=$here/bin/oauth-cgi
conf=$here/etc/oauth-cgi.conf
settings=$here/settings.txt

options "$@"
# What root makes, the programs, which run as somebody else, can't use.
if [ "$(id -u)" -eq 0 ] && [ -z "$(find "$home" -prune -user 0)" ]; then
	die "run this as the user that $home belongs to, not as root"
fi
[ "${here##*/}" = oauth-cgi ] ||
    die "the folder of this script must be called oauth-cgi, not ${here##*/}: the programs look for it"
[ ! -f "$settings" ] || read_settings "$settings"
mkdir -p "$here/etc" "$here/var" || exit 1
set_modes
check_programs
ask_all
check_public_name
check_words
target=$home/$public
check_public
write_configuration
set_up
publish
remember
verdict="Open $url/start in a browser: what could be checked is well."
judge || verdict='Mend what is called WRONG above, and run this again.'
next_steps
