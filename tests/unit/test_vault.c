/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "vault.h"

#include <sys/wait.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "logcatch.h"
#include "vectors.h"

#define NAME	"token.key"
#define KEY_1 "1111111111111111111111111111111111111111111111111111111111111111"
#define KEY_2 "2222222222222222222222222222222222222222222222222222222222222222"
#define KEY_3 "3333333333333333333333333333333333333333333333333333333333333333"
#define SECRET	"ya29.hush-hush"
#define SECRET_LEN (sizeof(SECRET) - 1)

static const struct bytes secret = { SECRET, SECRET_LEN };

static const struct vault_place here = {
	.table = "connection",
	.column = "access",
	.public_id = { "0123456789abcdef", 16 },
	.app = "shop",
	.provider = "interact",
	.subject = "42",
	.generation = 7,
};

static void
put(const char *text)
{
	char path[4096];
	FILE *f;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", harness_tmpdir(), NAME);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f = fdopen(fd, "w"));
	fputs(text, f);
	CU_ASSERT_EQUAL_FATAL(fclose(f), 0);
}

static struct keyring *
ring(const char *text)
{
	struct keyring *k;

	put(text);
	CU_ASSERT_EQUAL_FATAL(keyring_open(harness_tmpdir(), NAME, &k),
	    ERR_OK);
	logcatch_begin();
	return k;
}

static struct bytes
bytes_of(const struct buf *b)
{
	return (struct bytes){ b->data, b->len };
}

/* What vault_open() says; out must be right on success and empty otherwise. */
static enum err
try_open(struct keyring *k, const struct vault_place *at, struct bytes sealed)
{
	struct buf out = BUF_INIT(256);
	enum err e;

	buf_str(&out, "from before");
	e = vault_open(k, at, sealed, &out);
	if (e == ERR_OK)
		CU_ASSERT(out.len == SECRET_LEN &&
		    memcmp(out.data, SECRET, SECRET_LEN) == 0);
	if (e != ERR_OK)
		CU_ASSERT(out.len == 0 && !buf_failed(&out));
	buf_clear(&out);
	return e;
}

/* ---- sealing ---------------------------------------------------------- */

static void
test_round_trip(void)
{
	struct keyring *k = ring("5 " KEY_1 "\n");
	struct buf a = BUF_INIT(256), b = BUF_INIT(256);

	buf_str(&a, "from before");
	vault_seal(k, &here, secret, &a);
	CU_ASSERT_FALSE(buf_failed(&a));
	CU_ASSERT_EQUAL(a.len, SECRET_LEN + VAULT_OVERHEAD);
	CU_ASSERT_EQUAL(VAULT_OVERHEAD, 45);
	CU_ASSERT_EQUAL(memcmp(a.data, "\x01\0\0\0\x05", 5), 0);
	CU_ASSERT_EQUAL(vault_key_id(bytes_of(&a)), 5);
	CU_ASSERT_EQUAL(try_open(k, &here, bytes_of(&a)), ERR_OK);

	/* Once more is another nonce, and so other bytes throughout. */
	vault_seal(k, &here, secret, &b);
	CU_ASSERT_EQUAL(a.len, b.len);
	CU_ASSERT_NOT_EQUAL(memcmp(a.data + 5, b.data + 5, 24), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(a.data + 29, b.data + 29, SECRET_LEN), 0);
	CU_ASSERT_PTR_NULL(memmem(a.data, a.len, SECRET, 5));
	CU_ASSERT_EQUAL(try_open(k, &here, bytes_of(&b)), ERR_OK);
	CU_ASSERT_EQUAL(logcatch.lines, 0);
	buf_clear(&a);
	buf_clear(&b);
	keyring_close(k);
}

static void
test_empty_value(void)
{
	struct keyring *k = ring("1 " KEY_1 "\n");
	struct buf sealed = BUF_INIT(VAULT_OVERHEAD), out = BUF_INIT(0);
	struct bytes none = { NULL, 0 };

	vault_seal(k, &here, none, &sealed);
	CU_ASSERT_EQUAL(sealed.len, VAULT_OVERHEAD);
	CU_ASSERT_EQUAL(vault_open(k, &here, bytes_of(&sealed), &out),
	    ERR_OK);
	CU_ASSERT_EQUAL(out.len, 0);
	buf_clear(&sealed);
	buf_clear(&out);
	keyring_close(k);
}

