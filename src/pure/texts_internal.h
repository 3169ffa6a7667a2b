/* SPDX-License-Identifier: ISC */
#ifndef OAC_TEXTS_INTERNAL_H
#define OAC_TEXTS_INTERNAL_H

/*
 * texts_internal - what the files of texts share.
 *
 *	texts.c		the table of all texts, and what pages take from them
 *	texts_read.c	lines to texts
 */
#include "texts.h"

#define TEXT_BIT(value)	(1u << (value))

/* A value's place in a prepared text: a byte that no text can hold. */
#define TEXT_MARK(value) ((char)(1 + (value)))

extern const char *const text_values[VALUE__MAX];	/* "{site}" */

extern const struct text_rule {
	const char	*name;
	unsigned	 may;		/* values that it may hold */
	unsigned	 must;		/* and those without which it misleads */
	bool		 optional;	/* a paragraph, which may be empty */
} text_rules[TEXT__MAX];

/* The field's text of that name ("shop.hint"); NULL when there is none. */
struct text_field *texts_find_field(const struct texts *t, const char *name);

/* The same; made when there is none. */
struct text_field *texts_have_field(struct texts *t, const char *name);

#endif
