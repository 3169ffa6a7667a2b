/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "flow.h"

#include <stdio.h>
#include <string.h>

#include "authreq.h"
#include "breaker.h"
#include "browser.h"
#include "client.h"
#include "clock.h"
#include "conf.h"
#include "connection.h"
#include "keyring.h"
#include "log.h"
#include "page.h"
#include "pending.h"
#include "problem.h"
#include "return_to.h"
#include "ticket.h"
#include "urlenc.h"
#include "wipe.h"

/* How a flow can end, as `error` says it to the site. */
#define DENIED			"denied"
#define PROVIDER_REJECTED	"provider_rejected"
#define PROVIDER_MISCONFIGURED	"provider_misconfigured"
#define INVALID_RESPONSE	"invalid_response"
#define TEMPORARILY_UNAVAILABLE	"temporarily_unavailable"
#define INTERRUPTED		"interrupted"
#define SERVER_ERROR		"server_error"

/* A taken row whose taker has not ended it by then never will. */
#define TAKER_LIFETIME	(BUDGET_REQUEST + 5)

/* A code that certainly was not sent may be sent again this often. */
#define EXCHANGE_TRIES	3

struct callback {
	const struct context	*ctx;
	const struct conf	*conf;
	struct request		*req;
	struct response		*res;
	const char		*state;
	const char		*code;
	const char		*error;
	const char		*iss;
	const struct provider	*provider;
	struct store_pending	 pending;
	char			 cookie[SECRET_CHARS + 1];
};

static bool
fail(struct callback *c, enum problem p)
{
	struct buf home = BUF_INIT(LIMIT_URL);

	buf_fmt(&home, "%s/", c->conf->origin);
	problem_answer(c->res, p, request_wants_json(c->req),
	    buf_cstr(&home));
	buf_clear(&home);
	return false;
}

/* ---- the end of a flow ------------------------------------------------ */

/* The words for each end; used where there is no page of the site's. */
static const struct {
	const char	*code;
	const char	*title;
	const char	*text;
} endings[] = {
	{ PENDING_CONNECTED, "Connected",
	    "The account is connected. You can close this window." },
	{ DENIED, "Not connected",
	    "You declined, so nothing was connected." },
	{ PROVIDER_REJECTED, "Not connected",
	    "The service did not accept this attempt. Start again." },
	{ PROVIDER_MISCONFIGURED, "Not connected",
	    "The service does not accept this site as it is set up. The "
	    "site's operator must mend it." },
	{ INVALID_RESPONSE, "Not connected",
	    "The service gave an answer that can't be trusted. Start again." },
	{ TEMPORARILY_UNAVAILABLE, "Not connected",
	    "The service can't be reached right now. Try again in a few "
	    "minutes." },
	{ INTERRUPTED, "Not connected",
	    "The attempt was interrupted. Start again." },
	{ SERVER_ERROR, "Not connected",
	    "Something went wrong here; it is not your fault. Start again." },
};

static void
ending_page(struct callback *c, const char *code)
{
	size_t i = 0;
	struct buf url = BUF_INIT(LIMIT_URL + 256);

	while (i + 1 < sizeof(endings) / sizeof(endings[0]) &&
	    strcmp(endings[i].code, code) != 0)
		i++;
	page_begin(c->res, 200, endings[i].title);
	page_text(c->res, endings[i].text);
	if (i > 0 && !c->pending.has_link) {
		buf_fmt(&url, "%s/start?", c->conf->url);
		urlenc_pair(&url, "provider", c->pending.provider);
		urlenc_pair(&url, "app", c->pending.app);
		page_link(c->res, buf_cstr(&url), "Try again");
	}
	page_end(c->res);
	buf_clear(&url);
}

/* The ticket is derived, so it can be given again without being kept. */
static void
add_ticket(struct callback *c, struct buf *query)
{
	const struct store_pending *p = &c->pending;
	const unsigned char *key = keyring_find(c->ctx->pending_keys,
	    p->key_id);
	char ticket[SECRET_CHARS + 1];

	if (key == NULL)
		return;
	pending_derive(key, PENDING_TICKET, p->provider, p->redirect_uri,
	    c->state, ticket);
	urlenc_pair(query, "ticket", ticket);
	wipe(ticket, sizeof(ticket));
}

