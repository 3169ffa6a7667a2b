/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "store.h"

#include <stdio.h>
#include <string.h>

#include "store_internal.h"

/* One statement that writes, in a transaction of its own. */
static enum err
write_alone(struct store *s, sqlite3_stmt *st, const char *what)
{
	enum err e;

	if ((e = store_begin(s)) != ERR_OK) {
		store_reset(st);
		return e;
	}
	if ((e = store_run(s, st, what)) != ERR_OK) {
		store_rollback(s);
		return e;
	}
	return store_commit(s, STORE_DURABLE);
}

/* ---- apps ------------------------------------------------------------- */

static void
read_app(sqlite3_stmt *st, struct store_app *out)
{
	store_get_text(st, 0, out->name, sizeof(out->name));
	store_get_text(st, 1, out->origins, sizeof(out->origins));
	out->created_at = sqlite3_column_int64(st, 2);
}

static void
remember_app(struct store *s, const char *asked, const struct store_app *app)
{
	s->has_app = s->has_announced && strlen(asked) < sizeof(s->app_asked);
	if (!s->has_app)
		return;
	s->app_as_of = s->announced;
	snprintf(s->app_asked, sizeof(s->app_asked), "%s", asked);
	s->app = *app;
}

enum err
store_app_get(struct store *s, const char *name, struct store_app *out)
{
	/* Two rows are enough to know that there is more than one. */
	sqlite3_stmt *st = store_stmt(s, STMT_APP_GET,
	    "SELECT name, origins, created_at FROM app"
	    " WHERE :name IS NULL OR name = :name LIMIT 2");
	enum err e;

	if (name == NULL)
		name = "";
	if (s->has_app && s->app_as_of == s->announced &&
	    strcmp(s->app_asked, name) == 0) {
		*out = s->app;
		return ERR_OK;
	}
	memset(out, 0, sizeof(*out));
	if (st == NULL)
		return ERR_INTERNAL;
	store_bind_text_or_null(st, ":name", name);
	if ((e = store_step(s, st, "read app")) != ERR_OK)
		return e;
	read_app(st, out);
	e = store_step(s, st, "read app");
	if (e == ERR_NOT_FOUND) {
		remember_app(s, name, out);
		return ERR_OK;
	}
	if (e == ERR_OK) {
		store_reset(st);
		e = ERR_CONFLICT;
	}
	memset(out, 0, sizeof(*out));
	return e;
}

