/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "harness.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "hostile.h"
#include "httpc.h"
#include "limit.h"
#include "log.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define SHORT_MS	300	/* for servers that never answer */
#define LONG_MS		5000
#define BODY		"grant_type=refresh_token&refresh_token=SECRET-TOKEN"
#define JSON_OK		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" \
			"Content-Length: 13\r\n\r\n{\"fine\":true}"
#define JSON		"{\"fine\":true}"

static const char *ca_file;
static struct buf logged = BUF_INIT(65536);

static void
keep_line(void *arg, const char *line)
{
	(void)arg;
	buf_str(&logged, line);
	buf_char(&logged, '\n');
}

/* Stands before the C library's: a name server that takes its time. */
int
getaddrinfo(const char *host, const char *service,
    const struct addrinfo *hints, struct addrinfo **out)
{
	static int (*real)(const char *, const char *,
	    const struct addrinfo *, struct addrinfo **);

	if (host != NULL && strcmp(host, "slow.test") == 0) {
		peer_sleep_ms(1500);
		return EAI_AGAIN;
	}
	if (host != NULL && strcmp(host, "missing.test") == 0)
		return EAI_NONAME;
	if (real == NULL) {
		void *found = dlsym(RTLD_NEXT, "getaddrinfo");

		memcpy(&real, &found, sizeof(real));
	}
	return real(host, service, hints, out);
}

/*
 * One call, with a URL that nobody may see in a log.
 */
struct call {
	struct httpc		*h;
	struct httpc_answer	 a;
	char			 url[256];
	struct httpc_request	 req;
	int64_t			 took_ms;
};

static void
call_open(struct call *c, const char *scheme, const char *host, int port)
{
	memset(c, 0, sizeof(*c));
	snprintf(c->url, sizeof(c->url), "%s://%s:%d/SECRET-PATH?q=SECRET",
	    scheme, host, port);
	c->req.url = c->url;
	c->req.content_type = "application/x-www-form-urlencoded";
	c->req.body = BODY;
	c->req.body_len = strlen(BODY);
	c->req.allow_http = true;
	c->req.ca_file = ca_file;
	c->req.timeout_ms = LONG_MS;
	httpc_answer_init(&c->a);
	c->h = httpc_open(false);
}

static enum httpc_outcome
call_send(struct call *c)
{
	int64_t began = clock_mono_ms();

	buf_reset(&logged);
	httpc_send(c->h, &c->req, &c->a);
	c->took_ms = clock_mono_ms() - began;
	/* A failure, and only that, is a line: the host, and no more. */
	CU_ASSERT((c->a.outcome == HTTPC_ANSWERED) == (logged.len == 0));
	CU_ASSERT(strstr(buf_cstr(&logged), "SECRET") == NULL);
	CU_ASSERT(strstr(buf_cstr(&logged), "\nhttpc") == NULL);
	if (c->a.outcome != HTTPC_ANSWERED) {
		CU_ASSERT(c->a.status == 0);
		CU_ASSERT(c->a.body.data == NULL && c->a.body.len == 0);
		CU_ASSERT(c->a.retry_after == -1);
		CU_ASSERT(c->a.content_type[0] == '\0');
	}
	return c->a.outcome;
}

static void
call_close(struct call *c)
{
	httpc_answer_clear(&c->a);
	httpc_close(c->h);
}

static bool
body_is(const struct call *c, const char *want)
{
	return c->a.body.len == strlen(want) &&
	    memcmp(buf_cstr(&c->a.body), want, strlen(want)) == 0;
}

static bool
request_has(const struct hostile *s, const char *text)
{
	return strstr(s->seen->request, text) != NULL;
}

/* Start a server and make one call to it; both stay open. */
static enum httpc_outcome
first_call(struct call *c, struct hostile *s, hostile_fn serve,
    enum hostile_tls tls)
{
	hostile_start(s, serve, tls);
	call_open(c, tls == TLS_NONE ? "http" : "https", "127.0.0.1", s->port);
	return call_send(c);
}

static void
end(struct call *c, struct hostile *s)
{
	call_close(c);
	hostile_stop(s);
}

/* Servers that say one thing to each request. */

static const char *say_what;

static void
say(struct peer *p)
{
	while (peer_read(p))
		if (!peer_say(p, say_what))
			return;
}

static void
say_and_close(struct peer *p)
{
	if (peer_read(p))
		peer_say(p, say_what);
}

static void
say_and_cut(struct peer *p)
{
	peer_be_rude(p);
	say_and_close(p);
}

/* Whatever comes: a ClientHello is no request that could be read. */
static void
say_at_once(struct peer *p)
{
	peer_say(p, say_what);
	peer_wait(p);
}

/* One call to a server that says text; counts what arrived. */
static enum httpc_outcome
answer_to(hostile_fn serve, const char *text, struct call *c)
{
	enum httpc_outcome outcome;
	struct hostile s;

	say_what = text;
	outcome = first_call(c, &s, serve, TLS_NONE);
	CU_ASSERT(s.seen->requests == 1);
	hostile_stop(&s);
	return outcome;
}

