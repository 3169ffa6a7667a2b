/* SPDX-License-Identifier: ISC */
#ifndef OAC_GATEWAY_H
#define OAC_GATEWAY_H

/*
 * gateway - requests in, responses out: FastCGI or plain CGI.
 *
 * The only module that includes <fcgiapp.h>. libfcgi has no limits of its own
 * and no safe signal handling: here variables are counted and measured, the
 * body is read only up to its declared and allowed length, the listening
 * socket never blocks, and signals are looked at only between requests, so an
 * answer in flight is always finished.
 *
 * Peers: whoever may connect to the socket is trusted to be a web server. One
 *        that is silent loses its connection after 2 s (10 s within a body),
 *        but libfcgi itself takes variables of any size into memory before
 *        they can be measured, and some versions die of crafted lengths: the
 *        socket belongs to the web server's group alone, mode 0660, no TCP.
 *
 * Processes: any number may serve one socket; a process serves one request at
 *            a time and never keeps a connection (keepConnection = 0).
 */
#include <stdbool.h>

#include "request.h"
#include "response.h"

/*
 * Answer one request. The request is parsed and within limits; what the
 * gateway itself refuses (400, 413, 414) goes to `refuse` with the status.
 */
struct gateway_handler {
	void	(*handle)(void *arg, struct request *req, struct response *res);
	void	(*refuse)(void *arg, int status, const struct request *req,
		    struct response *res);
	void	(*reload)(void *arg);	/* SIGHUP, between requests */
	void	*arg;
};

enum gateway_end {
	GATEWAY_STOPPED,	/* a signal asked for it */
	GATEWAY_SERVED,		/* max_requests were answered */
	GATEWAY_FAILED,		/* the socket is broken; logged */
};

/* Whether this process was started as plain CGI: FCGX_IsCGI(). */
bool gateway_is_cgi(void);

/*
 * Block the signals that end or reload a program, from here on; do this before
 * anything else. gateway_serve() takes them between requests.
 */
void gateway_block_signals(void);

/* Plain CGI: answer the one request of the environment and standard input. */
void gateway_cgi(const struct gateway_handler *h);

/*
 * FastCGI: serve the socket on descriptor 0 until SIGTERM, SIGINT or SIGUSR1,
 * or until max_requests are answered (0: no such end).
 */
enum gateway_end gateway_serve(const struct gateway_handler *h,
    unsigned max_requests);

#endif
