/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64url.h"
#include "harness.h"

#define JSON	"application/json"
#define FORM	"application/x-www-form-urlencoded"
#define HTML	"text/html; charset=utf-8"
#define PAGE	"<html><body>Forbidden</body></html>"

static char *dead_words[] = { (char *)"token_revoked", (char *)"gone" };

static char *client_words[] = { (char *)"bad_client_secret",
    (char *)"invalid_code" };
static char token_path[] = "/authed_user", error_path[] = "/status";

static const struct provider usual = {
	.dead_errors = { dead_words, 2 },
	.expires_default = 1234,
};
/* One that needs every switch that reading an answer has. */
static const struct provider special = {
	.dead_errors = { dead_words, 2 },
	.client_errors = { client_words, 2 },
	.expires_default = 1234,
	.token_path = token_path,
	.error_path = error_path,
	.scope_separator = ',',
};
static const struct provider *provider = &usual;

/* What the provider answered, as httpc hands it over, and what it means. */
static void
read_answer(struct token_answer *out, int status, const char *type,
    int64_t retry_after, const char *body, size_t len)
{
	struct httpc_answer a;

	httpc_answer_init(&a);
	a.outcome = HTTPC_ANSWERED;
	a.status = status;
	a.retry_after = retry_after;
	snprintf(a.content_type, sizeof(a.content_type), "%s", type);
	buf_add(&a.body, body, len);
	CU_ASSERT_FALSE_FATAL(buf_failed(&a.body));
	token_read(provider, &a, out);
	httpc_answer_clear(&a);
}

static void
read_json(struct token_answer *out, const char *body)
{
	read_answer(out, 200, JSON, -1, body, strlen(body));
}

static void
should(bool ok, const char *what, int status, const char *body, int line)
{
	char message[512];

	snprintf(message, sizeof(message), "%s of %d %.300s", what, status,
	    body);
	CU_assertImplementation(ok, (unsigned)line, message, __FILE__, "",
	    CU_FALSE);
}

/* ---- what kind of answer it is ---------------------------------------- */

struct row {
	int		 status;
	const char	*type;
	int64_t		 retry_after;
	const char	*body;
	enum answer	 answer;
	const char	*error;
	bool		 kills;
	bool		 reached;
};

#define ERROR(word) "{\"error\":\"" word "\"}"

static void
check(const struct row *rows, size_t n)
{
	struct token_answer t;
	size_t i;

	token_answer_init(&t);
	for (i = 0; i < n; i++) {
		const struct row *r = &rows[i];

		read_answer(&t, r->status, r->type, r->retry_after, r->body,
		    strlen(r->body));
		should(t.answer == r->answer, "class", r->status, r->body,
		    __LINE__);
		should(strcmp(t.error, r->error) == 0, "error", r->status,
		    r->body, __LINE__);
		should(t.kills == r->kills, "kills", r->status, r->body,
		    __LINE__);
		should(t.reached == r->reached, "reached", r->status, r->body,
		    __LINE__);
		should(t.retry_after ==
		    (r->retry_after > 0 ? r->retry_after : 0), "wait",
		    r->status, r->body, __LINE__);
		should((t.answer == ANSWER_OK) == (t.token.access.len > 0),
		    "token", r->status, r->body, __LINE__);
	}
	token_answer_clear(&t);
}

#define CHECK(rows) check(rows, sizeof(rows) / sizeof((rows)[0]))

