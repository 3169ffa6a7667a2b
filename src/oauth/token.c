/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base64url.h"
#include "jsonin.h"
#include "log.h"
#include "params.h"
#include "wipe.h"
#include "xalloc.h"

/* Longer lives than this are not seconds (some send milliseconds). */
#define EXPIRES_IN_MAX (10LL * 366 * 86400)

void
token_answer_init(struct token_answer *t)
{
	memset(t, 0, sizeof(*t));
	buf_init(&t->token.access, LIMIT_TOKEN);
	buf_init(&t->token.refresh, LIMIT_TOKEN);
	buf_init(&t->token.id_token, LIMIT_TOKEN);
}

void
token_answer_clear(struct token_answer *t)
{
	buf_clear(&t->token.access);
	buf_clear(&t->token.refresh);
	buf_clear(&t->token.id_token);
	token_answer_init(t);
}

/* ---- members, from JSON or from a form -------------------------------- */

struct source {
	struct json	*whole;		/* NULL: a form */
	struct json	*json;		/* where the tokens are in it */
	struct params	 form;
};

static bool
get_str(const struct source *s, const char *name, struct buf *out)
{
	const char *value;

	if (s->json != NULL)
		return json_get_str(s->json, name, out);
	buf_reset(out);
	if ((value = params_get(&s->form, name)) == NULL)
		return false;
	buf_str(out, value);
	return !buf_failed(out);
}

static bool
is_printable(const struct buf *b)
{
	size_t i;

	for (i = 0; i < b->len; i++)
		if (b->data[i] < 0x20 || b->data[i] > 0x7e)
			return false;
	return b->len > 0;
}

/* Copy a member of at most size - 1 printable bytes; else "". */
static bool
get_text(const struct source *s, const char *name, char *out, size_t size)
{
	struct buf b = BUF_INIT(size - 1);
	bool ok = get_str(s, name, &b) && is_printable(&b);

	snprintf(out, size, "%s", ok ? buf_cstr(&b) : "");
	buf_clear(&b);
	return ok;
}

/* The error's code: always of the whole answer, wherever its tokens are. */
static bool
get_error(const struct source *s, const struct provider *p, char *out,
    size_t size)
{
	struct buf b = BUF_INIT(size - 1);
	bool ok;

	if (s->whole == NULL)
		return get_text(s, "error", out, size);
	ok = (json_get_str(s->whole, "error", &b) ||
	    (p->error_path != NULL &&
	    json_get_at(s->whole, p->error_path, &b))) && is_printable(&b);
	snprintf(out, size, "%s", ok ? buf_cstr(&b) : "");
	buf_clear(&b);
	return ok;
}

static int64_t
get_expires_in(const struct source *s, int64_t fallback)
{
	int64_t value = 0;
	const char *text;

	if (s->json != NULL) {
		if (!json_get_int(s->json, "expires_in", &value))
			return fallback;
	} else if ((text = params_get(&s->form, "expires_in")) != NULL &&
	    strlen(text) < 12 && strspn(text, "0123456789") == strlen(text)) {
		value = strtoll(text, NULL, 10);
	}
	return value > 0 && value <= EXPIRES_IN_MAX ? value : fallback;
}

/* A token that can be sent as a header: RFC 6749 appendix A.12, VSCHAR. */
static bool
get_token(const struct source *s, const char *name, struct buf *out)
{
	if (get_str(s, name, out) && is_printable(out))
		return true;
	buf_clear(out);
	return false;
}

/* ---- reading ---------------------------------------------------------- */

static bool
is_one_of(const char *word, const char *const list[])
{
	for (; *list != NULL; list++)
		if (strcmp(word, *list) == 0)
			return true;
	return false;
}

