/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/hmac.h>

#include "grants.h"
#include "provider.h"
#include "settings.h"

static const char style[] =
    "body{margin:0;font:16px/1.5 system-ui,sans-serif;background:#eef1f6;"
    "color:#1c2430}main{max-width:26rem;margin:8vh auto;background:#fff;"
    "padding:2rem;border-radius:14px;box-shadow:0 8px 30px #1c243018}"
    ".who{color:#5b6472;font-size:.9rem;margin:0 0 1.2rem;display:flex;"
    "gap:.6rem;align-items:center}.who b{background:#5a3fd0;color:#fff;"
    "width:2rem;height:2rem;border-radius:8px;display:inline-grid;"
    "place-items:center}h1{font-size:1.35rem;line-height:1.3;margin:0 0 1rem}"
    "ul{padding-left:1.2rem;margin:.3rem 0 1.3rem}fieldset{border:1px solid "
    "#d5dae3;border-radius:10px;margin:0 0 1.4rem;padding:.4rem 1rem .6rem}"
    "legend{color:#5b6472;font-size:.85rem;padding:0 .4rem}label{display:"
    "block;padding:.35rem 0}label span{color:#5b6472;font-size:.9rem}"
    ".go{display:flex;gap:.8rem}button{font:inherit;flex:1;padding:.7rem;"
    "border-radius:10px;border:1px solid #c4cad6;background:#fff;color:"
    "#1c2430;cursor:pointer}button[value=allow]{background:#5a3fd0;"
    "border-color:#5a3fd0;color:#fff;font-weight:600}button:focus-visible"
    "{outline:3px solid #b9aef0}footer{color:#5b6472;font-size:.8rem;"
    "margin-top:1.4rem}@media(max-width:30rem){main{margin:0;min-height:100vh;"
    "box-sizing:border-box;border-radius:0}label span{display:block;"
    "padding-left:1.6rem}}";

static const struct { const char *id, *name, *mail; } users[] = {
	{ "ada", "Ada Lovelace", "ada@example.com" },
	{ "grace", "Grace Hopper", "grace@example.com" },
};

static const struct { const char *scope, *meaning; } meanings[] = {
	{ "read_user", "See your name and e-mail address" },
	{ "write_data", "Add and change data in your account" },
	{ "openid", "Know that it is you" },
	{ "profile", "See your name" },
	{ "email", "See your e-mail address" },
	{ "offline_access", "Keep this access while you are away" },
};

static void
page_open(struct answer *a, const char *title)
{
	a->type = "text/html; charset=utf-8";
	text_str(&a->body, "<!DOCTYPE html>\n<html lang=\"en\"><head>"
	    "<meta charset=\"utf-8\"><meta name=\"viewport\" content=\""
	    "width=device-width, initial-scale=1\"><title>");
	text_html(&a->body, title);
	text_str(&a->body, " – ");
	text_html(&a->body, set_get(SET_NAME));
	text_str(&a->body, "</title><style>");
	text_str(&a->body, style);
	text_str(&a->body, "</style></head><body><main>\n<p class=\"who\"><b>");
	text_add(&a->body, set_get(SET_NAME), 1);
	text_str(&a->body, "</b> ");
	text_html(&a->body, set_get(SET_NAME));
	text_str(&a->body, "</p>\n");
}

static void
page_close(struct answer *a)
{
	text_str(&a->body, "</main></body></html>\n");
}

static void
refuse(struct answer *a, const char *why)
{
	a->status = 400;
	page_open(a, "Error");
	text_str(&a->body, "<h1>This request can't be answered</h1><p>");
	text_html(&a->body, why);
	text_str(&a->body, "</p>\n");
	page_close(a);
}

static bool
redirect_uri_ok(const char *uri)
{
	static const char *const allowed[] = { "https://", "http://127.0.0.1:",
	    "http://127.0.0.1/", "http://localhost:", "http://localhost/",
	    "http://[::1]:" };

	if (*set_get(SET_REDIRECT_URI) != '\0')
		return set_is(SET_REDIRECT_URI, uri);
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (strncmp(uri, allowed[i], strlen(allowed[i])) == 0)
			return true;
	return false;
}

/* Errors that must not be redirected: RFC 6749 4.1.2.1. */
static bool
client_ok(const struct params *p, struct answer *a)
{
	const char *id = request_param(p, "client_id");
	const char *uri = request_param(p, "redirect_uri");

	if (id == NULL || !set_is(SET_CLIENT_ID, id)) {
		refuse(a, "client_id is not known here.");
		return false;
	}
	if (uri == NULL || !redirect_uri_ok(uri)) {
		refuse(a, "redirect_uri is not registered for this client.");
		return false;
	}
	return true;
}

