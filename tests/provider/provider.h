/* SPDX-License-Identifier: ISC */
#ifndef PROVIDER_PROVIDER_H
#define PROVIDER_PROVIDER_H

/*
 * provider - what the endpoints share: where the provider is, and what it has
 * counted. One process, one thread: nothing here needs a lock.
 */
#include "http.h"

struct stats {
	unsigned	 requests, connections;
	unsigned	 authorize, allowed, denied;
	unsigned	 code_calls, refresh_calls, other_calls;
	unsigned	 code_ok, refresh_ok, token_errors, failures;
	unsigned	 reuses;		/* of rotated refresh tokens */
	unsigned	 revocations;
	unsigned	 api_ok, api_refused;
	struct text	 last_authorize;	/* JSON objects */
	struct text	 last_token;
};

extern struct stats stats;

/* http://127.0.0.1:PORT */
const char *provider_issuer(void);
/* One line, without its end, for calls.log. */
void provider_log(const char *line);

/* Names and values as one JSON object; secrets only as short hashes. */
void params_to_json(const struct params *p, struct text *out);

void serve(const struct request *r, struct answer *a);
void authorize_page(const struct request *r, struct answer *a);
void authorize_decision(const struct request *r, struct answer *a);
void token_endpoint(const struct request *r, struct answer *a);
void revoke_endpoint(const struct request *r, struct answer *a);
void api_me(const struct request *r, struct answer *a);
void control(const struct request *r, struct answer *a);

/* Who the client is, and that it has proved it. */
struct client_proof {
	const char	*method;	/* basic, post, none, both */
	bool		 ok;
};
struct client_proof client_check(const struct request *r);

/* {"error": code} with that status. */
void answer_error(struct answer *a, int status, const char *code);
void answer_text(struct answer *a, int status, const char *text);

/*
 * failure - the ways in which the token endpoint can be told to go wrong.
 * Whether the work is done all the same, and what becomes of its answer.
 */
bool failure_commits(const char *kind);
void failure_apply(const char *kind, struct answer *a);

#endif
