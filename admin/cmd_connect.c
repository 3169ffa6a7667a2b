/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "admin.h"

#include <stdio.h>

#include "clock.h"
#include "jsonout.h"
#include "pending.h"
#include "wipe.h"

static void
print_link(const struct admin *a, const struct store_link *link,
    const char *secret)
{
	struct buf url = BUF_INIT(2 * LIMIT_URL), b = BUF_INIT(4 * LIMIT_URL);

	buf_fmt(&url, "%s/start?link=%s", a->conf->url, secret);
	if (a->json) {
		jsonout_open(&b);
		jsonout_str(&b, "url", buf_cstr(&url));
		jsonout_int(&b, "expires_at", link->expires_at);
		jsonout_close(&b);
	}
	printf("%s\n", buf_cstr(a->json ? &b : &url));
	buf_clear(&url);
	buf_clear(&b);
}

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
		print_link(a, &link, secret);
		admin_say("open it within %d minutes; whoever does binds his "
		    "account to %s", START_LINK_TTL / 60, a->argv[1]);
	}
	wipe(secret, sizeof(secret));
	return admin_exit_of(e);
}
