/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "client.h"

#include <string.h>

#include "base64url.h"
#include "jsonout.h"
#include "limit.h"
#include "urlenc.h"

/* A request body that is written as a form or as JSON. */
struct body {
	const struct provider	*provider;
	struct buf		 text;
	struct buf		 authorization;	/* empty: not Basic */
};

static void
body_put(struct body *b, const char *name, const char *value)
{
	if (b->provider->body == BODY_JSON)
		jsonout_str(&b->text, name, value);
	else
		urlenc_pair(&b->text, name, value);
}

/* A parameter of the RFCs, under the name that the provider has for it. */
static void
body_add(struct body *b, const char *name, const char *value)
{
	body_put(b, provider_param_name(b->provider, name), value);
}

static void
body_add_all(struct body *b, const struct provider_params *params)
{
	size_t i;

	for (i = 0; i < params->count; i++)
		body_put(b, params->list[i].name, params->list[i].value);
}

/*
 * RFC 6749 2.3.1: both parts form-encoded, then RFC 7617. Many providers know
 * only the latter; it makes a difference when there is a '%', a '+' or the
 * like in the secret.
 */
static void
add_basic(struct body *b)
{
	const struct provider *p = b->provider;
	const char *secret = p->client_secret != NULL ? p->client_secret : "";
	void (*add)(struct buf *, const char *) =
	    p->auth == AUTH_BASIC_RAW ? buf_str : urlenc_add;
	struct buf pair = BUF_INIT(4 * LIMIT_HEADER);

	add(&pair, p->client_id);
	buf_char(&pair, ':');
	add(&pair, secret);
	buf_str(&b->authorization, "Basic ");
	base64_add(&b->authorization, pair.data, pair.len);
	buf_clear(&pair);
}

static void
body_begin(struct body *b, const struct provider *p)
{
	b->provider = p;
	buf_init(&b->text, 4 * LIMIT_TOKEN);
	buf_init(&b->authorization, 8 * LIMIT_HEADER);
	if (p->body == BODY_JSON)
		jsonout_open(&b->text);
}

/* Client authentication goes last: RFC 6749 does not care, eyes do. */
static void
body_end(struct body *b)
{
	const struct provider *p = b->provider;

	if (p->auth == AUTH_BASIC || p->auth == AUTH_BASIC_RAW)
		add_basic(b);
	else
		body_add(b, "client_id", p->client_id);
	if (p->auth == AUTH_POST && p->client_secret != NULL)
		body_add(b, "client_secret", p->client_secret);
	if (p->body == BODY_JSON)
		jsonout_close(&b->text);
}

static void
send_body(struct httpc *h, struct body *b, const char *url,
    int64_t timeout_ms, struct httpc_answer *a)
{
	const struct provider *p = b->provider;
	struct httpc_request req = {
		.url = url,
		.content_type = p->body == BODY_JSON ? "application/json" :
		    "application/x-www-form-urlencoded",
		.authorization = b->authorization.len > 0 ?
		    buf_cstr(&b->authorization) : NULL,
		.body = buf_cstr(&b->text),
		.body_len = b->text.len,
		.ca_file = p->ca_file,
		.allow_http = p->allow_insecure,
		.public_only = p->host_varies,
		.timeout_ms = timeout_ms,
	};

	httpc_answer_init(a);
	/* Too large to send, so certainly not sent. */
	if (buf_failed(&b->text) || buf_failed(&b->authorization))
		a->outcome = HTTPC_NOT_SENT;
	else
		httpc_send(h, &req, a);
	buf_clear(&b->text);
	buf_clear(&b->authorization);
}

void
client_probe(struct httpc *h, const struct provider *p,
    const struct client_exchange *x, int64_t timeout_ms,
    struct httpc_answer *a, struct token_answer *out)
{
	struct body b;

	body_begin(&b, p);
	body_add(&b, "grant_type", "authorization_code");
	body_add(&b, "code", x->code);
	body_add(&b, "redirect_uri", x->redirect_uri);
	if (x->verifier != NULL)
		body_add(&b, "code_verifier", x->verifier);
	body_add_all(&b, &p->token_params);
	body_end(&b);
	send_body(h, &b, x->url, timeout_ms, a);
	token_read(p, a, out);
}

void
client_exchange(struct httpc *h, const struct provider *p,
    const struct client_exchange *x, int64_t timeout_ms,
    struct token_answer *out)
{
	struct httpc_answer a;

	client_probe(h, p, x, timeout_ms, &a, out);
	httpc_answer_clear(&a);
}

void
client_refresh(struct httpc *h, const struct provider *p, const char *url,
    const char *refresh_token, int64_t timeout_ms, struct token_answer *out)
{
	struct httpc_answer a;
	struct body b;

	/* No scope: the refresh is for all that was granted (6.). */
	body_begin(&b, p);
	body_add(&b, "grant_type", "refresh_token");
	body_add(&b, "refresh_token", refresh_token);
	body_add_all(&b, &p->refresh_params);
	body_end(&b);
	send_body(h, &b, url, timeout_ms, &a);
	token_read(p, &a, out);
	httpc_answer_clear(&a);
}

bool
client_revoke(struct httpc *h, const struct provider *p, const char *url,
    const char *token, const char *hint)
{
	struct httpc_answer a;
	struct body b;
	bool gone;

	body_begin(&b, p);
	body_add(&b, "token", token);
	body_add(&b, "token_type_hint", hint);
	body_end(&b);
	send_body(h, &b, url, (int64_t)PROVIDER_TOTAL * 1000, &a);
	gone = a.outcome == HTTPC_ANSWERED && a.status / 100 == 2;
	httpc_answer_clear(&a);
	return gone;
}
