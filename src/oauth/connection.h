/* SPDX-License-Identifier: ISC */
#ifndef OAC_CONNECTION_H
#define OAC_CONNECTION_H

/*
 * connection - an account at a provider: its states, and its tokens in and out
 * of their seals. How tokens are kept fresh is refresh.h's.
 *
 * Secrets: what connection_open_*() writes is in the caller's buf.
 */
#include "conf.h"
#include "keyring.h"
#include "store.h"
#include "token.h"

/* What the work on connections needs; all of it belongs to the caller. */
struct custody {
	const struct conf	*conf;
	struct store		*store;
	struct keyring		*keys;
	struct httpc		*http;
};

#define CONNECTION_ID_CHARS (2 * STORE_PUBLIC_ID)

/* The public id as text, and back; false for anything but 32 hex digits. */
void connection_id_text(const unsigned char id[STORE_PUBLIC_ID],
    char out[CONNECTION_ID_CHARS + 1]);
bool connection_id_parse(const char *text, unsigned char id[STORE_PUBLIC_ID]);

/* A new row for tokens that have just been issued: unbound, generation 1. */
void connection_new(struct store_connection *c, const char *app,
    const struct provider *p);

/*
 * Put an answer's tokens into the row and seal them for its present owner and
 * generation, which the caller has moved. A refresh token that did not come
 * keeps the one in old_refresh (may be NULL). requested_scope counts where the
 * answer names none (RFC 6749 5.1). sent_at: before the request was sent.
 */
void connection_set_tokens(struct store_connection *c,
    const struct keyring *keys, const struct token *t,
    const char *requested_scope, const struct buf *old_refresh,
    int64_t sent_at);

/* Append the member "fields", if p (NULL: unknown) keeps any. */
void connection_fields_json(const struct store_connection *c,
    const struct provider *p, struct buf *out);

/* Put further values of p's fields into the row. */
void connection_set_fields(struct store_connection *c,
    const struct provider *p, const struct fields *more);

/* Open a sealed column; ERR_TAMPER or ERR_CONFIG, logged. */
enum err connection_open_access(const struct store_connection *c,
    struct keyring *keys, struct buf *out) MUST_CHECK;
enum err connection_open_refresh(const struct store_connection *c,
    struct keyring *keys, struct buf *out) MUST_CHECK;

/* Seal both columns for the row's present owner and generation. */
void connection_seal(struct store_connection *c, const struct keyring *keys,
    const struct buf *access, const struct buf *refresh);

/*
 * Give the tokens of `from` to the row `to` (its owner and generation as the
 * caller set them): both are opened and sealed anew.
 */
enum err connection_reseal(const struct store_connection *from,
    struct store_connection *to, struct keyring *keys) MUST_CHECK;

/* Forget what failed: after new tokens, or when the operator says so. */
void connection_clear_failures(struct store_connection *c);

/* Whether a refresh token of this connection may be used only once. */
bool connection_rotates(const struct store_connection *c,
    const struct provider *p);

/*
 * The state for people and programs. A recorded attempt whose end is not
 * stored makes a rotating connection uncertain, whatever the column says: that
 * is what a crash leaves. p may be NULL (no longer configured).
 */
enum connection_status connection_status(const struct store_connection *c,
    const struct provider *p);
const char *connection_status_name(enum connection_status s);

/* Seconds that the access token still lives; INT64_MAX when unknown. */
int64_t connection_remaining(const struct store_connection *c, int64_t now);

#endif
