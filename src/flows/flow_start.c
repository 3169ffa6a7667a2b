/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "flow.h"

#include <stdio.h>
#include <string.h>

#include "authreq.h"
#include "browser.h"
#include "clock.h"
#include "keyring.h"
#include "log.h"
#include "pending.h"
#include "return_to.h"
#include "start.h"
#include "urlenc.h"
#include "wipe.h"

const char *const start_fields[P__MAX] = {
	[P_PROVIDER]	= "provider",
	[P_APP]		= "app",
	[P_RETURN_TO]	= "return_to",
	[P_BIND]	= "bind",
	[P_LINK]	= "link",		/* a one-time link's secret */
	[P_HOST]	= "h",			/* was sent to the right host */
	[P_CONFIRM]	= "confirm",		/* expiry.mac of the page */
};

bool
start_fail(struct start *s, enum problem p)
{
	struct page page;

	page_init(&page, s->res, s->ctx->pages, s->conf, s->req);
	problem_answer(&page, p, request_wants_json(s->req), NULL);
	return false;
}

/* ---- reading the request ---------------------------------------------- */

static bool
read_params(struct start *s)
{
	int i;

	for (i = 0; i < P__MAX; i++) {
		if (params_twice(&s->req->params, start_fields[i]))
			return start_fail(s, PROBLEM_INVALID_REQUEST);
		s->value[i] = params_get(&s->req->params, start_fields[i]);
	}
	return true;
}

static bool
bind_ok(const char *bind)
{
	size_t len = strlen(bind), i;

	if (len < LIMIT_BIND_MIN || len > LIMIT_BIND_MAX)
		return false;
	for (i = 0; i < len; i++)
		if (bind[i] < 0x21 || bind[i] > 0x7e)
			return false;
	return true;
}

/* Any failure of the store that is not an answer in itself. */
static bool
store_failed(struct start *s)
{
	return start_fail(s, PROBLEM_UNAVAILABLE);
}

static bool
find_app(struct start *s, const char *name)
{
	enum err e;

	if (name != NULL && !conf_is_name(name))
		return start_fail(s, PROBLEM_UNKNOWN_APP);
	e = store_app_get(s->ctx->store, name, &s->app);
	if (e == ERR_NOT_FOUND || e == ERR_CONFLICT)
		return start_fail(s, PROBLEM_UNKNOWN_APP);
	return e == ERR_OK || store_failed(s);
}

static bool
find_provider(struct start *s, const char *name)
{
	s->provider = conf_provider(s->conf, name);
	if (s->provider == NULL || (s->provider->apps.count > 0 &&
	    !name_list_has(&s->provider->apps, s->app.name)))
		return start_fail(s, PROBLEM_UNKNOWN_PROVIDER);
	return true;
}

/* A one-time link brings app, provider and subject with it. */
static bool
read_link(struct start *s)
{
	unsigned char hash[STORE_HASH];
	enum err e;

	if (!base64url_is_secret(s->value[P_LINK]))
		return start_fail(s, PROBLEM_LINK);
	pending_hash(s->value[P_LINK], hash);
	e = store_link_get(s->ctx->store, hash, &s->link);
	if (e == ERR_NOT_FOUND || (e == ERR_OK && (s->link.used_at != 0 ||
	    s->link.expires_at <= clock_now())))
		return start_fail(s, PROBLEM_LINK);
	if (e != ERR_OK)
		return store_failed(s);
	/* What is given beside it must not contradict it. */
	if ((s->value[P_APP] != NULL &&
	    strcmp(s->value[P_APP], s->link.app) != 0) ||
	    (s->value[P_PROVIDER] != NULL &&
	    strcmp(s->value[P_PROVIDER], s->link.provider) != 0))
		return start_fail(s, PROBLEM_INVALID_REQUEST);
	return find_app(s, s->link.app) && find_provider(s, s->link.provider);
}

static bool
check_params(struct start *s)
{
	struct return_to_rules rules = {
		.own_origin = s->conf->origin,
		.own_path = s->conf->path,
	};

	if (s->value[P_LINK] != NULL) {
		if (!read_link(s))
			return false;
	} else if (!find_app(s, s->value[P_APP]) ||
	    !find_provider(s, s->value[P_PROVIDER])) {
		return false;
	}
	rules.origins = s->app.origins;
	if (s->value[P_RETURN_TO] != NULL &&
	    !return_to_ok(s->value[P_RETURN_TO], &rules))
		return start_fail(s, PROBLEM_RETURN_TO);
	if (s->value[P_BIND] != NULL && !bind_ok(s->value[P_BIND]))
		return start_fail(s, PROBLEM_INVALID_REQUEST);
	return true;
}

/* ---- the right host --------------------------------------------------- */

/*
 * The commonest real failure is a start on www. or localhost and a cookie that
 * belongs there while the callback comes to `url`. So: once, to `url`.
 */
static void
send_to_own_host(struct start *s)
{
	const struct params *params = &s->req->params;
	struct buf url = BUF_INIT(RESPONSE_LOCATION_MAX);
	size_t k;
	int i;

	buf_fmt(&url, "%s/start?", s->conf->url);
	for (i = 0; i < P__SIGNED; i++)
		if (s->value[i] != NULL)
			urlenc_pair(&url, start_fields[i], s->value[i]);
	for (k = 0; k < params->count; k++)
		if (start_knows_field(s->conf, params->list[k].name))
			urlenc_pair(&url, params->list[k].name,
			    params->list[k].value);
	urlenc_pair(&url, start_fields[P_HOST], "1");
	if (buf_failed(&url))
		start_fail(s, PROBLEM_QUERY_SIZE);
	else
		response_redirect(s->res, buf_cstr(&url));
	buf_clear(&url);
}

