/* SPDX-License-Identifier: ISC */
#ifndef OAC_APP_H
#define OAC_APP_H

/*
 * app - the skeleton of a web program: options, configuration, lock-down,
 * workers, and the loop. A program is a table and a handler.
 *
 * As plain CGI it answers one request. As FastCGI it serves the socket on
 * descriptor 0: in one process that never ends by itself, or, with
 * OAUTH_CGI_WORKERS=N in its initial environment, in N forked workers that
 * share what was read before (configuration, keys), end after WORKER_REQUESTS
 * requests and are replaced.
 *
 * What is missing or wrong (configuration, keys, database) is logged, answered
 * with 503, and tried again at a later request; it never ends the process.
 */
#include <stdbool.h>

#include "request.h"
#include "response.h"
#include "store.h"

struct context;

#define APP_PENDING_KEYS	(1 << 0)
#define APP_TOKEN_KEYS		(1 << 1)
#define APP_NETWORK		(1 << 2)	/* httpc, and client secrets */

struct app_spec {
	const char	*name;		/* "start": for logs and --help */
	unsigned	 methods;	/* METHOD_… or'ed; HEAD is not implied */
	const char	*allow;		/* the same as a header value */
	enum store_role	 role;
	unsigned	 needs;		/* APP_… or'ed */
	bool		 json_only;	/* never pages: errors are JSON */
	bool		 again;		/* after a 503 a page offers the same GET */
	void	(*handle)(const struct context *ctx, struct request *req,
		    struct response *res);
};

int app_main(int argc, char *argv[], const struct app_spec *spec);

#endif