static void
the_error_decides_below_500(void)
{
	static const struct row rows[] = {
		{ 400, JSON, -1, ERROR("invalid_grant"),
		    ANSWER_DEAD, "invalid_grant", false, true },
		{ 401, JSON, -1, ERROR("invalid_grant"),
		    ANSWER_DEAD, "invalid_grant", false, true },
		{ 403, JSON, -1, ERROR("invalid_grant"),
		    ANSWER_DEAD, "invalid_grant", false, true },
		{ 200, JSON, -1, ERROR("invalid_grant"),
		    ANSWER_DEAD, "invalid_grant", false, true },
		{ 400, HTML, -1, ERROR("invalid_grant"),
		    ANSWER_DEAD, "invalid_grant", false, true },
		{ 400, "", -1, ERROR("invalid_grant"),
		    ANSWER_DEAD, "invalid_grant", false, true },
		{ 400, FORM, -1, "error=invalid_grant&error_description=x+y",
		    ANSWER_DEAD, "invalid_grant", false, true },
		{ 400, JSON, -1, ERROR("invalid_code"),
		    ANSWER_DEAD, "invalid_code", false, true },
		{ 200, FORM, -1, "error=bad_refresh_token",
		    ANSWER_DEAD, "bad_refresh_token", false, true },
		{ 400, JSON, -1, ERROR("interaction_required"),
		    ANSWER_DEAD, "interaction_required", false, true },
		{ 400, JSON, -1, ERROR("login_required"),
		    ANSWER_DEAD, "login_required", false, true },
		{ 400, JSON, -1, ERROR("consent_required"),
		    ANSWER_DEAD, "consent_required", false, true },

		{ 401, JSON, -1, ERROR("invalid_client"),
		    ANSWER_CONFIG, "invalid_client", false, true },
		{ 400, JSON, -1, ERROR("invalid_client"),
		    ANSWER_CONFIG, "invalid_client", false, true },
		{ 403, JSON, -1, ERROR("invalid_client"),
		    ANSWER_CONFIG, "invalid_client", false, true },
		{ 200, JSON, -1, ERROR("invalid_client"),
		    ANSWER_CONFIG, "invalid_client", false, true },
		{ 400, JSON, -1, ERROR("unauthorized_client"),
		    ANSWER_CONFIG, "unauthorized_client", false, true },
		{ 400, JSON, -1, ERROR("unsupported_grant_type"),
		    ANSWER_CONFIG, "unsupported_grant_type", false, true },
		{ 400, JSON, -1, ERROR("invalid_scope"),
		    ANSWER_CONFIG, "invalid_scope", false, true },
	};

	CHECK(rows);
}

static void
the_preset_names_more_dead_errors(void)
{
	static const struct row rows[] = {
		{ 400, JSON, -1, ERROR("token_revoked"),
		    ANSWER_DEAD, "token_revoked", false, true },
		{ 200, JSON, -1, ERROR("gone"),
		    ANSWER_DEAD, "gone", false, true },
		{ 400, JSON, -1, ERROR("token_revoke"),
		    ANSWER_REFUSED, "token_revoke", true, true },
		{ 400, JSON, -1, ERROR("Token_Revoked"),
		    ANSWER_REFUSED, "unknown_error", true, true },
		{ 500, JSON, -1, ERROR("token_revoked"),
		    ANSWER_AMBIGUOUS, "http_500", false, false },
	};

	CHECK(rows);
}

