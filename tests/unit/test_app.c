/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "app.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "context.h"
#include "fcgi_client.h"
#include "harness.h"
#include "keyring.h"
#include "lockdown.h"
#include "secretfile.h"
#include "xalloc.h"

extern char **environ;

#define ARGS_MAX 8

static char site[300], conf_path[400], keys[400], database[400], err[400];
static char out[400], path[400];

static void
sleep_ms(long ms)
{
	struct timespec ts = { .tv_sec = ms / 1000,
	    .tv_nsec = (ms % 1000) * 1000000 };

	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		continue;
}

/* ---- the program under test ------------------------------------------- */

static void
handle(const struct context *ctx, struct request *req, struct response *res)
{
	(void)req;
	res->type = RESPONSE_JSON;
	buf_fmt(&res->body, "pid=%ld conf=%d store=%d pending=%d token=%d "
	    "http=%d", (long)getpid(), ctx->conf != NULL, ctx->store != NULL,
	    ctx->pending_keys != NULL, ctx->token_keys != NULL,
	    ctx->http != NULL);
}

static const struct app_spec spec = {
	.name = "start", .methods = METHOD_GET | METHOD_HEAD,
	.allow = "GET, HEAD", .role = STORE_ROLE_START,
	.needs = APP_PENDING_KEYS, .handle = handle,
};

/* ---- its surroundings ------------------------------------------------- */

static char *
read_text(const char *name)
{
	char *text = xcalloc(1, 65536);
	int fd = open(name, O_RDONLY);

	if (fd >= 0) {
		if (read(fd, text, 65535) < 0)
			text[0] = '\0';
		close(fd);
	}
	return text;
}

static int
count_of(const char *name, const char *what)
{
	char *text = read_text(name), *at = text;
	int n = 0;

	while ((at = strstr(at, what)) != NULL) {
		at += strlen(what);
		n++;
	}
	free(text);
	return n;
}

static void
remove_database(void)
{
	static const char *const parts[] = { "", "-wal", "-shm", "-lock" };
	char name[420];
	size_t i;

	for (i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "%s%s", database, parts[i]);
		unlink(name);
	}
}

static void
create_conf(void)
{
	char text[2048];

	snprintf(text, sizeof(text), "site {\n\turl = \"http://localhost/o\"\n"
	    "\tdatabase = \"%s\"\n\tkeys = \"%s\"\n}\n"
	    "provider interact {\n\tclient_id = \"c\"\n"
	    "\tclient_secret = \"s\"\n}\n", database, keys);
	unlink(conf_path);
	CU_ASSERT_EQUAL(secretfile_create(conf_path, text, strlen(text)),
	    ERR_OK);
}

static void
create_database(void)
{
	bool created;

	CU_ASSERT_EQUAL(store_create(database, JOURNAL_AUTO, &created),
	    ERR_OK);
}

/* A site with nothing in it but an empty folder for keys. */
static void
site_empty(void)
{
	char name[420];

	snprintf(site, sizeof(site), "%s/site", harness_tmpdir());
	snprintf(conf_path, sizeof(conf_path), "%s/o.conf", site);
	snprintf(keys, sizeof(keys), "%s/keys", site);
	snprintf(database, sizeof(database), "%s/o.db", site);
	snprintf(err, sizeof(err), "%s/err", site);
	snprintf(out, sizeof(out), "%s/out", site);
	snprintf(path, sizeof(path), "%s/socket", site);
	snprintf(name, sizeof(name), "%s/pending.key", keys);
	mkdir(site, 0700);
	mkdir(keys, 0700);
	unlink(conf_path);
	unlink(err);
	unlink(out);
	unlink(name);
	remove_database();
}

static void
site_full(void)
{
	site_empty();
	create_conf();
	create_database();
	CU_ASSERT_EQUAL(keyring_create(keys, "pending.key"), ERR_OK);
}

/*
 * Run the program with these arguments and this environment (lists that end
 * with a NULL), and descriptor 0.
 */
