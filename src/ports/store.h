/* SPDX-License-Identifier: ISC */
#ifndef OAC_STORE_H
#define OAC_STORE_H

/*
 * store - the only door to the database; shows nothing of SQLite.
 *
 * Roles: a program opens the store in its role and can do nothing else there;
 *        SQLite's authorizer refuses every other statement when it is prepared.
 *
 * Writing: every transaction that writes is begun and ended here. It holds the
 *        writer gate, an exclusive lock on byte 0 of the lock file beside the
 *        database, from before BEGIN until after COMMIT, so that writers queue
 *        in the kernel instead of polling, and a checkpoint never runs beside a
 *        commit (sqlite.org/wal.html#walresetbug). Who is next holds byte 1, so
 *        that nobody overtakes him. A durable commit syncs the
 *        WAL after the gate was given back, so that syncs of many writers
 *        overlap; it is durable when the function returns.
 * Reading: takes no gate and writes nothing. Only with the rollback journal,
 *        where a commit keeps readers out, does one who was kept out queue at
 *        the gate for a share of it.
 * Locks: a connection's lock is an exclusive lock on byte 1 + id (2 and more)
 *        of the lock file. The kernel releases all of them when a process dies. Order: the
 *        connection's lock first, the gate inside it, never the reverse.
 *
 * Errors: ERR_BUSY when the gate or the database was not to be had in time,
 *        ERR_CONFIG when the file is missing, of another schema version,
 *        readable by others, damaged or read-only, ERR_INTERNAL for a full disk
 *        and everything else. Logged here, with the mend.
 *        After a failed sync store_broken() is true: the process must end.
 * Ownership: rows are visible structs whose strings and bufs belong to the
 *        row; each has a _clear that wipes it. Strings handed in are copied.
 * Times: Unix seconds. Hashes: SHA-256, CRYPTO_HASH_BYTES.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base64url.h"
#include "buf.h"
#include "conf.h"
#include "err.h"
#include "limit.h"

#define STORE_HASH	32
#define STORE_PUBLIC_ID	16

enum store_role {
	STORE_ROLE_START,	/* insert, count, expire pending */
	STORE_ROLE_CALLBACK,	/* take pending; insert connections */
	STORE_ROLE_REFRESH,	/* read, update, delete connections */
	STORE_ROLE_ADMIN,	/* everything; creates and migrates tables */
	STORE_ROLE__MAX
};

struct store;

/* ---- opening ---------------------------------------------------------- */

/* Open an existing database of this program's schema version. */
enum err store_open(const char *path, enum conf_journal journal,
    enum store_role role, struct store **out) MUST_CHECK;
void store_close(struct store *s);

/*
 * Create the database and its lock file (mode 0600), or bring an older schema
 * up to date; nothing is ever overwritten. *created tells which.
 */
enum err store_create(const char *path, enum conf_journal journal,
    bool *created) MUST_CHECK;

/*
 * Whether database and lock file are still those at their paths. It also looks
 * whether apps or keys have changed: what was read of them is remembered only
 * while it is called before each request.
 */
bool store_is_current(struct store *s);

/* Whether a commit could not be made durable: end the process. */
bool store_broken(const struct store *s);

/* ---- transactions ----------------------------------------------------- */

enum store_durability {
	STORE_DURABLE,		/* survives a power cut once this returns */
	STORE_RELAXED,		/* survives a crash of the process */
};

enum err store_begin(struct store *s) MUST_CHECK;
enum err store_commit(struct store *s, enum store_durability d) MUST_CHECK;
void store_rollback(struct store *s);		/* also after a failed commit */

/*
 * Lock the connection of that id, waiting at most wait_ms. At most one at a
 * time per store. ERR_BUSY when it was not to be had.
 */
enum err store_lock(struct store *s, int64_t id, int64_t wait_ms,
    bool *waited) MUST_CHECK;
void store_unlock(struct store *s);

/* ---- apps ------------------------------------------------------------- */

struct store_app {
	char	name[LIMIT_NAME + 1];
	char	origins[4096];		/* separated by spaces; "" when none */
	int64_t	created_at;
};

struct store_key {
	unsigned char	hash[STORE_HASH];
	char		app[LIMIT_NAME + 1];
	int64_t		created_at;
	int64_t		expires_at;	/* 0: never */
};

typedef bool (*store_app_fn)(void *arg, const struct store_app *app);

/*
 * name NULL: the only one; ERR_CONFLICT when there are several. This and
 * store_key_find() may answer from memory, see store_is_current().
 */
enum err store_app_get(struct store *s, const char *name,
    struct store_app *out) MUST_CHECK;
enum err store_app_each(struct store *s, store_app_fn fn, void *arg)
    MUST_CHECK;
enum err store_app_add(struct store *s, const struct store_app *app)
    MUST_CHECK;					/* ERR_CONFLICT: name taken */
/* ERR_CONFLICT while it still has connections. */
enum err store_app_remove(struct store *s, const char *name) MUST_CHECK;

