/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "conf.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conftext.h"
#include "harness.h"
#include "limit.h"
#include "log.h"

static void
grammar_errors_name_their_line(void)
{
	static const struct bad table[] = {
		{ 0, "no site section", "" },
		{ 0, "no site section", "# nothing\n" },
		{ 2, "did you mean 'url'", "site {\n\turll = \"x\"\n}\n" },
		{ 1, "did you mean 'provider'", "povider x {\n}\n" },
		{ 1, "did you mean 'site'", "sites { }\n" },
		{ 1, "no 'frobnicate' here", "frobnicate = 1\n" },
		{ 1, "belongs in a site section", "database = \"x\"\n" },
		{ 11, "belongs in a site section", WITH("url = \"x\"") },
		{ 11, "did you mean 'token_params'", WITH("token_param = x") },
		{ 11, "set twice in this section, first in line 7",
		    WITH("client_id = \"other\"") },
		{ 12, "'apps' is set twice", WITH("apps = {\"a\"}\n"
		    "apps = {\"b\"}") },
		{ 11, "'=' between 'scope'", WITH("scope \"a\"") },
		{ 11, "takes one value", WITH("scope += \"a\"") },
		{ 11, "what can stand here", WITH("scope = = \"a\"") },
		{ 11, "what can stand here", WITH("scope = {\"a\"}") },
		{ 11, "list is empty", WITH("apps = { }") },
		{ 11, "needs quotes", WITH("scope = read write") },
		{ 11, "quotes", WITH("scope = \"a\";") },
		{ 11, "needs quotes", WITH("scope = a+b") },
		{ 11, "needs quotes", WITH("scope = *") },
		{ 11, "'#' needs quotes", WITH("scope = a#b") },
		{ 11, "not closed", WITH("scope = \"a") },
		{ 11, "not closed", WITH("scope = 'a") },
		{ 11, "never closed", WITH("/* comment") },
		{ 11, "backslash", WITH("scope = \"\\0\"") },
		{ 11, "backslash", WITH("scope = \"\\777\"") },
		{ 11, "backslash", WITH("scope = \"\\x00\"") },
		{ 11, "backslash", WITH("scope = \"\\xzz\"") },
		{ 11, "${NAME}", WITH("scope = \"a${b\"") },
		{ 11, "${NAME}", WITH("scope = \"a${}\"") },
		{ 11, "${NAME}", WITH("scope = ${1}") },
		{ 7, "one '}' too many", SITE "\n}\n" },
		{ 1, "not closed", "site {\n\turl = \"x\"\n\n\n" },
		{ 6, "not closed", SITE ACME },
		{ 6, "not closed", SITE ACME "apps = {\"a\"" },
		{ 7, "'}' missing", SITE "provider\n" },
		{ 6, "two site sections", SITE SITE },
		{ 7, "two sections named x", SITE "provider x { }\n"
		    "provider x { }\n" },
		{ 6, "needs a name", SITE "provider {\n}\n" },
		{ 6, "begin the section", SITE "provider x = 3\n" },
		{ 7, "include(\"path\")", SITE "include\n(\"x\", \"y\")\n" },
		{ 6, "include(\"path\")", SITE "include = \"x\"\n" },
		{ 6, "include(\"path\")", SITE "include(\"x\" \"y\")\n" },
		{ 6, "include(\"path\")", SITE "include()\n" },
		{ 6, "include(\"path\")", SITE "include(\"\")\n" },
		{ 6, "what can stand here", SITE
		    "\"provider=x|scope\" = 1\n" },
		{ 13, "within its section", WITH("")
		    "\"provider=acme|scope\" = 1\n" },
		{ 6, "within its section", SITE "\"site|log\" = 1\n" },
	};

	CHECK_BAD(table);
}

static void
comments_and_long_lines_do_not_move_the_line(void)
{
	static const struct bad table[] = {
		{ 15, "'auth' is set twice", WITH("# one\n/* two */ auth = "
		    "post # three\nrotation = 7 /* four\n\n*/ auth = bad") },
		{ 14, "pkce", WITH("# one\n/* two\n three */\n"
		    "pkce = maybe") },
		{ 13, "pkce", WITH("// it's\n//\"no string\n"
		    "pkce = maybe") },
		{ 13, "pkce", WITH("scope = \"a \\\nb\"\npkce = maybe") },
	};
	struct conf *c;

	CHECK_BAD(table);
	c = good("\xef\xbb\xbf" SITE "\r\n" ACME
	    "/* a */ scope = \"a # no comment /* nor this */ // nor that\""
	    " # end\n}\n");
	CU_ASSERT_STRING_EQUAL(c->providers[0].scope,
	    "a # no comment /* nor this */ // nor that");
	conf_free(c);
}

static void
wrong_values_of_the_site_are_refused(void)
{
#define URL(u) "site {\nurl = \"" u "\"\ndatabase = \"d\"\nkeys = \"k\"\n}\n"
#define MORE(m) "site {\nurl = \"https://a.example\"\ndatabase = \"d\"\n" \
	"keys = \"k\"\n" m "\n}\n"
	static const struct bad table[] = {
		{ 1, "lacks url", "site {\ndatabase = d\nkeys = k\n}\n" },
		{ 1, "lacks database", "site {\nurl = \"https://a.example\"\n"
		    "keys = k\n}\n" },
		{ 1, "lacks keys", "site {\nurl = \"https://a.example\"\n"
		    "database = d\n}\n" },
		{ 2, "url is empty", URL("") },
		{ 2, "url is empty", URL("${OAC_TEST_NOT_SET}") },
		{ 2, "must be https", URL("http://shop.example/oauth") },
		{ 2, "must be https", URL("http://localhost.example") },
		{ 2, "must be https", URL("http://127.0.0.1.example") },
		{ 2, "begins with https", URL("ftp://shop.example") },
		{ 2, "begins with https", URL("/oauth") },
		{ 2, "begins with https", URL("shop.example") },
		{ 2, "user name", URL("https://u:" CANARY "@shop.example/") },
		{ 2, "query", URL("https://shop.example/?a") },
		{ 2, "fragment", URL("https://shop.example/#a") },
		{ 2, "valid host", URL("https://") },
		{ 2, "valid host", URL("https://shop.example:0/") },
		{ 2, "valid host", URL("https://shop.example:65536/") },
		{ 2, "valid host", URL("https://shop.example:/") },
		{ 2, "valid host", URL("https://sh op.example/") },
		{ 2, "valid host", URL("https://sh%6fp.example/") },
		{ 2, "valid host", URL("https://shop..example/") },
		{ 2, "valid host", URL("http://127.1/") },
		{ 2, "valid host", URL("http://0x7f000001/") },
		{ 2, "plain names", URL("https://shop.example/a//b") },
		{ 2, "plain names", URL("https://shop.example/a/../b") },
		{ 2, "plain names", URL("https://shop.example/a%20b") },
		{ 2, "%XX", URL("https://shop.example/\xc3\xa4") },
		{ 2, "not UTF-8", URL("https://shop.example/\xff") },
		{ 2, "control character", URL("https://shop.example/\\n") },
		{ 5, "identity must be ticket or remote_user",
		    MORE("identity = Ticket") },
		{ 5, "journal must be auto, wal or delete",
		    MORE("journal = \"off\"") },
		{ 5, "log must be", MORE("log = \"stdout\"") },
		{ 5, "log must be", MORE("log = \"file:\"") },
		{ 5, "log is empty", MORE("log = \"\"") },
		{ 5, "journal names no file", MORE("journal = \"file:\"") },
		{ 5, "journal names a file that does not exist",
		    MORE("journal = \"file:nowhere\"") },
	};

	unsetenv("OAC_TEST_NOT_SET");
	CHECK_BAD(table);
}

