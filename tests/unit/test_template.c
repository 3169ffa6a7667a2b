/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "template.h"

#include <arpa/inet.h>

#include <stdio.h>
#include <string.h>

#include "address.h"
#include "harness.h"
#include "pattern.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A failed row must say which one it was. */
static void
check(bool ok, const char *what, const char *which)
{
	if (!ok)
		fprintf(stderr, "    failed for: %s %s\n", what, which);
	CU_ASSERT(ok);
}

/* ---- patterns ---------------------------------------------------------- */

static void
a_pattern_matches_all_or_nothing(void)
{
	static const struct {
		const char	*pattern, *value;
		bool		 matches;
	} rows[] = {
		{ "[a-z0-9][a-z0-9-]*", "shop-1", true },
		{ "[a-z0-9][a-z0-9-]*", "-shop", false },
		{ "[a-z0-9][a-z0-9-]*", "shop ", false },
		{ "[a-z0-9][a-z0-9-]*", "Shop", false },
		{ "[a-z0-9][a-z0-9-]*", "shop\n", false },
		{ "[a-z0-9][a-z0-9-]*", "", false },
		{ "[a-z]*", "a\nb", false },
		{ "[a-z]*", "a\n", false },
		{ "a|b", "a", true }, { "a|b", "ab", false },
		{ "a|b", "b", true }, { "a|b", "xb", false },
		{ "^a$", "a", true }, { "^a|b$", "b", true },
		{ "^a|b$", "ab", false }, { "a$|b", "ac", false },
		{ "a\\.b", "a.b", true }, { "a\\.b", "axb", false },
		{ "[[:digit:]]{2,3}", "12", true },
		{ "[[:digit:]]{2,3}", "1234", false },
		{ "[]a]+", "a]", true }, { "[^]a]", "]", false },
		{ "x{3}", "xxx", true }, { "(ab)+", "abab", true },
		{ "[a-z]+", "\xc3\xa4", false },
		{ "", "", true }, { "", "a", false },
		{ "[)]", ")", true }, { "\\)|a", ")", true },
		{ "[(]|a", "(", true }, { "()a", "a", true },
	};
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		struct pattern *p;

		check(pattern_compile(rows[i].pattern, &p) == NULL, "compile",
		    rows[i].pattern);
		if (p != NULL)
			check(pattern_matches(p, rows[i].value) ==
			    rows[i].matches, rows[i].pattern, rows[i].value);
		pattern_free(p);
	}
	pattern_free(NULL);
}

static void
a_pattern_that_is_not_safe_is_refused(void)
{
	static const struct {
		const char	*pattern, *why;
	} rows[] = {
		{ "(a)\\1", "back" }, { "\\d+", "[0-9]" }, { "\\w", "[a-z]" },
		{ "(a{9}){9}", "group" }, { "(a|b){2}", "group" },
		{ "a(", "regular" }, { "a)", "without a '('" }, { "[a", "regular" },
		{ "a{2,1}", "regular" }, { "a{99999}", "regular" },
		{ "a)|(b", "without a '('" },
		{ "[[.].]]", "[.x.]" }, { "[[=a=]]", "[.x.]" }, { "[z-a]", "regular" }, { "a\\", "regular" },
		{ "[[:nope:]]", "regular" },
	};
	char longest[PATTERN_MAX + 2];
	struct pattern *p;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		const char *why = pattern_compile(rows[i].pattern, &p);

		check(why != NULL && p == NULL, "taken", rows[i].pattern);
		check(why != NULL && strstr(why, rows[i].why) != NULL,
		    why != NULL ? why : "", rows[i].pattern);
		pattern_free(p);
	}
	memset(longest, 'a', sizeof(longest));
	longest[PATTERN_MAX + 1] = '\0';
	CU_ASSERT_PTR_NOT_NULL(pattern_compile(longest, &p));
	longest[PATTERN_MAX] = '\0';
	CU_ASSERT_PTR_NULL(pattern_compile(longest, &p));
	pattern_free(p);
}

