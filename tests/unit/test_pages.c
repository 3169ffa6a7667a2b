/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "pages.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base64url.h"
#include "crypto.h"
#include "harness.h"
#include "logcatch.h"

static char folder[512];

static void
put(const char *name, const char *text)
{
	char path[600];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_FATAL(write(fd, text, strlen(text)) ==
	    (ssize_t)strlen(text));
	close(fd);
}

/* A new, empty folder. */
static void
fresh(void)
{
	static unsigned n;

	snprintf(folder, sizeof(folder), "%s/pages%u", harness_tmpdir(), n++);
	CU_ASSERT_FATAL(mkdir(folder, 0755) == 0);
	logcatch_begin();
}

static struct pages *
load(enum err expected)
{
	struct pages *p = NULL;

	CU_ASSERT_EQUAL(pages_load(folder, &p), expected);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(expected == ERR_OK, logcatch.lines == 0);
	return p;
}

static const char *
word(const struct pages *p, const char *language, enum text which)
{
	return pages_texts(p, language)->text[which];
}

/* The shipped style without the words that it begins with. */
static const char *
our_style(void)
{
	return strstr(pages_shipped("style.css"), "\n:root {") + 1;
}

/* What the browser will compare. */
static void
check_hash(const struct pages *p)
{
	unsigned char hash[CRYPTO_HASH_BYTES];
	struct buf b = BUF_INIT(100);

	crypto_sha256(p->style.data, p->style.len, hash);
	buf_str(&b, "'sha256-");
	base64_add(&b, hash, sizeof(hash));
	buf_str(&b, "'");
	CU_ASSERT_STRING_EQUAL(p->style_hash, buf_cstr(&b));
	buf_clear(&b);
}

static void
without_a_folder_there_is_what_is_shipped(void)
{
	struct pages *p, *q;

	logcatch_begin();
	CU_ASSERT_EQUAL(pages_load(NULL, &p), ERR_OK);
	CU_ASSERT_EQUAL(pages_load("/nonexistent/pages", &q), ERR_OK);
	CU_ASSERT_EQUAL(logcatch.lines, 0);
	CU_ASSERT_EQUAL(p->count, q->count);
	CU_ASSERT_STRING_EQUAL(p->style_hash, q->style_hash);
	CU_ASSERT_STRING_EQUAL(word(p, NULL, TEXT_AGAIN), "Try again");
	CU_ASSERT_STRING_EQUAL(word(p, "de-CH,en", TEXT_CONTINUE), "Weiter");
	CU_ASSERT_STRING_EQUAL(pages_texts(p, "de-CH")->tag, "de");
	CU_ASSERT_STRING_EQUAL(buf_cstr(&p->style), our_style());
	CU_ASSERT_PTR_NULL(pages_shipped("../en.txt"));
	check_hash(p);
	pages_free(p);
	pages_free(q);
	pages_free(NULL);
}

static void
the_folder_adds_and_wins(void)
{
	struct pages *p;

	fresh();
	put("en.txt", "back = Home\n");
	put("de.txt", "back = Heim\n");
	put("de-AT.txt", "continue = Servus\n");
	put("ar.txt", "direction = rtl\nback = \xd8\xb9\n");
	put("ar-EG.txt", "again = \xd9\x85\n");
	put("README", "\xff");
	put(".fr.txt.swp", "\xff");
	put("fr.txt~", "\xff");
	p = load(ERR_OK);
	CU_ASSERT_STRING_EQUAL(word(p, NULL, TEXT_BACK), "Home");
	CU_ASSERT_STRING_EQUAL(word(p, NULL, TEXT_AGAIN), "Try again");
	CU_ASSERT_STRING_EQUAL(word(p, "de-DE", TEXT_BACK), "Heim");
	CU_ASSERT_STRING_EQUAL(word(p, "de-DE", TEXT_CONTINUE), "Weiter");
	CU_ASSERT_STRING_EQUAL(word(p, "de-at", TEXT_CONTINUE), "Servus");
	CU_ASSERT_STRING_EQUAL(word(p, "de-at", TEXT_BACK), "Heim");
	CU_ASSERT_STRING_EQUAL(pages_texts(p, "de-at")->tag, "de-AT");
	/* What is said nowhere is said in English, the site's own. */
	CU_ASSERT_STRING_EQUAL(word(p, "ar-EG", TEXT_BACK), "\xd8\xb9");
	CU_ASSERT_STRING_EQUAL(word(p, "ar-EG", TEXT_AGAIN), "\xd9\x85");
	CU_ASSERT_STRING_EQUAL(word(p, "ar-EG", TEXT_CONTINUE), "Continue");
	CU_ASSERT_TRUE(pages_texts(p, "ar-EG")->rtl);
	CU_ASSERT_FALSE(pages_texts(p, "fr")->rtl);
	CU_ASSERT_EQUAL(p->count, 5);
	pages_free(p);
}

static void
what_a_language_lacks_is_counted(void)
{
	struct pages *p;
	size_t i;

	fresh();
	put("fr.txt", "back = Retour\n");
	put("fr-CA.txt", "again = Encore\n");
	p = load(ERR_OK);
	for (i = 0; i < p->count; i++) {
		size_t lacks = strcmp(p->tag[i], "fr") == 0 ? TEXT__MAX - 1 :
		    strcmp(p->tag[i], "fr-CA") == 0 ? TEXT__MAX - 2 : 0;

		CU_ASSERT_EQUAL(p->language[i].lacking, lacks);
		CU_ASSERT_EQUAL(p->language[i].lacks[TEXT_CONTINUE], lacks > 0);
		CU_ASSERT_EQUAL(p->language[i].own, lacks > 0);
		CU_ASSERT_EQUAL(p->language[i].shipped, lacks == 0);
	}
	pages_free(p);
}

