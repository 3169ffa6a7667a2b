/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "lockdown.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
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

void
lockdown(void)
{
	const struct rlimit none = { .rlim_cur = 0, .rlim_max = 0 };

	standard_descriptors();
	close_others();
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	/* None of these can fail in a way that we could mend. */
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L);
#ifndef WITH_SANITIZERS
	/* The leak sanitizer attaches to its own process. */
	(void)prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
#endif
}
