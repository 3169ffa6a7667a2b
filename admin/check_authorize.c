/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "check.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "authreq.h"
#include "pending.h"
#include "response.h"

/* Nobody can have registered it: RFC 2606 2. */
#define MADE_UP "https://oauth-cgi-check.invalid/callback"

static const struct check_kind redirect = { "redirect_uri", CHECK_WRONG,
    "The provider shows an error to everybody who wants to connect: it must "
    "have exactly this address on its list, to the last character." };
static const struct check_kind client_id = { "client_id", CHECK_WRONG,
    "The provider shows an error to everybody who wants to connect." };
static const struct check_kind refused = { "authorize_refused", CHECK_WRONG,
    "Everybody who wants to connect gets this error. Either the client_id or "
    "the redirect URI is not what is registered there, or a parameter of this "
    "section is not to its liking." };
static const struct check_kind scope = { "scope", CHECK_WRONG,
    "Everybody who wants to connect comes back with an error." };
static const struct check_kind wrong_url = { "authorize_url", CHECK_WRONG,
    "Everybody who wants to connect is sent there." };
static const struct check_kind failing = { "provider_error", CHECK_LATER,
    "It is out of order; nobody can connect as long as that lasts." };
static const struct check_kind unknown = { "redirect_uri_unchecked",
    CHECK_NOTE, "This provider tells only those who are signed in whether it "
    "takes it." };

/* What an authorization endpoint says to a browser that is not signed in. */
struct reply {
	int	status;
	bool	refused;
	bool	back;		/* sent to the redirect URI */
	bool	of_redirect;	/* the words of a refusal: what it is about */
	bool	of_client;
	char	error[64];	/* of a redirect back; "" */
};

static bool
has_word(const struct httpc_answer *a, const char *location, const char *word)
{
	const char *body = buf_cstr(&a->body);

	return (body != NULL && strcasestr(body, word) != NULL) ||
	    (location != NULL && strcasestr(location, word) != NULL);
}

/* The parameter error of a redirect, if it is a plain word. */
static void
read_error(const char *location, char out[64])
{
	const char *p = strpbrk(location, "?#");
	size_t len;

	out[0] = '\0';
	while (p != NULL && strncmp(p + 1, "error=", 6) != 0)
		p = strpbrk(p + 1, "&#");
	if (p == NULL)
		return;
	p += 7;
	len = strcspn(p, "&#");
	if (len < 64 && strspn(p, "abcdefghijklmnopqrstuvwxyz_") >= len)
		snprintf(out, 64, "%.*s", (int)len, p);
}

static void
read_reply(struct check *c, const struct httpc_answer *a, const char *uri,
    struct reply *r)
{
	const char *to = httpc_header(c->http, "Location");
	size_t path = to != NULL ? strcspn(to, "?#") : 0;
	const char *error;

	memset(r, 0, sizeof(*r));
	r->status = a->status;
	if (a->status / 100 != 3)
		to = NULL;
	if (to != NULL && strncmp(to, uri, strlen(uri)) == 0) {
		r->back = true;
		read_error(to, r->error);
		return;
	}
	/* Google, for one, refuses by a redirect to a page of errors. */
	error = to != NULL ? strcasestr(to, "error") : NULL;
	r->refused = a->status / 100 == 4 ||
	    (error != NULL && error < to + path);
	r->of_redirect = has_word(a, to, "redirect_uri") ||
	    has_word(a, to, "redirect uri") || has_word(a, to, "redirect url");
	r->of_client = has_word(a, to, "client_id") ||
	    has_word(a, to, "invalid_client") ||
	    has_word(a, to, "unauthorized_client");
}

static bool
ask(struct check *c, const struct provider *p, const char *uri,
    struct httpc_answer *a, struct reply *out)
{
	char state[SECRET_CHARS + 1], verifier[SECRET_CHARS + 1];
	char challenge[SECRET_CHARS + 1], nonce[SECRET_CHARS + 1];
	struct buf url = BUF_INIT(RESPONSE_LOCATION_MAX);
	struct authreq r = { .provider = p, .url = p->authorize_url,
	    .redirect_uri = uri, .state = state };
	struct httpc_request req = { .method = HTTPC_GET,
	    .accept = "text/html,application/xhtml+xml,*/*;q=0.8",
	    .ca_file = p->ca_file, .allow_http = p->allow_insecure,
	    .public_only = p->host_varies };
	bool ok;