/* The error to send back to the client, or NULL. */
static const char *
request_error(const struct params *p)
{
	const char *type = request_param(p, "response_type");
	const char *method = request_param(p, "code_challenge_method");
	const char *challenge = request_param(p, "code_challenge");

	if (*set_get(SET_AUTHORIZE_ERROR) != '\0')
		return set_get(SET_AUTHORIZE_ERROR);
	/* Who renames parameters may do without this one. */
	if (type == NULL ? set_is(SET_NAMES, "") : strcmp(type, "code") != 0)
		return "unsupported_response_type";
	if (set_is(SET_PKCE, "ignored") ||
	    (challenge == NULL && set_is(SET_PKCE, "optional")))
		return NULL;
	if (challenge == NULL || strlen(challenge) != 43 || method == NULL ||
	    strcmp(method, "S256") != 0)
		return "invalid_request";
	return NULL;
}

static void
redirect_param(struct text *t, const char *name, const char *value)
{
	if (value == NULL)
		return;
	text_str(t, strchr(t->s, '?') == NULL ? "?" : "&");
	text_str(t, name);
	text_str(t, "=");
	text_form(t, value);
}

static void
form_param(struct text *t, const char *name, const char *value)
{
	if (value == NULL)
		return;
	text_str(t, "<input type=\"hidden\" name=\"");
	text_str(t, name);
	text_str(t, "\" value=\"");
	text_html(t, value);
	text_str(t, "\">\n");
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The hmac parameter of Shopify: hex, over the sorted others, decoded. */
static void
add_hmac(struct text *url)
{
	const char *query = strchr(url->s, '?') + 1;
	const char *secret = set_get(SET_CLIENT_SECRET);
	struct params p = { .count = 0 };
	struct text pairs[PARAMS_MAX] = { { NULL, 0, 0 } };
	struct text all = { NULL, 0, 0 };
	unsigned char mac[32];

	params_form(&p, query, strlen(query));
	for (size_t i = 0; i < p.count; i++) {
		text_str(&pairs[i], p.name[i]);
		text_str(&pairs[i], "=");
		text_str(&pairs[i], p.value[i]);
	}
	/* The string comes first in struct text. */
	qsort(pairs, p.count, sizeof(pairs[0]), by_name);
	for (size_t i = 0; i < p.count; i++) {
		text_str(&all, i == 0 ? "" : "&");
		text_str(&all, pairs[i].s);
		text_clear(&pairs[i]);
	}
	HMAC(EVP_sha256(), secret, (int)strlen(secret),
	    (const unsigned char *)all.s, all.len, mac, NULL);
	text_str(url, "&hmac=");
	for (size_t i = 0; i < sizeof(mac); i++)
		text_fmt(url, "%02x", set_is(SET_HMAC, "wrong") ? 0 : mac[i]);
	text_clear(&all);
	params_clear(&p);
}

/* Back to the client: by 302, or by a form that the user's button posts. */
static void
send_back(const struct params *p, struct answer *a, const char *code,
    const char *error)
{
	const char *mode = request_param(p, "response_mode");
	bool form = mode != NULL && strcmp(mode, "form_post") == 0;
	void (*add)(struct text *, const char *, const char *) = form ?
	    form_param : redirect_param;
	struct text t = { NULL, 0, 0 };
	struct params back = { .count = 0 };

	text_str(&t, form ? "" : request_param(p, "redirect_uri"));
	add(&t, set_get(SET_CODE_NAME), code);
	add(&t, "error", error);
	add(&t, "error_description", error == NULL ? NULL :
	    "<b>Text of the provider</b>");
	add(&t, "state", request_param(p, "state"));
	if (!set_is(SET_ISS, "off"))
		add(&t, "iss", set_is(SET_ISS, "on") ? provider_issuer() :
		    "https://attacker.example");
	params_form(&back, set_get(SET_BACK), strlen(set_get(SET_BACK)));
	for (size_t i = 0; i < back.count; i++)
		add(&t, back.name[i], back.value[i]);
	params_clear(&back);
	if (form) {
		page_open(a, "Back");
		text_str(&a->body, "<h1>One more step</h1>\n"
		    "<form method=\"post\" action=\"");
		text_html(&a->body, request_param(p, "redirect_uri"));
		text_str(&a->body, "\">\n");
		text_str(&a->body, t.s);
		text_str(&a->body, "<div class=\"go\"><button value=\"allow\">"
		    "Continue</button></div></form>\n");
		page_close(a);
	} else {
		if (!set_is(SET_HMAC, "off"))
			add_hmac(&t);
		a->status = 302;
		text_str(&a->header, "Location: ");
		text_str(&a->header, t.s);
		text_str(&a->header, "\r\n");
	}
	text_clear(&t);
}

static void
consent(const struct params *p, struct answer *a, const char *user)
{
	const char *scope = request_param(p, "scope");
	struct family *f = family_new(user, scope == NULL ? "" : scope);
	struct grant *code;

	stats.allowed++;
	f->nonce = copy(request_param(p, "nonce"));
	f->redirect_uri = copy(request_param(p, "redirect_uri"));
	f->challenge = set_is(SET_PKCE, "ignored") ? NULL :
	    copy(request_param(p, "code_challenge"));
	code = grant_new(GRANT_CODE, f, set_int(SET_CODE_TTL));
	send_back(p, a, code->token, NULL);
}

static void
scope_list(struct text *out, const char *scope)
{
	const char *end;

	text_str(out, "<ul>\n");
	for (; *scope != '\0'; scope = *end == ' ' ? end + 1 : end) {
		struct text word = { NULL, 0, 0 };
		const char *meaning = NULL;

		end = scope + strcspn(scope, " ");
		text_add(&word, scope, (size_t)(end - scope));
		for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]);
		    i++)
			if (strcmp(meanings[i].scope, word.s) == 0)
				meaning = meanings[i].meaning;
		text_str(out, "<li>");
		text_html(out, meaning == NULL ? word.s : meaning);
		text_str(out, "</li>\n");
		text_clear(&word);
	}
	text_str(out, "</ul>\n");
}

