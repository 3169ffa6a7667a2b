/* SPDX-License-Identifier: ISC */
#ifndef OAC_RESPONSE_H
#define OAC_RESPONSE_H

/*
 * response - what a flow answers, before it is written out.
 *
 * response_write() gives every response exactly one Status and the headers
 * that each of ours carries: no-store, no-referrer, nosniff, and for pages the
 * Content-Security-Policy. The body is owned, and wiped by response_clear().
 */
#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

#define RESPONSE_BODY_MAX 262144
#define RESPONSE_LOCATION_MAX 8192

enum response_type { RESPONSE_EMPTY, RESPONSE_HTML, RESPONSE_JSON };

struct response {
	int			 status;
	enum response_type	 type;
	struct buf		 location;	/* absolute; empty when none */
	struct buf		 cookie;	/* value of Set-Cookie */
	struct buf		 body;
	const char		*allow;		/* 405; static text */
	const char		*style_hash;	/* pages; static text */
	int64_t			 retry_after;	/* seconds; 0 for none */
	bool			 head;		/* headers only */
};

void response_init(struct response *r);
void response_clear(struct response *r);

/* Forget what was set so far, and the secrets in it. */
void response_reset(struct response *r);

/*
 * 303 See Other to an absolute URL; bytes past ASCII are percent-encoded. One
 * that does not fit RESPONSE_LOCATION_MAX becomes a 500: never half a URL.
 */
void response_redirect(struct response *r, const char *url);

/* Append the whole response, head and body, to out as CGI (RFC 3875 6). */
void response_write(const struct response *r, struct buf *out);

/* The reason phrase of a status that we use. */
const char *response_reason(int status);

#endif
