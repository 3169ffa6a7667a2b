#!/bin/sh
# SPDX-License-Identifier: ISC
#
# hosting.sh SOURCE BUILD VERSION - make the archive for shared hosts,
# BUILD/oauth-cgi-VERSION-linux-x86_64.tar.xz: programs that need no library of
# the host's. `make hosting` runs it, with a copy of the sources (`make
# distdir`), for a SOURCE that was configured in place builds nowhere else.
#
# The distribution's static libraries are linked in. Of libcurl it has one that
# needs libraries of which there are no static ones, so that is built here from
# the distribution's source package, with its security fixes and HTTPS alone.
# All of it happens in BUILD/build-hosting, which is kept: remove it to start
# from the newest source package.
set -eu

src=$(cd "$1" && pwd)
build=$(cd "$2" && pwd)
version=$3
unset MAKEFLAGS MFLAGS MAKELEVEL	# of the make that runs this
work=$build/build-hosting
archive=oauth-cgi-$version-linux-x86_64.tar.xz
programs='oauth-cgi start.fcgi callback.fcgi refresh.fcgi'
jobs=$(nproc 2>/dev/null || echo 1)

# The libraries by their archives; each must be a package's.
libraries='libc.a:glibc libgcc.a:libgcc libssl.a:openssl libcares.a:c-ares
    libsqlite3.a:sqlite libjson-c.a:json-c libfcgi.a:libfcgi
    libconfuse.a:libconfuse'

die() {
	printf 'hosting.sh: %s\n' "$@" >&2
	exit 1
}

# step TEXT COMMAND...: its output is shown if it fails.
step() {
	echo "hosting: $1"
	shift
	# In a condition "set -e" would not count.
	set +e
	(set -e && "$@") >"$work/log" 2>&1
	code=$?
	set -e
	[ "$code" -eq 0 ] || {
		tail -n 40 "$work/log" >&2
		die "failed: $*" "the whole output is in $work/log"
	}
}

# ---- libcurl ----------------------------------------------------------------

# A private apt that knows the machine's sources, and their source packages; the
# machine's own is not touched.
private_apt() {
	list='' parts=''
	eval "$(apt-config shell list Dir::Etc::sourcelist/f \
	    parts Dir::Etc::sourceparts/d)"
	rm -rf "$work/apt"
	mkdir -p "$work/apt/sources" "$work/apt/lists/partial" \
	    "$work/apt/archives/partial"
	for file in "$list" "$parts"/*.list; do
		[ -f "$file" ] || continue
		sed 's/^[[:blank:]]*deb\([[:blank:]]\)/deb-src\1/' "$file" \
		    >"$work/apt/sources/${file##*/}"
	done
	for file in "$parts"/*.sources; do
		[ -f "$file" ] || continue
		sed 's/^Types:.*/Types: deb-src/' "$file" \
		    >"$work/apt/sources/${file##*/}"
	done
}

apt() {
	apt-get -q -o Dir::Etc::sourcelist=/dev/null \
	    -o Dir::Etc::sourceparts="$work/apt/sources" \
	    -o Dir::State::lists="$work/apt/lists" \
	    -o Dir::Cache="$work/apt" "$@"
}

# Not every source need have source packages; the one with curl must.
fetch_curl() {
	private_apt
	apt update || :
	rm -rf "$work/curl"
	mkdir "$work/curl"
	(cd "$work/curl" && apt source --download-only curl)
	rm -rf "$work/apt"
}

# The distribution's patches, but those for its other variants of the library.
unpack_curl() {
	cd "$work/curl"
	dpkg-source --skip-patches -x ./curl_*.dsc source
	cd source
	sed 's/#.*//; s/[[:blank:]].*//; /^$/d' debian/patches/series |
	    grep -v '_\(gnutls\|nss\)\.patch$' >"$work/curl/patches"
	while IFS= read -r patch; do
		patch -p1 <"debian/patches/$patch" || exit 1
	done <"$work/curl/patches"
	autoreconf -fi
}