static void
wrong_values_of_a_provider_are_refused(void)
{
	static const struct bad table[] = {
		{ 6, "1 to 32", SITE "provider Acme { }\n" },
		{ 6, "1 to 32", SITE "provider -a { }\n" },
		{ 6, "1 to 32", SITE "provider \"../a\" { }\n" },
		{ 6, "1 to 32", SITE "provider "
		    "a12345678901234567890123456789012 { }\n" },
		{ 6, "lacks client_id", SITE "provider x {\n}\n" },
		{ 6, "lacks client_secret", SITE "provider x {\n}\n" },
		{ 6, "lacks authorize_url", SITE "provider x {\n}\n" },
		{ 6, "lacks token_url; write token_url = \"https://...\", or "
		    "preset = NAME (there is: dropbox, github, ",
		    SITE "provider x {\n}\n" },
		{ 6, "lacks client_id", SITE "provider interact {\n}\n" },
		{ 7, "client_id is empty", SITE "provider interact {\n"
		    "client_id = \"${OAC_TEST_NOT_SET}\"\n}\n" },
		{ 7, "client_secret is empty", SITE "provider interact {\n"
		    "client_secret = ${OAC_TEST_NOT_SET}\nclient_id = a\n}\n" },
		{ 11, "does not exist; there is: dropbox, ",
		    WITH("preset = \"interakt\"") },
		{ 11, "does not exist", WITH("preset = \"../x\"") },
		{ 11, "auth must be post, basic, basic-raw or none",
		    WITH("auth = POST") },
		{ 8, "never sent with auth = none", WITH("auth = none") },
		{ 11, "body must be form or json", WITH("body = xml") },
		{ 11, "pkce must be off or S256", WITH("pkce = s256") },
		{ 11, "pkce must be", WITH("pkce = plain") },
		{ 11, "response_mode must be query or form_post",
		    WITH("response_mode = fragment") },
		{ 11, "revoke must be none, token or grant",
		    WITH("revoke = yes") },
		{ 11, "write revoke_url", WITH("revoke = token") },
		{ 12, "write revoke_url", WITH("revoke_url = \"\"\n"
		    "revoke = grant") },
		{ 11, "yes or no", WITH("rotation = maybe") },
		{ 11, "yes or no", WITH("require_iss = Yes") },
		{ 11, "yes or no", WITH("allow_insecure = 1") },
		{ 11, "write issuer", WITH("require_iss = yes") },
		{ 11, "issuer must not hold a query",
		    WITH("issuer = \"https://a.example/?q\"") },
		{ 11, "issuer must be https",
		    WITH("issuer = \"http://a.example\"") },
		{ 11, "issuer is empty", WITH("issuer = \"\"") },
		{ 11, "allow_insecure = yes",
		    WITH("refresh_url = \"http://localhost/r\"") },
		{ 12, "revoke_url must be https; write https://",
		    WITH("allow_insecure = yes\n"
		    "revoke_url = \"http://a.example/r\"") },
		{ 11, "refresh_url must not hold a fragment",
		    WITH("refresh_url = \"https://a.example/#r\"") },
		{ 11, "refresh_url must not hold a user name",
		    WITH("refresh_url = \"https://u@a.example/r\"") },
		{ 11, "refresh_url holds a character",
		    WITH("refresh_url = \"https://a.example/a|b\"") },
		{ 11, "refresh_url holds a character",
		    WITH("refresh_url = \"https://a.example/%zz\"") },
		{ 9, "authorize_url must not set state", SITE
		    "provider x {\nclient_id = a\nclient_secret = b\n"
		    "authorize_url = \"https://a.example/?x=1&st%61te=1\"\n"
		    "token_url = \"https://a.example/\"\n}\n" },
		{ 11, "must not set response_type",
		    WITH("authorize_params = \"a=b&response_type=code\"") },
		{ 11, "must not set client_id",
		    WITH("authorize_params = \"client_id=b\"") },
		{ 11, "must not set redirect_uri",
		    WITH("authorize_params = \"redirect_uri=b\"") },
		{ 11, "must not set state",
		    WITH("authorize_params = \"st%61te=b\"") },
		{ 11, "must not set code_challenge",
		    WITH("authorize_params = \"code_challenge\"") },
		{ 11, "must not set code_challenge_method",
		    WITH("authorize_params = \"code_challenge_method=b\"") },
		{ 11, "must not set scope",
		    WITH("authorize_params = \"scope=b\"") },
		{ 11, "must not set nonce",
		    WITH("authorize_params = \"nonce=b\"") },
		{ 11, "must not set response_mode",
		    WITH("authorize_params = \"response_mode=b\"") },
		{ 11, "must not set grant_type",
		    WITH("token_params = \"grant_type=b\"") },
		{ 11, "must not set code:", WITH("token_params = \"code=1\"") },
		{ 11, "must not set client_secret",
		    WITH("token_params = \"client_secret=" CANARY "\"") },
		{ 11, "must not set code_verifier",
		    WITH("refresh_params = \"code_verifier=b\"") },
		{ 11, "must not set refresh_token",
		    WITH("refresh_params = \"refresh_token=b\"") },
		{ 11, "without a name", WITH("token_params = \"=b\"") },
		{ 11, "parameter twice", WITH("token_params = \"a=1&a=2\"") },
		{ 11, "like a query", WITH("token_params = \"a=%4\"") },
		{ 11, "like a query", WITH("token_params = \"a=%00\"") },
		{ 11, "decodes to control", WITH("token_params = \"a=%0a\"") },
		{ 11, "decodes to control", WITH("token_params = \"a=%ff\"") },
		{ 11, "scope may hold", WITH("scope = \"a\\\"b\"") },
		{ 11, "scope may hold", WITH("scope = \"a\\\\b\"") },
		{ 11, "scope may hold", WITH("scope = \"\xc3\xa4\"") },
		{ 11, "expires_default must be whole seconds",
		    WITH("expires_default = 1h") },
		{ 11, "expires_default must be", WITH("expires_default = -1") },
		{ 11, "expires_default is empty",
		    WITH("expires_default = \"\"") },
		{ 11, "replay_grace must be",
		    WITH("replay_grace = 315360001") },
		{ 11, "replay_grace must be",
		    WITH("replay_grace = 99999999999999999999") },
		{ 11, "apps must hold names", WITH("apps = {\"a\", \"B\"}") },
		{ 11, "apps must hold names", WITH("apps = \"a;b\"") },
		{ 11, "apps holds no name", WITH("apps = \" , \"") },
		{ 11, "apps is empty", WITH("apps = \"\"") },
		{ 11, "dead_errors must hold",
		    WITH("dead_errors = \"\xc3\xa4\"") },
		{ 11, "redirect_uri must be an absolute URL",
		    WITH("redirect_uri = \"/callback\"") },
		{ 11, "redirect_uri must be https; write https://",
		    WITH("redirect_uri = \"http://a.example/\"") },
		{ 11, "redirect_uri must not hold a fragment",
		    WITH("redirect_uri = \"https://a.example/#\"") },
		{ 11, "redirect_uri may hold only plain names",
		    WITH("redirect_uri = "
		    "\"https://shop.example/oauth/callback/a%20b\"") },
		{ 11, "redirect_uri is empty", WITH("redirect_uri = \"\"") },
	};

	CHECK_BAD(table);
}

static void
wrong_switches_of_a_provider_are_refused(void)
{
	static const struct bad table[] = {
		{ 7, "':'", SITE "provider x {\nclient_id = \"a:b\"\n"
		    "auth = basic-raw\nclient_secret = a\n"
		    "authorize_url = \"https://a.example/\"\n"
		    "token_url = \"https://a.example/\"\n}\n" },
		{ 11, "scope_separator must be space, comma or plus",
		    WITH("scope_separator = \",\"") },
		{ 11, "can't rename 'state'",
		    WITH("param_names = \"state=nonce\"") },
		{ 11, "can't rename 'prompt'",
		    WITH("param_names = \"prompt=a\"") },
		{ 11, "must name client_id otherwise",
		    WITH("param_names = \"client_id=\"") },
		{ 11, "must name scope otherwise",
		    WITH("param_names = \"scope=a%26b\"") },
		{ 11, "parameter twice",
		    WITH("param_names = \"scope=a&scope=b\"") },
		{ 11, "like a query", WITH("param_names = \"scope=%4\"") },
		{ 11, "must be the name of a parameter",
		    WITH("code_param = \"a b\"") },
		{ 11, "must be the name of a parameter", WITH("code_param = "
		    "a12345678901234567890123456789012") },
		{ 11, "must not be state", WITH("code_param = state") },
		{ 11, "must not be iss", WITH("code_param = iss") },
		{ 11, "code_param is empty", WITH("code_param = \"\"") },
		{ 11, "must be a JSON pointer", WITH("token_path = user") },
		{ 11, "'~' without", WITH("token_path = \"/a~2\"") },
		{ 11, "'~' without", WITH("error_path = \"/a~\"") },
		{ 11, "client_errors must hold",
		    WITH("client_errors = \"\xc3\xa4\"") },
	};

	CHECK_BAD(table);
}

