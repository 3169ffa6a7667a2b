/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "harness.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jsonin.h"
#include "limit.h"
#include "xalloc.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif

/* Parse exactly len bytes, with nothing readable behind them. */
static struct json *
parse_bytes(const char *text, size_t len)
{
	char *exact = xmalloc(len > 0 ? len : 1);
	struct json *j = (struct json *)exact;
	enum err e;

	memcpy(exact, text, len);
	e = json_parse(exact, len, &j);
	free(exact);
	CU_ASSERT(e == ERR_OK || e == ERR_INPUT);
	CU_ASSERT((e == ERR_OK) == (j != NULL));
	return j;
}

static struct json *
parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

static bool
accepted(const char *text, size_t len)
{
	struct json *j = parse_bytes(text, len);
	bool ok = j != NULL;

	json_free(j);
	return ok;
}

/* A failed row must say which one it was. */
static void
check(bool ok, const char *what)
{
	if (!ok)
		fprintf(stderr, "    failed for: %s\n", what);
	CU_ASSERT(ok);
}

static void
accepts_objects(void)
{
	static const char *const texts[] = {
		"{}", " \t\r\n{}", "{} \t\r\n", "{ }", "{\"a\":1}",
		"{\"a\":null,\"b\":true,\"c\":false}", "{\"\":\"\"}",
		"{\"a\":{\"b\":[1,2,{\"c\":\"d\"}]}}", "{\"a\":-1.5e+3}",
		"{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"}",
		"{\"a\":\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"}",
		"{\"a\":\"\x7f\"}", "{\"a\":\"'N/*I*/\"}",
	};
	size_t i;

	for (i = 0; i < COUNT(texts); i++)
		check(accepted(texts[i], strlen(texts[i])), texts[i]);
}

static void
refuses_what_is_not_an_object(void)
{
	static const char *const texts[] = {
		"", " ", "[]", "[{}]", "\"a\"", "1", "1 ", "true", "null",
		"null ", "a=b&c=d", "<html></html>",
	};
	size_t i;

	for (i = 0; i < COUNT(texts); i++)
		check(!accepted(texts[i], strlen(texts[i])), texts[i]);
}

static void
refuses_malformed_texts(void)
{
	static const char *const texts[] = {
		"{", "}", "{\"a\"", "{\"a\":", "{\"a\":}", "{\"a\"}",
		"{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{,}", "{a:1}",
		"{\"a\":[1,]}", "{\"a\":[1}", "{\"a\":1]", "{\"a\" 1}",
		"{\"a\":1 \"b\":2}", "{\"a\":\"x", "{\"a\":\"\\x\"}",
		"{\"a\":\"\\u12\"}", "{\"a\":\"\\", "{\"a\":tru}",
		"{\"a\":True}", "{\"a\":NULL}", "{\"a\":nul}", "{\"a\":+1}",
		"{\"a\":.5}", "{\"a\":01}", "{\"a\":1e}", "{\"a\":-}",
		"{\"a\":0x10}", "{\"a\":1.2.3}", "{\"a\":--1}",
	};
	size_t i;

	for (i = 0; i < COUNT(texts); i++)
		check(!accepted(texts[i], strlen(texts[i])), texts[i]);
}

static void
refuses_the_extensions_of_lenient_parsers(void)
{
	static const char *const texts[] = {
		"{'a':1}", "{\"a\":'x'}", "/*c*/{}", "{/*c*/}", "{}//c",
		"{}#c", "{\"a\":NaN}", "{\"a\":-NaN}", "{\"a\":Infinity}",
		"{\"a\":-Infinity}", "{\"a\":nan}", "{\"a\":inf}",
		"\xef\xbb\xbf{}", "\v{}", "\f{}", "{}\f", "{}\xc2\xa0",
	};
	size_t i;

	for (i = 0; i < COUNT(texts); i++)
		check(!accepted(texts[i], strlen(texts[i])), texts[i]);
}

