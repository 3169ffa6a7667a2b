/* SPDX-License-Identifier: ISC */
#ifndef OAC_TEST_CONFTEXT_H
#define OAC_TEST_CONFTEXT_H

/*
 * conftext - configurations as text: written to the test's folder, loaded, and
 * refused at the line where they are wrong.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "harness.h"
#include "log.h"

/* A secret that no log line may ever show. */
#define CANARY "c4n4ry"

/* Lines 1 to 5, and 6 to 10; what follows is line 11. */
#define SITE \
	"site {\n" \
	"\turl = \"https://shop.example/oauth\"\n" \
	"\tdatabase = \"db/oauth.db\"\n" \
	"\tkeys = \"/etc/keys\"\n" \
	"}\n"
#define ACME \
	"provider acme {\n" \
	"\tclient_id = \"id\"\n" \
	"\tclient_secret = \"" CANARY "\"\n" \
	"\tauthorize_url = \"https://acme.example/authorize\"\n" \
	"\ttoken_url = \"https://acme.example/token\"\n"
#define WITH(lines) SITE ACME lines "\n}\n"

static char logged[65536];

static inline void
capture(void *arg, const char *line)
{
	size_t len = strlen(logged);

	(void)arg;
	snprintf(logged + len, sizeof(logged) - len, "%s\n", line);
}

/* The path of a file in the test's folder; a static buffer. */
static inline const char *
in_dir(const char *name)
{
	static char path[32][512];
	static unsigned turn;
	char *p = path[turn++ % 32];

	snprintf(p, sizeof(path[0]), "%s/%s", harness_tmpdir(), name);
	return p;
}

static inline const char *
put_n(const char *name, const char *text, size_t len, mode_t mode)
{
	const char *path = in_dir(name);
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_FATAL(write(fd, text, len) == (ssize_t)len);
	CU_ASSERT_FATAL(fchmod(fd, mode) == 0);
	close(fd);
	return path;
}

static inline const char *
put(const char *name, const char *text)
{
	return put_n(name, text, strlen(text), 0600);
}

static inline enum err
load(const char *path, bool secrets, struct conf **c)
{
	enum err e;

	logged[0] = '\0';
	log_stream(capture, NULL);
	e = conf_load(path, secrets, c);
	log_stream(NULL, NULL);
	CU_ASSERT_PTR_NULL(strstr(logged, CANARY));
	CU_ASSERT((e == ERR_OK) == (*c != NULL));
	if (e != ERR_OK) {
		CU_ASSERT_EQUAL(e, ERR_CONFIG);
		CU_ASSERT_STRING_NOT_EQUAL(logged, "");
	}
	return e;
}

static inline struct conf *
good(const char *text)
{
	struct conf *c;

	if (load(put("oauth-cgi.conf", text), true, &c) != ERR_OK)
		fprintf(stderr, "refused:\n%s\n%s", text, logged);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	CU_ASSERT_STRING_EQUAL(logged, "");
	return c;
}

/* Refused, with `file:line: ` and the word in one line of the log. */
static inline bool
refused_at(const char *path, const char *file, unsigned line, const char *word)
{
	struct conf *c;
	char place[64], *at;

	if (load(path, true, &c) == ERR_OK) {
		conf_free(c);
		return false;
	}
	if (line > 0)
		snprintf(place, sizeof(place), "%s:%u: ", file, line);
	else
		snprintf(place, sizeof(place), "%s: ", file);
	for (at = logged; (at = strstr(at, place)) != NULL; at++) {
		char *end = strchr(at, '\n'), *w = strstr(at, word);

		if (w != NULL && w < end)
			return true;
	}
	return false;
}

struct bad {
	unsigned	 line;
	const char	*word;
	const char	*text;
};

static inline void
check_bad(const struct bad *table, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		const char *path = put("oauth-cgi.conf", table[i].text);

		if (refused_at(path, "oauth-cgi.conf", table[i].line,
		    table[i].word))
			continue;
		fprintf(stderr, "not refused at %u with '%s':\n%s\n%s\n",
		    table[i].line, table[i].word, table[i].text, logged);
		CU_FAIL("a bad configuration passed, or for another reason");
	}
}

#define CHECK_BAD(table) check_bad(table, sizeof(table) / sizeof((table)[0]))

#endif
