/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "params.h"

#include <stdlib.h>
#include <string.h>

#include "urlenc.h"
#include "wipe.h"
#include "xalloc.h"

/* Decode one `name=value` to *at and move *at behind it. */
static bool
add_pair(struct params *p, const char *pair, size_t len, char **at,
    bool from_body)
{
	const char *eq = memchr(pair, '=', len);
	size_t name_len = eq != NULL ? (size_t)(eq - pair) : len;
	struct param *slot;

	if (p->count == LIMIT_PARAMS)
		return false;
	slot = &p->list[p->count];
	slot->from_body = from_body;
	slot->name = *at;
	if (!urlenc_decode_form(pair, name_len, *at))
		return false;
	*at += strlen(*at) + 1;
	slot->value = *at;
	if (eq == NULL)
		**at = '\0';
	else if (!urlenc_decode_form(eq + 1, len - name_len - 1, *at))
		return false;
	*at += strlen(*at) + 1;
	p->count++;
	return true;
}

enum err
params_parse(struct params *p, const char *text, size_t len, bool from_body)
{
	int which = from_body ? 1 : 0;
	const char *end = text + len;
	char *at;

	if (len == 0)
		return ERR_OK;
	/* A pair without '=' grows by one NUL, so twice the text is enough. */
	p->text_size[which] = 2 * len + 2;
	at = p->text[which] = xmalloc(p->text_size[which]);
	memset(at, 0, p->text_size[which]);
	while (text < end) {
		const char *amp = memchr(text, '&', (size_t)(end - text));
		const char *stop = amp != NULL ? amp : end;

		if (stop > text &&
		    !add_pair(p, text, (size_t)(stop - text), &at, from_body))
			return ERR_INPUT;
		text = stop + 1;
	}
	return ERR_OK;
}

const char *
params_get(const struct params *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->count; i++)
		if (strcmp(p->list[i].name, name) == 0)
			return p->list[i].value;
	return NULL;
}

bool
params_twice(const struct params *p, const char *name)
{
	size_t i, n = 0;

	for (i = 0; i < p->count; i++)
		if (strcmp(p->list[i].name, name) == 0)
			n++;
	return n > 1;
}

void
params_clear(struct params *p)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (p->text[i] != NULL)
			wipe(p->text[i], p->text_size[i]);
		free(p->text[i]);
		p->text[i] = NULL;
	}
	p->count = 0;
}