static void
refuses_anything_behind_the_object(void)
{
	static const char *const texts[] = {
		"{}x", "{} x", "{}{}", "{}\n{}", "{},", "{}]", "{}}", "{}1",
	};
	size_t i;

	for (i = 0; i < COUNT(texts); i++)
		check(!accepted(texts[i], strlen(texts[i])), texts[i]);
	CU_ASSERT_FALSE(accepted("{}\0", 3));
	CU_ASSERT_FALSE(accepted("{}\0x", 4));
}

static void
refuses_raw_control_characters(void)
{
	char text[] = "{\"a\":\"x\"}";
	char c;

	for (c = 0; c < 0x20; c++) {
		text[6] = c;
		CU_ASSERT_FALSE(accepted(text, sizeof(text) - 1));
	}
	CU_ASSERT_FALSE(accepted("\0{}", 3));
	CU_ASSERT_FALSE(accepted("{\0}", 3));
	CU_ASSERT_FALSE(accepted("{\"a\":1\0}", 8));
	CU_ASSERT_FALSE(accepted("{\"a\":\"\\\0\"}", 10));
	CU_ASSERT_FALSE(accepted("{\"a\n\":1}", 8));
}

static void
refuses_bytes_that_are_not_utf8(void)
{
	static const char *const values[] = {
		"\xff", "\xc3", "\xe2\x82", "\xc0\x80", "\xe0\x80\x80",
		"\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80",
		"\x80", "\xc3(",
	};
	char text[64];
	size_t i;

	for (i = 0; i < COUNT(values); i++) {
		snprintf(text, sizeof(text), "{\"a\":\"%s\"}", values[i]);
		check(!accepted(text, strlen(text)), text);
		snprintf(text, sizeof(text), "{\"%s\":1}", values[i]);
		check(!accepted(text, strlen(text)), text);
	}
}

/* depth containers, the innermost with the scalar in it. */
static bool
depth_accepted(int depth, const char *scalar)
{
	char text[256];
	size_t n = 0;
	int i;

	n += (size_t)snprintf(text, sizeof(text), "{\"a\":");
	for (i = 1; i < depth; i++)
		text[n++] = '[';
	n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", scalar);
	for (i = 1; i < depth; i++)
		text[n++] = ']';
	text[n++] = '}';
	return accepted(text, n);
}

static void
nests_to_the_limit_and_no_deeper(void)
{
	CU_ASSERT_TRUE(depth_accepted(PROVIDER_JSON_DEPTH, "1"));
	CU_ASSERT_TRUE(depth_accepted(PROVIDER_JSON_DEPTH, "\"]]]\""));
	CU_ASSERT_TRUE(depth_accepted(PROVIDER_JSON_DEPTH, ""
	    "\"[[[{{{[[[[[[[[[[[[[[\""));
	CU_ASSERT_FALSE(depth_accepted(PROVIDER_JSON_DEPTH + 1, "1"));
	CU_ASSERT_FALSE(depth_accepted(PROVIDER_JSON_DEPTH + 1, ""));
	CU_ASSERT_FALSE(depth_accepted(PROVIDER_JSON_DEPTH, "{}"));
	CU_ASSERT_FALSE(depth_accepted(100, "1"));
}

static void
refuses_a_text_past_the_size_limit(void)
{
	char *text = xmalloc(PROVIDER_ANSWER + 1);

	memset(text, ' ', PROVIDER_ANSWER + 1);
	memcpy(text, "{}", 2);
	CU_ASSERT_TRUE(accepted(text, PROVIDER_ANSWER));
	CU_ASSERT_FALSE(accepted(text, PROVIDER_ANSWER + 1));
	free(text);
}

