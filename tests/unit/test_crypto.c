/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "crypto.h"

#include <sys/wait.h>

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "crypto_internal.h"
#include "harness.h"
#include "log.h"
#include "vectors.h"

#define TEXT_MAX 4096

static const unsigned char some_key[CRYPTO_KEY_BYTES] = "0123456789abcdef"
    "0123456789ABCDE";
static const unsigned char some_nonce[CRYPTO_NONCE_BYTES] = "ABCDEFGHIJKLMNOPQ"
    "RSTUVW";

static void
from_hex(const char *hex, unsigned char *out, size_t len)
{
	unsigned byte;
	size_t i;

	for (i = 0; i < len; i++) {
		CU_ASSERT_EQUAL_FATAL(sscanf(hex + 2 * i, "%2x", &byte), 1);
		out[i] = (unsigned char)byte;
	}
}

/* Run fn in a child; 256 plus the signal if it ends by one. */
static int
in_child(void (*fn)(void))
{
	int status;
	pid_t pid;

	fflush(NULL);
	if ((pid = fork()) == 0) {
		/* What it says about its end is asked for, not news. */
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(98);
		fn();
		_exit(0);
	}
	CU_ASSERT_FATAL(pid > 0);
	CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) :
	    256 + WTERMSIG(status);
}

/* ---- a library that fails --------------------------------------------- */

static void
hash_without_providers(void)
{
	unsigned char out[CRYPTO_HASH_BYTES];
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/openssl.cnf", harness_tmpdir());
	if ((f = fopen(path, "we")) == NULL)
		_exit(97);
	fputs("openssl_conf = all\n[all]\nproviders = list\n"
	    "[list]\nnull = only\n[only]\nactivate = 1\n", f);
	fclose(f);
	setenv("OPENSSL_CONF", path, 1);
	crypto_sha256("", 0, out);
}

/* Has to come before anything that makes the library read its configuration. */
static void
test_no_algorithm(void)
{
	harness_tmpdir();
	CU_ASSERT_EQUAL(in_child(hash_without_providers), 1);
}

static void
ask_for_too_much(void)
{
	crypto_random(NULL, (size_t)INT_MAX + 1);
}

static void
test_too_much(void)
{
	CU_ASSERT_EQUAL(in_child(ask_for_too_much), 1);
}

/* ---- random ----------------------------------------------------------- */

static void
test_random(void)
{
	static const unsigned char zero[32];
	unsigned char a[34] = { 0 }, b[32];

	crypto_random(a + 1, 32);
	crypto_random(b, sizeof(b));
	CU_ASSERT_NOT_EQUAL(memcmp(a + 1, b, 32), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(a + 1, zero, 32), 0);
	CU_ASSERT_EQUAL(a[0], 0);
	CU_ASSERT_EQUAL(a[33], 0);
	crypto_random(NULL, 0);
}

static void
test_random_after_fork(void)
{
	unsigned char ours[32], first[32], theirs[32];
	int fds[2], i;
	pid_t pid;

	CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
	for (i = 0; i < 2; i++) {
		if ((pid = fork()) == 0) {
			crypto_random(theirs, 32);
			_exit(write(fds[1], theirs, 32) == 32 ? 0 : 1);
		}
		CU_ASSERT_FATAL(pid > 0);
		CU_ASSERT_EQUAL(waitpid(pid, NULL, 0), pid);
	}
	crypto_random(ours, sizeof(ours));
	CU_ASSERT_EQUAL(read(fds[0], first, 32), 32);
	CU_ASSERT_EQUAL(read(fds[0], theirs, 32), 32);
	CU_ASSERT_NOT_EQUAL(memcmp(ours, first, 32), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(ours, theirs, 32), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(first, theirs, 32), 0);
	close(fds[0]);
	close(fds[1]);
}

/* ---- SHA-256 and HMAC ------------------------------------------------- */

