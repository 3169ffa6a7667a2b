/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "grants.h"
#include "provider.h"
#include "settings.h"

void
answer_error(struct answer *a, int status, const char *code)
{
	text_clear(&a->body);
	text_str(&a->body, "{\"error\":");
	text_json(&a->body, code);
	text_str(&a->body, "}");
	a->status = status;
	a->type = "application/json";
}

/*
 * Basic's name and password are form-encoded inside (RFC 6749 2.3.1), but for
 * providers that have not heard of it.
 */
static bool
basic_matches(const char *encoded)
{
	struct text plain = { NULL, 0, 0 }, raw = { NULL, 0, 0 };
	struct params p = { .count = 0 };
	char *colon;
	bool ok = false;

	if (set_is(SET_AUTH, "basic-raw")) {
		text_fmt(&raw, "%s:%s", set_get(SET_CLIENT_ID),
		    set_get(SET_CLIENT_SECRET));
		ok = base64_decode(encoded, &plain) &&
		    strcmp(plain.s, raw.s) == 0;
	} else if (base64_decode(encoded, &plain) &&
	    (colon = strchr(plain.s, ':')) != NULL) {
		*colon = '=';
		ok = params_form(&p, plain.s, plain.len) && p.count == 1 &&
		    strcmp(p.name[0], set_get(SET_CLIENT_ID)) == 0 &&
		    strcmp(p.value[0], set_get(SET_CLIENT_SECRET)) == 0;
	}
	params_clear(&p);
	text_clear(&plain);
	text_clear(&raw);
	return ok;
}

struct client_proof
client_check(const struct request *r)
{
	const char *id = request_param(&r->body, "client_id");
	const char *secret = request_param(&r->body, "client_secret");
	bool basic = r->authorization != NULL &&
	    strncasecmp(r->authorization, "Basic ", 6) == 0;
	struct client_proof p = { "none", false };

	if (basic && secret != NULL) {
		p.method = "both";
	} else if (basic) {
		p.method = "basic";
		p.ok = basic_matches(r->authorization + 6);
	} else if (secret != NULL) {
		p.method = "post";
		p.ok = id != NULL && strcmp(id, set_get(SET_CLIENT_ID)) == 0 &&
		    strcmp(secret, set_get(SET_CLIENT_SECRET)) == 0;
	} else {
		p.ok = id != NULL && strcmp(id, set_get(SET_CLIENT_ID)) == 0 &&
		    set_is(SET_AUTH, "none");
	}
	if (!set_is(SET_AUTH, "any") && !set_is(SET_AUTH, p.method) &&
	    !(basic && set_is(SET_AUTH, "basic-raw")))
		p.ok = false;
	return p;
}

static bool
is_secret(const char *name)
{
	return strcmp(name, "code") == 0 || strcmp(name, "token") == 0 ||
	    strcmp(name, "refresh_token") == 0 ||
	    strcmp(name, "client_secret") == 0 ||
	    strcmp(name, "code_verifier") == 0;
}

void
params_to_json(const struct params *p, struct text *out)
{
	char hash[9];

	text_str(out, "{");
	for (size_t i = 0; i < p->count; i++) {
		const char *value = p->value[i];

		if (is_secret(p->name[i])) {
			short_hash(value, hash);
			value = hash;
		}
		text_str(out, i == 0 ? "" : ",");
		text_json(out, p->name[i]);
		text_str(out, ":");
		text_json(out, value);
	}
	text_str(out, "}");
}

/* One member of the answer, as JSON or as form; value NULL for a JSON null. */
static void
member(struct text *out, const char *name, const char *value, bool quoted)
{
	if (set_is(SET_ANSWER, "form")) {
		text_fmt(out, "%s%s=", out->len > 0 ? "&" : "", name);
		text_form(out, value == NULL ? "" : value);
		return;
	}
	text_fmt(out, "%s\"%s\":", out->len > 1 ? "," : "", name);
	if (value == NULL || quoted)
		text_json(out, value);
	else
		text_str(out, value);
}

