/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "outcome.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "breaker.h"
#include "clock.h"
#include "log.h"

/* last_error of a failure that is the configuration's begins with this. */
#define CONFIG_PREFIX "config:"

struct outcome_before
outcome_before(const struct store_connection *c, const char *url)
{
	struct outcome_before b = { c->attempt_at, c->attempts, url };

	return b;
}

/* ---- the provider's section ------------------------------------------- */

static void
add_text(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s) + 1);	/* its NUL separates */
}

/*
 * A keyed hash of what we send to the provider, the secret included, so that a
 * mended section is seen without keeping anything of it.
 */
static void
section_hash(const struct custody *k, const struct provider *p,
    unsigned char out[STORE_HASH])
{
	struct buf all = BUF_INIT(SIZE_MAX - 1);
	struct bytes part;
	size_t i;

	add_text(&all, "section");
	add_text(&all, p->client_id);
	add_text(&all, p->client_secret != NULL ? p->client_secret : "");
	add_text(&all, p->refresh_url);
	buf_fmt(&all, "%d %d", (int)p->auth, (int)p->body);
	for (i = 0; i < p->refresh_params.count; i++) {
		add_text(&all, p->refresh_params.list[i].name);
		add_text(&all, p->refresh_params.list[i].value);
	}
	part = (struct bytes){ all.data, all.len };
	crypto_hmac(keyring_at(k->keys, 0), &part, 1, out);
	buf_clear(&all);
}

static bool
is_config_failure(const struct store_connection *c)
{
	return strncmp(c->last_error, CONFIG_PREFIX,
	    sizeof(CONFIG_PREFIX) - 1) == 0;
}

bool
outcome_is_foreign_client(const struct store_connection *c,
    const struct provider *p)
{
	return p == NULL || strcmp(p->client_id, c->client_id) != 0;
}

bool
outcome_is_misconfigured(const struct store_connection *c,
    const struct provider *p)
{
	return outcome_is_foreign_client(c, p) || is_config_failure(c);
}

bool
outcome_section_changed(const struct custody *k,
    const struct store_connection *c, const struct provider *p)
{
	static const unsigned char none[STORE_HASH];
	unsigned char hash[STORE_HASH];

	if (memcmp(c->section_hash, none, sizeof(none)) == 0)
		return false;
	section_hash(k, p, hash);
	return memcmp(hash, c->section_hash, sizeof(hash)) != 0;
}

/* ---- failures --------------------------------------------------------- */

/* Full jitter below an exponential bound, at least a second. */
static int64_t
backoff(int64_t failures)
{
	int64_t bound = BACKOFF_FIRST, i;
	uint32_t r;

	for (i = 1; i < failures && bound < BACKOFF_MAX; i++)
		bound *= 2;
	if (bound > BACKOFF_MAX)
		bound = BACKOFF_MAX;
	crypto_random(&r, sizeof(r));
	return 1 + (int64_t)(r % (uint32_t)bound);
}

static void
restore_attempt(struct store_connection *c, const struct outcome_before *b)
{
	c->attempt_at = b->attempt_at;
	c->attempts = b->attempts;
}

static void
close_attempt(struct store_connection *c)
{
	c->attempt_at = 0;
	c->attempts = 0;
}

/*
 * An odd definite answer: a firewall's page, a code that nobody documents.
 * Not a reason to give up by itself; it is one after many over a day, when the
 * access token is over and other accounts at this provider do well.
 */
static enum err
note_refusal(const struct custody *k, struct store_connection *c,
    const struct token_answer *t, int64_t now)
{
	bool others;
	enum err e;

	close_attempt(c);
	if (!t->kills)
		return ERR_OK;
	if (c->refusals++ == 0)
		c->refused_at = now;
	if (c->refusals < REFUSALS_UNTIL_BROKEN ||
	    now - c->refused_at < REFUSALS_SPAN ||
	    connection_remaining(c, now) > 0)
		return ERR_OK;
	e = store_connection_others_succeed(k->store, c, c->refused_at,
	    &others);
	if (e == ERR_OK && others) {
		c->status = CONNECTION_BROKEN;
		snprintf(c->last_error, sizeof(c->last_error), "refused");
	}
	return e;
}

/* Put a failure into the row, in memory. */
static enum err
note_failure(const struct custody *k, const struct provider *p,
    struct store_connection *c, const struct token_answer *t, int64_t now,
    const struct outcome_before *before)
{
	int64_t wait_s;

	c->status = CONNECTION_DEGRADED;
	c->updated_at = now;
	c->failures++;
	wait_s = backoff(c->failures);
	snprintf(c->last_error, sizeof(c->last_error), "%s%.50s",
	    t->answer == ANSWER_CONFIG ? CONFIG_PREFIX : "", t->error);
	if (t->retry_after > wait_s)
		wait_s = t->retry_after < RETRY_AFTER_MAX ? t->retry_after :
		    RETRY_AFTER_MAX;
	c->next_attempt_at = now + wait_s;
	/* Any failure may be our section's: some refuse in words of their own. */
	section_hash(k, p, c->section_hash);
	switch (t->answer) {
	case ANSWER_DEAD:
		c->status = CONNECTION_BROKEN;
		close_attempt(c);
		return ERR_OK;
	case ANSWER_CONFIG:
		close_attempt(c);
		return ERR_OK;
	case ANSWER_REFUSED:
		return note_refusal(k, c, t, now);
	case ANSWER_LATER:
	case ANSWER_NOT_SENT:
		/* Says nothing of an earlier request: that stays open. */
		restore_attempt(c, before);
		return ERR_OK;
	default:
		if (connection_rotates(c, p))
			c->status = CONNECTION_UNCERTAIN;
		else
			close_attempt(c);
		return ERR_OK;
	}
}

