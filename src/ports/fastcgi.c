/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "fastcgi.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fcgivars.h"
#include "limit.h"
#include "log.h"
#include "wipe.h"
#include "xalloc.h"

/* How long the web server may be silent, in milliseconds; see fastcgi.h. */
#define WAIT_VARIABLES	2000
#define WAIT_BODY	10000
#define WAIT_CLOSE	250

#define FCGI_VERSION	1
#define HEADER		8	/* bytes of a record's header, and of 3.3's */
#define CONTENT_MAX	65528	/* of a record that we send: no padding */
#define RESPONDER	1
#define PASSED_MAX	((size_t)128 << 20)	/* read over before we give up */

/* 3.3 and 8.; management records have id 0. */
enum type {
	BEGIN_REQUEST = 1, ABORT_REQUEST = 2, END_REQUEST = 3, PARAMS = 4,
	STDIN = 5, STDOUT = 6, STDERR = 7, GET_VALUES = 9,
	GET_VALUES_RESULT = 10, UNKNOWN_TYPE = 11,
};

struct fastcgi {
	int		 fd;
	bool		 begun;
	unsigned	 id;
	unsigned	 role;
	bool		 stdin_over;	/* its end was read */
	bool		 logged;	/* something went to STDERR */

	/* The record that is being read. */
	unsigned	 type;
	unsigned	 record_id;
	size_t		 content;	/* not yet read of it */
	size_t		 padding;
	size_t		 passed;	/* that nobody wanted, in all */

	/* Read from the socket and not yet looked at. */
	unsigned char	 in[8192];
	size_t		 at, filled;

	/* PARAMS as they came, then in the same place as NAME=value. */
	unsigned char	 vars[LIMIT_ENV_BYTES];
	size_t		 vars_len;
	bool		 too_long;
	char		*env[LIMIT_ENV_COUNT + 1];
};

struct fastcgi *
fastcgi_open(void)
{
	struct fastcgi *f = xcalloc(1, sizeof(*f));

	f->fd = -1;
	return f;
}

void
fastcgi_close(struct fastcgi *f)
{
	free(f);
}

char *const *
fastcgi_env(const struct fastcgi *f)
{
	return f->env;
}

static void
set_timeout(int fd, int option, int ms)
{
	struct timeval tv = { .tv_sec = ms / 1000,
	    .tv_usec = (ms % 1000) * 1000 };

	if (setsockopt(fd, SOL_SOCKET, option, &tv, sizeof(tv)) < 0)
		log_warn("fastcgi: no timeout on the connection: %s",
		    strerror(errno));
}

/* ---- reading records -------------------------------------------------- */

static ssize_t
receive(int fd, void *to, size_t len)
{
	ssize_t n;

	do {
		n = recv(fd, to, len, 0);
	} while (n < 0 && errno == EINTR);
	return n;
}

/* Exactly len bytes, or (to NULL) over them. False: the peer has left. */
static bool
take(struct fastcgi *f, void *to, size_t len)
{
	unsigned char *out = to;
	ssize_t got;
	size_t n;

	while (len > 0) {
		if (f->at == f->filled) {
			got = receive(f->fd, f->in, sizeof(f->in));
			if (got <= 0)
				return false;
			f->at = 0;
			f->filled = (size_t)got;
		}
		n = f->filled - f->at < len ? f->filled - f->at : len;
		if (out != NULL) {
			memcpy(out, f->in + f->at, n);
			out += n;
		}
		f->at += n;
		len -= n;
	}
	return true;
}

/* Over what is left of this record, and the next one's header. */
static bool
next_record(struct fastcgi *f)
{
	unsigned char h[HEADER];

	f->passed += f->content + f->padding;
	if (f->passed > PASSED_MAX ||
	    !take(f, NULL, f->content + f->padding) || !take(f, h, HEADER) ||
	    h[0] != FCGI_VERSION)
		return false;
	f->type = h[1];
	f->record_id = (unsigned)h[2] << 8 | h[3];
	f->content = (size_t)h[4] << 8 | h[5];
	f->padding = h[6];
	return true;
}

/* ---- writing records -------------------------------------------------- */

