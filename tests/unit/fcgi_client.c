/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "fcgi_client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADER_LEN	8
#define RECORD_MAX	65535
#define REQUEST_ID	1

static void
address_of(const char *path, struct sockaddr_un *sun)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	snprintf(sun->sun_path, sizeof(sun->sun_path), "%s", path);
}

int
fcgi_listen(const char *path)
{
	struct sockaddr_un sun;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address_of(path, &sun);
	unlink(path);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0 &&
	    listen(fd, 128) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

int
fcgi_connect(const char *path)
{
	const struct timeval tv = { .tv_sec = 10 };
	struct sockaddr_un sun;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address_of(path, &sun);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void
add_header(struct buf *b, enum fcgi_type type, size_t len)
{
	const unsigned char head[HEADER_LEN] = { 1, (unsigned char)type,
	    0, REQUEST_ID, (unsigned char)(len >> 8), (unsigned char)len,
	    0, 0 };

	buf_add(b, head, sizeof(head));
}

void
fcgi_add_begin(struct buf *b, enum fcgi_role role, bool keep)
{
	const unsigned char body[8] = { 0, (unsigned char)role,
	    keep ? 1 : 0, 0, 0, 0, 0, 0 };

	add_header(b, FCGI_TYPE_BEGIN, sizeof(body));
	buf_add(b, body, sizeof(body));
}

void
fcgi_add_record(struct buf *b, enum fcgi_type type, const void *data,
    size_t len)
{
	const char *at = data;

	while (len > 0) {
		size_t n = len < RECORD_MAX ? len : RECORD_MAX;

		add_header(b, type, n);
		buf_add(b, at, n);
		at += n;
		len -= n;
	}
}

void
fcgi_add_end(struct buf *b, enum fcgi_type type)
{
	add_header(b, type, 0);
}

static void
add_length(struct buf *b, size_t len)
{
	const unsigned char four[4] = { (unsigned char)(0x80 | len >> 24),
	    (unsigned char)(len >> 16), (unsigned char)(len >> 8),
	    (unsigned char)len };

	if (len < 0x80)
		buf_add(b, &four[3], 1);
	else
		buf_add(b, four, sizeof(four));
}

void
fcgi_add_param(struct buf *b, const char *name, const char *value)
{
	add_length(b, strlen(name));
	add_length(b, strlen(value));
	buf_str(b, name);
	buf_str(b, value);
}

void
fcgi_add_params(struct buf *b, const struct fcgi_param *params)
{
	for (; params->name != NULL; params++)
		fcgi_add_param(b, params->name, params->value);
}

bool
fcgi_send(int fd, const struct buf *b)
{
	size_t done = 0;
	ssize_t n;

	while (done < b->len) {
		n = send(fd, b->data + done, b->len - done, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

/* Whether all len bytes came. *closed: the connection has ended before them. */
static bool
read_all(int fd, void *out, size_t len, bool *closed)
{
	char *at = out;
	ssize_t n;

	*closed = false;
	while (len > 0) {
		n = read(fd, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			*closed = n == 0 && at == out;
			return false;
		}
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static void
read_status(struct fcgi_answer *a)
{
	const char *text = buf_cstr(&a->out), *end = strstr(text, "\r\n\r\n");

	a->body = end != NULL ? end + 4 : "";
	if (strncmp(text, "Status: ", 8) == 0)
		a->status = (int)strtol(text + 8, NULL, 10);
}

bool
fcgi_receive(int fd, struct fcgi_answer *a)
{
	unsigned char head[HEADER_LEN], content[RECORD_MAX + 255];
	size_t len;
	bool cut;

	memset(a, 0, sizeof(*a));
	buf_init(&a->out, FCGI_CLIENT_MAX);
	buf_init(&a->err, FCGI_CLIENT_MAX);
	while (read_all(fd, head, sizeof(head), &a->closed)) {
		len = (size_t)head[4] << 8 | head[5];
		if (!read_all(fd, content, len + head[6], &cut))
			break;
		if (head[1] == FCGI_TYPE_STDOUT)
			buf_add(&a->out, content, len);
		else if (head[1] == FCGI_TYPE_STDERR)
			buf_add(&a->err, content, len);
		else if (head[1] == FCGI_TYPE_END)
			a->ended = true;
	}
	read_status(a);
	return a->ended && a->closed;
}

void
fcgi_answer_clear(struct fcgi_answer *a)
{
	buf_clear(&a->out);
	buf_clear(&a->err);
	a->body = "";
}

bool
fcgi_request(const char *path, const struct fcgi_param *params,
    const char *body, size_t len, struct fcgi_answer *a)
{
	struct buf vars = BUF_INIT(FCGI_CLIENT_MAX);
	struct buf all = BUF_INIT(FCGI_CLIENT_MAX);
	int fd = fcgi_connect(path);
	bool ok;

	fcgi_add_params(&vars, params);
	fcgi_add_begin(&all, FCGI_ROLE_RESPONDER, false);
	fcgi_add_record(&all, FCGI_TYPE_PARAMS, vars.data, vars.len);
	fcgi_add_end(&all, FCGI_TYPE_PARAMS);
	fcgi_add_record(&all, FCGI_TYPE_STDIN, body, len);
	fcgi_add_end(&all, FCGI_TYPE_STDIN);
	/* A server that refuses may answer before it has read all of it. */
	if (fd >= 0)
		(void)fcgi_send(fd, &all);
	ok = fcgi_receive(fd, a);
	if (fd >= 0)
		close(fd);
	buf_clear(&vars);
	buf_clear(&all);
	return ok;
}
