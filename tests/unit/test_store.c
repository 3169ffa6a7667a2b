/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "store.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "harness.h"
#include "logcatch.h"

#define NOW	1700000000
#define RACERS	8
#define WRITERS	16
#define NOBODY	65534

/* ---- a database of its own for each test ------------------------------ */

static char path[512];

static void
fresh_path(void)
{
	static unsigned n;

	snprintf(path, sizeof(path), "%s/db%u", harness_tmpdir(), n++);
	logcatch_begin();
}

static void
fresh(enum conf_journal journal)
{
	bool created = false;

	fresh_path();
	CU_ASSERT_EQUAL_FATAL(store_create(path, journal, &created), ERR_OK);
	CU_ASSERT_TRUE(created);
}

static struct store *
open_as(enum store_role role)
{
	struct store *s = NULL;

	CU_ASSERT_EQUAL_FATAL(store_open(path, JOURNAL_AUTO, role, &s), ERR_OK);
	return s;
}

static enum err
try_open(void)
{
	struct store *s = NULL;
	enum err e;

	logcatch_begin();
	e = store_open(path, JOURNAL_AUTO, STORE_ROLE_REFRESH, &s);
	CU_ASSERT_EQUAL(s == NULL, e != ERR_OK);
	store_close(s);
	return e;
}

static void
hash_of(unsigned n, unsigned char out[STORE_HASH])
{
	memset(out, 0x5a, STORE_HASH);
	memcpy(out, &n, sizeof(n));
}

static void
add_app(struct store *s, const char *name)
{
	struct store_app app = { .created_at = NOW };

	snprintf(app.name, sizeof(app.name), "%s", name);
	CU_ASSERT_EQUAL_FATAL(store_app_add(s, &app), ERR_OK);
}

/* A database with the app "shop", opened as the operator. */
static struct store *
with_app(enum conf_journal journal)
{
	struct store *s;

	fresh(journal);
	s = open_as(STORE_ROLE_ADMIN);
	add_app(s, "shop");
	return s;
}

static struct store_pending
a_pending(unsigned state, unsigned browser, unsigned origin)
{
	struct store_pending p = {
		.app = "shop", .provider = "interact",
		.return_to = "/back", .scope = "read",
		.redirect_uri = "https://shop.example/oauth/callback/interact",
		.key_id = 7, .created_at = NOW, .expires_at = NOW + 600,
	};

	hash_of(state, p.state_hash);
	hash_of(browser, p.browser_hash);
	hash_of(origin, p.origin_hash);
	return p;
}

static void
add_pending(struct store *s, unsigned state, unsigned browser,
    unsigned origin, int64_t at)
{
	struct store_pending p = a_pending(state, browser, origin);

	p.created_at = at;
	p.expires_at = at + PENDING_TTL;
	CU_ASSERT_EQUAL(store_pending_add(s, &p), ERR_OK);
}

static bool
has_pending(struct store *s, unsigned state, unsigned browser)
{
	unsigned char sh[STORE_HASH], bh[STORE_HASH];
	struct store_pending p;

	hash_of(state, sh);
	hash_of(browser, bh);
	return store_pending_get(s, sh, bh, &p) == ERR_OK;
}

static enum err
take(struct store *s, unsigned state, unsigned browser, const char *provider,
    int64_t now)
{
	unsigned char sh[STORE_HASH], bh[STORE_HASH];
	struct store_pending p;
	enum err e;

	hash_of(state, sh);
	hash_of(browser, bh);
	if ((e = store_pending_get(s, sh, bh, &p)) != ERR_OK)
		return e;
	return store_pending_take(s, &p, provider, now);
}

/* subject NULL: nobody's yet. */
static void
a_connection(struct store_connection *c, unsigned n, const char *subject)
{
	store_connection_init(c);
	memset(c->public_id, 0x11, sizeof(c->public_id));
	memcpy(c->public_id, &n, sizeof(n));
	snprintf(c->app, sizeof(c->app), "shop");
	snprintf(c->provider, sizeof(c->provider), "interact");
	snprintf(c->client_id, sizeof(c->client_id), "client");
	snprintf(c->scope, sizeof(c->scope), "read write");
	snprintf(c->token_type, sizeof(c->token_type), "Bearer");
	if (subject != NULL) {
		snprintf(c->subject, sizeof(c->subject), "%s", subject);
		c->bound = true;
	}
	c->generation = 1;
	c->issued_at = NOW;
	c->expires_at = NOW + 3600;
	c->created_at = c->updated_at = NOW;
	buf_add(&c->access, "sealed\0access", 13);
	buf_add(&c->refresh, "sealed\0refresh", 14);
}

/* Add it in a transaction of its own and say what came of it. */
static enum err
add_connection(struct store *s, struct store_connection *c)
{
	enum err e = store_begin(s);

	if (e != ERR_OK)
		return e;
	if ((e = store_connection_add(s, c)) != ERR_OK) {
		store_rollback(s);
		return e;
	}
	return store_commit(s, STORE_DURABLE);
}

static enum err
put_connection(struct store *s, const struct store_connection *c, int64_t was)
{
	enum err e = store_begin(s);

	if (e != ERR_OK)
		return e;
	if ((e = store_connection_put(s, c, was)) != ERR_OK) {
		store_rollback(s);
		return e;
	}
	return store_commit(s, STORE_DURABLE);
}

/* Run fn in a process of its own; what it returns is its exit code. */
static pid_t
start_child(int (*fn)(int), int arg)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(fn(arg));
	CU_ASSERT_FATAL(pid > 0);
	return pid;
}

