/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "workers.h"

#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "xalloc.h"

#define EARLY_MS 1000

/* A place for one worker. */
struct slot {
	pid_t	pid;		/* 0: to be filled */
	int64_t	born_ms;
	bool	early;		/* its last worker died early */
};

struct pool {
	const struct workers	*w;
	struct slot		*slots;
	unsigned		 alive;
	int64_t			 next_early_ms;	/* the next early one is due */
	bool			 stopping;
};

/* The signals that the parent waits for. */
static void
our_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGCHLD);
}

static void
become_worker(struct pool *p, pid_t parent)
{
	const struct workers *w = p->w;
	sigset_t set;

	prctl(PR_SET_PDEATHSIG, (unsigned long)SIGTERM, 0L, 0L, 0L);
	if (getppid() != parent)
		_exit(0);	/* it was gone before we asked to be told */
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	free(p->slots);
	exit(w->work(w->arg));
}

static void
fill(struct pool *p, struct slot *slot)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0)
		become_worker(p, parent);
	slot->born_ms = clock_mono_ms();
	if (slot->early || pid < 0)
		p->next_early_ms = slot->born_ms + EARLY_MS;
	slot->early = pid < 0;
	if (pid < 0) {
		log_error("workers: fork: %s", strerror(errno));
		return;
	}
	slot->pid = pid;
	p->alive++;
}

/* Fill what may be filled now. Milliseconds until more may be, or -1. */
static int64_t
fill_all(struct pool *p)
{
	int64_t left = -1, now;
	unsigned i;

	for (i = 0; i < p->w->count; i++) {
		struct slot *slot = &p->slots[i];

		if (slot->pid != 0)
			continue;
		now = clock_mono_ms();
		if (!slot->early || now >= p->next_early_ms)
			fill(p, slot);
		if (slot->pid == 0)
			left = p->next_early_ms - now;
	}
	return left;
}

static void
tell_all(const struct pool *p, int signo)
{
	unsigned i;

	for (i = 0; i < p->w->count; i++)
		if (p->slots[i].pid != 0)
			kill(p->slots[i].pid, signo);
}

static void
bury(struct pool *p, struct slot *slot, int status)
{
	int64_t now = clock_mono_ms();

	if (WIFSIGNALED(status))
		log_error("workers: %ld was ended by signal %d",
		    (long)slot->pid, WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		log_error("workers: %ld has failed with status %d",
		    (long)slot->pid, WEXITSTATUS(status));
	if (status != 0 && now - slot->born_ms < EARLY_MS) {
		slot->early = true;
		if (p->next_early_ms < now)
			p->next_early_ms = now + EARLY_MS;
	}
	slot->pid = 0;
	p->alive--;
}

static void
reap(struct pool *p)
{
	int status;
	unsigned i;
	pid_t pid;

	/* Several deaths may have been told by one signal. */
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (i = 0; i < p->w->count; i++)
			if (p->slots[i].pid == pid)
				bury(p, &p->slots[i], status);
}

/* Wait for a signal, for at most that long (-1: for ever). */
static int
next_signal(const sigset_t *set, int64_t ms)
{
	const struct timespec ts = { .tv_sec = (time_t)(ms / 1000),
	    .tv_nsec = (long)(ms % 1000) * 1000000 };

	return ms < 0 ? sigwaitinfo(set, NULL) : sigtimedwait(set, NULL, &ts);
}

int
workers_run(const struct workers *w)
{
	struct pool p = { .w = w };
	int64_t left = -1;
	sigset_t set;

	our_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* Who started us may have ignored it; then none would ever come. */
	signal(SIGCHLD, SIG_DFL);
	p.slots = xcalloc(w->count, sizeof(*p.slots));
	while (!p.stopping || p.alive > 0) {
		left = p.stopping ? -1 : fill_all(&p);
		switch (next_signal(&set, left)) {
		case SIGTERM:
		case SIGINT:
		case SIGUSR1:
			p.stopping = true;
			tell_all(&p, SIGTERM);
			break;
		case SIGHUP:
			if (p.stopping)
				break;
			w->reload(w->arg);
			tell_all(&p, SIGTERM);
			break;
		default:	/* SIGCHLD, or time has come */
			break;
		}
		reap(&p);
	}
	free(p.slots);
	return 0;
}