static void
every_wrong_value_is_told_at_once(void)
{
	const char *path = put("oauth-cgi.conf", WITH("auth = a\nbody = b\n"
	    "pkce = c\nscope = \"\\\"\""));

	CU_ASSERT_TRUE(refused_at(path, "oauth-cgi.conf", 11, "auth"));
	CU_ASSERT_PTR_NOT_NULL(strstr(logged, "oauth-cgi.conf:12: body"));
	CU_ASSERT_PTR_NOT_NULL(strstr(logged, "oauth-cgi.conf:13: pkce"));
	CU_ASSERT_PTR_NOT_NULL(strstr(logged, "oauth-cgi.conf:14: scope"));
}

static void
too_long_values_are_refused(void)
{
	static char text[16384];
	char big[LIMIT_SCOPE + 2];

	memset(big, 'a', sizeof(big));
	big[LIMIT_SCOPE + 1] = '\0';
	snprintf(text, sizeof(text), WITH("scope = \"%s\""), big);
	CU_ASSERT_TRUE(refused_at(put("oauth-cgi.conf", text),
	    "oauth-cgi.conf", 11, "scope is longer than 4096"));
	snprintf(text, sizeof(text),
	    WITH("refresh_url = \"https://a.example/%s\""), big);
	CU_ASSERT_TRUE(refused_at(put("oauth-cgi.conf", text),
	    "oauth-cgi.conf", 11, "refresh_url is longer than 4096"));
	big[LIMIT_FIELD] = '\0';
	snprintf(text, sizeof(text),
	    WITH("issuer = \"https://a.example/%s\""), big);
	CU_ASSERT_TRUE(refused_at(put("oauth-cgi.conf", text),
	    "oauth-cgi.conf", 11, "issuer is longer than 256"));
	big[LIMIT_FIELD] = 'a';
	big[LIMIT_FIELD + 1] = '\0';
	snprintf(text, sizeof(text), SITE "provider x {\nclient_id = \"%s\"\n"
	    "client_secret = s\nauthorize_url = \"https://a.example/a\"\n"
	    "token_url = \"https://a.example/t\"\n}\n", big);
	CU_ASSERT_TRUE(refused_at(put("oauth-cgi.conf", text),
	    "oauth-cgi.conf", 7, "client_id is longer than 256"));
	big[LIMIT_FIELD + 1] = 'a';
	big[LIMIT_URL - 18] = '\0';
	snprintf(text, sizeof(text), "site {\nurl = \"https://a.example/%s\"\n"
	    "database = d\nkeys = k\n}\n" ACME "}\n", big);
	CU_ASSERT_TRUE(refused_at(put("oauth-cgi.conf", text),
	    "oauth-cgi.conf", 6, "too long for a redirect URI"));
}

/* Pieces of a secret that was not quoted well stay out of the log. */
static void
no_error_ever_shows_a_secret(void)
{
	static const char *const values[] = {
		"x " CANARY, CANARY " " CANARY, "x+" CANARY "==", CANARY "=",
		"\"x\"" CANARY, "\"x\" \"" CANARY "\"", "{" CANARY "}",
		"x\" " CANARY " = \"y", "\"" CANARY, "'" CANARY, CANARY "#1",
		"\"" CANARY "\\777\"", "\"${" CANARY "\"",
		"(" CANARY ")", "x " CANARY " = y", "= " CANARY, CANARY "{",
		"\"a\\n" CANARY "\"", "\"" CANARY "\xff\"", "x|" CANARY " y",
		"{ x " CANARY " }", "x; " CANARY,
	};
	static char text[2048];
	struct conf *c;
	size_t i;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		snprintf(text, sizeof(text), SITE "provider interact {\n"
		    "client_id = \"x\"\nclient_secret = %s\n}\n", values[i]);
		if (load(put("oauth-cgi.conf", text), true, &c) != ERR_OK)
			continue;
		fprintf(stderr, "taken: %s\n", values[i]);
		CU_FAIL("a badly quoted secret was taken");
		conf_free(c);
	}
}

