/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "gateway.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

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
#include "fcgi_client.h"
#include "harness.h"
#include "limit.h"
#include "log.h"
#include "xalloc.h"

extern char **environ;

#define PROCESSES	3
#define EXIT_BASE	10	/* + enum gateway_end is a server's exit code */

/* Seen by the test and by the servers that it forks. */
struct seen {
	int	begun;		/* requests that reached the handler */
	int	done;
	int	reloads;
};

static volatile struct seen *seen;

static struct server {
	char	path[300];
	char	err[300];	/* standard error of the processes */
	int	listener;
	pid_t	pids[PROCESSES];
	size_t	count;
} server;

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
handle(void *arg, struct request *req, struct response *res)
{
	const char *value;
	long n;

	(void)arg;
	__sync_fetch_and_add(&seen->begun, 1);
	if ((value = params_get(&req->params, "log")) != NULL)
		log_info("told: %s", value);
	if ((value = params_get(&req->params, "sleep")) != NULL)
		sleep_ms(strtol(value, NULL, 10));
	if (params_get(&req->params, "late") != NULL)
		log_info("told late");
	res->type = RESPONSE_JSON;
	if ((value = params_get(&req->params, "fill")) != NULL)
		for (n = strtol(value, NULL, 10); n > 0; n--)
			buf_char(&res->body, 'x');
	else
		buf_fmt(&res->body, "method=%d path=%s length=%zu q=%s b=%s "
		    "id=%s", (int)req->method, req->path_info,
		    req->content_length,
		    params_get(&req->params, "q"),
		    params_get(&req->params, "b"), log_id());
	__sync_fetch_and_add(&seen->done, 1);
}

static void
refuse(void *arg, int status, const struct request *req, struct response *res)
{
	(void)arg;
	(void)request_wants_json(req);
	res->status = status;
	buf_str(&res->body, "refused");
}

static void
reload(void *arg)
{
	(void)arg;
	__sync_fetch_and_add(&seen->reloads, 1);
}

static const struct gateway_handler handler = {
	.handle = handle, .refuse = refuse, .reload = reload,
};

static void
redirect(int from, int to)
{
	if (from != to) {
		dup2(from, to);
		close(from);
	}
}

static pid_t
fork_server(unsigned max_requests)
{
	const struct rlimit none = { 0, 0 };
	pid_t pid;
	int end, fd;

	fflush(NULL);
	if ((pid = fork()) != 0)
		return pid;
	setrlimit(RLIMIT_CORE, &none);
	signal(SIGPIPE, SIG_IGN);
	fd = open(server.err, O_WRONLY | O_CREAT | O_APPEND, 0600);
	redirect(fd, STDERR_FILENO);
	dup2(server.listener, STDIN_FILENO);
	gateway_block_signals();
	end = gateway_is_cgi() ? 99 :
	    EXIT_BASE + (int)gateway_serve(&handler, max_requests);
	exit(end);
}

static void
server_start(size_t count, unsigned max_requests)
{
	snprintf(server.path, sizeof(server.path), "%s/socket",
	    harness_tmpdir());
	snprintf(server.err, sizeof(server.err), "%s/err", harness_tmpdir());
	unlink(server.err);
	*(struct seen *)(uintptr_t)seen = (struct seen){ 0 };
	if (server.listener <= 0)
		server.listener = fcgi_listen(server.path);
	CU_ASSERT_FATAL(server.listener >= 0);
	for (server.count = 0; server.count < count; server.count++)
		server.pids[server.count] = fork_server(max_requests);
}

