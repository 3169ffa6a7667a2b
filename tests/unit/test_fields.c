/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "fields.h"

#include <stdlib.h>

#include "conftext.h"
#include "logcatch.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Line 11 is the first of the field. */
#define SHOP \
	"\tfield shop {\n" \
	"\t\tlabel = \"Shop\"\n" \
	"\t\tpattern = \"[a-z0-9][a-z0-9-]*\\\\.shops\\\\.example\"\n" \
	"\t\texample = \"my.shops.example\"\n"
#define FIELD(name, lines) WITH("field " name " {\n" lines "\n}\n")

/* A provider whose URLs are these, with what else is given. */
#define URLS(authorize, token, lines) \
	SITE "provider p {\n" \
	"client_id = a\nclient_secret = b\n" \
	"authorize_url = \"" authorize "\"\n" \
	"token_url = \"" token "\"\n" lines "\n}\n"

/* ---- in the configuration ---------------------------------------------- */

static void
a_field_is_read_with_all_it_has(void)
{
	struct conf *c = good(URLS("https://{shop}/authorize?v={version}",
	    "https://{shop}/token", SHOP "}\n"
	    "field version {\ndefault = \"v2\"\npattern = \"v[0-9]+\"\n}\n"
	    "field server {\nfrom = callback\nparam = \"accounts-server\"\n"
	    "pattern = \"https://a\\\\.(example|test)\"\n"
	    "example = \"https://a.test\"\n}\n"
	    "field url { from = token param = \"/o/u~1l\" }\n"
	    "field id { from = token }"));
	const struct provider *p = conf_provider(c, "p");
	const struct provider_field *f;

	CU_ASSERT_EQUAL_FATAL(p->field_count, 5);
	CU_ASSERT_TRUE(p->host_varies);
	f = provider_field(p, "shop");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL(f->from, FROM_START);
	CU_ASSERT_STRING_EQUAL(f->label, "Shop");
	CU_ASSERT_STRING_EQUAL(f->example, "my.shops.example");
	CU_ASSERT_PTR_NULL(f->fallback);
	CU_ASSERT_TRUE(fields_value_ok(f, "a.shops.example"));
	CU_ASSERT_FALSE(fields_value_ok(f, "a.shops.example.evil"));
	f = provider_field(p, "version");
	CU_ASSERT_STRING_EQUAL(f->fallback, "v2");
	CU_ASSERT_STRING_EQUAL(f->label, "version");
	CU_ASSERT_STRING_EQUAL(f->example, "");
	f = provider_field(p, "server");
	CU_ASSERT_EQUAL(f->from, FROM_CALLBACK);
	CU_ASSERT_STRING_EQUAL(f->param, "accounts-server");
	f = provider_field(p, "url");
	CU_ASSERT_EQUAL(f->from, FROM_TOKEN);
	CU_ASSERT_STRING_EQUAL(f->param, "/o/u~1l");
	CU_ASSERT_PTR_NULL(f->pattern);
	f = provider_field(p, "id");
	CU_ASSERT_STRING_EQUAL(f->param, "id");
	CU_ASSERT_PTR_NULL(provider_field(p, "other"));
	conf_free(c);

	/* A fixed host is nobody's choice. */
	c = good(URLS("https://a.example/{t}", "https://a.example/{t}/x?y={t}",
	    "field t { default = common pattern = \"[a-z.-]+\" }"));
	CU_ASSERT_FALSE(conf_provider(c, "p")->host_varies);
	CU_ASSERT_STRING_EQUAL(conf_provider(c, "p")->refresh_url,
	    "https://a.example/{t}/x?y={t}");
	conf_free(c);
}