/* FIPS 180-2, appendix B, and the empty text. */
static void
test_sha256(void)
{
	static const struct {
		const char *text, *hash;
	} known[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb924"
		    "27ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223"
		    "b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		    "248d6a61d20638b8e5c026930c3e6039"
		    "a33ce45964ff2167f6ecedd419db06c1" },
	};
	unsigned char want[CRYPTO_HASH_BYTES], got[CRYPTO_HASH_BYTES];
	char *million = malloc(1000000);
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		from_hex(known[i].hash, want, sizeof(want));
		crypto_sha256(known[i].text, strlen(known[i].text), got);
		CU_ASSERT_EQUAL(memcmp(got, want, sizeof(want)), 0);
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(million);
	memset(million, 'a', 1000000);
	crypto_sha256(million, 1000000, got);
	free(million);
	from_hex("cdc76e5c9914fb9281a1c7e284d73e67"
	    "f1809a48a497200e046d39ccc7112cd0", want, sizeof(want));
	CU_ASSERT_EQUAL(memcmp(got, want, sizeof(want)), 0);
	crypto_sha256(NULL, 0, got);
	from_hex(known[0].hash, want, sizeof(want));
	CU_ASSERT_EQUAL(memcmp(got, want, sizeof(want)), 0);
}

struct hmac_case {
	unsigned char	 key_byte;	/* repeated, unless key is given */
	size_t		 key_len;
	const char	*key, *text, *mac;
	unsigned char	 text_byte;	/* repeated, unless text is given */
	size_t		 text_len;
};

/*
 * RFC 4231. HMAC fills a short key up with zeros and hashes one that is longer
 * than a block, so every key of the RFC has an equal one of 32 bytes. Case 5
 * cuts the result and is left out.
 */
static const struct hmac_case rfc4231[] = {
	{ 0x0b, 20, NULL, "Hi There",
	    "b0344c61d8db38535ca8afceaf0bf12b"
	    "881dc200c9833da726e9376c2e32cff7", 0, 0 },
	{ 0, 4, "Jefe", "what do ya want for nothing?",
	    "5bdcc146bf60754e6a042426089575c7"
	    "5a003f089d2739839dec58b964ec3843", 0, 0 },
	{ 0xaa, 20, NULL, NULL,
	    "773ea91e36800e46854db8ebd09181a7"
	    "2959098b3ef8c122d9635514ced565fe", 0xdd, 50 },
	{ 0, 25, "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"
	    "\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19", NULL,
	    "82558a389a443c0ea4cc819899f2083a"
	    "85f0faa3e578f8077a2e3ff46729665b", 0xcd, 50 },
	{ 0xaa, 131, NULL,
	    "Test Using Larger Than Block-Size Key - Hash Key First",
	    "60e431591ee0b67f0d8a26aacbf5b77f"
	    "8e0bc6213728c5140546040f0ee37f54", 0, 0 },
	{ 0xaa, 131, NULL,
	    "This is a test using a larger than block-size key and a larger "
	    "than block-size data. The key needs to be hashed before being "
	    "used by the HMAC algorithm.",
	    "9b09ffa71b942fcb27635fbcd5b0e944"
	    "bfdc63644f0713938a7f51535c3a35e2", 0, 0 },
};

static void
check_hmac(const struct hmac_case *c)
{
	unsigned char want[CRYPTO_HASH_BYTES], got[CRYPTO_HASH_BYTES];
	unsigned char key[131] = { 0 }, text[256];
	struct bytes parts[3];
	size_t len = c->text_len, cut;

	if (c->key != NULL)
		memcpy(key, c->key, c->key_len);
	else
		memset(key, c->key_byte, c->key_len);
	if (c->key_len > 64)
		crypto_sha256(key, c->key_len, key);
	if (c->text != NULL)
		memcpy(text, c->text, len = strlen(c->text));
	else
		memset(text, c->text_byte, len);
	from_hex(c->mac, want, sizeof(want));

	/* The same in two parts, wherever they meet, and an empty one. */
	for (cut = 0; cut <= len; cut++) {
		parts[0] = (struct bytes){ text, cut };
		parts[1] = (struct bytes){ NULL, 0 };
		parts[2] = (struct bytes){ text + cut, len - cut };
		memset(got, 0, sizeof(got));
		crypto_hmac(key, parts, 3, got);
		CU_ASSERT_EQUAL(memcmp(got, want, sizeof(want)), 0);
	}
}

