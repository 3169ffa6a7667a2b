/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "browser.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "limit.h"
#include "return_to.h"

const char *
browser_cookie_name(const struct conf *c)
{
	return c->secure ? "__Host-oauth" : "oauth-cgi";
}

void
browser_set_cookie(const struct conf *c, const char *value,
    struct response *res)
{
	buf_reset(&res->cookie);
	buf_fmt(&res->cookie, "%s=%s; Path=/; Max-Age=%d; HttpOnly; "
	    "SameSite=Lax%s", browser_cookie_name(c), value, COOKIE_TTL,
	    c->secure ? "; Secure" : "");
}

bool
browser_is_navigation(const struct request *req)
{
	if (req->fetch_mode != NULL && strcmp(req->fetch_mode, "navigate") != 0)
		return false;
	if (req->fetch_dest != NULL && strcmp(req->fetch_dest, "document") != 0)
		return false;
	return req->purpose == NULL ||
	    strncmp(req->purpose, "prefetch", 8) != 0;
}

static bool
is_known_origin(const struct conf *c, const char *url, const char *origins)
{
	return return_to_has_origin(url, c->origin) ||
	    return_to_has_origin(url, origins);
}

bool
browser_is_cross_site(const struct conf *c, const struct request *req,
    const char *origins)
{
	if (req->fetch_site != NULL)
		return strcmp(req->fetch_site, "same-origin") != 0 &&
		    strcmp(req->fetch_site, "same-site") != 0 &&
		    strcmp(req->fetch_site, "none") != 0;
	if (req->method == METHOD_POST && req->origin != NULL &&
	    !is_known_origin(c, req->origin, origins))
		return true;
	return req->referer != NULL &&
	    !is_known_origin(c, req->referer, origins);
}

bool
browser_is_foreign_post(const struct conf *c, const struct request *req)
{
	return req->method == METHOD_POST && req->fetch_site == NULL &&
	    req->origin != NULL && strcmp(req->origin, c->origin) != 0;
}

bool
browser_is_other_host(const struct conf *c, const struct request *req)
{
	const char *standard = c->secure ? ":443" : ":80";
	size_t len, tail = strlen(standard);

	if (req->host == NULL)
		return false;
	len = strlen(req->host);
	if (len > tail && strcmp(req->host + len - tail, standard) == 0)
		len -= tail;
	return len != strlen(c->host) ||
	    strncasecmp(req->host, c->host, len) != 0;
}
