/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "appkey.h"
#include "clock.h"
#include "connection.h"
#include "jsonout.h"
#include "log.h"
#include "pending.h"
#include "refresh.h"
#include "ticket.h"
#include "urlenc.h"

/* What /refresh takes; anything else is refused. */
enum field {
	P_TICKET, P_SUBJECT, P_BIND, P_BROWSER, P_CONNECTION, P_PROVIDER,
	P_MIN_VALID, P_REJECTED, P__MAX
};

static const char *const names[P__MAX] = {
	[P_TICKET]	= "ticket",
	[P_SUBJECT]	= "subject",
	[P_BIND]	= "bind",
	[P_BROWSER]	= "browser",
	[P_CONNECTION]	= "connection",
	[P_PROVIDER]	= "provider",
	[P_MIN_VALID]	= "min_valid",
	[P_REJECTED]	= "rejected",
};

struct ask {
	const struct context	*ctx;
	struct request		*req;
	struct response		*res;
	const char		*value[P__MAX];
	char			 app[LIMIT_NAME + 1];
	struct refresh_wish	 wish;
	struct store_connection	 c;
	bool			 known;		/* c may be named in an error */
	bool			 replaced;
};

/* ---- errors ----------------------------------------------------------- */

struct problem_answer {
	int		 status;
	const char	*error;
	const char	*description;
	const char	*reason;	/* NULL: none */
	int64_t		 retry_after;	/* 0: none */
};

static bool
refuse_with(struct ask *a, const struct problem_answer *p)
{
	char id[CONNECTION_ID_CHARS + 1];
	struct buf *b = &a->res->body;

	log_info("answered %d %s: %s", p->status, p->error, p->description);
	response_reset(a->res);
	a->res->status = p->status;
	a->res->type = RESPONSE_JSON;
	a->res->retry_after = p->retry_after;
	jsonout_open(b);
	jsonout_str(b, "error", p->error);
	jsonout_str(b, "error_description", p->description);
	if (a->known) {
		connection_id_text(a->c.public_id, id);
		jsonout_str(b, "connection", id);
	}
	if (p->reason != NULL)
		jsonout_str(b, "reason", p->reason);
	if (p->retry_after > 0)
		jsonout_int(b, "retry_after", p->retry_after);
	jsonout_close(b);
	return false;
}

static bool
refuse(struct ask *a, int status, const char *error, const char *description)
{
	struct problem_answer p = { status, error, description, NULL, 0 };

	return refuse_with(a, &p);
}

static bool
invalid(struct ask *a, const char *description)
{
	return refuse(a, 400, "invalid_request", description);
}

static bool
unavailable(struct ask *a, int64_t retry_after)
{
	struct problem_answer p = { 503, "temporarily_unavailable",
	    "no valid token can be had right now; ask again", NULL,
	    retry_after };

	return refuse_with(a, &p);
}

static bool
unknown_connection(struct ask *a)
{
	return refuse(a, 404, "unknown_connection",
	    "this app has no such connection");
}

/* ---- who asks --------------------------------------------------------- */

/* The key of the request: a Bearer token, or our own header. */
static const char *
key_of(const struct request *req)
{
	const char *h = req->authorization;

	if (h != NULL && strncasecmp(h, "Bearer ", 7) == 0) {
		h += 7;
		return h + strspn(h, " ");
	}
	return req->app_key;
}

static bool
authenticate(struct ask *a)
{
	static const struct problem_answer missing = { 401, "invalid_key",
	    "no app key: send Authorization: Bearer, or X-OAuth-CGI-Key "
	    "where the web server drops it", "missing", 0 };
	static const struct problem_answer unknown = { 401, "invalid_key",
	    "the app key is not known or over", "unknown", 0 };
	const char *key = key_of(a->req);
	enum err e = ERR_NOT_FOUND;

	if (key != NULL)
		e = appkey_find(a->ctx->store, key, a->app);
	if (e == ERR_OK)
		return true;
	if (e != ERR_NOT_FOUND)
		return unavailable(a, 5);
	return refuse_with(a, key != NULL ? &unknown : &missing);
}

/* ---- what is asked ---------------------------------------------------- */

static bool
read_params(struct ask *a)
{
	const struct params *p = &a->req->params;
	size_t i;
	int n;

	if (a->req->query[0] != '\0')
		return invalid(a, "parameters belong into the body, not into "
		    "the query");
	for (i = 0; i < p->count; i++) {
		for (n = 0; n < P__MAX; n++)
			if (strcmp(p->list[i].name, names[n]) == 0)
				break;
		if (n == P__MAX)
			return invalid(a, "there is a parameter that /refresh "
			    "does not know");
		if (a->value[n] != NULL)
			return invalid(a, "a parameter is given twice");
		if (p->list[i].value[0] == '\0')
			return invalid(a, "a parameter is empty");
		a->value[n] = p->list[i].value;
	}
	return true;
}

static bool
read_wish(struct ask *a)
{
	const char *text = a->value[P_MIN_VALID];
	size_t len;

	a->wish.min_valid = DEFAULT_MIN_VALID;
	a->wish.rejected = a->value[P_REJECTED];
	a->wish.until_ms = a->req->started_ms + (int64_t)BUDGET_REQUEST * 1000;
	if (text == NULL)
		return true;
	len = strlen(text);
	if (len > 5 || strspn(text, "0123456789") != len ||
	    (a->wish.min_valid = strtol(text, NULL, 10)) > LIMIT_MIN_VALID)
		return invalid(a, "min_valid is a whole number of seconds, 0 "
		    "to 86400");
	return true;
}

