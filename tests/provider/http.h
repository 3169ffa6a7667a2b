/* SPDX-License-Identifier: ISC */
#ifndef PROVIDER_HTTP_H
#define PROVIDER_HTTP_H

/*
 * http - one connection: requests in, answers out, each answer a list of
 * steps with a pause before each, so that a slow answer holds up nobody else.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

struct ssl_st;

/* How an answer goes wrong on the wire. */
enum cut {
	CUT_NONE,
	CUT_BEFORE,		/* closed without a byte */
	CUT_MIDDLE,		/* closed after half of the body */
	CUT_RESET,		/* the connection is reset */
	CUT_NEVER,		/* nothing is sent, nothing is closed */
	CUT_HTTP09,		/* a body without status line and header */
	CUT_DRIP		/* a byte at a time */
};

enum framing { FRAME_LENGTH, FRAME_CHUNKED, FRAME_HTTP10 };

struct request {
	const char	*method;
	char		*path;
	struct params	 query;
	struct params	 body;		/* of a form or a JSON object */
	bool		 body_ok;
	size_t		 body_len;
	char		*host;
	char		*content_type;	/* without parameters; "" when none */
	char		*authorization;
	char		*accept;
	bool		 close;		/* HTTP/1.0 or Connection: close */
	unsigned	 connection;	/* serial number of the connection */
	unsigned	 number;	/* of this request on it, from 1 */
	bool		 secure;
};

struct answer {
	int		 status;
	const char	*type;		/* of the body, NULL for none */
	struct text	 header;	/* more lines, each with CRLF */
	struct text	 body;
	int		 delay_ms;
	int		 delay_head_ms;
	enum framing	 framing;
	enum cut	 cut;
	bool		 head;		/* the answer to HEAD: no body */
};

struct step;

enum after { AFTER_KEEP, AFTER_CLOSE, AFTER_RESET, AFTER_NEVER };

struct conn {
	int		 fd;
	struct ssl_st	*ssl;
	bool		 tls_wants_write;
	struct text	 in;
	struct step	*first, *last;
	int64_t		 due;		/* when the first step may be sent */
	int64_t		 idle_since;
	enum after	 after;
	unsigned	 serial;
	unsigned	 requests;
	bool		 dead;
	struct conn	*next;
};

/*
 * Take a complete request from c->in, hand it to `serve` and queue the answer.
 * False when there is none yet; what is no HTTP makes the connection dead.
 */
bool http_input(struct conn *c,
    void (*serve)(const struct request *, struct answer *));

/* Send what is due. */
void http_output(struct conn *c);

/* Read what is there. */
void http_read(struct conn *c);

void http_free(struct conn *c);

#endif