static void
test_hmac(void)
{
	size_t i;

	for (i = 0; i < sizeof(rfc4231) / sizeof(rfc4231[0]); i++)
		check_hmac(&rfc4231[i]);
}

/* All of the 32 bytes of the key count; nothing is a text, too. */
static void
test_hmac_key(void)
{
	static const char *const empty_mac =
	    "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
	unsigned char key[CRYPTO_KEY_BYTES] = { 0 };
	unsigned char first[CRYPTO_HASH_BYTES], other[CRYPTO_HASH_BYTES];
	unsigned char want[CRYPTO_HASH_BYTES];
	struct bytes part = { "", 0 };
	size_t i;

	from_hex(empty_mac, want, sizeof(want));
	crypto_hmac(key, NULL, 0, first);
	CU_ASSERT_EQUAL(memcmp(first, want, sizeof(want)), 0);
	crypto_hmac(key, &part, 1, other);
	CU_ASSERT_EQUAL(memcmp(other, want, sizeof(want)), 0);
	for (i = 0; i < sizeof(key); i++) {
		key[i] = 1;
		crypto_hmac(key, NULL, 0, other);
		CU_ASSERT_NOT_EQUAL(memcmp(first, other, sizeof(first)), 0);
		key[i] = 0;
	}
}

/* ---- XAES-256-GCM ----------------------------------------------------- */

static void
check_xaes(const struct vector *v)
{
	unsigned char key[CRYPTO_KEY_BYTES], nonce[CRYPTO_NONCE_BYTES];
	unsigned char derived[CRYPTO_KEY_BYTES], gcm_nonce[12];
	unsigned char aad[64], plain[64], want[128], got[128];
	struct bytes extra = { aad, 0 };
	size_t len, sealed_len;

	vector_bytes(v, "key", key, sizeof(key));
	vector_bytes(v, "nonce", nonce, sizeof(nonce));
	vector_bytes(v, "derived_key", derived, sizeof(derived));
	vector_bytes(v, "derived_nonce", gcm_nonce, sizeof(gcm_nonce));
	extra.len = vector_bytes(v, "aad", aad, sizeof(aad));
	len = vector_bytes(v, "plain", plain, sizeof(plain));
	sealed_len = vector_bytes(v, "sealed", want, sizeof(want));
	CU_ASSERT_EQUAL_FATAL(sealed_len, len + CRYPTO_TAG_BYTES);

	crypto_xaes_seal(key, nonce, extra, plain, len, got);
	CU_ASSERT_EQUAL(memcmp(got, want, sealed_len), 0);
	memset(got, 0, sizeof(got));
	crypto_gcm_seal(derived, gcm_nonce, extra, plain, len, got);
	CU_ASSERT_EQUAL(memcmp(got, want, sealed_len), 0);
	CU_ASSERT_EQUAL(crypto_xaes_open(key, nonce, extra, want, sealed_len,
	    got), ERR_OK);
	CU_ASSERT_EQUAL(memcmp(got, plain, len), 0);
}

static void
test_xaes_vectors(void)
{
	struct vector v = { .n = 0 };
	FILE *f = vectors_open("xaes-256-gcm.txt");
	unsigned n = 0;

	while (vectors_next(f, &v)) {
		if (vector_text(&v, "key") == NULL)
			continue;
		check_xaes(&v);
		n++;
	}
	fclose(f);
	CU_ASSERT_EQUAL(n, 2);
}

