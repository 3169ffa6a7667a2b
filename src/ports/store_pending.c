/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "store.h"

#include <string.h>

#include "log.h"
#include "store_internal.h"

/* Run a statement that takes at most one row away; *hit tells whether. */
static enum err
drop_one(struct store *s, sqlite3_stmt *st, bool *hit)
{
	enum err e = store_run(s, st, "make room");

	*hit = e == ERR_OK && sqlite3_changes(s->db) > 0;
	return e;
}

static enum err
expire_some(struct store *s, int64_t now)
{
	sqlite3_stmt *st = store_stmt(s, STMT_PENDING_EXPIRE,
	    "DELETE FROM pending WHERE id IN (SELECT id"
	    " FROM pending WHERE expires_at <= :now"
	    " ORDER BY expires_at LIMIT :most)");

	if (st == NULL)
		return ERR_INTERNAL;
	store_bind_int(st, ":now", now);
	store_bind_int(st, ":most", PENDING_EXPIRE_BATCH);
	return store_run(s, st, "expire pending");
}

/* A browser's oldest goes while it has as many as it may have. */
static enum err
bound_browser(struct store *s, const unsigned char browser[STORE_HASH])
{
	sqlite3_stmt *st = store_stmt(s, STMT_PENDING_DROP_BROWSER,
	    "DELETE FROM pending WHERE id IN (SELECT id"
	    " FROM pending WHERE browser_hash = :browser"
	    " ORDER BY id DESC LIMIT -1 OFFSET :most)");

	if (st == NULL)
		return ERR_INTERNAL;
	store_bind_hash(st, ":browser", browser);
	store_bind_int(st, ":most", PENDING_PER_BROWSER - 1);
	return store_run(s, st, "make room");
}

/* All together: the oldest of whoever has the most goes. */
static enum err
bound_total(struct store *s)
{
	sqlite3_stmt *total = store_stmt(s, STMT_PENDING_TOTAL,
	    "SELECT n FROM pending_load WHERE origin_hash = x''");
	sqlite3_stmt *drop = store_stmt(s, STMT_PENDING_DROP_ORIGIN,
	    "DELETE FROM pending WHERE id IN (SELECT id"
	    " FROM pending WHERE origin_hash = (SELECT origin_hash"
	    " FROM pending_load WHERE origin_hash <> x''"
	    " ORDER BY n DESC LIMIT 1) ORDER BY id LIMIT 1)");
	int64_t n = 0;
	bool hit = true;
	enum err e;

	if (total == NULL || drop == NULL)
		return ERR_INTERNAL;
	if ((e = store_step(s, total, "count pending")) == ERR_OK) {
		n = sqlite3_column_int64(total, 0);
		store_reset(total);
	} else if (e != ERR_NOT_FOUND) {
		return e;
	}
	for (e = ERR_OK; e == ERR_OK && hit && n >= PENDING_TOTAL; n--)
		e = drop_one(s, drop, &hit);
	return e;
}

static enum err
insert(struct store *s, const struct store_pending *p)
{
	sqlite3_stmt *st = store_stmt(s, STMT_PENDING_ADD,
	    "INSERT INTO pending (state_hash, browser_hash, bind_hash,"
	    " link_hash, origin_hash, app, provider, subject, return_to,"
	    " redirect_uri, scope, key_id, created_at, expires_at)"
	    " VALUES (:state, :browser, :bind, :link, :origin, :app,"
	    " :provider, :subject, :return_to, :redirect_uri, :scope, :key_id,"
	    " :created, :expires)");

	if (st == NULL)
		return ERR_INTERNAL;
	store_bind_hash(st, ":state", p->state_hash);
	store_bind_hash(st, ":browser", p->browser_hash);
	if (p->has_bind)
		store_bind_hash(st, ":bind", p->bind_hash);
	if (p->has_link)
		store_bind_hash(st, ":link", p->link_hash);
	store_bind_hash(st, ":origin", p->origin_hash);
	store_bind_text(st, ":app", p->app);
	store_bind_text(st, ":provider", p->provider);
	store_bind_text_or_null(st, ":subject", p->subject);
	store_bind_text_or_null(st, ":return_to", p->return_to);
	store_bind_text(st, ":redirect_uri", p->redirect_uri);
	store_bind_text(st, ":scope", p->scope);
	store_bind_int(st, ":key_id", p->key_id);
	store_bind_int(st, ":created", p->created_at);
	store_bind_int(st, ":expires", p->expires_at);
	return store_run(s, st, "add pending");
}

enum err
store_pending_add(struct store *s, const struct store_pending *p)
{
	enum err e;

	if ((e = store_begin(s)) != ERR_OK)
		return e;
	if ((e = expire_some(s, p->created_at)) != ERR_OK ||
	    (e = bound_browser(s, p->browser_hash)) != ERR_OK ||
	    (e = bound_total(s)) != ERR_OK || (e = insert(s, p)) != ERR_OK) {
		store_rollback(s);
		return e;
	}
	/* Losing one to a power cut costs a click: not worth a sync. */
	return store_commit(s, STORE_RELAXED);
}

