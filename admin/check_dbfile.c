/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "check.h"

#include <sys/stat.h>

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xalloc.h"

static const struct check_kind missing = { "database_missing", CHECK_WRONG,
    "Connections live in it; without it every request is answered 503." };
static const struct check_kind type = { "database_type", CHECK_WRONG,
    "A link is not followed, because SQLite's files beside it would not be "
    "where they are looked for: every request is answered 503." };
static const struct check_kind owner = { "database_owner", CHECK_WRONG,
    "The web programs can't write it: every request that stores something is "
    "answered 503." };
static const struct check_kind of_root = { "database_owner", CHECK_WRONG,
    "The web programs hardly run as root, and then can't write it. If they "
    "do: check --user root." };
static const struct check_kind mode = { "database_mode", CHECK_WRONG,
    "Tokens in it are sealed, but whose accounts they are is readable, so the "
    "programs refuse it: every request is answered 503." };
static const struct check_kind folder_mode = { "database_folder", CHECK_WRONG,
    "SQLite creates and removes files beside the database; who may write in "
    "its folder decides which database is used." };
static const struct check_kind no_lock = { "lock_missing", CHECK_WRONG,
    "Programs take turns by locking it. The web programs never create it, and "
    "answer 503 without it. Nobody but `init` should make or remove it." };
static const struct check_kind lock_owner = { "lock_owner", CHECK_WRONG,
    "Who can't open it for writing can't take his turn: every request that "
    "stores something is answered 503." };
static const struct check_kind lock_mode = { "lock_mode", CHECK_WRONG,
    "Everybody who can open it can hold up all requests." };
static const struct check_kind wal_large = { "wal_large", CHECK_WRONG,
    "It is folded into the database when nobody reads; a program that reads "
    "without end keeps it growing." };

static const char *const parts[] = { "", "-lock", "-wal", "-shm" };

/* A folder that can be given away: SQLite needs to write in it. */
static bool
needs_owner(const char *dir)
{
	struct stat st;

	/* Only root can enter it, or we can't: it is not a shared one. */
	return access(dir, W_OK | X_OK) != 0 || (stat(dir, &st) == 0 &&
	    st.st_uid == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)) == 0);
}

/* chown for the database and all that belongs to it. */
static void
mend_owner(struct check *c, const char *user)
{
	const char *db = c->a->conf->database;
	struct buf line = BUF_INIT(16384), path = BUF_INIT(8192);
	char *copy = xstrdup(db), *dir = dirname(copy);
	size_t i;

	buf_fmt(&line, "chown %s", user);
	if (needs_owner(dir))
		buf_fmt(&line, " %s", check_quoted(c, dir));
	for (i = 0; i < 4; i++) {
		buf_reset(&path);
		buf_fmt(&path, "%s%s", db, parts[i]);
		if (i == 0 || access(buf_cstr(&path), F_OK) == 0)
			buf_fmt(&line, " %s", check_quoted(c,
			    buf_cstr(&path)));
	}
	check_mend(c, "%s", buf_cstr(&line));
	buf_clear(&line);
	buf_clear(&path);
	free(copy);
}

static bool
check_db_file(struct check *c, const char *path)
{
	struct check_place place = { path, "database", path };
	struct stat st;

	if (lstat(path, &st) != 0) {
		if (!check_closed(c, &folder_mode, &place)) {
			check_found(c, &missing, "%s: it is not there", path);
			check_mend_init(c);
		}
		return false;
	}
	if (!S_ISREG(st.st_mode)) {
		check_found(c, &type, "%s: is not a regular file", path);
		check_mend(c, "# in %s: the real path", c->a->conf->file);
		check_mend(c, "database = \"/the/real/path\"");
		return false;
	}
	if (st.st_uid == 0 && check_is_nobody(c)) {
		check_found(c, &of_root, "%s: belongs to root", path);
		mend_owner(c, check_usual_user());
		check_mend(c, "chown -R %s %s", check_usual_user(),
		    check_quoted(c, c->a->conf->keys));
		return true;
	}
	if (access(path, R_OK | W_OK) != 0) {
		check_found(c, &owner, "%s: %s may not read and write it "
		    "(owner uid %u, mode %04o)", path, c->me.name,
		    (unsigned)st.st_uid, (unsigned)(st.st_mode & 07777));
		mend_owner(c, c->me.name);
		return false;
	}
	if ((st.st_mode & 07) != 0) {
		check_found(c, &mode, "%s: mode %04o lets others at it", path,
		    (unsigned)(st.st_mode & 07777));
		check_mend(c, "chmod 600 %s", check_quoted(c, path));
		return false;
	}
	return true;
}

