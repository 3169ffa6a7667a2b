/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "admin.h"

#include <stdio.h>

#include "clock.h"
#include "httpc.h"
#include "jsonout.h"
#include "refresh.h"

/* The token alone, or with --json what /refresh would answer. */
static int
print_token(const struct admin *a, const struct store_connection *c,
    const struct refresh_grant *g)
{
	struct buf b = BUF_INIT(4 * LIMIT_TOKEN);
	bool ok;

	if (a->json) {
		jsonout_open(&b);
		refresh_grant_json(g, c, conf_provider(a->conf, c->provider),
		    &b);
		jsonout_close(&b);
	} else {
		buf_add(&b, g->access.data, g->access.len);
	}
	ok = !buf_failed(&b) && printf("%s\n", buf_cstr(&b)) > 0;
	buf_clear(&b);
	return ok ? ADMIN_OK : ADMIN_LATER;
}

static int
print_grant(const struct admin *a, const struct store_connection *c,
    const struct refresh_grant *g)
{
	switch (g->result) {
	case REFRESH_OK:
		if (g->degraded)
			admin_say("the provider can't be reached now; this "
			    "token lives shorter than asked");
		return print_token(a, c, g);
	case REFRESH_REAUTHORIZE:
		admin_say("the user must connect this account again (%s)",
		    g->reason != NULL ? g->reason : "broken");
		return ADMIN_REFUSED;
	case REFRESH_MISCONFIGURED:
		admin_say("the provider does not accept this client: check "
		    "client_id and client_secret; nothing is lost");
		return ADMIN_USAGE;
	case REFRESH_GONE:
		admin_say("the connection was removed meanwhile");
		return ADMIN_REFUSED;
	default:
		admin_say("no valid token can be had right now; try again in "
		    "%lld s", (long long)g->retry_after);
		return ADMIN_LATER;
	}
}

int
cmd_token(struct admin *a)
{
	struct custody k = { 0 };
	struct refresh_wish w = {
		.min_valid = a->min_valid >= 0 ? a->min_valid :
		    DEFAULT_MIN_VALID,
		.until_ms = clock_mono_ms() + (int64_t)BUDGET_REQUEST * 1000,
	};
	struct store_connection c;
	struct refresh_grant g;
	int rc;

	store_connection_init(&c);
	refresh_grant_init(&g);
	if ((rc = admin_open(a)) != ADMIN_OK ||
	    (rc = admin_connection(a, &c)) != ADMIN_OK)
		goto out;
	k.conf = a->conf;
	k.store = a->store;
	if ((rc = admin_exit_of(keyring_open(a->conf->keys, "token.key",
	    &k.keys))) != ADMIN_OK)
		goto out;
	k.http = httpc_open(true);
	refresh_token(&k, &c, &w, &g);
	rc = print_grant(a, &c, &g);
out:
	httpc_close(k.http);
	keyring_close(k.keys);
	refresh_grant_clear(&g);
	store_connection_clear(&c);
	return rc;
}

/* Forget what failed, under the connection's lock; the tokens stay. */
int
cmd_retry(struct admin *a)
{
	struct store_connection c;
	bool waited;
	enum err e;
	int rc;

	store_connection_init(&c);
	if ((rc = admin_open(a)) != ADMIN_OK ||
	    (rc = admin_connection(a, &c)) != ADMIN_OK)
		goto out;
	if ((e = store_lock(a->store, c.id, BUDGET_REQUEST * 1000L,
	    &waited)) == ERR_OK &&
	    (e = store_connection_by_id(a->store, c.id, &c)) == ERR_OK &&
	    (e = store_begin(a->store)) == ERR_OK) {
		connection_clear_failures(&c);
		c.updated_at = clock_now();
		e = store_connection_put_attempt(a->store, &c);
		if (e == ERR_OK)
			e = store_commit(a->store, STORE_DURABLE);
		else
			store_rollback(a->store);
	}
	store_unlock(a->store);
	if (e == ERR_OK)
		admin_say("the next request tries it again");
	rc = admin_exit_of(e);
out:
	store_connection_clear(&c);
	return rc;
}