static void
odd_refusals_are_no_reason_by_themselves(void)
{
	static const struct row rows[] = {
		{ 400, "", -1, "",
		    ANSWER_REFUSED, "http_400", true, true },
		{ 400, JSON, -1, "{}",
		    ANSWER_REFUSED, "http_400", true, true },
		{ 400, JSON, -1, ERROR("invalid_request"),
		    ANSWER_REFUSED, "invalid_request", true, true },
		/* What is not a word may be anything, also a secret. */
		{ 400, JSON, -1, ERROR("canary-Rt0k3n"),
		    ANSWER_REFUSED, "unknown_error", true, true },
		{ 400, JSON, -1, "{\"error\":{\"code\":\"invalid_grant\"}}",
		    ANSWER_REFUSED, "http_400", true, true },
		{ 400, JSON, -1, "{\"error\":[\"invalid_grant\"]}",
		    ANSWER_REFUSED, "http_400", true, true },
		{ 400, JSON, -1, "{\"error\":400}",
		    ANSWER_REFUSED, "http_400", true, true },
		{ 400, JSON, -1, "{\"error\":null}",
		    ANSWER_REFUSED, "http_400", true, true },
		{ 400, JSON, -1, "{\"error\":\"\"}",
		    ANSWER_REFUSED, "http_400", true, true },
		{ 400, JSON, -1, "{\"error\":\"invalid_grant\\n\"}",
		    ANSWER_REFUSED, "http_400", true, true },
		{ 400, JSON, -1, "{\"error\":\"invalid_grant\\u0000\"}",
		    ANSWER_REFUSED, "http_400", true, true },
		{ 400, JSON, -1, "[\"invalid_grant\"]",
		    ANSWER_REFUSED, "http_400", true, true },
		{ 400, JSON, -1, "{\"error\":\"invalid_grant\"",
		    ANSWER_REFUSED, "http_400", true, true },
		{ 403, HTML, -1, PAGE,
		    ANSWER_REFUSED, "http_403", true, true },
		{ 404, HTML, -1, PAGE,
		    ANSWER_REFUSED, "http_404", true, true },
		{ 401, HTML, -1, PAGE,
		    ANSWER_REFUSED, "http_401", true, true },
		{ 401, "", -1, "",
		    ANSWER_REFUSED, "http_401", false, true },
		{ 403, "", -1, "",
		    ANSWER_REFUSED, "http_403", true, true },
		{ 302, HTML, -1, "",
		    ANSWER_REFUSED, "http_302", true, true },
		{ 200, JSON, -1, "{}",
		    ANSWER_REFUSED, "no_access_token", true, true },
		{ 200, JSON, -1, "{\"refresh_token\":\"r\"}",
		    ANSWER_REFUSED, "no_access_token", true, true },
		{ 200, JSON, -1, ERROR("odd"),
		    ANSWER_REFUSED, "odd", true, true },
		/* An access token in an error is none. */
		{ 400, JSON, -1, "{\"access_token\":\"a\"}",
		    ANSWER_REFUSED, "http_400", true, true },
	};

	CHECK(rows);
}

static void
later_and_ambiguous_are_told_apart(void)
{
	static const struct row rows[] = {
		{ 429, "", -1, "",
		    ANSWER_LATER, "http_429", false, false },
		{ 429, "", 30, "",
		    ANSWER_LATER, "http_429", false, false },
		{ 429, JSON, 30, ERROR("slow_down"),
		    ANSWER_LATER, "slow_down", false, false },
		{ 429, HTML, 30, PAGE,
		    ANSWER_LATER, "http_429", false, false },
		{ 503, HTML, 120, PAGE,
		    ANSWER_LATER, "http_503", false, false },
		{ 503, "", 0, "",
		    ANSWER_LATER, "http_503", false, false },
		{ 500, "", 5, "",
		    ANSWER_LATER, "http_500", false, false },
		{ 400, JSON, -1, ERROR("temporarily_unavailable"),
		    ANSWER_LATER, "temporarily_unavailable", false, true },

		{ 500, "", -1, "",
		    ANSWER_AMBIGUOUS, "http_500", false, false },
		{ 502, HTML, -1, PAGE,
		    ANSWER_AMBIGUOUS, "http_502", false, false },
		{ 503, HTML, -1, PAGE,
		    ANSWER_AMBIGUOUS, "http_503", false, false },
		{ 504, "", -1, "",
		    ANSWER_AMBIGUOUS, "http_504", false, false },
		/* A definite word of a server that is not well. */
		{ 500, JSON, -1, ERROR("invalid_grant"),
		    ANSWER_AMBIGUOUS, "http_500", false, false },
		{ 500, JSON, -1, "{\"access_token\":\"a\"}",
		    ANSWER_AMBIGUOUS, "http_500", false, false },
		{ 200, "", -1, "",
		    ANSWER_AMBIGUOUS, "unreadable", false, true },
		{ 200, HTML, -1, PAGE,
		    ANSWER_AMBIGUOUS, "unreadable", false, true },
		{ 200, JSON, -1, "{\"access_token\":\"a\"",
		    ANSWER_AMBIGUOUS, "unreadable", false, true },
		{ 200, JSON, -1, "{\"access_token\":\"a\"}{",
		    ANSWER_AMBIGUOUS, "unreadable", false, true },
		{ 200, JSON, -1, "access_token=a",
		    ANSWER_AMBIGUOUS, "unreadable", false, true },
		{ 200, FORM, -1, "access_token=%zz",
		    ANSWER_AMBIGUOUS, "unreadable", false, true },
	};

	CHECK(rows);
}

