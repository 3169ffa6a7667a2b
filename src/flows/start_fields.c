/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "start.h"

#include <string.h>

#include "page.h"

bool
start_knows_field(const struct conf *c, const char *name)
{
	const struct provider_field *f;
	size_t i;

	for (i = 0; i < c->provider_count; i++) {
		f = provider_field(&c->providers[i], name);
		if (f != NULL && f->from == FROM_START)
			return true;
	}
	return false;
}

void
start_list_fields(const struct start *s,
    struct page_input out[LIMIT_FIELDS + 1])
{
	const struct provider *p = s->provider;
	size_t i, n = 0;

	for (i = 0; i < p->field_count; i++) {
		const struct provider_field *f = &p->fields[i];

		if (f->from == FROM_START)
			out[n++] = (struct page_input){ .name = f->name,
			    .label = f->label, .example = f->example[0] !=
			    '\0' ? f->example : f->fallback, .value =
			    fields_get(&s->fields, f->name),
			    .problem = TEXT__MAX };
	}
	out[n].name = NULL;
}

/* Ask for the fields, with what was given in its place. */
static void
fields_page(struct start *s, const struct page_input *inputs, bool wrong)
{
	struct page_field hidden[P__SIGNED + 1] = { { NULL, NULL } };
	struct buf action = BUF_INIT(LIMIT_URL + 16);
	struct page page;
	int i;

	for (i = 0; i < P__SIGNED; i++)
		hidden[i] = (struct page_field){ start_fields[i],
		    s->value[i] };
	buf_fmt(&action, "%s/start", s->conf->url);

	page_init(&page, s->res, s->ctx->pages, s->conf, s->req);
	page.value[VALUE_PROVIDER] = s->provider->label;
	page.value[VALUE_APP] = s->app.name;
	page_begin(&page, wrong ? 400 : 200, PAGE_ASK, TEXT_FIELDS);
	page_text(&page, TEXT_FIELDS_TEXT);
	page_form(&page, buf_cstr(&action), hidden, inputs,
	    TEXT_FIELDS_BUTTON);
	page_home(&page, TEXT_CONFIRM_CANCEL, false);
	page_end(&page);
	buf_clear(&action);
}

/* Without the blanks that a keyboard adds; true when it fits. */
static bool
trim(const char *value, char out[LIMIT_FIELD + 1])
{
	size_t len;

	value += strspn(value, " ");
	len = strlen(value);
	while (len > 0 && value[len - 1] == ' ')
		len--;
	if (len > LIMIT_FIELD)
		return false;
	memcpy(out, value, len);
	out[len] = '\0';
	return true;
}

/* One field out of the request. What is wrong with it, or TEXT__MAX. */
static enum text
read_field(struct start *s, const struct provider_field *f,
    const char *given)
{
	char value[LIMIT_FIELD + 1] = "";

	if (given != NULL && !trim(given, value))
		return TEXT_FIELDS_INVALID;
	if (value[0] != '\0')
		return fields_set(&s->fields, f, value) ? TEXT__MAX :
		    TEXT_FIELDS_INVALID;
	if (f->fallback != NULL && fields_set(&s->fields, f, f->fallback))
		return TEXT__MAX;
	return TEXT_FIELDS_MISSING;
}

bool
start_read_fields(struct start *s)
{
	const struct params *params = &s->req->params;
	struct page_input inputs[LIMIT_FIELDS + 1];
	bool missing = false, wrong = false;
	size_t i;

	start_list_fields(s, inputs);
	for (i = 0; inputs[i].name != NULL; i++) {
		struct page_input *in = &inputs[i];

		if (params_twice(params, in->name))
			return start_fail(s, PROBLEM_INVALID_REQUEST);
		in->value = params_get(params, in->name);
		in->problem = read_field(s, provider_field(s->provider,
		    in->name), in->value);
		missing = missing || in->problem == TEXT_FIELDS_MISSING;
		wrong = wrong || in->problem == TEXT_FIELDS_INVALID;
		/* Nobody has been asked yet. */
		if (in->problem == TEXT_FIELDS_MISSING && in->value == NULL)
			in->problem = TEXT__MAX;
	}
	if (!missing && !wrong && fields_expand(&s->fields, s->provider,
	    s->provider->authorize_url, &s->url))
		return true;
	if (request_wants_json(s->req))
		return start_fail(s, PROBLEM_INVALID_REQUEST);
	if (!missing && !wrong) {
		/* Each is good, and together they make no address. */
		for (i = 0; inputs[i].name != NULL; i++)
			inputs[i].problem = TEXT_FIELDS_INVALID;
		wrong = true;
	}
	fields_page(s, inputs, wrong);
	return false;
}
