/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "store.h"

#include <sys/stat.h>

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "embed.h"
#include "log.h"
#include "store_internal.h"
#include "xalloc.h"

/* ---- roles ------------------------------------------------------------ */

#define MAY_READ	(1 << 0)
#define MAY_INSERT	(1 << 1)
#define MAY_UPDATE	(1 << 2)
#define MAY_DELETE	(1 << 3)
#define BY_TRIGGER	(1 << 4)	/* writes only from our triggers */

/* Who may do what: the table of ARCHITECTURE.md, enforced. */
static const struct {
	enum store_role	 role;
	const char	*table;
	int		 may;
} rights[] = {
	{ STORE_ROLE_START, "app", MAY_READ },
	{ STORE_ROLE_START, "start_link", MAY_READ },
	{ STORE_ROLE_START, "pending", MAY_READ | MAY_INSERT | MAY_DELETE },
	{ STORE_ROLE_START, "pending_crowd", MAY_READ | MAY_INSERT |
	    MAY_UPDATE | MAY_DELETE | BY_TRIGGER },

	{ STORE_ROLE_CALLBACK, "app", MAY_READ },
	{ STORE_ROLE_CALLBACK, "start_link", MAY_READ | MAY_UPDATE },
	{ STORE_ROLE_CALLBACK, "pending", MAY_READ | MAY_UPDATE },
	{ STORE_ROLE_CALLBACK, "connection",
	    MAY_READ | MAY_INSERT | MAY_UPDATE | MAY_DELETE },

	{ STORE_ROLE_CALLBACK, "breaker", MAY_READ | MAY_INSERT | MAY_UPDATE },
	{ STORE_ROLE_CALLBACK, "provider_success",
	    MAY_READ | MAY_INSERT | MAY_UPDATE },

	{ STORE_ROLE_REFRESH, "app", MAY_READ },
	{ STORE_ROLE_REFRESH, "app_key", MAY_READ },
	{ STORE_ROLE_REFRESH, "connection",
	    MAY_READ | MAY_UPDATE | MAY_DELETE },
	{ STORE_ROLE_REFRESH, "breaker", MAY_READ | MAY_INSERT | MAY_UPDATE },
	{ STORE_ROLE_REFRESH, "provider_success",
	    MAY_READ | MAY_INSERT | MAY_UPDATE },
};

static bool
role_may(enum store_role role, const char *table, int what, bool by_trigger)
{
	size_t i;

	for (i = 0; i < sizeof(rights) / sizeof(rights[0]); i++)
		if (rights[i].role == role &&
		    strcmp(rights[i].table, table) == 0)
			return (rights[i].may & what) == what &&
			    (what == MAY_READ || by_trigger ||
			    (rights[i].may & BY_TRIGGER) == 0);
	return false;
}

/* callback stores tokens; it never reads one back. */
static bool
is_sealed_column(const char *table, const char *column)
{
	return strcmp(table, "connection") == 0 &&
	    (strcmp(column, "access") == 0 || strcmp(column, "refresh") == 0 ||
	    strcmp(column, "account") == 0);
}

/* sqlite3_set_authorizer(): asked when a statement is prepared. */
static int
authorize(void *arg, int action, const char *a, const char *b,
    const char *database, const char *trigger)
{
	enum store_role role = ((struct store *)arg)->role;
	bool ok = false;

	(void)database;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_TRANSACTION:
	case SQLITE_FUNCTION:
		ok = true;
		break;
	case SQLITE_READ:
		ok = role_may(role, a, MAY_READ, trigger != NULL) &&
		    (role != STORE_ROLE_CALLBACK || !is_sealed_column(a, b));
		break;
	case SQLITE_INSERT:
		ok = role_may(role, a, MAY_INSERT, trigger != NULL);
		break;
	case SQLITE_UPDATE:
		ok = role_may(role, a, MAY_UPDATE, trigger != NULL);
		break;
	case SQLITE_DELETE:
		ok = role_may(role, a, MAY_DELETE, trigger != NULL);
		break;
	}
	return ok ? SQLITE_OK : SQLITE_DENY;
}

/* ---- errors ----------------------------------------------------------- */

static void
log_full(const struct store *s, const char *what)
{
	log_error("database %s: %s: the disk or quota is full; free some "
	    "space, nothing was changed", s->path, what);
}

