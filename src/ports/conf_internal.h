/* SPDX-License-Identifier: ISC */
#ifndef OAC_CONF_INTERNAL_H
#define OAC_CONF_INTERNAL_H

/*
 * conf_internal - what the files of conf share.
 *
 *	conf_scan.c	looks at a text before libconfuse does
 *	conf_words.c	the names of all keys, and the words of complaints
 *	conf_read.c	text to sections of settings (libconfuse lives here)
 *	conf_value.c	one setting to one typed value
 *	conf_params.c	a setting to lists of names or parameters
 *	conf_field.c	fields, and the URLs that hold them
 *	conf_url.c	URLs
 *	conf_preset.c	settings that a section takes from presets
 *	conf_setting.c	which key was given where, for people
 *	conf_provider.c	a section to a struct provider
 *	conf.c		the rest, and the door
 *
 * A setting keeps the file and line that it came from, so that a value which
 * turns out wrong much later is still reported where it stands.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "conf.h"

#define CONF_FILE_MAX	262144	/* bytes of one configuration file */
#define CONF_VALUE_MAX	16384	/* bytes of a value read from file:/path */
#define CONF_INCLUDES	8	/* files included from files */
#define CONF_PRESETS	4	/* presets on top of presets */

enum conf_kind {
	SECTION_SITE, SECTION_PROVIDER, SECTION_FIELD, SECTION__MAX
};

enum site_key {
	SITE_URL, SITE_NAME, SITE_DATABASE, SITE_KEYS, SITE_IDENTITY,
	SITE_JOURNAL, SITE_LOG, SITE_PAGES, SITE__MAX
};

enum provider_key {
	KEY_PRESET, KEY_LABEL, KEY_CLIENT_ID, KEY_CLIENT_SECRET,
	KEY_AUTHORIZE_URL, KEY_TOKEN_URL, KEY_REFRESH_URL, KEY_REVOKE_URL,
	KEY_ISSUER, KEY_SCOPE,
	KEY_AUTH, KEY_BODY, KEY_PKCE, KEY_REQUIRE_ISS, KEY_AUTHORIZE_PARAMS,
	KEY_TOKEN_PARAMS, KEY_REFRESH_PARAMS, KEY_REDIRECT_URI,
	KEY_RESPONSE_MODE, KEY_APPS, KEY_ROTATION, KEY_REVOKE, KEY_DEAD_ERRORS,
	KEY_CLIENT_ERRORS, KEY_EXPIRES_DEFAULT, KEY_REPLAY_GRACE, KEY_CA_FILE,
	KEY_ALLOW_INSECURE, KEY_SCOPE_SEPARATOR, KEY_PARAM_NAMES,
	KEY_CODE_PARAM, KEY_CALLBACK_HMAC, KEY_TOKEN_PATH, KEY_ERROR_PATH, KEY__MAX
};

/* Of a field section within a provider section. */
enum field_key {
	FIELD_FROM, FIELD_PARAM, FIELD_LABEL, FIELD_PATTERN, FIELD_EXAMPLE,
	FIELD_DEFAULT, FIELD__MAX
};

#define CONF_LIST	(1 << 0)	/* {"a", "b"} is allowed */
#define CONF_EMPTY	(1 << 1)	/* "" has a meaning */
#define CONF_VERBATIM	(1 << 2)	/* file:/path is not replaced */

struct conf_key {
	const char	*name;
	int		 flags;
};

/* The words of each kind of section, in the order of the enums above. */
extern const struct conf_kind_words {
	const char		*name;
	const struct conf_key	*keys;
	size_t			 count;
} conf_kinds[SECTION__MAX];

/* A place in a file; line 0 for the file as a whole. */
struct conf_place {
	const char	*file;		/* lives as long as the reader */
	unsigned	 line;
};

/* What stands behind one `key =`; the items of a list with blanks between. */
struct conf_setting {
	char			*value;		/* NULL: not given */
	const struct conf_key	*key;
	struct conf_place	 place;
};

struct conf_section {
	enum conf_kind		 kind;
	char			*title;		/* NULL for site */
	struct conf_place	 place;		/* of its opening brace */
	struct conf_setting	 set[KEY__MAX];
	struct conf_section	*fields;	/* of a provider: a list */
	struct conf_section	*next;		/* in that list */
};

/* The lines where sections of one depth open. */
struct conf_opens {
	unsigned		*lines;
	size_t			 count;
	size_t			 next;		/* to be read */
};

/* One text on its way through libconfuse. */
struct conf_source {
	char			*name;		/* as messages show it */
	char			*real;		/* canonical path, or NULL */
	struct buf		 text;
	struct conf_opens	 opens[2];	/* sections, and those within */
	struct conf_source	*parent;	/* includes it */
	struct conf_source	*next;		/* all that were read */
};