static pid_t
run(const char *const *args, const char *const *env, int in)
{
	char *argv[ARGS_MAX + 1] = { NULL };
	int argc = 0, fd;
	pid_t pid;

	fflush(NULL);
	if ((pid = fork()) != 0)
		return pid;
	while (args[argc] != NULL && argc < ARGS_MAX) {
		argv[argc] = (char *)(uintptr_t)args[argc];
		argc++;
	}
	environ = NULL;
	for (; *env != NULL; env++)
		putenv((char *)(uintptr_t)*env);
	dup2(in, STDIN_FILENO);
	fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	dup2(fd, STDOUT_FILENO);
	fd = open(err, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(fd, STDERR_FILENO);
	exit(app_main(argc, argv, &spec));
}

/* The exit code within 2 s, or -1. */
static int
wait_exit(pid_t pid)
{
	int64_t until = clock_mono_ms() + 2000;
	int status;
	pid_t got;

	while ((got = waitpid(pid, &status, WNOHANG)) == 0 &&
	    clock_mono_ms() < until)
		sleep_ms(5);
	if (got == 0) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		return -1;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Run it as plain CGI to its end: its exit code. */
static int
run_cgi(const char *const *args, const char *const *env)
{
	int null = open("/dev/null", O_RDONLY), code;

	unlink(err);
	code = wait_exit(run(args, env, null));
	close(null);
	return code;
}

static pid_t
run_fcgi(const char *workers)
{
	const char *const args[] = { "start.fcgi", "-c", conf_path, NULL };
	const char *const env[] = { workers, NULL };
	int listener = fcgi_listen(path);
	pid_t pid = run(args, env, listener);

	close(listener);
	return pid;
}

static int
get(struct fcgi_answer *a)
{
	static const struct fcgi_param params[] = {
		{ "REQUEST_METHOD", "GET" }, { NULL, NULL } };

	return fcgi_request(path, params, NULL, 0, a) ? a->status : 0;
}

static int
get_status(void)
{
	struct fcgi_answer a;
	int status = get(&a);

	fcgi_answer_clear(&a);
	return status;
}

static long
get_pid(void)
{
	struct fcgi_answer a;
	long pid = 0;

	if (get(&a) == 200)
		pid = strtol(a.body + strlen("pid="), NULL, 10);
	fcgi_answer_clear(&a);
	return pid;
}

static void
stop(pid_t pid)
{
	kill(pid, SIGTERM);
	CU_ASSERT_EQUAL(wait_exit(pid), 0);
}

/* ---- starting --------------------------------------------------------- */

static const char *const env_none[] = { NULL };

static void
test_options(void)
{
	static const char *const help[] = { "start.fcgi", "--help", NULL };
	static const char *const version[] = { "x", "--version", NULL };
	static const char *const bad[] = { "x", "--bogus", NULL };
	static const char *const lacks[] = { "x", "-c", NULL };
	static const char *const operand[] = { "x", "operand", NULL };
	static const char *const none[] = { "x", NULL };

	site_empty();
	CU_ASSERT_EQUAL(run_cgi(help, env_none), 0);
	CU_ASSERT_EQUAL(count_of(out, "usage: start.fcgi [-c FILE]\n"), 1);
	CU_ASSERT_EQUAL(run_cgi(version, env_none), 0);
	CU_ASSERT_EQUAL(count_of(out, "start.fcgi (oauth-cgi) "), 1);
	CU_ASSERT_EQUAL(run_cgi(bad, env_none), 2);
	CU_ASSERT_EQUAL(count_of(err, "usage: "), 1);
	CU_ASSERT_EQUAL(run_cgi(lacks, env_none), 2);
	CU_ASSERT_EQUAL(run_cgi(operand, env_none), 2);
	/* By hand: two lines that explain, and nothing done. */
	CU_ASSERT_EQUAL(run_cgi(none, env_none), 2);
	CU_ASSERT_EQUAL(count_of(err, "\n"), 2);
	CU_ASSERT_EQUAL(count_of(err, "web server"), 1);
	CU_ASSERT_EQUAL(count_of(out, "\n"), 0);
}

static void
test_arguments_of_a_request(void)
{
	const char *const args[] = { "x", "-c", conf_path, NULL };
	static const char *const help[] = { "x", "--help", NULL };
	static const char *const with[] = { "REQUEST_METHOD=GET",
	    "QUERY_STRING=a=b", NULL };
	static const char *const empty[] = { "REQUEST_METHOD=GET",
	    "QUERY_STRING=", NULL };
	static const char *const search[] = { "REQUEST_METHOD=GET",
	    "QUERY_STRING=-c+/tmp/evil.conf", NULL };

	site_full();
	CU_ASSERT_EQUAL(run_cgi(args, with), 0);
	CU_ASSERT_EQUAL(count_of(out, "Status: 200 "), 1);
	CU_ASSERT_EQUAL(run_cgi(args, empty), 0);
	CU_ASSERT_EQUAL(count_of(out, "Status: 200 "), 1);
	/* Then the site's file is not read, although it is right. */
	CU_ASSERT_EQUAL(run_cgi(args, search), 0);
	CU_ASSERT_EQUAL(count_of(out, "Status: 503 "), 1);
	CU_ASSERT_EQUAL(count_of(err, conf_path), 0);
	CU_ASSERT_EQUAL(run_cgi(help, search), 0);
	CU_ASSERT_EQUAL(count_of(out, "usage: "), 0);
}

static void
test_methods(void)
{
	const char *const args[] = { "x", "-c", conf_path, NULL };
	static const char *const put[] = { "REQUEST_METHOD=PUT",
	    "HTTP_ACCEPT=application/json", NULL };
	static const char *const post[] = { "REQUEST_METHOD=POST", NULL };
	static const char *const head[] = { "REQUEST_METHOD=HEAD", NULL };
	static const char *const get_it[] = { "REQUEST_METHOD=GET", NULL };
	char *text;

	site_full();
	CU_ASSERT_EQUAL(run_cgi(args, put), 0);
	CU_ASSERT_EQUAL(count_of(out, "Status: 405 "), 1);
	CU_ASSERT_EQUAL(count_of(out, "\r\nAllow: GET, HEAD\r\n"), 1);
	CU_ASSERT_EQUAL(count_of(out, "\"error\":\"invalid_request\""), 1);
	CU_ASSERT_EQUAL(run_cgi(args, post), 0);
	CU_ASSERT_EQUAL(count_of(out, "Status: 405 "), 1);
	CU_ASSERT_EQUAL(count_of(out, "href=\"http://localhost/\""), 1);
	CU_ASSERT_EQUAL(run_cgi(args, head), 0);
	text = read_text(out);
	CU_ASSERT_EQUAL(strncmp(text, "Status: 200 ", 12), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(strstr(text, "\r\n\r\n"));
	CU_ASSERT_STRING_EQUAL(strstr(text, "\r\n\r\n"), "\r\n\r\n");
	free(text);
	CU_ASSERT_EQUAL(run_cgi(args, get_it), 0);
	CU_ASSERT_EQUAL(count_of(out, "conf=1 store=1 pending=1 token=0 "
	    "http=0"), 1);
}

/* ---- what is missing -------------------------------------------------- */

static void
test_missing_things(void)
{
	struct fcgi_answer a;
	int64_t begin;
	pid_t pid;
	int i;

	site_empty();
	pid = run_fcgi("X=");
	CU_ASSERT_EQUAL(get(&a), 503);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&a.out), "Retry-After: 5\r\n"));
	fcgi_answer_clear(&a);
	create_conf();
	CU_ASSERT_EQUAL(keyring_create(keys, "pending.key"), ERR_OK);
	sleep_ms(1050);
	CU_ASSERT_EQUAL(get_status(), 503);
	create_database();
	/* Looked for once per second, whoever asks how often. */
	begin = clock_mono_ms();
	for (i = 0; i < 5 && get_status() == 503; i++)
		continue;
	if (clock_mono_ms() - begin < 900)
		CU_ASSERT_EQUAL(i, 5);
	sleep_ms(1050);
	CU_ASSERT_EQUAL(get_status(), 200);
	CU_ASSERT_EQUAL(get_status(), 200);
	stop(pid);
}