enum err
store_result(struct store *s, int rc, const char *what)
{
	int system_error = errno;

	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return ERR_OK;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		log_warn("database %s: %s: busy for more than %d ms", s->path,
		    what, WAIT_SQLITE_MS);
		return ERR_BUSY;
	case SQLITE_CONSTRAINT:
		return ERR_CONFLICT;
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		log_error("database %s: %s: the file is damaged or is not a "
		    "database (%s); restore it from a backup, nothing was "
		    "written", s->path, what, sqlite3_errmsg(s->db));
		return ERR_CONFIG;
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
		log_error("database %s: %s: not writable for user %ld (%s); "
		    "give the file, its folder and the files beside it to the "
		    "web server's user", s->path, what, (long)geteuid(),
		    sqlite3_errmsg(s->db));
		return ERR_CONFIG;
	case SQLITE_FULL:
		log_full(s, what);
		return ERR_INTERNAL;
	case SQLITE_IOERR:
		/*
		 * SQLite knows a full disk, but neither quota nor ulimit -f,
		 * and keeps no errno of a commit: ours is still its.
		 */
		if (system_error == EDQUOT || system_error == EFBIG)
			log_full(s, what);
		else
			log_error("database %s: %s: %s (%d, %s)", s->path, what,
			    sqlite3_errmsg(s->db), rc,
			    strerror(system_error));
		return ERR_INTERNAL;
	case SQLITE_AUTH:
		log_error("database %s: %s: not allowed in this role: %s",
		    s->path, what, sqlite3_errmsg(s->db));
		return ERR_INTERNAL;
	default:
		log_error("database %s: %s: %s (%d)", s->path, what,
		    sqlite3_errmsg(s->db), rc);
		return ERR_INTERNAL;
	}
}

/* ---- opening ---------------------------------------------------------- */

/*
 * The path with its folder resolved, so that SQLITE_OPEN_NOFOLLOW refuses a
 * linked database but not a linked home.
 */
static char *
resolve(const char *path)
{
	char *copy = xstrdup(path), *again = xstrdup(path);
	char *dir = realpath(dirname(copy), NULL), *out = NULL;

	if (dir == NULL) {
		log_error("database %s: its folder can't be reached: %s", path,
		    strerror(errno));
	} else if (asprintf(&out, "%s/%s", strcmp(dir, "/") == 0 ? "" : dir,
	    basename(again)) < 0) {
		log_die("out of memory");
	}
	free(dir);
	free(copy);
	free(again);
	return out;
}

/* Look at the file without opening it: closing it would drop SQLite's locks. */
static enum err
check_file(const char *path, bool may_be_missing, struct file_id *id)
{
	struct stat st;

	if (lstat(path, &st) != 0) {
		if (errno == ENOENT && may_be_missing)
			return ERR_OK;
		log_error("database %s: %s; create it with `oauth-cgi init`",
		    path, strerror(errno));
		return ERR_CONFIG;
	}
	if (!S_ISREG(st.st_mode)) {
		log_error("database %s: not a regular file (a link is not "
		    "followed); give the real path in `database`", path);
		return ERR_CONFIG;
	}
	if ((st.st_mode & 07) != 0) {
		log_error("database %s: others have access (mode %04o); mend "
		    "it with: chmod 600 %s", path,
		    (unsigned)st.st_mode & 07777, path);
		return ERR_CONFIG;
	}
	id->dev = st.st_dev;
	id->ino = st.st_ino;
	return ERR_OK;
}

/*
 * What SQLite does for threads and for its own statistics, which is part of
 * every allocation, is left out. Refused, and without effect, once it runs.
 */
static void
configure_library(void)
{
	(void)sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	(void)sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 64);
}

enum err
store_open_file(const char *path, enum store_role role, int flags,
    struct store **out)
{
	bool create = (flags & SQLITE_OPEN_CREATE) != 0;
	struct store *s = xcalloc(1, sizeof(*s));
	struct file_id before = { 0 };
	enum err e = ERR_CONFIG;

	*out = NULL;
	configure_library();
	s->role = role;
	s->lock_fd = -1;
	if ((s->path = resolve(path)) == NULL)
		goto out;
	if (asprintf(&s->lock_path, "%s-lock", s->path) < 0)
		log_die("out of memory");
	if ((e = check_file(s->path, create, &before)) != ERR_OK ||
	    (e = store_lockfile_open(s, create)) != ERR_OK)
		goto out;
	if ((e = store_result(s, sqlite3_open_v2(s->path, &s->db,
	    flags | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX |
	    SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE, NULL),
	    "open")) != ERR_OK)
		goto out;
	/* A checkpoint is made inside the gate alone. */
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if ((e = check_file(s->path, false, &s->db_id)) != ERR_OK)
		goto out;
	if (!create && (before.ino != s->db_id.ino ||
	    before.dev != s->db_id.dev)) {
		log_warn("database %s: replaced while it was opened", s->path);
		e = ERR_BUSY;
		goto out;
	}
	if (sqlite3_db_readonly(s->db, "main") == 1) {
		e = store_result(s, SQLITE_READONLY, "open");
		goto out;
	}
	store_gate_init(s);
	*out = s;
	s = NULL;
out:
	store_close(s);
	return e;
}

