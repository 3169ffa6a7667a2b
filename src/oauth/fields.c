/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "fields.h"

#include <stdio.h>
#include <string.h>

#include "jsonout.h"
#include "log.h"
#include "pattern.h"
#include "template.h"
#include "urlenc.h"

static void
add(struct fields *f, const char *name, size_t name_len, const char *value,
    size_t value_len)
{
	if (f->count == LIMIT_FIELDS || name_len > LIMIT_NAME ||
	    value_len > LIMIT_FIELD)
		return;
	memcpy(f->list[f->count].name, name, name_len);
	f->list[f->count].name[name_len] = '\0';
	memcpy(f->list[f->count].value, value, value_len);
	f->list[f->count].value[value_len] = '\0';
	f->count++;
}

void
fields_parse(struct fields *f, const char *text)
{
	f->count = 0;
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		const char *eq = memchr(text, '=', len);

		if (eq != NULL)
			add(f, text, (size_t)(eq - text), eq + 1,
			    len - (size_t)(eq + 1 - text));
		text += len;
		text += *text == '\n';
	}
}

void
fields_text(const struct fields *f, char out[LIMIT_FIELDS_TEXT + 1])
{
	size_t i, n = 0;

	out[0] = '\0';
	for (i = 0; i < f->count; i++)
		n += (size_t)snprintf(out + n, LIMIT_FIELDS_TEXT + 1 - n,
		    "%s=%s\n", f->list[i].name, f->list[i].value);
}

const char *
fields_get(const struct fields *f, const char *name)
{
	size_t i;

	for (i = 0; i < f->count; i++)
		if (strcmp(f->list[i].name, name) == 0)
			return f->list[i].value;
	return NULL;
}

bool
fields_value_ok(const struct provider_field *field, const char *value)
{
	size_t len = strlen(value), i;

	if (len == 0 || len > LIMIT_FIELD || !urlenc_is_utf8(value, len))
		return false;
	for (i = 0; i < len; i++)
		if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f)
			return false;
	return field->pattern == NULL ||
	    pattern_matches(field->pattern, value);
}

bool
fields_set(struct fields *f, const struct provider_field *field,
    const char *value)
{
	size_t i;

	if (!fields_value_ok(field, value))
		return false;
	for (i = 0; i < f->count; i++)
		if (strcmp(f->list[i].name, field->name) == 0)
			break;
	if (i < f->count)
		snprintf(f->list[i].value, sizeof(f->list[i].value), "%s",
		    value);
	else
		add(f, field->name, strlen(field->name), value, strlen(value));
	return true;
}

void
fields_merge(struct fields *f, const struct provider *p,
    const struct fields *more)
{
	struct fields both = { .count = 0 };
	size_t i;

	for (i = 0; i < p->field_count; i++) {
		const struct provider_field *field = &p->fields[i];
		const char *old = fields_get(f, field->name);
		const char *new = fields_get(more, field->name);

		if (old != NULL)
			(void)fields_set(&both, field, old);
		if (new != NULL)
			(void)fields_set(&both, field, new);
	}
	*f = both;
}

void
fields_json(const struct fields *f, const struct provider *p, struct buf *out)
{
	size_t i;

	for (i = 0; i < f->count; i++)
		if (p == NULL || provider_field(p, f->list[i].name) != NULL)
			jsonout_str(out, f->list[i].name, f->list[i].value);
}

struct expansion {
	const struct fields	*fields;
	const struct provider	*provider;
};

static const char *
value_of(void *arg, const char *name)
{
	const struct expansion *x = arg;
	const struct provider_field *field = provider_field(x->provider, name);
	const char *value = fields_get(x->fields, name);

	if (field == NULL)
		return NULL;
	if (value == NULL)
		value = field->fallback;
	if (value != NULL && fields_value_ok(field, value))
		return value;
	log_warn("provider %s: its field %s has %s", x->provider->name, name,
	    value == NULL ? "no value" : "a value that its pattern does not "
	    "take");
	return NULL;
}

bool
fields_expand(const struct fields *f, const struct provider *p,
    const char *url, struct buf *out)
{
	struct expansion x = { f, p };
	size_t before = out->len;

	if (!template_has_fields(url)) {
		buf_str(out, url);
		return !buf_failed(out);
	}
	if (!template_expand(url, value_of, &x, out) || buf_failed(out) ||
	    !conf_url_may_visit(buf_cstr(out) + before, p->allow_insecure)) {
		log_warn("provider %s: its fields make no address to go to",
		    p->name);
		return false;
	}
	return true;
}
