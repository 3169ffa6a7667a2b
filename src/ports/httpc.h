/* SPDX-License-Identifier: ISC */
#ifndef OAC_HTTPC_H
#define OAC_HTTPC_H

/*
 * httpc - one request, a POST to a provider above all, with every limit set.
 *
 * The only module that includes <curl/…>. One handle per worker is kept for
 * its whole life, so that connections, TLS sessions and the parsed bundle of
 * CA certificates are used again. https only with TLS 1.2 or newer, HTTP/1.1,
 * no redirects, no proxy or netrc from the environment, no cookies. http only
 * when the caller allows it, and then only to a loopback address (unless
 * public_http says otherwise, for a request in which nothing is secret). A
 * host that others choose must resolve to an address of the public internet.
 *
 * What matters most to a caller is not the status but whether the request can
 * have reached the provider: a rotating refresh token must not be sent twice.
 * libcurl repeats a POST by itself when a kept connection is cut before the
 * first byte of the answer; here the second sending of one call is refused
 * (CURLOPT_PREREQFUNCTION), and the call is ambiguous. A kept connection on
 * which something came while it was idle (its end, a 408, an answer to nothing)
 * is not used: the request goes out on a new one.
 *
 * Limits:    PROVIDER_CONNECT, PROVIDER_TOTAL (or less, see timeout_ms),
 *            PROVIDER_ANSWER bytes of answer, 64 KiB of headers,
 *            PROVIDER_IDLE_CONN. Name lookups are within the timeout too.
 * Processes: open after fork(); a handle is one process's.
 * Secrets:   the answer's body is in a buf that wipes itself. Neither bodies
 *            nor headers are logged, and of the URL only the host.
 */
#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

struct httpc;

enum httpc_outcome {
	HTTPC_ANSWERED,		/* a complete answer: see status */
	HTTPC_NOT_SENT,		/* certain: no byte of the request left */
	HTTPC_AMBIGUOUS,	/* sent, or perhaps, and no complete answer */
};

/* Why there is no answer, as far as somebody could do something about it. */
enum httpc_failure {
	HTTPC_NO_FAILURE,
	HTTPC_DNS,		/* the name has no address, or nobody says */
	HTTPC_CONNECT,		/* refused, or no way there */
	HTTPC_TIMEOUT,
	HTTPC_CERTIFICATE,	/* not to be trusted */
	HTTPC_CA_FILE,		/* our own CA certificates can't be read */
	HTTPC_TLS,		/* no TLS that both sides know, or none at all */
	HTTPC_CUT,		/* the connection ended too early */
	HTTPC_TOO_LONG,
	HTTPC_OTHER,
	HTTPC_FAILURE__MAX
};

enum httpc_method { HTTPC_POST, HTTPC_GET, HTTPC_HEAD };

struct httpc_request {
	enum httpc_method method;	/* a body goes with POST alone */
	const char	*url;
	const char	*content_type;	/* of the body */
	const char	*accept;	/* NULL: application/json */
	const char	*authorization;	/* header value, or NULL */
	const char	*const *headers; /* more of them: name, value … NULL */
	const char	*body;
	size_t		 body_len;
	const char	*ca_file;	/* instead of the system's, or NULL */
	bool		 allow_http;	/* to loopback addresses */
	bool		 public_http;	/* and to any other */
	bool		 public_only;	/* others chose the host: no private
					 * address, loopback if allow_http */
	int64_t		 timeout_ms;	/* for the whole; at most PROVIDER_TOTAL */
};

struct httpc_answer {
	enum httpc_outcome	outcome;
	int			status;		/* 0 unless HTTPC_ANSWERED */
	char			content_type[128];	/* "" when longer */
	int64_t			retry_after;	/* seconds; -1 when not sent */
	int64_t			date;		/* of its Date; 0 when none */
	enum httpc_failure	failure;
	char			why[256];	/* libcurl's words for it */
	struct buf		body;
};

/* Start libcurl, and TLS in it, now: before fork(), once for all workers. */
void httpc_prepare(void);

/*
 * one_shot says that the process makes one request and ends (plain CGI): then
 * the system's certificates are looked up one by one where the system allows
 * it, because parsing all of them pays only when it is done once for many.
 * Dies when libcurl does not start. httpc_close() takes NULL.
 */
struct httpc *httpc_open(bool one_shot);
void httpc_close(struct httpc *h);

void httpc_answer_init(struct httpc_answer *a);
void httpc_answer_clear(struct httpc_answer *a);	/* wipes */

/*
 * Send the request and fill *a (cleared first). Always returns; a failure is
 * logged with the host and libcurl's reason, without path, query or body.
 * A status of 200 to 599 is an answer; 1xx alone, HTTP/0.9, more than
 * PROVIDER_ANSWER bytes and a body that ends early are not. A body without a
 * length ends with its connection: whether it was cut, its content must tell.
 */
void httpc_send(struct httpc *h, const struct httpc_request *req,
    struct httpc_answer *a);

/*
 * A header of the last answer, the first one of that name; NULL when there is
 * none. Good until the next call.
 */
const char *httpc_header(const struct httpc *h, const char *name);

#endif
