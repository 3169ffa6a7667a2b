/* SPDX-License-Identifier: ISC */

/*
 * provider - an OAuth 2.0 authorization server that does what it is told.
 *
 *	provider [--port N] [--state DIR] [--set NAME=VALUE]... [--tls CERT KEY]
 *
 * For tests and for the demo; it listens on 127.0.0.1 alone and keeps what it
 * knows in memory. It prints "listening on 127.0.0.1:PORT" and runs until
 * SIGTERM or SIGINT, or until its parent ends. DIR/calls.log gets a line of
 * JSON for every token call. settings.c lists the settings, failure.c the
 * ways to fail, control.c the control pages.
 *
 * One process and one thread with poll(), so that its state is consistent
 * under any number of connections, and a slow answer holds up nobody else.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "provider.h"
#include "settings.h"

#define USAGE	"usage: provider [--port N] [--state DIR] " \
    "[--set NAME=VALUE]... [--tls CERT KEY]\n"

static char issuer[64];
static FILE *calls;
static SSL_CTX *tls;
static struct conn *conns;
static volatile sig_atomic_t stopped;

const char *
provider_issuer(void)
{
	return issuer;
}

void
provider_log(const char *line)
{
	if (calls == NULL)
		return;
	fprintf(calls, "%s\n", line);
	fflush(calls);
}

static void
on_stop(int sig)
{
	(void)sig;
	stopped = 1;
}

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

/* *port is where it listens; 0 becomes the one that the system chose. */
static int
listen_at(int *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)*port) };
	socklen_t len = sizeof(at);
	int fd, on = 1;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) == -1)
		die("bind");
	if (listen(fd, 1024) == -1)
		die("listen");
	if (getsockname(fd, (struct sockaddr *)&at, &len) == -1)
		die("getsockname");
	*port = ntohs(at.sin_port);
	return fd;
}

