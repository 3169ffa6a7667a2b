/* SPDX-License-Identifier: ISC */
#ifndef OAC_WORKERS_H
#define OAC_WORKERS_H

/*
 * workers - a parent that keeps a number of forked processes at work.
 *
 * One that has ended is replaced at once. One that died within a second of
 * its birth (killed, or with another status than 0) would most likely do so
 * again: of such ones the pool together replaces one per second.
 *
 * Signals: SIGTERM, SIGINT and SIGUSR1 end the pool: each worker is sent a
 *          SIGTERM, finishes what it does, and is waited for. SIGHUP: reload is
 *          called in the parent, and then all workers are replaced in the same
 *          way. All these and SIGCHLD are blocked in the parent; workers
 *          inherit all but SIGCHLD blocked, and take them when they can.
 *          When the parent is gone, each worker gets a SIGTERM by the kernel.
 * Memory:  what the parent has read is shared copy-on-write; what must not be
 *          shared (databases, connections) is opened in work().
 */
struct workers {
	unsigned	  count;		/* 1 or more */
	int		(*work)(void *arg);	/* in the worker: exit status */
	void		(*reload)(void *arg);	/* in the parent */
	void		 *arg;
};

/* Returns in the parent, when all have ended: its exit status. */
int workers_run(const struct workers *w);

#endif