static bool
check_lock_file(struct check *c, const char *db)
{
	struct buf path = BUF_INIT(8192);
	const char *p;
	struct stat st;
	bool ok = false;

	buf_fmt(&path, "%s-lock", db);
	p = buf_cstr(&path);
	if (lstat(p, &st) != 0) {
		check_found(c, &no_lock, "%s: %s", p, strerror(errno));
		check_mend_init(c);
	} else if (access(p, R_OK | W_OK) != 0) {
		check_found(c, &lock_owner, "%s: %s may not read and write it "
		    "(owner uid %u, mode %04o)", p, c->me.name,
		    (unsigned)st.st_uid, (unsigned)(st.st_mode & 07777));
		mend_owner(c, c->me.name);
	} else {
		ok = true;
		if ((st.st_mode & 07) != 0) {
			check_found(c, &lock_mode, "%s: mode %04o", p,
			    (unsigned)(st.st_mode & 07777));
			check_mend(c, "chmod 600 %s", check_quoted(c, p));
		}
	}
	buf_clear(&path);
	return ok;
}

/* What SQLite keeps beside the database, left by somebody else. */
static bool
check_sidecars(struct check *c, const char *db)
{
	struct buf path = BUF_INIT(8192);
	bool ok = true;
	size_t i;

	for (i = 2; ok && i < 4; i++) {
		buf_reset(&path);
		buf_fmt(&path, "%s%s", db, parts[i]);
		if (access(buf_cstr(&path), F_OK) == 0 &&
		    access(buf_cstr(&path), R_OK | W_OK) != 0) {
			check_found(c, &owner, "%s: %s may not read and write "
			    "it", buf_cstr(&path), c->me.name);
			mend_owner(c, c->me.name);
			ok = false;
		}
	}
	buf_clear(&path);
	return ok;
}

static bool
check_folder(struct check *c, const char *db)
{
	char *copy = xstrdup(db), *dir = dirname(copy);
	struct stat st;
	bool ok = true;

	if (access(dir, W_OK | X_OK) != 0) {
		check_found(c, &folder_mode, "%s: %s may not write in the "
		    "database's folder", dir, c->me.name);
		mend_owner(c, c->me.name);
		ok = false;
	} else if (stat(dir, &st) == 0 && (st.st_mode & S_IWOTH) != 0 &&
	    (st.st_mode & S_ISVTX) == 0) {
		check_found(c, &folder_mode, "%s: mode %04o lets everybody "
		    "write in the database's folder", dir,
		    (unsigned)(st.st_mode & 07777));
		check_mend(c, "chmod 700 %s", check_quoted(c, dir));
	}
	free(copy);
	return ok;
}

static void
check_wal_size(struct check *c, const char *db)
{
	struct buf path = BUF_INIT(8192);
	struct stat st;

	buf_fmt(&path, "%s-wal", db);
	if (stat(buf_cstr(&path), &st) == 0 && st.st_size > CHECK_WAL_BYTES) {
		check_found(c, &wal_large, "%s: has %lld MB",
		    buf_cstr(&path), (long long)(st.st_size >> 20));
		check_mend(c, "fuser -v %s", check_quoted(c, db));
		check_mend(c, "# end what is not a program of oauth-cgi "
		    "there; the next requests fold it");
	}
	buf_clear(&path);
}

bool
check_database_files(struct check *c)
{
	const char *db = c->a->conf->database;

	if (!check_db_file(c, db) || !check_lock_file(c, db) ||
	    !check_sidecars(c, db) || !check_folder(c, db))
		return false;
	check_wal_size(c, db);
	return true;
}
