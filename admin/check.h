/* SPDX-License-Identifier: ISC */
#ifndef OAC_CHECK_H
#define OAC_CHECK_H

/*
 * check - what the parts of `oauth-cgi check` share.
 *
 * A check is a function in a file check_THEME.c and a row in check.c's table.
 * It looks and asks, changes nothing, and tells what it finds: what is well
 * with check_good(), what is not with check_found() and then the lines that
 * mend it with check_mend(). What it tells is printed at once.
 *
 * Run by root, everything is looked at as the user that the web programs run
 * as (check_user.c), because that is who it must be right for.
 *
 * Secrets: none is ever told. What modules log while a check runs is caught,
 *          and becomes findings through check_said(). What comes from outside
 *          (headers, file names) is made harmless before it is printed.
 * Time:    every request is within CHECK_REQUEST, and none is begun after
 *          CHECK_TOTAL.
 */
#include <sys/types.h>

#include "admin.h"
#include "httpc.h"

enum check_severity {
	CHECK_GOOD,
	CHECK_NOTE,	/* it works; worth knowing */
	CHECK_LATER,	/* not possible now, and not for us to mend */
	CHECK_WRONG,	/* somebody must act */
	CHECK_UNUSABLE,	/* the configuration can't be used at all */
	CHECK__MAX
};

/* What can be found: a name for machines, and why it matters. */
struct check_kind {
	const char		*name;
	enum check_severity	 severity;
	const char		*why;
};

/* A user by number and by the name that a command line needs. */
struct check_user {
	uid_t	uid;
	gid_t	gid;
	char	name[64];
	char	group[64];
};

/* A web program that runs with our configuration. */
struct check_process {
	char	program[32];	/* start.fcgi … */
	char	exe[1024];
	uid_t	uid;
};

#define CHECK_PROCESSES 16

struct check {
	struct admin		*a;
	struct httpc		*http;		/* NULL: --offline */
	int64_t			 until_ms;
	bool			 by_root;	/* root began this */
	struct check_user	 me;		/* who we look as */
	char			 self[1024];	/* this program */
	const char		*command;	/* how to call it from here */
	struct check_process	 running[CHECK_PROCESSES];
	size_t			 running_count;
	bool			 any_wrong;	/* found so far */
	char			 programs[1024]; /* their folder; "" unknown */

	/* Of check_report.c. */
	const char		*theme;
	bool			 theme_told;
	bool			 mending;	/* told how to, for this one */
	bool			 colour;
	unsigned		 width;
	int			 counts[CHECK__MAX];
	struct buf		 finding;	/* being told, as JSON */
	struct buf		 mends;
	struct buf		 said;		/* lines that were logged */
	struct buf		 quoted[8];	/* of check_quoted() */
	unsigned		 quoted_next;
};

/* ---- check_report.c --------------------------------------------------- */

void check_report_begin(struct check *c);
void check_report_end(struct check *c);		/* prints the sum */
void check_theme(struct check *c, const char *theme);