static bool
check_subject(struct ask *a)
{
	const char *s = a->value[P_SUBJECT];

	if (s != NULL && (strlen(s) > LIMIT_SUBJECT ||
	    !urlenc_is_utf8(s, strlen(s))))
		return invalid(a, "subject is at most 255 bytes of UTF-8");
	return true;
}

/* Exactly one of the ways to name a connection, and all that it needs. */
static bool
check_shape(struct ask *a)
{
	const char *const *v = a->value;

	if (v[P_TICKET] != NULL) {
		if (v[P_CONNECTION] != NULL || v[P_PROVIDER] != NULL)
			return invalid(a, "ticket goes without connection and "
			    "provider");
		if (v[P_SUBJECT] == NULL)
			return invalid(a, "ticket needs subject: whose "
			    "connection it shall be, from the site's session");
		if (v[P_BIND] == NULL && v[P_BROWSER] == NULL)
			return invalid(a, "ticket needs bind, or browser, as "
			    "proof that this session asked for it");
		return true;
	}
	if (v[P_BIND] != NULL || v[P_BROWSER] != NULL)
		return invalid(a, "bind and browser go with ticket");
	if (v[P_CONNECTION] != NULL) {
		if (v[P_PROVIDER] != NULL || v[P_SUBJECT] != NULL)
			return invalid(a, "connection goes without provider "
			    "and subject");
		return true;
	}
	if (v[P_PROVIDER] == NULL || v[P_SUBJECT] == NULL)
		return invalid(a, "name a connection: connection, or provider "
		    "and subject, or ticket and subject");
	return conf_is_name(v[P_PROVIDER]) ||
	    invalid(a, "provider is not a name");
}

/* ---- finding the connection ------------------------------------------- */

static bool
redeem(struct ask *a, const struct custody *k)
{
	struct ticket_claim claim = {
		.app = a->app,
		.ticket = a->value[P_TICKET],
		.subject = a->value[P_SUBJECT],
		.bind = a->value[P_BIND],
		.browser = a->value[P_BROWSER],
		.wait_ms = (int64_t)WAIT_CONNECTION_LOCK * 1000,
	};

	switch (ticket_redeem(k, &claim, &a->c, &a->replaced)) {
	case TICKET_BOUND:
		a->known = true;
		return true;
	case TICKET_SPENT:
		return refuse(a, 410, "ticket_spent",
		    "the ticket is unknown, over, or was redeemed for another "
		    "subject");
	case TICKET_WRONG_SESSION:
		return refuse(a, 403, "wrong_session",
		    "the session that redeems is not the one that started; "
		    "the ticket stays valid");
	default:
		return unavailable(a, 2);
	}
}

static bool
find(struct ask *a)
{
	unsigned char id[STORE_PUBLIC_ID];
	enum err e;

	if (a->value[P_CONNECTION] == NULL)
		e = store_connection_by_subject(a->ctx->store, a->app,
		    a->value[P_PROVIDER], a->value[P_SUBJECT], &a->c);
	else if (connection_id_parse(a->value[P_CONNECTION], id))
		e = store_connection_by_public_id(a->ctx->store, a->app, id,
		    &a->c);
	else
		e = ERR_NOT_FOUND;
	if (e == ERR_NOT_FOUND)
		return unknown_connection(a);
	if (e != ERR_OK)
		return unavailable(a, 5);
	a->known = true;
	return true;
}

/* ---- answers ---------------------------------------------------------- */

static void
answer_token(struct ask *a, const struct refresh_grant *g)
{
	struct buf *b = &a->res->body;

	response_reset(a->res);
	a->res->type = RESPONSE_JSON;
	jsonout_open(b);
	refresh_grant_json(g, &a->c, conf_provider(a->ctx->conf,
	    a->c.provider), b);
	if (a->replaced)
		jsonout_bool(b, "replaced", true);
	jsonout_close(b);
}

static void
answer(struct ask *a, const struct refresh_grant *g)
{
	struct problem_answer reauthorize = { 409, "reauthorization_required",
	    "the user must connect this account again", g->reason, 0 };

	switch (g->result) {
	case REFRESH_OK:
		answer_token(a, g);
		break;
	case REFRESH_REAUTHORIZE:
		refuse_with(a, &reauthorize);
		break;
	case REFRESH_MISCONFIGURED:
		refuse(a, 502, "provider_misconfigured",
		    "the provider does not accept this site's client; the "
		    "operator must mend the configuration, nothing is lost");
		break;
	case REFRESH_GONE:
		a->known = false;
		unknown_connection(a);
		break;
	default:
		unavailable(a, g->retry_after);
		break;
	}
}

void
flow_refresh(const struct context *ctx, struct request *req,
    struct response *res)
{
	struct ask a = { .ctx = ctx, .req = req, .res = res };
	struct custody k = { .conf = ctx->conf, .store = ctx->store,
	    .keys = ctx->token_keys, .http = ctx->http };
	struct refresh_grant g;

	if (req->path_info[0] != '\0') {
		refuse(&a, 404, "not_found", "there is nothing at this path");
		return;
	}
	store_connection_init(&a.c);
	refresh_grant_init(&g);
	if (authenticate(&a) && read_params(&a) && read_wish(&a) &&
	    check_subject(&a) && check_shape(&a) &&
	    (a.value[P_TICKET] != NULL ? redeem(&a, &k) : find(&a))) {
		refresh_token(&k, &a.c, &a.wish, &g);
		answer(&a, &g);
	}
	refresh_grant_clear(&g);
	store_connection_clear(&a.c);
}
