/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "keyring.h"

#include <sys/inotify.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "logcatch.h"

#define NAME	"token.key"
#define SOMEBODY 12345

#define KEY_A "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define KEY_B "ABCDEF0000000000000000000000000000000000000000000000000000abcdef"
#define KEY_C "0101010101010101010101010101010101010101010101010101010101010101"

static const unsigned char bytes_a[CRYPTO_KEY_BYTES] = {
	0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
	0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
	0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
	0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
};
static const unsigned char bytes_b[CRYPTO_KEY_BYTES] = {
	0xab, 0xcd, 0xef, [29] = 0xab, 0xcd, 0xef,
};

static char path[4096];		/* of the key file */

/* Put len bytes where the key file is, in place of what was there. */
static void
put_bytes(const char *text, size_t len)
{
	int fd;

	snprintf(path, sizeof(path), "%s/%s", harness_tmpdir(), NAME);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_FATAL(write(fd, text, len) == (ssize_t)len);
	close(fd);
}

static void
put(const char *text)
{
	put_bytes(text, strlen(text));
}

static struct keyring *
open_ring(void)
{
	struct keyring *k = NULL;

	logcatch_begin();
	CU_ASSERT_EQUAL_FATAL(keyring_open(harness_tmpdir(), NAME, &k),
	    ERR_OK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(k);
	CU_ASSERT_EQUAL(logcatch.lines, 0);
	return k;
}

static bool
is(const unsigned char *key, const unsigned char *want)
{
	return key != NULL && memcmp(key, want, CRYPTO_KEY_BYTES) == 0;
}

/* One line that names the file and its line, and shows nothing of a key. */
static void
assert_said(unsigned line, const char *why)
{
	char at[sizeof(path) + 16];

	snprintf(at, sizeof(at), "%s:%u: ", path, line);
	CU_ASSERT_EQUAL(logcatch.lines, 1);
	CU_ASSERT(logcatch_has(at));
	CU_ASSERT(logcatch_has(why));
	CU_ASSERT_FALSE(logcatch_has("00112233"));
	CU_ASSERT_FALSE(logcatch_has("010101"));
	if (!logcatch_has(at) || !logcatch_has(why))
		fprintf(stderr, "no '%s%s' in %s", at, why, logcatch.text);
}

static void
assert_refused_bytes(const char *text, size_t len, unsigned line,
    const char *why)
{
	static int marker;
	struct keyring *k = (struct keyring *)(void *)&marker;

	put_bytes(text, len);
	logcatch_begin();
	CU_ASSERT_EQUAL(keyring_open(harness_tmpdir(), NAME, &k), ERR_CONFIG);
	CU_ASSERT_PTR_NULL(k);
	assert_said(line, why);
}

static void
assert_refused(const char *text, unsigned line, const char *why)
{
	assert_refused_bytes(text, strlen(text), line, why);
}

/* ---- files that are right --------------------------------------------- */

static void
test_one_key(void)
{
	struct keyring *k;

	put("1 " KEY_A "\n");
	k = open_ring();
	CU_ASSERT_EQUAL(keyring_first_id(k), 1);
	CU_ASSERT(is(keyring_find(k, 1), bytes_a));
	CU_ASSERT(is(keyring_at(k, 0), bytes_a));
	CU_ASSERT_PTR_NULL(keyring_at(k, 1));
	CU_ASSERT_PTR_NULL(keyring_at(k, SIZE_MAX));
	CU_ASSERT_PTR_NULL(keyring_find(k, 0));
	CU_ASSERT_PTR_NULL(keyring_find(k, 2));
	keyring_close(k);
}

/* The first of the file, not the lowest id; all of the 32 bits count. */
static void
test_several_keys(void)
{
	struct keyring *k;

	put("4294967295 " KEY_B "\n1 " KEY_A "\n");
	k = open_ring();
	CU_ASSERT_EQUAL(keyring_first_id(k), 4294967295u);
	CU_ASSERT(is(keyring_find(k, 4294967295u), bytes_b));
	CU_ASSERT(is(keyring_find(k, 1), bytes_a));
	CU_ASSERT(is(keyring_at(k, 0), bytes_b));
	CU_ASSERT(is(keyring_at(k, 1), bytes_a));
	CU_ASSERT_PTR_NULL(keyring_at(k, 2));
	keyring_close(k);
}

static void
test_layout(void)
{
	static const char *const good[] = {
		"1 " KEY_A,
		"1 " KEY_A "\r\n",
		"\n\n  \t\n1 " KEY_A "\n\n",
		"# made in May\n1 " KEY_A " # seals\n#2 " KEY_C "\n",
		"1 " KEY_A "#\n",
		" \t1\t \t" KEY_A " \t\n",
		"0001 " KEY_A "\n",
	};
	struct keyring *k;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		put(good[i]);
		k = open_ring();
		CU_ASSERT_EQUAL(keyring_first_id(k), 1);
		CU_ASSERT(is(keyring_at(k, 0), bytes_a));
		CU_ASSERT_PTR_NULL(keyring_at(k, 1));
		keyring_close(k);
	}
}