/* The largest token there may be. */
static void
test_large_value(void)
{
	static char text[65536];
	struct keyring *k = ring("1 " KEY_1 "\n");
	struct buf sealed = BUF_INIT(sizeof(text) + VAULT_OVERHEAD);
	struct buf out = BUF_INIT(sizeof(text));
	struct bytes large = { text, sizeof(text) };

	crypto_random(text, sizeof(text));
	vault_seal(k, &here, large, &sealed);
	CU_ASSERT_EQUAL(sealed.len, sizeof(text) + VAULT_OVERHEAD);
	CU_ASSERT_EQUAL(vault_open(k, &here, bytes_of(&sealed), &out),
	    ERR_OK);
	CU_ASSERT(out.len == sizeof(text) &&
	    memcmp(out.data, text, sizeof(text)) == 0);
	buf_clear(&sealed);
	buf_clear(&out);
	keyring_close(k);
}

static void
test_no_room(void)
{
	struct keyring *k = ring("1 " KEY_1 "\n");
	struct buf tight = BUF_INIT(VAULT_OVERHEAD + SECRET_LEN - 1);
	struct buf sealed = BUF_INIT(256), small = BUF_INIT(SECRET_LEN - 1);

	vault_seal(k, &here, secret, &tight);
	CU_ASSERT(buf_failed(&tight));
	CU_ASSERT_EQUAL(tight.len, 0);
	vault_seal(k, &here, secret, &sealed);
	CU_ASSERT_EQUAL(vault_open(k, &here, bytes_of(&sealed), &small),
	    ERR_TAMPER);
	CU_ASSERT_EQUAL(small.len, 0);
	CU_ASSERT_EQUAL(logcatch.lines, 1);
	buf_clear(&tight);
	buf_clear(&sealed);
	buf_clear(&small);
	keyring_close(k);
}

/* ---- fixed bytes ------------------------------------------------------ */

/* One record of sealed.txt: it opens to its text. */
static void
check_known(const struct vector *v)
{
	unsigned char public_id[64], plain[1024], sealed[1200];
	struct vault_place at = {
		.table = vector_text(v, "table"),
		.column = vector_text(v, "column"),
		.app = vector_text(v, "app"),
		.provider = vector_text(v, "provider"),
		.subject = vector_text(v, "subject"),
		.generation = strtoll(vector_text(v, "generation"), NULL, 10),
	};
	struct bytes value = { sealed, 0 };
	struct buf out = BUF_INIT(sizeof(plain));
	struct keyring *k;
	char line[128];
	size_t len;

	at.public_id.data = public_id;
	at.public_id.len = vector_bytes(v, "public_id", public_id,
	    sizeof(public_id));
	len = vector_bytes(v, "plain", plain, sizeof(plain));
	value.len = vector_bytes(v, "sealed", sealed, sizeof(sealed));
	snprintf(line, sizeof(line), "%s %s\n", vector_text(v, "key_id"),
	    vector_text(v, "key"));
	k = ring(line);

	CU_ASSERT_EQUAL(vault_key_id(value), keyring_first_id(k));
	CU_ASSERT_EQUAL(vault_open(k, &at, value, &out), ERR_OK);
	CU_ASSERT_EQUAL(out.len, len);
	CU_ASSERT(out.len == len && memcmp(out.data, plain, len) == 0);
	at.generation ^= 1;
	CU_ASSERT_EQUAL(vault_open(k, &at, value, &out), ERR_TAMPER);
	buf_clear(&out);
	keyring_close(k);
}

static void
test_known(void)
{
	struct vector v = { .n = 0 };
	FILE *f = vectors_open("sealed.txt");
	unsigned n = 0;

	for (; vectors_next(f, &v); n++)
		check_known(&v);
	fclose(f);
	CU_ASSERT_EQUAL(n, 9);
}

/* ---- a value in the wrong place --------------------------------------- */

