/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "conf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "conf_internal.h"
#include "log.h"

static const struct conf_key site_keys[SITE__MAX] = {
	[SITE_URL]		= { "url", 0 },
	[SITE_NAME]		= { "name", 0 },
	[SITE_DATABASE]		= { "database", 0 },
	[SITE_KEYS]		= { "keys", 0 },
	[SITE_IDENTITY]		= { "identity", 0 },
	[SITE_JOURNAL]		= { "journal", 0 },
	[SITE_LOG]		= { "log", CONF_VERBATIM },
	[SITE_PAGES]		= { "pages", CONF_VERBATIM },
};

static const struct conf_key provider_keys[KEY__MAX] = {
	[KEY_PRESET]		= { "preset", CONF_EMPTY | CONF_VERBATIM },
	[KEY_LABEL]		= { "label", 0 },
	[KEY_CLIENT_ID]		= { "client_id", 0 },
	[KEY_CLIENT_SECRET]	= { "client_secret", 0 },
	[KEY_AUTHORIZE_URL]	= { "authorize_url", 0 },
	[KEY_TOKEN_URL]		= { "token_url", 0 },
	[KEY_REFRESH_URL]	= { "refresh_url", CONF_EMPTY },
	[KEY_REVOKE_URL]	= { "revoke_url", CONF_EMPTY },
	[KEY_ISSUER]		= { "issuer", 0 },
	[KEY_SCOPE]		= { "scope", CONF_EMPTY },
	[KEY_AUTH]		= { "auth", 0 },
	[KEY_BODY]		= { "body", 0 },
	[KEY_PKCE]		= { "pkce", 0 },
	[KEY_REQUIRE_ISS]	= { "require_iss", 0 },
	[KEY_AUTHORIZE_PARAMS]	= { "authorize_params", CONF_EMPTY },
	[KEY_TOKEN_PARAMS]	= { "token_params", CONF_EMPTY },
	[KEY_REFRESH_PARAMS]	= { "refresh_params", CONF_EMPTY },
	[KEY_REDIRECT_URI]	= { "redirect_uri", 0 },
	[KEY_RESPONSE_MODE]	= { "response_mode", 0 },
	[KEY_APPS]		= { "apps", CONF_LIST },
	[KEY_ROTATION]		= { "rotation", 0 },
	[KEY_REVOKE]		= { "revoke", 0 },
	[KEY_DEAD_ERRORS]	= { "dead_errors", CONF_LIST | CONF_EMPTY },
	[KEY_CLIENT_ERRORS]	= { "client_errors", CONF_LIST | CONF_EMPTY },
	[KEY_EXPIRES_DEFAULT]	= { "expires_default", 0 },
	[KEY_REPLAY_GRACE]	= { "replay_grace", 0 },
	[KEY_CA_FILE]		= { "ca_file", CONF_EMPTY },
	[KEY_ALLOW_INSECURE]	= { "allow_insecure", 0 },
	[KEY_SCOPE_SEPARATOR]	= { "scope_separator", 0 },
	[KEY_PARAM_NAMES]	= { "param_names", CONF_EMPTY },
	[KEY_CODE_PARAM]	= { "code_param", 0 },
	[KEY_CALLBACK_HMAC]	= { "callback_hmac", CONF_EMPTY },
	[KEY_TOKEN_PATH]	= { "token_path", CONF_EMPTY },
	[KEY_ERROR_PATH]	= { "error_path", CONF_EMPTY },
};

static const struct conf_key field_keys[FIELD__MAX] = {
	[FIELD_FROM]		= { "from", 0 },
	[FIELD_PARAM]		= { "param", 0 },
	[FIELD_LABEL]		= { "label", 0 },
	[FIELD_PATTERN]		= { "pattern", 0 },
	[FIELD_EXAMPLE]		= { "example", 0 },
	[FIELD_DEFAULT]		= { "default", CONF_EMPTY },
};

const struct conf_kind_words conf_kinds[SECTION__MAX] = {
	[SECTION_SITE]		= { "site", site_keys, SITE__MAX },
	[SECTION_PROVIDER]	= { "provider", provider_keys, KEY__MAX },
	[SECTION_FIELD]		= { "field", field_keys, FIELD__MAX },
};

void
conf_complain(const struct conf_place *at, const char *fmt, ...)
{
	char text[900];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (at->line > 0)
		log_error("%s:%u: %s", at->file, at->line, text);
	else
		log_error("%s: %s", at->file, text);
}

static size_t
min3(size_t a, size_t b, size_t c)
{
	a = a < b ? a : b;
	return a < c ? a : c;
}

