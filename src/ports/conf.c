/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "conf.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf_internal.h"
#include "limit.h"
#include "log.h"
#include "wipe.h"
#include "xalloc.h"

static const char *const identity_words[] = { "ticket", "remote_user" };
static const char *const journal_words[] = { "auto", "wal", "delete" };

static void
site_lacks(struct conf_build *b, const struct conf_section *s,
    enum site_key k, const char *example)
{
	const char *key = conf_kinds[SECTION_SITE].keys[k].name;

	if (s->set[k].value != NULL)
		return;
	conf_complain(&s->place, "the site section lacks %s; write %s = "
	    "\"%s\"", key, key, example);
	b->failed = true;
}

static void
build_url(struct conf_build *b, const struct conf_setting *set)
{
	struct conf *c = b->conf;
	const char *problem;
	struct conf_url u;
	size_t len;

	if (set->value == NULL)
		return;
	problem = conf_url_problem(set->value, URL_LOOPBACK);
	if (problem != NULL) {
		conf_fail(b, set, "%s", problem);
		return;
	}
	if (!conf_url_parse(set->value, &u))
		return;		/* conf_url_problem() would have said so */
	len = strlen(u.rest);
	if (len > 0 && u.rest[len - 1] == '/')
		len--;
	if (conf_url_plain_path(u.rest, len)) {
		c->url = xstrndup(set->value,
		    (size_t)(u.rest - set->value) + len);
		c->path = xstrndup(u.rest, len);
		c->origin = xstrdup(u.origin);
		c->host = xstrdup(strstr(u.origin, "://") + 3);
		c->secure = u.secure;
	} else {
		conf_fail(b, set, "may hold only plain names in its path: "
		    "letters, digits and '-', '.', '_', '~', without '//'");
	}
	free(u.origin);
}

/* stderr, syslog or file:/path, the path made absolute. */
static void
build_log(struct conf_build *b, const struct conf_setting *set)
{
	const char *value = set->value != NULL ? set->value : "stderr";
	struct buf out = BUF_INIT(4096);
	char *path;

	if (strcmp(value, "stderr") == 0 || strcmp(value, "syslog") == 0) {
		buf_str(&out, value);
	} else if (strncmp(value, "file:", 5) == 0 && value[5] != '\0') {
		path = conf_path(b, value + 5);
		buf_fmt(&out, "file:%s", path != NULL ? path : "");
		if (path == NULL || buf_failed(&out))
			conf_fail(b, set, "is too long for a path");
		free(path);
	} else {
		conf_fail(b, set, "must be stderr, syslog or file:/path");
	}
	if (!buf_failed(&out))
		b->conf->log = xstrdup(buf_cstr(&out));
	buf_clear(&out);
}

/* Who names a folder expects it to count; the usual one may be missing. */
static void
build_pages(struct conf_build *b, const struct conf_setting *set)
{
	struct stat st;

	b->conf->pages = set->value != NULL ? conf_file_name(b, set) :
	    conf_path(b, "pages");
	if (set->value != NULL && b->conf->pages != NULL &&
	    stat(b->conf->pages, &st) != 0 && errno == ENOENT)
		conf_fail(b, set, "names a folder that does not exist: %s",
		    b->conf->pages);
}

static void
build_site(struct conf_build *b)
{
	struct conf_section *s = NULL;
	int identity = IDENTITY_TICKET, journal = JOURNAL_AUTO;
	size_t i;

	for (i = 0; i < b->reader.section_count; i++)
		if (b->reader.sections[i].kind == SECTION_SITE)
			s = &b->reader.sections[i];
	if (s == NULL) {
		struct conf_place whole = { b->conf->file, 0 };

		conf_complain(&whole, "there is no site section; write site { "
		    "url = \"https://...\" database = \"/path\" keys = "
		    "\"/path\" }");
		b->failed = true;
		return;
	}
	if (!conf_resolve(b, s))
		return;
	site_lacks(b, s, SITE_URL, "https://shop.example/oauth");
	site_lacks(b, s, SITE_DATABASE, "/var/lib/oauth-cgi/oauth.db");
	site_lacks(b, s, SITE_KEYS, "/etc/oauth-cgi/keys");
	build_url(b, &s->set[SITE_URL]);
	if (b->conf->host != NULL)
		b->conf->name = conf_label(b, &s->set[SITE_NAME],
		    b->conf->host);
	b->conf->database = conf_file_name(b, &s->set[SITE_DATABASE]);
	b->conf->keys = conf_file_name(b, &s->set[SITE_KEYS]);
	conf_enum(b, &s->set[SITE_IDENTITY], identity_words, 2, &identity);
	conf_enum(b, &s->set[SITE_JOURNAL], journal_words, 3, &journal);
	b->conf->identity = (enum conf_identity)identity;
	b->conf->journal = (enum conf_journal)journal;
	build_log(b, &s->set[SITE_LOG]);
	build_pages(b, &s->set[SITE_PAGES]);
}

