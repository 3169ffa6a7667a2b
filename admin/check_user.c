/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "check.h"

#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xalloc.h"

#define PROC_MAX 262144		/* of one file below /proc */

void
check_user_fill(struct check_user *u, uid_t uid)
{
	const struct passwd *pw = getpwuid(uid);
	const struct group *gr;

	u->uid = uid;
	u->gid = pw != NULL ? pw->pw_gid : (gid_t)uid;
	if (pw != NULL)
		snprintf(u->name, sizeof(u->name), "%s", pw->pw_name);
	else
		snprintf(u->name, sizeof(u->name), "%u", (unsigned)uid);
	gr = getgrgid(u->gid);
	if (gr != NULL)
		snprintf(u->group, sizeof(u->group), "%s", gr->gr_name);
	else
		snprintf(u->group, sizeof(u->group), "%u", (unsigned)u->gid);
}

/* The user that web servers run as here, for a line to copy. */
const char *
check_usual_user(void)
{
	static const char *const names[] = { "www-data", "apache", "nginx",
	    "lighttpd", "http", "wwwrun", "www" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (getpwnam(names[i]) != NULL)
			return names[i];
	return "WEB-SERVER-USER";
}

bool
check_is_nobody(const struct check *c)
{
	return c->me.uid == 0 && c->a->user == NULL && c->running_count == 0;
}

void
check_mend_command(struct check *c, const char *words)
{
	check_mend(c, "%s -c %s %s", check_quoted(c, c->command),
	    check_quoted(c, c->a->conf_path), words);
}

void
check_mend_init(struct check *c)
{
	const char *user = c->a->user != NULL ? c->a->user :
	    check_is_nobody(c) ? check_usual_user() : c->me.name;
	char words[80];

	if (c->by_root && strcmp(user, "root") != 0)
		snprintf(words, sizeof(words), "init --user %s", user);
	else
		snprintf(words, sizeof(words), "init");
	check_mend_command(c, words);
}

/* ---- who runs our programs -------------------------------------------- */

/* A small file of a process; false when we may not, or it has gone. */
static bool
read_proc(const char *pid, const char *name, struct buf *out)
{
	char path[320], chunk[4096];
	ssize_t n;
	int fd;

	buf_reset(out);
	snprintf(path, sizeof(path), "/proc/%s/%s", pid, name);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return false;
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		buf_add(out, chunk, (size_t)n);
	close(fd);
	return n == 0 && !buf_failed(out) && out->len > 0;
}

/* "Name:" and "Uid:" of /proc/PID/status, when it is one of our programs. */
static bool
is_program(const char *pid, struct buf *status, struct check_process *p)
{
	static const char *const programs[] = { "start.fcgi", "callback.fcgi",
	    "refresh.fcgi" };
	const char *name, *uid;
	size_t i, len;

	if (!read_proc(pid, "status", status))
		return false;
	name = buf_cstr(status);
	if (strncmp(name, "Name:\t", 6) != 0 ||
	    (uid = strstr(name, "\nUid:\t")) == NULL)
		return false;
	name += 6;
	len = strcspn(name, "\n");
	for (i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (strlen(programs[i]) == len &&
		    strncmp(name, programs[i], len) == 0) {
			snprintf(p->program, sizeof(p->program), "%s",
			    programs[i]);
			p->uid = (uid_t)strtoul(uid + 6, NULL, 10);
			return true;
		}
	return false;
}

static bool
is_same_file(const char *path, const struct stat *st)
{
	struct stat other;

	return stat(path, &other) == 0 && other.st_dev == st->st_dev &&
	    other.st_ino == st->st_ino;
}

/* The configuration that a program of that path finds by itself. */
static bool
finds_conf(const char *exe, const struct stat *conf)
{
	struct buf beside = BUF_INIT(2048);
	const char *slash = strrchr(exe, '/');
	bool same;

	if (slash != NULL)
		buf_add(&beside, exe, (size_t)(slash - exe));
	buf_str(&beside, "/../etc/oauth-cgi.conf");
	if (access(buf_cstr(&beside), F_OK) == 0)
		same = is_same_file(buf_cstr(&beside), conf);
	else
		same = is_same_file(SYSCONFDIR "/oauth-cgi.conf", conf);
	buf_clear(&beside);
	return same;
}

/* As conf_find() decides there: -c, the environment, beside the program. */
static bool
has_conf(const char *pid, const char *exe, const struct stat *conf)
{
	static const char name[] = "OAUTH_CGI_CONFIG=";
	struct buf text = BUF_INIT(PROC_MAX);
	const char *p, *end;
	bool found = false, same = false;

	if (read_proc(pid, "cmdline", &text)) {
		end = text.data + text.len;
		for (p = text.data; p < end; p += strlen(p) + 1)
			if (strcmp(p, "-c") == 0 && p + 3 < end) {
				found = true;
				same = is_same_file(p + 3, conf);
			}
	}
	if (!found && read_proc(pid, "environ", &text)) {
		end = text.data + text.len;
		for (p = text.data; p < end; p += strlen(p) + 1)
			if (strncmp(p, name, sizeof(name) - 1) == 0) {
				found = true;
				same = is_same_file(p + sizeof(name) - 1,
				    conf);
			}
	}
	buf_clear(&text);
	return found ? same : finds_conf(exe, conf);
}

static bool
is_known(const struct check *c, const struct check_process *p)
{
	size_t i;

	for (i = 0; i < c->running_count; i++)
		if (c->running[i].uid == p->uid &&
		    strcmp(c->running[i].exe, p->exe) == 0)
			return true;
	return false;
}

void
check_find_processes(struct check *c)
{
	struct buf status = BUF_INIT(PROC_MAX);
	const struct dirent *entry;
	struct check_process p;
	char link[320];
	struct stat conf;
	ssize_t n;
	DIR *dir;

	if (geteuid() != 0 || stat(c->a->conf_path, &conf) != 0 ||
	    (dir = opendir("/proc")) == NULL)
		return;
	while ((entry = readdir(dir)) != NULL &&
	    c->running_count < CHECK_PROCESSES) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
		    !is_program(entry->d_name, &status, &p))
			continue;
		snprintf(link, sizeof(link), "/proc/%s/exe", entry->d_name);
		if ((n = readlink(link, p.exe, sizeof(p.exe) - 1)) <= 0)
			continue;
		p.exe[n] = '\0';
		if (has_conf(entry->d_name, p.exe, &conf) && !is_known(c, &p))
			c->running[c->running_count++] = p;
	}
	closedir(dir);
	buf_clear(&status);
}