/* The exit code of that process, or -signal; -1000 if it is still there. */
static int
server_wait(size_t i, int64_t ms)
{
	int64_t until = clock_mono_ms() + ms;
	int status;
	pid_t got;

	while ((got = waitpid(server.pids[i], &status, WNOHANG)) == 0 &&
	    clock_mono_ms() < until)
		sleep_ms(5);
	if (got != server.pids[i])
		return -1000;
	server.pids[i] = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Stop all that are left; every one must end at once and in good order. */
static void
server_stop(void)
{
	size_t i;
	int end;

	for (i = 0; i < server.count; i++)
		if (server.pids[i] > 0)
			kill(server.pids[i], SIGTERM);
	for (i = 0; i < server.count; i++) {
		if (server.pids[i] <= 0)
			continue;
		end = server_wait(i, 2000);
		CU_ASSERT_EQUAL(end, EXIT_BASE + (int)GATEWAY_STOPPED);
		if (end == -1000)
			kill(server.pids[i], SIGKILL);
	}
}

static bool
wait_for(const volatile int *counter, int value)
{
	int64_t until = clock_mono_ms() + 5000;

	while (*counter < value && clock_mono_ms() < until)
		sleep_ms(2);
	return *counter >= value;
}

static char *
read_text(const char *path)
{
	char *text = xcalloc(1, 65536);
	int fd = open(path, O_RDONLY);

	if (fd >= 0) {
		if (read(fd, text, 65535) < 0)
			text[0] = '\0';
		close(fd);
	}
	return text;
}

static bool
contains(const struct fcgi_answer *a, const char *text)
{
	return strstr(a->body, text) != NULL;
}

/* A GET with that query; the status, 0 for no answer. */
static int
get(const char *query, struct fcgi_answer *a)
{
	const struct fcgi_param params[] = {
		{ "REQUEST_METHOD", "GET" }, { "QUERY_STRING", query },
		{ "PATH_INFO", "/p" }, { NULL, NULL }
	};

	return fcgi_request(server.path, params, NULL, 0, a) ? a->status : 0;
}

static int
get_status(const char *query)
{
	struct fcgi_answer a;
	int status = get(query, &a);

	fcgi_answer_clear(&a);
	return status;
}

static int
post(const char *length, const char *body, struct fcgi_answer *a)
{
	const struct fcgi_param params[] = {
		{ "REQUEST_METHOD", "POST" }, { "CONTENT_LENGTH", length },
		{ "CONTENT_TYPE", "application/x-www-form-urlencoded" },
		{ NULL, NULL }
	};

	return fcgi_request(server.path, params, body, strlen(body), a) ?
	    a->status : 0;
}

static int
post_status(const char *length, const char *body)
{
	struct fcgi_answer a;
	int status = post(length, body, &a);

	fcgi_answer_clear(&a);
	return status;
}

/* Begin a GET and leave the answer to be read; the connection. */
static int
get_begin(const char *query, bool keep)
{
	struct buf vars = BUF_INIT(65536), all = BUF_INIT(65536);
	int fd = fcgi_connect(server.path);

	fcgi_add_param(&vars, "REQUEST_METHOD", "GET");
	fcgi_add_param(&vars, "QUERY_STRING", query);
	fcgi_add_begin(&all, FCGI_ROLE_RESPONDER, keep);
	fcgi_add_record(&all, FCGI_TYPE_PARAMS, vars.data, vars.len);
	fcgi_add_end(&all, FCGI_TYPE_PARAMS);
	fcgi_add_end(&all, FCGI_TYPE_STDIN);
	CU_ASSERT_TRUE(fcgi_send(fd, &all));
	buf_clear(&vars);
	buf_clear(&all);
	return fd;
}

/* ---- FastCGI: requests ------------------------------------------------ */

static void
test_answers(void)
{
	struct fcgi_answer a;

	server_start(1, 0);
	CU_ASSERT_EQUAL(get("q=one%20two", &a), 200);
	CU_ASSERT_TRUE(contains(&a, "method=1 path=/p length=0 q=one two "));
	CU_ASSERT_EQUAL(a.err.len, 0);
	fcgi_answer_clear(&a);
	CU_ASSERT_EQUAL(post("5", "b=abc", &a), 200);
	CU_ASSERT_TRUE(contains(&a, "method=4 path= length=5 "));
	CU_ASSERT_TRUE(contains(&a, " b=abc "));
	fcgi_answer_clear(&a);
	server_stop();
}

static void
test_every_request_is_its_own(void)
{
	struct fcgi_answer a;

	/* Nothing of a POST is left for the GET that comes after it. */
	server_start(1, 0);
	CU_ASSERT_EQUAL(post_status("5", "b=abc"), 200);
	CU_ASSERT_EQUAL(get("", &a), 200);
	CU_ASSERT_TRUE(contains(&a, "length=0 q=(null) b=(null) "));
	fcgi_answer_clear(&a);
	server_stop();
}

static void
test_large_answer(void)
{
	struct fcgi_answer a;

	server_start(1, 0);
	CU_ASSERT_EQUAL(get("fill=262144", &a), 200);
	CU_ASSERT_EQUAL(strlen(a.body), 262144);
	fcgi_answer_clear(&a);
	server_stop();
}

static void
test_body_after_length_is_not_read(void)
{
	struct fcgi_answer a;

	server_start(1, 0);
	CU_ASSERT_EQUAL(post("5", "b=abcdef&q=1", &a), 200);
	CU_ASSERT_TRUE(contains(&a, "q=(null) b=abc "));
	fcgi_answer_clear(&a);
	server_stop();
}

static void
test_log_goes_to_error_stream(void)
{
	struct fcgi_answer a;
	const char *id;
	char *err;

	server_start(1, 0);
	CU_ASSERT_EQUAL(get("log=hello", &a), 200);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&a.err), "told: hello\n"));
	/* The page's number is the one in the log. */
	CU_ASSERT_PTR_NOT_NULL_FATAL(id = strstr(a.body, "id="));
	CU_ASSERT_EQUAL(strlen(id + 3), 8);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&a.err), id + 3));
	fcgi_answer_clear(&a);
	err = read_text(server.err);
	CU_ASSERT_STRING_EQUAL(err, "");
	free(err);
	server_stop();
}

