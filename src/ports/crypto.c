/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "crypto.h"

#include <sys/random.h>

#include <errno.h>
#include <limits.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "crypto_internal.h"
#include "log.h"
#include "wipe.h"

#define BLOCK_BYTES	16	/* of AES */
#define HMAC_BLOCK	64	/* of SHA-256, RFC 2104 */

/*
 * Fetching an algorithm searches the providers by name and costs more than
 * most of what is done with it, so it is done once. The contexts are kept for
 * the same reason; what they know of a key is wiped after each use.
 */
static struct {
	EVP_MD		*sha256;
	EVP_MD_CTX	*digest;
	EVP_CIPHER	*ecb;
	EVP_CIPHER_CTX	*block;
	EVP_CIPHER	*gcm;
	EVP_CIPHER_CTX	*aead;
} lib;

/* Go on only if the library did what it was told. */
static void
must(bool ok, const char *what)
{
	char why[256] = "no reason given";
	unsigned long code;

	if (ok)
		return;
	if ((code = ERR_peek_last_error()) != 0)
		ERR_error_string_n(code, why, sizeof(why));
	log_die("crypto: %s failed in OpenSSL: %s", what, why);
}

/* OpenSSL counts in int; everything that comes here is bounded far below. */
static int
int_len(size_t len)
{
	if (len > INT_MAX)
		log_die("crypto: %zu bytes at once", len);
	return (int)len;
}

/* The kernel's, which needs no care across fork() and no generator of ours. */
void
crypto_init(void)
{
#ifdef WITH_STATIC
	must(OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1,
	    "starting");
#endif
}

void
crypto_random(void *out, size_t len)
{
	unsigned char *at = out;
	ssize_t n;

	while (len > 0) {
		n = getrandom(at, len, 0);
		if (n < 0 && errno != EINTR)
			log_die("crypto: no randomness: %s", strerror(errno));
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
	}
}

/* ---- SHA-256 and HMAC ------------------------------------------------- */

static void
digest_fetch(void)
{
	if (lib.digest != NULL)
		return;
	lib.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	must(lib.sha256 != NULL, "fetching SHA-256");
	lib.digest = EVP_MD_CTX_new();
	must(lib.digest != NULL, "a digest context");
}

static void
digest_begin(void)
{
	digest_fetch();
	must(EVP_DigestInit_ex2(lib.digest, lib.sha256, NULL) == 1, "SHA-256");
}

static void
digest_add(const void *data, size_t len)
{
	if (len > 0)
		must(EVP_DigestUpdate(lib.digest, data, len) == 1, "SHA-256");
}

static void
digest_end(unsigned char out[CRYPTO_HASH_BYTES])
{
	must(EVP_DigestFinal_ex(lib.digest, out, NULL) == 1, "SHA-256");
}

void
crypto_sha256(const void *data, size_t len,
    unsigned char out[CRYPTO_HASH_BYTES])
{
	digest_begin();
	digest_add(data, len);
	digest_end(out);
}

/*
 * RFC 2104 by hand: two passes through one digest context, which after its end
 * holds nothing of the key. EVP_MAC takes about twice the time and keeps the
 * key in its context until the next one.
 */
