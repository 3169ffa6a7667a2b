/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "vault.h"

#include <string.h>

#include "base64url.h"
#include "crypto.h"
#include "log.h"
#include "wipe.h"

#define KEY_ID_AT	1
#define NONCE_AT	(KEY_ID_AT + 4)
#define TEXT_AT		(NONCE_AT + CRYPTO_NONCE_BYTES)

#define CONTEXT		"oauth-cgi/1"
#define ABSENT		UINT32_MAX /* the length of a NULL subject */
#define AAD_MAX		8192
#define PUBLIC_ID_SHOWN	16		/* bytes, in logs */

/* ---- the additional data ---------------------------------------------- */

static void
put_u32(unsigned char out[4], uint32_t n)
{
	out[0] = (unsigned char)(n >> 24);
	out[1] = (unsigned char)(n >> 16);
	out[2] = (unsigned char)(n >> 8);
	out[3] = (unsigned char)n;
}

static uint32_t
get_u32(const unsigned char in[4])
{
	return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 |
	    (uint32_t)in[2] << 8 | in[3];
}

static void
add_u32(struct buf *aad, uint32_t n)
{
	unsigned char be[4];

	put_u32(be, n);
	buf_add(aad, be, sizeof(be));
}

/* The length goes first, so that no two lists of parts look the same. */
static void
add_part(struct buf *aad, const void *data, size_t len)
{
	/* Past AAD_MAX nothing is added anyway, and the length is no matter. */
	add_u32(aad, (uint32_t)len);
	buf_add(aad, data, len);
}

static void
add_text(struct buf *aad, const char *s)
{
	add_part(aad, s, strlen(s));
}

/* False when a part is longer than anything that was ever sealed. */
static bool
build_aad(struct buf *aad, uint32_t key_id, const struct vault_place *at)
{
	static const unsigned char format = VAULT_FORMAT;
	unsigned char be[8];

	add_text(aad, CONTEXT);
	add_part(aad, &format, 1);
	put_u32(be, key_id);
	add_part(aad, be, 4);
	add_text(aad, at->table);
	add_text(aad, at->column);
	add_part(aad, at->public_id.data, at->public_id.len);
	add_text(aad, at->app);
	add_text(aad, at->provider);
	if (at->subject != NULL)
		add_text(aad, at->subject);
	else
		add_u32(aad, ABSENT);
	put_u32(be, (uint32_t)((uint64_t)at->generation >> 32));
	put_u32(be + 4, (uint32_t)(uint64_t)at->generation);
	add_part(aad, be, sizeof(be));
	return !buf_failed(aad);
}

/* ---- sealing and opening ---------------------------------------------- */

void
vault_seal(const struct keyring *k, const struct vault_place *at,
    struct bytes plain, struct buf *out)
{
	struct buf aad = BUF_INIT(AAD_MAX);
	uint32_t id = keyring_first_id(k);
	unsigned char *p;

	buf_reset(out);
	if (!build_aad(&aad, id, at))
		log_die("vault: %s.%s: a value to seal has an owner whose "
		    "names are past every limit", at->table, at->column);
	p = (unsigned char *)buf_reserve(out, VAULT_OVERHEAD + plain.len);
	if (p != NULL) {
		p[0] = VAULT_FORMAT;
		put_u32(p + KEY_ID_AT, id);
		crypto_random(p + NONCE_AT, CRYPTO_NONCE_BYTES);
		crypto_xaes_seal(keyring_find(k, id), p + NONCE_AT,
		    (struct bytes){ aad.data, aad.len }, plain.data,
		    plain.len, p + TEXT_AT);
	}
	buf_clear(&aad);
}

uint32_t
vault_key_id(struct bytes sealed)
{
	const unsigned char *p = sealed.data;

	if (sealed.len < VAULT_OVERHEAD || p[0] != VAULT_FORMAT)
		return 0;
	return get_u32(p + KEY_ID_AT);
}

/* Say which value it is, and what that may mean; not what is in it. */
static void
complain(const struct vault_place *at, uint32_t key_id, const char *what)
{
	char id[BASE64URL_LEN(PUBLIC_ID_SHOWN) + 1];
	size_t len = at->public_id.len;

	base64url_encode(at->public_id.data,
	    len < PUBLIC_ID_SHOWN ? len : PUBLIC_ID_SHOWN, id);
	log_error("vault: %s.%s of %s (app %s, provider %s, generation %lld, "
	    "key %u) %s", at->table, at->column, id, at->app, at->provider,
	    (long long)at->generation, (unsigned)key_id, what);
}

static enum err
open_value(const unsigned char *key, uint32_t id, const struct vault_place *at,
    struct bytes sealed, struct buf *out)
{
	struct buf aad = BUF_INIT(AAD_MAX);
	const unsigned char *p = sealed.data;
	enum err e = ERR_TAMPER;
	char *plain = NULL;

	/* Two separate bounds: what is past one was never sealed by us. */
	if (build_aad(&aad, id, at))
		plain = buf_reserve(out, sealed.len - VAULT_OVERHEAD);
	if (plain != NULL)
		e = crypto_xaes_open(key, p + NONCE_AT,
		    (struct bytes){ aad.data, aad.len }, p + TEXT_AT,
		    sealed.len - TEXT_AT, plain);
	if (e != ERR_OK)
		buf_reset(out);
	buf_clear(&aad);
	return e;
}

enum err
vault_open(struct keyring *k, const struct vault_place *at,
    struct bytes sealed, struct buf *out)
{
	uint32_t id = vault_key_id(sealed);
	const unsigned char *key;

	buf_reset(out);
	if (id == 0) {
		complain(at, id, "is not a sealed value: the row was damaged "
		    "or changed from outside");
		return ERR_TAMPER;
	}
	if ((key = keyring_find_or_reload(k, id)) == NULL) {
		complain(at, id, "is sealed with a key that is not in the key "
		    "file: put that key back");
		return ERR_CONFIG;
	}
	if (open_value(key, id, at, sealed, out) != ERR_OK) {
		complain(at, id, "does not open: it was damaged, changed or "
		    "moved here from another row, or its key was replaced "
		    "under the same id");
		return ERR_TAMPER;
	}
	return ERR_OK;
}
