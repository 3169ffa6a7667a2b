/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <openssl/evp.h>

void *
need(void *p)
{
	if (p == NULL) {
		perror("provider");
		abort();
	}
	return p;
}

char *
copy(const char *s)
{
	return s == NULL ? NULL : need(strdup(s));
}

int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
text_add(struct text *t, const void *data, size_t len)
{
	size_t want = t->len + len + 1;

	if (want > t->size) {
		t->size = want < 256 ? 256 : want * 2;
		t->s = need(realloc(t->s, t->size));
	}
	if (len > 0)
		memcpy(t->s + t->len, data, len);
	t->len += len;
	t->s[t->len] = '\0';
}

void
text_str(struct text *t, const char *s)
{
	text_add(t, s, strlen(s));
}

void
text_fmt(struct text *t, const char *fmt, ...)
{
	char line[4096];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line))
		abort();
	text_add(t, line, (size_t)n);
}

void
text_json(struct text *t, const char *s)
{
	if (s == NULL) {
		text_str(t, "null");
		return;
	}
	text_str(t, "\"");
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			text_fmt(t, "\\%c", c);
		else if (c < 0x20)
			text_fmt(t, "\\u%04x", c);
		else
			text_add(t, s, 1);
	}
	text_str(t, "\"");
}

void
text_html(struct text *t, const char *s)
{
	for (; *s != '\0'; s++) {
		switch (*s) {
		case '&':
			text_str(t, "&amp;");
			break;
		case '<':
			text_str(t, "&lt;");
			break;
		case '>':
			text_str(t, "&gt;");
			break;
		case '"':
			text_str(t, "&quot;");
			break;
		default:
			text_add(t, s, 1);
		}
	}
}

void
text_form(struct text *t, const char *s)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (isalnum(c) || strchr("-._~", c) != NULL)
			text_add(t, s, 1);
		else
			text_fmt(t, "%%%02X", c);
	}
}

void
text_base64url(struct text *t, const void *data, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-_";
	const unsigned char *p = data;
	uint32_t bits = 0;
	unsigned have = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | p[i];
		for (have += 8; have >= 6; have -= 6)
			text_add(t, &digits[bits >> (have - 6) & 63], 1);
	}
	if (have > 0)
		text_add(t, &digits[bits << (6 - have) & 63], 1);
}

void
text_drop(struct text *t, size_t len)
{
	if (len == 0)
		return;
	memmove(t->s, t->s + len, t->len - len + 1);
	t->len -= len;
}

void
text_clear(struct text *t)
{
	free(t->s);
	memset(t, 0, sizeof(*t));
}