static void
defaults_are_those_of_the_design(void)
{
	struct conf *c = good(WITH(""));
	const struct provider *p = conf_provider(c, "acme");
	char path[600];

	CU_ASSERT_STRING_EQUAL(c->file, in_dir("oauth-cgi.conf"));
	CU_ASSERT_STRING_EQUAL(c->url, "https://shop.example/oauth");
	CU_ASSERT_STRING_EQUAL(c->origin, "https://shop.example");
	CU_ASSERT_STRING_EQUAL(c->host, "shop.example");
	CU_ASSERT_STRING_EQUAL(c->path, "/oauth");
	CU_ASSERT_TRUE(c->secure);
	snprintf(path, sizeof(path), "%s/db/oauth.db", harness_tmpdir());
	CU_ASSERT_STRING_EQUAL(c->database, path);
	CU_ASSERT_STRING_EQUAL(c->keys, "/etc/keys");
	CU_ASSERT_EQUAL(c->identity, IDENTITY_TICKET);
	CU_ASSERT_EQUAL(c->journal, JOURNAL_AUTO);
	CU_ASSERT_STRING_EQUAL(c->log, "stderr");
	CU_ASSERT_EQUAL(c->provider_count, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_PTR_EQUAL(conf_provider(c, NULL), p);
	CU_ASSERT_PTR_NULL(conf_provider(c, "other"));
	CU_ASSERT_STRING_EQUAL(p->name, "acme");
	CU_ASSERT_STRING_EQUAL(p->client_id, "id");
	CU_ASSERT_STRING_EQUAL(p->client_secret, CANARY);
	CU_ASSERT_STRING_EQUAL(p->refresh_url, "https://acme.example/token");
	CU_ASSERT_PTR_NULL(p->revoke_url);
	CU_ASSERT_PTR_NULL(p->issuer);
	CU_ASSERT_STRING_EQUAL(p->scope, "");
	CU_ASSERT_STRING_EQUAL(p->redirect_uri,
	    "https://shop.example/oauth/callback/acme");
	CU_ASSERT_STRING_EQUAL(p->callback_path, "/acme");
	CU_ASSERT_PTR_NULL(p->ca_file);
	CU_ASSERT_EQUAL(p->auth, AUTH_POST);
	CU_ASSERT_EQUAL(p->body, BODY_FORM);
	CU_ASSERT_EQUAL(p->rotation, ROTATION_LEARNED);
	CU_ASSERT_EQUAL(p->revoke, REVOKE_NONE);
	CU_ASSERT_TRUE(p->pkce);
	CU_ASSERT_FALSE(p->require_iss);
	CU_ASSERT_FALSE(p->form_post);
	CU_ASSERT_FALSE(p->allow_insecure);
	CU_ASSERT_EQUAL(p->authorize_params.count, 0);
	CU_ASSERT_EQUAL(p->apps.count, 0);
	CU_ASSERT_EQUAL(p->dead_errors.count, 0);
	CU_ASSERT_EQUAL(p->expires_default, 0);
	CU_ASSERT_EQUAL(p->replay_grace, 0);
	CU_ASSERT_EQUAL(p->scope_separator, ' ');
	CU_ASSERT_STRING_EQUAL(p->code_param, "code");
	CU_ASSERT_PTR_NULL(p->token_path);
	CU_ASSERT_PTR_NULL(p->error_path);
	CU_ASSERT_EQUAL(p->client_errors.count, 0);
	CU_ASSERT_STRING_EQUAL(provider_param_name(p, "scope"), "scope");
	conf_free(c);
}

static void
every_key_is_taken(void)
{
	struct conf *c = good("site {\nurl = \"https://Shop.Example:443/\"\n"
	    "database = \"/d\"\nkeys = k\nidentity = remote_user\n"
	    "journal = delete\nlog = \"file:oauth.log\"\n}\n"
	    ACME "refresh_url = \"https://acme.example/refresh?v=2\"\n"
	    "revoke_url = \"http://127.0.0.1:8080/r\"\nrevoke = grant\n"
	    "issuer = \"https://acme.example\"\nrequire_iss = true\n"
	    "scope = \"  read   write \"\nauth = basic\nbody = json\n"
	    "pkce = off\nauthorize_params = \"a=b+c&resource=1&resource=2\"\n"
	    "token_params = \"x=%26\"\nrefresh_params = \"y\"\n"
	    "response_mode = form_post\napps = { \"shop\", \"b_2\" }\n"
	    "apps += \"c\"\nrotation = on\ndead_errors = \"gone, over\"\n"
	    "expires_default = 3600\nreplay_grace = 315360000\n"
	    "ca_file = \"ca.pem\"\nallow_insecure = yes\n"
	    "scope_separator = plus\nparam_names = \"client_id=app_id&"
	    "redirect_uri=redirect.url-1&response_type=\"\n"
	    "code_param = \"spapi_oauth_code\"\ntoken_path = \"/data/0/a~1b\"\n"
	    "error_path = \"/status\"\nclient_errors = {bad_secret}\n}\n");
	const struct provider *p = &c->providers[0];
	char path[600];

	CU_ASSERT_STRING_EQUAL(c->url, "https://Shop.Example:443");
	CU_ASSERT_STRING_EQUAL(c->origin, "https://shop.example");
	CU_ASSERT_STRING_EQUAL(c->path, "");
	CU_ASSERT_EQUAL(c->identity, IDENTITY_REMOTE_USER);
	CU_ASSERT_EQUAL(c->journal, JOURNAL_DELETE);
	snprintf(path, sizeof(path), "file:%s/oauth.log", harness_tmpdir());
	CU_ASSERT_STRING_EQUAL(c->log, path);
	CU_ASSERT_STRING_EQUAL(p->refresh_url,
	    "https://acme.example/refresh?v=2");
	CU_ASSERT_STRING_EQUAL(p->revoke_url, "http://127.0.0.1:8080/r");
	CU_ASSERT_EQUAL(p->revoke, REVOKE_GRANT);
	CU_ASSERT_STRING_EQUAL(p->issuer, "https://acme.example");
	CU_ASSERT_TRUE(p->require_iss);
	CU_ASSERT_STRING_EQUAL(p->scope, "read write");
	CU_ASSERT_EQUAL(p->auth, AUTH_BASIC);
	CU_ASSERT_EQUAL(p->body, BODY_JSON);
	CU_ASSERT_FALSE(p->pkce);
	CU_ASSERT_EQUAL_FATAL(p->authorize_params.count, 3);
	CU_ASSERT_STRING_EQUAL(p->authorize_params.list[0].name, "a");
	CU_ASSERT_STRING_EQUAL(p->authorize_params.list[0].value, "b c");
	CU_ASSERT_STRING_EQUAL(p->authorize_params.list[2].value, "2");
	CU_ASSERT_STRING_EQUAL(p->token_params.list[0].value, "&");
	CU_ASSERT_STRING_EQUAL(p->refresh_params.list[0].value, "");
	CU_ASSERT_TRUE(p->form_post);
	CU_ASSERT_EQUAL(p->apps.count, 3);
	CU_ASSERT_TRUE(name_list_has(&p->apps, "shop"));
	CU_ASSERT_TRUE(name_list_has(&p->apps, "b_2"));
	CU_ASSERT_TRUE(name_list_has(&p->apps, "c"));
	CU_ASSERT_FALSE(name_list_has(&p->apps, "sho"));
	CU_ASSERT_EQUAL(p->rotation, ROTATION_YES);
	CU_ASSERT_EQUAL(p->dead_errors.count, 2);
	CU_ASSERT_TRUE(name_list_has(&p->dead_errors, "gone"));
	CU_ASSERT_EQUAL(p->expires_default, 3600);
	CU_ASSERT_EQUAL(p->replay_grace, 315360000);
	snprintf(path, sizeof(path), "%s/ca.pem", harness_tmpdir());
	CU_ASSERT_STRING_EQUAL(p->ca_file, path);
	CU_ASSERT_TRUE(p->allow_insecure);
	CU_ASSERT_EQUAL(p->scope_separator, '+');
	CU_ASSERT_STRING_EQUAL(provider_param_name(p, "client_id"), "app_id");
	CU_ASSERT_STRING_EQUAL(provider_param_name(p, "redirect_uri"),
	    "redirect.url-1");
	CU_ASSERT_STRING_EQUAL(provider_param_name(p, "response_type"), "");
	CU_ASSERT_STRING_EQUAL(provider_param_name(p, "scope"), "scope");
	CU_ASSERT_STRING_EQUAL(p->code_param, "spapi_oauth_code");
	CU_ASSERT_STRING_EQUAL(p->token_path, "/data/0/a~1b");
	CU_ASSERT_STRING_EQUAL(p->error_path, "/status");
	CU_ASSERT_TRUE(name_list_has(&p->client_errors, "bad_secret"));
	conf_free(c);
}

static void
loopback_may_be_http(void)
{
	static const struct { const char *url, *host; } urls[] = {
		{ "http://localhost/oauth/", "localhost" },
		{ "http://LocalHost:80", "localhost" },
		{ "http://127.0.0.1:8080/", "127.0.0.1:8080" },
		{ "http://[::1]:8080/x", "[::1]:8080" },
	};
	char text[512];
	size_t i;

	for (i = 0; i < 4; i++) {
		struct conf *c;

		snprintf(text, sizeof(text), "site { url = \"%s\" database = d"
		    " keys = k }", urls[i].url);
		c = good(text);
		CU_ASSERT_FALSE(c->secure);
		CU_ASSERT_STRING_EQUAL(c->host, urls[i].host);
		CU_ASSERT_EQUAL(c->provider_count, 0);
		CU_ASSERT_PTR_NULL(conf_provider(c, NULL));
		conf_free(c);
	}
}

static void
a_redirect_uri_decides_the_callback_path(void)
{
	static const struct { const char *uri, *path; } cases[] = {
		{ "https://shop.example/oauth/callback", "" },
		{ "https://shop.example/oauth/callback/", "/" },
		{ "https://shop.example/oauth/callback/a/b.c", "/a/b.c" },
		{ "https://shop.example/oauth/callback/a?x=1", "/a" },
		{ "https://shop.example/oauth/callback?x=1", "" },
		{ "https://shop.example/oauth/callbacks", "/acme" },
		{ "https://shop.example/oauth2/callback/z", "/acme" },
		{ "https://other.example/cb", "/acme" },
		{ "http://localhost:3000/cb", "/acme" },
	};
	char text[2048];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct conf *c;

		snprintf(text, sizeof(text), WITH("redirect_uri = \"%s\""),
		    cases[i].uri);
		c = good(text);
		CU_ASSERT_STRING_EQUAL(c->providers[0].redirect_uri,
		    cases[i].uri);
		CU_ASSERT_STRING_EQUAL(c->providers[0].callback_path,
		    cases[i].path);
		conf_free(c);
	}
}

