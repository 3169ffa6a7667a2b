/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "return_to.h"

#include <stdio.h>
#include <string.h>

#include "harness.h"
#include "limit.h"

#define WWW	"https://www.shop.example"
#define APP	"https://app.example:8443"
#define V6	"http://[::1]:8080"

/* The site of the tables: programs below /oauth, an app with four origins. */
static const struct return_to_rules rules = {
	.origins = "https://shop.example " WWW " " APP " " V6,
	.own_origin = "https://shop.example",
	.own_path = "/oauth",
};

struct row {
	const char	*value;
	bool		 ok;
};

static void
check(const struct row *rows, size_t n, const struct return_to_rules *r)
{
	char message[512];
	size_t i;

	for (i = 0; i < n; i++) {
		snprintf(message, sizeof(message), "%s should be %s",
		    rows[i].value, rows[i].ok ? "taken" : "refused");
		CU_assertImplementation(
		    return_to_ok(rows[i].value, r) == rows[i].ok,
		    __LINE__, message, __FILE__, "", CU_FALSE);
	}
}

#define CHECK(rows, r) check(rows, sizeof(rows) / sizeof((rows)[0]), r)

static void
local_paths(void)
{
	static const struct row rows[] = {
		{ "/", true },
		{ "/account", true },
		{ "/account/", true },
		{ "/account?tab=shop", true },
		{ "/account?", true },
		{ "/account#top", true },
		{ "/account?a=b&c=d#top", true },
		{ "/#", true },
		{ "/?", true },
		{ "/?#", true },
		{ "/~user/", true },
		{ "/a//b", true },
		{ "/a/../b", true },
		{ "/..", true },
		{ "/a:b@c", true },
		{ "/a;b=c", true },
		{ "/a+b", true },
		{ "/https://evil.example/", true },
		{ "/@evil.example/", true },
		{ "/.evil.example/", true },
		{ "/:80/", true },
		{ "/?next=//evil.example", true },
		{ "/?next=https://evil.example/", true },
		{ "/#//evil.example", true },
		{ "/\"><script>", true },	/* a path; pages escape it */

		{ "", false },
		{ "account", false },
		{ "./account", false },
		{ "../account", false },
		{ "?a=b", false },
		{ "#top", false },
		{ "*", false },
	};

	CHECK(rows, &rules);
}

/* What a browser would read as another host, once it has a scheme. */
static void
paths_that_leave_the_site(void)
{
	static const struct row rows[] = {
		{ "//", false },
		{ "//evil.example", false },
		{ "//evil.example/", false },
		{ "///evil.example", false },
		{ "////evil.example", false },
		{ "//shop.example/", false },
		{ "//user@evil.example/", false },
		{ "/\\evil.example", false },
		{ "/\\/evil.example", false },
		{ "\\/evil.example", false },
		{ "\\\\evil.example", false },
		{ "\\evil.example", false },
		{ "/a\\b", false },
		{ "/a?b=\\", false },
		{ "/a#\\", false },
		{ "/\t/evil.example", false },
		{ "\t//evil.example", false },
		{ "/\n/evil.example", false },
		{ "/\r/evil.example", false },
		{ "/\r\nSet-Cookie:a=b", false },
		{ "/\v", false },
		{ "/\f", false },
		{ "/\001", false },
		{ "/\037", false },
		{ " /account", false },
		{ "/account ", false },
		{ "/a b", false },
		{ "/a\177", false },
		{ "/a\tb?c=d", false },
		{ "/a#b\tc", false },
		/* Encoded, all of these are but characters of a path. */
		{ "/%09/evil.example", true },
		{ "/%0d%0aSet-Cookie:a=b", true },
		{ "/%2f/evil.example", true },
		{ "/%2Fevil.example", true },
		{ "/%5cevil.example", true },
		{ "/%5C%5Cevil.example", true },
		{ "/%20", true },
		{ "/./evil.example", true },
		{ "/.//evil.example", true },
		{ "/..//evil.example", true },
	};

	CHECK(rows, &rules);
}

