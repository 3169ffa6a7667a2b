/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "admin.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "clock.h"
#include "httpc.h"
#include "jsonout.h"

#define BATCH 100		/* removed in one transaction */

/* A connection that nobody redeemed, as it was found. */
struct unbound {
	int64_t	id;
	int64_t	generation;
};

struct purge {
	struct admin	*a;
	struct custody	 k;
	struct buf	 found;		/* of struct unbound */
	struct unbound	 batch[BATCH];	/* may go */
	int		 count;
	int64_t		 removed;
	int64_t		 kept;		/* could not be revoked now */
};

/*
 * Nobody redeemed it: where a revocation touches this token alone, the
 * provider is told. True when the row may go.
 */
static bool
revoke(struct purge *p, const struct store_connection *c)
{
	const struct provider *pr = conf_provider(p->a->conf, c->provider);
	struct buf token = BUF_INIT(LIMIT_TOKEN), url = BUF_INIT(LIMIT_URL);
	struct fields fields;
	bool gone = true;

	if (pr == NULL || pr->revoke != REVOKE_TOKEN)
		return true;
	fields_parse(&fields, c->fields);
	if (!fields_expand(&fields, pr, pr->revoke_url, &url))
		goto out;
	if (c->refresh.len > 0 ?
	    connection_open_refresh(c, p->k.keys, &token) == ERR_OK :
	    connection_open_access(c, p->k.keys, &token) == ERR_OK)
		gone = client_revoke(p->k.http, pr, buf_cstr(&url),
		    buf_cstr(&token),
		    c->refresh.len > 0 ? "refresh_token" : "access_token");
out:
	buf_clear(&token);
	buf_clear(&url);
	return gone;
}

static bool
collect(void *arg, const struct store_connection *c)
{
	const struct unbound u = { c->id, c->generation };

	buf_add(arg, &u, sizeof(u));
	return true;
}

static enum err
remove_batch(struct purge *p)
{
	struct store *s = p->a->store;
	enum err e;
	int i;

	if (p->count == 0)
		return ERR_OK;
	if ((e = store_begin(s)) != ERR_OK)
		return e;
	for (i = 0; i < p->count; i++) {
		e = store_connection_remove(s, p->batch[i].id,
		    p->batch[i].generation);
		if (e == ERR_OK)
			p->removed++;
		else if (e != ERR_CONFLICT) {	/* redeemed meanwhile is fine */
			store_rollback(s);
			return e;
		}
	}
	p->count = 0;
	return store_commit(s, STORE_DURABLE);
}

static enum err
purge_one(struct purge *p, const struct unbound *u)
{
	struct store_connection c;
	enum err e;

	store_connection_init(&c);
	e = store_connection_by_id(p->a->store, u->id, &c);
	if (e == ERR_OK && !c.bound && c.generation == u->generation) {
		if (!revoke(p, &c))
			p->kept++;
		else
			p->batch[p->count++] = *u;
	}
	store_connection_clear(&c);
	if (e == ERR_OK && p->count == BATCH)
		e = remove_batch(p);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/*
 * First all are found, and only then providers are asked: a walk that waits for
 * one would keep writers out where there is no WAL.
 */
static enum err
purge_connections(struct purge *p)
{
	struct store_filter f = {
		.unbound_before = clock_now() - UNBOUND_TTL,
	};
	struct unbound u;
	enum err e;
	size_t at;

	buf_init(&p->found, SIZE_MAX / 2);
	e = store_connection_each(p->a->store, &f, collect, &p->found);
	for (at = 0; e == ERR_OK && at < p->found.len; at += sizeof(u)) {
		memcpy(&u, p->found.data + at, sizeof(u));
		e = purge_one(p, &u);
	}
	buf_clear(&p->found);
	return e == ERR_OK ? remove_batch(p) : e;
}

static void
print_result(const struct purge *p, const struct store_purged *gone)
{
	struct buf b = BUF_INIT(1024);

	jsonout_open(&b);
	jsonout_int(&b, "flows", gone->pending);
	jsonout_int(&b, "links", gone->links);
	jsonout_int(&b, "keys", gone->keys);
	jsonout_int(&b, "connections", p->removed);
	jsonout_int(&b, "kept", p->kept);
	jsonout_close(&b);
	printf("%s\n", buf_cstr(&b));
	buf_clear(&b);
}

int
cmd_purge(struct admin *a)
{
	struct purge p = { .a = a };
	struct store_purged gone;
	enum err e;
	int rc;

	if ((rc = admin_open(a)) != ADMIN_OK)
		return rc;
	p.k.conf = a->conf;
	p.k.store = a->store;
	if ((rc = admin_exit_of(keyring_open(a->conf->keys, "token.key",
	    &p.k.keys))) != ADMIN_OK)
		return rc;
	p.k.http = httpc_open(true);
	if ((e = store_purge(a->store, clock_now(), &gone)) == ERR_OK)
		e = purge_connections(&p);
	httpc_close(p.k.http);
	keyring_close(p.k.keys);
	if (e == ERR_OK && p.kept > 0)
		admin_say("%lld connections that nobody redeemed could not be "
		    "revoked at their provider yet; they stay for the next "
		    "time", (long long)p.kept);
	if (e == ERR_OK && a->json)
		print_result(&p, &gone);
	return e == ERR_OK && p.kept > 0 ? ADMIN_LATER : admin_exit_of(e);
}