static void
the_embedded_preset_fills_what_is_missing(void)
{
	struct conf *c = good(SITE "provider interact {\nclient_id = 1\n"
	    "client_secret = \"" CANARY "\"\nscope = \"read_user\"\n}\n"
	    "provider two {\npreset = interact\nclient_id = 2\n"
	    "client_secret = 'a\\b${HOME}'\n}\n");
	const struct provider *p = conf_provider(c, "interact");
	const struct provider *q = conf_provider(c, "two");

	CU_ASSERT_PTR_NULL(conf_provider(c, NULL));
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_PTR_NOT_NULL_FATAL(q);
	CU_ASSERT_STRING_EQUAL(p->authorize_url,
	    "https://api.interact.com/oauth/authorize");
	CU_ASSERT_STRING_EQUAL(p->token_url,
	    "https://api.interact.com/oauth/token");
	CU_ASSERT_EQUAL(p->body, BODY_JSON);
	CU_ASSERT_STRING_EQUAL(p->scope, "read_user");
	CU_ASSERT_STRING_EQUAL(q->scope, "read_user write_data");
	CU_ASSERT_STRING_EQUAL(q->token_url, p->token_url);
	CU_ASSERT_STRING_EQUAL(q->client_secret, "a\\b${HOME}");
	CU_ASSERT_STRING_EQUAL(q->callback_path, "/two");
	CU_ASSERT_STRING_EQUAL(p->label, "Interact");
	CU_ASSERT_STRING_EQUAL(q->label, "Interact");
	conf_free(c);
}

#define LONG_32 "0123456789abcdef0123456789abcdef"
#define LONG_128 LONG_32 LONG_32 LONG_32 LONG_32

static void
people_read_names_of_their_own(void)
{
	static const char site[] = "site {\nurl = \"https://shop.example/o\"\n"
	    "database = \"db\"\nkeys = \"keys\"\n%s\n}\n" ACME "%s\n}\n";
	char text[2048];
	struct conf *c;

	snprintf(text, sizeof(text), site, "", "");
	c = good(text);
	CU_ASSERT_STRING_EQUAL(c->name, "shop.example");
	CU_ASSERT_STRING_EQUAL(c->providers[0].label, "acme");
	CU_ASSERT_STRING_EQUAL(c->pages, in_dir("pages"));
	conf_free(c);
	CU_ASSERT_EQUAL(mkdir(in_dir("words"), 0700), 0);
	snprintf(text, sizeof(text), site, "name = \"Leaf & Kettle\"\n"
	    "pages = \"words\"", "label = \"" LONG_128 "\"");
	c = good(text);
	CU_ASSERT_STRING_EQUAL(c->name, "Leaf & Kettle");
	CU_ASSERT_STRING_EQUAL(c->providers[0].label, LONG_128);
	CU_ASSERT_STRING_EQUAL(c->pages, in_dir("words"));
	conf_free(c);
	snprintf(text, sizeof(text), site, "", "label = \"" LONG_128 "x\"");
	CU_ASSERT_TRUE(refused_at(put("oauth-cgi.conf", text),
	    "oauth-cgi.conf", 12, "no page has room for"));
	snprintf(text, sizeof(text), site, "name = \"\"", "");
	CU_ASSERT_TRUE(refused_at(put("oauth-cgi.conf", text),
	    "oauth-cgi.conf", 5, "empty"));
	snprintf(text, sizeof(text), site, "pages = \"nowhere\"", "");
	CU_ASSERT_TRUE(refused_at(put("oauth-cgi.conf", text),
	    "oauth-cgi.conf", 5, "does not exist"));
}

#define TWO SITE "provider interact {\nclient_id = 1\nclient_secret = 2\n}\n"

static void
a_preset_beside_the_configuration_wins(void)
{
	struct conf *c;
	const char *path;

	CU_ASSERT_EQUAL(mkdir(in_dir("providers"), 0700), 0);
	path = put("providers/interact.conf", "# mine\nprovider interact {\n"
	    "token_url = \"https://mine.example/t\"\npreset = base\n}\n");
	put("providers/base.conf", "provider base {\nrotation = no\n"
	    "authorize_url = \"https://mine.example/a\"\n"
	    "token_url = \"https://base.example/t\"\n}\n");
	CU_ASSERT_EQUAL(chmod(path, 0644), 0);
	c = good(TWO);
	CU_ASSERT_STRING_EQUAL(c->providers[0].token_url,
	    "https://mine.example/t");
	CU_ASSERT_STRING_EQUAL(c->providers[0].authorize_url,
	    "https://mine.example/a");
	CU_ASSERT_EQUAL(c->providers[0].rotation, ROTATION_NO);
	CU_ASSERT_EQUAL(c->providers[0].body, BODY_FORM);
	conf_free(c);
	/* An empty name asks for none. */
	CU_ASSERT_TRUE(refused_at(put("oauth-cgi.conf", SITE
	    "provider interact {\nclient_id = 1\nclient_secret = 2\n"
	    "preset = \"\"\n}\n"), "oauth-cgi.conf", 6,
	    "zoho, base"));
}

static void
a_broken_preset_is_told_with_its_own_line(void)
{
	const char *conf = put("oauth-cgi.conf", TWO);

	put_n("providers/interact.conf", "provider interact { }\n", 22, 0606);
	CU_ASSERT_TRUE(refused_at(conf, "interact.conf", 0, "chmod o-w"));
	put("providers/interact.conf", "\nprovider interact {\nscop = a\n}\n");
	CU_ASSERT_TRUE(refused_at(conf, "interact.conf", 3,
	    "did you mean 'scope'"));
	put("providers/interact.conf", "\nprovider interact {\nauth = a\n}\n");
	CU_ASSERT_TRUE(refused_at(conf, "interact.conf", 3, "auth must be"));
	put("providers/interact.conf", "\nprovider other {\n}\n");
	CU_ASSERT_TRUE(refused_at(conf, "interact.conf", 2, "of its own name"));
	put("providers/interact.conf", "provider interact {\n}\n\n"
	    "provider more { }\n");
	CU_ASSERT_TRUE(refused_at(conf, "interact.conf", 1, "one section"));
	put("providers/interact.conf", "");
	CU_ASSERT_TRUE(refused_at(conf, "interact.conf", 0, "one section"));
	put("providers/interact.conf", SITE);
	CU_ASSERT_TRUE(refused_at(conf, "interact.conf", 1, "no 'site' here"));
	put("providers/interact.conf", "include(\"x\")\n");
	CU_ASSERT_TRUE(refused_at(conf, "interact.conf", 1, "'include'"));
	put("providers/interact.conf", "provider interact {\n"
	    "preset = interact\n}\n");
	CU_ASSERT_TRUE(refused_at(conf, "interact.conf", 2,
	    "from preset to preset"));
	put("providers/interact.conf", "provider interact {\n"
	    "preset = nosuch\n}\n");
	CU_ASSERT_TRUE(refused_at(conf, "interact.conf", 2, "does not exist"));
	unlink(in_dir("providers/interact.conf"));
	CU_ASSERT_EQUAL(mkdir(in_dir("providers/interact.conf"), 0700), 0);
	CU_ASSERT_TRUE(refused_at(conf, "interact.conf", 0, "regular file"));
	CU_ASSERT_EQUAL(rmdir(in_dir("providers/interact.conf")), 0);
	unlink(in_dir("providers/base.conf"));
	CU_ASSERT_EQUAL(rmdir(in_dir("providers")), 0);
}

static void
environment_variables_are_put_in(void)
{
	struct conf *c;

	setenv("OAC_TEST_SECRET", "s " CANARY, 1);
	setenv("OAC_TEST_HOST", "shop.example", 1);
	unsetenv("OAC_TEST_NOT_SET");
	c = good("site { url = \"https://${OAC_TEST_HOST}/${OAC_TEST_NOT_SET:-"
	    "fallback}\" database = d keys = k }\nprovider interact {\n"
	    "client_id = \"\\${OAC_TEST_HOST}\"\n"
	    "client_secret = ${OAC_TEST_SECRET}\n}\n");
	CU_ASSERT_STRING_EQUAL(c->url, "https://shop.example/fallback");
	CU_ASSERT_STRING_EQUAL(c->providers[0].client_id, "${OAC_TEST_HOST}");
	CU_ASSERT_STRING_EQUAL(c->providers[0].client_secret, "s " CANARY);
	/* What is wiped is our copy, not the environment. */
	CU_ASSERT_STRING_EQUAL(getenv("OAC_TEST_SECRET"), "s " CANARY);
	conf_free(c);
	unsetenv("OAC_TEST_SECRET");
}