static void
test_log_of_a_client_that_left(void)
{
	char *err;
	int fd;

	server_start(1, 0);
	fd = get_begin("sleep=150&late=1", false);
	CU_ASSERT_TRUE(wait_for(&seen->begun, 1));
	close(fd);
	CU_ASSERT_TRUE(wait_for(&seen->done, 1));
	CU_ASSERT_EQUAL(get_status("q=next"), 200);
	err = read_text(server.err);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "told late\n"));
	free(err);
	server_stop();
}

/* ---- FastCGI: limits -------------------------------------------------- */

static void
test_huge_variable(void)
{
	const size_t size = (size_t)50 << 20;
	char *value = xmalloc(size + 1);
	struct fcgi_param params[] = { { "REQUEST_METHOD", "GET" },
	    { "HTTP_X", value }, { NULL, NULL } };
	struct fcgi_answer a;

	memset(value, 'v', size);
	value[size] = '\0';
	server_start(1, 0);
	CU_ASSERT_TRUE(fcgi_request(server.path, params, NULL, 0, &a));
	CU_ASSERT_EQUAL(a.status, 400);
	CU_ASSERT_STRING_EQUAL(a.body, "refused");
	fcgi_answer_clear(&a);
	CU_ASSERT_EQUAL(seen->begun, 0);
	CU_ASSERT_EQUAL(get_status(""), 200);
	server_stop();
	free(value);
}

/* A request with n variables besides three; its status. */
static int
many_variables(size_t n)
{
	struct fcgi_param *params = xcalloc(n + 3, sizeof(*params));
	struct fcgi_answer a;
	int status;
	size_t i;

	params[0] = (struct fcgi_param){ "REQUEST_METHOD", "GET" };
	for (i = 1; i <= n; i++)
		params[i] = (struct fcgi_param){ "HTTP_X", "1" };
	status = fcgi_request(server.path, params, NULL, 0, &a) ? a.status : 0;
	fcgi_answer_clear(&a);
	free(params);
	return status;
}

static void
test_many_variables(void)
{
	server_start(1, 0);
	CU_ASSERT_EQUAL(many_variables(100000), 400);
	/* FCGI_ROLE and REQUEST_METHOD count too. */
	CU_ASSERT_EQUAL(many_variables(LIMIT_ENV_COUNT - 1), 400);
	CU_ASSERT_EQUAL(seen->begun, 0);
	CU_ASSERT_EQUAL(many_variables(LIMIT_ENV_COUNT - 2), 200);
	server_stop();
}

static void
test_lengths(void)
{
	struct {
		const char	*length;
		const char	*body;
		int		 status;
	} t[] = {
		{ "garbage", "b=1", 400 }, { "-3", "b=1", 400 },
		{ "3 ", "b=1", 400 }, { "+3", "b=1", 400 },
		{ "0x3", "b=1", 400 }, { "3", "b=1", 200 },
		{ "", "b=1", 200 }, { "0", "", 200 },
		{ "4", "b=1", 400 }, { "3", "", 400 },
		{ "65537", "b=1", 413 },
		{ "99999999999999999999999999", "b=1", 413 },
	};
	size_t i;

	server_start(1, 0);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		CU_ASSERT_EQUAL(post_status(t[i].length, t[i].body),
		    t[i].status);
	server_stop();
}

static void
test_body_limit(void)
{
	char *body = xmalloc((2 << 20) + 1);
	struct fcgi_answer a;

	server_start(1, 0);
	memset(body, 'b', (2 << 20));
	memcpy(body, "b=", 2);
	body[LIMIT_BODY] = '\0';
	CU_ASSERT_EQUAL(post_status("65536", body), 200);
	/* The answer gets there although nobody reads what is sent. */
	body[LIMIT_BODY] = 'b';
	body[2 << 20] = '\0';
	CU_ASSERT_EQUAL(post("2097152", body, &a), 413);
	CU_ASSERT_STRING_EQUAL(a.body, "refused");
	fcgi_answer_clear(&a);
	CU_ASSERT_EQUAL(seen->begun, 1);
	server_stop();
	free(body);
}

static void
test_query_limit(void)
{
	char *query = xmalloc(LIMIT_QUERY + 2);

	server_start(1, 0);
	memset(query, 'q', LIMIT_QUERY + 1);
	memcpy(query, "q=", 2);
	query[LIMIT_QUERY + 1] = '\0';
	CU_ASSERT_EQUAL(get_status(query), 414);
	query[LIMIT_QUERY] = '\0';
	CU_ASSERT_EQUAL(get_status(query), 200);
	server_stop();
	free(query);
}

