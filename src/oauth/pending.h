/* SPDX-License-Identifier: ISC */
#ifndef OAC_PENDING_H
#define OAC_PENDING_H

/*
 * pending - the secrets of an authorization request on its way.
 *
 * A flow has one random value, the state, and the browser alone keeps it. All
 * other secrets are derived from it with the pending key that the row names:
 *
 *	base64url(HMAC-SHA256(K, label 0 provider 0 redirect_uri 0 state))
 *
 * so the database holds only hashes and nothing that could finish a flow.
 *
 * Stages:  new -> taken (store_pending_take(), one caller wins) -> done, with
 *          an outcome that a repeated callback gets again:
 *          "connected" (the redirect carries the ticket), "connected:ID" (it
 *          was bound at once), or an error code of /callback.
 * Secrets: everything written to out is secret; the caller wipes it.
 * Source:  RFC 6749 10.12 (state), RFC 7636 (PKCE), OpenID Connect Core 3.1.2.1.
 */
#include "base64url.h"
#include "crypto.h"
#include "store.h"

#define PENDING_VERIFIER	"pkce"
#define PENDING_NONCE		"nonce"
#define PENDING_TICKET		"ticket"

#define PENDING_CONNECTED	"connected"

/* A fresh secret of 256 bits as text, with its NUL. */
void pending_new_secret(char out[SECRET_CHARS + 1]);

/* SHA-256 of a text: what the database holds of it. */
void pending_hash(const char *text, unsigned char out[STORE_HASH]);

void pending_derive(const unsigned char key[CRYPTO_KEY_BYTES],
    const char *label, const char *provider, const char *redirect_uri,
    const char *state, char out[SECRET_CHARS + 1]);

/* S256 (RFC 7636 4.2). */
void pending_challenge(const char *verifier, char out[SECRET_CHARS + 1]);

/*
 * A keyed hash of the network that an address is in (/24, or /56 for IPv6), so
 * that floods can be bounded without keeping addresses.
 */
void pending_origin(const unsigned char key[CRYPTO_KEY_BYTES],
    const char *address, unsigned char out[STORE_HASH]);

#endif
