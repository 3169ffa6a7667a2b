/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "fields.h"
#include "xalloc.h"

#define NEEDS_CONF	(1 << 0)
#define NEEDS_STORE	(1 << 1)
#define NEEDS_NETWORK	(1 << 2)

static const struct {
	const char	*theme;
	unsigned	 needs;
	void		(*run)(struct check *c);
} checks[] = {
	{ "configuration", 0, check_configuration },
	{ "pages", NEEDS_CONF, check_pages },
	{ "programs", NEEDS_CONF, check_programs },
	{ "key files", NEEDS_CONF, check_keys },
	{ "database", NEEDS_CONF, check_database },
	{ "disk", NEEDS_CONF, check_disk },
	{ "document root", NEEDS_CONF, check_exposure },
	{ "apps", NEEDS_STORE, check_apps },
	{ "connections", NEEDS_STORE, check_connections },
	{ "maintenance", NEEDS_STORE, check_maintenance },
	{ "site", NEEDS_CONF | NEEDS_NETWORK, check_site },
	{ "providers", NEEDS_CONF | NEEDS_NETWORK, check_providers },
};

static const struct check_kind no_provider = { "provider_unknown",
    CHECK_WRONG, "There is no section of that name." };
static const struct check_kind no_address = { "provider_fields", CHECK_NOTE,
    "The address is made of what each visitor says, so nobody can be asked "
    "before one has." };

/* ---- providers -------------------------------------------------------- */

/* One of p's URLs, with the defaults of its fields; NULL: it needs a visitor. */
static char *
address(struct check *c, const struct provider *p, const char *url)
{
	struct fields none = { .count = 0 };
	struct buf b = BUF_INIT(LIMIT_URL);
	char *out = NULL;

	if (fields_expand(&none, p, url, &b))
		out = xstrdup(buf_cstr(&b));
	buf_clear(&b);
	check_unsaid(c);
	return out;
}

void
check_provider(struct check *c, const struct provider *p)
{
	struct provider settled = *p;
	char words[LIMIT_NAME + 16];

	settled.authorize_url = address(c, p, p->authorize_url);
	settled.token_url = address(c, p, p->token_url);
	if (settled.authorize_url != NULL)
		check_authorize(c, &settled);
	if (settled.token_url != NULL)
		check_client(c, &settled);
	if (settled.authorize_url == NULL || settled.token_url == NULL) {
		check_found(c, &no_address, "provider %s: %s", p->name,
		    settled.token_url == NULL ? p->token_url :
		    p->authorize_url);
		check_mend(c, "# connect an account of your own; the log says "
		    "how it goes:");
		snprintf(words, sizeof(words), "connect %s test", p->name);
		check_mend_command(c, words);
	}
	free(settled.authorize_url);
	free(settled.token_url);
}

void
check_providers(struct check *c)
{
	const struct conf *conf = c->a->conf;
	bool found = false;
	size_t i;

	for (i = 0; i < conf->provider_count; i++) {
		if (c->a->provider != NULL && strcmp(c->a->provider,
		    conf->providers[i].name) != 0)
			continue;
		check_provider(c, &conf->providers[i]);
		found = true;
	}
	if (found)
		return;
	check_found(c, &no_provider, "%s: there is no provider %s",
	    conf->file, c->a->provider != NULL ? c->a->provider : "yet");
	check_mend(c, "# in %s:", conf->file);
	check_mend(c, "provider %s { ... }", c->a->provider != NULL ?
	    c->a->provider : "NAME");
}

/* ---- the command ------------------------------------------------------ */

/* Mends are run from anywhere: the path of the configuration as a whole. */
static char *
absolute(const char *path)
{
	char *here = path[0] == '/' ? NULL : getcwd(NULL, 0);
	struct buf b = BUF_INIT(8192);
	char *out;

	if (here != NULL)
		buf_fmt(&b, "%s/", here);
	buf_str(&b, path);
	out = xstrdup(buf_failed(&b) ? path : buf_cstr(&b));
	buf_clear(&b);
	free(here);
	return out;
}

/* How this program can be called: by its name if the shell finds it so. */
static void
find_self(struct check *c)
{
	const char *path = getenv("PATH"), *end;
	ssize_t n = readlink("/proc/self/exe", c->self, sizeof(c->self) - 1);
	const char *slash;

	c->self[n > 0 ? n : 0] = '\0';
	slash = strrchr(c->self, '/');
	c->command = slash != NULL ? c->self : "oauth-cgi";
	for (; slash != NULL && path != NULL; path = end) {
		end = path + strcspn(path, ":");
		if ((size_t)(end - path) == (size_t)(slash - c->self) &&
		    strncmp(path, c->self, (size_t)(end - path)) == 0)
			c->command = slash + 1;
		if (*end++ == '\0')
			break;
	}
}

static void
give_up(int sig)
{
	static const char text[] = "oauth-cgi: a file system or a name server "
	    "holds this up; it ends here\n";

	(void)sig;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(ADMIN_LATER);
	_exit(ADMIN_LATER);
}

/* Not alarm(): SIGALRM is the store's. */
static void
limit_time(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
	    .sigev_signo = SIGUSR2 };
	struct itimerspec end = { .it_value = { .tv_sec = CHECK_END } };
	timer_t timer;

	signal(SIGUSR2, give_up);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) == 0)
		(void)timer_settime(timer, 0, &end, NULL);
}

static unsigned
at_hand(const struct check *c)
{
	return (c->a->conf != NULL ? NEEDS_CONF : 0u) |
	    (c->a->store != NULL ? NEEDS_STORE : 0u) |
	    (c->http != NULL ? NEEDS_NETWORK : 0u);
}

static int
run(struct admin *a, bool providers_only)
{
	struct check c = { .a = a, .by_root = geteuid() == 0,
	    .until_ms = clock_mono_ms() + CHECK_TOTAL * 1000L };
	const char *given = a->conf_path;
	char *path = absolute(given);
	size_t i;
	int rc;

	a->conf_path = path;
	limit_time();
	find_self(&c);
	check_report_begin(&c);
	if (!a->offline)
		c.http = httpc_open(false);
	for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if ((checks[i].needs & ~at_hand(&c)) != 0 ||
		    (providers_only && checks[i].run != check_configuration &&
		    checks[i].run != check_providers))
			continue;
		check_theme(&c, checks[i].theme);
		checks[i].run(&c);
	}
	rc = check_exit(&c);
	check_report_end(&c);
	httpc_close(c.http);
	a->conf_path = given;
	free(path);
	return rc;
}

int
cmd_check(struct admin *a)
{
	return run(a, false);
}

int
admin_check_provider(struct admin *a)
{
	return run(a, true);
}
