/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "store.h"

#include <string.h>

#include "log.h"
#include "store_internal.h"
#include "wipe.h"

void
store_connection_init(struct store_connection *c)
{
	memset(c, 0, sizeof(*c));
	c->rotates = -1;
	buf_init(&c->access, LIMIT_TOKEN + 128);
	buf_init(&c->refresh, LIMIT_TOKEN + 128);
}

void
store_connection_clear(struct store_connection *c)
{
	buf_clear(&c->access);
	buf_clear(&c->refresh);
	store_connection_init(c);
}

/* ---- reading ---------------------------------------------------------- */

/* What every role may read, in the order of read_common(). */
#define COMMON_COLUMNS \
	"id, public_id, app, provider, subject, client_id, status, scope," \
	" token_type, issued_at, expires_at, rotates, generation, attempt_at," \
	" attempts, failures, refusals, refused_at, last_error," \
	" next_attempt_at, section_hash, ticket_hash, bind_hash," \
	" browser_hash, ticket_expires_at, ticket_replaced, created_at," \
	" updated_at, fields"
#define ACCESS_COLUMN 29
#define ALL_COLUMNS COMMON_COLUMNS ", access, refresh"

static void
read_common(sqlite3_stmt *st, struct store_connection *c)
{
	c->id = sqlite3_column_int64(st, 0);
	store_get_hash(st, 1, c->public_id, STORE_PUBLIC_ID);
	store_get_text(st, 2, c->app, sizeof(c->app));
	store_get_text(st, 3, c->provider, sizeof(c->provider));
	c->bound = sqlite3_column_type(st, 4) != SQLITE_NULL;
	store_get_text(st, 4, c->subject, sizeof(c->subject));
	store_get_text(st, 5, c->client_id, sizeof(c->client_id));
	c->status = c->bound ? (enum connection_status)
	    sqlite3_column_int(st, 6) : CONNECTION_UNBOUND;
	store_get_text(st, 7, c->scope, sizeof(c->scope));
	store_get_text(st, 8, c->token_type, sizeof(c->token_type));
	c->issued_at = sqlite3_column_int64(st, 9);
	c->expires_at = sqlite3_column_int64(st, 10);
	c->rotates = sqlite3_column_int(st, 11);
	c->generation = sqlite3_column_int64(st, 12);
	c->attempt_at = sqlite3_column_int64(st, 13);
	c->attempts = sqlite3_column_int(st, 14);
	c->failures = sqlite3_column_int64(st, 15);
	c->refusals = sqlite3_column_int64(st, 16);
	c->refused_at = sqlite3_column_int64(st, 17);
	store_get_text(st, 18, c->last_error, sizeof(c->last_error));
	c->next_attempt_at = sqlite3_column_int64(st, 19);
	store_get_hash(st, 20, c->section_hash, STORE_HASH);
	c->has_ticket = store_get_hash(st, 21, c->ticket_hash, STORE_HASH);
	c->has_bind = store_get_hash(st, 22, c->bind_hash, STORE_HASH);
	store_get_hash(st, 23, c->browser_hash, STORE_HASH);
	c->ticket_expires_at = sqlite3_column_int64(st, 24);
	c->ticket_replaced = sqlite3_column_int(st, 25) != 0;
	c->created_at = sqlite3_column_int64(st, 26);
	c->updated_at = sqlite3_column_int64(st, 27);
	store_get_text(st, 28, c->fields, sizeof(c->fields));
}

static void
read_sealed(sqlite3_stmt *st, struct store_connection *c)
{
	struct buf *dest[] = { &c->access, &c->refresh };
	int i;

	for (i = 0; i < 2; i++) {
		const void *blob = sqlite3_column_blob(st, ACCESS_COLUMN + i);
		int len = sqlite3_column_bytes(st, ACCESS_COLUMN + i);

		buf_reset(dest[i]);
		if (blob != NULL)
			buf_add(dest[i], blob, (size_t)len);
	}
}

static enum err
read_one(struct store *s, sqlite3_stmt *st, struct store_connection *out,
    bool sealed)
{
	enum err e = store_step(s, st, "read connection");

	store_connection_clear(out);
	if (e != ERR_OK)
		return e;
	read_common(st, out);
	if (sealed)
		read_sealed(st, out);
	store_reset(st);
	return ERR_OK;
}