static void
absolute_urls(void)
{
	static const struct row rows[] = {
		{ "https://shop.example", true },
		{ "https://shop.example/", true },
		{ "https://shop.example/a?b=c#d", true },
		{ "https://shop.example?a=b", true },
		{ "https://shop.example#a", true },
		{ "https://shop.example//evil.example", true },
		{ "https://shop.example/@evil.example", true },
		{ "https://shop.example?@evil.example", true },
		{ "https://shop.example#@evil.example", true },
		{ WWW, true },
		{ WWW "/a", true },
		{ APP "/a", true },
		{ APP, true },
		{ V6 "/", true },

		{ "https://evil.example/", false },
		{ "https://evil.example/https://shop.example/", false },
		{ "https://evil.example?https://shop.example/", false },
		{ "https://evil.example#https://shop.example/", false },
		{ "https://shop.example.evil.example/", false },
		{ "https://shop.examplevil/", false },
		{ "https://shop.example-evil.example/", false },
		{ "https://shop.example./", false },
		{ "https://shop.exampl/", false },
		{ "https://shop.example@evil.example/", false },
		{ "https://shop.example:pw@evil.example/", false },
		{ "https://user@shop.example/", false },
		{ "https://user:pw@shop.example/", false },
		{ "https://@shop.example/", false },
		{ "https://shop.example%2f@evil.example/", false },
		{ "https://shop.example%40evil.example/", false },
		{ "https://shop.example%00.evil.example/", false },
		{ "https://shop.example;.evil.example/", false },
		{ "https://shop.example,evil.example/", false },
		{ "https://shop.example&evil.example/", false },
		{ "https://shop.example\\@evil.example/", false },
		{ "https://shop.example\\.evil.example/", false },
		{ "https:\\\\shop.example/", false },
		{ "https:/\\shop.example/", false },
		{ "https://shop.example/\\evil.example", false },
		{ "https://shop.example/a b", false },
		{ "https://shop.example/\t", false },
		{ "https://shop\t.example/", false },
		{ "ht\ntps://shop.example/", false },
		{ " https://shop.example/", false },
		{ "https://shop.example/ ", false },

		/* Another origin, although it is the same server at times. */
		{ "https://shop.example:443/", false },
		{ "https://shop.example:/", false },
		{ "https://shop.example:8443/", false },
		{ "https://shop.example:80@evil.example/", false },
		{ "http://shop.example/", false },
		{ "https://app.example/", false },
		{ "https://app.example:844/", false },
		{ "https://app.example:84431/", false },
		{ "https://sub.shop.example/", false },
		{ "http://[::1]/", false },
		{ "http://[::1]:80801/", false },
		{ "http://127.0.0.1:8080/", false },

		/* Not as the origin is written: refused rather than folded. */
		{ "HTTPS://shop.example/", false },
		{ "https://SHOP.example/", false },
		{ "https://shop.%65xample/", false },
		{ "https:shop.example/", false },
		{ "https:/shop.example/", false },
		{ "https:///shop.example/", false },
		{ "https:////shop.example/", false },
		{ "://shop.example/", false },
		{ "shop.example/", false },
		{ "shop.example", false },

		{ "javascript:alert(1)", false },
		{ "javascript://shop.example/%0aalert(1)", false },
		{ "data:text/html,x", false },
		{ "blob:https://shop.example/", false },
		{ "view-source:https://shop.example/", false },
		{ "ftp://shop.example/", false },
		{ "file:///etc/passwd", false },
		{ "https", false },
		{ "https:", false },
		{ "https://", false },
	};

	CHECK(rows, &rules);
}

