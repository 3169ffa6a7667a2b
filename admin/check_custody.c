/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "connection.h"
#include "keyring.h"
#include "store_health.h"
#include "vault.h"

static const struct check_kind no_app = { "app_none", CHECK_WRONG,
    "A link to /start and a backend at /refresh both belong to an app; "
    "without one both are refused." };
static const struct check_kind several = { "app_several", CHECK_NOTE,
    "Each form or link to /start must say which app it is of: app=NAME." };
static const struct check_kind no_key = { "app_no_key", CHECK_WRONG,
    "Its backend gets no tokens: every request to /refresh is answered "
    "401." };
static const struct check_kind key_ends = { "app_key_ends", CHECK_NOTE,
    "After that its backend gets no tokens." };
static const struct check_kind no_such_app = { "app_unknown", CHECK_WRONG,
    "A provider that names the apps it is for is for no other; a link to "
    "/start that names this app is refused." };
static const struct check_kind links = { "links_open", CHECK_NOTE,
    "Whoever opens one binds his account to the subject it was made for." };
static const struct check_kind broken = { "connections_broken", CHECK_NOTE,
    "The provider has said no for good, or gave no refresh token: these users "
    "must connect again." };
static const struct check_kind uncertain = { "connections_uncertain",
    CHECK_NOTE, "A refresh was sent and its end is not known. They come right "
    "by themselves, or become broken." };
static const struct check_kind degraded = { "connections_degraded",
    CHECK_NOTE, "The last refresh failed for a passing reason; it is tried "
    "again with every request." };
static const struct check_kind other_client = { "connections_client",
    CHECK_WRONG, "Their refresh tokens belong to that client: they are kept, "
    "but answered 502." };
static const struct check_kind no_provider = { "connections_provider",
    CHECK_WRONG, "Nothing can be refreshed without its section." };
static const struct check_kind no_seal = { "key_lost", CHECK_WRONG,
    "Nothing else opens what is sealed with it: these requests are answered "
    "503 until the key is back." };
static const struct check_kind other_key = { "key_other", CHECK_WRONG,
    "The key file was made anew, or rows were changed from outside. Until the "
    "old key is back these requests are answered 503." };
static const struct check_kind never_purged = { "purge_never", CHECK_WRONG,
    "What is over stays: flows, links, keys, and tokens that nobody "
    "redeemed." };
static const struct check_kind not_yet_purged = { "purge_never", CHECK_NOTE,
    "It should run every hour or so, to remove what is over." };
static const struct check_kind purge_late = { "purge_late", CHECK_WRONG,
    "What is over stays: flows, links, keys, and tokens that nobody "
    "redeemed." };

/* ---- apps ------------------------------------------------------------- */

static void
mend_app(struct check *c, const char *verb, const char *name)
{
	char words[LIMIT_NAME + 16];

	snprintf(words, sizeof(words), "app %s %s", verb, name);
	check_mend_command(c, words);
}

static void
tell_keys(void *arg, const struct store_app_keys *k)
{
	struct check *c = arg;
	char when[32];

	if (k->valid == 0) {
		check_found(c, &no_key, "app %s has no valid key", k->app);
		mend_app(c, "key", k->app);
	} else if (k->last_expires_at != 0 &&
	    k->last_expires_at < clock_now() + CHECK_KEY_WARNING) {
		admin_time(k->last_expires_at, when);
		check_found(c, &key_ends, "app %s: its last key ends at %s",
		    k->app, when);
		mend_app(c, "key", k->app);
	} else {
		check_good(c, "app %s: %lld valid key%s", k->app,
		    (long long)k->valid, k->valid == 1 ? "" : "s");
	}
}

/* Apps that a provider is for, and that are not there. */
static void
check_named_apps(struct check *c)
{
	const struct conf *conf = c->a->conf;
	struct store_app app;
	size_t i, j;

	for (i = 0; i < conf->provider_count; i++) {
		const struct provider *p = &conf->providers[i];

		for (j = 0; j < p->apps.count; j++) {
			if (store_app_get(c->a->store, p->apps.list[j],
			    &app) != ERR_NOT_FOUND)
				continue;
			check_found(c, &no_such_app, "provider %s is for app "
			    "%s, and there is no such app", p->name,
			    p->apps.list[j]);
			mend_app(c, "add", p->apps.list[j]);
		}
	}
}