static void
what_never_came_back_is_not_read(void)
{
	struct token_answer t;
	struct httpc_answer a;

	token_answer_init(&t);
	httpc_answer_init(&a);
	buf_str(&a.body, "{\"access_token\":\"a\"}");
	a.status = 200;
	a.outcome = HTTPC_NOT_SENT;
	token_read(provider, &a, &t);
	CU_ASSERT_EQUAL(t.answer, ANSWER_NOT_SENT);
	CU_ASSERT_FALSE(t.reached);
	CU_ASSERT_FALSE(t.kills);
	a.outcome = HTTPC_AMBIGUOUS;
	token_read(provider, &a, &t);
	CU_ASSERT_EQUAL(t.answer, ANSWER_AMBIGUOUS);
	CU_ASSERT_FALSE(t.reached);
	CU_ASSERT_EQUAL(t.token.access.len, 0);
	httpc_answer_clear(&a);
	token_answer_clear(&t);
}

/* ---- tokens ----------------------------------------------------------- */

static void
a_full_answer_is_read(void)
{
	static const char form[] = "access_token=a%2Bb&refresh_token=r&"
	    "token_type=bearer&expires_in=3600&scope=read+write&x=y";
	struct token_answer t;

	token_answer_init(&t);
	read_json(&t, " {\"access_token\":\"a.b-c\",\"refresh_token\":\"r\","
	    "\"id_token\":\"i\",\"token_type\":\"Bearer\",\"expires_in\":3600,"
	    "\"scope\":\"read write\",\"account\":{\"id\":[1,2]}}\n");
	CU_ASSERT_EQUAL(t.answer, ANSWER_OK);
	CU_ASSERT_STRING_EQUAL(t.error, "");
	CU_ASSERT_TRUE(t.reached);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&t.token.access), "a.b-c");
	CU_ASSERT_STRING_EQUAL(buf_cstr(&t.token.refresh), "r");
	CU_ASSERT_STRING_EQUAL(buf_cstr(&t.token.id_token), "i");
	CU_ASSERT_STRING_EQUAL(t.token.type, "Bearer");
	CU_ASSERT_STRING_EQUAL(t.token.scope, "read write");
	CU_ASSERT_TRUE(t.token.has_scope);
	CU_ASSERT_EQUAL(t.token.expires_in, 3600);

	read_answer(&t, 200, FORM "; charset=utf-8", -1, form,
	    sizeof(form) - 1);
	CU_ASSERT_EQUAL(t.answer, ANSWER_OK);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&t.token.access), "a+b");
	CU_ASSERT_STRING_EQUAL(buf_cstr(&t.token.refresh), "r");
	CU_ASSERT_EQUAL(t.token.id_token.len, 0);	/* not the old one */
	CU_ASSERT_STRING_EQUAL(t.token.type, "Bearer");
	CU_ASSERT_STRING_EQUAL(t.token.scope, "read write");
	CU_ASSERT_EQUAL(t.token.expires_in, 3600);

	read_answer(&t, 201, "text/plain", -1, "access_token=a", 14);
	CU_ASSERT_EQUAL(t.answer, ANSWER_OK);
	CU_ASSERT_FALSE(t.token.has_scope);
	CU_ASSERT_EQUAL(t.token.expires_in, 1234);
	/* JSON, whatever it says it is. */
	read_answer(&t, 200, FORM, -1, "{\"access_token\":\"j\"}", 20);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&t.token.access), "j");
	/* An error beside a token is no error. */
	read_json(&t, "\xef\xbb\xbf{\"access_token\":\"a\"}");
	CU_ASSERT_EQUAL(t.answer, ANSWER_OK);
	read_json(&t, "\xef\xbb\xbf\xef\xbb\xbf{\"access_token\":\"a\"}");
	CU_ASSERT_EQUAL(t.answer, ANSWER_AMBIGUOUS);
	read_json(&t, "\xef\xbb\xbf");
	CU_ASSERT_EQUAL(t.answer, ANSWER_AMBIGUOUS);
	read_json(&t, "{\"access_token\":\"a\",\"error\":\"invalid_grant\"}");
	CU_ASSERT_EQUAL(t.answer, ANSWER_OK);
	token_answer_clear(&t);
	CU_ASSERT_EQUAL(t.token.access.len, 0);
}

