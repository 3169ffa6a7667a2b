/* SPDX-License-Identifier: ISC */
#ifndef OAC_STORE_HEALTH_H
#define OAC_STORE_HEALTH_H

/*
 * store_health - looking at a database as a whole, for the operator: is it
 * ours, is it whole, what is in it. Part of the store, and under its rules;
 * nothing here writes a row. All of it needs STORE_ROLE_ADMIN.
 *
 * Cost: store_quick_check() and store_group_each() read the whole database.
 */
#include "store.h"

/* What the file says of itself, before anything relies on it. */
struct store_inspection {
	bool	ours;		/* a database of oauth-cgi */
	bool	empty;		/* nobody's: there is no table in it */
	int64_t	version;	/* of its schema */
	int64_t	known;		/* the one that this program wants */
};

/* Like store_open(), but another version is an answer and no error. */
enum err store_inspect(const char *path, struct store_inspection *out)
    MUST_CHECK;

/* Whether path lies on a file system where WAL is not to be trusted. */
bool store_is_network(const char *path);

/* Whether the journal that is really on is the write-ahead log. */
bool store_is_wal(const struct store *s);

/*
 * SQLite's quick check. ERR_CONFIG with its first complaint in problem when
 * the database is damaged; ERR_BUSY when it was not through after ms.
 */
enum err store_quick_check(struct store *s, int64_t ms, char problem[256])
    MUST_CHECK;

struct store_tally {
	int64_t	apps;
	int64_t	first_app_at;		/* 0: none */
	int64_t	pending_over;		/* expired rows still there */
	int64_t	links_open;		/* not used, not over */
	int64_t	unbound_over;		/* nobody redeemed them, still there */
	int64_t	purged_at;		/* 0: never */
	int64_t	newest_at;		/* the youngest app, tokens or upkeep */
};

enum err store_tally(struct store *s, int64_t now, struct store_tally *out)
    MUST_CHECK;

/* Connections that are alike in all of this, and how many there are. */
struct store_group {
	struct store_connection	like;	/* provider, client_id, status, bound,
					   rotates, attempt_at 0 or not, and
					   one of its sealed values each */
	int64_t			count;
};

typedef void (*store_group_fn)(void *arg, const struct store_group *g);
enum err store_group_each(struct store *s, store_group_fn fn, void *arg)
    MUST_CHECK;

/* The keys that rows on their way to a provider were made with. */
typedef void (*store_id_fn)(void *arg, uint32_t key_id, int64_t rows);
enum err store_pending_key_each(struct store *s, int64_t now, store_id_fn fn,
    void *arg) MUST_CHECK;

/* Apps with the end of the one of their keys that lives longest. */
struct store_app_keys {
	char	app[LIMIT_NAME + 1];
	int64_t	valid;			/* keys that are good now */
	int64_t	last_expires_at;	/* 0: one that never expires */
};

typedef void (*store_app_keys_fn)(void *arg, const struct store_app_keys *k);
enum err store_app_keys_each(struct store *s, int64_t now,
    store_app_keys_fn fn, void *arg) MUST_CHECK;

#endif
