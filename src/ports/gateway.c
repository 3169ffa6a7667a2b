/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "gateway.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "fastcgi.h"
#include "limit.h"
#include "listener.h"
#include "log.h"
#include "wipe.h"

/* Head and body of a response together. */
#define OUT_MAX		(RESPONSE_BODY_MAX + RESPONSE_LOCATION_MAX + 8192)

/* How long a web server may be silent within a body, and behind it. */
#define WAIT_BODY	10000
#define WAIT_REST	2000

/* Where one request comes from. */
struct source {
	char *const	*env;
	bool		(*read)(void *arg, char *at, size_t len); /* all len */
	void		*arg;
	int		 refused;	/* status decided beforehand, or 0 */
};

/* Take the request apart; on failure *status says what to answer. */
static enum err
take(const struct source *src, struct request *req, struct buf *body,
    int *status)
{
	enum err e;
	char *at;

	if ((e = request_init(req, src->env, status)) != ERR_OK)
		return e;
	*status = 400;
	if (req->content_length > 0 &&
	    ((at = buf_reserve(body, req->content_length)) == NULL ||
	    !src->read(src->arg, at, req->content_length)))
		return ERR_INPUT;
	return request_parse(req, body->data, body->len, status);
}

/* Have one request answered, and write the whole response to out. */
static void
answer(const struct gateway_handler *h, const struct source *src,
    struct buf *out)
{
	struct buf body = BUF_INIT(LIMIT_BODY);
	struct request req = { .path_info = "", .query = "" };
	struct response res;
	int status = src->refused;

	response_init(&res);
	if (status == 0 && take(src, &req, &body, &status) == ERR_OK)
		h->handle(h->arg, &req, &res);
	else
		h->refuse(h->arg, status, &req, &res);
	response_write(&res, out);
	if (buf_failed(out)) {
		log_error("gateway: the response is too large");
		buf_clear(out);
		response_reset(&res);
		res.status = 500;
		response_write(&res, out);
	}
	response_clear(&res);
	request_clear(&req);
	buf_clear(&body);
}

/* ---- plain CGI -------------------------------------------------------- */

/* Whether a failed read or write is to be tried again. */
static bool
again(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	if (errno == EINTR)
		return true;
	/* A web server may have left its end of the pipe non-blocking. */
	return errno == EAGAIN && (poll(&p, 1, WAIT_BODY) > 0);
}

static bool
cgi_read(void *arg, char *at, size_t len)
{
	size_t *got = arg;
	ssize_t n;

	while (len > 0) {
		n = read(STDIN_FILENO, at, len);
		if (n == 0 || (n < 0 && !again(STDIN_FILENO, POLLIN)))
			return false;
		if (n > 0) {
			at += n;
			len -= (size_t)n;
			*got += (size_t)n;
		}
	}
	return true;
}

/* The length of the body as it was declared, within what we would read. */
static size_t
cgi_body_length(void)
{
	const char *length = getenv("CONTENT_LENGTH");
	unsigned long long n = 0;

	if (length != NULL && *length != '\0')
		n = strtoull(length, NULL, 10);
	else if (getenv("HTTP_TRANSFER_ENCODING") != NULL)
		n = LIMIT_DROPPED;	/* Apache passes it on, its end is EOF */
	return n < LIMIT_DROPPED ? (size_t)n : LIMIT_DROPPED;
}

/*
 * Read what was not taken of the body. With Apache's mod_cgid one socket is
 * our input and our output: closed with something unread in it, the kernel
 * would take back the answer.
 */
static void
cgi_drop_rest(size_t got)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	size_t length = cgi_body_length();
	char trash[4096];
	ssize_t n;

	while (got < length && poll(&p, 1, WAIT_REST) > 0) {
		n = read(STDIN_FILENO, trash, length - got < sizeof(trash) ?
		    length - got : sizeof(trash));
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	wipe(trash, sizeof(trash));
}

void
gateway_cgi(const struct gateway_handler *h)
{
	size_t got = 0, done = 0;
	const struct source src = { .env = environ, .read = cgi_read,
	    .arg = &got };
	struct buf out = BUF_INIT(OUT_MAX);
	ssize_t n;

	log_request_begin();
	answer(h, &src, &out);
	cgi_drop_rest(got);
	while (done < out.len) {
		n = write(STDOUT_FILENO, out.data + done, out.len - done);
		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || !again(STDOUT_FILENO, POLLOUT))
			break;	/* nobody reads; what was asked is done */
	}
	log_request_end();
	buf_clear(&out);
}

/* ---- FastCGI ---------------------------------------------------------- */

static bool
fcgi_read(void *arg, char *at, size_t len)
{
	return fastcgi_read(arg, at, len);
}

/*
 * Every line goes out at once, so that none is lost when the process dies in
 * the middle of a request, and to standard error if the web server has left.
 */
static void
fcgi_log(void *arg, const char *line)
{
	if (!fastcgi_log(arg, line))
		dprintf(STDERR_FILENO, "%s\n", line);
}

/* The status to refuse a request with, or 0. */
static int
judge(enum fastcgi_begin begun)
{
	switch (begun) {
	case FASTCGI_REFUSED:
		log_warn("gateway: too many variables, or too long, or "
		    "malformed");
		return 400;
	case FASTCGI_ROLE:
		log_error("gateway: this program is a FastCGI responder; the "
		    "web server is configured to use it as something else");
		return 500;
	default:
		return 0;
	}
}

/* Serve the connection fd and close it; false if no request came by it. */
static bool
serve(const struct gateway_handler *h, struct fastcgi *f, int fd)
{
	struct source src = { .read = fcgi_read, .arg = f };
	enum fastcgi_begin begun = fastcgi_begin(f, fd);
	struct buf out = BUF_INIT(OUT_MAX);

	if (begun == FASTCGI_GONE)
		return false;
	log_request_begin();
	log_stream(fcgi_log, f);
	src.env = fastcgi_env(f);
	src.refused = judge(begun);
	answer(h, &src, &out);
	fastcgi_answer(f, &out);
	log_stream(NULL, NULL);
	log_request_end();
	fastcgi_end(f);
	buf_clear(&out);
	return true;
}

bool
gateway_is_cgi(void)
{
	return !listener_is_there();
}

void
gateway_block_signals(void)
{
	listener_block_signals();
}

enum gateway_end
gateway_serve(const struct gateway_handler *h, unsigned max_requests)
{
	struct listener l = LISTENER_INIT;
	enum listener_event event = LISTENER_BROKEN;
	struct fastcgi *f = fastcgi_open();
	unsigned served = 0;
	int fd;

	listener_block_signals();
	if (listener_open(&l))
		event = LISTENER_NOTHING;
	while (event != LISTENER_STOP && event != LISTENER_BROKEN) {
		event = listener_next(&l, &fd);
		if (event == LISTENER_RELOAD)
			h->reload(h->arg);
		else if (event == LISTENER_CONNECTION &&
		    serve(h, f, fd) && ++served == max_requests)
			break;
	}
	if (event == LISTENER_BROKEN)
		log_error("gateway: no connections from descriptor 0: %s",
		    strerror(errno));
	listener_close(&l);
	fastcgi_close(f);
	return event == LISTENER_BROKEN ? GATEWAY_FAILED :
	    event == LISTENER_STOP ? GATEWAY_STOPPED : GATEWAY_SERVED;
}