static void
build_providers(struct conf_build *b)
{
	struct conf_reader *r = &b->reader;
	struct conf *c = b->conf;
	size_t i;

	c->providers = xcalloc(r->section_count + 1, sizeof(*c->providers));
	for (i = 0; i < r->section_count; i++)
		if (r->sections[i].kind == SECTION_PROVIDER)
			conf_build_provider(b, &r->sections[i],
			    &c->providers[c->provider_count++]);
}

/* path from the current folder, and the folder that it lies in. */
static bool
locate(struct conf_build *b, const char *path)
{
	char *here = path[0] == '/' ? NULL : getcwd(NULL, 0);
	struct buf full = BUF_INIT(4096);
	char *slash;
	bool ok;

	if (path[0] != '/') {
		buf_str(&full, here != NULL ? here : "");
		buf_char(&full, '/');
	}
	buf_str(&full, path);
	ok = !buf_failed(&full) && path[0] != '\0' &&
	    (here != NULL || path[0] == '/');
	if (ok) {
		b->conf->file = xstrdup(buf_cstr(&full));
		slash = strrchr(b->conf->file, '/');
		b->folder = xstrndup(b->conf->file,
		    (size_t)(slash - b->conf->file));
	} else {
		log_error("the path of the configuration file is empty or too "
		    "long");
	}
	buf_clear(&full);
	free(here);
	return ok;
}

enum err
conf_load(const char *path, bool with_secrets, struct conf **out)
{
	struct conf_build b = { .with_secrets = with_secrets };
	enum err e = ERR_CONFIG;

	*out = NULL;
	b.conf = xcalloc(1, sizeof(*b.conf));
	if (!locate(&b, path) ||
	    conf_read_file(&b.reader, b.conf->file) != ERR_OK)
		goto out;
	build_site(&b);
	build_providers(&b);
	if (b.failed)
		goto out;
	*out = b.conf;
	b.conf = NULL;
	e = ERR_OK;
out:
	conf_presets_clear(&b);
	conf_reader_clear(&b.reader);
	free(b.folder);
	conf_free(b.conf);
	return e;
}

void
conf_free(struct conf *c)
{
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < c->provider_count; i++)
		conf_provider_clear(&c->providers[i]);
	free(c->providers);
	free(c->file);
	free(c->url);
	free(c->origin);
	free(c->host);
	free(c->path);
	free(c->name);
	free(c->database);
	free(c->keys);
	free(c->log);
	free(c->pages);
	free(c);
}

const struct provider *
conf_provider(const struct conf *c, const char *name)
{
	size_t i;

	if (name == NULL)
		return c->provider_count == 1 ? &c->providers[0] : NULL;
	for (i = 0; i < c->provider_count; i++)
		if (strcmp(c->providers[i].name, name) == 0)
			return &c->providers[i];
	return NULL;
}

const struct provider_field *
provider_field(const struct provider *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->field_count; i++)
		if (strcmp(p->fields[i].name, name) == 0)
			return &p->fields[i];
	return NULL;
}

const char *
provider_param_name(const struct provider *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->param_names.count; i++)
		if (strcmp(p->param_names.list[i].name, name) == 0)
			return p->param_names.list[i].value;
	return name;
}

bool
name_list_has(const struct name_list *l, const char *name)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		if (strcmp(l->list[i], name) == 0)
			return true;
	return false;
}

bool
conf_is_name(const char *s)
{
	size_t i;

	for (i = 0; s[i] != '\0'; i++) {
		bool alnum = (s[i] >= 'a' && s[i] <= 'z') ||
		    (s[i] >= '0' && s[i] <= '9');

		if (!alnum && (i == 0 || (s[i] != '-' && s[i] != '_')))
			return false;
	}
	return i > 0 && i <= LIMIT_NAME;
}
