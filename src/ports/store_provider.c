/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "store.h"

#include <string.h>

#include "store_internal.h"

#define NOTED_SECS	60	/* a success is noted this often */

/* ---- successes -------------------------------------------------------- */

enum err
store_success_note(struct store *s, const struct store_connection *c)
{
	sqlite3_stmt *last = store_stmt(s, STMT_SUCCESS_AT,
	    "SELECT at FROM provider_success WHERE provider = :provider");
	sqlite3_stmt *st = store_stmt(s, STMT_SUCCESS_NOTE,
	    "INSERT INTO provider_success (provider, at, connection)"
	    " VALUES (:provider, :at, :id) ON CONFLICT (provider) DO UPDATE"
	    " SET other_at = iif(connection = :id, other_at, at),"
	    " at = :at, connection = :id");
	int64_t at;
	enum err e;

	if (last == NULL || st == NULL)
		return ERR_INTERNAL;
	store_bind_text(last, ":provider", c->provider);
	if ((e = store_step(s, last, "read success")) == ERR_OK) {
		at = sqlite3_column_int64(last, 0);
		store_reset(last);
		if (c->issued_at < at + NOTED_SECS)
			return ERR_OK;
	} else if (e != ERR_NOT_FOUND) {
		return e;
	}
	store_bind_text(st, ":provider", c->provider);
	store_bind_int(st, ":at", c->issued_at);
	store_bind_int(st, ":id", c->id);
	return store_run(s, st, "note success");
}

enum err
store_connection_others_succeed(struct store *s,
    const struct store_connection *c, int64_t since, bool *out)
{
	sqlite3_stmt *st = store_stmt(s, STMT_SUCCESS_OTHERS,
	    "SELECT iif(connection = :id, other_at, at) FROM provider_success"
	    " WHERE provider = :provider");
	enum err e;

	*out = false;
	if (st == NULL)
		return ERR_INTERNAL;
	store_bind_text(st, ":provider", c->provider);
	store_bind_int(st, ":id", c->id);
	if ((e = store_step(s, st, "other connections")) == ERR_OK) {
		*out = sqlite3_column_int64(st, 0) >= since;
		store_reset(st);
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* ---- the breaker ------------------------------------------------------ */

enum err
store_breaker_get(struct store *s, const char *provider, const char *host,
    struct store_breaker *out)
{
	sqlite3_stmt *st = store_stmt(s, STMT_BREAKER_GET,
	    "SELECT failures, probe_at FROM breaker"
	    " WHERE provider = :provider AND host = :host");
	enum err e;

	memset(out, 0, sizeof(*out));
	if (st == NULL)
		return ERR_INTERNAL;
	store_bind_text(st, ":provider", provider);
	store_bind_text(st, ":host", host);
	if ((e = store_step(s, st, "read breaker")) == ERR_OK) {
		out->failures = sqlite3_column_int64(st, 0);
		out->probe_at = sqlite3_column_int64(st, 1);
		store_reset(st);
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err
store_breaker_put(struct store *s, const char *provider, const char *host,
    const struct store_breaker *b)
{
	sqlite3_stmt *st = store_stmt(s, STMT_BREAKER_PUT,
	    "INSERT INTO breaker (provider, host, failures, probe_at)"
	    " VALUES (:provider, :host, :failures, :probe_at)"
	    " ON CONFLICT (provider, host) DO UPDATE SET"
	    " failures = :failures, probe_at = :probe_at");

	if (st == NULL)
		return ERR_INTERNAL;
	store_bind_text(st, ":provider", provider);
	store_bind_text(st, ":host", host);
	store_bind_int(st, ":failures", b->failures);
	store_bind_int(st, ":probe_at", b->probe_at);
	return store_run(s, st, "write breaker");
}
