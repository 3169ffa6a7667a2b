/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "conf.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf_internal.h"
#include "embed.h"
#include "secretfile.h"
#include "wipe.h"
#include "xalloc.h"

#define SUFFIX ".conf"

/* folder/providers, or the preset's file in it. */
static char *
beside(const struct conf_build *b, const char *name)
{
	struct buf path = BUF_INIT(8192);
	char *copy;

	buf_str(&path, b->folder);
	buf_str(&path, "/providers");
	if (name != NULL)
		buf_fmt(&path, "/%s" SUFFIX, name);
	copy = buf_failed(&path) ? NULL : xstrdup(buf_cstr(&path));
	buf_clear(&path);
	return copy;
}

static const struct embedded_file *
embedded(const char *name)
{
	const struct embedded_file *f;
	size_t len = strlen(name);

	for (f = embedded_presets; f->name != NULL; f++)
		if (strncmp(f->name, name, len) == 0 &&
		    strcmp(f->name + len, SUFFIX) == 0)
			return f;
	return NULL;
}

bool
conf_has_preset(const struct conf_build *b, const char *name)
{
	char *path = beside(b, name);
	bool yes = embedded(name) != NULL ||
	    (path != NULL && access(path, F_OK) == 0);

	free(path);
	return yes;
}

typedef void preset_tell(void *arg, const char *name, const char *file);

/* Of a file's name; where it lies beside the configuration, it is read. */
static void
tell_of(const struct conf_build *b, const char *file, preset_tell *tell,
    void *arg)
{
	size_t len = strlen(file);
	char *name, *path;

	if (len <= strlen(SUFFIX) ||
	    strcmp(file + len - strlen(SUFFIX), SUFFIX) != 0)
		return;
	name = xstrndup(file, len - strlen(SUFFIX));
	path = beside(b, name);
	if (conf_is_name(name))
		tell(arg, name, path != NULL && access(path, F_OK) == 0 ?
		    path : NULL);
	free(path);
	free(name);
}

static void
each_preset(const struct conf_build *b, preset_tell *tell, void *arg)
{
	const struct embedded_file *f;
	struct dirent *d;
	char *path = beside(b, NULL);
	DIR *dir = path != NULL ? opendir(path) : NULL;

	for (f = embedded_presets; f->name != NULL; f++)
		tell_of(b, f->name, tell, arg);
	while (dir != NULL && (d = readdir(dir)) != NULL)
		for (f = embedded_presets;; f++) {
			if (f->name == NULL) {
				tell_of(b, d->d_name, tell, arg);
				break;
			}
			if (strcmp(f->name, d->d_name) == 0)
				break;
		}
	if (dir != NULL)
		closedir(dir);
	free(path);
}

void
conf_each_preset(const struct conf *c, preset_tell *tell, void *arg)
{
	struct conf_build b = { .folder = xstrndup(c->file,
	    (size_t)(strrchr(c->file, '/') - c->file)) };

	each_preset(&b, tell, arg);
	free(b.folder);
}

static void
add_name(void *arg, const char *name, const char *file)
{
	struct buf *out = arg;

	(void)file;
	/* A list for people: it ends where it would get too long. */
	if (out->len + strlen(name) + 2 < out->max) {
		buf_str(out, out->len > 0 ? ", " : "");
		buf_str(out, name);
	}
}

/* The known presets, for a message. */
void
conf_preset_names(const struct conf_build *b, struct buf *out)
{
	each_preset(b, add_name, out);
}

static struct conf_reader *
new_reader(struct conf_build *b)
{
	struct conf_reader *r = xcalloc(1, sizeof(*r));

	r->preset = true;
	r->next = b->presets;
	b->presets = r;
	return r;
}

