/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "admin.h"

#include <sys/stat.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "jsonout.h"
#include "urlenc.h"

void
admin_say(const char *fmt, ...)
{
	va_list ap;

	fputs("oauth-cgi: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

int
admin_exit_of(enum err e)
{
	switch (e) {
	case ERR_OK:
		return ADMIN_OK;
	case ERR_CONFIG:
	case ERR_TAMPER:
		return ADMIN_USAGE;
	case ERR_BUSY:
	case ERR_INTERNAL:
		return ADMIN_LATER;
	default:
		return ADMIN_REFUSED;
	}
}

/* ---- who we are ------------------------------------------------------- */

static int
become(uid_t uid, gid_t gid, const char *name)
{
	if (uid == geteuid())
		return ADMIN_OK;
	if ((name != NULL ? initgroups(name, gid) : setgroups(0, NULL)) != 0 ||
	    setgid(gid) != 0 || setuid(uid) != 0) {
		admin_say("can't become user %u: %s", (unsigned)uid,
		    strerror(errno));
		return ADMIN_LATER;
	}
	return ADMIN_OK;
}

int
admin_become_uid(uid_t uid, gid_t gid)
{
	const struct passwd *pw;

	if (geteuid() != 0)
		return ADMIN_OK;
	pw = getpwuid(uid);
	return become(uid, pw != NULL ? pw->pw_gid : gid,
	    pw != NULL ? pw->pw_name : NULL);
}

int
admin_become(const char *user, const char *path)
{
	const struct passwd *pw;
	struct stat st;

	if (geteuid() != 0)
		return ADMIN_OK;
	if (user != NULL) {
		if ((pw = getpwnam(user)) == NULL) {
			admin_say("there is no user %s", user);
			return ADMIN_USAGE;
		}
		return admin_become_uid(pw->pw_uid, pw->pw_gid);
	}
	if (path == NULL || stat(path, &st) != 0)
		return ADMIN_OK;	/* whoever opens it says what is wrong */
	return admin_become_uid(st.st_uid, st.st_gid);
}

bool
admin_is_dedicated(const char *folder)
{
	const struct passwd *pw;
	bool home = false;

	setpwent();
	while (!home && (pw = getpwent()) != NULL)
		home = strcmp(pw->pw_dir, folder) == 0;
	endpwent();
	return !home && strchr(folder + 1, '/') != NULL;
}

int
admin_load(struct admin *a)
{
	int rc;

	/* A configuration that is not root's must not make root do things. */
	if ((rc = admin_become(NULL, a->conf_path)) != ADMIN_OK)
		return rc;
	return admin_exit_of(conf_load(a->conf_path, false, &a->conf));
}

int
admin_load_secrets(struct admin *a)
{
	int rc;

	if ((rc = admin_load(a)) != ADMIN_OK ||
	    (rc = admin_become(NULL, a->conf->database)) != ADMIN_OK)
		return rc;
	conf_free(a->conf);
	a->conf = NULL;
	return admin_exit_of(conf_load(a->conf_path, true, &a->conf));
}

int
admin_open(struct admin *a)
{
	int rc;

	if ((rc = admin_load_secrets(a)) != ADMIN_OK)
		return rc;
	return admin_exit_of(store_open(a->conf->database, a->conf->journal,
	    STORE_ROLE_ADMIN, &a->store));
}

/* ---- what is named ---------------------------------------------------- */

int
admin_app(struct admin *a, struct store_app *app)
{
	enum err e = store_app_get(a->store, a->app, app);

	if (e == ERR_NOT_FOUND && a->app == NULL)
		admin_say("there is no app yet; make one with: oauth-cgi app "
		    "add NAME");
	else if (e == ERR_NOT_FOUND)
		admin_say("there is no app %s; see: oauth-cgi app list",
		    a->app);
	else if (e == ERR_CONFLICT)
		admin_say("there are several apps; say which with --app NAME");
	return admin_exit_of(e);
}

int
admin_provider(struct admin *a, const char *name, const struct provider **out)
{
	if ((*out = conf_provider(a->conf, name)) != NULL)
		return ADMIN_OK;
	admin_say("%s: no provider of that name in the configuration",
	    a->conf->file);
	return ADMIN_REFUSED;
}

int
admin_subject(const char *subject)
{
	size_t len = strlen(subject);

	if (len > 0 && len <= LIMIT_SUBJECT && urlenc_is_utf8(subject, len))
		return ADMIN_OK;
	admin_say("SUBJECT is 1 to %d bytes of UTF-8", LIMIT_SUBJECT);
	return ADMIN_USAGE;
}

static enum err
by_id(struct admin *a, const char *text, struct store_connection *c)
{
	unsigned char id[STORE_PUBLIC_ID];

	if (!connection_id_parse(text, id))
		return ERR_NOT_FOUND;
	return store_connection_by_public_id(a->store, a->app, id, c);
}

int
admin_connection(struct admin *a, struct store_connection *c)
{
	struct store_app app;
	enum err e;
	int rc;

	if (a->argc == 1) {
		e = by_id(a, a->argv[0], c);
	} else {
		if ((rc = admin_app(a, &app)) != ADMIN_OK ||
		    (rc = admin_subject(a->argv[1])) != ADMIN_OK)
			return rc;
		e = store_connection_by_subject(a->store, app.name,
		    a->argv[0], a->argv[1], c);
	}
	if (e == ERR_NOT_FOUND)
		admin_say("there is no such connection; see: oauth-cgi list");
	return admin_exit_of(e);
}

/* ---- printing --------------------------------------------------------- */

void
admin_printable(const char *subject, char out[LIMIT_SUBJECT + 1])
{
	const unsigned char *p = (const unsigned char *)subject;

	for (; *p != '\0'; p++) {
		/* U+0080 to U+009F, in UTF-8 C2 80 to C2 9F, are such, too. */
		if (*p == 0xc2 && p[1] < 0xa0 && p[1] != '\0') {
			*out++ = '?';
			p++;
		} else {
			*out++ = *p < 0x20 || *p == 0x7f ? '?' : (char)*p;
		}
	}
	*out = '\0';
}

void
admin_time(int64_t at, char out[32])
{
	time_t t = (time_t)at;
	struct tm tm;

	if (at == 0 || gmtime_r(&t, &tm) == NULL ||
	    strftime(out, 32, "%Y-%m-%d %H:%M:%SZ", &tm) == 0)
		memcpy(out, "-", 2);
}

void
admin_json_connection(const struct admin *a, const struct store_connection *c,
    struct buf *out)
{
	const struct provider *p = conf_provider(a->conf, c->provider);
	char id[CONNECTION_ID_CHARS + 1];
	struct fields f;

	fields_parse(&f, c->fields);
	connection_id_text(c->public_id, id);
	jsonout_open(out);
	jsonout_str(out, "connection", id);
	jsonout_str(out, "app", c->app);
	jsonout_str(out, "provider", c->provider);
	jsonout_str(out, "subject", c->bound ? c->subject : NULL);
	jsonout_str(out, "status",
	    connection_status_name(connection_status(c, p)));
	jsonout_str(out, "scope", c->scope);
	jsonout_str(out, "token_type", c->token_type);
	jsonout_begin(out, "fields");
	fields_json(&f, NULL, out);
	jsonout_close(out);
	jsonout_bool(out, "has_refresh_token", c->refresh.len > 0);
	jsonout_int(out, "generation", c->generation);
	jsonout_int(out, "issued_at", c->issued_at);
	if (c->expires_at != 0)
		jsonout_int(out, "expires_at", c->expires_at);
	else
		jsonout_null(out, "expires_at");
	jsonout_int(out, "failures", c->failures);
	jsonout_str(out, "last_error",
	    c->last_error[0] != '\0' ? c->last_error : NULL);
	jsonout_int(out, "next_attempt_at", c->next_attempt_at);
	jsonout_int(out, "created_at", c->created_at);
	jsonout_int(out, "updated_at", c->updated_at);
	jsonout_close(out);
}