enum err
store_connection_by_id(struct store *s, int64_t id,
    struct store_connection *out)
{
	sqlite3_stmt *st = store_stmt(s, STMT_CONN_BY_ID,
	    "SELECT " ALL_COLUMNS " FROM connection WHERE id = :id");

	if (st == NULL)
		return ERR_INTERNAL;
	store_bind_int(st, ":id", id);
	return read_one(s, st, out, true);
}

enum err
store_connection_by_public_id(struct store *s, const char *app,
    const unsigned char public_id[STORE_PUBLIC_ID],
    struct store_connection *out)
{
	sqlite3_stmt *st = store_stmt(s, STMT_CONN_BY_PUBLIC,
	    "SELECT " ALL_COLUMNS " FROM connection"
	    " WHERE public_id = :public_id AND (:app IS NULL OR app = :app)"
	    " AND subject IS NOT NULL");

	if (st == NULL)
		return ERR_INTERNAL;
	store_bind_blob(st, ":public_id", public_id, STORE_PUBLIC_ID);
	store_bind_text_or_null(st, ":app", app);
	return read_one(s, st, out, true);
}

enum err
store_connection_by_subject(struct store *s, const char *app,
    const char *provider, const char *subject, struct store_connection *out)
{
	sqlite3_stmt *st = store_stmt(s, STMT_CONN_BY_SUBJECT,
	    "SELECT " ALL_COLUMNS " FROM connection WHERE app = :app"
	    " AND provider = :provider AND subject = :subject");

	if (st == NULL)
		return ERR_INTERNAL;
	store_bind_text(st, ":app", app);
	store_bind_text(st, ":provider", provider);
	store_bind_text(st, ":subject", subject);
	return read_one(s, st, out, true);
}

enum err
store_connection_by_ticket(struct store *s, const char *app,
    const unsigned char ticket_hash[STORE_HASH], struct store_connection *out)
{
	sqlite3_stmt *st = store_stmt(s, STMT_CONN_BY_TICKET,
	    "SELECT " ALL_COLUMNS " FROM connection"
	    " WHERE ticket_hash = :ticket AND app = :app");

	if (st == NULL)
		return ERR_INTERNAL;
	store_bind_hash(st, ":ticket", ticket_hash);
	store_bind_text(st, ":app", app);
	return read_one(s, st, out, true);
}

enum err
store_connection_owner(struct store *s, const char *app, const char *provider,
    const char *subject, struct store_connection *out)
{
	sqlite3_stmt *st = store_stmt(s, STMT_CONN_OWNER,
	    "SELECT " COMMON_COLUMNS " FROM connection WHERE app = :app"
	    " AND provider = :provider AND subject = :subject");

	if (st == NULL)
		return ERR_INTERNAL;
	store_bind_text(st, ":app", app);
	store_bind_text(st, ":provider", provider);
	store_bind_text(st, ":subject", subject);
	return read_one(s, st, out, false);
}

/* ---- writing ---------------------------------------------------------- */

static void
bind_attempt(sqlite3_stmt *st, const struct store_connection *c)
{
	store_bind_int(st, ":status", c->bound ? (int)c->status : 0);
	store_bind_int(st, ":attempt_at", c->attempt_at);
	store_bind_int(st, ":attempts", c->attempts);
	store_bind_int(st, ":failures", c->failures);
	store_bind_int(st, ":refusals", c->refusals);
	store_bind_int(st, ":refused_at", c->refused_at);
	store_bind_text(st, ":last_error", c->last_error);
	store_bind_int(st, ":next_attempt_at", c->next_attempt_at);
	store_bind_hash(st, ":section_hash", c->section_hash);
	store_bind_int(st, ":rotates", c->rotates);
	store_bind_int(st, ":updated_at", c->updated_at);
}

static void
bind_owner(sqlite3_stmt *st, const struct store_connection *c)
{
	if (c->bound)
		store_bind_text(st, ":subject", c->subject);
	if (c->has_ticket)
		store_bind_hash(st, ":ticket_hash", c->ticket_hash);
}