/* The one section of that preset; NULL when none, or after a complaint. */
static struct conf_section *
load_preset(struct conf_build *b, const char *name)
{
	struct buf text = BUF_INIT(CONF_FILE_MAX), label = BUF_INIT(256);
	const struct embedded_file *f = embedded(name);
	struct conf_section *s = NULL;
	struct conf_reader *r;
	struct conf_place at;
	char *path = beside(b, name);
	enum err e = path != NULL ? secretfile_read_public(path, &text) :
	    ERR_NOT_FOUND;

	if (e == ERR_NOT_FOUND && f == NULL)
		goto out;
	r = new_reader(b);
	if (e == ERR_NOT_FOUND) {
		buf_fmt(&label, "preset %s", name);
		e = conf_read_text(r, buf_cstr(&label), f->text,
		    strlen(f->text));
	} else if (e == ERR_OK) {
		e = conf_read_text(r, path, buf_cstr(&text), text.len);
	}
	if (e != ERR_OK) {
		b->failed = true;
		goto out;
	}
	s = r->sections;
	if (r->section_count != 1 || strcmp(s->title, name) != 0) {
		at.file = r->sources->name;
		at.line = r->section_count > 0 ? s->place.line : 0;
		conf_complain(&at, "a preset holds one section of its own "
		    "name; write provider %s {", name);
		b->failed = true;
		s = NULL;
	}
out:
	buf_clear(&text);
	buf_clear(&label);
	free(path);
	return s;
}

static void
unknown_preset(struct conf_build *b, const struct conf_setting *set)
{
	struct buf names = BUF_INIT(500);

	conf_preset_names(b, &names);
	conf_fail(b, set, "names a preset that does not exist; there is: %s",
	    names.len > 0 ? buf_cstr(&names) : "none");
	buf_clear(&names);
}

/* What `to` does not set of the preset's section becomes its own. */
static void
take_settings(struct conf_section *to, struct conf_section *from)
{
	size_t i;

	for (i = 0; i < conf_kinds[to->kind].count; i++) {
		if (to->kind == SECTION_PROVIDER && i == KEY_PRESET)
			continue;
		if (to->set[i].value == NULL) {
			to->set[i] = from->set[i];
			from->set[i].value = NULL;
		}
	}
}

/* The same for its fields, each by its name. */
static void
take_fields(struct conf_section *to, struct conf_section *from)
{
	struct conf_section *f, **at;

	while ((f = from->fields) != NULL) {
		from->fields = f->next;
		f->next = NULL;
		for (at = &to->fields; *at != NULL; at = &(*at)->next)
			if (strcmp((*at)->title, f->title) == 0)
				break;
		if (*at == NULL) {
			*at = f;
			continue;
		}
		take_settings(*at, f);
		conf_section_clear(f);
		free(f);
	}
}

bool
conf_apply_preset(struct conf_build *b, struct conf_section *s)
{
	const struct conf_setting *named = &s->set[KEY_PRESET];
	const char *name = s->title;
	struct conf_section *from;
	unsigned depth;

	for (depth = 0;; depth++) {
		bool failed = b->failed;

		if (named->value != NULL)
			name = named->value;
		else if (depth > 0 || !conf_has_preset(b, name))
			return true;
		if (name[0] == '\0')
			return true;
		if (depth == CONF_PRESETS) {
			conf_fail(b, named, "goes from preset to preset, more "
			    "than %d; name the last one", CONF_PRESETS);
			return false;
		}
		b->failed = false;
		from = conf_is_name(name) ? load_preset(b, name) : NULL;
		if (from == NULL) {
			if (!b->failed && named->value != NULL)
				unknown_preset(b, named);
			b->failed = true;
			return false;
		}
		b->failed = failed;
		take_settings(s, from);
		take_fields(s, from);
		named = &from->set[KEY_PRESET];
	}
}

void
conf_presets_clear(struct conf_build *b)
{
	struct conf_reader *r;

	while ((r = b->presets) != NULL) {
		b->presets = r->next;
		conf_reader_clear(r);
		free(r);
	}
}
