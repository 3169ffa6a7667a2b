/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "settings.h"

#define REQUEST_MAX	(1 << 20)

struct step {
	char		*data;
	size_t		 len, sent;
	int		 wait_ms;
	struct step	*next;
};

static void
step_add(struct conn *c, const void *data, size_t len, int wait_ms)
{
	struct step *s = need(calloc(1, sizeof(*s)));

	s->data = need(malloc(len + 1));
	memcpy(s->data, data, len);
	s->len = len;
	s->wait_ms = wait_ms;
	if (c->first == NULL) {
		c->first = s;
		c->due = now_ms() + wait_ms;
	} else {
		c->last->next = s;
	}
	c->last = s;
}

static void
step_done(struct conn *c)
{
	struct step *s = c->first;

	c->first = s->next;
	free(s->data);
	free(s);
	if (c->first != NULL)
		c->due = now_ms() + c->first->wait_ms;
}

void
http_free(struct conn *c)
{
	struct linger now = { 1, 0 };

	while (c->first != NULL)
		step_done(c);
	if (c->ssl != NULL) {
		if (c->after != AFTER_RESET && SSL_is_init_finished(c->ssl))
			SSL_shutdown(c->ssl);
		SSL_free(c->ssl);
	}
	if (c->after == AFTER_RESET)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(c->fd);
	text_clear(&c->in);
	free(c);
}

/* The result of SSL_read or SSL_write as read() and write() give it. */
static ssize_t
tls_result(struct conn *c, int n)
{
	if (n > 0)
		return n;
	switch (SSL_get_error(c->ssl, n)) {
	case SSL_ERROR_WANT_WRITE:
		c->tls_wants_write = true;
		/* FALLTHROUGH */
	case SSL_ERROR_WANT_READ:
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		errno = EIO;
		return -1;
	}
}

