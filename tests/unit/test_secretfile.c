/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "secretfile.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "lockdown.h"
#include "logcatch.h"

#define SOMEBODY	12345	/* a uid that is neither root's nor ours */
#define PATH_LEN	4096

/* The path of name in the test's folder; good for the next four calls. */
static const char *
in_tmp(const char *name)
{
	static char path[4][PATH_LEN];
	static unsigned turn;
	char *p = path[turn++ % 4];

	snprintf(p, PATH_LEN, "%s/%s", harness_tmpdir(), name);
	return p;
}

/* Write a file of exactly this mode, in place of any that was there. */
static const char *
put_file(const char *name, const char *text, size_t len, mode_t mode)
{
	const char *path = in_tmp(name);
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_FATAL(write(fd, text, len) == (ssize_t)len);
	CU_ASSERT_FATAL(fchmod(fd, mode) == 0);
	close(fd);
	return path;
}

/* Read path with a catch on the log; what came is in text. */
static enum err
try_read(const char *path, char *text, size_t size)
{
	struct buf out = BUF_INIT(64);
	enum err e;

	logcatch_begin();
	buf_str(&out, "before ");
	e = secretfile_read(path, &out);
	snprintf(text, size, "%s", buf_cstr(&out) != NULL ? buf_cstr(&out) :
	    "(overflow)");
	buf_clear(&out);
	return e;
}

/* Refused: nothing was added, and one line says path and mend. */
static void
assert_refused(const char *path, const char *mend)
{
	char text[128];

	CU_ASSERT_EQUAL(try_read(path, text, sizeof(text)), ERR_CONFIG);
	CU_ASSERT_STRING_EQUAL(text, "before ");
	CU_ASSERT_EQUAL(logcatch.lines, 1);
	CU_ASSERT(logcatch_has(path));
	CU_ASSERT(logcatch_has(mend));
	CU_ASSERT_FALSE(logcatch_has("hush"));
	if (!logcatch_has(mend))
		fprintf(stderr, "no '%s' in %s", mend, logcatch.text);
}

static void
assert_taken(const char *path, const char *want)
{
	char text[128], both[128];

	snprintf(both, sizeof(both), "before %s", want);
	CU_ASSERT_EQUAL(try_read(path, text, sizeof(text)), ERR_OK);
	CU_ASSERT_STRING_EQUAL(text, both);
	CU_ASSERT_EQUAL(logcatch.lines, 0);
}

/* ---- reading ---------------------------------------------------------- */

static void
test_modes(void)
{
	char mend[PATH_LEN + 32];
	const char *path;
	unsigned mode;

	for (mode = 0; mode <= 0777; mode++) {
		/* Who is not root can't open what its owner may not read. */
		if (geteuid() != 0 && (mode & 0400) == 0)
			continue;
		path = put_file("mode", "hush", 4, (mode_t)mode);
		if ((mode & 027) == 0) {
			assert_taken(path, "hush");
			continue;
		}
		snprintf(mend, sizeof(mend), "chmod 600 %s", path);
		assert_refused(path, mend);
	}
}

static void
test_common_modes(void)
{
	assert_taken(put_file("key", "hush", 4, 0400), "hush");
	assert_taken(put_file("key", "hush", 4, 0600), "hush");
	assert_taken(put_file("key", "hush", 4, 0440), "hush");
	assert_taken(put_file("key", "hush", 4, 0640), "hush");
	assert_refused(put_file("key", "hush", 4, 0644), "mode 0644");
	assert_refused(put_file("key", "hush", 4, 0660), "mode 0660");
	assert_refused(put_file("key", "hush", 4, 0601), "mode 0601");
}

static void
test_missing(void)
{
	char text[128];

	CU_ASSERT_EQUAL(try_read(in_tmp("nothing"), text, sizeof(text)),
	    ERR_NOT_FOUND);
	CU_ASSERT_EQUAL(logcatch.lines, 0);
	CU_ASSERT_EQUAL(try_read(in_tmp("no/folder"), text, sizeof(text)),
	    ERR_NOT_FOUND);
	CU_ASSERT_STRING_EQUAL(text, "before ");
	put_file("file", "", 0, 0600);
	assert_refused(in_tmp("file/below"), "Not a directory");
}

