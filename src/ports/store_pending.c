/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "store.h"

#include <string.h>

#include "log.h"
#include "store_internal.h"

/* Limits are part of the text: bound ones can make SQLite plan anew each time. */
#define TEXT_OF(number)		#number
#define LITERAL(number)		TEXT_OF(number)

/* ---- making room ------------------------------------------------------ */

static enum err
drop(struct store *s, int64_t id)
{
	sqlite3_stmt *st = store_stmt(s, STMT_PENDING_DROP,
	    "DELETE FROM pending WHERE id = :id");

	if (st == NULL)
		return ERR_INTERNAL;
	store_bind_int(st, ":id", id);
	return store_run(s, st, "make room");
}

/*
 * Of the oldest rows those that have expired go. Those behind one that is done,
 * and so lives longer, wait for it. *total is the number of rows that are left:
 * the newest one knows how many there were when it came, and rows go only here,
 * and by store_purge().
 */
static enum err
expire_some(struct store *s, int64_t now, int64_t *total)
{
	sqlite3_stmt *st = store_stmt(s, STMT_PENDING_OLDEST,
	    "SELECT id, expires_at, (SELECT load FROM pending"
	    " ORDER BY id DESC LIMIT 1) FROM pending ORDER BY id"
	    " LIMIT " LITERAL(PENDING_EXPIRE_BATCH));
	int64_t gone[PENDING_EXPIRE_BATCH];
	size_t count = 0, i;
	enum err e;

	*total = 0;
	if (st == NULL)
		return ERR_INTERNAL;
	while ((e = store_step(s, st, "oldest pending")) == ERR_OK) {
		*total = sqlite3_column_int64(st, 2);
		if (sqlite3_column_int64(st, 1) <= now)
			gone[count++] = sqlite3_column_int64(st, 0);
	}
	if (e != ERR_NOT_FOUND)
		return e;
	*total -= (int64_t)count;
	for (i = 0, e = ERR_OK; i < count && e == ERR_OK; i++)
		e = drop(s, gone[i]);
	return e;
}

/* Drop the row that a statement finds; *hit tells whether there was one. */
static enum err
drop_found(struct store *s, sqlite3_stmt *find, bool *hit)
{
	enum err e = store_step(s, find, "make room");
	int64_t id;

	*hit = e == ERR_OK;
	if (!*hit)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	id = sqlite3_column_int64(find, 0);
	store_reset(find);
	return drop(s, id);
}

/* A browser's oldest goes while it has as many as it may have. */
static enum err
bound_browser(struct store *s, const unsigned char browser[STORE_HASH],
    int64_t *total)
{
	sqlite3_stmt *st = store_stmt(s, STMT_PENDING_OF_BROWSER,
	    "SELECT id FROM pending WHERE browser_hash = :browser"
	    " ORDER BY id DESC LIMIT 1"
	    " OFFSET " LITERAL(PENDING_PER_BROWSER) " - 1");
	bool hit = true;
	enum err e = ERR_OK;

	if (st == NULL)
		return ERR_INTERNAL;
	while (e == ERR_OK && hit) {
		store_bind_hash(st, ":browser", browser);
		e = drop_found(s, st, &hit);
		*total -= hit;
	}
	return e;
}

/*
 * All together: the oldest of the busiest origin goes; where none was counted,
 * the oldest of all.
 */
static enum err
bound_total(struct store *s, int64_t *total)
{
	sqlite3_stmt *busiest = store_stmt(s, STMT_PENDING_OF_BUSIEST,
	    "SELECT id FROM pending WHERE origin_hash = (SELECT origin_hash"
	    " FROM pending_crowd ORDER BY n DESC LIMIT 1)"
	    " ORDER BY id LIMIT 1");
	sqlite3_stmt *oldest = store_stmt(s, STMT_PENDING_OLDEST_ID,
	    "SELECT id FROM pending ORDER BY id LIMIT 1");
	bool hit = true;
	enum err e = ERR_OK;

	if (busiest == NULL || oldest == NULL)
		return ERR_INTERNAL;
	while (e == ERR_OK && hit && *total >= PENDING_TOTAL) {
		e = drop_found(s, busiest, &hit);
		if (e == ERR_OK && !hit)
			e = drop_found(s, oldest, &hit);
		*total -= hit;
	}
	return e;
}

/* ---- rows ------------------------------------------------------------- */

