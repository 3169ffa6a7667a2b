/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "admin.h"

#include <stdio.h>
#include <string.h>

#include "jsonout.h"

#define SHOWN_MAX 262144	/* bytes of all that is shown of one provider */

/* What counts where a section says nothing; NULL: nothing does. */
static const char *
usual(const struct provider *p, const char *key)
{
	const struct {
		const char	*key;
		const char	*value;
	} words[] = {
		{ "label", p->label },
		{ "refresh_url", p->refresh_url },
		{ "redirect_uri", p->redirect_uri },
		{ "auth", "post" },
		{ "body", "form" },
		{ "pkce", "S256" },
		{ "response_mode", "query" },
		{ "scope_separator", "space" },
		{ "code_param", p->code_param },
		{ "revoke", "none" },
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].key, key) == 0)
			return words[i].value;
	return NULL;
}

static const char *
usual_of_field(const struct provider_field *f, const char *key)
{
	if (strcmp(key, "from") == 0)
		return "start";
	if (strcmp(key, "label") == 0)
		return f->label;
	return strcmp(key, "param") == 0 ? f->param : NULL;
}

/* What counts; NULL: there is nothing to show. */
static const char *
value_of(const struct provider *p, const struct provider_setting *s)
{
	const struct provider_field *f;

	if (s->field == NULL && strcmp(s->key, "client_secret") == 0)
		return p->client_secret != NULL ? "(there is one)" : "(none)";
	if (s->value != NULL)
		return s->value;
	if (s->field == NULL)
		return usual(p, s->key);
	f = provider_field(p, s->field);
	return f != NULL ? usual_of_field(f, s->key) : NULL;
}

static void
print_text(const struct provider *p)
{
	const char *in = NULL, *value;
	size_t i;

	printf("%s (%s)\nregister this redirect URI: %s\n\n", p->name,
	    p->label, p->redirect_uri);
	for (i = 0; i < p->setting_count; i++) {
		const struct provider_setting *s = &p->settings[i];

		if (s->field != NULL && (in == NULL ||
		    strcmp(s->field, in) != 0))
			printf("field %s\n", s->field);
		in = s->field;
		if ((value = value_of(p, s)) != NULL)
			printf("%-16s  %s  (%s)\n", s->key, value,
			    s->from != NULL ? s->from : "usual");
	}
}

static void
json_settings(const struct provider *p, const char *field, struct buf *b)
{
	const char *value;
	size_t i;

	for (i = 0; i < p->setting_count; i++) {
		const struct provider_setting *s = &p->settings[i];

		if ((field == NULL) != (s->field == NULL) || (field != NULL &&
		    strcmp(field, s->field) != 0) ||
		    (value = value_of(p, s)) == NULL)
			continue;
		jsonout_begin(b, s->key);
		if (field == NULL && strcmp(s->key, "client_secret") == 0)
			jsonout_bool(b, "given", p->client_secret != NULL);
		else
			jsonout_str(b, "value", value);
		jsonout_str(b, "from", s->from);
		jsonout_close(b);
	}
}

static int
print_json(const struct provider *p)
{
	struct buf b = BUF_INIT(SHOWN_MAX);
	const char *text;
	size_t i;

	jsonout_open(&b);
	jsonout_str(&b, "provider", p->name);
	jsonout_str(&b, "label", p->label);
	jsonout_str(&b, "redirect_uri", p->redirect_uri);
	jsonout_begin(&b, "settings");
	json_settings(p, NULL, &b);
	jsonout_close(&b);
	jsonout_begin(&b, "fields");
	for (i = 0; i < p->field_count; i++) {
		jsonout_begin(&b, p->fields[i].name);
		json_settings(p, p->fields[i].name, &b);
		jsonout_close(&b);
	}
	jsonout_close(&b);
	jsonout_close(&b);
	if ((text = buf_cstr(&b)) != NULL)
		printf("%s\n", text);
	else
		admin_say("%s is too much to be shown as JSON", p->name);
	buf_clear(&b);
	return text != NULL ? ADMIN_OK : ADMIN_REFUSED;
}

int
admin_show_provider(struct admin *a, const char *name)
{
	const struct provider *p;
	int rc;

	if ((rc = admin_load_secrets(a)) != ADMIN_OK ||
	    (rc = admin_provider(a, name, &p)) != ADMIN_OK)
		return rc;
	if (a->json)
		return print_json(p);
	print_text(p);
	return ADMIN_OK;
}
