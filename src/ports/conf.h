/* SPDX-License-Identifier: ISC */
#ifndef OAC_CONF_H
#define OAC_CONF_H

/*
 * conf - the configuration file and the provider presets, as data.
 *
 * The only module that includes <confuse.h>. Everything is checked when it is
 * read: unknown sections and keys, values that do not parse, URLs that are not
 * https, presets that do not exist, a provider that lacks what it needs. Each
 * error is logged with file and line, what is wrong, and what to write instead;
 * values are never logged.
 *
 * The file itself, and every file that it includes or names as file:/path,
 * follows secretfile.h's rules.
 *
 * Ownership: one struct conf owns all it points to; conf_free() wipes the
 *            secrets. Nothing changes after conf_load().
 * Processes: loaded before fork(), shared copy-on-write.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct pattern;

enum conf_identity { IDENTITY_TICKET, IDENTITY_REMOTE_USER };
enum conf_journal { JOURNAL_AUTO, JOURNAL_WAL, JOURNAL_DELETE };
enum provider_auth { AUTH_POST, AUTH_BASIC, AUTH_BASIC_RAW, AUTH_NONE };
enum provider_body { BODY_FORM, BODY_JSON };
enum provider_rotation { ROTATION_LEARNED, ROTATION_YES, ROTATION_NO };
enum provider_revoke { REVOKE_NONE, REVOKE_TOKEN, REVOKE_GRANT };

struct provider_param {
	char	*name;
	char	*value;
};

/* A list of extra parameters, from "k=v&k=v" (form-encoded). */
struct provider_params {
	struct provider_param	*list;
	size_t			 count;
};

/*
 * A value of a connection beside its tokens. {name} in a URL stands for it; it
 * matches its pattern wherever it came from.
 */
enum field_from { FROM_START, FROM_CALLBACK, FROM_TOKEN };

struct provider_field {
	char		*name;
	char		*param;		/* its name there, or a JSON pointer */
	char		*label;
	char		*example;	/* "" when none */
	char		*fallback;	/* NULL when none */
	struct pattern	*pattern;	/* NULL when none (FROM_TOKEN) */
	enum field_from	 from;
};

struct name_list {
	char	**list;
	size_t	  count;
};

/* What stands behind a key, and where, for people: never read for a request. */
struct provider_setting {
	const char	*key;		/* static */
	char		*field;		/* of this field's section; NULL: the provider's */
	char		*value;		/* NULL: not given, or the secret */
	char		*from;		/* "FILE:LINE", "preset NAME:LINE"; NULL: not given */
};

struct provider {
	char			*name;
	char			*label;		/* the name for people */
	char			*client_id;
	char			*client_secret;	/* secret; NULL when none, or not asked for */
	char			*authorize_url;	/* these four may have fields: */
	char			*token_url;	/* see fields.h */
	char			*refresh_url;	/* token_url unless given */
	char			*revoke_url;	/* NULL when none */
	char			*issuer;	/* NULL when none */
	char			*scope;		/* "" when none */
	char			*redirect_uri;	/* always set; see callback_path */
	char			*callback_path;	/* PATH_INFO that it comes back with */
	char			*ca_file;	/* NULL when none */
	char			*code_param;	/* of its redirect: "code" */
	char			*callback_hmac;	/* parameter; NULL when none */
	char			*token_path;	/* JSON pointer; NULL for the whole */
	char			*error_path;	/* the same; NULL for "error" */
	char			 scope_separator;	/* in what is sent to it */
	enum provider_auth	 auth;
	enum provider_body	 body;
	enum provider_rotation	 rotation;
	enum provider_revoke	 revoke;
	bool			 pkce;		/* S256; false is "off" */
	bool			 require_iss;
	bool			 form_post;	/* response_mode = form_post */
	bool			 allow_insecure;
	struct provider_params	 authorize_params;
	struct provider_params	 token_params;
	struct provider_params	 refresh_params;
	struct provider_params	 param_names;	/* see provider_param_name() */
	struct provider_field	*fields;
	size_t			 field_count;	/* at most LIMIT_FIELDS */
	struct provider_setting	*settings;	/* every key, given or not */
	size_t			 setting_count;
	bool			 host_varies;	/* token requests' host has one */
	struct name_list	 apps;		/* empty: every app */
	struct name_list	 dead_errors;	/* the preset's, beyond invalid_grant */
	struct name_list	 client_errors;	/* beyond invalid_client */
	int64_t			 expires_default;	/* seconds; 0 for unknown */
	int64_t			 replay_grace;		/* seconds */
};

struct conf {
	char			*file;		/* absolute path of what was read */
	char			*url;		/* without a trailing slash */
	char			*origin;	/* of url; see conf_url_origin() */
	char			*host;		/* host[:port] of it */
	char			*name;		/* for people; host unless given */
	char			*path;		/* its path, "" when none */
	bool			 secure;	/* https */
	char			*database;
	char			*keys;
	enum conf_identity	 identity;
	enum conf_journal	 journal;
	char			*log;
	char			*pages;		/* folder of texts and style; may not exist */
	struct provider		*providers;
	size_t			 provider_count;
};

/*
 * The file to read: `given` (from -c) if not NULL, else OAUTH_CGI_CONFIG of
 * the environment if that is set, whether it exists or not, so that a wrong
 * path is told and not passed over; else ../etc/oauth-cgi.conf beside the
 * executable if it exists; else oauth-cgi/etc/oauth-cgi.conf in the nearest
 * folder above the executable's that has one of root's or of our own user
 * (on a shared host the programs are below the document root and the rest is
 * not); else $sysconfdir/oauth-cgi.conf. Works without /proc and with a bare
 * name as argv[0]. Never NULL; the caller frees it. Call it once, before the
 * current folder changes and the environment can be a request's.
 */
char *conf_find(const char *given);

/*
 * Read and check path. with_secrets false leaves client_secret NULL and reads
 * no file that it names (start has no use for it).
 * ERR_CONFIG, logged, when anything is wrong.
 */
enum err conf_load(const char *path, bool with_secrets, struct conf **out)
    MUST_CHECK;
void conf_free(struct conf *c);

/*
 * Tell of each preset that a section of c could name. file is where it is read
 * from, NULL for one that is part of the programs.
 */
void conf_each_preset(const struct conf *c, void (*tell)(void *arg,
    const char *name, const char *file), void *arg);

/* The provider of that name; with NULL the only one. NULL when there is none. */
const struct provider *conf_provider(const struct conf *c, const char *name);

/* Its field of that name, or NULL. */
const struct provider_field *provider_field(const struct provider *p,
    const char *name);

/* What the provider calls that parameter of ours; "": it is not sent. */
const char *provider_param_name(const struct provider *p, const char *name);

/* Whether that list names it. */
bool name_list_has(const struct name_list *l, const char *name);

/* Whether s is a name of a provider or app: [a-z0-9][a-z0-9_-]{0,31}. */
bool conf_is_name(const char *s);

/*
 * The origin of an absolute http or https URL in its canonical form (lower
 * case, no default port); the caller frees it. NULL for anything else, also
 * for user information in front of the host.
 */
char *conf_url_origin(const char *url);

/*
 * Whether a URL that was made of values from outside may be gone to: by the
 * rules of configured ones, and by name, not to an address or localhost (but
 * for tests, where allow_insecure allows loopback).
 */
bool conf_url_may_visit(const char *url, bool allow_insecure);

/* Whether the host of that origin is localhost or a loopback address. */
bool conf_is_loopback(const char *origin);

#endif
