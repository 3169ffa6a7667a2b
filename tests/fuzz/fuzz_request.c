/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base64url.h"
#include "limit.h"
#include "request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	char	*text;
	size_t	 len;
};

/*
 * The input is lines NAME=VALUE, an empty line, and the body. A variable's
 * value is found in place: its line ends are NULs by then.
 */
static const char *
variable(void *arg, const char *name)
{
	const struct input *in = arg;
	size_t len = strlen(name);
	const char *p = in->text, *end = in->text + in->len;

	while (p < end) {
		if (strncmp(p, name, len) == 0 && p[len] == '=')
			return p + len + 1;
		p += strlen(p) + 1;
	}
	return NULL;
}

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

/* Any variables and body: refused with a status, or within the limits. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { malloc(size + 1), 0 };
	struct request r;
	int status = 0;
	size_t i;

	if (in.text == NULL)
		abort();
	memcpy(in.text, data, size);
	in.text[size] = '\0';
	for (i = 0; i < size; i++) {
		if (in.text[i] != '\n')
			continue;
		in.text[i] = '\0';
		if (i + 1 < size && in.text[i + 1] == '\n') {
			i += 2;
			break;
		}
	}
	in.len = i;
	if (request_init(&r, variable, &in, &status) == ERR_OK)
		check_request(&r, in.text + i, size - i);
	else if (status != 400 && status != 413 && status != 414)
		abort();
	request_clear(&r);
	free(in.text);
	return 0;
}
