/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "check.h"

#include <string.h>

static const struct check_kind http_open = { "http_open", CHECK_WRONG,
    "A visitor who comes by http does not get our cookie, which is for https "
    "alone, and is sent on to the provider in vain." };

static void
mend_http(struct site *s)
{
	struct check *c = s->c;

	if (site_is_server(s, "nginx")) {
		check_mend(c, "# in nginx's server of port 80:");
		check_mend(c, "return 301 https://$host$request_uri;");
	} else if (site_is_server(s, "lighttpd")) {
		check_mend(c, "# in lighttpd's configuration (mod_redirect):");
		check_mend(c, "$HTTP[\"scheme\"] == \"http\" { url.redirect = "
		    "( \"\" => \"https://${url.authority}${url.path}${qsa}\" )"
		    " }");
	} else {
		check_mend(c, "# in Apache's <VirtualHost *:80>:");
		check_mend(c, "Redirect permanent / %s/", c->a->conf->origin);
	}
}

void
check_plain_http(struct site *s)
{
	struct check *c = s->c;
	const char *host = c->a->conf->host, *to;
	struct buf url = BUF_INIT(LIMIT_URL);
	struct httpc_request req = { .method = HTTPC_GET, .allow_http = true,
	    .public_http = true };

	/* Beside a port of its own there is no usual one. */
	if (!c->a->conf->secure || strrchr(host, ':') >
	    (strrchr(host, ']') != NULL ? strrchr(host, ']') : host))
		return;
	buf_fmt(&url, "http://%s%s/start?provider=-", host, c->a->conf->path);
	req.url = buf_cstr(&url);
	if (!check_ask(c, &req, &s->a)) {
		check_good(c, "plain http is not answered");
	} else if ((to = httpc_header(c->http, "Location")) != NULL &&
	    strncmp(to, "https://", 8) == 0) {
		check_good(c, "plain http leads to https");
	} else {
		check_found(c, &http_open, "http://%s%s/start is answered %d, "
		    "and not sent to https", host, c->a->conf->path,
		    s->a.status);
		mend_http(s);
	}
	buf_clear(&url);
}