static void
names_the_kind_of_a_member(void)
{
	struct json *j = parse("{\"n\":null,\"b\":false,\"i\":0,\"d\":0.5,"
	    "\"s\":\"\",\"a\":[],\"o\":{\"inner\":1}}");

	CU_ASSERT_FATAL(j != NULL);
	CU_ASSERT(json_kind_of(j, "n") == JSON_NULL);
	CU_ASSERT(json_kind_of(j, "b") == JSON_BOOL);
	CU_ASSERT(json_kind_of(j, "i") == JSON_NUMBER);
	CU_ASSERT(json_kind_of(j, "d") == JSON_NUMBER);
	CU_ASSERT(json_kind_of(j, "s") == JSON_STRING);
	CU_ASSERT(json_kind_of(j, "a") == JSON_ARRAY);
	CU_ASSERT(json_kind_of(j, "o") == JSON_OBJECT);
	CU_ASSERT(json_kind_of(j, "inner") == JSON_MISSING);
	CU_ASSERT(json_kind_of(j, "N") == JSON_MISSING);
	CU_ASSERT(json_kind_of(j, "") == JSON_MISSING);
	json_free(j);
}

/* What the member a holds, in a buf that already held something. */
static bool
str_is(const char *text, const char *want)
{
	struct buf out = BUF_INIT(32);
	struct json *j = parse(text);
	bool ok;

	CU_ASSERT_FATAL(j != NULL);
	buf_str(&out, "left over from before");
	ok = json_get_str(j, "a", &out);
	if (want == NULL)
		ok = !ok && out.len == 0 && !buf_failed(&out);
	else
		ok = ok && strcmp(buf_cstr(&out), want) == 0 &&
		    out.len == strlen(want);
	buf_clear(&out);
	json_free(j);
	return ok;
}

static void
copies_strings_out(void)
{
	CU_ASSERT(str_is("{\"a\":\"x\"}", "x"));
	CU_ASSERT(str_is("{\"a\":\"\"}", ""));
	CU_ASSERT(str_is("{\"a\":\"\\u00e9\\n\\\"\"}", "\xc3\xa9\n\""));
	CU_ASSERT(str_is("{\"a\":\"\\ud83d\\ude00\"}", "\xf0\x9f\x98\x80"));
	CU_ASSERT(str_is("{\"a\":\"12345678901234567890123456789012\"}",
	    "12345678901234567890123456789012"));
}

static void
takes_the_last_of_a_name_given_twice(void)
{
	CU_ASSERT(str_is("{\"a\":\"x\",\"a\":\"y\"}", "y"));
	CU_ASSERT(str_is("{\"a\":\"x\",\"a\":1}", NULL));
}

static void
replaces_half_a_surrogate_pair(void)
{
	CU_ASSERT(str_is("{\"a\":\"\\ud800\"}", "\xef\xbf\xbd"));
	CU_ASSERT(str_is("{\"a\":\"\\udc00x\"}", "\xef\xbf\xbdx"));
	CU_ASSERT(str_is("{\"a\":\"\\ud800x\"}", "\xef\xbf\xbdx"));
}

static void
gives_no_string_where_there_is_none(void)
{
	CU_ASSERT(str_is("{}", NULL));
	CU_ASSERT(str_is("{\"b\":\"x\"}", NULL));
	CU_ASSERT(str_is("{\"a\":null}", NULL));
	CU_ASSERT(str_is("{\"a\":1}", NULL));
	CU_ASSERT(str_is("{\"a\":true}", NULL));
	CU_ASSERT(str_is("{\"a\":[\"x\"]}", NULL));
	CU_ASSERT(str_is("{\"a\":{\"a\":\"x\"}}", NULL));
	/* With a NUL, and longer than the buf. */
	CU_ASSERT(str_is("{\"a\":\"x\\u0000y\"}", NULL));
	CU_ASSERT(str_is("{\"a\":\"\\u0000\"}", NULL));
	CU_ASSERT(str_is("{\"a\":\"123456789012345678901234567890123\"}",
	    NULL));
}

