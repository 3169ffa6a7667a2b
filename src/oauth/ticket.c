/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "ticket.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "pending.h"
#include "wipe.h"

/* Two sites' requests can collide; the second look decides. */
#define TRIES 3

static bool
proof_ok(const struct store_connection *c, const struct ticket_claim *claim)
{
	const char *proof = c->has_bind ? claim->bind : claim->browser;
	unsigned char hash[STORE_HASH];

	if (proof == NULL)
		return false;
	pending_hash(proof, hash);
	return equal_ct(hash, c->has_bind ? c->bind_hash : c->browser_hash,
	    sizeof(hash));
}

/* Turn *c into what it is once it belongs to subject; the seals follow. */
static enum err
give_to(struct store_connection *c, const char *subject,
    const struct custody *k)
{
	struct store_connection was;
	enum err e;

	store_connection_init(&was);
	was = *c;
	buf_init(&c->access, was.access.max);
	buf_init(&c->refresh, was.refresh.max);
	c->bound = true;
	c->status = CONNECTION_OK;
	snprintf(c->subject, sizeof(c->subject), "%s", subject);
	c->generation++;
	c->updated_at = clock_now();
	e = connection_reseal(&was, c, k->keys);
	buf_clear(&was.access);
	buf_clear(&was.refresh);
	return e;
}

/* A lock on files that were replaced keeps nobody out: the next request's. */
static enum err
lock_current(struct store *s, int64_t id, int64_t wait_ms)
{
	bool waited;
	enum err e = store_lock(s, id, wait_ms, &waited);

	if (e == ERR_OK && !store_is_current(s)) {
		store_unlock(s);
		e = ERR_BUSY;
	}
	return e;
}

/* Nobody has this subject yet: the unbound row becomes its connection. */
static enum err
bind_new(const struct custody *k, struct store_connection *c,
    const char *subject)
{
	int64_t generation = c->generation;
	enum err e;

	if ((e = give_to(c, subject, k)) != ERR_OK)
		return e;
	if ((e = store_begin(k->store)) != ERR_OK)
		return e;
	if ((e = store_connection_put(k->store, c, generation)) != ERR_OK) {
		store_rollback(k->store);
		return e;
	}
	return store_commit(k->store, STORE_DURABLE);
}

/* Put the unbound row's tokens and ticket into the owner's older row. */
static enum err
take_over(const struct custody *k, const struct store_connection *from,
    struct store_connection *to)
{
	snprintf(to->client_id, sizeof(to->client_id), "%s", from->client_id);
	snprintf(to->scope, sizeof(to->scope), "%s", from->scope);
	snprintf(to->token_type, sizeof(to->token_type), "%s",
	    from->token_type);
	snprintf(to->fields, sizeof(to->fields), "%s", from->fields);
	to->issued_at = from->issued_at;
	to->expires_at = from->expires_at;
	to->rotates = from->rotates;
	to->has_ticket = true;
	memcpy(to->ticket_hash, from->ticket_hash, STORE_HASH);
	memcpy(to->bind_hash, from->bind_hash, STORE_HASH);
	memcpy(to->browser_hash, from->browser_hash, STORE_HASH);
	to->has_bind = from->has_bind;
	to->ticket_expires_at = from->ticket_expires_at;
	to->ticket_replaced = true;
	to->updated_at = clock_now();
	to->generation++;
	connection_clear_failures(to);
	return connection_reseal(from, to, k->keys);
}

/*
 * The subject has a connection: under its lock the new tokens become its own,
 * and the unbound row goes. On success *c is the older row.
 */
static enum err
bind_over(const struct custody *k, struct store_connection *c, int64_t id,
    int64_t wait_ms)
{
	struct store_connection old;
	int64_t generation;
	enum err e;

	store_connection_init(&old);
	if ((e = lock_current(k->store, id, wait_ms)) != ERR_OK)
		return e;
	if ((e = store_connection_by_id(k->store, id, &old)) != ERR_OK) {
		e = e == ERR_NOT_FOUND ? ERR_CONFLICT : e;
		goto out;
	}
	generation = old.generation;
	if ((e = take_over(k, c, &old)) != ERR_OK ||
	    (e = store_begin(k->store)) != ERR_OK)
		goto out;
	/* First the unbound row: its ticket's hash is unique. */
	if ((e = store_connection_remove(k->store, c->id, c->generation)) !=
	    ERR_OK ||
	    (e = store_connection_put(k->store, &old, generation)) != ERR_OK) {
		store_rollback(k->store);
		goto out;
	}
	e = store_commit(k->store, STORE_DURABLE);
	if (e == ERR_OK) {
		store_connection_clear(c);
		*c = old;
		store_connection_init(&old);
	}
out:
	store_unlock(k->store);
	store_connection_clear(&old);
	return e;
}

