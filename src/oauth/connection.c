/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "connection.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "jsonout.h"
#include "vault.h"

/* ---- names ------------------------------------------------------------ */

void
connection_id_text(const unsigned char id[STORE_PUBLIC_ID],
    char out[CONNECTION_ID_CHARS + 1])
{
	static const char hex[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < STORE_PUBLIC_ID; i++) {
		*out++ = hex[id[i] >> 4];
		*out++ = hex[id[i] & 15];
	}
	*out = '\0';
}

bool
connection_id_parse(const char *text, unsigned char id[STORE_PUBLIC_ID])
{
	static const char hex[] = "0123456789abcdef";
	size_t i;

	if (strlen(text) != CONNECTION_ID_CHARS)
		return false;
	for (i = 0; i < CONNECTION_ID_CHARS; i++) {
		const char *at = strchr(hex, text[i]);

		if (at == NULL)
			return false;
		if (i % 2 == 0)
			id[i / 2] = (unsigned char)((at - hex) << 4);
		else
			id[i / 2] |= (unsigned char)(at - hex);
	}
	return true;
}

void
connection_new(struct store_connection *c, const char *app,
    const struct provider *p)
{
	store_connection_clear(c);
	crypto_random(c->public_id, sizeof(c->public_id));
	snprintf(c->app, sizeof(c->app), "%s", app);
	snprintf(c->provider, sizeof(c->provider), "%s", p->name);
	snprintf(c->client_id, sizeof(c->client_id), "%s", p->client_id);
	c->generation = 1;
	c->created_at = c->updated_at = clock_now();
}

/* ---- seals ------------------------------------------------------------ */

static struct vault_place
place_of(const struct store_connection *c, const char *column)
{
	struct vault_place at = {
		.table = "connection",
		.column = column,
		.public_id = { c->public_id, sizeof(c->public_id) },
		.app = c->app,
		.provider = c->provider,
		.subject = c->bound ? c->subject : NULL,
		.generation = c->generation,
	};

	return at;
}

static struct bytes
bytes_of(const struct buf *b)
{
	struct bytes out = { b->data, b->len };

	return out;
}

enum err
connection_open_access(const struct store_connection *c, struct keyring *keys,
    struct buf *out)
{
	struct vault_place at = place_of(c, "access");

	return vault_open(keys, &at, bytes_of(&c->access), out);
}

enum err
connection_open_refresh(const struct store_connection *c, struct keyring *keys,
    struct buf *out)
{
	struct vault_place at = place_of(c, "refresh");

	if (c->refresh.len == 0) {
		buf_reset(out);
		return ERR_OK;
	}
	return vault_open(keys, &at, bytes_of(&c->refresh), out);
}

void
connection_seal(struct store_connection *c, const struct keyring *keys,
    const struct buf *access, const struct buf *refresh)
{
	struct vault_place at = place_of(c, "access");

	vault_seal(keys, &at, bytes_of(access), &c->access);
	buf_reset(&c->refresh);
	if (refresh != NULL && refresh->len > 0) {
		at = place_of(c, "refresh");
		vault_seal(keys, &at, bytes_of(refresh), &c->refresh);
	}
}

enum err
connection_reseal(const struct store_connection *from,
    struct store_connection *to, struct keyring *keys)
{
	struct buf access = BUF_INIT(LIMIT_TOKEN);
	struct buf refresh = BUF_INIT(LIMIT_TOKEN);
	enum err e;

	if ((e = connection_open_access(from, keys, &access)) == ERR_OK &&
	    (e = connection_open_refresh(from, keys, &refresh)) == ERR_OK)
		connection_seal(to, keys, &access, &refresh);
	buf_clear(&access);
	buf_clear(&refresh);
	return e;
}

void
connection_set_tokens(struct store_connection *c, const struct keyring *keys,
    const struct token *t, const char *requested_scope,
    const struct buf *old_refresh, int64_t sent_at)
{
	snprintf(c->token_type, sizeof(c->token_type), "%s", t->type);
	if (t->has_scope)
		snprintf(c->scope, sizeof(c->scope), "%s", t->scope);
	else if (requested_scope != NULL)
		snprintf(c->scope, sizeof(c->scope), "%s", requested_scope);
	c->issued_at = sent_at;
	c->expires_at = t->expires_in > 0 ? sent_at + t->expires_in : 0;
	c->updated_at = clock_now();
	connection_clear_failures(c);
	connection_seal(c, keys, &t->access,
	    t->refresh.len > 0 ? &t->refresh : old_refresh);
}

void
connection_fields_json(const struct store_connection *c,
    const struct provider *p, struct buf *out)
{
	struct fields f;

	if (p == NULL || p->field_count == 0)
		return;
	fields_parse(&f, c->fields);
	jsonout_begin(out, "fields");
	fields_json(&f, p, out);
	jsonout_close(out);
}

void
connection_set_fields(struct store_connection *c, const struct provider *p,
    const struct fields *more)
{
	struct fields f;

	fields_parse(&f, c->fields);
	fields_merge(&f, p, more);
	fields_text(&f, c->fields);
}

/* ---- states ----------------------------------------------------------- */

void
connection_clear_failures(struct store_connection *c)
{
	c->status = CONNECTION_OK;
	c->attempt_at = 0;
	c->attempts = 0;
	c->failures = 0;
	c->refusals = 0;
	c->refused_at = 0;
	c->last_error[0] = '\0';
	c->next_attempt_at = 0;
	memset(c->section_hash, 0, sizeof(c->section_hash));
}

bool
connection_rotates(const struct store_connection *c, const struct provider *p)
{
	if (p != NULL && p->rotation == ROTATION_NO)
		return false;
	if (p != NULL && p->rotation == ROTATION_YES)
		return true;
	/* Not known yet counts as rotating: the careful side. */
	return c->rotates != 0;
}

enum connection_status
connection_status(const struct store_connection *c, const struct provider *p)
{
	if (!c->bound)
		return CONNECTION_UNBOUND;
	if (c->status != CONNECTION_BROKEN && c->attempt_at != 0)
		return connection_rotates(c, p) ? CONNECTION_UNCERTAIN :
		    CONNECTION_DEGRADED;
	return c->status;
}

const char *
connection_status_name(enum connection_status s)
{
	static const char *const names[CONNECTION__MAX] = {
		[CONNECTION_OK]		= "ok",
		[CONNECTION_DEGRADED]	= "degraded",
		[CONNECTION_UNCERTAIN]	= "uncertain",
		[CONNECTION_BROKEN]	= "broken",
		[CONNECTION_UNBOUND]	= "unbound",
	};

	return (unsigned)s < CONNECTION__MAX ? names[s] : "?";
}

int64_t
connection_remaining(const struct store_connection *c, int64_t now)
{
	if (c->expires_at == 0)
		return INT64_MAX;
	return c->expires_at > now ? c->expires_at - now : 0;
}