static void
a_wrong_field_is_told_at_its_line(void)
{
	static const struct bad table[] = {
		{ 11, "the name of a field", FIELD("\"a-b\"", "") },
		{ 11, "the name of a field", FIELD("Shop", "") },
		{ 11, "can't be called bind", FIELD("bind", "") },
		{ 11, "can't be called provider", FIELD("provider", "") },
		{ 11, "needs a pattern", FIELD("a", "example = x") },
		{ 11, "needs an example", FIELD("a", "pattern = x") },
		{ 12, "did you mean 'pattern'", FIELD("a", "patern = x") },
		{ 12, "belongs in a provider section",
		    FIELD("a", "scope = x") },
		{ 11, "belongs in a field section", WITH("pattern = x") },
		{ 1, "'field' belongs in a provider section",
		    "field a {\n}\n" },
		{ 3, "'field'", "site {\nurl = x\nfield a { }\n}\n" },
		{ 11, "did you mean 'field'", WITH("feild a {\n}\n") },
		{ 12, "from must be start, callback or token",
		    FIELD("a", "from = user") },
		{ 13, "param is for fields from callback or token",
		    FIELD("a", "pattern = x\nparam = b\nexample = x") },
		{ 13, "must not be state", FIELD("a", "from = callback\n"
		    "param = state\npattern = x\nexample = x") },
		{ 13, "must be the name of a parameter", FIELD("a",
		    "from = callback\nparam = \"/b\"\npattern = x\n"
		    "example = x") },
		{ 13, "'~' without", FIELD("a", "from = token\n"
		    "param = \"/b~\"\n") },
		{ 12, "is not a regular expression",
		    FIELD("a", "pattern = \"[\"\nexample = x") },
		{ 12, "[0-9]", FIELD("a", "pattern = \"\\\\d\"\nexample = x") },
		{ 12, "backslash and a digit",
		    FIELD("a", "pattern = \"(x)\\\\1\"\nexample = xx") },
		{ 13, "example does not match",
		    FIELD("a", "pattern = x\nexample = xy") },
		{ 13, "default does not match",
		    FIELD("a", "pattern = x\ndefault = xy") },
		{ 12, "twice", FIELD("a", "pattern = x pattern = x") },
		{ 11, "there are two sections named a",
		    WITH("field a { pattern = x example = x } field a { "
		    "pattern = x example = x }") },
		{ 12, "what can stand here",
		    FIELD("a", "pattern = {\"x\", \"y\"}") },
		{ 12, "list is empty", FIELD("a", "pattern = { }") },
		{ 6, "not closed", WITH("\nfield a {\npattern = x") },
		{ 12, "not closed", SITE ACME "\nfield a {\npattern = x" },
		{ 6, "not closed", SITE ACME "field a { }\napps = { x" },
		{ 14, "'=' between 'example'",
		    WITH("field a {\npattern = x }\nfield b {\n"
		    "example \"x\"\n}") },
		{ 6, "more than 8 fields", WITH(
		    "field a {from = token}\nfield b {from = token}\n"
		    "field c {from = token}\nfield d {from = token}\n"
		    "field e {from = token}\nfield f {from = token}\n"
		    "field g {from = token}\nfield i {from = token}\n"
		    "field j {from = token}\n") },
	};

	CHECK_BAD(table);
}

