/* SPDX-License-Identifier: ISC */
#ifndef OAC_TICKET_H
#define OAC_TICKET_H

/*
 * ticket - from tokens that nobody owns to a connection with an owner.
 *
 * A ticket alone proves nothing: it passed through a browser. To redeem it the
 * site must prove that the session it speaks for is the one that asked: with
 * `bind`, the value it had put into the form, or, where the start had none,
 * with `browser`, our cookie in the request that brought the ticket. Both are
 * compared here, so that no site can forget to.
 *
 * Binding is one transaction. A ticket is redeemed for one subject; the same
 * app, subject and proof again finds the same connection until it is over.
 */
#include "connection.h"

struct ticket_claim {
	const char	*app;
	const char	*ticket;	/* untrusted text */
	const char	*subject;	/* 1 to LIMIT_SUBJECT bytes */
	const char	*bind;		/* NULL when not given */
	const char	*browser;	/* NULL when not given */
	int64_t		 wait_ms;	/* for the lock of an older connection */
};

enum ticket_result {
	TICKET_BOUND,
	TICKET_SPENT,		/* 410: unknown, over, foreign, another's */
	TICKET_WRONG_SESSION,	/* 403: the proof is not right; not spent */
	TICKET_BUSY,		/* 503 */
};

/* With TICKET_BOUND *c is the connection and *replaced says what happened. */
enum ticket_result ticket_redeem(const struct custody *k,
    const struct ticket_claim *claim, struct store_connection *c,
    bool *replaced);

/*
 * Bind tokens that have just been issued to a subject at once (callback, for
 * logins of the web server and operators' links). In c the row for a new
 * connection; on return the row as it is stored, which may be an older one of
 * this owner with new tokens. The caller has begun no transaction; `also` runs
 * inside it, before the commit, and can refuse.
 */
typedef enum err (*ticket_also_fn)(void *arg,
    const struct store_connection *c);
enum err ticket_bind_now(struct store *s, const struct keyring *keys,
    struct store_connection *c, const struct token *t,
    const char *requested_scope, int64_t sent_at, int64_t wait_ms,
    ticket_also_fn also, void *arg) MUST_CHECK;

#endif