static bool
params_add(struct params *p, struct text *name, struct text *value)
{
	if (p->count == PARAMS_MAX) {
		text_clear(name);
		text_clear(value);
		return false;
	}
	text_add(name, "", 0);
	text_add(value, "", 0);
	p->name[p->count] = name->s;
	p->value[p->count++] = value->s;
	memset(name, 0, sizeof(*name));
	memset(value, 0, sizeof(*value));
	return true;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
params_form(struct params *p, const char *s, size_t len)
{
	struct text part[2] = { { NULL, 0, 0 }, { NULL, 0, 0 } };
	int which = 0;

	for (size_t i = 0; i <= len; i++) {
		char c = i < len ? s[i] : '&';

		if (c == '&') {
			if (part[0].len > 0 && !params_add(p, &part[0],
			    &part[1]))
				return false;
			text_clear(&part[1]);
			which = 0;
			continue;
		}
		if (c == '=' && which == 0) {
			which = 1;
			continue;
		}
		if (c == '+')
			c = ' ';
		else if (c == '%' && i + 2 < len && hex_digit(s[i + 1]) >= 0 &&
		    hex_digit(s[i + 2]) >= 0) {
			c = (char)(hex_digit(s[i + 1]) << 4 |
			    hex_digit(s[i + 2]));
			i += 2;
		}
		text_add(&part[which], &c, 1);
	}
	text_clear(&part[0]);
	return true;
}

static const char *
skip_space(const char *s, const char *end)
{
	while (s < end && strchr(" \t\r\n", *s) != NULL && *s != '\0')
		s++;
	return s;
}

/* A string with its quotes; NULL when it is none. \u below 0x80 only. */
static const char *
json_string(const char *s, const char *end, struct text *out)
{
	static const char from[] = "nrtbf", to[] = "\n\r\t\b\f";

	if (s == end || *s != '"')
		return NULL;
	for (s++; s < end && *s != '"'; s++) {
		char c = *s;

		if (c == '\\') {
			const char *at;

			if (++s == end)
				return NULL;
			c = *s;
			if (c == 'u' && end - s > 4) {
				c = (char)(hex_digit(s[3]) << 4 |
				    hex_digit(s[4]));
				s += 4;
			} else if ((at = strchr(from, c)) != NULL) {
				c = to[at - from];
			}
		}
		text_add(out, &c, 1);
	}
	return s == end ? NULL : s + 1;
}

bool
params_json(struct params *p, const char *s, size_t len)
{
	const char *end = s + len;
	struct text name = { NULL, 0, 0 }, value = { NULL, 0, 0 };
	bool ok = false;

	s = skip_space(s, end);
	if (s == end || *s++ != '{')
		return false;
	for (;;) {
		s = skip_space(s, end);
		if (s < end && *s == '}' && p->count == 0)
			break;
		if ((s = json_string(s, end, &name)) == NULL)
			goto out;
		s = skip_space(s, end);
		if (s == end || *s++ != ':')
			goto out;
		s = skip_space(s, end);
		if (s < end && *s == '"') {
			if ((s = json_string(s, end, &value)) == NULL)
				goto out;
		} else {
			while (s < end && (isalnum((unsigned char)*s) ||
			    *s == '-' || *s == '.'))
				text_add(&value, s++, 1);
		}
		if (!params_add(p, &name, &value))
			goto out;
		s = skip_space(s, end);
		if (s == end || (*s != ',' && *s != '}'))
			goto out;
		if (*s++ == '}')
			break;
	}
	ok = true;
out:
	text_clear(&name);
	text_clear(&value);
	return ok;
}

const char *
params_get(const struct params *p, const char *name)
{
	for (size_t i = 0; i < p->count; i++)
		if (strcmp(p->name[i], name) == 0)
			return p->value[i];
	return NULL;
}

void
params_clear(struct params *p)
{
	for (size_t i = 0; i < p->count; i++) {
		free(p->name[i]);
		free(p->value[i]);
	}
	p->count = 0;
}

bool
base64_decode(const char *s, struct text *out)
{
	size_t len = strlen(s);
	unsigned char *raw;
	int n;

	if (len == 0 || len % 4 != 0 || len > 65536)
		return false;
	raw = need(malloc(len));
	n = EVP_DecodeBlock(raw, (const unsigned char *)s, (int)len);
	if (n > 0) {
		if (s[len - 1] == '=')
			n--;
		if (s[len - 2] == '=')
			n--;
		text_add(out, raw, (size_t)n);
	}
	free(raw);
	return n > 0;
}

void
sha256(const void *data, size_t len, unsigned char out[32])
{
	if (EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) != 1)
		abort();
}

void
short_hash(const char *s, char out[9])
{
	unsigned char digest[32];

	sha256(s, strlen(s), digest);
	snprintf(out, 9, "%02x%02x%02x%02x", digest[0], digest[1], digest[2],
	    digest[3]);
}

void
text_random(struct text *t, size_t bytes)
{
	unsigned char raw[64];

	if (bytes > sizeof(raw) || getrandom(raw, bytes, 0) != (ssize_t)bytes)
		abort();
	text_base64url(t, raw, bytes);
}