static void
a_url_with_a_wrong_field_is_refused(void)
{
	static const struct bad table[] = {
		{ 9, "no such field", URLS("https://{shop}/a",
		    "https://a.example/", "") },
		{ 10, "no such field", URLS("https://a.example/",
		    "https://a.example/{b}", "") },
		{ 9, "a brace that is no field", URLS("https://a.example/{",
		    "https://a.example/", "") },
		{ 9, "a brace that is no field", URLS("https://a.example/{A}",
		    "https://a.example/", "") },
		{ 9, "is not known by then; it can have fields from start",
		    URLS("https://a.example/{c}", "https://a.example/",
		    "field c { from = callback pattern = x example = x }") },
		{ 10, "it can have fields from start and callback",
		    URLS("https://a.example/", "https://a.example/{t}",
		    "field t { from = token pattern = x example = x }") },
		{ 11, "needs a pattern and an example",
		    URLS("https://a.example/", "https://a.example/",
		    "refresh_url = \"https://a.example/{t}\"\n"
		    "field t { from = token }") },
		/* With the examples put in, it is a URL like others. */
		{ 9, "must be https", URLS("http://{shop}/a",
		    "https://{shop}/", SHOP "}") },
		{ 9, "fragment", URLS("https://{shop}/a#b",
		    "https://{shop}/", SHOP "}") },
		{ 9, "does not make a URL", URLS("https://{v}.example/a",
		    "https://a.example/",
		    "field v { pattern = \".*\" example = \"a/b\" }") },
		{ 9, "does not make a URL", URLS("{v}/a",
		    "https://a.example/",
		    "field v { pattern = \"a.example\" "
		    "example = a.example }") },
		{ 9, "user name", URLS("https://a@{shop}/", "https://{shop}/",
		    SHOP "}") },
		{ 9, "IP address or localhost", URLS("https://10.0.0.1/{v}",
		    "https://a.example/",
		    "field v { pattern = \"a\" example = a }") },
		{ 9, "valid host", URLS("https://1.2.3.{v}x./",
		    "https://a.example/",
		    "field v { pattern = \"4\" example = 4 }") },
		/* The host must be the provider's, whatever the value. */
		{ 10, "takes \"evil.example\"", URLS("https://a.example/",
		    "https://{d}/t", "field d { pattern = \"[a-z.]+\" "
		    "example = \"a.example\" }") },
		{ 9, "takes \"evil.example\"", URLS("https://{d}/t",
		    "https://a.example/", "field d { pattern = \"[a-z.]+\" "
		    "example = \"a.example\" }") },
		{ 10, "takes \"evil.com\"", URLS("https://a.example/",
		    "https://{d}:444/t", "field d { pattern = \"[a-z.]+com\" "
		    "example = \"a.com\" }") },
		{ 10, "takes \"https://evil.com\"", URLS("https://a.example/",
		    "{d}/t", "field d { pattern = \"https://[a-z]+[.]com\" "
		    "example = \"https://a.com\" }") },
		{ 10, "takes \"evilxa.example\"", URLS("https://a.example/",
		    "https://{d}/t", "field d { "
		    "pattern = \"[a-z]*a[.]example\" "
		    "example = \"xa.example\" }") },
		{ 10, "takes \"a.zoho.evil\"", URLS("https://a.example/",
		    "https://{d}/t", "field d { pattern = \"a[.]zoho[.][a-z]+\" "
		    "example = \"a.zoho.eu\" }") },
		{ 10, "takes \"127.0.0.1\"", URLS("https://a.example/",
		    "https://{d}/t", "field d { pattern = "
		    "\"a[.]example|[0-9.]+\" example = \"a.example\" }") },
		{ 11, "takes \"evil.example\"", URLS("https://a.example/",
		    "https://a.example/", "refresh_url = \"https://{d}/t\"\n"
		    "field d { from = token pattern = \".*\" "
		    "example = \"a.example\" }") },
	};

	CHECK_BAD(table);
}

/* Field by field and key by key, the section's own wins. */
static void
a_section_changes_a_field_of_its_preset(void)
{
	struct conf *c;
	const struct provider *p;
	const struct provider_field *f;

	mkdir(in_dir("providers"), 0700);
	put("providers/base.conf", "provider base {\n"
	    "authorize_url = \"https://a.example/{tenant}/{area}\"\n"
	    "token_url = \"https://a.example/{tenant}/token\"\n"
	    "field tenant { label = Tenant default = common "
	    "pattern = \"[a-z]+\" }\n"
	    "field area { default = x pattern = \"[a-z]\" }\n}\n");
	c = good(SITE "provider mine {\npreset = base\nclient_id = a\n"
	    "client_secret = b\nfield tenant { default = acme }\n"
	    "field more { from = token }\n}\n"
	    "provider base { client_id = a client_secret = b }\n");
	p = conf_provider(c, "mine");
	CU_ASSERT_EQUAL(p->field_count, 3);
	f = provider_field(p, "tenant");
	CU_ASSERT_STRING_EQUAL(f->fallback, "acme");
	CU_ASSERT_STRING_EQUAL(f->label, "Tenant");
	CU_ASSERT_PTR_NOT_NULL(provider_field(p, "more"));
	CU_ASSERT_PTR_NOT_NULL(provider_field(p, "area"));
	p = conf_provider(c, "base");
	CU_ASSERT_EQUAL(p->field_count, 2);
	CU_ASSERT_STRING_EQUAL(provider_field(p, "tenant")->fallback,
	    "common");
	conf_free(c);
	/* Taking the default back means that it is asked for. */
	c = good(SITE "provider base {\nclient_id = a\nclient_secret = b\n"
	    "field tenant { default = \"\" example = acme }\n}\n");
	f = provider_field(conf_provider(c, "base"), "tenant");
	CU_ASSERT_PTR_NULL(f->fallback);
	CU_ASSERT_STRING_EQUAL(f->example, "acme");
	conf_free(c);
	CU_ASSERT_TRUE(refused_at(put("oauth-cgi.conf", SITE
	    "provider base {\nclient_id = a\nclient_secret = b\n"
	    "field tenant { default = ACME }\n}\n"), "oauth-cgi.conf", 9,
	    "default does not match"));
}

