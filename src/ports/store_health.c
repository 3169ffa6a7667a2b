/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "store_health.h"

#include <sys/vfs.h>

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "store_internal.h"

/*
 * File systems whose memory is not shared between hosts, or whose mmap() is
 * not to be trusted with it: WAL does not work there (sqlite.org/wal.html).
 */
bool
store_is_network(const char *path)
{
	static const unsigned long types[] = {
		0x6969,		/* nfs */
		0x517b,		/* smb */
		0xff534d42,	/* cifs */
		0xfe534d42,	/* smb2 */
		0x65735546,	/* fuse */
		0x01021997,	/* 9p */
		0x5346414f,	/* afs */
		0x73757245,	/* coda */
		0x00c36400,	/* ceph */
		0x0bd00bd0,	/* lustre */
		0x01161970,	/* gfs2 */
		0x7461636f,	/* ocfs2 */
		0x786f4256,	/* vboxsf */
		0x19830326,	/* beegfs */
	};
	struct statfs fs;
	size_t i;

	if (statfs(path, &fs) != 0)
		return true;
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (((unsigned long)fs.f_type & 0xffffffff) == types[i])
			return true;
	return false;
}

bool
store_is_wal(const struct store *s)
{
	return s->wal;
}

enum err
store_inspect(const char *path, struct store_inspection *out)
{
	struct store *s;
	int64_t id = 0, tables = 0;
	enum err e;

	memset(out, 0, sizeof(*out));
	if ((e = store_open_file(path, STORE_ROLE_ADMIN,
	    SQLITE_OPEN_READWRITE, &s)) != ERR_OK)
		return e;
	if ((e = store_present(s, &out->version, &id, &tables)) == ERR_OK) {
		out->ours = id == STORE_APPLICATION_ID;
		out->empty = tables == 0;
	}
	out->known = store_known_version();
	store_close(s);
	return e;
}

/* ---- is it whole? ----------------------------------------------------- */

static int
out_of_time(void *until)
{
	return clock_mono_ms() > *(const int64_t *)until;
}

enum err
store_quick_check(struct store *s, int64_t ms, char problem[256])
{
	int64_t until = clock_mono_ms() + ms;
	sqlite3_stmt *st = NULL;
	const char *text;
	enum err e = ERR_OK;
	int rc;

	problem[0] = '\0';
	sqlite3_progress_handler(s->db, 10000, out_of_time, &until);
	rc = sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &st, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		text = (const char *)sqlite3_column_text(st, 0);
		if (text == NULL || strcmp(text, "ok") != 0) {
			snprintf(problem, 256, "%s", text != NULL ? text :
			    "no result");
			e = ERR_CONFIG;
		}
	} else if ((rc & 0xff) == SQLITE_INTERRUPT) {
		e = ERR_BUSY;
	} else {
		snprintf(problem, 256, "%s", sqlite3_errmsg(s->db));
		e = store_result(s, rc, "quick check");
	}
	sqlite3_finalize(st);
	store_gate_unshare(s);
	sqlite3_progress_handler(s->db, 0, NULL, NULL);
	return e;
}

/* ---- what is in it? --------------------------------------------------- */

enum err
store_tally(struct store *s, int64_t now, struct store_tally *out)
{
	sqlite3_stmt *st = store_stmt(s, STMT_TALLY,
	    "SELECT (SELECT count(*) FROM app),"
	    " (SELECT min(created_at) FROM app),"
	    " (SELECT count(*) FROM pending WHERE expires_at <= :now),"
	    " (SELECT count(*) FROM start_link"
	    " WHERE used_at = 0 AND expires_at > :now),"
	    " (SELECT count(*) FROM connection"
	    " WHERE subject IS NULL AND created_at < :unbound),"
	    " (SELECT done_at FROM upkeep WHERE task = 'purge'),"
	    " max(coalesce((SELECT max(created_at) FROM app), 0),"
	    " coalesce((SELECT max(issued_at) FROM connection), 0),"
	    " coalesce((SELECT max(done_at) FROM upkeep), 0))");
	enum err e;

	memset(out, 0, sizeof(*out));
	if (st == NULL)
		return ERR_INTERNAL;
	store_bind_int(st, ":now", now);
	store_bind_int(st, ":unbound", now - UNBOUND_TTL);
	if ((e = store_step(s, st, "count")) != ERR_OK)
		return e;
	out->apps = sqlite3_column_int64(st, 0);
	out->first_app_at = sqlite3_column_int64(st, 1);
	out->pending_over = sqlite3_column_int64(st, 2);
	out->links_open = sqlite3_column_int64(st, 3);
	out->unbound_over = sqlite3_column_int64(st, 4);
	out->purged_at = sqlite3_column_int64(st, 5);
	out->newest_at = sqlite3_column_int64(st, 6);
	store_reset(st);
	return ERR_OK;
}

