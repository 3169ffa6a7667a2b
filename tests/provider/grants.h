/* SPDX-License-Identifier: ISC */
#ifndef PROVIDER_GRANTS_H
#define PROVIDER_GRANTS_H

/*
 * grants - the codes and tokens that the provider has issued.
 *
 * All that comes from one consent is a family: revoking it ends them all.
 * Every code and token starts with "canary-", so that a test can search for
 * one where none may be.
 */
#include <stdbool.h>
#include <stdint.h>

enum grant_kind { GRANT_CODE, GRANT_ACCESS, GRANT_REFRESH };

struct family {
	unsigned	 serial;
	char		*user;
	char		*scope;
	char		*nonce;		/* NULL when none */
	char		*redirect_uri;
	char		*challenge;	/* NULL when none */
	unsigned	 refreshes;
	bool		 revoked;
	struct family	*next;
};

struct grant {
	enum grant_kind	 kind;
	char		*token;
	struct family	*family;
	int64_t		 expires_at;	/* now_ms(); 0 for never */
	int64_t		 used_at;	/* a code that was redeemed, a refresh
					 * token that was rotated; else 0 */
	unsigned	 uses;
	struct grant	*next, *all;
};

struct family *family_new(const char *user, const char *scope);
void family_revoke(struct family *f);

/* seconds: how long it lives, 0 for ever. */
struct grant *grant_new(enum grant_kind kind, struct family *f, int seconds);
/* The same, of a token that was not made here; a copy of it is kept. */
struct grant *grant_adopt(enum grant_kind kind, struct family *f,
    const char *token);
struct grant *grant_find(const char *token);
bool grant_expired(const struct grant *g);

/* End every access token, of that family or (with NULL) of all. */
void grants_expire_access(const struct family *f);
void grants_revoke_all(void);
/* How many were revoked, since grants_count_anew(). */
unsigned grants_families_revoked(void);
void grants_count_anew(void);
void grants_each(void (*each)(const struct grant *g, void *arg), void *arg);

#endif
