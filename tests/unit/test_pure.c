/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64url.h"
#include "harness.h"
#include "params.h"
#include "request.h"
#include "response.h"
#include "urlenc.h"

#define SECRET "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"	/* 43 */

/* ---- base64url -------------------------------------------------------- */

static void
base64url_takes_one_form_only(void)
{
	static const struct {
		const char *text;
		size_t len;
		bool ok;
	} rows[] = {
		{ "", 0, true },
		{ "Zg", 1, true }, { "Zm8", 2, true }, { "Zm9v", 3, true },
		{ "__-_", 3, true },
		{ "Zh", 1, false },		/* unused bits */
		{ "Zm9", 2, false },
		{ "Zg==", 1, false }, { "Zm8=", 2, false },
		{ "Zg", 2, false }, { "Zg", 0, false }, { "Z", 0, false },
		{ "Zm9v", 2, false }, { "Zm9vZ", 3, false },
		{ "//+/", 3, false }, { "Zm 9", 3, false },
		{ "Zm9\n", 3, false }, { "Zm9\xc3", 3, false },
	};
	unsigned char out[8];
	char text[BASE64URL_LEN(3) + 1];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(out, 0xee, sizeof(out));
		CU_ASSERT_EQUAL(base64url_decode(rows[i].text,
		    strlen(rows[i].text), out, rows[i].len), rows[i].ok);
		if (!rows[i].ok && rows[i].len > 0)
			CU_ASSERT_EQUAL(out[0], 0);	/* wiped */
		CU_ASSERT_EQUAL(out[rows[i].len], 0xee);
	}
	base64url_encode("\xff\xfe\xff", 3, text);
	CU_ASSERT_STRING_EQUAL(text, "__7_");
	base64url_encode("f", 1, text);
	CU_ASSERT_STRING_EQUAL(text, "Zg");
	base64url_encode("", 0, text);
	CU_ASSERT_STRING_EQUAL(text, "");
}

static void
a_secret_is_43_canonical_characters(void)
{
	CU_ASSERT_EQUAL(SECRET_CHARS, 43);
	CU_ASSERT_TRUE(base64url_is_secret(SECRET));
	CU_ASSERT_FALSE(base64url_is_secret(NULL));
	CU_ASSERT_FALSE(base64url_is_secret(""));
	CU_ASSERT_FALSE(base64url_is_secret(SECRET "A"));
	CU_ASSERT_FALSE(base64url_is_secret(SECRET "="));
	CU_ASSERT_FALSE(base64url_is_secret(&SECRET[1]));
	/* The last character has two unused bits. */
	CU_ASSERT_FALSE(base64url_is_secret(
	    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9"));
}

static void
basic_is_padded(void)
{
	struct buf b = BUF_INIT(64);

	base64_add(&b, "f", 1);
	base64_add(&b, "fo", 2);
	base64_add(&b, "\xff\xff\xfe", 3);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&b), "Zg==Zm8=///+");
	buf_clear(&b);
}

/* ---- urlenc and params ------------------------------------------------ */

static void
percent_encoding_leaves_unreserved_alone(void)
{
	struct buf b = BUF_INIT(128);
	char out[32];

	urlenc_add(&b, "AZaz09-._~");
	CU_ASSERT_STRING_EQUAL(buf_cstr(&b), "AZaz09-._~");
	buf_reset(&b);
	urlenc_add(&b, " +&=/?#%\"\r\n\xc3\xa9");
	CU_ASSERT_STRING_EQUAL(buf_cstr(&b),
	    "%20%2B%26%3D%2F%3F%23%25%22%0D%0A%C3%A9");
	buf_reset(&b);
	urlenc_pair(&b, "a b", "1&2");
	urlenc_pair(&b, "c", "");
	CU_ASSERT_STRING_EQUAL(buf_cstr(&b), "a%20b=1%262&c=");
	buf_reset(&b);
	buf_str(&b, "/x?");
	urlenc_pair(&b, "a", "b");
	CU_ASSERT_STRING_EQUAL(buf_cstr(&b), "/x?a=b");
	buf_clear(&b);

	CU_ASSERT_TRUE(urlenc_decode_form("a+b%2bc", 7, out));
	CU_ASSERT_STRING_EQUAL(out, "a b+c");
	CU_ASSERT_FALSE(urlenc_decode_form("a%2", 3, out));
	CU_ASSERT_FALSE(urlenc_decode_form("a%", 2, out));
	CU_ASSERT_FALSE(urlenc_decode_form("%g1", 3, out));
	CU_ASSERT_FALSE(urlenc_decode_form("a%00", 4, out));
	CU_ASSERT_FALSE(urlenc_decode_form("a\0b", 3, out));
	CU_ASSERT_EQUAL(urlenc_decode_lenient("%41%4%zz%00+", 12, out), 8);
	CU_ASSERT_EQUAL(memcmp(out, "A%4%zz\0+", 8), 0);
}

