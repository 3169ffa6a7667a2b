/* SPDX-License-Identifier: ISC */
#ifndef OAC_STORE_INTERNAL_H
#define OAC_STORE_INTERNAL_H

/*
 * store_internal - what the files of the store share; nobody else includes it.
 *
 * store.c		opening, roles, what a SQLite error means
 * store_gate.c		the writer gate, connection locks, transactions
 * store_stmt.c		statements: prepared once, bound by name
 * store_migrate.c	creating tables and bringing them up to date
 * store_health.c	looking at a database as a whole
 * store_app.c store_pending.c store_connection.c
 *			store_provider.c: the rows
 */
#include <sys/types.h>

#include <sqlite3.h>

#include "store.h"

/* "oac1": tells our databases from others (PRAGMA application_id). */
#define STORE_APPLICATION_ID	0x6f616331

/* A slot for each statement that is kept prepared. */
enum stmt {
	STMT_BEGIN, STMT_COMMIT, STMT_ROLLBACK,
	STMT_APP_GET, STMT_APP_EACH, STMT_APP_ADD, STMT_APP_REMOVE,
	STMT_KEY_FIND, STMT_KEY_ADD, STMT_KEY_EXPIRE, STMT_KEY_RETIRE,
	STMT_LINK_GET, STMT_LINK_ADD, STMT_LINK_USE,
	STMT_PENDING_ADD, STMT_PENDING_GET, STMT_PENDING_TAKE,
	STMT_PENDING_FINISH, STMT_PENDING_OLDEST, STMT_PENDING_OLDEST_ID,
	STMT_PENDING_OF_BROWSER, STMT_PENDING_OF_BUSIEST, STMT_PENDING_DROP,
	STMT_CONN_BY_ID, STMT_CONN_BY_PUBLIC, STMT_CONN_BY_SUBJECT,
	STMT_CONN_BY_TICKET, STMT_CONN_OWNER, STMT_CONN_ADD, STMT_CONN_PUT,
	STMT_CONN_PUT_OWNER, STMT_CONN_PUT_ATTEMPT, STMT_CONN_REMOVE,
	STMT_CONN_EXPIRED, STMT_CONN_EXPIRE, STMT_CONN_EACH,
	STMT_SUCCESS_AT, STMT_SUCCESS_NOTE, STMT_SUCCESS_OTHERS,
	STMT_BREAKER_GET, STMT_BREAKER_PUT,
	STMT_PURGE_PENDING, STMT_PURGE_COUNT, STMT_PURGE_LINKS, STMT_PURGE_KEYS,
	STMT_PURGE_DONE,
	STMT_TALLY, STMT_CONN_GROUPS, STMT_PENDING_KEYS, STMT_APP_KEYS,
	STMT__MAX
};

/* A file by its device and inode, to see whether it was replaced. */
struct file_id {
	dev_t	dev;
	ino_t	ino;
};

/* What this process has of the writer gate. */
enum gate {
	GATE_FREE,
	GATE_OURS,		/* a transaction that writes */
	GATE_SHARED,		/* a reader who could not get in otherwise */
};

struct store {
	sqlite3		*db;
	sqlite3_stmt	*stmts[STMT__MAX];
	enum store_role	 role;
	char		*path;		/* of the database, folder resolved */
	char		*lock_path;
	int		 lock_fd;
	struct file_id	 db_id;
	struct file_id	 lock_id;
	bool		 wal;
	enum gate	 gate;
	int64_t		 busy_until_ms;	/* SQLite's own waiting ends */
	bool		 in_tx;
	bool		 broken;
	int		 wal_pages;	/* after the last commit */
	int		 written;	/* pages, by then, in all */
	int64_t		 locked_id;	/* connection whose lock we hold, or 0 */

	/* What store_is_current() saw, and what was read as of which. */
	bool		 has_announced;
	int64_t		 announced;
	bool		 has_app;
	int64_t		 app_as_of;
	char		 app_asked[LIMIT_NAME + 1];	/* "" the only one */
	struct store_app app;
	bool		 has_key;
	int64_t		 key_as_of;
	struct store_key key;
};

/* ---- store.c ---------------------------------------------------------- */

/*
 * What a SQLite result means to a caller; logged with the mend. SQLITE_OK,
 * SQLITE_ROW and SQLITE_DONE are ERR_OK.
 */
enum err store_result(struct store *s, int rc, const char *what);

/* The steps of opening that store_migrate.c shares. flags: SQLITE_OPEN_… */
enum err store_open_file(const char *path, enum store_role role, int flags,
    struct store **out);

/* The newest schema that this program knows: the last migration's number. */
int64_t store_known_version(void);

/* Settings of the connection once the journal mode is known. */
enum err store_configure(struct store *s);

/* ---- store_migrate.c -------------------------------------------------- */

/* The schema's version, whose it is (application id), how many tables. */
enum err store_present(struct store *s, int64_t *version, int64_t *id,
    int64_t *tables);

/* ---- store_gate.c ----------------------------------------------------- */

/* Open the lock file (create: make it when missing). */
enum err store_lockfile_open(struct store *s, bool create);
enum err store_gate_enter(struct store *s);
void store_gate_leave(struct store *s);
void store_gate_unshare(struct store *s);	/* after a step that reads */
void store_gate_init(struct store *s);	/* hooks, handlers */

/* How often the operator's command has said that it may have changed apps. */
int64_t store_announced(const struct store *s);

/* ---- store_provider.c ------------------------------------------------- */

/* In a transaction: c got its tokens at c->issued_at. */
enum err store_success_note(struct store *s,
    const struct store_connection *c);

/* ---- store_stmt.c ----------------------------------------------------- */

/* The statement of that slot, prepared on first use. NULL: logged. */
sqlite3_stmt *store_stmt(struct store *s, enum stmt slot, const char *sql);
void store_stmt_free(struct store *s);

/* Bind by name (":state"); a name that is not there is our bug and aborts. */
void store_bind_text(sqlite3_stmt *st, const char *name, const char *text);
void store_bind_text_or_null(sqlite3_stmt *st, const char *name,
    const char *text);
void store_bind_int(sqlite3_stmt *st, const char *name, int64_t value);
void store_bind_blob(sqlite3_stmt *st, const char *name, const void *data,
    size_t len);
void store_bind_hash(sqlite3_stmt *st, const char *name,
    const unsigned char hash[STORE_HASH]);
void store_bind_null(sqlite3_stmt *st, const char *name);

/* Step to a row (ERR_OK) or the end (ERR_NOT_FOUND, and reset). */
enum err store_step(struct store *s, sqlite3_stmt *st, const char *what);

/* Step a statement that gives no rows, and reset it. */
enum err store_run(struct store *s, sqlite3_stmt *st, const char *what);
void store_reset(sqlite3_stmt *st);

/* Copy column i out. Text that does not fit is a damaged row: "". */
void store_get_text(sqlite3_stmt *st, int i, char *out, size_t size);
bool store_get_hash(sqlite3_stmt *st, int i, unsigned char *out, size_t len);

#endif