static bool
int_is(const char *value, bool found, int64_t want)
{
	char text[128];
	struct json *j;
	int64_t n = 77;
	bool got;

	snprintf(text, sizeof(text), "{\"a\":%s}", value);
	j = parse(text);
	CU_ASSERT_FATAL(j != NULL);
	got = json_get_int(j, "a", &n);
	json_free(j);
	if (got != found || n != (found ? want : 0)) {
		fprintf(stderr, "    %s: %d %" PRId64 "\n", value, got, n);
		return false;
	}
	return true;
}

static void
reads_whole_numbers(void)
{
	CU_ASSERT(int_is("0", true, 0));
	CU_ASSERT(int_is("3600", true, 3600));
	CU_ASSERT(int_is("-1", true, -1));
	CU_ASSERT(int_is("3599.9", true, 3599));
	CU_ASSERT(int_is("-1.9", true, -1));
	CU_ASSERT(int_is("3.6e3", true, 3600));
	CU_ASSERT(int_is("9223372036854775807", true, INT64_MAX));
	CU_ASSERT(int_is("-9223372036854775807", true, -INT64_MAX));
}

static void
reads_strings_of_digits_as_numbers(void)
{
	CU_ASSERT(int_is("\"3600\"", true, 3600));
	CU_ASSERT(int_is("\"0\"", true, 0));
	CU_ASSERT(int_is("\"007\"", true, 7));
	CU_ASSERT(int_is("\"9223372036854775807\"", true, INT64_MAX));
}

static void
reads_no_number_where_there_is_none(void)
{
	static const char *const values[] = {
		"null", "true", "[]", "[1]", "{}", "\"\"", "\"x\"", "\"-1\"",
		"\"+1\"", "\" 1\"", "\"1 \"", "\"1.5\"", "\"1e3\"", "\"0x1\"",
		"\"1\\u0000\"", "\"NaN\"",
	};
	struct json *j = parse("{}");
	int64_t n = 77;
	size_t i;

	for (i = 0; i < COUNT(values); i++)
		CU_ASSERT(int_is(values[i], false, 0));
	CU_ASSERT_FALSE(json_get_int(j, "a", &n));
	CU_ASSERT(n == 0);
	json_free(j);
}

static void
refuses_numbers_out_of_range(void)
{
	static const char *const values[] = {
		"9223372036854775808", "18446744073709551615",
		"18446744073709551616", "123456789012345678901234567890",
		"-9223372036854775809", "-123456789012345678901234567890",
		"1e19", "-1e19", "1e999", "-1e999", "9223372036854775808.0",
		"\"9223372036854775808\"", "\"99999999999999999999\"",
	};
	size_t i;

	for (i = 0; i < COUNT(values); i++)
		CU_ASSERT(int_is(values[i], false, 0));
}

static void
finds_a_string_in_a_list_or_alone(void)
{
	struct json *j = parse("{\"l\":[\"x\",1,null,[\"in\"],\"y\\u0000\"],"
	    "\"s\":\"x\",\"n\":1,\"e\":[],\"z\":null}");

	CU_ASSERT_FATAL(j != NULL);
	CU_ASSERT_TRUE(json_has_str(j, "l", "x"));
	CU_ASSERT_TRUE(json_has_str(j, "s", "x"));
	CU_ASSERT_FALSE(json_has_str(j, "l", "in"));
	CU_ASSERT_FALSE(json_has_str(j, "l", "y"));
	CU_ASSERT_FALSE(json_has_str(j, "l", "1"));
	CU_ASSERT_FALSE(json_has_str(j, "l", ""));
	CU_ASSERT_FALSE(json_has_str(j, "s", "X"));
	CU_ASSERT_FALSE(json_has_str(j, "s", "xx"));
	CU_ASSERT_FALSE(json_has_str(j, "n", "1"));
	CU_ASSERT_FALSE(json_has_str(j, "e", ""));
	CU_ASSERT_FALSE(json_has_str(j, "z", "null"));
	CU_ASSERT_FALSE(json_has_str(j, "missing", "x"));
	json_free(j);
}