/* Places that differ from here in one thing each. */
static size_t
other_places(struct vault_place out[32])
{
	struct vault_place *p = out;

#define ELSEWHERE(...) do { \
	*p = here; \
	__VA_ARGS__; \
	p++; \
} while (0)
	ELSEWHERE(p->table = "pending");
	ELSEWHERE(p->table = "connectio");
	ELSEWHERE(p->table = "");
	ELSEWHERE(p->column = "refresh");
	ELSEWHERE(p->column = "Access");
	ELSEWHERE(p->public_id.data = "0123456789abcdeF");
	ELSEWHERE(p->public_id.len = 15);
	ELSEWHERE(p->public_id.len = 0);
	ELSEWHERE(p->app = "shop2");
	ELSEWHERE(p->app = "");
	ELSEWHERE(p->provider = "github");
	ELSEWHERE(p->provider = "interac");
	ELSEWHERE(p->subject = "43");
	ELSEWHERE(p->subject = "4");
	ELSEWHERE(p->subject = "");
	ELSEWHERE(p->subject = NULL);
	ELSEWHERE(p->generation = 6);
	ELSEWHERE(p->generation = 8);
	ELSEWHERE(p->generation = -7);
	ELSEWHERE(p->generation = 7 + ((int64_t)1 << 32));
	ELSEWHERE(p->generation = 7 + ((int64_t)1 << 56));
	/* The same bytes in a row, divided at another place. */
	ELSEWHERE(p->table = "connectiona", p->column = "ccess");
	ELSEWHERE(p->app = "shopi", p->provider = "nteract");
	ELSEWHERE(p->provider = "interact4", p->subject = "2");
	ELSEWHERE(p->provider = "interact42", p->subject = "");
	/* The same two names the other way round. */
	ELSEWHERE(p->app = "interact", p->provider = "shop");
#undef ELSEWHERE
	return (size_t)(p - out);
}

static void
test_moved(void)
{
	struct keyring *k = ring("1 " KEY_1 "\n");
	struct buf sealed = BUF_INIT(256);
	struct vault_place elsewhere[32];
	size_t n = other_places(elsewhere), i;

	vault_seal(k, &here, secret, &sealed);
	for (i = 0; i < n; i++) {
		logcatch_begin();
		CU_ASSERT_EQUAL(try_open(k, &elsewhere[i], bytes_of(&sealed)),
		    ERR_TAMPER);
		CU_ASSERT_EQUAL(logcatch.lines, 1);
	}
	CU_ASSERT_EQUAL(try_open(k, &here, bytes_of(&sealed)), ERR_OK);

	/* And there to here: a value that belongs there opens only there. */
	for (i = 0; i < n; i++) {
		vault_seal(k, &elsewhere[i], secret, &sealed);
		CU_ASSERT_EQUAL(try_open(k, &elsewhere[i], bytes_of(&sealed)),
		    ERR_OK);
		CU_ASSERT_EQUAL(try_open(k, &here, bytes_of(&sealed)),
		    ERR_TAMPER);
	}
	buf_clear(&sealed);
	keyring_close(k);
}

/* Nobody, and somebody called "". */
static void
test_null_subject(void)
{
	struct keyring *k = ring("1 " KEY_1 "\n");
	struct vault_place nobody = here, empty = here;
	struct buf sealed = BUF_INIT(256);

	nobody.subject = NULL;
	empty.subject = "";
	vault_seal(k, &nobody, secret, &sealed);
	CU_ASSERT_EQUAL(try_open(k, &nobody, bytes_of(&sealed)), ERR_OK);
	CU_ASSERT_EQUAL(try_open(k, &empty, bytes_of(&sealed)), ERR_TAMPER);
	vault_seal(k, &empty, secret, &sealed);
	CU_ASSERT_EQUAL(try_open(k, &empty, bytes_of(&sealed)), ERR_OK);
	CU_ASSERT_EQUAL(try_open(k, &nobody, bytes_of(&sealed)), ERR_TAMPER);
	buf_clear(&sealed);
	keyring_close(k);
}

