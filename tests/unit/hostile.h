/* SPDX-License-Identifier: ISC */
#ifndef OAC_HOSTILE_H
#define OAC_HOSTILE_H

/*
 * hostile - servers that do what a provider should not.
 *
 * Each is a child process on 127.0.0.1 that gives every connection, one after
 * the other, to a function of the test's. It counts in memory that it shares
 * with the test. With TLS the certificates are made anew at every start.
 */
#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

struct peer;				/* one connection, in the child */

typedef void (*hostile_fn)(struct peer *p);

struct hostile_seen {
	volatile unsigned	connections;
	volatile unsigned	requests;	/* with their whole body */
	volatile size_t		sent;		/* bytes that went out */
	volatile size_t		request_len;
	char			request[16384];	/* the last one, and a NUL */
};

enum hostile_tls {
	TLS_NONE,
	TLS_GOOD,		/* for 127.0.0.1 and localhost, by our CA */
	TLS_WRONG_HOST,
	TLS_EXPIRED,
	TLS_UNKNOWN_CA,		/* signs itself */
	TLS_OLD,		/* good, but nothing newer than TLS 1.1 */
	TLS_ONE_TWO		/* good, nothing newer than TLS 1.2 */
};

struct hostile {
	pid_t			 pid;
	int			 port;
	struct hostile_seen	*seen;
};

/* Make the certificates; the CA goes to a file. Returns its path. */
const char *hostile_make_ca(const char *dir);
void hostile_free_ca(void);

void hostile_start(struct hostile *s, hostile_fn serve, enum hostile_tls tls);
void hostile_stop(struct hostile *s);

/* For serve functions. */

/* One request with its body; false when the client has closed. */
bool peer_read(struct peer *p);
bool peer_send(struct peer *p, const void *data, size_t len);
bool peer_say(struct peer *p, const char *text);
void peer_sleep_ms(unsigned ms);
/* Until the client closes, or a few seconds are over. */
void peer_wait(struct peer *p);
/* At the end close without a TLS goodbye, or with a reset. */
void peer_be_rude(struct peer *p);
void peer_reset(struct peer *p);
/* The first connection is number 1. */
unsigned peer_number(const struct peer *p);

#endif
