/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "conf.h"

#include <stdlib.h>
#include <string.h>

#include "conf_internal.h"
#include "limit.h"
#include "wipe.h"
#include "xalloc.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What we set ourselves in each request. */
static const char *const authorize_reserved[] = {
	"response_type", "client_id", "redirect_uri", "state",
	"code_challenge", "code_challenge_method", "scope", "nonce",
	"response_mode", NULL
};
static const char *const token_reserved[] = {
	"grant_type", "code", "redirect_uri", "client_id", "client_secret",
	"code_verifier", "refresh_token", NULL
};

static const char *const auth_words[] = { "post", "basic",
    "basic-raw", "none" };
static const char *const body_words[] = { "form", "json" };
static const char *const pkce_words[] = { "off", "S256" };
static const char *const mode_words[] = { "query", "form_post" };
static const char *const separator_words[] = { "space", "comma", "plus" };
static const char *const revoke_words[] = { "none", "token", "grant" };

static bool
given(const struct conf_section *s, enum provider_key k)
{
	return s->set[k].value != NULL;
}

static char *
copy_of(const struct conf_section *s, enum provider_key k)
{
	return given(s, k) ? xstrdup(s->set[k].value) : NULL;
}

/* A URL that may be left out, or set to "" to remove the preset's. */
static char *
url_of(struct conf_build *b, const struct conf_section *s,
    enum provider_key k, int rules)
{
	const struct conf_setting *set = &s->set[k];
	const char *problem;

	if (set->value == NULL || set->value[0] == '\0')
		return NULL;
	problem = conf_url_problem(set->value, rules);
	if (problem != NULL) {
		conf_fail(b, set, "%s", problem);
		return NULL;
	}
	return xstrdup(set->value);
}

static void
lacks(struct conf_build *b, const struct conf_section *s, enum provider_key k)
{
	static const struct {
		enum provider_key	 key;
		const char		*write;
	} forms[] = {
		{ KEY_CLIENT_ID, "\"...\", as the provider gave it to you" },
		{ KEY_CLIENT_SECRET, "\"file:/path\", or auth = none" },
		{ KEY_AUTHORIZE_URL, "\"https://...\"" },
		{ KEY_TOKEN_URL, "\"https://...\"" },
	};
	const char *key = conf_kinds[SECTION_PROVIDER].keys[k].name;
	struct buf known = BUF_INIT(500);
	size_t i;

	for (i = 0; i + 1 < COUNT(forms) && forms[i].key != k; i++)
		;
	if (k == KEY_TOKEN_URL || k == KEY_AUTHORIZE_URL)
		conf_preset_names(b, &known);
	conf_complain(&s->place, "provider %s lacks %s; write %s = %s%s%s%s",
	    s->title, key, key, forms[i].write,
	    known.len > 0 ? ", or preset = NAME (there is: " : "",
	    buf_cstr(&known), known.len > 0 ? ")" : "");
	buf_clear(&known);
	b->failed = true;
}

static void
check_required(struct conf_build *b, const struct conf_section *s,
    const struct provider *p)
{
	if (!given(s, KEY_CLIENT_ID))
		lacks(b, s, KEY_CLIENT_ID);
	if (!given(s, KEY_AUTHORIZE_URL))
		lacks(b, s, KEY_AUTHORIZE_URL);
	if (!given(s, KEY_TOKEN_URL))
		lacks(b, s, KEY_TOKEN_URL);
	if (p->auth != AUTH_NONE && !given(s, KEY_CLIENT_SECRET))
		lacks(b, s, KEY_CLIENT_SECRET);
	if (p->auth == AUTH_NONE && given(s, KEY_CLIENT_SECRET))
		conf_fail(b, &s->set[KEY_CLIENT_SECRET], "is never sent with "
		    "auth = none; remove it, or write auth = post or basic");
	if (p->auth == AUTH_BASIC_RAW && p->client_id != NULL &&
	    strchr(p->client_id, ':') != NULL)
		conf_fail(b, &s->set[KEY_CLIENT_ID], "holds a ':', which can't "
		    "be sent with auth = basic-raw; write auth = basic");
	if (p->callback_hmac != NULL && p->form_post)
		conf_fail(b, &s->set[KEY_CALLBACK_HMAC], "goes with "
		    "response_mode = query alone");
	if (p->require_iss && p->issuer == NULL && !given(s, KEY_ISSUER))
		conf_fail(b, &s->set[KEY_REQUIRE_ISS], "needs the issuer to "
		    "compare with; write issuer = \"https://...\"");
	if (p->revoke != REVOKE_NONE && p->revoke_url == NULL &&
	    (!given(s, KEY_REVOKE_URL) ||
	    s->set[KEY_REVOKE_URL].value[0] == '\0'))
		conf_fail(b, &s->set[KEY_REVOKE], "needs the address to ask; "
		    "write revoke_url = \"https://...\"");
}