static void
test_malformed_query(void)
{
	server_start(1, 0);
	CU_ASSERT_EQUAL(get_status("q=%zz"), 400);
	CU_ASSERT_EQUAL(get_status("q=%00"), 400);
	CU_ASSERT_EQUAL(seen->begun, 0);
	server_stop();
}

static void
test_authorizer_is_refused(void)
{
	struct buf all = BUF_INIT(4096);
	struct fcgi_answer a;
	int fd;

	server_start(1, 0);
	fd = fcgi_connect(server.path);
	fcgi_add_begin(&all, FCGI_ROLE_AUTHORIZER, false);
	fcgi_add_end(&all, FCGI_TYPE_PARAMS);
	CU_ASSERT_TRUE(fcgi_send(fd, &all));
	CU_ASSERT_TRUE(fcgi_receive(fd, &a));
	CU_ASSERT_EQUAL(a.status, 500);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&a.err), "responder"));
	CU_ASSERT_EQUAL(seen->begun, 0);
	fcgi_answer_clear(&a);
	close(fd);
	buf_clear(&all);
	server_stop();
}

/* ---- FastCGI: bad peers ----------------------------------------------- */

static void
test_crafted_lengths(void)
{
	static const unsigned char lengths[][8] = {
		{ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
		{ 0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xfe },
		{ 0xff, 0xff, 0xff, 0xfe, 0x80, 0x00, 0x00, 0x10 },
		{ 0xc0, 0x00, 0x00, 0x00, 0xbf, 0xff, 0xff, 0xfe },
	};
	struct fcgi_answer a;
	size_t i;
	int fd;

	/* Some versions of libfcgi die of these, but never go on. */
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct buf all = BUF_INIT(4096);

		server_start(1, 0);
		fd = fcgi_connect(server.path);
		fcgi_add_begin(&all, FCGI_ROLE_RESPONDER, false);
		fcgi_add_record(&all, FCGI_TYPE_PARAMS, lengths[i], 8);
		fcgi_add_record(&all, FCGI_TYPE_PARAMS, "xxxxxxxx", 8);
		fcgi_add_end(&all, FCGI_TYPE_PARAMS);
		fcgi_add_end(&all, FCGI_TYPE_STDIN);
		CU_ASSERT_TRUE(fcgi_send(fd, &all));
		CU_ASSERT_FALSE(fcgi_receive(fd, &a));
		CU_ASSERT_EQUAL(a.out.len, 0);
		CU_ASSERT_EQUAL(seen->begun, 0);
		fcgi_answer_clear(&a);
		close(fd);
		buf_clear(&all);
		if (server_wait(0, 200) == -1000) {
			CU_ASSERT_EQUAL(get_status(""), 200);
			server_stop();
		}
	}
}

static void
test_garbage_and_cut_requests(void)
{
	struct buf all = BUF_INIT(4096);
	size_t cut;
	int fd;

	server_start(1, 0);
	fcgi_add_begin(&all, FCGI_ROLE_RESPONDER, false);
	fcgi_add_record(&all, FCGI_TYPE_PARAMS, "\016\003REQUEST_METHODGET",
	    19);
	/* Cut after each byte, until only the end of the variables lacks. */
	for (cut = all.len; cut > 0; cut--) {
		buf_cut(&all, cut);
		fd = fcgi_connect(server.path);
		CU_ASSERT_TRUE(fcgi_send(fd, &all));
		close(fd);
	}
	fd = fcgi_connect(server.path);
	buf_reset(&all);
	buf_str(&all, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
	CU_ASSERT_TRUE(fcgi_send(fd, &all));
	shutdown(fd, SHUT_WR);
	CU_ASSERT_EQUAL(get_status(""), 200);
	CU_ASSERT_EQUAL(seen->begun, 1);
	close(fd);
	buf_clear(&all);
	server_stop();
}

static void
test_silent_client(void)
{
	int64_t start = clock_mono_ms(), took;
	int fd;

	server_start(1, 0);
	fd = fcgi_connect(server.path);
	CU_ASSERT_TRUE(fd >= 0);
	sleep_ms(50);
	CU_ASSERT_EQUAL(get_status(""), 200);
	took = clock_mono_ms() - start;
	CU_ASSERT_TRUE(took >= 1900);
	CU_ASSERT_TRUE(took < 4000);
	close(fd);
	server_stop();
}

static void
test_kept_connection(void)
{
	struct fcgi_answer a;
	int64_t start;
	int fd;

	server_start(1, 0);
	fd = get_begin("q=1", true);
	start = clock_mono_ms();
	/* True only when the server has closed it. */
	CU_ASSERT_TRUE(fcgi_receive(fd, &a));
	CU_ASSERT_TRUE(clock_mono_ms() - start < 1000);
	CU_ASSERT_EQUAL(a.status, 200);
	fcgi_answer_clear(&a);
	/* Although this one does not close its end, the next is served. */
	start = clock_mono_ms();
	CU_ASSERT_EQUAL(get_status(""), 200);
	CU_ASSERT_TRUE(clock_mono_ms() - start < 1000);
	close(fd);
	server_stop();
}

/* ---- FastCGI: the process --------------------------------------------- */

static void
test_stop_while_idle(void)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGUSR1 };
	size_t i;

	for (i = 0; i < 3; i++) {
		server_start(1, 0);
		CU_ASSERT_EQUAL(get_status(""), 200);
		kill(server.pids[0], signals[i]);
		CU_ASSERT_EQUAL(server_wait(0, 1000),
		    EXIT_BASE + (int)GATEWAY_STOPPED);
	}
}

