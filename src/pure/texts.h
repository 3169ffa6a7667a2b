/* SPDX-License-Identifier: ISC */
#ifndef OAC_TEXTS_H
#define OAC_TEXTS_H

/*
 * texts - the words of the pages in one language, as a file says them:
 *
 *	# a comment
 *	direction     = rtl
 *	confirm.title = Connect {provider}?
 *	confirm.text  = A long text goes on
 *	    in lines that begin with a blank.
 *
 * Everything is checked and made ready for HTML when it is read, so that a
 * page only copies. A file may hold some of the texts; where the others come
 * from is the loader's business (pages.h).
 *
 * Ownership: struct texts owns its strings; texts_clear() frees them.
 * Errors:    what is wrong with a line goes to the caller's function, and the
 *            line counts as not written; nothing else fails.
 */
#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "language.h"

/* The title of a page, what happened, and what to do now: three in a row. */
#define TEXT_PAGE(name) TEXT_##name, TEXT_##name##_TEXT, TEXT_##name##_NEXT

/* The texts; the table in texts.c has their names in the files. */
enum text {
	TEXT_SITE, TEXT_BACK, TEXT_AGAIN, TEXT_CONTINUE, TEXT_NUMBER,

	TEXT_CONFIRM, TEXT_CONFIRM_TEXT, TEXT_CONFIRM_LINK,
	TEXT_CONFIRM_PROVIDER, TEXT_CONFIRM_APP, TEXT_CONFIRM_SUBJECT,
	TEXT_CONFIRM_BUTTON, TEXT_CONFIRM_NOTE, TEXT_CONFIRM_CANCEL,

	TEXT_FIELDS, TEXT_FIELDS_TEXT, TEXT_FIELDS_MISSING,
	TEXT_FIELDS_INVALID, TEXT_FIELDS_EXAMPLE, TEXT_FIELDS_BUTTON,

	TEXT_FORWARD, TEXT_FORWARD_TEXT,

	/* How a flow ended. */
	TEXT_PAGE(CONNECTED), TEXT_PAGE(DENIED), TEXT_PAGE(REJECTED),
	TEXT_PAGE(MISCONFIGURED), TEXT_PAGE(INVALID_RESPONSE),
	TEXT_PAGE(UNREACHABLE), TEXT_PAGE(INTERRUPTED), TEXT_PAGE(FAILED),

	/* Why a request gets nowhere. */
	TEXT_PAGE(BAD_REQUEST), TEXT_PAGE(RETURN_TO), TEXT_PAGE(NO_PROVIDER),
	TEXT_PAGE(NO_APP), TEXT_PAGE(LINK), TEXT_PAGE(STATE),
	TEXT_PAGE(COOKIE), TEXT_PAGE(LOGIN), TEXT_PAGE(FORM),
	TEXT_PAGE(WINDOW), TEXT_PAGE(NOT_FOUND), TEXT_PAGE(METHOD),
	TEXT_PAGE(TOO_LARGE), TEXT_PAGE(SERVER), TEXT_PAGE(UNAVAILABLE),
	TEXT__MAX
};

/* What a text may have put into it. */
enum text_value {
	VALUE_SITE,		/* {site}: its name */
	VALUE_PROVIDER,		/* {provider}: its label */
	VALUE_APP,		/* {app} */
	VALUE_ID,		/* {id}: the error id */
	VALUE_EXAMPLE,		/* {example}: of a provider's field */
	VALUE__MAX
};

/* A text for an input that a provider asks for; see texts_field(). */
struct text_field {
	char			*name;		/* "shop", "shop.hint" */
	char			*text;
	unsigned		 line;		/* in the file read last */
	struct text_field	*next;
};

struct texts {
	char			 tag[LANGUAGE_TAG_MAX + 1];
	bool			 rtl;
	bool			 has_direction;	/* the file says it */
	char			*text[TEXT__MAX];	/* NULL: not in the file */
	struct text_field	*fields;
};

/* What is wrong in a line, and what to write. Never a piece of the file. */
typedef void (*texts_complain)(void *arg, unsigned line, const char *what);

/*
 * Read a file's bytes into *t, which the caller has zeroed. May be called
 * again with another file: what it holds wins over what is there.
 */
void texts_read(struct texts *t, const char *data, size_t len,
    texts_complain complain, void *arg);

/* Take from base what t lacks. How many of the pages' texts that were. */
size_t texts_complete(struct texts *t, const struct texts *base);

void texts_clear(struct texts *t);

/* The name of a text in the files: "confirm.title". */
const char *texts_name(enum text which);

/* Whether there is nothing to show: a paragraph may be left empty. */
bool texts_is_empty(const struct texts *t, enum text which);

/*
 * Append a text as HTML, with the values put in and escaped; a NULL value of
 * {site} is TEXT_SITE. With isolate each value is a <bdi>, so that its own
 * direction of writing does not disturb the text's; in a <title> there are no
 * tags, so do without there.
 */
void texts_add(struct buf *b, const struct texts *t, enum text which,
    const char *const values[VALUE__MAX], bool isolate);

/* The label of that input, or its hint, as HTML; NULL when there is none. */
const char *texts_field(const struct texts *t, const char *name, bool hint);

#endif
