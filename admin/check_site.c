/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clock.h"

#define UNAVAILABLE "temporarily_unavailable"

/*
 * Starts nothing: there is no provider of that name, nor can there be. Of a
 * program that is handed out as a file the beginning is enough.
 */
static const char *const beginning[] = { "Range", "bytes=0-1023", NULL };
static const struct site_request start = { .path = "/start?provider=-",
    .headers = beginning };

/* ---- asking ----------------------------------------------------------- */

bool
site_ask_at(struct site *s, const char *base, const struct site_request *r)
{
	struct httpc_request req = {
		.method = r->body != NULL ? HTTPC_POST : HTTPC_GET,
		.content_type = "application/x-www-form-urlencoded",
		.body = r->body,
		.body_len = r->body != NULL ? strlen(r->body) : 0,
		.authorization = r->authorization,
		.headers = r->headers,
		.allow_http = !s->c->a->conf->secure,
		.ca_file = s->c->a->ca_file,
	};
	char description[64];
	const char *server;

	buf_reset(&s->url);
	buf_fmt(&s->url, "%s%s", base, r->path);
	req.url = buf_cstr(&s->url);
	s->error[0] = '\0';
	if (!check_ask(s->c, &req, &s->a))
		return false;
	server = httpc_header(s->c->http, "Server");
	if (server != NULL)
		snprintf(s->server, sizeof(s->server), "%s", server);
	check_member(&s->a, "error", s->error);
	check_member(&s->a, "error_description", description);
	if (description[0] == '\0')
		s->error[0] = '\0';	/* not one of ours */
	/* What was mended a moment ago is looked for once in a second. */
	if (strcmp(s->error, UNAVAILABLE) == 0 && !s->c->any_wrong &&
	    !s->waited) {
		s->waited = true;
		clock_sleep_jittered(2400);
		return site_ask_at(s, base, r);
	}
	return true;
}

bool
site_ask(struct site *s, const struct site_request *r)
{
	return site_ask_at(s, s->c->a->conf->url, r);
}

bool
site_is_server(const struct site *s, const char *name)
{
	return strncasecmp(s->server, name, strlen(name)) == 0;
}

/* ---- is it ours? ------------------------------------------------------ */

static const struct check_kind unavailable = { "site_unavailable", CHECK_WRONG,
    "The programs run, but not all they need is there for them." };

/* Our own 503: it has a reason that other checks look for, too. */
static void
tell_unavailable(struct site *s, const char *program)
{
	struct check *c = s->c;
	bool known = c->any_wrong;

	if (s->unavailable)
		return;
	s->unavailable = true;
	check_found(c, &unavailable, "%s/%s answers that it can't work now%s",
	    c->a->conf->url, program, known ? "; see above" : "");
	check_mend(c, "# the log says what it lacks: log = \"%s\" in %s",
	    c->a->conf->log, c->a->conf->file);
	if (known)
		return;
	check_mend(c, "# nothing is wrong as %s sees it; the programs may "
	    "run as another user: check --user NAME; or with another "
	    "configuration; then, for the programs:", c->me.name);
	check_mend(c, "OAUTH_CGI_CONFIG=%s", c->a->conf->file);
}

bool
site_judge(struct site *s, const char *program)
{
	if (s->error[0] == '\0') {
		site_stranger(s, program);
		return false;
	}
	if (strcmp(s->error, UNAVAILABLE) == 0) {
		tell_unavailable(s, program);
		return false;
	}
	return true;
}

bool
site_expect(struct site *s, const struct site_request *r, const char *program)
{
	if (site_ask(s, r))
		return site_judge(s, program);
	check_unanswered(s->c, "site", s->c->a->conf->url, &s->a);
	return false;
}

/* ---- at another path -------------------------------------------------- */

static const struct check_kind elsewhere = { "url_path", CHECK_WRONG,
    "The provider would send browsers to a path where nobody is." };

