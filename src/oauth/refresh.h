/* SPDX-License-Identifier: ISC */
#ifndef OAC_REFRESH_H
#define OAC_REFRESH_H

/*
 * refresh - an access token that is valid whenever somebody asks.
 *
 *	valid for long enough           -> answer; no lock, no write
 *	else lock the connection, read it again; somebody was faster -> answer
 *	else record the attempt, durably
 *	     one POST to the provider
 *	     one transaction: new tokens, generation + 1, attempt cleared; durable
 *	     answer
 *
 * One refresh per expiry for any number of processes: the lock is the
 * kernel's, held over the whole call, and goes with a process that dies.
 * A crash at any point leaves the row either as it was, or with a recorded
 * attempt: a state of its own (connection.h, uncertain), which the next caller
 * resolves. A rotating refresh token is never sent twice on a guess: see
 * may_send() for the one exception.
 *
 * Source: RFC 6749 6., RFC 9700 4.14.2 (rotation).
 */
#include "connection.h"
#include "request.h"

/* What the caller asks for. */
struct refresh_wish {
	int64_t		 min_valid;	/* seconds that it must still live */
	const char	*rejected;	/* a token that an API refused, or NULL */
	int64_t		 until_ms;	/* clock_mono_ms() when the budget ends */
};

enum refresh_result {
	REFRESH_OK,			/* a token to hand out */
	REFRESH_REAUTHORIZE,		/* 409: the user must connect again */
	REFRESH_MISCONFIGURED,		/* 502: the operator must act */
	REFRESH_UNAVAILABLE,		/* 503: later */
	REFRESH_GONE,			/* 404: no such connection any more */
};

struct refresh_grant {
	enum refresh_result	 result;
	struct buf		 access;	/* secret; with REFRESH_OK */
	bool			 degraded;
	const char		*warning;	/* static text, or NULL */
	const char		*reason;	/* static text, or NULL */
	int64_t			 retry_after;	/* seconds, with UNAVAILABLE */
};

void refresh_grant_init(struct refresh_grant *g);
void refresh_grant_clear(struct refresh_grant *g);	/* wipes */

/*
 * With REFRESH_OK: the members of a JSON object that tell of it; c as below, p
 * its provider, NULL where that is not configured any more.
 */
void refresh_grant_json(const struct refresh_grant *g,
    const struct store_connection *c, const struct provider *p,
    struct buf *out);

/*
 * *c is a bound connection as just read; it is read again as needed, and on
 * return is the row that the grant speaks of.
 */
void refresh_token(const struct custody *k, struct store_connection *c,
    const struct refresh_wish *w, struct refresh_grant *g);

#endif