static void
lists_and_sections_do_not_move_a_line(void)
{
	static const struct bad table[] = {
		{ 19, "from must be", WITH("apps = { a,\nb }\n"
		    "field a { from = token }\n# field x {\n"
		    "field c {\n\n\n\n"
		    "from = x\n}") },
		{ 15, "needs a pattern", WITH("apps = { a,\nb }\n"
		    "field a { from = token }\n/* field x {\n*/"
		    "field c {\n\n\n\n"
		    "from = callback\n}") },
	};

	CHECK_BAD(table);
}

/* ---- values ------------------------------------------------------------ */

static struct conf *
shop_conf(void)
{
	return good(URLS("https://{shop}/authorize", "https://{shop}/token",
	    SHOP "}\n"
	    "refresh_url = \"https://{shop}/{id}/refresh\"\n"
	    "field id { from = token example = x "
	    "pattern = \"[^/]+\" }\n"
	    "field free { from = token }"));
}

static void
values_go_to_text_and_back(void)
{
	struct conf *c = shop_conf();
	const struct provider *p = conf_provider(c, "p");
	struct fields f = { .count = 0 }, g;
	char text[LIMIT_FIELDS_TEXT + 1];

	CU_ASSERT_TRUE(fields_set(&f, provider_field(p, "free"), "a=b c\xc3\xa4"));
	CU_ASSERT_TRUE(fields_set(&f, provider_field(p, "shop"),
	    "x.shops.example"));
	CU_ASSERT_TRUE(fields_set(&f, provider_field(p, "shop"),
	    "y.shops.example"));
	fields_text(&f, text);
	CU_ASSERT_STRING_EQUAL(text,
	    "free=a=b c\xc3\xa4\nshop=y.shops.example\n");
	fields_parse(&g, text);
	CU_ASSERT_EQUAL(g.count, 2);
	CU_ASSERT_STRING_EQUAL(fields_get(&g, "free"), "a=b c\xc3\xa4");
	CU_ASSERT_STRING_EQUAL(fields_get(&g, "shop"), "y.shops.example");
	CU_ASSERT_PTR_NULL(fields_get(&g, "id"));
	conf_free(c);
}

static void
the_longest_values_fit(void)
{
	struct fields f = { .count = 0 }, g;
	struct provider_field field = { .from = FROM_TOKEN };
	char names[LIMIT_FIELDS][LIMIT_NAME + 1], value[LIMIT_FIELD + 2];
	char text[LIMIT_FIELDS_TEXT + 1];
	size_t i;

	memset(value, 'v', sizeof(value));
	value[LIMIT_FIELD + 1] = '\0';
	field.name = names[0];
	memset(names, 'n', sizeof(names));
	names[0][LIMIT_NAME] = '\0';
	CU_ASSERT_FALSE(fields_set(&f, &field, value));
	value[LIMIT_FIELD] = '\0';
	for (i = 0; i < LIMIT_FIELDS; i++) {
		names[i][0] = (char)('a' + i);
		names[i][LIMIT_NAME] = '\0';
		field.name = names[i];
		CU_ASSERT_TRUE(fields_set(&f, &field, value));
	}
	fields_text(&f, text);
	CU_ASSERT_EQUAL(strlen(text), LIMIT_FIELDS_TEXT);
	fields_parse(&g, text);
	CU_ASSERT_EQUAL(g.count, LIMIT_FIELDS);
	CU_ASSERT_STRING_EQUAL(fields_get(&g, names[LIMIT_FIELDS - 1]), value);
}

