/* SPDX-License-Identifier: ISC */
#ifndef OAC_LISTENER_H
#define OAC_LISTENER_H

/*
 * listener - waits for a connection to the socket on descriptor 0, or for a
 * signal; part of gateway.
 *
 * Signals are blocked all the time and taken here as events, so that none is
 * lost in the moment before a wait, and none cuts a read or write short.
 *
 * Processes: any number may wait on one socket; the kernel wakes one of them
 *            for a connection (each has an epoll of its own, EPOLLEXCLUSIVE).
 */
#include <stdbool.h>

struct listener {
	int	epoll;
	int	signals;
};

#define LISTENER_INIT { .epoll = -1, .signals = -1 }

enum listener_event {
	LISTENER_NOTHING,	/* wait again */
	LISTENER_CONNECTION,	/* *fd is a new connection, the caller's */
	LISTENER_RELOAD,	/* SIGHUP */
	LISTENER_STOP,		/* SIGTERM, SIGINT, SIGUSR1 */
	LISTENER_BROKEN,	/* there will never be one; errno says why */
};

/* Block these signals, from here on. */
void listener_block_signals(void);

/* False, with errno, when descriptor 0 is nothing to wait on. */
bool listener_open(struct listener *l);
void listener_close(struct listener *l);

/* Wait for what comes next; a signal goes before a connection. */
enum listener_event listener_next(const struct listener *l, int *fd);

#endif
