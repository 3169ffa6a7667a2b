/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "admin.h"

#include <sys/stat.h>

#include <errno.h>
#include <libgen.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "secretfile.h"
#include "xalloc.h"

static const char example[] =
    "# Configuration of oauth-cgi; see oauth-cgi.conf(5).\n"
    "# Relative paths are relative to this file's folder.\n"
    "\n"
    "site {\n"
    "\t# Where the web server runs the programs: start, callback and\n"
    "\t# refresh are below it.\n"
    "\turl      = \"https://www.example.org/oauth\"\n"
    "\tdatabase = \"oauth-cgi/oauth.db\"\n"
    "\tkeys     = \"oauth-cgi/keys\"\n"
    "}\n"
    "\n"
    "# What you got when you registered the site at the provider. Register\n"
    "# this redirect URI there: URL/callback/interact\n"
    "provider interact {\n"
    "\tclient_id     = \"replace-me\"\n"
    "\tclient_secret = \"replace-me\"\n"
    "}\n";

/* The user that gets what is created; uid 0 when there is none. */
struct owner {
	uid_t	uid;
	gid_t	gid;
};

static int
find_owner(const char *user, struct owner *o)
{
	const struct passwd *pw;

	memset(o, 0, sizeof(*o));
	if (user == NULL) {
		if (geteuid() == 0)
			admin_say("run by root without --user: everything will "
			    "belong to root, and web programs of another user "
			    "can't use it; --user NAME gives it to them");
		return ADMIN_OK;
	}
	if ((pw = getpwnam(user)) == NULL) {
		admin_say("there is no user %s", user);
		return ADMIN_USAGE;
	}
	if (geteuid() != 0 && geteuid() != pw->pw_uid) {
		admin_say("--user needs root");
		return ADMIN_USAGE;
	}
	o->uid = pw->pw_uid;
	o->gid = pw->pw_gid;
	return ADMIN_OK;
}

static int
give(const char *path, const struct owner *o)
{
	if (o->uid == 0 || geteuid() != 0 ||
	    lchown(path, o->uid, o->gid) == 0 || errno == ENOENT)
		return ADMIN_OK;
	admin_say("%s: can't give it to user %u: %s", path, (unsigned)o->uid,
	    strerror(errno));
	return ADMIN_LATER;
}

/* Whether it is root's alone: what an init without --user has left. */
static bool
is_closed(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && st.st_uid == 0 &&
	    (st.st_mode & 077) == 0;
}

/* Create the folder that is missing, one level, for its owner alone. */
static int
make_folder(const char *path, const struct owner *o)
{
	if (mkdir(path, 0700) == 0) {
		printf("created %s/\n", path);
		return give(path, o);
	}
	if (errno == EEXIST)
		return is_closed(path) && admin_is_dedicated(path) ?
		    give(path, o) : ADMIN_OK;
	admin_say("%s: can't create this folder: %s", path, strerror(errno));
	return errno == ENOENT || errno == EACCES ? ADMIN_USAGE : ADMIN_LATER;
}

static int
make_folder_of(const char *path, const struct owner *o)
{
	char *copy = xstrdup(path), *dir = dirname(copy);
	int rc = make_folder(dir, o);

	free(copy);
	return rc;
}

/* The configuration stays root's: the programs read it, and can't change it. */
static int
let_read(const char *path, const struct owner *o)
{
	if (o->uid == 0 || geteuid() != 0 ||
	    (chown(path, 0, o->gid) == 0 && chmod(path, 0640) == 0))
		return ADMIN_OK;
	admin_say("%s: %s", path, strerror(errno));
	return ADMIN_LATER;
}

static int
make_example(const struct admin *a, const struct owner *o)
{
	struct stat st;
	enum err e;

	if (lstat(a->conf_path, &st) == 0)
		return is_closed(a->conf_path) ?
		    let_read(a->conf_path, o) : ADMIN_OK;
	e = secretfile_create(a->conf_path, example, sizeof(example) - 1);
	if (e != ERR_OK)
		return admin_exit_of(e);
	printf("created %s: an example; put in your url, client_id and "
	    "client_secret\n", a->conf_path);
	return let_read(a->conf_path, o);
}

static int
make_key(const struct admin *a, const char *name, const struct owner *o)
{
	enum err e = keyring_create(a->conf->keys, name);
	char *path = NULL;
	int rc;

	if (e != ERR_OK && e != ERR_CONFLICT)
		return admin_exit_of(e);
	if (asprintf(&path, "%s/%s", a->conf->keys, name) < 0)
		log_die("out of memory");
	if (e == ERR_OK)
		printf("created %s: keep a copy of it apart from the "
		    "database's\n", path);
	rc = give(path, o);
	free(path);
	return rc;
}

static int
make_database(const struct admin *a, const struct owner *o)
{
	static const char *const parts[] = { "", "-lock", "-wal", "-shm" };
	bool created;
	char *path;
	enum err e;
	size_t i;
	int rc = ADMIN_OK;

	e = store_create(a->conf->database, a->conf->journal, &created);
	if (e != ERR_OK)
		return admin_exit_of(e);
	printf("%s %s\n", created ? "created" : "up to date:",
	    a->conf->database);
	for (i = 0; rc == ADMIN_OK && i < sizeof(parts) / sizeof(parts[0]);
	    i++) {
		if (asprintf(&path, "%s%s", a->conf->database, parts[i]) < 0)
			log_die("out of memory");
		rc = give(path, o);
		free(path);
	}
	return rc;
}

int
cmd_init(struct admin *a)
{
	struct owner o;
	int rc;

	if ((rc = find_owner(a->user, &o)) != ADMIN_OK ||
	    (rc = make_example(a, &o)) != ADMIN_OK ||
	    (rc = admin_load(a)) != ADMIN_OK ||
	    (rc = make_folder_of(a->conf->database, &o)) != ADMIN_OK ||
	    (rc = make_folder_of(a->conf->keys, &o)) != ADMIN_OK ||
	    (rc = make_folder(a->conf->keys, &o)) != ADMIN_OK ||
	    (rc = make_key(a, "pending.key", &o)) != ADMIN_OK ||
	    (rc = make_key(a, "token.key", &o)) != ADMIN_OK)
		return rc;
	return make_database(a, &o);
}
