/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "workers.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "fcgi_client.h"
#include "gateway.h"
#include "harness.h"

#define COUNT		3
#define BORN_MAX	64

/* Seen by the test, the parent of the workers, and the workers. */
struct seen {
	int	born;			/* workers that have begun */
	int64_t	born_ms[BORN_MAX];
	int	begun;			/* requests */
	int	done;
	int	reloads;
	int	version;		/* what the parent has read */
	int	fail;			/* workers end at once with this */
};

static volatile struct seen *seen;
static int listener = -1;
static char path[300];
static pid_t parent;
static int loaded;		/* shared copy-on-write with the workers */

static void
sleep_ms(long ms)
{
	struct timespec ts = { .tv_sec = ms / 1000,
	    .tv_nsec = (ms % 1000) * 1000000 };

	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		continue;
}

/* ---- the workers ------------------------------------------------------ */

static void
handle(void *arg, struct request *req, struct response *res)
{
	const char *value;

	(void)arg;
	__sync_fetch_and_add(&seen->begun, 1);
	if ((value = params_get(&req->params, "sleep")) != NULL)
		sleep_ms(strtol(value, NULL, 10));
	res->type = RESPONSE_JSON;
	buf_fmt(&res->body, "%ld %d", (long)getpid(), loaded);
	__sync_fetch_and_add(&seen->done, 1);
}

static void
refuse(void *arg, int status, const struct request *req, struct response *res)
{
	(void)arg;
	(void)req;
	res->status = status;
}

static void
reload(void *arg)
{
	(void)arg;
	__sync_fetch_and_add(&seen->reloads, 1);
	loaded = seen->version;
}

static int
work(void *arg)
{
	const unsigned *max_requests = arg;
	const struct gateway_handler h = { .handle = handle,
	    .refuse = refuse, .reload = reload };
	int n = __sync_fetch_and_add(&seen->born, 1);

	if (n < BORN_MAX)
		seen->born_ms[n] = clock_mono_ms();
	if (seen->fail != 0)
		return seen->fail;
	return gateway_serve(&h, *max_requests) == GATEWAY_FAILED;
}

/* ---- the parent ------------------------------------------------------- */

static void
become_parent(unsigned max_requests)
{
	struct workers w = { .count = COUNT, .work = work, .reload = reload,
	    .arg = &max_requests };
	int fd = open("/dev/null", O_WRONLY);

	dup2(fd, STDERR_FILENO);
	dup2(listener, STDIN_FILENO);
	signal(SIGPIPE, SIG_IGN);
	gateway_block_signals();
	if (gateway_is_cgi())
		_exit(98);
	exit(workers_run(&w));
}

static bool
wait_for(const volatile int *counter, int value, int64_t ms)
{
	int64_t until = clock_mono_ms() + ms;

	while (*counter < value && clock_mono_ms() < until)
		sleep_ms(2);
	return *counter >= value;
}

static void
pool_start(unsigned max_requests, int fail)
{
	snprintf(path, sizeof(path), "%s/socket", harness_tmpdir());
	if (listener < 0)
		listener = fcgi_listen(path);
	CU_ASSERT_FATAL(listener >= 0);
	memset((void *)(uintptr_t)seen, 0, sizeof(*seen));
	seen->fail = fail;
	fflush(NULL);
	if ((parent = fork()) == 0)
		become_parent(max_requests);
	CU_ASSERT_TRUE(wait_for(&seen->born, COUNT, 2000));
}

/* Whether the parent ends in good order within ms. */
static bool
pool_ends(int64_t ms)
{
	int64_t until = clock_mono_ms() + ms;
	int status = -1;
	pid_t got;

	while ((got = waitpid(parent, &status, WNOHANG)) == 0 &&
	    clock_mono_ms() < until)
		sleep_ms(2);
	if (got == parent)
		return status == 0;
	kill(parent, SIGKILL);
	waitpid(parent, &status, 0);
	return false;
}

static void
pool_stop(void)
{
	kill(parent, SIGTERM);
	CU_ASSERT_TRUE(pool_ends(1000));
}

static int
request_begin(const char *query)
{
	struct buf vars = BUF_INIT(4096), all = BUF_INIT(8192);
	int fd = fcgi_connect(path);

	fcgi_add_param(&vars, "REQUEST_METHOD", "GET");
	fcgi_add_param(&vars, "QUERY_STRING", query);
	fcgi_add_begin(&all, FCGI_ROLE_RESPONDER, false);
	fcgi_add_record(&all, FCGI_TYPE_PARAMS, vars.data, vars.len);
	fcgi_add_end(&all, FCGI_TYPE_PARAMS);
	fcgi_add_end(&all, FCGI_TYPE_STDIN);
	CU_ASSERT_TRUE(fcgi_send(fd, &all));
	buf_clear(&vars);
	buf_clear(&all);
	return fd;
}

