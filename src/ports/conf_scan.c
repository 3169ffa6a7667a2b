/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "conf.h"

#include <stdlib.h>
#include <string.h>

#include "conf_internal.h"
#include "xalloc.h"

/*
 * libconfuse 3.3 counts a comment as one line too many, drops a lone '+' or
 * '*', takes `a#b` for `a`, ends a string at \0, and reads "${x" up to the
 * next brace, lines later. Each of these would lose part of a secret without
 * a word, or blame the wrong line.
 */
struct cursor {
	struct conf_source	*src;
	char			*p;
	unsigned		 line;
	unsigned		 depth;		/* of braces */
	bool			 empty;		/* nothing since the last '{' */
	bool			 equals;	/* nothing since a '=' */
	unsigned		 list;		/* depth of the open list, or 0 */
	bool			 word;		/* within an unquoted word */
};

static bool
refuse(const struct cursor *c, unsigned line, const char *what)
{
	struct conf_place at = { c->src->name, line };

	conf_complain(&at, "%s", what);
	return false;
}

static bool
is_word(char ch)
{
	return ch != '\0' && strchr(" #\"'\t\n\r={}()+,*", ch) == NULL;
}

/* The rest of the line becomes blanks: a comment. */
static void
skip_line(struct cursor *c)
{
	while (*c->p != '\0' && *c->p != '\n')
		*c->p++ = ' ';
}

static bool
skip_block(struct cursor *c)
{
	unsigned start = c->line;

	for (; *c->p != '\0'; c->p++) {
		if (c->p[0] == '*' && c->p[1] == '/') {
			c->p[0] = c->p[1] = ' ';
			c->p += 2;
			return true;
		}
		if (*c->p == '\n')
			c->line++;
		else
			*c->p = ' ';
	}
	return refuse(c, start, "this comment is never closed; end it with */");
}

