/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embed.h"
#include "harness.h"
#include "html.h"
#include "language.h"
#include "limit.h"
#include "texts.h"

/* ---- which language --------------------------------------------------- */

static const char *const tags[] = { "de", "en", "fr-CA", "pt-BR", "zh-Hant" };
#define TAGS (sizeof(tags) / sizeof(tags[0]))

static void
the_header_chooses_the_language(void)
{
	static const struct {
		const char	*accept;
		const char	*tag;
	} rows[] = {
		{ NULL, "en" }, { "", "en" }, { ",", "en" }, { "*", "en" },
		{ "de", "de" }, { "DE", "de" }, { "de-AT", "de" },
		{ "de-Latn-AT-1996", "de" }, { "it", "en" },
		{ "it, de", "de" }, { "it, de;q=0.5, en;q=0.4", "de" },
		/* By quality, then in the header's order. */
		{ "en;q=0.3, de;q=0.8", "de" }, { "de, en", "de" },
		{ "en, de", "en" }, { "en;q=0.5,de;q=0.5", "en" },
		{ "en;q=0.5,de;q=0.501", "de" },
		{ "en-GB,en;q=0.9,de;q=0.8", "en" },
		/* A longer tag stands in for the shorter range. */
		{ "pt", "pt-BR" }, { "pt-BR", "pt-BR" }, { "pt-PT", "pt-BR" },
		{ "zh-TW", "zh-Hant" }, { "zh-Hant-TW", "zh-Hant" },
		{ "d", "en" }, { "deu", "en" }, { "fr-CAN", "fr-CA" },
		/* What is refused is not taken, but for want of all else. */
		{ "de;q=0", "en" }, { "de;q=0, de-AT", "en" },
		{ "en;q=0, *", "de" }, { "en;q=0, *;q=0", "en" },
		{ "*;q=0, de", "de" }, { "*, de;q=0, en;q=0", "fr-CA" },
		{ "fr-CA;q=0, fr", "en" },
		{ "*;q=0.5, pt;q=0.4", "en" },
		/* Blanks and case, and what is malformed. */
		{ " \t de \t; \t Q=1.000 \t, en", "de" },
		{ "de;q=1.1, fr", "fr-CA" }, { "de;q=, fr", "fr-CA" },
		{ "de;q=0.1234, fr", "fr-CA" }, { "de;q=-1, fr", "fr-CA" },
		{ "de;x=1, fr", "fr-CA" }, { "de;, fr", "fr-CA" },
		{ "de;q=0x1, fr", "fr-CA" }, { "de q=1, fr", "fr-CA" },
		{ "-, --, *-, a_b, de", "de" }, { "123456789, de", "de" },
		{ "\xff\xfe, de", "de" }, { ";;;,,;,de", "de" },
		{ "../../etc/passwd, de", "de" },
	};
	size_t i, at;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		at = language_choose(rows[i].accept, tags, TAGS, 1);
		CU_ASSERT_FATAL(at < TAGS);
		if (strcmp(tags[at], rows[i].tag) != 0)
			printf("\n%s: %s", rows[i].accept, tags[at]);
		CU_ASSERT_STRING_EQUAL(tags[at], rows[i].tag);
	}
}

static void
only_so_many_ranges_count(void)
{
	char accept[32 * 3 + 8] = "";
	size_t i;

	for (i = 0; i < 31; i++)
		memcpy(accept + i * 3, "it,", 4);
	memcpy(accept + 31 * 3, "de", 3);
	CU_ASSERT_EQUAL(language_choose(accept, tags, TAGS, 1), 0);
	memcpy(accept + 31 * 3, "it,de", 6);
	CU_ASSERT_EQUAL(language_choose(accept, tags, TAGS, 1), 1);
}

