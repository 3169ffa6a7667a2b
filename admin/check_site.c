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

/* ---- who answers instead ---------------------------------------------- */

static const struct check_kind downloaded = { "program_downloaded",
    CHECK_WRONG, "It hands out the program as a file instead of running it." };
static const struct check_kind redirected = { "site_redirect", CHECK_WRONG,
    "Our cookie belongs to the host in url, and the provider sends the browser "
    "back there: both must be the address that visitors end up at." };
static const struct check_kind guarded = { "site_password", CHECK_WRONG,
    "Neither the provider's redirect nor the backend knows that password." };
static const struct check_kind forbidden = { "site_forbidden", CHECK_WRONG,
    "The web server refuses to run the programs." };
static const struct check_kind nothing = { "site_missing", CHECK_WRONG,
    "The web server does not know that our programs belong there." };
static const struct check_kind failing = { "site_error", CHECK_WRONG,
    "The web server can't run the program, or it ended before it answered." };
static const struct check_kind no_backend = { "site_backend", CHECK_WRONG,
    "The web server passes requests on, and nobody takes them." };
static const struct check_kind somebody = { "site_other", CHECK_WRONG,
    "Another program, or a file, answers there." };
static const struct check_kind unavailable = { "site_unavailable", CHECK_WRONG,
    "The programs run, but not all they need is there for them." };

static bool
is_program_file(const struct httpc_answer *a)
{
	return a->body.len > 4 && (memcmp(a->body.data, "\177ELF", 4) == 0 ||
	    memcmp(a->body.data, "#!", 2) == 0);
}

static bool
is_server(const struct site *s, const char *name)
{
	return strncasecmp(s->server, name, strlen(name)) == 0;
}

static void
mend_execution(struct site *s)
{
	struct check *c = s->c;
	const char *dir = c->programs[0] != '\0' ? c->programs : "THEIR-FOLDER";

	if (is_server(s, "Apache")) {
		check_mend(c, "# in the <Directory> of the programs, or in "
		    "its .htaccess:");
		check_mend(c, "Options +ExecCGI");
		check_mend(c, "SetHandler fcgid-script");
		check_mend(c, "# plain CGI: SetHandler cgi-script");
	} else if (is_server(s, "lighttpd")) {
		check_mend(c, "# in lighttpd's configuration, with bin-path, "
		    "socket and check-local as oauth-cgi(7) shows:");
		check_mend(c, "server.modules += ( \"mod_fastcgi\" )");
	}
	check_mend(c, "chmod 755 %s/*.fcgi", check_quoted(c, dir));
}

/* The likely causes of a 500, which the server's own log names. */
static void
mend_error(struct site *s)
{
	struct check *c = s->c;
	const char *dir = c->programs[0] != '\0' ? c->programs : "THEIR-FOLDER";

	if (is_server(s, "Apache")) {
		check_mend(c, "tail /var/log/apache2/error.log "
		    "/var/log/apache2/suexec.log");
		check_mend(c, "# suEXEC wants folder and programs to be the "
		    "account's own, and writable for nobody else:");
	} else if (is_server(s, "lighttpd")) {
		check_mend(c, "tail /var/log/lighttpd/error.log");
	}
	check_mend(c, "chmod 755 %s %s/*.fcgi", check_quoted(c, dir),
	    check_quoted(c, dir));
	check_mend(c, "%s/start.fcgi --version", check_quoted(c, dir));
}

static void
mend_missing(struct site *s)
{
	struct check *c = s->c;

	if (is_server(s, "lighttpd")) {
		check_mend(c, "# in lighttpd's fastcgi.server, for each of "
		    "the programs:");
		check_mend(c, "\"check-local\" => \"disable\"");
		check_mend(c, "# and its condition must name the path of url:");
		check_mend(c, "$HTTP[\"url\"] =~ \"^%s/(start|callback|refresh)"
		    "(/|$)\" {", c->a->conf->path);
	} else {
		check_mend(c, "# in the web server's configuration the "
		    "programs must be at %s/start, %s/callback and "
		    "%s/refresh; see oauth-cgi(7)", c->a->conf->path,
		    c->a->conf->path, c->a->conf->path);
	}
	check_mend(c, "# or they are elsewhere; then in the section site "
	    "of %s:", c->a->conf->file);
	check_mend(c, "url = \"%s/THEIR-PATH\"", c->a->conf->origin);
}