static void
our_own_programs(void)
{
	static const struct row rows[] = {
		{ "/oauth/start", false },
		{ "/oauth/start?provider2=x", false },
		{ "/oauth/start#a", false },
		{ "/oauth/start/", false },
		{ "/oauth/start/x", false },
		{ "/oauth/start.fcgi", false },
		{ "/oauth/start.cgi", false },
		{ "/oauth/start.fcgi/x", false },
		{ "/oauth/start;a=b", false },
		{ "/oauth/callback", false },
		{ "/oauth/callback/interact", false },
		{ "/oauth/callback/interact?code=a&state=b", false },
		{ "/oauth/refresh", false },
		{ "/oauth/disconnect", false },
		{ "/oauth/connections", false },
		{ "/oauth/authorize", false },
		{ "/oauth/proxy/x", false },

		{ "/oauth/../oauth/start", false },
		{ "/oauth//../start", false },
		{ "/oauth/x%2fy/../start", false },
		{ "/oauth/x%5cy/../start", false },
		{ "/oauth/%00/../start", false },
		{ "/oauth/a/b//../../../start", false },
		{ "/a/../oauth/start", false },
		{ "/../oauth/start", false },
		{ "/../../oauth/start", false },
		{ "/a/b/../../oauth/start", false },
		{ "/./oauth/start", false },
		{ "/oauth/./start", false },
		{ "/oauth/x/../start", false },
		{ "/oauth/start/.", false },
		{ "/oauth/start/../start", false },
		{ "/%2e%2e/oauth/start", false },
		{ "/a/%2E%2e/oauth/start", false },
		{ "/a/.%2e/oauth/start", false },
		{ "/oauth/%2e/start", false },
		{ "/%6fauth/%73tart", false },
		{ "/%6Fauth/star%74", false },
		{ "/oauth%2fstart", false },
		{ "/oauth%2Fstart", false },
		{ "/oauth%5cstart", false },
		{ "/oauth/start%2fx", false },
		{ "/oauth/start%3bx", false },
		{ "/oauth/start%00", false },
		{ "/a%2f..%2foauth/start", false },
		{ "/oauth//start", false },
		{ "/oauth///start", false },
		{ "/oauth/start//", false },
		{ "/.//oauth/start", false },
		{ "/a/..//oauth//start", false },

		{ "https://shop.example/oauth/start", false },
		{ "https://shop.example//oauth//start", false },
		{ "https://shop.example/oauth/callback/interact", false },
		{ "https://shop.example/%6fauth/%73tart", false },
		{ "https://shop.example/a/../oauth/start", false },

		/* Names that only look like ours, and what else is there. */
		{ "/oauth", true },
		{ "/oauth/", true },
		{ "/oauth/started", true },
		{ "/oauth/start-here", true },
		{ "/oauth/start.html", true },
		{ "/oauth/starting/start", true },
		{ "/oauth/done", true },
		{ "/oauth/Start", true },
		{ "/OAUTH/start", true },
		{ "/oauth2/start", true },
		{ "/start", true },
		{ "/callback/interact", true },
		{ "/shop/oauth/start", true },
		{ "/oauth/start/..", true },
		{ "/oauth/../start", true },
		{ "/oauth/%2573tart", true },
		{ "/oauth/%start", true },
		{ "/account?next=/oauth/start", true },
		{ "/account#/oauth/start", true },
		{ "/?/../oauth/start", true },
		/* Another host: what runs there is not ours. */
		{ WWW "/oauth/start", true },
		{ APP "/oauth/start", true },
	};
	/* The site of the programs at the top of its host. */
	static const struct row at_top[] = {
		{ "/start", false },
		{ "/%73tart", false },
		{ "/callback/interact", false },
		{ "/a/../start", false },
		{ "/.//start", false },
		{ "https://shop.example/start", false },
		{ "https://shop.example", true },
		{ "https://shop.example?x", true },
		{ "/", true },
		{ "/oauth/start", true },
		{ "/started", true },
	};
	struct return_to_rules top = rules;

	CHECK(rows, &rules);
	top.own_path = "";
	CHECK(at_top, &top);
}

static void
queries_that_name_our_parameters(void)
{
	static const struct row rows[] = {
		{ "/?ticket=x", false },
		{ "/?provider=x", false },
		{ "/?status=connected", false },
		{ "/?error=x", false },
		{ "/?connection=x", false },
		{ "/?ticket", false },
		{ "/?ticket=", false },
		{ "/?ticket&a=b", false },
		{ "/?a=b&ticket=x", false },
		{ "/?a=b&&ticket=x", false },
		{ "/?&ticket=x", false },
		{ "/?a;ticket=x", false },
		{ "/?a=b;ticket=x&c", false },
		{ "/?a=b&ticket=x#c", false },
		{ "/?a=b&ticket#c", false },
		{ "/?%74icket=x", false },
		{ "/?%74%69%63%6b%65%74=x", false },
		{ "/?%74%69%63%6B%65%74=x", false },
		{ "/?st%61tus=x", false },
		{ "/a?b=c?d&error=x", false },
		{ "https://shop.example?ticket=x", false },
		{ "https://shop.example/a?b=c&ticket=x", false },
		{ APP "/?connection=x", false },

		{ "/?tickets=x", true },
		{ "/?tick=x", true },
		{ "/?my_ticket=x", true },
		{ "/?a=ticket", true },
		{ "/?a=ticket=x", true },
		{ "/?a=%26ticket=x", true },
		{ "/?a%26ticket=x", true },
		{ "/?=ticket", true },
		{ "/?%2574icket=x", true },
		{ "/?ticket+=x", true },
		{ "/?%ticket=x", true },
		{ "/ticket=x", true },
		{ "/ticket?a=b", true },
		{ "/#ticket=x", true },
		{ "/#?ticket=x", true },
		{ "/?a=b#&ticket=x", true },
	};

	CHECK(rows, &rules);
}

