/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "store_health.h"

#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embed.h"
#include "log.h"
#include "store_internal.h"

/* Put the file into the journal mode that is asked for, and believe SQLite. */
static enum err
set_journal(struct store *s, enum conf_journal journal)
{
	bool wal = journal == JOURNAL_WAL ||
	    (journal == JOURNAL_AUTO && !store_is_network(s->path));
	const char *want = wal ? "wal" : "delete", *got = "";
	sqlite3_stmt *st = NULL;
	enum err e = ERR_OK;
	int rc;

	rc = sqlite3_prepare_v2(s->db, wal ? "PRAGMA journal_mode = WAL" :
	    "PRAGMA journal_mode = DELETE", -1, &st, NULL);
	if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		got = (const char *)sqlite3_column_text(st, 0);
		rc = SQLITE_OK;
	}
	if (rc != SQLITE_OK) {
		e = store_result(s, rc, "journal mode");
	} else if (strcmp(got, want) != 0) {
		log_error("database %s: its file system does not allow journal "
		    "mode %s (it stays %s); set `journal` accordingly",
		    s->path, want, got);
		e = ERR_CONFIG;
	}
	sqlite3_finalize(st);
	store_gate_unshare(s);
	return e;
}

/* Apply one migration and move the version, together or not at all. */
static enum err
apply(struct store *s, const struct embedded_file *m, int64_t version)
{
	char pragmas[128];
	enum err e;

	snprintf(pragmas, sizeof(pragmas),
	    "PRAGMA user_version = %lld; PRAGMA application_id = %d",
	    (long long)version, STORE_APPLICATION_ID);
	if ((e = store_begin(s)) != ERR_OK)
		return e;
	if ((e = store_result(s, sqlite3_exec(s->db, m->text, NULL, NULL,
	    NULL), m->name)) != ERR_OK ||
	    (e = store_result(s, sqlite3_exec(s->db, pragmas, NULL, NULL,
	    NULL), m->name)) != ERR_OK) {
		store_rollback(s);
		return e;
	}
	return store_commit(s, STORE_DURABLE);
}

enum err
store_present(struct store *s, int64_t *version, int64_t *id, int64_t *tables)
{
	static const char sql[] = "SELECT user_version, application_id, "
	    "(SELECT count(*) FROM sqlite_master) "
	    "FROM pragma_user_version, pragma_application_id";
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);

	if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		*version = sqlite3_column_int64(st, 0);
		*id = sqlite3_column_int64(st, 1);
		*tables = sqlite3_column_int64(st, 2);
	}
	sqlite3_finalize(st);
	store_gate_unshare(s);
	return store_result(s, rc, "open");
}

static enum err
migrate(struct store *s, enum conf_journal journal, bool *created)
{
	int64_t version = 0, id = 0, tables = 0, n;
	enum err e;

	if ((e = store_present(s, &version, &id,
	    &tables)) != ERR_OK)
		return e;
	if (tables > 0 && id != STORE_APPLICATION_ID) {
		log_error("database %s: belongs to another program; give "
		    "another path in `database`", s->path);
		return ERR_CONFIG;
	}
	*created = tables == 0;
	if ((e = set_journal(s, journal)) != ERR_OK ||
	    (e = store_configure(s)) != ERR_OK)
		return e;
	for (n = 0; embedded_migrations[n].name != NULL; n++)
		if (n >= version && (e = apply(s, &embedded_migrations[n],
		    n + 1)) != ERR_OK)
			return e;
	if (version > n) {
		log_error("database %s: its schema is version %lld, newer than "
		    "this program's; install the newer programs", s->path,
		    (long long)version);
		return ERR_CONFIG;
	}
	return ERR_OK;
}

enum err
store_create(const char *path, enum conf_journal journal, bool *created)
{
	mode_t mask = umask(077);
	struct store *s = NULL;
	enum err e;

	*created = false;
	e = store_open_file(path, STORE_ROLE_ADMIN,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &s);
	if (e == ERR_OK)
		e = migrate(s, journal, created);
	store_close(s);
	umask(mask);
	return e;
}