static void
sends_what_it_is_told(void)
{
	struct hostile s;
	struct call c;

	say_what = JSON_OK;
	hostile_start(&s, say, TLS_NONE);
	call_open(&c, "http", "127.0.0.1", s.port);
	c.req.authorization = "Basic abc=";
	CU_ASSERT(call_send(&c) == HTTPC_ANSWERED);
	CU_ASSERT(c.a.status == 200);
	CU_ASSERT(body_is(&c, JSON));
	CU_ASSERT_STRING_EQUAL(c.a.content_type, "application/json");
	CU_ASSERT(c.a.retry_after == -1);
	CU_ASSERT(strncmp(s.seen->request,
	    "POST /SECRET-PATH?q=SECRET HTTP/1.1\r\n", 37) == 0);
	CU_ASSERT(request_has(&s, "\r\nAccept: application/json\r\n"));
	CU_ASSERT(request_has(&s,
	    "\r\nUser-Agent: oauth-cgi/" PACKAGE_VERSION "\r\n"));
	CU_ASSERT(request_has(&s,
	    "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
	CU_ASSERT(request_has(&s, "\r\nAuthorization: Basic abc=\r\n"));
	CU_ASSERT(request_has(&s, "\r\n\r\n" BODY));
	CU_ASSERT_FALSE(request_has(&s, "Expect"));
	CU_ASSERT_FALSE(request_has(&s, "Encoding"));
	CU_ASSERT_FALSE(request_has(&s, "Cookie"));
	end(&c, &s);
}

static void
carries_nothing_over_to_the_next_call(void)
{
	struct hostile s;
	struct call c;

	say_what = "HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\n"
	    "Content-Length: 13\r\n\r\n" JSON;
	hostile_start(&s, say, TLS_NONE);
	call_open(&c, "http", "127.0.0.1", s.port);
	c.req.authorization = "Bearer one";
	CU_ASSERT(call_send(&c) == HTTPC_ANSWERED);
	c.req.authorization = NULL;
	c.req.content_type = "application/json";
	c.req.body = "{}";
	c.req.body_len = 2;
	CU_ASSERT(call_send(&c) == HTTPC_ANSWERED);
	CU_ASSERT_FALSE(request_has(&s, "Authorization"));
	CU_ASSERT_FALSE(request_has(&s, "Cookie"));
	CU_ASSERT_FALSE(request_has(&s, "urlencoded"));
	CU_ASSERT(request_has(&s, "\r\nContent-Length: 2\r\n"));
	CU_ASSERT(request_has(&s, "\r\n\r\n{}"));
	c.req.body = NULL;
	c.req.body_len = 0;
	CU_ASSERT(call_send(&c) == HTTPC_ANSWERED);
	CU_ASSERT(request_has(&s, "\r\nContent-Length: 0\r\n"));
	CU_ASSERT(s.seen->requests == 3);
	end(&c, &s);
}

/* What GET and HEAD leave behind must not reach the next POST. */
static void
sends_other_methods_and_headers(void)
{
	static const char *const more[] = { "Cookie", "a=b", "X-More", "yes",
	    NULL };
	struct hostile s;
	struct call c;

	say_what = "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
	    "X-Twice: one\r\nX-Twice: two\r\nContent-Length: 0\r\n\r\n";
	hostile_start(&s, say, TLS_NONE);
	call_open(&c, "http", "127.0.0.1", s.port);
	c.req.method = HTTPC_GET;
	c.req.accept = "text/html";
	c.req.headers = more;
	CU_ASSERT(call_send(&c) == HTTPC_ANSWERED);
	CU_ASSERT(strncmp(s.seen->request, "GET /", 5) == 0);
	CU_ASSERT(request_has(&s, "\r\nAccept: text/html\r\n"));
	CU_ASSERT(request_has(&s, "\r\nCookie: a=b\r\n"));
	CU_ASSERT(request_has(&s, "\r\nX-More: yes\r\n"));
	CU_ASSERT_FALSE(request_has(&s, "Content-"));
	CU_ASSERT_FALSE(request_has(&s, "grant_type"));
	CU_ASSERT(c.a.date == 784111777);
	CU_ASSERT_STRING_EQUAL(httpc_header(c.h, "x-twice"), "one");
	CU_ASSERT(httpc_header(c.h, "X-None") == NULL);

	c.req.method = HTTPC_POST;
	c.req.accept = NULL;
	c.req.headers = NULL;
	CU_ASSERT(call_send(&c) == HTTPC_ANSWERED);
	CU_ASSERT(strncmp(s.seen->request, "POST /", 6) == 0);
	CU_ASSERT(request_has(&s, "\r\nAccept: application/json\r\n"));
	CU_ASSERT(request_has(&s, "\r\n\r\n" BODY));
	CU_ASSERT_FALSE(request_has(&s, "X-More"));
	end(&c, &s);
}

/* However long the body would be: it does not come. */
static void
asks_for_headers_alone(void)
{
	struct hostile s;
	struct call c;

	say_what = "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n";
	hostile_start(&s, say, TLS_NONE);
	call_open(&c, "http", "127.0.0.1", s.port);
	c.req.method = HTTPC_HEAD;
	CU_ASSERT(call_send(&c) == HTTPC_ANSWERED);
	CU_ASSERT(c.a.status == 200);
	CU_ASSERT(c.a.body.len == 0);
	CU_ASSERT_STRING_EQUAL(httpc_header(c.h, "Content-Length"),
	    "99999999999");
	CU_ASSERT(strncmp(s.seen->request, "HEAD /", 6) == 0);
	c.req.method = HTTPC_GET;
	CU_ASSERT(call_send(&c) == HTTPC_AMBIGUOUS);
	CU_ASSERT(c.a.failure == HTTPC_TOO_LONG);
	CU_ASSERT(strncmp(s.seen->request, "GET /", 5) == 0);
	end(&c, &s);
}

/* Enough to tell an operator where to look. */
static void
tells_what_failed(void)
{
	static const struct {
		hostile_fn		 serve;
		enum hostile_tls	 tls;
		const char		*scheme, *host, *say;
		enum httpc_failure	 failure;
	} rows[] = {
		{ say, TLS_NONE, "http", "localhost", JSON_OK,
		    HTTPC_NO_FAILURE },
		{ say, TLS_NONE, "http", "missing.test", JSON_OK, HTTPC_DNS },
		{ say_at_once, TLS_NONE, "https", "localhost", JSON_OK,
		    HTTPC_TLS },
		{ say, TLS_EXPIRED, "https", "localhost", JSON_OK,
		    HTTPC_CERTIFICATE },
		{ say_and_cut, TLS_NONE, "http", "localhost", "", HTTPC_CUT },
		{ say_and_close, TLS_NONE, "http", "localhost", "SSH-2.0\r\n",
		    HTTPC_OTHER },
	};
	struct hostile s;
	struct call c;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		say_what = rows[i].say;
		hostile_start(&s, rows[i].serve, rows[i].tls);
		call_open(&c, rows[i].scheme, rows[i].host, s.port);
		call_send(&c);
		if (c.a.failure != rows[i].failure)
			fprintf(stderr, "    row %zu: %d: %s\n", i,
			    (int)c.a.failure, c.a.why);
		CU_ASSERT(c.a.failure == rows[i].failure);
		CU_ASSERT((c.a.why[0] == '\0') ==
		    (c.a.failure == HTTPC_NO_FAILURE));
		end(&c, &s);
	}
	call_open(&c, "http", "127.0.0.1", s.port);	/* nobody any more */
	CU_ASSERT(call_send(&c) == HTTPC_NOT_SENT);
	CU_ASSERT(c.a.failure == HTTPC_CONNECT);
	call_close(&c);
	hostile_start(&s, say, TLS_GOOD);
	call_open(&c, "https", "localhost", s.port);
	c.req.ca_file = "/nowhere/ca.pem";
	CU_ASSERT(call_send(&c) == HTTPC_NOT_SENT);
	CU_ASSERT(c.a.failure == HTTPC_CA_FILE);
	end(&c, &s);
}

static void
sends_a_large_body_without_asking_first(void)
{
	static char large[16000 - 512];
	struct hostile s;
	struct call c;

	memset(large, 'x', sizeof(large));
	say_what = JSON_OK;
	hostile_start(&s, say, TLS_NONE);
	call_open(&c, "http", "127.0.0.1", s.port);
	c.req.body = large;
	c.req.body_len = sizeof(large);
	CU_ASSERT(call_send(&c) == HTTPC_ANSWERED);
	CU_ASSERT_FALSE(request_has(&s, "Expect"));
	CU_ASSERT(s.seen->request_len > sizeof(large));
	end(&c, &s);
}

static void
refuses_a_header_that_would_break_its_line(void)
{
	struct hostile s;
	struct call c;

	say_what = JSON_OK;
	hostile_start(&s, say, TLS_NONE);
	call_open(&c, "http", "127.0.0.1", s.port);
	c.req.authorization = "Bearer SECRET\r\nX-Evil: 1";
	CU_ASSERT(call_send(&c) == HTTPC_NOT_SENT);
	c.req.authorization = NULL;
	c.req.content_type = "a/b\nX-Evil: 1";
	CU_ASSERT(call_send(&c) == HTTPC_NOT_SENT);
	CU_ASSERT(s.seen->connections == 0);
	end(&c, &s);
}

static void
uses_a_kept_connection_again(void)
{
	struct hostile s;
	struct call c;
	int i;

	say_what = JSON_OK;
	hostile_start(&s, say, TLS_GOOD);
	call_open(&c, "https", "localhost", s.port);
	for (i = 0; i < 5; i++)
		CU_ASSERT(call_send(&c) == HTTPC_ANSWERED);
	CU_ASSERT(s.seen->requests == 5);
	CU_ASSERT(s.seen->connections == 1);
	end(&c, &s);
}

/* One provider's connection is kept while another one is asked. */
static void
keeps_a_connection_for_each_of_several_hosts(void)
{
	static const enum hostile_tls tls[] = { TLS_NONE, TLS_GOOD,
	    TLS_ONE_TWO };
	struct hostile s[COUNT(tls)];
	char urls[COUNT(tls)][64];
	struct call c;
	size_t i;

	say_what = JSON_OK;
	for (i = 0; i < COUNT(tls); i++) {
		hostile_start(&s[i], say, tls[i]);
		snprintf(urls[i], sizeof(urls[i]), "%s://127.0.0.1:%d/",
		    tls[i] == TLS_NONE ? "http" : "https", s[i].port);
	}
	call_open(&c, "http", "127.0.0.1", s[0].port);
	for (i = 0; i < 4 * COUNT(tls); i++) {
		c.req.url = urls[i % COUNT(tls)];
		CU_ASSERT(call_send(&c) == HTTPC_ANSWERED);
	}
	for (i = 0; i < COUNT(tls); i++) {
		CU_ASSERT(s[i].seen->requests == 4);
		CU_ASSERT(s[i].seen->connections == 1);
	}
	call_close(&c);
	for (i = 0; i < COUNT(tls); i++)
		hostile_stop(&s[i]);
}

/* Status lines and framings. */

static void
does_not_follow_redirects(void)
{
	static const char *const texts[] = {
		"HTTP/1.1 302 Found\r\nLocation: /else\r\n"
		"Content-Length: 0\r\n\r\n",
		"HTTP/1.1 307 Temporary\r\nLocation: /else\r\n"
		"Content-Length: 0\r\n\r\n",
		"HTTP/1.1 308 Permanent\r\nLocation: http://127.0.0.1:1/\r\n"
		"Content-Length: 0\r\n\r\n",
	};
	static const int want[] = { 302, 307, 308 };
	struct call c;
	size_t i;

	for (i = 0; i < COUNT(texts); i++) {
		CU_ASSERT(answer_to(say, texts[i], &c) == HTTPC_ANSWERED);
		CU_ASSERT(c.a.status == want[i]);
		CU_ASSERT(c.a.body.len == 0);
		call_close(&c);
	}
}

static void
answers_whatever_the_final_status(void)
{
	static const int status[] = { 200, 201, 204, 304, 400, 401, 403, 407,
	    408, 417, 421, 425, 429, 500, 502, 503, 599 };
	char text[256];
	struct call c;
	size_t i;

	for (i = 0; i < COUNT(status); i++) {
		snprintf(text, sizeof(text), "HTTP/1.1 %d X\r\n"
		    "WWW-Authenticate: Basic realm=\"x\"\r\n"
		    "WWW-Authenticate: Negotiate\r\n"
		    "WWW-Authenticate: NTLM\r\n"
		    "Proxy-Authenticate: Basic realm=\"x\"\r\n"
		    "Content-Length: 0\r\n\r\n", status[i]);
		CU_ASSERT(answer_to(say, text, &c) == HTTPC_ANSWERED);
		CU_ASSERT(c.a.status == status[i]);
		call_close(&c);
	}
}

static void
reads_every_framing(void)
{
	static const char *const texts[] = {
		JSON_OK,
		"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n"
		    JSON,
		"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" JSON,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		    "6\r\n{\"fine\r\n7;x=y\r\n\":true}\r\n0\r\nX: y\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\n" JSON_OK,
		"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
		    "HTTP/1.1 100 Continue\r\n\r\n" JSON_OK,
		"HTTP/1.1 200\r\nContent-Length: 13\r\n\r\n" JSON,
		"HTTP/1.1 200 OK\nContent-Length: 13\n\n" JSON,
	};
	struct call c;
	size_t i;

	for (i = 0; i < COUNT(texts); i++) {
		CU_ASSERT(answer_to(say_and_close, texts[i], &c) ==
		    HTTPC_ANSWERED);
		CU_ASSERT(c.a.status == 200);
		CU_ASSERT(body_is(&c, JSON));
		call_close(&c);
	}
}

static void
takes_what_is_not_a_whole_answer_for_ambiguous(void)
{
	static const char *const texts[] = {
		/* nothing, or not HTTP */
		"", "\r\n", JSON, "<html>HTTP/0.9</html>",
		"HTP/1.1 200 OK\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n",
		"ICY 200 OK\r\n\r\n", "HTTP/1.1\r\n\r\n",
		"HTTP/1.1 2xx OK\r\n\r\n", "HTTP/1.1 -20 OK\r\n\r\n",
		"HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n",
		/* not final, or no status there is */
		"HTTP/1.1 100 Continue\r\n\r\n",
		"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n",
		"HTTP/1.1 000 X\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 600 X\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n",
		/* cut */
		"HTTP/1.1 20", "HTTP/1.1 200 OK\r\nContent-Type: app",
		"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n" JSON,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		    "d\r\n" JSON,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		    "d\r\n" JSON "\r\n",
		/* badly framed */
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		    "zz\r\n" JSON "\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		    "ffffffffffffffffff\r\n" JSON "\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n" JSON,
		"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n"
		    "\r\n" JSON,
	};
	struct call c;
	size_t i;

	for (i = 0; i < COUNT(texts); i++) {
		enum httpc_outcome o = answer_to(say_and_close, texts[i], &c);

		if (o != HTTPC_AMBIGUOUS)
			fprintf(stderr, "    row %zu: %d %d\n", i, (int)o,
			    c.a.status);
		CU_ASSERT(o == HTTPC_AMBIGUOUS);
		call_close(&c);
	}
}

static void
nul_in_header(struct peer *p)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nX: a\0b\r\n"
	    "Content-Length: 0\r\n\r\n";

	if (peer_read(p))
		peer_send(p, text, sizeof(text) - 1);
}

