/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "check.h"

#include <stdio.h>
#include <string.h>

#include "client.h"
#include "clock.h"
#include "pending.h"
#include "urlenc.h"

/* The ways of a client to say who it is, the commonest first. */
static const struct style {
	enum provider_auth	 auth;
	enum provider_body	 body;
	const char		*auth_line, *body_line;
} styles[] = {
	{ AUTH_POST, BODY_FORM, "auth = post", "body = form" },
	{ AUTH_BASIC, BODY_FORM, "auth = basic", "body = form" },
	{ AUTH_BASIC_RAW, BODY_FORM, "auth = basic-raw", "body = form" },
	{ AUTH_POST, BODY_JSON, "auth = post", "body = json" },
	{ AUTH_BASIC, BODY_JSON, "auth = basic", "body = json" },
	{ AUTH_BASIC_RAW, BODY_JSON, "auth = basic-raw", "body = json" },
	{ AUTH_NONE, BODY_FORM, "auth = none", "body = form" },
	{ AUTH_NONE, BODY_JSON, "auth = none", "body = json" },
};

#define STYLES (sizeof(styles) / sizeof(styles[0]))

static const struct check_kind other_style = { "auth_style", CHECK_WRONG,
    "The provider knows this client, but wants it to say so in another way: "
    "as it is, every exchange and every refresh is refused." };
static const struct check_kind not_known = { "client_refused", CHECK_WRONG,
    "In none of the usual ways does the provider take this client for who it "
    "is: the secret is not the right one, or has been renewed there." };
static const struct check_kind redirect = { "redirect_uri", CHECK_WRONG,
    "It is not on the provider's list of this client, to the last character: "
    "nobody can connect." };
static const struct check_kind wrong_url = { "token_url", CHECK_WRONG,
    "Codes are exchanged and tokens refreshed there: nothing can be." };
static const struct check_kind failing = { "provider_error", CHECK_LATER,
    "It is out of order. What it holds up is kept, and tried again." };
static const struct check_kind limited = { "provider_limit", CHECK_LATER,
    "It takes no more requests for now. What it holds up is kept, and tried "
    "again." };
static const struct check_kind odd = { "token_answer", CHECK_NOTE,
    "Neither a refused code nor a refused client: whether the secret is right "
    "can't be told from it." };

/* What the token endpoint makes of the client, as far as it lets us know. */
enum verdict {
	TAKEN,		/* the code is no good, so the client was */
	REFUSED,
	UNCLEAR,
	NOBODY		/* no answer that counts; it has been told */
};

struct probe {
	struct httpc_answer	a;
	struct token_answer	t;
};

/* The words that a provider has for a code which it does not know. */
static enum verdict
judge(const struct provider *p, const struct probe *r)
{
	if (r->a.outcome != HTTPC_ANSWERED || r->a.status >= 500 ||
	    r->a.status == 429)
		return NOBODY;
	switch (r->t.answer) {
	case ANSWER_DEAD:
		return TAKEN;
	case ANSWER_CONFIG:
		return strcmp(r->t.error, "invalid_client") == 0 ||
		    strcmp(r->t.error, "unauthorized_client") == 0 ||
		    name_list_has(&p->client_errors, r->t.error) ?
		    REFUSED : UNCLEAR;
	default:
		return r->a.status == 401 || r->a.status == 403 ? REFUSED :
		    UNCLEAR;
	}
}

static enum verdict
ask(struct check *c, const struct provider *p, struct probe *out)
{
	char code[SECRET_CHARS + 1], verifier[SECRET_CHARS + 1];
	struct client_exchange x = { .url = p->token_url, .code = code,
	    .redirect_uri = p->redirect_uri,
	    .verifier = p->pkce ? verifier : NULL };
	int64_t left = c->until_ms - clock_mono_ms();

	pending_new_secret(code);
	pending_new_secret(verifier);
	client_probe(c->http, p, &x, left < CHECK_REQUEST * 1000L ? left :
	    CHECK_REQUEST * 1000L, &out->a, &out->t);
	check_unsaid(c);
	return judge(p, out);
}

static void
clear(struct probe *p)
{
	httpc_answer_clear(&p->a);
	token_answer_clear(&p->t);
}

static const char *
word_of(const struct probe *p)
{
	return p->t.error[0] != '\0' ? p->t.error : "nothing";
}

static void
tell_failure(struct check *c, const struct provider *p, const struct probe *r)
{
	if (r->a.outcome != HTTPC_ANSWERED) {
		check_unanswered(c, "provider", p->token_url, &r->a);
		return;
	}
	check_found(c, r->a.status == 429 ? &limited : &failing,
	    "provider %s: %s is answered %d", p->name, p->token_url,
	    r->a.status);
	check_mend(c, "# try again later");
}

static const struct style *
style_of(const struct provider *p)
{
	size_t i;

	for (i = 0; i < STYLES; i++)
		if (styles[i].auth == p->auth && styles[i].body == p->body)
			return &styles[i];
	return &styles[0];
}