static int
end_of(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- roles ------------------------------------------------------------ */

static void
start_may_add_pending_rows_only(void)
{
	struct store *s = with_app(JOURNAL_AUTO);
	struct store_connection c;
	struct store_link link;
	struct store_key key;
	struct store_app app;
	struct store_pending p = a_pending(1, 1, 1);
	unsigned char h[STORE_HASH];

	store_close(s);
	hash_of(1, h);
	s = open_as(STORE_ROLE_START);
	CU_ASSERT_EQUAL(store_app_get(s, "shop", &app), ERR_OK);
	CU_ASSERT_EQUAL(store_link_get(s, h, &link), ERR_NOT_FOUND);
	add_pending(s, 1, 1, 1, NOW);
	CU_ASSERT_TRUE(has_pending(s, 1, 1));

	a_connection(&c, 1, "42");
	CU_ASSERT_EQUAL(store_connection_by_id(s, 1, &c), ERR_INTERNAL);
	CU_ASSERT_TRUE(logcatch_has("not allowed in this role"));
	CU_ASSERT_EQUAL(store_connection_owner(s, "shop", "interact", "42",
	    &c), ERR_INTERNAL);
	CU_ASSERT_EQUAL(add_connection(s, &c), ERR_INTERNAL);
	CU_ASSERT_EQUAL(take(s, 1, 1, "interact", NOW), ERR_INTERNAL);
	CU_ASSERT_EQUAL(store_pending_finish(s, &p, "denied", NOW),
	    ERR_INTERNAL);
	CU_ASSERT_EQUAL(store_key_find(s, h, NOW, &key), ERR_INTERNAL);
	memset(&app, 0, sizeof(app));
	CU_ASSERT_EQUAL(store_app_add(s, &app), ERR_INTERNAL);
	CU_ASSERT_EQUAL(store_app_remove(s, "shop"), ERR_INTERNAL);
	CU_ASSERT_EQUAL_FATAL(store_begin(s), ERR_OK);
	CU_ASSERT_EQUAL(store_link_use(s, h, NOW), ERR_INTERNAL);
	store_rollback(s);
	/* A refusal leaves nothing behind: the gate is free, the row new. */
	add_pending(s, 2, 1, 1, NOW);
	store_connection_clear(&c);
	store_close(s);
}

static void
callback_may_store_tokens_and_never_read_them(void)
{
	struct store *s = with_app(JOURNAL_AUTO);
	struct store_connection c, got;
	struct store_pending p = a_pending(1, 1, 1), taken;
	struct store_breaker b = { .failures = 1 };
	struct store_key key;
	unsigned char h[STORE_HASH];

	hash_of(1, h);
	add_pending(s, 1, 1, 1, NOW);
	store_close(s);
	s = open_as(STORE_ROLE_CALLBACK);
	CU_ASSERT_EQUAL(take(s, 1, 1, "interact", NOW), ERR_OK);
	a_connection(&c, 1, "42");
	CU_ASSERT_EQUAL(add_connection(s, &c), ERR_OK);
	CU_ASSERT_TRUE(c.id > 0);
	c.generation = 2;
	CU_ASSERT_EQUAL(put_connection(s, &c, 1), ERR_OK);
	CU_ASSERT_EQUAL(store_pending_get(s, p.state_hash, p.browser_hash,
	    &taken), ERR_OK);
	CU_ASSERT_EQUAL(store_pending_finish(s, &taken, "connected", NOW + 600),
	    ERR_OK);
	store_connection_init(&got);
	CU_ASSERT_EQUAL(store_connection_owner(s, "shop", "interact", "42",
	    &got), ERR_OK);
	CU_ASSERT_EQUAL(got.id, c.id);
	CU_ASSERT_EQUAL(got.generation, 2);
	CU_ASSERT_EQUAL(got.access.len, 0);
	CU_ASSERT_EQUAL(got.refresh.len, 0);

	logcatch_begin();
	CU_ASSERT_EQUAL(store_connection_by_id(s, c.id, &got), ERR_INTERNAL);
	CU_ASSERT_TRUE(logcatch_has("not allowed in this role"));
	CU_ASSERT_EQUAL(store_connection_by_subject(s, "shop", "interact",
	    "42", &got), ERR_INTERNAL);
	CU_ASSERT_EQUAL(store_connection_by_public_id(s, "shop", c.public_id,
	    &got), ERR_INTERNAL);
	CU_ASSERT_EQUAL(store_connection_by_ticket(s, "shop", h, &got),
	    ERR_INTERNAL);
	CU_ASSERT_EQUAL(store_pending_add(s, &p), ERR_INTERNAL);
	CU_ASSERT_EQUAL(store_key_find(s, h, NOW, &key), ERR_INTERNAL);
	CU_ASSERT_EQUAL_FATAL(store_begin(s), ERR_OK);
	CU_ASSERT_EQUAL(store_breaker_put(s, "interact", "h", &b), ERR_OK);
	store_rollback(s);
	store_connection_clear(&got);
	store_connection_clear(&c);
	store_close(s);
}

static void
refresh_may_work_on_connections_only(void)
{
	struct store *s = with_app(JOURNAL_AUTO);
	struct store_pending p = a_pending(1, 1, 1);
	struct store_connection c, got;
	struct store_purged purged;
	struct store_link link;
	struct store_key key;
	unsigned char h[STORE_HASH];

	hash_of(1, h);
	a_connection(&c, 1, "42");
	CU_ASSERT_EQUAL_FATAL(add_connection(s, &c), ERR_OK);
	store_close(s);
	s = open_as(STORE_ROLE_REFRESH);
	store_connection_init(&got);
	CU_ASSERT_EQUAL(store_connection_by_id(s, c.id, &got), ERR_OK);
	CU_ASSERT_EQUAL(got.access.len, 13);
	CU_ASSERT_EQUAL(store_key_find(s, h, NOW, &key), ERR_NOT_FOUND);
	got.generation = 2;
	CU_ASSERT_EQUAL(put_connection(s, &got, 1), ERR_OK);

	logcatch_begin();
	CU_ASSERT_EQUAL(store_pending_add(s, &p), ERR_INTERNAL);
	CU_ASSERT_TRUE(logcatch_has("not allowed in this role"));
	CU_ASSERT_EQUAL(store_pending_get(s, h, h, &p), ERR_INTERNAL);
	CU_ASSERT_EQUAL(take(s, 1, 1, "interact", NOW), ERR_INTERNAL);
	CU_ASSERT_EQUAL(store_link_get(s, h, &link), ERR_INTERNAL);
	CU_ASSERT_EQUAL(add_connection(s, &c), ERR_INTERNAL);
	CU_ASSERT_EQUAL(store_purge(s, NOW, &purged), ERR_INTERNAL);
	CU_ASSERT_EQUAL(store_app_remove(s, "shop"), ERR_INTERNAL);

	CU_ASSERT_EQUAL_FATAL(store_begin(s), ERR_OK);
	CU_ASSERT_EQUAL(store_connection_remove(s, c.id, 2), ERR_OK);
	CU_ASSERT_EQUAL(store_commit(s, STORE_DURABLE), ERR_OK);
	CU_ASSERT_EQUAL(store_connection_by_id(s, c.id, &got), ERR_NOT_FOUND);
	store_connection_clear(&got);
	store_connection_clear(&c);
	store_close(s);
}

/* ---- pending ---------------------------------------------------------- */

static void
a_pending_row_comes_back_as_it_was(void)
{
	struct store *s = with_app(JOURNAL_AUTO);
	struct store_pending p = a_pending(1, 2, 3), got;

	hash_of(4, p.bind_hash);
	p.has_bind = true;
	snprintf(p.subject, sizeof(p.subject), "42/shop-a");
	CU_ASSERT_EQUAL(store_pending_add(s, &p), ERR_OK);
	CU_ASSERT_EQUAL_FATAL(store_pending_get(s, p.state_hash,
	    p.browser_hash, &got), ERR_OK);
	CU_ASSERT_EQUAL(got.stage, PENDING_NEW);
	CU_ASSERT_TRUE(got.has_bind);
	CU_ASSERT_FALSE(got.has_link);
	CU_ASSERT_EQUAL(memcmp(got.bind_hash, p.bind_hash, STORE_HASH), 0);
	CU_ASSERT_EQUAL(memcmp(got.origin_hash, p.origin_hash, STORE_HASH), 0);
	CU_ASSERT_STRING_EQUAL(got.subject, "42/shop-a");
	CU_ASSERT_STRING_EQUAL(got.return_to, "/back");
	CU_ASSERT_STRING_EQUAL(got.redirect_uri, p.redirect_uri);
	CU_ASSERT_EQUAL(got.key_id, 7);
	CU_ASSERT_EQUAL(got.expires_at, NOW + 600);
	store_close(s);
}

static void
a_state_is_taken_once_by_its_own_browser(void)
{
	struct store *s = with_app(JOURNAL_AUTO);
	struct store_pending got;
	unsigned char sh[STORE_HASH], bh[STORE_HASH];

	hash_of(1, sh);
	hash_of(2, bh);
	add_pending(s, 1, 2, 3, NOW);
	CU_ASSERT_EQUAL(take(s, 9, 2, "interact", NOW), ERR_NOT_FOUND);
	CU_ASSERT_EQUAL(take(s, 1, 9, "interact", NOW), ERR_NOT_FOUND);
	CU_ASSERT_EQUAL(take(s, 1, 2, "github", NOW), ERR_NOT_FOUND);
	CU_ASSERT_EQUAL(take(s, 1, 2, "interact", NOW + PENDING_TTL),
	    ERR_NOT_FOUND);
	CU_ASSERT_FALSE(has_pending(s, 1, 9));
	/* None of these burnt it. */
	CU_ASSERT_EQUAL(store_pending_get(s, sh, bh, &got), ERR_OK);
	memset(got.browser_hash, 9, STORE_HASH);
	CU_ASSERT_EQUAL(store_pending_take(s, &got, "interact", NOW),
	    ERR_NOT_FOUND);
	CU_ASSERT_EQUAL(got.stage, PENDING_NEW);
	CU_ASSERT_EQUAL(store_pending_get(s, sh, bh, &got), ERR_OK);
	CU_ASSERT_EQUAL(store_pending_take(s, &got, "interact",
	    NOW + PENDING_TTL - 1), ERR_OK);
	CU_ASSERT_EQUAL(got.stage, PENDING_TAKEN);
	CU_ASSERT_EQUAL(got.taken_at, NOW + PENDING_TTL - 1);
	CU_ASSERT_STRING_EQUAL(got.return_to, "/back");
	CU_ASSERT_EQUAL(take(s, 1, 2, "interact", NOW), ERR_NOT_FOUND);

	CU_ASSERT_EQUAL(store_pending_finish(s, &got, "denied", NOW + 900),
	    ERR_OK);
	CU_ASSERT_EQUAL(take(s, 1, 2, "interact", NOW), ERR_NOT_FOUND);
	CU_ASSERT_EQUAL(store_pending_get(s, sh, bh, &got), ERR_OK);
	CU_ASSERT_EQUAL(got.stage, PENDING_DONE);
	CU_ASSERT_STRING_EQUAL(got.outcome, "denied");
	CU_ASSERT_EQUAL(got.expires_at, NOW + 900);
	store_close(s);
}

static int
race_for_state(int start_fd)
{
	struct store *s;
	enum err e;
	char c;

	if (store_open(path, JOURNAL_AUTO, STORE_ROLE_CALLBACK, &s) != ERR_OK)
		return 100;
	/* The end of the pipe is the starting gun. */
	while (read(start_fd, &c, 1) < 0 && errno == EINTR)
		;
	e = take(s, 1, 2, "interact", NOW);
	store_close(s);
	return (int)e;
}

static void
of_eight_processes_exactly_one_takes_a_state(void)
{
	struct store *s = with_app(JOURNAL_AUTO);
	int won = 0, lost = 0, i, gun[2];
	pid_t pids[RACERS];

	add_pending(s, 1, 2, 3, NOW);
	store_close(s);
	CU_ASSERT_EQUAL_FATAL(pipe2(gun, O_CLOEXEC), 0);
	for (i = 0; i < RACERS; i++) {
		if ((pids[i] = fork()) == 0) {
			close(gun[1]);
			_exit(race_for_state(gun[0]));
		}
	}
	close(gun[0]);
	close(gun[1]);
	for (i = 0; i < RACERS; i++) {
		int rc = end_of(pids[i]);

		won += rc == ERR_OK;
		lost += rc == ERR_NOT_FOUND;
	}
	CU_ASSERT_EQUAL(won, 1);
	CU_ASSERT_EQUAL(lost, RACERS - 1);
}

static void
a_browser_has_sixteen_and_its_oldest_goes(void)
{
	struct store *s = with_app(JOURNAL_AUTO);
	unsigned i;

	add_pending(s, 1000, 2, 3, NOW);
	for (i = 0; i < PENDING_PER_BROWSER; i++)
		add_pending(s, i, 1, 3, NOW + (int)i);
	for (i = 0; i < PENDING_PER_BROWSER; i++)
		CU_ASSERT_TRUE(has_pending(s, i, 1));
	add_pending(s, i, 1, 3, NOW + (int)i);
	CU_ASSERT_FALSE(has_pending(s, 0, 1));
	for (i = 1; i <= PENDING_PER_BROWSER; i++)
		CU_ASSERT_TRUE(has_pending(s, i, 1));
	CU_ASSERT_TRUE(has_pending(s, 1000, 2));
	store_close(s);
}

static void
run_sql(const char *sql)
{
	sqlite3 *db;

	CU_ASSERT_EQUAL_FATAL(sqlite3_open(path, &db), SQLITE_OK);
	CU_ASSERT_EQUAL(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static int64_t
number_of(const char *sql)
{
	sqlite3_stmt *st = NULL;
	sqlite3 *db;
	int64_t n = -1;

	CU_ASSERT_EQUAL_FATAL(sqlite3_open(path, &db), SQLITE_OK);
	CU_ASSERT_EQUAL(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	if (sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

#define TOTAL "SELECT load FROM pending ORDER BY id DESC LIMIT 1"
#define COUNT "SELECT count(*) FROM pending"

/* The newest row's count is what the bound goes by: no need to fill the table. */
static void
say_that_it_is_full(void)
{
	char sql[128];

	snprintf(sql, sizeof(sql), "UPDATE pending SET load = %d"
	    " WHERE id = (SELECT max(id) FROM pending)", PENDING_TOTAL);
	run_sql(sql);
}

/* One row in 16 is counted: those of states 0 to 15 here, of 256. */
static void
when_full_the_oldest_of_the_busiest_origin_goes(void)
{
	struct store *s = with_app(JOURNAL_AUTO);
	unsigned i;

	add_pending(s, 255, 200, 88, NOW);	/* older, but alone */
	for (i = 0; i < 2; i++)
		add_pending(s, i, 10 + i, 77, NOW);
	add_pending(s, 254, 19, 66, NOW);
	for (i = 0; i < 4; i++)			/* busier */
		add_pending(s, 10 + i, 20 + i, 66, NOW);
	store_close(s);
	CU_ASSERT_EQUAL(number_of(TOTAL), 8);
	CU_ASSERT_EQUAL(number_of(COUNT), 8);
	CU_ASSERT_EQUAL(number_of("SELECT count(*) FROM pending_crowd"), 2);
	CU_ASSERT_EQUAL(number_of("SELECT max(n) FROM pending_crowd"), 4);
	say_that_it_is_full();

	s = open_as(STORE_ROLE_START);
	for (i = 0; i < 3; i++)
		add_pending(s, 240 + i, 210 + i, 99, NOW);
	CU_ASSERT_TRUE(has_pending(s, 255, 200));
	CU_ASSERT_TRUE(has_pending(s, 0, 10));
	CU_ASSERT_FALSE(has_pending(s, 254, 19));
	CU_ASSERT_FALSE(has_pending(s, 11, 21));
	CU_ASSERT_TRUE(has_pending(s, 12, 22));
	CU_ASSERT_TRUE(has_pending(s, 242, 212));
	store_close(s);
	CU_ASSERT_EQUAL(number_of(TOTAL), PENDING_TOTAL);
	CU_ASSERT_EQUAL(number_of(COUNT), 8);
	CU_ASSERT_EQUAL(number_of("SELECT max(n) FROM pending_crowd"), 2);
}

static void
when_full_and_nobody_was_counted_the_oldest_goes(void)
{
	struct store *s = with_app(JOURNAL_AUTO);
	unsigned i;

	for (i = 0; i < 15; i++)
		add_pending(s, 100 + i, 10 + i, 77, NOW);
	add_pending(s, 120, 30, 88, NOW);
	store_close(s);
	CU_ASSERT_EQUAL(number_of(TOTAL), 16);
	say_that_it_is_full();

	s = open_as(STORE_ROLE_START);
	add_pending(s, 121, 31, 99, NOW);
	CU_ASSERT_FALSE(has_pending(s, 100, 10));
	for (i = 1; i < 15; i++)
		CU_ASSERT_TRUE(has_pending(s, 100 + i, 10 + i));
	CU_ASSERT_TRUE(has_pending(s, 120, 30));
	CU_ASSERT_TRUE(has_pending(s, 121, 31));
	store_close(s);
	CU_ASSERT_EQUAL(number_of(TOTAL), PENDING_TOTAL);
}

/* Nothing that makes a row go leaves the count behind. */
static void
the_newest_row_knows_how_many_there_are(void)
{
	struct store *s = with_app(JOURNAL_AUTO);
	struct store_purged purged;
	unsigned i;

	for (i = 0; i < 40; i++)
		add_pending(s, i, i < 20 ? 1 : i, 3, NOW + i / 10);
	CU_ASSERT_EQUAL(number_of(COUNT), PENDING_PER_BROWSER + 20);
	CU_ASSERT_EQUAL(number_of(TOTAL), PENDING_PER_BROWSER + 20);
	add_pending(s, 50, 50, 3, NOW + PENDING_TTL);
	CU_ASSERT_EQUAL(number_of(TOTAL), number_of(COUNT));
	CU_ASSERT_EQUAL(store_purge(s, NOW + PENDING_TTL + 2, &purged),
	    ERR_OK);
	CU_ASSERT_TRUE(purged.pending > 0);
	CU_ASSERT_EQUAL(number_of(COUNT), 11);
	CU_ASSERT_EQUAL(number_of(TOTAL), 11);
	CU_ASSERT_EQUAL(store_purge(s, NOW + 2 * PENDING_TTL, &purged),
	    ERR_OK);
	CU_ASSERT_EQUAL(number_of(COUNT), 0);
	add_pending(s, 60, 60, 3, NOW + 3 * PENDING_TTL);
	CU_ASSERT_EQUAL(number_of(TOTAL), 1);
	store_close(s);
	CU_ASSERT_EQUAL(number_of("SELECT count(*) FROM pending_crowd"), 0);
}

static void
expired_rows_go_a_few_at_a_time(void)
{
	struct store *s = with_app(JOURNAL_AUTO);
	unsigned i, left = 0;

	for (i = 0; i < PENDING_EXPIRE_BATCH + 2; i++)
		add_pending(s, i, 10 + i, 3, NOW + (int)i);
	add_pending(s, 100, 1, 3, NOW + PENDING_TTL + 100);
	for (i = 0; i < PENDING_EXPIRE_BATCH + 2; i++)
		left += has_pending(s, i, 10 + i);
	CU_ASSERT_EQUAL(left, 2);
	add_pending(s, 101, 1, 3, NOW + PENDING_TTL + 100);
	CU_ASSERT_FALSE(has_pending(s, PENDING_EXPIRE_BATCH + 1,
	    10 + PENDING_EXPIRE_BATCH + 1));
	CU_ASSERT_TRUE(has_pending(s, 100, 1));
	store_close(s);
	CU_ASSERT_EQUAL(number_of(TOTAL), 2);
	CU_ASSERT_EQUAL(number_of(COUNT), 2);
	CU_ASSERT_EQUAL(number_of("SELECT count(*) FROM pending_crowd"), 0);
}

/* ---- connections ------------------------------------------------------ */

static void
a_connection_comes_back_as_it_was(void)
{
	struct store *s = with_app(JOURNAL_AUTO);
	struct store_connection c, got;
	unsigned char h[STORE_HASH];

	hash_of(5, h);
	a_connection(&c, 1, NULL);
	c.has_ticket = c.has_bind = true;
	memcpy(c.ticket_hash, h, STORE_HASH);
	hash_of(6, c.bind_hash);
	hash_of(7, c.browser_hash);
	c.ticket_expires_at = NOW + 600;
	CU_ASSERT_EQUAL_FATAL(add_connection(s, &c), ERR_OK);
	store_connection_init(&got);
	CU_ASSERT_EQUAL(store_connection_by_ticket(s, "other", h, &got),
	    ERR_NOT_FOUND);
	/* Nobody owns it: its name outside finds nothing. */
	CU_ASSERT_EQUAL(store_connection_by_public_id(s, "shop", c.public_id,
	    &got), ERR_NOT_FOUND);
	CU_ASSERT_EQUAL_FATAL(store_connection_by_ticket(s, "shop", h, &got),
	    ERR_OK);
	CU_ASSERT_FALSE(got.bound);
	CU_ASSERT_EQUAL(got.status, CONNECTION_UNBOUND);
	CU_ASSERT_TRUE(got.has_bind);
	CU_ASSERT_EQUAL(memcmp(got.browser_hash, c.browser_hash, STORE_HASH),
	    0);
	CU_ASSERT_EQUAL(got.rotates, -1);
	CU_ASSERT_EQUAL(got.refresh.len, 14);
	CU_ASSERT_EQUAL(memcmp(got.refresh.data, "sealed\0refresh", 14), 0);

	got.bound = true;
	snprintf(got.subject, sizeof(got.subject), "42");
	got.status = CONNECTION_BROKEN;
	got.generation = 2;
	got.has_ticket = false;
	buf_reset(&got.refresh);
	CU_ASSERT_EQUAL(put_connection(s, &got, 1), ERR_OK);
	CU_ASSERT_EQUAL(store_connection_by_ticket(s, "shop", h, &got),
	    ERR_NOT_FOUND);
	CU_ASSERT_EQUAL(got.access.len, 0);	/* emptied first */
	CU_ASSERT_EQUAL(store_connection_by_public_id(s, "other", c.public_id,
	    &got), ERR_NOT_FOUND);
	CU_ASSERT_EQUAL_FATAL(store_connection_by_public_id(s, "shop",
	    c.public_id, &got), ERR_OK);
	CU_ASSERT_EQUAL(got.status, CONNECTION_BROKEN);
	CU_ASSERT_EQUAL(got.refresh.len, 0);
	CU_ASSERT_EQUAL(got.ticket_expires_at, 0);
	CU_ASSERT_STRING_EQUAL(got.subject, "42");
	store_connection_clear(&got);
	store_connection_clear(&c);
	store_close(s);
}

static void
a_row_that_moved_is_not_written(void)
{
	struct store *s = with_app(JOURNAL_AUTO);
	struct store_connection c, got;

	a_connection(&c, 1, "42");
	CU_ASSERT_EQUAL_FATAL(add_connection(s, &c), ERR_OK);
	c.generation = 2;
	snprintf(c.scope, sizeof(c.scope), "changed");
	CU_ASSERT_EQUAL(put_connection(s, &c, 7), ERR_CONFLICT);
	c.public_id[15] ^= 1;
	CU_ASSERT_EQUAL(put_connection(s, &c, 1), ERR_CONFLICT);
	c.public_id[15] ^= 1;
	CU_ASSERT_EQUAL_FATAL(store_begin(s), ERR_OK);
	CU_ASSERT_EQUAL(store_connection_put_attempt(s, &c), ERR_CONFLICT);
	CU_ASSERT_EQUAL(store_connection_remove(s, c.id, 2), ERR_CONFLICT);
	CU_ASSERT_EQUAL(store_connection_remove(s, c.id + 1, 1), ERR_CONFLICT);
	store_rollback(s);

	store_connection_init(&got);
	CU_ASSERT_EQUAL(store_connection_by_id(s, c.id, &got), ERR_OK);
	CU_ASSERT_EQUAL(got.generation, 1);
	CU_ASSERT_STRING_EQUAL(got.scope, "read write");

	got.attempt_at = NOW + 5;
	got.attempts = 1;
	got.status = CONNECTION_UNCERTAIN;
	snprintf(got.last_error, sizeof(got.last_error), "http_500");
	buf_reset(&got.access);
	CU_ASSERT_EQUAL_FATAL(store_begin(s), ERR_OK);
	CU_ASSERT_EQUAL(store_connection_put_attempt(s, &got), ERR_OK);
	CU_ASSERT_EQUAL(store_commit(s, STORE_DURABLE), ERR_OK);
	CU_ASSERT_EQUAL(store_connection_by_id(s, c.id, &got), ERR_OK);
	CU_ASSERT_EQUAL(got.attempt_at, NOW + 5);
	CU_ASSERT_EQUAL(got.status, CONNECTION_UNCERTAIN);
	CU_ASSERT_STRING_EQUAL(got.last_error, "http_500");
	CU_ASSERT_EQUAL(got.access.len, 13);	/* an attempt is no token */
	store_connection_clear(&got);
	store_connection_clear(&c);
	store_close(s);
}

static bool
knows(struct store *s, const char *app, const unsigned char key[STORE_HASH])
{
	struct store_app got;
	struct store_key found;
	enum err a, k;

	CU_ASSERT_TRUE(store_is_current(s));
	a = store_app_get(s, app, &got);
	k = store_key_find(s, key, clock_now(), &found);
	CU_ASSERT_EQUAL(a, k);
	CU_ASSERT_TRUE(a == ERR_OK || a == ERR_NOT_FOUND);
	if (a == ERR_OK)
		CU_ASSERT_STRING_EQUAL(found.app, got.name);
	return a == ERR_OK;
}

/* Rows that go behind the store's back tell whether it looked again. */
static void
apps_and_keys_are_remembered_until_one_changes(void)
{
	struct store *admin = with_app(JOURNAL_WAL), *s;
	struct store_key key = { .app = "shop", .created_at = NOW };

	hash_of(1, key.hash);
	CU_ASSERT_EQUAL(store_key_add(admin, &key), ERR_OK);
	s = open_as(STORE_ROLE_ADMIN);
	CU_ASSERT_TRUE(knows(s, "shop", key.hash));
	run_sql("UPDATE app SET name = 'kept'; DELETE FROM app_key;");
	CU_ASSERT_TRUE(knows(s, "shop", key.hash));
	/* Any change of the operator's. */
	add_app(admin, "other");
	CU_ASSERT_FALSE(knows(s, "shop", key.hash));
	store_close(admin);
	store_close(s);
}

static void
a_remembered_key_ends_in_time(void)
{
	struct store *s = with_app(JOURNAL_WAL);
	struct store_key got, key = { .app = "shop", .created_at = NOW };
	int64_t now = clock_now();

	hash_of(1, key.hash);
	key.expires_at = now + 10;
	CU_ASSERT_EQUAL(store_key_add(s, &key), ERR_OK);
	CU_ASSERT_TRUE(store_is_current(s));
	CU_ASSERT_EQUAL(store_key_find(s, key.hash, now, &got), ERR_OK);
	CU_ASSERT_EQUAL(store_key_find(s, key.hash, now + 9, &got), ERR_OK);
	CU_ASSERT_EQUAL(store_key_find(s, key.hash, now + 10, &got),
	    ERR_NOT_FOUND);
	hash_of(2, key.hash);
	CU_ASSERT_EQUAL(store_key_find(s, key.hash, now, &got),
	    ERR_NOT_FOUND);
	store_close(s);
}

/* What is written again and again does not grow: a checkpoint takes it over. */
static void
the_wal_starts_over(void)
{
	struct store *s = with_app(JOURNAL_WAL);
	const int64_t most = (WAL_CHECKPOINT_PAGES + 100) * 4120;
	char wal[4096];
	struct stat st;
	unsigned i;

	for (i = 0; i < 2 * WAL_CHECKPOINT_PAGES; i++)
		add_pending(s, i * 256 + 16, i, i, NOW);
	snprintf(wal, sizeof(wal), "%s-wal", path);
	CU_ASSERT_EQUAL_FATAL(stat(wal, &st), 0);
	CU_ASSERT_TRUE(st.st_size > (WAL_CHECKPOINT_PAGES - 100) * 4120);
	CU_ASSERT_TRUE(st.st_size < most);
	store_close(s);
	CU_ASSERT_EQUAL(number_of(COUNT), 2 * WAL_CHECKPOINT_PAGES);
}

/* One more connection gets its first tokens, or new ones, at that time. */
static void
succeeds(struct store *s, struct store_connection *c, unsigned n, int64_t at)
{
	char subject[16];

	if (c->id == 0) {
		snprintf(subject, sizeof(subject), "%u", n);
		a_connection(c, n, subject);
		c->issued_at = at;
		CU_ASSERT_EQUAL(add_connection(s, c), ERR_OK);
		return;
	}
	c->issued_at = at;
	c->generation++;
	CU_ASSERT_EQUAL(put_connection(s, c, c->generation - 1), ERR_OK);
}

static bool
others_succeed(struct store *s, const struct store_connection *c,
    int64_t since)
{
	bool yes = false;

	CU_ASSERT_EQUAL(store_connection_others_succeed(s, c, since, &yes),
	    ERR_OK);
	return yes;
}

static void
the_success_of_others_is_known(void)
{
	struct store *s = with_app(JOURNAL_AUTO);
	struct store_connection a = { .id = 0 }, b = { .id = 0 };

	succeeds(s, &a, 1, NOW);
	CU_ASSERT_FALSE(others_succeed(s, &a, NOW - 1000));
	succeeds(s, &b, 2, NOW + 100);
	CU_ASSERT_TRUE(others_succeed(s, &a, NOW + 100));
	CU_ASSERT_FALSE(others_succeed(s, &a, NOW + 101));
	CU_ASSERT_TRUE(others_succeed(s, &b, NOW));
	CU_ASSERT_FALSE(others_succeed(s, &b, NOW + 1));
	/* Within a minute nothing more is noted; its own does not count. */
	succeeds(s, &a, 1, NOW + 130);
	CU_ASSERT_FALSE(others_succeed(s, &b, NOW + 1));
	succeeds(s, &b, 2, NOW + 200);
	succeeds(s, &b, 2, NOW + 300);
	CU_ASSERT_FALSE(others_succeed(s, &b, NOW + 1));
	CU_ASSERT_TRUE(others_succeed(s, &a, NOW + 300));
	snprintf(a.provider, sizeof(a.provider), "github");
	CU_ASSERT_FALSE(others_succeed(s, &a, NOW - 1000));
	store_connection_clear(&a);
	store_connection_clear(&b);
	store_close(s);
}

static void
a_subject_has_one_connection_per_provider(void)
{
	struct store *s = with_app(JOURNAL_AUTO);
	struct store_connection a, b;
	int64_t gone;

	a_connection(&a, 1, "42");
	a_connection(&b, 2, "42");
	CU_ASSERT_EQUAL(add_connection(s, &a), ERR_OK);
	CU_ASSERT_EQUAL(add_connection(s, &b), ERR_CONFLICT);
	b.bound = false;
	CU_ASSERT_EQUAL(add_connection(s, &b), ERR_OK);
	b.bound = true;
	b.generation = 2;
	CU_ASSERT_EQUAL(put_connection(s, &b, 1), ERR_CONFLICT);
	snprintf(b.subject, sizeof(b.subject), "43");
	CU_ASSERT_EQUAL(put_connection(s, &b, 1), ERR_OK);
	CU_ASSERT_EQUAL(store_app_remove(s, "shop"), ERR_CONFLICT);

	/* Its id is a lock byte: never given out again. */
	gone = b.id;
	CU_ASSERT_EQUAL_FATAL(store_begin(s), ERR_OK);
	CU_ASSERT_EQUAL(store_connection_remove(s, b.id, 2), ERR_OK);
	CU_ASSERT_EQUAL(store_commit(s, STORE_DURABLE), ERR_OK);
	CU_ASSERT_EQUAL(add_connection(s, &b), ERR_OK);
	CU_ASSERT_TRUE(b.id > gone);
	store_connection_clear(&a);
	store_connection_clear(&b);
	store_close(s);
}

static void
what_was_rolled_back_is_not_there(void)
{
	struct store *s = with_app(JOURNAL_AUTO);
	struct store_connection c;

	a_connection(&c, 1, "42");
	CU_ASSERT_EQUAL_FATAL(store_begin(s), ERR_OK);
	CU_ASSERT_EQUAL(store_connection_add(s, &c), ERR_OK);
	store_rollback(s);
	store_rollback(s);
	CU_ASSERT_EQUAL(store_connection_by_id(s, c.id, &c), ERR_NOT_FOUND);
	a_connection(&c, 1, "42");
	CU_ASSERT_EQUAL_FATAL(store_begin(s), ERR_OK);
	CU_ASSERT_EQUAL(store_connection_add(s, &c), ERR_OK);
	store_close(s);		/* as a process does that ends here */
	s = open_as(STORE_ROLE_ADMIN);
	CU_ASSERT_EQUAL(store_connection_by_id(s, c.id, &c), ERR_NOT_FOUND);
	store_connection_clear(&c);
	store_close(s);
}

static void
unbound_connections_expire_and_bound_ones_stay(void)
{
	struct store *s = with_app(JOURNAL_AUTO);
	struct store_connection c;
	int64_t removed = -1;
	unsigned i;

	for (i = 0; i < 3; i++) {
		a_connection(&c, i, i == 2 ? "42" : NULL);
		c.created_at = NOW + (int)i;
		CU_ASSERT_EQUAL(add_connection(s, &c), ERR_OK);
		store_connection_clear(&c);
	}
	CU_ASSERT_EQUAL_FATAL(store_begin(s), ERR_OK);
	CU_ASSERT_EQUAL(store_connection_expire(s, NOW, 10, NULL, &removed),
	    ERR_OK);
	CU_ASSERT_EQUAL(removed, 0);
	CU_ASSERT_EQUAL(store_connection_expire(s, NOW + 9, 1, NULL, &removed),
	    ERR_OK);
	CU_ASSERT_EQUAL(removed, 1);
	CU_ASSERT_EQUAL(store_connection_expire(s, NOW + 9, 9, NULL, &removed),
	    ERR_OK);
	CU_ASSERT_EQUAL(removed, 1);
	CU_ASSERT_EQUAL(store_commit(s, STORE_DURABLE), ERR_OK);
	CU_ASSERT_EQUAL(store_connection_by_subject(s, "shop", "interact",
	    "42", &c), ERR_OK);
	store_connection_clear(&c);
	store_close(s);
}

/* ---- apps, keys, links ------------------------------------------------ */

static void
an_app_has_two_keys_at_once(void)
{
	struct store *s = with_app(JOURNAL_AUTO);
	struct store_key key = { .app = "shop", .created_at = NOW }, got;
	struct store_app app;
	int64_t ended;

	CU_ASSERT_EQUAL(store_app_get(s, NULL, &app), ERR_OK);
	CU_ASSERT_STRING_EQUAL(app.name, "shop");
	hash_of(1, key.hash);
	CU_ASSERT_EQUAL(store_key_add(s, &key), ERR_OK);
	hash_of(2, key.hash);
	CU_ASSERT_EQUAL(store_key_add(s, &key), ERR_OK);
	CU_ASSERT_EQUAL(store_key_expire_others(s, &key, NOW + 60), ERR_OK);
	hash_of(3, key.hash);
	CU_ASSERT_EQUAL(store_key_add(s, &key), ERR_CONFLICT);
	hash_of(1, key.hash);
	CU_ASSERT_EQUAL(store_key_find(s, key.hash, NOW + 59, &got), ERR_OK);
	CU_ASSERT_STRING_EQUAL(got.app, "shop");
	CU_ASSERT_EQUAL(store_key_find(s, key.hash, NOW + 60, &got),
	    ERR_NOT_FOUND);
	hash_of(3, key.hash);
	key.created_at = NOW + 60;
	CU_ASSERT_EQUAL(store_key_add(s, &key), ERR_OK);
	/* Of keys 2 and 3, both good, the newer one is key 3. */
	CU_ASSERT_EQUAL(store_key_expire_older(s, "shop", NOW + 70, &ended),
	    ERR_OK);
	CU_ASSERT_EQUAL(ended, 1);
	CU_ASSERT_EQUAL(store_key_find(s, key.hash, NOW + 70, &got), ERR_OK);
	hash_of(2, key.hash);
	CU_ASSERT_EQUAL(store_key_find(s, key.hash, NOW + 69, &got), ERR_OK);
	CU_ASSERT_EQUAL(store_key_find(s, key.hash, NOW + 70, &got),
	    ERR_NOT_FOUND);
	CU_ASSERT_EQUAL(store_key_expire_older(s, "shop", NOW + 80, &ended),
	    ERR_OK);
	CU_ASSERT_EQUAL(ended, 0);

	snprintf(key.app, sizeof(key.app), "nobody");
	hash_of(4, key.hash);
	CU_ASSERT_NOT_EQUAL(store_key_add(s, &key), ERR_OK);

	add_app(s, "blog");
	CU_ASSERT_EQUAL(store_app_get(s, NULL, &app), ERR_CONFLICT);
	CU_ASSERT_EQUAL(store_app_get(s, "news", &app), ERR_NOT_FOUND);
	CU_ASSERT_EQUAL(store_app_remove(s, "blog"), ERR_OK);
	CU_ASSERT_EQUAL(store_app_remove(s, "blog"), ERR_NOT_FOUND);
	memset(&app, 0, sizeof(app));
	snprintf(app.name, sizeof(app.name), "shop");
	CU_ASSERT_EQUAL(store_app_add(s, &app), ERR_CONFLICT);
	store_close(s);
}

static void
a_start_link_is_used_once(void)
{
	struct store *s = with_app(JOURNAL_AUTO);
	struct store_link l = { .app = "shop", .provider = "interact",
	    .subject = "me", .expires_at = NOW + 900 }, got;
	struct store_purged purged;

	hash_of(1, l.hash);
	CU_ASSERT_EQUAL(store_link_add(s, &l), ERR_OK);
	CU_ASSERT_EQUAL(store_link_get(s, l.hash, &got), ERR_OK);
	CU_ASSERT_STRING_EQUAL(got.subject, "me");
	CU_ASSERT_EQUAL(got.used_at, 0);
	CU_ASSERT_EQUAL_FATAL(store_begin(s), ERR_OK);
	CU_ASSERT_EQUAL(store_link_use(s, l.hash, NOW), ERR_OK);
	store_rollback(s);
	CU_ASSERT_EQUAL_FATAL(store_begin(s), ERR_OK);
	CU_ASSERT_EQUAL(store_link_use(s, l.hash, NOW + 1), ERR_OK);
	CU_ASSERT_EQUAL(store_link_use(s, l.hash, NOW + 1), ERR_NOT_FOUND);
	CU_ASSERT_EQUAL(store_commit(s, STORE_DURABLE), ERR_OK);
	CU_ASSERT_EQUAL(store_link_get(s, l.hash, &got), ERR_OK);
	CU_ASSERT_EQUAL(got.used_at, NOW + 1);

	add_pending(s, 1, 1, 1, NOW);
	CU_ASSERT_EQUAL(store_purge(s, NOW + 899, &purged), ERR_OK);
	CU_ASSERT_EQUAL(purged.pending, 1);
	CU_ASSERT_EQUAL(purged.links, 0);
	CU_ASSERT_EQUAL(store_purge(s, NOW + 900, &purged), ERR_OK);
	CU_ASSERT_EQUAL(purged.links, 1);
	store_close(s);
}

/* ---- locks and the gate ----------------------------------------------- */

static int ready[2];

/* Lock connection 5 and hold it until killed. */
static int
hold_lock(int id)
{
	struct store *s;
	bool waited;

	if (store_open(path, JOURNAL_AUTO, STORE_ROLE_REFRESH, &s) != ERR_OK ||
	    store_lock(s, id, 0, &waited) != ERR_OK ||
	    write(ready[1], "x", 1) != 1)
		return 1;
	for (;;)
		pause();
}

static void
a_lock_excludes_others_and_dies_with_its_process(void)
{
	struct store *s = with_app(JOURNAL_AUTO);
	bool waited = true;
	pid_t pid;
	char c;

	CU_ASSERT_EQUAL_FATAL(pipe2(ready, O_CLOEXEC), 0);
	pid = start_child(hold_lock, 5);
	close(ready[1]);
	CU_ASSERT_EQUAL_FATAL(read(ready[0], &c, 1), 1);
	close(ready[0]);
	CU_ASSERT_EQUAL(store_lock(s, 5, 60, &waited), ERR_BUSY);
	CU_ASSERT_TRUE(waited);
	/* Other connections and the gate are free. */
	CU_ASSERT_EQUAL(store_lock(s, 6, 0, &waited), ERR_OK);
	CU_ASSERT_FALSE(waited);
	store_unlock(s);
	add_pending(s, 1, 1, 1, NOW);

	CU_ASSERT_EQUAL(kill(pid, SIGKILL), 0);
	CU_ASSERT_EQUAL(end_of(pid), -1);
	CU_ASSERT_EQUAL(store_lock(s, 5, 1000, &waited), ERR_OK);
	CU_ASSERT_FALSE(waited);
	store_unlock(s);
	store_unlock(s);
	store_close(s);
}

static void
two_stores_of_one_process_exclude_each_other(void)
{
	struct store *a = with_app(JOURNAL_AUTO);
	struct store *b = open_as(STORE_ROLE_REFRESH);
	bool waited;

	CU_ASSERT_EQUAL(store_lock(a, 1, 0, &waited), ERR_OK);
	CU_ASSERT_EQUAL(store_lock(b, 1, 0, &waited), ERR_BUSY);
	store_unlock(a);
	CU_ASSERT_EQUAL(store_lock(b, 1, 0, &waited), ERR_OK);
	store_close(b);
	CU_ASSERT_EQUAL(store_lock(a, 1, 0, &waited), ERR_OK);
	store_close(a);
}

static int
write_many(int n)
{
	struct store *s;
	struct store_pending p;
	enum err e = ERR_OK;
	unsigned i;

	if (store_open(path, JOURNAL_AUTO, STORE_ROLE_START, &s) != ERR_OK)
		return 100;
	for (i = 0; i < 15 && e == ERR_OK; i++) {
		p = a_pending((unsigned)n * 100 + i, (unsigned)n, 1);
		e = store_pending_add(s, &p);
	}
	store_close(s);
	return (int)e;
}

static void
sixteen_writers(enum conf_journal journal)
{
	struct store *s = with_app(journal);
	pid_t pids[WRITERS];
	int i;

	store_close(s);
	for (i = 0; i < WRITERS; i++)
		pids[i] = start_child(write_many, i);
	for (i = 0; i < WRITERS; i++)
		CU_ASSERT_EQUAL(end_of(pids[i]), ERR_OK);
	CU_ASSERT_EQUAL(number_of("SELECT count(*) FROM pending"),
	    WRITERS * 15);
	CU_ASSERT_EQUAL(number_of(TOTAL), WRITERS * 15);
}

static void
sixteen_writers_all_succeed(void)
{
	sixteen_writers(JOURNAL_WAL);
	sixteen_writers(JOURNAL_DELETE);
}

/*
 * A writer that keeps all readers out, as a commit with the rollback journal
 * does while it syncs, and that hardly ever leaves: until killed.
 */
static int
keep_out(int n)
{
	struct flock gate = { .l_whence = SEEK_SET, .l_len = 1 };
	struct flock turn = { .l_whence = SEEK_SET, .l_start = 1, .l_len = 1 };
	struct timespec long_sync = { .tv_nsec = 150000000 };
	char lock[600];
	sqlite3 *db;
	int fd;

	(void)n;
	snprintf(lock, sizeof(lock), "%s-lock", path);
	fd = open(lock, O_RDWR | O_CLOEXEC);
	if (fd < 0 || sqlite3_open(path, &db) != SQLITE_OK)
		return 1;
	for (;;) {
		gate.l_type = F_WRLCK;
		turn.l_type = F_WRLCK;
		if (fcntl(fd, F_OFD_SETLKW, &turn) != 0 ||
		    fcntl(fd, F_OFD_SETLKW, &gate) != 0)
			return 2;
		turn.l_type = F_UNLCK;
		if (fcntl(fd, F_OFD_SETLK, &turn) != 0)
			return 3;
		if (sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL) ==
		    SQLITE_OK) {
			nanosleep(&long_sync, NULL);
			(void)sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
		}
		gate.l_type = F_UNLCK;
		if (fcntl(fd, F_OFD_SETLK, &gate) != 0)
			return 3;
	}
}

static void
writers_do_not_starve_readers_without_a_wal(void)
{
	struct store *s = with_app(JOURNAL_DELETE);
	struct store_app app;
	pid_t pids[2];
	int i;

	for (i = 0; i < 2; i++)
		pids[i] = start_child(keep_out, i);
	for (i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(store_app_get(s, "shop", &app), ERR_OK);
		CU_ASSERT_EQUAL(try_open(), ERR_OK);
	}
	/* A share that is kept would lock out the writers. */
	add_pending(s, 1, 1, 1, NOW);
	store_close(s);
	for (i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(kill(pids[i], SIGKILL), 0);
		CU_ASSERT_EQUAL(end_of(pids[i]), -1);
	}
}

static void
a_removed_lock_file_is_busy_and_not_current(void)
{
	struct store *s = with_app(JOURNAL_AUTO);
	struct store_pending p = a_pending(1, 1, 1);
	char lock[600];

	CU_ASSERT_TRUE(store_is_current(s));
	snprintf(lock, sizeof(lock), "%s-lock", path);
	CU_ASSERT_EQUAL_FATAL(unlink(lock), 0);
	CU_ASSERT_FALSE(store_is_current(s));
	CU_ASSERT_EQUAL(store_pending_add(s, &p), ERR_BUSY);
	CU_ASSERT_FALSE(store_broken(s));
	store_close(s);
}

/* ---- opening ---------------------------------------------------------- */

static void
replace_file(const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, text, len), (ssize_t)len);
	close(fd);
}

static size_t
slurp(unsigned char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	CU_ASSERT_FATAL(fd >= 0);
	n = read(fd, out, size);
	close(fd);
	CU_ASSERT_FATAL(n >= 0);
	return (size_t)n;
}

/* The four bytes of the header at `at` (sqlite.org/fileformat.html). */
static void
patch(off_t at, unsigned char value)
{
	unsigned char be[4] = { 0, 0, 0, value };
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(pwrite(fd, be, 4, at), 4);
	close(fd);
}

static unsigned char before[1 << 20], after[1 << 20];

/* Opening is refused for a reason that is told, and changes nothing. */
static void
refused(const char *words, const char *mend)
{
	size_t n = slurp(before, sizeof(before));

	CU_ASSERT_EQUAL(try_open(), ERR_CONFIG);
	CU_ASSERT_TRUE(logcatch_has(words));
	CU_ASSERT_TRUE(logcatch_has(mend));
	CU_ASSERT_TRUE(logcatch_has(path));
	CU_ASSERT_EQUAL_FATAL(slurp(after, sizeof(after)), n);
	CU_ASSERT_EQUAL(memcmp(before, after, n), 0);
}

static void
what_is_missing_is_told(void)
{
	char lock[600];

	fresh_path();
	CU_ASSERT_EQUAL(try_open(), ERR_CONFIG);
	CU_ASSERT_TRUE(logcatch_has("oauth-cgi init"));
	CU_ASSERT_EQUAL(access(path, F_OK), -1);	/* not created */

	fresh(JOURNAL_AUTO);
	snprintf(lock, sizeof(lock), "%s-lock", path);
	CU_ASSERT_EQUAL(unlink(lock), 0);
	refused("lock file", "oauth-cgi init");
	CU_ASSERT_EQUAL(access(lock, F_OK), -1);

	snprintf(path, sizeof(path), "%s/no/where", harness_tmpdir());
	CU_ASSERT_EQUAL(try_open(), ERR_CONFIG);
	CU_ASSERT_TRUE(logcatch_has("folder can't be reached"));
}

static void
a_file_that_others_may_read_is_refused(void)
{
	fresh(JOURNAL_AUTO);
	CU_ASSERT_EQUAL(chmod(path, 0644), 0);
	refused("others have access (mode 0644)", "chmod 600");
	CU_ASSERT_EQUAL(chmod(path, 0602), 0);
	refused("others have access", "chmod 600");
	CU_ASSERT_EQUAL(chmod(path, 0660), 0);
	CU_ASSERT_EQUAL(try_open(), ERR_OK);
}

static void
other_peoples_files_are_refused(void)
{
	bool created;
	static const char text[] = "this is not a database, it is a text that "
	    "is longer than the header of one, which has a hundred bytes in "
	    "it, all told\n";

	fresh(JOURNAL_DELETE);
	replace_file(text, sizeof(text) - 1);
	refused("not a database", "restore it from a backup");
	CU_ASSERT_EQUAL(store_create(path, JOURNAL_DELETE, &created),
	    ERR_CONFIG);
	CU_ASSERT_EQUAL(slurp(after, sizeof(after)), sizeof(text) - 1);
	CU_ASSERT_EQUAL(memcmp(after, text, sizeof(text) - 1), 0);

	fresh(JOURNAL_DELETE);
	replace_file("", 0);
	refused("not a database of oauth-cgi", "`database`");

	fresh(JOURNAL_DELETE);
	patch(68, 1);				/* application id */
	refused("not a database of oauth-cgi", "`database`");
	CU_ASSERT_EQUAL(store_create(path, JOURNAL_DELETE, &created),
	    ERR_CONFIG);
	CU_ASSERT_TRUE(logcatch_has("belongs to another program"));
}

static void
other_schema_versions_are_refused(void)
{
	bool created = true;

	fresh(JOURNAL_DELETE);
	patch(60, 99);				/* user version */
	refused("its schema is version 99", "install the newer programs");
	CU_ASSERT_EQUAL(store_create(path, JOURNAL_DELETE, &created),
	    ERR_CONFIG);
	CU_ASSERT_FALSE(created);
	patch(60, 0);
	refused("its schema is version 0", "oauth-cgi init");
}

static void
damaged_files_are_refused(void)
{
	fresh(JOURNAL_DELETE);
	CU_ASSERT_EQUAL(truncate(path, 4096), 0);
	refused("damaged", "restore it from a backup");

	fresh(JOURNAL_DELETE);
	CU_ASSERT_EQUAL(truncate(path, 50), 0);
	refused("database", "`database`");
}

static void
a_damaged_page_is_told_when_it_is_met(void)
{
	struct store *s = with_app(JOURNAL_DELETE);
	unsigned char noise[4096];
	struct store_app app;
	struct stat st;
	off_t at;
	int fd;

	store_close(s);
	memset(noise, 0xa5, sizeof(noise));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	CU_ASSERT_FATAL(fd >= 0 && fstat(fd, &st) == 0);
	for (at = 4096; at < st.st_size; at += 4096)
		CU_ASSERT_EQUAL(pwrite(fd, noise, 4096, at), 4096);
	close(fd);
	logcatch_begin();
	if (store_open(path, JOURNAL_AUTO, STORE_ROLE_START, &s) == ERR_OK)
		CU_ASSERT_EQUAL(store_app_get(s, "shop", &app), ERR_INTERNAL);
	CU_ASSERT_TRUE(logcatch_has("restore it from a backup"));
	store_close(s);
}

static void
links_are_not_followed(void)
{
	char target[512], lock[600], target_lock[600];
	struct store *s = NULL;
	bool created;

	fresh(JOURNAL_AUTO);
	memcpy(target, path, sizeof(target));
	snprintf(target_lock, sizeof(target_lock), "%s-lock", target);
	fresh_path();
	snprintf(lock, sizeof(lock), "%s-lock", path);
	CU_ASSERT_EQUAL(link(target_lock, lock), 0);
	CU_ASSERT_EQUAL(symlink(target, path), 0);
	refused("a link is not followed", "real path");
	CU_ASSERT_EQUAL(store_create(path, JOURNAL_AUTO, &created),
	    ERR_CONFIG);
	/* A dangling one must not be created through. */
	CU_ASSERT_EQUAL(unlink(path), 0);
	CU_ASSERT_EQUAL(symlink("/nonexistent/db", path), 0);
	CU_ASSERT_EQUAL(store_create(path, JOURNAL_AUTO, &created),
	    ERR_CONFIG);
	/* Nor a linked lock file. */
	memcpy(path, target, sizeof(path));
	snprintf(lock, sizeof(lock), "%.500s.moved", target_lock);
	CU_ASSERT_EQUAL(rename(target_lock, lock), 0);
	CU_ASSERT_EQUAL(symlink(lock, target_lock), 0);
	refused("lock file", "oauth-cgi init");

	/* But a linked folder is a home like any other. */
	fresh(JOURNAL_AUTO);
	snprintf(lock, sizeof(lock), "%s/home", harness_tmpdir());
	CU_ASSERT_EQUAL(symlink(harness_tmpdir(), lock), 0);
	snprintf(target, sizeof(target), "%.400s%s", lock,
	    strrchr(path, '/'));
	CU_ASSERT_EQUAL(store_open(target, JOURNAL_AUTO, STORE_ROLE_START,
	    &s), ERR_OK);
	store_close(s);
}

/* As nobody, if we are root: permissions say nothing to root. */
static int
open_read_only(int mode)
{
	char dir[480];
	bool created;
	int rc = 1;

	if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
		return 2;
	snprintf(dir, sizeof(dir), "%.400s/ro%o", harness_tmpdir(),
	    (unsigned)mode);
	/* Nobody may not reach a TMPDIR in the home of root. */
	if (mkdir(dir, 0700) != 0)
		return errno == EACCES ? 0 : 3;
	snprintf(path, sizeof(path), "%s/db", dir);
	if (store_create(path, JOURNAL_DELETE, &created) != ERR_OK ||
	    chmod(path, (mode_t)mode) != 0)
		return 4;
	logcatch_begin();
	rc = try_open() == ERR_CONFIG &&
	    logcatch_has("give the file, its folder") ? 0 : 1;
	return rc;
}

static void
a_read_only_file_is_refused(void)
{
	CU_ASSERT_EQUAL(chmod(harness_tmpdir(), 0777), 0);
	CU_ASSERT_EQUAL(end_of(start_child(open_read_only, 0400)), 0);
	CU_ASSERT_EQUAL(end_of(start_child(open_read_only, 0)), 0);
	CU_ASSERT_EQUAL(chmod(harness_tmpdir(), 0700), 0);
}

static void
creating_again_keeps_everything(void)
{
	struct store *s = with_app(JOURNAL_AUTO);
	struct store_app app;
	char lock[600];
	struct stat st;
	bool created = true;

	store_close(s);
	snprintf(lock, sizeof(lock), "%s-lock", path);
	CU_ASSERT_TRUE(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
	CU_ASSERT_TRUE(stat(lock, &st) == 0 && (st.st_mode & 0777) == 0600);
	CU_ASSERT_EQUAL(store_create(path, JOURNAL_AUTO, &created), ERR_OK);
	CU_ASSERT_FALSE(created);
	s = open_as(STORE_ROLE_START);
	CU_ASSERT_EQUAL(store_app_get(s, "shop", &app), ERR_OK);
	store_close(s);
}

static void
the_journal_mode_is_as_asked_for(void)
{
	struct store *s = with_app(JOURNAL_WAL);
	bool created;

	store_close(s);
	/* Bytes 18 and 19 of the header: 2 is WAL, 1 is not. */
	CU_ASSERT_TRUE(slurp(before, 100) == 100 && before[18] == 2);
	s = NULL;
	logcatch_begin();
	CU_ASSERT_EQUAL(store_open(path, JOURNAL_DELETE, STORE_ROLE_START, &s),
	    ERR_OK);
	CU_ASSERT_TRUE(logcatch_has("in WAL mode although"));
	add_pending(s, 1, 1, 1, NOW);
	store_close(s);
	CU_ASSERT_EQUAL(store_create(path, JOURNAL_DELETE, &created), ERR_OK);
	CU_ASSERT_TRUE(slurp(before, 100) == 100 && before[18] == 1);
	s = open_as(STORE_ROLE_START);
	CU_ASSERT_TRUE(has_pending(s, 1, 1));
	add_pending(s, 2, 1, 1, NOW);
	CU_ASSERT_TRUE(has_pending(s, 2, 1));
	store_close(s);
	CU_ASSERT_EQUAL(store_create(path, JOURNAL_WAL, &created), ERR_OK);
	CU_ASSERT_TRUE(slurp(before, 100) == 100 && before[18] == 2);
}

static void
a_replaced_database_is_noticed(void)
{
	struct store *s;
	char other[512];
	bool created;

	fresh_path();
	memcpy(other, path, sizeof(other));
	CU_ASSERT_EQUAL(store_create(other, JOURNAL_DELETE, &created), ERR_OK);
	fresh(JOURNAL_DELETE);
	s = open_as(STORE_ROLE_REFRESH);
	CU_ASSERT_TRUE(store_is_current(s));
	CU_ASSERT_EQUAL_FATAL(rename(other, path), 0);
	CU_ASSERT_FALSE(store_is_current(s));
	CU_ASSERT_EQUAL_FATAL(unlink(path), 0);
	CU_ASSERT_FALSE(store_is_current(s));
	store_close(s);
}

static const struct test tests[] = {
	{ "start adds pending rows and reads no connection",
	    start_may_add_pending_rows_only },
	{ "callback stores tokens and can't read them",
	    callback_may_store_tokens_and_never_read_them },
	{ "refresh works on connections and on nothing else",
	    refresh_may_work_on_connections_only },
	{ "a pending row comes back as it was",
	    a_pending_row_comes_back_as_it_was },
	{ "a state is taken once, by its browser, at its provider, in time",
	    a_state_is_taken_once_by_its_own_browser },
	{ "of 8 processes exactly one takes a state",
	    of_eight_processes_exactly_one_takes_a_state },
	{ "a browser has 16 pending rows, then its oldest goes",
	    a_browser_has_sixteen_and_its_oldest_goes },
	{ "when full the oldest of the busiest origin goes",
	    when_full_the_oldest_of_the_busiest_origin_goes },
	{ "where nobody was counted the oldest of all goes",
	    when_full_and_nobody_was_counted_the_oldest_goes },
	{ "the newest pending row knows how many there are",
	    the_newest_row_knows_how_many_there_are },
	{ "expired rows go a few at a time", expired_rows_go_a_few_at_a_time },
	{ "a connection comes back as it was",
	    a_connection_comes_back_as_it_was },
	{ "a row that moved is not written", a_row_that_moved_is_not_written },
	{ "a subject has one connection per provider",
	    a_subject_has_one_connection_per_provider },
	{ "apps and keys are remembered until one changes",
	    apps_and_keys_are_remembered_until_one_changes },
	{ "a remembered key ends in time",
	    a_remembered_key_ends_in_time },
	{ "the WAL starts over",
	    the_wal_starts_over },
	{ "whether other connections succeed is known",
	    the_success_of_others_is_known },
	{ "what was rolled back is not there",
	    what_was_rolled_back_is_not_there },
	{ "unbound connections expire, bound ones stay",
	    unbound_connections_expire_and_bound_ones_stay },
	{ "an app has two keys at once", an_app_has_two_keys_at_once },
	{ "a start link is used once", a_start_link_is_used_once },
	{ "a lock excludes others and dies with its process",
	    a_lock_excludes_others_and_dies_with_its_process },
	{ "two stores of one process exclude each other",
	    two_stores_of_one_process_exclude_each_other },
	{ "16 writers all succeed, with and without a WAL",
	    sixteen_writers_all_succeed },
	{ "writers do not starve readers without a WAL",
	    writers_do_not_starve_readers_without_a_wal },
	{ "a removed lock file is noticed",
	    a_removed_lock_file_is_busy_and_not_current },
	{ "what is missing is told and not created", what_is_missing_is_told },
	{ "a file that others may read is refused",
	    a_file_that_others_may_read_is_refused },
	{ "other people's files are refused and left alone",
	    other_peoples_files_are_refused },
	{ "other schema versions are refused and left alone",
	    other_schema_versions_are_refused },
	{ "truncated files are refused and left alone",
	    damaged_files_are_refused },
	{ "a damaged page is told when it is met",
	    a_damaged_page_is_told_when_it_is_met },
	{ "links are not followed, linked folders are",
	    links_are_not_followed },
	{ "a read-only file is refused", a_read_only_file_is_refused },
	{ "creating again keeps everything", creating_again_keeps_everything },
	{ "the journal mode is as asked for",
	    the_journal_mode_is_as_asked_for },
	{ "a replaced database is noticed", a_replaced_database_is_noticed },
};

TESTS_MAIN("store", tests)