static void
nul_in_body(struct peer *p)
{
	if (peer_read(p))
		peer_send(p, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
		    "a\0b\0c", 44 - 1);
}

static void
keeps_nul_bytes_of_a_body(void)
{
	struct hostile s;
	struct call c;

	CU_ASSERT(first_call(&c, &s, nul_in_body, TLS_NONE) ==
	    HTTPC_ANSWERED);
	CU_ASSERT_FATAL(c.a.body.len == 5);
	CU_ASSERT(memcmp(c.a.body.data, "a\0b\0c", 5) == 0);
	end(&c, &s);
	CU_ASSERT(first_call(&c, &s, nul_in_header, TLS_NONE) ==
	    HTTPC_AMBIGUOUS);
	end(&c, &s);
}

static void
hands_out_no_content_type_that_does_not_fit(void)
{
	struct call c;
	char text[512], type[200];

	memset(type, 'x', sizeof(type));
	type[127] = '\0';
	snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n"
	    "Content-Length: 0\r\n\r\n", type);
	CU_ASSERT(answer_to(say, text, &c) == HTTPC_ANSWERED);
	CU_ASSERT_STRING_EQUAL(c.a.content_type, type);
	call_close(&c);
	type[127] = 'x';
	type[128] = '\0';
	snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n"
	    "Content-Length: 0\r\n\r\n", type);
	CU_ASSERT(answer_to(say, text, &c) == HTTPC_ANSWERED);
	CU_ASSERT_STRING_EQUAL(c.a.content_type, "");
	call_close(&c);
}

