/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "conf.h"

#include <stdlib.h>
#include <string.h>

#include "conf_internal.h"
#include "limit.h"
#include "pattern.h"
#include "template.h"
#include "xalloc.h"

/* ---- fields ------------------------------------------------------------ */

static const char *const from_words[] = { "start", "callback", "token" };

/* The parameters of our own programs: a field must not be taken for one. */
static bool
is_taken(const char *name)
{
	static const char *const ours[] = { "provider", "app", "return_to",
	    "bind", "link", "h", "confirm", "lang", "ticket", "status",
	    "error", "connection", "subject", "browser", "rejected",
	    "min_valid", "code", "state", "iss" };
	size_t i;

	for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strcmp(name, ours[i]) == 0)
			return true;
	return false;
}

static void
field_fail(struct conf_build *b, const struct conf_section *s,
    const char *what)
{
	conf_complain(&s->place, "field %s %s", s->title, what);
	b->failed = true;
}

static bool
name_ok(struct conf_build *b, const struct conf_section *s)
{
	if (!template_is_name(s->title))
		conf_complain(&s->place, "the name of a field is 1 to %d of "
		    "a-z, 0-9 and '_', and begins with a letter", LIMIT_NAME);
	else if (is_taken(s->title))
		conf_complain(&s->place, "a field can't be called %s: that "
		    "is a parameter of oauth-cgi's own", s->title);
	else
		return true;
	b->failed = true;
	return false;
}

static char *
text_or(const struct conf_setting *set, const char *otherwise)
{
	return xstrdup(set->value != NULL ? set->value : otherwise);
}

/* A value that is given must be one that the pattern takes. */
static void
check_sample(struct conf_build *b, const struct conf_setting *set,
    const struct provider_field *f)
{
	if (set->value == NULL || set->value[0] == '\0')
		return;
	if (strlen(set->value) > LIMIT_FIELD)
		conf_fail(b, set, "is longer than %d bytes", LIMIT_FIELD);
	else if (f->pattern != NULL &&
	    !pattern_matches(f->pattern, set->value))
		conf_fail(b, set, "does not match the field's pattern");
}

static void
build_pattern(struct conf_build *b, const struct conf_section *s,
    struct provider_field *f)
{
	const struct conf_setting *set = &s->set[FIELD_PATTERN];
	const char *wrong;

	if (set->value != NULL) {
		wrong = pattern_compile(set->value, &f->pattern);
		if (wrong != NULL)
			conf_fail(b, set, "%s", wrong);
	} else if (f->from != FROM_TOKEN) {
		field_fail(b, s, "comes from outside and needs a pattern that "
		    "all of it must match; write pattern = \"[a-z0-9-]+\", "
		    "for example");
	}
}

/* Where it is found: a parameter's name, or a JSON pointer. */
static void
build_param(struct conf_build *b, const struct conf_section *s,
    struct provider_field *f)
{
	const struct conf_setting *set = &s->set[FIELD_PARAM];

	if (f->from == FROM_START && set->value != NULL)
		conf_fail(b, set, "is for fields from callback or token; at "
		    "the start the parameter has the field's name");
	if (f->from == FROM_TOKEN && set->value != NULL &&
	    set->value[0] == '/')
		f->param = conf_pointer(b, set);
	else
		f->param = conf_param_name(b, set, s->title);
}

static void
build_field(struct conf_build *b, const struct conf_section *s,
    struct provider_field *f)
{
	int from = FROM_START;

	f->name = xstrdup(s->title);
	conf_enum(b, &s->set[FIELD_FROM], from_words, 3, &from);
	f->from = (enum field_from)from;
	build_param(b, s, f);
	build_pattern(b, s, f);
	f->label = text_or(&s->set[FIELD_LABEL], s->title);
	f->example = text_or(&s->set[FIELD_EXAMPLE], "");
	if (s->set[FIELD_DEFAULT].value != NULL &&
	    s->set[FIELD_DEFAULT].value[0] != '\0')
		f->fallback = xstrdup(s->set[FIELD_DEFAULT].value);
	check_sample(b, &s->set[FIELD_EXAMPLE], f);
	check_sample(b, &s->set[FIELD_DEFAULT], f);
	if (f->from != FROM_TOKEN && f->example[0] == '\0' &&
	    f->fallback == NULL)
		field_fail(b, s, "needs an example, for people and to try its "
		    "pattern; write example = \"...\"");
}

void
conf_build_fields(struct conf_build *b, struct conf_section *s,
    struct provider *p)
{
	struct conf_section *f;

	for (f = s->fields; f != NULL; f = f->next)
		p->field_count++;
	if (p->field_count > LIMIT_FIELDS) {
		conf_complain(&s->place, "provider %s has more than %d fields",
		    p->name, LIMIT_FIELDS);
		b->failed = true;
		p->field_count = 0;
		return;
	}
	p->fields = xcalloc(p->field_count + 1, sizeof(*p->fields));
	p->field_count = 0;
	for (f = s->fields; f != NULL; f = f->next)
		if (name_ok(b, f) && conf_resolve(b, f))
			build_field(b, f, &p->fields[p->field_count++]);
}

void
conf_fields_free(struct provider *p)
{
	size_t i;

	for (i = 0; i < p->field_count; i++) {
		struct provider_field *f = &p->fields[i];

		free(f->name);
		free(f->param);
		free(f->label);
		free(f->example);
		free(f->fallback);
		pattern_free(f->pattern);
	}
	free(p->fields);
}

/* ---- URLs that hold them ----------------------------------------------- */

struct check {
	struct conf_build		*b;
	const struct conf_setting	*set;
	const struct provider		*p;
	int				 sources;
	bool				*host_varies;
};