	pending_new_secret(state);
	pending_new_secret(nonce);
	pending_new_secret(verifier);
	pending_challenge(verifier, challenge);
	if (p->pkce)
		r.challenge = challenge;
	if (authreq_is_openid(p->scope))
		r.nonce = nonce;
	authreq_build(&url, &r);
	req.url = buf_failed(&url) ? "" : buf_cstr(&url);
	ok = check_ask(c, &req, a);
	if (ok)
		read_reply(c, a, uri, out);
	buf_clear(&url);
	return ok;
}

void
check_mend_redirect(struct check *c, const struct provider *p)
{
	check_mend(c, "# at the provider, in the list of redirect URIs of "
	    "client %s:", p->client_id);
	check_mend(c, "%s", p->redirect_uri);
	check_mend(c, "# or, if another one of this site's is registered "
	    "there, in the section provider %s of %s:", p->name,
	    c->a->conf->file);
	check_mend(c, "redirect_uri = \"THAT-ONE\"");
}

static void
mend_client(struct check *c, const struct provider *p)
{
	check_mend(c, "# in the section provider %s of %s, as the provider "
	    "shows it:", p->name, c->a->conf->file);
	check_mend(c, "client_id = \"...\"");
}

/* Both our redirect URI and a made-up one were refused. */
static void
tell_refusal(struct check *c, const struct provider *p, const struct reply *r)
{
	if (r->status == 404 || r->status == 405 || r->status == 410) {
		check_found(c, &wrong_url, "provider %s: %s is answered %d",
		    p->name, p->authorize_url, r->status);
		check_mend(c, "# in the section provider %s of %s:", p->name,
		    c->a->conf->file);
		check_mend(c, "authorize_url = \"https://...\"");
	} else if (r->of_redirect) {
		check_found(c, &redirect, "provider %s refuses the redirect "
		    "URI %s", p->name, p->redirect_uri);
		check_mend_redirect(c, p);
	} else if (r->of_client) {
		check_found(c, &client_id, "provider %s does not know the "
		    "client_id %s", p->name, p->client_id);
		mend_client(c, p);
	} else {
		check_found(c, &refused, "provider %s answers %d to the "
		    "authorization request", p->name, r->status);
		mend_client(c, p);
		check_mend_redirect(c, p);
	}
}

/* It sent us back, and so takes the redirect URI; with an error, perhaps. */
static void
tell_back(struct check *c, const struct provider *p, const struct reply *r)
{
	static const char *const faults[] = { "unauthorized_client",
	    "unsupported_response_type", "invalid_request", "invalid_client" };
	size_t i;

	if (strcmp(r->error, "invalid_scope") == 0) {
		check_found(c, &scope, "provider %s does not take the scope "
		    "\"%s\"", p->name, p->scope);
		check_mend(c, "# in the section provider %s of %s, out of "
		    "those that the provider knows:", p->name,
		    c->a->conf->file);
		check_mend(c, "scope = \"...\"");
		return;
	}
	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		if (strcmp(r->error, faults[i]) != 0)
			continue;
		check_found(c, &refused, "provider %s answers %s to the "
		    "authorization request", p->name, r->error);
		mend_client(c, p);
		return;
	}
	check_good(c, "provider %s takes the redirect URI %s", p->name,
	    p->redirect_uri);
}

void
check_authorize(struct check *c, const struct provider *p)
{
	struct httpc_answer a;
	struct reply ours, other;

	httpc_answer_init(&a);
	if (!ask(c, p, p->redirect_uri, &a, &ours)) {
		check_unanswered(c, "provider", p->authorize_url, &a);
	} else if (ours.status >= 500) {
		check_found(c, &failing, "provider %s: %s is answered %d",
		    p->name, p->authorize_url, ours.status);
		check_mend(c, "# try again later");
	} else if (ours.back) {
		tell_back(c, p, &ours);
	} else if (ours.refused) {
		tell_refusal(c, p, &ours);
	} else if (ask(c, p, MADE_UP, &a, &other) && other.refused) {
		check_good(c, "provider %s takes the redirect URI %s",
		    p->name, p->redirect_uri);
	} else {
		check_found(c, &unknown, "provider %s answers; compare its "
		    "redirect URI with %s", p->name, p->redirect_uri);
		check_mend_redirect(c, p);
	}
	httpc_answer_clear(&a);
}
