/* SPDX-License-Identifier: ISC */

/*
 * start - a web form links here; the browser leaves for the provider's consent
 * page with state and PKCE challenge. See oauth-cgi-start(8).
 */
#include "config.h"

#include "app.h"
#include "flow.h"

static const struct app_spec start = {
	.name	 = "start",
	.methods = METHOD_GET | METHOD_HEAD | METHOD_POST,
	.allow	 = "GET, HEAD, POST",
	.role	 = STORE_ROLE_START,
	.needs	 = APP_PENDING_KEYS,
	.handle	 = flow_start,
};

int
main(int argc, char *argv[])
{
	return app_main(argc, argv, &start);
}