static void
bind_tokens(sqlite3_stmt *st, const struct store_connection *c)
{
	store_bind_text(st, ":client_id", c->client_id);
	store_bind_text(st, ":scope", c->scope);
	store_bind_text(st, ":token_type", c->token_type);
	store_bind_text(st, ":fields", c->fields);
	store_bind_blob(st, ":access", c->access.data, c->access.len);
	if (c->refresh.len > 0)
		store_bind_blob(st, ":refresh", c->refresh.data,
		    c->refresh.len);
	store_bind_int(st, ":issued_at", c->issued_at);
	store_bind_int(st, ":expires_at", c->expires_at);
	store_bind_int(st, ":generation", c->generation);
	if (c->has_ticket) {
		store_bind_hash(st, ":browser_hash", c->browser_hash);
		if (c->has_bind)
			store_bind_hash(st, ":bind_hash", c->bind_hash);
	}
	store_bind_int(st, ":ticket_expires_at",
	    c->has_ticket ? c->ticket_expires_at : 0);
	store_bind_int(st, ":ticket_replaced",
	    c->has_ticket && c->ticket_replaced);
}

enum err
store_connection_add(struct store *s, struct store_connection *c)
{
	sqlite3_stmt *st = store_stmt(s, STMT_CONN_ADD,
	    "INSERT INTO connection (public_id, app, provider, subject,"
	    " client_id, status, scope, token_type, fields, access, refresh,"
	    " issued_at, expires_at, rotates, generation, attempt_at,"
	    " attempts, failures, refusals, refused_at, last_error,"
	    " next_attempt_at, section_hash, ticket_hash, bind_hash,"
	    " browser_hash, ticket_expires_at, ticket_replaced, created_at,"
	    " updated_at) VALUES (:public_id, :app, :provider, :subject,"
	    " :client_id, :status, :scope, :token_type, :fields, :access,"
	    " :refresh,"
	    " :issued_at, :expires_at, :rotates, :generation, :attempt_at,"
	    " :attempts, :failures, :refusals, :refused_at, :last_error,"
	    " :next_attempt_at, :section_hash, :ticket_hash, :bind_hash,"
	    " :browser_hash, :ticket_expires_at, :ticket_replaced,"
	    " :created_at, :updated_at)");
	enum err e;

	if (st == NULL)
		return ERR_INTERNAL;
	store_bind_blob(st, ":public_id", c->public_id, STORE_PUBLIC_ID);
	store_bind_text(st, ":app", c->app);
	store_bind_text(st, ":provider", c->provider);
	store_bind_int(st, ":created_at", c->created_at);
	bind_attempt(st, c);
	bind_tokens(st, c);
	bind_owner(st, c);
	if ((e = store_run(s, st, "add connection")) != ERR_OK)
		return e;
	c->id = sqlite3_last_insert_rowid(s->db);
	return store_success_note(s, c);
}

/* What an UPDATE of one row came to. */
static enum err
one_row(struct store *s, sqlite3_stmt *st, const char *what)
{
	enum err e = store_run(s, st, what);

	if (e == ERR_OK && sqlite3_changes(s->db) != 1)
		return ERR_CONFLICT;
	return e;
}

#define ATTEMPT_ASSIGNMENTS \
	"status = :status, attempt_at = :attempt_at, attempts = :attempts," \
	" failures = :failures, refusals = :refusals," \
	" refused_at = :refused_at, last_error = :last_error," \
	" next_attempt_at = :next_attempt_at, section_hash = :section_hash," \
	" rotates = :rotates, updated_at = :updated_at"

/* What an index is over is written only when it differs: seldom. */
static enum err
put_owner(struct store *s, const struct store_connection *c)
{
	sqlite3_stmt *st = store_stmt(s, STMT_CONN_PUT_OWNER,
	    "UPDATE connection SET subject = :subject,"
	    " ticket_hash = :ticket_hash WHERE id = :id"
	    " AND (subject IS NOT :subject OR ticket_hash IS NOT :ticket_hash)");

	if (st == NULL)
		return ERR_INTERNAL;
	bind_owner(st, c);
	store_bind_int(st, ":id", c->id);
	return store_run(s, st, "write owner");
}

enum err
store_connection_put(struct store *s, const struct store_connection *c,
    int64_t generation)
{
	sqlite3_stmt *st = store_stmt(s, STMT_CONN_PUT,
	    "UPDATE connection SET " ATTEMPT_ASSIGNMENTS ","
	    " client_id = :client_id, scope = :scope,"
	    " token_type = :token_type, fields = :fields, access = :access,"
	    " refresh = :refresh, issued_at = :issued_at,"
	    " expires_at = :expires_at, generation = :generation,"
	    " bind_hash = :bind_hash, browser_hash = :browser_hash,"
	    " ticket_expires_at = :ticket_expires_at,"
	    " ticket_replaced = :ticket_replaced"
	    " WHERE id = :id AND public_id = :public_id"
	    " AND generation = :was");
	enum err e;

	if (st == NULL)
		return ERR_INTERNAL;
	bind_attempt(st, c);
	bind_tokens(st, c);
	store_bind_int(st, ":id", c->id);
	store_bind_blob(st, ":public_id", c->public_id, STORE_PUBLIC_ID);
	store_bind_int(st, ":was", generation);
	if ((e = one_row(s, st, "write connection")) != ERR_OK ||
	    (e = put_owner(s, c)) != ERR_OK)
		return e;
	return store_success_note(s, c);
}