/* At the '$' of "${": NAME, perhaps a default, and the brace. */
static bool
skip_variable(struct cursor *c)
{
	static const char first[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
	char *p = c->p + 2;

	if (*p != '\0' && strchr(first, *p) != NULL) {
		while (*p != '\0' && (strchr(first, *p) != NULL ||
		    (*p >= '0' && *p <= '9')))
			p++;
		if (p[0] == ':' && p[1] == '-')
			p += strcspn(p, "}\"\\\n");
		if (*p == '}') {
			c->p = p + 1;
			return true;
		}
	}
	return refuse(c, c->line, "\"${\" begins the name of an environment "
	    "variable; write ${NAME}, or \\${ for the characters themselves");
}

static bool
is_hex(char ch)
{
	return ch != '\0' && strchr("0123456789abcdefABCDEF", ch) != NULL;
}

/* At a backslash in double quotes. */
static bool
skip_escape(struct cursor *c)
{
	char *p = c->p + 1;

	if (*p == '\n')
		c->line++;
	if ((*p >= '0' && *p <= '9') || (*p == 'x' && (!is_hex(p[1]) ||
	    !is_hex(p[2]) || (p[1] == '0' && p[2] == '0'))))
		return refuse(c, c->line, "a backslash with digits is not "
		    "allowed here; write \\\\ for a backslash, or \\xNN for a "
		    "byte that is not 00");
	c->p = *p == '\0' ? p : p + 1;
	return true;
}

static bool
skip_string(struct cursor *c, char quote)
{
	unsigned start = c->line;

	for (c->p++; *c->p != quote;) {
		if (*c->p == '\0' || *c->p == '\n')
			return refuse(c, start, "the value's quote is not "
			    "closed on its line");
		if (*c->p == '\\' && quote == '"') {
			if (!skip_escape(c))
				return false;
		} else if (*c->p == '\\' && c->p[1] != '\0') {
			if (c->p[1] == '\n')
				c->line++;
			c->p += 2;
		} else if (quote == '"' && c->p[0] == '$' && c->p[1] == '{') {
			if (!skip_variable(c))
				return false;
		} else {
			c->p++;
		}
	}
	c->p++;
	return true;
}

static void
note_open(struct conf_opens *o, unsigned line)
{
	unsigned *more = xcalloc(o->count + 1, sizeof(*more));

	if (o->count > 0)
		memcpy(more, o->lines, o->count * sizeof(*more));
	free(o->lines);
	o->lines = more;
	o->lines[o->count++] = line;
}

/* A list behind a '=', or else a section. */
static void
open_brace(struct cursor *c)
{
	c->depth++;
	if (c->equals)
		c->list = c->depth;
	else if (c->depth <= 2)
		note_open(&c->src->opens[c->depth - 1], c->line);
	c->empty = true;
	c->equals = false;
}

/* The line where what is not closed at the end begins. */
static unsigned
unclosed_line(const struct cursor *c)
{
	const struct conf_opens *o = &c->src->opens[c->depth == 2 &&
	    c->list == 0];

	return o->count > 0 ? o->lines[o->count - 1] : c->line;
}

/* Braces, and the characters that libconfuse would drop. */
static bool
punctuation(struct cursor *c)
{
	switch (*c->p) {
	case '{':
		open_brace(c);
		break;
	case '}':
		if (c->list == c->depth && c->list > 0 && c->empty)
			return refuse(c, c->line, "the list is empty; give it "
			    "a value or remove the line");
		c->list = 0;
		c->equals = false;
		if (c->depth > 0)
			c->depth--;
		break;
	case '=':
		c->equals = true;
		break;
	case '+':
		if (c->p[1] == '=')
			break;
		/* FALLTHROUGH */
	case '*':
		return refuse(c, c->line, "a value with '+' or '*' needs "
		    "quotes; write \"...\" around it");
	default:
		break;
	}
	c->p++;
	return true;
}

/* One step: false to end, with *ok false after a complaint. */
static bool
step(struct cursor *c, bool *ok)
{
	char ch = *c->p;
	bool in_word = c->word;

	c->word = false;
	if (ch == '\0')
		return false;
	if (ch == '\n') {
		c->line++;
		c->p++;
	} else if (ch == '#' && in_word) {
		*ok = refuse(c, c->line, "a value with '#' needs quotes; write "
		    "\"...\" around it, or a blank before a comment");
	} else if (ch == '#' || (ch == '/' && c->p[1] == '/' && !in_word)) {
		skip_line(c);
	} else if (ch == '/' && c->p[1] == '*' && !in_word) {
		*ok = skip_block(c);
	} else if (ch == '"' || ch == '\'') {
		c->empty = c->equals = false;
		*ok = skip_string(c, ch);
	} else if (ch == '$' && c->p[1] == '{' && !in_word) {
		c->empty = c->equals = false;
		*ok = skip_variable(c);
	} else if (is_word(ch)) {
		c->word = true;
		c->empty = c->equals = false;
		c->p++;
	} else {
		*ok = punctuation(c);
	}
	return *ok;
}

bool
conf_scan(struct conf_source *s)
{
	struct cursor c = { .src = s, .p = s->text.data, .line = 1 };
	char *nul;
	bool ok = true;

	if (s->text.len == 0)
		return true;
	nul = memchr(s->text.data, '\0', s->text.len);
	if (nul != NULL) {
		for (; c.p < nul; c.p++)
			if (*c.p == '\n')
				c.line++;
		return refuse(&c, c.line, "the file holds a NUL byte; it must "
		    "be plain text");
	}
	/* What some editors put in front of UTF-8. */
	if (strncmp(c.p, "\xef\xbb\xbf", 3) == 0)
		memset(c.p, ' ', 3);
	while (step(&c, &ok))
		;
	/* libconfuse takes the end of the file for the missing brace. */
	if (ok && c.depth > 0)
		ok = refuse(&c, unclosed_line(&c), "the section that begins "
		    "here is not closed; a '}' is missing");
	return ok;
}
