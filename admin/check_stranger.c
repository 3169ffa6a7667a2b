/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "check.h"

#include <string.h>

static const struct check_kind downloaded = { "program_downloaded",
    CHECK_WRONG, "The web server hands the program out as a file instead of "
    "running it." };
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

bool
site_is_file(const struct httpc_answer *a)
{
	return a->body.len > 4 && (memcmp(a->body.data, "\177ELF", 4) == 0 ||
	    memcmp(a->body.data, "#!", 2) == 0);
}

/* What is shipped for each web server, and how it is put in its place. */
static const struct {
	const char	*server;
	const char	*lines[4];
} shipped[] = {
	{ "lighttpd", {
	    "cp " EXAMPLESDIR "/lighttpd/50-oauth-cgi.conf "
	    "/etc/lighttpd/conf-enabled/", "service lighttpd restart" } },
	{ "Apache", {
	    "cp " EXAMPLESDIR "/apache/oauth-cgi-fcgid.conf "
	    "/etc/apache2/conf-available/",
	    "a2enmod fcgid && a2enconf oauth-cgi-fcgid",
	    "service apache2 restart" } },
	{ "nginx", {
	    "cp " EXAMPLESDIR "/nginx/oauth-cgi.conf /etc/nginx/snippets/",
	    "# in the server { } of the site:",
	    "include snippets/oauth-cgi.conf;" } },
};

static void
mend_by_shipped(struct site *s)
{
	struct check *c = s->c;
	size_t i, j;

	for (i = 0; i < sizeof(shipped) / sizeof(shipped[0]); i++) {
		if (!site_is_server(s, shipped[i].server))
			continue;
		check_mend(c, "# what is shipped for %s; for the path \"%s\", "
		    "if that is not /oauth, change it:", shipped[i].server,
		    c->a->conf->path);
		for (j = 0; shipped[i].lines[j] != NULL; j++)
			check_mend(c, "%s", shipped[i].lines[j]);
	}
}

static void
mend_execution(struct site *s)
{
	struct check *c = s->c;
	const char *dir = c->programs[0] != '\0' ? c->programs : "THEIR-FOLDER";

	if (site_is_server(s, "Apache")) {
		check_mend(c, "# in the <Directory> of the programs, or in "
		    "its .htaccess:");
		check_mend(c, "Options +ExecCGI");
		check_mend(c, "SetHandler fcgid-script");
		check_mend(c, "# plain CGI: SetHandler cgi-script");
	} else {
		mend_by_shipped(s);
	}
	check_mend(c, "# and where the web server finds the programs:");
	check_mend(c, "chmod 755 %s/*.fcgi", check_quoted(c, dir));
}

void
site_mend_error(struct site *s)
{
	struct check *c = s->c;
	const char *dir = c->programs[0] != '\0' ? c->programs : "THEIR-FOLDER";

	if (site_is_server(s, "Apache")) {
		check_mend(c, "tail /var/log/apache2/error.log "
		    "/var/log/apache2/suexec.log");
	} else if (site_is_server(s, "lighttpd")) {
		check_mend(c, "tail /var/log/lighttpd/error.log");
	}
	check_mend(c, "# where the web server finds the programs (suEXEC wants "
	    "folder and programs to be the account's own, and writable for "
	    "nobody else):");
	check_mend(c, "chmod 755 %s %s/*.fcgi", check_quoted(c, dir),
	    check_quoted(c, dir));
	check_mend(c, "%s/start.fcgi --version", check_quoted(c, dir));
}

static void
mend_missing(struct site *s)
{
	struct check *c = s->c;

	if (site_is_server(s, "lighttpd")) {
		check_mend(c, "# in lighttpd's fastcgi.server, for each of "
		    "the programs:");
		check_mend(c, "\"check-local\" => \"disable\"");
		check_mend(c, "# and its condition must name the path of url:");
		check_mend(c, "$HTTP[\"url\"] =~ \"^%s/(start|callback|refresh)"
		    "(/|$)\" {", c->a->conf->path);
	} else {
		check_mend(c, "# in the web server's configuration the "
		    "programs must be at %s/start, %s/callback and "
		    "%s/refresh", c->a->conf->path, c->a->conf->path,
		    c->a->conf->path);
	}
	mend_by_shipped(s);
	check_mend(c, "# or they are elsewhere; then in the section site "
	    "of %s:", c->a->conf->file);
	check_mend(c, "url = \"%s/THEIR-PATH\"", c->a->conf->origin);
}

static void
mend_backend(struct site *s)
{
	check_mend(s->c, "# start what runs the programs: `systemctl restart "
	    "oauth-cgi.target`, spawn-fcgi, or the web server itself");
	if (site_is_server(s, "lighttpd"))
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
		{ 500, 501, &failing, site_mend_error },
		{ 502, 504, &no_backend, mend_backend },
		{ 200, 599, &somebody, mend_missing },
	};
	struct check *c = s->c;
	size_t i = 0;

	if (site_is_file(&s->a)) {
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