static void
expires_in_is_read_tolerantly(void)
{
	static const struct {
		const char *value;
		int64_t seconds;
	} rows[] = {
		{ "3600", 3600 },
		{ "\"3600\"", 3600 },
		{ "\"007\"", 7 },
		{ "3600.0", 3600 },
		{ "3599.9", 3599 },
		{ "3.6e3", 3600 },
		{ "1", 1 },
		{ "316224000", 316224000 },	/* ten years */
		{ "316224001", 1234 },
		{ "0", 1234 },
		{ "-1", 1234 },
		{ "-0.5", 1234 },
		{ "\"-1\"", 1234 },
		{ "\"\"", 1234 },
		{ "\"soon\"", 1234 },
		{ "\"3600s\"", 1234 },
		{ "\" 3600\"", 1234 },
		{ "\"3600.0\"", 1234 },
		{ "\"0x10\"", 1234 },
		{ "null", 1234 },
		{ "true", 1234 },
		{ "[3600]", 1234 },
		{ "{\"s\":3600}", 1234 },
		{ "1e300", 1234 },
		{ "9223372036854775807", 1234 },
		{ "9223372036854775808", 1234 },
		{ "99999999999999999999999999", 1234 },
		{ "\"99999999999999999999999999\"", 1234 },
		{ "-99999999999999999999999999", 1234 },
	};
	static const struct {
		const char *body;
		int64_t seconds;
	} forms[] = {
		{ "access_token=a&expires_in=60", 60 },
		{ "access_token=a&expires_in=", 1234 },
		{ "access_token=a&expires_in=-60", 1234 },
		{ "access_token=a&expires_in=60.0", 1234 },
		{ "access_token=a&expires_in=+60", 1234 },
		{ "access_token=a&expires_in=999999999999999999999", 1234 },
	};
	struct token_answer t;
	char body[256];
	size_t i;

	token_answer_init(&t);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(body, sizeof(body), "{\"access_token\":\"a\","
		    "\"expires_in\":%s}", rows[i].value);
		read_json(&t, body);
		should(t.answer == ANSWER_OK && t.token.expires_in ==
		    rows[i].seconds, "expires_in", 200, body, __LINE__);
	}
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		read_answer(&t, 200, FORM, -1, forms[i].body,
		    strlen(forms[i].body));
		should(t.answer == ANSWER_OK && t.token.expires_in ==
		    forms[i].seconds, "expires_in", 200, forms[i].body,
		    __LINE__);
	}
	token_answer_clear(&t);
}