static void
tags_have_their_form(void)
{
	static const struct {
		const char	*tag;
		bool		 ok;
	} rows[] = {
		{ "de", true }, { "pt-BR", true }, { "zh-Hant-TW", true },
		{ "es-419", true }, { "gsw", true }, { "de-1996", true },
		{ "", false }, { "d", false }, { "-", false }, { "de-", false },
		{ "-de", false }, { "de--AT", false }, { "d1", false },
		{ "de_AT", false }, { "de.AT", false }, { "../de", false },
		{ "abcdefghi", false }, { "de-abcdefghi", false },
		{ "de-a2345678-a2345678-a2345678-a2345678", false },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CU_ASSERT_EQUAL(language_is_tag(rows[i].tag,
		    strlen(rows[i].tag)), rows[i].ok);
}

/* ---- reading ---------------------------------------------------------- */

static struct {
	char		text[8192];
	unsigned	line;		/* of the last one */
	unsigned	count;
} faults;

static void
note(void *arg, unsigned line, const char *what)
{
	size_t len = strlen(faults.text);

	(void)arg;
	snprintf(faults.text + len, sizeof(faults.text) - len, "%u: %s\n",
	    line, what);
	faults.line = line;
	faults.count++;
}

static void
read_more(struct texts *t, const char *text, size_t len)
{
	faults.text[0] = '\0';
	faults.count = faults.line = 0;
	texts_read(t, text, len, note, NULL);
}

static struct texts
read_text(const char *text)
{
	struct texts t = { .rtl = false };

	read_more(&t, text, strlen(text));
	return t;
}

static void
a_file_says_some_texts(void)
{
	struct texts t = read_text("\xef\xbb\xbf# \xff a comment {x}\r\n"
	    "\r\n"
	    "direction = rtl\r\n"
	    "back=Zur\xc3\xbc" "ck = {site}!  \r\n"
	    "  \t# a comment, also here\r\n"
	    "confirm.title\t=\tA {provider} <b> & \"c\" 'd'\n"
	    "server.text = one\n"
	    "    two \n"
	    "\tthree\n"
	    "server.next =\n"
	    "again =\n"
	    " on the next line");

	CU_ASSERT_STRING_EQUAL(faults.text, "");
	CU_ASSERT_TRUE(t.rtl);
	CU_ASSERT_TRUE(t.has_direction);
	CU_ASSERT_STRING_EQUAL(t.text[TEXT_BACK],
	    "Zur\xc3\xbc" "ck = \1!");
	CU_ASSERT_STRING_EQUAL(t.text[TEXT_CONFIRM],
	    "A \2 &lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;");
	CU_ASSERT_STRING_EQUAL(t.text[TEXT_SERVER_TEXT], "one two three");
	CU_ASSERT_STRING_EQUAL(t.text[TEXT_AGAIN], "on the next line");
	CU_ASSERT_TRUE(texts_is_empty(&t, TEXT_SERVER_NEXT));
	CU_ASSERT_FALSE(texts_is_empty(&t, TEXT_SERVER_TEXT));
	CU_ASSERT_PTR_NULL(t.text[TEXT_SERVER]);
	texts_clear(&t);
	CU_ASSERT_PTR_NULL(t.text[TEXT_BACK]);
}

static void
what_is_wrong_has_its_line(void)
{
	static const struct {
		unsigned	 line;
		const char	*what;
		const char	*text;
	} rows[] = {
		{ 1, "no text of that name", "bakc = x\n" },
		{ 1, "no text of that name", "Back = x\n" },
		{ 1, "no text of that name", "= x\n" },
		{ 1, "no text of that name", "\xff\xfe = x\n" },
		{ 1, "no text of that name", "field. = x\n" },
		{ 1, "no text of that name", "field.a.b = x\n" },
		{ 1, "no text of that name", "field.A = x\n" },
		{ 1, "no text of that name", "field.a.hint.x = x\n" },
		{ 2, "there is no name = text", "\nback\n" },
		{ 2, "there is no name = text", "back = x\nto {site}\n" },
		{ 2, "none is before it", "# x\n  back = x\n" },
		{ 3, "none is before it", "back = x\n\n more\n" },
		{ 3, "first in line 1", "back = x\nagain = y\nback = z\n" },
		{ 2, "first in line 1", "field.a = x\nfield.a = y\n" },
		{ 1, "is empty", "back =\n" }, { 1, "is empty", "back =   \n" },
		{ 1, "is empty", "field.a =" },
		{ 1, "not UTF-8", "back = \xff\n" },
		{ 1, "not UTF-8", "back = \xc0\xaf\n" },
		{ 1, "not UTF-8", "back = x\n \xed\xa0\x80\n" },
		{ 1, "control character", "back = a\tb\n" },
		{ 1, "control character", "back = a\1b\n" },
		{ 1, "control character", "back = a\x7f\n" },
		{ 1, "control character", "back = a\rb\n" },
		{ 1, "can stand: {site}", "back = {provider}\n" },
		{ 1, "can stand: {site}", "back = {\n" },
		{ 1, "can stand: {site}", "back = }\n" },
		{ 1, "can stand: {site}", "back = {}\n" },
		{ 1, "can stand: {site}", "back = {site\n" },
		{ 1, "can stand: {site}", "back = {{site}}\n" },
		{ 1, "can stand: {site}", "back = { site }\n" },
		{ 1, "can stand: {site} {provider} {app}",
		    "denied.text = {subject}\n" },
		{ 1, "can stand: none", "site = {site}\n" },
		{ 1, "can stand: none", "field.a = {site}\n" },
		{ 1, "lacks {provider}", "confirm.title = Connect?\n" },
		{ 2, "lacks {id}", "\nnumber = x\n  y\n" },
		{ 1, "rtl nor ltr", "direction = left\n" },
		{ 1, "rtl nor ltr", "direction =\n" },
	};
	struct texts t;
	size_t i, k;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		t = read_text(rows[i].text);
		if (faults.line != rows[i].line || faults.count != 1 ||
		    strstr(faults.text, rows[i].what) == NULL)
			printf("\n%s gives %s", rows[i].text, faults.text);
		CU_ASSERT_EQUAL(faults.line, rows[i].line);
		CU_ASSERT_EQUAL(faults.count, 1);
		CU_ASSERT_PTR_NOT_NULL(strstr(faults.text, rows[i].what));
		/* Nothing of it is shown, but a good line before it. */
		for (k = 0; k < TEXT__MAX; k++)
			if (t.text[k] != NULL)
				CU_ASSERT_STRING_EQUAL(t.text[k],
				    k == TEXT_BACK ? "x" : "y");
		texts_clear(&t);
	}
}