static void
build_urls(struct conf_build *b, const struct conf_section *s,
    struct provider *p)
{
	enum {
		START = 1 << FROM_START,
		CALLBACK = START | 1 << FROM_CALLBACK,
		ALL = CALLBACK | 1 << FROM_TOKEN
	};
	int rules = p->allow_insecure ? URL_LOOPBACK : URL_SECURE;
	const struct conf_setting *set = s->set;
	const struct conf_setting *authorize = &set[KEY_AUTHORIZE_URL];
	const char *query;
	bool of_browsers = false;

	p->authorize_url = conf_url_template(b, authorize, p, rules, START,
	    &of_browsers);
	p->token_url = conf_url_template(b, &set[KEY_TOKEN_URL], p, rules,
	    CALLBACK, &p->host_varies);
	p->refresh_url = conf_url_template(b, &set[KEY_REFRESH_URL], p, rules,
	    ALL, &p->host_varies);
	p->revoke_url = conf_url_template(b, &set[KEY_REVOKE_URL], p, rules,
	    ALL, &p->host_varies);
	p->issuer = url_of(b, s, KEY_ISSUER, rules);
	if (p->issuer != NULL && strlen(p->issuer) > LIMIT_FIELD)
		conf_fail(b, &s->set[KEY_ISSUER], "is longer than %d bytes",
		    LIMIT_FIELD);
	if (p->refresh_url == NULL && p->token_url != NULL)
		p->refresh_url = xstrdup(p->token_url);
	if (p->authorize_url != NULL &&
	    (query = strchr(p->authorize_url, '?')) != NULL)
		conf_params(b, authorize, query + 1, authorize_reserved, NULL);
}

/*
 * The PATH_INFO that a redirect URI below our own callback comes back with;
 * any other one gets there by a rule of the web server, which knows our name.
 */
static char *
callback_path(struct conf_build *b, const struct conf_setting *set,
    const char *name)
{
	const char *url = b->conf->url, *uri = set->value, *rest;
	size_t len = url != NULL ? strlen(url) : 0;
	struct buf path = BUF_INIT(LIMIT_NAME + 1);
	char *copy;

	if (uri != NULL && url != NULL && strncmp(uri, url, len) == 0 &&
	    strncmp(uri + len, "/callback", 9) == 0) {
		rest = uri + len + 9;
		len = strcspn(rest, "?");
		if (len == 0 || rest[0] == '/') {
			if (len > 1 && !conf_url_plain_path(rest, len))
				conf_fail(b, set, "may hold only plain names "
				    "after /callback: letters, digits and "
				    "'-', '.', '_', '~', without '//'");
			return xstrndup(rest, len);
		}
	}
	buf_fmt(&path, "/%s", name);
	copy = xstrdup(buf_cstr(&path));
	buf_clear(&path);
	return copy;
}

static void
build_redirect(struct conf_build *b, const struct conf_section *s,
    struct provider *p)
{
	struct conf_setting set = s->set[KEY_REDIRECT_URI];
	struct buf uri = BUF_INIT(LIMIT_URL);

	p->redirect_uri = url_of(b, s, KEY_REDIRECT_URI,
	    URL_LOOPBACK | URL_QUERY);
	if (set.value != NULL && p->redirect_uri == NULL)
		return;
	p->callback_path = callback_path(b, &set, p->name);
	if (p->redirect_uri != NULL || b->conf->url == NULL)
		return;
	buf_fmt(&uri, "%s/callback/%s", b->conf->url, p->name);
	if (buf_failed(&uri)) {
		conf_complain(&s->place, "the site's url is too long for a "
		    "redirect URI below it; make it shorter");
		b->failed = true;
	} else {
		p->redirect_uri = xstrdup(buf_cstr(&uri));
	}
	buf_clear(&uri);
}

/* An error code of RFC 6749, 5.2, without blanks. */
static bool
is_error_code(const char *s)
{
	if (strlen(s) > LIMIT_FIELD)
		return false;
	for (; *s != '\0'; s++)
		if (*s < 0x21 || *s > 0x7e || *s == '"' || *s == '\\')
			return false;
	return true;
}

static void
build_switches(struct conf_build *b, const struct conf_section *s,
    struct provider *p)
{
	const struct conf_setting *set = s->set;
	int auth = AUTH_POST, body = BODY_FORM, pkce = 1, mode = 0;
	int revoke = REVOKE_NONE, separator = 0;
	bool rotation = false;

