/* SPDX-License-Identifier: ISC */
#ifndef OAC_BROWSER_H
#define OAC_BROWSER_H

/*
 * browser - what can be said of the browser behind a request: its cookie, and
 * whether it is the site's own page that sent it.
 *
 * Source: Fetch Metadata (W3C), RFC 6265bis for cookie prefixes.
 */
#include <stdbool.h>

#include "base64url.h"
#include "conf.h"
#include "request.h"
#include "response.h"

/* The name of our cookie: __Host- and Secure wherever there is TLS. */
const char *browser_cookie_name(const struct conf *c);

/* Set, or renew, the cookie with that value. */
void browser_set_cookie(const struct conf *c, const char *value,
    struct response *res);

/* Whether the request can only be a window that navigates, not a fetch. */
bool browser_is_navigation(const struct request *req);

/*
 * Whether another site sent it. origins: the app's, separated by spaces. No
 * header that tells counts as our own.
 */
bool browser_is_cross_site(const struct conf *c, const struct request *req,
    const char *origins);

/*
 * Whether it is a POST from a page of the app's on another host than ours,
 * which a SameSite=Lax cookie does not come along with.
 */
bool browser_is_foreign_post(const struct conf *c, const struct request *req);

/* Whether the Host header names another host than `url`. None: false. */
bool browser_is_other_host(const struct conf *c, const struct request *req);

#endif
