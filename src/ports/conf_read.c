/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "conf.h"

#include <confuse.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_internal.h"
#include "log.h"
#include "secretfile.h"
#include "wipe.h"
#include "xalloc.h"

/*
 * libconfuse does the grammar; every value is taken from it as it is parsed
 * and kept here with its place, so that it stores none. Its callbacks carry no
 * argument of ours, hence `reading`.
 */
static struct conf_reader *reading;

static struct conf_place
place_of(const cfg_t *cfg)
{
	struct conf_place at = { reading->now->name,
	    cfg->line > 0 ? (unsigned)cfg->line : 0 };

	return at;
}

static void
on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	struct conf_place at = place_of(cfg);
	const char *arg = strstr(fmt, "%s") != NULL ?
	    va_arg(ap, const char *) : "";

	reading->failed = true;
	conf_explain(reading, &at, cfg->name, fmt, arg);
}

static void
begin_section(struct conf_section *s, enum conf_kind kind, const cfg_t *cfg)
{
	struct conf_source *src = reading->now;
	struct conf_opens *o = &src->opens[kind == SECTION_FIELD];

	s->kind = kind;
	s->title = cfg->title != NULL ? xstrdup(cfg->title) : NULL;
	s->place.file = src->name;
	if (o->next < o->count)
		s->place.line = o->lines[o->next++];
}

/* The section that libconfuse reads now, as ours. */
static struct conf_section *
section_of(const cfg_t *cfg)
{
	struct conf_reader *r = reading;
	struct conf_section *more, *s;

	if (strcmp(cfg->name, "field") == 0) {
		if (r->field == NULL) {
			r->field = xcalloc(1, sizeof(*r->field));
			begin_section(r->field, SECTION_FIELD, cfg);
		}
		return r->field;
	}
	if (r->open == cfg)
		return &r->sections[r->section_count - 1];
	more = xcalloc(r->section_count + 1, sizeof(*more));
	if (r->section_count > 0)
		memcpy(more, r->sections, r->section_count * sizeof(*more));
	free(r->sections);
	r->sections = more;
	s = &more[r->section_count++];
	begin_section(s, strcmp(cfg->name, "site") == 0 ? SECTION_SITE :
	    SECTION_PROVIDER, cfg);
	r->open = cfg;
	return s;
}

static void
append_item(struct conf_setting *set, const char *value)
{
	struct buf b = BUF_INIT(CONF_FILE_MAX * 2);

	buf_str(&b, set->value);
	buf_char(&b, ' ');
	buf_str(&b, value);
	wipe_str(set->value);
	set->value = xstrdup(buf_failed(&b) ? "" : buf_cstr(&b));
	buf_clear(&b);
}

static int
on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	struct conf_place at = place_of(cfg);
	struct conf_section *s;
	struct conf_setting *set;
	size_t i = (size_t)(opt - cfg->opts);

	*(const char **)result = "";
	/* A name like "provider=x|scope" reaches into another section. */
	if (cfg->name == NULL || strcmp(cfg->name, "root") == 0) {
		conf_complain(&at, "write this within its section");
		reading->failed = true;
		return -1;
	}
	s = section_of(cfg);
	set = &s->set[i];
	if (set->value != NULL && opt->nvalues < 2) {
		conf_complain(&at, "'%s' is set twice in this section, first "
		    "in line %u; remove one", opt->name, set->place.line);
		reading->failed = true;
		return -1;
	}
	if (set->value != NULL) {
		append_item(set, value);
	} else {
		set->value = xstrdup(value);
		set->key = &conf_kinds[s->kind].keys[i];
		set->place = at;
	}
	return 0;
}

static int
on_section(cfg_t *cfg, cfg_opt_t *opt)
{
	cfg_t *sec = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
	struct conf_section *s = section_of(sec), **end;

	if (s->kind == SECTION_FIELD) {
		end = &section_of(cfg)->fields;
		while (*end != NULL)
			end = &(*end)->next;
		*end = s;
		reading->field = NULL;
		return 0;
	}
	reading->open = NULL;
	if (s->kind == SECTION_SITE && cfg_opt_size(opt) > 1) {
		conf_complain(&s->place, "there are two site sections; make "
		    "them one");
		reading->failed = true;
		return -1;
	}
	return 0;
}