# c-ares, because the C library, when it is static, asks the host's modules
# for names, and those fit no other C library than the host's. Without
# OpenSSL's configuration file: it may name such modules too.
build_curl() {
	mkdir "$work/curl/build"
	cd "$work/curl/build"
	../source/configure -q --prefix="$work/curl/inst" \
	    --disable-shared --enable-static --with-pic \
	    --disable-dependency-tracking --disable-option-checking \
	    --with-openssl --disable-openssl-auto-load-config --enable-ares \
	    --without-ca-bundle --without-ca-path \
	    --without-zlib --without-brotli --without-zstd --without-nghttp2 \
	    --without-libidn2 --without-libpsl --without-librtmp \
	    --without-libssh2 --without-libgsasl --without-gssapi \
	    --disable-ldap --disable-ldaps --disable-ftp --disable-file \
	    --disable-dict --disable-telnet --disable-tftp --disable-pop3 \
	    --disable-imap --disable-smb --disable-smtp --disable-gopher \
	    --disable-mqtt --disable-rtsp --disable-websockets \
	    --disable-unix-sockets --disable-cookies --disable-ntlm \
	    --disable-tls-srp --disable-http-auth --disable-doh \
	    --disable-mime --disable-alt-svc --disable-hsts \
	    --disable-progress-meter --disable-libcurl-option \
	    --disable-get-easy-options --disable-manual \
	    CFLAGS='-O2 -fstack-protector-strong -D_FORTIFY_SOURCE=2' \
	    LDFLAGS='' CPPFLAGS=''
	make -j"$jobs" -C lib
	make -C lib install
	make -C include install
	make install-pkgconfigDATA
}

# Built once, and again when this recipe changes.
libcurl() {
	recipe=$(cksum <"$src/tools/hosting.sh")
	[ "$recipe" != "$(cat "$work/curl/recipe" 2>/dev/null)" ] || return 0
	step 'fetching the source package of curl' fetch_curl
	step 'unpacking it' unpack_curl
	step 'building libcurl' build_curl
	echo "$recipe" >"$work/curl/recipe"
}

curl_version() {
	sed -n 's/^Version: //p' "$work"/curl/curl_*.dsc | head -n 1
}

# ---- the programs -----------------------------------------------------------

# package_of FILE, as dpkg knows it.
package_of() {
	dpkg -S "$(realpath "$1")" | sed 's/[,:].*//' | head -n 1
}

# Lines "library package version".
library_list() {
	for entry in $libraries; do
		file=$(cc -print-file-name="${entry%%:*}")
		package=$(package_of "$file")
		[ -n "$package" ] || die "$file is of no package"
		echo "${entry#*:} $package $(dpkg-query -W \
		    -f '${source:Version}' "$package")"
	done
	echo "libcurl curl $(curl_version)"
}

configure_programs() {
	mkdir -p "$work/programs"
	cd "$work/programs"
	PKG_CONFIG_PATH=$work/curl/inst/lib/pkgconfig \
	    "$src/configure" -q --enable-static --prefix=/usr/local \
	    --sysconfdir=/etc CC=cc CFLAGS=-O2 \
	    LIBRARY_VERSIONS="$(sort "$work/libraries" |
	    awk '{printf "%s%s %s", sep, $1, $3; sep = ", "}')"
}

# The linker's maps tell what went in.
build_programs() {
	cd "$work/programs"
	# shellcheck disable=SC2086,SC2016	# names; and make's own variable
	make -j"$jobs" 'LDFLAGS=-Wl,-Map=$@.map' $programs
}