static void
reads_retry_after_as_seconds_or_date(void)
{
	static const struct {
		const char	*header;
		int64_t		 want;
	} rows[] = {
		{ "X: y", -1 },
		{ "Retry-After: 120", 120 },
		{ "retry-after:  7 ", 7 },
		{ "Retry-After: 0", 0 },
		{ "Retry-After: 99999999999999999999", INT64_MAX },
		{ "Retry-After: Sun, 09 Sep 2001 01:48:20 GMT", 100 },
		{ "Retry-After: Sun, 09 Sep 2001 01:46:39 GMT", 0 },
		{ "Retry-After: Sunday, 09-Sep-01 01:48:20 GMT", 100 },
		{ "Retry-After: -5", -1 },
		{ "Retry-After: 1.5", -1 },
		{ "Retry-After: 20010909", 20010909 },
		{ "Retry-After: soon", -1 },
		{ "Retry-After:", -1 },
	};
	char text[256];
	struct call c;
	size_t i;

	clock_set_for_test(1000000000);
	for (i = 0; i < COUNT(rows); i++) {
		snprintf(text, sizeof(text), "HTTP/1.1 503 Busy\r\n%s\r\n"
		    "Content-Length: 0\r\n\r\n", rows[i].header);
		CU_ASSERT(answer_to(say, text, &c) == HTTPC_ANSWERED);
		if (c.a.retry_after != rows[i].want)
			fprintf(stderr, "    %s\n", rows[i].header);
		CU_ASSERT(c.a.retry_after == rows[i].want);
		call_close(&c);
	}
	/* That of an interim answer is not the answer's. */
	CU_ASSERT(answer_to(say, "HTTP/1.1 103 X\r\nRetry-After: 5\r\n\r\n"
	    JSON_OK, &c) == HTTPC_ANSWERED);
	CU_ASSERT(c.a.retry_after == -1);
	call_close(&c);
	clock_set_for_test(0);
}

/* Servers that waste time. */

static void
stall(struct peer *p)
{
	peer_read(p);
	peer_wait(p);
}

static void
drip(struct peer *p)
{
	const char *s = JSON_OK;

	if (!peer_read(p))
		return;
	for (; *s != '\0' && peer_send(p, s, 1); s++)
		peer_sleep_ms(100);
}

static void
drip_body(struct peer *p)
{
	if (!peer_read(p) ||
	    !peer_say(p, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"))
		return;
	while (peer_say(p, " "))
		peer_sleep_ms(100);
}

static void
never_speaks(struct peer *p)
{
	peer_wait(p);
}

static void
gives_up_when_the_time_is_over(void)
{
	static const hostile_fn serve[] = { stall, drip, drip_body };
	struct hostile s;
	struct call c;
	size_t i;

	for (i = 0; i < COUNT(serve); i++) {
		hostile_start(&s, serve[i], TLS_NONE);
		call_open(&c, "http", "127.0.0.1", s.port);
		c.req.timeout_ms = SHORT_MS;
		CU_ASSERT(call_send(&c) == HTTPC_AMBIGUOUS);
		CU_ASSERT(c.took_ms >= SHORT_MS - 50);
		CU_ASSERT(c.took_ms < SHORT_MS + 500);
		CU_ASSERT(s.seen->requests == 1);
		end(&c, &s);
	}
}

static void
sends_nothing_when_no_time_is_left(void)
{
	struct hostile s;
	struct call c;

	say_what = JSON_OK;
	hostile_start(&s, say, TLS_NONE);
	call_open(&c, "http", "127.0.0.1", s.port);
	c.req.timeout_ms = 0;
	CU_ASSERT(call_send(&c) == HTTPC_NOT_SENT);
	c.req.timeout_ms = -5;
	CU_ASSERT(call_send(&c) == HTTPC_NOT_SENT);
	CU_ASSERT(s.seen->connections == 0);
	end(&c, &s);
}

static void
does_not_wait_for_a_slow_name_server(void)
{
	struct call c;

	call_open(&c, "https", "slow.test", 443);
	c.req.timeout_ms = SHORT_MS;
	CU_ASSERT(call_send(&c) == HTTPC_NOT_SENT);
	CU_ASSERT(c.took_ms < SHORT_MS + 500);
	CU_ASSERT(strstr(buf_cstr(&logged), "slow.test") != NULL);
	call_close(&c);
}

static void
a_tls_handshake_that_stalls_sends_nothing(void)
{
	struct hostile s;
	struct call c;

	hostile_start(&s, never_speaks, TLS_NONE);
	call_open(&c, "https", "127.0.0.1", s.port);
	c.req.timeout_ms = SHORT_MS;
	CU_ASSERT(call_send(&c) == HTTPC_NOT_SENT);
	CU_ASSERT(c.took_ms < SHORT_MS + 500);
	end(&c, &s);
}

/* A socket whose queue is full: it drops what wants to connect. */
static int
full_listener(int *port, int fillers[3])
{
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr *sa = (struct sockaddr *)&in;
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM, 0), i;

	CU_ASSERT_FATAL(fd >= 0 && bind(fd, sa, len) == 0 &&
	    listen(fd, 0) == 0 && getsockname(fd, sa, &len) == 0);
	for (i = 0; i < 3; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(fillers[i], sa, len) != 0)
			continue;
	}
	*port = ntohs(in.sin_port);
	return fd;
}