static void
get_sealed(sqlite3_stmt *st, int i, struct buf *out)
{
	buf_reset(out);
	buf_add(out, sqlite3_column_blob(st, i),
	    (size_t)sqlite3_column_bytes(st, i));
}

enum err
store_group_each(struct store *s, store_group_fn fn, void *arg)
{
	/* Bytes 1 to 5 of a sealed value: its format and its key (vault.h). */
	sqlite3_stmt *st = store_stmt(s, STMT_CONN_GROUPS,
	    "SELECT provider, client_id, status, subject IS NOT NULL,"
	    " rotates, attempt_at <> 0, access, refresh, count(*)"
	    " FROM connection GROUP BY provider, client_id, status,"
	    " subject IS NOT NULL, rotates, attempt_at <> 0,"
	    " substr(access, 1, 5), substr(refresh, 1, 5)");
	struct store_group g;
	enum err e;

	if (st == NULL)
		return ERR_INTERNAL;
	store_connection_init(&g.like);
	while ((e = store_step(s, st, "count connections")) == ERR_OK) {
		store_get_text(st, 0, g.like.provider,
		    sizeof(g.like.provider));
		store_get_text(st, 1, g.like.client_id,
		    sizeof(g.like.client_id));
		g.like.status = (enum connection_status)
		    sqlite3_column_int(st, 2);
		g.like.bound = sqlite3_column_int(st, 3) != 0;
		g.like.rotates = sqlite3_column_int(st, 4);
		g.like.attempt_at = sqlite3_column_int64(st, 5);
		get_sealed(st, 6, &g.like.access);
		get_sealed(st, 7, &g.like.refresh);
		g.count = sqlite3_column_int64(st, 8);
		fn(arg, &g);
	}
	store_connection_clear(&g.like);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err
store_pending_key_each(struct store *s, int64_t now, store_id_fn fn, void *arg)
{
	sqlite3_stmt *st = store_stmt(s, STMT_PENDING_KEYS,
	    "SELECT key_id, count(*) FROM pending"
	    " WHERE expires_at > :now AND stage = 0 GROUP BY key_id");
	enum err e;

	if (st == NULL)
		return ERR_INTERNAL;
	store_bind_int(st, ":now", now);
	while ((e = store_step(s, st, "count flows")) == ERR_OK)
		fn(arg, (uint32_t)sqlite3_column_int64(st, 0),
		    sqlite3_column_int64(st, 1));
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err
store_app_keys_each(struct store *s, int64_t now, store_app_keys_fn fn,
    void *arg)
{
	sqlite3_stmt *st = store_stmt(s, STMT_APP_KEYS,
	    "SELECT name, count(hash), min(expires_at), max(expires_at)"
	    " FROM app LEFT JOIN app_key ON app = name"
	    " AND (expires_at = 0 OR expires_at > :now)"
	    " GROUP BY name ORDER BY name");
	struct store_app_keys k;
	enum err e;

	if (st == NULL)
		return ERR_INTERNAL;
	store_bind_int(st, ":now", now);
	while ((e = store_step(s, st, "count keys")) == ERR_OK) {
		store_get_text(st, 0, k.app, sizeof(k.app));
		k.valid = sqlite3_column_int64(st, 1);
		k.last_expires_at = sqlite3_column_int64(st, 2) == 0 ? 0 :
		    sqlite3_column_int64(st, 3);
		fn(arg, &k);
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}
