/* SPDX-License-Identifier: ISC */
#ifndef OAC_FASTCGI_H
#define OAC_FASTCGI_H

/*
 * fastcgi - the responder's side of FastCGI 1.0 on one connection: a request
 * with its variables, its body, and the answer; part of gateway.
 *
 * Ours, and not libfcgi's, because that one takes variables of any size into
 * memory before anybody can look at them, ends the process at crafted lengths,
 * and takes variables that were cut off for complete. Here nothing is
 * allocated for a request: what is longer than its limit is read over.
 *
 * Order:   fastcgi_begin(); with FASTCGI_READY or _REFUSED fastcgi_read() and
 *          fastcgi_log() as often as one likes, fastcgi_answer() once,
 *          fastcgi_end(). The connection is closed by fastcgi_end(), and by
 *          fastcgi_begin() when it gives FASTCGI_GONE; it is never kept.
 * Limits:  LIMIT_ENV_COUNT, LIMIT_ENV_BYTES. A peer that is silent loses the
 *          connection after 2 s before its variables are complete, 10 s within
 *          the body, 250 ms at the end.
 * Secrets: all that was read and sent is wiped by fastcgi_end().
 * Source:  FastCGI Specification 1.0, 3. to 6.
 */
#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

struct fastcgi;

enum fastcgi_begin {
	FASTCGI_READY,		/* a request for a responder */
	FASTCGI_REFUSED,	/* 400: variables past a limit, or malformed */
	FASTCGI_ROLE,		/* 500: it wants an authorizer, or a filter */
	FASTCGI_GONE,		/* no request came by it */
};

/* One for a process; the memory for requests, used again for each. */
struct fastcgi *fastcgi_open(void);
void fastcgi_close(struct fastcgi *f);		/* NULL is allowed */

/* Read a request's variables from fd, which is ours from now on. */
enum fastcgi_begin fastcgi_begin(struct fastcgi *f, int fd);

/* Its variables as NAME=value, ended by NULL; good until fastcgi_end(). */
char *const *fastcgi_env(const struct fastcgi *f);

/* Exactly len bytes of the body; false when there are less. */
bool fastcgi_read(struct fastcgi *f, char *at, size_t len);

/* A line without its newline to the web server's log. False: nobody there. */
bool fastcgi_log(struct fastcgi *f, const char *line);

/* The whole answer. Whether anybody takes it is not told: it is over then. */
void fastcgi_answer(struct fastcgi *f, const struct buf *out);
void fastcgi_end(struct fastcgi *f);

#endif
