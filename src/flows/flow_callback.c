/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "flow.h"

#include <string.h>

#include "browser.h"
#include "callback.h"
#include "clock.h"
#include "log.h"
#include "page.h"
#include "pending.h"
#include "return_to.h"
#include "urlenc.h"
#include "wipe.h"

/* A taken row whose taker has not ended it by then never will. */
#define TAKER_LIFETIME	(BUDGET_REQUEST + 5)

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
		if (found == NULL || (path_info[0] == '/' &&
		    strcmp(path_info + 1, conf->providers[i].name) == 0))
			found = &conf->providers[i];
	}
	return found;
}

static bool
read_params(struct callback *c)
{
	const char *const names[] = { "state", c->provider->code_param,
	    "error", "iss" };
	const struct params *p = &c->req->params;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (params_twice(p, names[i]))
			return callback_fail(c, PROBLEM_INVALID_REQUEST);
	for (i = 1; i < p->count; i++)
		if (p->list[i].from_body != p->list[0].from_body)
			return callback_fail(c, PROBLEM_INVALID_REQUEST);
	c->state = params_get(p, "state");
	c->code = params_get(p, c->provider->code_param);
	c->error = params_get(p, "error");
	c->iss = params_get(p, "iss");
	if (c->state == NULL || (c->code == NULL) == (c->error == NULL) ||
	    (c->code != NULL && !printable(c->code, LIMIT_CODE)) ||
	    (c->error != NULL && !printable(c->error, LIMIT_FIELD)))
		return callback_fail(c, PROBLEM_INVALID_REQUEST);
	if (!base64url_is_secret(c->state))
		return callback_fail(c, PROBLEM_STATE);
	return true;
}

/*
 * A cross-site POST comes without a Lax cookie. The way out is a page of our
 * own that goes to the same path by GET, with what the response needs.
 */
static void
forward_by_get(struct callback *c)
{
	const struct provider_field *field;
	const char *value;
	size_t i;
	struct buf url = BUF_INIT(RESPONSE_LOCATION_MAX);
	struct page page;

	buf_fmt(&url, "%s/callback%s?", c->conf->url, c->req->path_info);
	if (c->code != NULL)
		urlenc_pair(&url, c->provider->code_param, c->code);
	urlenc_pair(&url, "state", c->state);
	if (c->iss != NULL)
		urlenc_pair(&url, "iss", c->iss);
	if (c->error != NULL)
		urlenc_pair(&url, "error", c->error);
	for (i = 0; i < c->provider->field_count; i++) {
		field = &c->provider->fields[i];
		value = field->from == FROM_CALLBACK ?
		    params_get(&c->req->params, field->param) : NULL;
		if (value != NULL)
			urlenc_pair(&url, field->param, value);
	}
	if (buf_failed(&url)) {
		callback_fail(c, PROBLEM_QUERY_SIZE);
	} else {
		page_init(&page, c->res, c->ctx->pages, c->conf, c->req);
		page_begin_forwarding(&page, TEXT_FORWARD, buf_cstr(&url));
		page_text(&page, TEXT_FORWARD_TEXT);
		page_link(&page, buf_cstr(&url), TEXT_CONTINUE, true);
		page_end(&page);
	}
	buf_clear(&url);
}

static bool
read_request(struct callback *c)
{
	c->provider = provider_of_path(c->conf, c->req->path_info);
	if (c->provider == NULL)
		return callback_fail(c, PROBLEM_NOT_FOUND);
	if (c->req->method == METHOD_POST && !c->provider->form_post) {
		c->res->allow = "GET, HEAD";
		return callback_fail(c, PROBLEM_METHOD);
	}
	if (!read_params(c))
		return false;
	if (request_cookie(c->req, browser_cookie_name(c->conf), c->cookie))
		return true;
	if (c->req->method == METHOD_POST) {
		forward_by_get(c);
		return false;
	}
	return callback_fail(c, PROBLEM_COOKIE);
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

/*
 * What /start let by is looked at once more: the app may be gone since, or may
 * have lost an origin.
 */
static bool
app_still_agrees(struct callback *c)
{
	struct return_to_rules rules = {
		.own_origin = c->conf->origin,
		.own_path = c->conf->path,
	};
	struct store_app app;
	enum err e = store_app_get(c->ctx->store, c->pending.app, &app);

	if (e == ERR_NOT_FOUND)
		return callback_fail(c, PROBLEM_UNKNOWN_APP);
	if (e != ERR_OK)
		return callback_fail(c, PROBLEM_UNAVAILABLE);
	rules.origins = app.origins;
	return c->pending.return_to[0] == '\0' ||
	    return_to_ok(c->pending.return_to, &rules) ||
	    callback_fail(c, PROBLEM_RETURN_TO);
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
		return callback_fail(c, PROBLEM_STATE);
	if (e != ERR_OK)
		return callback_fail(c, PROBLEM_UNAVAILABLE);
	return login_is_same(c) || callback_fail(c, PROBLEM_LOGIN);
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
		callback_answer(c, c->pending.outcome);
	else if (clock_now() - c->pending.taken_at >= TAKER_LIFETIME)
		callback_answer(c, INTERRUPTED);
	else
		callback_fail(c, PROBLEM_UNAVAILABLE);
}

/* Make the row ours. False: answered. */
static bool
take_row(struct callback *c)
{
	enum err e = ERR_NOT_FOUND;

	if (!read_row(c) || !app_still_agrees(c))
		return false;
	if (c->pending.stage == PENDING_NEW) {
		e = store_pending_take(c->ctx->store, &c->pending,
		    c->provider->name, clock_now());
		if (e == ERR_OK)
			return true;
		/* Somebody was faster, or it expired this second. */
		if (e == ERR_NOT_FOUND && !read_row(c))
			return false;
	}
	if (e != ERR_NOT_FOUND || c->pending.stage == PENDING_NEW)
		callback_fail(c, e == ERR_NOT_FOUND ? PROBLEM_STATE :
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

/* The row is ours: end the flow. */
static void
judge(struct callback *c)
{
	if (!issuer_ok(c)) {
		log_warn("provider %s: iss is not the configured issuer",
		    c->provider->name);
		callback_end(c, INVALID_RESPONSE);
	} else if (c->error != NULL) {
		callback_end(c, outcome_of_error(c->error));
	} else {
		callback_redeem(c);
	}
}

void
flow_callback(const struct context *ctx, struct request *req,
    struct response *res)
{
	struct callback c = { .ctx = ctx, .conf = ctx->conf, .req = req,
	    .res = res };

	if (req->method == METHOD_HEAD) {
		if (provider_of_path(c.conf, req->path_info) == NULL)
			callback_fail(&c, PROBLEM_NOT_FOUND);
		return;
	}
	if (read_request(&c) && take_row(&c))
		judge(&c);
	wipe(c.cookie, sizeof(c.cookie));
}
