/* SPDX-License-Identifier: ISC */
#ifndef OAC_AUTHREQ_H
#define OAC_AUTHREQ_H

/*
 * authreq - the URL of an authorization request (RFC 6749 4.1.1, RFC 7636 4.3).
 */
#include "buf.h"
#include "conf.h"

struct authreq {
	const struct provider	*provider;
	const char		*url;		/* of authorize_url: fields.h */
	const char		*redirect_uri;
	const char		*state;
	const char		*challenge;	/* NULL: PKCE is off */
	const char		*nonce;		/* NULL: not asked for */
};

/* Append the URL. Check buf_failed(). */
void authreq_build(struct buf *out, const struct authreq *r);

/* Whether a scope asks for an ID token: it has the word openid. */
bool authreq_is_openid(const char *scope);

#endif