static struct conf_source *
push_source(struct conf_reader *r, const char *name)
{
	struct conf_source *s = xcalloc(1, sizeof(*s));

	s->name = xstrdup(name);
	buf_init(&s->text, CONF_FILE_MAX);
	s->parent = r->now;
	s->next = r->sources;
	r->sources = s;
	return s;
}

/* Hand a text over; the stream's buffer is ours, so that it can be wiped. */
static bool
parse(struct conf_reader *r, cfg_t *cfg, struct conf_source *s)
{
	char *old_name = cfg->filename, stream[4096];
	int old_line = cfg->line;
	FILE *fp = NULL;
	bool ok = false;

	r->now = s;
	if (!conf_scan(s)) {
		r->failed = true;
		goto out;
	}
	if (s->text.len == 0) {
		ok = true;
		goto out;
	}
	fp = fmemopen(s->text.data, s->text.len, "r");
	if (fp == NULL || setvbuf(fp, stream, _IOFBF, sizeof(stream)) != 0)
		log_die("no memory for %s", s->name);
	cfg->filename = xstrdup(s->name);
	ok = cfg_parse_fp(cfg, fp) == CFG_SUCCESS;
	free(cfg->filename);
	cfg->filename = old_name;
	cfg->line = old_line;
	if (!ok && !r->failed) {
		struct conf_place at = { s->name, 0 };

		conf_complain(&at, "can't be read");
		r->failed = true;
	}
out:
	if (fp != NULL)
		fclose(fp);
	wipe(stream, sizeof(stream));
	buf_clear(&s->text);
	r->now = s->parent;
	return ok;
}

static bool
load(struct conf_reader *r, cfg_t *cfg, const char *path,
    const struct conf_place *from)
{
	struct conf_source *s = push_source(r, path), *up;
	unsigned depth = 0;
	enum err e;

	s->real = realpath(path, NULL);
	for (up = s->parent; up != NULL; up = up->parent) {
		if (s->real != NULL && up->real != NULL &&
		    strcmp(s->real, up->real) == 0) {
			conf_complain(from, "this file is being included from "
			    "itself; remove the include");
			return false;
		}
		if (++depth > CONF_INCLUDES) {
			conf_complain(from, "files are included more than %d "
			    "deep; put them into fewer", CONF_INCLUDES);
			return false;
		}
	}
	e = secretfile_read(path, &s->text);
	if (e == ERR_NOT_FOUND)
		conf_complain(from, from->line > 0 ?
		    "the included file does not exist: %s" :
		    "there is no such file; create it with `oauth-cgi init`, "
		    "or name another with -c FILE", path);
	return e == ERR_OK && parse(r, cfg, s);
}

static int
on_include(cfg_t *cfg, cfg_opt_t *opt, int argc, const char **argv)
{
	struct conf_place at = place_of(cfg);
	const char *slash = strrchr(at.file, '/');
	struct buf path = BUF_INIT(4096);
	bool ok = false;

	(void)opt;
	if (argc != 1 || argv[0][0] == '\0') {
		conf_complain(&at, "write include(\"path\")");
		goto out;
	}
	if (argv[0][0] != '/' && slash != NULL)
		buf_add(&path, at.file, (size_t)(slash - at.file) + 1);
	buf_str(&path, argv[0]);
	if (buf_failed(&path)) {
		conf_complain(&at, "the included path is too long");
		goto out;
	}
	ok = load(reading, cfg, buf_cstr(&path), &at);
out:
	buf_clear(&path);
	if (!ok)
		reading->failed = true;
	return ok ? 0 : -1;
}

/* All keys as strings without a default, ended by CFG_END. */
static void
make_opts(cfg_opt_t *opts, enum conf_kind kind)
{
	const struct conf_key *keys = conf_kinds[kind].keys;
	cfg_opt_t end = CFG_END();
	size_t i;

	for (i = 0; i < conf_kinds[kind].count; i++) {
		cfg_opt_t one = CFG_STR_CB(keys[i].name, NULL, CFGF_NODEFAULT,
		    on_value);
		cfg_opt_t list = CFG_STR_LIST_CB(keys[i].name, NULL,
		    CFGF_NODEFAULT, on_value);

		opts[i] = (keys[i].flags & CONF_LIST) != 0 ? list : one;
	}
	opts[i] = end;
}

