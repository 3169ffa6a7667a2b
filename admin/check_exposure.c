/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "check.h"

#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64url.h"
#include "pending.h"
#include "urlenc.h"

#define SUFFIXES 6		/* folders above a file that are tried */

static const struct check_kind exposed = { "exposed", CHECK_WRONG,
    "Everybody on the internet can fetch it." };
static const struct check_kind below = { "document_root", CHECK_WRONG,
    "Folders of this name are what web servers hand out: one mistake in their "
    "configuration, and everybody can fetch it." };
static const struct check_kind near = { "document_root", CHECK_NOTE,
    "Web servers look for what they hand out near there; make sure that this "
    "folder is not among it." };

/* ---- by name ---------------------------------------------------------- */

static bool
has_component(const char *path, const char *const names[])
{
	size_t len;

	for (; *names != NULL; names++) {
		const char *p = path;

		len = strlen(*names);
		while ((p = strstr(p, *names)) != NULL) {
			if (p > path && p[-1] == '/' && p[len] == '/')
				return true;
			p += len;
		}
	}
	return false;
}

/* True after a finding; after the site was asked the place alone is none. */
static bool
looks_public(struct check *c, const char *path, bool asked)
{
	static const char *const roots[] = { "public_html", "htdocs",
	    "httpdocs", "wwwroot", "webroot", "html", "cgi-bin", NULL };
	static const char *const places[] = { "/var/www/", "/srv/www/",
	    "/srv/http/", "/usr/share/nginx/", NULL };
	char *real = realpath(path, NULL);
	const struct check_kind *kind = NULL;
	size_t i;

	if (real == NULL)
		return false;
	if (has_component(real, roots))
		kind = &below;
	for (i = 0; kind == NULL && !asked && places[i] != NULL; i++)
		if (strncmp(real, places[i], strlen(places[i])) == 0)
			kind = &near;
	free(real);
	if (kind == NULL)
		return false;
	check_found(c, kind, "%s: may be below a document root", path);
	return true;
}

/* ---- by asking -------------------------------------------------------- */

static bool
head(struct check *c, const char *url, int64_t *length, int *status)
{
	struct httpc_request req = { .method = HTTPC_HEAD, .url = url,
	    .accept = "*/*", .allow_http = !c->a->conf->secure,
	    .ca_file = c->a->ca_file };
	struct httpc_answer a;
	const char *text;
	bool ok;

	httpc_answer_init(&a);
	ok = check_ask(c, &req, &a);
	text = ok ? httpc_header(c->http, "Content-Length") : NULL;
	*length = text != NULL ? strtoll(text, NULL, 10) : -1;
	*status = a.status;
	httpc_answer_clear(&a);
	return ok;
}

/*
 * A 200 whose length is the file's; or one where a name that can't exist, at
 * the same place, gets another answer. Nothing of the file is fetched.
 */
static bool
is_served(struct check *c, const char *url, const char *path)
{
	struct buf other = BUF_INIT(8192);
	char random[SECRET_CHARS + 1];
	int64_t length;
	struct stat st;
	int status;
	bool served;

	if (!head(c, url, &length, &status) || status != 200)
		return false;
	if (stat(path, &st) == 0 && length == st.st_size && length > 0)
		return true;
	pending_new_secret(random);
	buf_fmt(&other, "%s-%s", url, random);
	served = head(c, buf_cstr(&other), &length, &status) &&
	    (status == 404 || status == 403);
	buf_clear(&other);
	return served;
}

/* Percent-encode what is not plain in a path. */
static void
add_path(struct buf *url, const char *path)
{
	for (; *path != '\0'; path++) {
		size_t n = strcspn(path, "/");

		if (n > 0) {
			struct buf name = BUF_INIT(4096);

			buf_add(&name, path, n);
			urlenc_add(url, buf_cstr(&name));
			buf_clear(&name);
			path += n;
		}
		if (*path == '\0')
			return;
		buf_char(url, '/');
	}
}

/* /d, /c/d, /b/c/d … of /a/b/c/d below the site's origin. */
static bool
ask_for(struct check *c, const char *path, bool *reached)
{
	const char *suffix = path + strlen(path);
	struct buf url = BUF_INIT(16384);
	bool served = false;
	int64_t length;
	int i, status;

	for (i = 0; !served && i < SUFFIXES && suffix > path; i++) {
		do
			suffix--;
		while (suffix > path && *suffix != '/');
		buf_reset(&url);
		buf_str(&url, c->a->conf->origin);
		add_path(&url, suffix);
		if (i == 0 && !(*reached = head(c, buf_cstr(&url), &length,
		    &status)))
			break;
		served = is_served(c, buf_cstr(&url), path);
	}
	if (served)
		check_found(c, &exposed, "%s is handed out at %s", path,
		    buf_cstr(&url));
	buf_clear(&url);
	return served;
}

void
check_exposure(struct check *c)
{
	const struct conf *conf = c->a->conf;
	struct buf token = BUF_INIT(8192);
	struct {
		const char	*key;	/* that says where it is */
		const char	*place;	/* what is moved */
		const char	*path;	/* what is asked for */
	} files[3] = {
		{ "database", conf->database, conf->database },
		{ "keys", conf->keys, NULL },
		{ NULL, conf->file, conf->file },
	};
	bool reached = c->http != NULL, found = false;
	size_t i;

	buf_fmt(&token, "%s/token.key", conf->keys);
	files[1].path = buf_cstr(&token);
	for (i = 0; i < 3; i++) {
		if ((reached && ask_for(c, files[i].path, &reached)) ||
		    looks_public(c, files[i].path, reached)) {
			check_mend_move(c, files[i].key,
			    files[i].place);
			found = true;
		}
	}
	if (!found)
		check_good(c, "database, keys and configuration are not "
		    "handed out%s", reached ? "" : ", by their names");
	buf_clear(&token);
}
