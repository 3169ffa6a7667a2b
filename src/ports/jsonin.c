/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "jsonin.h"

#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>
#include <json-c/json_pointer.h>
#include <json-c/printbuf.h>

#include "limit.h"
#include "log.h"
#include "urlenc.h"
#include "wipe.h"
#include "xalloc.h"

struct json {
	struct json_object	*root;
};

/*
 * json-c's strict mode (0.16) still takes single-quoted names, NaN and
 * Infinity, raw control characters in strings, and UTF-8 that encodes
 * surrogates or is too long. So this looks over the text first: what may stand
 * outside of strings, what may not inside, and how deep it goes (json-c counts
 * a scalar as one level more). The grammar itself is left to json-c.
 */
static bool
looks_strict(const char *text, size_t len)
{
	static const char outside[] = " \t\r\n{}[]:,+-.0123456789eEtrufalsn";
	bool in_string = false;
	int depth = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		char c = text[i];

		if (in_string) {
			if ((unsigned char)c < 0x20)
				return false;
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '\0' || strchr(outside, c) == NULL) {
			return false;
		} else if (c == '{' || c == '[') {
			if (++depth > PROVIDER_JSON_DEPTH)
				return false;
		} else if (c == '}' || c == ']') {
			depth--;
		}
	}
	return urlenc_is_utf8(text, len);
}

/* The library hands out const pointers to memory that is its own. */
static void
wipe_value(struct json_object *o)
{
	union {
		const char	*in;
		char		*out;
	} p;

	p.in = json_object_get_string(o);
	if (p.in != NULL)
		wipe(p.out, (size_t)json_object_get_string_len(o));
}

/* Recursion is as deep as the text, which looks_strict() bounded. */
static void
wipe_tree(struct json_object *o)
{
	size_t i;

	switch (json_object_get_type(o)) {
	case json_type_string:
		wipe_value(o);
		break;
	case json_type_array:
		for (i = 0; i < json_object_array_length(o); i++)
			wipe_tree(json_object_array_get_idx(o, i));
		break;
	case json_type_object: {
		json_object_object_foreach(o, name, value) {
			(void)name;
			wipe_tree(value);
		}
		break;
	}
	default:
		break;
	}
}

/*
 * The tokener's scratch buffer holds the last string, and after an error its
 * stack the containers that were not finished. Both are public members that
 * json-c calls deprecated; nothing else reaches them.
 */
static void
free_tokener(struct json_tokener *tok)
{
	int level;

	for (level = 0; level <= tok->depth; level++)
		wipe_tree(tok->stack[level].current);
	wipe(tok->pb->buf, (size_t)tok->pb->size);
	json_tokener_free(tok);
}