/* Length bytes of an endless SHAKE-128 stream; to be freed. */
static unsigned char *
shake_stream(size_t len)
{
	static const unsigned char begins[8] = {
		0x7f, 0x9c, 0x2b, 0xa4, 0xe8, 0x8f, 0x82, 0x7d
	};
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char *p = malloc(len);

	CU_ASSERT_FATAL(ctx != NULL && p != NULL &&
	    EVP_DigestInit_ex(ctx, EVP_shake128(), NULL) == 1 &&
	    EVP_DigestFinalXOF(ctx, p, len) == 1);
	EVP_MD_CTX_free(ctx);
	CU_ASSERT_EQUAL(memcmp(p, begins, sizeof(begins)), 0);
	return p;
}

/* Seal, open and take in one round of the stream; how much of it was used. */
static size_t
accumulate(const unsigned char *s, EVP_MD_CTX *all)
{
	const unsigned char *key = s, *nonce = key + CRYPTO_KEY_BYTES;
	const unsigned char *plain = nonce + CRYPTO_NONCE_BYTES + 1;
	size_t len = plain[-1];
	const unsigned char *aad = plain + len + 1;
	struct bytes extra = { aad, aad[-1] };
	unsigned char sealed[255 + CRYPTO_TAG_BYTES], back[255];

	crypto_xaes_seal(key, nonce, extra, plain, len, sealed);
	CU_ASSERT_FATAL(EVP_DigestUpdate(all, sealed,
	    len + CRYPTO_TAG_BYTES) == 1);
	CU_ASSERT_FATAL(crypto_xaes_open(key, nonce, extra, sealed,
	    len + CRYPTO_TAG_BYTES, back) == ERR_OK);
	CU_ASSERT_FATAL(memcmp(back, plain, len) == 0);
	return (size_t)(aad + extra.len - s);
}

static void
test_xaes_accumulated(void)
{
	struct vector v = { .n = 0 };
	FILE *f = vectors_open("xaes-256-gcm.txt");
	unsigned char want[32] = { 0 }, got[32] = { 0 }, *stream;
	size_t i, rounds = 0, at = 0;
	EVP_MD_CTX *all = EVP_MD_CTX_new();

	while (vectors_next(f, &v)) {
		if (vector_text(&v, "accumulated") == NULL)
			continue;
		vector_bytes(&v, "accumulated", want, sizeof(want));
		rounds = strtoul(vector_text(&v, "rounds"), NULL, 10);
	}
	fclose(f);
	CU_ASSERT_EQUAL_FATAL(rounds, 10000);
	CU_ASSERT_FATAL(all != NULL &&
	    EVP_DigestInit_ex(all, EVP_shake128(), NULL) == 1);
	stream = shake_stream(rounds * (CRYPTO_KEY_BYTES + CRYPTO_NONCE_BYTES +
	    2 * 256));
	for (i = 0; i < rounds; i++)
		at += accumulate(stream + at, all);
	CU_ASSERT_EQUAL(EVP_DigestFinalXOF(all, got, sizeof(got)), 1);
	CU_ASSERT_EQUAL(memcmp(got, want, sizeof(want)), 0);
	EVP_MD_CTX_free(all);
	free(stream);
}

/* ---- what must not open ----------------------------------------------- */

/* Try to open; true if it was refused and nothing was left in out. */
static bool
refused(const unsigned char *key, const unsigned char *nonce,
    struct bytes aad, const unsigned char *sealed, size_t len)
{
	unsigned char out[TEXT_MAX];
	size_t i;

	memset(out, 0xaa, sizeof(out));
	if (crypto_xaes_open(key, nonce, aad, sealed, len, out) != ERR_TAMPER)
		return false;
	for (i = 0; len > CRYPTO_TAG_BYTES && i < len - CRYPTO_TAG_BYTES; i++)
		if (out[i] != 0)
			return false;
	for (; i < sizeof(out); i++)
		if (out[i] != 0xaa)
			return false;
	return true;
}

