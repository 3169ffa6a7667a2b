/* SPDX-License-Identifier: ISC */
#ifndef OAC_FCGI_CLIENT_H
#define OAC_FCGI_CLIENT_H

/*
 * fcgi_client - the web server's side of FastCGI, for tests: records can be
 * put together by hand, also wrong ones.
 *
 *	struct fcgi_param params[] = { { "REQUEST_METHOD", "GET" }, { NULL } };
 *	struct fcgi_answer a;
 *
 *	if (fcgi_request(path, params, NULL, 0, &a) && a.status == 200) …
 *	fcgi_answer_clear(&a);
 */
#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

#define FCGI_CLIENT_MAX		((size_t)128 << 20)	/* of one request */

enum fcgi_type {
	FCGI_TYPE_BEGIN = 1, FCGI_TYPE_END = 3, FCGI_TYPE_PARAMS = 4,
	FCGI_TYPE_STDIN = 5, FCGI_TYPE_STDOUT = 6, FCGI_TYPE_STDERR = 7,
};

enum fcgi_role { FCGI_ROLE_RESPONDER = 1, FCGI_ROLE_AUTHORIZER = 2 };

struct fcgi_param {
	const char	*name;		/* NULL ends a list */
	const char	*value;
};

struct fcgi_answer {
	struct buf	out;		/* the whole of standard output */
	struct buf	err;		/* and of the error stream */
	const char	*body;		/* within out; "" when there is none */
	int		 status;	/* of its Status line; 0 when none */
	bool		 ended;		/* an END_REQUEST came */
	bool		 closed;	/* and then the end of the connection */
};

/* A listening socket of a server to test, or -1. The backlog is 128. */
int fcgi_listen(const char *path);

/* A connection to the socket at path, or -1; it gives up after 10 s. */
int fcgi_connect(const char *path);

/* Append to b: records, and what is in a PARAMS record. */
void fcgi_add_begin(struct buf *b, enum fcgi_role role, bool keep);
void fcgi_add_record(struct buf *b, enum fcgi_type type, const void *data,
    size_t len);	/* as many as it takes; none for 0 bytes */
void fcgi_add_end(struct buf *b, enum fcgi_type type);	/* an empty one */
void fcgi_add_param(struct buf *b, const char *name, const char *value);
void fcgi_add_params(struct buf *b, const struct fcgi_param *params);

bool fcgi_send(int fd, const struct buf *b);

/* Read to the end of the connection. False if there was not all of it. */
bool fcgi_receive(int fd, struct fcgi_answer *a);
void fcgi_answer_clear(struct fcgi_answer *a);

/* All of it at once. body of len bytes; CONTENT_LENGTH is up to the caller. */
bool fcgi_request(const char *path, const struct fcgi_param *params,
    const char *body, size_t len, struct fcgi_answer *a);

#endif