static void
test_content(void)
{
	struct buf out = BUF_INIT(70000);
	char big[65536];
	const char *path;

	assert_taken(put_file("empty", "", 0, 0600), "");
	path = put_file("nul", "a\0b", 3, 0600);
	CU_ASSERT_EQUAL(secretfile_read(path, &out), ERR_OK);
	CU_ASSERT_EQUAL(out.len, 3);
	CU_ASSERT_EQUAL(memcmp(out.data, "a\0b", 3), 0);

	memset(big, 'x', sizeof(big));
	path = put_file("big", big, sizeof(big), 0600);
	CU_ASSERT_EQUAL(secretfile_read(path, &out), ERR_OK);
	CU_ASSERT_EQUAL(out.len, 3 + sizeof(big));
	CU_ASSERT_EQUAL(memcmp(out.data + 3, big, sizeof(big)), 0);
	buf_clear(&out);
}

static void
test_size(void)
{
	char text[200];

	/* The buf of try_read() takes 64 bytes, and "before " is 7. */
	memset(text, 'x', sizeof(text));
	text[57] = '\0';
	assert_taken(put_file("fits", text, 57, 0600), text);
	text[57] = 'x';
	assert_refused(put_file("not", text, 58, 0600), "larger than 64 bytes");
	assert_refused(put_file("not", text, 200, 0600), "larger than 64");
}

/* A buf that overflowed before is not quietly left as it is. */
static void
test_overflowed(void)
{
	struct buf out = BUF_INIT(4);

	buf_str(&out, "too long");
	logcatch_begin();
	CU_ASSERT_EQUAL(secretfile_read(put_file("key", "h", 1, 0600), &out),
	    ERR_CONFIG);
	CU_ASSERT_EQUAL(logcatch.lines, 1);
	buf_clear(&out);
}

