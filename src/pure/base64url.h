/* SPDX-License-Identifier: ISC */
#ifndef OAC_BASE64URL_H
#define OAC_BASE64URL_H

/*
 * base64url - RFC 4648 section 5 without padding, as OAuth uses it, and the
 * padded section 4 alphabet for the Basic scheme (RFC 7617).
 */
#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

#define BASE64URL_LEN(bytes) (((bytes) * 4 + 2) / 3)

/* 256 bits as text: states, tickets, verifiers, cookies, keys. */
#define SECRET_BYTES	32
#define SECRET_CHARS	BASE64URL_LEN(SECRET_BYTES)		/* 43 */

/* Write BASE64URL_LEN(len) characters and a NUL to out. */
void base64url_encode(const void *data, size_t len, char *out);

/* Append the padded, '+' and '/' form. */
void base64_add(struct buf *out, const void *data, size_t len);

/*
 * Decode len characters to exactly out_len bytes. Only the canonical form is
 * taken: no padding, no other characters, unused bits zero, so that two texts
 * never mean the same bytes. False, and out wiped, when it is anything else.
 */
bool base64url_decode(const char *text, size_t len, void *out, size_t out_len);

/* Whether s is the canonical form of SECRET_BYTES bytes. NULL is not. */
bool base64url_is_secret(const char *s);

#endif