/* Whether /start answers below another path of this origin; then it's told. */
static bool
find_elsewhere(struct site *s)
{
	static const char *const paths[] = { "/oauth", "", "/oauth-cgi",
	    "/oauth2", "/auth", "/cgi-bin/oauth", "/cgi-bin" };
	const struct conf *conf = s->c->a->conf;
	struct buf base = BUF_INIT(LIMIT_URL);
	struct httpc_answer first = s->a;
	bool found = false;
	size_t i;

	httpc_answer_init(&s->a);
	for (i = 0; !found && i < sizeof(paths) / sizeof(paths[0]); i++) {
		buf_reset(&base);
		buf_fmt(&base, "%s%s", conf->origin, paths[i]);
		found = strcmp(paths[i], conf->path) != 0 &&
		    site_ask_at(s, buf_cstr(&base), &start) &&
		    strncmp(s->error, "unknown_", 8) == 0;
	}
	httpc_answer_clear(&s->a);
	s->a = first;
	s->error[0] = '\0';
	if (found) {
		check_found(s->c, &elsewhere, "the programs are not at %s, but "
		    "at %s", conf->url, buf_cstr(&base));
		check_mend(s->c, "# in the section site of %s; then register "
		    "the new redirect URI at each provider:", conf->file);
		check_mend(s->c, "url = \"%s\"", buf_cstr(&base));
	}
	buf_clear(&base);
	return found;
}

/* ---- the check -------------------------------------------------------- */

static const struct check_kind other_host = { "host_changed", CHECK_WRONG,
    "Every start makes a detour, because the programs see another host than "
    "the one in url; a visitor's own mistake can't be told from it." };

/* A start that finds itself on another host sends the browser to url. */
static bool
is_sent_to_own_host(const struct site *s)
{
	const char *to = httpc_header(s->c->http, "Location");
	size_t len = strlen(s->c->a->conf->url);

	return s->a.status == 303 && to != NULL &&
	    strncmp(to, s->c->a->conf->url, len) == 0 &&
	    strncmp(to + len, "/start?", 7) == 0;
}

static void
tell_other_host(struct site *s)
{
	struct check *c = s->c;

	check_found(c, &other_host, "what reaches the programs is not the "
	    "host of url, %s", c->a->conf->host);
	check_mend(c, "# in the proxy's configuration; Apache:");
	check_mend(c, "ProxyPreserveHost On");
	check_mend(c, "# nginx:");
	check_mend(c, "proxy_set_header Host $host;");
}

static const struct check_kind extra_path = { "path_info", CHECK_WRONG,
    "The program finds a path behind its own, and answers 404." };

static void
tell_path(struct site *s)
{
	struct check *c = s->c;

	check_found(c, &extra_path, "%s/start comes with a PATH_INFO",
	    c->a->conf->url);
	check_mend(c, "# Apache with mod_proxy_fcgi, in <LocationMatch "
	    "\"^%s/start(?<path>/.*)?$\">:", c->a->conf->path);
	check_mend(c, "ProxyFCGISetEnvIf \"true\" PATH_INFO "
	    "\"%%{reqenv:MATCH_PATH}\"");
	check_mend(c, "# nginx, in a location ~ ^%s/(?<oauth_cgi_program>"
	    "start|callback|refresh)(?<oauth_cgi_path>/.*)?$:",
	    c->a->conf->path);
	check_mend(c, "fastcgi_param PATH_INFO $oauth_cgi_path;");
}

/* What else may help where there was no answer. */
static void
mend_silence(struct site *s)
{
	const struct conf *conf = s->c->a->conf;
	const char *rest = strstr(conf->url, "://");
	bool try_http = s->a.failure == HTTPC_TLS && conf->secure &&
	    conf_is_loopback(conf->origin);

	/* mod_fcgid tries for a minute what it can't run. */
	if (s->a.failure == HTTPC_TIMEOUT && s->a.outcome == HTTPC_AMBIGUOUS)
		site_mend_error(s);
	if (!try_http && (s->a.failure != HTTPC_CUT || conf->secure))
		return;
	check_mend(s->c, "# or, in the section site of %s, if the web server "
	    "speaks %s there:", conf->file, try_http ? "plain http" : "https");
	check_mend(s->c, "url = \"%s%s\"", try_http ? "http" : "https", rest);
}

void
check_site(struct check *c)
{
	struct site s = { .c = c };

	buf_init(&s.url, LIMIT_URL);
	httpc_answer_init(&s.a);
	if (!site_ask(&s, &start)) {
		check_unanswered(c, "site", c->a->conf->url, &s.a);
		mend_silence(&s);
		goto out;
	}
	check_clock(c, "the web server", &s.a);
	if (is_sent_to_own_host(&s))
		tell_other_host(&s);
	else if (s.error[0] == '\0' && !site_is_file(&s.a) &&
	    (s.a.status == 404 || s.a.status == 200) && find_elsewhere(&s))
		goto out;
	else if (!site_judge(&s, "start"))
		goto out;
	else if (strcmp(s.error, "not_found") == 0)
		tell_path(&s);
	check_good(c, "%s/start answers", c->a->conf->url);
	check_passing(&s);
out:
	httpc_answer_clear(&s.a);
	buf_clear(&s.url);
}
