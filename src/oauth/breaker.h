/* SPDX-License-Identifier: ISC */
#ifndef OAC_BREAKER_H
#define OAC_BREAKER_H

/*
 * breaker - a provider that can't be reached is asked once per BREAKER_PROBE
 * seconds, not once per request.
 *
 * Counted per provider and token host are transport errors, 5xx and 429 since
 * the last answer, of whichever connection: any answer closes it. It opens at
 * BREAKER_FAILURES, that is, when all that tried since then have failed.
 * Both functions run in the caller's transaction. url: where its requests go.
 */
#include "conf.h"
#include "store.h"

/* Whether an attempt would be let by; reads only. */
enum err breaker_is_open(struct store *s, const struct provider *p,
    const char *url, int64_t now, bool *open) MUST_CHECK;

/* Claim the right to one attempt; ERR_BUSY when it is open. */
enum err breaker_enter(struct store *s, const struct provider *p,
    const char *url, int64_t now) MUST_CHECK;

/* What a refresh, or an exchange, told about the provider. */
enum err breaker_note(struct store *s, const struct provider *p,
    const char *url, int64_t now, bool reached) MUST_CHECK;

#endif
