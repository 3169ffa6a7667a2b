/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "check.h"

#include <sys/stat.h>

#include <errno.h>
#include <libgen.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keyring.h"
#include "xalloc.h"

/* ---- folders that do not let us in ------------------------------------ */

void
check_mend_move(struct check *c, const char *key, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;

	if (key == NULL) {
		check_mend(c, "mv %s /etc/%s", check_quoted(c, path), name);
		check_mend(c, "# and for the programs, in the web server's "
		    "configuration:");
		check_mend(c, "OAUTH_CGI_CONFIG=/etc/%s", name);
		return;
	}
	check_mend(c, "install -d -o %s -m 700 /var/lib/oauth-cgi",
	    c->me.name);
	check_mend(c, "mv %s%s /var/lib/oauth-cgi/", check_quoted(c, path),
	    strcmp(key, "database") == 0 ? "*" : "");
	check_mend(c, "# and in the section site of %s:", c->a->conf->file);
	check_mend(c, "%s = \"/var/lib/oauth-cgi/%s\"", key, name);
}

bool
check_closed(struct check *c, const struct check_kind *kind,
    const struct check_place *place)
{
	char *folder = xstrdup(place->path), *slash = folder;
	bool last;

	while ((slash = strchr(slash + 1, '/')) != NULL) {
		*slash = '\0';
		if (access(folder, X_OK) != 0 && errno == EACCES)
			break;
		*slash = '/';
	}
	if (slash != NULL) {
		last = strchr(slash + 1, '/') == NULL;
		check_found(c, kind, "%s: the folder %s does not let %s in",
		    place->path, folder, c->me.name);
		if (last && admin_is_dedicated(folder))
			check_mend(c, "chown %s %s", c->me.name,
			    check_quoted(c, folder));
		else
			check_mend_move(c, place->key, place->what);
	}
	free(folder);
	return slash != NULL;
}

/* ---- a file that the programs alone may read -------------------------- */

/* The command that makes it right, whatever was wrong with it. */
static void
mend_secret(struct check *c, const char *path, const struct stat *st)
{
	const char *q = check_quoted(c, path);

	if (c->me.uid == 0 && st->st_uid == 0)
		check_mend(c, "chmod 640 %s", q);
	else if (st->st_uid == c->me.uid)
		check_mend(c, "chmod 600 %s", q);
	else if (st->st_uid == 0)
		check_mend(c, "chown root:%s %s && chmod 640 %s", c->me.group,
		    q, q);
	else
		check_mend(c, "chown %s %s && chmod 600 %s", c->me.name, q, q);
}

static void
tell_missing(struct check *c, const struct check_secret *k, const char *path)
{
	struct check_place place = { path, k->key,
	    k->key != NULL ? c->a->conf->keys : path };
	char *copy;

	if (check_closed(c, &k->closed, &place))
		return;
	copy = xstrdup(path);
	check_found(c, &k->missing, "%s: %s is not there", path, k->what);
	/* init makes folders for what it keeps, but none for the first. */
	if (k->key == NULL && access(dirname(copy), F_OK) != 0)
		check_mend(c, "mkdir -p %s", check_quoted(c, copy));
	check_mend_init(c);
	free(copy);
}

bool
check_secret_file(struct check *c, const struct check_secret *k,
    const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		tell_missing(c, k, path);
		return false;
	}
	if (!S_ISREG(st.st_mode)) {
		check_found(c, &k->type, "%s: is not a regular file", path);
		check_mend(c, "mv %s %s.away", check_quoted(c, path),
		    check_quoted(c, path));
		check_mend_init(c);
		return false;
	}
	if (st.st_uid != 0 && st.st_uid != c->me.uid)
		check_found(c, &k->owner, "%s: belongs to uid %u, not to %s "
		    "or root", path, (unsigned)st.st_uid, c->me.name);
	else if ((st.st_mode & (S_IWGRP | S_IRWXO)) != 0)
		check_found(c, &k->mode, "%s: mode %04o lets others at it",
		    path, (unsigned)(st.st_mode & 07777));
	else if (access(path, R_OK) != 0)
		check_found(c, &k->closed, "%s: %s may not read it (owner uid "
		    "%u, group %u, mode %04o)", path, c->me.name,
		    (unsigned)st.st_uid, (unsigned)st.st_gid,
		    (unsigned)(st.st_mode & 07777));
	else
		return true;
	mend_secret(c, path, &st);
	return false;
}

/* ---- key files -------------------------------------------------------- */

#define KEY_WHY "Without it nothing can be started or opened: every request " \
	"is answered 503."

static const struct check_secret key_file = {
	.what = "the key file",
	.key = "keys",
	.missing = { "key_missing", CHECK_WRONG, KEY_WHY " If there are "
	    "connections already, put the old file back from its backup: a "
	    "new key does not open their tokens." },
	.type = { "key_type", CHECK_WRONG, KEY_WHY },
	.owner = { "key_owner", CHECK_WRONG, "Its owner can read the key that "
	    "opens all tokens, so the programs refuse it: every request is "
	    "answered 503." },
	.mode = { "key_mode", CHECK_WRONG, "Every account on this machine "
	    "could read the key that opens all tokens, so the programs refuse "
	    "it: every request is answered 503." },
	.closed = { "key_closed", CHECK_WRONG, KEY_WHY },
};
static const struct check_kind key_invalid = { "key_invalid", CHECK_WRONG,
    KEY_WHY };

static void
check_key(struct check *c, const char *name)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	struct buf path = BUF_INIT(8192);
	struct keyring *ring = NULL;

	buf_fmt(&path, "%s/%s", folder != NULL ? folder : "", name);
	if (folder == NULL || access(buf_cstr(&path), F_OK) != 0) {
		buf_reset(&path);
		buf_fmt(&path, "%s/%s", c->a->conf->keys, name);
	}
	if (!check_secret_file(c, &key_file, buf_cstr(&path)))
		goto out;
	check_unsaid(c);
	if (keyring_open(c->a->conf->keys, name, &ring) != ERR_OK) {
		check_said(c, &key_invalid);
		check_mend(c, "# put it back from its backup; or, as long as "
		    "there are no connections, make a new one:");
		check_mend(c, "rm %s", check_quoted(c, buf_cstr(&path)));
		check_mend_init(c);
		goto out;
	}
	check_good(c, "%s: seals with key %u", buf_cstr(&path),
	    (unsigned)keyring_first_id(ring));
out:
	keyring_close(ring);
	buf_clear(&path);
}

void
check_keys(struct check *c)
{
	check_key(c, "pending.key");
	check_key(c, "token.key");
}
