/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "pattern.h"

#include <ctype.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "xalloc.h"

struct pattern {
	regex_t	regex;
};

/*
 * Behind the ']' that ends the class at p ("[]a]" and "[^]a]" hold one), or
 * NULL for a collating symbol, which could hide it.
 */
static const char *
skip_class(const char *p)
{
	p++;
	if (*p == '^')
		p++;
	if (*p == ']')
		p++;
	while (*p != '\0' && *p != ']') {
		if (p[0] == '[' && (p[1] == '.' || p[1] == '='))
			return NULL;
		if (p[0] == '[' && p[1] == ':' && strstr(p, ":]") != NULL)
			p = strstr(p, ":]") + 2;
		else
			p++;
	}
	return *p == ']' ? p + 1 : p;
}

static const char *
problem(const char *text)
{
	const char *p = text;
	int depth = 0;

	if (strlen(text) > PATTERN_MAX)
		return "is longer than 256 bytes";
	while (*p != '\0') {
		if (*p == '\\') {
			if (isdigit((unsigned char)p[1]))
				return "must not refer back to a group with a "
				    "backslash and a digit";
			if (isalpha((unsigned char)p[1]))
				return "holds a backslash with a letter, which "
				    "means nothing here; write [0-9] for a "
				    "digit, [a-z] for a letter";
			p += p[1] != '\0' ? 2 : 1;
		} else if (*p == '[') {
			p = skip_class(p);
			if (p == NULL)
				return "must not hold [.x.] or [=x=]";
		} else {
			depth += (*p == '(') - (*p == ')');
			/* regcomp() would take it, and leave our parentheses. */
			if (depth < 0)
				return "holds a ')' without a '('; write \\) "
				    "for the character";
			if (p[0] == ')' && p[1] == '{')
				return "must not count a group with {n}; write "
				    "the group out, or use '*', '+' or '?'";
			p++;
		}
	}
	return NULL;
}

const char *
pattern_compile(const char *text, struct pattern **out)
{
	struct buf whole = BUF_INIT(PATTERN_MAX + 8);
	const char *wrong = problem(text);
	struct pattern *p;

	*out = NULL;
	if (wrong != NULL)
		return wrong;
	p = xcalloc(1, sizeof(*p));
	buf_fmt(&whole, "^(%s)$", text);
	if (regcomp(&p->regex, buf_cstr(&whole), REG_EXTENDED | REG_NOSUB) ==
	    0) {
		*out = p;
	} else {
		wrong = "is not a regular expression (POSIX extended); see "
		    "regex(7)";
		free(p);
	}
	buf_clear(&whole);
	return wrong;
}

bool
pattern_matches(const struct pattern *p, const char *value)
{
	return regexec(&p->regex, value, 0, NULL, 0) == 0;
}

void
pattern_free(struct pattern *p)
{
	if (p == NULL)
		return;
	regfree(&p->regex);
	free(p);
}
