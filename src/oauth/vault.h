/* SPDX-License-Identifier: ISC */
#ifndef OAC_VAULT_H
#define OAC_VAULT_H

/*
 * vault - sealed values: what the database holds instead of a token.
 *
 *	sealed value = format byte 0x01 | key id (4 bytes, big endian)
 *	             | nonce (24) | ciphertext | tag (16)
 *
 * encrypted with XAES-256-GCM. The additional data binds a value to its place:
 * "oauth-cgi/1", format byte, key id, table, column, public id, app, provider,
 * subject, generation (8 bytes, big endian), each as length (4 bytes, big
 * endian) and bytes; a NULL subject is the length 0xFFFFFFFF alone. A value
 * that is moved to another row, column, owner or generation does not open.
 *
 * Not detected here: a whole row put back as it was before.
 * Secrets: plaintext leaves only in the caller's buf, which wipes itself.
 */
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "keyring.h"

#define VAULT_FORMAT	0x01
#define VAULT_OVERHEAD	(1 + 4 + CRYPTO_NONCE_BYTES + CRYPTO_TAG_BYTES)

struct vault_place {
	const char	*table;
	const char	*column;
	struct bytes	 public_id;
	const char	*app;
	const char	*provider;
	const char	*subject;	/* NULL while nobody owns the row */
	int64_t		 generation;
};

/*
 * Seal plain with the ring's first key; out is emptied first. It overflows
 * (buf_failed) when its max is less than plain and VAULT_OVERHEAD.
 */
void vault_seal(const struct keyring *k, const struct vault_place *at,
    struct bytes plain, struct buf *out);

/*
 * Open a sealed value into out, emptied first. ERR_TAMPER when it is not
 * exactly what was sealed for this place (a value longer than out's max is
 * taken for foreign, too). ERR_CONFIG when its key id is unknown, also after
 * the key file was read once more. Both are logged.
 */
enum err vault_open(struct keyring *k, const struct vault_place *at,
    struct bytes sealed, struct buf *out) MUST_CHECK;

/* The key id of a sealed value, 0 when it is none: for rotation. */
uint32_t vault_key_id(struct bytes sealed);

#endif
