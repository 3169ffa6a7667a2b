/* SPDX-License-Identifier: ISC */
#ifndef OAC_START_H
#define OAC_START_H

/*
 * start - what the files of flow_start share; nobody else includes it.
 *
 * flow_start.c		reading the request, and the redirect to the provider
 * start_fields.c	the provider's fields, and the page that asks for them
 * start_confirm.c	the page that asks before a start, and its answer
 */
#include <stdbool.h>

#include "base64url.h"
#include "conf.h"
#include "context.h"
#include "fields.h"
#include "problem.h"
#include "request.h"
#include "response.h"
#include "store.h"

/* What /start takes. Order matters: the confirmation signs it. */
enum start_field {
	P_PROVIDER, P_APP, P_RETURN_TO, P_BIND, P_LINK, P_HOST, P_CONFIRM,
	P__MAX
};
#define P__SIGNED P_HOST	/* those before it are the request itself */

extern const char *const start_fields[P__MAX];

/* One request to /start, as far as it is known. */
struct start {
	const struct context	*ctx;
	const struct conf	*conf;
	struct request		*req;
	struct response		*res;
	const char		*value[P__MAX];		/* NULL: not given */
	const struct provider	*provider;
	struct fields		 fields;		/* all that are asked for */
	struct buf		 url;			/* of the provider, made of them */
	struct store_app	 app;
	struct store_link	 link;
	char			 cookie[SECRET_CHARS + 1];
	bool			 had_cookie;
};

/* Answer with a problem's page; always false, to be returned. */
bool start_fail(struct start *s, enum problem p);

/* Whether that parameter is a field of any provider. */
bool start_knows_field(const struct conf *c, const char *name);

/*
 * Fill fields and url. False: answered, with the page that asks for
 * them, what was given kept, or with a problem.
 */
bool start_read_fields(struct start *s);

/* The fields that were asked for, as they are; ended by a NULL name. */
struct page_input;
void start_list_fields(const struct start *s,
    struct page_input out[LIMIT_FIELDS + 1]);

/*
 * Whether this may start at once. False: answered, with the page that asks
 * first or with a problem.
 */
bool start_confirmed(struct start *s);

#endif