/* Send the browser back to the site, or tell it here, how the flow ended. */
static void
answer_outcome(struct callback *c, const char *outcome)
{
	struct buf query = BUF_INIT(2048), url = BUF_INIT(RESPONSE_LOCATION_MAX);
	const char *id = strchr(outcome, ':');
	bool connected = strncmp(outcome, PENDING_CONNECTED,
	    sizeof(PENDING_CONNECTED) - 1) == 0;
	bool denied = strcmp(outcome, DENIED) == 0;

	if (c->pending.return_to[0] == '\0') {
		ending_page(c, connected ? PENDING_CONNECTED : outcome);
		goto out;
	}
	if (connected && id != NULL)
		urlenc_pair(&query, "connection", id + 1);
	else if (connected)
		add_ticket(c, &query);
	urlenc_pair(&query, "provider", c->pending.provider);
	urlenc_pair(&query, "status", connected ? "connected" :
	    denied ? "denied" : "error");
	if (!connected && !denied)
		urlenc_pair(&query, "error", outcome);
	return_to_build(&url, c->pending.return_to, c->conf->origin,
	    buf_cstr(&query));
	if (buf_failed(&url))
		fail(c, PROBLEM_SERVER);
	else
		response_redirect(c->res, buf_cstr(&url));
out:
	buf_clear(&query);
	buf_clear(&url);
}

/* Record a failure as the row's outcome, and answer it. */
static void
end_with(struct callback *c, const char *outcome)
{
	log_info("flow at %s ended: %s", c->pending.provider, outcome);
	/* If this fails the row stays taken, which later reads as interrupted. */
	if (store_pending_finish(c->ctx->store, c->pending.state_hash, outcome,
	    clock_now() + PENDING_REPLAY_TTL) != ERR_OK)
		log_warn("the outcome could not be stored");
	answer_outcome(c, outcome);
}

/* ---- reading the request ---------------------------------------------- */

static bool
printable(const char *s, size_t max)
{
	size_t n;

	for (n = 0; s[n] != '\0'; n++)
		if (n == max || s[n] < 0x20 || s[n] > 0x7e)
			return false;
	return n > 0;
}

/* The provider of the path: /NAME, or what a redirect_uri of its own says. */
static const struct provider *
provider_of_path(const struct conf *conf, const char *path_info)
{
	const struct provider *found = NULL;
	size_t i;

	for (i = 0; i < conf->provider_count; i++) {
		if (strcmp(conf->providers[i].callback_path, path_info) != 0)
			continue;
		if (found == NULL || strcmp(path_info + 1,
		    conf->providers[i].name) == 0)
			found = &conf->providers[i];
	}
	return found;
}

static bool
read_params(struct callback *c)
{
	static const char *const names[] = { "state", "code", "error", "iss" };
	const struct params *p = &c->req->params;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (params_twice(p, names[i]))
			return fail(c, PROBLEM_INVALID_REQUEST);
	for (i = 1; i < p->count; i++)
		if (p->list[i].from_body != p->list[0].from_body)
			return fail(c, PROBLEM_INVALID_REQUEST);
	c->state = params_get(p, "state");
	c->code = params_get(p, "code");
	c->error = params_get(p, "error");
	c->iss = params_get(p, "iss");
	if (c->state == NULL || (c->code == NULL) == (c->error == NULL) ||
	    (c->code != NULL && !printable(c->code, LIMIT_CODE)) ||
	    (c->error != NULL && !printable(c->error, LIMIT_FIELD)))
		return fail(c, PROBLEM_INVALID_REQUEST);
	if (!base64url_is_secret(c->state))
		return fail(c, PROBLEM_STATE);
	return true;
}

/*
 * A cross-site POST comes without a Lax cookie. The way out is a page of our
 * own that goes to the same path by GET, with what the response needs.
 */
static void
forward_by_get(struct callback *c)
{
	struct buf url = BUF_INIT(RESPONSE_LOCATION_MAX);

	buf_fmt(&url, "%s/callback%s?", c->conf->url, c->req->path_info);
	if (c->code != NULL)
		urlenc_pair(&url, "code", c->code);
	urlenc_pair(&url, "state", c->state);
	if (c->iss != NULL)
		urlenc_pair(&url, "iss", c->iss);
	if (c->error != NULL)
		urlenc_pair(&url, "error", c->error);
	if (buf_failed(&url)) {
		fail(c, PROBLEM_QUERY_SIZE);
	} else {
		page_begin_forwarding(c->res, "One moment", buf_cstr(&url));
		page_link(c->res, buf_cstr(&url), "Continue");
		page_end(c->res);
	}
	buf_clear(&url);
}

static bool
read_request(struct callback *c)
{
	c->provider = provider_of_path(c->conf, c->req->path_info);
	if (c->provider == NULL)
		return fail(c, PROBLEM_NOT_FOUND);
	if (c->req->method == METHOD_POST && !c->provider->form_post) {
		c->res->allow = "GET, HEAD";
		return fail(c, PROBLEM_METHOD);
	}
	if (!read_params(c))
		return false;
	if (request_cookie(c->req, browser_cookie_name(c->conf), c->cookie))
		return true;
	if (c->req->method == METHOD_POST) {
		forward_by_get(c);
		return false;
	}
	return fail(c, PROBLEM_COOKIE);
}