void check_good(struct check *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void check_found(struct check *c, const struct check_kind *kind,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* A command to run or a line to write, for what was found last. */
void check_mend(struct check *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Tell each line that was logged since the last call as a finding of that
 * kind; our messages end with what mends them. The number of findings.
 */
int check_said(struct check *c, const struct check_kind *kind);
bool check_said_one(struct check *c, const struct check_kind *kind,
    char line[1200]);				/* the first; false: none */
void check_unsaid(struct check *c);		/* forget them */

/* The exit code for all that was found. */
int check_exit(const struct check *c);

/* A word as a shell needs it. Good until eight more were asked for. */
const char *check_quoted(struct check *c, const char *word);

/* ---- check_user.c ----------------------------------------------------- */

void check_user_fill(struct check_user *u, uid_t uid);

/* Who runs our programs, if they run and we are root to see it. */
void check_find_processes(struct check *c);

/* Who the programs run as, as far as it is given or to be seen. */
bool check_user_known(const struct check *c, struct check_user *u);

/* Become the user the programs run as. False after a finding. */
bool check_become(struct check *c);

/* The user that web servers run as here, for a line to copy. */
const char *check_usual_user(void);

/* Root looks at root's files, and nobody has said that this is on purpose. */
bool check_is_nobody(const struct check *c);

/* Mend by `oauth-cgi -c FILE WORDS`. */
void check_mend_command(struct check *c, const char *words);

/* The same by `init`, as whoever reads this must call it. */
void check_mend_init(struct check *c);

/* ---- check_file.c ----------------------------------------------------- */

/* What can be wrong with a file that the programs alone may read. */
struct check_secret {
	const char		*what;		/* "the configuration" */
	const char		*key;		/* see struct check_place */
	struct check_kind	 missing, type, owner, mode, closed;
};

/* Whether the programs will take it (secretfile.h). False after a finding. */
bool check_secret_file(struct check *c, const struct check_secret *k,
    const char *path);

/*
 * Mend by moving it where it belongs. key: the word of the site section that
 * says where it is, NULL for the configuration itself.
 */
void check_mend_move(struct check *c, const char *key, const char *path);

struct check_place {
	const char	*path;		/* that can't be reached */
	const char	*key;		/* of the site section, NULL for none */
	const char	*what;		/* and what it names */
};

/* Whether a folder on the way does not let us in; then it has been told. */
bool check_closed(struct check *c, const struct check_kind *kind,
    const struct check_place *place);

/* ---- check_dbfile.c --------------------------------------------------- */

/* Whether database and lock file can be used by the programs. */
bool check_database_files(struct check *c);

/* ---- check_web.c ------------------------------------------------------ */

/* Send it, within the time that is left. False: there is no answer. */
bool check_ask(struct check *c, struct httpc_request *req,
    struct httpc_answer *a);

/* Tell why there was no answer; whose: "site" or "provider". */
void check_unanswered(struct check *c, const char *whose, const char *url,
    const struct httpc_answer *a);

/* Compare our clock with that of an answer that has just come. */
void check_clock(struct check *c, const char *whose,
    const struct httpc_answer *a);

/* And with the youngest row of the database. */
void check_clock_back(struct check *c, int64_t newest_at);

/* A member of a JSON answer, the beginning of it; "" when there is none. */
void check_member(const struct httpc_answer *a, const char *name,
    char out[64]);

/* ---- check_site.c ----------------------------------------------------- */

/* The site that is being asked, and its last answer. */
struct site {
	struct check		*c;
	struct buf		 url;
	struct httpc_answer	 a;
	char			 error[64];	/* of our own JSON answer; "" */
	char			 server[64];	/* what it says it is */
	bool			 unavailable;	/* that has been told */
	bool			 waited;	/* a while, for a 503 to end */
	bool			 path_passes;	/* PATH_INFO has arrived once */
};

/* A request to a program: its path and query below the site's url. */
struct site_request {
	const char		*path;
	const char		*body;		/* not NULL: POST */
	const char		*authorization;
	const char		*const *headers;
};

/* False when there is no answer; nothing is told. */
bool site_ask(struct site *s, const struct site_request *r);
/* The same below another address; path is appended. */
bool site_ask_at(struct site *s, const char *base,
    const struct site_request *r);

/* Whether that web server has answered ("Apache", "nginx" ...). */
bool site_is_server(const struct site *s, const char *name);

/* Whether the answer that has come is the program's; else it is told. */
bool site_judge(struct site *s, const char *program);

/* Ask, and judge. */
bool site_expect(struct site *s, const struct site_request *r,
    const char *program);

/* ---- check_stranger.c ------------------------------------------------- */

/* Tell what answers there instead of our program. */
void site_stranger(struct site *s, const char *program);

/* Whether that is the program itself, handed out as a file. */
bool site_is_file(const struct httpc_answer *a);

/* Where a web server can't run a program: its own log, and what it may be. */
void site_mend_error(struct site *s);

/* ---- check_passing.c -------------------------------------------------- */

/*
 * What of a request reaches the programs, and of an answer the browser. The
 * last answer was /start's.
 */
void check_passing(struct site *s);

/* ---- check_plain.c ---------------------------------------------------- */

/* Whether plain http, beside https, leads there. */
void check_plain_http(struct site *s);

/* ---- the checks ------------------------------------------------------- */

void check_configuration(struct check *c);
void check_pages(struct check *c);
void check_programs(struct check *c);
void check_keys(struct check *c);
void check_database(struct check *c);
void check_disk(struct check *c);
void check_exposure(struct check *c);
void check_apps(struct check *c);
void check_connections(struct check *c);
void check_maintenance(struct check *c);
void check_site(struct check *c);
void check_providers(struct check *c);

void check_provider(struct check *c, const struct provider *p);

/* check_authorize.c, check_client.c: the two halves of check_provider(). */
void check_authorize(struct check *c, const struct provider *p);
void check_client(struct check *c, const struct provider *p);

/* Mend by registering the redirect URI, or naming the one that is. */
void check_mend_redirect(struct check *c, const struct provider *p);

#endif
