/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base64url.h"

#include <stdint.h>
#include <string.h>

#include "wipe.h"

static const char url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char std_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Encode up to three bytes; returns how many characters carry their bits. */
static size_t
encode_group(const char *alphabet, const unsigned char *in, size_t n,
    char out[4])
{
	uint32_t v = (uint32_t)in[0] << 16;

	if (n > 1)
		v |= (uint32_t)in[1] << 8;
	if (n > 2)
		v |= in[2];
	out[0] = alphabet[v >> 18];
	out[1] = alphabet[(v >> 12) & 63];
	out[2] = alphabet[(v >> 6) & 63];
	out[3] = alphabet[v & 63];
	return n + 1;
}

void
base64url_encode(const void *data, size_t len, char *out)
{
	const unsigned char *in = data;
	char group[4];
	size_t n;

	while (len > 0) {
		size_t take = len < 3 ? len : 3;

		n = encode_group(url_alphabet, in, take, group);
		memcpy(out, group, n);
		out += n;
		in += take;
		len -= take;
	}
	*out = '\0';
}

void
base64_add(struct buf *out, const void *data, size_t len)
{
	const unsigned char *in = data;
	char group[4];

	while (len > 0) {
		size_t take = len < 3 ? len : 3;
		size_t n = encode_group(std_alphabet, in, take, group);

		memset(group + n, '=', 4 - n);
		buf_add(out, group, 4);
		in += take;
		len -= take;
	}
}

static int
value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	if (c == '_')
		return 63;
	return -1;
}

bool
base64url_decode(const char *text, size_t len, void *out, size_t out_len)
{
	unsigned char *o = out;
	uint32_t acc = 0;
	unsigned bits = 0;
	size_t i, n = 0;

	if (len != BASE64URL_LEN(out_len))
		goto bad;
	for (i = 0; i < len; i++) {
		int v = value_of(text[i]);

		if (v < 0)
			goto bad;
		acc = acc << 6 | (uint32_t)v;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			o[n++] = (unsigned char)(acc >> bits);
			acc &= (1U << bits) - 1;
		}
	}
	if (acc != 0)
		goto bad;
	return true;
bad:
	wipe(out, out_len);
	return false;
}

bool
base64url_is_secret(const char *s)
{
	unsigned char bytes[SECRET_BYTES];
	bool ok;

	if (s == NULL || strlen(s) != SECRET_CHARS)
		return false;
	ok = base64url_decode(s, SECRET_CHARS, bytes, sizeof(bytes));
	wipe(bytes, sizeof(bytes));
	return ok;
}
