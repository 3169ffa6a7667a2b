/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "texts.h"

#include <stdlib.h>
#include <string.h>

#include "html.h"
#include "texts_internal.h"
#include "xalloc.h"

#define IN_SITE		TEXT_BIT(VALUE_SITE)
#define IN_FLOW		(TEXT_BIT(VALUE_SITE) | TEXT_BIT(VALUE_PROVIDER) | TEXT_BIT(VALUE_APP))

#define MARKS		"\1\2\3\4\5"
_Static_assert(sizeof(MARKS) == VALUE__MAX + 1, "a mark for each value");

const char *const text_values[VALUE__MAX] = {
	[VALUE_SITE]		= "{site}",
	[VALUE_PROVIDER]	= "{provider}",
	[VALUE_APP]		= "{app}",
	[VALUE_ID]		= "{id}",
	[VALUE_EXAMPLE]		= "{example}",
};

#define PAGE(name, key, values) \
	[TEXT_##name]		= { key ".title", values, 0, false }, \
	[TEXT_##name##_TEXT]	= { key ".text", values, 0, true }, \
	[TEXT_##name##_NEXT]	= { key ".next", values, 0, true }

const struct text_rule text_rules[TEXT__MAX] = {
	[TEXT_SITE]		= { "site", 0, 0, false },
	[TEXT_BACK]		= { "back", IN_SITE, 0, false },
	[TEXT_AGAIN]		= { "again", IN_SITE, 0, false },
	[TEXT_CONTINUE]		= { "continue", IN_SITE, 0, false },
	[TEXT_NUMBER]		= { "number", IN_SITE | TEXT_BIT(VALUE_ID),
	    TEXT_BIT(VALUE_ID), true },
	[TEXT_CONFIRM]		= { "confirm.title", IN_FLOW,
	    TEXT_BIT(VALUE_PROVIDER), false },
	[TEXT_CONFIRM_TEXT]	= { "confirm.text", IN_FLOW, 0, true },
	[TEXT_CONFIRM_LINK]	= { "confirm.link", IN_FLOW, 0, true },
	[TEXT_CONFIRM_PROVIDER]	= { "confirm.provider", 0, 0, false },
	[TEXT_CONFIRM_APP]	= { "confirm.app", 0, 0, false },
	[TEXT_CONFIRM_SUBJECT]	= { "confirm.subject", 0, 0, false },
	[TEXT_CONFIRM_BUTTON]	= { "confirm.button", IN_FLOW, 0, false },
	[TEXT_CONFIRM_NOTE]	= { "confirm.note", IN_FLOW, 0, true },
	[TEXT_CONFIRM_CANCEL]	= { "confirm.cancel", IN_FLOW, 0, false },
	[TEXT_FIELDS]		= { "fields.title", IN_FLOW, 0, false },
	[TEXT_FIELDS_TEXT]	= { "fields.text", IN_FLOW, 0, true },
	[TEXT_FIELDS_MISSING]	= { "fields.missing", 0, 0, false },
	[TEXT_FIELDS_INVALID]	= { "fields.invalid", 0, 0, false },
	[TEXT_FIELDS_EXAMPLE]	= { "fields.example",
	    TEXT_BIT(VALUE_EXAMPLE), TEXT_BIT(VALUE_EXAMPLE), false },
	[TEXT_FIELDS_BUTTON]	= { "fields.button", IN_FLOW, 0, false },
	[TEXT_FORWARD]		= { "forward.title", IN_SITE, 0, false },
	[TEXT_FORWARD_TEXT]	= { "forward.text", IN_SITE, 0, true },
	PAGE(CONNECTED, "connected", IN_FLOW),
	PAGE(DENIED, "denied", IN_FLOW),
	PAGE(REJECTED, "rejected", IN_FLOW),
	PAGE(MISCONFIGURED, "misconfigured", IN_FLOW),
	PAGE(INVALID_RESPONSE, "invalid_response", IN_FLOW),
	PAGE(UNREACHABLE, "unreachable", IN_FLOW),
	PAGE(INTERRUPTED, "interrupted", IN_FLOW),
	PAGE(FAILED, "failed", IN_FLOW),
	PAGE(BAD_REQUEST, "bad_request", IN_SITE),
	PAGE(RETURN_TO, "return_to", IN_SITE),
	PAGE(NO_PROVIDER, "no_provider", IN_SITE),
	PAGE(NO_APP, "no_app", IN_SITE),
	PAGE(LINK, "link", IN_SITE),
	PAGE(STATE, "state", IN_SITE),
	PAGE(COOKIE, "cookie", IN_SITE),
	PAGE(LOGIN, "login", IN_SITE),
	PAGE(FORM, "form", IN_SITE),
	PAGE(WINDOW, "window", IN_SITE),
	PAGE(NOT_FOUND, "not_found", IN_SITE),
	PAGE(METHOD, "method", IN_SITE),
	PAGE(TOO_LARGE, "too_large", IN_SITE),
	PAGE(SERVER, "server", IN_SITE),
	PAGE(UNAVAILABLE, "unavailable", IN_SITE),
};

struct text_field *
texts_find_field(const struct texts *t, const char *name)
{
	struct text_field *f;

	for (f = t->fields; f != NULL; f = f->next)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

struct text_field *
texts_have_field(struct texts *t, const char *name)
{
	struct text_field *f = texts_find_field(t, name);

	if (f != NULL)
		return f;
	f = xcalloc(1, sizeof(*f));
	f->name = xstrdup(name);
	f->next = t->fields;
	t->fields = f;
	return f;
}

size_t
texts_complete(struct texts *t, const struct texts *base)
{
	const struct text_field *f;
	struct text_field *own;
	size_t i, n = 0;

	for (i = 0; i < TEXT__MAX; i++) {
		if (t->text[i] != NULL || base->text[i] == NULL)
			continue;
		t->text[i] = xstrdup(base->text[i]);
		n++;
	}
	for (f = base->fields; f != NULL; f = f->next) {
		if (texts_find_field(t, f->name) != NULL)
			continue;
		own = texts_have_field(t, f->name);
		own->text = xstrdup(f->text);
	}
	return n;
}

void
texts_clear(struct texts *t)
{
	struct text_field *f;
	size_t i;

	for (i = 0; i < TEXT__MAX; i++)
		free(t->text[i]);
	while ((f = t->fields) != NULL) {
		t->fields = f->next;
		free(f->name);
		free(f->text);
		free(f);
	}
	memset(t, 0, sizeof(*t));
}

const char *
texts_name(enum text which)
{
	return text_rules[which].name;
}

bool
texts_is_empty(const struct texts *t, enum text which)
{
	return t->text[which][0] == '\0';
}

void
texts_add(struct buf *b, const struct texts *t, enum text which,
    const char *const values[VALUE__MAX], bool isolate)
{
	const char *s = t->text[which], *value;

	for (;;) {
		size_t plain = strcspn(s, MARKS);

		buf_add(b, s, plain);
		s += plain;
		if (*s == '\0')
			return;
		value = values[*s - TEXT_MARK(0)];
		buf_str(b, isolate ? "<bdi>" : "");
		if (value != NULL)
			html_add(b, value);
		else if (*s == TEXT_MARK(VALUE_SITE))
			buf_str(b, t->text[TEXT_SITE]);
		buf_str(b, isolate ? "</bdi>" : "");
		s++;
	}
}

const char *
texts_field(const struct texts *t, const char *name, bool hint)
{
	const struct text_field *f;
	size_t len = strlen(name);

	for (f = t->fields; f != NULL; f = f->next)
		if (strncmp(f->name, name, len) == 0 &&
		    strcmp(f->name + len, hint ? ".hint" : "") == 0)
			return f->text;
	return NULL;
}