static enum answer
classify_error(const struct provider *p, const char *error)
{
	static const char *const dead[] = {
		"invalid_grant", "invalid_code", "bad_refresh_token",
		"interaction_required", "login_required", "consent_required",
		NULL
	};
	static const char *const config[] = {
		"invalid_client", "unauthorized_client",
		"unsupported_grant_type", "invalid_scope", NULL
	};

	/* The preset knows better than the RFC what its provider means. */
	if (name_list_has(&p->dead_errors, error))
		return ANSWER_DEAD;
	if (name_list_has(&p->client_errors, error))
		return ANSWER_CONFIG;
	if (is_one_of(error, dead))
		return ANSWER_DEAD;
	if (is_one_of(error, config))
		return ANSWER_CONFIG;
	return ANSWER_REFUSED;
}

static void
set(struct token_answer *out, enum answer answer, const char *error)
{
	out->answer = answer;
	snprintf(out->error, sizeof(out->error), "%s", error);
}

/* What the provider's section keeps of an answer beside the tokens. */
static void
read_fields(const struct source *s, const struct provider *p,
    struct fields *f)
{
	struct buf pointer = BUF_INIT(LIMIT_FIELD + 1);
	struct buf value = BUF_INIT(LIMIT_FIELD);
	const char *text;
	size_t i;

	for (i = 0; i < p->field_count; i++) {
		const struct provider_field *field = &p->fields[i];

		if (field->from != FROM_TOKEN)
			continue;
		buf_reset(&pointer);
		buf_fmt(&pointer, "%s%s", field->param[0] == '/' ? "" : "/",
		    field->param);
		if (s->whole == NULL)
			text = params_get(&s->form, field->param);
		else
			text = json_get_at(s->whole, buf_cstr(&pointer),
			    &value) ? buf_cstr(&value) : NULL;
		if (text != NULL && !fields_set(f, field, text))
			log_warn("provider %s: what its answer has for field "
			    "%s is not kept: it does not match the pattern",
			    p->name, field->name);
	}
	buf_clear(&pointer);
	buf_clear(&value);
}

/* Take the tokens out of a 200. False when there is no access token. */
static bool
read_tokens(const struct source *s, const struct provider *p,
    struct token *t)
{
	char *at;

	if (!get_token(s, "access_token", &t->access))
		return false;
	get_token(s, "refresh_token", &t->refresh);
	get_token(s, "id_token", &t->id_token);
	if (!get_text(s, "token_type", t->type, sizeof(t->type)) ||
	    strcasecmp(t->type, "bearer") == 0)
		snprintf(t->type, sizeof(t->type), "Bearer");
	t->has_scope = get_text(s, "scope", t->scope, sizeof(t->scope));
	for (at = t->scope; p->scope_separator == ',' && *at != '\0'; at++)
		if (*at == ',')
			*at = ' ';
	t->expires_in = get_expires_in(s, p->expires_default);
	read_fields(s, p, &t->fields);
	return true;
}

/* Parse the body as JSON, or as a form where it says so. */
static bool
open_source(const struct provider *p, const struct httpc_answer *a,
    struct source *s)
{
	const char *text = a->body.data != NULL ? a->body.data : "";
	size_t len = a->body.len;

	memset(s, 0, sizeof(*s));
	/* RFC 8259, 8.1: a mark that editors and frameworks put in front. */
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		len -= 3;
	}
	if (json_parse(text, len, &s->whole) == ERR_OK) {
		if (p->token_path != NULL)
			s->json = json_enter(s->whole, p->token_path);
		if (s->json == NULL)
			s->json = s->whole;
		return true;
	}
	/* GitHub and a few others: form-encoded, whatever they were asked. */
	return (strncasecmp(a->content_type,
	    "application/x-www-form-urlencoded", 33) == 0 ||
	    strncasecmp(a->content_type, "text/plain", 10) == 0) &&
	    a->body.len > 0 &&
	    params_parse(&s->form, a->body.data, a->body.len, true) == ERR_OK;
}

static void
close_source(struct source *s)
{
	if (s->json != s->whole)
		json_free(s->json);
	json_free(s->whole);
	params_clear(&s->form);
}