/* Fill text with n keys of the ids from 1. */
static void
many(char *text, size_t size, unsigned n)
{
	size_t len = 0;
	unsigned i;

	for (i = 1; i <= n; i++)
		len += (size_t)snprintf(text + len, size - len,
		    "%u " KEY_A "\n", i);
	CU_ASSERT_FATAL(len < size);
}

static void
test_many(void)
{
	char text[(KEYRING_MAX + 1) * 80];
	struct keyring *k;

	many(text, sizeof(text), KEYRING_MAX);
	put(text);
	k = open_ring();
	CU_ASSERT_EQUAL(keyring_first_id(k), 1);
	CU_ASSERT(is(keyring_find(k, KEYRING_MAX), bytes_a));
	CU_ASSERT(is(keyring_at(k, KEYRING_MAX - 1), bytes_a));
	CU_ASSERT_PTR_NULL(keyring_at(k, KEYRING_MAX));
	keyring_close(k);

	many(text, sizeof(text), KEYRING_MAX + 1);
	assert_refused(text, KEYRING_MAX + 1, "more than 32 keys");
}

/* ---- files that are not ----------------------------------------------- */

static void
test_bad_ids(void)
{
	static const char *const bad[] = {
		"0", "00", "4294967296", "4294967297", "18446744073709551617",
		"-1", "+1", "1x", "0x1", "1.", "x", "", "1,", "one",
	};
	char text[256];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "2 " KEY_C "\n%s " KEY_A "\n",
		    bad[i]);
		assert_refused(text, 2, "from 1 to 4294967295");
	}
}

static void
test_bad_keys(void)
{
	static const char *const bad[] = {
		"7", "7 ", "7 # " KEY_A, "7 00112233",
		"7 " KEY_A "0", "7 " KEY_A "00", "7 0" KEY_A,
		"7 0x" KEY_A, "7 " KEY_A " 8", "7 " KEY_A KEY_A,
		"7 001122334455667788 99aabbccddeeff00112233445566778899aabbcc",
		"7 g0112233445566778899aabbccddeeff"
		    "00112233445566778899aabbccddeeff",
		"7 00112233445566778899aabbccddeeff"
		    "00112233445566778899aabbccddeef/",
		"7 00112233445566778899aabbccddeeff"
		    "00112233445566778899aabbccddeef",
		"7 00112233445566778899aabbccddeeff"
		    "00112233445566778899aabbccddee :",
	};
	char text[512];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "# one\n\n1 " KEY_C "\n%s\n",
		    bad[i]);
		assert_refused(text, 4, "64 hexadecimal digits");
		CU_ASSERT(logcatch_has("key 7 "));
		CU_ASSERT(logcatch_has("openssl rand -hex 32"));
	}
}

static void
test_duplicate(void)
{
	assert_refused("3 " KEY_A "\n1 " KEY_C "\n03 " KEY_C "\n", 3,
	    "id 3 is already on line 1");
	/* Also when it is the same key. */
	assert_refused("3 " KEY_A "\n3 " KEY_A "\n", 2, "id 3 is already");
}

static void
test_empty(void)
{
	assert_refused("", 1, "no key in it");
	assert_refused("\n# nothing\n \t\r\n", 4, "no key in it");
}

static void
test_binary(void)
{
	static const char nul_in_key[] = "1 " KEY_A "\0\n";
	static const char nul_first[] = "\0" "1 " KEY_A "\n";

	assert_refused_bytes(nul_in_key, sizeof(nul_in_key) - 1, 1, "64 hexa");
	assert_refused_bytes(nul_first, sizeof(nul_first) - 1, 1, "a number");
	assert_refused("\xef\xbb\xbf" "1 " KEY_A "\n", 1, "a number");
	/* A carriage return alone does not end a line. */
	assert_refused("1 " KEY_A "\r2 " KEY_C "\n", 1, "64 hexa");
}