/* ---- becoming him ----------------------------------------------------- */

static const struct check_kind no_user = { "user_unknown", CHECK_WRONG,
    "Everything is looked at as the user that the web programs run as, and "
    "there is none of that name." };
static const struct check_kind not_root = { "user_needs_root", CHECK_WRONG,
    "Only root can look at things as another user." };
static const struct check_kind two_users = { "user_several", CHECK_WRONG,
    "What one of them writes the other can't: requests fail now and then." };

bool
check_user_known(const struct check *c, struct check_user *u)
{
	const struct passwd *pw;

	if (c->a->user != NULL) {
		if ((pw = getpwnam(c->a->user)) == NULL)
			return false;
		check_user_fill(u, pw->pw_uid);
	} else if (c->running_count > 0) {
		check_user_fill(u, c->running[0].uid);
	} else {
		return false;
	}
	return true;
}

/*
 * Whose the files are that init gives to one user: the database, what is
 * beside it, the keys. One that has got into other hands is outvoted.
 */
static uid_t
likely_owner(const struct conf *conf)
{
	const struct {
		const char	*of, *name;
	} files[] = {
		{ conf->database, "" }, { conf->database, "-lock" },
		{ conf->keys, "/token.key" }, { conf->keys, "/pending.key" },
	};
	uid_t owners[5], best = geteuid();
	size_t n = 0, i, j, votes, most = 0;
	char *copy = xstrdup(conf->database), path[4096];
	struct stat st;

	for (i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s%s", files[i].of,
		    files[i].name);
		if (lstat(path, &st) == 0)
			owners[n++] = st.st_uid;
	}
	if (stat(dirname(copy), &st) == 0)
		owners[n++] = st.st_uid;
	free(copy);
	for (i = 0; i < n; i++) {
		for (j = votes = 0; j < n; j++)
			votes += owners[j] == owners[i];
		if (votes > most) {
			most = votes;
			best = owners[i];
		}
	}
	return best;
}

/* --user, or who runs the programs, or whose the files are. */
static bool
choose(struct check *c, struct check_user *u)
{
	if (check_user_known(c, u))
		return true;
	if (c->a->user != NULL) {
		check_found(c, &no_user, "there is no user %s", c->a->user);
		check_mend(c, "getent passwd");
		return false;
	}
	check_user_fill(u, likely_owner(c->a->conf));
	return true;
}

static void
compare_users(struct check *c)
{
	struct check_user other;
	size_t i;

	for (i = 0; i < c->running_count; i++) {
		if (c->running[i].uid == c->running[0].uid)
			continue;
		check_user_fill(&other, c->running[i].uid);
		check_found(c, &two_users, "%s runs as %s, %s as %s",
		    c->running[0].exe, c->me.name, c->running[i].exe,
		    other.name);
		check_mend(c, "# in the web server's configuration, or the "
		    "service's: the same user for all programs");
		return;
	}
}

bool
check_become(struct check *c)
{
	struct check_user u;

	if (!choose(c, &u))
		return false;
	if (u.uid != geteuid() && geteuid() != 0) {
		if (c->a->user == NULL)
			return true;
		check_found(c, &not_root, "this was not run by root, but "
		    "--user says %s", u.name);
		check_mend(c, "sudo %s -c %s check --user %s",
		    check_quoted(c, c->command),
		    check_quoted(c, c->a->conf_path), u.name);
		return false;
	}
	if (admin_become_uid(u.uid, u.gid) != ADMIN_OK)
		return false;
	c->me = u;
	compare_users(c);
	return true;
}
