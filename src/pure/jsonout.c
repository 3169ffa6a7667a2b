/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "jsonout.h"

#include <string.h>

static bool
is_plain(unsigned char c)
{
	return c >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
}

static void
add_quoted(struct buf *b, const char *s)
{
	buf_char(b, '"');
	while (*s != '\0') {
		unsigned char c;
		size_t n = 0;

		while (is_plain((unsigned char)s[n]))
			n++;
		buf_add(b, s, n);
		s += n;
		if ((c = (unsigned char)*s) == '\0')
			break;
		if (c == '"' || c == '\\')
			buf_fmt(b, "\\%c", c);
		else
			buf_fmt(b, "\\u%04x", c);
		s++;
	}
	buf_char(b, '"');
}

static void
add_name(struct buf *b, const char *name)
{
	if (b->len > 0 && b->data[b->len - 1] != '{')
		buf_char(b, ',');
	add_quoted(b, name);
	buf_char(b, ':');
}

void
jsonout_open(struct buf *b)
{
	buf_char(b, '{');
}

void
jsonout_close(struct buf *b)
{
	buf_char(b, '}');
}

void
jsonout_begin(struct buf *b, const char *name)
{
	add_name(b, name);
	jsonout_open(b);
}

void
jsonout_str(struct buf *b, const char *name, const char *value)
{
	if (value == NULL) {
		jsonout_null(b, name);
		return;
	}
	add_name(b, name);
	add_quoted(b, value);
}

void
jsonout_int(struct buf *b, const char *name, int64_t value)
{
	add_name(b, name);
	buf_fmt(b, "%lld", (long long)value);
}

void
jsonout_bool(struct buf *b, const char *name, bool value)
{
	add_name(b, name);
	buf_str(b, value ? "true" : "false");
}

void
jsonout_null(struct buf *b, const char *name)
{
	add_name(b, name);
	buf_str(b, "null");
}
