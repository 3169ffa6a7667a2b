/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "callback.h"

#include <string.h>

#include "clock.h"
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

	if (c->pending.return_to[0] == '\0') {
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
	urlenc_pair(&query, "status", connected ? "connected" :
	    denied ? "denied" : "error");
	if (!connected && !denied)
		urlenc_pair(&query, "error", outcome);
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