/* Whether a way is worth a try: it differs from the configured one. */
static bool
is_other(const struct provider *p, const struct style *s)
{
	struct buf encoded = BUF_INIT(4 * LIMIT_HEADER);
	bool same;

	if (s == style_of(p) ||
	    (s->auth == AUTH_NONE) != (p->client_secret == NULL))
		return false;
	if (s->auth != AUTH_BASIC_RAW)
		return true;
	/* Basic with and without encoding are one, mostly. */
	urlenc_add(&encoded, p->client_id);
	urlenc_add(&encoded, p->client_secret);
	same = !buf_failed(&encoded) && encoded.len == strlen(p->client_id) +
	    strlen(p->client_secret);
	buf_clear(&encoded);
	return !same;
}

static bool
is_taken(struct check *c, const struct provider *p, const struct style *s)
{
	struct provider other = *p;
	struct probe r;
	bool taken;

	other.auth = s->auth;
	other.body = s->body;
	memset(&r, 0, sizeof(r));
	token_answer_init(&r.t);
	taken = ask(c, &other, &r) == TAKEN;
	clear(&r);
	return taken;
}

/*
 * Try the other ways, those that change one thing alone first; the first one
 * that the provider takes, or NULL.
 */
static const struct style *
find_style(struct check *c, const struct provider *p)
{
	const struct style *s;
	bool one;
	int pass;

	for (pass = 0; pass < 2; pass++) {
		for (s = styles; s < styles + STYLES; s++) {
			one = s->auth == p->auth || s->body == p->body;
			if (one == (pass == 0) && is_other(p, s) &&
			    is_taken(c, p, s))
				return s;
		}
	}
	return NULL;
}

static void
tell_style(struct check *c, const struct provider *p, const struct style *s)
{
	const struct style *now = style_of(p);

	check_found(c, &other_style, "provider %s takes this client with %s "
	    "and %s, not with %s and %s", p->name, s->auth_line, s->body_line,
	    now->auth_line, now->body_line);
	check_mend(c, "# in the section provider %s of %s:", p->name,
	    c->a->conf->file);
	if (s->auth != now->auth)
		check_mend(c, "%s", s->auth_line);
	if (s->body != now->body)
		check_mend(c, "%s", s->body_line);
}

static void
tell_refusal(struct check *c, const struct provider *p, const struct probe *r)
{
	if (strstr(r->t.error, "redirect") != NULL) {
		check_found(c, &redirect, "provider %s answers %s to %s",
		    p->name, r->t.error, p->redirect_uri);
		check_mend_redirect(c, p);
		return;
	}
	check_found(c, &not_known, "provider %s does not take client %s: it "
	    "answers %s", p->name, p->client_id, word_of(r));
	check_mend(c, "# in the section provider %s of %s, as the provider "
	    "shows them:", p->name, c->a->conf->file);
	check_mend(c, "client_id = \"...\"");
	check_mend(c, "client_secret = \"file:%s.secret\"", p->name);
}

static void
tell_unclear(struct check *c, const struct provider *p, const struct probe *r)
{
	char words[LIMIT_NAME + 16];

	if (r->a.status == 404 || r->a.status == 405 || r->a.status == 410 ||
	    r->a.status / 100 == 3 || r->a.status / 100 == 2) {
		check_found(c, &wrong_url, "provider %s: %s is answered %d, "
		    "and not as a token endpoint does", p->name, p->token_url,
		    r->a.status);
		check_mend(c, "# in the section provider %s of %s:", p->name,
		    c->a->conf->file);
		check_mend(c, "token_url = \"https://...\"");
		return;
	}
	check_found(c, &odd, "provider %s answers %d %s to a made-up code",
	    p->name, r->a.status, word_of(r));
	check_mend(c, "# connect an account of your own; the log says how it "
	    "goes:");
	snprintf(words, sizeof(words), "connect %s test", p->name);
	check_mend_command(c, words);
}

void
check_client(struct check *c, const struct provider *p)
{
	const struct style *s = NULL;
	struct probe r;
	enum verdict v;

	memset(&r, 0, sizeof(r));
	token_answer_init(&r.t);
	v = ask(c, p, &r);
	if (r.a.outcome == HTTPC_ANSWERED)
		check_clock(c, p->name, &r.a);
	if (v == REFUSED || v == UNCLEAR)
		s = find_style(c, p);
	if (v == NOBODY)
		tell_failure(c, p, &r);
	else if (s != NULL)
		tell_style(c, p, s);
	else if (v == REFUSED)
		tell_refusal(c, p, &r);
	else if (v == UNCLEAR)
		tell_unclear(c, p, &r);
	else
		check_good(c, "provider %s takes this client: a made-up code "
		    "is answered %s", p->name, word_of(&r));
	clear(&r);
}
