/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "grants.h"

#include <stdlib.h>
#include <string.h>

#include "settings.h"
#include "text.h"

#define BUCKETS	65536

static struct grant *bucket[BUCKETS];
static struct grant *every;
static struct family *families;
static unsigned revoked;

static size_t
bucket_of(const char *token)
{
	uint32_t h = 2166136261U;

	for (; *token != '\0'; token++)
		h = (h ^ (unsigned char)*token) * 16777619U;
	return h % BUCKETS;
}

struct family *
family_new(const char *user, const char *scope)
{
	struct family *f = need(calloc(1, sizeof(*f)));

	f->serial = families == NULL ? 1 : families->serial + 1;
	f->user = copy(user);
	f->scope = copy(scope);
	f->next = families;
	families = f;
	return f;
}

void
family_revoke(struct family *f)
{
	revoked += !f->revoked;
	f->revoked = true;
}

/* token becomes the grant's. */
static struct grant *
add(enum grant_kind kind, struct family *f, char *token, int64_t expires_at)
{
	struct grant *g = need(calloc(1, sizeof(*g)));
	size_t at = bucket_of(token);

	g->kind = kind;
	g->token = token;
	g->family = f;
	g->expires_at = expires_at;
	g->next = bucket[at];
	bucket[at] = g;
	g->all = every;
	every = g;
	return g;
}

struct grant *
grant_new(enum grant_kind kind, struct family *f, int seconds)
{
	static const char *const prefix[] = {
		[GRANT_CODE] = "canary-code-",
		[GRANT_ACCESS] = "canary-at-",
		[GRANT_REFRESH] = "canary-rt-",
	};
	struct text token = { NULL, 0, 0 };
	int left = set_int(SET_TOKEN_BYTES);

	text_str(&token, prefix[kind]);
	for (; left > 48; left -= 48)
		text_random(&token, 48);
	text_random(&token, left < 16 ? 16 : (size_t)left);
	return add(kind, f, token.s,
	    seconds == 0 ? 0 : now_ms() + (int64_t)seconds * 1000);
}

struct grant *
grant_adopt(enum grant_kind kind, struct family *f, const char *token)
{
	return add(kind, f, copy(token), 0);
}

struct grant *
grant_find(const char *token)
{
	struct grant *g = bucket[bucket_of(token)];

	while (g != NULL && strcmp(g->token, token) != 0)
		g = g->next;
	return g;
}

bool
grant_expired(const struct grant *g)
{
	return g->expires_at != 0 && now_ms() >= g->expires_at;
}

void
grants_expire_access(const struct family *f)
{
	for (struct grant *g = every; g != NULL; g = g->all)
		if (g->kind == GRANT_ACCESS && (f == NULL || g->family == f))
			g->expires_at = 1;
}

void
grants_revoke_all(void)
{
	for (struct family *f = families; f != NULL; f = f->next)
		family_revoke(f);
}

unsigned
grants_families_revoked(void)
{
	return revoked;
}

void
grants_count_anew(void)
{
	revoked = 0;
	for (struct grant *g = every; g != NULL; g = g->all)
		g->uses = 0;
}

void
grants_each(void (*each)(const struct grant *g, void *arg), void *arg)
{
	for (const struct grant *g = every; g != NULL; g = g->all)
		each(g, arg);
}