/* The worker that answered, and what it had loaded; 0 for no answer. */
static pid_t
request_end(int fd, int *version)
{
	struct fcgi_answer a;
	long pid = 0;
	char *end;

	*version = -1;
	if (fcgi_receive(fd, &a) && a.status == 200) {
		pid = strtol(a.body, &end, 10);
		*version = (int)strtol(end, NULL, 10);
	}
	fcgi_answer_clear(&a);
	close(fd);
	return (pid_t)pid;
}

static pid_t
ask(const char *query)
{
	int version;

	return request_end(request_begin(query), &version);
}

/* The processes of three requests at once; whether they differ. */
static bool
ask_at_once(pid_t pids[COUNT])
{
	int fds[COUNT], i, version;

	for (i = 0; i < COUNT; i++) {
		fds[i] = request_begin("sleep=60");
		sleep_ms(10);
	}
	for (i = 0; i < COUNT; i++)
		pids[i] = request_end(fds[i], &version);
	return pids[0] > 0 && pids[1] > 0 && pids[2] > 0 &&
	    pids[0] != pids[1] && pids[1] != pids[2] && pids[0] != pids[2];
}

/* The same; a busy machine may let one worker sleep until another is free. */
static bool
ask_all(pid_t pids[COUNT])
{
	int tries;

	for (tries = 0; tries < 20; tries++)
		if (ask_at_once(pids))
			return true;
	return false;
}

static bool
is_gone(pid_t pid)
{
	int64_t until = clock_mono_ms() + 1000;

	/* When its parent is gone it is ours: main() makes us a subreaper. */
	while (kill(pid, 0) == 0 && clock_mono_ms() < until) {
		waitpid(pid, NULL, WNOHANG);
		sleep_ms(5);
	}
	return kill(pid, 0) < 0 && errno == ESRCH;
}

/* ---- tests ------------------------------------------------------------ */

static void
test_all_serve(void)
{
	pid_t pids[COUNT];

	pool_start(0, 0);
	CU_ASSERT_TRUE(ask_all(pids));
	CU_ASSERT_NOT_EQUAL(pids[0], parent);
	CU_ASSERT_EQUAL(seen->born, COUNT);
	pool_stop();
}

static void
test_killed_one_is_replaced(void)
{
	pid_t pids[COUNT], again[COUNT];
	int64_t start;

	pool_start(0, 0);
	CU_ASSERT_TRUE(ask_all(pids));
	sleep_ms(1000);		/* it has lived long enough */
	start = clock_mono_ms();
	kill(pids[0], SIGKILL);
	CU_ASSERT_TRUE(wait_for(&seen->born, COUNT + 1, 2000));
	CU_ASSERT_TRUE(clock_mono_ms() - start < 500);
	CU_ASSERT_TRUE(ask_all(again));
	CU_ASSERT_NOT_EQUAL(again[0], pids[0]);
	CU_ASSERT_NOT_EQUAL(again[1], pids[0]);
	CU_ASSERT_NOT_EQUAL(again[2], pids[0]);
	pool_stop();
}

static void
test_recycling(void)
{
	int64_t start = clock_mono_ms();
	pid_t first, next;
	int i;

	/* Ending after its requests is not dying early: no waiting. */
	pool_start(2, 0);
	for (i = 0; i < 40; i++)
		CU_ASSERT_TRUE(ask("") > 0);
	CU_ASSERT_TRUE(clock_mono_ms() - start < 3000);
	CU_ASSERT_TRUE(wait_for(&seen->born, COUNT + 18, 1000));
	first = ask("");
	for (i = 0; i < 10; i++)
		next = ask("");
	CU_ASSERT_NOT_EQUAL(first, next);
	pool_stop();
}

static void
test_early_deaths(void)
{
	int i;

	pool_start(0, 1);
	sleep_ms(3500);
	/* Three at the start, and then one per second for all of them. */
	CU_ASSERT_EQUAL(seen->born, COUNT + 3);
	for (i = COUNT; i < COUNT + 3; i++)
		CU_ASSERT_TRUE(seen->born_ms[i] - seen->born_ms[i - 1] >= 900);
	/* What was wrong is mended: all of them come back. */
	seen->fail = 0;
	CU_ASSERT_TRUE(wait_for(&seen->born, COUNT + 6, 3500));
	sleep_ms(300);
	CU_ASSERT_EQUAL(seen->born, COUNT + 6);
	CU_ASSERT_TRUE(ask("") > 0);
	pool_stop();
}