static void
bytes_that_are_not_utf8(void)
{
	static const struct row rows[] = {
		{ "/caf\xc3\xa9", true },
		{ "/caf%c3%a9", true },
		{ "/caf%C3%A9?x=%E2%82%AC", true },
		{ "/\xf0\x9f\x98\x80", true },
		{ "/%f0%9f%98%80", true },
		{ "/\xc3%a9", true },	/* one character once decoded */
		{ "/%", true },			/* kept as it is */
		{ "/%4", true },
		{ "/%zz", true },
		{ "/100%", true },
		{ "https://shop.example/caf%c3%a9", true },

		{ "/caf\xe9", false },
		{ "/caf%e9", false },
		{ "/?a=%e9", false },
		{ "/#%e9", false },
		{ "/%c3", false },
		{ "/%c3x", false },
		{ "/\xc3", false },
		{ "/%80", false },
		{ "/%c0%af", false },		/* overlong '/' */
		{ "/%e0%80%af", false },
		{ "/%c1%9c", false },		/* overlong '\' */
		{ "/%ed%a0%80", false },	/* half a surrogate pair */
		{ "/%f4%90%80%80", false },	/* past U+10FFFF */
		{ "/%f8%88%80%80%80", false },
		{ "/%fe", false },
		{ "/%ff", false },
		{ "https://shop.example/%ff", false },
	};

	CHECK(rows, &rules);
}

static void
length_is_refused_and_not_cut(void)
{
	char s[LIMIT_RETURN_TO + 2];

	memset(s, 'a', sizeof(s));
	s[0] = '/';
	s[LIMIT_RETURN_TO] = '\0';
	CU_ASSERT_TRUE(return_to_ok(s, &rules));
	s[LIMIT_RETURN_TO] = 'a';
	s[LIMIT_RETURN_TO + 1] = '\0';
	CU_ASSERT_FALSE(return_to_ok(s, &rules));

	/* As much of everything that is rewritten on the way. */
	memset(s, '/', LIMIT_RETURN_TO);
	s[1] = 'a';
	s[LIMIT_RETURN_TO] = '\0';
	CU_ASSERT_TRUE(return_to_ok(s, &rules));
	memset(s, '.', LIMIT_RETURN_TO);
	s[0] = '/';
	CU_ASSERT_TRUE(return_to_ok(s, &rules));
	memset(s, '%', LIMIT_RETURN_TO);
	s[0] = '/';
	s[1] = '?';
	CU_ASSERT_TRUE(return_to_ok(s, &rules));
	memset(s, '&', LIMIT_RETURN_TO);
	s[0] = '/';
	s[1] = '?';
	CU_ASSERT_TRUE(return_to_ok(s, &rules));
}

static void
without_origins_only_local_paths(void)
{
	static const struct row rows[] = {
		{ "/account", true },
		{ "https://shop.example/", false },	/* nor our own */
		{ "https://evil.example/", false },
		{ "", false },
	};
	static const struct row spaced[] = {
		{ "https://a.example/", true },
		{ "https://b.example/", true },
		{ "https://a.example https://b.example/", false },
		{ "/", true },
		{ "x/", false },
	};
	struct return_to_rules r = rules;

	r.origins = "";
	CHECK(rows, &r);
	r.origins = " ";
	CHECK(rows, &r);
	r.origins = "  https://a.example   https://b.example ";
	CHECK(spaced, &r);
}

