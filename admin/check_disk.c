/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "check.h"

#include <sys/statvfs.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xalloc.h"

#define TRIAL_BYTES 65536

static const struct check_kind full = { "disk_full", CHECK_WRONG,
    "Nothing can be stored: flows can't begin, and a token that the provider "
    "rotates while the disk is full may be lost." };
static const struct check_kind low = { "disk_low", CHECK_WRONG,
    "When it is full nothing can be stored, and a token that the provider "
    "rotates then may be lost." };
static const struct check_kind readonly = { "disk_readonly", CHECK_WRONG,
    "Nothing can be stored; a file system becomes read-only by itself when "
    "its disk fails." };
static const struct check_kind temporary = { "disk_temporary", CHECK_WRONG,
    "This folder is emptied at the next start or after some days, and all "
    "connections with it; a service with PrivateTmp does not even see it." };
static const struct check_kind trial = { "disk_temporary", CHECK_NOTE,
    "This folder is emptied at the next start or after some days. For a trial "
    "that is all right." };

/*
 * Write to a file without a name: what a quota or a full disk would refuse is
 * refused now, and nothing stays. 0, or the error.
 */
static int
try_writing(const char *dir)
{
	static const char zeroes[TRIAL_BYTES];
	int fd = open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	ssize_t n;
	int error = 0;

	if (fd < 0)
		return errno == ENOSPC || errno == EDQUOT || errno == EROFS ?
		    errno : 0;	/* not everywhere; others say more */
	n = write(fd, zeroes, sizeof(zeroes));
	if (n < 0 || (fsync(fd) != 0 && errno != EINVAL))
		error = errno;
	else if (n < TRIAL_BYTES)
		error = ENOSPC;
	close(fd);
	return error;
}

static void
check_space(struct check *c, const char *dir)
{
	struct statvfs fs;
	unsigned long long bytes;
	int error;

	if (statvfs(dir, &fs) != 0)
		return;		/* the database's check tells what is wrong */
	bytes = (unsigned long long)fs.f_bavail * fs.f_frsize;
	error = try_writing(dir);
	if ((fs.f_flag & ST_RDONLY) != 0 || error == EROFS) {
		check_found(c, &readonly, "%s: its file system is read-only",
		    dir);
		check_mend(c, "dmesg | tail");
		check_mend(c, "mount -o remount,rw $(df --output=target %s | "
		    "tail -n 1)", check_quoted(c, dir));
	} else if (error != 0) {
		check_found(c, &full, "%s: %d KB can't be written: %s", dir,
		    TRIAL_BYTES / 1024, strerror(error));
		check_mend(c, "df -h %s; quota -s", check_quoted(c, dir));
		check_mend(c, "# remove what is not needed there");
	} else if (bytes < CHECK_DISK_BYTES ||
	    (fs.f_files > 0 && fs.f_favail < 16)) {
		check_found(c, &low, "%s: %llu MB and %llu files are left",
		    dir, bytes >> 20, (unsigned long long)fs.f_favail);
		check_mend(c, "df -h %s; df -i %s", check_quoted(c, dir),
		    check_quoted(c, dir));
		check_mend(c, "# remove what is not needed there");
	} else {
		check_good(c, "%s: %llu MB free", dir, bytes >> 20);
	}
}

static bool
is_temporary(const char *path)
{
	static const char *const places[] = { "/tmp/", "/var/tmp/",
	    "/dev/shm/", "/run/", "/var/run/" };
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strncmp(path, places[i], strlen(places[i])) == 0)
			return true;
	return false;
}

/* Beside a configuration that is as short-lived it is somebody's trial. */
static bool
check_place(struct check *c, const char *key, const char *path)
{
	char *real = realpath(path, NULL);
	bool found = real != NULL && is_temporary(real);

	free(real);
	if (!found)
		return false;
	check_found(c, is_temporary(c->a->conf->file) ? &trial : &temporary,
	    "%s: is in a folder for temporary files", path);
	check_mend_move(c, key, path);
	return true;
}

void
check_disk(struct check *c)
{
	char *copy = xstrdup(c->a->conf->database);

	check_space(c, dirname(copy));
	if (!check_place(c, "database", c->a->conf->database))
		check_place(c, "keys", c->a->conf->keys);
	free(copy);
}
