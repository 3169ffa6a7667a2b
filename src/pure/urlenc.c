/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "urlenc.h"

#include <stdint.h>
#include <string.h>

static bool
is_unreserved(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
	    c == '~';
}

void
urlenc_add(struct buf *b, const char *s)
{
	static const char hex[] = "0123456789ABCDEF";

	while (*s != '\0') {
		unsigned char c;
		size_t n = 0;

		while (is_unreserved((unsigned char)s[n]))
			n++;
		buf_add(b, s, n);
		s += n;
		if ((c = (unsigned char)*s) != '\0') {
			char esc[3] = { '%', hex[c >> 4], hex[c & 15] };

			buf_add(b, esc, sizeof(esc));
			s++;
		}
	}
}

void
urlenc_pair(struct buf *b, const char *name, const char *value)
{
	if (b->len > 0 && b->data[b->len - 1] != '?')
		buf_char(b, '&');
	urlenc_add(b, name);
	buf_char(b, '=');
	urlenc_add(b, value);
}

int
urlenc_hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The byte that the escape at in stands for, or -1. */
static int
escape_value(const char *in, size_t left)
{
	int hi, lo;

	if (left < 3 || (hi = urlenc_hex_value(in[1])) < 0 ||
	    (lo = urlenc_hex_value(in[2])) < 0)
		return -1;
	return hi * 16 + lo;
}

bool
urlenc_decode_form(const char *in, size_t len, char *out)
{
	size_t i;

	for (i = 0; i < len; i++) {
		int c = (unsigned char)in[i];

		if (c == '+') {
			c = ' ';
		} else if (c == '%') {
			c = escape_value(in + i, len - i);
			i += 2;
		}
		if (c <= 0)
			return false;
		*out++ = (char)c;
	}
	*out = '\0';
	return true;
}

size_t
urlenc_decode_lenient(const char *in, size_t len, char *out)
{
	size_t i, n = 0;
	int c;

	for (i = 0; i < len; i++) {
		if (in[i] == '%' && (c = escape_value(in + i, len - i)) >= 0) {
			out[n++] = (char)c;
			i += 2;
		} else {
			out[n++] = in[i];
		}
	}
	out[n] = '\0';
	return n;
}

bool
urlenc_is_utf8(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t i = 0, more;

	while (i < len) {
		uint32_t code, least;

		if (p[i] < 0x80) {
			i++;
			continue;
		}
		if (p[i] >= 0xc2 && p[i] <= 0xdf) {
			more = 1; least = 0x80; code = p[i] & 0x1fU;
		} else if (p[i] >= 0xe0 && p[i] <= 0xef) {
			more = 2; least = 0x800; code = p[i] & 0x0fU;
		} else if (p[i] >= 0xf0 && p[i] <= 0xf4) {
			more = 3; least = 0x10000; code = p[i] & 0x07U;
		} else {
			return false;
		}
		if (len - i <= more)
			return false;
		for (i++; more > 0; more--, i++) {
			if ((p[i] & 0xc0) != 0x80)
				return false;
			code = code << 6 | (p[i] & 0x3fU);
		}
		if (code < least || code > 0x10ffff ||
		    (code >= 0xd800 && code <= 0xdfff))
			return false;
	}
	return true;
}