/* Flip each bit of thing in turn; true if it never opened. */
static bool
refused_flipped(unsigned char *thing, size_t thing_len,
    const unsigned char *key, const unsigned char *nonce, struct bytes aad,
    const unsigned char *sealed, size_t len)
{
	bool ok = true;
	size_t bit;

	for (bit = 0; bit < 8 * thing_len; bit++) {
		thing[bit / 8] ^= (unsigned char)(1 << bit % 8);
		ok = ok && refused(key, nonce, aad, sealed, len);
		thing[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	return ok;
}

static void
test_flips(void)
{
	unsigned char key[CRYPTO_KEY_BYTES], nonce[CRYPTO_NONCE_BYTES];
	unsigned char aad[20] = "where it belongs", sealed[60], out[44];
	struct bytes extra = { aad, sizeof(aad) };

	memcpy(key, some_key, sizeof(key));
	memcpy(nonce, some_nonce, sizeof(nonce));
	memset(out, 0x5a, sizeof(out));
	crypto_xaes_seal(key, nonce, extra, out, sizeof(out), sealed);
	CU_ASSERT(refused_flipped(sealed, sizeof(sealed), key, nonce, extra,
	    sealed, sizeof(sealed)));
	CU_ASSERT(refused_flipped(key, sizeof(key), key, nonce, extra,
	    sealed, sizeof(sealed)));
	CU_ASSERT(refused_flipped(nonce, sizeof(nonce), key, nonce, extra,
	    sealed, sizeof(sealed)));
	CU_ASSERT(refused_flipped(aad, sizeof(aad), key, nonce, extra,
	    sealed, sizeof(sealed)));
	CU_ASSERT_EQUAL(crypto_xaes_open(key, nonce, extra, sealed,
	    sizeof(sealed), out), ERR_OK);
}

static void
test_lengths(void)
{
	unsigned char plain[TEXT_MAX], sealed[TEXT_MAX + CRYPTO_TAG_BYTES + 1];
	unsigned char back[TEXT_MAX];
	struct bytes none = { NULL, 0 };
	size_t len, cut;

	crypto_random(plain, sizeof(plain));
	for (len = 0; len <= TEXT_MAX; len += len < 70 ? 1 : 671) {
		sealed[len + CRYPTO_TAG_BYTES] = 0xee;
		crypto_xaes_seal(some_key, some_nonce, none, plain, len,
		    sealed);
		CU_ASSERT_EQUAL(sealed[len + CRYPTO_TAG_BYTES], 0xee);
		CU_ASSERT_EQUAL(crypto_xaes_open(some_key, some_nonce, none,
		    sealed, len + CRYPTO_TAG_BYTES, back), ERR_OK);
		CU_ASSERT_EQUAL(memcmp(plain, back, len), 0);
	}
	/* Cut short anywhere, also to less than a tag, or made longer. */
	crypto_xaes_seal(some_key, some_nonce, none, plain, 40, sealed);
	for (cut = 0; cut < 40 + CRYPTO_TAG_BYTES; cut++)
		CU_ASSERT(refused(some_key, some_nonce, none, sealed, cut));
	sealed[40 + CRYPTO_TAG_BYTES] = 0;
	CU_ASSERT(refused(some_key, some_nonce, none, sealed,
	    40 + CRYPTO_TAG_BYTES + 1));
	CU_ASSERT_EQUAL(crypto_xaes_open(some_key, some_nonce, none, sealed,
	    SIZE_MAX, back), ERR_TAMPER);
}

/* ---- AES-256-GCM ------------------------------------------------------ */

static void
check_gcm(const struct vector *v)
{
	unsigned char key[CRYPTO_KEY_BYTES], nonce[12];
	unsigned char aad[TEXT_MAX], plain[TEXT_MAX];
	unsigned char sealed[TEXT_MAX], got[TEXT_MAX];
	struct bytes extra = { aad, 0 };
	size_t len, sealed_len, i;
	enum err e;

	CU_ASSERT_EQUAL(vector_bytes(v, "key", key, sizeof(key)), 32);
	CU_ASSERT_EQUAL(vector_bytes(v, "nonce", nonce, sizeof(nonce)), 12);
	extra.len = vector_bytes(v, "aad", aad, sizeof(aad));
	len = vector_bytes(v, "plain", plain, sizeof(plain));
	sealed_len = vector_bytes(v, "sealed", sealed, sizeof(sealed));

	memset(got, 0xaa, sizeof(got));
	e = crypto_gcm_open(key, nonce, extra, sealed, sealed_len, got);
	if (strcmp(vector_text(v, "result"), "valid") != 0) {
		CU_ASSERT_EQUAL(e, ERR_TAMPER);
		for (i = 0; i < len; i++)
			CU_ASSERT_EQUAL(got[i], 0);
		return;
	}
	CU_ASSERT_EQUAL(e, ERR_OK);
	CU_ASSERT_EQUAL(memcmp(got, plain, len), 0);
	crypto_gcm_seal(key, nonce, extra, plain, len, got);
	CU_ASSERT_EQUAL(memcmp(got, sealed, sealed_len), 0);
}

static void
test_wycheproof(void)
{
	struct vector v = { .n = 0 };
	FILE *f = vectors_open("wycheproof-aes-256-gcm.txt");
	unsigned valid = 0, invalid = 0;

	while (vectors_next(f, &v)) {
		check_gcm(&v);
		if (strcmp(vector_text(&v, "result"), "valid") == 0)
			valid++;
		else
			invalid++;
	}
	fclose(f);
	CU_ASSERT_EQUAL(valid, 39);
	CU_ASSERT_EQUAL(invalid, 27);
}

/* ---- fork ------------------------------------------------------------- */

static unsigned char shared_text[5 + CRYPTO_TAG_BYTES];

/* In a child: what the parent began with goes on working. */
static void
open_and_hash(void)
{
	unsigned char out[5], hash[CRYPTO_HASH_BYTES];
	struct bytes none = { NULL, 0 };

	crypto_hmac(some_key, NULL, 0, hash);
	if (crypto_xaes_open(some_key, some_nonce, none, shared_text,
	    sizeof(shared_text), out) != ERR_OK || memcmp(out, "hello", 5) != 0)
		_exit(2);
}

static void
test_fork(void)
{
	struct bytes none = { NULL, 0 };

	crypto_xaes_seal(some_key, some_nonce, none, "hello", 5, shared_text);
	CU_ASSERT_EQUAL(in_child(open_and_hash), 0);
	open_and_hash();
}

static const struct test tests[] = {
	{ "a library without SHA-256 ends the process", test_no_algorithm },
	{ "more than the library can count ends it, too", test_too_much },
	{ "random bytes differ and keep to their place", test_random },
	{ "random bytes differ between processes", test_random_after_fork },
	{ "SHA-256 as in FIPS 180", test_sha256 },
	{ "HMAC as in RFC 4231, in any number of parts", test_hmac },
	{ "HMAC uses the whole key, and takes no parts", test_hmac_key },
	{ "XAES as in its specification, derived keys, too",
	    test_xaes_vectors },
	{ "XAES, 10,000 pseudorandom rounds", test_xaes_accumulated },
	{ "a flipped bit in text, tag, key, nonce or data does not open",
	    test_flips },
	{ "every length comes back; cut or grown it does not open",
	    test_lengths },
	{ "the GCM core passes Wycheproof", test_wycheproof },
	{ "algorithms stay good across fork", test_fork },
};

TESTS_MAIN("crypto", tests)
