/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER	"#"		/* allowed: a number of at most nine digits */
#define ANY	"*"		/* allowed: any text */
#define BOOL	"0|1"

static const struct {
	const char	*name;
	const char	*dflt;
	const char	*allowed;
} table[SET__MAX] = {
	/*
	 * The client, and what it must prove. auth: how it authenticates;
	 * basic-raw does not decode what Basic holds. body: how it must write
	 * its token requests.
	 */
	[SET_CLIENT_ID] = { "client_id", "demo-client", ANY },
	[SET_CLIENT_SECRET] = { "client_secret", "demo-secret", ANY },
	[SET_CLIENT_NAME] = { "client_name", "Demo shop", ANY },
	[SET_AUTH] = { "auth", "any", "any|post|basic|basic-raw|none" },
	[SET_BODY] = { "body", "any", "any|form|json" },
	[SET_NAME] = { "name", "Demo provider", ANY },

	/*
	 * The consent page. redirect_uri: the registered one; empty takes any
	 * https or loopback URL. auto: consent at once, as `user`, or answer
	 * with `authorize_error`. iss: the parameter of RFC 9207. names:
	 * other names for parameters, `client_id=app_id&...`; code_name: the
	 * same for the code that is sent back. back: more parameters to send
	 * back, encoded. hmac: send back an hmac over the others, as Shopify.
	 */
	[SET_REDIRECT_URI] = { "redirect_uri", "", ANY },
	[SET_PKCE] = { "pkce", "required", "required|optional|ignored" },
	[SET_AUTO] = { "auto", "0", BOOL },
	[SET_USER] = { "user", "ada", "ada|grace" },
	[SET_AUTHORIZE_ERROR] = { "authorize_error", "", ANY },
	[SET_ISS] = { "iss", "off", "off|on|wrong" },
	[SET_CODE_TTL] = { "code_ttl", "60", NUMBER },
	[SET_NAMES] = { "names", "", ANY },
	[SET_CODE_NAME] = { "code_name", "code", ANY },
	[SET_BACK] = { "back", "", ANY },
	[SET_HMAC] = { "hmac", "off", "off|on|wrong" },

	/*
	 * any: for benchmarks, a code `any-CHALLENGE` and a refresh token
	 * `any-…` count as issued here when they are first used.
	 */
	[SET_GRANTS] = { "grants", "issued", "issued|any" },

	/*
	 * The token answer. ttl: what an access token really lives;
	 * expires: how expires_in says so. rotation: the refresh_token of
	 * an answer to a refresh. reuse_grace_ms: how long a rotated token may
	 * be used again before that revokes its family. nest: the tokens of a
	 * code are in this member, and others beside it. extra: more members
	 * of the answer, as JSON.
	 */
	[SET_TTL] = { "ttl", "3600", NUMBER },
	[SET_EXPIRES] = { "expires", "number", "number|string|missing|zero|"
	    "negative|float|text|null|huge" },
	[SET_ROTATION] = { "rotation", "new", "new|same|none|empty|null" },
	[SET_INITIAL_REFRESH] = { "initial_refresh", "1", BOOL },
	[SET_REUSE_GRACE_MS] = { "reuse_grace_ms", "0", NUMBER },
	[SET_REVOKE_OLD_ACCESS] = { "revoke_old_access", "0", BOOL },
	[SET_TOKEN_TYPE] = { "token_type", "Bearer",
	    "Bearer|bearer|BEARER|missing" },
	[SET_SCOPE] = { "scope", "same", "same|missing|other" },
	[SET_ANSWER] = { "answer", "json", "json|form" },
	[SET_ID_TOKEN] = { "id_token", "off", "off|on" },
	[SET_TOKEN_BYTES] = { "token_bytes", "24", NUMBER },
	[SET_NEST] = { "nest", "", ANY },
	[SET_EXTRA] = { "extra", "", ANY },

	/*
	 * Failures of the token endpoint: `COUNT:KIND`, several with commas,
	 * COUNT `*` for every call until it is set anew. The kinds are in
	 * failure.c; besides them `STATUS/ERROR` makes a JSON error.
	 * `+commit` behind a kind does the work first.
	 */
	[SET_FAIL] = { "fail", "", ANY },
	[SET_OVERRIDE_STATUS] = { "override_status", "200", NUMBER },
	[SET_OVERRIDE_TYPE] = { "override_type", "application/json", ANY },
	[SET_OVERRIDE_BODY] = { "override_body", "", ANY },
	[SET_RETRY_AFTER] = { "retry_after", "2", ANY },
	[SET_HTML_UNLESS_JSON] = { "html_unless_json", "0", BOOL },
	[SET_REVOKE_STATUS] = { "revoke_status", "200", NUMBER },

	/*
	 * The wire. Delays and framing are those of the token endpoint;
	 * the work is done before the delay. idle_ms: a kept connection is
	 * closed after so long without a request, 0 never. listen_off_ms:
	 * once, refuse all connections for so long. date: of every answer,
	 * as it is to be sent; none when empty. resume: whether TLS sessions can
	 * be resumed, as it is set when the provider starts.
	 */
	[SET_DELAY_MS] = { "delay_ms", "0", NUMBER },
	[SET_DELAY_HEAD_MS] = { "delay_head_ms", "0", NUMBER },
	[SET_DRIP_MS] = { "drip_ms", "500", NUMBER },
	[SET_FRAMING] = { "framing", "length", "length|chunked|http10" },
	[SET_KEEPALIVE] = { "keepalive", "1", BOOL },
	[SET_RESUME] = { "resume", "1", BOOL },
	[SET_IDLE_MS] = { "idle_ms", "0", NUMBER },
	[SET_LISTEN_OFF_MS] = { "listen_off_ms", "0", NUMBER },
	[SET_DATE] = { "date", "", ANY },
};

