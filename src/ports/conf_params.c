/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "conf.h"

#include <stdlib.h>
#include <string.h>

#include "conf_internal.h"
#include "limit.h"
#include "params.h"
#include "urlenc.h"
#include "wipe.h"
#include "xalloc.h"

/* Whether c may stand in a scope token (RFC 6749, 3.3). */
static bool
is_scope_char(char c)
{
	return c == 0x21 || (c >= 0x23 && c <= 0x5b) ||
	    (c >= 0x5d && c <= 0x7e);
}

/* The scope with one blank between its tokens; "" when none. */
char *
conf_scope(struct conf_build *b, const struct conf_setting *s)
{
	struct buf out = BUF_INIT(LIMIT_SCOPE);
	const char *p = s->value != NULL ? s->value : "";
	char *copy;

	for (; *p != '\0'; p++) {
		if (*p == ' ')
			continue;
		if (!is_scope_char(*p)) {
			conf_fail(b, s, "may hold only printable ASCII without "
			    "'\"' and '\\', in words separated by blanks");
			break;
		}
		if (out.len > 0 && p > s->value && p[-1] == ' ')
			buf_char(&out, ' ');
		buf_char(&out, *p);
	}
	if (buf_failed(&out))
		conf_fail(b, s, "is longer than %d bytes", LIMIT_SCOPE);
	copy = xstrdup(buf_failed(&out) ? "" : buf_cstr(&out));
	buf_clear(&out);
	return copy;
}

/* Words separated by blanks or commas; the items of a list come that way. */
void
conf_names(struct conf_build *b, const struct conf_setting *s,
    bool (*ok)(const char *), const char *what, struct name_list *out)
{
	const char *p = s->value;
	char **more;

	if (p == NULL)
		return;
	for (p += strspn(p, " ,"); *p != '\0'; p += strspn(p, " ,")) {
		size_t len = strcspn(p, " ,");
		char *name = xstrndup(p, len);

		p += len;
		if (!ok(name)) {
			conf_fail(b, s, "%s", what);
			free(name);
			return;
		}
		more = xcalloc(out->count + 1, sizeof(*more));
		if (out->count > 0)
			memcpy(more, out->list, out->count * sizeof(*more));
		free(out->list);
		out->list = more;
		out->list[out->count++] = name;
	}
	if (out->count == 0 && (s->key->flags & CONF_EMPTY) == 0)
		conf_fail(b, s, "holds no name; give it one or remove the "
		    "line");
}

void
conf_names_free(struct name_list *l)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		free(l->list[i]);
	free(l->list);
	l->list = NULL;
	l->count = 0;
}