void
crypto_hmac_any(struct bytes key, const struct bytes *parts, size_t count,
    unsigned char out[CRYPTO_HASH_BYTES])
{
	unsigned char pad[HMAC_BLOCK], inner[CRYPTO_HASH_BYTES];
	size_t i;

	memset(pad, 0, sizeof(pad));
	if (key.len > sizeof(pad))
		crypto_sha256(key.data, key.len, pad);
	else if (key.len > 0)
		memcpy(pad, key.data, key.len);
	for (i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36;
	digest_begin();
	digest_add(pad, sizeof(pad));
	for (i = 0; i < count; i++)
		digest_add(parts[i].data, parts[i].len);
	digest_end(inner);

	for (i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	digest_begin();
	digest_add(pad, sizeof(pad));
	digest_add(inner, sizeof(inner));
	digest_end(out);

	wipe(pad, sizeof(pad));
	wipe(inner, sizeof(inner));
}

void
crypto_hmac(const unsigned char key[CRYPTO_KEY_BYTES],
    const struct bytes *parts, size_t count,
    unsigned char out[CRYPTO_HASH_BYTES])
{
	struct bytes whole = { key, CRYPTO_KEY_BYTES };

	crypto_hmac_any(whole, parts, count, out);
}

/* ---- AES-256-GCM ------------------------------------------------------ */

static void
cipher_fetch(const char *name, EVP_CIPHER **cipher, EVP_CIPHER_CTX **ctx)
{
	if (*ctx != NULL)
		return;
	*cipher = EVP_CIPHER_fetch(NULL, name, NULL);
	must(*cipher != NULL, name);
	*ctx = EVP_CIPHER_CTX_new();
	must(*ctx != NULL, "a cipher context");
}

static void
gcm_fetch(void)
{
	cipher_fetch("AES-256-GCM", &lib.gcm, &lib.aead);
}

static void
ecb_fetch(void)
{
	cipher_fetch("AES-256-ECB", &lib.ecb, &lib.block);
}

void
crypto_prepare(void)
{
	digest_fetch();
	gcm_fetch();
	ecb_fetch();
}

/* Begin with this key and nonce, and take in the additional data. */
static void
gcm_begin(int seal, const unsigned char *key, const unsigned char *nonce,
    struct bytes aad)
{
	int n;

	/* A GCM context begins with a nonce length of 12 bytes. */
	gcm_fetch();
	must(EVP_CipherInit_ex2(lib.aead, lib.gcm, key, nonce, seal,
	    NULL) == 1, "AES-256-GCM");
	if (aad.len > 0)
		must(EVP_CipherUpdate(lib.aead, NULL, &n, aad.data,
		    int_len(aad.len)) == 1, "AES-256-GCM");
}

static void
gcm_update(const void *in, size_t len, unsigned char *out)
{
	int n;

	if (len > 0)
		must(EVP_CipherUpdate(lib.aead, out, &n, in,
		    int_len(len)) == 1 && (size_t)n == len, "AES-256-GCM");
}

void
crypto_gcm_seal(const unsigned char key[CRYPTO_KEY_BYTES],
    const unsigned char nonce[CRYPTO_GCM_NONCE_BYTES], struct bytes aad,
    const void *plain, size_t len, unsigned char *out)
{
	int n;

	gcm_begin(1, key, nonce, aad);
	gcm_update(plain, len, out);
	must(EVP_CipherFinal_ex(lib.aead, out + len, &n) == 1, "AES-256-GCM");
	must(EVP_CIPHER_CTX_ctrl(lib.aead, EVP_CTRL_AEAD_GET_TAG,
	    CRYPTO_TAG_BYTES, out + len) == 1, "AES-256-GCM");
	EVP_CIPHER_CTX_reset(lib.aead);	/* wipes the key schedule */
}

enum err
crypto_gcm_open(const unsigned char key[CRYPTO_KEY_BYTES],
    const unsigned char nonce[CRYPTO_GCM_NONCE_BYTES], struct bytes aad,
    const unsigned char *sealed, size_t len, void *out)
{
	unsigned char tag[CRYPTO_TAG_BYTES], none[BLOCK_BYTES];
	bool authentic;
	int n;

	/* What is past INT_MAX was never sealed here. */
	if (len < CRYPTO_TAG_BYTES || len > INT_MAX || aad.len > INT_MAX)
		return ERR_TAMPER;
	len -= CRYPTO_TAG_BYTES;
	memcpy(tag, sealed + len, sizeof(tag));

	gcm_begin(0, key, nonce, aad);
	gcm_update(sealed, len, out);
	must(EVP_CIPHER_CTX_ctrl(lib.aead, EVP_CTRL_AEAD_SET_TAG,
	    sizeof(tag), tag) == 1, "AES-256-GCM");
	authentic = EVP_CipherFinal_ex(lib.aead, none, &n) == 1;
	EVP_CIPHER_CTX_reset(lib.aead);
	if (authentic)
		return ERR_OK;
	wipe(out, len);
	ERR_clear_error();
	return ERR_TAMPER;
}

/* ---- XAES-256-GCM ----------------------------------------------------- */

static void
aes_blocks(const unsigned char *in, int len, unsigned char *out)
{
	int n;

	must(EVP_EncryptUpdate(lib.block, out, &n, in, len) == 1 && n == len,
	    "AES-256");
}

/*
 * The key of one message: NIST SP 800-108 in counter mode over CMAC. Both
 * inputs are exactly one block, so CMAC is one encryption of the block XORed
 * with its first subkey.
 */
static void
derive(const unsigned char key[CRYPTO_KEY_BYTES],
    const unsigned char nonce[CRYPTO_NONCE_BYTES],
    unsigned char out[CRYPTO_KEY_BYTES])
{
	static const unsigned char zero[BLOCK_BYTES];
	unsigned char l[BLOCK_BYTES], k1[BLOCK_BYTES];
	unsigned char m[2 * BLOCK_BYTES] = {
		0x00, 0x01, 'X', 0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0x00, 0x02, 'X', 0x00,
	};
	unsigned carry;
	size_t i;

	ecb_fetch();
	must(EVP_EncryptInit_ex2(lib.block, lib.ecb, key, NULL, NULL) == 1 &&
	    EVP_CIPHER_CTX_set_padding(lib.block, 0) == 1, "AES-256");
	aes_blocks(zero, sizeof(zero), l);

	/* K1 = L doubled in GF(2^128), without a branch on the secret. */
	carry = l[0] >> 7;
	for (i = 0; i < BLOCK_BYTES - 1; i++)
		k1[i] = (unsigned char)(l[i] << 1 | l[i + 1] >> 7);
	k1[i] = (unsigned char)((unsigned)l[i] << 1 ^ (0x87 & (0U - carry)));

	memcpy(m + 4, nonce, 12);
	memcpy(m + BLOCK_BYTES + 4, nonce, 12);
	for (i = 0; i < sizeof(m); i++)
		m[i] ^= k1[i % BLOCK_BYTES];
	aes_blocks(m, sizeof(m), out);

	EVP_CIPHER_CTX_reset(lib.block);
	wipe(l, sizeof(l));
	wipe(k1, sizeof(k1));
	wipe(m, sizeof(m));
}

void
crypto_xaes_seal(const unsigned char key[CRYPTO_KEY_BYTES],
    const unsigned char nonce[CRYPTO_NONCE_BYTES], struct bytes aad,
    const void *plain, size_t len, unsigned char *out)
{
	unsigned char derived[CRYPTO_KEY_BYTES];

	derive(key, nonce, derived);
	crypto_gcm_seal(derived, nonce + 12, aad, plain, len, out);
	wipe(derived, sizeof(derived));
}

enum err
crypto_xaes_open(const unsigned char key[CRYPTO_KEY_BYTES],
    const unsigned char nonce[CRYPTO_NONCE_BYTES], struct bytes aad,
    const unsigned char *sealed, size_t len, void *out)
{
	unsigned char derived[CRYPTO_KEY_BYTES];
	enum err e;

	derive(key, nonce, derived);
	e = crypto_gcm_open(derived, nonce + 12, aad, sealed, len, out);
	wipe(derived, sizeof(derived));
	return e;
}