/* ---- templates --------------------------------------------------------- */

/* {v} is the value that is tried, {ok} one that goes everywhere. */
static const char *
value_of(void *arg, const char *name)
{
	if (strcmp(name, "v") == 0)
		return arg;
	return strcmp(name, "ok") == 0 ? "good" : NULL;
}

static char *
text_of(const char *s)
{
	static char copy[512];

	snprintf(copy, sizeof(copy), "%s", s);
	return copy;
}

static void
a_value_fills_its_place(void)
{
	static const struct {
		const char	*template, *value, *result;
	} rows[] = {
		{ "https://{v}.example/a", "shop", "https://shop.example/a" },
		{ "https://{v}/a", "a-1.Example", "https://a-1.Example/a" },
		{ "https://x.{v}:444/a", "b.c", "https://x.b.c:444/a" },
		{ "{v}/token", "https://accounts.zoho.eu",
		    "https://accounts.zoho.eu/token" },
		{ "{v}/token", "http://127.0.0.1:80",
		    "http://127.0.0.1:80/token" },
		{ "https://h/{v}/x", "a b/../?#%", "https://h/"
		    "a%20b%2F..%2F%3F%23%25/x" },
		{ "https://h/?a={v}&b={ok}", "\xc3\xa4&b=c",
		    "https://h/?a=%C3%A4%26b%3Dc&b=good" },
		{ "https://{ok}.h/{v}{v}", "...", "https://good.h/......" },
		{ "plain", "x", "plain" },
	};
	struct buf out = BUF_INIT(512);
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		buf_reset(&out);
		check(template_expand(rows[i].template, value_of,
		    text_of(rows[i].value), &out), rows[i].template,
		    rows[i].value);
		check(strcmp(buf_cstr(&out), rows[i].result) == 0,
		    buf_cstr(&out), rows[i].result);
	}
	buf_clear(&out);
}

static void
a_value_does_not_leave_its_place(void)
{
	static const char *const host[] = { "", "a/b", "a@b", "a:1", "a#", "a?",
	    "a\\b", "a b", "a%2fb", "[::1]", "a\r\nb", "\xc3\xa4", "a_b",
	    "evil.example/", "a\tb", "a,b", "a;b", "{ok}" };
	static const char *const origin[] = { "", "https://", "a.example",
	    "//a.example", "https:a", "https://a/b", "https://a@b",
	    "https://a?b", "https://a#b", "https://a\\b", "https://a b",
	    "https://[::1]", "https://a\r\nb", "https://%61",
	    "https://\xc3\xa4" };
	static const char *const rest[] = { "", ".", ".." };
	struct buf out = BUF_INIT(512);
	size_t i;

	for (i = 0; i < COUNT(host); i++)
		check(!template_expand("https://{v}.example/", value_of,
		    text_of(host[i]), &out), "host", host[i]);
	for (i = 0; i < COUNT(origin); i++)
		check(!template_expand("{v}/token", value_of,
		    text_of(origin[i]), &out), "origin", origin[i]);
	for (i = 0; i < COUNT(rest); i++)
		check(!template_expand("https://h/{v}/token", value_of,
		    text_of(rest[i]), &out), "rest", rest[i]);
	buf_clear(&out);
}

static void
braces_are_fields_or_wrong(void)
{
	static const char *const wrong[] = { "{", "}", "{}", "{ok", "ok}",
	    "{Ok}", "{o k}", "{1}", "{_a}", "{ok}}", "{{ok}}", "{none}",
	    "{a23456789012345678901234567890123}" };
	struct buf out = BUF_INIT(512);
	size_t i;

	for (i = 0; i < COUNT(wrong); i++) {
		CU_ASSERT(template_has_fields(wrong[i]));
		check(!template_expand(wrong[i], value_of, NULL, &out),
		    "taken", wrong[i]);
	}
	CU_ASSERT_FALSE(template_has_fields("https://a.example/?b=c"));
	CU_ASSERT(template_is_name("a_1"));
	CU_ASSERT_FALSE(template_is_name("a-1"));
	CU_ASSERT_FALSE(template_is_name(""));
	buf_clear(&out);
}