static void
consent_page(const struct params *p, struct answer *a)
{
	const char *scope = request_param(p, "scope");

	page_open(a, "Allow access?");
	text_str(&a->body, "<h1>");
	text_html(&a->body, set_get(SET_CLIENT_NAME));
	text_str(&a->body, " wants access to your account</h1>\n"
	    "<p>It would be able to:</p>\n");
	scope_list(&a->body, scope == NULL ? "" : scope);
	text_str(&a->body, "<form method=\"post\" action=\"/authorize/decision"
	    "\">\n<fieldset><legend>Your account</legend>\n");
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		text_fmt(&a->body, "<label><input type=\"radio\" name=\"user\" "
		    "value=\"%s\"%s> %s <span>%s</span></label>\n",
		    users[i].id, set_is(SET_USER, users[i].id) ? " checked" :
		    "", users[i].name, users[i].mail);
	text_str(&a->body, "</fieldset>\n");
	for (size_t i = 0; i < p->count; i++) {
		text_str(&a->body, "<input type=\"hidden\" name=\"");
		text_html(&a->body, p->name[i]);
		text_str(&a->body, "\" value=\"");
		text_html(&a->body, p->value[i]);
		text_str(&a->body, "\">\n");
	}
	text_str(&a->body, "<div class=\"go\"><button name=\"decision\" value="
	    "\"decline\">Decline</button><button name=\"decision\" value="
	    "\"allow\">Allow</button></div></form>\n<footer>This provider is "
	    "made for trying things out: nothing here is real.</footer>\n");
	page_close(a);
}

void
authorize_page(const struct request *r, struct answer *a)
{
	const struct params *p = &r->query;
	const char *automatic = request_param(p, "auto"), *error;

	stats.authorize++;
	text_clear(&stats.last_authorize);
	params_to_json(p, &stats.last_authorize);
	if (!client_ok(p, a))
		return;
	if ((error = request_error(p)) != NULL)
		send_back(p, a, NULL, error);
	else if (set_is(SET_AUTO, "1") ||
	    (automatic != NULL && strcmp(automatic, "1") == 0))
		consent(p, a, set_get(SET_USER));
	else
		consent_page(p, a);
}

void
authorize_decision(const struct request *r, struct answer *a)
{
	const struct params *p = &r->body;
	const char *decision = request_param(p, "decision"), *error;
	const char *user = request_param(p, "user");

	if (!client_ok(p, a))
		return;
	if ((error = request_error(p)) != NULL) {
		send_back(p, a, NULL, error);
	} else if (decision == NULL || strcmp(decision, "allow") != 0) {
		stats.denied++;
		send_back(p, a, NULL, "access_denied");
	} else {
		consent(p, a, user != NULL && strcmp(user, "grace") == 0 ?
		    "grace" : "ada");
	}
}