static enum err
parse(struct params *p, const char *text)
{
	memset(p, 0, sizeof(*p));
	return params_parse(p, text, strlen(text), false);
}

static void
parameters_keep_order_and_doubles(void)
{
	struct params p;

	CU_ASSERT_EQUAL(parse(&p, "a=1&&b&=x&a=2&c=%3D%26&d=="), ERR_OK);
	CU_ASSERT_EQUAL(p.count, 6);
	CU_ASSERT_STRING_EQUAL(params_get(&p, "a"), "1");
	CU_ASSERT_STRING_EQUAL(params_get(&p, "b"), "");
	CU_ASSERT_STRING_EQUAL(params_get(&p, ""), "x");
	CU_ASSERT_STRING_EQUAL(params_get(&p, "c"), "=&");
	CU_ASSERT_STRING_EQUAL(params_get(&p, "d"), "=");
	CU_ASSERT_PTR_NULL(params_get(&p, "A"));
	CU_ASSERT_TRUE(params_twice(&p, "a"));
	CU_ASSERT_FALSE(params_twice(&p, "b"));
	CU_ASSERT_FALSE(params_twice(&p, "nowhere"));
	/* Once in the query and once in the body is twice. */
	CU_ASSERT_EQUAL(params_parse(&p, "b=y&e=z", 7, true), ERR_OK);
	CU_ASSERT_TRUE(params_twice(&p, "b"));
	CU_ASSERT_FALSE(p.list[0].from_body);
	CU_ASSERT_TRUE(p.list[7].from_body);
	params_clear(&p);
	CU_ASSERT_EQUAL(p.count, 0);
	CU_ASSERT_EQUAL(parse(&p, "%61=1&a=2"), ERR_OK);
	CU_ASSERT_TRUE(params_twice(&p, "a"));
	params_clear(&p);
}

static void
malformed_parameters_are_refused(void)
{
	static const char *const bad[] = {
		"a=%", "a=%4", "a=%zz", "%=1", "a=1&b=%0", "a=%00", "%00=a",
		"a=b%00c",
	};
	char many[4 * LIMIT_PARAMS + 8];
	struct params p;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CU_ASSERT_EQUAL(parse(&p, bad[i]), ERR_INPUT);
		params_clear(&p);
	}
	memset(&p, 0, sizeof(p));
	CU_ASSERT_EQUAL(params_parse(&p, "a=b\0c", 5, false), ERR_INPUT);
	params_clear(&p);
	for (i = 0; i <= LIMIT_PARAMS; i++)
		memcpy(many + 4 * i, "a=b&", 5);
	CU_ASSERT_EQUAL(parse(&p, many), ERR_INPUT);
	params_clear(&p);
	many[4 * LIMIT_PARAMS] = '\0';
	CU_ASSERT_EQUAL(parse(&p, many), ERR_OK);
	CU_ASSERT_EQUAL(p.count, LIMIT_PARAMS);
	/* The limit is of query and body together. */
	CU_ASSERT_EQUAL(params_parse(&p, "c", 1, true), ERR_INPUT);
	params_clear(&p);
}

/* ---- requests --------------------------------------------------------- */

/* 0, or the status that the request is refused with. */
static int
init_with(struct request *r, const char *name, const char *value)
{
	static char variable[LIMIT_COOKIE + LIMIT_QUERY];
	static char get[] = "REQUEST_METHOD=GET";
	char *const env[] = { get, variable, NULL };
	int status = 0;

	/* It must stay good as long as the request. */
	snprintf(variable, sizeof(variable), "%s=%s", name, value);
	return request_init(r, env, &status) == ERR_OK ? 0 : status;
}