static bool
note(void *arg, const char *name, enum template_place place, const char *rest)
{
	struct buf *b = arg;

	buf_fmt(b, "%s%d%s|", name, (int)place, rest);
	return strcmp(name, "stop") != 0;
}

static void
fields_are_named_with_their_places(void)
{
	struct buf b = BUF_INIT(512);

	CU_ASSERT(template_each("{a}.x{b}/{c}?{d}", note, &b));
	CU_ASSERT_STRING_EQUAL(buf_cstr(&b),
	    "a0.x{b}/{c}?{d}|b2/{c}?{d}|c2?{d}|d2|");
	buf_reset(&b);
	CU_ASSERT(template_each("https://{a}.{b}:1/{c}", note, &b));
	CU_ASSERT_STRING_EQUAL(buf_cstr(&b), "a1.{b}:1/{c}|b1:1/{c}|c2|");
	buf_reset(&b);
	CU_ASSERT(template_each("https://h?{a}", note, &b));
	CU_ASSERT(template_each("https://h#{b}", note, &b));
	CU_ASSERT_STRING_EQUAL(buf_cstr(&b), "a2|b2|");
	buf_reset(&b);
	CU_ASSERT_FALSE(template_each("{stop}{a}", note, &b));
	CU_ASSERT_STRING_EQUAL(buf_cstr(&b), "stop0{a}|");
	buf_clear(&b);
}

/* ---- addresses --------------------------------------------------------- */

static const struct {
	const char		*text;
	enum address_kind	 kind;
} addresses[] = {
	{ "8.8.8.8", ADDRESS_PUBLIC }, { "1.1.1.1", ADDRESS_PUBLIC },
	{ "127.0.0.1", ADDRESS_LOOPBACK }, { "127.255.0.1", ADDRESS_LOOPBACK },
	{ "0.0.0.0", ADDRESS_PRIVATE }, { "0.1.2.3", ADDRESS_PRIVATE },
	{ "9.255.255.255", ADDRESS_PUBLIC }, { "10.0.0.1", ADDRESS_PRIVATE },
	{ "11.0.0.0", ADDRESS_PUBLIC },
	{ "100.63.255.255", ADDRESS_PUBLIC }, { "100.64.0.0", ADDRESS_PRIVATE },
	{ "100.127.255.255", ADDRESS_PRIVATE }, { "100.128.0.0", ADDRESS_PUBLIC },
	{ "169.254.169.254", ADDRESS_PRIVATE },
	{ "172.15.255.255", ADDRESS_PUBLIC }, { "172.16.0.1", ADDRESS_PRIVATE },
	{ "172.31.255.255", ADDRESS_PRIVATE }, { "172.32.0.0", ADDRESS_PUBLIC },
	{ "192.0.0.8", ADDRESS_PRIVATE }, { "192.0.2.1", ADDRESS_PRIVATE },
	{ "192.168.1.1", ADDRESS_PRIVATE }, { "192.169.0.0", ADDRESS_PUBLIC },
	{ "198.18.0.1", ADDRESS_PRIVATE }, { "198.19.255.255", ADDRESS_PRIVATE },
	{ "198.20.0.0", ADDRESS_PUBLIC }, { "198.51.100.7", ADDRESS_PRIVATE },
	{ "203.0.113.7", ADDRESS_PRIVATE }, { "223.255.255.255", ADDRESS_PUBLIC },
	{ "224.0.0.1", ADDRESS_PRIVATE }, { "255.255.255.255", ADDRESS_PRIVATE },
	{ "::1", ADDRESS_LOOPBACK }, { "::", ADDRESS_PRIVATE },
	{ "::ffff:127.0.0.1", ADDRESS_PRIVATE },
	{ "::ffff:10.0.0.1", ADDRESS_PRIVATE },
	{ "::ffff:8.8.8.8", ADDRESS_PUBLIC },
	{ "::127.0.0.1", ADDRESS_PRIVATE },
	{ "64:ff9b::7f00:1", ADDRESS_PRIVATE },
	{ "64:ff9b::a00:1", ADDRESS_PRIVATE },
	{ "64:ff9b::808:808", ADDRESS_PUBLIC },
	{ "64:ff9b:1::808:808", ADDRESS_PRIVATE },
	{ "fe80::1", ADDRESS_PRIVATE }, { "fec0::1", ADDRESS_PRIVATE },
	{ "fc00::1", ADDRESS_PRIVATE }, { "fd12::1", ADDRESS_PRIVATE },
	{ "ff02::1", ADDRESS_PRIVATE }, { "100::1", ADDRESS_PRIVATE },
	{ "2001::1", ADDRESS_PRIVATE }, { "2001:1ff::1", ADDRESS_PRIVATE },
	{ "2001:200::1", ADDRESS_PUBLIC }, { "2001:db8::1", ADDRESS_PRIVATE },
	{ "2002:7f00:1::1", ADDRESS_PRIVATE },
	{ "2606:4700::1111", ADDRESS_PUBLIC },
	{ "3fff::1", ADDRESS_PRIVATE }, { "3fff:1000::1", ADDRESS_PUBLIC },
	{ "4000::1", ADDRESS_PRIVATE },
};

