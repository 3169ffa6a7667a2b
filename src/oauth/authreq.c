/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "authreq.h"

#include <string.h>

#include "urlenc.h"

void
authreq_build(struct buf *out, const struct authreq *r)
{
	const struct provider *p = r->provider;
	size_t i;

	buf_str(out, p->authorize_url);
	if (strchr(p->authorize_url, '?') == NULL)
		buf_char(out, '?');
	urlenc_pair(out, "response_type", "code");
	urlenc_pair(out, "client_id", p->client_id);
	urlenc_pair(out, "redirect_uri", r->redirect_uri);
	if (p->scope[0] != '\0')
		urlenc_pair(out, "scope", p->scope);
	urlenc_pair(out, "state", r->state);
	if (r->challenge != NULL) {
		urlenc_pair(out, "code_challenge", r->challenge);
		urlenc_pair(out, "code_challenge_method", "S256");
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
