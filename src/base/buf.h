/* SPDX-License-Identifier: ISC */
#ifndef OAC_BUF_H
#define OAC_BUF_H

/*
 * buf - a bounded builder for text and bytes that wipes all it ever held.
 *
 * A buf is born with a maximum. Adding past it sets a sticky overflow flag
 * and changes nothing else, so a row of additions is checked once, at its
 * end: buf_failed(), or buf_cstr(), which is NULL after an overflow.
 *
 * Ownership: the struct is the caller's; its memory is the buf's until
 *            buf_clear(). A pointer into it is good until the next call.
 * Secrets:   memory is wiped when it is grown, cut back and cleared.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
	char	*data;		/* always followed by a NUL, once allocated */
	size_t	 len;
	size_t	 size;		/* allocated */
	size_t	 max;		/* len never goes past this */
	bool	 overflow;
};

#define BUF_INIT(maximum) { .data = NULL, .len = 0, .size = 0, \
	.max = (maximum), .overflow = false }

void buf_init(struct buf *b, size_t max);
void buf_clear(struct buf *b);		/* wipes and frees; can be used again */
void buf_reset(struct buf *b);		/* wipes the content, keeps the memory */

void buf_add(struct buf *b, const void *data, size_t len);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_fmt(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Make room for len more bytes and return where to write them, or NULL. */
char *buf_reserve(struct buf *b, size_t len);

/* Drop everything after the first len bytes. */
void buf_cut(struct buf *b, size_t len);

/* The content as a string; "" when empty, NULL after an overflow. */
const char *buf_cstr(const struct buf *b);

static inline bool
buf_failed(const struct buf *b)
{
	return b->overflow;
}

#endif
