/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "check.h"

#include <sys/stat.h>

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "secretfile.h"
#include "xalloc.h"

static const struct check_secret conf_file = {
	.what = "the configuration",
	.missing = { "conf_missing", CHECK_UNUSABLE, "Nothing works without "
	    "it. A web program looks at the same places as this command, "
	    "unless its environment says otherwise (OAUTH_CGI_CONFIG)." },
	.type = { "conf_type", CHECK_UNUSABLE, "It is read only as a plain "
	    "file." },
	.owner = { "conf_owner", CHECK_UNUSABLE, "Its owner could change what "
	    "the programs do, so they refuse it: every request is answered "
	    "503." },
	.mode = { "conf_mode", CHECK_UNUSABLE, "Every account on this machine "
	    "could read or change it, and with it the client secret, so the "
	    "programs refuse it: every request is answered 503." },
	.closed = { "conf_closed", CHECK_UNUSABLE, "The web programs can't "
	    "read it: every request is answered 503." },
};
static const struct check_kind invalid = { "conf_invalid", CHECK_UNUSABLE,
    "As long as this line is wrong every request is answered 503." };
static const struct check_kind unfinished = { "conf_example", CHECK_WRONG,
    "It is what `oauth-cgi init` wrote as an example." };
static const struct check_kind log_closed = { "log_closed", CHECK_WRONG,
    "What goes wrong would be told to nobody." };

/*
 * For a url that is http: its line as it should be. FILE:LINE: url must …;
 * the value of no other key is ever shown.
 */
static void
mend_url(struct check *c, const char *said)
{
	const char *at = strstr(said, ": url must be https"), *colon = at;
	struct buf text = BUF_INIT(262144);
	const char *line, *http;
	char *file;
	long n;

	while (colon != NULL && colon > said && *--colon != ':')
		;
	if (at == NULL || *colon != ':')
		return;
	file = xstrndup(said, (size_t)(colon - said));
	n = strtol(colon + 1, NULL, 10);
	if (secretfile_read(file, &text) == ERR_OK) {
		for (line = buf_cstr(&text); n > 1 && line != NULL; n--)
			if ((line = strchr(line, '\n')) != NULL)
				line++;
		if (line != NULL)
			line += strspn(line, " \t");
		http = line != NULL && strncmp(line, "url", 3) == 0 ?
		    strstr(line, "http://") : NULL;
		if (http != NULL && http < line + strcspn(line, "\n"))
			check_mend(c, "%.*shttps://%.*s", (int)(http - line),
			    line, (int)strcspn(http + 7, "#\n"), http + 7);
	}
	buf_clear(&text);
	free(file);
}

/* For a value's file that is not there: how it is made. */
static void
mend_missing(struct check *c, const char *said)
{
	static const char mark[] = "does not exist; create it: ";
	const char *at = strstr(said, mark);

	if (at == NULL)
		return;
	at = check_quoted(c, at + sizeof(mark) - 1);
	if (c->by_root)
		check_mend(c, "install -m 640 -o root -g %s /dev/null %s",
		    c->me.group, at);
	else
		check_mend(c, "install -m 600 /dev/null %s", at);
	check_mend(c, "# and put the value into it");
}

static bool
load(struct check *c, bool with_secrets)
{
	char said[1200];

	conf_free(c->a->conf);
	c->a->conf = NULL;
	check_unsaid(c);
	if (conf_load(c->a->conf_path, with_secrets, &c->a->conf) == ERR_OK)
		return true;
	while (check_said_one(c, &invalid, said)) {
		mend_url(c, said);
		mend_missing(c, said);
		/* The file itself was the finding, with its mend. */
		if (strstr(said, ": mode ") != NULL ||
		    strstr(said, " may not read it") != NULL ||
		    strstr(said, ": belongs to uid ") != NULL)
			check_unsaid(c);
	}
	return false;
}

/*
 * Root reads a configuration of its own to learn whose the database is (the
 * secrets are left to the programs' user, who needs them); one that is not
 * root's must not make root do things.
 */
static bool
load_as_programs(struct check *c)
{
	struct stat st;

	if (stat(c->a->conf_path, &st) == 0 && st.st_uid != 0) {
		/* Not theirs, nor root's: they won't take it. */
		if (c->by_root && check_user_known(c, &c->me) &&
		    c->me.uid != st.st_uid)
			return check_secret_file(c, &conf_file,
			    c->a->conf_path);
		if (admin_become_uid(st.st_uid, st.st_gid) != ADMIN_OK)
			return false;
	}
	check_user_fill(&c->me, geteuid());
	if (!check_secret_file(c, &conf_file, c->a->conf_path) ||
	    !load(c, false))
		return false;
	if (!check_become(c))
		return false;
	return check_secret_file(c, &conf_file, c->a->conf_path) &&
	    load(c, true);
}

static void
check_example(struct check *c)
{
	const struct conf *conf = c->a->conf;
	size_t i;

	if (strcmp(conf->host, "www.example.org") == 0 ||
	    strcmp(conf->host, "shop.example") == 0) {
		check_found(c, &unfinished, "%s: url is still %s", conf->file,
		    conf->url);
		check_mend(c, "# in the section site: the address of your "
		    "site, and where the programs are below it");
		check_mend(c, "url = \"https://YOUR.SITE/oauth\"");
	}
	for (i = 0; i < conf->provider_count; i++) {
		if (strcmp(conf->providers[i].client_id, "replace-me") != 0)
			continue;
		check_found(c, &unfinished, "%s: client_id of provider %s is "
		    "still replace-me", conf->file, conf->providers[i].name);
		check_mend(c, "# in the section provider %s: what the provider "
		    "gave you", conf->providers[i].name);
		check_mend(c, "client_id = \"...\"");
		check_mend(c, "client_secret = \"file:%s.secret\"",
		    conf->providers[i].name);
	}
}

/* Whether the programs can append to the log file, or create it. */
static void
check_log(struct check *c)
{
	const char *path = c->a->conf->log;
	char *copy, *folder;

	if (strncmp(path, "file:", 5) != 0)
		return;
	path += 5;
	copy = xstrdup(path);
	folder = dirname(copy);
	if (access(path, W_OK) == 0 ||
	    (errno == ENOENT && access(folder, W_OK | X_OK) == 0)) {
		check_good(c, "log: %s", path);
	} else if (access(path, F_OK) == 0) {
		check_found(c, &log_closed, "%s may not write to the log %s",
		    c->me.name, path);
		check_mend(c, "chown %s %s", c->me.name,
		    check_quoted(c, path));
	} else {
		check_found(c, &log_closed, "%s can't create the log %s",
		    c->me.name, path);
		check_mend(c, "install -d -o %s -m 750 %s", c->me.name,
		    check_quoted(c, folder));
	}
	free(copy);
}

void
check_configuration(struct check *c)
{
	const struct conf *conf;
	size_t i;

	check_find_processes(c);
	if (!load_as_programs(c)) {
		conf_free(c->a->conf);
		c->a->conf = NULL;
		return;
	}
	conf = c->a->conf;
	check_good(c, "%s, as user %s", conf->file, c->me.name);
	check_good(c, "url: %s", conf->url);
	for (i = 0; i < conf->provider_count; i++)
		check_good(c, "provider %s: register there this redirect URI, "
		    "exactly: %s", conf->providers[i].name,
		    conf->providers[i].redirect_uri);
	check_example(c);
	check_log(c);
}