/* ---- starting --------------------------------------------------------- */

static void
fill_pending(const struct start *s, const char *state, int64_t now,
    struct store_pending *p)
{
	const unsigned char *key = keyring_at(s->ctx->pending_keys, 0);
	const char *return_to = s->value[P_RETURN_TO];
	const char *subject = s->value[P_LINK] != NULL ? s->link.subject :
	    s->conf->identity == IDENTITY_REMOTE_USER ? s->req->remote_user :
	    NULL;

	memset(p, 0, sizeof(*p));
	pending_hash(state, p->state_hash);
	pending_hash(s->cookie, p->browser_hash);
	p->new_browser = !s->had_cookie;
	if (s->value[P_BIND] != NULL) {
		p->has_bind = true;
		pending_hash(s->value[P_BIND], p->bind_hash);
	}
	if (s->value[P_LINK] != NULL) {
		p->has_link = true;
		memcpy(p->link_hash, s->link.hash, STORE_HASH);
	}
	pending_origin(key, s->req->remote_addr, p->origin_hash);
	snprintf(p->app, sizeof(p->app), "%s", s->app.name);
	snprintf(p->provider, sizeof(p->provider), "%s", s->provider->name);
	snprintf(p->subject, sizeof(p->subject), "%s",
	    subject != NULL ? subject : "");
	snprintf(p->return_to, sizeof(p->return_to), "%s",
	    return_to != NULL ? return_to : "");
	snprintf(p->redirect_uri, sizeof(p->redirect_uri), "%s",
	    s->provider->redirect_uri);
	snprintf(p->scope, sizeof(p->scope), "%s", s->provider->scope);
	fields_text(&s->fields, p->fields);
	p->key_id = keyring_first_id(s->ctx->pending_keys);
	p->created_at = now;
	p->expires_at = now + PENDING_TTL;
}

static void
redirect_to_provider(struct start *s, const char *state)
{
	const unsigned char *key = keyring_at(s->ctx->pending_keys, 0);
	const struct provider *p = s->provider;
	char verifier[SECRET_CHARS + 1] = "", challenge[SECRET_CHARS + 1];
	char nonce[SECRET_CHARS + 1] = "";
	struct buf url = BUF_INIT(RESPONSE_LOCATION_MAX);
	struct authreq r = {
		.provider = p, .url = buf_cstr(&s->url),
		.redirect_uri = p->redirect_uri, .state = state,
	};

	if (p->pkce) {
		pending_derive(key, PENDING_VERIFIER, p->name,
		    p->redirect_uri, state, verifier);
		pending_challenge(verifier, challenge);
		r.challenge = challenge;
	}
	if (authreq_is_openid(p->scope)) {
		pending_derive(key, PENDING_NONCE, p->name, p->redirect_uri,
		    state, nonce);
		r.nonce = nonce;
	}
	authreq_build(&url, &r);
	if (buf_failed(&url)) {
		log_error("provider %s: the authorization request is longer "
		    "than %d bytes; shorten scope or authorize_params",
		    p->name, RESPONSE_LOCATION_MAX);
		start_fail(s, PROBLEM_SERVER);
	} else {
		response_redirect(s->res, buf_cstr(&url));
		browser_set_cookie(s->conf, s->cookie, s->res);
	}
	wipe(verifier, sizeof(verifier));
	buf_clear(&url);
}

static void
begin(struct start *s)
{
	struct store_pending p;
	char state[SECRET_CHARS + 1];

	pending_new_secret(state);
	fill_pending(s, state, clock_now(), &p);
	if (store_pending_add(s->ctx->store, &p) != ERR_OK)
		store_failed(s);
	else
		redirect_to_provider(s, state);
	wipe(state, sizeof(state));
}

/* The web server's login, where the configuration builds on it. */
static bool
login_ok(struct start *s)
{
	const char *user = s->req->remote_user;

	if (s->conf->identity != IDENTITY_REMOTE_USER ||
	    s->value[P_LINK] != NULL)
		return true;
	if (user == NULL || strlen(user) > LIMIT_SUBJECT ||
	    !urlenc_is_utf8(user, strlen(user)))
		return start_fail(s, PROBLEM_LOGIN);
	return true;
}

void
flow_start(const struct context *ctx, struct request *req,
    struct response *res)
{
	struct start s = { .ctx = ctx, .conf = ctx->conf, .req = req,
	    .res = res, .url = BUF_INIT(LIMIT_URL) };

	if (req->path_info[0] != '\0') {
		start_fail(&s, PROBLEM_NOT_FOUND);
		return;
	}
	if (req->method == METHOD_HEAD)
		return;		/* 200, nothing else, nothing touched */
	if (!browser_is_navigation(req)) {
		start_fail(&s, PROBLEM_NOT_NAVIGATION);
		return;
	}
	if (!read_params(&s))
		return;
	if (s.value[P_HOST] == NULL && s.value[P_CONFIRM] == NULL &&
	    browser_is_other_host(s.conf, req)) {
		send_to_own_host(&s);
		return;
	}
	s.had_cookie = request_cookie(req, browser_cookie_name(s.conf),
	    s.cookie);
	if (!s.had_cookie)
		pending_new_secret(s.cookie);
	if (check_params(&s) && login_ok(&s) && start_read_fields(&s) &&
	    start_confirmed(&s))
		begin(&s);
	wipe(s.cookie, sizeof(s.cookie));
	buf_clear(&s.url);
}