void
check_apps(struct check *c)
{
	struct store_tally t;

	if (store_tally(c->a->store, clock_now(), &t) != ERR_OK)
		return;
	if (t.apps == 0) {
		check_found(c, &no_app, "there is no app yet");
		mend_app(c, "add", "shop");
	}
	if (t.apps > 1)
		check_found(c, &several, "there are %lld apps",
		    (long long)t.apps);
	if (store_app_keys_each(c->a->store, clock_now(), tell_keys,
	    c) != ERR_OK)
		return;
	check_named_apps(c);
	if (t.links_open > 0)
		check_found(c, &links, "%lld one-time link%s can be opened "
		    "now", (long long)t.links_open,
		    t.links_open == 1 ? "" : "s");
}

/* ---- connections ------------------------------------------------------ */

#define LOST_MAX 16

struct survey {
	struct check	*c;
	struct keyring	*keys;
	int64_t		 all;
	int64_t		 by_status[CONNECTION__MAX];
	int64_t		 foreign;	/* of another client_id */
	char		 foreign_of[LIMIT_NAME + 1];
	int64_t		 orphans;	/* of no configured provider */
	char		 orphans_of[LIMIT_NAME + 1];
	uint32_t	 lost[LOST_MAX];	/* key ids that nothing has */
	int64_t		 lost_rows[LOST_MAX];
	size_t		 lost_count;
};

static void
count_key(struct survey *s, uint32_t id, int64_t rows)
{
	size_t i;

	if (id == 0 || s->keys == NULL || keyring_find(s->keys, id) != NULL)
		return;
	for (i = 0; i < s->lost_count && s->lost[i] != id; i++)
		;
	if (i == LOST_MAX)
		return;
	if (i == s->lost_count)
		s->lost[s->lost_count++] = id;
	s->lost_rows[i] += rows;
}

static void
count_pending_key(void *arg, uint32_t id, int64_t rows)
{
	count_key(arg, id, rows);
}

static void
count_group(void *arg, const struct store_group *g)
{
	const struct store_connection *k = &g->like;
	struct survey *s = arg;
	const struct provider *p = conf_provider(s->c->a->conf, k->provider);

	s->all += g->count;
	s->by_status[connection_status(k, p)] += g->count;
	if (p == NULL) {
		s->orphans += g->count;
		memcpy(s->orphans_of, k->provider, sizeof(s->orphans_of));
	} else if (strcmp(p->client_id, k->client_id) != 0) {
		s->foreign += g->count;
		memcpy(s->foreign_of, k->provider, sizeof(s->foreign_of));
	}
	count_key(s, vault_key_id((struct bytes){ k->access.data,
	    k->access.len }), g->count);
	if (k->refresh.len > 0)
		count_key(s, vault_key_id((struct bytes){ k->refresh.data,
		    k->refresh.len }), g->count);
}

static void
tell_lost(const struct survey *s, const char *file, const char *what)
{
	struct check *c = s->c;
	size_t i;

	for (i = 0; i < s->lost_count; i++) {
		check_found(c, &no_seal, "%lld %s need key %u, and %s/%s does "
		    "not have it", (long long)s->lost_rows[i], what,
		    (unsigned)s->lost[i], c->a->conf->keys, file);
		check_mend(c, "# from the backup of %s/%s, behind the first "
		    "line of keys:", c->a->conf->keys, file);
		check_mend(c, "%u THAT-KEY", (unsigned)s->lost[i]);
	}
}

#define SAMPLES 20

struct sample {
	struct keyring	*keys;
	int		 tried, shut;
	uint32_t	 id;
};

/* Whether a key of that id is the one that has sealed. */
static bool
try_opening(void *arg, const struct store_connection *k)
{
	uint32_t id = vault_key_id((struct bytes){ k->access.data,
	    k->access.len });
	struct buf plain = BUF_INIT(LIMIT_TOKEN);
	struct sample *s = arg;

	if (keyring_find(s->keys, id) != NULL) {
		s->tried++;
		if (connection_open_access(k, s->keys, &plain) != ERR_OK) {
			s->shut++;
			s->id = id;
		}
	}
	buf_clear(&plain);
	return s->tried < SAMPLES;
}