static void
test_stop_before_first_wait(void)
{
	int i;

	/* No moment between start and wait may lose it. */
	for (i = 0; i < 40; i++) {
		server_start(1, 0);
		sleep_ms(i % 8);
		kill(server.pids[0], SIGHUP);
		kill(server.pids[0], SIGTERM);
		/* It may also come before it could be blocked. */
		switch (server_wait(0, 2000)) {
		case EXIT_BASE + (int)GATEWAY_STOPPED:
		case -SIGTERM:
		case -SIGHUP:
			break;
		default:
			CU_FAIL("a SIGTERM was lost");
		}
	}
}

static void
test_stop_during_request(void)
{
	struct fcgi_answer a;
	int fd, next;

	server_start(1, 0);
	fd = get_begin("sleep=400&q=1", false);
	CU_ASSERT_TRUE(wait_for(&seen->begun, 1));
	kill(server.pids[0], SIGTERM);
	next = get_begin("q=2", false);
	CU_ASSERT_TRUE(fcgi_receive(fd, &a));
	CU_ASSERT_EQUAL(a.status, 200);
	CU_ASSERT_TRUE(contains(&a, "q=1 "));
	fcgi_answer_clear(&a);
	CU_ASSERT_EQUAL(server_wait(0, 1000),
	    EXIT_BASE + (int)GATEWAY_STOPPED);
	/* Who came after the signal waits for whoever serves next. */
	CU_ASSERT_EQUAL(seen->begun, 1);
	server_start(1, 0);
	CU_ASSERT_TRUE(fcgi_receive(next, &a));
	CU_ASSERT_TRUE(contains(&a, "q=2 "));
	fcgi_answer_clear(&a);
	close(fd);
	close(next);
	server_stop();
}

static void
test_signal_during_body(void)
{
	struct buf all = BUF_INIT(65536), vars = BUF_INIT(4096);
	struct fcgi_answer a;
	int fd;

	server_start(1, 0);
	fd = fcgi_connect(server.path);
	fcgi_add_param(&vars, "REQUEST_METHOD", "POST");
	fcgi_add_param(&vars, "CONTENT_LENGTH", "8");
	fcgi_add_param(&vars, "CONTENT_TYPE",
	    "application/x-www-form-urlencoded");
	fcgi_add_begin(&all, FCGI_ROLE_RESPONDER, false);
	fcgi_add_record(&all, FCGI_TYPE_PARAMS, vars.data, vars.len);
	fcgi_add_end(&all, FCGI_TYPE_PARAMS);
	fcgi_add_record(&all, FCGI_TYPE_STDIN, "b=ab", 4);
	CU_ASSERT_TRUE(fcgi_send(fd, &all));
	sleep_ms(100);
	kill(server.pids[0], SIGHUP);
	kill(server.pids[0], SIGTERM);
	sleep_ms(50);
	buf_reset(&all);
	fcgi_add_record(&all, FCGI_TYPE_STDIN, "cdef", 4);
	fcgi_add_end(&all, FCGI_TYPE_STDIN);
	CU_ASSERT_TRUE(fcgi_send(fd, &all));
	CU_ASSERT_TRUE(fcgi_receive(fd, &a));
	CU_ASSERT_EQUAL(a.status, 200);
	CU_ASSERT_TRUE(contains(&a, " b=abcdef "));
	CU_ASSERT_EQUAL(server_wait(0, 1000),
	    EXIT_BASE + (int)GATEWAY_STOPPED);
	fcgi_answer_clear(&a);
	close(fd);
	buf_clear(&all);
	buf_clear(&vars);
}