static int
init_long(const char *name, size_t len)
{
	char *value = malloc(len + 1);
	struct request r;
	int status;

	CU_ASSERT_PTR_NOT_NULL_FATAL(value);
	memset(value, 'a', len);
	value[len] = '\0';
	status = init_with(&r, name, value);
	request_clear(&r);
	free(value);
	return status;
}

static void
requests_past_a_limit_are_refused(void)
{
	static const char *const headers[] = {
		"HTTP_HOST", "HTTP_ORIGIN", "HTTP_REFERER", "HTTP_ACCEPT",
		"HTTP_AUTHORIZATION", "HTTP_X_OAUTH_CGI_KEY", "PATH_INFO",
		"REMOTE_USER", "REMOTE_ADDR", "CONTENT_TYPE",
		"HTTP_SEC_FETCH_SITE", "HTTP_SEC_PURPOSE",
	};
	static const char *const lengths[] = {
		"-1", "+1", "1e3", "0x10", "1 ", " 1", "1,1", "abc",
	};
	struct request r;
	size_t i;

	CU_ASSERT_EQUAL(init_long("QUERY_STRING", LIMIT_QUERY), 0);
	CU_ASSERT_EQUAL(init_long("QUERY_STRING", LIMIT_QUERY + 1), 414);
	CU_ASSERT_EQUAL(init_long("HTTP_COOKIE", LIMIT_COOKIE), 0);
	CU_ASSERT_EQUAL(init_long("HTTP_COOKIE", LIMIT_COOKIE + 1), 400);
	for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		CU_ASSERT_EQUAL(init_long(headers[i], LIMIT_HEADER), 0);
		CU_ASSERT_EQUAL(init_long(headers[i], LIMIT_HEADER + 1), 400);
	}
	CU_ASSERT_EQUAL(init_with(&r, "CONTENT_LENGTH", "65536"), 0);
	CU_ASSERT_EQUAL(r.content_length, LIMIT_BODY);
	CU_ASSERT_EQUAL(init_with(&r, "CONTENT_LENGTH", "65537"), 413);
	CU_ASSERT_EQUAL(init_with(&r, "CONTENT_LENGTH",
	    "18446744073709551617"), 413);
	CU_ASSERT_EQUAL(init_with(&r, "CONTENT_LENGTH", ""), 0);
	CU_ASSERT_EQUAL(r.content_length, 0);
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		CU_ASSERT_EQUAL(init_with(&r, "CONTENT_LENGTH", lengths[i]),
		    400);
}

static void
empty_variables_are_missing(void)
{
	static const struct {
		const char *name;
		enum method method;
	} methods[] = {
		{ "GET", METHOD_GET }, { "HEAD", METHOD_HEAD },
		{ "POST", METHOD_POST }, { "get", METHOD_OTHER },
		{ "PUT", METHOD_OTHER }, { "", METHOD_OTHER },
	};
	struct request r;
	size_t i;

	CU_ASSERT_EQUAL(init_with(&r, "REMOTE_USER", ""), 0);
	CU_ASSERT_PTR_NULL(r.remote_user);
	CU_ASSERT_STRING_EQUAL(r.query, "");
	CU_ASSERT_STRING_EQUAL(r.path_info, "");
	/* Its older name. */
	CU_ASSERT_EQUAL(init_with(&r, "HTTP_PURPOSE", "prefetch"), 0);
	CU_ASSERT_STRING_EQUAL_FATAL(r.purpose, "prefetch");
	/* Only whole names, and of two with the same the first. */
	CU_ASSERT_EQUAL(init_with(&r, "HTTP_HOST2", "shop.example"), 0);
	CU_ASSERT_PTR_NULL(r.host);
	CU_ASSERT_EQUAL(init_with(&r, "REQUEST_METHOD", "POST"), 0);
	CU_ASSERT_EQUAL(r.method, METHOD_GET);
	CU_ASSERT_TRUE(request_left_ms(&r) > 0);
	r.started_ms -= 1000 * (BUDGET_REQUEST + 1);
	CU_ASSERT_EQUAL(request_left_ms(&r), 0);
	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		char variable[32];
		char *const env[] = { variable, NULL };
		int status;

		snprintf(variable, sizeof(variable), "REQUEST_METHOD=%s",
		    methods[i].name);
		CU_ASSERT_EQUAL(request_init(&r, env, &status), ERR_OK);
		CU_ASSERT_EQUAL(r.method, methods[i].method);
	}
}

