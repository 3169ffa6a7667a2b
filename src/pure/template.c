/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "template.h"

#include <ctype.h>
#include <string.h>

#include "limit.h"
#include "urlenc.h"

static const char name_chars[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

bool
template_has_fields(const char *text)
{
	return strpbrk(text, "{}") != NULL;
}

static bool
is_name(const char *s, size_t len)
{
	return len > 0 && len <= LIMIT_NAME && s[0] >= 'a' && s[0] <= 'z' &&
	    strspn(s, name_chars) >= len;
}

bool
template_is_name(const char *s)
{
	return is_name(s, strlen(s));
}

static enum template_place
place_of(const char *text, const char *at)
{
	const char *host = strstr(text, "://");

	if (at == text)
		return TEMPLATE_ORIGIN;
	if (host == NULL || at < host + 3 ||
	    strcspn(host + 3, "/?#") < (size_t)(at - host - 3))
		return TEMPLATE_REST;
	return TEMPLATE_HOST;
}

/*
 * The field at *pp to name, *pp behind it. False when it is none.
 */
static bool
take_field(const char **pp, char name[LIMIT_NAME + 1])
{
	const char *start = *pp + 1;
	size_t len = strcspn(start, "{}");

	if (**pp != '{' || start[len] != '}' || !is_name(start, len))
		return false;
	memcpy(name, start, len);
	name[len] = '\0';
	*pp = start + len + 1;
	return true;
}

bool
template_each(const char *text, template_fn fn, void *arg)
{
	char name[LIMIT_NAME + 1];
	const char *p = text, *at;

	while (*(p += strcspn(p, "{}")) != '\0') {
		at = p;
		if (!take_field(&p, name) ||
		    !fn(arg, name, place_of(text, at), p))
			return false;
	}
	return true;
}

/* Letters, digits, '-' and '.', and these. */
static bool
holds_only(const char *s, const char *more)
{
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) &&
		    strchr("-.", *s) == NULL && strchr(more, *s) == NULL)
			return false;
	return true;
}

static bool
add_value(struct buf *out, enum template_place place, const char *value)
{
	const char *host;

	switch (place) {
	case TEMPLATE_ORIGIN:
		host = strstr(value, "://");
		if (host == NULL || host[3] == '\0' ||
		    !holds_only(host + 3, ":"))
			return false;
		break;
	case TEMPLATE_HOST:
		if (value[0] == '\0' || !holds_only(value, ""))
			return false;
		break;
	default:
		if (value[0] == '\0' || strcmp(value, ".") == 0 ||
		    strcmp(value, "..") == 0)
			return false;
		urlenc_add(out, value);
		return true;
	}
	buf_str(out, value);
	return true;
}

bool
template_expand(const char *text, template_value value, void *arg,
    struct buf *out)
{
	char name[LIMIT_NAME + 1];
	const char *p = text, *at, *v;

	for (;;) {
		size_t plain = strcspn(p, "{}");

		buf_add(out, p, plain);
		p += plain;
		if (*p == '\0')
			return true;
		at = p;
		if (!take_field(&p, name) ||
		    (v = value(arg, name)) == NULL ||
		    !add_value(out, place_of(text, at), v))
			return false;
	}
}