static void
test_reload(void)
{
	struct fcgi_answer a;
	int fd;

	server_start(1, 0);
	CU_ASSERT_EQUAL(get_status(""), 200);
	kill(server.pids[0], SIGHUP);
	CU_ASSERT_TRUE(wait_for(&seen->reloads, 1));
	fd = get_begin("sleep=200", false);
	CU_ASSERT_TRUE(wait_for(&seen->begun, 2));
	kill(server.pids[0], SIGHUP);
	sleep_ms(50);
	CU_ASSERT_EQUAL(seen->reloads, 1);	/* not inside a request */
	CU_ASSERT_TRUE(fcgi_receive(fd, &a));
	CU_ASSERT_EQUAL(a.status, 200);
	CU_ASSERT_TRUE(wait_for(&seen->reloads, 2));
	fcgi_answer_clear(&a);
	close(fd);
	server_stop();
}

static void
test_max_requests(void)
{
	int fd;

	server_start(1, 3);
	fd = fcgi_connect(server.path);	/* no request: does not count */
	close(fd);
	CU_ASSERT_EQUAL(get_status(""), 200);
	CU_ASSERT_EQUAL(get_status("q=%zz"), 400);
	CU_ASSERT_EQUAL(server_wait(0, 50), -1000);
	CU_ASSERT_EQUAL(get_status(""), 200);
	CU_ASSERT_EQUAL(server_wait(0, 1000),
	    EXIT_BASE + (int)GATEWAY_SERVED);
}

static void
test_parallel(void)
{
	struct fcgi_answer a;
	int fds[8], round, i;
	int64_t start = clock_mono_ms();

	server_start(PROCESSES, 0);
	for (round = 0; round < 5; round++) {
		for (i = 0; i < 8; i++)
			fds[i] = get_begin("sleep=30&q=p", false);
		for (i = 0; i < 8; i++) {
			CU_ASSERT_TRUE(fcgi_receive(fds[i], &a));
			CU_ASSERT_EQUAL(a.status, 200);
			fcgi_answer_clear(&a);
			close(fds[i]);
		}
	}
	/* One process alone would need 40 × 30 ms. */
	CU_ASSERT_TRUE(clock_mono_ms() - start < 1100);
	CU_ASSERT_EQUAL(seen->done, 40);
	server_stop();
}

static void
test_not_a_socket(void)
{
	int saved = server.listener;

	server_start(0, 0);
	server.listener = open("/dev/null", O_RDWR);
	server.pids[0] = fork_server(0);
	CU_ASSERT_EQUAL(server_wait(0, 1000), 99);	/* that is CGI */
	close(server.listener);
	/* A socket that nobody listens on. */
	server.listener = socket(AF_UNIX, SOCK_STREAM, 0);
	server.pids[0] = fork_server(0);
	CU_ASSERT_EQUAL(server_wait(0, 1000), EXIT_BASE + (int)GATEWAY_FAILED);
	close(server.listener);
	server.listener = saved;
}

/* A GET over TCP to the server's port. Whether it was answered. */
static bool
get_tcp(in_port_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = port };
	struct buf all = BUF_INIT(4096);
	struct fcgi_answer a;
	bool ok;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CU_ASSERT_EQUAL(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	fcgi_add_begin(&all, FCGI_ROLE_RESPONDER, false);
	fcgi_add_record(&all, FCGI_TYPE_PARAMS, "\016\003REQUEST_METHODGET",
	    19);
	fcgi_add_end(&all, FCGI_TYPE_PARAMS);
	fcgi_add_end(&all, FCGI_TYPE_STDIN);
	(void)fcgi_send(fd, &all);
	ok = fcgi_receive(fd, &a) && a.status == 200;
	fcgi_answer_clear(&a);
	close(fd);
	buf_clear(&all);
	return ok;
}

static void
test_tcp_addresses(void)
{
	static const struct {
		const char	*addresses;
		bool		 answered;
	} t[] = {
		{ "", true }, { "127.0.0.1", true },
		{ "10.0.0.1,127.0.0.1", true }, { "10.0.0.1", false },
		{ "127.0.0.10", false }, { "127.0.0", false },
	};
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int saved = server.listener;
	size_t i;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server.listener = socket(AF_INET, SOCK_STREAM, 0);
	CU_ASSERT_EQUAL_FATAL(bind(server.listener,
	    (struct sockaddr *)&sin, sizeof(sin)), 0);
	CU_ASSERT_EQUAL(listen(server.listener, 8), 0);
	getsockname(server.listener, (struct sockaddr *)&sin, &len);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		setenv("FCGI_WEB_SERVER_ADDRS", t[i].addresses, 1);
		server_start(1, 0);
		CU_ASSERT_EQUAL(get_tcp(sin.sin_port), t[i].answered);
		server_stop();
	}
	unsetenv("FCGI_WEB_SERVER_ADDRS");
	close(server.listener);
	server.listener = saved;
}

/* ---- plain CGI -------------------------------------------------------- */