static void
a_value_may_come_from_a_file(void)
{
	struct conf *c;
	const char *conf;

	put("secret", CANARY " x\n");
	conf = put("oauth-cgi.conf", SITE "provider interact {\n"
	    "client_id = \"file:id\"\nclient_secret = \"file:secret\"\n}\n");
	put("id", "one");
	CU_ASSERT_EQUAL(load(conf, true, &c), ERR_OK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	CU_ASSERT_STRING_EQUAL(c->providers[0].client_secret, CANARY " x");
	CU_ASSERT_STRING_EQUAL(c->providers[0].client_id, "one");
	conf_free(c);
	put("secret", "\n");
	CU_ASSERT_TRUE(refused_at(conf, "oauth-cgi.conf", 8, "is empty"));
	put("secret", "");
	CU_ASSERT_TRUE(refused_at(conf, "oauth-cgi.conf", 8, "is empty"));
	put("secret", CANARY "\n\n");
	CU_ASSERT_TRUE(refused_at(conf, "oauth-cgi.conf", 8, "line break"));
	put("secret", CANARY "\r\n");
	CU_ASSERT_TRUE(refused_at(conf, "oauth-cgi.conf", 8, "line break"));
	put_n("secret", CANARY "\0x", sizeof(CANARY) + 1, 0600);
	CU_ASSERT_TRUE(refused_at(conf, "oauth-cgi.conf", 8, "NUL byte"));
	put_n("secret", CANARY, strlen(CANARY), 0644);
	CU_ASSERT_TRUE(refused_at(conf, "oauth-cgi.conf", 8,
	    "client_secret names a file that can't be used"));
	CU_ASSERT_PTR_NOT_NULL(strstr(logged, "chmod"));
	unlink(in_dir("secret"));
	CU_ASSERT_TRUE(refused_at(conf, "oauth-cgi.conf", 8,
	    "does not exist"));
}

static void
without_secrets_none_is_read_or_kept(void)
{
	struct conf *c;

	CU_ASSERT_EQUAL(load(put("oauth-cgi.conf", SITE
	    "provider interact {\nclient_id = 1\n"
	    "client_secret = \"file:/nowhere/at/all\"\n}\n"), false, &c),
	    ERR_OK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	CU_ASSERT_PTR_NULL(c->providers[0].client_secret);
	conf_free(c);
	CU_ASSERT_EQUAL(load(put("oauth-cgi.conf", WITH("")), false, &c),
	    ERR_OK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	CU_ASSERT_PTR_NULL(c->providers[0].client_secret);
	conf_free(c);
	/* That it is missing is an error all the same. */
	CU_ASSERT_EQUAL(load(put("oauth-cgi.conf", SITE
	    "provider interact {\nclient_id = 1\n}\n"), false, &c),
	    ERR_CONFIG);
	CU_ASSERT_EQUAL(load(put("oauth-cgi.conf", SITE
	    "provider interact {\nclient_id = 1\nclient_secret = \"\"\n}\n"),
	    false, &c), ERR_CONFIG);
}

static void
a_public_client_needs_no_secret(void)
{
	struct conf *c = good(SITE "provider interact {\nclient_id = 1\n"
	    "auth = none\n}\n");

	CU_ASSERT_EQUAL(c->providers[0].auth, AUTH_NONE);
	CU_ASSERT_PTR_NULL(c->providers[0].client_secret);
	conf_free(c);
}

static void
included_files_belong_to_the_configuration(void)
{
	const char *conf = put("oauth-cgi.conf", "include(\"sub/site.conf\")\n"
	    "/* after */\nprovider interact {\nauth = none\nclient_id = 1\n"
	    "pkce = off\n}\n");
	struct conf *c;

	CU_ASSERT_EQUAL(mkdir(in_dir("sub"), 0700), 0);
	put("sub/site.conf", SITE "include(\"acme.conf\")\n");
	put("sub/acme.conf", ACME "}\n");
	CU_ASSERT_EQUAL(load(conf, true, &c), ERR_OK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	CU_ASSERT_EQUAL(c->provider_count, 2);
	CU_ASSERT_FALSE(conf_provider(c, "interact")->pkce);
	/* Paths in it are relative to the configuration, not to itself. */
	CU_ASSERT_PTR_NULL(strstr(c->database, "/sub/"));
	conf_free(c);
	put("oauth-cgi.conf", "include(\"sub/site.conf\")\n\n\n"
	    "provider interact {\nauth = none\npkce = 7\nclient_id = 1\n}\n");
	CU_ASSERT_TRUE(refused_at(conf, "oauth-cgi.conf", 6, "pkce"));
	put("sub/acme.conf", ACME "auth = x\n}\n");
	CU_ASSERT_TRUE(refused_at(conf, "sub/acme.conf", 6, "auth"));
	put("sub/acme.conf", ACME "scop = \"a\"\n}\n");
	CU_ASSERT_TRUE(refused_at(conf, "sub/acme.conf", 6, "scope"));
	put("sub/acme.conf", SITE);
	CU_ASSERT_TRUE(refused_at(conf, "sub/acme.conf", 1, "two site"));
	put("sub/acme.conf", "provider interact { }\n");
	CU_ASSERT_TRUE(refused_at(conf, "oauth-cgi.conf", 4, "two sections"));
	put("sub/acme.conf", "include(\"../sub/./site.conf\")\n");
	CU_ASSERT_TRUE(refused_at(conf, "sub/acme.conf", 1, "itself"));
	put("sub/acme.conf", "\ninclude(\"nosuch.conf\")\n");
	CU_ASSERT_TRUE(refused_at(conf, "sub/acme.conf", 2, "does not exist"));
	put_n("sub/acme.conf", "\n", 1, 0604);
	CU_ASSERT_TRUE(refused_at(conf, "sub/acme.conf", 0, "chmod"));
	put("sub/acme.conf", "");
	CU_ASSERT_TRUE(refused_at(conf, "oauth-cgi.conf", 6, "pkce"));
}

static void
includes_are_not_nested_without_end(void)
{
	char name[32], text[64];
	struct conf *c;
	int i;

	put("deep0", SITE);
	for (i = 1; i <= 9; i++) {
		snprintf(name, sizeof(name), "deep%d", i);
		snprintf(text, sizeof(text), "include(\"deep%d\")\n", i - 1);
		put(name, text);
	}
	CU_ASSERT_EQUAL(load(in_dir("deep8"), true, &c), ERR_OK);
	conf_free(c);
	CU_ASSERT_TRUE(refused_at(in_dir("deep9"), "deep1", 1, "deep"));
}

static void
the_file_itself_must_be_private_text(void)
{
	static char big[262145 + 1];
	const char *path = put("oauth-cgi.conf", WITH(""));
	mode_t modes[] = { 0644, 0620, 0604, 0606 };
	struct conf *c;
	size_t i;

	for (i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(chmod(path, modes[i]), 0);
		CU_ASSERT_TRUE(refused_at(path, "oauth-cgi.conf", 0, "chmod"));
	}
	CU_ASSERT_EQUAL(chmod(path, 0440), 0);
	CU_ASSERT_EQUAL(load(path, true, &c), ERR_OK);
	conf_free(c);
	CU_ASSERT_TRUE(refused_at(put_n("oauth-cgi.conf", "#\n\n\0", 4, 0600),
	    "oauth-cgi.conf", 3, "NUL byte"));
	memset(big, ' ', sizeof(big) - 1);
	CU_ASSERT_TRUE(refused_at(put("oauth-cgi.conf", big),
	    "oauth-cgi.conf", 0, "larger"));
	CU_ASSERT_TRUE(refused_at(in_dir("nosuch.conf"), "nosuch.conf", 0,
	    "no such file"));
	CU_ASSERT_EQUAL(load("", true, &c), ERR_CONFIG);
	CU_ASSERT_EQUAL(load(harness_tmpdir(), true, &c), ERR_CONFIG);
}

static void
a_relative_path_is_made_absolute(void)
{
	char *here = getcwd(NULL, 0);
	struct conf *c;

	put("oauth-cgi.conf", WITH(""));
	CU_ASSERT_EQUAL_FATAL(chdir(harness_tmpdir()), 0);
	CU_ASSERT_EQUAL(load("oauth-cgi.conf", true, &c), ERR_OK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	CU_ASSERT_EQUAL(c->file[0], '/');
	CU_ASSERT_EQUAL(c->database[0], '/');
	conf_free(c);
	CU_ASSERT_EQUAL(chdir(here), 0);
	free(here);
}

static void
dots_in_a_path_are_resolved(void)
{
	struct conf *c;

	CU_ASSERT_EQUAL(mkdir(in_dir("a"), 0700), 0);
	CU_ASSERT_EQUAL(mkdir(in_dir("elsewhere"), 0700), 0);
	CU_ASSERT_EQUAL(mkdir(in_dir("elsewhere/b"), 0700), 0);
	CU_ASSERT_EQUAL(symlink("elsewhere/b", in_dir("link")), 0);
	c = good("site { url = \"https://a.example/\"\n"
	    "database = \"a/../oauth.db\"\nkeys = \"link/../keys\"\n"
	    "log = \"file:missing/../log\" }\n");
	CU_ASSERT_STRING_EQUAL(c->database, in_dir("oauth.db"));
	CU_ASSERT_STRING_EQUAL(c->keys, in_dir("elsewhere/keys"));
	CU_ASSERT_PTR_NOT_NULL(strstr(c->log, "missing/../log"));
	conf_free(c);
}

/* Whether those bytes are anywhere in this process's heap. */
static bool
in_heap(const char *needle, size_t len)
{
	static char chunk[1 << 16];
	unsigned long from = 0, to = 0, at;
	char line[512];
	bool found = false;
	FILE *maps = fopen("/proc/self/maps", "r");
	int mem = open("/proc/self/mem", O_RDONLY);

	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL)
		if (strstr(line, "[heap]") != NULL)
			sscanf(line, "%lx-%lx", &from, &to);
	for (at = from; at < to && !found; at += sizeof(chunk) / 2) {
		ssize_t n = pread(mem, chunk, sizeof(chunk), (off_t)at);

		found = n > 0 && memmem(chunk, (size_t)n, needle, len) != NULL;
	}
	if (maps != NULL)
		fclose(maps);
	close(mem);
	return found;
}

#if defined(__SANITIZE_ADDRESS__)
#define OWN_HEAP 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define OWN_HEAP 0
#endif
#endif
#ifndef OWN_HEAP
#define OWN_HEAP 1
#endif

#define LONG_SECRET 900

/* Long, so that nothing else is put into the memory that it was freed from. */
static void
make_secret(char secret[LONG_SECRET + 1], unsigned round)
{
	size_t i;

	for (i = 0; i + 6 <= LONG_SECRET; i += 6)
		snprintf(secret + i, 7, "%u-%03zu.", round, i / 6);
}

/* How many of its pieces are in the heap; freeing overwrites some bytes. */
static unsigned
pieces_in_heap(const char *secret)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i + 30 <= strlen(secret); i += 30)
		n += in_heap(secret + i, 30);
	return n;
}

static void
nothing_of_a_secret_stays_in_memory(void)
{
	static const char *const before[] = {
		"client_secret = \"", "client_secret = ",
		"client_secret = 'file:secret"
	};
	static const char *const after[] = {
		"\"\n}\n", "\n}\n", "'\n}\n"
	};
	static char text[4096], secret[LONG_SECRET + 1];
	struct conf *c;
	unsigned i;

	for (i = 0; i < 3; i++) {
		make_secret(secret, i);
		put("secret", secret);
		snprintf(text, sizeof(text), SITE "provider interact {\n"
		    "client_id = 1\n%s%s%s", before[i], i < 2 ? secret : "",
		    after[i]);
		c = good(text);
		CU_ASSERT_STRING_EQUAL(c->providers[0].client_secret, secret);
		if (OWN_HEAP)
			CU_ASSERT_NOT_EQUAL(pieces_in_heap(secret), 0);
		conf_free(c);
		CU_ASSERT_EQUAL(pieces_in_heap(secret), 0);
	}
}

static void
the_file_is_found_in_the_order_of_precedence(void)
{
	char *p;

	setenv("OAUTH_CGI_CONFIG", "/from/env", 1);
	p = conf_find("given");
	CU_ASSERT_STRING_EQUAL(p, "given");
	free(p);
	p = conf_find(NULL);
	CU_ASSERT_STRING_EQUAL(p, "/from/env");
	free(p);
	setenv("OAUTH_CGI_CONFIG", "", 1);
	p = conf_find(NULL);
	CU_ASSERT_STRING_EQUAL(p, SYSCONFDIR "/oauth-cgi.conf");
	free(p);
	unsetenv("OAUTH_CGI_CONFIG");
	p = conf_find(NULL);
	CU_ASSERT_STRING_EQUAL(p, SYSCONFDIR "/oauth-cgi.conf");
	free(p);
}

/* A copy of this program as DIR/name. */
static void
copy_of_this(const char *name)
{
	char exe[512];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	FILE *in, *out;
	int ch;

	CU_ASSERT_FATAL(n > 0);
	exe[n] = '\0';
	in = fopen(exe, "r");
	out = fopen(in_dir(name), "w");
	CU_ASSERT_FATAL(in != NULL && out != NULL);
	while ((ch = getc(in)) != EOF)
		putc(ch, out);
	fclose(in);
	fclose(out);
	CU_ASSERT_EQUAL(chmod(in_dir(name), 0755), 0);
}

/* What the copy DIR/name finds, run as root or (uid not 0) another. */
static void
finds(const char *name, uid_t uid, const char *expected)
{
	char command[600], answer[600] = "";
	int pipes[2];
	ssize_t n;
	pid_t pid;

	snprintf(command, sizeof(command), "%s", in_dir(name));
	CU_ASSERT_EQUAL_FATAL(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		dup2(pipes[1], STDOUT_FILENO);
		setenv("OAC_TEST_FIND", "1", 1);
		if (uid != 0 && setuid(uid) != 0)
			_exit(126);
		execl(command, command, (char *)NULL);
		_exit(127);
	}
	close(pipes[1]);
	n = read(pipes[0], answer, sizeof(answer) - 1);
	close(pipes[0]);
	CU_ASSERT_EQUAL(waitpid(pid, NULL, 0), pid);
	CU_ASSERT_TRUE(n > 0);
	CU_ASSERT_STRING_EQUAL(answer, expected);
}

static void
the_folder_beside_the_program_comes_before_the_system(void)
{
	CU_ASSERT_EQUAL(mkdir(in_dir("bin"), 0700), 0);
	CU_ASSERT_EQUAL(mkdir(in_dir("etc"), 0700), 0);
	put("etc/oauth-cgi.conf", "");
	copy_of_this("bin/test");
	finds("bin/test", 0, in_dir("etc/oauth-cgi.conf"));
}

static void
a_public_program_finds_the_folder_further_up(void)
{
	static const char *const folders[] = {
		"home", "home/oauth-cgi", "home/oauth-cgi/etc", "home/public",
		"home/public/oauth", "home/public/oauth-cgi",
		"home/public/oauth-cgi/etc",
	};
	const char *program = "home/public/oauth/test";
	const char *far = "home/oauth-cgi/etc/oauth-cgi.conf";
	const char *near = "home/public/oauth-cgi/etc/oauth-cgi.conf";
	size_t i;

	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		CU_ASSERT_EQUAL(mkdir(in_dir(folders[i]), 0755), 0);
	copy_of_this(program);
	put(far, "");
	finds(program, 0, in_dir(far));
	put(near, "");
	finds(program, 0, in_dir(near));
	if (geteuid() != 0)
		return;
	/* A stranger's is not taken, although it is nearer. */
	CU_ASSERT_EQUAL(chmod(in_dir(""), 0755), 0);
	CU_ASSERT_EQUAL(chown(in_dir(near), 65533, 65533), 0);
	finds(program, 0, in_dir(far));
	finds(program, 65534, in_dir(far));
	finds(program, 65533, in_dir(near));
	CU_ASSERT_EQUAL(chmod(in_dir(""), 0700), 0);
}

static void
origins_are_canonical(void)
{
	static const struct { const char *url, *origin; } cases[] = {
		{ "https://a.example", "https://a.example" },
		{ "HTTPS://A.Example/Path?q#f", "https://a.example" },
		{ "https://a.example:443/", "https://a.example" },
		{ "http://a.example:80?x", "http://a.example" },
		{ "http://a.example:443#x", "http://a.example:443" },
		{ "https://a.example:1", "https://a.example:1" },
		{ "https://a.example:65535", "https://a.example:65535" },
		{ "https://1.2.3.4/", "https://1.2.3.4" },
		{ "https://my_host/", "https://my_host" },
		{ "https://xn--bcher-kva.example/",
		    "https://xn--bcher-kva.example" },
		{ "https://[::1]/", "https://[::1]" },
		{ "https://[2001:DB8:0:0:0:0:0:1]:8443/",
		    "https://[2001:db8::1]:8443" },
		{ "https://a.example/\xc3\xa4", "https://a.example" },
		/* and all that is none */
		{ "", NULL }, { "https", NULL }, { "https:/a", NULL },
		{ "https://", NULL }, { "https:///x", NULL },
		{ "//a.example", NULL }, { "javascript:alert(1)", NULL },
		{ "ws://a.example", NULL }, { "null", NULL },
		{ "https://u@a.example", NULL },
		{ "https://u:p@a.example", NULL },
		{ "https://a.example@b.example", NULL },
		{ "https://a.example\\@b.example", NULL },
		{ "https://a.example/\\b", NULL },
		{ "https://a.example/ b", NULL },
		{ "https://a.example/\tb", NULL },
		{ "https://a.example/\x7f", NULL },
		{ " https://a.example", NULL },
		{ "https://a%2eexample", NULL },
		{ "https://b\xc3\xbc" "cher.example", NULL },
		{ "https://a..example", NULL }, { "https://.a", NULL },
		{ "https://a.example.", NULL }, { "https://-a", NULL },
		{ "https://a-.example", NULL },
		{ "https://a.example:", NULL },
		{ "https://a.example:/", NULL },
		{ "https://a.example:0", NULL },
		{ "https://a.example:080", NULL },
		{ "https://a.example:65536", NULL },
		{ "https://a.example:99999999999", NULL },
		{ "https://a.example:-1", NULL },
		{ "https://a.example:8x", NULL },
		{ "https://1.2.3", NULL }, { "https://1.2.3.256", NULL },
		{ "https://01.2.3.4", NULL }, { "https://0x7f.1", NULL },
		{ "https://127.0.0.0x1", NULL }, { "https://a.1", NULL },
		{ "https://2130706433", NULL },
		{ "https://[::1", NULL }, { "https://[]", NULL },
		{ "https://[::1]x", NULL },
		{ "https://[fe80::1%25eth0]", NULL },
		{ "https://[::ffff:127.0.0.1]", NULL },
		{ "https://[1.2.3.4]", NULL }, { "https://::1", NULL },
	};
	char long_url[400];
	size_t i;
	char *o;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *want = cases[i].origin;

		o = conf_url_origin(cases[i].url);
		if (want == NULL ? o != NULL :
		    (o == NULL || strcmp(o, want) != 0)) {
			fprintf(stderr, "%s gave %s\n", cases[i].url,
			    o != NULL ? o : "NULL");
			CU_FAIL("wrong origin");
		}
		free(o);
	}
	memset(long_url, 'a', sizeof(long_url));
	memcpy(long_url, "https://", 8);
	long_url[8 + 64] = '\0';
	CU_ASSERT_PTR_NULL(conf_url_origin(long_url));
	for (i = 8 + 63; i < sizeof(long_url); i += 64)
		long_url[i] = '.';
	long_url[8 + 64] = 'a';
	long_url[8 + 253] = '\0';
	o = conf_url_origin(long_url);
	CU_ASSERT_PTR_NOT_NULL(o);
	free(o);
	long_url[8 + 253] = 'a';
	long_url[8 + 254] = '\0';
	CU_ASSERT_PTR_NULL(conf_url_origin(long_url));
}

static void
loopback_is_told_exactly(void)
{
	static const char *const yes[] = {
		"http://localhost", "https://localhost:8443",
		"http://127.0.0.1", "http://127.255.255.254:1", "http://[::1]",
		"http://[::1]:80", "http://[0:0:0:0:0:0:0:1]",
	};
	static const char *const no[] = {
		"http://localhost.example", "http://a.localhost",
		"http://localhosts", "http://127.1", "http://0x7f000001",
		"http://2130706433", "http://127.0.0.1.example",
		"http://128.0.0.1", "http://0.0.0.0", "http://[::]",
		"http://[::2]", "http://[::1:1]", "http://[::ffff:127.0.0.1]",
		"http://10.0.0.1", "ftp://localhost", "localhost", "",
		"http://localhost@a.example", "http://localhost/",
	};
	size_t i;

	for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		CU_ASSERT_TRUE(conf_is_loopback(yes[i]));
	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		CU_ASSERT_FALSE(conf_is_loopback(no[i]));
}

static void
names_are_what_the_design_says(void)
{
	CU_ASSERT_TRUE(conf_is_name("a"));
	CU_ASSERT_TRUE(conf_is_name("0-_z"));
	CU_ASSERT_TRUE(conf_is_name("a1234567890123456789012345678901"));
	CU_ASSERT_FALSE(conf_is_name("a12345678901234567890123456789012"));
	CU_ASSERT_FALSE(conf_is_name(""));
	CU_ASSERT_FALSE(conf_is_name("-a"));
	CU_ASSERT_FALSE(conf_is_name("_a"));
	CU_ASSERT_FALSE(conf_is_name("A"));
	CU_ASSERT_FALSE(conf_is_name("a.b"));
	CU_ASSERT_FALSE(conf_is_name("a/b"));
	CU_ASSERT_FALSE(conf_is_name("a\xc3\xa4"));
}

static void
freeing_nothing_is_allowed(void)
{
	conf_free(NULL);
}

/* libconfuse leaks its argument list when a call does not parse. */
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:libconfuse\n";
}

