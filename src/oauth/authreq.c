/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "authreq.h"

#include <string.h>

#include "limit.h"
#include "urlenc.h"

/* A parameter of the RFCs, under the name that the provider has for it. */
static void
add(struct buf *out, const struct provider *p, const char *name,
    const char *value)
{
	const char *theirs = provider_param_name(p, name);

	if (theirs[0] != '\0')
		urlenc_pair(out, theirs, value);
}

/* The scope's words, with what the provider wants between them. */
static void
add_scope(struct buf *out, const struct provider *p)
{
	struct buf scope = BUF_INIT(LIMIT_SCOPE);
	const char *s;

	for (s = p->scope; *s != '\0'; s++)
		buf_char(&scope, *s == ' ' ? p->scope_separator : *s);
	if (scope.len > 0)
		add(out, p, "scope", buf_cstr(&scope));
	buf_clear(&scope);
}

void
authreq_build(struct buf *out, const struct authreq *r)
{
	const struct provider *p = r->provider;
	size_t i;

	buf_str(out, r->url);
	if (strchr(r->url, '?') == NULL)
		buf_char(out, '?');
	add(out, p, "response_type", "code");
	add(out, p, "client_id", p->client_id);
	add(out, p, "redirect_uri", r->redirect_uri);
	add_scope(out, p);
	urlenc_pair(out, "state", r->state);
	if (r->challenge != NULL) {
		add(out, p, "code_challenge", r->challenge);
		add(out, p, "code_challenge_method", "S256");
	}
	if (r->nonce != NULL)
		urlenc_pair(out, "nonce", r->nonce);
	if (p->form_post)
		urlenc_pair(out, "response_mode", "form_post");
	for (i = 0; i < p->authorize_params.count; i++)
		urlenc_pair(out, p->authorize_params.list[i].name,
		    p->authorize_params.list[i].value);
}

bool
authreq_is_openid(const char *scope)
{
	while (*scope != '\0') {
		size_t len = strcspn(scope, " ");

		if (len == 6 && strncmp(scope, "openid", 6) == 0)
			return true;
		scope += len;
		scope += strspn(scope, " ");
	}
	return false;
}
