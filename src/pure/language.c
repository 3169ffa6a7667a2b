/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "language.h"

#include <string.h>
#include <strings.h>

#include "limit.h"

#define RANGES_MAX 32

/* One of `de-AT;q=0.8`; q in thousandths. "*" has the length 0. */
struct range {
	const char	*tag;
	size_t		 len;
	int		 q;
};

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
language_is_tag(const char *s, size_t len)
{
	size_t i, part = 0;
	bool first = true;

	if (len > LANGUAGE_TAG_MAX)
		return false;
	for (i = 0; i < len; i++) {
		if (s[i] == '-') {
			if (part == 0 || (first && part < 2))
				return false;
			first = false;
			part = 0;
		} else if (++part > 8 || !(is_alpha(s[i]) ||
		    (!first && is_digit(s[i])))) {
			return false;
		}
	}
	return part > (first ? 1 : 0);
}

bool
language_is_same(const char *a, const char *b)
{
	return strcasecmp(a, b) == 0;
}

/* Whether tag is the first len bytes of name, or begins with them and '-'. */
static bool
begins(const char *tag, const char *name, size_t len)
{
	return strncasecmp(tag, name, len) == 0 &&
	    (tag[len] == '\0' || tag[len] == '-');
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/*
 * What stands between a range and the next comma: nothing, which is 1, or
 * `;q=0.8` (RFC 9110 12.4.2). -1: malformed.
 */
static int
quality(const char *s, const char *end)
{
	int q, place = 100;

	while (s < end && is_blank(*s))
		s++;
	while (s < end && is_blank(end[-1]))
		end--;
	if (s == end)
		return 1000;
	if (*s++ != ';')
		return -1;
	while (s < end && is_blank(*s))
		s++;
	if (end - s < 3 || end - s > 7 || strncasecmp(s, "q=", 2) != 0 ||
	    (s[2] != '0' && s[2] != '1') || (end - s > 3 && s[3] != '.'))
		return -1;
	q = (s[2] - '0') * 1000;
	for (s += 4; s < end; s++, place /= 10) {
		if (!is_digit(*s))
			return -1;
		q += (*s - '0') * place;
	}
	return q > 1000 ? -1 : q;
}

/* The ranges of a header; those that are malformed are left out. */
static size_t
read_ranges(const char *s, struct range *out)
{
	size_t n = 0;

	while (s != NULL && *s != '\0' && n < RANGES_MAX) {
		size_t all, len;

		s += strspn(s, " \t,");
		all = strcspn(s, ",");
		len = strcspn(s, " \t;,");
		out[n].tag = s;
		out[n].len = len == 1 && *s == '*' ? 0 : len;
		out[n].q = quality(s + len, s + all);
		if (out[n].q >= 0 && (language_is_tag(s, len) ||
		    (out[n].len == 0 && len == 1)))
			n++;
		s += all;
	}
	return n;
}

/* Whether the range that says most about the tag says q=0. */
static bool
is_refused(const char *tag, const struct range *r, size_t n)
{
	const struct range *most = NULL;
	size_t i;

	for (i = 0; i < n; i++)
		if ((r[i].len == 0 || begins(tag, r[i].tag, r[i].len)) &&
		    (most == NULL || r[i].len > most->len))
			most = &r[i];
	return most != NULL && most->q == 0;
}

/* The next range by quality, the order of the header among equals. */
static struct range *
take_best(struct range *r, size_t n)
{
	struct range *best = NULL;
	size_t i;

	for (i = 0; i < n; i++)
		if (r[i].q > 0 && (best == NULL || r[i].q > best->q))
			best = &r[i];
	return best;
}

/* What a range finds among the tags that are not refused; n for nothing. */
static size_t
look_up(const struct range *r, const char *const *tags, const bool *refused,
    size_t n, size_t otherwise)
{
	size_t len = r->len, i;

	if (len == 0 && !refused[otherwise])
		return otherwise;
	for (;; len--) {
		for (i = 0; i < n; i++)
			if (!refused[i] && strlen(tags[i]) == len &&
			    begins(tags[i], r->tag, len))
				return i;
		for (i = 0; i < n; i++)
			if (!refused[i] && (len == 0 ||
			    begins(tags[i], r->tag, len)))
				return i;
		while (len > 0 && r->tag[len - 1] != '-')
			len--;
		if (len == 0)
			return n;
	}
}

size_t
language_choose(const char *accept, const char *const *tags, size_t n,
    size_t otherwise)
{
	struct range ranges[RANGES_MAX], *r;
	size_t count = read_ranges(accept, ranges), i, found;
	bool refused[LIMIT_LANGUAGES];

	for (i = 0; i < n; i++)
		refused[i] = is_refused(tags[i], ranges, count);
	while ((r = take_best(ranges, count)) != NULL) {
		found = look_up(r, tags, refused, n, otherwise);
		if (found < n)
			return found;
		r->q = -1;
	}
	return otherwise;
}