enum err
store_app_each(struct store *s, store_app_fn fn, void *arg)
{
	sqlite3_stmt *st = store_stmt(s, STMT_APP_EACH,
	    "SELECT name, origins, created_at FROM app ORDER BY name");
	struct store_app app;
	enum err e;

	if (st == NULL)
		return ERR_INTERNAL;
	while ((e = store_step(s, st, "read apps")) == ERR_OK) {
		read_app(st, &app);
		if (!fn(arg, &app)) {
			store_reset(st);
			return ERR_OK;
		}
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err
store_app_add(struct store *s, const struct store_app *app)
{
	sqlite3_stmt *st = store_stmt(s, STMT_APP_ADD,
	    "INSERT INTO app (name, origins, created_at)"
	    " VALUES (:name, :origins, :now)");

	if (st == NULL)
		return ERR_INTERNAL;
	store_bind_text(st, ":name", app->name);
	store_bind_text(st, ":origins", app->origins);
	store_bind_int(st, ":now", app->created_at);
	return write_alone(s, st, "add app");
}

enum err
store_app_remove(struct store *s, const char *name)
{
	/* connection.app refers to it: that is the ERR_CONFLICT. */
	sqlite3_stmt *st = store_stmt(s, STMT_APP_REMOVE,
	    "DELETE FROM app WHERE name = :name RETURNING name");
	enum err e;

	if (st == NULL)
		return ERR_INTERNAL;
	if ((e = store_begin(s)) != ERR_OK)
		return e;
	store_bind_text(st, ":name", name);
	if ((e = store_step(s, st, "remove app")) == ERR_OK)
		e = store_run(s, st, "remove app");
	if (e != ERR_OK) {
		store_rollback(s);
		return e;
	}
	return store_commit(s, STORE_DURABLE);
}

/* ---- keys ------------------------------------------------------------- */

enum err
store_key_find(struct store *s, const unsigned char hash[STORE_HASH],
    int64_t now, struct store_key *out)
{
	sqlite3_stmt *st = store_stmt(s, STMT_KEY_FIND,
	    "SELECT app, created_at, expires_at FROM app_key"
	    " WHERE hash = :hash AND (expires_at = 0 OR expires_at > :now)");
	enum err e;

	if (s->has_key && s->key_as_of == s->announced &&
	    memcmp(s->key.hash, hash, STORE_HASH) == 0 &&
	    (s->key.expires_at == 0 || s->key.expires_at > now)) {
		*out = s->key;
		return ERR_OK;
	}
	memset(out, 0, sizeof(*out));
	if (st == NULL)
		return ERR_INTERNAL;
	store_bind_hash(st, ":hash", hash);
	store_bind_int(st, ":now", now);
	if ((e = store_step(s, st, "find key")) != ERR_OK)
		return e;
	memcpy(out->hash, hash, STORE_HASH);
	store_get_text(st, 0, out->app, sizeof(out->app));
	out->created_at = sqlite3_column_int64(st, 1);
	out->expires_at = sqlite3_column_int64(st, 2);
	store_reset(st);
	s->has_key = s->has_announced;
	s->key_as_of = s->announced;
	s->key = *out;
	return ERR_OK;
}

enum err
store_key_add(struct store *s, const struct store_key *key)
{
	sqlite3_stmt *st = store_stmt(s, STMT_KEY_ADD,
	    "INSERT INTO app_key (hash, app, created_at, expires_at)"
	    " SELECT :hash, name, :now, :expires FROM app WHERE name = :app"
	    " AND (SELECT count(*) FROM app_key WHERE app = :app"
	    " AND (expires_at = 0 OR expires_at > :now)) < 2"
	    " RETURNING app");
	enum err e;

	if (st == NULL)
		return ERR_INTERNAL;
	if ((e = store_begin(s)) != ERR_OK)
		return e;
	store_bind_hash(st, ":hash", key->hash);
	store_bind_text(st, ":app", key->app);
	store_bind_int(st, ":now", key->created_at);
	store_bind_int(st, ":expires", key->expires_at);
	e = store_step(s, st, "add key");
	if (e == ERR_OK)
		e = store_run(s, st, "add key");
	else if (e == ERR_NOT_FOUND)
		e = ERR_CONFLICT;
	if (e != ERR_OK) {
		store_rollback(s);
		return e;
	}
	return store_commit(s, STORE_DURABLE);
}

enum err
store_key_expire_others(struct store *s, const struct store_key *key,
    int64_t at)
{
	sqlite3_stmt *st = store_stmt(s, STMT_KEY_EXPIRE,
	    "UPDATE app_key SET expires_at = :at WHERE app = :app"
	    " AND hash <> :hash AND (expires_at = 0 OR expires_at > :at)");

	if (st == NULL)
		return ERR_INTERNAL;
	store_bind_int(st, ":at", at);
	store_bind_text(st, ":app", key->app);
	store_bind_hash(st, ":hash", key->hash);
	return write_alone(s, st, "expire keys");
}

enum err
store_key_expire_older(struct store *s, const char *app, int64_t at,
    int64_t *ended)
{
	sqlite3_stmt *st = store_stmt(s, STMT_KEY_RETIRE,
	    "UPDATE app_key SET expires_at = :at WHERE app = :app"
	    " AND (expires_at = 0 OR expires_at > :at)"
	    " AND created_at < (SELECT max(created_at) FROM app_key"
	    " WHERE app = :app AND (expires_at = 0 OR expires_at > :at))");
	enum err e;

	*ended = 0;
	if (st == NULL)
		return ERR_INTERNAL;
	store_bind_int(st, ":at", at);
	store_bind_text(st, ":app", app);
	e = write_alone(s, st, "end older keys");
	if (e == ERR_OK)
		*ended = sqlite3_changes64(s->db);
	return e;
}

/* ---- start links ------------------------------------------------------ */

enum err
store_link_get(struct store *s, const unsigned char hash[STORE_HASH],
    struct store_link *out)
{
	sqlite3_stmt *st = store_stmt(s, STMT_LINK_GET,
	    "SELECT app, provider, subject, expires_at, used_at"
	    " FROM start_link WHERE hash = :hash");
	enum err e;

	memset(out, 0, sizeof(*out));
	if (st == NULL)
		return ERR_INTERNAL;
	store_bind_hash(st, ":hash", hash);
	if ((e = store_step(s, st, "read link")) != ERR_OK)
		return e;
	memcpy(out->hash, hash, STORE_HASH);
	store_get_text(st, 0, out->app, sizeof(out->app));
	store_get_text(st, 1, out->provider, sizeof(out->provider));
	store_get_text(st, 2, out->subject, sizeof(out->subject));
	out->expires_at = sqlite3_column_int64(st, 3);
	out->used_at = sqlite3_column_int64(st, 4);
	store_reset(st);
	return ERR_OK;
}

enum err
store_link_add(struct store *s, const struct store_link *l)
{
	sqlite3_stmt *st = store_stmt(s, STMT_LINK_ADD,
	    "INSERT INTO start_link (hash, app, provider, subject, expires_at)"
	    " VALUES (:hash, :app, :provider, :subject, :expires)");

	if (st == NULL)
		return ERR_INTERNAL;
	store_bind_hash(st, ":hash", l->hash);
	store_bind_text(st, ":app", l->app);
	store_bind_text(st, ":provider", l->provider);
	store_bind_text(st, ":subject", l->subject);
	store_bind_int(st, ":expires", l->expires_at);
	return write_alone(s, st, "add link");
}

enum err
store_link_use(struct store *s, const unsigned char hash[STORE_HASH],
    int64_t now)
{
	sqlite3_stmt *st = store_stmt(s, STMT_LINK_USE,
	    "UPDATE start_link SET used_at = :now WHERE hash = :hash"
	    " AND used_at = 0 RETURNING app");
	enum err e;

	if (st == NULL)
		return ERR_INTERNAL;
	store_bind_hash(st, ":hash", hash);
	store_bind_int(st, ":now", now);
	if ((e = store_step(s, st, "use link")) == ERR_OK)
		e = store_run(s, st, "use link");
	return e;
}

/* ---- upkeep ----------------------------------------------------------- */

static enum err
purge_one(struct store *s, enum stmt slot, const char *sql, int64_t now,
    int64_t *n)
{
	sqlite3_stmt *st = store_stmt(s, slot, sql);
	enum err e;

	if (st == NULL)
		return ERR_INTERNAL;
	store_bind_int(st, ":now", now);
	e = store_run(s, st, "purge");
	*n = e == ERR_OK ? sqlite3_changes64(s->db) : 0;
	return e;
}

/* The newest row knows how many there are. */
static enum err
count_pending(struct store *s)
{
	sqlite3_stmt *st = store_stmt(s, STMT_PURGE_COUNT,
	    "UPDATE pending SET load = (SELECT count(*) FROM pending)"
	    " WHERE id = (SELECT max(id) FROM pending)");

	return st == NULL ? ERR_INTERNAL : store_run(s, st, "purge");
}

enum err
store_purge(struct store *s, int64_t now, struct store_purged *out)
{
	int64_t done;
	enum err e;

	memset(out, 0, sizeof(*out));
	if ((e = store_begin(s)) != ERR_OK)
		return e;
	if ((e = purge_one(s, STMT_PURGE_PENDING,
	    "DELETE FROM pending WHERE expires_at <= :now",
	    now, &out->pending)) != ERR_OK ||
	    (e = count_pending(s)) != ERR_OK ||
	    (e = purge_one(s, STMT_PURGE_LINKS,
	    "DELETE FROM start_link WHERE expires_at <= :now",
	    now, &out->links)) != ERR_OK ||
	    (e = purge_one(s, STMT_PURGE_KEYS,
	    "DELETE FROM app_key WHERE expires_at <> 0 AND expires_at <= :now",
	    now, &out->keys)) != ERR_OK ||
	    (e = purge_one(s, STMT_PURGE_DONE,
	    "INSERT INTO upkeep (task, done_at) VALUES ('purge', :now)"
	    " ON CONFLICT (task) DO UPDATE SET done_at = :now",
	    now, &done)) != ERR_OK) {
		store_rollback(s);
		return e;
	}
	return store_commit(s, STORE_DURABLE);
}