/*
 * Hosts that must not come of a field: of somebody else, of this machine, and
 * the near misses of a pattern without a dot or an end: `like` is the host of
 * its example.
 */
static bool
lets_strangers_in(const struct provider_field *f,
    enum template_place place, const char *like, struct buf *shown)
{
	static const char *const always[] = { "evil.example", "evil.com",
	    "evil.co.uk", "localhost", "127.0.0.1", "10.0.0.1" };
	size_t tail = strlen(like), i;
	int dots = 0;

	while (tail > 0 && (like[tail - 1] != '.' || ++dots < 2))
		tail--;
	for (i = 0; i < sizeof(always) / sizeof(always[0]) + 3; i++) {
		buf_reset(shown);
		buf_str(shown, place == TEMPLATE_ORIGIN ? "https://" : "");
		if (i < sizeof(always) / sizeof(always[0]))
			buf_str(shown, always[i]);
		else if (i % 3 == 0)
			buf_fmt(shown, "evil%s", like + tail);
		else if (i % 3 == 1)
			buf_fmt(shown, "%s.evil.example", like);
		else
			buf_fmt(shown, "%.*s.evil", (int)(strrchr(like, '.') !=
			    NULL ? strrchr(like, '.') - like : 0), like);
		if (pattern_matches(f->pattern, buf_cstr(shown)))
			return true;
	}
	return false;
}

static void
check_host(const struct check *c, const struct provider_field *f,
    enum template_place place, const char *rest)
{
	const char *sample = f->fallback != NULL ? f->fallback : f->example;
	const char *host = strstr(sample, "://");
	struct buf shown = BUF_INIT(2 * LIMIT_FIELD);

	*c->host_varies = true;
	/* What is behind it in the host says whose host it is. */
	if (place == TEMPLATE_HOST && strcspn(rest, ":/?#") > 0)
		return;
	if (c->p->allow_insecure)	/* for tests: anything local goes */
		return;
	if (lets_strangers_in(f, place, host != NULL ? host + 3 : sample,
	    &shown))
		conf_fail(c->b, c->set, "goes to whatever host field %s "
		    "names, and its pattern takes \"%s\"; write the "
		    "provider's own domain into the pattern, as in "
		    "\"[a-z0-9-]+\\\\.provider\\\\.example\"", f->name,
		    buf_failed(&shown) ? "..." : buf_cstr(&shown));
	buf_clear(&shown);
}

static bool
check_field(void *arg, const char *name, enum template_place place,
    const char *rest)
{
	const struct check *c = arg;
	const struct provider_field *f = provider_field(c->p, name);

	if (f == NULL) {
		conf_fail(c->b, c->set, "names {%s}, and there is no such "
		    "field; write field %s { label = \"...\" pattern = "
		    "\"...\" example = \"...\" } in this section", name, name);
		return false;
	}
	if ((c->sources & 1 << f->from) == 0) {
		conf_fail(c->b, c->set, "names {%s}, which is not known by "
		    "then; it can have fields from start%s", name,
		    (c->sources & 1 << FROM_CALLBACK) != 0 ?
		    " and callback" : "");
		return false;
	}
	if (f->pattern == NULL || (f->example[0] == '\0' &&
	    f->fallback == NULL)) {
		conf_fail(c->b, c->set, "names {%s}, so that field needs a "
		    "pattern and an example", name);
		return false;
	}
	if (place != TEMPLATE_REST)
		check_host(c, f, place, rest);
	return true;
}

static const char *
sample_of(void *arg, const char *name)
{
	const struct check *c = arg;
	const struct provider_field *f = provider_field(c->p, name);

	if (f == NULL)
		return NULL;
	return f->fallback != NULL ? f->fallback : f->example;
}

/* The samples in the places of their fields, then the rules of URLs. */
static void
check_whole(struct check *c, int rules)
{
	struct buf url = BUF_INIT(LIMIT_URL);
	const char *problem;

	if (!template_expand(c->set->value, sample_of, c, &url) ||
	    buf_failed(&url)) {
		conf_fail(c->b, c->set, "does not make a URL with the examples "
		    "of its fields: in a host a field holds letters, digits, "
		    "'-' and '.'; at the beginning a whole https://host");
	} else {
		problem = conf_url_problem(buf_cstr(&url), rules | URL_QUERY);
		if (problem != NULL)
			conf_fail(c->b, c->set, "%s (with the examples of its "
			    "fields)", problem);
		else if (!conf_url_may_visit(
		    buf_cstr(&url), c->p->allow_insecure))
			conf_fail(c->b, c->set, "makes an IP address or "
			    "localhost of the examples of its fields");
	}
	buf_clear(&url);
}

char *
conf_url_template(struct conf_build *b, const struct conf_setting *s,
    const struct provider *p, int rules, int sources, bool *host_varies)
{
	struct check c = { b, s, p, sources, host_varies };
	bool failed = b->failed;
	const char *problem;

	if (s->value == NULL || s->value[0] == '\0')
		return NULL;
	if (!template_has_fields(s->value)) {
		problem = conf_url_problem(s->value, rules | URL_QUERY);
		if (problem == NULL)
			return xstrdup(s->value);
		conf_fail(b, s, "%s", problem);
		return NULL;
	}
	b->failed = false;
	if (!template_each(s->value, check_field, &c) && !b->failed)
		conf_fail(b, s, "has a brace that is no field; write {name}");
	else if (!b->failed)
		check_whole(&c, rules);
	if (b->failed)
		return NULL;
	b->failed = failed;
	return xstrdup(s->value);
}