static void
frees_nothing_without_complaint(void)
{
	json_free(NULL);
}

#ifndef WITH_ASAN
/* How often the bytes occur in the memory that malloc() hands out. */
static int
count_in_heap(const char *needle, size_t len)
{
	FILE *f = fopen("/proc/self/maps", "r");
	uintptr_t from, to;
	char line[512];
	int hits = 0;

	if (f == NULL)
		return -1;
	while (fgets(line, sizeof(line), f) != NULL) {
		const char *p, *end;

		if (strstr(line, "[heap]") == NULL ||
		    sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &from, &to) != 2)
			continue;
		p = (const char *)from;
		end = (const char *)to;
		while ((p = memmem(p, (size_t)(end - p), needle, len)) !=
		    NULL) {
			hits++;
			p += len;
		}
	}
	fclose(f);
	return hits;
}

/* A long token with escapes, so that it is put together in steps. */
static size_t
write_token_text(char *text, size_t size, const char *marker, const char *end)
{
	size_t n = (size_t)snprintf(text, size, "{\"x\":[{\"a\":\"");
	int i;

	for (i = 0; i < 60; i++)
		n += (size_t)snprintf(text + n, size - n, "%s\\/", marker);
	return n + (size_t)snprintf(text + n, size - n, "%s", end);
}

static void
leaves_no_copy_of_a_token_behind(void)
{
	static const char *const ends[] = {
		"\"}]}", "\"}]} x", "\"}]", "\"}", "\", \"b\":01}]}", "", "\\q",
		"\",\"b\":1,}]}",
	};
	/* On the stack, so that the heap has only what jsonin put there. */
	char text[4096], marker[17] = "SECRETsecret";
	struct json *j;
	size_t i, n;

	for (i = 0; i < COUNT(ends); i++) {
		enum err e;

		snprintf(marker + 12, 5, "%04zu", i);
		n = write_token_text(text, sizeof(text), marker, ends[i]);
		e = json_parse(text, n, &j);
		CU_ASSERT(e == (i == 0 ? ERR_OK : ERR_INPUT));
		if (i == 0)
			CU_ASSERT(count_in_heap(marker, 16) == 60);
		json_free(j);
		check(count_in_heap(marker, 16) == 0, ends[i]);
	}
	/* Well-formed, and still not an object. */
	memcpy(marker, "array", 5);
	n = write_token_text(text, sizeof(text), marker, "\"}]");
	CU_ASSERT(json_parse(text + 5, n - 5, &j) == ERR_INPUT);
	check(count_in_heap(marker, 16) == 0, "array");
}
#endif

/* RFC 6901, 5., and what else a token answer may hold. */
static void
finds_what_a_pointer_points_to(void)
{
	static const struct {
		const char	*pointer;
		const char	*value;		/* NULL: nothing to copy */
	} rows[] = {
		{ "/foo/0", "bar" }, { "/foo/1", "baz" }, { "/foo/2", NULL },
		{ "/foo/-", NULL }, { "/foo/01", NULL }, { "/foo", NULL },
		{ "/a~1b", "1" }, { "/c%d", "2" }, { "/e^f", "3" },
		{ "/g|h", "4" }, { "/ ", "7" }, { "/m~0n", "8" },
		{ "/~01", "9" }, { "/", "0" }, { "/b", NULL }, { "/null", NULL },
		{ "/half", NULL }, { "/big", NULL }, { "/neg", "-5" },
		{ "/nul", NULL }, { "/o/i", "deep" }, { "/o/x", NULL },
		{ "/foo/0/x", NULL }, { "", NULL },
	};
	static const char text[] = "{\"foo\":[\"bar\",\"baz\"],\"\":0,"
	    "\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,\" \":7,\"m~n\":8,"
	    "\"~1\":9,\"b\":true,\"null\":null,\"half\":0.5,"
	    "\"big\":99999999999999999999,\"neg\":-5,\"nul\":\"a\\u0000\","
	    "\"o\":{\"i\":\"deep\"}}";
	struct buf out = BUF_INIT(64);
	struct json *j;
	size_t i;

	CU_ASSERT_FATAL(json_parse(text, sizeof(text) - 1, &j) == ERR_OK);
	for (i = 0; i < COUNT(rows); i++) {
		bool ok = json_get_at(j, rows[i].pointer, &out);

		check(ok == (rows[i].value != NULL), rows[i].pointer);
		check(!ok || rows[i].value == NULL ||
		    strcmp(buf_cstr(&out), rows[i].value) == 0,
		    rows[i].pointer);
	}
	buf_clear(&out);
	buf_init(&out, 3);
	CU_ASSERT_FALSE(json_get_at(j, "/o/i", &out));
	CU_ASSERT_FALSE(buf_failed(&out));
	buf_clear(&out);
	json_free(j);
}

