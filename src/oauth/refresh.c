/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "refresh.h"

#include <string.h>

#include "breaker.h"
#include "client.h"
#include "clock.h"
#include "log.h"
#include "outcome.h"
#include "wipe.h"

/* One call of refresh_token(): what was asked, and what is known so far. */
struct attempt {
	const struct custody		*k;
	const struct refresh_wish	*wish;
	const struct provider		*provider;	/* NULL: not configured */
	struct store_connection		*c;
	struct refresh_grant		*g;
	struct buf			 url;		/* of the provider's endpoint */
	bool				 rejected;	/* c's token is the refused one */
};

/* ---- answers ---------------------------------------------------------- */

static void
answer(struct attempt *a, enum refresh_result result, const char *reason)
{
	buf_reset(&a->g->access);
	a->g->result = result;
	a->g->reason = reason;
}

static void
answer_later(struct attempt *a, int64_t seconds)
{
	answer(a, REFRESH_UNAVAILABLE, NULL);
	a->g->retry_after = seconds < 1 ? 1 :
	    seconds > RETRY_AFTER_MAX ? RETRY_AFTER_MAX : seconds;
}

/* Open the row's access token into the grant. False: answered with 503. */
static bool
open_access(struct attempt *a)
{
	if (connection_open_access(a->c, a->k->keys, &a->g->access) == ERR_OK)
		return true;
	/* A row that does not open is for the operator, not the end of it. */
	answer_later(a, 60);
	return false;
}

static void
hand_out(struct attempt *a, bool degraded)
{
	int64_t left = connection_remaining(a->c, clock_now());

	if (!open_access(a))
		return;
	a->g->result = REFRESH_OK;
	a->g->degraded = degraded;
	if (a->c->refresh.len == 0)
		a->g->warning = "no_refresh_token";
	else if (left < a->wish->min_valid)
		a->g->warning = "short_lived";
}

/* ---- judging a row ---------------------------------------------------- */

/* Whether the token lives long enough for the wish; it may be long gone. */
static bool
lives_long_enough(const struct attempt *a)
{
	const struct store_connection *c = a->c;
	int64_t left = connection_remaining(c, clock_now()), need, half;

	if (c->expires_at == 0)
		return true;
	half = (c->expires_at - c->issued_at) / 2;
	need = a->wish->min_valid < half ? a->wish->min_valid : half;
	return left > 0 && left >= need;
}

/* Find out whether the row's token is the one that was refused. */
static bool
compare_rejected(struct attempt *a)
{
	const char *rejected = a->wish->rejected;
	size_t len;

	a->rejected = false;
	if (rejected == NULL)
		return true;
	if (!open_access(a))
		return false;
	len = strlen(rejected);
	a->rejected = len == a->g->access.len &&
	    equal_ct(rejected, a->g->access.data, len);
	buf_reset(&a->g->access);
	return true;
}

/* No refresh token: what there is, or nothing more. */
static void
answer_without_refresh_token(struct attempt *a)
{
	if (a->rejected) {
		answer(a, REFRESH_REAUTHORIZE, "rejected");
	} else if (connection_remaining(a->c, clock_now()) > 0) {
		hand_out(a, false);
	} else {
		outcome_no_refresh_token(a->k, a->c);
		answer(a, REFRESH_REAUTHORIZE, "no_refresh_token");
	}
}

/*
 * Answer from the row as it is, if that can be done without the provider.
 * False: a refresh is called for.
 */
static bool
answer_from_row(struct attempt *a)
{
	if (a->c->status == CONNECTION_BROKEN) {
		answer(a, REFRESH_REAUTHORIZE, outcome_reason(a->c));
		return true;
	}
	if (!compare_rejected(a))
		return true;
	if (!a->rejected && lives_long_enough(a)) {
		hand_out(a, false);
		return true;
	}
	if (a->c->refresh.len == 0) {
		answer_without_refresh_token(a);
		return true;
	}
	return false;
}

/* A refresh is called for and can't be had now: the best that there is. */
static void
answer_instead(struct attempt *a, int64_t retry_after)
{
	if (!a->rejected && connection_remaining(a->c, clock_now()) > 0)
		hand_out(a, true);
	else if (outcome_is_misconfigured(a->c, a->provider))
		answer(a, REFRESH_MISCONFIGURED, NULL);
	else
		answer_later(a, retry_after);
}

