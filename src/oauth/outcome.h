/* SPDX-License-Identifier: ISC */
#ifndef OAC_OUTCOME_H
#define OAC_OUTCOME_H

/*
 * outcome - what an answer of the token endpoint makes of a connection: the
 * table of refresh outcomes, and the only place where a connection is declared
 * broken. Called under the connection's lock.
 *
 *	answer		the row becomes
 *	ok		ok, new tokens, generation + 1
 *	dead		broken, tokens kept
 *	config		degraded; backs off until the section changes
 *	refused		degraded; broken only after many, over a day, alone
 *	later		degraded; waits as told
 *	not sent	degraded; an older open attempt stays open
 *	ambiguous	rotating: uncertain, the attempt stays open; else degraded
 */
#include "connection.h"

/*
 * How a connection's attempt stood before the request that is judged, and
 * where that request went.
 */
struct outcome_before {
	int64_t		 attempt_at;
	int		 attempts;
	const char	*url;
};

struct outcome_before outcome_before(const struct store_connection *c,
    const char *url);

/*
 * Store it, durably, in one transaction that holds only if the generation is
 * still the one that was read. ERR_CONFLICT: it moved, nothing was stored. Any
 * other error: nothing was stored although it was tried again for a while.
 * refresh is the token that was sent; it is kept when no new one came.
 */
enum err outcome_store(const struct custody *k, const struct provider *p,
    struct store_connection *c, const struct token_answer *t,
    const struct buf *refresh, int64_t sent_at,
    const struct outcome_before *before) MUST_CHECK;

/* The access token is over and there is no refresh token: broken. */
void outcome_no_refresh_token(const struct custody *k,
    struct store_connection *c);

/* Why a broken connection is broken, as a word for the caller. */
const char *outcome_reason(const struct store_connection *c);

/* Whether its tokens were issued to another client than the configured one. */
bool outcome_is_foreign_client(const struct store_connection *c,
    const struct provider *p);

/* Whether the last failure was the configuration's, or it is foreign. */
bool outcome_is_misconfigured(const struct store_connection *c,
    const struct provider *p);

/* Whether what we send is configured anew since the last failure. */
bool outcome_section_changed(const struct custody *k,
    const struct store_connection *c, const struct provider *p);

#endif
