/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "request.h"

#include <string.h>
#include <strings.h>

#include "base64url.h"
#include "clock.h"
#include "limit.h"

static enum method
method_of(const char *name)
{
	if (name == NULL)
		return METHOD_OTHER;
	if (strcmp(name, "GET") == 0)
		return METHOD_GET;
	if (strcmp(name, "HEAD") == 0)
		return METHOD_HEAD;
	if (strcmp(name, "POST") == 0)
		return METHOD_POST;
	return METHOD_OTHER;
}

/*
 * Digits only, so that neither a sign nor "1e9" gets by. Without a length a
 * body that came in chunks would be passed over, and its parameters with it.
 */
static bool
length_of(const char *text, const char *transfer_encoding, size_t *out)
{
	size_t n = 0;

	*out = 0;
	if (text == NULL || *text == '\0')
		return transfer_encoding == NULL || *transfer_encoding == '\0';
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		if (n <= LIMIT_BODY)
			n = n * 10 + (size_t)(*text - '0');
	}
	*out = n;
	return true;
}

/* A variable, where its value goes, and how long it may be. */
struct variable {
	const char	 *name;
	size_t		  name_len;
	const char	**dest;
	size_t		  max;
};

#define NAMED(name)	name, sizeof(name) - 1

/* Fill what is asked for; what came empty is "", what did not come NULL. */
static void
read_variables(char *const *env, const struct variable *vars, size_t count)
{
	const char *value;
	size_t len, i;

	for (; *env != NULL; env++) {
		if ((value = strchr(*env, '=')) == NULL)
			continue;
		len = (size_t)(value++ - *env);
		for (i = 0; i < count; i++)
			if (vars[i].name_len == len && *vars[i].dest == NULL &&
			    memcmp(vars[i].name, *env, len) == 0)
				*vars[i].dest = value;
	}
}

enum err
request_init(struct request *r, char *const *env, int *status)
{
	const char *method = NULL, *length = NULL, *transfer = NULL;
	const char *older_purpose = NULL;
	const struct variable vars[] = {
		{ NAMED("REQUEST_METHOD"), &method, LIMIT_HEADER },
		{ NAMED("CONTENT_LENGTH"), &length, LIMIT_HEADER },
		{ NAMED("CONTENT_TYPE"), &r->content_type, LIMIT_HEADER },
		{ NAMED("PATH_INFO"), &r->path_info, LIMIT_HEADER },
		{ NAMED("QUERY_STRING"), &r->query, LIMIT_QUERY },
		{ NAMED("REMOTE_ADDR"), &r->remote_addr, LIMIT_HEADER },
		{ NAMED("REMOTE_USER"), &r->remote_user, LIMIT_HEADER },
		{ NAMED("HTTP_ACCEPT"), &r->accept, LIMIT_HEADER },
		{ NAMED("HTTP_ACCEPT_LANGUAGE"), &r->accept_language,
		    LIMIT_HEADER },
		{ NAMED("HTTP_AUTHORIZATION"), &r->authorization,
		    LIMIT_HEADER },
		{ NAMED("HTTP_COOKIE"), &r->cookie, LIMIT_COOKIE },
		{ NAMED("HTTP_HOST"), &r->host, LIMIT_HEADER },
		{ NAMED("HTTP_ORIGIN"), &r->origin, LIMIT_HEADER },
		{ NAMED("HTTP_PURPOSE"), &older_purpose, LIMIT_HEADER },
		{ NAMED("HTTP_REFERER"), &r->referer, LIMIT_HEADER },
		{ NAMED("HTTP_SEC_FETCH_DEST"), &r->fetch_dest, LIMIT_HEADER },
		{ NAMED("HTTP_SEC_FETCH_MODE"), &r->fetch_mode, LIMIT_HEADER },
		{ NAMED("HTTP_SEC_FETCH_SITE"), &r->fetch_site, LIMIT_HEADER },
		{ NAMED("HTTP_SEC_PURPOSE"), &r->purpose, LIMIT_HEADER },
		{ NAMED("HTTP_TRANSFER_ENCODING"), &transfer, LIMIT_HEADER },
		{ NAMED("HTTP_X_OAUTH_CGI_KEY"), &r->app_key, LIMIT_HEADER },
	};
	const size_t count = sizeof(vars) / sizeof(vars[0]);
	size_t i;

	memset(r, 0, sizeof(*r));
	r->started_ms = clock_mono_ms();
	read_variables(env, vars, count);
	r->method = method_of(method);
	*status = 400;
	for (i = 0; i < count; i++) {
		const char **value = vars[i].dest;

		if (*value == NULL)
			continue;
		if (strnlen(*value, vars[i].max + 1) > vars[i].max) {
			if (value == &r->query)
				*status = 414;
			return ERR_INPUT;
		}
		if (**value == '\0')
			*value = NULL;
	}
	if (r->purpose == NULL)
		r->purpose = older_purpose;
	if (r->path_info == NULL)
		r->path_info = "";
	if (r->query == NULL)
		r->query = "";
	if (!length_of(length, transfer, &r->content_length))
		return ERR_INPUT;
	if (r->content_length > LIMIT_BODY) {
		*status = 413;
		return ERR_INPUT;
	}
	return ERR_OK;
}

/* Whether type is that media type, with or without parameters. */
static bool
is_media_type(const char *type, const char *name)
{
	size_t len = strlen(name);

	return type != NULL && strncasecmp(type, name, len) == 0 &&
	    (type[len] == '\0' || type[len] == ';' || type[len] == ' ' ||
	    type[len] == '\t');
}

enum err
request_parse(struct request *r, const char *body, size_t len, int *status)
{
	*status = 400;
	if (params_parse(&r->params, r->query, strlen(r->query), false) !=
	    ERR_OK)
		return ERR_INPUT;
	if (r->method != METHOD_POST || len == 0)
		return ERR_OK;
	if (!is_media_type(r->content_type,
	    "application/x-www-form-urlencoded")) {
		*status = 415;
		return ERR_INPUT;
	}
	return params_parse(&r->params, body, len, true);
}

bool
request_cookie(const struct request *r, const char *name, char *out)
{
	const char *p = r->cookie;
	size_t name_len = strlen(name);

	/* RFC 6265 5.4: pairs separated by "; ". */
	while (p != NULL && *p != '\0') {
		size_t len;

		p += strspn(p, " \t;");
		len = strcspn(p, ";");
		if (len == name_len + 1 + SECRET_CHARS &&
		    strncmp(p, name, name_len) == 0 && p[name_len] == '=') {
			memcpy(out, p + name_len + 1, SECRET_CHARS);
			out[SECRET_CHARS] = '\0';
			if (base64url_is_secret(out))
				return true;
		}
		p += len;
	}
	out[0] = '\0';
	return false;
}

bool
request_wants_json(const struct request *r)
{
	const char *p = r->accept;

	/* The first of the two types that is named wins: no q values here. */
	while (p != NULL && *p != '\0') {
		p += strspn(p, " \t,");
		if (is_media_type(p, "application/json") ||
		    strncasecmp(p, "application/json,", 17) == 0)
			return true;
		if (strncasecmp(p, "text/html", 9) == 0)
			return false;
		p += strcspn(p, ",");
	}
	return false;
}

int64_t
request_left_ms(const struct request *r)
{
	int64_t left = r->started_ms + (int64_t)BUDGET_REQUEST * 1000 -
	    clock_mono_ms();

	return left > 0 ? left : 0;
}

void
request_clear(struct request *r)
{
	params_clear(&r->params);
	memset(r, 0, sizeof(*r));
}
