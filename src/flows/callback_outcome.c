/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "callback.h"

#include <string.h>

#include "clock.h"
#include "jsonout.h"
#include "keyring.h"
#include "log.h"
#include "page.h"
#include "pending.h"
#include "return_to.h"
#include "urlenc.h"
#include "wipe.h"

bool
callback_fail(struct callback *c, enum problem p)
{
	/* The same address again, which a form that was posted does not have. */
	bool again = p == PROBLEM_UNAVAILABLE && c->req->method == METHOD_GET;
	struct page page;

	page_init(&page, c->res, c->ctx->pages, c->conf, c->req);
	problem_answer(&page, p, request_wants_json(c->req),
	    again ? "" : NULL);
	return false;
}

/* ---- the end of a flow ------------------------------------------------ */

/* What people read where the site has no page of its own for the end. */
static const struct ending {
	const char	*code;
	enum text	 text;
	bool		 ours;		/* somebody must act: show the number */
	bool		 again;		/* a new attempt may help */
} endings[] = {
	{ PENDING_CONNECTED, TEXT_CONNECTED, false, false },
	{ DENIED, TEXT_DENIED, false, true },
	{ PROVIDER_REJECTED, TEXT_REJECTED, true, true },
	{ PROVIDER_MISCONFIGURED, TEXT_MISCONFIGURED, true, false },
	{ INVALID_RESPONSE, TEXT_INVALID_RESPONSE, true, true },
	{ TEMPORARILY_UNAVAILABLE, TEXT_UNREACHABLE, true, true },
	{ INTERRUPTED, TEXT_INTERRUPTED, true, true },
	{ SERVER_ERROR, TEXT_FAILED, true, true },
};

static void
ending_page(struct callback *c, const char *code)
{
	const struct ending *e = endings;
	struct buf url = BUF_INIT(LIMIT_URL + 256);
	bool connected = strcmp(code, PENDING_CONNECTED) == 0, again;
	struct page page;

	while (e + 1 < endings + sizeof(endings) / sizeof(endings[0]) &&
	    strcmp(e->code, code) != 0)
		e++;
	/* A link's secret is not ours to know: who has it opens it again. */
	again = e->again && !c->pending.has_link;
	page_init(&page, c->res, c->ctx->pages, c->conf, c->req);
	page.value[VALUE_PROVIDER] = c->provider->label;
	page.value[VALUE_APP] = c->pending.app;
	page_begin(&page, 200, connected ? PAGE_DONE : PAGE_WRONG, e->text);
	page_text(&page, e->text + 1);
	page_text(&page, e->text + 2);
	if (again) {
		buf_fmt(&url, "%s/start?", c->conf->url);
		urlenc_pair(&url, "provider", c->pending.provider);
		urlenc_pair(&url, "app", c->pending.app);
		page_link(&page, buf_cstr(&url), TEXT_AGAIN, true);
	}
	page_home(&page, TEXT_BACK, !again);
	if (e->ours)
		page_number(&page);
	page_end(&page);
	buf_clear(&url);
}

/* The same for programs: what the redirect would say, but for the ticket. */
static void
ending_json(struct callback *c, const char *status, const char *error)
{
	struct buf *b = &c->res->body;

	c->res->type = RESPONSE_JSON;
	jsonout_open(b);
	jsonout_str(b, "provider", c->pending.provider);
	jsonout_str(b, "status", status);
	if (error != NULL) {
		jsonout_str(b, "error", error);
		jsonout_str(b, "error_id", log_id());
	}
	jsonout_close(b);
}

const unsigned char *
callback_key(struct callback *c)
{
	const unsigned char *key = keyring_find_or_reload(
	    c->ctx->pending_keys, c->pending.key_id);

	if (key == NULL)
		log_error("pending.key: the key %u of a flow is gone; keep a "
		    "retired key for %d minutes", (unsigned)c->pending.key_id,
		    PENDING_KEY_TTL / 60);
	return key;
}

/* The ticket is derived, so it can be given again without being kept. */
static bool
add_ticket(struct callback *c, struct buf *query)
{
	const struct store_pending *p = &c->pending;
	const unsigned char *key = callback_key(c);
	char ticket[SECRET_CHARS + 1];

	if (key == NULL)
		return false;
	pending_derive(key, PENDING_TICKET, p->provider, p->redirect_uri,
	    c->state, ticket);
	urlenc_pair(query, "ticket", ticket);
	wipe(ticket, sizeof(ticket));
	return true;
}

void
callback_answer(struct callback *c, const char *outcome)
{
	struct buf query = BUF_INIT(2048), url = BUF_INIT(RESPONSE_LOCATION_MAX);
	const char *id = strchr(outcome, ':');
	bool connected = strncmp(outcome, PENDING_CONNECTED,
	    sizeof(PENDING_CONNECTED) - 1) == 0;
	bool denied = strcmp(outcome, DENIED) == 0;
	const char *status = connected ? "connected" : denied ? "denied" :
	    "error";
	const char *error = connected || denied ? NULL : outcome;

	if (c->pending.return_to[0] == '\0') {
		if (request_wants_json(c->req))
			ending_json(c, status, error);
		else
			ending_page(c, connected ? PENDING_CONNECTED : outcome);
		goto out;
	}
	if (connected && id != NULL) {
		urlenc_pair(&query, "connection", id + 1);
	} else if (connected && !add_ticket(c, &query)) {
		callback_fail(c, PROBLEM_UNAVAILABLE);
		goto out;
	}
	urlenc_pair(&query, "provider", c->pending.provider);
	urlenc_pair(&query, "status", status);
	if (error != NULL)
		urlenc_pair(&query, "error", error);
	return_to_build(&url, c->pending.return_to, c->conf->origin,
	    buf_cstr(&query));
	if (buf_failed(&url))
		callback_fail(c, PROBLEM_SERVER);
	else
		response_redirect(c->res, buf_cstr(&url));
out:
	buf_clear(&query);
	buf_clear(&url);
}

void
callback_end(struct callback *c, const char *outcome)
{
	log_info("flow at %s ended: %s", c->pending.provider, outcome);
	/* If this fails the row stays taken, which later reads as interrupted. */
	if (store_pending_finish(c->ctx->store, &c->pending, outcome,
	    clock_now() + PENDING_REPLAY_TTL) != ERR_OK)
		log_warn("the outcome could not be stored");
	callback_answer(c, outcome);
}