struct conf_reader {
	struct conf_section	*sections;
	size_t			 section_count;
	struct conf_source	*sources;
	struct conf_source	*now;		/* being read */
	const void		*open;		/* libconfuse's open section */
	struct conf_section	*field;		/* the one within it, not ended */
	bool			 preset;	/* provider sections alone */
	bool			 failed;	/* something was reported */
	struct conf_reader	*next;		/* presets are kept in a list */
};

/* What all that build a struct conf need. */
struct conf_build {
	struct conf_reader	 reader;
	struct conf_reader	*presets;
	struct conf		*conf;
	char			*folder;	/* of the configuration file */
	bool			 with_secrets;
	bool			 failed;
};

/* Log an error about a place. Never give it a value. */
void conf_complain(const struct conf_place *at, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Say what libconfuse's message means; arg is the first one of its format. */
void conf_explain(const struct conf_reader *r, const struct conf_place *at,
    const char *section, const char *message, const char *arg);

/*
 * conf_scan: blank out comments (libconfuse counts their lines wrongly) and
 * refuse what it would drop or misread without a word. Notes where sections
 * open. False after a complaint.
 */
bool conf_scan(struct conf_source *s);

/* conf_read: append the sections of a file or of a preset's text. */
enum err conf_read_file(struct conf_reader *r, const char *path) MUST_CHECK;
enum err conf_read_text(struct conf_reader *r, const char *name,
    const char *text, size_t len) MUST_CHECK;
void conf_section_clear(struct conf_section *s);
void conf_reader_clear(struct conf_reader *r);

/* conf_value: all of these complain and note the failure themselves. */
void conf_fail(struct conf_build *b, const struct conf_setting *s,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
char *conf_path(const struct conf_build *b, const char *path);
bool conf_resolve(struct conf_build *b, struct conf_section *s);
void conf_enum(struct conf_build *b, const struct conf_setting *s,
    const char *const *words, size_t n, int *out);
void conf_bool(struct conf_build *b, const struct conf_setting *s, bool *out);
void conf_seconds(struct conf_build *b, const struct conf_setting *s,
    int64_t *out);
char *conf_label(struct conf_build *b, const struct conf_setting *s,
    const char *otherwise);
char *conf_file_name(struct conf_build *b, const struct conf_setting *s);

/* conf_params: the same for what holds several things. */
char *conf_scope(struct conf_build *b, const struct conf_setting *s);
void conf_names(struct conf_build *b, const struct conf_setting *s,
    bool (*ok)(const char *), const char *what, struct name_list *out);
void conf_params(struct conf_build *b, const struct conf_setting *s,
    const char *text, const char *const *reserved,
    struct provider_params *out);
void conf_renames(struct conf_build *b, const struct conf_setting *s,
    struct provider_params *out);
char *conf_param_name(struct conf_build *b, const struct conf_setting *s,
    const char *otherwise);
char *conf_pointer(struct conf_build *b, const struct conf_setting *s);
void conf_names_free(struct name_list *l);
void conf_params_free(struct provider_params *p);

/* conf_url */
enum url_rule {
	URL_SECURE	= 0,
	URL_LOOPBACK	= 1 << 0,	/* http to a loopback host is allowed */
	URL_QUERY	= 1 << 1,	/* a query is allowed */
};

struct conf_url {
	bool		 secure;
	char		*origin;	/* canonical */
	const char	*rest;		/* path, query, fragment */
};

bool conf_url_parse(const char *text, struct conf_url *out);
/* What is wrong with a configured URL and what to write, or NULL. */
const char *conf_url_problem(const char *text, int rules);
/* Whether the n bytes are a path of plain segments: "" or /a/b. */
bool conf_url_plain_path(const char *path, size_t n);

/* conf_preset: fill what the section does not set. False after a complaint. */
bool conf_apply_preset(struct conf_build *b, struct conf_section *s);
bool conf_has_preset(const struct conf_build *b, const char *name);
void conf_preset_names(const struct conf_build *b, struct buf *out);
void conf_presets_clear(struct conf_build *b);

/*
 * conf_field: the section's fields, checked; and a URL that may hold them, or
 * NULL when there is none. `sources` says which fields are known by then, as
 * bits of 1 << enum field_from; *host_varies is set when one is in its host.
 */
void conf_build_fields(struct conf_build *b, struct conf_section *s,
    struct provider *p);
char *conf_url_template(struct conf_build *b, const struct conf_setting *s,
    const struct provider *p, int rules, int sources, bool *host_varies);
void conf_fields_free(struct provider *p);

/* conf_setting: for people, when all of a section is known. */
void conf_keep_settings(const struct conf_section *s, struct provider *p);
void conf_settings_free(struct provider *p);

/* conf_provider */
void conf_build_provider(struct conf_build *b, struct conf_section *s,
    struct provider *p);
void conf_provider_clear(struct provider *p);

#endif