/* Run a statement without results; for settings, never with outside text. */
static int
setting(struct store *s, const char *sql)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL);
}

static int
int_setting(struct store *s, const char *sql, int64_t *value)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);

	if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		*value = sqlite3_column_int64(st, 0);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	store_gate_unshare(s);
	return rc;
}

enum err
store_configure(struct store *s)
{
	static const char *const always[] = {
		"PRAGMA secure_delete = ON",
		"PRAGMA foreign_keys = ON",
		"PRAGMA temp_store = MEMORY",
	};
	sqlite3_stmt *st = NULL;
	enum err e;
	size_t i;
	int rc;

	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	for (i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		if ((e = store_result(s, setting(s, always[i]),
		    "settings")) != ERR_OK)
			return e;
	rc = sqlite3_prepare_v2(s->db, "PRAGMA journal_mode", -1, &st, NULL);
	if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		s->wal = strcmp((const char *)sqlite3_column_text(st, 0),
		    "wal") == 0;
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	store_gate_unshare(s);
	if ((e = store_result(s, rc, "journal mode")) != ERR_OK)
		return e;
	/* In WAL mode store_commit() syncs, outside of the gate. */
	return store_result(s, setting(s, s->wal ?
	    "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = EXTRA"),
	    "settings");
}

int64_t
store_known_version(void)
{
	int64_t n = 0;

	while (embedded_migrations[n].name != NULL)
		n++;
	return n;
}

static enum err
check_version(struct store *s)
{
	int64_t id = 0, version = 0, known = store_known_version();
	enum err e;

	if ((e = store_result(s, int_setting(s, "PRAGMA application_id", &id),
	    "open")) != ERR_OK ||
	    (e = store_result(s, int_setting(s, "PRAGMA user_version",
	    &version), "open")) != ERR_OK)
		return e;
	if (id != STORE_APPLICATION_ID) {
		log_error("database %s: not a database of oauth-cgi; give "
		    "another path in `database`, or run `oauth-cgi init` where "
		    "there is no file yet", s->path);
		return ERR_CONFIG;
	}
	if (version == known)
		return ERR_OK;
	log_error("database %s: its schema is version %lld, this program "
	    "wants %lld; %s", s->path, (long long)version, (long long)known,
	    version < known ? "bring it up to date with `oauth-cgi init`" :
	    "install the newer programs, all of them");
	return ERR_CONFIG;
}

enum err
store_open(const char *path, enum conf_journal journal, enum store_role role,
    struct store **out)
{
	struct store *s;
	enum err e;

	*out = NULL;
	if ((e = store_open_file(path, role, SQLITE_OPEN_READWRITE, &s)) !=
	    ERR_OK)
		return e;
	if ((e = check_version(s)) != ERR_OK ||
	    (e = store_configure(s)) != ERR_OK)
		goto out;
	if (s->wal && journal == JOURNAL_DELETE)
		log_warn("database %s: in WAL mode although `journal` is "
		    "\"delete\"; run `oauth-cgi init` while nothing else uses "
		    "it", s->path);
	if (role != STORE_ROLE_ADMIN)
		sqlite3_set_authorizer(s->db, authorize, s);
	*out = s;
	s = NULL;
out:
	store_close(s);
	return e;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	store_stmt_free(s);
	if (s->db != NULL)
		sqlite3_close(s->db);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	free(s->path);
	free(s->lock_path);
	free(s);
}

static bool
is_at(const char *path, const struct file_id *id)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_dev == id->dev &&
	    st.st_ino == id->ino;
}

bool
store_is_current(struct store *s)
{
	/* On network file systems the content may come late. */
	s->has_announced = s->wal;
	if (s->has_announced)
		s->announced = store_announced(s);
	return is_at(s->path, &s->db_id) && is_at(s->lock_path, &s->lock_id);
}

bool
store_broken(const struct store *s)
{
	return s->broken;
}