/*
 * Whether an error code that we don't know can be logged and kept: a provider
 * may put anything there, also what we have sent to it.
 */
static bool
is_plain_word(const char *error)
{
	size_t len = strlen(error);

	return len <= 40 && strspn(error, "abcdefghijklmnopqrstuvwxyz_") == len;
}

/* An answer without tokens: what its error and its status say. */
static void
read_failure(const struct provider *p, const struct httpc_answer *a,
    const struct source *s, struct token_answer *out)
{
	char error[sizeof(out->error)] = "", status[32];
	bool named = s != NULL && get_error(s, p, error, sizeof(error));
	enum answer by_error = named ? classify_error(p, error) :
	    ANSWER_REFUSED;

	if (named && by_error == ANSWER_REFUSED && !is_plain_word(error))
		snprintf(error, sizeof(error), "unknown_error");
	snprintf(status, sizeof(status), "http_%d", a->status);
	out->reached = a->status < 500 && a->status != 429;
	if (a->retry_after > 0)
		out->retry_after = a->retry_after;
	if (a->status >= 500)
		set(out, a->retry_after >= 0 ? ANSWER_LATER : ANSWER_AMBIGUOUS,
		    status);
	else if (by_error != ANSWER_REFUSED)
		set(out, by_error, error);
	else if (a->status == 429 ||
	    (named && strcmp(error, "temporarily_unavailable") == 0))
		set(out, ANSWER_LATER, named ? error : status);
	else if (a->status / 100 == 2 && s == NULL)
		set(out, ANSWER_AMBIGUOUS, "unreadable");
	else
		set(out, ANSWER_REFUSED, named ? error :
		    a->status / 100 == 2 ? "no_access_token" : status);
	/* A 401 without a body is a proxy's, or a clock's: never the end. */
	out->kills = out->answer == ANSWER_REFUSED &&
	    (a->status != 401 || a->body.len > 0);
}

void
token_read(const struct provider *p, const struct httpc_answer *a,
    struct token_answer *out)
{
	struct source s;
	bool readable;

	token_answer_clear(out);
	if (a->outcome == HTTPC_NOT_SENT) {
		set(out, ANSWER_NOT_SENT, "unreachable");
		return;
	}
	if (a->outcome == HTTPC_AMBIGUOUS) {
		set(out, ANSWER_AMBIGUOUS, "no_answer");
		return;
	}
	readable = open_source(p, a, &s);
	if (a->status / 100 == 2 && readable &&
	    read_tokens(&s, p, &out->token)) {
		out->reached = true;
		set(out, ANSWER_OK, "");
	} else {
		read_failure(p, a, readable ? &s : NULL, out);
	}
	close_source(&s);
}

/* ---- ID tokens -------------------------------------------------------- */

/* The claims of a JWT (RFC 7519 3.): the second of three parts. */
static struct json *
read_claims(const char *jwt)
{
	const char *dot = strchr(jwt, '.'), *end;
	struct json *claims = NULL;
	size_t len, out_len;
	char *out;

	if (dot == NULL || (end = strchr(dot + 1, '.')) == NULL)
		return NULL;
	len = (size_t)(end - dot - 1);
	out_len = len * 3 / 4;
	out = xmalloc(out_len + 1);
	if (base64url_decode(dot + 1, len, out, out_len) &&
	    json_parse(out, out_len, &claims) != ERR_OK)
		claims = NULL;
	wipe(out, out_len);
	free(out);
	return claims;
}

bool
token_id_matches(const char *id_token, const char *client_id,
    const char *issuer, const char *nonce)
{
	struct json *claims = read_claims(id_token);
	bool ok = claims != NULL && json_has_str(claims, "nonce", nonce) &&
	    json_has_str(claims, "aud", client_id) &&
	    (issuer == NULL || json_has_str(claims, "iss", issuer));

	json_free(claims);
	return ok;
}