static void
test_too_large(void)
{
	static char text[65537];
	struct keyring *k;

	memset(text, '\n', sizeof(text));
	memcpy(text, "1 " KEY_A, 66);
	put_bytes(text, sizeof(text) - 1);
	keyring_close(open_ring());
	put_bytes(text, sizeof(text));
	logcatch_begin();
	CU_ASSERT_EQUAL(keyring_open(harness_tmpdir(), NAME, &k), ERR_CONFIG);
	CU_ASSERT_EQUAL(logcatch.lines, 1);
	CU_ASSERT(logcatch_has("larger than"));
}

static void
test_missing(void)
{
	struct keyring *k;

	put("");
	unlink(path);
	logcatch_begin();
	CU_ASSERT_EQUAL(keyring_open(harness_tmpdir(), NAME, &k), ERR_CONFIG);
	CU_ASSERT_PTR_NULL(k);
	CU_ASSERT_EQUAL(logcatch.lines, 1);
	CU_ASSERT(logcatch_has(path));
	CU_ASSERT(logcatch_has("oauth-cgi init"));
}

static void
test_rights(void)
{
	struct keyring *k;

	put("1 " KEY_A "\n");
	CU_ASSERT_EQUAL_FATAL(chmod(path, 0644), 0);
	logcatch_begin();
	CU_ASSERT_EQUAL(keyring_open(harness_tmpdir(), NAME, &k), ERR_CONFIG);
	CU_ASSERT_PTR_NULL(k);
	CU_ASSERT_EQUAL(logcatch.lines, 1);
	CU_ASSERT(logcatch_has("chmod 600 "));
	CU_ASSERT_EQUAL_FATAL(chmod(path, 0400), 0);
	keyring_close(open_ring());

	if (geteuid() != 0)
		return;		/* only root can give files away */
	CU_ASSERT_EQUAL_FATAL(chown(path, SOMEBODY, 0), 0);
	logcatch_begin();
	CU_ASSERT_EQUAL(keyring_open(harness_tmpdir(), NAME, &k), ERR_CONFIG);
	CU_ASSERT(logcatch_has("chown root "));
}

static void
test_long_path(void)
{
	static char dir[5000];
	struct keyring *k;

	memset(dir, 'd', sizeof(dir) - 1);
	dir[0] = '/';
	logcatch_begin();
	CU_ASSERT_EQUAL(keyring_open(dir, NAME, &k), ERR_CONFIG);
	CU_ASSERT_EQUAL(keyring_create(dir, NAME), ERR_CONFIG);
	CU_ASSERT_EQUAL(logcatch.lines, 2);
	CU_ASSERT_EQUAL(setenv("CREDENTIALS_DIRECTORY", dir, 1), 0);
	CU_ASSERT_EQUAL(keyring_open(harness_tmpdir(), NAME, &k), ERR_CONFIG);
	CU_ASSERT_EQUAL(logcatch.lines, 3);
	unsetenv("CREDENTIALS_DIRECTORY");
}

/* ---- where it is looked for ------------------------------------------- */

