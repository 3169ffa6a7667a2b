/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "httpc_internal.h"

#include <sys/socket.h>

#include <netinet/in.h>

#include <poll.h>
#include <string.h>
#include <unistd.h>

static int
port_of(const struct sockaddr_storage *own)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	if (own->ss_family == AF_INET6) {
		memcpy(&in6, own, sizeof(in6));
		return ntohs(in6.sin6_port);
	}
	memcpy(&in, own, sizeof(in));
	return ntohs(in.sin_port);
}

/*
 * On a kept connection nothing may come before we have asked. What comes is
 * its end (with TLS announced by a record, which libcurl takes for life), a
 * 408, or an answer to nothing that would be taken for ours.
 */
static bool
is_spoilt(const struct httpc *h, int own_port)
{
	struct sockaddr_storage own;
	socklen_t len;
	bool found = false;
	size_t i;

	for (i = 0; i < HTTPC_SOCKETS; i++) {
		struct pollfd p = { .fd = h->sockets[i], .events = POLLIN };

		len = sizeof(own);
		if (p.fd < 0 || getsockname(p.fd, (struct sockaddr *)&own,
		    &len) != 0 || port_of(&own) != own_port)
			continue;
		found = true;
		if (poll(&p, 1, 0) != 0)
			return true;
	}
	return !found;		/* not to be told: better a new one */
}

/* http goes to this machine, and a host that others chose does not. */
static bool
may_go_to(const struct httpc *h, enum address_kind kind)
{
	if (h->loopback_only)
		return kind == ADDRESS_LOOPBACK;
	return !h->public_only || kind == ADDRESS_PUBLIC ||
	    (h->loopback_too && kind == ADDRESS_LOOPBACK);
}

/*
 * Called when a connection stands and the request is about to be sent on it.
 * libcurl comes here a second time only to repeat the request by itself.
 */
int
httpc_before_sending(void *arg, char *peer_ip, char *own_ip, int peer_port,
    int own_port)
{
	struct httpc *h = arg;

	(void)own_ip;
	(void)peer_port;
	/* A kept connection may be from a call that was allowed more. */
	if (!may_go_to(h, address_kind_of_text(peer_ip))) {
		h->refused = true;
		return CURL_PREREQFUNC_ABORT;
	}
	/* libcurl tells the port, not the socket. */
	if (h->sendings == 0 && h->opened == 0 && is_spoilt(h, own_port)) {
		h->spoilt = true;
		return CURL_PREREQFUNC_ABORT;
	}
	return ++h->sendings == 1 ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

/* The address is the real one: no name can pretend to be loopback. */
curl_socket_t
httpc_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct httpc *h = arg;
	size_t i;
	int fd;

	(void)purpose;
	/* libcurl keeps the whole of it behind a struct sockaddr. */
	if (!may_go_to(h, address_kind_of(&to->addr, to->addrlen))) {
		h->refused = true;
		return CURL_SOCKET_BAD;
	}
	fd = socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
	if (fd < 0)
		return CURL_SOCKET_BAD;
	h->opened++;
	for (i = 0; i < HTTPC_SOCKETS; i++) {
		if (h->sockets[i] < 0) {
			h->sockets[i] = fd;
			break;
		}
	}
	return fd;
}

int
httpc_close_socket(void *arg, curl_socket_t fd)
{
	struct httpc *h = arg;
	size_t i;

	for (i = 0; i < HTTPC_SOCKETS; i++)
		if (h->sockets[i] == fd)
			h->sockets[i] = -1;
	return close(fd);
}
