#!/bin/sh
# SPDX-License-Identifier: ISC
#
# need.sh PACKAGE... - install what is missing of these Debian packages, and
# say so. Needs root only when something is missing. Services of what it
# installs are not started.
set -u

missing=
for package in "$@"; do
	case $(dpkg-query -W -f '${db:Status-Status}' "$package" \
	    2>/dev/null) in
	installed) ;;
	*) missing="$missing $package" ;;
	esac
done
[ -n "$missing" ] || exit 0

echo "installing:$missing"
if [ "$(id -u)" -ne 0 ]; then
	echo "need.sh: run this as root, or first:" >&2
	echo "    sudo apt-get install$missing" >&2
	exit 1
fi

# dpkg asks this script whether a service may be started: no.
policy=/usr/sbin/policy-rc.d
ours=
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" &&
	    ours=$policy
fi
trap '[ -z "$ours" ] || rm -f "$ours"' EXIT
trap 'exit 1' HUP INT TERM

log=$(mktemp) || exit 1
export DEBIAN_FRONTEND=noninteractive
# A new machine often installs its updates just now. apt-get install can wait
# for that by itself, apt-get update can't.
update() {
	tries=100
	until apt-get update >"$log" 2>&1; do
		grep -q 'Could not get lock' "$log" || return 1
		[ $((tries -= 1)) -gt 0 ] || return 1
		sleep 3
	done
}

# shellcheck disable=SC2086	# package names have no blanks
if update && apt-get -o DPkg::Lock::Timeout=300 install -y \
    --no-install-recommends $missing >>"$log" 2>&1; then
	rm -f "$log"
	exit 0
fi
tail -n 20 "$log" >&2
echo "need.sh: apt-get failed; the whole output is in $log" >&2
exit 1
