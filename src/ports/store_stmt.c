/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "store.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "store_internal.h"

sqlite3_stmt *
store_stmt(struct store *s, enum stmt slot, const char *sql)
{
	int rc;

	if (s->stmts[slot] != NULL)
		return s->stmts[slot];
	rc = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
	    &s->stmts[slot], NULL);
	store_gate_unshare(s);		/* it may have read the schema */
	if (rc != SQLITE_OK) {
		(void)store_result(s, rc, "prepare");
		return NULL;
	}
	return s->stmts[slot];
}

void
store_stmt_free(struct store *s)
{
	int i;

	for (i = 0; i < STMT__MAX; i++) {
		sqlite3_finalize(s->stmts[i]);
		s->stmts[i] = NULL;
	}
}

static int
index_of(sqlite3_stmt *st, const char *name)
{
	int i = sqlite3_bind_parameter_index(st, name);

	if (i == 0) {
		log_error("bug: no parameter %s in: %s", name,
		    sqlite3_sql(st));
		abort();
	}
	return i;
}

static void
bound(int rc, const char *name)
{
	if (rc != SQLITE_OK)
		log_die("binding %s: %s", name, sqlite3_errstr(rc));
}

/*
 * Static, so without a copy: every caller steps and resets the statement
 * before what it bound goes away.
 */
void
store_bind_text(sqlite3_stmt *st, const char *name, const char *text)
{
	bound(sqlite3_bind_text(st, index_of(st, name), text, -1,
	    SQLITE_STATIC), name);
}

void
store_bind_text_or_null(sqlite3_stmt *st, const char *name, const char *text)
{
	if (text == NULL || *text == '\0')
		store_bind_null(st, name);
	else
		store_bind_text(st, name, text);
}

void
store_bind_int(sqlite3_stmt *st, const char *name, int64_t value)
{
	bound(sqlite3_bind_int64(st, index_of(st, name), value), name);
}

void
store_bind_blob(sqlite3_stmt *st, const char *name, const void *data,
    size_t len)
{
	/* A NULL pointer would bind NULL. */
	bound(sqlite3_bind_blob64(st, index_of(st, name),
	    data != NULL ? data : "", len, SQLITE_STATIC), name);
}

void
store_bind_hash(sqlite3_stmt *st, const char *name,
    const unsigned char hash[STORE_HASH])
{
	store_bind_blob(st, name, hash, STORE_HASH);
}

void
store_bind_null(sqlite3_stmt *st, const char *name)
{
	bound(sqlite3_bind_null(st, index_of(st, name)), name);
}

void
store_reset(sqlite3_stmt *st)
{
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
}

enum err
store_step(struct store *s, sqlite3_stmt *st, const char *what)
{
	int rc = sqlite3_step(st);
	enum err e;

	store_gate_unshare(s);
	if (rc == SQLITE_ROW)
		return ERR_OK;
	if (rc == SQLITE_DONE) {
		store_reset(st);
		return ERR_NOT_FOUND;
	}
	/* The message is gone after the reset: tell first. */
	e = store_result(s, rc, what);
	store_reset(st);
	return e;
}

enum err
store_run(struct store *s, sqlite3_stmt *st, const char *what)
{
	enum err e = store_step(s, st, what);

	if (e == ERR_OK) {
		store_reset(st);
		return ERR_OK;
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

void
store_get_text(sqlite3_stmt *st, int i, char *out, size_t size)
{
	const unsigned char *text = sqlite3_column_text(st, i);
	size_t len = (size_t)sqlite3_column_bytes(st, i);

	if (text == NULL || len >= size) {
		out[0] = '\0';
		return;
	}
	memcpy(out, text, len);
	out[len] = '\0';
}

bool
store_get_hash(sqlite3_stmt *st, int i, unsigned char *out, size_t len)
{
	const void *blob = sqlite3_column_blob(st, i);

	if (blob == NULL || (size_t)sqlite3_column_bytes(st, i) != len) {
		memset(out, 0, len);
		return false;
	}
	memcpy(out, blob, len);
	return true;
}
