/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "admin.h"

#include <stdio.h>

#include "clock.h"
#include "pending.h"
#include "wipe.h"

int
cmd_connect(struct admin *a)
{
	struct store_link link = { .expires_at = clock_now() + START_LINK_TTL };
	char secret[SECRET_CHARS + 1];
	const struct provider *p;
	struct store_app app;
	enum err e;
	int rc;

	if ((rc = admin_open(a)) != ADMIN_OK ||
	    (rc = admin_app(a, &app)) != ADMIN_OK ||
	    (rc = admin_provider(a, a->argv[0], &p)) != ADMIN_OK ||
	    (rc = admin_subject(a->argv[1])) != ADMIN_OK)
		return rc;
	if (p->apps.count > 0 && !name_list_has(&p->apps, app.name)) {
		admin_say("provider %s is not for app %s (see `apps` in its "
		    "section)", p->name, app.name);
		return ADMIN_REFUSED;
	}
	pending_new_secret(secret);
	pending_hash(secret, link.hash);
	snprintf(link.app, sizeof(link.app), "%s", app.name);
	snprintf(link.provider, sizeof(link.provider), "%s", p->name);
	snprintf(link.subject, sizeof(link.subject), "%s", a->argv[1]);
	e = store_link_add(a->store, &link);
	if (e == ERR_OK) {
		printf("%s/start?link=%s\n", a->conf->url, secret);
		admin_say("open it within %d minutes; whoever does binds his "
		    "account to %s", START_LINK_TTL / 60, a->argv[1]);
	}
	wipe(secret, sizeof(secret));
	return admin_exit_of(e);
}