static void
one_slip_spoils_one_text(void)
{
	struct texts t = read_text("bakc = x\n"
	    "    goes on\n"
	    "back = {y}\n"
	    "    goes on\n"
	    "again = good\n"
	    "    goes on\n"
	    "no equals sign\n"
	    "    goes on\n"
	    "continue = good\n");

	CU_ASSERT_EQUAL(faults.count, 3);
	CU_ASSERT_PTR_NULL(t.text[TEXT_BACK]);
	CU_ASSERT_STRING_EQUAL(t.text[TEXT_AGAIN], "good goes on");
	CU_ASSERT_STRING_EQUAL(t.text[TEXT_CONTINUE], "good");
	texts_clear(&t);
}

static void
texts_have_a_length(void)
{
	char text[LIMIT_TEXT + 64];
	struct texts t = { .rtl = false };
	size_t len = (size_t)snprintf(text, sizeof(text), "back = ");

	memset(text + len, '"', LIMIT_TEXT);
	read_more(&t, text, len + LIMIT_TEXT);
	CU_ASSERT_STRING_EQUAL(faults.text, "");
	CU_ASSERT_EQUAL(strlen(t.text[TEXT_BACK]), LIMIT_TEXT * 6);
	texts_clear(&t);
	text[len + LIMIT_TEXT] = 'x';
	read_more(&t, text, len + LIMIT_TEXT + 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(faults.text, "1: the text is longer"));
	CU_ASSERT_PTR_NULL(t.text[TEXT_BACK]);
	texts_clear(&t);
	read_more(&t, "back = a\0b\nagain = c\n", 21);
	CU_ASSERT_PTR_NOT_NULL(strstr(faults.text, "1: the line holds a NUL"));
	CU_ASSERT_PTR_NULL(t.text[TEXT_BACK]);
	CU_ASSERT_STRING_EQUAL(t.text[TEXT_AGAIN], "c");
	texts_clear(&t);
}

/* ---- using ------------------------------------------------------------ */

static const char *
shown(const struct texts *t, enum text which, const char *const *values,
    bool isolate)
{
	static char out[4096];
	struct buf b = BUF_INIT(sizeof(out) - 1);

	texts_add(&b, t, which, values, isolate);
	snprintf(out, sizeof(out), "%s", buf_cstr(&b));
	buf_clear(&b);
	return out;
}

static void
values_are_put_in_escaped(void)
{
	const char *values[VALUE__MAX] = { "<i>shop</i>", "P \"&\" {site}" };
	struct texts t = read_text("confirm.title = {provider}, {site}{site}\n"
	    "site = this <site>\nback = to {site}\nnumber = {id}\n");

	CU_ASSERT_STRING_EQUAL(shown(&t, TEXT_CONFIRM, values, true),
	    "<bdi>P &quot;&amp;&quot; {site}</bdi>, "
	    "<bdi>&lt;i&gt;shop&lt;/i&gt;</bdi>"
	    "<bdi>&lt;i&gt;shop&lt;/i&gt;</bdi>");
	CU_ASSERT_STRING_EQUAL(shown(&t, TEXT_CONFIRM, values, false),
	    "P &quot;&amp;&quot; {site}, &lt;i&gt;shop&lt;/i&gt;"
	    "&lt;i&gt;shop&lt;/i&gt;");
	/* The site's name may not be known; nothing else stands in. */
	values[VALUE_SITE] = NULL;
	CU_ASSERT_STRING_EQUAL(shown(&t, TEXT_BACK, values, true),
	    "to <bdi>this &lt;site&gt;</bdi>");
	CU_ASSERT_STRING_EQUAL(shown(&t, TEXT_NUMBER, values, false), "");
	texts_clear(&t);
}

