/* SPDX-License-Identifier: ISC */
#ifndef OAC_URLENC_H
#define OAC_URLENC_H

/*
 * urlenc - percent encoding (RFC 3986), form encoding (WHATWG URL 5) and the
 * question whether bytes are UTF-8. Text in, text out: no memory is kept.
 */
#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

/* Append s with everything but RFC 3986 unreserved characters as %XX. */
void urlenc_add(struct buf *b, const char *s);

/* Append `&name=value` (without '&' when b is empty or ends in '?'). */
void urlenc_pair(struct buf *b, const char *name, const char *value);

/*
 * Decode len bytes of form encoding ('+' is a space) to out, which has room
 * for len + 1 bytes. False for a '%' without two hexadecimal digits, and for
 * a NUL, raw or encoded.
 */
bool urlenc_decode_form(const char *in, size_t len, char *out);

/*
 * Decode %XX where it is well formed and copy all else, as browsers do. out
 * has room for len + 1 bytes; the result may hold NULs, so its length is
 * returned.
 */
size_t urlenc_decode_lenient(const char *in, size_t len, char *out);

/* The value of a hexadecimal digit of either case, or -1. */
int urlenc_hex_value(char c);

/* Whether the bytes are well-formed UTF-8 (RFC 3629). */
bool urlenc_is_utf8(const char *s, size_t len);

#endif