static void
token_types_are_bearer_unless_they_say_otherwise(void)
{
	static const struct {
		const char *member, *type;
	} rows[] = {
		{ "\"token_type\":\"Bearer\"", "Bearer" },
		{ "\"token_type\":\"bearer\"", "Bearer" },
		{ "\"token_type\":\"BEARER\"", "Bearer" },
		{ "\"x\":1", "Bearer" },
		{ "\"token_type\":null", "Bearer" },
		{ "\"token_type\":\"\"", "Bearer" },
		{ "\"token_type\":7", "Bearer" },
		{ "\"token_type\":\"DPoP\"", "DPoP" },
		{ "\"token_type\":\"mac\"", "mac" },
	};
	struct token_answer t;
	char body[128];
	size_t i;

	token_answer_init(&t);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(body, sizeof(body), "{\"access_token\":\"a\",%s}",
		    rows[i].member);
		read_json(&t, body);
		CU_ASSERT_EQUAL(t.answer, ANSWER_OK);
		CU_ASSERT_STRING_EQUAL(t.token.type, rows[i].type);
	}
	token_answer_clear(&t);
}

static void
a_refresh_token_may_be_missing_in_many_ways(void)
{
	static const struct {
		const char *member, *refresh;
	} rows[] = {
		{ "\"refresh_token\":\"r1\"", "r1" },
		{ "\"x\":1", "" },
		{ "\"refresh_token\":null", "" },
		{ "\"refresh_token\":\"\"", "" },
		{ "\"refresh_token\":7", "" },
		{ "\"refresh_token\":false", "" },
		{ "\"refresh_token\":{}", "" },
		{ "\"refresh_token\":[\"r1\"]", "" },
		{ "\"refresh_token\":\"r\\n1\"", "" },
		{ "\"refresh_token\":\"r\\u0000\"", "" },
		{ "\"refresh_token\":\"caf\xc3\xa9\"", "" },
	};
	struct token_answer t;
	char body[128];
	size_t i;

	token_answer_init(&t);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(body, sizeof(body), "{\"access_token\":\"a\",%s}",
		    rows[i].member);
		read_json(&t, body);
		CU_ASSERT_EQUAL(t.answer, ANSWER_OK);
		CU_ASSERT_STRING_EQUAL(buf_cstr(&t.token.refresh),
		    rows[i].refresh);
	}
	token_answer_clear(&t);
}

static void
an_access_token_must_fit_into_a_header(void)
{
	static const char *const bad[] = {
		"null", "\"\"", "7", "true", "[]", "{}", "[\"a\"]",
		"\"a\\r\\nSet-Cookie: b\"", "\"a\\n\"", "\"a\\u0000b\"",
		"\"a\\tb\"", "\"a\\u007f\"", "\"\xc3\xa9\"",
	};
	struct token_answer t;
	struct buf long_body = BUF_INIT(2 * LIMIT_TOKEN);
	char body[128];
	size_t i;

	token_answer_init(&t);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(body, sizeof(body), "{\"access_token\":%s,"
		    "\"refresh_token\":\"r\"}", bad[i]);
		read_json(&t, body);
		should(t.answer == ANSWER_REFUSED && t.token.access.len == 0,
		    "access_token", 200, body, __LINE__);
	}
	read_answer(&t, 200, FORM, -1, "access_token=a%0d%0ab", 21);
	CU_ASSERT_EQUAL(t.answer, ANSWER_REFUSED);

	buf_str(&long_body, "{\"access_token\":\"");
	for (i = 0; i < LIMIT_TOKEN; i++)
		buf_char(&long_body, 'a');
	buf_str(&long_body, "\"}");
	read_json(&t, buf_cstr(&long_body));
	CU_ASSERT_EQUAL(t.answer, ANSWER_OK);
	CU_ASSERT_EQUAL(t.token.access.len, LIMIT_TOKEN);
	buf_cut(&long_body, long_body.len - 2);
	buf_str(&long_body, "a\"}");
	read_json(&t, buf_cstr(&long_body));
	CU_ASSERT_EQUAL(t.answer, ANSWER_REFUSED);
	CU_ASSERT_EQUAL(t.token.access.len, 0);
	buf_clear(&long_body);
	token_answer_clear(&t);
}

/* ---- ID tokens -------------------------------------------------------- */