struct cgi {
	pid_t	pid;
	int	in;		/* to its standard input */
	int	out;		/* from its standard output */
};

/*
 * Start the program as plain CGI between these, of which each [0] is read
 * and each [1] is written; env ends with a NULL.
 */
static struct cgi
cgi_start_between(const int in[2], const int out[2], const char *const *env)
{
	struct cgi c;

	fflush(NULL);
	c.in = in[1];
	c.out = out[0];
	if ((c.pid = fork()) != 0) {
		close(in[0]);
		close(out[1]);
		return c;
	}
	close(in[1]);
	close(out[0]);
	redirect(in[0], STDIN_FILENO);
	redirect(out[1], STDOUT_FILENO);
	signal(SIGPIPE, SIG_IGN);
	environ = NULL;
	for (; *env != NULL; env++)
		putenv((char *)(uintptr_t)*env);
	gateway_block_signals();
	if (!gateway_is_cgi())
		_exit(98);
	gateway_cgi(&handler);
	exit(0);
}

static struct cgi
cgi_start(const char *const *env)
{
	int in[2], out[2];

	CU_ASSERT_EQUAL_FATAL(pipe(in), 0);
	CU_ASSERT_EQUAL_FATAL(pipe(out), 0);
	return cgi_start_between(in, out, env);
}

/* All that it writes, to be freed; its exit code in *end. */
static char *
cgi_finish(struct cgi *c, int *end)
{
	char *text = xcalloc(1, 400000);
	size_t len = 0;
	ssize_t n;
	int status = 0;

	close(c->in);
	while ((n = read(c->out, text + len, 399999 - len)) > 0)
		len += (size_t)n;
	CU_ASSERT_EQUAL(n, 0);	/* a reset would make it worthless */
	close(c->out);
	CU_ASSERT_EQUAL(waitpid(c->pid, &status, 0), c->pid);
	*end = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
	return text;
}

static void
cgi_check(const char *const *env, const char *body, const char *head,
    const char *text)
{
	struct cgi c = cgi_start(env);
	ssize_t n;
	char *out;
	int end;

	/* One that refuses may be gone before it could read. */
	n = write(c.in, body, strlen(body));
	CU_ASSERT_TRUE(n == (ssize_t)strlen(body) ||
	    (n < 0 && errno == EPIPE));
	out = cgi_finish(&c, &end);
	CU_ASSERT_EQUAL(end, 0);
	CU_ASSERT_EQUAL(strncmp(out, head, strlen(head)), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(out, text));
	free(out);
}

static void
test_cgi(void)
{
	static const char *const env_get[] = { "REQUEST_METHOD=GET",
	    "QUERY_STRING=q=1", "PATH_INFO=/x", NULL };
	static const char *const env_post[] = { "REQUEST_METHOD=POST",
	    "CONTENT_LENGTH=5",
	    "CONTENT_TYPE=application/x-www-form-urlencoded", NULL };
	static const char *const env_garbage[] = { "REQUEST_METHOD=POST",
	    "CONTENT_LENGTH=five", NULL };
	static const char *const env_fill[] = { "REQUEST_METHOD=GET",
	    "QUERY_STRING=fill=200000", NULL };

	cgi_check(env_get, "", "Status: 200 ",
	    "\r\n\r\nmethod=1 path=/x length=0 q=1 ");
	cgi_check(env_post, "b=abc", "Status: 200 ", " b=abc ");
	cgi_check(env_post, "b=abcdef", "Status: 200 ", " b=abc ");
	cgi_check(env_post, "b=ab", "Status: 400 ", "\r\n\r\nrefused");
	cgi_check(env_garbage, "b=abc", "Status: 400 ", "\r\n\r\nrefused");
	cgi_check(env_fill, "", "Status: 200 ", "xxxx");
}

static void
test_cgi_large_answer_is_complete(void)
{
	static const char *const env[] = { "REQUEST_METHOD=GET",
	    "QUERY_STRING=fill=200000", NULL };
	struct cgi c = cgi_start(env);
	char *out, *body;
	int end;

	fcntl(c.out, F_SETPIPE_SZ, 4096);
	sleep_ms(50);		/* the pipe is full by now */
	out = cgi_finish(&c, &end);
	body = strstr(out, "\r\n\r\n");
	CU_ASSERT_PTR_NOT_NULL_FATAL(body);
	CU_ASSERT_EQUAL(strlen(body + 4), 200000);
	free(out);
}

