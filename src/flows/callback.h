/* SPDX-License-Identifier: ISC */
#ifndef OAC_CALLBACK_H
#define OAC_CALLBACK_H

/*
 * callback - what the files of flow_callback share; nobody else includes it.
 *
 * flow_callback.c	reading the request, taking the row, what the provider says
 * callback_fields.c	what else the provider's answer says
 * callback_exchange.c	the code for tokens, and tokens into the database
 * callback_outcome.c	how a flow ends, for the site and for people
 */
#include "conf.h"
#include "context.h"
#include "fields.h"
#include "problem.h"
#include "store.h"

/* How a flow can end, as `error` says it to the site. */
#define DENIED			"denied"
#define PROVIDER_REJECTED	"provider_rejected"
#define PROVIDER_MISCONFIGURED	"provider_misconfigured"
#define INVALID_RESPONSE	"invalid_response"
#define TEMPORARILY_UNAVAILABLE	"temporarily_unavailable"
#define INTERRUPTED		"interrupted"
#define SERVER_ERROR		"server_error"

/* One request to /callback, as far as it is known. */
struct callback {
	const struct context	*ctx;
	const struct conf	*conf;
	struct request		*req;
	struct response		*res;
	const char		*state;
	const char		*code;
	const char		*error;
	const char		*iss;
	const struct provider	*provider;
	struct store_pending	 pending;
	struct fields		 fields;	/* the start's and this request's */
	const char		*url;		/* where the code goes */
	char			 cookie[SECRET_CHARS + 1];
};

/* Answer with a problem's page; always false, to be returned. */
bool callback_fail(struct callback *c, enum problem p);

/* The row's pending key; a retired one stays in its file. NULL: logged. */
const unsigned char *callback_key(struct callback *c);

/* Send the browser back to the site, or tell it here, how the flow ended. */
void callback_answer(struct callback *c, const char *outcome);

/* Record a failure as the taken row's outcome, and answer it. */
void callback_end(struct callback *c, const char *outcome);

/*
 * Fill c->fields. False, logged, when the provider's answer has a field with
 * a value that is not one of its, or a seal (callback_hmac) that is not right.
 */
bool callback_read_fields(struct callback *c);

/* Exchange the code, store what came, and answer. */
void callback_redeem(struct callback *c);

#endif