static void
test_stop_while_idle(void)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGUSR1 };
	pid_t pids[COUNT];
	size_t i;
	int n;

	for (i = 0; i < 3; i++) {
		pool_start(0, 0);
		CU_ASSERT_TRUE(ask_all(pids));
		kill(parent, signals[i]);
		CU_ASSERT_TRUE(pool_ends(1000));
		for (n = 0; n < COUNT; n++)
			CU_ASSERT_TRUE(is_gone(pids[n]));
		CU_ASSERT_EQUAL(seen->born, COUNT);
	}
}

static void
test_stop_finishes_answers(void)
{
	int fds[COUNT], i, version;

	pool_start(0, 0);
	for (i = 0; i < COUNT; i++)
		fds[i] = request_begin("sleep=500");
	CU_ASSERT_TRUE(wait_for(&seen->begun, COUNT, 1000));
	kill(parent, SIGTERM);
	sleep_ms(50);
	kill(parent, SIGTERM);	/* mod_fcgid repeats itself */
	for (i = 0; i < COUNT; i++)
		CU_ASSERT_TRUE(request_end(fds[i], &version) > 0);
	CU_ASSERT_TRUE(pool_ends(500));
	CU_ASSERT_EQUAL(seen->done, COUNT);
	CU_ASSERT_EQUAL(seen->born, COUNT);
}

static void
test_death_of_parent(void)
{
	pid_t pids[COUNT];
	int version, i, fd;

	pool_start(0, 0);
	CU_ASSERT_TRUE(ask_all(pids));
	fd = request_begin("sleep=300");
	CU_ASSERT_TRUE(wait_for(&seen->begun, COUNT + 1, 1000));
	kill(parent, SIGKILL);
	CU_ASSERT_EQUAL(waitpid(parent, NULL, 0), parent);
	CU_ASSERT_TRUE(request_end(fd, &version) > 0);
	for (i = 0; i < COUNT; i++)
		CU_ASSERT_TRUE(is_gone(pids[i]));
}

static void
test_reload(void)
{
	int fds[COUNT], i, version, busy;
	pid_t pids[COUNT], answered;

	pool_start(0, 0);
	CU_ASSERT_TRUE(ask_all(pids));
	busy = request_begin("sleep=400");
	CU_ASSERT_TRUE(wait_for(&seen->begun, COUNT + 1, 1000));
	seen->version = 7;
	kill(parent, SIGHUP);
	/* Two were idle: they are replaced at once, the third later. */
	CU_ASSERT_TRUE(wait_for(&seen->born, COUNT + 2, 300));
	CU_ASSERT_EQUAL(seen->reloads, 1);
	answered = request_end(busy, &version);
	CU_ASSERT_TRUE(answered == pids[0] || answered == pids[1] ||
	    answered == pids[2]);
	CU_ASSERT_EQUAL(version, 0);
	CU_ASSERT_TRUE(wait_for(&seen->born, COUNT + 3, 300));
	for (i = 0; i < COUNT; i++)
		fds[i] = request_begin("sleep=50");
	for (i = 0; i < COUNT; i++) {
		answered = request_end(fds[i], &version);
		CU_ASSERT_EQUAL(version, 7);
		CU_ASSERT_TRUE(answered > 0 && answered != pids[0] &&
		    answered != pids[1] && answered != pids[2]);
	}
	CU_ASSERT_EQUAL(seen->born, COUNT + 3);
	pool_stop();
}

static void
test_ignored_sigchld(void)
{
	pid_t pids[COUNT];

	/* Some supervisors leave it ignored. */
	signal(SIGCHLD, SIG_IGN);
	pool_start(0, 0);
	signal(SIGCHLD, SIG_DFL);
	CU_ASSERT_TRUE(ask_all(pids));
	sleep_ms(1000);
	kill(pids[1], SIGKILL);
	CU_ASSERT_TRUE(wait_for(&seen->born, COUNT + 1, 500));
	pool_stop();
}

static const struct test tests[] = {
	{ "all workers serve one socket", test_all_serve },
	{ "a killed worker is replaced at once", test_killed_one_is_replaced },
	{ "a worker that has served its requests is replaced at once",
	    test_recycling },
	{ "after early deaths one per second is replaced", test_early_deaths },
	{ "SIGTERM, SIGINT and SIGUSR1 end an idle pool within a second",
	    test_stop_while_idle },
	{ "a stop finishes the answers in flight", test_stop_finishes_answers },
	{ "workers end when their parent is killed, after their answer",
	    test_death_of_parent },
	{ "SIGHUP replaces the workers by ones with the new data",
	    test_reload },
	{ "an ignored SIGCHLD of the starter does no harm",
	    test_ignored_sigchld },
};

int
main(void)
{
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (seen == MAP_FAILED ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L) < 0)
		return 99;
	return harness_run("workers", tests, sizeof(tests) / sizeof(tests[0]));
}