/* As with mod_cgid: a byte of the body left unread would reset it. */
static void
test_cgi_one_socket(void)
{
	static const char *const refused[] = { "REQUEST_METHOD=POST",
	    "CONTENT_LENGTH=100000", NULL };
	static const char *const chunked[] = { "REQUEST_METHOD=POST",
	    "HTTP_TRANSFER_ENCODING=chunked", NULL };
	static const char *const *const envs[] = { refused, chunked };
	char *body = xcalloc(1, 100000), *text;
	int pair[2], in[2], out[2], end;
	struct cgi c;
	size_t i;

	for (i = 0; i < sizeof(envs) / sizeof(envs[0]); i++) {
		CU_ASSERT_EQUAL_FATAL(
		    socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		in[0] = pair[0];
		in[1] = pair[1];
		out[0] = dup(pair[1]);
		out[1] = dup(pair[0]);
		c = cgi_start_between(in, out, envs[i]);
		CU_ASSERT_EQUAL(write(c.in, body, 100000), 100000);
		shutdown(c.in, SHUT_WR);
		text = cgi_finish(&c, &end);
		CU_ASSERT_EQUAL(end, 0);
		CU_ASSERT_EQUAL(strncmp(text, "Status: ", 8), 0);
		free(text);
	}
	free(body);
}

static void
test_cgi_signals_wait(void)
{
	static const char *const env[] = { "REQUEST_METHOD=POST",
	    "CONTENT_LENGTH=8",
	    "CONTENT_TYPE=application/x-www-form-urlencoded", NULL };
	struct cgi c = cgi_start(env);
	char *out;
	int end;

	sleep_ms(100);
	CU_ASSERT_EQUAL(write(c.in, "b=ab", 4), 4);
	kill(c.pid, SIGTERM);
	kill(c.pid, SIGHUP);
	sleep_ms(50);
	CU_ASSERT_EQUAL(write(c.in, "cdef", 4), 4);
	out = cgi_finish(&c, &end);
	CU_ASSERT_EQUAL(end, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(out, " b=abcdef "));
	free(out);
}

static void
test_cgi_nobody_reads(void)
{
	static const char *const env[] = { "REQUEST_METHOD=GET",
	    "QUERY_STRING=sleep=50", NULL };
	struct cgi c = cgi_start(env);
	int status = -1;

	*(struct seen *)(uintptr_t)seen = (struct seen){ 0 };
	close(c.out);
	close(c.in);
	CU_ASSERT_EQUAL(waitpid(c.pid, &status, 0), c.pid);
	CU_ASSERT_EQUAL(status, 0);
	CU_ASSERT_EQUAL(seen->done, 1);
}

static const struct test tests[] = {
	{ "a request is answered", test_answers },
	{ "nothing of a request is left for the next",
	    test_every_request_is_its_own },
	{ "a large answer arrives whole", test_large_answer },
	{ "a body is read up to its length",
	    test_body_after_length_is_not_read },
	{ "log lines go to the error stream, with the page's number",
	    test_log_goes_to_error_stream },
	{ "log lines are not lost when the client has left",
	    test_log_of_a_client_that_left },
	{ "a variable of 50 MB is refused", test_huge_variable },
	{ "100000 variables are refused", test_many_variables },
	{ "CONTENT_LENGTH is checked and kept to", test_lengths },
	{ "a body past the limit is refused, and the answer arrives",
	    test_body_limit },
	{ "a query past the limit is refused", test_query_limit },
	{ "a malformed query is refused", test_malformed_query },
	{ "another role than responder is refused",
	    test_authorizer_is_refused },
	{ "crafted lengths are never a request", test_crafted_lengths },
	{ "cut requests and garbage are forgotten",
	    test_garbage_and_cut_requests },
	{ "a silent client loses its connection", test_silent_client },
	{ "a connection is never kept", test_kept_connection },
	{ "SIGTERM, SIGINT and SIGUSR1 stop an idle process",
	    test_stop_while_idle },
	{ "a signal is never lost", test_stop_before_first_wait },
	{ "a stop during a request finishes the answer",
	    test_stop_during_request },
	{ "a signal does not cut the body", test_signal_during_body },
	{ "SIGHUP reloads between requests", test_reload },
	{ "a process ends after its number of requests", test_max_requests },
	{ "three processes serve eight clients", test_parallel },
	{ "what is no listening socket is refused", test_not_a_socket },
	{ "over TCP only the named addresses are served", test_tcp_addresses },
	{ "plain CGI: a request is answered", test_cgi },
	{ "plain CGI: a large answer is written whole",
	    test_cgi_large_answer_is_complete },
	{ "plain CGI: an answer arrives though the body was not taken",
	    test_cgi_one_socket },
	{ "plain CGI: signals wait for the end", test_cgi_signals_wait },
	{ "plain CGI: the work is done though nobody reads",
	    test_cgi_nobody_reads },
};

int
main(void)
{
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (seen == MAP_FAILED)
		return 99;
	signal(SIGPIPE, SIG_IGN);
	return harness_run("gateway", tests, sizeof(tests) / sizeof(tests[0]));
}