static void
test_not_regular(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const char *path = in_tmp("fifo");
	int s;

	CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
	alarm(10);	/* a FIFO that holds us ends the program */
	assert_refused(path, "not a regular file");
	alarm(0);
	assert_refused(harness_tmpdir(), "not a regular file");
	assert_refused("/dev/null", "not a regular file");

	path = in_tmp("socket");
	CU_ASSERT_FATAL(strlen(path) < sizeof(at.sun_path));
	strncpy(at.sun_path, path, sizeof(at.sun_path) - 1);
	s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL(bind(s, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_refused(path, "can't be opened");
	close(s);
}

static void
test_symlinks(void)
{
	char text[128];
	const char *target = put_file("target", "hush", 4, 0600);
	const char *link_path = in_tmp("link");

	CU_ASSERT_EQUAL_FATAL(symlink("target", link_path), 0);
	assert_taken(link_path, "hush");
	/* The mode that counts is that of the file, not of its name. */
	CU_ASSERT_EQUAL_FATAL(chmod(target, 0644), 0);
	assert_refused(link_path, "chmod 600");
	unlink(target);
	CU_ASSERT_EQUAL(try_read(link_path, text, sizeof(text)),
	    ERR_NOT_FOUND);
	unlink(link_path);
	CU_ASSERT_EQUAL_FATAL(symlink("link", link_path), 0);
	assert_refused(link_path, "symbolic links");
}

static void
test_relative(void)
{
	int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	put_file("relative", "hush", 4, 0600);
	CU_ASSERT_FATAL(here >= 0);
	CU_ASSERT_EQUAL_FATAL(chdir(harness_tmpdir()), 0);
	assert_taken("relative", "hush");
	CU_ASSERT_EQUAL_FATAL(fchdir(here), 0);
	close(here);
}

static void
test_no_leak(void)
{
	const char *path = put_file("key", "hush", 4, 0644);
	int before = open("/dev/null", O_RDONLY | O_CLOEXEC), after;
	struct buf out = BUF_INIT(64);
	enum err e;

	close(before);
	logcatch_begin();
	CU_ASSERT_EQUAL(secretfile_read(path, &out), ERR_CONFIG);
	chmod(path, 0600);
	e = secretfile_read(path, &out);
	CU_ASSERT_EQUAL(e, ERR_OK);
	after = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CU_ASSERT_EQUAL(before, after);
	close(after);
	buf_clear(&out);
}

/* ---- whose file it is; only root can give files away ------------------- */

static void
test_owner(void)
{
	const char *path = put_file("key", "hush", 4, 0600);

	if (geteuid() != 0)
		return;
	CU_ASSERT_EQUAL_FATAL(chown(path, SOMEBODY, 0), 0);
	assert_refused(path, "belongs to uid 12345");
	CU_ASSERT(logcatch_has("chown root "));
	/* Also before its mode: chmod would not mend it. */
	chmod(path, 0666);
	assert_refused(path, "belongs to uid 12345");
}

static void
as_somebody(void)
{
	CU_ASSERT_EQUAL_FATAL(setegid(SOMEBODY), 0);
	CU_ASSERT_EQUAL_FATAL(seteuid(SOMEBODY), 0);
}

static void
as_root_again(void)
{
	CU_ASSERT_EQUAL_FATAL(seteuid(0), 0);
	CU_ASSERT_EQUAL_FATAL(setegid(0), 0);
}

/* What a web server's user meets; root's own files pass through their group. */
static void
test_other_user(void)
{
	const char *mine, *roots;

	if (geteuid() != 0)
		return;
	mine = put_file("mine", "hush", 4, 0600);
	roots = put_file("roots", "hush", 4, 0600);
	CU_ASSERT_EQUAL_FATAL(chown(mine, SOMEBODY, SOMEBODY), 0);

	as_somebody();
	assert_refused(mine, "one of the folders above it");
	as_root_again();
	CU_ASSERT_EQUAL_FATAL(chmod(harness_tmpdir(), 0711), 0);

	as_somebody();
	assert_taken(mine, "hush");
	CU_ASSERT_EQUAL(chmod(mine, 0200), 0);
	assert_refused(mine, "chmod 600 ");
	assert_refused(roots, "chown root:12345 ");
	as_root_again();

	CU_ASSERT_EQUAL_FATAL(chown(roots, 0, SOMEBODY), 0);
	CU_ASSERT_EQUAL_FATAL(chmod(roots, 0640), 0);
	as_somebody();
	assert_taken(roots, "hush");
	as_root_again();
	CU_ASSERT_EQUAL_FATAL(chmod(roots, 0660), 0);
	as_somebody();
	/* chmod 600 would lock the group out that reads it. */
	assert_refused(roots, "chmod 640 ");
	as_root_again();
	CU_ASSERT_EQUAL_FATAL(chmod(harness_tmpdir(), 0700), 0);
}

/* ---- creating --------------------------------------------------------- */

/* How many files in the test's folder begin with name. */
static unsigned
count(const char *name)
{
	DIR *d = opendir(harness_tmpdir());
	struct dirent *entry;
	unsigned n = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	while ((entry = readdir(d)) != NULL)
		if (strncmp(entry->d_name, name, strlen(name)) == 0)
			n++;
	closedir(d);
	return n;
}

static void
test_create(void)
{
	static const mode_t masks[] = { 0, 022, 077, 0777 };
	struct stat st;
	mode_t before;
	size_t i;

	for (i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		unlink(in_tmp("new"));
		before = umask(masks[i]);
		logcatch_begin();
		CU_ASSERT_EQUAL(secretfile_create(in_tmp("new"), "hush", 4),
		    ERR_OK);
		umask(before);
		CU_ASSERT_EQUAL(logcatch.lines, 0);
		CU_ASSERT_EQUAL_FATAL(stat(in_tmp("new"), &st), 0);
		CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
		CU_ASSERT_EQUAL(st.st_nlink, 1);
		CU_ASSERT_EQUAL(count("new"), 1);
		assert_taken(in_tmp("new"), "hush");
	}
	CU_ASSERT_EQUAL(secretfile_create(in_tmp("none"), NULL, 0), ERR_OK);
	assert_taken(in_tmp("none"), "");
}

static void
test_create_existing(void)
{
	const char *path = put_file("there", "old", 3, 0600);

	logcatch_begin();
	CU_ASSERT_EQUAL(secretfile_create(path, "new", 3), ERR_CONFLICT);
	CU_ASSERT_EQUAL(logcatch.lines, 0);
	assert_taken(path, "old");
	CU_ASSERT_EQUAL(count("there"), 1);

	/* A link that leads nowhere is not written through, either. */
	CU_ASSERT_EQUAL_FATAL(symlink("elsewhere", in_tmp("dangling")), 0);
	CU_ASSERT_EQUAL(secretfile_create(in_tmp("dangling"), "new", 3),
	    ERR_CONFLICT);
	CU_ASSERT_EQUAL(count("elsewhere"), 0);
}

/* Several at once: one makes it, whole, and the others are told so. */
static void
test_create_race(void)
{
	unsigned i, made = 0, conflicts = 0;
	int status;
	pid_t pid;

	fflush(NULL);
	for (i = 0; i < 8; i++) {
		if ((pid = fork()) == 0)
			_exit((int)secretfile_create(in_tmp("race"), "hush",
			    4));
		CU_ASSERT_FATAL(pid > 0);
	}
	for (i = 0; i < 8; i++) {
		CU_ASSERT_FATAL(wait(&status) > 0);
		if (!WIFEXITED(status))
			continue;
		made += WEXITSTATUS(status) == ERR_OK;
		conflicts += WEXITSTATUS(status) == ERR_CONFLICT;
	}
	CU_ASSERT_EQUAL(made, 1);
	CU_ASSERT_EQUAL(conflicts, 7);
	CU_ASSERT_EQUAL(count("race"), 1);
	assert_taken(in_tmp("race"), "hush");
}

static void
test_create_nowhere(void)
{
	logcatch_begin();
	CU_ASSERT_EQUAL(secretfile_create(in_tmp("no/folder"), "x", 1),
	    ERR_CONFIG);
	CU_ASSERT_EQUAL(logcatch.lines, 1);
	CU_ASSERT(logcatch_has(in_tmp("no/folder")));
	CU_ASSERT(logcatch_has("folder must exist"));
}

/* A full disk, played by a limit on the size of files. */
static void
test_create_full(void)
{
	void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
	struct rlimit was, small;
	char data[4096] = { 0 };
	enum err e;

	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &was), 0);
	small = was;
	small.rlim_cur = 1000;
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &small), 0);
	logcatch_begin();
	e = secretfile_create(in_tmp("full"), data, sizeof(data));
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &was), 0);
	signal(SIGXFSZ, before);
	CU_ASSERT_EQUAL(e, ERR_CONFIG);
	CU_ASSERT_EQUAL(logcatch.lines, 1);
	CU_ASSERT(logcatch_has("can't be written"));
	CU_ASSERT_EQUAL(count("full"), 0);
}

