/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

static void
our_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGHUP);
}

void
listener_block_signals(void)
{
	sigset_t set;

	our_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static bool
watch(int epoll, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) == 0;
}

bool
listener_open(struct listener *l)
{
	int flags = fcntl(STDIN_FILENO, F_GETFL);
	sigset_t set;

	our_signals(&set);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	/* Others accept on it too: who comes second must not be stuck. */
	return flags >= 0 &&
	    fcntl(STDIN_FILENO, F_SETFL, flags | O_NONBLOCK) == 0 &&
	    l->epoll >= 0 && l->signals >= 0 &&
	    watch(l->epoll, l->signals, EPOLLIN) &&
	    watch(l->epoll, STDIN_FILENO, EPOLLIN | EPOLLEXCLUSIVE);
}

void
listener_close(struct listener *l)
{
	if (l->signals >= 0)
		close(l->signals);
	if (l->epoll >= 0)
		close(l->epoll);
	l->signals = l->epoll = -1;
}

/*
 * FCGI_WEB_SERVER_ADDRS (FastCGI specification, 3.2): over TCP, only these
 * addresses may connect.
 */
static bool
peer_allowed(const struct sockaddr_storage *peer)
{
	const char *list = getenv("FCGI_WEB_SERVER_ADDRS");
	char name[INET6_ADDRSTRLEN];
	const void *addr;
	size_t len;

	if (list == NULL || *list == '\0')
		return true;
	if (peer->ss_family == AF_INET)
		addr = &((const struct sockaddr_in *)peer)->sin_addr;
	else if (peer->ss_family == AF_INET6)
		addr = &((const struct sockaddr_in6 *)peer)->sin6_addr;
	else
		return true;
	if (inet_ntop(peer->ss_family, addr, name, sizeof(name)) == NULL)
		return false;
	while (*list != '\0') {
		list += strspn(list, ", ");
		len = strcspn(list, ", ");
		if (len > 0 && len == strlen(name) &&
		    strncmp(list, name, len) == 0)
			return true;
		list += len;
	}
	return false;
}

/* Another process took it, or it broke before it was ours (accept(2)). */
static bool
is_passing(int error)
{
	switch (error) {
	case EAGAIN:
	case EINTR:
	case ECONNABORTED:
	case EPROTO:
	case EPERM:
	case ENETDOWN:
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ETIMEDOUT:
		return true;
	default:
		return false;
	}
}

static enum listener_event
accept_one(int *out)
{
	struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(peer);
	int fd, one = 1;

	fd = accept4(STDIN_FILENO, (struct sockaddr *)&peer, &len,
	    SOCK_CLOEXEC);
	if (fd < 0)
		return is_passing(errno) ? LISTENER_NOTHING : LISTENER_BROKEN;
	if (!peer_allowed(&peer)) {
		log_warn("gateway: FCGI_WEB_SERVER_ADDRS does not name the "
		    "address of a peer that has connected");
		close(fd);
		return LISTENER_NOTHING;
	}
	if (peer.ss_family == AF_INET || peer.ss_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one,
		    sizeof(one));
	*out = fd;
	return LISTENER_CONNECTION;
}

enum listener_event
listener_next(const struct listener *l, int *fd)
{
	struct epoll_event events[2];
	struct signalfd_siginfo info;
	int n, i;

	*fd = -1;
	n = epoll_wait(l->epoll, events, 2, -1);
	if (n < 0)
		return errno == EINTR ? LISTENER_NOTHING : LISTENER_BROKEN;
	for (i = 0; i < n; i++) {
		if (events[i].data.fd != l->signals)
			continue;
		if (read(l->signals, &info, sizeof(info)) ==
		    (ssize_t)sizeof(info))
			return info.ssi_signo == SIGHUP ?
			    LISTENER_RELOAD : LISTENER_STOP;
	}
	return n > 0 ? accept_one(fd) : LISTENER_NOTHING;
}