static void
member_expires(struct text *out)
{
	static const struct { const char *how, *value; bool quoted; } odd[] = {
		{ "zero", "0", false }, { "negative", "-1", false },
		{ "text", "soon", true }, { "null", NULL, false },
		{ "huge", "99999999999999999999", false },
	};
	const char *how = set_get(SET_EXPIRES);
	char value[32];

	if (strcmp(how, "missing") == 0)
		return;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		if (strcmp(how, odd[i].how) == 0) {
			member(out, "expires_in", odd[i].value, odd[i].quoted);
			return;
		}
	snprintf(value, sizeof(value), "%d%s", set_int(SET_TTL),
	    strcmp(how, "float") == 0 ? ".5" : "");
	member(out, "expires_in", value, strcmp(how, "string") == 0);
}

/* An unsigned JWT: enough for whoever only looks at the nonce. */
static void
member_id_token(struct text *out, const struct family *f)
{
	static const char header[] = "{\"alg\":\"none\",\"typ\":\"JWT\"}";
	struct text claims = { NULL, 0, 0 }, jwt = { NULL, 0, 0 };
	long long now = (long long)time(NULL);

	text_str(&claims, "{\"iss\":");
	text_json(&claims, provider_issuer());
	text_str(&claims, ",\"aud\":");
	text_json(&claims, set_get(SET_CLIENT_ID));
	text_str(&claims, ",\"sub\":");
	text_json(&claims, f->user);
	text_fmt(&claims, ",\"iat\":%lld,\"exp\":%lld", now, now + 300);
	if (f->nonce != NULL) {
		text_str(&claims, ",\"nonce\":");
		text_json(&claims, f->nonce);
	}
	text_str(&claims, "}");
	text_base64url(&jwt, header, sizeof(header) - 1);
	text_str(&jwt, ".");
	text_base64url(&jwt, claims.s, claims.len);
	text_str(&jwt, ".");
	member(out, "id_token", jwt.s, true);
	text_clear(&claims);
	text_clear(&jwt);
}

/* Begin the object that holds the tokens, with others outside of it. */
static void
open_nest(struct answer *a)
{
	text_str(&a->body, "\"ok\":true,\"access_token\":\"canary-outer\","
	    "\"refresh_token\":\"canary-outer-r\",\"expires_in\":17,");
	text_json(&a->body, set_get(SET_NEST));
	text_str(&a->body, ":{\"id\":\"U1\"");
}

/* refresh: what refresh_token says, also "" and null; nothing without has. */
static void
answer_tokens(struct answer *a, const struct family *f, const char *access,
    bool has, const char *refresh)
{
	bool json = set_is(SET_ANSWER, "json");
	bool nested = json && f->refreshes == 0 && !set_is(SET_NEST, "");

	text_str(&a->body, json ? "{" : "");
	if (nested)
		open_nest(a);
	member(&a->body, "access_token", access, true);
	if (!set_is(SET_TOKEN_TYPE, "missing"))
		member(&a->body, "token_type", set_get(SET_TOKEN_TYPE), true);
	member_expires(&a->body);
	if (has)
		member(&a->body, "refresh_token", refresh, true);
	if (!set_is(SET_SCOPE, "missing"))
		member(&a->body, "scope", set_is(SET_SCOPE, "other") ?
		    "something_else" : f->scope, true);
	if (set_is(SET_ID_TOKEN, "on"))
		member_id_token(&a->body, f);
	if (nested)
		text_str(&a->body, "}");
	if (json && !set_is(SET_EXTRA, ""))
		text_fmt(&a->body, ",%s", set_get(SET_EXTRA));
	text_str(&a->body, json ? "}" : "");
	a->type = json ? "application/json" :
	    "application/x-www-form-urlencoded";
}

