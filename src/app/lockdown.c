/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "lockdown.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <nss.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static void
standard_descriptors(void)
{
	int fd;

	for (fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
			continue;
		/* The lowest free number is this one. */
		if (open("/dev/null", O_RDWR | O_NOCTTY) != fd)
			_exit(1);
	}
}

/* mod_fcgid, for one, leaves two of its pipes open. */
static void
close_others(void)
{
	long fd, max;

#ifdef SYS_close_range
	if (syscall(SYS_close_range, 3U, ~0U, 0U) == 0)
		return;
#endif
	/* Before Linux 5.9. */
	max = sysconf(_SC_OPEN_MAX);
	if (max < 0 || max > 65536)
		max = 65536;
	for (fd = 3; fd < max; fd++)
		close((int)fd);
}

/*
 * The host's modules that look up users and the like fit the host's C library,
 * not the one inside of us, and may crash in it.
 */
static void
own_lookups(void)
{
#ifdef WITH_STATIC
	static const char *const databases[] = {
		"passwd", "group", "initgroups", "hosts", "services",
	};
	size_t i;

	for (i = 0; i < sizeof(databases) / sizeof(databases[0]); i++)
		(void)__nss_configure_lookup(databases[i],
		    strcmp(databases[i], "hosts") == 0 ? "files dns" :
		    "files");
#endif
}

void
lockdown(void)
{
	const struct rlimit none = { .rlim_cur = 0, .rlim_max = 0 };

	standard_descriptors();
	close_others();
	own_lookups();
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	/* A limit on file sizes is then told like a full disk. */
	signal(SIGXFSZ, SIG_IGN);
	/* None of these can fail in a way that we could mend. */
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L);
#ifndef WITH_SANITIZERS
	/* The leak sanitizer attaches to its own process. */
	(void)prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
#endif
}