static void
accept_all(int listener)
{
	static unsigned serial;
	int fd, on = 1;

	while ((fd = accept4(listener, NULL, NULL,
	    SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1) {
		struct conn *c = need(calloc(1, sizeof(*c)));

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		c->fd = fd;
		c->serial = ++serial;
		stats.connections++;
		c->idle_since = now_ms();
		if (tls != NULL) {
			c->ssl = need(SSL_new(tls));
			SSL_set_fd(c->ssl, fd);
			SSL_set_accept_state(c->ssl);
		}
		c->next = conns;
		conns = c;
	}
}

static void
reap(bool all)
{
	struct conn **at = &conns, *c;

	while ((c = *at) != NULL) {
		if (c->dead || all) {
			*at = c->next;
			http_free(c);
		} else {
			at = &c->next;
		}
	}
}

/* What the connection waits for; the time left to its next step in *ms. */
static short
interest(const struct conn *c, int *ms)
{
	int64_t now = now_ms(), at = -1;
	short events = POLLRDHUP;

	if (c->first != NULL && c->due > now)
		at = c->due;
	else if (c->first != NULL)
		events |= POLLOUT;
	else if (c->after == AFTER_KEEP)
		events |= c->tls_wants_write ? POLLIN | POLLOUT : POLLIN;
	if (c->first == NULL && set_int(SET_IDLE_MS) > 0)
		at = c->idle_since + set_int(SET_IDLE_MS);
	if (at >= 0 && (*ms < 0 || at - now < *ms))
		*ms = at <= now ? 0 : (int)(at - now);
	return events;
}

static void
attend(struct conn *c, short events)
{
	bool quiet = c->first == NULL && c->after == AFTER_KEEP;

	if (!quiet && (events & (POLLRDHUP | POLLHUP | POLLERR)) != 0) {
		c->dead = true;
		return;
	}
	if (quiet && events != 0)
		http_read(c);
	do {
		http_output(c);
	} while (!c->dead && c->first == NULL && c->after == AFTER_KEEP &&
	    http_input(c, serve));
	if (c->first == NULL && c->after == AFTER_KEEP &&
	    set_int(SET_IDLE_MS) > 0 &&
	    now_ms() - c->idle_since >= set_int(SET_IDLE_MS))
		c->dead = true;
}

/* Refuse connections for a while, as a provider that is down. */
static int
go_away(int listener, int port)
{
	struct text why = { NULL, 0, 0 };
	int ms = set_int(SET_LISTEN_OFF_MS);

	settings_set("listen_off_ms", "0", &why);
	close(listener);
	reap(true);
	poll(NULL, 0, ms);
	return listen_at(&port);
}

static void
loop(int listener, int port)
{
	struct pollfd *fds = NULL;
	size_t room = 0, n;
	int ms, ready;

	while (!stopped) {
		n = 1;
		ms = -1;
		for (struct conn *c = conns; c != NULL; c = c->next)
			n++;
		if (n > room)
			fds = need(realloc(fds, (room = n * 2) *
			    sizeof(*fds)));
		fds[0] = (struct pollfd){ .fd = listener, .events = POLLIN };
		n = 1;
		for (struct conn *c = conns; c != NULL; c = c->next)
			fds[n++] = (struct pollfd){ .fd = c->fd,
			    .events = interest(c, &ms) };
		ready = poll(fds, (nfds_t)n, ms);
		if (ready == -1 && errno != EINTR)
			die("poll");
		if (ready == -1)
			continue;
		n = 1;
		for (struct conn *c = conns; c != NULL; c = c->next)
			attend(c, fds[n++].revents);
		reap(false);
		if (fds[0].revents != 0)
			accept_all(listener);
		if (set_int(SET_LISTEN_OFF_MS) > 0)
			listener = go_away(listener, port);
	}
	free(fds);
	close(listener);
}

static void
tls_open(const char *cert, const char *key)
{
	tls = need(SSL_CTX_new(TLS_server_method()));
	SSL_CTX_set_mode(tls, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
	    SSL_MODE_ENABLE_PARTIAL_WRITE);
	if (set_is(SET_RESUME, "0")) {
		SSL_CTX_set_num_tickets(tls, 0);
		SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	}
	if (SSL_CTX_use_certificate_chain_file(tls, cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1) {
		fprintf(stderr, "provider: %s or %s can't be used\n", cert,
		    key);
		exit(1);
	}
}

static void
set_from(const char *arg)
{
	struct text why = { NULL, 0, 0 };
	const char *equals = strchr(arg, '=');
	char *name;

	if (equals == NULL) {
		fputs(USAGE, stderr);
		exit(2);
	}
	name = need(strndup(arg, (size_t)(equals - arg)));
	if (!settings_set(name, equals + 1, &why)) {
		fprintf(stderr, "provider: %s\n", why.s);
		exit(2);
	}
	free(name);
}

static void
log_open(const char *dir)
{
	struct text path = { NULL, 0, 0 };

	text_str(&path, dir);
	text_str(&path, "/calls.log");
	if ((calls = fopen(path.s, "ae")) == NULL)
		die(path.s);
	text_clear(&path);
}

static void
options(int argc, char *argv[], int *port)
{
	const char *cert = NULL, *key = NULL;

	for (int i = 1; i < argc; i++) {
		bool one = i + 1 < argc;

		if (strcmp(argv[i], "--port") == 0 && one)
			*port = (int)strtol(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--state") == 0 && one)
			log_open(argv[++i]);
		else if (strcmp(argv[i], "--set") == 0 && one)
			set_from(argv[++i]);
		else if (strcmp(argv[i], "--tls") == 0 && i + 2 < argc) {
			cert = argv[++i];
			key = argv[++i];
		} else {
			fputs(USAGE, stderr);
			exit(2);
		}
	}
	if (cert != NULL)
		tls_open(cert, key);
}

int
main(int argc, char *argv[])
{
	struct sigaction sa = { .sa_handler = on_stop };
	pid_t parent = getppid();
	int port = 0, listener;

	settings_reset();
	options(argc, argv, &port);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &sa, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		return 0;
	listener = listen_at(&port);
	snprintf(issuer, sizeof(issuer), "%s://127.0.0.1:%d",
	    tls != NULL ? "https" : "http", port);
	printf("listening on 127.0.0.1:%d\n", port);
	fflush(stdout);
	loop(listener, port);
	reap(true);
	if (calls != NULL)
		fclose(calls);
	return 0;
}