/* RFC 7636 4.6: base64url(SHA-256(verifier)) is the challenge. */
static bool
verifier_fits(const struct family *f, const char *verifier)
{
	struct text challenge = { NULL, 0, 0 };
	unsigned char digest[32];
	bool ok;

	if (f->challenge == NULL)
		return verifier == NULL || !set_is(SET_PKCE, "required");
	if (verifier == NULL || strlen(verifier) < 43)
		return false;
	sha256(verifier, strlen(verifier), digest);
	text_base64url(&challenge, digest, sizeof(digest));
	ok = strcmp(challenge.s, f->challenge) == 0;
	text_clear(&challenge);
	return ok;
}

/* With grants=any, what calls itself so counts as issued at first sight. */
static struct grant *
find_or_adopt(const struct request *r, enum grant_kind kind, const char *token)
{
	const char *redirect = request_param(&r->body, "redirect_uri");
	struct grant *g = grant_find(token);
	struct family *f;

	if (g != NULL || !set_is(SET_GRANTS, "any") ||
	    strncmp(token, "any-", 4) != 0)
		return g;
	f = family_new("ada", "read_user write_data");
	if (kind == GRANT_CODE && redirect != NULL) {
		f->redirect_uri = copy(redirect);
		f->challenge = copy(token + 4);
	}
	return grant_adopt(kind, f, token);
}

static void
redeem_code(const struct request *r, struct answer *a)
{
	const char *code = request_param(&r->body, "code");
	const char *redirect = request_param(&r->body, "redirect_uri");
	struct grant *g = code == NULL ? NULL :
	    find_or_adopt(r, GRANT_CODE, code);
	struct grant *refresh = NULL;

	if (g == NULL || g->kind != GRANT_CODE || grant_expired(g) ||
	    g->family->revoked) {
		answer_error(a, 400, "invalid_grant");
		return;
	}
	if (g->used_at != 0) {
		/* RFC 6749 4.1.2: a code used twice ends what came of it. */
		family_revoke(g->family);
		answer_error(a, 400, "invalid_grant");
		return;
	}
	g->used_at = now_ms();
	if (redirect == NULL || strcmp(redirect, g->family->redirect_uri) != 0 ||
	    !verifier_fits(g->family, request_param(&r->body, "code_verifier"))) {
		answer_error(a, 400, "invalid_grant");
		return;
	}
	stats.code_ok++;
	if (set_is(SET_INITIAL_REFRESH, "1"))
		refresh = grant_new(GRANT_REFRESH, g->family, 0);
	answer_tokens(a, g->family,
	    grant_new(GRANT_ACCESS, g->family, set_int(SET_TTL))->token,
	    refresh != NULL, refresh == NULL ? NULL : refresh->token);
}

static void
refresh(const struct request *r, struct answer *a)
{
	const char *token = request_param(&r->body, "refresh_token");
	struct grant *g = token == NULL ? NULL :
	    find_or_adopt(r, GRANT_REFRESH, token);
	const char *next = NULL;

	if (g == NULL || g->kind != GRANT_REFRESH || g->family->revoked) {
		answer_error(a, 400, "invalid_grant");
		return;
	}
	g->uses++;
	if (g->used_at != 0 &&
	    now_ms() - g->used_at >= set_int(SET_REUSE_GRACE_MS)) {
		stats.reuses++;
		family_revoke(g->family);
		answer_error(a, 400, "invalid_grant");
		return;
	}
	if (set_is(SET_REVOKE_OLD_ACCESS, "1"))
		grants_expire_access(g->family);
	if (set_is(SET_ROTATION, "new")) {
		if (g->used_at == 0)
			g->used_at = now_ms();
		next = grant_new(GRANT_REFRESH, g->family, 0)->token;
	} else if (set_is(SET_ROTATION, "same")) {
		next = token;
	} else if (set_is(SET_ROTATION, "empty")) {
		next = "";
	}
	stats.refresh_ok++;
	g->family->refreshes++;
	answer_tokens(a, g->family,
	    grant_new(GRANT_ACCESS, g->family, set_int(SET_TTL))->token,
	    !set_is(SET_ROTATION, "none"), next);
}

