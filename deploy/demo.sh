#!/bin/sh
# SPDX-License-Identifier: ISC
#
# demo.sh - everything at once, to click through: a shop, oauth-cgi behind
# lighttpd, and a provider, all of it on 127.0.0.1 and none of it kept.
#
#	sh deploy/demo.sh [--port N] [--ttl SECONDS] [--build DIR]
#
#	--port N	where the shop is (8080, or the next free one)
#	--ttl SECONDS	how long the provider's access tokens live (20)
#	--build DIR	programs that were built before; nothing is built then
#
# On Debian it installs what is missing, for which it must be root; where
# nothing is missing anybody can run it. Ctrl-C ends it and removes what it
# made, but for the folder that it built in: the next start is quick then.
set -eu

usage() {
	sed -n 's/^#	*sh deploy/usage: sh deploy/p' "$0" >&2
	exit 2
}

say() {
	printf '%s\n' "$*"
}

die() {
	printf 'demo: %s\n' "$*" >&2
	exit 1
}

top=$(cd "$(dirname "$0")/.." && pwd)
port='' ttl=20 build=''
while [ $# -gt 0 ]; do
	case $1 in
	-h|--help)
		sed -n '4,/^set/s/^#[ 	]\{0,1\}//p' "$0"
		exit 0 ;;
	--port|--ttl|--build)
		[ $# -ge 2 ] || usage
		case $1 in
		--port) port=$2 ;;
		--ttl) ttl=$2 ;;
		--build) build=$(cd "$2" && pwd) ;;
		esac
		shift 2 ;;
	*)
		usage ;;
	esac
done
case $port$ttl in
*[!0-9]*) usage ;;
esac

# lighttpd is in sbin, which is not in everybody's path.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH

# ---- what is needed ---------------------------------------------------------

to_run='lighttpd perl'
to_build='gcc make autoconf automake pkg-config libc6-dev libfcgi-dev
    libcurl4-openssl-dev libjson-c-dev libsqlite3-dev libssl-dev
    libconfuse-dev libcunit1-dev'

check_tools() {
	for tool in "$@"; do
		command -v "$tool" >/dev/null || die "$tool is missing"
	done
}

# ---- building ---------------------------------------------------------------

# Who has configured in the source folder itself builds there.
compile() (
	umask 022
	cd "$top" || exit 1
	[ -x configure ] || ./autogen.sh || exit 1
	if [ "$build" != "$top" ]; then
		mkdir -p "$build" && cd "$build" || exit 1
		[ -e config.status ] || "$top/configure" || exit 1
	fi
	make -j"$(nproc 2>/dev/null || echo 2)" all tests/provider/provider
)

build_all() {
	build=$top/build-demo
	[ ! -e "$top/config.status" ] || build=$top
	say "Building in $build: the first time takes a minute"
	compile >"$site/build.log" 2>&1 || {
		tail -n 30 "$site/build.log" >&2
		die 'the programs could not be built'
	}
}

# ---- running ----------------------------------------------------------------

free_port() {
	perl -MIO::Socket::INET -e '
		for my $port (@ARGV) {
			my $s = IO::Socket::INET->new(Listen => 1,
			    LocalAddr => "127.0.0.1", LocalPort => $port,
			    ReuseAddr => 1) or next;
			print $s->sockport, "\n";
			exit;
		}
		exit 1' "$@"
}

provider_pid='' server_pid=''
# shellcheck disable=SC2317 # called by the trap
clean_up() {
	trap '' EXIT HUP INT TERM
	for pid in $server_pid $provider_pid; do
		kill "$pid" 2>/dev/null || :
	done
	for pid in $server_pid $provider_pid; do
		wait "$pid" 2>/dev/null || :
	done
	rm -rf "$site"
}

# The first port that a line of that file names.
wait_for_port() {
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		found=$(sed -n 's/^listening on .*://p' "$1")
		[ -z "$found" ] || break
		sleep 0.25
	done
	[ -n "$found" ] || die 'the demo provider does not start'
}

start_provider() {
	"$build/tests/provider/provider" --port 0 --state "$site" \
	    --set "name=Interact (demo)" --set "client_name=Leaf & Kettle" \
	    --set "ttl=$ttl" >"$site/provider.out" &
	provider_pid=$!
	wait_for_port "$site/provider.out"
	provider=http://127.0.0.1:$found
}

