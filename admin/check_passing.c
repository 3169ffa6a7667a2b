/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appkey.h"
#include "browser.h"
#include "pending.h"
#include "wipe.h"

/* ---- what comes back -------------------------------------------------- */

static const struct check_kind cached = { "cache_control_lost", CHECK_WRONG,
    "Something between programs and browsers changes it: a stored answer of "
    "ours could be given to somebody else." };
static const struct check_kind header_lost = { "header_lost", CHECK_NOTE,
    "Something between programs and browsers removes or replaces it." };

/* Of the answer that has just come from a program. */
static void
check_headers(struct site *s)
{
	static const char *const rows[][2] = {
		{ "Referrer-Policy", "no-referrer" },
		{ "X-Content-Type-Options", "nosniff" },
	};
	struct check *c = s->c;
	const char *cache = httpc_header(c->http, "Cache-Control"), *value;
	size_t i;

	if (cache == NULL || strstr(cache, "no-store") == NULL ||
	    httpc_header(c->http, "Age") != NULL) {
		check_found(c, &cached, "Cache-Control of an answer comes as "
		    "%s%s", cache != NULL ? cache : "nothing",
		    httpc_header(c->http, "Age") != NULL ? ", out of a cache" :
		    "");
		check_mend(c, "# in the web server's, proxy's or CDN's "
		    "configuration: no caching, and no Cache-Control of its "
		    "own, below %s/", c->a->conf->path);
	} else {
		check_good(c, "Cache-Control comes back as it was");
	}
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		value = httpc_header(c->http, rows[i][0]);
		if (value != NULL && strcmp(value, rows[i][1]) == 0)
			continue;
		check_found(c, &header_lost, "%s comes as %s, not as %s",
		    rows[i][0], value != NULL ? value : "nothing", rows[i][1]);
		check_mend(c, "# in the web server's configuration: leave it "
		    "alone below %s/", c->a->conf->path);
	}
}

/* ---- the backend's key ------------------------------------------------ */

static const struct check_kind no_authorization = { "authorization_lost",
    CHECK_WRONG, "The web server keeps it from the programs, so that every "
    "backend that sends its key there is answered 401." };
static const struct check_kind no_header = { "key_header_lost", CHECK_NOTE,
    "It is the way out where Authorization does not pass." };

static void
mend_authorization(struct site *s)
{
	struct check *c = s->c;

	if (site_is_server(s, "nginx")) {
		check_mend(c, "# in nginx's location of the programs:");
		check_mend(c, "fastcgi_param HTTP_AUTHORIZATION "
		    "$http_authorization;");
	} else if (site_is_server(s, "lighttpd")) {
		check_mend(c, "# lighttpd passes it; look for a "
		    "setenv.set-request-header or a proxy before it");
	} else {
		check_mend(c, "# in Apache's <Directory> or <Location> of the "
		    "programs, or in their .htaccess:");
		check_mend(c, "CGIPassAuth On");
	}
	check_mend(c, "# or, in the backend, instead of Authorization:");
	check_mend(c, "X-OAuth-CGI-Key: THE-KEY");
}

/* Whether a made-up key arrives; *arrived only when the program says so. */
static bool
ask_refresh(struct site *s, const char *authorization,
    const char *const *headers, bool *arrived)
{
	struct site_request r = { .path = "/refresh", .body = "provider=-",
	    .authorization = authorization, .headers = headers };
	char reason[64];

	if (!site_expect(s, &r, "refresh"))
		return false;
	check_member(&s->a, "reason", reason);
	*arrived = strcmp(reason, "missing") != 0;
	return true;
}

static void
check_key_passes(struct site *s)
{
	char key[APPKEY_CHARS + 1], bearer[APPKEY_CHARS + 8];
	const char *headers[] = { "X-OAuth-CGI-Key", key, NULL };
	struct check *c = s->c;
	struct store_key row;
	bool arrived;

	appkey_new("-", key, &row);
	snprintf(bearer, sizeof(bearer), "Bearer %s", key);
	if (!ask_refresh(s, bearer, NULL, &arrived))
		return;
	if (arrived) {
		check_good(c, "Authorization reaches the programs");
	} else {
		check_found(c, &no_authorization, "Authorization does not "
		    "reach %s/refresh", c->a->conf->url);
		mend_authorization(s);
	}
	if (!ask_refresh(s, NULL, headers, &arrived))
		return;
	if (arrived)
		check_good(c, "X-OAuth-CGI-Key reaches the programs");
	else
		check_found(c, &no_header, "X-OAuth-CGI-Key does not reach "
		    "%s/refresh", c->a->conf->url);
}

/* ---- the provider's way back ------------------------------------------ */

