/* SPDX-License-Identifier: ISC */

/*
 * callback - the provider sends the browser back here; the code is exchanged,
 * the tokens are sealed and stored, the browser returns to the site with a
 * one-time ticket. See oauth-cgi-callback(8).
 */
#include "config.h"

#include "app.h"
#include "flow.h"

static const struct app_spec callback = {
	.name	 = "callback",
	.methods = METHOD_GET | METHOD_HEAD | METHOD_POST,
	.allow	 = "GET, HEAD, POST",
	.role	 = STORE_ROLE_CALLBACK,
	.needs	 = APP_PENDING_KEYS | APP_TOKEN_KEYS | APP_NETWORK,
	.again	 = true,
	.handle	 = flow_callback,
};

int
main(int argc, char *argv[])
{
	return app_main(argc, argv, &callback);
}