/* Get a 503, and whether its log has these words. */
static bool
is_503_with(const char *words)
{
	struct fcgi_answer a;
	bool has;

	CU_ASSERT_EQUAL(get(&a), 503);
	has = strstr(buf_cstr(&a.err), words) != NULL;
	fcgi_answer_clear(&a);
	return has;
}

static void
test_replaced_database(void)
{
	static const char told[] = "create it with `oauth-cgi init`";
	struct fcgi_answer a;
	pid_t pid;

	site_full();
	pid = run_fcgi("X=");
	CU_ASSERT_EQUAL(get_status(), 200);
	remove_database();
	CU_ASSERT_TRUE(is_503_with(told));
	/* Looked for again, but not told every second. */
	sleep_ms(1050);
	CU_ASSERT_FALSE(is_503_with(told));
	create_database();
	sleep_ms(1050);
	CU_ASSERT_EQUAL(get_status(), 200);
	/* Once it was there, its absence is news. */
	remove_database();
	CU_ASSERT_TRUE(is_503_with(told));
	create_database();
	sleep_ms(1050);
	CU_ASSERT_EQUAL(get_status(), 200);
	remove_database();
	create_database();
	CU_ASSERT_EQUAL(get(&a), 200);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&a.err), "was replaced"));
	fcgi_answer_clear(&a);
	stop(pid);
}

static void
test_reload(void)
{
	pid_t pid;

	site_full();
	pid = run_fcgi("X=");
	CU_ASSERT_EQUAL(get_status(), 200);
	unlink(conf_path);
	kill(pid, SIGHUP);
	CU_ASSERT_EQUAL(get_status(), 200);
	sleep_ms(50);
	CU_ASSERT_EQUAL(count_of(err, "reload failed"), 1);
	create_conf();
	kill(pid, SIGHUP);
	CU_ASSERT_EQUAL(get_status(), 200);
	sleep_ms(50);
	CU_ASSERT_EQUAL(count_of(err, "were read again"), 1);
	stop(pid);
}