static const struct check_kind no_cookie = { "cookie_lost", CHECK_WRONG,
    "The callback can't tell that the browser that comes back is the one that "
    "left: every connection ends there." };
static const struct check_kind no_path = { "path_info_lost", CHECK_WRONG,
    "The callback learns from the end of its path which provider it is of: "
    "every connection ends with a 404." };
static const struct check_kind no_query = { "query_lost", CHECK_WRONG,
    "The provider's answer is in the query." };
static const struct check_kind other_origin = { "redirect_elsewhere",
    CHECK_NOTE, "A browser does not bring our cookie to another host; what is "
    "there must send it on to callback." };

static const struct check_kind stale = { "programs_stale", CHECK_WRONG,
    "They read it when they start, and at SIGHUP; what has changed since does "
    "not count yet." };

static void
tell_stale(struct site *s, const char *sign)
{
	check_found(s->c, &stale, "the programs run with the configuration "
	    "from before it was changed: %s", sign);
	check_mend(s->c, "# restart the web server, or what runs the programs; "
	    "or:");
	check_mend(s->c, "pkill -HUP -x 'start.fcgi|callback.fcgi|"
	    "refresh.fcgi'");
}

static void
mend_path(struct site *s)
{
	struct check *c = s->c;

	if (site_is_server(s, "nginx")) {
		check_mend(c, "# in nginx's location of the programs, with "
		    "what follows /callback:");
		check_mend(c, "fastcgi_param PATH_INFO $oauth_cgi_path;");
	} else if (site_is_server(s, "Apache")) {
		check_mend(c, "# in Apache's <Directory> of the programs, or "
		    "in their .htaccess:");
		check_mend(c, "AcceptPathInfo On");
		check_mend(c, "# with mod_proxy_fcgi instead, in "
		    "<LocationMatch \"^%s/callback(?<path>/.*)?$\">:",
		    c->a->conf->path);
		check_mend(c, "ProxyFCGISetEnvIf \"true\" PATH_INFO "
		    "\"%%{reqenv:MATCH_PATH}\"");
	} else {
		check_mend(c, "# in the web server's configuration: "
		    "%s/callback and all below it, unchanged; no rewriting",
		    c->a->conf->path);
	}
}

static void
tell_path(struct site *s, const char *uri)
{
	check_found(s->c, &no_path, "PATH_INFO does not reach %s", uri);
	mend_path(s);
	check_mend(s->c, "# or, if that provider's section is new: restart "
	    "what runs the programs");
}

/* What the callback says to a state that nobody has: why it refuses. */
static void
tell_callback(struct site *s, const char *uri)
{
	struct check *c = s->c;
	char sign[1024];

	if (strcmp(s->error, "invalid_state") == 0) {
		check_good(c, "%s answers; cookies and PATH_INFO reach it",
		    uri);
	} else if (strcmp(s->error, "missing_cookie") == 0) {
		check_found(c, &no_cookie, "Cookie does not reach %s", uri);
		check_mend(c, "# in the web server's or proxy's configuration: "
		    "nothing that removes the header Cookie below %s/",
		    c->a->conf->path);
	} else if (strcmp(s->error, "not_found") == 0 && s->path_passes) {
		snprintf(sign, sizeof(sign), "%s is answered 404", uri);
		tell_stale(s, sign);
	} else if (strcmp(s->error, "not_found") == 0) {
		tell_path(s, uri);
	} else {
		check_found(c, &no_query, "%s is answered %s to a whole "
		    "request", uri, s->error);
		check_mend(c, "# in the web server's configuration: the query "
		    "is passed on as it came");
	}
}

/* The server itself knows no such file, but without the path it's ours. */
static bool
is_path_refused(struct site *s, const char *uri)
{
	static const struct site_request r = { .path = "/callback" };

	if (s->a.status != 404 || s->error[0] != '\0' || !site_ask(s, &r) ||
	    s->error[0] == '\0')
		return false;
	tell_path(s, uri);
	return true;
}

/* Ask a redirect URI, as a provider would, for a state that nobody has. */
static bool
ask_callback(struct site *s, const char *uri)
{
	char state[SECRET_CHARS + 1], secret[SECRET_CHARS + 1];
	struct buf query = BUF_INIT(256), cookie = BUF_INIT(256);
	const char *headers[] = { "Cookie", NULL, NULL };
	struct site_request r = { .headers = headers };
	bool ok;

	pending_new_secret(state);
	pending_new_secret(secret);
	buf_fmt(&query, "%cstate=%s&error=access_denied",
	    strchr(uri, '?') != NULL ? '&' : '?', state);
	/* By both of its names: programs may be of an older configuration. */
	buf_fmt(&cookie, "__Host-oauth=%s; oauth-cgi=%s", secret, secret);
	headers[1] = buf_cstr(&cookie);
	r.path = buf_cstr(&query);
	ok = site_ask_at(s, uri, &r);
	buf_clear(&query);
	buf_clear(&cookie);
	return ok;
}

