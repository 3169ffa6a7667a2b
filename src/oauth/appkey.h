/* SPDX-License-Identifier: ISC */
#ifndef OAC_APPKEY_H
#define OAC_APPKEY_H

/*
 * appkey - the keys that a site's backend shows: `oacgi_` and 256 random bits
 * in base64url. The database holds their SHA-256.
 */
#include "base64url.h"
#include "store.h"

#define APPKEY_PREFIX	"oacgi_"
#define APPKEY_CHARS	(sizeof(APPKEY_PREFIX) - 1 + SECRET_CHARS)

/* A fresh key as text, and its row, in both; expires_at 0 for never. */
void appkey_new(const char *app, char out[APPKEY_CHARS + 1],
    struct store_key *row);

/*
 * The app whose unexpired key this untrusted text is. ERR_NOT_FOUND for any
 * other text. Found by its hash, so no time tells how much of it was right.
 */
enum err appkey_find(struct store *s, const char *key,
    char app[LIMIT_NAME + 1]) MUST_CHECK;

#endif