/* All of it. MSG_NOSIGNAL: a peer that has left is no reason to die. */
static bool
send_all(int fd, const void *data, size_t len)
{
	const unsigned char *p = data;
	ssize_t n;

	while (len > 0) {
		n = send(fd, p, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static void
add_header(struct buf *b, enum type type, unsigned id, size_t len)
{
	const unsigned char h[HEADER] = {
		FCGI_VERSION, (unsigned char)type,
		(unsigned char)(id >> 8), (unsigned char)id,
		(unsigned char)(len >> 8), (unsigned char)len, 0, 0,
	};

	buf_add(b, h, sizeof(h));
}

/* A stream's data, in as many records as it takes, without its end. */
static void
add_stream(struct buf *b, enum type type, unsigned id, const char *data,
    size_t len)
{
	size_t n;

	for (; len > 0; data += n, len -= n) {
		n = len < CONTENT_MAX ? len : CONTENT_MAX;
		add_header(b, type, id, n);
		buf_add(b, data, n);
	}
}

/*
 * A record that is not of our request. Of the values that a web server may ask
 * for (4.1) we know none; a second request on this connection never begins.
 * False when the peer has left.
 */
static bool
answer_other(struct fastcgi *f)
{
	const unsigned char type[HEADER] = { (unsigned char)f->type };
	struct buf b = BUF_INIT(2 * HEADER);
	bool ok;

	if (f->record_id != 0)
		return true;
	if (f->type == GET_VALUES) {
		add_header(&b, GET_VALUES_RESULT, 0, 0);
	} else {
		add_header(&b, UNKNOWN_TYPE, 0, sizeof(type));
		buf_add(&b, type, sizeof(type));
	}
	ok = send_all(f->fd, b.data, b.len);
	buf_clear(&b);
	return ok;
}

/* ---- variables -------------------------------------------------------- */

/* Keep a PARAMS record; past the limit it is read over. */
static bool
take_params(struct fastcgi *f)
{
	size_t len = f->content;

	if (len > sizeof(f->vars) - f->vars_len)
		f->too_long = true;
	if (f->too_long)
		return true;
	f->content = 0;
	f->vars_len += len;
	return take(f, f->vars + f->vars_len - len, len);
}

static bool
take_begin(struct fastcgi *f)
{
	unsigned char body[HEADER];

	if (f->content != sizeof(body) || f->record_id == 0 ||
	    !take(f, body, sizeof(body)))
		return false;
	f->content = 0;
	f->begun = true;
	f->id = f->record_id;
	f->role = (unsigned)body[0] << 8 | body[1];
	return true;
}

/* Read records until the variables are complete. */
static bool
read_variables(struct fastcgi *f)
{
	while (next_record(f)) {
		if (f->record_id != 0 && !f->begun &&
		    f->type == BEGIN_REQUEST) {
			if (!take_begin(f))
				return false;
		} else if (f->record_id == 0 ||
		    (f->begun && f->record_id != f->id)) {
			if (!answer_other(f))
				return false;
		} else if (!f->begun || f->type != PARAMS) {
			return false;	/* aborted, or out of order */
		} else if (f->content == 0) {
			return true;
		} else if (!take_params(f)) {
			return false;
		}
	}
	return false;
}

static void
forget(struct fastcgi *f)
{
	wipe(f->vars, f->vars_len);
	wipe(f->in, sizeof(f->in));
	f->vars_len = f->at = f->filled = 0;
	f->content = f->padding = f->passed = 0;
	f->begun = f->stdin_over = f->logged = f->too_long = false;
	f->env[0] = NULL;
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

enum fastcgi_begin
fastcgi_begin(struct fastcgi *f, int fd)
{
	f->fd = fd;
	set_timeout(fd, SO_RCVTIMEO, WAIT_VARIABLES);
	set_timeout(fd, SO_SNDTIMEO, WAIT_BODY);
	if (!read_variables(f)) {
		forget(f);
		return FASTCGI_GONE;
	}
	if (f->too_long || !fcgivars_decode(f->vars, f->vars_len, f->env,
	    LIMIT_ENV_COUNT))
		return FASTCGI_REFUSED;
	return f->role == RESPONDER ? FASTCGI_READY : FASTCGI_ROLE;
}

/* ---- the body, the answer, the end ------------------------------------ */

/*
 * To the next data of the body: *len bytes of it, 0 at its end. False when it
 * was aborted or the peer has left.
 */
static bool
next_stdin(struct fastcgi *f, size_t *len)
{
	*len = f->type == STDIN && f->record_id == f->id ? f->content : 0;
	while (*len == 0 && !f->stdin_over) {
		if (!next_record(f))
			return false;
		if (f->record_id != f->id) {
			if (!answer_other(f))
				return false;
		} else if (f->type == ABORT_REQUEST) {
			return false;
		} else if (f->type == STDIN) {
			*len = f->content;
			f->stdin_over = f->content == 0;
		}
	}
	return true;
}

bool
fastcgi_read(struct fastcgi *f, char *at, size_t len)
{
	size_t n;

	set_timeout(f->fd, SO_RCVTIMEO, WAIT_BODY);
	for (; len > 0; at += n, len -= n) {
		if (!next_stdin(f, &n) || n == 0)
			return false;
		if (n > len)
			n = len;
		if (!take(f, at, n))
			return false;
		f->content -= n;
	}
	return true;
}

bool
fastcgi_log(struct fastcgi *f, const char *line)
{
	struct buf text = BUF_INIT(4096), b = BUF_INIT(8192);
	bool ok;

	buf_fmt(&text, "%s\n", line);
	add_stream(&b, STDERR, f->id, text.data, text.len);
	ok = send_all(f->fd, b.data, b.len);
	f->logged = f->logged || ok;
	buf_clear(&text);
	buf_clear(&b);
	return ok;
}

void
fastcgi_answer(struct fastcgi *f, const struct buf *out)
{
	/* The end of the request: its status and ours are 0 (5.5). */
	static const unsigned char complete[HEADER];
	struct buf b = BUF_INIT(out->len + out->len / CONTENT_MAX * HEADER +
	    8 * HEADER);

	add_stream(&b, STDOUT, f->id, out->data, out->len);
	add_header(&b, STDOUT, f->id, 0);
	if (f->logged)
		add_header(&b, STDERR, f->id, 0);
	add_header(&b, END_REQUEST, f->id, sizeof(complete));
	buf_add(&b, complete, sizeof(complete));
	(void)send_all(f->fd, b.data, b.len);
	buf_clear(&b);
}

/*
 * Closed with something unread in it, the kernel would take back the answer:
 * so read until the end of the body, or until the web server closes first.
 */
void
fastcgi_end(struct fastcgi *f)
{
	size_t len;

	set_timeout(f->fd, SO_RCVTIMEO, WAIT_CLOSE);
	while (next_stdin(f, &len) && len > 0)
		f->type = 0;	/* next_record() reads over it */
	if (!f->stdin_over) {
		shutdown(f->fd, SHUT_WR);
		while (f->passed < PASSED_MAX &&
		    receive(f->fd, f->in, sizeof(f->in)) > 0)
			f->passed += sizeof(f->in);
	}
	forget(f);
}
