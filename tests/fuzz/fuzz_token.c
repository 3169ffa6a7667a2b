/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
no_log(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

static void
check(const struct token_answer *t)
{
	const char *p;

	if (t->answer >= ANSWER__MAX || t->retry_after < 0 ||
	    memchr(t->error, '\0', sizeof(t->error)) == NULL)
		abort();
	for (p = t->error; *p != '\0'; p++)
		if (*p < 0x20 || *p > 0x7e)
			abort();	/* it goes into the log */
	if (t->answer != ANSWER_OK)
		return;
	if (t->token.access.len == 0 || t->token.expires_in < 0 ||
	    t->token.access.len > LIMIT_TOKEN ||
	    memchr(t->token.type, '\0', sizeof(t->token.type)) == NULL ||
	    memchr(t->token.scope, '\0', sizeof(t->token.scope)) == NULL)
		abort();
	for (p = buf_cstr(&t->token.access); *p != '\0'; p++)
		if (*p < 0x20 || *p > 0x7e)
			abort();	/* it could not be sent as a header */
}

/*
 * The first byte chooses outcome and status, the second the content type; the
 * rest is the body. What is taken for a token keeps the promises of token.h.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int statuses[] = { 200, 400, 401, 403, 404, 429, 500,
	    503 };
	static const char *const types[] = { "application/json",
	    "application/x-www-form-urlencoded", "text/html", "" };
	char name[] = "demo";
	struct provider p = { .name = name };
	struct httpc_answer a;
	struct token_answer t;

	if (size < 2)
		return 0;
	httpc_answer_init(&a);
	token_answer_init(&t);
	if (data[0] >= '8') {
		a.outcome = data[0] % 2 == 0 ? HTTPC_NOT_SENT :
		    HTTPC_AMBIGUOUS;
		a.retry_after = -1;
	} else {
		a.outcome = HTTPC_ANSWERED;
		a.status = statuses[data[0] % 8];
		a.retry_after = data[1] % 16 == 15 ? 7 : -1;
		snprintf(a.content_type, sizeof(a.content_type), "%s",
		    types[data[1] % 4]);
		buf_add(&a.body, data + 2, size - 2);
	}
	log_stream(no_log, NULL);
	token_read(&p, &a, &t);
	log_stream(NULL, NULL);
	check(&t);
	if (a.outcome != HTTPC_ANSWERED && t.answer == ANSWER_OK)
		abort();
	token_answer_clear(&t);
	httpc_answer_clear(&a);
	return 0;
}