static bool
matches(const char *claims, const char *issuer)
{
	char middle[1024], jwt[1100];

	CU_ASSERT_FATAL(strlen(claims) < 700);
	base64url_encode(claims, strlen(claims), middle);
	snprintf(jwt, sizeof(jwt), "e30.%s.c2ln", middle);
	return token_id_matches(jwt, "client", issuer, "n1");
}

static void
an_id_token_is_for_this_flow_or_refused(void)
{
#define ISS "https://id.example"
	CU_ASSERT_TRUE(matches("{\"nonce\":\"n1\",\"aud\":\"client\"}", NULL));
	CU_ASSERT_TRUE(matches("{\"nonce\":\"n1\",\"aud\":\"client\","
	    "\"iss\":\"" ISS "\"}", ISS));
	CU_ASSERT_TRUE(matches("{\"nonce\":\"n1\",\"aud\":[\"x\",\"client\"],"
	    "\"iss\":\"" ISS "\",\"sub\":\"1\"}", ISS));
	CU_ASSERT_TRUE(matches("{\"nonce\":\"n1\",\"aud\":\"client\","
	    "\"iss\":\"other\"}", NULL));

	CU_ASSERT_FALSE(matches("{\"nonce\":\"n2\",\"aud\":\"client\"}",
	    NULL));
	CU_ASSERT_FALSE(matches("{\"nonce\":\"n1 \",\"aud\":\"client\"}",
	    NULL));
	CU_ASSERT_FALSE(matches("{\"aud\":\"client\"}", NULL));
	CU_ASSERT_FALSE(matches("{\"nonce\":null,\"aud\":\"client\"}", NULL));
	CU_ASSERT_FALSE(matches("{\"nonce\":\"n1\"}", NULL));
	CU_ASSERT_FALSE(matches("{\"nonce\":\"n1\",\"aud\":\"clients\"}",
	    NULL));
	CU_ASSERT_FALSE(matches("{\"nonce\":\"n1\",\"aud\":[]}", NULL));
	CU_ASSERT_FALSE(matches("{\"nonce\":\"n1\",\"aud\":\"client\"}", ISS));
	CU_ASSERT_FALSE(matches("{\"nonce\":\"n1\",\"aud\":\"client\","
	    "\"iss\":\"" ISS "/\"}", ISS));
	CU_ASSERT_FALSE(matches("[]", NULL));
	CU_ASSERT_FALSE(matches("", NULL));
	CU_ASSERT_FALSE(matches("{\"nonce\":\"n1\",\"aud\":\"client\"", NULL));
}

static void
what_is_no_jwt_matches_nothing(void)
{
	static const char *const bad[] = {
		"", ".", "..", "a", "a.b", "a.b.c", "e30.e30", "e30.e30.",
		"e30.e3=.x", "e30.e30=.x", "e30.!!!!.x", "e30.e.x",
		/* The right claims in the wrong place, and padded. */
		"eyJub25jZSI6Im4xIiwiYXVkIjoiY2xpZW50In0..",
		"e30.eyJub25jZSI6Im4xIiwiYXVkIjoiY2xpZW50In0",
		"e30.eyJub25jZSI6Im4xIiwiYXVkIjoiY2xpZW50In0=.x",
	};
	size_t i;

	CU_ASSERT_TRUE(token_id_matches(
	    "e30.eyJub25jZSI6Im4xIiwiYXVkIjoiY2xpZW50In0.x", "client", NULL,
	    "n1"));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		should(!token_id_matches(bad[i], "client", NULL, "n1"),
		    "match", 0, bad[i], __LINE__);
}

/* ---- the switches ------------------------------------------------------ */

