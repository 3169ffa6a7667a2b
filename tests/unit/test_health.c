/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "store_health.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "logcatch.h"

#define NOW	1700000000

static char path[512];

static struct store *
fresh(void)
{
	static unsigned n;
	struct store *s = NULL;
	bool created = false;

	snprintf(path, sizeof(path), "%s/db%u", harness_tmpdir(), n++);
	logcatch_begin();
	CU_ASSERT_EQUAL_FATAL(store_create(path, JOURNAL_AUTO, &created),
	    ERR_OK);
	CU_ASSERT_EQUAL_FATAL(store_open(path, JOURNAL_AUTO, STORE_ROLE_ADMIN,
	    &s), ERR_OK);
	return s;
}

static void
add_app(struct store *s, const char *name)
{
	struct store_app app = { .created_at = NOW };

	snprintf(app.name, sizeof(app.name), "%s", name);
	CU_ASSERT_EQUAL_FATAL(store_app_add(s, &app), ERR_OK);
}

/* A connection of that number; subject NULL: nobody's. */
static void
add_connection(struct store *s, unsigned n, const char *subject,
    enum connection_status status, const char *sealed)
{
	struct store_connection c;

	store_connection_init(&c);
	memcpy(c.public_id, &n, sizeof(n));
	snprintf(c.app, sizeof(c.app), "shop");
	snprintf(c.provider, sizeof(c.provider), "demo");
	snprintf(c.client_id, sizeof(c.client_id), "client");
	if (subject != NULL) {
		snprintf(c.subject, sizeof(c.subject), "%s", subject);
		c.bound = true;
	}
	c.status = status;
	c.generation = 1;
	c.issued_at = c.created_at = c.updated_at = NOW;
	buf_str(&c.access, sealed);
	buf_str(&c.refresh, sealed);
	CU_ASSERT_EQUAL_FATAL(store_begin(s), ERR_OK);
	CU_ASSERT_EQUAL_FATAL(store_connection_add(s, &c), ERR_OK);
	CU_ASSERT_EQUAL_FATAL(store_commit(s, STORE_RELAXED), ERR_OK);
	store_connection_clear(&c);
}

static void
a_database_tells_whose_it_is(void)
{
	struct store_inspection i;
	FILE *f;

	store_close(fresh());
	CU_ASSERT_EQUAL(store_inspect(path, &i), ERR_OK);
	CU_ASSERT_TRUE(i.ours);
	CU_ASSERT_FALSE(i.empty);
	CU_ASSERT_EQUAL(i.version, i.known);

	/* An empty file is an empty database, of nobody. */
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fclose(f);
	CU_ASSERT_EQUAL(store_inspect(path, &i), ERR_OK);
	CU_ASSERT_FALSE(i.ours);
	CU_ASSERT_TRUE(i.empty);
	CU_ASSERT_EQUAL(unlink(path), 0);
	CU_ASSERT_EQUAL(store_inspect(path, &i), ERR_CONFIG);
}

static void
looking_leaves_the_log_where_it_is(void)
{
	struct store_inspection i;
	char wal[600];

	store_close(fresh());
	snprintf(wal, sizeof(wal), "%s-wal", path);
	CU_ASSERT_EQUAL(access(wal, F_OK), 0);
	CU_ASSERT_EQUAL(store_inspect(path, &i), ERR_OK);
	CU_ASSERT_EQUAL(access(wal, F_OK), 0);
}

static void
a_quick_check_ends_in_time(void)
{
	struct store *s = fresh();
	char problem[256];
	unsigned n;

	CU_ASSERT_EQUAL(store_quick_check(s, 10000, problem), ERR_OK);
	CU_ASSERT_STRING_EQUAL(problem, "");
	add_app(s, "shop");
	for (n = 0; n < 2000; n++)
		add_connection(s, n, NULL, CONNECTION_OK, "sealed");
	CU_ASSERT_EQUAL(store_quick_check(s, -1, problem), ERR_BUSY);
	/* And what comes next is not interrupted. */
	CU_ASSERT_EQUAL(store_quick_check(s, 10000, problem), ERR_OK);
	store_close(s);
}

static void
what_is_there_is_counted(void)
{
	struct store_pending p = { .app = "shop", .provider = "demo",
	    .redirect_uri = "https://a/", .key_id = 7, .created_at = NOW,
	    .expires_at = NOW + 600 };
	struct store_link l = { .app = "shop", .provider = "demo",
	    .subject = "me", .expires_at = NOW + 900 };
	struct store_purged purged;
	struct store *s = fresh();
	struct store_tally t;

	CU_ASSERT_EQUAL(store_tally(s, NOW, &t), ERR_OK);
	CU_ASSERT_EQUAL(t.apps, 0);
	CU_ASSERT_EQUAL(t.first_app_at, 0);
	CU_ASSERT_EQUAL(t.purged_at, 0);
	CU_ASSERT_EQUAL(t.newest_at, 0);
	add_app(s, "shop");
	add_app(s, "blog");
	add_connection(s, 1, NULL, CONNECTION_OK, "sealed");
	CU_ASSERT_EQUAL(store_pending_add(s, &p), ERR_OK);
	CU_ASSERT_EQUAL(store_link_add(s, &l), ERR_OK);
	CU_ASSERT_EQUAL(store_tally(s, NOW, &t), ERR_OK);
	CU_ASSERT_EQUAL(t.apps, 2);
	CU_ASSERT_EQUAL(t.first_app_at, NOW);
	CU_ASSERT_EQUAL(t.newest_at, NOW);
	CU_ASSERT_EQUAL(t.links_open, 1);
	CU_ASSERT_EQUAL(t.pending_over, 0);
	CU_ASSERT_EQUAL(t.unbound_over, 0);
	CU_ASSERT_EQUAL(store_tally(s, NOW + UNBOUND_TTL + 1, &t), ERR_OK);
	CU_ASSERT_EQUAL(t.links_open, 0);
	CU_ASSERT_EQUAL(t.pending_over, 1);
	CU_ASSERT_EQUAL(t.unbound_over, 1);

	CU_ASSERT_EQUAL(store_purge(s, NOW + 5000, &purged), ERR_OK);
	CU_ASSERT_EQUAL(store_purge(s, NOW + 6000, &purged), ERR_OK);
	CU_ASSERT_EQUAL(store_tally(s, NOW, &t), ERR_OK);
	CU_ASSERT_EQUAL(t.purged_at, NOW + 6000);
	CU_ASSERT_EQUAL(t.newest_at, NOW + 6000);
	CU_ASSERT_EQUAL(t.pending_over, 0);
	store_close(s);
}

