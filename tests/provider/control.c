/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "grants.h"
#include "provider.h"
#include "settings.h"

struct stats stats;

void
answer_text(struct answer *a, int status, const char *text)
{
	text_clear(&a->body);
	text_str(&a->body, text);
	text_str(&a->body, "\n");
	a->status = status;
	a->type = "text/plain; charset=utf-8";
}

/* RFC 7009: what is not known is as good as revoked. */
void
revoke_endpoint(const struct request *r, struct answer *a)
{
	const char *token = params_get(&r->body, "token");
	struct grant *g = token == NULL ? NULL : grant_find(token);

	stats.revocations++;
	if (!client_check(r).ok) {
		answer_error(a, 401, "invalid_client");
		return;
	}
	if (set_int(SET_REVOKE_STATUS) != 200) {
		answer_error(a, set_int(SET_REVOKE_STATUS),
		    "unsupported_token_type");
		return;
	}
	if (g != NULL && g->kind == GRANT_REFRESH)
		family_revoke(g->family);
	else if (g != NULL)
		g->expires_at = 1;
}

void
api_me(const struct request *r, struct answer *a)
{
	const struct grant *g = NULL;
	bool ada;

	if (r->authorization != NULL &&
	    strncasecmp(r->authorization, "Bearer ", 7) == 0)
		g = grant_find(r->authorization + 7);
	if (g == NULL || g->kind != GRANT_ACCESS || grant_expired(g) ||
	    g->family->revoked) {
		stats.api_refused++;
		answer_error(a, 401, "invalid_token");
		text_str(&a->header, "WWW-Authenticate: Bearer error=\""
		    "invalid_token\"\r\n");
		return;
	}
	stats.api_ok++;
	ada = strcmp(g->family->user, "ada") == 0;
	a->type = "application/json";
	text_fmt(&a->body, "{\"sub\":\"%s\",\"name\":\"%s\",\"email\":"
	    "\"%s@example.com\",\"refreshes\":%u,\"scope\":", g->family->user,
	    ada ? "Ada Lovelace" : "Grace Hopper", g->family->user,
	    g->family->refreshes);
	text_json(&a->body, g->family->scope);
	text_str(&a->body, "}\n");
}

static void
refresh_uses(const struct grant *g, void *arg)
{
	struct text *out = arg;
	char hash[9];

	if (g->kind != GRANT_REFRESH || g->uses == 0)
		return;
	short_hash(g->token, hash);
	text_fmt(out, "%s\"%s\":%u", out->s[out->len - 1] == '{' ? "" : ",",
	    hash, g->uses);
}

static void
stats_json(struct text *out)
{
	text_fmt(out, "{\"requests\":%u,\"connections\":%u,\"authorize\":%u,"
	    "\"allowed\":%u,\"denied\":%u,", stats.requests, stats.connections,
	    stats.authorize, stats.allowed, stats.denied);
	text_fmt(out, "\"token\":{\"authorization_code\":%u,"
	    "\"refresh_token\":%u,\"other\":%u},", stats.code_calls,
	    stats.refresh_calls, stats.other_calls);
	text_fmt(out, "\"ok\":{\"authorization_code\":%u,"
	    "\"refresh_token\":%u},\"token_errors\":%u,\"failures\":%u,",
	    stats.code_ok, stats.refresh_ok, stats.token_errors,
	    stats.failures);
	text_fmt(out, "\"reuses\":%u,\"families_revoked\":%u,"
	    "\"revocations\":%u,\"api\":{\"ok\":%u,\"refused\":%u},",
	    stats.reuses, grants_families_revoked(), stats.revocations,
	    stats.api_ok, stats.api_refused);
	text_str(out, "\"last_authorize\":");
	text_str(out, stats.last_authorize.len == 0 ? "null" :
	    stats.last_authorize.s);
	text_str(out, ",\"last_token\":");
	text_str(out, stats.last_token.len == 0 ? "null" : stats.last_token.s);
	text_str(out, ",\"refresh_uses\":{");
	grants_each(refresh_uses, out);
	text_str(out, "}}\n");
}

static void
stats_clear(void)
{
	text_clear(&stats.last_authorize);
	text_clear(&stats.last_token);
	memset(&stats, 0, sizeof(stats));
	grants_count_anew();
}

/* All the parameters, or none of them when one is wrong. */
static void
control_set(const struct params *p, struct answer *a)
{
	struct text why = { NULL, 0, 0 };

	for (size_t i = 0; i < p->count; i++)
		if (!settings_set(p->name[i], p->value[i], &why)) {
			answer_text(a, 400, why.s);
			text_clear(&why);
			return;
		}
	a->type = "application/json";
	settings_json(&a->body);
}

/*
 * What a test does to the provider:
 *	GET  /control/stats	what was counted
 *	GET  /control/settings	how it behaves now
 *	POST /control/set	change that
 *	POST /control/reset	back to the defaults, counters at 0
 *	POST /control/expire	end all access tokens now
 *	POST /control/revoke	the user takes his consent back
 */
void
control(const struct request *r, struct answer *a)
{
	const char *what = r->path + strlen("/control/");
	bool post = strcmp(r->method, "POST") == 0;

	if (!post && strcmp(what, "stats") == 0) {
		a->type = "application/json";
		stats_json(&a->body);
	} else if (!post && strcmp(what, "settings") == 0) {
		a->type = "application/json";
		settings_json(&a->body);
	} else if (post && strcmp(what, "set") == 0) {
		control_set(&r->body, a);
	} else if (post && strcmp(what, "reset") == 0) {
		settings_reset();
		stats_clear();
		answer_text(a, 200, "reset");
	} else if (post && strcmp(what, "expire") == 0) {
		grants_expire_access(NULL);
		answer_text(a, 200, "expired");
	} else if (post && strcmp(what, "revoke") == 0) {
		grants_revoke_all();
		answer_text(a, 200, "revoked");
	} else {
		answer_text(a, 404, "no such control");
	}
}

/* /at/ANY/token is /token: for addresses with a tenant in them. */
static const char *
without_tenant(const char *path)
{
	const char *rest = strncmp(path, "/at/", 4) == 0 ?
	    strchr(path + 4, '/') : NULL;

	return rest != NULL ? rest : path;
}

void
serve(const struct request *r, struct answer *a)
{
	const char *path = without_tenant(r->path);
	static const struct {
		const char *method, *path;
		void (*run)(const struct request *, struct answer *);
	} routes[] = {
		{ "GET", "/authorize", authorize_page },
		{ "POST", "/authorize/decision", authorize_decision },
		{ NULL, "/token", token_endpoint },
		{ "POST", "/revoke", revoke_endpoint },
		{ "GET", "/userinfo", api_me },
		{ "GET", "/api/me", api_me },
	};

	if (strncmp(r->path, "/control/", 9) == 0) {
		control(r, a);
		return;
	}
	stats.requests++;
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (strcmp(path, routes[i].path) != 0)
			continue;
		if (routes[i].method != NULL &&
		    strcmp(r->method, routes[i].method) != 0)
			answer_text(a, 405, "method not allowed");
		else
			routes[i].run(r, a);
		return;
	}
	answer_text(a, 404, "not found");
}
