/* SPDX-License-Identifier: ISC */

/*
 * refresh - the site's backend asks here, and gets an access token that is
 * valid. See oauth-cgi-refresh(8).
 */
#include "config.h"

#include "app.h"
#include "flow.h"

static const struct app_spec refresh = {
	.name	   = "refresh",
	.methods   = METHOD_POST,
	.allow	   = "POST",
	.role	   = STORE_ROLE_REFRESH,
	.needs	   = APP_TOKEN_KEYS | APP_NETWORK,
	.json_only = true,
	.handle	   = flow_refresh,
};

int
main(int argc, char *argv[])
{
	return app_main(argc, argv, &refresh);
}
