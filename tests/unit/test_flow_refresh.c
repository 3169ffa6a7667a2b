/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "flow.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "appkey.h"
#include "clock.h"
#include "conf.h"
#include "connection.h"
#include "harness.h"
#include "keyring.h"
#include "store_internal.h"

#define TOKEN	"an-access-token"

/* What was run in the database since it was last zeroed. */
static struct {
	int	reads;
	int	others;
} ran;

static int
count(unsigned what, void *arg, void *statement, void *text)
{
	(void)what;
	(void)arg;
	(void)statement;
	if (strncmp(text, "SELECT ", 7) == 0)
		ran.reads++;
	else
		ran.others++;
	return 0;
}

static struct conf *
configuration(void)
{
	char path[4096];
	struct conf *conf;
	FILE *f;
	int fd;

	snprintf(path, sizeof(path), "%s/oauth-cgi.conf", harness_tmpdir());
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f = fdopen(fd, "w"));
	fprintf(f, "site {\n"
	    "url = \"https://shop.example/oauth\"\n"
	    "database = \"%s/oauth.db\"\n"
	    "keys = \"%s\"\n"
	    "}\n"
	    "provider interact {\n"
	    "client_id = \"client\"\n"
	    "client_secret = \"hush\"\n"
	    "}\n", harness_tmpdir(), harness_tmpdir());
	CU_ASSERT_EQUAL_FATAL(fclose(f), 0);
	CU_ASSERT_EQUAL_FATAL(conf_load(path, true, &conf), ERR_OK);
	return conf;
}

/* A database with an app, its key, and one connection with a valid token. */
static void
fill(const struct conf *conf, const struct keyring *keys,
    char key[APPKEY_CHARS + 1])
{
	struct store_app app = { .name = "shop" };
	struct store_connection c;
	struct token_answer t;
	struct store_key row;
	struct store *s;
	bool created;

	CU_ASSERT_EQUAL_FATAL(store_create(conf->database, JOURNAL_AUTO,
	    &created), ERR_OK);
	CU_ASSERT_EQUAL_FATAL(store_open(conf->database, JOURNAL_AUTO,
	    STORE_ROLE_ADMIN, &s), ERR_OK);
	CU_ASSERT_EQUAL_FATAL(store_app_add(s, &app), ERR_OK);
	appkey_new("shop", key, &row);
	CU_ASSERT_EQUAL_FATAL(store_key_add(s, &row), ERR_OK);

	store_connection_init(&c);
	token_answer_init(&t);
	connection_new(&c, "shop", &conf->providers[0]);
	c.bound = true;
	snprintf(c.subject, sizeof(c.subject), "42");
	buf_str(&t.token.access, TOKEN);
	buf_str(&t.token.refresh, "a-refresh-token");
	t.token.expires_in = 3600;
	connection_set_tokens(&c, keys, &t.token, "read", NULL, clock_now());
	CU_ASSERT_EQUAL_FATAL(store_begin(s), ERR_OK);
	CU_ASSERT_EQUAL_FATAL(store_connection_add(s, &c), ERR_OK);
	CU_ASSERT_EQUAL_FATAL(store_commit(s, STORE_DURABLE), ERR_OK);
	token_answer_clear(&t);
	store_connection_clear(&c);
	store_close(s);
}

/* Ask for the token of subject 42; the status of the answer. */
static int
ask(const struct context *ctx, const char *key, const char *form)
{
	char authorization[128], length[64];
	char method[] = "REQUEST_METHOD=POST";
	char type[] = "CONTENT_TYPE=application/x-www-form-urlencoded";
	char *const env[] = { method, type, authorization, length, NULL };
	struct response res;
	struct request req;
	int status;

	snprintf(authorization, sizeof(authorization),
	    "HTTP_AUTHORIZATION=Bearer %s", key);
	snprintf(length, sizeof(length), "CONTENT_LENGTH=%zu", strlen(form));
	CU_ASSERT_EQUAL_FATAL(request_init(&req, env, &status), ERR_OK);
	CU_ASSERT_EQUAL_FATAL(request_parse(&req, form, strlen(form),
	    &status), ERR_OK);
	response_init(&res);
	memset(&ran, 0, sizeof(ran));
	flow_refresh(ctx, &req, &res);
	status = res.status;
	if (status == 200)
		CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&res.body), TOKEN));
	response_clear(&res);
	request_clear(&req);
	return status;
}

static void
a_valid_token_takes_at_most_two_reads_and_no_write(void)
{
	struct conf *conf = configuration();
	struct context ctx = { .conf = conf };
	char key[APPKEY_CHARS + 1];
	int i;

	CU_ASSERT_EQUAL_FATAL(keyring_create(harness_tmpdir(), "token.key"),
	    ERR_OK);
	CU_ASSERT_EQUAL_FATAL(keyring_open(harness_tmpdir(), "token.key",
	    &ctx.token_keys), ERR_OK);
	fill(conf, ctx.token_keys, key);
	CU_ASSERT_EQUAL_FATAL(store_open(conf->database, JOURNAL_AUTO,
	    STORE_ROLE_REFRESH, &ctx.store), ERR_OK);
	sqlite3_trace_v2(ctx.store->db, SQLITE_TRACE_STMT, count, NULL);
	for (i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(ask(&ctx, key, "provider=interact&subject=42"),
		    200);
		CU_ASSERT_EQUAL(ran.reads, 2);
		CU_ASSERT_EQUAL(ran.others, 0);
	}
	/* The key is remembered while nothing of the operator's is new. */
	CU_ASSERT_TRUE(store_is_current(ctx.store));
	CU_ASSERT_EQUAL(ask(&ctx, key, "provider=interact&subject=42"), 200);
	CU_ASSERT_EQUAL(ran.reads, 2);
	CU_ASSERT_EQUAL(ask(&ctx, key, "provider=interact&subject=42"), 200);
	CU_ASSERT_EQUAL(ran.reads, 1);
	CU_ASSERT_EQUAL(ran.others, 0);
	/* Who has no connection costs no more; who has no key, less. */
	CU_ASSERT_EQUAL(ask(&ctx, key, "provider=interact&subject=43"), 404);
	CU_ASSERT_EQUAL(ran.reads, 1);
	CU_ASSERT_EQUAL(ran.others, 0);
	key[APPKEY_CHARS - 1] = key[APPKEY_CHARS - 1] == 'A' ? 'E' : 'A';
	CU_ASSERT_EQUAL(ask(&ctx, key, "provider=interact&subject=42"), 401);
	CU_ASSERT_EQUAL(ran.reads, 1);
	CU_ASSERT_EQUAL(ran.others, 0);
	store_close(ctx.store);
	keyring_close(ctx.token_keys);
	conf_free(conf);
}

static const struct test tests[] = {
	{ "a valid token takes at most two reads and no write",
	    a_valid_token_takes_at_most_two_reads_and_no_write },
};

TESTS_MAIN("flow_refresh", tests)