static void
enters_objects_and_nothing_else(void)
{
	static const char text[] = "{\"o\":{\"i\":{\"s\":\"x\"}},\"a\":[1],"
	    "\"n\":null,\"t\":\"x\"}";
	static const char *const none[] = { "/a", "/a/0", "/n", "/t", "/x",
	    "/o/i/s", "/o/i/s/x" };
	struct buf out = BUF_INIT(64);
	struct json *j, *in;
	size_t i;

	CU_ASSERT_FATAL(json_parse(text, sizeof(text) - 1, &j) == ERR_OK);
	for (i = 0; i < COUNT(none); i++)
		check(json_enter(j, none[i]) == NULL, none[i]);
	in = json_enter(j, "/o/i");
	CU_ASSERT_PTR_NOT_NULL_FATAL(in);
	CU_ASSERT(json_get_str(in, "s", &out));
	CU_ASSERT_STRING_EQUAL(buf_cstr(&out), "x");
	json_free(in);
	json_free(j);
	buf_clear(&out);
}

static const struct test tests[] = {
	{ "accepts objects", accepts_objects },
	{ "refuses what is not an object", refuses_what_is_not_an_object },
	{ "refuses malformed texts", refuses_malformed_texts },
	{ "refuses the extensions of lenient parsers",
	    refuses_the_extensions_of_lenient_parsers },
	{ "refuses anything behind the object",
	    refuses_anything_behind_the_object },
	{ "refuses raw control characters", refuses_raw_control_characters },
	{ "refuses bytes that are not UTF-8", refuses_bytes_that_are_not_utf8 },
	{ "nests to the limit and no deeper",
	    nests_to_the_limit_and_no_deeper },
	{ "refuses a text past the size limit",
	    refuses_a_text_past_the_size_limit },
	{ "names the kind of a member", names_the_kind_of_a_member },
	{ "copies strings out", copies_strings_out },
	{ "takes the last of a name given twice",
	    takes_the_last_of_a_name_given_twice },
	{ "replaces half a surrogate pair", replaces_half_a_surrogate_pair },
	{ "gives no string where there is none",
	    gives_no_string_where_there_is_none },
	{ "reads whole numbers", reads_whole_numbers },
	{ "reads strings of digits as numbers",
	    reads_strings_of_digits_as_numbers },
	{ "reads no number where there is none",
	    reads_no_number_where_there_is_none },
	{ "refuses numbers out of range", refuses_numbers_out_of_range },
	{ "finds a string in a list or alone",
	    finds_a_string_in_a_list_or_alone },
	{ "frees nothing without complaint", frees_nothing_without_complaint },
	{ "finds what a pointer points to", finds_what_a_pointer_points_to },
	{ "enters objects and nothing else", enters_objects_and_nothing_else },
#ifndef WITH_ASAN
	{ "leaves no copy of a token behind",
	    leaves_no_copy_of_a_token_behind },
#endif
};

TESTS_MAIN("jsonin", tests)