static enum err
insert(struct store *s, const struct store_pending *p, int64_t load)
{
	sqlite3_stmt *st = store_stmt(s, STMT_PENDING_ADD,
	    "INSERT OR FAIL INTO pending (state_hash, browser_hash, bind_hash,"
	    " link_hash, origin_hash, app, provider, subject, return_to,"
	    " redirect_uri, scope, fields, key_id, created_at, expires_at, load)"
	    " VALUES (:state, :browser, :bind, :link, :origin, :app,"
	    " :provider, :subject, :return_to, :redirect_uri, :scope, :fields,"
	    " :key_id, :created, :expires, :load)");

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
	store_bind_text(st, ":fields", p->fields);
	store_bind_int(st, ":key_id", p->key_id);
	store_bind_int(st, ":created", p->created_at);
	store_bind_int(st, ":expires", p->expires_at);
	store_bind_int(st, ":load", load);
	return store_run(s, st, "add pending");
}

enum err
store_pending_add(struct store *s, const struct store_pending *p)
{
	int64_t total;
	enum err e;

	if ((e = store_begin(s)) != ERR_OK)
		return e;
	if ((e = expire_some(s, p->created_at, &total)) != ERR_OK ||
	    (!p->new_browser && (e = bound_browser(s, p->browser_hash,
	    &total)) != ERR_OK) ||
	    (e = bound_total(s, &total)) != ERR_OK ||
	    (e = insert(s, p, total + 1)) != ERR_OK) {
		store_rollback(s);
		return e;
	}
	/* Losing one to a power cut costs a click: not worth a sync. */
	return store_commit(s, STORE_RELAXED);
}

#define PENDING_COLUMNS \
	"id, app, provider, subject, return_to, redirect_uri, scope, key_id," \
	" created_at, expires_at, stage, outcome, bind_hash, link_hash," \
	" origin_hash, taken_at, fields"

static void
read_row(sqlite3_stmt *st, struct store_pending *out)
{
	out->id = sqlite3_column_int64(st, 0);
	store_get_text(st, 1, out->app, sizeof(out->app));
	store_get_text(st, 2, out->provider, sizeof(out->provider));
	store_get_text(st, 3, out->subject, sizeof(out->subject));
	store_get_text(st, 4, out->return_to, sizeof(out->return_to));
	store_get_text(st, 5, out->redirect_uri, sizeof(out->redirect_uri));
	store_get_text(st, 6, out->scope, sizeof(out->scope));
	out->key_id = (uint32_t)sqlite3_column_int64(st, 7);
	out->created_at = sqlite3_column_int64(st, 8);
	out->expires_at = sqlite3_column_int64(st, 9);
	out->stage = (enum pending_stage)sqlite3_column_int(st, 10);
	store_get_text(st, 11, out->outcome, sizeof(out->outcome));
	out->has_bind = store_get_hash(st, 12, out->bind_hash, STORE_HASH);
	out->has_link = store_get_hash(st, 13, out->link_hash, STORE_HASH);
	store_get_hash(st, 14, out->origin_hash, STORE_HASH);
	out->taken_at = sqlite3_column_int64(st, 15);
	store_get_text(st, 16, out->fields, sizeof(out->fields));
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
store_pending_take(struct store *s, struct store_pending *p,
    const char *provider, int64_t now)
{
	sqlite3_stmt *st = store_stmt(s, STMT_PENDING_TAKE,
	    "UPDATE pending SET stage = 1, taken_at = :now"
	    " WHERE id = :id AND state_hash = :state"
	    " AND browser_hash = :browser AND provider = :provider"
	    " AND stage = 0 AND expires_at > :now");
	enum err e;

	if (st == NULL)
		return ERR_INTERNAL;
	if ((e = store_begin(s)) != ERR_OK)
		return e;
	store_bind_int(st, ":id", p->id);
	store_bind_hash(st, ":state", p->state_hash);
	store_bind_hash(st, ":browser", p->browser_hash);
	store_bind_text(st, ":provider", provider);
	store_bind_int(st, ":now", now);
	e = store_run(s, st, "take pending");
	if (e == ERR_OK && sqlite3_changes(s->db) != 1)
		e = ERR_NOT_FOUND;
	if (e != ERR_OK) {
		store_rollback(s);
		return e;
	}
	if ((e = store_commit(s, STORE_RELAXED)) == ERR_OK) {
		p->stage = PENDING_TAKEN;
		p->taken_at = now;
	}
	return e;
}

enum err
store_pending_finish(struct store *s, const struct store_pending *p,
    const char *outcome, int64_t expires_at)
{
	/* An id may have come round again since. */
	sqlite3_stmt *st = store_stmt(s, STMT_PENDING_FINISH,
	    "UPDATE pending SET stage = 2, outcome = :outcome,"
	    " expires_at = :expires WHERE id = :id AND state_hash = :state");
	bool alone = !s->in_tx;
	enum err e;

	if (st == NULL)
		return ERR_INTERNAL;
	if (alone && (e = store_begin(s)) != ERR_OK)
		return e;
	store_bind_int(st, ":id", p->id);
	store_bind_hash(st, ":state", p->state_hash);
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