# Each linked archive must be in the list, for versions and licences.
check_linked() {
	cd "$work/programs"
	sed -n 's/^\(\/[^(]*\.a\)(.*/\1/p' ./*.map | sort -u |
	    while IFS= read -r file; do
		case $file in
		"$work"/*) continue ;;
		esac
		grep -q " $(package_of "$file") " "$work/libraries" ||
		    die "$file is linked, but not in the list of libraries"
	done
}

# static-pie: nothing of the host's is needed to start it.
check_program() {
	readelf -hW "$1" | grep -q 'Type:  *DYN' ||
	    die "$1 is not position independent"
	if readelf -lW "$1" | grep -q INTERP ||
	    readelf -dW "$1" | grep -Eq 'NEEDED|RPATH|RUNPATH'; then
		die "$1 is not static"
	fi
}

# ---- the archive ------------------------------------------------------------

# Whose work is inside of the programs, and on what terms.
licences() {
	cat <<-END
	The programs of oauth-cgi are under the licence in the file LICENSE. These
	libraries are inside of them:

	END
	sort "$work/libraries" | awk '{printf "    %-12s %s\n", $1, $3}'
	cat <<-END

	They are those of
	    $(sed -n 's/^PRETTY_NAME=//p' /etc/os-release | tr -d '"')
	where each one's source is in the source package of that version. glibc
	is under the GNU Lesser General Public License 2.1: from the source of
	oauth-cgi, which is published beside this archive, "make hosting" links
	these programs anew, with a changed glibc if you like.

	Their terms follow, and at the end the licences that they refer to.
	END
	while read -r name package _; do
		file=/usr/share/doc/$package/copyright
		[ "$name" != libcurl ] ||
		    file=$work/curl/source/debian/copyright
		printf '\n\n======== %s ========\n\n' "$name"
		cat "$file"
	done <"$work/libraries" >"$work/terms"
	cat "$work/terms"
	grep -o '/usr/share/common-licenses/[A-Za-z0-9.-]*[A-Za-z0-9]' \
	    "$work/terms" | sort -u | while IFS= read -r file; do
		[ -f "$file" ] || continue
		printf '\n\n======== %s ========\n\n' "${file##*/}"
		cat "$file"
	done
}

stage() {
	root=$work/stage/oauth-cgi
	rm -rf "$work/stage"
	mkdir -p "$root/bin" "$root/public" "$root/doc/backend" "$root/etc" \
	    "$root/var"
	for name in $programs; do
		strip -o "$root/bin/$name" "$work/programs/$name"
		check_program "$root/bin/$name"
	done
	licences >"$root/LICENCES"
	cp "$src/LICENSE" "$src/NEWS" "$src/deploy/hosting/HOSTING.md" \
	    "$src/deploy/hosting/install.sh" \
	    "$src/deploy/hosting/settings-example.txt" "$root/"
	cp "$src/deploy/hosting/public/.htaccess" "$root/public/"
	cp "$src/deploy/hosting/private.htaccess" "$root/.htaccess"
	for page in "$src"/man/*.[1-8]; do
		mandoc -T html "$page" >"$root/doc/${page##*/}.html"
	done
	cp "$src"/doc/backend/*.md "$root/doc/backend/"
	find "$root" -type d -exec chmod 755 {} +
	find "$root" -type f -exec chmod 644 {} +
	chmod 755 "$root"/bin/* "$root/install.sh"
	chmod 700 "$root" "$root/etc" "$root/var"
}

contents() {
	(cd "$work/stage" && find . -type f -exec cksum {} + | sort)
}

pack() {
	rm -f "$work/contents"
	cd "$work/stage"
	tar --sort=name --owner=0 --group=0 --numeric-owner \
	    --mtime="@${SOURCE_DATE_EPOCH:-$(date +%s)}" \
	    -cf "$work/archive.tar" oauth-cgi
	xz -8f "$work/archive.tar"
	mv "$work/archive.tar.xz" "$build/$archive"
	contents >"$work/contents"
}

[ "$(uname -s -m)" = 'Linux x86_64' ] ||
    die 'the archive is for Linux on x86-64, and made there'
command -v apt-get >/dev/null ||
    die 'this needs Debian, or a relative of it, for its source packages'
sh "$src/tools/need.sh" autoconf automake libtool make gcc libc6-dev \
    pkg-config dpkg-dev patch binutils xz-utils mandoc ca-certificates \
    libfcgi-dev libjson-c-dev libsqlite3-dev libssl-dev libconfuse-dev \
    libc-ares-dev libcunit1-dev zlib1g-dev

[ ! -f "$src/config.status" ] ||
    die "$src was configured in place: \`make hosting\` takes a copy of it"

mkdir -p "$work"
libcurl
library_list >"$work/libraries.new"
if ! cmp -s "$work/libraries.new" "$work/libraries" ||
    ! grep -sFqx "srcdir = $src" "$work/programs/Makefile"; then
	mv "$work/libraries.new" "$work/libraries"
	rm -rf "$work/programs"
	step 'configuring the programs' configure_programs
fi
step 'building the programs' build_programs
check_linked
step 'collecting' stage
if [ ! -f "$build/$archive" ] ||
    [ "$(contents)" != "$(cat "$work/contents" 2>/dev/null)" ]; then
	step 'packing' pack
fi
echo "$build/$archive"
