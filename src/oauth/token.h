/* SPDX-License-Identifier: ISC */
#ifndef OAC_TOKEN_H
#define OAC_TOKEN_H

/*
 * token - what a token endpoint answered, read tolerantly (RFC 6749 5.1, 5.2).
 *
 * Real servers send expires_in as a number, as digits, or not at all; the
 * token type in any case, or not at all; errors as 200; answers form-encoded.
 * All of these are read. Where a provider has several tokens in one answer
 * its token_path leads to ours; an answer that has nothing there (a refresh,
 * at Slack) is read as usual. What is not taken: an access token that is empty or
 * has bytes outside of 0x20 to 0x7E (it could not be sent as a header).
 *
 * Secrets: token_clear() wipes.
 */
#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "conf.h"
#include "fields.h"
#include "httpc.h"
#include "limit.h"

enum answer {
	ANSWER_OK,
	ANSWER_DEAD,		/* a definite no: the grant is over */
	ANSWER_CONFIG,		/* our client or section is not right */
	ANSWER_REFUSED,		/* definite, but odd: not a reason by itself */
	ANSWER_LATER,		/* 429, or 5xx that says when */
	ANSWER_NOT_SENT,	/* certain: it never left */
	ANSWER_AMBIGUOUS,	/* sent, or perhaps; no answer that can be read */
	ANSWER__MAX
};

struct token {
	struct buf	access;
	struct buf	refresh;	/* empty: none came */
	struct buf	id_token;	/* empty: none came */
	char		type[64];	/* "Bearer" when missing */
	char		scope[LIMIT_SCOPE + 1];
	bool		has_scope;
	int64_t		expires_in;	/* seconds; 0: unknown */
	struct fields	fields;		/* those of the token answer */
};

struct token_answer {
	enum answer	answer;
	char		error[64];	/* why not, fit to be logged */
	bool		kills;		/* REFUSED that counts towards broken */
	bool		reached;	/* the provider answered below 500, not 429 */
	int64_t		retry_after;	/* seconds; 0: not said */
	struct token	token;
};

void token_answer_init(struct token_answer *t);
void token_answer_clear(struct token_answer *t);	/* wipes */

/* Read what came back from p's token endpoint. */
void token_read(const struct provider *p, const struct httpc_answer *a,
    struct token_answer *out);

/*
 * Whether an ID token, which came straight from the token endpoint over TLS
 * (OpenID Connect Core 3.1.3.7 6.), was made for this flow: its nonce, its
 * audience, and, with issuer not NULL, its issuer are these.
 */
bool token_id_matches(const char *id_token, const char *client_id,
    const char *issuer, const char *nonce);

#endif
