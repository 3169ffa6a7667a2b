/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wipe.h"
#include "xalloc.h"

#define FIRST_SIZE 256

void
buf_init(struct buf *b, size_t max)
{
	struct buf fresh = BUF_INIT(max);

	*b = fresh;
}

void
buf_clear(struct buf *b)
{
	if (b->data != NULL)
		wipe(b->data, b->size);
	free(b->data);
	buf_init(b, b->max);
}

void
buf_reset(struct buf *b)
{
	if (b->data != NULL)
		wipe(b->data, b->len + 1);
	b->len = 0;
	b->overflow = false;
}

/* Not realloc: it may leave a copy of the old bytes behind. */
static void
grow(struct buf *b, size_t need)
{
	size_t size = b->size > 0 ? b->size : FIRST_SIZE;
	char *p;

	while (size < need)
		size *= 2;
	p = xmalloc(size);
	if (b->data != NULL) {
		memcpy(p, b->data, b->len);
		wipe(b->data, b->size);
		free(b->data);
	}
	b->data = p;
	b->size = size;
}

char *
buf_reserve(struct buf *b, size_t len)
{
	char *at;

	if (b->overflow || len > b->max - b->len) {
		b->overflow = true;
		return NULL;
	}
	if (b->len + len + 1 > b->size)
		grow(b, b->len + len + 1);
	at = b->data + b->len;
	b->len += len;
	b->data[b->len] = '\0';
	return at;
}

void
buf_add(struct buf *b, const void *data, size_t len)
{
	char *at = buf_reserve(b, len);

	if (at != NULL && len > 0)
		memcpy(at, data, len);
}

void
buf_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void
buf_fmt(struct buf *b, const char *fmt, ...)
{
	size_t room = b->size - b->len;
	va_list ap, again;
	char *at;
	int n;

	if (b->overflow)
		return;
	va_start(ap, fmt);
	va_copy(again, ap);
	/* Mostly it fits at once; then the second time is not needed. */
	n = vsnprintf(room > 0 ? b->data + b->len : NULL, room, fmt, ap);
	va_end(ap);
	at = n >= 0 ? buf_reserve(b, (size_t)n) : NULL;
	if (at != NULL && (size_t)n >= room)
		/* buf_reserve() left room for the NUL. */
		vsnprintf(at, (size_t)n + 1, fmt, again);
	va_end(again);
	if (at == NULL) {
		b->overflow = true;
		wipe(room > 0 ? b->data + b->len : NULL, room);
	}
}

void
buf_cut(struct buf *b, size_t len)
{
	if (len >= b->len)
		return;
	wipe(b->data + len, b->len - len);
	b->len = len;
}

const char *
buf_cstr(const struct buf *b)
{
	if (b->overflow)
		return NULL;
	return b->data != NULL ? b->data : "";
}