/* Edits between two short words (Levenshtein). */
static size_t
distance(const char *a, const char *b)
{
	size_t row[32], i, j, na = strlen(a), nb = strlen(b);

	if (na > 31 || nb > 31)
		return 99;
	for (j = 0; j <= nb; j++)
		row[j] = j;
	for (i = 1; i <= na; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (j = 1; j <= nb; j++) {
			size_t above = row[j];

			row[j] = min3(above + 1, row[j - 1] + 1,
			    diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[nb];
}

static void
consider(const char *word, const char *name, size_t *least, const char **best)
{
	size_t d = distance(word, name);

	if (d < *least && d < strlen(word)) {
		*least = d;
		*best = name;
	}
}

/* The name that may have been meant in that section, or NULL. */
static const char *
nearest(const char *section, const char *word)
{
	const char *best = NULL;
	bool root = true;
	size_t least = 3, i, k;

	for (k = 0; k < SECTION__MAX; k++) {
		if (strcmp(conf_kinds[k].name, section) != 0)
			continue;
		root = false;
		for (i = 0; i < conf_kinds[k].count; i++)
			consider(word, conf_kinds[k].keys[i].name, &least,
			    &best);
	}
	if (root) {
		consider(word, "site", &least, &best);
		consider(word, "provider", &least, &best);
		consider(word, "include", &least, &best);
	} else if (strcmp(section, "provider") == 0) {
		consider(word, "field", &least, &best);
	}
	return best;
}

/*
 * Whether the word begins its line, or stands behind a brace, and is followed
 * like a name is. A piece of an unquoted secret is not, and is not shown.
 */
static bool
stands_like_name(const char *text, const char *word, unsigned line)
{
	const char *p;
	size_t len = strlen(word);

	while (line-- > 1 && (text = strchr(text, '\n')) != NULL)
		text++;
	for (p = text; p != NULL && *p != '\0' && *p != '\n'; p++) {
		const char *before = p, *after = p + len;

		if (strncmp(p, word, len) != 0)
			continue;
		while (before > text && strchr(" \t", before[-1]) != NULL)
			before--;
		after += strspn(after, " \t");
		if ((before == text || strchr("{}", before[-1]) != NULL) &&
		    (*after == '=' || *after == '{' || *after == '(' ||
		    after[strcspn(after, "={\n")] == '{'))
			return true;
	}
	return false;
}

static void
complain_unknown(const struct conf_reader *r, const struct conf_place *at,
    const char *section, const char *word)
{
	const char *near;
	size_t k, i;

	if (strlen(word) > 40 || !stands_like_name(
	    buf_cstr(&r->now->text), word, at->line)) {
		conf_complain(at, "a name of a setting is expected here; "
		    "a value with blanks or special characters needs quotes, "
		    "and a line does not end with ';'");
		return;
	}
	for (k = 0; k < SECTION__MAX; k++)
		for (i = 0; i < conf_kinds[k].count; i++)
			if (strcmp(conf_kinds[k].keys[i].name, word) == 0) {
				conf_complain(at, "'%s' belongs in a %s "
				    "section", word, conf_kinds[k].name);
				return;
			}
	if (strcmp(word, "field") == 0) {
		conf_complain(at, "'field' belongs in a provider section");
		return;
	}
	near = nearest(section, word);
	if (near != NULL)
		conf_complain(at, "there is no '%s' here; did you mean '%s'?",
		    word, near);
	else
		conf_complain(at, "there is no '%s' here; see "
		    "oauth-cgi.conf(5) for what there is", word);
}

/*
 * libconfuse's messages in words that say what to do. Its %s is the name of
 * a known key or section in these, and may be a piece of a value in others,
 * which are told apart by their beginning.
 */
static const struct {
	const char	*begins;
	const char	*text;
	const char	*after;		/* the name; NULL: it is not shown */
} messages[] = {
	{ "missing equal sign", "write '=' between '", "' and its value" },
	{ "attempt to append", "'", "' takes one value; write '=' instead of "
	    "'+='" },
	{ "missing opening brace", "write '{' to begin the section ", "" },
	{ "missing title", "this section needs a name; write ", " NAME {" },
	{ "missing parenthesis", "write ", "(\"path\")" },
	{ "syntax error in call", "write ", "(\"path\")" },
	{ "found duplicate title", "there are two sections named ",
	    "; remove one" },
	{ "premature end", "the file ends within a section or a value; is a "
	    "'}' missing?", NULL },
	{ "unexpected closing", "there is one '}' too many; remove it", NULL },
};

void
conf_explain(const struct conf_reader *r, const struct conf_place *at,
    const char *section, const char *message, const char *arg)
{
	size_t i;

	if (strncmp(message, "no such option", 14) == 0) {
		complain_unknown(r, at, section, arg);
		return;
	}
	for (i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		if (strncmp(message, messages[i].begins,
		    strlen(messages[i].begins)) == 0)
			break;
	if (i == sizeof(messages) / sizeof(messages[0]))
		conf_complain(at, "this is not what can stand here; write "
		    "key = \"value\", with quotes around a value that holds "
		    "more than letters and digits");
	else if (messages[i].after != NULL)
		conf_complain(at, "%s%s%s", messages[i].text,
		    strlen(arg) > 40 ? "..." : arg, messages[i].after);
	else
		conf_complain(at, "%s", messages[i].text);
}
