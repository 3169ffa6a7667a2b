/* SPDX-License-Identifier: ISC */
#ifndef OAC_CLIENT_H
#define OAC_CLIENT_H

/*
 * client - our side of the token endpoint: code exchange (RFC 6749 4.1.3),
 * refresh (6.) and revocation (RFC 7009), with the provider's way of client
 * authentication and of encoding the body.
 *
 * The address is the caller's to make, for it may have fields (fields.h); then
 * its host must not resolve to a private address.
 *
 * One call is one POST; nothing is repeated here. What the answer means is
 * token.h's. Bodies are wiped.
 */
#include "conf.h"
#include "httpc.h"
#include "token.h"

struct client_exchange {
	const char	*url;		/* made of token_url: fields.h */
	const char	*code;
	const char	*redirect_uri;
	const char	*verifier;	/* NULL: PKCE is off */
};

void client_exchange(struct httpc *h, const struct provider *p,
    const struct client_exchange *x, int64_t timeout_ms,
    struct token_answer *out);

/*
 * The same, for whoever wants to see how it was answered: *a is initialised
 * here, and the caller's to clear.
 */
void client_probe(struct httpc *h, const struct provider *p,
    const struct client_exchange *x, int64_t timeout_ms,
    struct httpc_answer *a, struct token_answer *out);

void client_refresh(struct httpc *h, const struct provider *p,
    const char *url, const char *refresh_token, int64_t timeout_ms,
    struct token_answer *out);

/* True when the provider says that the token is gone (RFC 7009 2.2). */
bool client_revoke(struct httpc *h, const struct provider *p,
    const char *url, const char *token, const char *hint);

#endif
