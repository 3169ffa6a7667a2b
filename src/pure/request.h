/* SPDX-License-Identifier: ISC */
#ifndef OAC_REQUEST_H
#define OAC_REQUEST_H

/*
 * request - one HTTP request as a web server hands it to a CGI program
 * (RFC 3875), checked against limit.h and taken apart.
 *
 * Knows nothing of libfcgi: variables come as an environment, the body as
 * bytes. Of a name that comes twice the first counts. Empty variables count as
 * missing (nginx sends REMOTE_USER="").
 *
 * Ownership: the environment must stay good until request_clear(); parameters
 *            belong to the request.
 * Secrets:   parameters, the body's bytes and the cookie are wiped by
 *            request_clear().
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "params.h"

enum method {
	METHOD_OTHER = 0,
	METHOD_GET	= 1 << 0,
	METHOD_HEAD	= 1 << 1,
	METHOD_POST	= 1 << 2,
};

struct request {
	enum method	 method;
	const char	*path_info;	/* "" when none */
	const char	*query;		/* raw, "" when none */
	const char	*host;		/* the rest is NULL when not sent */
	const char	*origin;
	const char	*referer;
	const char	*accept;
	const char	*accept_language;
	const char	*cookie;
	const char	*authorization;
	const char	*app_key;	/* X-OAuth-CGI-Key */
	const char	*fetch_site;	/* Sec-Fetch-Site … */
	const char	*fetch_mode;
	const char	*fetch_dest;
	const char	*purpose;	/* Sec-Purpose, or Purpose */
	const char	*remote_user;	/* of the web server's login */
	const char	*remote_addr;
	const char	*content_type;
	size_t		 content_length;
	struct params	 params;	/* query and form body */
	int64_t		 started_ms;	/* clock_mono_ms() at the beginning */
};

/*
 * Read the variables, strings `NAME=value` up to a NULL. On failure *status is
 * the HTTP status to answer: 400, 413 or 414. The body is not looked at;
 * content_length says what to read.
 */
enum err request_init(struct request *r, char *const *env, int *status)
    MUST_CHECK;

/*
 * Decode the query, and the body of a POST that is form-encoded (any other
 * type with a body of more than 0 bytes: ERR_INPUT, *status 415).
 */
enum err request_parse(struct request *r, const char *body, size_t len,
    int *status) MUST_CHECK;

/*
 * The value of the cookie of that name, when it is the canonical form of 256
 * bits; otherwise false. out has room for SECRET_CHARS + 1.
 */
bool request_cookie(const struct request *r, const char *name, char *out);

/* Whether the client asks for JSON rather than for a page. */
bool request_wants_json(const struct request *r);

/* Milliseconds that are left of BUDGET_REQUEST; never negative. */
int64_t request_left_ms(const struct request *r);

void request_clear(struct request *r);

#endif