static bool
has_control(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

/* RFC 8707 lets these two be given several times, and no other. */
static bool
may_repeat(const char *name)
{
	return strcmp(name, "resource") == 0 || strcmp(name, "audience") == 0;
}

static bool
check_param(struct conf_build *b, const struct conf_setting *s,
    const struct params *all, const struct param *one,
    const char *const *reserved)
{
	if (one->name[0] == '\0') {
		conf_fail(b, s, "holds a parameter without a name; write "
		    "\"name=value&name=value\"");
		return false;
	}
	for (; *reserved != NULL; reserved++)
		if (strcmp(one->name, *reserved) == 0) {
			conf_fail(b, s, "must not set %s: that one is set by "
			    "oauth-cgi; remove it", *reserved);
			return false;
		}
	if (has_control(one->name) || has_control(one->value) ||
	    !urlenc_is_utf8(one->name, strlen(one->name)) ||
	    !urlenc_is_utf8(one->value, strlen(one->value))) {
		conf_fail(b, s, "decodes to control characters or to what is "
		    "not UTF-8");
		return false;
	}
	if (params_twice(all, one->name) && !may_repeat(one->name)) {
		conf_fail(b, s, "holds a parameter twice; remove one");
		return false;
	}
	return true;
}

/* `reserved` ends with NULL. out may be NULL: only a check. */
void
conf_params(struct conf_build *b, const struct conf_setting *s,
    const char *text, const char *const *reserved, struct provider_params *out)
{
	struct params all = { .count = 0 };
	size_t i;

	if (text == NULL || text[0] == '\0')
		return;
	if (params_parse(&all, text, strlen(text), false) != ERR_OK) {
		conf_fail(b, s, "must be written like a query, "
		    "\"name=value&name=value\", with %%XX for special "
		    "characters and at most %d pairs", LIMIT_PARAMS);
		goto out;
	}
	for (i = 0; i < all.count; i++)
		if (!check_param(b, s, &all, &all.list[i], reserved))
			goto out;
	if (out == NULL || all.count == 0)
		goto out;
	out->list = xcalloc(all.count, sizeof(*out->list));
	out->count = all.count;
	for (i = 0; i < all.count; i++) {
		out->list[i].name = xstrdup(all.list[i].name);
		out->list[i].value = xstrdup(all.list[i].value);
	}
out:
	params_clear(&all);
}

static bool
is_param_name(const char *s)
{
	size_t len = strlen(s);

	return len > 0 && len <= LIMIT_NAME && strspn(s, "abcdefghijklmnopqrs"
	    "tuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == len;
}

/* What a provider may call otherwise. Not state: it has to come back. */
static bool
may_rename(const char *name)
{
	static const char *const ours[] = { "response_type", "client_id",
	    "client_secret", "redirect_uri", "scope", "code_challenge",
	    "code_challenge_method", "grant_type", "code", "code_verifier",
	    "refresh_token" };
	size_t i;

	for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strcmp(name, ours[i]) == 0)
			return true;
	return false;
}

/* "ours=theirs&ours=theirs"; "response_type=" leaves that one out. */
void
conf_renames(struct conf_build *b, const struct conf_setting *s,
    struct provider_params *out)
{
	static const char *const none[] = { NULL };
	size_t i;

	conf_params(b, s, s->value, none, out);
	for (i = 0; i < out->count; i++) {
		const struct provider_param *p = &out->list[i];

		if (!may_rename(p->name))
			conf_fail(b, s, "can't rename '%.32s'; it takes the "
			    "parameters of RFC 6749 and 7636, but for state, "
			    "and goes \"ours=theirs&ours=theirs\"", p->name);
		else if (!is_param_name(p->value) && (p->value[0] != '\0' ||
		    strcmp(p->name, "response_type") != 0))
			conf_fail(b, s, "must name %s otherwise, with letters, "
			    "digits and '-', '.', '_'", p->name);
	}
}

/* The name of one parameter. */
char *
conf_param_name(struct conf_build *b, const struct conf_setting *s,
    const char *otherwise)
{
	static const char *const ours[] = { "state", "error", "iss" };
	size_t i;

	if (s->value == NULL)
		return xstrdup(otherwise);
	if (!is_param_name(s->value))
		conf_fail(b, s, "must be the name of a parameter: 1 to %d "
		    "letters, digits and '-', '.', '_'", LIMIT_NAME);
	for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strcmp(s->value, ours[i]) == 0)
			conf_fail(b, s, "must not be %s, which has a meaning "
			    "of its own", ours[i]);
	return xstrdup(s->value);
}

/* A JSON pointer (RFC 6901, 3.), or NULL. */
char *
conf_pointer(struct conf_build *b, const struct conf_setting *s)
{
	const char *p = s->value;

	if (p == NULL || *p == '\0')
		return NULL;
	if (*p != '/' || strlen(p) > LIMIT_FIELD) {
		conf_fail(b, s, "must be a JSON pointer, \"/name\" or "
		    "\"/outer/inner\"");
		return NULL;
	}
	for (; *p != '\0'; p++)
		if (*p == '~' && p[1] != '0' && p[1] != '1') {
			conf_fail(b, s, "holds a '~' without 0 or 1; write ~0 "
			    "for '~', and ~1 for a '/' within a name");
			return NULL;
		}
	return xstrdup(s->value);
}

void
conf_params_free(struct provider_params *p)
{
	size_t i;

	for (i = 0; i < p->count; i++) {
		wipe_str(p->list[i].name);
		wipe_str(p->list[i].value);
	}
	free(p->list);
	p->list = NULL;
	p->count = 0;
}