static void
what_a_row_should_not_hold_is_left_out(void)
{
	static const char *const texts[] = { "", "\n\n", "=", "x", "no equals\n",
	    "a234567890123456789012345678901234=x\n",
	    "a=1\nb=2\nc=3\nd=4\ne=5\nf=6\ng=7\nh=8\ni=9\nj=10\n" };
	struct fields f;
	size_t i;

	for (i = 0; i < COUNT(texts); i++) {
		fields_parse(&f, texts[i]);
		CU_ASSERT(f.count <= LIMIT_FIELDS);
		CU_ASSERT_PTR_NULL(fields_get(&f, "i"));
	}
	CU_ASSERT_EQUAL(f.count, LIMIT_FIELDS);
}

static void
a_value_is_looked_at_whenever_it_counts(void)
{
	static const char *const bad[] = { "", "evil.example", "../",
	    "a.shops.example/", "a.shops.example@evil.example",
	    "a.shops.example:1", "a.shops.example#", "a.shops.example\n",
	    "a.shops.example\r\nX: y", "127.0.0.1", "\xc3\xa4.shops.example",
	    "\xff.shops.example", "A.shops.example" };
	struct conf *c = shop_conf();
	const struct provider *p = conf_provider(c, "p");
	struct buf url = BUF_INIT(LIMIT_URL);
	struct fields f;
	size_t i;

	logcatch_begin();
	for (i = 0; i < COUNT(bad); i++) {
		f.count = 0;
		CU_ASSERT_FALSE(fields_set(&f, provider_field(p, "shop"),
		    bad[i]));
		CU_ASSERT_EQUAL(f.count, 0);
		/* As if somebody had put it into the database. */
		f.count = 1;
		snprintf(f.list[0].name, sizeof(f.list[0].name), "shop");
		snprintf(f.list[0].value, sizeof(f.list[0].value), "%s",
		    bad[i]);
		CU_ASSERT_FALSE(fields_expand(&f, p, p->token_url, &url));
		buf_clear(&url);
	}
	CU_ASSERT_TRUE(logcatch_has("provider p: its field shop has a value "
	    "that its pattern does not take"));
	CU_ASSERT_FALSE(logcatch_has("evil"));
	log_stream(NULL, NULL);
	conf_free(c);
}

static void
an_address_is_made_of_them(void)
{
	struct conf *c = shop_conf();
	const struct provider *p = conf_provider(c, "p");
	struct buf url = BUF_INIT(LIMIT_URL);
	struct fields f = { .count = 0 };

	logcatch_begin();
	CU_ASSERT_FALSE(fields_expand(&f, p, p->token_url, &url));
	CU_ASSERT_TRUE(logcatch_has("its field shop has no value"));
	buf_reset(&url);
	CU_ASSERT_TRUE(fields_set(&f, provider_field(p, "shop"),
	    "a.shops.example"));
	CU_ASSERT_TRUE(fields_expand(&f, p, p->token_url, &url));
	CU_ASSERT_STRING_EQUAL(buf_cstr(&url), "https://a.shops.example/token");
	buf_reset(&url);
	CU_ASSERT_TRUE(fields_set(&f, provider_field(p, "id"), "a b?#%"));
	CU_ASSERT_TRUE(fields_expand(&f, p, p->refresh_url, &url));
	CU_ASSERT_STRING_EQUAL(buf_cstr(&url),
	    "https://a.shops.example/a%20b%3F%23%25/refresh");
	buf_reset(&url);
	CU_ASSERT_TRUE(fields_set(&f, provider_field(p, "id"), ".."));
	CU_ASSERT_FALSE(fields_expand(&f, p, p->refresh_url, &url));
	buf_reset(&url);
	CU_ASSERT_TRUE(fields_expand(&f, p, "https://plain.example/", &url));
	CU_ASSERT_STRING_EQUAL(buf_cstr(&url), "https://plain.example/");
	buf_clear(&url);
	log_stream(NULL, NULL);
	conf_free(c);
}