void
http_read(struct conn *c)
{
	char block[16384];
	ssize_t n;

	for (;;) {
		c->tls_wants_write = false;
		if (c->ssl != NULL)
			n = tls_result(c, SSL_read(c->ssl, block,
			    sizeof(block)));
		else
			n = read(c->fd, block, sizeof(block));
		if (n <= 0)
			break;
		if (c->in.len + (size_t)n > REQUEST_MAX) {
			c->dead = true;
			return;
		}
		text_add(&c->in, block, (size_t)n);
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		c->dead = true;
}

void
http_output(struct conn *c)
{
	ssize_t n;

	while (c->first != NULL && now_ms() >= c->due) {
		struct step *s = c->first;
		size_t left = s->len - s->sent;

		c->tls_wants_write = false;
		if (left == 0)
			n = 0;
		else if (c->ssl != NULL)
			n = tls_result(c, SSL_write(c->ssl, s->data + s->sent,
			    (int)left));
		else
			n = send(c->fd, s->data + s->sent, left, MSG_NOSIGNAL);
		if (n < 0) {
			if (errno != EAGAIN && errno != EINTR)
				c->dead = true;
			return;
		}
		s->sent += (size_t)n;
		if (s->sent == s->len) {
			step_done(c);
			c->idle_since = now_ms();
		}
	}
	if (c->first == NULL &&
	    (c->after == AFTER_CLOSE || c->after == AFTER_RESET))
		c->dead = true;
}

static const char *
reason(int status)
{
	static const struct { int status; const char *text; } table[] = {
		{ 200, "OK" }, { 302, "Found" }, { 303, "See Other" },
		{ 307, "Temporary Redirect" }, { 400, "Bad Request" },
		{ 401, "Unauthorized" }, { 403, "Forbidden" },
		{ 404, "Not Found" }, { 405, "Method Not Allowed" },
		{ 429, "Too Many Requests" },
		{ 500, "Internal Server Error" }, { 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].status == status)
			return table[i].text;
	return "Other";
}

static void
header_of(const struct answer *a, bool keep, struct text *out)
{
	text_fmt(out, "HTTP/1.%d %d %s\r\n", a->framing == FRAME_HTTP10 ? 0 : 1,
	    a->status, reason(a->status));
	text_str(out, "Cache-Control: no-store\r\n");
	if (*set_get(SET_DATE) != '\0') {
		text_str(out, "Date: ");
		text_str(out, set_get(SET_DATE));
		text_str(out, "\r\n");
	}
	if (a->type != NULL) {
		text_str(out, "Content-Type: ");
		text_str(out, a->type);
		text_str(out, "\r\n");
	}
	if (a->header.s != NULL)
		text_str(out, a->header.s);
	if (a->framing == FRAME_LENGTH)
		text_fmt(out, "Content-Length: %zu\r\n", a->body.len);
	else if (a->framing == FRAME_CHUNKED)
		text_str(out, "Transfer-Encoding: chunked\r\n");
	if (!keep && a->framing != FRAME_HTTP10)
		text_str(out, "Connection: close\r\n");
	text_str(out, "\r\n");
}

/* The body as it goes over the wire; chunks small enough to be several. */
static void
body_of(const struct answer *a, struct text *out)
{
	size_t chunk = a->body.len / 3 + 1;

	if (a->head)
		return;
	if (a->framing != FRAME_CHUNKED) {
		text_add(out, a->body.s, a->body.len);
		return;
	}
	for (size_t at = 0; at < a->body.len; at += chunk) {
		size_t n = a->body.len - at < chunk ? a->body.len - at : chunk;

		text_fmt(out, "%zx\r\n", n);
		text_add(out, a->body.s + at, n);
		text_str(out, "\r\n");
	}
	text_str(out, "0\r\n\r\n");
}

static void
send_whole(struct conn *c, const struct answer *a, const struct text *head,
    const struct text *body)
{
	struct text all = { NULL, 0, 0 };

	if (a->delay_head_ms > 0) {
		step_add(c, head->s, head->len, a->delay_ms);
		step_add(c, body->s, body->len, a->delay_head_ms);
		return;
	}
	text_add(&all, head->s, head->len);
	text_add(&all, body->s, body->len);
	step_add(c, all.s, all.len, a->delay_ms);
	text_clear(&all);
}

static void
http_answer(struct conn *c, const struct answer *a, bool keep)
{
	struct text head = { NULL, 0, 0 }, body = { NULL, 0, 0 };

	text_add(&head, "", 0);
	text_add(&body, "", 0);
	if (a->framing == FRAME_HTTP10 || a->cut != CUT_NONE)
		keep = false;
	c->after = keep ? AFTER_KEEP : AFTER_CLOSE;
	header_of(a, keep, &head);
	body_of(a, &body);
	switch (a->cut) {
	case CUT_NONE:
		send_whole(c, a, &head, &body);
		break;
	case CUT_RESET:
		c->after = AFTER_RESET;
		/* FALLTHROUGH */
	case CUT_BEFORE:
		step_add(c, "", 0, a->delay_ms);
		break;
	case CUT_MIDDLE:
		step_add(c, head.s, head.len, a->delay_ms);
		step_add(c, body.s, body.len / 2, a->delay_head_ms);
		break;
	case CUT_NEVER:
		c->after = AFTER_NEVER;
		break;
	case CUT_HTTP09:
		step_add(c, body.s, body.len, a->delay_ms);
		break;
	case CUT_DRIP:
		step_add(c, head.s, head.len, a->delay_ms);
		for (size_t i = 0; i < body.len; i++)
			step_add(c, body.s + i, 1, set_int(SET_DRIP_MS));
		break;
	}
	text_clear(&head);
	text_clear(&body);
}

/* The value of a header field of the block at s; the caller frees it. */
static char *
field(const char *s, const char *name)
{
	size_t len = strlen(name);

	for (; s != NULL; s = strstr(s, "\r\n")) {
		const char *end;

		if (strncmp(s, "\r\n", 2) == 0)
			s += 2;
		if (strncasecmp(s, name, len) != 0 || s[len] != ':')
			continue;
		for (s += len + 1; *s == ' '; s++)
			;
		end = strstr(s, "\r\n");
		return need(strndup(s, end == NULL ? strlen(s) :
		    (size_t)(end - s)));
	}
	return NULL;
}

static void
request_body(struct request *r, const char *body)
{
	r->content_type[strcspn(r->content_type, "; ")] = '\0';
	r->body_ok = true;
	if (r->body_len == 0)
		return;
	if (strcasecmp(r->content_type,
	    "application/x-www-form-urlencoded") == 0)
		r->body_ok = params_form(&r->body, body, r->body_len);
	else if (strcasecmp(r->content_type, "application/json") == 0)
		r->body_ok = params_json(&r->body, body, r->body_len);
	else
		r->body_ok = false;
}

static void
request_clear(struct request *r)
{
	params_clear(&r->query);
	params_clear(&r->body);
	free(r->host);
	free(r->content_type);
	free(r->authorization);
	free(r->accept);
}

/* The request line; what it points to is in line, which it cuts up. */
static bool
request_line(struct request *r, char *line)
{
	char *target, *version, *query;

	r->method = line;
	if ((target = strchr(line, ' ')) == NULL)
		return false;
	*target++ = '\0';
	if ((version = strchr(target, ' ')) == NULL)
		return false;
	*version++ = '\0';
	if (strncmp(version, "HTTP/1.", 7) != 0 || *target != '/')
		return false;
	r->close = version[7] == '0';
	if ((query = strchr(target, '?')) != NULL) {
		*query++ = '\0';
		if (!params_form(&r->query, query, strlen(query)))
			return false;
	}
	r->path = target;
	return true;
}

static void
request_serve(struct conn *c, struct request *r, const char *fields,
    void (*serve)(const struct request *, struct answer *))
{
	struct answer a = { .status = 200 };
	char *connection = field(fields, "Connection");
	bool keep;

	if (connection != NULL && strcasecmp(connection, "close") == 0)
		r->close = true;
	free(connection);
	r->connection = c->serial;
	r->number = ++c->requests;
	r->secure = c->ssl != NULL;
	serve(r, &a);
	a.head = strcmp(r->method, "HEAD") == 0;
	keep = !r->close && set_is(SET_KEEPALIVE, "1");
	http_answer(c, &a, keep);
	text_clear(&a.header);
	text_clear(&a.body);
}

bool
http_input(struct conn *c,
    void (*serve)(const struct request *, struct answer *))
{
	struct request r = { .method = "" };
	char *head, *fields, *length;
	const char *end;
	size_t head_len;
	bool served = false;

	if (c->in.s == NULL || (end = strstr(c->in.s, "\r\n\r\n")) == NULL)
		return false;
	head_len = (size_t)(end - c->in.s);
	head = need(strndup(c->in.s, head_len));
	if ((fields = strstr(head, "\r\n")) != NULL) {
		*fields = '\0';
		fields += 2;
	}
	if ((length = field(fields, "Content-Length")) != NULL)
		r.body_len = (size_t)strtoul(length, NULL, 10);
	free(length);
	if (r.body_len > REQUEST_MAX || !request_line(&r, head)) {
		c->dead = true;
		goto out;
	}
	if (c->in.len < head_len + 4 + r.body_len)
		goto out;
	r.host = field(fields, "Host");
	if ((r.content_type = field(fields, "Content-Type")) == NULL)
		r.content_type = copy("");
	r.authorization = field(fields, "Authorization");
	r.accept = field(fields, "Accept");
	request_body(&r, c->in.s + head_len + 4);
	text_drop(&c->in, head_len + 4 + r.body_len);
	request_serve(c, &r, fields, serve);
	served = true;
out:
	request_clear(&r);
	free(head);
	return served;
}
