/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appkey.h"
#include "clock.h"
#include "jsonout.h"
#include "wipe.h"

static bool
print_key(const struct admin *a, const char *app, const char *key)
{
	struct buf b = BUF_INIT(256);
	bool ok;

	if (a->json) {
		jsonout_open(&b);
		jsonout_str(&b, "app", app);
		jsonout_str(&b, "key", key);
		jsonout_close(&b);
	} else {
		buf_str(&b, key);
	}
	ok = printf("%s\n", buf_cstr(&b)) > 0;
	buf_clear(&b);
	return ok;
}

/* Make a key and print it alone: the only time that anybody sees it. */
static int
new_key(struct admin *a, const char *app, bool replace)
{
	char key[APPKEY_CHARS + 1];
	struct store_key row;
	enum err e = ERR_OK;

	appkey_new(app, key, &row);
	if (replace)
		e = store_key_expire_others(a->store, &row, clock_now());
	if (e == ERR_OK)
		e = store_key_add(a->store, &row);
	if (e == ERR_CONFLICT)
		admin_say("%s has two valid keys already; `oauth-cgi app key "
		    "%s --replace` ends both and makes one", app, app);
	else if (e == ERR_OK && !print_key(a, app, key))
		e = ERR_INTERNAL;
	wipe(key, sizeof(key));
	return admin_exit_of(e);
}

/* The origins of --origin in their canonical form, separated by spaces. */
static int
read_origins(const struct admin *a, struct store_app *app)
{
	struct buf all = BUF_INIT(sizeof(app->origins) - 1);
	int i, rc = ADMIN_OK;

	for (i = 0; i < a->origin_count; i++) {
		char *origin = conf_url_origin(a->origins[i]);
		size_t len = strlen(a->origins[i]);

		/* An origin and nothing more, but for one slash. */
		if (len > 0 && a->origins[i][len - 1] == '/')
			len--;
		if (origin != NULL && strncmp(origin, "http:", 5) == 0 &&
		    !conf_is_loopback(origin)) {
			admin_say("%s is not https, so anybody on the way "
			    "could read tickets", a->origins[i]);
			rc = ADMIN_USAGE;
		} else if (origin == NULL || strcspn(a->origins[i] + 8, "/?#") + 8 <
		    len) {
			admin_say("%s is not an origin; write it like "
			    "https://shop.example", a->origins[i]);
			rc = ADMIN_USAGE;
		} else {
			if (all.len > 0)
				buf_char(&all, ' ');
			buf_str(&all, origin);
		}
		free(origin);
	}
	if (buf_failed(&all)) {
		admin_say("too many origins");
		rc = ADMIN_USAGE;
	} else {
		snprintf(app->origins, sizeof(app->origins), "%s",
		    buf_cstr(&all));
	}
	buf_clear(&all);
	return rc;
}

static int
add(struct admin *a, const char *name)
{
	struct store_app app = { .created_at = clock_now() };
	enum err e;
	int rc;

	if ((rc = read_origins(a, &app)) != ADMIN_OK)
		return rc;
	snprintf(app.name, sizeof(app.name), "%s", name);
	e = store_app_add(a->store, &app);
	if (e == ERR_CONFLICT)
		admin_say("there is an app %s already; `oauth-cgi app key %s` "
		    "makes a second key", name, name);
	return e == ERR_OK ? new_key(a, name, false) : admin_exit_of(e);
}

static int
key(struct admin *a, const char *name)
{
	struct store_app app;
	int rc;

	a->app = name;
	if ((rc = admin_app(a, &app)) != ADMIN_OK)
		return rc;
	return new_key(a, name, a->replace);
}

/* The backend has the newest key: the one before it may go. */
static int
retire(struct admin *a, const char *name)
{
	struct store_app app;
	int64_t ended;
	enum err e;
	int rc;

	a->app = name;
	if ((rc = admin_app(a, &app)) != ADMIN_OK)
		return rc;
	e = store_key_expire_older(a->store, name, clock_now(), &ended);
	if (e == ERR_OK && ended == 0) {
		admin_say("%s has no older key; `oauth-cgi app key %s` makes "
		    "a newer one", name, name);
		return ADMIN_REFUSED;
	}
	if (e == ERR_OK)
		admin_say("only the newest key of %s is good now", name);
	return admin_exit_of(e);
}

static int
remove_app(struct admin *a, const char *name)
{
	enum err e = store_app_remove(a->store, name);

	if (e == ERR_NOT_FOUND)
		admin_say("there is no app %s", name);
	else if (e == ERR_CONFLICT)
		admin_say("%s still has connections; see: oauth-cgi list "
		    "--app %s", name, name);
	return admin_exit_of(e);
}

static bool
print_one(void *arg, const struct store_app *app)
{
	const struct admin *a = arg;
	struct buf b = BUF_INIT(8192);
	char when[32];

	if (a->json) {
		jsonout_open(&b);
		jsonout_str(&b, "app", app->name);
		jsonout_str(&b, "origins", app->origins);
		jsonout_int(&b, "created_at", app->created_at);
		jsonout_close(&b);
		printf("%s\n", buf_cstr(&b));
	} else {
		admin_time(app->created_at, when);
		printf("%-20s %s  %s\n", app->name, when, app->origins);
	}
	buf_clear(&b);
	return true;
}

int
cmd_app(struct admin *a)
{
	static const struct {
		const char	*verb;
		int		(*run)(struct admin *a, const char *name);
	} verbs[] = {
		{ "add", add }, { "key", key }, { "retire", retire },
		{ "remove", remove_app },
	};
	size_t i;
	int rc;

	if (strcmp(a->argv[0], "list") == 0 && a->argc == 1) {
		if ((rc = admin_open(a)) != ADMIN_OK)
			return rc;
		return admin_exit_of(store_app_each(a->store, print_one, a));
	}
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(a->argv[0], verbs[i].verb) != 0)
			continue;
		if (a->argc != 2)
			break;
		if (!conf_is_name(a->argv[1])) {
			admin_say("NAME is 1 to 32 of a-z, 0-9, - and _, and "
			    "begins with a letter or digit");
			return ADMIN_USAGE;
		}
		if ((rc = admin_open(a)) != ADMIN_OK)
			return rc;
		return verbs[i].run(a, a->argv[1]);
	}
	admin_say("app add NAME, app key NAME, app retire NAME, app list, or "
	    "app remove NAME");
	return ADMIN_USAGE;
}