#define PENDING_COLUMNS \
	"app, provider, subject, return_to, redirect_uri, scope, key_id," \
	" created_at, expires_at, stage, outcome, bind_hash, link_hash," \
	" origin_hash, taken_at"

static void
read_row(sqlite3_stmt *st, struct store_pending *out)
{
	store_get_text(st, 0, out->app, sizeof(out->app));
	store_get_text(st, 1, out->provider, sizeof(out->provider));
	store_get_text(st, 2, out->subject, sizeof(out->subject));
	store_get_text(st, 3, out->return_to, sizeof(out->return_to));
	store_get_text(st, 4, out->redirect_uri, sizeof(out->redirect_uri));
	store_get_text(st, 5, out->scope, sizeof(out->scope));
	out->key_id = (uint32_t)sqlite3_column_int64(st, 6);
	out->created_at = sqlite3_column_int64(st, 7);
	out->expires_at = sqlite3_column_int64(st, 8);
	out->stage = (enum pending_stage)sqlite3_column_int(st, 9);
	store_get_text(st, 10, out->outcome, sizeof(out->outcome));
	out->has_bind = store_get_hash(st, 11, out->bind_hash, STORE_HASH);
	out->has_link = store_get_hash(st, 12, out->link_hash, STORE_HASH);
	store_get_hash(st, 13, out->origin_hash, STORE_HASH);
	out->taken_at = sqlite3_column_int64(st, 14);
}

enum err
store_pending_get(struct store *s, const unsigned char state_hash[STORE_HASH],
    const unsigned char browser_hash[STORE_HASH], struct store_pending *out)
{
	sqlite3_stmt *st = store_stmt(s, STMT_PENDING_GET,
	    "SELECT " PENDING_COLUMNS " FROM pending"
	    " WHERE state_hash = :state AND browser_hash = :browser");
	enum err e;

	memset(out, 0, sizeof(*out));
	if (st == NULL)
		return ERR_INTERNAL;
	store_bind_hash(st, ":state", state_hash);
	store_bind_hash(st, ":browser", browser_hash);
	if ((e = store_step(s, st, "read pending")) != ERR_OK)
		return e;
	memcpy(out->state_hash, state_hash, STORE_HASH);
	memcpy(out->browser_hash, browser_hash, STORE_HASH);
	read_row(st, out);
	store_reset(st);
	return ERR_OK;
}

enum err
store_pending_take(struct store *s, const unsigned char state_hash[STORE_HASH],
    const unsigned char browser_hash[STORE_HASH], const char *provider,
    int64_t now, struct store_pending *out)
{
	sqlite3_stmt *st = store_stmt(s, STMT_PENDING_TAKE,
	    "UPDATE pending SET stage = 1, taken_at = :now"
	    " WHERE state_hash = :state"
	    " AND browser_hash = :browser AND provider = :provider"
	    " AND stage = 0 AND expires_at > :now RETURNING " PENDING_COLUMNS);
	enum err e;

	memset(out, 0, sizeof(*out));
	if (st == NULL)
		return ERR_INTERNAL;
	if ((e = store_begin(s)) != ERR_OK)
		return e;
	store_bind_hash(st, ":state", state_hash);
	store_bind_hash(st, ":browser", browser_hash);
	store_bind_text(st, ":provider", provider);
	store_bind_int(st, ":now", now);
	if ((e = store_step(s, st, "take pending")) == ERR_OK) {
		memcpy(out->state_hash, state_hash, STORE_HASH);
		memcpy(out->browser_hash, browser_hash, STORE_HASH);
		read_row(st, out);
		e = store_run(s, st, "take pending");
	}
	if (e != ERR_OK) {
		store_rollback(s);
		return e;
	}
	return store_commit(s, STORE_RELAXED);
}

enum err
store_pending_finish(struct store *s,
    const unsigned char state_hash[STORE_HASH], const char *outcome,
    int64_t expires_at)
{
	sqlite3_stmt *st = store_stmt(s, STMT_PENDING_FINISH,
	    "UPDATE pending SET stage = 2, outcome = :outcome,"
	    " expires_at = :expires WHERE state_hash = :state");
	bool alone = !s->in_tx;
	enum err e;

	if (st == NULL)
		return ERR_INTERNAL;
	if (alone && (e = store_begin(s)) != ERR_OK)
		return e;
	store_bind_hash(st, ":state", state_hash);
	store_bind_text(st, ":outcome", outcome);
	store_bind_int(st, ":expires", expires_at);
	e = store_run(s, st, "finish pending");
	if (!alone)
		return e;
	if (e != ERR_OK) {
		store_rollback(s);
		return e;
	}
	return store_commit(s, STORE_RELAXED);
}