static void
a_provider_has_words_of_its_own(void)
{
	static const struct row rows[] = {
		{ 200, JSON, -1, ERROR("bad_client_secret"),
		    ANSWER_CONFIG, "bad_client_secret", false, true },
		/* Its list wins over ours, which says that this is dead. */
		{ 400, JSON, -1, ERROR("invalid_code"),
		    ANSWER_CONFIG, "invalid_code", false, true },
		{ 400, JSON, -1, ERROR("invalid_grant"),
		    ANSWER_DEAD, "invalid_grant", false, true },
		{ 400, JSON, -1, "{\"status\":\"gone\",\"message\":\"x\"}",
		    ANSWER_DEAD, "gone", false, true },
		{ 400, JSON, -1, "{\"status\":\"gone\",\"error\":\"other\"}",
		    ANSWER_REFUSED, "other", true, true },
		{ 400, JSON, -1, "{\"status\":\"c4n4ry-SECRET\"}",
		    ANSWER_REFUSED, "unknown_error", true, true },
		{ 400, JSON, -1, "{\"status\":{}}",
		    ANSWER_REFUSED, "http_400", true, true },
		/* The error is the answer's, wherever the tokens would be. */
		{ 200, JSON, -1, "{\"error\":\"gone\",\"authed_user\":{}}",
		    ANSWER_DEAD, "gone", false, true },
	};

	provider = &special;
	CHECK(rows);
	provider = &usual;
}

static void
tokens_are_where_the_path_leads(void)
{
	struct token_answer t;

	provider = &special;
	token_answer_init(&t);
	read_json(&t, "{\"ok\":true,\"access_token\":\"bot\",\"expires_in\":7,"
	    "\"refresh_token\":\"botr\",\"scope\":\"a,b\",\"authed_user\":{"
	    "\"access_token\":\"user\",\"scope\":\"c,d,e\"}}");
	CU_ASSERT_EQUAL(t.answer, ANSWER_OK);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&t.token.access), "user");
	CU_ASSERT_EQUAL(t.token.refresh.len, 0);
	CU_ASSERT_EQUAL(t.token.expires_in, 1234);
	CU_ASSERT_STRING_EQUAL(t.token.scope, "c d e");
	/* There, and without a token: the one beside it is another's. */
	read_json(&t, "{\"access_token\":\"bot\",\"authed_user\":{}}");
	CU_ASSERT_EQUAL(t.answer, ANSWER_REFUSED);
	CU_ASSERT_STRING_EQUAL(t.error, "no_access_token");
	/* Nothing there: a refresh, which names one token only. */
	read_json(&t, "{\"access_token\":\"user2\",\"expires_in\":9,"
	    "\"refresh_token\":\"r2\"}");
	CU_ASSERT_EQUAL(t.answer, ANSWER_OK);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&t.token.access), "user2");
	CU_ASSERT_STRING_EQUAL(buf_cstr(&t.token.refresh), "r2");
	CU_ASSERT_EQUAL(t.token.expires_in, 9);
	token_answer_clear(&t);
	provider = &usual;
}

static const struct test tests[] = {
	{ "a provider has words of its own for errors",
	    a_provider_has_words_of_its_own },
	{ "tokens are where the path leads",
	    tokens_are_where_the_path_leads },
	{ "the error decides, whatever the status below 500",
	    the_error_decides_below_500 },
	{ "the preset names more dead errors",
	    the_preset_names_more_dead_errors },
	{ "odd refusals are no reason by themselves",
	    odd_refusals_are_no_reason_by_themselves },
	{ "later and ambiguous are told apart",
	    later_and_ambiguous_are_told_apart },
	{ "what never came back is not read",
	    what_never_came_back_is_not_read },
	{ "a full answer is read, as JSON and as a form",
	    a_full_answer_is_read },
	{ "expires_in is read tolerantly", expires_in_is_read_tolerantly },
	{ "a token type is Bearer unless it says otherwise",
	    token_types_are_bearer_unless_they_say_otherwise },
	{ "a refresh token may be missing in many ways",
	    a_refresh_token_may_be_missing_in_many_ways },
	{ "an access token must fit into a header",
	    an_access_token_must_fit_into_a_header },
	{ "an ID token is for this flow or refused",
	    an_id_token_is_for_this_flow_or_refused },
	{ "what is no JWT matches nothing", what_is_no_jwt_matches_nothing },
};

TESTS_MAIN("token", tests)
