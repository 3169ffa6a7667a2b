/* SPDX-License-Identifier: ISC */
#ifndef OAC_FIELDS_H
#define OAC_FIELDS_H

/*
 * fields - the values of a provider's fields for one flow or connection: what
 * the user said at the start, what the provider said in its redirect and in
 * its token answers. The addresses of its endpoints are made of them.
 *
 * Nobody who gives a value is trusted with an address: a value is kept only if
 * it matches its field's pattern, is at most LIMIT_FIELD bytes of UTF-8 and
 * holds no control character; it is looked at again whenever an address is
 * made, for the pattern may be another by then; and it can only fill its place
 * there (template.h).
 *
 * In the database they are text, a line `name=value` for each. Not secret.
 */
#include <stdbool.h>

#include "buf.h"
#include "conf.h"
#include "limit.h"

struct fields {
	struct {
		char	name[LIMIT_NAME + 1];
		char	value[LIMIT_FIELD + 1];
	}	list[LIMIT_FIELDS];
	size_t	count;
};

/* From text, and to text; what can't be read is left out. */
void fields_parse(struct fields *f, const char *text);
void fields_text(const struct fields *f, char out[LIMIT_FIELDS_TEXT + 1]);

/* The value of that name, or NULL. */
const char *fields_get(const struct fields *f, const char *name);

/* Whether a field may have that value. */
bool fields_value_ok(const struct provider_field *field, const char *value);

/* Set, or replace; false when the value is not ok. */
bool fields_set(struct fields *f, const struct provider_field *field,
    const char *value);

/*
 * Take over what `more` has of p's fields, and drop what p does not declare.
 */
void fields_merge(struct fields *f, const struct provider *p,
    const struct fields *more);

/* Append those that p declares as members of a JSON object; p NULL: all. */
void fields_json(const struct fields *f, const struct provider *p,
    struct buf *out);

/*
 * Append the address that one of p's URLs is for these fields; a field without
 * a value has its default. False, logged without the value, when there is
 * none, or it is not one to go to.
 */
bool fields_expand(const struct fields *f, const struct provider *p,
    const char *url, struct buf *out);

#endif