static cfg_t *
grammar(bool preset)
{
	cfg_opt_t site[SITE__MAX + 1], provider[KEY__MAX + 2];
	cfg_opt_t field[FIELD__MAX + 1];
	cfg_opt_t within = CFG_SEC("field", field,
	    CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
	cfg_opt_t whole[] = {
		CFG_SEC("provider", provider,
		    CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_SEC("site", site, CFGF_MULTI),
		CFG_FUNC("include", on_include),
		CFG_END()
	};
	cfg_opt_t end = CFG_END();
	cfg_t *cfg;

	if (preset)
		whole[1] = end;
	make_opts(site, SECTION_SITE);
	make_opts(field, SECTION_FIELD);
	make_opts(provider, SECTION_PROVIDER);
	provider[KEY__MAX + 1] = provider[KEY__MAX];	/* the end */
	provider[KEY__MAX] = within;
	cfg = cfg_init(whole, CFGF_NONE);
	if (cfg == NULL)
		log_die("no memory for the configuration");
	cfg_set_error_function(cfg, on_error);
	cfg_set_validate_func(cfg, "provider", on_section);
	cfg_set_validate_func(cfg, "provider|field", on_section);
	if (!preset)
		cfg_set_validate_func(cfg, "site", on_section);
	return cfg;
}

/*
 * libconfuse frees its buffers with the text in them. M_PERTURB makes glibc
 * overwrite what is freed, except the few small pieces of each size that it
 * keeps at hand: those we take and overwrite.
 */
#define SMALL_MAX	1040
#define SMALL_STEP	16
#define SMALL_KEPT	7

static void
forget_freed(void)
{
	void *kept[SMALL_KEPT];
	size_t size, i;

	for (size = SMALL_STEP; size <= SMALL_MAX; size += SMALL_STEP) {
		for (i = 0; i < SMALL_KEPT; i++) {
			kept[i] = xmalloc(size);
			wipe(kept[i], malloc_usable_size(kept[i]));
		}
		for (i = 0; i < SMALL_KEPT; i++)
			free(kept[i]);
	}
}

/* name is a file; with text, that is the content and name its label. */
static enum err
read_one(struct conf_reader *r, const char *name, const char *text,
    size_t len)
{
	struct conf_reader *before = reading;
	struct conf_place whole = { name, 0 };
	cfg_t *cfg;
	bool ok;

	reading = r;
	mallopt(M_PERTURB, 0xa5);
	cfg = grammar(r->preset);
	if (text == NULL) {
		ok = load(r, cfg, name, &whole);
	} else {
		struct conf_source *s = push_source(r, name);

		buf_add(&s->text, text, len);
		ok = !buf_failed(&s->text) && parse(r, cfg, s);
		if (buf_failed(&s->text))
			conf_complain(&whole, "is longer than %d bytes",
			    CONF_FILE_MAX);
	}
	cfg_free(cfg);
	forget_freed();
	mallopt(M_PERTURB, 0);
	r->open = NULL;
	r->now = NULL;
	reading = before;
	return ok && !r->failed ? ERR_OK : ERR_CONFIG;
}

enum err
conf_read_file(struct conf_reader *r, const char *path)
{
	return read_one(r, path, NULL, 0);
}

enum err
conf_read_text(struct conf_reader *r, const char *name, const char *text,
    size_t len)
{
	return read_one(r, name, text, len);
}

void
conf_section_clear(struct conf_section *s)
{
	struct conf_section *f;
	size_t k;

	while ((f = s->fields) != NULL) {
		s->fields = f->next;
		conf_section_clear(f);
		free(f);
	}
	for (k = 0; k < KEY__MAX; k++)
		wipe_str(s->set[k].value);
	free(s->title);
}

void
conf_reader_clear(struct conf_reader *r)
{
	struct conf_source *s;
	size_t i;

	for (i = 0; i < r->section_count; i++)
		conf_section_clear(&r->sections[i]);
	free(r->sections);
	if (r->field != NULL)
		conf_section_clear(r->field);
	free(r->field);
	while ((s = r->sources) != NULL) {
		r->sources = s->next;
		buf_clear(&s->text);
		free(s->opens[0].lines);
		free(s->opens[1].lines);
		free(s->real);
		free(s->name);
		free(s);
	}
	memset(r, 0, sizeof(*r));
}