static bool
body_fits(const struct request *r)
{
	bool json = strcasecmp(r->content_type, "application/json") == 0;

	return r->body_ok &&
	    (set_is(SET_BODY, "any") || set_is(SET_BODY, json ? "json" : "form"));
}

static void
work(const struct request *r, const struct client_proof *proof,
    struct answer *a)
{
	const char *grant = request_param(&r->body, "grant_type");

	if (strcmp(r->method, "POST") != 0) {
		answer_error(a, 405, "invalid_request");
	} else if (!body_fits(r) || grant == NULL ||
	    strcmp(proof->method, "both") == 0) {
		answer_error(a, 400, "invalid_request");
	} else if (!proof->ok) {
		answer_error(a, 401, "invalid_client");
		text_str(&a->header, "WWW-Authenticate: Basic realm=\"demo\""
		    "\r\n");
	} else if (strcmp(grant, "authorization_code") == 0) {
		redeem_code(r, a);
	} else if (strcmp(grant, "refresh_token") == 0) {
		refresh(r, a);
	} else {
		answer_error(a, 400, "unsupported_grant_type");
	}
}

static void
count(const struct request *r)
{
	const char *grant = request_param(&r->body, "grant_type");

	if (grant != NULL && strcmp(grant, "authorization_code") == 0)
		stats.code_calls++;
	else if (grant != NULL && strcmp(grant, "refresh_token") == 0)
		stats.refresh_calls++;
	else
		stats.other_calls++;
}

static void
log_call(const struct request *r, const struct client_proof *proof,
    const struct answer *a, const char *kind, bool worked)
{
	struct text line = { NULL, 0, 0 };

	text_fmt(&line, "{\"time\":%lld,\"connection\":%u,\"number\":%u,"
	    "\"path\":", (long long)time(NULL), r->connection, r->number);
	text_json(&line, r->path);
	text_str(&line, ",\"content_type\":");
	text_json(&line, r->content_type);
	text_str(&line, ",\"accept\":");
	text_json(&line, r->accept);
	text_fmt(&line, ",\"auth\":\"%s\",\"params\":", proof->method);
	params_to_json(&r->body, &line);
	text_fmt(&line, ",\"worked\":%s,\"status\":%d,\"failure\":",
	    worked ? "true" : "false", a->status);
	text_json(&line, kind);
	text_str(&line, "}");
	provider_log(line.s);
	text_clear(&stats.last_token);
	stats.last_token = line;
}

void
token_endpoint(const struct request *r, struct answer *a)
{
	struct client_proof proof = client_check(r);
	char *kind = settings_take_failure();
	bool worked = kind == NULL || failure_commits(kind);

	count(r);
	if (worked)
		work(r, &proof, a);
	if (kind != NULL) {
		stats.failures++;
		failure_apply(kind, a);
	}
	if (a->status >= 400)
		stats.token_errors++;
	if (a->status >= 400 && set_is(SET_HTML_UNLESS_JSON, "1") &&
	    (r->accept == NULL ||
	    strstr(r->accept, "application/json") == NULL)) {
		text_clear(&a->body);
		text_str(&a->body, "<!DOCTYPE html><title>Error</title>\n");
		a->type = "text/html; charset=utf-8";
	}
	a->delay_ms = set_int(SET_DELAY_MS);
	a->delay_head_ms = set_int(SET_DELAY_HEAD_MS);
	if (set_is(SET_FRAMING, "chunked"))
		a->framing = FRAME_CHUNKED;
	else if (set_is(SET_FRAMING, "http10"))
		a->framing = FRAME_HTTP10;
	log_call(r, &proof, a, kind, worked);
	free(kind);
}
