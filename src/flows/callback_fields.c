/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "callback.h"

#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "log.h"
#include "urlenc.h"
#include "wipe.h"

static int
by_name(const void *a, const void *b)
{
	const struct param *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* What is sealed: the other parameters, decoded, in the order of their names. */
static void
sealed_text(const struct params *p, const char *seal, struct buf *out)
{
	const struct param *sorted[LIMIT_PARAMS];
	size_t n = 0, i;

	for (i = 0; i < p->count; i++)
		if (strcmp(p->list[i].name, seal) != 0)
			sorted[n++] = &p->list[i];
	qsort(sorted, n, sizeof(sorted[0]), by_name);
	for (i = 0; i < n; i++)
		buf_fmt(out, "%s%s=%s", i == 0 ? "" : "&", sorted[i]->name,
		    sorted[i]->value);
}

/*
 * Shopify's proof that it is Shopify who sent the browser: HMAC-SHA256 with
 * the client's secret, as hexadecimal digits.
 */
static bool
seal_ok(const struct callback *c)
{
	const struct provider *p = c->provider;
	const char *given = params_get(&c->req->params, p->callback_hmac);
	struct bytes secret = { p->client_secret, p->client_secret != NULL ?
	    strlen(p->client_secret) : 0 };
	struct buf text = BUF_INIT(2 * LIMIT_QUERY);
	unsigned char mac[CRYPTO_HASH_BYTES], bytes[CRYPTO_HASH_BYTES];
	struct bytes part;
	size_t i;

	if (given == NULL || strlen(given) != 2 * sizeof(bytes) ||
	    params_twice(&c->req->params, p->callback_hmac))
		return false;
	for (i = 0; i < sizeof(bytes); i++) {
		int high = urlenc_hex_value(given[2 * i]);
		int low = urlenc_hex_value(given[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (unsigned char)(high << 4 | low);
	}
	sealed_text(&c->req->params, p->callback_hmac, &text);
	part = (struct bytes){ buf_cstr(&text), text.len };
	crypto_hmac_any(secret, &part, buf_failed(&text) ? 0 : 1, mac);
	buf_clear(&text);
	return equal_ct(mac, bytes, sizeof(mac));
}

/* One of the fields that come with the browser. */
static bool
read_field(struct callback *c, const struct provider_field *field)
{
	const struct params *params = &c->req->params;
	const char *value = params_get(params, field->param);

	if (value == NULL)
		value = field->fallback;
	if (value == NULL || (!params_twice(params, field->param) &&
	    fields_set(&c->fields, field, value)))
		return true;
	log_warn("provider %s: what its redirect has for field %s is given "
	    "twice, or does not match the pattern", c->provider->name,
	    field->name);
	return false;
}

bool
callback_read_fields(struct callback *c)
{
	const struct provider *p = c->provider;
	size_t i;

	fields_parse(&c->fields, c->pending.fields);
	if (p->callback_hmac != NULL && !seal_ok(c)) {
		log_warn("provider %s: its redirect is not sealed with this "
		    "client's secret", p->name);
		return false;
	}
	for (i = 0; i < p->field_count; i++)
		if (p->fields[i].from == FROM_CALLBACK &&
		    !read_field(c, &p->fields[i]))
			return false;
	return true;
}