/* One try to bind an unbound row. ERR_CONFLICT: look again. */
static enum err
bind_once(const struct custody *k, const struct ticket_claim *claim,
    struct store_connection *c, bool *replaced)
{
	struct store_connection owner;
	int64_t id;
	enum err e;

	store_connection_init(&owner);
	e = store_connection_owner(k->store, claim->app, c->provider,
	    claim->subject, &owner);
	id = owner.id;
	store_connection_clear(&owner);
	if (e == ERR_NOT_FOUND) {
		*replaced = false;
		return bind_new(k, c, claim->subject);
	}
	if (e != ERR_OK)
		return e;
	*replaced = true;
	return bind_over(k, c, id, claim->wait_ms);
}

enum ticket_result
ticket_redeem(const struct custody *k, const struct ticket_claim *claim,
    struct store_connection *c, bool *replaced)
{
	unsigned char hash[STORE_HASH];
	enum err e = ERR_CONFLICT;
	int i;

	*replaced = false;
	pending_hash(claim->ticket, hash);
	for (i = 0; i < TRIES && e == ERR_CONFLICT; i++) {
		e = store_connection_by_ticket(k->store, claim->app, hash, c);
		if (e == ERR_NOT_FOUND)
			return TICKET_SPENT;
		if (e != ERR_OK)
			return TICKET_BUSY;
		if (c->ticket_expires_at <= clock_now())
			return TICKET_SPENT;
		if (!proof_ok(c, claim))
			return TICKET_WRONG_SESSION;
		if (c->bound) {
			*replaced = c->ticket_replaced;
			return strcmp(c->subject, claim->subject) == 0 ?
			    TICKET_BOUND : TICKET_SPENT;
		}
		e = bind_once(k, claim, c, replaced);
	}
	return e == ERR_OK ? TICKET_BOUND : TICKET_BUSY;
}

/* ---- binding at once -------------------------------------------------- */

/*
 * Lock the connection that c's owner has, and let c become its next
 * generation; without one, c is a new row. ERR_CONFLICT: look again.
 */
static enum err
lock_owner(struct store *s, struct store_connection *c, int64_t wait_ms,
    int64_t *generation)
{
	struct store_connection owner;
	int64_t id;
	enum err e;

	store_connection_init(&owner);
	c->id = 0;
	c->generation = 1;
	e = store_connection_owner(s, c->app, c->provider, c->subject, &owner);
	if (e == ERR_NOT_FOUND) {
		e = ERR_OK;
	} else if (e == ERR_OK) {
		id = owner.id;
		e = lock_current(s, id, wait_ms);
		/* It may have moved, or gone, while we waited. */
		if (e == ERR_OK)
			e = store_connection_owner(s, c->app, c->provider,
			    c->subject, &owner);
		if (e == ERR_NOT_FOUND || (e == ERR_OK && owner.id != id))
			e = ERR_CONFLICT;
	}
	if (e == ERR_OK && owner.id != 0) {
		c->id = owner.id;
		memcpy(c->public_id, owner.public_id, sizeof(c->public_id));
		c->created_at = owner.created_at;
		*generation = owner.generation;
		c->generation = owner.generation + 1;
	}
	store_connection_clear(&owner);
	return e;
}

static enum err
write_now(struct store *s, struct store_connection *c, int64_t generation,
    ticket_also_fn also, void *arg)
{
	enum err e;

	if ((e = store_begin(s)) != ERR_OK)
		return e;
	if ((e = c->id != 0 ? store_connection_put(s, c, generation) :
	    store_connection_add(s, c)) != ERR_OK ||
	    (e = also(arg, c)) != ERR_OK) {
		store_rollback(s);
		return e;
	}
	return store_commit(s, STORE_DURABLE);
}

enum err
ticket_bind_now(struct store *s, const struct keyring *keys,
    struct store_connection *c, const struct token *t,
    const char *requested_scope, int64_t sent_at, int64_t wait_ms,
    ticket_also_fn also, void *arg)
{
	int64_t generation = 0;
	enum err e = ERR_CONFLICT;
	int i;

	c->bound = true;
	for (i = 0; i < TRIES && e == ERR_CONFLICT; i++) {
		e = lock_owner(s, c, wait_ms, &generation);
		if (e == ERR_OK) {
			connection_set_tokens(c, keys, t, requested_scope,
			    NULL, sent_at);
			e = write_now(s, c, generation, also, arg);
		}
		store_unlock(s);
	}
	return e;
}
