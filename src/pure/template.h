/* SPDX-License-Identifier: ISC */
#ifndef OAC_TEMPLATE_H
#define OAC_TEMPLATE_H

/*
 * template - URLs with fields: "https://{shop}/admin/oauth/authorize".
 *
 * A value can fill its place and nothing more, whatever it is:
 *
 *	at the beginning	scheme, host and port of a URL
 *	in the host		letters, digits, '-' and '.'
 *	behind it		anything but "", "." and "..", percent-encoded
 *
 * Whether the whole is a URL to go to, the caller must see.
 *
 * A field's name is a small letter, then small letters, digits and '_', at
 * most LIMIT_NAME of them.
 */
#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

enum template_place {
	TEMPLATE_ORIGIN,	/* the template begins with it */
	TEMPLATE_HOST,
	TEMPLATE_REST,
};

/* Whether a text has fields, or something that looks like it. */
bool template_has_fields(const char *text);

/* Whether s can be the name of a field. */
bool template_is_name(const char *s);

/*
 * Call fn for each field in turn with what stands behind it, until it returns
 * false. False then, and when a brace has no partner or no name.
 */
typedef bool (*template_fn)(void *arg, const char *name,
    enum template_place place, const char *rest);
bool template_each(const char *text, template_fn fn, void *arg);

/*
 * Append the text with every field replaced by its value, for which value()
 * is asked. False when it gives NULL or a value that its place does not take,
 * or when braces are wrong; what was appended is then of no use.
 */
typedef const char *(*template_value)(void *arg, const char *name);
bool template_expand(const char *text, template_value value, void *arg,
    struct buf *out);

#endif