/*
 * Where this connection is refreshed; its fields are those of its generation,
 * so once is enough. One that is not configured is judged by must_wait().
 */
static bool
find_address(struct attempt *a)
{
	struct fields f;

	if (a->provider == NULL)
		return true;
	fields_parse(&f, a->c->fields);
	return fields_expand(&f, a->provider, a->provider->refresh_url,
	    &a->url);
}

/* The section and what is stored do not go together: as a wrong client. */
static void
answer_without_address(struct attempt *a)
{
	if (!a->rejected && connection_remaining(a->c, clock_now()) > 0)
		hand_out(a, true);
	else
		answer(a, REFRESH_MISCONFIGURED, NULL);
}

/*
 * A recorded attempt of a rotating token whose end is not known. While the
 * access token lives, losing the grant would be the worse end: nothing is
 * sent, but for one repeat inside the time in which the provider takes a used
 * token again (replay_grace). After that nothing is left to protect.
 */
static bool
may_send(const struct attempt *a, int64_t now)
{
	const struct store_connection *c = a->c;

	if (c->attempt_at == 0 || !connection_rotates(c, a->provider))
		return true;
	if (c->attempts < 2 &&
	    now < c->attempt_at + a->provider->replay_grace - 5)
		return true;
	/* Of a token without known life only an API can tell that it is over. */
	if (c->expires_at == 0)
		return a->rejected;
	return connection_remaining(c, now) == 0;
}

/*
 * Whether to leave the provider alone for now; *wait_s is for how long. An
 * open attempt says something only under the lock: without it, it may be that
 * of a caller who is waiting for the provider's answer right now.
 */
static bool
must_wait(struct attempt *a, int64_t now, bool locked, int64_t *wait_s)
{
	const struct store_connection *c = a->c;
	bool open;

	*wait_s = 1;
	if (outcome_is_foreign_client(c, a->provider))
		return true;
	if (c->next_attempt_at > now &&
	    !outcome_section_changed(a->k, c, a->provider)) {
		*wait_s = c->next_attempt_at - now;
		return true;
	}
	if (a->rejected && lives_long_enough(a) &&
	    now - c->issued_at < REJECTED_MIN_AGE) {
		*wait_s = REJECTED_MIN_AGE - (now - c->issued_at);
		if (*wait_s > connection_remaining(c, now))
			*wait_s = connection_remaining(c, now);
		return true;
	}
	if (locked && !may_send(a, now)) {
		*wait_s = connection_remaining(c, now) < BACKOFF_MAX ?
		    connection_remaining(c, now) : BACKOFF_MAX;
		return true;
	}
	if (breaker_is_open(a->k->store, a->provider, buf_cstr(&a->url), now,
	    &open) != ERR_OK || open) {
		*wait_s = BREAKER_PROBE;
		return true;
	}
	return false;
}

/* ---- the refresh itself ----------------------------------------------- */

/* Record that a request is about to leave; durable before it does. */
static enum err
record_attempt(struct attempt *a, int64_t now)
{
	struct store *s = a->k->store;
	enum err e;

	if (a->c->attempt_at == 0)
		a->c->attempt_at = now;
	a->c->attempts++;
	a->c->updated_at = now;
	if ((e = store_begin(s)) != ERR_OK)
		return e;
	if ((e = breaker_enter(s, a->provider, buf_cstr(&a->url),
	    now)) != ERR_OK ||
	    (e = store_connection_put_attempt(s, a->c)) != ERR_OK) {
		store_rollback(s);
		return e;
	}
	return store_commit(s, STORE_DURABLE);
}

/* What the provider said, and what became of the row, as an answer. */
static void
answer_after(struct attempt *a, const struct token_answer *t)
{
	int64_t now = clock_now();

	if (t->answer == ANSWER_OK) {
		/* Some providers give the same token again until it expires. */
		if (!compare_rejected(a))
			return;
		if (a->rejected)
			answer_later(a, REJECTED_MIN_AGE);
		else
			hand_out(a, false);
	} else if (a->c->status == CONNECTION_BROKEN)
		answer(a, REFRESH_REAUTHORIZE, outcome_reason(a->c));
	else
		answer_instead(a, a->c->next_attempt_at - now);
}

