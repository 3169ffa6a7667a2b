/* SPDX-License-Identifier: ISC */
#ifndef OAC_CRYPTO_INTERNAL_H
#define OAC_CRYPTO_INTERNAL_H

/*
 * crypto_internal - plain AES-256-GCM, the second half of XAES-256-GCM.
 *
 * For crypto.c and its unit test, which feeds it published vectors; nobody
 * else includes it: a 96-bit random nonce under one long-lived key is exactly
 * what crypto.h keeps its callers from.
 */
#include "crypto.h"

#define CRYPTO_GCM_NONCE_BYTES	12

void crypto_gcm_seal(const unsigned char key[CRYPTO_KEY_BYTES],
    const unsigned char nonce[CRYPTO_GCM_NONCE_BYTES], struct bytes aad,
    const void *plain, size_t len, unsigned char *out);

enum err crypto_gcm_open(const unsigned char key[CRYPTO_KEY_BYTES],
    const unsigned char nonce[CRYPTO_GCM_NONCE_BYTES], struct bytes aad,
    const unsigned char *sealed, size_t len, void *out) MUST_CHECK;

#endif
