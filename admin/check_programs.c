/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "check.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct check_kind not_executable = { "program_mode", CHECK_WRONG,
    "The web server can't run it, and answers 500, 403 or 503 by itself." };
static const struct check_kind absent = { "program_missing", CHECK_WRONG,
    "The web server has nothing to run there." };
static const struct check_kind writable = { "program_writable", CHECK_WRONG,
    "Whoever can change it can have all tokens; suEXEC refuses to run it." };
static const struct check_kind outdated = { "program_old", CHECK_WRONG,
    "It was replaced on disk while it ran: all programs must be of one "
    "version." };

static bool
check_one(struct check *c, const char *dir, const char *name)
{
	struct buf path = BUF_INIT(8192);
	const char *p, *q;
	struct stat st;
	bool fine = false;

	buf_fmt(&path, "%s/%s", dir, name);
	p = buf_cstr(&path);
	q = check_quoted(c, p);
	if (stat(p, &st) != 0) {
		check_found(c, &absent, "%s: %s", p, strerror(errno));
		check_mend(c, "# install all programs again: make install");
	} else if (access(p, X_OK) != 0) {
		check_found(c, &not_executable, "%s: mode %04o does not let "
		    "%s execute it", p, (unsigned)(st.st_mode & 07777),
		    c->me.name);
		check_mend(c, "chmod 755 %s", q);
	} else if ((st.st_mode & S_IWOTH) != 0) {
		check_found(c, &writable, "%s: mode %04o lets everybody "
		    "change it", p, (unsigned)(st.st_mode & 07777));
		check_mend(c, "chmod 755 %s", q);
	} else {
		fine = true;
	}
	buf_clear(&path);
	return fine;
}

/* Whether there are programs at all; not all need be in one folder. */
static bool
check_folder(struct check *c, const char *dir, bool all_here)
{
	static const char *const names[] = { "start.fcgi", "callback.fcgi",
	    "refresh.fcgi" };
	struct buf path = BUF_INIT(8192);
	bool there[3], fine = true;
	size_t i;

	for (i = 0; i < 3; i++) {
		buf_reset(&path);
		buf_fmt(&path, "%s/%s", dir, names[i]);
		there[i] = access(buf_cstr(&path), F_OK) == 0;
	}
	buf_clear(&path);
	if (!there[0] && !there[1] && !there[2])
		return false;
	snprintf(c->programs, sizeof(c->programs), "%s", dir);
	for (i = 0; i < 3; i++)
		if (there[i] || all_here)
			fine = check_one(c, dir, names[i]) && fine;
	if (fine)
		check_good(c, "%s: the programs can be run", dir);
	return true;
}

/* The folder of an executable; "" when it is not known. */
static void
folder_of(const char *exe, char out[1024])
{
	const char *slash = strrchr(exe, '/');

	snprintf(out, 1024, "%.*s", slash != NULL ? (int)(slash - exe) : 0,
	    exe);
}

static void
check_running(struct check *c)
{
	struct check_user u;
	size_t i;

	for (i = 0; i < c->running_count; i++) {
		const char *exe = c->running[i].exe;
		const char *deleted = strstr(exe, " (deleted)");

		check_user_fill(&u, c->running[i].uid);
		if (deleted != NULL && deleted[10] == '\0') {
			check_found(c, &outdated, "%.*s runs, but its file is "
			    "another one now", (int)(deleted - exe), exe);
			check_mend(c, "# restart what runs it: the web server, "
			    "or `systemctl restart oauth-cgi.target`");
		} else {
			check_good(c, "%s runs, as %s", exe, u.name);
		}
	}
}

/* Those that run; else those beside this command; else those installed. */
void
check_programs(struct check *c)
{
	char dir[1024];

	check_running(c);
	if (c->running_count > 0) {
		folder_of(c->running[0].exe, dir);
		if (check_folder(c, dir, false))
			return;
	}
	folder_of(c->self, dir);
	if (!check_folder(c, dir, true))
		(void)check_folder(c, CGIDIR, true);
}