/* The row moved while we were away: our answer is dropped, this one counts. */
static void
answer_from_moved_row(struct attempt *a)
{
	if (!compare_rejected(a))
		return;
	if (a->c->status != CONNECTION_BROKEN && !a->rejected &&
	    connection_remaining(a->c, clock_now()) > 0)
		hand_out(a, false);
	else if (!answer_from_row(a))
		answer_later(a, 1);
}

static enum err
read_again(struct attempt *a, int64_t id)
{
	enum err e = store_connection_by_id(a->k->store, id, a->c);

	if (e == ERR_NOT_FOUND)
		answer(a, REFRESH_GONE, NULL);
	else if (e != ERR_OK)
		answer_later(a, 2);
	return e;
}

/* The lock is ours, and a refresh is called for. */
static void
send_one(struct attempt *a)
{
	struct buf refresh = BUF_INIT(LIMIT_TOKEN);
	int64_t now = clock_now(), id = a->c->id;
	struct outcome_before before = outcome_before(a->c,
	    buf_cstr(&a->url));
	struct token_answer t;
	enum err e;

	token_answer_init(&t);
	if (connection_open_refresh(a->c, a->k->keys, &refresh) != ERR_OK) {
		answer_instead(a, 60);
		goto out;
	}
	if ((e = record_attempt(a, now)) != ERR_OK) {
		/* Nothing was sent, so the row as read is what holds. */
		if (read_again(a, id) == ERR_OK)
			answer_instead(a, e == ERR_BUSY ? BREAKER_PROBE : 5);
		goto out;
	}
	client_refresh(a->k->http, a->provider, before.url, buf_cstr(&refresh),
	    (int64_t)PROVIDER_TOTAL * 1000, &t);
	e = outcome_store(a->k, a->provider, a->c, &t, &refresh, now, &before);
	if (e == ERR_OK)
		answer_after(a, &t);
	else if (store_broken(a->k->store))
		answer_later(a, 1);	/* written, but perhaps not for long */
	else if (read_again(a, id) != ERR_OK)
		goto out;
	else if (e == ERR_CONFLICT)
		answer_from_moved_row(a);
	else
		answer_instead(a, 5);
out:
	token_answer_clear(&t);
	buf_clear(&refresh);
}

/* Under the connection's lock: look again, and only then send. */
static void
refresh_locked(struct attempt *a, int64_t generation)
{
	int64_t wait_s;

	if (!store_is_current(a->k->store)) {
		answer_later(a, 1);
		return;
	}
	if (read_again(a, a->c->id) != ERR_OK)
		return;
	if (a->c->generation != generation) {
		answer_from_moved_row(a);
		return;
	}
	if (answer_from_row(a))
		return;
	if (must_wait(a, clock_now(), true, &wait_s))
		answer_instead(a, wait_s);
	else if (a->wish->until_ms - clock_mono_ms() <
	    (int64_t)BUDGET_PROVIDER * 1000)
		answer_instead(a, 2);
	else
		send_one(a);
}

void
refresh_token(const struct custody *k, struct store_connection *c,
    const struct refresh_wish *w, struct refresh_grant *g)
{
	struct attempt a = { .k = k, .wish = w, .c = c, .g = g,
	    .provider = conf_provider(k->conf, c->provider) };
	int64_t wait_s, generation = c->generation;
	int64_t budget_ms = w->until_ms - clock_mono_ms() -
	    (int64_t)BUDGET_PROVIDER * 1000;
	bool waited;
	enum err e;

	refresh_grant_clear(g);
	buf_init(&a.url, LIMIT_URL);
	if (answer_from_row(&a))
		return;
	if (!find_address(&a)) {
		answer_without_address(&a);
		goto out;
	}
	if (must_wait(&a, clock_now(), false, &wait_s)) {
		answer_instead(&a, wait_s);
		goto out;
	}
	if (budget_ms > (int64_t)WAIT_CONNECTION_LOCK * 1000)
		budget_ms = (int64_t)WAIT_CONNECTION_LOCK * 1000;
	if ((e = store_lock(k->store, c->id, budget_ms, &waited)) != ERR_OK) {
		if (read_again(&a, c->id) == ERR_OK && !answer_from_row(&a))
			answer_instead(&a, 2);
		goto out;
	}
	refresh_locked(&a, generation);
	store_unlock(k->store);
out:
	buf_clear(&a.url);
}
