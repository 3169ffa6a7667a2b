/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "gateway.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fcgiapp.h>

#include "buf.h"
#include "limit.h"
#include "listener.h"
#include "log.h"
#include "wipe.h"

/* Head and body of a response together. */
#define OUT_MAX		(RESPONSE_BODY_MAX + RESPONSE_LOCATION_MAX + 8192)

/*
 * How long a web server may be silent in the middle of a request, in
 * milliseconds: before the variables are complete, within the body (which a
 * proxy may pass on as slowly as its client sends it), and at the end, while
 * we wait for it to close first.
 */
#define WAIT_VARIABLES	2000
#define WAIT_BODY	10000
#define WAIT_CLOSE	"250"
#define WAIT_CLOSE_MS	250

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

	while (got < length && poll(&p, 1, WAIT_VARIABLES) > 0) {
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

/* ---- FastCGI: one request --------------------------------------------- */

static void
set_timeout(int fd, int option, int ms)
{
	struct timeval tv = { .tv_sec = ms / 1000,
	    .tv_usec = (ms % 1000) * 1000 };

	if (setsockopt(fd, SOL_SOCKET, option, &tv, sizeof(tv)) < 0)
		log_warn("gateway: no timeout on the connection: %s",
		    strerror(errno));
}

static bool
fcgi_read(void *arg, char *at, size_t len)
{
	FCGX_Request *fr = arg;

	set_timeout(fr->ipcFd, SO_RCVTIMEO, WAIT_BODY);
	return FCGX_GetStr(at, (int)len, fr->in) == (int)len;
}

/*
 * Every line goes out at once, so that none is lost when the process dies in
 * the middle of a request, and to standard error if the web server has left.
 */
static void
fcgi_log(void *arg, const char *line)
{
	FCGX_Request *fr = arg;

	if (FCGX_PutS(line, fr->err) < 0 || FCGX_PutChar('\n', fr->err) < 0 ||
	    FCGX_FFlush(fr->err) < 0)
		dprintf(STDERR_FILENO, "%s\n", line);
}

/* What libfcgi itself does not look at. 0, or the status to refuse with. */
static int
check_variables(const FCGX_Request *fr)
{
	size_t count = 0, bytes = 0;
	const char *role;
	char **v;

	for (v = fr->envp; *v != NULL; v++) {
		bytes += strlen(*v);
		if (++count > LIMIT_ENV_COUNT || bytes > LIMIT_ENV_BYTES) {
			log_warn("gateway: too many variables, or too long");
			return 400;
		}
	}
	/* The first of that name is libfcgi's own. */
	role = FCGX_GetParam("FCGI_ROLE", fr->envp);
	if (role == NULL || strcmp(role, "RESPONDER") != 0) {
		log_error("gateway: this program is a FastCGI responder; the "
		    "web server is configured to use it as something else");
		return 500;
	}
	return 0;
}

/*
 * End the answer and the connection. libfcgi waits for the web server to close
 * first, because closing with unread input would make the kernel take back the
 * answer. When the input was read to its end there is nothing to wait for.
 */
static void
finish(FCGX_Request *fr, unsigned char *sent, size_t sent_size)
{
	char **v;

	FCGX_FClose(fr->err);
	FCGX_FClose(fr->out);
	wipe(sent, sent_size);
	for (v = fr->envp; *v != NULL; v++)	/* keys, cookies, codes */
		wipe(*v, strlen(*v));
	set_timeout(fr->ipcFd, SO_RCVTIMEO, WAIT_CLOSE_MS);
	if (FCGX_GetChar(fr->in) == EOF && FCGX_GetError(fr->in) == 0)
		FCGX_Detach(fr);
	FCGX_Finish_r(fr);
}

/*
 * Serve the connection fd, which is closed at the end; false if no request
 * came by it. libfcgi gets it as one that it had kept, because its own accept
 * reads the variables before anyone could have set a timeout: a peer that
 * connects and says nothing would hold the process as long as it likes.
 */
static bool
serve(const struct gateway_handler *h, FCGX_Request *fr, int fd)
{
	struct source src = { .read = fcgi_read, .arg = fr };
	struct buf out = BUF_INIT(OUT_MAX);
	unsigned char *sent;
	size_t sent_size;

	set_timeout(fd, SO_RCVTIMEO, WAIT_VARIABLES);
	set_timeout(fd, SO_SNDTIMEO, WAIT_BODY);
	fr->ipcFd = fd;
	fr->keepConnection = 1;
	if (FCGX_Accept_r(fr) != 0)
		return false;	/* libfcgi has closed it */
	if (FCGX_GetError(fr->in) != 0) {
		/* libfcgi takes variables that were cut off for complete. */
		FCGX_Free(fr, 1);
		return false;
	}
	/* A kept connection would bind this process to one idle peer. */
	fr->keepConnection = 0;
	sent = fr->out->wrNext;
	sent_size = (size_t)(fr->out->stop - fr->out->wrNext);

	log_request_begin();
	log_stream(fcgi_log, fr);
	src.env = fr->envp;
	src.refused = check_variables(fr);
	answer(h, &src, &out);
	FCGX_PutStr(out.data, (int)out.len, fr->out);
	log_stream(NULL, NULL);
	log_request_end();
	finish(fr, sent, sent_size);
	buf_clear(&out);
	return true;
}

/* ---- FastCGI: the loop ------------------------------------------------ */

/* libfcgi reads its timeout from the environment when it starts: 2 s else. */
static bool
library_init(void)
{
	(void)setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", WAIT_CLOSE, 0);
	return FCGX_Init() == 0;
}

bool
gateway_is_cgi(void)
{
	if (!library_init())
		log_die("gateway: libfcgi does not start");
	return FCGX_IsCGI();
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
	FCGX_Request fr;
	unsigned served = 0;
	int fd;

	listener_block_signals();
	/* Without a socket: libfcgi is handed connections, it accepts none. */
	if (library_init() &&
	    FCGX_InitRequest(&fr, -1, FCGI_FAIL_ACCEPT_ON_INTR) == 0 &&
	    listener_open(&l))
		event = LISTENER_NOTHING;
	while (event != LISTENER_STOP && event != LISTENER_BROKEN) {
		event = listener_next(&l, &fd);
		if (event == LISTENER_RELOAD)
			h->reload(h->arg);
		else if (event == LISTENER_CONNECTION &&
		    serve(h, &fr, fd) && ++served == max_requests)
			break;
	}
	if (event == LISTENER_BROKEN)
		log_error("gateway: no connections from descriptor 0: %s",
		    strerror(errno));
	listener_close(&l);
	return event == LISTENER_BROKEN ? GATEWAY_FAILED :
	    event == LISTENER_STOP ? GATEWAY_STOPPED : GATEWAY_SERVED;
}