/* A row whose names were made absurd from outside is one that was changed. */
static void
test_absurd_place(void)
{
	static char subject[9000];
	struct keyring *k = ring("1 " KEY_1 "\n");
	struct vault_place at = here;
	struct buf sealed = BUF_INIT(256);
	int status;
	pid_t pid;

	memset(subject, 's', sizeof(subject) - 1);
	at.subject = subject;
	vault_seal(k, &here, secret, &sealed);
	CU_ASSERT_EQUAL(try_open(k, &at, bytes_of(&sealed)), ERR_TAMPER);
	CU_ASSERT_EQUAL(logcatch.lines, 1);

	/* Sealing for such a place would be our own fault. */
	fflush(NULL);
	if ((pid = fork()) == 0) {
		vault_seal(k, &at, secret, &sealed);
		_exit(0);
	}
	CU_ASSERT_FATAL(pid > 0);
	CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	buf_clear(&sealed);
	keyring_close(k);
}

/* ---- a value that is not what it was ----------------------------------- */

static void
test_flips(void)
{
	/* Every id that one flipped bit makes of 1 is not there, or 0. */
	struct keyring *k = ring("1 " KEY_1 "\n");
	struct buf sealed = BUF_INIT(256);
	enum err e, want;
	size_t bit;

	vault_seal(k, &here, secret, &sealed);
	for (bit = 0; bit < 8 * sealed.len; bit++) {
		sealed.data[bit / 8] ^= (char)(1 << bit % 8);
		logcatch_begin();
		e = try_open(k, &here, bytes_of(&sealed));
		/* Bit 0 of the last byte of the id makes it 0: no value. */
		want = bit / 8 >= 1 && bit / 8 <= 4 && bit != 8 * 4 ?
		    ERR_CONFIG : ERR_TAMPER;
		CU_ASSERT_EQUAL(e, want);
		CU_ASSERT_EQUAL(logcatch.lines, 1);
		CU_ASSERT_FALSE(logcatch_has("hush"));
		sealed.data[bit / 8] ^= (char)(1 << bit % 8);
	}
	CU_ASSERT_EQUAL(try_open(k, &here, bytes_of(&sealed)), ERR_OK);
	buf_clear(&sealed);
	keyring_close(k);
}

static void
test_truncated(void)
{
	struct keyring *k = ring("1 " KEY_1 "\n");
	struct buf sealed = BUF_INIT(256);
	struct bytes cut;
	char *copy;
	size_t len;

	vault_seal(k, &here, secret, &sealed);
	for (len = 0; len < sealed.len; len++) {
		/* On its own, so that reading past the end is seen. */
		CU_ASSERT_PTR_NOT_NULL_FATAL(copy = malloc(len + 1));
		memcpy(copy, sealed.data, len);
		cut = (struct bytes){ copy, len };
		CU_ASSERT_EQUAL(try_open(k, &here, cut), ERR_TAMPER);
		CU_ASSERT_EQUAL(vault_key_id(cut),
		    len < VAULT_OVERHEAD ? 0 : 1);
		free(copy);
	}
	CU_ASSERT_EQUAL(try_open(k, &here, (struct bytes){ NULL, 0 }),
	    ERR_TAMPER);
	CU_ASSERT_EQUAL(vault_key_id((struct bytes){ NULL, 0 }), 0);

	/* Cut at the front, and made longer. */
	CU_ASSERT_NOT_EQUAL(try_open(k, &here,
	    (struct bytes){ sealed.data + 1, sealed.len - 1 }), ERR_OK);
	buf_char(&sealed, '\0');
	CU_ASSERT_EQUAL(try_open(k, &here, bytes_of(&sealed)), ERR_TAMPER);
	buf_clear(&sealed);
	keyring_close(k);
}

/* The id is bound: the same key under another id does not open it. */
static void
test_relabelled(void)
{
	struct keyring *k = ring("1 " KEY_1 "\n2 " KEY_1 "\n3 " KEY_3 "\n");
	struct buf sealed = BUF_INIT(256);

	vault_seal(k, &here, secret, &sealed);
	sealed.data[4] = 2;
	CU_ASSERT_EQUAL(try_open(k, &here, bytes_of(&sealed)), ERR_TAMPER);
	sealed.data[4] = 3;
	CU_ASSERT_EQUAL(try_open(k, &here, bytes_of(&sealed)), ERR_TAMPER);
	sealed.data[4] = 1;
	CU_ASSERT_EQUAL(try_open(k, &here, bytes_of(&sealed)), ERR_OK);
	buf_clear(&sealed);
	keyring_close(k);
}

/* ---- keys that come and go -------------------------------------------- */

