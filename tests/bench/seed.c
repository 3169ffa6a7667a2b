/* SPDX-License-Identifier: ISC */

/*
 * seed - fills a database for the benchmark, through the project's own doors.
 *
 *	seed CONFIG connections N valid|expired
 *	seed CONFIG pending N
 *
 * connections: N connections of app "shop" at the first provider, of the
 * subjects u0 to uN-1 (valid) or e0 to eN-1 (expired), with tokens sealed as
 * they always are. Their refresh tokens begin with "any-", which tests/provider
 * takes with grants=any.
 * pending: N starts, each from a browser of its own and out of 4096 networks,
 * with all that makes room for them.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "conf.h"
#include "connection.h"
#include "keyring.h"
#include "pending.h"
#include "store.h"

#define BATCH		5000
#define NETWORKS	4096
#define LIFETIME	86400

struct seed {
	struct conf		*conf;
	struct store		*store;
	const struct provider	*provider;
	struct keyring		*keys;
};

static void
must(enum err e, const char *what)
{
	if (e == ERR_OK)
		return;
	fprintf(stderr, "seed: %s: %s\n", what, err_name(e));
	exit(1);
}

static void
add_connection(const struct seed *s, char prefix, long n, int64_t issued_at)
{
	struct store_connection c;
	struct token_answer a;
	struct token *t = &a.token;

	store_connection_init(&c);
	token_answer_init(&a);
	connection_new(&c, "shop", s->provider);
	c.bound = true;
	snprintf(c.subject, sizeof(c.subject), "%c%ld", prefix, n);
	snprintf(t->type, sizeof(t->type), "Bearer");
	buf_fmt(&t->access, "access-%ld-0123456789abcdef0123456789abcdef", n);
	buf_fmt(&t->refresh, "any-%ld-0123456789abcdef0123456789abcdef", n);
	t->expires_in = LIFETIME;
	connection_set_tokens(&c, s->keys, t, s->provider->scope, NULL,
	    issued_at);
	must(store_connection_add(s->store, &c), "connection");
	token_answer_clear(&a);
	store_connection_clear(&c);
}

static void
connections(const struct seed *s, long count, bool valid)
{
	int64_t issued_at = clock_now() - (valid ? 0 : 2 * LIFETIME);
	long n;

	for (n = 0; n < count; n++) {
		if (n % BATCH == 0)
			must(store_begin(s->store), "begin");
		add_connection(s, valid ? 'u' : 'e', n, issued_at);
		if (n % BATCH == BATCH - 1 || n == count - 1)
			must(store_commit(s->store, STORE_RELAXED), "commit");
	}
}

static void
add_pending(const struct seed *s, const unsigned char *key, long n)
{
	struct store_pending p;
	char secret[SECRET_CHARS + 1], address[32];

	memset(&p, 0, sizeof(p));
	pending_new_secret(secret);
	pending_hash(secret, p.state_hash);
	pending_new_secret(secret);
	pending_hash(secret, p.browser_hash);
	snprintf(address, sizeof(address), "10.%ld.%ld.1",
	    n % NETWORKS / 256, n % 256);
	pending_origin(key, address, p.origin_hash);
	snprintf(p.app, sizeof(p.app), "shop");
	snprintf(p.provider, sizeof(p.provider), "%s", s->provider->name);
	snprintf(p.return_to, sizeof(p.return_to), "/account");
	snprintf(p.redirect_uri, sizeof(p.redirect_uri), "%s",
	    s->provider->redirect_uri);
	snprintf(p.scope, sizeof(p.scope), "%s", s->provider->scope);
	p.key_id = keyring_first_id(s->keys);
	p.created_at = clock_now();
	p.expires_at = p.created_at + PENDING_TTL;
	must(store_pending_add(s->store, &p), "pending");
}

int
main(int argc, char *argv[])
{
	struct seed s;
	bool pending = argc == 4 && strcmp(argv[2], "pending") == 0;
	bool valid = argc == 5 && strcmp(argv[4], "valid") == 0;
	long count, n;

	if (!pending && (argc != 5 || strcmp(argv[2], "connections") != 0)) {
		fputs("usage: seed CONFIG connections N valid|expired\n"
		    "       seed CONFIG pending N\n", stderr);
		return 2;
	}
	count = strtol(argv[3], NULL, 10);
	must(conf_load(argv[1], false, &s.conf), "configuration");
	s.provider = &s.conf->providers[0];
	must(keyring_open(s.conf->keys, pending ? "pending.key" : "token.key",
	    &s.keys), "keys");
	must(store_open(s.conf->database, s.conf->journal, STORE_ROLE_ADMIN,
	    &s.store), "database");
	if (!pending)
		connections(&s, count, valid);
	for (n = 0; pending && n < count; n++)
		add_pending(&s, keyring_at(s.keys, 0), n);
	store_close(s.store);
	keyring_close(s.keys);
	conf_free(s.conf);
	return 0;
}