static void
what_is_wrong_is_told_and_left_out(void)
{
	char want[700];
	struct pages *p;

	fresh();
	put("en.txt", "\nback = {bad}\nagain = Once more\n");
	p = load(ERR_CONFIG);
	snprintf(want, sizeof(want), "%s/en.txt:2: braces are", folder);
	CU_ASSERT_TRUE(logcatch_has(want));
	CU_ASSERT_FALSE(logcatch_has("bad"));
	CU_ASSERT_STRING_EQUAL(word(p, NULL, TEXT_BACK), "Back to \1");
	CU_ASSERT_STRING_EQUAL(word(p, NULL, TEXT_AGAIN), "Once more");
	pages_free(p);

	fresh();
	put("english.txt.txt", "back = x\n");
	p = load(ERR_CONFIG);
	CU_ASSERT_TRUE(logcatch_has("not named by a language tag"));
	pages_free(p);

	fresh();
	put("de.txt", "back = x\n");
	snprintf(want, sizeof(want), "%s/de.txt", folder);
	CU_ASSERT_EQUAL(chmod(want, 0666), 0);
	p = load(ERR_CONFIG);
	CU_ASSERT_TRUE(logcatch_has("chmod o-w"));
	CU_ASSERT_STRING_EQUAL(word(p, "de", TEXT_CONTINUE), "Weiter");
	CU_ASSERT_EQUAL(strcmp(word(p, "de", TEXT_BACK), "x") == 0, 0);
	pages_free(p);

	fresh();
	snprintf(want, sizeof(want), "%s/de.txt", folder);
	CU_ASSERT_EQUAL(mkdir(want, 0755), 0);
	p = load(ERR_CONFIG);
	CU_ASSERT_TRUE(logcatch_has("not a regular file"));
	pages_free(p);

	fresh();
	put("file", "");
	snprintf(folder + strlen(folder), sizeof(folder) - strlen(folder),
	    "/file");
	p = load(ERR_CONFIG);
	CU_ASSERT_TRUE(logcatch_has("can't be read"));
	CU_ASSERT_STRING_EQUAL(word(p, NULL, TEXT_AGAIN), "Try again");
	pages_free(p);
}

static void
a_style_is_put_after_ours(void)
{
	const char *ours = our_style();
	struct pages *p;

	fresh();
	put("style.css", "\xef\xbb\xbf/* <b> */\r\n:root { --accent: red }\r"
	    "p { color: blue }\n");
	p = load(ERR_OK);
	CU_ASSERT_TRUE(p->own_style);
	CU_ASSERT_NSTRING_EQUAL(buf_cstr(&p->style), ours, strlen(ours));
	/* As the browser reads it: no byte order mark, \n alone. */
	CU_ASSERT_STRING_EQUAL(buf_cstr(&p->style) + strlen(ours),
	    "/* <b> */\n:root { --accent: red }\np { color: blue }\n");
	check_hash(p);
	pages_free(p);
}

static void
a_style_can_not_break_out(void)
{
	static const struct {
		const char	*css;
		const char	*what;
	} rows[] = {
		{ "a { content: '</style><script>' }", "\"</style\"" },
		{ "/* </STYLE */", "\"</style\"" },
		{ "a { content: '\xff' }", "not UTF-8" },
	};
	struct pages *p;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fresh();
		put("style.css", rows[i].css);
		p = load(ERR_CONFIG);
		CU_ASSERT_TRUE(logcatch_has(rows[i].what));
		CU_ASSERT_FALSE(p->own_style);
		CU_ASSERT_STRING_EQUAL(buf_cstr(&p->style), our_style());
		check_hash(p);
		pages_free(p);
	}
	/* The shipped one can't either. */
	CU_ASSERT_PTR_NULL(strstr(pages_shipped("style.css"), "</"));
}

static void
there_are_only_so_many_languages(void)
{
	char name[16];
	struct pages *p;
	unsigned i;

	fresh();
	for (i = 0; i < LIMIT_LANGUAGES; i++) {
		snprintf(name, sizeof(name), "x%c%c.txt", 'a' + (int)i / 26,
		    'a' + (int)i % 26);
		put(name, "back = x\n");
	}
	p = load(ERR_CONFIG);
	CU_ASSERT_TRUE(logcatch_has("more than 64 languages"));
	CU_ASSERT_EQUAL(p->count, LIMIT_LANGUAGES);
	CU_ASSERT_STRING_EQUAL(word(p, NULL, TEXT_AGAIN), "Try again");
	pages_free(p);
}

static const struct test tests[] = {
	{ "without a folder there is what is shipped",
	    without_a_folder_there_is_what_is_shipped },
	{ "the folder adds, and wins", the_folder_adds_and_wins },
	{ "what a language lacks is counted",
	    what_a_language_lacks_is_counted },
	{ "what is wrong is told and left out",
	    what_is_wrong_is_told_and_left_out },
	{ "a style is put after ours", a_style_is_put_after_ours },
	{ "a style can't break out", a_style_can_not_break_out },
	{ "there are only so many languages",
	    there_are_only_so_many_languages },
};

TESTS_MAIN("pages", tests)
