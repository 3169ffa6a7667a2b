/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "conf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_internal.h"
#include "limit.h"
#include "log.h"
#include "secretfile.h"
#include "urlenc.h"
#include "wipe.h"
#include "xalloc.h"

#define SECONDS_MAX	315360000	/* ten years */

/* What stands for a client_secret that nobody asked for. */
#define NOT_READ	"*"

void
conf_fail(struct conf_build *b, const struct conf_setting *s, const char *fmt,
    ...)
{
	char text[800];
	va_list ap;

	b->failed = true;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	conf_complain(&s->place, "%s %s", s->key->name, text);
}

/* The same path without "..", if its folder is there; takes the old one. */
static char *
without_dots(char *path)
{
	char *slash = strrchr(path, '/'), *folder, *real, *out = NULL;

	folder = xstrndup(path, (size_t)(slash - path));
	if ((real = realpath(folder, NULL)) != NULL &&
	    asprintf(&out, "%s%s", strcmp(real, "/") == 0 ? "" : real,
	    slash) < 0)
		log_die("out of memory");
	free(real);
	free(folder);
	if (out == NULL)
		return path;
	free(path);
	return out;
}

/* A path as it is, or below the configuration file's folder. */
char *
conf_path(const struct conf_build *b, const char *path)
{
	struct buf out = BUF_INIT(8192);
	char *copy;

	if (path[0] != '/') {
		buf_str(&out, b->folder);
		buf_char(&out, '/');
	}
	buf_str(&out, path);
	copy = buf_failed(&out) ? NULL : xstrdup(buf_cstr(&out));
	buf_clear(&out);
	return copy != NULL && strstr(copy, "/../") != NULL ?
	    without_dots(copy) : copy;
}

/* Put the content of file:/path in the place of the name. */
static bool
read_value(struct conf_build *b, struct conf_setting *s)
{
	struct buf text = BUF_INIT(CONF_VALUE_MAX);
	char *path = conf_path(b, s->value + 5);
	bool ok = false;
	enum err e;

	if (path == NULL || s->value[5] == '\0') {
		conf_fail(b, s, "names no file; write file:/path");
		goto out;
	}
	e = secretfile_read(path, &text);
	if (e != ERR_OK) {
		conf_fail(b, s, e == ERR_NOT_FOUND ?
		    "names a file that does not exist; create it: %s" :
		    "names a file that can't be used: %s", path);
		goto out;
	}
	if (text.len > 0 && text.data[text.len - 1] == '\n')
		buf_cut(&text, text.len - 1);
	if (text.len == 0) {
		conf_fail(b, s, "names a file that is empty; put the value "
		    "into it: %s", path);
		goto out;
	}
	/* A NUL, now the end of it, is refused like any control character. */
	if (memchr(text.data, '\0', text.len) != NULL) {
		conf_fail(b, s, "names a file with a NUL byte; it must be "
		    "plain text: %s", path);
		goto out;
	}
	wipe_str(s->value);
	s->value = xstrdup(buf_cstr(&text));
	ok = true;
out:
	buf_clear(&text);
	free(path);
	return ok;
}

static bool
resolve(struct conf_build *b, struct conf_setting *s, bool secret)
{
	const char *p;

	if (secret && !b->with_secrets && s->value[0] != '\0') {
		wipe_str(s->value);
		s->value = xstrdup(NOT_READ);
		return true;
	}
	if ((s->key->flags & CONF_VERBATIM) == 0 &&
	    strncmp(s->value, "file:", 5) == 0 && !read_value(b, s))
		return false;
	if (s->value[0] == '\0' && (s->key->flags & CONF_EMPTY) == 0) {
		conf_fail(b, s, "is empty; give it a value (an environment "
		    "variable that is not set counts as empty)");
		return false;
	}
	for (p = s->value; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f) {
			conf_fail(b, s, "holds a line break or another control "
			    "character; write it in one line");
			return false;
		}
	if (!urlenc_is_utf8(s->value, strlen(s->value))) {
		conf_fail(b, s, "is not UTF-8; save it with that encoding");
		return false;
	}
	return true;
}

/* After a failure the section is not looked at further: one cause, one line. */
bool
conf_resolve(struct conf_build *b, struct conf_section *s)
{
	bool ok = true;
	size_t i;

	for (i = 0; i < conf_kinds[s->kind].count; i++) {
		struct conf_setting *set = &s->set[i];

		if (set->value == NULL)
			continue;
		if (!resolve(b, set, s->kind == SECTION_PROVIDER &&
		    i == KEY_CLIENT_SECRET))
			ok = false;
	}
	return ok;
}

/* *out stays as it was when the setting is not given. */
void
conf_enum(struct conf_build *b, const struct conf_setting *s,
    const char *const *words, size_t n, int *out)
{
	struct buf list = BUF_INIT(256);
	size_t i;

	if (s->value == NULL)
		return;
	for (i = 0; i < n; i++) {
		if (strcmp(s->value, words[i]) == 0) {
			*out = (int)i;
			buf_clear(&list);
			return;
		}
		buf_str(&list, i == 0 ? "" : i + 1 == n ? " or " : ", ");
		buf_str(&list, words[i]);
	}
	conf_fail(b, s, "must be %s", buf_cstr(&list));
	buf_clear(&list);
}

void
conf_bool(struct conf_build *b, const struct conf_setting *s, bool *out)
{
	if (s->value == NULL)
		return;
	if (strcmp(s->value, "yes") == 0 || strcmp(s->value, "true") == 0 ||
	    strcmp(s->value, "on") == 0)
		*out = true;
	else if (strcmp(s->value, "no") == 0 ||
	    strcmp(s->value, "false") == 0 || strcmp(s->value, "off") == 0)
		*out = false;
	else
		conf_fail(b, s, "must be yes or no");
}

void
conf_seconds(struct conf_build *b, const struct conf_setting *s, int64_t *out)
{
	const char *p = s->value;
	int64_t n = 0;

	if (p == NULL)
		return;
	for (; *p >= '0' && *p <= '9' && n <= SECONDS_MAX; p++)
		n = n * 10 + (*p - '0');
	if (p == s->value || *p != '\0' || n > SECONDS_MAX)
		conf_fail(b, s, "must be whole seconds, 0 to %d, without a "
		    "unit", SECONDS_MAX);
	else
		*out = n;
}

/* A name that people read, or a copy of what stands for it otherwise. */
char *
conf_label(struct conf_build *b, const struct conf_setting *s,
    const char *otherwise)
{
	if (s->value == NULL)
		return xstrdup(otherwise);
	if (strlen(s->value) > LIMIT_LABEL)
		conf_fail(b, s, "is longer than %d bytes, which no page has "
		    "room for", LIMIT_LABEL);
	return xstrdup(s->value);
}

/* A path as an absolute one; NULL when not given, or after a complaint. */
char *
conf_file_name(struct conf_build *b, const struct conf_setting *s)
{
	char *path;

	if (s->value == NULL || s->value[0] == '\0')
		return NULL;
	path = conf_path(b, s->value);
	if (path == NULL || strlen(path) >= 4096) {
		conf_fail(b, s, "is too long for a path");
		free(path);
		return NULL;
	}
	return path;
}
