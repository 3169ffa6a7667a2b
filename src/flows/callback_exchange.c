/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "callback.h"

#include <stdio.h>
#include <string.h>

#include "authreq.h"
#include "breaker.h"
#include "client.h"
#include "clock.h"
#include "connection.h"
#include "keyring.h"
#include "log.h"
#include "pending.h"
#include "ticket.h"
#include "wipe.h"

/* A code that certainly was not sent may be sent again this often. */
#define EXCHANGE_TRIES	3

#define OUTCOME_SIZE	64

static const char *
outcome_of_answer(const struct token_answer *t)
{
	switch (t->answer) {
	case ANSWER_OK:
		return PENDING_CONNECTED;
	case ANSWER_DEAD:
		return PROVIDER_REJECTED;
	case ANSWER_CONFIG:
		return PROVIDER_MISCONFIGURED;
	case ANSWER_REFUSED:
		/* RFC 6749 5.2: what is 401 is the client, named or not. */
		return strcmp(t->error, "no_access_token") == 0 ?
		    INVALID_RESPONSE : strcmp(t->error, "http_401") == 0 ?
		    PROVIDER_MISCONFIGURED : PROVIDER_REJECTED;
	default:
		return strcmp(t->error, "unreadable") == 0 ?
		    INVALID_RESPONSE : TEMPORARILY_UNAVAILABLE;
	}
}

/* ---- exchange and store ----------------------------------------------- */

/* An ID token that is there must be this flow's. */
static bool
id_token_ok(const struct callback *c, const unsigned char *key,
    const struct token *t)
{
	char nonce[SECRET_CHARS + 1];
	bool ok;

	if (t->id_token.len == 0 || !authreq_is_openid(c->pending.scope))
		return true;
	pending_derive(key, PENDING_NONCE, c->pending.provider,
	    c->pending.redirect_uri, c->state, nonce);
	ok = token_id_matches(buf_cstr(&t->id_token), c->provider->client_id,
	    c->provider->issuer, nonce);
	wipe(nonce, sizeof(nonce));
	if (!ok)
		log_warn("provider %s: its ID token is not for this flow",
		    c->provider->name);
	return ok;
}

/* Send the code; again only when it certainly did not leave. */
static void
exchange(struct callback *c, const unsigned char *key, struct token_answer *t,
    int64_t *sent_at)
{
	char verifier[SECRET_CHARS + 1];
	struct client_exchange x = {
		.url = c->url,
		.code = c->code,
		.redirect_uri = c->pending.redirect_uri,
	};
	unsigned pause_ms = 100;
	int64_t left_ms;
	int i;

	if (c->provider->pkce) {
		pending_derive(key, PENDING_VERIFIER, c->pending.provider,
		    c->pending.redirect_uri, c->state, verifier);
		x.verifier = verifier;
	}
	for (i = 0; i < EXCHANGE_TRIES; i++, pause_ms *= 4) {
		left_ms = request_left_ms(c->req);
		if (i > 0 && left_ms < (int64_t)PROVIDER_CONNECT * 1000)
			break;
		if (left_ms > (int64_t)PROVIDER_TOTAL * 1000)
			left_ms = (int64_t)PROVIDER_TOTAL * 1000;
		*sent_at = clock_now();
		client_exchange(c->ctx->http, c->provider, &x, left_ms, t);
		if (t->answer != ANSWER_NOT_SENT)
			break;
		clock_sleep_jittered(pause_ms);
	}
	wipe(verifier, sizeof(verifier));
}

/* What the row remembers: with the id when the connection has an owner. */
static void
outcome_of_connection(const struct store_connection *conn,
    char out[OUTCOME_SIZE])
{
	char id[CONNECTION_ID_CHARS + 1];

	connection_id_text(conn->public_id, id);
	snprintf(out, OUTCOME_SIZE, "%s%s%s", PENDING_CONNECTED,
	    conn->bound ? ":" : "", conn->bound ? id : "");
}

/* Inside the transaction that stores a bound connection: what goes with it. */
static enum err
finish_bound(void *arg, const struct store_connection *conn)
{
	struct callback *c = arg;
	char outcome[OUTCOME_SIZE];
	int64_t now = clock_now();
	enum err e;

	outcome_of_connection(conn, outcome);
	if (c->pending.has_link && (e = store_link_use(c->ctx->store,
	    c->pending.link_hash, now)) != ERR_OK)
		return e;
	if ((e = breaker_note(c->ctx->store, c->provider, c->url, now, true)) !=
	    ERR_OK)
		return e;
	return store_pending_finish(c->ctx->store, &c->pending,
	    outcome, now + PENDING_REPLAY_TTL);
}

/* Keep unbound connections that purge must first revoke at the provider. */
static enum err
expire_unbound(struct callback *c, int64_t now)
{
	char *names[64];
	struct name_list keep = { .list = names };
	int64_t removed;
	size_t i;

	for (i = 0; i < c->conf->provider_count && keep.count < 64; i++)
		if (c->conf->providers[i].revoke == REVOKE_TOKEN)
			names[keep.count++] = c->conf->providers[i].name;
	return store_connection_expire(c->ctx->store, now - UNBOUND_TTL,
	    PENDING_EXPIRE_BATCH, &keep, &removed);
}