static char *values[SET__MAX];

void
settings_reset(void)
{
	for (int i = 0; i < SET__MAX; i++) {
		free(values[i]);
		values[i] = copy(table[i].dflt);
	}
}

static bool
is_number(const char *s)
{
	size_t len = strlen(s);

	return len > 0 && len < 10 && strspn(s, "0123456789") == len;
}

/* Whether value is one of the words between the bars of allowed. */
static bool
is_one_of(const char *allowed, const char *value)
{
	size_t len = strlen(value);

	for (const char *p = allowed; p != NULL; p = strchr(p, '|')) {
		if (*p == '|')
			p++;
		if (strcspn(p, "|") == len && strncmp(p, value, len) == 0)
			return true;
	}
	return false;
}

static bool
is_allowed(enum setting s, const char *value)
{
	if (strcmp(table[s].allowed, ANY) == 0)
		return true;
	if (strcmp(table[s].allowed, NUMBER) == 0)
		return is_number(value);
	return is_one_of(table[s].allowed, value);
}

bool
settings_set(const char *name, const char *value, struct text *why)
{
	for (int i = 0; i < SET__MAX; i++) {
		if (strcmp(table[i].name, name) != 0)
			continue;
		if (!is_allowed((enum setting)i, value)) {
			text_str(why, name);
			text_str(why, " can't be ");
			text_str(why, value);
			return false;
		}
		free(values[i]);
		values[i] = copy(value);
		return true;
	}
	text_str(why, "there is no setting ");
	text_str(why, name);
	return false;
}

const char *
set_get(enum setting s)
{
	return values[s];
}

bool
set_is(enum setting s, const char *value)
{
	return strcmp(values[s], value) == 0;
}

int
set_int(enum setting s)
{
	return (int)strtol(values[s], NULL, 10);
}

const char *
request_param(const struct params *p, const char *name)
{
	struct params names = { .count = 0 };
	const char *theirs, *value = NULL;

	if (params_form(&names, values[SET_NAMES], strlen(values[SET_NAMES]))) {
		theirs = params_get(&names, name);
		value = params_get(p, theirs != NULL ? theirs : name);
	}
	params_clear(&names);
	return value;
}

void
settings_json(struct text *out)
{
	text_str(out, "{");
	for (int i = 0; i < SET__MAX; i++) {
		text_fmt(out, "%s\"%s\":", i == 0 ? "" : ",", table[i].name);
		if (strcmp(table[i].allowed, NUMBER) == 0 ||
		    strcmp(table[i].allowed, BOOL) == 0)
			text_str(out, values[i]);
		else
			text_json(out, values[i]);
	}
	text_str(out, "}\n");
}

char *
settings_take_failure(void)
{
	const char *all = values[SET_FAIL];
	size_t len = strcspn(all, ",");
	const char *colon = memchr(all, ':', len);
	const char *rest = all[len] == ',' ? all + len + 1 : all + len;
	struct text next = { NULL, 0, 0 };
	char *kind;
	long count;

	if (colon == NULL)
		return NULL;
	kind = need(strndup(colon + 1, len - (size_t)(colon + 1 - all)));
	if (*all == '*')
		return kind;
	count = strtol(all, NULL, 10);
	text_add(&next, "", 0);
	if (count > 1)
		text_fmt(&next, "%ld:%s%s", count - 1, kind,
		    *rest == '\0' ? "" : ",");
	text_str(&next, rest);
	free(values[SET_FAIL]);
	values[SET_FAIL] = next.s;
	if (count >= 1)
		return kind;
	free(kind);
	return NULL;
}