enum err
json_parse(const char *text, size_t len, struct json **out)
{
	struct json_tokener *tok;
	struct json_object *root;
	bool whole;

	*out = NULL;
	if (len == 0 || len > PROVIDER_ANSWER || !looks_strict(text, len))
		return ERR_INPUT;
	/* One level more than looks_strict(), which is the one that counts. */
	if ((tok = json_tokener_new_ex(PROVIDER_JSON_DEPTH + 1)) == NULL)
		log_die("jsonin: out of memory");
	json_tokener_set_flags(tok,
	    JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	/* At its full size from the start: growing leaves copies behind. */
	if (printbuf_memset(tok->pb, 0, 0, (int)len + 1) != 0)
		log_die("jsonin: out of memory");
	printbuf_reset(tok->pb);

	root = json_tokener_parse_ex(tok, text, (int)len);
	whole = json_tokener_get_error(tok) == json_tokener_success &&
	    json_tokener_get_parse_end(tok) == len;
	free_tokener(tok);
	if (!whole || !json_object_is_type(root, json_type_object)) {
		wipe_tree(root);
		json_object_put(root);
		return ERR_INPUT;
	}
	*out = xcalloc(1, sizeof(**out));
	(*out)->root = root;
	return ERR_OK;
}

void
json_free(struct json *j)
{
	if (j == NULL)
		return;
	wipe_tree(j->root);
	json_object_put(j->root);
	free(j);
}

/* The member, if it is there; *value is NULL for a JSON null. */
static bool
member(const struct json *j, const char *name, struct json_object **value)
{
	*value = NULL;
	return json_object_object_get_ex(j->root, name, value);
}

enum json_kind
json_kind_of(const struct json *j, const char *name)
{
	struct json_object *v;

	if (!member(j, name, &v))
		return JSON_MISSING;
	switch (json_object_get_type(v)) {
	case json_type_boolean:
		return JSON_BOOL;
	case json_type_int:
	case json_type_double:
		return JSON_NUMBER;
	case json_type_string:
		return JSON_STRING;
	case json_type_array:
		return JSON_ARRAY;
	case json_type_object:
		return JSON_OBJECT;
	case json_type_null:
	default:
		return JSON_NULL;
	}
}

/* The string of a string without a NUL in it, else NULL. */
static const char *
plain_string(struct json_object *v, size_t *len)
{
	const char *s;

	if (!json_object_is_type(v, json_type_string))
		return NULL;
	s = json_object_get_string(v);
	*len = (size_t)json_object_get_string_len(v);
	return memchr(s, '\0', *len) == NULL ? s : NULL;
}

/* json-c saturates, so both ends of the range stand for what is past them. */
static bool
int_of_integer(struct json_object *v, int64_t *out)
{
	int64_t n = json_object_get_int64(v);

	if (n == INT64_MIN || json_object_get_uint64(v) > INT64_MAX)
		return false;
	*out = n;
	return true;
}

static bool
copy_string(struct json_object *v, struct buf *out)
{
	const char *s;
	size_t len;

	if ((s = plain_string(v, &len)) == NULL || len > out->max)
		return false;
	buf_add(out, s, len);
	return true;
}

bool
json_get_str(const struct json *j, const char *name, struct buf *out)
{
	struct json_object *v;

	buf_reset(out);
	return member(j, name, &v) && copy_string(v, out);
}

/* The value at a pointer, borrowed; NULL for a JSON null as well. */
static struct json_object *
at(const struct json *j, const char *pointer)
{
	struct json_object *v = NULL;

	return json_pointer_get(j->root, pointer, &v) == 0 ? v : NULL;
}

struct json *
json_enter(const struct json *j, const char *pointer)
{
	struct json_object *v = at(j, pointer);
	struct json *out;

	if (!json_object_is_type(v, json_type_object))
		return NULL;
	out = xcalloc(1, sizeof(*out));
	out->root = json_object_get(v);
	return out;
}

bool
json_get_at(const struct json *j, const char *pointer, struct buf *out)
{
	struct json_object *v = at(j, pointer);
	int64_t n;

	buf_reset(out);
	if (!json_object_is_type(v, json_type_int))
		return v != NULL && copy_string(v, out);
	if (!int_of_integer(v, &n))
		return false;
	buf_fmt(out, "%lld", (long long)n);
	return !buf_failed(out);
}

static bool
int_of_digits(const char *s, size_t len, int64_t *out)
{
	int64_t n = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9' ||
		    __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, s[i] - '0', &n))
			return false;
	}
	*out = n;
	return len > 0;
}

static bool
int_of_double(struct json_object *v, int64_t *out)
{
	double d = json_object_get_double(v);

	/* 2^63 is a double, INT64_MAX is not. False for NaN as well. */
	if (!(d > -0x1p63 && d < 0x1p63))
		return false;
	*out = (int64_t)d;
	return true;
}

bool
json_get_int(const struct json *j, const char *name, int64_t *out)
{
	struct json_object *v;
	const char *s;
	int64_t n = 0;
	size_t len;
	bool ok;

	*out = 0;
	if (!member(j, name, &v))
		return false;
	if (json_object_is_type(v, json_type_int))
		ok = int_of_integer(v, &n);
	else if (json_object_is_type(v, json_type_double))
		ok = int_of_double(v, &n);
	else
		ok = (s = plain_string(v, &len)) != NULL &&
		    int_of_digits(s, len, &n);
	if (ok)
		*out = n;
	return ok;
}

static bool
is_string(struct json_object *v, const char *value)
{
	const char *s;
	size_t len;

	return (s = plain_string(v, &len)) != NULL &&
	    len == strlen(value) && memcmp(s, value, len) == 0;
}

bool
json_has_str(const struct json *j, const char *name, const char *value)
{
	struct json_object *v;
	size_t i;

	if (!member(j, name, &v))
		return false;
	if (!json_object_is_type(v, json_type_array))
		return is_string(v, value);
	for (i = 0; i < json_object_array_length(v); i++)
		if (is_string(json_object_array_get_idx(v, i), value))
			return true;
	return false;
}
