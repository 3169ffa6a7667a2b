/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "appkey.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "crypto.h"
#include "pending.h"
#include "wipe.h"

void
appkey_new(const char *app, char out[APPKEY_CHARS + 1], struct store_key *row)
{
	char secret[SECRET_CHARS + 1];

	pending_new_secret(secret);
	snprintf(out, APPKEY_CHARS + 1, "%s%s", APPKEY_PREFIX, secret);
	wipe(secret, sizeof(secret));
	memset(row, 0, sizeof(*row));
	crypto_sha256(out, strlen(out), row->hash);
	snprintf(row->app, sizeof(row->app), "%s", app);
	row->created_at = clock_now();
}

enum err
appkey_find(struct store *s, const char *key, char app[LIMIT_NAME + 1])
{
	unsigned char hash[STORE_HASH];
	struct store_key row;
	enum err e;

	app[0] = '\0';
	if (strncmp(key, APPKEY_PREFIX, sizeof(APPKEY_PREFIX) - 1) != 0 ||
	    !base64url_is_secret(key + sizeof(APPKEY_PREFIX) - 1))
		return ERR_NOT_FOUND;
	crypto_sha256(key, strlen(key), hash);
	if ((e = store_key_find(s, hash, clock_now(), &row)) != ERR_OK)
		return e;
	if (!equal_ct(row.hash, hash, sizeof(hash)))
		return ERR_NOT_FOUND;
	memcpy(app, row.app, sizeof(row.app));
	return ERR_OK;
}