static void
a_connection_that_never_stands_sends_nothing(void)
{
	int port, i, fillers[3], fd = full_listener(&port, fillers);
	struct call c;

	call_open(&c, "http", "127.0.0.1", port);
	c.req.timeout_ms = SHORT_MS;
	CU_ASSERT(call_send(&c) == HTTPC_NOT_SENT);
	CU_ASSERT(c.took_ms < SHORT_MS + 500);
	call_close(&c);
	close(fd);
	for (i = 0; i < 3; i++)
		close(fillers[i]);

	/* Closed now: refused. */
	call_open(&c, "http", "127.0.0.1", port);
	CU_ASSERT(call_send(&c) == HTTPC_NOT_SENT);
	CU_ASSERT(strstr(buf_cstr(&logged), "127.0.0.1") != NULL);
	call_close(&c);
	call_open(&c, "https", "missing.test", 443);
	CU_ASSERT(call_send(&c) == HTTPC_NOT_SENT);
	CU_ASSERT(strstr(buf_cstr(&logged), "missing.test") != NULL);
	call_close(&c);
}

/* Servers that send too much. */

static void
pour(struct peer *p, const char *head, const char *piece)
{
	static char block[65536];
	size_t i, n = strlen(piece);

	for (i = 0; i + n <= sizeof(block); i += n)
		memcpy(block + i, piece, n);
	if (!peer_read(p) || !peer_say(p, head))
		return;
	while (peer_send(p, block, i))
		;
}

static void
endless_body(struct peer *p)
{
	pour(p, "HTTP/1.1 200 OK\r\n\r\n", "x");
}

static void
endless_chunks(struct peer *p)
{
	pour(p, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	    "4\r\nabcd\r\n");
}

static void
gigabyte(struct peer *p)
{
	pour(p, "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n", "x");
}

static void
endless_header_line(struct peer *p)
{
	pour(p, "HTTP/1.1 200 OK\r\nX: ", "x");
}

static void
endless_headers(struct peer *p)
{
	pour(p, "HTTP/1.1 200 OK\r\n", "X-Name: value\r\n");
}

static void
endless_interim_answers(struct peer *p)
{
	pour(p, "", "HTTP/1.1 100 Continue\r\n\r\n");
}

static void
endless_trailers(struct peer *p)
{
	pour(p, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
	    "X-Name: value\r\n");
}

static void
endless_garbage(struct peer *p)
{
	pour(p, "", "garbage");
}

static void
stops_reading_what_is_too_much(void)
{
	static const hostile_fn serve[] = { endless_body, endless_chunks,
	    gigabyte, endless_header_line, endless_headers,
	    endless_interim_answers, endless_trailers, endless_garbage };
	struct rusage before, after;
	struct hostile s;
	struct call c;
	size_t i;

	getrusage(RUSAGE_SELF, &before);
	for (i = 0; i < COUNT(serve); i++) {
		enum httpc_outcome o = first_call(&c, &s, serve[i], TLS_NONE);

		if (o != HTTPC_AMBIGUOUS || c.took_ms > 1000)
			fprintf(stderr, "    row %zu: %d\n", i, (int)o);
		CU_ASSERT(o == HTTPC_AMBIGUOUS);
		CU_ASSERT(c.took_ms < 1000);
		CU_ASSERT(s.seen->requests == 1);
		/* What is above the limit lies in the sockets' buffers. */
		CU_ASSERT(s.seen->sent < 32u << 20);
		end(&c, &s);
	}
	getrusage(RUSAGE_SELF, &after);
	CU_ASSERT(after.ru_maxrss - before.ru_maxrss < 16 << 10);
}

static size_t body_size;

static void
sized_body(struct peer *p)
{
	static char body[PROVIDER_ANSWER + 1];
	char head[128];

	memset(body, 'x', sizeof(body));
	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\n%s\r\n",
	    peer_number(p) > 1 ? "Connection: close\r\n" : "");
	if (peer_number(p) == 1)
		snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\n"
		    "Content-Length: %zu\r\nConnection: close\r\n\r\n",
		    body_size);
	if (peer_read(p) && peer_say(p, head))
		peer_send(p, body, body_size);
}

/* Once with its length told, once without. */
static void
takes_an_answer_up_to_the_limit(void)
{
	struct hostile s;
	struct call c;
	int i;

	body_size = PROVIDER_ANSWER;
	hostile_start(&s, sized_body, TLS_NONE);
	call_open(&c, "http", "127.0.0.1", s.port);
	for (i = 0; i < 2; i++) {
		CU_ASSERT(call_send(&c) == HTTPC_ANSWERED);
		CU_ASSERT(c.a.body.len == PROVIDER_ANSWER);
	}
	end(&c, &s);
	body_size = PROVIDER_ANSWER + 1;
	hostile_start(&s, sized_body, TLS_NONE);
	call_open(&c, "http", "127.0.0.1", s.port);
	for (i = 0; i < 2; i++)
		CU_ASSERT(call_send(&c) == HTTPC_AMBIGUOUS);
	CU_ASSERT(s.seen->connections == 2);
	end(&c, &s);
}