static void
test_credentials(void)
{
	int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char dir[2048], own[2100];
	struct keyring *k;

	put("1 " KEY_A "\n");
	snprintf(dir, sizeof(dir), "%s/credentials", harness_tmpdir());
	snprintf(own, sizeof(own), "%s/" NAME, dir);
	CU_ASSERT_EQUAL_FATAL(mkdir(dir, 0700), 0);
	CU_ASSERT_EQUAL_FATAL(setenv("CREDENTIALS_DIRECTORY", dir, 1), 0);

	/* None of that name there: the other folder counts. */
	k = open_ring();
	CU_ASSERT(is(keyring_find(k, 1), bytes_a));
	keyring_close(k);

	/* There is one: it comes first, and at a reload, too. */
	CU_ASSERT_EQUAL_FATAL(rename(path, own), 0);
	put("9 " KEY_B "\n");
	k = open_ring();
	CU_ASSERT_EQUAL(keyring_first_id(k), 1);
	CU_ASSERT_EQUAL(keyring_reload(k), ERR_OK);
	CU_ASSERT_EQUAL(keyring_first_id(k), 1);
	keyring_close(k);

	/* One that is not right is an error, not a reason to look further. */
	CU_ASSERT_EQUAL_FATAL(chmod(own, 0644), 0);
	logcatch_begin();
	CU_ASSERT_EQUAL(keyring_open(harness_tmpdir(), NAME, &k), ERR_CONFIG);
	CU_ASSERT(logcatch_has(own));
	CU_ASSERT_EQUAL_FATAL(chmod(own, 0600), 0);

	/* Only an absolute folder is meant, not one below where we stand. */
	CU_ASSERT_EQUAL_FATAL(setenv("CREDENTIALS_DIRECTORY", "", 1), 0);
	k = open_ring();
	CU_ASSERT_EQUAL(keyring_first_id(k), 9);
	keyring_close(k);
	CU_ASSERT_EQUAL_FATAL(setenv("CREDENTIALS_DIRECTORY", "credentials",
	    1), 0);
	CU_ASSERT_FATAL(here >= 0 && chdir(harness_tmpdir()) == 0);
	k = open_ring();
	CU_ASSERT_EQUAL(keyring_first_id(k), 9);
	keyring_close(k);
	CU_ASSERT_EQUAL_FATAL(fchdir(here), 0);
	close(here);
	CU_ASSERT_EQUAL_FATAL(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	k = open_ring();
	CU_ASSERT_EQUAL(keyring_first_id(k), 9);
	keyring_close(k);
}

/* ---- reading it again ------------------------------------------------- */

static void
test_reload(void)
{
	struct keyring *k;

	put("1 " KEY_A "\n");
	k = open_ring();
	put("2 " KEY_B "\n1 " KEY_A "\n");
	CU_ASSERT_EQUAL(keyring_reload(k), ERR_OK);
	CU_ASSERT_EQUAL(keyring_first_id(k), 2);
	CU_ASSERT(is(keyring_find(k, 1), bytes_a));
	CU_ASSERT(is(keyring_find(k, 2), bytes_b));
	put("2 " KEY_B "\n");
	CU_ASSERT_EQUAL(keyring_reload(k), ERR_OK);
	CU_ASSERT_PTR_NULL(keyring_find(k, 1));
	CU_ASSERT_PTR_NULL(keyring_at(k, 1));
	keyring_close(k);
}

static void
test_reload_fails(void)
{
	struct keyring *k;

	put("1 " KEY_A "\n");
	k = open_ring();
	logcatch_begin();
	put("2 " KEY_B "\n1 broken\n");
	CU_ASSERT_EQUAL(keyring_reload(k), ERR_CONFIG);
	assert_said(2, "64 hexadecimal digits");
	unlink(path);
	CU_ASSERT_EQUAL(keyring_reload(k), ERR_CONFIG);
	CU_ASSERT_EQUAL(keyring_first_id(k), 1);
	CU_ASSERT(is(keyring_find(k, 1), bytes_a));
	CU_ASSERT_PTR_NULL(keyring_find(k, 2));
	CU_ASSERT_PTR_NULL(keyring_at(k, 1));
	keyring_close(k);
}

static void
test_reload_other_key(void)
{
	struct keyring *k;

	put("1 " KEY_A "\n");
	k = open_ring();
	logcatch_begin();
	put("2 " KEY_B "\n1 " KEY_C "\n");
	CU_ASSERT_EQUAL(keyring_reload(k), ERR_CONFIG);
	assert_said(2, "id 1 was another key before");
	CU_ASSERT(is(keyring_find(k, 1), bytes_a));
	CU_ASSERT_PTR_NULL(keyring_find(k, 2));
	keyring_close(k);
}

/* How often the file was opened since the last call; fd watches it. */
static unsigned
opened(int fd)
{
	char events[4096] __attribute__((aligned(8)));
	const struct inotify_event *event;
	unsigned n = 0;
	ssize_t len, at;

	while ((len = read(fd, events, sizeof(events))) > 0)
		for (at = 0; at < len; at += (ssize_t)(sizeof(*event) +
		    event->len)) {
			event = (const void *)(events + at);
			if ((event->mask & IN_OPEN) != 0)
				n++;
		}
	return n;
}

static void
test_find_or_reload(void)
{
	struct keyring *k;
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	put("1 " KEY_A "\n");
	k = open_ring();
	CU_ASSERT_FATAL(fd >= 0);
	/* Closing, too: equal events in a row are put into one. */
	CU_ASSERT_FATAL(inotify_add_watch(fd, harness_tmpdir(),
	    IN_OPEN | IN_CLOSE) >= 0);
	CU_ASSERT(is(keyring_find_or_reload(k, 1), bytes_a));
	CU_ASSERT_EQUAL(opened(fd), 0);

	/* An unknown one: read once, each time somebody asks. */
	logcatch_begin();
	CU_ASSERT_PTR_NULL(keyring_find_or_reload(k, 2));
	CU_ASSERT_EQUAL(opened(fd), 1);
	CU_ASSERT_PTR_NULL(keyring_find_or_reload(k, 2));
	CU_ASSERT_EQUAL(opened(fd), 1);
	CU_ASSERT_EQUAL(logcatch.lines, 0);

	put("2 " KEY_B "\n1 " KEY_A "\n");
	opened(fd);
	CU_ASSERT(is(keyring_find_or_reload(k, 2), bytes_b));
	CU_ASSERT_EQUAL(opened(fd), 1);
	CU_ASSERT(is(keyring_find_or_reload(k, 2), bytes_b));
	CU_ASSERT_EQUAL(opened(fd), 0);
	CU_ASSERT_EQUAL(keyring_first_id(k), 2);

	/* A file that is not right any more: said once, the keys stay. */
	put("what is this\n");
	CU_ASSERT_PTR_NULL(keyring_find_or_reload(k, 3));
	CU_ASSERT_EQUAL(logcatch.lines, 1);
	CU_ASSERT(is(keyring_find_or_reload(k, 1), bytes_a));
	close(fd);
	keyring_close(k);
}

/* ---- creating --------------------------------------------------------- */

static void
test_create(void)
{
	unsigned char first[CRYPTO_KEY_BYTES];
	struct keyring *k;
	struct stat st;

	put("");
	unlink(path);
	logcatch_begin();
	CU_ASSERT_EQUAL_FATAL(keyring_create(harness_tmpdir(), NAME), ERR_OK);
	CU_ASSERT_EQUAL_FATAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
	k = open_ring();
	CU_ASSERT_EQUAL(keyring_first_id(k), 1);
	CU_ASSERT_PTR_NULL(keyring_at(k, 1));
	memcpy(first, keyring_at(k, 0), sizeof(first));

	/* What is there stays, and is what it was. */
	logcatch_begin();
	CU_ASSERT_EQUAL(keyring_create(harness_tmpdir(), NAME), ERR_CONFLICT);
	CU_ASSERT_EQUAL(logcatch.lines, 0);
	CU_ASSERT_EQUAL(keyring_reload(k), ERR_OK);
	CU_ASSERT(is(keyring_find(k, 1), first));
	keyring_close(k);

	unlink(path);
	CU_ASSERT_EQUAL_FATAL(keyring_create(harness_tmpdir(), NAME), ERR_OK);
	k = open_ring();
	CU_ASSERT_FALSE(is(keyring_find(k, 1), first));
	keyring_close(k);
	CU_ASSERT_EQUAL(keyring_create("/no/such/folder", NAME), ERR_CONFIG);
	keyring_close(NULL);
}

static const struct test tests[] = {
	{ "one key seals and is found", test_one_key },
	{ "the first of several seals, all are found", test_several_keys },
	{ "comments, blanks and Windows line ends are no matter",
	    test_layout },
	{ "32 keys are taken, 33 are not", test_many },
	{ "an id that is not 1 to 4294967295", test_bad_ids },
	{ "a key that is not 64 hexadecimal digits", test_bad_keys },
	{ "an id that is there twice", test_duplicate },
	{ "a file without a key", test_empty },
	{ "bytes that are not text", test_binary },
	{ "a file past 64 KiB", test_too_large },
	{ "a file that is not there", test_missing },
	{ "a file that others may read, or own (as root)", test_rights },
	{ "a folder with too long a name", test_long_path },
	{ "systemd's credentials come first", test_credentials },
	{ "a reload takes new keys and drops old ones", test_reload },
	{ "a reload that fails changes nothing", test_reload_fails },
	{ "an id that became another key is refused", test_reload_other_key },
	{ "an unknown id reads the file exactly once more",
	    test_find_or_reload },
	{ "a new file has one random key and replaces none", test_create },
};

TESTS_MAIN("keyring", tests)