static void
origins_are_prefixes_with_an_end(void)
{
	static const char two[] = "https://a.example https://a.example:1";

	CU_ASSERT_TRUE(return_to_has_origin("https://a.example", two));
	CU_ASSERT_TRUE(return_to_has_origin("https://a.example/x", two));
	CU_ASSERT_TRUE(return_to_has_origin("https://a.example:1/x", two));
	CU_ASSERT_FALSE(return_to_has_origin("https://a.example:12/", two));
	CU_ASSERT_FALSE(return_to_has_origin("https://a.examples/", two));
	CU_ASSERT_FALSE(return_to_has_origin("https://a.exampl", two));
	CU_ASSERT_FALSE(return_to_has_origin("", two));
	CU_ASSERT_FALSE(return_to_has_origin("null", two));
	CU_ASSERT_FALSE(return_to_has_origin("https://a.example", ""));
	CU_ASSERT_FALSE(return_to_has_origin("", ""));
	CU_ASSERT_FALSE(return_to_has_origin("/", ""));
}

static void
our_parameters_go_before_the_fragment(void)
{
	static const struct {
		const char *return_to, *built;
	} rows[] = {
		{ "/", "https://shop.example/?s=1&t=2" },
		{ "/a", "https://shop.example/a?s=1&t=2" },
		{ "/a?", "https://shop.example/a?s=1&t=2" },
		{ "/a?b=c", "https://shop.example/a?b=c&s=1&t=2" },
		{ "/a#d", "https://shop.example/a?s=1&t=2#d" },
		{ "/a?#d", "https://shop.example/a?s=1&t=2#d" },
		{ "/a?b=c#d", "https://shop.example/a?b=c&s=1&t=2#d" },
		{ "/a#d?e", "https://shop.example/a?s=1&t=2#d?e" },
		{ "/a#d#e", "https://shop.example/a?s=1&t=2#d#e" },
		{ "/#", "https://shop.example/?s=1&t=2#" },
		{ "/a?b?c", "https://shop.example/a?b?c&s=1&t=2" },
		{ APP, APP "?s=1&t=2" },
		{ APP "#d", APP "?s=1&t=2#d" },
		{ APP "?b=c", APP "?b=c&s=1&t=2" },
		{ APP "/a?b=c#d", APP "/a?b=c&s=1&t=2#d" },
		{ V6 "/", V6 "/?s=1&t=2" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b = BUF_INIT(256);

		return_to_build(&b, rows[i].return_to, "https://shop.example",
		    "s=1&t=2");
		CU_ASSERT_STRING_EQUAL(buf_cstr(&b), rows[i].built);
		buf_clear(&b);
	}
}

static void
building_appends_and_never_cuts(void)
{
	struct buf b = BUF_INIT(64), small = BUF_INIT(8);

	buf_str(&b, "x");
	return_to_build(&b, "/a", "https://shop.example", "s=1");
	CU_ASSERT_STRING_EQUAL(buf_cstr(&b), "xhttps://shop.example/a?s=1");
	return_to_build(&small, "/a", "https://shop.example", "s=1");
	CU_ASSERT_TRUE(buf_failed(&small));
	CU_ASSERT_PTR_NULL(buf_cstr(&small));
	buf_clear(&small);
	buf_clear(&b);
}

static const struct test tests[] = {
	{ "local paths are taken, relative ones are not", local_paths },
	{ "nothing that a browser reads as another host is taken",
	    paths_that_leave_the_site },
	{ "absolute URLs begin with an origin, exactly", absolute_urls },
	{ "our own programs are refused however they are written",
	    our_own_programs },
	{ "queries that name our parameters are refused",
	    queries_that_name_our_parameters },
	{ "what does not decode to UTF-8 is refused",
	    bytes_that_are_not_utf8 },
	{ "2048 bytes are taken, 2049 are refused",
	    length_is_refused_and_not_cut },
	{ "an app without origins takes local paths only",
	    without_origins_only_local_paths },
	{ "an origin ends where a host ends",
	    origins_are_prefixes_with_an_end },
	{ "our parameters go before the fragment",
	    our_parameters_go_before_the_fragment },
	{ "building appends, and overflows rather than cuts",
	    building_appends_and_never_cuts },
};

TESTS_MAIN("return_to", tests)