static const struct test tests[] = {
	{ "of all modes, those without any of 027 pass", test_modes },
	{ "the modes people use", test_common_modes },
	{ "a file that is not there is not found, without a word",
	    test_missing },
	{ "content is appended as it is, NUL and 64 KiB, too", test_content },
	{ "what is larger than the buf is refused whole", test_size },
	{ "a buf that overflowed before is refused", test_overflowed },
	{ "FIFO, folder, device and socket are refused at once",
	    test_not_regular },
	{ "symbolic links are followed, and their file judged",
	    test_symlinks },
	{ "a relative path is good", test_relative },
	{ "no descriptor stays open", test_no_leak },
	{ "somebody else's file is refused (as root)", test_owner },
	{ "the web server's user reads its own and root's (as root)",
	    test_other_user },
	{ "a new file has mode 0600 under any umask", test_create },
	{ "a file that exists is a conflict, and stays", test_create_existing },
	{ "of several that create one file, one does", test_create_race },
	{ "a missing folder is an error that says so", test_create_nowhere },
	{ "a full disk leaves no half-written file", test_create_full },
};

int
main(void)
{
	/* As every program: static ones look users up in files alone then. */
	lockdown();
	return harness_run("secretfile", tests,
	    sizeof(tests) / sizeof(tests[0]));
}