static void
test_rotation(void)
{
	struct keyring *k = ring("1 " KEY_1 "\n");
	struct buf old = BUF_INIT(256), fresh = BUF_INIT(256);

	vault_seal(k, &here, secret, &old);
	put("2 " KEY_2 "\n1 " KEY_1 "\n");
	CU_ASSERT_EQUAL(keyring_reload(k), ERR_OK);
	vault_seal(k, &here, secret, &fresh);
	CU_ASSERT_EQUAL(vault_key_id(bytes_of(&old)), 1);
	CU_ASSERT_EQUAL(vault_key_id(bytes_of(&fresh)), 2);
	CU_ASSERT_EQUAL(try_open(k, &here, bytes_of(&old)), ERR_OK);
	CU_ASSERT_EQUAL(try_open(k, &here, bytes_of(&fresh)), ERR_OK);
	buf_clear(&old);
	buf_clear(&fresh);
	keyring_close(k);
}

static void
test_new_key_found(void)
{
	struct keyring *writer = ring("2 " KEY_2 "\n"), *k;
	struct buf sealed = BUF_INIT(256);

	vault_seal(writer, &here, secret, &sealed);
	keyring_close(writer);
	k = ring("1 " KEY_1 "\n");

	CU_ASSERT_EQUAL(try_open(k, &here, bytes_of(&sealed)), ERR_CONFIG);
	CU_ASSERT_EQUAL(logcatch.lines, 1);
	CU_ASSERT(logcatch_has("key 2"));
	CU_ASSERT(logcatch_has("connection.access"));
	CU_ASSERT(logcatch_has("MDEyMzQ1Njc4OWFiY2RlZg"));

	put("1 " KEY_1 "\n2 " KEY_2 "\n");
	logcatch_begin();
	CU_ASSERT_EQUAL(try_open(k, &here, bytes_of(&sealed)), ERR_OK);
	CU_ASSERT_EQUAL(logcatch.lines, 0);
	buf_clear(&sealed);
	keyring_close(k);
}

/*
 * How often the file is read is told by a broken one: every reading of it
 * leaves a line.
 */
static void
test_one_reading(void)
{
	struct keyring *writer = ring("2 " KEY_2 "\n"), *k;
	struct buf unknown = BUF_INIT(256), known = BUF_INIT(256);

	vault_seal(writer, &here, secret, &unknown);
	keyring_close(writer);
	k = ring("1 " KEY_1 "\n");
	vault_seal(k, &here, secret, &known);
	put("broken\n");

	CU_ASSERT_EQUAL(try_open(k, &here, bytes_of(&unknown)), ERR_CONFIG);
	CU_ASSERT_EQUAL(logcatch.lines, 2);	/* the file's and ours */
	CU_ASSERT(logcatch_has(NAME ":1: "));
	/* A known key needs no reading, nor does what is no value at all. */
	logcatch_begin();
	CU_ASSERT_EQUAL(try_open(k, &here, bytes_of(&known)), ERR_OK);
	CU_ASSERT_EQUAL(logcatch.lines, 0);
	known.data[0] = 2;
	CU_ASSERT_EQUAL(try_open(k, &here, bytes_of(&known)), ERR_TAMPER);
	CU_ASSERT_EQUAL(logcatch.lines, 1);
	buf_clear(&unknown);
	buf_clear(&known);
	keyring_close(k);
}

static const struct test tests[] = {
	{ "what was sealed opens, and never looks the same",
	    test_round_trip },
	{ "an empty value can be sealed", test_empty_value },
	{ "a value of 64 KiB can be sealed", test_large_value },
	{ "a buf that is too small", test_no_room },
	{ "values made by other software open", test_known },
	{ "a value in another place does not open", test_moved },
	{ "nobody is not the subject \"\"", test_null_subject },
	{ "a place with an absurd name", test_absurd_place },
	{ "any flipped bit, and it does not open", test_flips },
	{ "cut short or made longer, it does not open", test_truncated },
	{ "under another key id it does not open", test_relabelled },
	{ "after a rotation old and new values open", test_rotation },
	{ "an unknown key is an error until the file has it",
	    test_new_key_found },
	{ "an unknown key reads the file exactly once", test_one_reading },
};

TESTS_MAIN("vault", tests)