static int
parse_body(const char *type, const char *query, const char *body)
{
	struct request r;
	int status = 0;
	enum err e;

	memset(&r, 0, sizeof(r));
	r.method = METHOD_POST;
	r.content_type = type;
	r.query = query;
	e = request_parse(&r, body, strlen(body), &status);
	request_clear(&r);
	return e == ERR_OK ? 0 : status;
}

static void
only_form_bodies_are_parsed(void)
{
#define FORM "application/x-www-form-urlencoded"
	CU_ASSERT_EQUAL(parse_body(FORM, "", "a=b"), 0);
	CU_ASSERT_EQUAL(parse_body(FORM "; charset=utf-8", "x=y", "a=b"), 0);
	CU_ASSERT_EQUAL(parse_body("Application/X-WWW-Form-URLencoded", "",
	    "a=b"), 0);
	CU_ASSERT_EQUAL(parse_body(FORM "x", "", "a=b"), 415);
	CU_ASSERT_EQUAL(parse_body("application/json", "", "{}"), 415);
	CU_ASSERT_EQUAL(parse_body(NULL, "", "a=b"), 415);
	CU_ASSERT_EQUAL(parse_body(NULL, "", ""), 0);
	CU_ASSERT_EQUAL(parse_body(FORM, "", "a=%"), 400);
	CU_ASSERT_EQUAL(parse_body(FORM, "a=%", "a=b"), 400);
}

static void
cookies_are_found_by_their_whole_name(void)
{
	static const struct {
		const char *header;
		bool found;
	} rows[] = {
		{ "n=" SECRET, true },
		{ "a=b; n=" SECRET, true },
		{ "a=b;n=" SECRET "; c=d", true },
		{ "n=short; n=" SECRET, true },
		{ ";; n=" SECRET, true },
		{ NULL, false }, { "", false }, { "n", false }, { "n=", false },
		{ "xn=" SECRET, false }, { "N=" SECRET, false },
		{ "a=n=" SECRET, false }, { "n=\"" SECRET "\"", false },
		{ "n=" SECRET "A", false }, { "n=x" SECRET, false },
		{ "n =" SECRET, false },
		{ "n=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9", false },
	};
	char out[SECRET_CHARS + 1];
	struct request r;
	size_t i;

	memset(&r, 0, sizeof(r));
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r.cookie = rows[i].header;
		CU_ASSERT_EQUAL(request_cookie(&r, "n", out), rows[i].found);
		CU_ASSERT_STRING_EQUAL(out, rows[i].found ? SECRET : "");
	}
}

static void
json_is_for_who_asks_for_it(void)
{
	static const struct {
		const char *accept;
		bool json;
	} rows[] = {
		{ "application/json", true },
		{ "Application/JSON; q=0.9", true },
		{ "application/json,text/html", true },
		{ "text/plain, application/json", true },
		{ "text/html,application/json", false },
		{ "text/html", false }, { "*/*", false }, { "", false },
		{ "application/jsonp", false }, { NULL, false },
	};
	struct request r;
	size_t i;

	memset(&r, 0, sizeof(r));
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r.accept = rows[i].accept;
		CU_ASSERT_EQUAL(request_wants_json(&r), rows[i].json);
	}
}

/* ---- responses -------------------------------------------------------- */

static unsigned
times(const char *text, const char *words)
{
	unsigned n = 0;

	while ((text = strstr(text, words)) != NULL) {
		text += strlen(words);
		n++;
	}
	return n;
}

