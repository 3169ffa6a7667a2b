#!/bin/sh
# SPDX-License-Identifier: ISC
#
# machine.sh DIR - a machine inside of this one, with a systemd of its own and
# no unit but those that are put into /etc/systemd/system: to try units as they
# are. Run by root as `unshare -m machine.sh DIR`; ends with its systemd.
#
# Its own are processes, mounts, host name and control groups; the network is
# this machine's. /usr/local is DIR, /etc a copy, /run and /var/lib are empty,
# /run/oauth-cgi is DIR/sockets and /var/log/oauth-cgi is DIR/log.
set -eu

targets='sysinit basic sockets timers network shutdown umount multi-user'

# As process 1: make this place a machine, and become its systemd.
boot() {
	mount -t proc proc /proc
	mount --bind /proc/sys /proc/sys
	mount -o remount,bind,ro /proc/sys
	cp -a /etc "$1/machine-etc"
	mount --bind "$1/machine-etc" /etc
	rm -rf /etc/systemd/system
	mkdir /etc/systemd/system
	mount -t tmpfs tmpfs /run
	mount -t tmpfs tmpfs /var/lib
	mount -t tmpfs tmpfs /var/log
	mkdir /run/oauth-cgi /run/targets /var/log/oauth-cgi
	mount --bind "$1/sockets" /run/oauth-cgi
	mount --bind "$1/log" /var/log/oauth-cgi
	mount --bind "$1" /usr/local
	for target in $targets; do
		printf '[Unit]\nDescription=%s\n' "$target" \
		    >"/run/targets/$target.target"
	done
	umount -R /sys/fs/cgroup 2>/dev/null ||
	    mount -t tmpfs tmpfs /sys/fs/cgroup
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	# As on a machine: mounts that services make for each other arrive.
	mount --make-rshared /
	container='test'
	SYSTEMD_UNIT_PATH=/run/targets:/etc/systemd/system
	export container SYSTEMD_UNIT_PATH
	exec /lib/systemd/systemd --system --unit=multi-user.target \
	    --log-target=null --show-status=no
}

case $1 in
--boot)
	boot "$2"
	;;
--enter)
	# In a control group of its own, which is all that systemd will see.
	echo $$ >"$2/cgroup.procs"
	exec unshare -m -p -f -u -i -C --kill-child sh "$0" --boot "$3"
	;;
*)
	mount --make-rprivate /
	mkdir "$1/cgroup"
	mount -t cgroup2 cgroup2 "$1/cgroup"
	group=$1/cgroup/oauth-cgi-test-$$
	mkdir "$group"
	sh "$0" --enter "$group" "$1" &
	pid=$!
	trap 'kill -KILL "$pid"' HUP INT TERM
	# Again after the trap: it has ended only then.
	wait "$pid" || wait "$pid" || :
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null ||
		    :
		[ -d "$group" ] || break
		sleep 0.1
	done
	umount "$1/cgroup"
	;;
esac
