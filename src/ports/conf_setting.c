/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "conf.h"

#include <stdlib.h>

#include "conf_internal.h"
#include "xalloc.h"

static void
keep(struct provider *p, const struct conf_section *s, size_t k)
{
	const struct conf_setting *set = &s->set[k];
	bool secret = s->kind == SECTION_PROVIDER && k == KEY_CLIENT_SECRET;
	struct provider_setting *to = &p->settings[p->setting_count++];
	struct buf from = BUF_INIT(8192);

	to->key = conf_kinds[s->kind].keys[k].name;
	if (s->kind == SECTION_FIELD)
		to->field = xstrdup(s->title);
	if (set->value == NULL)
		return;
	if (!secret)
		to->value = xstrdup(set->value);
	buf_fmt(&from, "%s:%u", set->place.file, set->place.line);
	to->from = xstrdup(buf_failed(&from) ? "" : buf_cstr(&from));
	buf_clear(&from);
}

void
conf_keep_settings(const struct conf_section *s, struct provider *p)
{
	const struct conf_section *f;
	size_t k, n = KEY__MAX;

	for (f = s->fields; f != NULL; f = f->next)
		n += FIELD__MAX;
	p->settings = xcalloc(n, sizeof(*p->settings));
	for (k = 0; k < KEY__MAX; k++)
		keep(p, s, k);
	for (f = s->fields; f != NULL; f = f->next)
		for (k = 0; k < FIELD__MAX; k++)
			keep(p, f, k);
}

void
conf_settings_free(struct provider *p)
{
	size_t i;

	for (i = 0; i < p->setting_count; i++) {
		free(p->settings[i].field);
		free(p->settings[i].value);
		free(p->settings[i].from);
	}
	free(p->settings);
}