/* ---- taking the row --------------------------------------------------- */

/* The row belongs to this path (several providers may share one). */
static bool
row_is_of_path(struct callback *c)
{
	const struct provider *p = conf_provider(c->conf,
	    c->pending.provider);

	if (p == NULL || strcmp(p->callback_path, c->req->path_info) != 0)
		return false;
	c->provider = p;
	return true;
}

/* Where the login is the web server's, it is the same as at the start. */
static bool
login_is_same(const struct callback *c)
{
	const char *user = c->req->remote_user;

	if (c->conf->identity != IDENTITY_REMOTE_USER || c->pending.has_link)
		return true;
	return user != NULL && strcmp(user, c->pending.subject) == 0;
}

static bool
read_row(struct callback *c)
{
	unsigned char state[STORE_HASH], browser[STORE_HASH];
	enum err e;

	pending_hash(c->state, state);
	pending_hash(c->cookie, browser);
	e = store_pending_get(c->ctx->store, state, browser, &c->pending);
	if (e == ERR_NOT_FOUND || (e == ERR_OK && (!row_is_of_path(c) ||
	    (c->pending.expires_at <= clock_now() &&
	    c->pending.stage != PENDING_TAKEN))))
		return fail(c, PROBLEM_STATE);
	if (e != ERR_OK)
		return fail(c, PROBLEM_UNAVAILABLE);
	return login_is_same(c) || fail(c, PROBLEM_LOGIN);
}

/* Another request of this browser has the row: wait for what it comes to. */
static void
wait_for_other(struct callback *c)
{
	int64_t until = clock_mono_ms() + (int64_t)PENDING_WAIT * 1000;
	unsigned pause_ms = 20;

	while (c->pending.stage == PENDING_TAKEN &&
	    clock_now() - c->pending.taken_at < TAKER_LIFETIME &&
	    clock_mono_ms() < until) {
		clock_sleep_jittered(pause_ms);
		if (pause_ms < 250)
			pause_ms *= 2;
		if (!read_row(c))
			return;
	}
	if (c->pending.stage == PENDING_DONE)
		answer_outcome(c, c->pending.outcome);
	else if (clock_now() - c->pending.taken_at >= TAKER_LIFETIME)
		answer_outcome(c, INTERRUPTED);
	else
		fail(c, PROBLEM_UNAVAILABLE);
}

/* Make the row ours. False: answered. */
static bool
take_row(struct callback *c)
{
	struct store_pending taken;
	enum err e = ERR_NOT_FOUND;

	if (!read_row(c))
		return false;
	if (c->pending.stage == PENDING_NEW) {
		e = store_pending_take(c->ctx->store, c->pending.state_hash,
		    c->pending.browser_hash, c->provider->name, clock_now(),
		    &taken);
		if (e == ERR_OK) {
			c->pending = taken;
			return true;
		}
		/* Somebody was faster, or it expired this second. */
		if (e == ERR_NOT_FOUND && !read_row(c))
			return false;
	}
	if (e != ERR_NOT_FOUND || c->pending.stage == PENDING_NEW)
		fail(c, e == ERR_NOT_FOUND ? PROBLEM_STATE :
		    PROBLEM_UNAVAILABLE);
	else
		wait_for_other(c);
	return false;
}

/* ---- what the provider says ------------------------------------------- */

/* RFC 9207: who answered. */
static bool
issuer_ok(const struct callback *c)
{
	const struct provider *p = c->provider;

	if (p->issuer == NULL)
		return true;
	if (c->iss == NULL)
		return !p->require_iss;
	return strcmp(c->iss, p->issuer) == 0;
}

/* RFC 6749 4.1.2.1, and OpenID Connect Core 3.1.2.6. */
static const char *
outcome_of_error(const char *error)
{
	static const struct {
		const char	*error;
		const char	*outcome;
	} map[] = {
		{ "access_denied", DENIED },
		{ "temporarily_unavailable", TEMPORARILY_UNAVAILABLE },
		{ "server_error", TEMPORARILY_UNAVAILABLE },
		{ "invalid_request", PROVIDER_MISCONFIGURED },
		{ "unauthorized_client", PROVIDER_MISCONFIGURED },
		{ "invalid_client", PROVIDER_MISCONFIGURED },
		{ "unsupported_response_type", PROVIDER_MISCONFIGURED },
		{ "invalid_scope", PROVIDER_MISCONFIGURED },
	};
	size_t i;

	for (i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (strcmp(error, map[i].error) == 0)
			return map[i].outcome;
	return PROVIDER_REJECTED;
}

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
		return strcmp(t->error, "no_access_token") == 0 ?
		    INVALID_RESPONSE : PROVIDER_REJECTED;
	default:
		return strcmp(t->error, "unreadable") == 0 ?
		    INVALID_RESPONSE : TEMPORARILY_UNAVAILABLE;
	}
}