static void
fields_have_a_label_and_a_hint(void)
{
	struct texts t = read_text("field.shop = Your <shop>\n"
	    "field.shop.hint = its name\nfield.sho = other\n");

	CU_ASSERT_STRING_EQUAL(faults.text, "");
	CU_ASSERT_STRING_EQUAL(texts_field(&t, "shop", false),
	    "Your &lt;shop&gt;");
	CU_ASSERT_STRING_EQUAL(texts_field(&t, "shop", true), "its name");
	CU_ASSERT_STRING_EQUAL(texts_field(&t, "sho", false), "other");
	CU_ASSERT_PTR_NULL(texts_field(&t, "sho", true));
	CU_ASSERT_PTR_NULL(texts_field(&t, "shops", false));
	texts_clear(&t);
}

static void
later_files_win_and_the_rest_is_filled_in(void)
{
	struct texts base = read_text("back = base\nagain = base\n"
	    "continue = base\nfield.a = base\nfield.b = base\n");
	struct texts t = read_text("back = first\nagain = first\n"
	    "field.a = first\n");
	static const char second[] = "again = second\nfield.a = second\n";

	read_more(&t, second, strlen(second));
	CU_ASSERT_STRING_EQUAL(faults.text, "");
	CU_ASSERT_EQUAL(texts_complete(&t, &base), 1);
	CU_ASSERT_STRING_EQUAL(t.text[TEXT_BACK], "first");
	CU_ASSERT_STRING_EQUAL(t.text[TEXT_AGAIN], "second");
	CU_ASSERT_STRING_EQUAL(t.text[TEXT_CONTINUE], "base");
	CU_ASSERT_STRING_EQUAL(texts_field(&t, "a", false), "second");
	CU_ASSERT_STRING_EQUAL(texts_field(&t, "b", false), "base");
	CU_ASSERT_EQUAL(texts_complete(&t, &t), 0);
	/* A slip leaves what was there. */
	read_more(&t, "back = {x}\n", 11);
	CU_ASSERT_STRING_EQUAL(t.text[TEXT_BACK], "first");
	texts_clear(&t);
	texts_clear(&base);
}

/* Every shipped language has every text, in the order of the table. */
static void
shipped_languages_are_whole(void)
{
	const struct embedded_file *f;
	const char *at;
	size_t k, seen = 0;

	for (f = embedded_pages; f->name != NULL; f++) {
		struct texts t;

		if (strstr(f->name, ".txt") == NULL)
			continue;
		seen++;
		t = read_text(f->text);
		CU_ASSERT_STRING_EQUAL(faults.text, "");
		CU_ASSERT_TRUE(t.has_direction);
		at = f->text;
		for (k = 0; k < TEXT__MAX; k++) {
			if (t.text[k] == NULL)
				printf("\n%s lacks %s", f->name,
				    texts_name((enum text)k));
			CU_ASSERT_PTR_NOT_NULL_FATAL(t.text[k]);
			at = strstr(at, texts_name((enum text)k));
			CU_ASSERT_PTR_NOT_NULL_FATAL(at);
		}
		texts_clear(&t);
	}
	CU_ASSERT_TRUE(seen >= 2);
}

static const struct test tests[] = {
	{ "the header chooses the language", the_header_chooses_the_language },
	{ "only so many ranges count", only_so_many_ranges_count },
	{ "tags have their form", tags_have_their_form },
	{ "a file says some texts", a_file_says_some_texts },
	{ "what is wrong has its line", what_is_wrong_has_its_line },
	{ "one slip spoils one text", one_slip_spoils_one_text },
	{ "texts have a length", texts_have_a_length },
	{ "values are put in escaped", values_are_put_in_escaped },
	{ "fields have a label and a hint", fields_have_a_label_and_a_hint },
	{ "later files win, and the rest is filled in",
	    later_files_win_and_the_rest_is_filled_in },
	{ "shipped languages are whole", shipped_languages_are_whole },
};

TESTS_MAIN("texts", tests)