enum err
store_connection_put_attempt(struct store *s, const struct store_connection *c)
{
	sqlite3_stmt *st = store_stmt(s, STMT_CONN_PUT_ATTEMPT,
	    "UPDATE connection SET " ATTEMPT_ASSIGNMENTS
	    " WHERE id = :id AND public_id = :public_id"
	    " AND generation = :generation");

	if (st == NULL)
		return ERR_INTERNAL;
	bind_attempt(st, c);
	store_bind_int(st, ":id", c->id);
	store_bind_blob(st, ":public_id", c->public_id, STORE_PUBLIC_ID);
	store_bind_int(st, ":generation", c->generation);
	return one_row(s, st, "write attempt");
}

enum err
store_connection_remove(struct store *s, int64_t id, int64_t generation)
{
	sqlite3_stmt *st = store_stmt(s, STMT_CONN_REMOVE,
	    "DELETE FROM connection WHERE id = :id"
	    " AND generation = :generation");

	if (st == NULL)
		return ERR_INTERNAL;
	store_bind_int(st, ":id", id);
	store_bind_int(st, ":generation", generation);
	return one_row(s, st, "remove connection");
}

/* ---- upkeep and walks ------------------------------------------------- */

enum err
store_connection_expire(struct store *s, int64_t before, int most,
    const struct name_list *keep, int64_t *removed)
{
	sqlite3_stmt *find = store_stmt(s, STMT_CONN_EXPIRED,
	    "SELECT id, provider FROM connection WHERE subject IS NULL"
	    " AND created_at < :before ORDER BY created_at LIMIT 100");
	sqlite3_stmt *drop = store_stmt(s, STMT_CONN_EXPIRE,
	    "DELETE FROM connection WHERE id = :id AND subject IS NULL");
	char provider[LIMIT_NAME + 1];
	enum err e;

	*removed = 0;
	if (find == NULL || drop == NULL)
		return ERR_INTERNAL;
	store_bind_int(find, ":before", before);
	while ((e = store_step(s, find, "expire connections")) == ERR_OK) {
		if (*removed >= most) {
			store_reset(find);
			return ERR_OK;
		}
		store_get_text(find, 1, provider, sizeof(provider));
		if (keep != NULL && name_list_has(keep, provider))
			continue;
		store_bind_int(drop, ":id", sqlite3_column_int64(find, 0));
		if ((e = store_run(s, drop, "expire connections")) != ERR_OK) {
			store_reset(find);
			return e;
		}
		*removed += sqlite3_changes(s->db);
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err
store_connection_each(struct store *s, const struct store_filter *f,
    store_connection_fn fn, void *arg)
{
	sqlite3_stmt *st = store_stmt(s, STMT_CONN_EACH,
	    "SELECT " ALL_COLUMNS " FROM connection"
	    " WHERE (:app IS NULL OR app = :app)"
	    " AND (:provider IS NULL OR provider = :provider)"
	    " AND (:subject IS NULL OR subject = :subject)"
	    " AND (:before = 0 OR (subject IS NULL AND created_at < :before))"
	    " ORDER BY app, provider, subject, id");
	struct store_connection c;
	enum err e;

	if (st == NULL)
		return ERR_INTERNAL;
	store_connection_init(&c);
	store_bind_text_or_null(st, ":app", f->app);
	store_bind_text_or_null(st, ":provider", f->provider);
	store_bind_text_or_null(st, ":subject", f->subject);
	store_bind_int(st, ":before", f->unbound_before);
	while ((e = store_step(s, st, "read connections")) == ERR_OK) {
		read_common(st, &c);
		read_sealed(st, &c);
		if (!fn(arg, &c)) {
			store_reset(st);
			e = ERR_NOT_FOUND;
			break;
		}
	}
	store_connection_clear(&c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}
