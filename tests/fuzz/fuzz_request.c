/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base64url.h"
#include "limit.h"
#include "request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define VARIABLES_MAX 256

static void
check_params(const struct params *p)
{
	size_t i;

	if (p->count > LIMIT_PARAMS)
		abort();
	for (i = 0; i < p->count; i++)
		if (strlen(p->list[i].name) + strlen(p->list[i].value) >
		    LIMIT_QUERY + LIMIT_BODY ||
		    params_get(p, p->list[i].name) == NULL)
			abort();
}

static void
check_request(struct request *r, const char *body, size_t len)
{
	char cookie[SECRET_CHARS + 1];
	int status = 0;

	if (r->path_info == NULL || r->query == NULL ||
	    strlen(r->query) > LIMIT_QUERY || r->content_length > LIMIT_BODY)
		abort();
	if (request_cookie(r, "__Host-oauth", cookie) &&
	    !base64url_is_secret(cookie))
		abort();
	request_wants_json(r);
	if (request_left_ms(r) < 0)
		abort();
	if (request_parse(r, body, len, &status) == ERR_OK)
		check_params(&r->params);
	else if (status != 400 && status != 415)
		abort();
}

/*
 * Any variables and body: refused with a status, or within the limits. The
 * input is lines NAME=VALUE, an empty line, and the body.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *env[VARIABLES_MAX + 1];
	size_t count = 0, at = 0, len;
	struct request r;
	int status = 0;

	if (text == NULL)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	while (at < size && text[at] != '\n' && count < VARIABLES_MAX) {
		len = strcspn(text + at, "\n");
		env[count++] = text + at;
		at += len;
		if (at < size)
			text[at++] = '\0';
	}
	if (at < size)
		at++;
	env[count] = NULL;
	if (request_init(&r, env, &status) == ERR_OK)
		check_request(&r, text + at, size - at);
	else if (status != 400 && status != 413 && status != 414)
		abort();
	request_clear(&r);
	free(text);
	return 0;
}