/* ---- exchange and store ----------------------------------------------- */

/* The row's key; a retired one stays in the file for a while. */
static const unsigned char *
row_key(struct callback *c)
{
	const unsigned char *key = keyring_find_or_reload(
	    c->ctx->pending_keys, c->pending.key_id);

	if (key == NULL)
		log_error("pending.key: the key %u of a flow is gone; keep a "
		    "retired key for %d minutes", (unsigned)c->pending.key_id,
		    PENDING_KEY_TTL / 60);
	return key;
}

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

/* Inside the transaction that stores a bound connection: what goes with it. */
static enum err
finish_bound(void *arg, const struct store_connection *conn)
{
	struct callback *c = arg;
	char id[CONNECTION_ID_CHARS + 1], outcome[64];
	int64_t now = clock_now();
	enum err e;

	connection_id_text(conn->public_id, id);
	snprintf(outcome, sizeof(outcome), "%s:%s", PENDING_CONNECTED, id);
	if (c->pending.has_link && (e = store_link_use(c->ctx->store,
	    c->pending.link_hash, now)) != ERR_OK)
		return e;
	if ((e = breaker_note(c->ctx->store, c->provider, now, true)) !=
	    ERR_OK)
		return e;
	return store_pending_finish(c->ctx->store, c->pending.state_hash,
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
	    (e = store_pending_finish(s, p->state_hash, PENDING_CONNECTED,
	    now + PENDING_REPLAY_TTL)) != ERR_OK ||
	    (e = expire_unbound(c, now)) != ERR_OK ||
	    (e = breaker_note(s, c->provider, now, true)) != ERR_OK) {
		store_rollback(s);
		return e;
	}
	return store_commit(s, STORE_DURABLE);
}

static void
store_tokens(struct callback *c, const struct token_answer *t,
    const unsigned char *key, int64_t sent_at)
{
	struct store_connection conn;
	char id[CONNECTION_ID_CHARS + 1];
	enum err e;

	store_connection_init(&conn);
	connection_new(&conn, c->pending.app, c->provider);
	if (c->pending.subject[0] == '\0') {
		e = store_unbound(c, &conn, t, key, sent_at);
	} else {
		snprintf(conn.subject, sizeof(conn.subject), "%s",
		    c->pending.subject);
		e = ticket_bind_now(c->ctx->store, c->ctx->token_keys, &conn,
		    &t->token, c->pending.scope, sent_at,
		    (int64_t)WAIT_CONNECTION_LOCK * 1000, finish_bound, c);
	}
	connection_id_text(conn.public_id, id);
	if (e == ERR_NOT_FOUND) {
		end_with(c, INTERRUPTED);	/* the link was used meanwhile */
	} else if (e != ERR_OK) {
		log_error("connection %s: its first tokens could not be stored "
		    "(%s)", id, err_name(e));
		end_with(c, SERVER_ERROR);
	} else {
		log_info("connection %s: connected at %s", id,
		    c->provider->name);
		read_row(c);	/* the outcome as it was stored */
		answer_outcome(c, c->pending.outcome);
	}
	store_connection_clear(&conn);
}

static void
redeem_code(struct callback *c)
{
	const unsigned char *key = row_key(c);
	struct token_answer t;
	int64_t sent_at = 0;

	if (key == NULL) {
		end_with(c, SERVER_ERROR);
		return;
	}
	token_answer_init(&t);
	exchange(c, key, &t, &sent_at);
	if (t.answer != ANSWER_OK) {
		log_warn("provider %s: code exchange failed: %s",
		    c->provider->name, t.error);
		end_with(c, outcome_of_answer(&t));
	} else if (!id_token_ok(c, key, &t.token)) {
		end_with(c, INVALID_RESPONSE);
	} else {
		store_tokens(c, &t, key, sent_at);
	}
	token_answer_clear(&t);
}

void
flow_callback(const struct context *ctx, struct request *req,
    struct response *res)
{
	struct callback c = { .ctx = ctx, .conf = ctx->conf, .req = req,
	    .res = res };

	if (req->method == METHOD_HEAD) {
		if (provider_of_path(c.conf, req->path_info) == NULL)
			fail(&c, PROBLEM_NOT_FOUND);
		return;
	}
	if (!read_request(&c) || !take_row(&c))
		return;
	if (!issuer_ok(&c)) {
		log_warn("provider %s: iss is not the configured issuer",
		    c.provider->name);
		end_with(&c, INVALID_RESPONSE);
	} else if (c.error != NULL) {
		end_with(&c, outcome_of_error(c.error));
	} else {
		redeem_code(&c);
	}
	wipe(c.cookie, sizeof(c.cookie));
}