static void
only_what_is_declared_is_merged_and_told(void)
{
	struct conf *c = shop_conf();
	const struct provider *p = conf_provider(c, "p");
	struct fields f, more;
	struct buf json = BUF_INIT(1024);

	fields_parse(&f, "gone=1\nshop=a.shops.example\nid=1\n");
	fields_parse(&more, "id=2\nshop=evil.example\nother=3\nfree=4\n");
	fields_merge(&f, p, &more);
	CU_ASSERT_STRING_EQUAL(fields_get(&f, "id"), "2");
	CU_ASSERT_STRING_EQUAL(fields_get(&f, "free"), "4");
	CU_ASSERT_PTR_NULL(fields_get(&f, "gone"));
	CU_ASSERT_PTR_NULL(fields_get(&f, "other"));
	/* A value that is not good does not take the place of one that is. */
	CU_ASSERT_STRING_EQUAL(fields_get(&f, "shop"), "a.shops.example");
	fields_parse(&f, "gone=1\nid=\"2\"\n");
	fields_json(&f, p, &json);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&json), "\"id\":\"\\\"2\\\"\"");
	buf_reset(&json);
	fields_json(&f, NULL, &json);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&json),
	    "\"gone\":\"1\",\"id\":\"\\\"2\\\"\"");
	buf_clear(&json);
	conf_free(c);
}

static void
where_a_made_url_may_lead(void)
{
	static const struct {
		const char	*url;
		bool		 may, for_tests;
	} rows[] = {
		{ "https://a.example/", true, true },
		{ "https://a.example:8443/x?y=z", true, true },
		{ "https://localhost/", false, true },
		{ "https://localhost.evil.example/", false, false },
		{ "https://127.0.0.1/", false, true },
		{ "http://127.0.0.1:80/", false, true },
		{ "http://localhost/", false, true },
		{ "http://a.example/", false, false },
		{ "https://10.0.0.1/", false, false },
		{ "https://8.8.8.8/", false, false },
		{ "https://8.8.8.8:443/", false, false },
		{ "https://[::1]/", false, true },
		{ "https://[2606:4700::1111]/", false, false },
		{ "https://1/", false, false },
		{ "https://0x7f.1/", false, false },
		{ "https://a.example/#x", false, false },
		{ "https://u@a.example/", false, false },
		{ "ftp://a.example/", false, false },
		{ "", false, false },
	};
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		if (conf_url_may_visit(rows[i].url, false) == rows[i].may &&
		    conf_url_may_visit(rows[i].url, true) == rows[i].for_tests)
			continue;
		fprintf(stderr, "    %s\n", rows[i].url);
		CU_FAIL("a URL is judged wrongly");
	}
}

static const struct test tests[] = {
	{ "a field is read with all it has", a_field_is_read_with_all_it_has },
	{ "a wrong field is told at its line",
	    a_wrong_field_is_told_at_its_line },
	{ "a URL with a wrong field is refused",
	    a_url_with_a_wrong_field_is_refused },
	{ "a section changes a field of its preset",
	    a_section_changes_a_field_of_its_preset },
	{ "lists and sections do not move a line",
	    lists_and_sections_do_not_move_a_line },
	{ "values go to text and back", values_go_to_text_and_back },
	{ "the longest values fit", the_longest_values_fit },
	{ "what a row should not hold is left out",
	    what_a_row_should_not_hold_is_left_out },
	{ "a value is looked at whenever it counts",
	    a_value_is_looked_at_whenever_it_counts },
	{ "an address is made of them", an_address_is_made_of_them },
	{ "only what is declared is merged and told",
	    only_what_is_declared_is_merged_and_told },
	{ "where a made URL may lead", where_a_made_url_may_lead },
};

TESTS_MAIN("fields", tests)
