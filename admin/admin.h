/* SPDX-License-Identifier: ISC */
#ifndef OAC_ADMIN_H
#define OAC_ADMIN_H

/*
 * admin - what the subcommands of oauth-cgi share.
 *
 * A subcommand is a file cmd_NAME.c and a row in main.c's table. It prints
 * data to standard output and everything else to standard error, and returns
 * one of the exit codes.
 */
#include <sys/types.h>

#include <stdbool.h>

#include "conf.h"
#include "connection.h"
#include "keyring.h"
#include "store.h"

enum admin_exit {
	ADMIN_OK	= 0,
	ADMIN_REFUSED	= 1,	/* what was asked for can't be */
	ADMIN_USAGE	= 2,	/* the call, or the configuration, is wrong */
	ADMIN_LATER	= 3,	/* try again */
};

#define ADMIN_ORIGINS_MAX 32

/* The options of all subcommands; what one takes is in its row. */
struct admin {
	const char	*conf_path;
	const char	*app;			/* --app */
	const char	*user;			/* --user */
	const char	*provider;		/* --provider */
	const char	*ca_file;		/* --ca-file */
	const char	*origins[ADMIN_ORIGINS_MAX]; /* --origin … */
	int		 origin_count;
	long		 min_valid;		/* --min-valid; -1 not given */
	bool		 replace;		/* --replace */
	bool		 json;			/* --json */
	bool		 offline;		/* --offline */
	bool		 libs;			/* --libs */
	int		 argc;			/* after the subcommand */
	char		**argv;

	/* Opened by admin_open(), closed by main. */
	struct conf	*conf;
	struct store	*store;
};

int cmd_init(struct admin *a);
int cmd_app(struct admin *a);
int cmd_connect(struct admin *a);
int cmd_pages(struct admin *a);
int cmd_list(struct admin *a);
int cmd_show(struct admin *a);
int cmd_token(struct admin *a);
int cmd_retry(struct admin *a);
int cmd_purge(struct admin *a);
int cmd_check(struct admin *a);
int cmd_provider(struct admin *a);

/*
 * Load the configuration, without its secrets; a message has been printed when
 * it fails.
 */
int admin_load(struct admin *a);

/*
 * The same with them. When root runs us we first become the owner of the
 * database: the secrets are read by the user that the programs run as.
 */
int admin_load_secrets(struct admin *a);

/* The same, become the database's owner, and open the database. */
int admin_open(struct admin *a);

/* Print "oauth-cgi: …" to standard error. */
void admin_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The exit code for a failure that has been logged. */
int admin_exit_of(enum err e);

/*
 * Become that user, or (NULL) the owner of path, for good, when root runs us:
 * what we write must be writable for the web programs.
 */
int admin_become(const char *user, const char *path);

/* The same for a user by number; gid counts where it has no entry. */
int admin_become_uid(uid_t uid, gid_t gid);

/* Whether a folder is nobody's home, and not one of the system's. */
bool admin_is_dedicated(const char *folder);

/* --app, or the only app; a message has been printed when it fails. */
int admin_app(struct admin *a, struct store_app *app);

/* A provider of the configuration; the same. */
int admin_provider(struct admin *a, const char *name,
    const struct provider **out);

/* What `check` does with providers, for the one that a->provider names. */
int admin_check_provider(struct admin *a);

/* All that counts for that provider, and where it comes from; no secret. */
int admin_show_provider(struct admin *a, const char *name);

/* A whole subject, or why not. */
int admin_subject(const char *subject);

/*
 * The connection that the arguments name: ID, or PROVIDER SUBJECT (with --app
 * where there are several).
 */
int admin_connection(struct admin *a, struct store_connection *c);

/* Members of a JSON object that tell of a connection; never its tokens. */
void admin_json_connection(const struct admin *a,
    const struct store_connection *c, struct buf *out);

/* A subject for a terminal: control characters, which may be its, as '?'. */
void admin_printable(const char *subject, char out[LIMIT_SUBJECT + 1]);

/* A time as people write it, in UTC; "-" for 0. */
void admin_time(int64_t at, char out[32]);

#endif
