/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "start.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "browser.h"
#include "clock.h"
#include "crypto.h"
#include "keyring.h"
#include "page.h"
#include "wipe.h"

/* HMAC over the cookie, all parameters and the expiry, as text. */
static void
confirm_mac(const struct start *s, const unsigned char *key, int64_t expires,
    char out[SECRET_CHARS + 1])
{
	unsigned char mac[CRYPTO_HASH_BYTES];
	struct bytes parts[4 + P__SIGNED * 2];
	size_t n = 0;
	char when[32], fields[LIMIT_FIELDS_TEXT + 1];
	int i;

	snprintf(when, sizeof(when), "%lld", (long long)expires);
	parts[n++] = (struct bytes){ "confirm", 8 };
	parts[n++] = (struct bytes){ s->cookie, strlen(s->cookie) + 1 };
	for (i = 0; i < P__SIGNED; i++) {
		const char *v = s->value[i];

		/* '-' none, '+' one: an empty value is not a missing one. */
		parts[n++] = (struct bytes){ v != NULL ? "+" : "-", 1 };
		parts[n++] = (struct bytes){ v != NULL ? v : "",
		    v != NULL ? strlen(v) + 1 : 1 };
	}
	fields_text(&s->fields, fields);
	if (fields[0] != '\0')
		parts[n++] = (struct bytes){ fields, strlen(fields) + 1 };
	parts[n++] = (struct bytes){ when, strlen(when) };
	crypto_hmac(key, parts, n, mac);
	base64url_encode(mac, sizeof(mac), out);
}

/* Who asks for what, where it was not the site that the visitor is at. */
static void
put_question(const struct start *s, struct page *p)
{
	const struct page_fact facts[] = {
		{ TEXT_CONFIRM_PROVIDER, s->provider->label },
		{ TEXT_CONFIRM_APP, s->app.name },
		{ TEXT_CONFIRM_SUBJECT, s->link.subject },
		{ TEXT__MAX, NULL }
	};

	if (s->value[P_LINK] == NULL) {
		page_text(p, TEXT_CONFIRM_TEXT);
	} else {
		page_text(p, TEXT_CONFIRM_LINK);
		page_facts(p, facts);
	}
}

static void
confirm_page(struct start *s)
{
	char mac[SECRET_CHARS + 1], value[SECRET_CHARS + 32];
	int64_t expires = clock_now() + CONFIRM_TTL;
	struct page_field fields[P__MAX + LIMIT_FIELDS + 1] = { { NULL, NULL } };
	struct page_input inputs[LIMIT_FIELDS + 1], *in;
	struct buf action = BUF_INIT(LIMIT_URL + 16);
	struct page page;
	int i;

	confirm_mac(s, keyring_at(s->ctx->pending_keys, 0), expires, mac);
	snprintf(value, sizeof(value), "%lld.%s", (long long)expires, mac);
	for (i = 0; i < P__SIGNED; i++)
		fields[i] = (struct page_field){ start_fields[i],
		    s->value[i] };
	fields[i++] = (struct page_field){ start_fields[P_CONFIRM], value };
	start_list_fields(s, inputs);
	for (in = inputs; in->name != NULL; in++)
		fields[i++] = (struct page_field){ in->name, in->value };
	buf_fmt(&action, "%s/start", s->conf->url);

	page_init(&page, s->res, s->ctx->pages, s->conf, s->req);
	page.value[VALUE_PROVIDER] = s->provider->label;
	page.value[VALUE_APP] = s->app.name;
	page_begin(&page, 200, PAGE_ASK, TEXT_CONFIRM);
	put_question(s, &page);
	if (inputs[0].name != NULL)
		page_inputs(&page, inputs);
	page_form(&page, buf_cstr(&action), fields, NULL, TEXT_CONFIRM_BUTTON);
	page_quiet(&page, TEXT_CONFIRM_NOTE);
	page_home(&page, TEXT_CONFIRM_CANCEL, false);
	page_end(&page);
	browser_set_cookie(s->conf, s->cookie, s->res);
	buf_clear(&action);
}

/* Whether the confirmation is ours, for this cookie and these parameters. */
static bool
confirm_ok(const struct start *s, bool *expired)
{
	const char *text = s->value[P_CONFIRM];
	const unsigned char *key;
	char mac[SECRET_CHARS + 1], *end;
	int64_t expires = strtoll(text, &end, 10);
	size_t i;

	*expired = expires <= clock_now();
	if (*end != '.' || strlen(end + 1) != SECRET_CHARS)
		return false;
	for (i = 0; (key = keyring_at(s->ctx->pending_keys, i)) != NULL; i++) {
		confirm_mac(s, key, expires, mac);
		if (equal_ct(mac, end + 1, SECRET_CHARS))
			return true;
	}
	return false;
}

bool
start_confirmed(struct start *s)
{
	bool expired;

	if (s->value[P_CONFIRM] != NULL && s->req->method == METHOD_POST) {
		if (!s->had_cookie)
			return start_fail(s, PROBLEM_COOKIE);
		if (!confirm_ok(s, &expired))
			return start_fail(s, PROBLEM_FORBIDDEN);
		if (!expired)
			return true;
	} else if (s->value[P_LINK] == NULL &&
	    !browser_is_cross_site(s->conf, s->req, s->app.origins) &&
	    (s->had_cookie || !browser_is_foreign_post(s->conf, s->req))) {
		return true;
	}
	confirm_page(s);
	return false;
}
