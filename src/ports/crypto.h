/* SPDX-License-Identifier: ISC */
#ifndef OAC_CRYPTO_H
#define OAC_CRYPTO_H

/*
 * crypto - the few primitives of the project, over OpenSSL's EVP interface.
 *
 * The only module that includes <openssl/…>. Algorithms are fetched once per
 * process, on first use, and stay good across fork().
 *
 * Errors:  a failing library is the end of the process (log_die): there is no
 *          safe way to go on without randomness or a hash. The one answer a
 *          caller must look at is crypto_xaes_open().
 * Secrets: keys and plaintext are the caller's to wipe; derived keys and
 *          intermediate values are wiped here.
 * Source:  XAES-256-GCM c2sp.org/XAES-256-GCM, HMAC RFC 2104,
 *          SHA-256 FIPS 180-4.
 */
#include <stdbool.h>
#include <stddef.h>

#include "err.h"

#define CRYPTO_HASH_BYTES	32
#define CRYPTO_KEY_BYTES	32
#define CRYPTO_NONCE_BYTES	24
#define CRYPTO_TAG_BYTES	16

/* A run of bytes that is not the callee's. */
struct bytes {
	const void	*data;
	size_t		 len;
};

/*
 * Call once, before anything else of this module or of httpc. A program that
 * has its libraries inside then leaves the host's OpenSSL configuration alone:
 * it may name modules, and those fit no other library than the host's.
 */
void crypto_init(void);

/*
 * Fetch all algorithms now: before fork(), so that it is done once and not in
 * every worker.
 */
void crypto_prepare(void);

/* Cryptographically strong random bytes. */
void crypto_random(void *out, size_t len);

void crypto_sha256(const void *data, size_t len,
    unsigned char out[CRYPTO_HASH_BYTES]);

/* HMAC-SHA256 over the parts one after another, without separators. */
void crypto_hmac(const unsigned char key[CRYPTO_KEY_BYTES],
    const struct bytes *parts, size_t count,
    unsigned char out[CRYPTO_HASH_BYTES]);

/* The same with a key of any length, as others make them. */
void crypto_hmac_any(struct bytes key, const struct bytes *parts, size_t count,
    unsigned char out[CRYPTO_HASH_BYTES]);

/* Encrypt len bytes to out, which has room for len + CRYPTO_TAG_BYTES. */
void crypto_xaes_seal(const unsigned char key[CRYPTO_KEY_BYTES],
    const unsigned char nonce[CRYPTO_NONCE_BYTES], struct bytes aad,
    const void *plain, size_t len, unsigned char *out);

/*
 * Decrypt len bytes (ciphertext and tag) to out, which has room for
 * len - CRYPTO_TAG_BYTES. ERR_TAMPER, and out wiped, when len is too small or
 * the tag is not right.
 */
enum err crypto_xaes_open(const unsigned char key[CRYPTO_KEY_BYTES],
    const unsigned char nonce[CRYPTO_NONCE_BYTES], struct bytes aad,
    const unsigned char *sealed, size_t len, void *out) MUST_CHECK;

#endif