struct groups {
	int	n;
	int64_t	all, broken, unbound;
	char	last[64];
};

static void
take_group(void *arg, const struct store_group *g)
{
	struct groups *out = arg;

	out->n++;
	out->all += g->count;
	if (g->like.status == CONNECTION_BROKEN)
		out->broken += g->count;
	if (!g->like.bound)
		out->unbound += g->count;
	CU_ASSERT_STRING_EQUAL(g->like.provider, "demo");
	CU_ASSERT_STRING_EQUAL(g->like.client_id, "client");
	CU_ASSERT_TRUE(g->like.access.len > 5);
}

static void
connections_are_grouped_by_state_and_key(void)
{
	struct groups g = { 0 };
	struct store *s = fresh();

	CU_ASSERT_EQUAL(store_group_each(s, take_group, &g), ERR_OK);
	CU_ASSERT_EQUAL(g.n, 0);
	add_app(s, "shop");
	add_connection(s, 1, "a", CONNECTION_OK, "key-1 one");
	add_connection(s, 2, "b", CONNECTION_OK, "key-1 two");
	add_connection(s, 3, "c", CONNECTION_OK, "key-2 three");
	add_connection(s, 4, "d", CONNECTION_BROKEN, "key-1 four");
	add_connection(s, 5, NULL, CONNECTION_OK, "key-1 five");
	CU_ASSERT_EQUAL(store_group_each(s, take_group, &g), ERR_OK);
	CU_ASSERT_EQUAL(g.n, 4);
	CU_ASSERT_EQUAL(g.all, 5);
	CU_ASSERT_EQUAL(g.broken, 1);
	CU_ASSERT_EQUAL(g.unbound, 1);
	store_close(s);
}

static void
take_key(void *arg, uint32_t id, int64_t rows)
{
	*(int64_t *)arg += id * 100 + rows;
}

static void
keys_of_flows_under_way_are_counted(void)
{
	struct store_pending p = { .app = "shop", .provider = "demo",
	    .redirect_uri = "https://a/", .key_id = 7, .created_at = NOW,
	    .expires_at = NOW + 600 };
	struct store *s = fresh();
	int64_t sum = 0;
	int i;

	for (i = 0; i < 3; i++) {
		p.state_hash[0] = (unsigned char)i;
		CU_ASSERT_EQUAL(store_pending_add(s, &p), ERR_OK);
	}
	CU_ASSERT_EQUAL(store_pending_key_each(s, NOW, take_key, &sum),
	    ERR_OK);
	CU_ASSERT_EQUAL(sum, 703);
	sum = 0;
	CU_ASSERT_EQUAL(store_pending_key_each(s, NOW + 600, take_key, &sum),
	    ERR_OK);
	CU_ASSERT_EQUAL(sum, 0);
	store_close(s);
}

static void
take_app_keys(void *arg, const struct store_app_keys *k)
{
	buf_fmt(arg, "%s %lld %lld\n", k->app, (long long)k->valid,
	    (long long)k->last_expires_at);
}

static void
the_key_that_lives_longest_counts(void)
{
	static const struct {
		const char	*app;
		int64_t		 expires_at;
	} rows[] = {
		{ "a", 0 }, { "a", NOW + 10 },
		{ "b", NOW + 10 }, { "b", NOW + 20 },
		{ "c", NOW - 1 },
	};
	struct buf out = BUF_INIT(1024);
	struct store *s = fresh();
	struct store_key key;
	size_t i;

	add_app(s, "a");
	add_app(s, "b");
	add_app(s, "c");
	add_app(s, "d");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&key, 0, sizeof(key));
		key.hash[0] = (unsigned char)i;
		snprintf(key.app, sizeof(key.app), "%s", rows[i].app);
		key.created_at = NOW - 100;
		key.expires_at = rows[i].expires_at;
		CU_ASSERT_EQUAL(store_key_add(s, &key), ERR_OK);
	}
	CU_ASSERT_EQUAL(store_app_keys_each(s, NOW, take_app_keys, &out),
	    ERR_OK);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&out), "a 2 0\nb 2 1700000020\n"
	    "c 0 0\nd 0 0\n");
	buf_clear(&out);
	store_close(s);
}

static const struct test tests[] = {
	{ "a database tells whose it is", a_database_tells_whose_it_is },
	{ "looking leaves the log where it is",
	    looking_leaves_the_log_where_it_is },
	{ "a quick check ends in time", a_quick_check_ends_in_time },
	{ "what is there is counted", what_is_there_is_counted },
	{ "connections are grouped by state and key",
	    connections_are_grouped_by_state_and_key },
	{ "keys of flows under way are counted",
	    keys_of_flows_under_way_are_counted },
	{ "the key that lives longest counts",
	    the_key_that_lives_longest_counts },
};

int
main(void)
{
	return harness_run("health", tests, sizeof(tests) / sizeof(tests[0]));
}