static void
does_not_unpack_a_body(void)
{
	struct call c;

	CU_ASSERT(answer_to(say, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip"
	    "\r\nContent-Length: 13\r\n\r\n" JSON, &c) == HTTPC_ANSWERED);
	CU_ASSERT(body_is(&c, JSON));
	call_close(&c);
}

/* Kept connections. */

static void
close_on_second(struct peer *p)
{
	if (peer_read(p) && peer_say(p, JSON_OK))
		peer_read(p);
}

static void
reset_on_second(struct peer *p)
{
	if (peer_read(p) && peer_say(p, JSON_OK) && peer_read(p))
		peer_reset(p);
}

static void
says_408_to_second(struct peer *p)
{
	if (peer_read(p) && peer_say(p, JSON_OK) && peer_read(p))
		peer_say(p, "HTTP/1.1 408 Timeout\r\nConnection: close\r\n"
		    "Content-Length: 0\r\n\r\n");
}

/* libcurl by itself would send it again, on a new connection. */
static void
never_sends_a_request_twice(void)
{
	static const struct {
		hostile_fn		serve;
		enum hostile_tls	tls;
		enum httpc_outcome	want;
	} rows[] = {
		{ close_on_second, TLS_NONE, HTTPC_AMBIGUOUS },
		{ reset_on_second, TLS_NONE, HTTPC_AMBIGUOUS },
		{ close_on_second, TLS_GOOD, HTTPC_AMBIGUOUS },
		{ reset_on_second, TLS_GOOD, HTTPC_AMBIGUOUS },
		{ says_408_to_second, TLS_NONE, HTTPC_ANSWERED },
	};
	struct hostile s;
	struct call c;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		CU_ASSERT(first_call(&c, &s, rows[i].serve, rows[i].tls) ==
		    HTTPC_ANSWERED);
		c.req.body = "second=SECRET";
		c.req.body_len = strlen(c.req.body);
		CU_ASSERT(call_send(&c) == rows[i].want);
		peer_sleep_ms(50);
		CU_ASSERT(s.seen->requests == 2);
		CU_ASSERT(request_has(&s, "second=SECRET"));
		/* The handle is none the worse for it. */
		CU_ASSERT(call_send(&c) == HTTPC_ANSWERED);
		CU_ASSERT(s.seen->requests == 3);
		end(&c, &s);
	}
}

static void
close_when_idle(struct peer *p)
{
	if (peer_read(p))
		peer_say(p, JSON_OK);
}

static void
reset_when_idle(struct peer *p)
{
	if (peer_read(p) && peer_say(p, JSON_OK)) {
		peer_sleep_ms(20);
		peer_reset(p);
	}
}

static void
says_408_when_idle(struct peer *p)
{
	if (peer_read(p) && peer_say(p, JSON_OK)) {
		peer_sleep_ms(20);
		peer_say(p, "HTTP/1.1 408 Timeout\r\nConnection: close\r\n"
		    "Content-Length: 0\r\n\r\n");
	}
}

