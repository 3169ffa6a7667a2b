/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "breaker.h"

#include <stdlib.h>

#include "log.h"

/* The host is part of the name, so that a new token_url begins afresh. */
static enum err
get(struct store *s, const struct provider *p, const char *url, char **host,
    struct store_breaker *b)
{
	*host = conf_url_origin(url);
	return store_breaker_get(s, p->name, *host != NULL ? *host : "", b);
}

static bool
is_open(const struct store_breaker *b, int64_t now)
{
	return b->failures >= BREAKER_FAILURES && b->probe_at > now;
}

enum err
breaker_is_open(struct store *s, const struct provider *p,
    const char *url, int64_t now,
    bool *open)
{
	struct store_breaker b;
	char *host;
	enum err e = get(s, p, url, &host, &b);

	*open = e == ERR_OK && is_open(&b, now);
	free(host);
	return e;
}

enum err
breaker_enter(struct store *s, const struct provider *p,
    const char *url, int64_t now)
{
	struct store_breaker b;
	char *host;
	enum err e = get(s, p, url, &host, &b);

	if (e == ERR_OK && is_open(&b, now)) {
		e = ERR_BUSY;
	} else if (e == ERR_OK && b.failures >= BREAKER_FAILURES) {
		b.probe_at = now + BREAKER_PROBE;
		e = store_breaker_put(s, p->name, host, &b);
	}
	free(host);
	return e;
}

enum err
breaker_note(struct store *s, const struct provider *p,
    const char *url, int64_t now,
    bool reached)
{
	struct store_breaker b;
	char *host;
	enum err e = get(s, p, url, &host, &b);

	if (e == ERR_OK && !(reached && b.failures == 0)) {
		if (reached)
			log_info("provider %s answers again", p->name);
		else if (b.failures + 1 == BREAKER_FAILURES)
			log_warn("provider %s: %d failures in a row; one "
			    "attempt per %d s from now on", p->name,
			    BREAKER_FAILURES, BREAKER_PROBE);
		b.failures = reached ? 0 : b.failures + 1;
		b.probe_at = reached ? 0 : now + BREAKER_PROBE;
		e = store_breaker_put(s, p->name, host, &b);
	}
	free(host);
	return e;
}