/* Store tokens that nobody owns yet, with the ticket that will bind them. */
static enum err
store_unbound(struct callback *c, struct store_connection *conn,
    const struct token_answer *t, const unsigned char *key, int64_t sent_at)
{
	struct store *s = c->ctx->store;
	const struct store_pending *p = &c->pending;
	int64_t now = clock_now();
	char ticket[SECRET_CHARS + 1];
	enum err e;

	pending_derive(key, PENDING_TICKET, p->provider, p->redirect_uri,
	    c->state, ticket);
	pending_hash(ticket, conn->ticket_hash);
	wipe(ticket, sizeof(ticket));
	conn->has_ticket = true;
	conn->has_bind = p->has_bind;
	memcpy(conn->bind_hash, p->bind_hash, STORE_HASH);
	memcpy(conn->browser_hash, p->browser_hash, STORE_HASH);
	conn->ticket_expires_at = now + TICKET_TTL;
	connection_set_tokens(conn, c->ctx->token_keys, &t->token, p->scope,
	    NULL, sent_at);
	if ((e = store_begin(s)) != ERR_OK)
		return e;
	if ((e = store_connection_add(s, conn)) != ERR_OK ||
	    (e = store_pending_finish(s, p, PENDING_CONNECTED,
	    now + PENDING_REPLAY_TTL)) != ERR_OK ||
	    (e = expire_unbound(c, now)) != ERR_OK ||
	    (e = breaker_note(s, c->provider, c->url, now, true)) != ERR_OK) {
		store_rollback(s);
		return e;
	}
	return store_commit(s, STORE_DURABLE);
}

/* One try to store them, for nobody yet or for the owner that is known. */
static enum err
store_once(struct callback *c, struct store_connection *conn,
    const struct token_answer *t, const unsigned char *key, int64_t sent_at)
{
	connection_new(conn, c->pending.app, c->provider);
	fields_text(&c->fields, conn->fields);
	connection_set_fields(conn, c->provider, &t->token.fields);
	if (c->pending.subject[0] == '\0')
		return store_unbound(c, conn, t, key, sent_at);
	snprintf(conn->subject, sizeof(conn->subject), "%s",
	    c->pending.subject);
	return ticket_bind_now(c->ctx->store, c->ctx->token_keys, conn,
	    &t->token, c->pending.scope, sent_at,
	    (int64_t)WAIT_CONNECTION_LOCK * 1000, finish_bound, c);
}

static void
store_tokens(struct callback *c, const struct token_answer *t,
    const unsigned char *key, int64_t sent_at)
{
	struct store_connection conn;
	char id[CONNECTION_ID_CHARS + 1], outcome[OUTCOME_SIZE];
	unsigned pause_ms = STORE_PAUSE_MS;
	enum err e;
	int i;

	store_connection_init(&conn);
	e = store_once(c, &conn, t, key, sent_at);
	/* The code is spent: these tokens can't be had again. */
	for (i = 1; i < STORE_TRIES && (e == ERR_BUSY || e == ERR_INTERNAL) &&
	    !store_broken(c->ctx->store) && request_left_ms(c->req) > 0;
	    i++, pause_ms *= 4) {
		clock_sleep_jittered(pause_ms);
		e = store_once(c, &conn, t, key, sent_at);
	}
	connection_id_text(conn.public_id, id);
	if (e == ERR_NOT_FOUND) {
		callback_end(c, INTERRUPTED);	/* the link was used meanwhile */
	} else if (e != ERR_OK) {
		log_error("connection %s: its first tokens could not be stored "
		    "(%s)", id, err_name(e));
		callback_end(c, SERVER_ERROR);
	} else {
		log_info("connection %s: connected at %s", id,
		    c->provider->name);
		outcome_of_connection(&conn, outcome);
		callback_answer(c, outcome);
	}
	store_connection_clear(&conn);
}

void
callback_redeem(struct callback *c)
{
	const unsigned char *key = callback_key(c);
	struct buf url = BUF_INIT(LIMIT_URL);
	struct token_answer t;
	int64_t sent_at = 0;

	token_answer_init(&t);
	if (key == NULL) {
		callback_end(c, SERVER_ERROR);
		goto out;
	}
	if (!callback_read_fields(c) || !fields_expand(&c->fields, c->provider,
	    c->provider->token_url, &url)) {
		callback_end(c, INVALID_RESPONSE);
		goto out;
	}
	c->url = buf_cstr(&url);
	exchange(c, key, &t, &sent_at);
	if (t.answer != ANSWER_OK) {
		log_warn("provider %s: code exchange failed: %s",
		    c->provider->name, t.error);
		callback_end(c, outcome_of_answer(&t));
	} else if (!id_token_ok(c, key, &t.token)) {
		callback_end(c, INVALID_RESPONSE);
	} else {
		store_tokens(c, &t, key, sent_at);
	}
out:
	token_answer_clear(&t);
	buf_clear(&url);
}