static bool
is_at_our_origin(const struct site *s, const char *uri)
{
	char *origin = conf_url_origin(uri);
	bool ours = origin != NULL &&
	    strcmp(origin, s->c->a->conf->origin) == 0;

	free(origin);
	return ours;
}

static void
check_callback(struct site *s, const struct provider *p)
{
	const char *uri = p->redirect_uri;

	if (!is_at_our_origin(s, uri))
		check_found(s->c, &other_origin, "provider %s: %s is not on "
		    "the host of url", p->name, uri);
	else if (!ask_callback(s, uri))
		check_unanswered(s->c, "site", uri, &s->a);
	else if (!is_path_refused(s, uri) && site_judge(s, "callback"))
		tell_callback(s, uri);
}

/* Where one provider's path arrives, another's 404 has another reason. */
static void
check_callbacks(struct site *s)
{
	const struct conf *conf = s->c->a->conf;
	size_t i;

	for (i = 0; !s->path_passes && i < conf->provider_count; i++)
		s->path_passes = is_at_our_origin(s,
		    conf->providers[i].redirect_uri) &&
		    ask_callback(s, conf->providers[i].redirect_uri) &&
		    strcmp(s->error, "invalid_state") == 0;
	for (i = 0; i < conf->provider_count; i++)
		check_callback(s, &conf->providers[i]);
}

/* ---- our cookie -------------------------------------------------------- */

static const struct check_kind set_cookie = { "set_cookie_lost", CHECK_WRONG,
    "Without our cookie the callback can't tell which browser had left: every "
    "connection ends there." };

/* An app that this provider is for. */
static bool
find_app(const struct check *c, const struct provider *p,
    char name[LIMIT_NAME + 1])
{
	struct store_app app;
	size_t i;

	if (c->a->store == NULL)
		return false;
	for (i = 0; i < p->apps.count; i++)
		if (store_app_get(c->a->store, p->apps.list[i], &app) ==
		    ERR_OK)
			break;
	if (p->apps.count > 0 ? i == p->apps.count :
	    store_app_get(c->a->store, NULL, &app) != ERR_OK)
		return false;
	memcpy(name, app.name, LIMIT_NAME + 1);
	return true;
}

static bool
is_our_cookie(const char *value)
{
	return strncmp(value, "__Host-oauth=", 13) == 0 ||
	    strncmp(value, "oauth-cgi=", 10) == 0;
}

/*
 * From another site a link to /start gives the page that asks first: it sets
 * the cookie, and nothing is begun.
 */
static void
tell_set_cookie(struct site *s)
{
	struct check *c = s->c;
	const char *value = httpc_header(c->http, "Set-Cookie");
	const char *name = browser_cookie_name(c->a->conf);

	if (value != NULL && strncmp(value, name, strlen(name)) == 0) {
		check_good(c, "Set-Cookie comes back");
	} else if (value != NULL && is_our_cookie(value)) {
		tell_stale(s, "its url is of another scheme");
	} else {
		check_found(c, &set_cookie, "Set-Cookie of %s/start does not "
		    "come back", c->a->conf->url);
		check_mend(c, "# in the web server's, proxy's or CDN's "
		    "configuration: nothing that removes or rewrites "
		    "Set-Cookie below %s/", c->a->conf->path);
	}
}

/* Whether that provider's start has shown the page, and so all is told. */
static bool
check_set_cookie(struct site *s, const struct provider *p)
{
	static const char *const headers[] = { "Sec-Fetch-Site", "cross-site",
	    "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", NULL };
	struct buf path = BUF_INIT(512);
	struct site_request r = { .headers = headers };
	char app[LIMIT_NAME + 1];
	const char *page;
	bool shown = false;

	if (!find_app(s->c, p, app))
		return false;
	buf_fmt(&path, "/start?provider=%s&app=%s", p->name, app);
	r.path = buf_cstr(&path);
	if (site_ask(s, &r) && s->a.status == 200) {
		page = buf_cstr(&s->a.body);
		shown = page != NULL &&
		    strstr(page, "name=\"confirm\"") != NULL;
	}
	if (shown)
		tell_set_cookie(s);
	buf_clear(&path);
	return shown;
}

void
check_passing(struct site *s)
{
	const struct conf *conf = s->c->a->conf;
	size_t i;

	check_headers(s);
	check_key_passes(s);
	check_callbacks(s);
	for (i = 0; i < conf->provider_count; i++)
		if (check_set_cookie(s, &conf->providers[i]))
			break;
	check_plain_http(s);
}
