/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "conf.h"
#include "limit.h"
#include "log.h"
#include "template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libconfuse leaks a call's arguments and titles when parsing ends early. */
const char *
__lsan_default_suppressions(void)
{
	return "leak:libconfuse\n";
}

static char dir[256], file[300];

static void
clean_up(void)
{
	unlink(file);
	rmdir(dir);
}

static void
set_up(void)
{
	const char *base = getenv("TMPDIR");

	snprintf(dir, sizeof(dir), "%s/fuzz-conf.XXXXXX",
	    base != NULL ? base : "/tmp");
	if (mkdtemp(dir) == NULL)
		abort();
	snprintf(file, sizeof(file), "%s/oauth-cgi.conf", dir);
	atexit(clean_up);
}

static void
no_log(void *arg, const char *line)
{
	(void)arg;
	if (strlen(line) > 1200)
		abort();
}

static const char *
sample_of(void *arg, const char *name)
{
	const struct provider_field *f = provider_field(arg, name);

	if (f == NULL)
		abort();
	return f->fallback != NULL ? f->fallback : f->example;
}

/* What a provider is asked at is https, or http to this machine. */
static void
check_url(const char *url)
{
	char *origin = conf_url_origin(url);

	if (origin == NULL || (strncmp(origin, "https:", 6) != 0 &&
	    !conf_is_loopback(origin)) || strchr(url, '#') != NULL)
		abort();
	free(origin);
}

/* So is what the samples of its fields make of it. */
static void
check_template(const struct provider *p, const char *url)
{
	struct provider copy = *p;	/* sample_of() has no const argument */
	struct buf whole = BUF_INIT(LIMIT_URL);

	if (!template_has_fields(url)) {
		check_url(url);
		return;
	}
	if (!template_expand(url, sample_of, &copy, &whole) ||
	    buf_failed(&whole))
		abort();
	check_url(buf_cstr(&whole));
	buf_clear(&whole);
}

static void
check_provider(const struct provider *p)
{
	size_t i;

	if (!conf_is_name(p->name) || p->client_id == NULL ||
	    p->client_id[0] == '\0' || p->scope == NULL ||
	    p->callback_path == NULL)
		abort();
	if ((p->auth == AUTH_NONE) != (p->client_secret == NULL))
		abort();
	check_template(p, p->authorize_url);
	check_template(p, p->token_url);
	check_template(p, p->refresh_url);
	check_url(p->redirect_uri);
	if (p->revoke_url != NULL)
		check_template(p, p->revoke_url);
	for (i = 0; i < p->apps.count; i++)
		if (!conf_is_name(p->apps.list[i]))
			abort();
}

/*
 * Any bytes as a configuration file: it is refused, or what it says keeps
 * the promises of conf.h.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf *c;
	enum err e;
	size_t i;
	int fd;

	if (file[0] == '\0')
		set_up();
	fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
	log_stream(no_log, NULL);
	e = conf_load(file, true, &c);
	log_stream(NULL, NULL);
	if ((e == ERR_OK) != (c != NULL) || (e != ERR_OK && e != ERR_CONFIG))
		abort();
	if (c == NULL)
		return 0;
	if (c->url == NULL || c->url[strlen(c->url) - 1] == '/' ||
	    c->database[0] != '/' || c->keys[0] != '/' ||
	    (!c->secure && !conf_is_loopback(c->origin)))
		abort();
	for (i = 0; i < c->provider_count; i++)
		check_provider(&c->providers[i]);
	conf_free(c);
	return 0;
}
