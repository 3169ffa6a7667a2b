/* SPDX-License-Identifier: ISC */
#ifndef PROVIDER_SETTINGS_H
#define PROVIDER_SETTINGS_H

/*
 * settings - how the provider behaves: every knob, its default, and what it
 * may hold. Set by --set at start and by POST /control/set at any time; the
 * list in settings.c is the documentation.
 */
#include <stdbool.h>

#include "text.h"

enum setting {
	SET_CLIENT_ID, SET_CLIENT_SECRET, SET_CLIENT_NAME, SET_AUTH, SET_BODY,
	SET_NAME,
	SET_REDIRECT_URI, SET_PKCE, SET_AUTO, SET_USER, SET_AUTHORIZE_ERROR,
	SET_ISS, SET_CODE_TTL, SET_GRANTS, SET_NAMES, SET_CODE_NAME, SET_BACK, SET_HMAC,
	SET_TTL, SET_EXPIRES, SET_ROTATION, SET_INITIAL_REFRESH,
	SET_REUSE_GRACE_MS, SET_REVOKE_OLD_ACCESS, SET_TOKEN_TYPE, SET_SCOPE,
	SET_ANSWER, SET_ID_TOKEN, SET_TOKEN_BYTES, SET_NEST, SET_EXTRA,
	SET_FAIL, SET_OVERRIDE_STATUS, SET_OVERRIDE_TYPE, SET_OVERRIDE_BODY,
	SET_RETRY_AFTER, SET_HTML_UNLESS_JSON, SET_REVOKE_STATUS,
	SET_DELAY_MS, SET_DELAY_HEAD_MS, SET_DRIP_MS, SET_FRAMING,
	SET_KEEPALIVE, SET_RESUME, SET_IDLE_MS, SET_LISTEN_OFF_MS,
	SET_DATE,
	SET__MAX
};

void settings_reset(void);
/* False, with the reason in *why, when there is no such name or value. */
bool settings_set(const char *name, const char *value, struct text *why);
const char *set_get(enum setting s);
bool set_is(enum setting s, const char *value);
int set_int(enum setting s);
void settings_json(struct text *out);

/* A parameter of a request, under the name that `names` gives it. */
const char *request_param(const struct params *p, const char *name);

/*
 * The kind of failure that the next token call meets, and one less of it is
 * left; NULL for none. The caller frees it.
 */
char *settings_take_failure(void);

#endif