static void
mend_backend(struct site *s)
{
	check_mend(s->c, "# start what runs the programs: `systemctl restart "
	    "oauth-cgi.target`, spawn-fcgi, or the web server itself");
	if (is_server(s, "lighttpd"))
		check_mend(s->c, "tail /var/log/lighttpd/error.log");
	if (s->c->programs[0] != '\0')
		check_mend(s->c, "chmod 755 %s/*.fcgi",
		    check_quoted(s->c, s->c->programs));
}

static void
tell_redirect(struct site *s, const char *program)
{
	struct check *c = s->c;
	const char *to = httpc_header(c->http, "Location");
	const char *end = to != NULL ? strstr(to, "/start") : NULL;

	check_found(c, &redirected, "%s/%s is answered %d, and leads to %s",
	    c->a->conf->url, program, s->a.status, to != NULL ? to : "nowhere");
	if (end == NULL || strstr(to, "://") == NULL)
		return;
	check_mend(c, "# in the section site of %s; then register the new "
	    "redirect URI at each provider:", c->a->conf->file);
	check_mend(c, "url = \"%.*s\"", (int)(end - to), to);
}

void
site_stranger(struct site *s, const char *program)
{
	static const struct {
		int			 from, to;
		const struct check_kind	*kind;
		void			(*mend)(struct site *s);
	} rows[] = {
		{ 403, 403, &forbidden, mend_execution },
		{ 404, 405, &nothing, mend_missing },
		{ 410, 410, &nothing, mend_missing },
		{ 500, 501, &failing, mend_error },
		{ 502, 504, &no_backend, mend_backend },
		{ 200, 599, &somebody, mend_missing },
	};
	struct check *c = s->c;
	size_t i = 0;

	if (is_program_file(&s->a)) {
		check_found(c, &downloaded, "%s/%s is the program itself",
		    c->a->conf->url, program);
		mend_execution(s);
	} else if (s->a.status / 100 == 3) {
		tell_redirect(s, program);
	} else if (s->a.status == 401) {
		check_found(c, &guarded, "%s/%s asks for a password",
		    c->a->conf->url, program);
		check_mend(c, "# in the web server's configuration: no "
		    "password below %s/", c->a->conf->path);
	} else {
		while (s->a.status < rows[i].from || s->a.status > rows[i].to)
			i++;
		check_found(c, rows[i].kind, "%s/%s is answered %d, and not by "
		    "our program%s%s", c->a->conf->url, program, s->a.status,
		    s->server[0] != '\0' ? " but by " : "", s->server);
		rows[i].mend(s);
	}
}

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
	check_mend(c, "# Apache, mod_proxy_fcgi, for the program start:");
	check_mend(c, "ProxyFCGISetEnvIf \"true\" PATH_INFO \"\"");
	check_mend(c, "# nginx: what follows the program's own name only; see "
	    "oauth-cgi(7)");
}

/* Where only one letter is wrong. */
static void
mend_scheme(struct site *s)
{
	const struct conf *conf = s->c->a->conf;
	const char *rest = strstr(conf->url, "://");
	bool try_http = s->a.failure == HTTPC_TLS && conf->secure &&
	    conf_is_loopback(conf->origin);

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
		mend_scheme(&s);
		goto out;
	}
	check_clock(c, "the web server", &s.a);
	if (is_sent_to_own_host(&s))
		tell_other_host(&s);
	else if (s.error[0] == '\0' && !is_program_file(&s.a) &&
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
