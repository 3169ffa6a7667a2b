/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "provider.h"
#include "settings.h"

#define JSON	"application/json"
#define HTML	"text/html; charset=utf-8"
#define PAGE	"<!DOCTYPE html><title>Error</title><h1>Something broke</h1>\n"
#define HUGE_BODY	(1 << 20)

enum { COMMITS = 1, RETRY_AFTER = 2, CHALLENGE = 4 };

static const struct failure {
	const char	*name;
	int		 status;	/* 0: the answer of the work itself */
	const char	*type;
	const char	*body;
	enum cut	 cut;
	int		 flags;
} table[] = {
	{ "invalid_grant", 400, JSON, "{\"error\":\"invalid_grant\"}",
	    CUT_NONE, 0 },
	{ "invalid_grant_403", 403, JSON, "{\"error\":\"invalid_grant\"}",
	    CUT_NONE, 0 },
	{ "invalid_code", 400, JSON, "{\"error\":\"invalid_code\"}",
	    CUT_NONE, 0 },
	{ "empty_400", 400, NULL, "", CUT_NONE, 0 },
	{ "html_403", 403, HTML, PAGE, CUT_NONE, 0 },
	{ "html_500", 500, HTML, PAGE, CUT_NONE, 0 },
	{ "500", 500, "text/plain", "internal error\n", CUT_NONE, 0 },
	{ "503", 503, "text/plain", "overloaded\n", CUT_NONE, 0 },
	{ "503_retry_after", 503, "text/plain", "overloaded\n", CUT_NONE,
	    RETRY_AFTER },
	{ "429", 429, JSON, "{\"error\":\"slow_down\"}", CUT_NONE, 0 },
	{ "429_retry_after", 429, JSON, "{\"error\":\"slow_down\"}", CUT_NONE,
	    RETRY_AFTER },
	{ "invalid_client_401", 401, JSON, "{\"error\":\"invalid_client\"}",
	    CUT_NONE, CHALLENGE },
	{ "invalid_client_400", 400, JSON, "{\"error\":\"invalid_client\"}",
	    CUT_NONE, 0 },
	{ "invalid_request", 400, JSON, "{\"error\":\"invalid_request\"}",
	    CUT_NONE, 0 },
	{ "unauthorized_client", 400, JSON,
	    "{\"error\":\"unauthorized_client\"}", CUT_NONE, 0 },
	{ "error_object", 400, JSON, "{\"error\":{\"code\":190,"
	    "\"message\":\"Session has expired\"}}", CUT_NONE, 0 },
	{ "401_empty", 401, NULL, "", CUT_NONE, 0 },
	{ "200_error", 200, JSON, "{\"error\":\"bad_refresh_token\","
	    "\"error_description\":\"incorrect or expired\"}", CUT_NONE, 0 },
	{ "200_no_token", 200, JSON, "{\"token_type\":\"Bearer\"}",
	    CUT_NONE, 0 },
	{ "200_garbage", 200, JSON, "{\"access_token\":\001\002",
	    CUT_NONE, 0 },
	{ "200_html", 200, HTML, PAGE, CUT_NONE, 0 },
	{ "redirect", 307, NULL, "", CUT_NONE, 0 },
	{ "timeout", 200, NULL, "", CUT_NEVER, 0 },
	{ "cut_before", 200, NULL, "", CUT_BEFORE, 0 },
	{ "cut_reset", 200, NULL, "", CUT_RESET, 0 },
	{ "cut_middle", 0, NULL, NULL, CUT_MIDDLE, COMMITS },
	{ "cut_after_commit", 0, NULL, NULL, CUT_BEFORE, COMMITS },
	{ "stall_commit", 0, NULL, NULL, CUT_NEVER, COMMITS },
	{ "http09", 0, NULL, NULL, CUT_HTTP09, COMMITS },
	{ "drip", 0, NULL, NULL, CUT_DRIP, COMMITS },
	/* Their bodies are made when they are needed. */
	{ "huge", 200, JSON, NULL, CUT_NONE, 0 },
	{ "override", 200, NULL, NULL, CUT_NONE, 0 },
};

static bool
has_commit_suffix(const char *kind)
{
	size_t len = strlen(kind);

	return len > 7 && strcmp(kind + len - 7, "+commit") == 0;
}

static const struct failure *
find(const char *kind)
{
	size_t len = strlen(kind) - (has_commit_suffix(kind) ? 7 : 0);

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strlen(table[i].name) == len &&
		    strncmp(table[i].name, kind, len) == 0)
			return &table[i];
	return NULL;
}

bool
failure_commits(const char *kind)
{
	const struct failure *f = find(kind);

	return has_commit_suffix(kind) ||
	    (f != NULL && (f->flags & COMMITS) != 0);
}

static void
body_set(struct answer *a, int status, const char *type, const char *body)
{
	text_clear(&a->body);
	text_str(&a->body, body);
	a->status = status;
	a->type = type;
}

static void
huge(struct answer *a)
{
	char line[1024];

	memset(line, 'x', sizeof(line));
	body_set(a, 200, JSON, "{\"token_type\":\"Bearer\",\"access_token\":"
	    "\"canary-at-huge\",\"padding\":\"");
	while (a->body.len < HUGE_BODY)
		text_add(&a->body, line, sizeof(line));
	text_str(&a->body, "\"}");
}

/* STATUS/ERROR */
static void
apply_generic(const char *kind, struct answer *a)
{
	const char *slash = strchr(kind, '/');
	struct text code = { NULL, 0, 0 };

	if (slash == NULL) {
		answer_text(a, 500, "the provider does not know that failure");
		return;
	}
	text_add(&code, slash + 1, strcspn(slash + 1, "+"));
	answer_error(a, (int)strtol(kind, NULL, 10), code.s);
	text_clear(&code);
}

void
failure_apply(const char *kind, struct answer *a)
{
	const struct failure *f = find(kind);

	if (f == NULL) {
		apply_generic(kind, a);
		return;
	}
	a->cut = f->cut;
	if (f->body != NULL)
		body_set(a, f->status, f->type, f->body);
	else if (strcmp(f->name, "huge") == 0)
		huge(a);
	else if (strcmp(f->name, "override") == 0)
		body_set(a, set_int(SET_OVERRIDE_STATUS),
		    set_get(SET_OVERRIDE_TYPE), set_get(SET_OVERRIDE_BODY));
	if (f->flags & RETRY_AFTER) {
		text_str(&a->header, "Retry-After: ");
		text_str(&a->header, set_get(SET_RETRY_AFTER));
		text_str(&a->header, "\r\n");
	}
	if (f->flags & CHALLENGE)
		text_str(&a->header, "WWW-Authenticate: Basic realm=\"demo\""
		    "\r\n");
	if (strcmp(f->name, "redirect") == 0) {
		text_str(&a->header, "Location: ");
		text_str(&a->header, provider_issuer());
		text_str(&a->header, "/token\r\n");
	}
}