static void
tell(const struct provider *p, const struct store_connection *c,
    const struct token_answer *t)
{
	char id[CONNECTION_ID_CHARS + 1];

	connection_id_text(c->public_id, id);
	if (t->answer == ANSWER_OK)
		log_info("connection %s: refreshed at %s", id, p->name);
	else if (c->status == CONNECTION_BROKEN)
		log_warn("connection %s: %s refuses it for good (%s); the "
		    "user must connect again", id, p->name, c->last_error);
	else if (t->answer == ANSWER_CONFIG)
		log_error("connection %s: %s does not accept this client (%s): "
		    "check client_id, client_secret, auth and scope of "
		    "`provider %s` in the configuration; the tokens are kept",
		    id, p->name, t->error, p->name);
	else
		log_warn("connection %s: refresh at %s failed (%s); %s", id,
		    p->name, t->error, connection_status_name(
		    connection_status(c, p)));
}

/* ---- storing ---------------------------------------------------------- */

/* Whether the answer says anything about reaching the provider. */
static bool
tells_reachability(const struct token_answer *t)
{
	return t->reached || t->answer == ANSWER_LATER ||
	    t->answer == ANSWER_NOT_SENT || t->answer == ANSWER_AMBIGUOUS;
}

static enum err
write_row(const struct custody *k, const struct provider *p,
    const struct store_connection *c, const struct token_answer *t,
    int64_t generation, const char *url)
{
	enum err e;

	if ((e = store_begin(k->store)) != ERR_OK)
		return e;
	if ((e = t->answer == ANSWER_OK ?
	    store_connection_put(k->store, c, generation) :
	    store_connection_put_attempt(k->store, c)) != ERR_OK ||
	    (tells_reachability(t) && (e = breaker_note(k->store, p,
	    url, clock_now(), t->reached)) != ERR_OK)) {
		store_rollback(k->store);
		return e;
	}
	return store_commit(k->store, STORE_DURABLE);
}

enum err
outcome_store(const struct custody *k, const struct provider *p,
    struct store_connection *c, const struct token_answer *t,
    const struct buf *refresh, int64_t sent_at,
    const struct outcome_before *before)
{
	int64_t generation = c->generation;
	unsigned pause_ms = STORE_PAUSE_MS;
	enum err e;
	int i;

	if (t->answer == ANSWER_OK) {
		c->rotates = t->token.refresh.len > 0 &&
		    (t->token.refresh.len != refresh->len ||
		    memcmp(t->token.refresh.data, refresh->data,
		    refresh->len) != 0);
		c->generation++;
		if (c->has_ticket && c->ticket_expires_at <= sent_at)
			c->has_ticket = false;
		connection_set_tokens(c, k->keys, &t->token, NULL, refresh,
		    sent_at);
		connection_set_fields(c, p, &t->token.fields);
	} else if ((e = note_failure(k, p, c, t, clock_now(), before)) !=
	    ERR_OK) {
		return e;
	}
	e = write_row(k, p, c, t, generation, before->url);
	for (i = 1; i < STORE_TRIES && e != ERR_OK && e != ERR_CONFLICT &&
	    !store_broken(k->store); i++, pause_ms *= 4) {
		clock_sleep_jittered(pause_ms);
		e = write_row(k, p, c, t, generation, before->url);
	}
	if (e == ERR_OK)
		tell(p, c, t);
	else if (e != ERR_CONFLICT)
		log_error("provider %s answered a refresh and the answer could "
		    "not be stored (%s); see the lines above", p->name,
		    err_name(e));
	return e;
}

void
outcome_no_refresh_token(const struct custody *k, struct store_connection *c)
{
	c->status = CONNECTION_BROKEN;
	c->updated_at = clock_now();
	snprintf(c->last_error, sizeof(c->last_error), "no_refresh_token");
	/* If it can't be stored, the next caller finds the same. */
	if (store_begin(k->store) != ERR_OK)
		return;
	if (store_connection_put_attempt(k->store, c) != ERR_OK ||
	    store_commit(k->store, STORE_RELAXED) != ERR_OK)
		store_rollback(k->store);
}

const char *
outcome_reason(const struct store_connection *c)
{
	if (strcmp(c->last_error, "refused") == 0)
		return "refused";
	if (strcmp(c->last_error, "no_refresh_token") == 0)
		return "no_refresh_token";
	return "revoked";
}