	conf_enum(b, &set[KEY_AUTH], auth_words, COUNT(auth_words), &auth);
	conf_enum(b, &set[KEY_BODY], body_words, COUNT(body_words), &body);
	conf_enum(b, &set[KEY_PKCE], pkce_words, COUNT(pkce_words), &pkce);
	conf_enum(b, &set[KEY_RESPONSE_MODE], mode_words, COUNT(mode_words),
	    &mode);
	conf_enum(b, &set[KEY_REVOKE], revoke_words, COUNT(revoke_words),
	    &revoke);
	conf_enum(b, &set[KEY_SCOPE_SEPARATOR], separator_words,
	    COUNT(separator_words), &separator);
	conf_bool(b, &set[KEY_ROTATION], &rotation);
	conf_bool(b, &set[KEY_REQUIRE_ISS], &p->require_iss);
	conf_bool(b, &set[KEY_ALLOW_INSECURE], &p->allow_insecure);
	conf_seconds(b, &set[KEY_EXPIRES_DEFAULT], &p->expires_default);
	conf_seconds(b, &set[KEY_REPLAY_GRACE], &p->replay_grace);
	p->auth = (enum provider_auth)auth;
	p->body = (enum provider_body)body;
	p->pkce = pkce == 1;
	p->form_post = mode == 1;
	p->revoke = (enum provider_revoke)revoke;
	p->scope_separator = " ,+"[separator];
	if (given(s, KEY_ROTATION))
		p->rotation = rotation ? ROTATION_YES : ROTATION_NO;
}

static void
build_lists(struct conf_build *b, const struct conf_section *s,
    struct provider *p)
{
	const struct conf_setting *set = s->set;

	conf_names(b, &set[KEY_APPS], conf_is_name, "must hold names of apps: "
	    "1 to 32 of a-z, 0-9, '-' and '_', separated by blanks",
	    &p->apps);
	conf_names(b, &set[KEY_DEAD_ERRORS], is_error_code, "must hold error "
	    "codes of printable ASCII, separated by blanks", &p->dead_errors);
	conf_names(b, &set[KEY_CLIENT_ERRORS], is_error_code, "must hold error "
	    "codes of printable ASCII, separated by blanks",
	    &p->client_errors);
	conf_params(b, &set[KEY_AUTHORIZE_PARAMS],
	    set[KEY_AUTHORIZE_PARAMS].value, authorize_reserved,
	    &p->authorize_params);
	conf_params(b, &set[KEY_TOKEN_PARAMS], set[KEY_TOKEN_PARAMS].value,
	    token_reserved, &p->token_params);
	conf_params(b, &set[KEY_REFRESH_PARAMS], set[KEY_REFRESH_PARAMS].value,
	    token_reserved, &p->refresh_params);
	conf_renames(b, &set[KEY_PARAM_NAMES], &p->param_names);
	p->code_param = conf_param_name(b, &set[KEY_CODE_PARAM], "code");
	if (given(s, KEY_CALLBACK_HMAC) &&
	    set[KEY_CALLBACK_HMAC].value[0] != '\0')
		p->callback_hmac = conf_param_name(b, &set[KEY_CALLBACK_HMAC],
		    "");
	p->token_path = conf_pointer(b, &set[KEY_TOKEN_PATH]);
	p->error_path = conf_pointer(b, &set[KEY_ERROR_PATH]);
}

/* Complains about all that is wrong with it; then b->failed is set. */
void
conf_build_provider(struct conf_build *b, struct conf_section *s,
    struct provider *p)
{
	if (!conf_is_name(s->title)) {
		conf_complain(&s->place, "the name of a provider is 1 to 32 "
		    "of a-z, 0-9, '-' and '_', and begins with a letter or "
		    "digit");
		b->failed = true;
		return;
	}
	p->name = xstrdup(s->title);
	if (!conf_apply_preset(b, s) || !conf_resolve(b, s))
		return;
	build_switches(b, s, p);
	conf_build_fields(b, s, p);
	p->label = conf_label(b, &s->set[KEY_LABEL], p->name);
	p->client_id = copy_of(s, KEY_CLIENT_ID);
	/* Connections remember it, and would be another client's if it was cut. */
	if (p->client_id != NULL && strlen(p->client_id) > LIMIT_FIELD)
		conf_fail(b, &s->set[KEY_CLIENT_ID], "is longer than %d bytes",
		    LIMIT_FIELD);
	if (b->with_secrets)
		p->client_secret = copy_of(s, KEY_CLIENT_SECRET);
	p->scope = conf_scope(b, &s->set[KEY_SCOPE]);
	p->ca_file = conf_file_name(b, &s->set[KEY_CA_FILE]);
	build_urls(b, s, p);
	build_redirect(b, s, p);
	build_lists(b, s, p);
	check_required(b, s, p);
	conf_keep_settings(s, p);
}

void
conf_provider_clear(struct provider *p)
{
	free(p->name);
	free(p->label);
	free(p->client_id);
	wipe_str(p->client_secret);
	free(p->authorize_url);
	free(p->token_url);
	free(p->refresh_url);
	free(p->revoke_url);
	free(p->issuer);
	free(p->scope);
	free(p->redirect_uri);
	free(p->callback_path);
	free(p->ca_file);
	free(p->code_param);
	free(p->callback_hmac);
	free(p->token_path);
	free(p->error_path);
	conf_fields_free(p);
	conf_settings_free(p);
	conf_params_free(&p->authorize_params);
	conf_params_free(&p->token_params);
	conf_params_free(&p->refresh_params);
	conf_params_free(&p->param_names);
	conf_names_free(&p->client_errors);
	conf_names_free(&p->apps);
	conf_names_free(&p->dead_errors);
}