static void
addresses_are_told_apart(void)
{
	static const char *const nonsense[] = { "", "127.1", "0x7f.0.0.1",
	    "localhost", "fe80::1%lo", "8.8.8.8 " };
	size_t i;

	for (i = 0; i < COUNT(addresses); i++)
		check(address_kind_of_text(addresses[i].text) ==
		    addresses[i].kind, "text", addresses[i].text);
	for (i = 0; i < COUNT(nonsense); i++)
		check(address_kind_of_text(nonsense[i]) == ADDRESS_PRIVATE,
		    "nonsense", nonsense[i]);
}

static void
and_as_what_connect_takes(void)
{
	size_t i;

	for (i = 0; i < COUNT(addresses); i++) {
		union {
			struct sockaddr		sa;
			struct sockaddr_in	in;
			struct sockaddr_in6	in6;
		} u;
		bool six = strchr(addresses[i].text, ':') != NULL;

		memset(&u, 0, sizeof(u));
		u.sa.sa_family = six ? AF_INET6 : AF_INET;
		CU_ASSERT_EQUAL_FATAL(inet_pton(u.sa.sa_family,
		    addresses[i].text, six ? (void *)&u.in6.sin6_addr :
		    (void *)&u.in.sin_addr), 1);
		check(address_kind_of(&u.sa, six ? sizeof(u.in6) :
		    sizeof(u.in)) == addresses[i].kind, "sockaddr",
		    addresses[i].text);
		/* Too short to hold an address. */
		check(address_kind_of(&u.sa, sizeof(u.in) - 1) ==
		    ADDRESS_PRIVATE, "short", addresses[i].text);
		u.sa.sa_family = AF_UNIX;
		check(address_kind_of(&u.sa, sizeof(u)) == ADDRESS_PRIVATE,
		    "family", addresses[i].text);
	}
}

static const struct test tests[] = {
	{ "a pattern matches all or nothing",
	    a_pattern_matches_all_or_nothing },
	{ "a pattern that is not safe is refused",
	    a_pattern_that_is_not_safe_is_refused },
	{ "a value fills its place", a_value_fills_its_place },
	{ "a value does not leave its place",
	    a_value_does_not_leave_its_place },
	{ "braces are fields or wrong", braces_are_fields_or_wrong },
	{ "fields are named with their places",
	    fields_are_named_with_their_places },
	{ "addresses are told apart", addresses_are_told_apart },
	{ "and as what connect() takes", and_as_what_connect_takes },
};

TESTS_MAIN("template", tests)
