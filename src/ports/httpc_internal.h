/* SPDX-License-Identifier: ISC */
#ifndef OAC_HTTPC_INTERNAL_H
#define OAC_HTTPC_INTERNAL_H

/*
 * httpc_internal - what the files of httpc share; nobody else includes it.
 *
 * httpc.c		the handle, its options, one call
 * httpc_ca.c		where the system's CA certificates are
 * httpc_socket.c	connections: which ones may be used, and how often
 * httpc_answer.c	an answer and its limits
 */
#include <curl/curl.h>

#include "address.h"
#include "httpc.h"

#define HTTPC_SOCKETS	8	/* kept ones, and two at once for one new */

struct httpc {
	CURL		*curl;
	const char	*bundle;	/* the system's CA certificates: a file */
	const char	*folder;	/* or a hashed folder; the other is NULL */
	char		 error[CURL_ERROR_SIZE];
	int		 sockets[HTTPC_SOCKETS];	/* open ones, or -1 */

	/* Of the call that is being made. */
	struct buf	*body;
	size_t		 headers_len;
	bool		 headers_whole;
	unsigned	 sendings;
	unsigned	 opened;	/* new sockets */
	bool		 spoilt;	/* the kept connection was: nothing sent */
	bool		 loopback_only;
	bool		 public_only;
	bool		 loopback_too;
	bool		 refused;	/* by one of these */
};

/* Fill bundle or folder; one_shot as for httpc_open(). */
void httpc_find_certificates(struct httpc *h, bool one_shot);

/* CURLOPT_PREREQFUNCTION, …OPENSOCKETFUNCTION, …CLOSESOCKETFUNCTION. */
int httpc_before_sending(void *arg, char *peer_ip, char *own_ip, int peer_port,
    int own_port);
curl_socket_t httpc_open_socket(void *arg, curlsocktype purpose,
    struct curl_sockaddr *to);
int httpc_close_socket(void *arg, curl_socket_t fd);

/* CURLOPT_HEADERFUNCTION, CURLOPT_WRITEFUNCTION. */
size_t httpc_take_header(char *data, size_t size, size_t n, void *arg);
size_t httpc_take_body(char *data, size_t size, size_t n, void *arg);

/* False when the complete answer is no final answer. */
bool httpc_read_answer(CURL *c, struct httpc_answer *a);

#endif
