/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "texts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "html.h"
#include "limit.h"
#include "texts_internal.h"
#include "urlenc.h"
#include "xalloc.h"

/* ---- one text --------------------------------------------------------- */

/* A file on its way in. */
struct reader {
	struct texts		*t;
	texts_complain		 complain;
	void			*arg;
	unsigned		 line;		/* being read */
	unsigned		 begun;		/* where `value` begins; 0: none */
	size_t			 which;		/* the text that `value` is, */
	char			*field;		/* unless it is this field's */
	struct buf		 value;
	bool			 skipping;	/* lines that go on with a fault */
	unsigned		 seen[TEXT__MAX];	/* lines */
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void __attribute__((format(printf, 3, 4)))
fault(const struct reader *r, unsigned line, const char *fmt, ...)
{
	char what[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	r->complain(r->arg, line, what);
}

static void
list_values(unsigned values, struct buf *out)
{
	int v;

	for (v = 0; v < VALUE__MAX; v++)
		if ((values & TEXT_BIT(v)) != 0)
			buf_fmt(out, "%s%s", out->len > 0 ? " " : "",
			    text_values[v]);
}

/* Whether what the reader holds can be shown. */
static bool
is_text(const struct reader *r)
{
	const struct buf *value = &r->value;
	const char *s = buf_cstr(value);
	size_t i;

	if (s == NULL) {
		fault(r, r->begun, "the text is longer than %d bytes; make it "
		    "shorter", LIMIT_TEXT);
		return false;
	}
	if (value->len == 0 && (r->field != NULL ||
	    !text_rules[r->which].optional)) {
		fault(r, r->begun, "the text is empty; remove the line, or "
		    "write it");
		return false;
	}
	for (i = 0; i < value->len; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f) {
			fault(r, r->begun, "the text holds a tab or another "
			    "control character; write a blank");
			return false;
		}
	if (!urlenc_is_utf8(s, value->len)) {
		fault(r, r->begun, "the text is not UTF-8; save the file with "
		    "that encoding");
		return false;
	}
	return true;
}

/* The value that {name} at the beginning of s means; VALUE__MAX for none. */
static int
value_at(const char *s)
{
	int v;

	for (v = 0; v < VALUE__MAX; v++)
		if (strncmp(s, text_values[v], strlen(text_values[v])) == 0)
			break;
	return v;
}

/*
 * Append what the reader holds as HTML with marks in it, and write over it.
 * False at a brace that begins none of the values that may be there.
 */
static bool
put_marks(struct reader *r, unsigned may, unsigned *found, struct buf *out)
{
	char *s = r->value.data, *brace;
	int v;

	*found = 0;
	for (; (brace = strpbrk(s, "{}")) != NULL;
	    s = brace + strlen(text_values[v])) {
		v = value_at(brace);
		if (v == VALUE__MAX || (may & TEXT_BIT(v)) == 0)
			return false;
		*found |= TEXT_BIT(v);
		*brace = '\0';
		html_add(out, s);
		buf_char(out, TEXT_MARK(v));
	}
	html_add(out, s);
	return true;
}

static bool
prepare(struct reader *r, unsigned may, unsigned must, struct buf *out)
{
	struct buf list = BUF_INIT(100);
	unsigned found;
	bool ok = true;

	if (r->value.len == 0)
		return true;		/* a paragraph that is left out */
	if (!put_marks(r, may, &found, out)) {
		list_values(may, &list);
		fault(r, r->begun, "braces are for values that are put in; "
		    "here can stand: %s", list.len > 0 ? buf_cstr(&list) :
		    "none");
		ok = false;
	} else if ((must & ~found) != 0) {
		list_values(must & ~found, &list);
		fault(r, r->begun, "the text lacks %s; put it in", buf_cstr(&list));
		ok = false;
	}
	buf_clear(&list);
	return ok;
}

/* ---- keys ------------------------------------------------------------- */

/* field.NAME and field.NAME.hint, NAME of a-z, 0-9, '-', '_'. */
static bool
is_field(const char *key)
{
	size_t len;

	if (strncmp(key, "field.", 6) != 0)
		return false;
	key += 6;
	len = strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789-_");
	return len > 0 && len <= LIMIT_NAME &&
	    (key[len] == '\0' || strcmp(key + len, ".hint") == 0);
}

/*
 * Which text a key means; TEXT__MAX for none. Most files are in the table's
 * order, so the search goes on where the last one ended.
 */
static size_t
find_text(const struct reader *r, const char *key)
{
	size_t i, at;

	for (i = 0; i < TEXT__MAX; i++) {
		at = (r->which + 1 + i) % TEXT__MAX;
		if (strcmp(text_rules[at].name, key) == 0)
			return at;
	}
	return TEXT__MAX;
}

static void
set_direction(struct reader *r, const char *value)
{
	if (strcmp(value, "rtl") != 0 && strcmp(value, "ltr") != 0) {
		fault(r, r->line, "direction is neither rtl nor ltr; write one of "
		    "them");
		return;
	}
	r->t->rtl = value[0] == 'r';
	r->t->has_direction = true;
}

/* ---- lines ------------------------------------------------------------ */

/* Where the text that the reader holds belongs. */
static char **
place_of(const struct reader *r)
{
	struct text_field *f;

	if (r->field == NULL)
		return &r->t->text[r->which];
	f = texts_have_field(r->t, r->field);
	f->line = r->begun;
	return &f->text;
}

/* What stands in the reader is whole: take it. */
static void
finish(struct reader *r)
{
	struct buf out = BUF_INIT(LIMIT_TEXT * 6);	/* all of it &quot; */
	bool field = r->field != NULL;
	char **to;

	r->skipping = false;
	if (r->begun == 0)
		return;
	if (is_text(r) && prepare(r,
	    field ? 0 : text_rules[r->which].may,
	    field ? 0 : text_rules[r->which].must, &out)) {
		to = place_of(r);
		free(*to);
		*to = xstrdup(buf_cstr(&out));
	}
	r->begun = 0;
	free(r->field);
	r->field = NULL;
	buf_reset(&r->value);
	buf_clear(&out);
}

/* Whether the key can begin a text here; notes which. */
static bool
begin(struct reader *r, const char *key)
{
	const struct text_field *f;
	size_t which = find_text(r, key);
	unsigned before = 0;

	if (which < TEXT__MAX) {
		r->which = which;
		before = r->seen[which];
		r->seen[which] = r->line;
	} else if (is_field(key)) {
		f = texts_find_field(r->t, key + 6);
		before = f != NULL ? f->line : 0;
		r->field = xstrdup(key + 6);
	} else {
		fault(r, r->line, "there is no text of that name; `oauth-cgi "
		    "pages en` prints all that there are");
		return false;
	}
	if (before != 0) {
		fault(r, r->line, "the text is there twice, first in line %u; "
		    "remove one", before);
		free(r->field);
		r->field = NULL;
		return false;
	}
	r->begun = r->line;
	return true;
}

/* `name = text`; the line is written over. */
static void
read_key(struct reader *r, char *s)
{
	char *value = strchr(s, '='), *end;

	finish(r);
	r->skipping = true;
	if (value == NULL) {
		fault(r, r->line, "there is no name = text; write that, or begin "
		    "the line with a blank if it goes on with the one before");
		return;
	}
	for (end = value; end > s && is_blank(end[-1]); end--)
		;
	*end = '\0';
	for (value++; is_blank(*value); value++)
		;
	if (strcmp(s, "direction") == 0)
		set_direction(r, value);
	else if (begin(r, s))
		buf_str(&r->value, value);
}

/* A line that goes on with a text. */
static void
read_more(struct reader *r, const char *s)
{
	if (r->begun == 0 && !r->skipping)
		fault(r, r->line, "a line that begins with a blank goes on "
		    "with a text, and none is before it; remove the blank");
	if (r->begun == 0)
		return;
	if (r->value.len > 0)
		buf_char(&r->value, ' ');
	buf_str(&r->value, s);
}

static void
read_line(struct reader *r, const char *from, const char *to)
{
	bool more = from < to && is_blank(*from);
	char *line;

	while (from < to && is_blank(*from))
		from++;
	while (to > from && (is_blank(to[-1]) || to[-1] == '\r'))
		to--;
	if (from == to) {
		finish(r);
		return;
	}
	if (*from == '#')
		return;
	if (memchr(from, '\0', (size_t)(to - from)) != NULL) {
		fault(r, r->line, "the line holds a NUL byte; save the file "
		    "as plain text");
		return;
	}
	line = xstrndup(from, (size_t)(to - from));
	if (more)
		read_more(r, line);
	else
		read_key(r, line);
	free(line);
}

void
texts_read(struct texts *t, const char *data, size_t len,
    texts_complain complain, void *arg)
{
	struct reader r = { .t = t, .complain = complain, .arg = arg,
	    .which = TEXT__MAX - 1, .value = BUF_INIT(LIMIT_TEXT) };
	const char *end = data + len, *stop;
	struct text_field *f;

	for (f = t->fields; f != NULL; f = f->next)
		f->line = 0;
	if (len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
		data += 3;
	for (; data < end; data = stop + 1) {
		stop = memchr(data, '\n', (size_t)(end - data));
		if (stop == NULL)
			stop = end;
		r.line++;
		read_line(&r, data, stop);
	}
	finish(&r);
	buf_clear(&r.value);
}