/* The app of an unexpired key with that hash, or ERR_NOT_FOUND. */
enum err store_key_find(struct store *s, const unsigned char hash[STORE_HASH],
    int64_t now, struct store_key *out) MUST_CHECK;
/* ERR_CONFLICT when two unexpired keys of the app exist already. */
enum err store_key_add(struct store *s, const struct store_key *key)
    MUST_CHECK;
/* Let every other key of the app end at that time. */
enum err store_key_expire_others(struct store *s, const struct store_key *key,
    int64_t at) MUST_CHECK;
/*
 * End all keys of the app but the newest; of several from the same second, none
 * of these. *ended tells how many.
 */
enum err store_key_expire_older(struct store *s, const char *app, int64_t at,
    int64_t *ended) MUST_CHECK;

/* ---- one-time start links --------------------------------------------- */

struct store_link {
	unsigned char	hash[STORE_HASH];
	char		app[LIMIT_NAME + 1];
	char		provider[LIMIT_NAME + 1];
	char		subject[LIMIT_SUBJECT + 1];
	int64_t		expires_at;
	int64_t		used_at;	/* 0: not yet */
};

enum err store_link_get(struct store *s, const unsigned char hash[STORE_HASH],
    struct store_link *out) MUST_CHECK;
enum err store_link_add(struct store *s, const struct store_link *l)
    MUST_CHECK;
/*
 * In a transaction. ERR_NOT_FOUND when it is used already. A flow that began
 * while the link was valid may end after it.
 */
enum err store_link_use(struct store *s, const unsigned char hash[STORE_HASH],
    int64_t now) MUST_CHECK;

/* ---- pending authorization requests ----------------------------------- */

enum pending_stage { PENDING_NEW, PENDING_TAKEN, PENDING_DONE };

struct store_pending {
	int64_t			id;		/* of a row that was read */
	unsigned char		state_hash[STORE_HASH];
	unsigned char		browser_hash[STORE_HASH];
	unsigned char		bind_hash[STORE_HASH];
	bool			has_bind;
	unsigned char		link_hash[STORE_HASH];
	bool			has_link;
	unsigned char		origin_hash[STORE_HASH];
	bool			new_browser;	/* its first row: to add */
	char			app[LIMIT_NAME + 1];
	char			provider[LIMIT_NAME + 1];
	char			subject[LIMIT_SUBJECT + 1];	/* "" unknown */
	char			return_to[LIMIT_RETURN_TO + 1];	/* "" none */
	char			redirect_uri[LIMIT_URL + 1];
	char			scope[LIMIT_SCOPE + 1];
	char			fields[LIMIT_FIELDS_TEXT + 1];	/* see fields.h */
	uint32_t		key_id;
	int64_t			created_at;
	int64_t			expires_at;
	enum pending_stage	stage;
	int64_t			taken_at;	/* 0 while new */
	char			outcome[64];	/* once done: see pending.h */
};

/*
 * Insert p, first making room: the oldest rows go if they have expired, a few
 * at a time; then the browser's oldest while it has PENDING_PER_BROWSER; then
 * the oldest of the most numerous origin while there are PENDING_TOTAL. Which
 * that is, one row in 16 tells, taken by chance: between two that are about as
 * numerous it can go either way.
 */
enum err store_pending_add(struct store *s, const struct store_pending *p)
    MUST_CHECK;

/* The row of that state and browser, whatever its stage. */
enum err store_pending_get(struct store *s,
    const unsigned char state_hash[STORE_HASH],
    const unsigned char browser_hash[STORE_HASH],
    struct store_pending *out) MUST_CHECK;

/*
 * Take the row that was read as *p: one UPDATE that succeeds for exactly one
 * caller, when state, browser and provider are its own, it is new, and not
 * expired; *p is then taken. ERR_NOT_FOUND otherwise, and *p stays as it was.
 */
enum err store_pending_take(struct store *s, struct store_pending *p,
    const char *provider, int64_t now) MUST_CHECK;

/*
 * Taken to done, with its outcome; expires_at moves. p as it was taken. In a
 * transaction or not.
 */
enum err store_pending_finish(struct store *s, const struct store_pending *p,
    const char *outcome, int64_t expires_at) MUST_CHECK;

/* ---- connections ------------------------------------------------------ */

enum connection_status {
	CONNECTION_OK,
	CONNECTION_DEGRADED,
	CONNECTION_UNCERTAIN,
	CONNECTION_BROKEN,
	CONNECTION_UNBOUND,
	CONNECTION__MAX
};