/* ---- workers ---------------------------------------------------------- */

static void
test_workers(void)
{
	pid_t pid;
	long first, next;

	site_full();
	pid = run_fcgi("OAUTH_CGI_WORKERS=1");
	first = get_pid();
	CU_ASSERT_TRUE(first > 0 && first != (long)pid);
	kill(pid, SIGHUP);
	sleep_ms(100);
	next = get_pid();
	CU_ASSERT_TRUE(next > 0 && next != first && next != (long)pid);
	stop(pid);
	CU_ASSERT_EQUAL(get_pid(), 0);
}

static void
test_worker_numbers(void)
{
	static const char *const bad[] = { "OAUTH_CGI_WORKERS=0",
	    "OAUTH_CGI_WORKERS=513", "OAUTH_CGI_WORKERS=-1",
	    "OAUTH_CGI_WORKERS= 2", "OAUTH_CGI_WORKERS=2x",
	    "OAUTH_CGI_WORKERS=99999999999999999999" };
	static const char *const cgi[] = { "OAUTH_CGI_WORKERS=3",
	    "REQUEST_METHOD=GET", NULL };
	const char *const args[] = { "x", "-c", conf_path, NULL };
	size_t i;
	pid_t pid;

	site_full();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		unlink(err);
		pid = run_fcgi(bad[i]);
		CU_ASSERT_EQUAL(get_pid(), (long)pid);
		CU_ASSERT_EQUAL(count_of(err, "OAUTH_CGI_WORKERS must be"), 1);
		stop(pid);
	}
	pid = run_fcgi("OAUTH_CGI_WORKERS=");
	CU_ASSERT_EQUAL(get_pid(), (long)pid);
	stop(pid);
	/* Plain CGI is one request, whatever its environment says. */
	CU_ASSERT_EQUAL(run_cgi(args, cgi), 0);
	CU_ASSERT_EQUAL(count_of(out, "Status: 200 "), 1);
}

/* ---- lockdown --------------------------------------------------------- */

/* In a process of its own: 0, or the line of what is not as it should be. */
static int
check_lockdown(void)
{
	struct rlimit core;
	struct stat st;
	int fd;

	if (dup(STDERR_FILENO) < 0 || dup(STDERR_FILENO) < 0)
		return __LINE__;
	close(STDIN_FILENO);
	close(STDERR_FILENO);
	umask(0);
	lockdown();
	for (fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			return __LINE__;
	if (fstat(STDERR_FILENO, &st) < 0 || !S_ISCHR(st.st_mode))
		return __LINE__;
	for (fd = 3; fd < 64; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			return __LINE__;
	if (umask(0) != 077)
		return __LINE__;
	if (getrlimit(RLIMIT_CORE, &core) < 0 || core.rlim_max != 0)
		return __LINE__;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L) != 1)
		return __LINE__;
#ifndef WITH_SANITIZERS
	if (prctl(PR_GET_DUMPABLE, 0L, 0L, 0L, 0L) != 0)
		return __LINE__;
#endif
	if (signal(SIGPIPE, SIG_DFL) != SIG_IGN)
		return __LINE__;
	return 0;
}

static void
test_lockdown(void)
{
	int fds[2], line = -1;
	pid_t pid;

	CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
	fflush(NULL);
	if ((pid = fork()) == 0) {
		/* Standard output is how it can tell. */
		dup2(fds[1], STDOUT_FILENO);
		line = check_lockdown();
		_exit(write(STDOUT_FILENO, &line, sizeof(line)) < 0);
	}
	close(fds[1]);
	CU_ASSERT_EQUAL(read(fds[0], &line, sizeof(line)),
	    (ssize_t)sizeof(line));
	CU_ASSERT_EQUAL(line, 0);
	close(fds[0]);
	waitpid(pid, NULL, 0);
}

static const struct test tests[] = {
	{ "options, usage, and being started by hand", test_options },
	{ "a query's words are never arguments", test_arguments_of_a_request },
	{ "other methods get 405 with Allow, HEAD gets no body",
	    test_methods },
	{ "what is missing is 503, and found when it is there",
	    test_missing_things },
	{ "a replaced database is opened anew", test_replaced_database },
	{ "SIGHUP reads all again, or keeps all", test_reload },
	{ "OAUTH_CGI_WORKERS forks", test_workers },
	{ "OAUTH_CGI_WORKERS out of bounds, or as CGI, is ignored",
	    test_worker_numbers },
	{ "lockdown", test_lockdown },
};

TESTS_MAIN("app", tests)
