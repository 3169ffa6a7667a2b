/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "secretfile.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "wipe.h"
#include "xalloc.h"

#define FORBIDDEN_BITS	(S_IWGRP | S_IRWXO)	/* 027 */

/* ---- reading ---------------------------------------------------------- */

/*
 * What is wrong, and the one command after which we may read it: our own file
 * is for us alone, any other becomes root's, which our group reads.
 */
static void
refuse(const char *path, bool mine, const char *what)
{
	const struct passwd *pw = getpwuid(geteuid());
	gid_t gid = pw != NULL ? pw->pw_gid : getegid();
	const struct group *gr = getgrgid(gid);

	if (mine)
		log_error("%s: %s: chmod 600 %s", path, what, path);
	else if (geteuid() == 0)
		log_error("%s: %s: chown root %s && chmod 600 %s", path, what,
		    path, path);
	else if (gr != NULL)
		log_error("%s: %s: chown root:%s %s && chmod 640 %s", path,
		    what, gr->gr_name, path, path);
	else
		log_error("%s: %s: chown root:%u %s && chmod 640 %s", path,
		    what, (unsigned)gid, path, path);
}

static enum err
open_failed(const char *path)
{
	char what[80];
	unsigned me = (unsigned)geteuid();
	struct stat st;

	if (errno == ENOENT)
		return ERR_NOT_FOUND;
	if (errno != EACCES)
		log_error("%s: can't be opened: %s", path, strerror(errno));
	else if (stat(path, &st) != 0)
		log_error("%s: one of the folders above it does not let uid "
		    "%u in: chmod or chown that folder", path, me);
	else {
		snprintf(what, sizeof(what), "uid %u may not read it (mode "
		    "%04o)", me, (unsigned)(st.st_mode & 07777));
		refuse(path, st.st_uid == me, what);
	}
	return ERR_CONFIG;
}

/* Is what we have open a file that only root and we can change or read? */
static bool
acceptable(const char *path, const struct stat *st)
{
	uid_t me = geteuid();
	char what[80];

	if (st->st_uid != 0 && st->st_uid != me) {
		snprintf(what, sizeof(what), "belongs to uid %u, who could "
		    "change it at any time", (unsigned)st->st_uid);
		refuse(path, false, what);
		return false;
	}
	if ((st->st_mode & FORBIDDEN_BITS) != 0) {
		snprintf(what, sizeof(what), "mode %04o lets others at it",
		    (unsigned)(st->st_mode & 07777));
		refuse(path, st->st_uid == me, what);
		return false;
	}
	return true;
}

/* The same for one without secrets: it must not be anybody's to change. */
static bool
acceptable_public(const char *path, const struct stat *st)
{
	if ((st->st_mode & S_IWOTH) == 0)
		return true;
	log_error("%s: mode %04o lets others change it: chmod o-w %s", path,
	    (unsigned)(st->st_mode & 07777), path);
	return false;
}

static enum err
read_all(const char *path, int fd, struct buf *out)
{
	char chunk[4096];
	enum err e = ERR_OK;
	ssize_t n;

	for (;;) {
		n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		if (buf_failed(out) || (size_t)n > out->max - out->len) {
			log_error("%s: is larger than %zu bytes, which it "
			    "should never need", path, out->max);
			e = ERR_CONFIG;
			break;
		}
		buf_add(out, chunk, (size_t)n);
	}
	if (n < 0) {
		log_error("%s: can't be read: %s", path, strerror(errno));
		e = ERR_CONFIG;
	}
	wipe(chunk, sizeof(chunk));
	return e;
}

static enum err
read_file(const char *path, struct buf *out,
    bool (*accept)(const char *, const struct stat *))
{
	size_t before = out->len;
	struct stat st;
	enum err e = ERR_CONFIG;
	int fd;

	/* O_NONBLOCK: a FIFO must not hold us before we have seen it is one. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return open_failed(path);
	if (fstat(fd, &st) != 0)
		log_error("%s: can't be examined: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		log_error("%s: is not a regular file; put one in its place",
		    path);
	else if (accept(path, &st))
		e = read_all(path, fd, out);
	close(fd);
	if (e != ERR_OK)
		buf_cut(out, before);
	return e;
}

enum err
secretfile_read(const char *path, struct buf *out)
{
	return read_file(path, out, acceptable);
}

enum err
secretfile_read_public(const char *path, struct buf *out)
{
	return read_file(path, out, acceptable_public);
}

/* ---- creating --------------------------------------------------------- */

static bool
write_all(int fd, const char *data, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

/* Make the new name survive a power cut, where the file system can. */
static void
sync_folder(const char *path)
{
	char *copy = xstrdup(path);
	int fd;

	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		(void)fsync(fd);
		close(fd);
	}
	free(copy);
}

/* Fill the new file and give it its name, unless something has that name. */
static enum err
fill_and_name(int fd, const char *fresh, const char *path, const char *data,
    size_t len)
{
	/* mkostemp() asks for 0600, but the umask may have taken from it. */
	if (!write_all(fd, data, len) || fchmod(fd, 0600) != 0 ||
	    fsync(fd) != 0) {
		log_error("%s: can't be written: %s", path, strerror(errno));
		return ERR_CONFIG;
	}
	/* Unlike rename(), link() never replaces. */
	if (link(fresh, path) == 0)
		return ERR_OK;
	if (errno == EEXIST)
		return ERR_CONFLICT;
	log_error("%s: can't be created: %s", path, strerror(errno));
	return ERR_CONFIG;
}

enum err
secretfile_create(const char *path, const char *data, size_t len)
{
	size_t size = strlen(path) + sizeof(".XXXXXX");
	struct stat st;
	enum err e;
	char *fresh;
	int fd;

	if (lstat(path, &st) == 0)
		return ERR_CONFLICT;
	/*
	 * Written under another name first: whoever finds the file under its
	 * own name finds all of it, whatever happens to us on the way.
	 */
	fresh = xmalloc(size);
	snprintf(fresh, size, "%s.XXXXXX", path);
	fd = mkostemp(fresh, O_CLOEXEC);
	if (fd < 0) {
		log_error("%s: can't be created: %s; its folder must exist "
		    "and uid %u must be allowed to write there", path,
		    strerror(errno), (unsigned)geteuid());
		free(fresh);
		return ERR_CONFIG;
	}
	e = fill_and_name(fd, fresh, path, data, len);
	close(fd);
	unlink(fresh);
	if (e == ERR_OK)
		sync_folder(path);
	free(fresh);
	return e;
}