# What a site has to configure: where it is, and what the provider gave it.
write_configuration() {
	echo 'demo-secret' >"$site/interact.secret"
	cat >"$site/oauth-cgi.conf" <<-END
	site {
		url      = "$shop/oauth"
		name     = "Leaf & Kettle"
		database = "$site/data/oauth.db"
		keys     = "$site/keys"
		pages    = "$top/deploy/demo/pages"
	}
	# Interact, but at the demo provider's address.
	provider interact {
		client_id      = "demo-client"
		client_secret  = "file:$site/interact.secret"
		authorize_url  = "$provider/authorize"
		token_url      = "$provider/token"
		allow_insecure = yes
	}
	END
	cat >"$site/lighttpd.conf" <<-END
	server.port          = $port
	server.bind          = "127.0.0.1"
	server.document-root = "$top/deploy/demo"
	server.errorlog      = "$site/lighttpd.log"
	server.modules       = ( "mod_rewrite", "mod_setenv", "mod_cgi",
	                         "mod_fastcgi" )
	mimetype.assign      = ( ".css" => "text/css; charset=utf-8" )

	# The three programs of oauth-cgi.
	\$HTTP["url"] =~ "^/oauth/(start|callback|refresh)(/|\$)" {
		fastcgi.server = (
			"/oauth/start"    => (( $(program start) )),
			"/oauth/callback" => (( $(program callback) )),
			"/oauth/refresh"  => (( $(program refresh) ))
		)
	}

	# The shop: every other page.
	url.rewrite-once = (
		"^/oauth/.*"         => "\$0",
		"^/style\.css(\?.*)?\$" => "\$0",
		"^/([^?]*)(.*)"      => "/shop.pl/\$1\$2"
	)
	cgi.assign = ( ".pl" => "$(command -v perl)" )
	setenv.set-environment = (
		"SHOP_DIR"       => "$site",
		"SHOP_URL"       => "$shop",
		"SHOP_OAUTH_URL" => "$shop/oauth",
		"SHOP_API_URL"   => "$provider"
	)
	END
}

program() {
	cat <<-END
	"bin-path" => "$build/$1.fcgi", "socket" => "$site/$1.sock",
	"check-local" => "disable", "max-procs" => 1, "bin-environment" => (
	"OAUTH_CGI_CONFIG" => "$site/oauth-cgi.conf",
	"OAUTH_CGI_WORKERS" => "4" ),
	"bin-copy-environment" => ( "PATH", "LANG" )
	END
}

start_site() {
	mkdir "$site/data"
	write_configuration
	"$build/oauth-cgi" -c "$site/oauth-cgi.conf" init >"$site/init.log" \
	    2>&1 || {
		cat "$site/init.log" >&2
		die 'oauth-cgi init failed'
	}
	"$build/oauth-cgi" -c "$site/oauth-cgi.conf" app add shop \
	    --origin "$shop" >"$site/app.key"
	od -An -tx1 -N32 /dev/urandom | tr -d ' \n' >"$site/shop.secret"
	echo >>"$site/shop.secret"
	lighttpd -D -f "$site/lighttpd.conf" >"$site/server.out" 2>&1 &
	server_pid=$!
	sleep 0.5
	kill -0 "$server_pid" 2>/dev/null || {
		cat "$site/server.out" "$site/lighttpd.log" >&2
		die 'lighttpd does not start'
	}
}

umask 077
site=$(mktemp -d "${TMPDIR:-/tmp}/oauth-cgi-demo.XXXXXX")
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM

if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
	[ -z "$build" ] || to_build=''
	# shellcheck disable=SC2086 # lists
	sh "$top/tools/need.sh" $to_run $to_build || exit 1
else
	# Elsewhere configure names the libraries that are missing.
	check_tools lighttpd perl
	[ -n "$build" ] || check_tools cc make autoconf automake pkg-config
fi
[ -n "$build" ] || build_all

if [ -n "$port" ]; then
	free_port "$port" >/dev/null || die "port $port is taken"
else
	port=$(free_port 8080 8081 8082 8083 8084 8085 0)
fi
shop=http://127.0.0.1:$port
start_provider
start_site

cat <<END

    The demo is running. Open it in a browser on this machine:

        $shop/

    A provider's access token lives $ttl s here. Ctrl-C ends the demo.

END
wait "$server_pid" || :
say 'The web server has ended:' >&2
cat "$site/lighttpd.log" >&2
exit 1