static const struct test tests[] = {
#define T(f) { #f, f }
	T(grammar_errors_name_their_line),
	T(comments_and_long_lines_do_not_move_the_line),
	T(wrong_values_of_the_site_are_refused),
	T(wrong_values_of_a_provider_are_refused),
	T(wrong_switches_of_a_provider_are_refused),
	T(every_wrong_value_is_told_at_once),
	T(too_long_values_are_refused),
	T(no_error_ever_shows_a_secret),
	T(defaults_are_those_of_the_design),
	T(every_key_is_taken),
	T(loopback_may_be_http),
	T(a_redirect_uri_decides_the_callback_path),
	T(the_embedded_preset_fills_what_is_missing),
	T(people_read_names_of_their_own),
	T(a_preset_beside_the_configuration_wins),
	T(a_broken_preset_is_told_with_its_own_line),
	T(environment_variables_are_put_in),
	T(a_value_may_come_from_a_file),
	T(without_secrets_none_is_read_or_kept),
	T(a_public_client_needs_no_secret),
	T(included_files_belong_to_the_configuration),
	T(includes_are_not_nested_without_end),
	T(the_file_itself_must_be_private_text),
	T(a_relative_path_is_made_absolute),
	T(dots_in_a_path_are_resolved),
	T(nothing_of_a_secret_stays_in_memory),
	T(the_file_is_found_in_the_order_of_precedence),
	T(the_folder_beside_the_program_comes_before_the_system),
	T(a_public_program_finds_the_folder_further_up),
	T(origins_are_canonical),
	T(loopback_is_told_exactly),
	T(names_are_what_the_design_says),
	T(freeing_nothing_is_allowed),
};

int
main(void)
{
	/* See the_folder_beside_the_program_comes_before_the_system. */
	if (getenv("OAC_TEST_FIND") != NULL) {
		char *path = conf_find(NULL);

		printf("%s", path);
		free(path);
		return 0;
	}
	return harness_run("conf", tests, sizeof(tests) / sizeof(tests[0]));
}
