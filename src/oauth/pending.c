/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "pending.h"

#include <arpa/inet.h>

#include <string.h>

#include "wipe.h"

void
pending_new_secret(char out[SECRET_CHARS + 1])
{
	unsigned char bytes[SECRET_BYTES];

	crypto_random(bytes, sizeof(bytes));
	base64url_encode(bytes, sizeof(bytes), out);
	wipe(bytes, sizeof(bytes));
}

void
pending_hash(const char *text, unsigned char out[STORE_HASH])
{
	crypto_sha256(text, strlen(text), out);
}

void
pending_derive(const unsigned char key[CRYPTO_KEY_BYTES], const char *label,
    const char *provider, const char *redirect_uri, const char *state,
    char out[SECRET_CHARS + 1])
{
	/* Each with its NUL, which separates it from the next; state has none. */
	const struct bytes parts[] = {
		{ label, strlen(label) + 1 },
		{ provider, strlen(provider) + 1 },
		{ redirect_uri, strlen(redirect_uri) + 1 },
		{ state, strlen(state) },
	};
	unsigned char mac[CRYPTO_HASH_BYTES];

	crypto_hmac(key, parts, 4, mac);
	base64url_encode(mac, sizeof(mac), out);
	wipe(mac, sizeof(mac));
}

void
pending_challenge(const char *verifier, char out[SECRET_CHARS + 1])
{
	unsigned char hash[CRYPTO_HASH_BYTES];

	crypto_sha256(verifier, strlen(verifier), hash);
	base64url_encode(hash, sizeof(hash), out);
}

void
pending_origin(const unsigned char key[CRYPTO_KEY_BYTES], const char *address,
    unsigned char out[STORE_HASH])
{
	static const char label[] = "origin";	/* its NUL separates */
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	unsigned char net[16];
	struct bytes parts[] = {
		{ label, sizeof(label) }, { net, 0 },
	};

	memset(net, 0, sizeof(net));
	if (address != NULL && inet_pton(AF_INET, address, net) == 1)
		parts[1].len = 3;
	else if (address != NULL && inet_pton(AF_INET6, address, net) == 1)
		parts[1].len = 7;
	if (parts[1].len == 7 && memcmp(net, mapped, sizeof(mapped)) == 0) {
		memmove(net, net + 12, 4);
		parts[1].len = 3;
	}
	crypto_hmac(key, parts, 2, out);
}