/* A second answer that nobody asked for must not be the next one's. */
static void
answers_twice(struct peer *p)
{
	if (peer_read(p) && peer_say(p, JSON_OK
	    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"))
		peer_wait(p);
}

static void
answers_twice_slowly(struct peer *p)
{
	if (peer_read(p) && peer_say(p, JSON_OK)) {
		peer_sleep_ms(20);
		peer_say(p, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
		    "evil");
		peer_wait(p);
	}
}

static void
takes_a_new_connection_when_the_kept_one_is_spoilt(void)
{
	static const struct {
		hostile_fn		serve;
		enum hostile_tls	tls;
	} rows[] = {
		{ close_when_idle, TLS_NONE }, { close_when_idle, TLS_GOOD },
		{ close_when_idle, TLS_ONE_TWO },
		{ reset_when_idle, TLS_NONE }, { reset_when_idle, TLS_GOOD },
		{ says_408_when_idle, TLS_NONE },
		{ answers_twice, TLS_NONE }, { answers_twice_slowly, TLS_NONE },
	};
	struct hostile s;
	struct call c;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		CU_ASSERT(first_call(&c, &s, rows[i].serve, rows[i].tls) ==
		    HTTPC_ANSWERED);
		CU_ASSERT(body_is(&c, JSON));
		peer_sleep_ms(60);
		if (call_send(&c) != HTTPC_ANSWERED || !body_is(&c, JSON))
			fprintf(stderr, "    row %zu\n", i);
		CU_ASSERT(c.a.outcome == HTTPC_ANSWERED);
		CU_ASSERT(c.a.status == 200);
		CU_ASSERT(body_is(&c, JSON));
		CU_ASSERT(s.seen->requests == 2);
		CU_ASSERT(s.seen->connections == 2);
		end(&c, &s);
	}
}

/* TLS. */

static void
speaks_tls_with_whom_it_trusts(void)
{
	static const enum hostile_tls tls[] = { TLS_GOOD, TLS_ONE_TWO };
	struct hostile s;
	struct call c;
	size_t i;

	say_what = JSON_OK;
	for (i = 0; i < COUNT(tls); i++) {
		CU_ASSERT(first_call(&c, &s, say, tls[i]) == HTTPC_ANSWERED);
		CU_ASSERT(body_is(&c, JSON));
		c.req.allow_http = false;
		CU_ASSERT(call_send(&c) == HTTPC_ANSWERED);
		end(&c, &s);
	}
}

static void
sends_nothing_to_whom_it_does_not_trust(void)
{
	static const struct {
		enum hostile_tls	 tls;
		const char		*reason;
	} rows[] = {
		{ TLS_WRONG_HOST, "name" }, { TLS_EXPIRED, "expired" },
		{ TLS_UNKNOWN_CA, "self-signed" }, { TLS_OLD, "protocol" },
	};
	struct hostile s;
	struct call c;
	size_t i;

	say_what = JSON_OK;
	for (i = 0; i < COUNT(rows); i++) {
		CU_ASSERT(first_call(&c, &s, say, rows[i].tls) ==
		    HTTPC_NOT_SENT);
		if (strstr(buf_cstr(&logged), rows[i].reason) == NULL)
			fprintf(stderr, "    %s\n", buf_cstr(&logged));
		CU_ASSERT(strstr(buf_cstr(&logged), rows[i].reason) != NULL);
		CU_ASSERT(s.seen->connections == 1);
		CU_ASSERT(s.seen->requests == 0);
		end(&c, &s);
	}
}

/* The CA of one call is not that of the next, kept connection or not. */
static void
trusts_a_ca_file_for_its_own_call_alone(void)
{
	struct hostile s;
	struct call c;
	int one_shot;

	say_what = JSON_OK;
	for (one_shot = 0; one_shot < 2; one_shot++) {
		hostile_start(&s, say_and_close, TLS_GOOD);
		call_open(&c, "https", "127.0.0.1", s.port);
		httpc_close(c.h);
		c.h = httpc_open(one_shot == 1);
		c.req.ca_file = NULL;
		CU_ASSERT(call_send(&c) == HTTPC_NOT_SENT);
		c.req.ca_file = ca_file;
		CU_ASSERT(call_send(&c) == HTTPC_ANSWERED);
		c.req.ca_file = NULL;
		CU_ASSERT(call_send(&c) == HTTPC_NOT_SENT);
		c.req.ca_file = "/nonexistent/ca.pem";
		CU_ASSERT(call_send(&c) == HTTPC_NOT_SENT);
		CU_ASSERT(s.seen->requests == 1);
		end(&c, &s);
	}
}

/*
 * Without a length the end of the connection is the end of the body, also when
 * TLS did not say so: servers that do this are found, and a cut JSON text does
 * not parse.
 */
static void
takes_the_end_of_a_tls_connection_for_the_end_of_a_body(void)
{
	struct hostile s;
	struct call c;

	say_what = "HTTP/1.0 200 OK\r\n\r\n" JSON;
	CU_ASSERT(first_call(&c, &s, say_and_cut, TLS_GOOD) ==
	    HTTPC_ANSWERED);
	CU_ASSERT(body_is(&c, JSON));
	end(&c, &s);
	CU_ASSERT(first_call(&c, &s, say_and_close, TLS_GOOD) ==
	    HTTPC_ANSWERED);
	end(&c, &s);
	/* With a length there is no doubt. */
	say_what = "HTTP/1.0 200 OK\r\nContent-Length: 14\r\n\r\n" JSON;
	CU_ASSERT(first_call(&c, &s, say_and_cut, TLS_GOOD) ==
	    HTTPC_AMBIGUOUS);
	end(&c, &s);
}

/* Where it may go. */

static void
goes_to_no_private_address_where_others_chose_the_host(void)
{
	static const char *const hosts[] = { "127.0.0.1", "localhost", "[::1]",
	    "0.0.0.0", "[::]", "10.0.0.1", "169.254.169.254",
	    "[::ffff:127.0.0.1]", "[fe80::1]", "192.168.0.1" };
	struct hostile s;
	struct call c;
	size_t i;

	say_what = JSON_OK;
	hostile_start(&s, say_and_close, TLS_GOOD);
	for (i = 0; i < COUNT(hosts); i++) {
		call_open(&c, "https", hosts[i], s.port);
		c.req.allow_http = false;
		c.req.public_only = true;
		c.req.timeout_ms = 1000;
		CU_ASSERT(call_send(&c) == HTTPC_NOT_SENT);
		CU_ASSERT(c.took_ms < 500);
		CU_ASSERT(strstr(buf_cstr(&logged), "not an address of the "
		    "internet's (not sent)") != NULL);
		call_close(&c);
	}
	CU_ASSERT(s.seen->connections == 0);
	/* For tests the loopback is allowed, and only that. */
	call_open(&c, "https", "127.0.0.1", s.port);
	c.req.public_only = true;
	c.req.allow_http = true;
	CU_ASSERT(call_send(&c) == HTTPC_ANSWERED);
	call_close(&c);
	hostile_stop(&s);
}

/* It was opened by a call that was allowed to. */
static void
nor_over_a_connection_that_is_kept(void)
{
	struct hostile s;
	struct call c;

	say_what = JSON_OK;
	hostile_start(&s, say, TLS_GOOD);
	call_open(&c, "https", "127.0.0.1", s.port);
	CU_ASSERT(call_send(&c) == HTTPC_ANSWERED);
	c.req.allow_http = false;
	c.req.public_only = true;
	CU_ASSERT(call_send(&c) == HTTPC_NOT_SENT);
	CU_ASSERT(strstr(buf_cstr(&logged), "internet's") != NULL);
	c.req.public_only = false;
	CU_ASSERT(call_send(&c) == HTTPC_ANSWERED);
	CU_ASSERT_EQUAL(s.seen->requests, 2);
	end(&c, &s);
}

static void
speaks_http_to_loopback_addresses_alone(void)
{
	/* Linux takes the first two to the loopback interface all the same. */
	static const char *const hosts[] = { "0.0.0.0", "[::ffff:127.0.0.1]",
	    "[::]", "192.0.2.1", "10.0.0.1", "[2001:db8::1]", "0" };
	struct hostile s;
	struct call c;
	size_t i;

	say_what = JSON_OK;
	hostile_start(&s, say_and_close, TLS_NONE);
	for (i = 0; i < COUNT(hosts); i++) {
		call_open(&c, "http", hosts[i], s.port);
		c.req.timeout_ms = 1000;
		CU_ASSERT(call_send(&c) == HTTPC_NOT_SENT);
		CU_ASSERT(c.took_ms < 500);
		CU_ASSERT(strstr(buf_cstr(&logged), "loopback") != NULL);
		call_close(&c);
	}
	CU_ASSERT(s.seen->connections == 0);
	call_open(&c, "http", hosts[0], s.port);
	c.req.public_http = true;
	CU_ASSERT(call_send(&c) == HTTPC_ANSWERED);
	call_close(&c);
	call_open(&c, "http", "localhost", s.port);
	CU_ASSERT(call_send(&c) == HTTPC_ANSWERED);
	call_close(&c);
	call_open(&c, "HTTP", "127.1", s.port);
	CU_ASSERT(call_send(&c) == HTTPC_ANSWERED);
	end(&c, &s);
}

static void
speaks_http_only_when_allowed(void)
{
	struct hostile s;
	struct call c;

	say_what = JSON_OK;
	hostile_start(&s, say, TLS_NONE);
	call_open(&c, "http", "127.0.0.1", s.port);
	c.req.allow_http = false;
	CU_ASSERT(call_send(&c) == HTTPC_NOT_SENT);
	CU_ASSERT(s.seen->connections == 0);
	/* Not by way of a kept connection either. */
	c.req.allow_http = true;
	CU_ASSERT(call_send(&c) == HTTPC_ANSWERED);
	c.req.allow_http = false;
	CU_ASSERT(call_send(&c) == HTTPC_NOT_SENT);
	CU_ASSERT(s.seen->requests == 1);
	end(&c, &s);
}

static void
speaks_nothing_but_http(void)
{
	static const char *const urls[] = {
		"", "/SECRET", "file:///etc/passwd", "ftp://127.0.0.1/SECRET",
		"gopher://127.0.0.1/SECRET", "dict://127.0.0.1/SECRET",
		"ldap://127.0.0.1/SECRET", "https://", "https:///SECRET",
		"https://user:SECRET@127.0.0.1/", "http://user@127.0.0.1/",
		"https://127.0.0.1:99999/SECRET", "https://a b/SECRET",
		"javascript:SECRET",
	};
	struct call c;
	size_t i;

	call_open(&c, "https", "127.0.0.1", 1);
	for (i = 0; i < COUNT(urls); i++) {
		c.req.url = urls[i];
		CU_ASSERT(call_send(&c) == HTTPC_NOT_SENT);
	}
	call_close(&c);
}

static void
takes_no_login_from_a_url(void)
{
	struct hostile s;
	struct call c;

	say_what = JSON_OK;
	hostile_start(&s, say, TLS_NONE);
	call_open(&c, "http", "user:SECRET@127.0.0.1", s.port);
	CU_ASSERT(call_send(&c) == HTTPC_NOT_SENT);
	CU_ASSERT(strstr(buf_cstr(&logged), "user") == NULL);
	CU_ASSERT(s.seen->connections == 0);
	end(&c, &s);
}

static void
ignores_proxies_and_netrc(void)
{
	static const char *const names[] = { "http_proxy", "https_proxy",
	    "HTTPS_PROXY", "HTTP_PROXY", "all_proxy", "ALL_PROXY" };
	char path[512];
	struct hostile s;
	struct call c;
	size_t i;
	FILE *f;

	snprintf(path, sizeof(path), "%s/.netrc", harness_tmpdir());
	f = fopen(path, "w");
	CU_ASSERT_FATAL(f != NULL);
	fputs("machine 127.0.0.1 login me password SECRET\n"
	    "default login me password SECRET\n", f);
	fclose(f);
	for (i = 0; i < COUNT(names); i++)
		setenv(names[i], "http://127.0.0.1:1/", 1);
	setenv("HOME", harness_tmpdir(), 1);

	say_what = JSON_OK;
	CU_ASSERT(first_call(&c, &s, say, TLS_NONE) == HTTPC_ANSWERED);
	CU_ASSERT_FALSE(request_has(&s, "Authorization"));
	end(&c, &s);
	CU_ASSERT(first_call(&c, &s, say, TLS_GOOD) == HTTPC_ANSWERED);
	CU_ASSERT_FALSE(request_has(&s, "Authorization"));
	end(&c, &s);
	for (i = 0; i < COUNT(names); i++)
		unsetenv(names[i]);
}

static void
closes_nothing_without_complaint(void)
{
	struct httpc_answer a;

	httpc_close(NULL);
	httpc_answer_init(&a);
	buf_str(&a.body, "x");
	a.status = 200;
	httpc_answer_clear(&a);
	httpc_answer_clear(&a);
	CU_ASSERT(a.status == 0 && a.body.data == NULL);
	CU_ASSERT(a.outcome == HTTPC_NOT_SENT && a.retry_after == -1);
}

static const struct test tests[] = {
	{ "does not wait for a slow name server",
	    does_not_wait_for_a_slow_name_server },
	{ "sends what it is told", sends_what_it_is_told },
	{ "carries nothing over to the next call",
	    carries_nothing_over_to_the_next_call },
	{ "sends other methods and headers", sends_other_methods_and_headers },
	{ "asks for headers alone", asks_for_headers_alone },
	{ "tells what failed", tells_what_failed },
	{ "sends a large body without asking first",
	    sends_a_large_body_without_asking_first },
	{ "refuses a header that would break its line",
	    refuses_a_header_that_would_break_its_line },
	{ "uses a kept connection again", uses_a_kept_connection_again },
	{ "keeps a connection for each of several hosts",
	    keeps_a_connection_for_each_of_several_hosts },
	{ "does not follow redirects", does_not_follow_redirects },
	{ "answers whatever the final status",
	    answers_whatever_the_final_status },
	{ "reads every framing", reads_every_framing },
	{ "takes what is not a whole answer for ambiguous",
	    takes_what_is_not_a_whole_answer_for_ambiguous },
	{ "keeps NUL bytes of a body", keeps_nul_bytes_of_a_body },
	{ "hands out no content type that does not fit",
	    hands_out_no_content_type_that_does_not_fit },
	{ "reads Retry-After as seconds or date",
	    reads_retry_after_as_seconds_or_date },
	{ "gives up when the time is over", gives_up_when_the_time_is_over },
	{ "sends nothing when no time is left",
	    sends_nothing_when_no_time_is_left },
	{ "a TLS handshake that stalls sends nothing",
	    a_tls_handshake_that_stalls_sends_nothing },
	{ "a connection that never stands sends nothing",
	    a_connection_that_never_stands_sends_nothing },
	{ "stops reading what is too much", stops_reading_what_is_too_much },
	{ "takes an answer up to the limit", takes_an_answer_up_to_the_limit },
	{ "does not unpack a body", does_not_unpack_a_body },
	{ "never sends a request twice", never_sends_a_request_twice },
	{ "takes a new connection when the kept one is spoilt",
	    takes_a_new_connection_when_the_kept_one_is_spoilt },
	{ "speaks TLS with whom it trusts", speaks_tls_with_whom_it_trusts },
	{ "sends nothing to whom it does not trust",
	    sends_nothing_to_whom_it_does_not_trust },
	{ "trusts a CA file for its own call alone",
	    trusts_a_ca_file_for_its_own_call_alone },
	{ "takes the end of a TLS connection for the end of a body",
	    takes_the_end_of_a_tls_connection_for_the_end_of_a_body },
	{ "goes to no private address where others chose the host",
	    goes_to_no_private_address_where_others_chose_the_host },
	{ "nor over a connection that is kept",
	    nor_over_a_connection_that_is_kept },
	{ "speaks http to loopback addresses alone",
	    speaks_http_to_loopback_addresses_alone },
	{ "speaks http only when allowed", speaks_http_only_when_allowed },
	{ "speaks nothing but http", speaks_nothing_but_http },
	{ "takes no login from a URL", takes_no_login_from_a_url },
	{ "ignores proxies and netrc", ignores_proxies_and_netrc },
	{ "closes nothing without complaint",
	    closes_nothing_without_complaint },
};

int
main(void)
{
	int rc;

	log_stream(keep_line, NULL);
	ca_file = hostile_make_ca(harness_tmpdir());
	rc = harness_run("httpc", tests, COUNT(tests));
	hostile_free_ca();
	buf_clear(&logged);
	return rc;
}