static void
every_response_has_its_headers_once(void)
{
	struct buf out = BUF_INIT(4096);
	struct response r;
	const char *s;

	response_init(&r);
	r.type = RESPONSE_HTML;
	r.style_hash = "'sha256-x'";
	buf_str(&r.body, "<p>hi");
	response_write(&r, &out);
	s = buf_cstr(&out);
	CU_ASSERT_EQUAL(strncmp(s, "Status: 200 OK\r\n", 16), 0);
	CU_ASSERT_EQUAL(times(s, "Status:"), 1);
	CU_ASSERT_EQUAL(times(s, "Cache-Control: no-store\r\n"), 1);
	CU_ASSERT_EQUAL(times(s, "Referrer-Policy: no-referrer\r\n"), 1);
	CU_ASSERT_EQUAL(times(s, "X-Content-Type-Options: nosniff\r\n"), 1);
	CU_ASSERT_EQUAL(times(s, "Content-Security-Policy: default-src 'none';"
	    " style-src 'sha256-x'; frame-ancestors 'none'; base-uri 'none'"
	    "\r\n"), 1);
	CU_ASSERT_EQUAL(times(s, "Content-Length: 5\r\n"), 1);
	CU_ASSERT_EQUAL(times(s, "\r\n\r\n<p>hi"), 1);
	CU_ASSERT_EQUAL(times(s, "Location:") + times(s, "Set-Cookie:") +
	    times(s, "Allow:") + times(s, "Retry-After:") +
	    times(s, "WWW-Authenticate:"), 0);

	response_reset(&r);
	buf_reset(&out);
	r.type = RESPONSE_JSON;
	r.status = 401;
	r.retry_after = 2;
	r.allow = "POST";
	buf_str(&r.cookie, "a=b");
	buf_str(&r.body, "{}");
	r.head = true;
	response_write(&r, &out);
	s = buf_cstr(&out);
	CU_ASSERT_EQUAL(times(s, "Status: 401 Unauthorized\r\n"), 1);
	CU_ASSERT_EQUAL(times(s, "WWW-Authenticate: Bearer\r\n"), 1);
	CU_ASSERT_EQUAL(times(s, "Retry-After: 2\r\n"), 1);
	CU_ASSERT_EQUAL(times(s, "Allow: POST\r\n"), 1);
	CU_ASSERT_EQUAL(times(s, "Set-Cookie: a=b\r\n"), 1);
	CU_ASSERT_EQUAL(times(s, "Content-Type: application/json\r\n"), 1);
	CU_ASSERT_EQUAL(times(s, "Content-Security-Policy"), 0);
	CU_ASSERT_EQUAL(times(s, "{}"), 0);		/* head only */
	CU_ASSERT_STRING_EQUAL(s + strlen(s) - 4, "\r\n\r\n");
	response_clear(&r);
	buf_clear(&out);
}

static void
a_location_can_not_begin_a_header(void)
{
	struct buf out = BUF_INIT(4096);
	struct response r;

	response_init(&r);
	response_redirect(&r, "https://old.example/");
	response_redirect(&r, "https://a.example/\r\nX: y\t\x7f\xc3\xa9?a=%41");
	response_write(&r, &out);
	CU_ASSERT_EQUAL(r.status, 303);
	CU_ASSERT_EQUAL(times(buf_cstr(&out), "Location:"), 1);
	CU_ASSERT_EQUAL(times(buf_cstr(&out), "Location: https://a.example/"
	    "%0D%0AX:%20y%09%7F%C3%A9?a=%41\r\n"), 1);
	CU_ASSERT_EQUAL(times(buf_cstr(&out), "\nX:"), 0);
	CU_ASSERT_STRING_EQUAL(response_reason(303), "See Other");
	CU_ASSERT_STRING_EQUAL(response_reason(599), "Error");
	response_clear(&r);
	buf_clear(&out);
}

static const struct test tests[] = {
	{ "base64url has one form", base64url_takes_one_form_only },
	{ "a secret is 43 canonical characters",
	    a_secret_is_43_canonical_characters },
	{ "Basic is padded", basic_is_padded },
	{ "percent encoding, and back",
	    percent_encoding_leaves_unreserved_alone },
	{ "parameters keep order and doubles",
	    parameters_keep_order_and_doubles },
	{ "malformed or too many parameters are refused",
	    malformed_parameters_are_refused },
	{ "requests past a limit are refused",
	    requests_past_a_limit_are_refused },
	{ "empty variables are missing", empty_variables_are_missing },
	{ "only form bodies are parsed", only_form_bodies_are_parsed },
	{ "cookies are found by their whole name",
	    cookies_are_found_by_their_whole_name },
	{ "JSON is for who asks for it", json_is_for_who_asks_for_it },
	{ "every response has its headers, once",
	    every_response_has_its_headers_once },
	{ "a Location can't begin a header",
	    a_location_can_not_begin_a_header },
};

TESTS_MAIN("pure", tests)
