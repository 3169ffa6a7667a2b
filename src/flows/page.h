/* SPDX-License-Identifier: ISC */
#ifndef OAC_PAGE_H
#define OAC_PAGE_H

/*
 * page - the few HTML pages that a visitor may meet: short, readable on a
 * phone, without scripts. Texts are ours; what comes from outside (an app's
 * name, a subject) is written with html_text() alone.
 *
 *	page_begin(res, 200, "Title");  …  page_end(res);
 */
#include "response.h"

void page_begin(struct response *res, int status, const char *title);

/* As page_begin(), and the browser goes to url (ours) after a moment. */
void page_begin_forwarding(struct response *res, const char *title,
    const char *url);
void page_end(struct response *res);

void page_text(struct response *res, const char *text);	/* a paragraph */
void page_small(struct response *res, const char *text);	/* a quiet one */
void page_link(struct response *res, const char *url, const char *text);

/* A form with hidden fields and one button; fields end with a NULL name. */
struct page_field {
	const char	*name;
	const char	*value;		/* NULL: left out */
};
void page_form(struct response *res, const char *action,
    const struct page_field *fields, const char *button);

/* Append text with everything that HTML gives a meaning to escaped. */
void html_text(struct buf *b, const char *text);

#endif