struct store_connection {
	int64_t			id;
	unsigned char		public_id[STORE_PUBLIC_ID];
	char			app[LIMIT_NAME + 1];
	char			provider[LIMIT_NAME + 1];
	char			subject[LIMIT_SUBJECT + 1];
	bool			bound;		/* subject is set */
	char			client_id[LIMIT_FIELD + 1];
	enum connection_status	status;
	char			scope[LIMIT_SCOPE + 1];
	char			token_type[64];
	char			fields[LIMIT_FIELDS_TEXT + 1];	/* see fields.h */
	struct buf		access;		/* sealed */
	struct buf		refresh;	/* sealed; empty when none */
	int64_t			issued_at;
	int64_t			expires_at;	/* 0: unknown */
	int			rotates;	/* 1, 0, -1 not known yet */
	int64_t			generation;
	int64_t			attempt_at;	/* 0: none open */
	int			attempts;	/* sent in this generation's attempt */
	int64_t			failures;	/* in a row, for the backoff */
	int64_t			refusals;	/* odd definite answers in a row */
	int64_t			refused_at;	/* the first of these */
	char			last_error[64];
	int64_t			next_attempt_at;
	unsigned char		section_hash[STORE_HASH]; /* see connection.h */
	bool			has_ticket;
	unsigned char		ticket_hash[STORE_HASH];
	unsigned char		bind_hash[STORE_HASH];
	bool			has_bind;
	unsigned char		browser_hash[STORE_HASH];
	int64_t			ticket_expires_at;
	bool			ticket_replaced; /* its redeeming replaced tokens */
	int64_t			created_at;
	int64_t			updated_at;
};

void store_connection_init(struct store_connection *c);
void store_connection_clear(struct store_connection *c);	/* wipes */

/*
 * All of these empty *out first and read without the gate. app NULL: any,
 * which only the operator's command may ask for.
 */
enum err store_connection_by_id(struct store *s, int64_t id,
    struct store_connection *out) MUST_CHECK;
enum err store_connection_by_public_id(struct store *s, const char *app,
    const unsigned char public_id[STORE_PUBLIC_ID],
    struct store_connection *out) MUST_CHECK;
enum err store_connection_by_subject(struct store *s, const char *app,
    const char *provider, const char *subject, struct store_connection *out)
    MUST_CHECK;
enum err store_connection_by_ticket(struct store *s, const char *app,
    const unsigned char ticket_hash[STORE_HASH], struct store_connection *out)
    MUST_CHECK;

/*
 * What callback may know of an owner's connection before it replaces its
 * tokens: everything but the tokens (its role can't read them).
 */
enum err store_connection_owner(struct store *s, const char *app,
    const char *provider, const char *subject, struct store_connection *out)
    MUST_CHECK;

/* In a transaction. Insert; c->id is set. ERR_CONFLICT: subject is taken. */
enum err store_connection_add(struct store *s, struct store_connection *c)
    MUST_CHECK;

/*
 * In a transaction. Write every column of c where id, public id and
 * `generation` are still these; c->generation is what it becomes.
 * ERR_CONFLICT when no row is hit, or the subject has one already.
 */
enum err store_connection_put(struct store *s,
    const struct store_connection *c, int64_t generation) MUST_CHECK;

/* In a transaction, on the same condition: only what an attempt changes. */
enum err store_connection_put_attempt(struct store *s,
    const struct store_connection *c) MUST_CHECK;

/* In a transaction. ERR_CONFLICT when the generation moved or it is gone. */
enum err store_connection_remove(struct store *s, int64_t id,
    int64_t generation) MUST_CHECK;

/*
 * In a transaction. Remove at most `most` unbound connections of providers
 * that are not in keep (NULL: none) created before `before`.
 */
enum err store_connection_expire(struct store *s, int64_t before, int most,
    const struct name_list *keep, int64_t *removed) MUST_CHECK;

/*
 * Whether another connection of that provider got tokens at or after since, as
 * far as was noted: once in a minute, the last and the one before of another.
 */
enum err store_connection_others_succeed(struct store *s,
    const struct store_connection *c, int64_t since, bool *out) MUST_CHECK;

typedef bool (*store_connection_fn)(void *arg,
    const struct store_connection *c);	/* false ends the walk */
struct store_filter {
	const char	*app;		/* each NULL: any */
	const char	*provider;
	const char	*subject;
	int64_t		 unbound_before; /* only unbound ones created before; 0 all */
};
enum err store_connection_each(struct store *s, const struct store_filter *f,
    store_connection_fn fn, void *arg) MUST_CHECK;

/* ---- the breaker of a provider's token host --------------------------- */

struct store_breaker {
	int64_t	failures;	/* since the last answer */
	int64_t	probe_at;	/* the next attempt may begin */
};

/* Without a row: zeroes. */
enum err store_breaker_get(struct store *s, const char *provider,
    const char *host, struct store_breaker *out) MUST_CHECK;
/* In a transaction. */
enum err store_breaker_put(struct store *s, const char *provider,
    const char *host, const struct store_breaker *b) MUST_CHECK;

/* ---- upkeep ----------------------------------------------------------- */

struct store_purged {
	int64_t	pending;
	int64_t	links;
	int64_t	keys;
};

/*
 * Remove what is over: expired pending rows, links and keys. That it was done
 * is recorded (store_tally()).
 */
enum err store_purge(struct store *s, int64_t now, struct store_purged *out)
    MUST_CHECK;

#endif