static void
check_seals(struct survey *s)
{
	struct store_filter all = { .app = NULL };
	struct sample t = { .keys = s->keys };
	struct check *c = s->c;

	if (s->keys == NULL || store_connection_each(c->a->store, &all,
	    try_opening, &t) != ERR_OK)
		return;
	check_unsaid(c);
	if (t.shut == 0)
		return;
	check_found(c, &other_key, "key %u of %s/token.key does not open %d of "
	    "%d connections that were tried", (unsigned)t.id,
	    c->a->conf->keys, t.shut, t.tried);
	check_mend(c, "# from the backup of %s/token.key, in the place of the "
	    "key of that id:", c->a->conf->keys);
	check_mend(c, "%u THAT-KEY", (unsigned)t.id);
}

/* Flows that are under way now, and their own keys. */
static void
check_pending_keys(struct check *c)
{
	struct survey s = { .c = c };

	if (keyring_open(c->a->conf->keys, "pending.key", &s.keys) == ERR_OK &&
	    store_pending_key_each(c->a->store, clock_now(),
	    count_pending_key, &s) == ERR_OK)
		tell_lost(&s, "pending.key", "flows under way");
	keyring_close(s.keys);
}

static void
tell_statuses(const struct survey *s)
{
	static const struct {
		enum connection_status	 status;
		const struct check_kind	*kind;
	} rows[] = {
		{ CONNECTION_BROKEN, &broken },
		{ CONNECTION_UNCERTAIN, &uncertain },
		{ CONNECTION_DEGRADED, &degraded },
	};
	char words[80];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *name = connection_status_name(rows[i].status);

		if (s->by_status[rows[i].status] == 0)
			continue;
		check_found(s->c, rows[i].kind, "%lld of %lld connections: "
		    "%s", (long long)s->by_status[rows[i].status],
		    (long long)s->all, name);
		snprintf(words, sizeof(words), "list --json | grep "
		    "'\"status\":\"%s\"'", name);
		check_mend_command(s->c, words);
	}
}

static void
tell_strangers(const struct survey *s)
{
	struct check *c = s->c;

	if (s->foreign > 0) {
		check_found(c, &other_client, "%lld connections of provider "
		    "%s were made with another client_id",
		    (long long)s->foreign, s->foreign_of);
		check_mend(c, "# in the section provider %s of %s: the "
		    "client_id from before and its secret; or let the users "
		    "connect again", s->foreign_of, c->a->conf->file);
	}
	if (s->orphans > 0) {
		check_found(c, &no_provider, "%lld connections are of "
		    "provider %s, which is not configured",
		    (long long)s->orphans, s->orphans_of);
		check_mend(c, "# in %s:", c->a->conf->file);
		check_mend(c, "provider %s { ... }", s->orphans_of);
	}
}

void
check_connections(struct check *c)
{
	struct survey s = { .c = c };

	if (keyring_open(c->a->conf->keys, "token.key", &s.keys) != ERR_OK)
		s.keys = NULL;		/* told by the key files' check */
	if (store_group_each(c->a->store, count_group, &s) == ERR_OK) {
		check_good(c, "%lld connections, %lld of them well",
		    (long long)s.all,
		    (long long)s.by_status[CONNECTION_OK]);
		tell_statuses(&s);
		tell_strangers(&s);
		tell_lost(&s, "token.key", "connections");
		check_seals(&s);
	}
	keyring_close(s.keys);
	check_pending_keys(c);
}

/* ---- upkeep ----------------------------------------------------------- */

static void
mend_purge(struct check *c)
{
	check_mend_command(c, "purge");
	check_mend(c, "# and from now on, in the crontab of %s:", c->me.name);
	check_mend(c, "17 * * * * %s -c %s purge", check_quoted(c, c->self),
	    check_quoted(c, c->a->conf_path));
}

void
check_maintenance(struct check *c)
{
	int64_t now = clock_now();
	struct store_tally t;
	char when[32];

	if (store_tally(c->a->store, now, &t) != ERR_OK)
		return;
	check_clock_back(c, t.newest_at);
	admin_time(t.purged_at, when);
	if (t.purged_at == 0) {
		check_found(c, t.first_app_at != 0 &&
		    t.first_app_at < now - CHECK_PURGE_AGE ? &never_purged :
		    &not_yet_purged, "`oauth-cgi purge` has never run");
		mend_purge(c);
	} else if (t.purged_at < now - CHECK_PURGE_AGE) {
		check_found(c, &purge_late, "`oauth-cgi purge` ran last at %s; "
		    "%lld flows and %lld connections are over", when,
		    (long long)t.pending_over, (long long)t.unbound_over);
		mend_purge(c);
	} else {
		check_good(c, "`oauth-cgi purge` ran at %s", when);
	}
}
