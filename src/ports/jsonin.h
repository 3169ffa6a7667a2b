/* SPDX-License-Identifier: ISC */
#ifndef OAC_JSONIN_H
#define OAC_JSONIN_H

/*
 * jsonin - reading JSON objects that come from outside.
 *
 * The only module that includes <json-c/…>. Strict (one object, nothing but
 * white space behind it, valid UTF-8), nesting at most PROVIDER_JSON_DEPTH.
 * Everything is copied out: no pointer into the library leaves.
 *
 * Refused:  comments, single quotes, trailing commas, NaN and Infinity, a byte
 *           order mark, raw control characters, more than PROVIDER_ANSWER.
 * Taken:    of a name given twice the last value; half of a surrogate pair as
 *           U+FFFD; a name ends at \u0000; -01 and 1. as numbers.
 * Secrets:  every string value is overwritten before it is freed, also when
 *           the text turns out to be malformed (not the first of a name given
 *           twice). The text itself is the caller's.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

struct json;

enum json_kind {
	JSON_MISSING, JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING,
	JSON_ARRAY, JSON_OBJECT
};

/* ERR_INPUT when text is not one JSON object within the limits. */
enum err json_parse(const char *text, size_t len, struct json **out)
    MUST_CHECK;
void json_free(struct json *j);		/* NULL is allowed */

enum json_kind json_kind_of(const struct json *j, const char *name);

/*
 * Copy a string member to out, emptied first. False when it is missing, not a
 * string, holds a NUL, or is longer than out->max.
 */
bool json_get_str(const struct json *j, const char *name, struct buf *out);

/*
 * A whole number, given as a number (a fraction is dropped) or as a string of
 * digits. False (and 0) when it is anything else, or does not fit an int64_t;
 * as a number, INT64_MIN itself counts as too small.
 */
bool json_get_int(const struct json *j, const char *name, int64_t *out);

/*
 * The object at a JSON pointer (RFC 6901) as one of its own, NULL when there
 * is none. Free it before j; its strings are then gone from j as well.
 */
struct json *json_enter(const struct json *j, const char *pointer);

/*
 * Copy the string, or the whole number as text, at a JSON pointer to out,
 * under the conditions of json_get_str().
 */
bool json_get_at(const struct json *j, const char *pointer, struct buf *out);

/* Whether an array member, or a single string, holds that string. */
bool json_has_str(const struct json *j, const char *name, const char *value);

#endif
