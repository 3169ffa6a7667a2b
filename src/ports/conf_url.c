/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "conf.h"

#include <arpa/inet.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf_internal.h"
#include "limit.h"
#include "xalloc.h"

#define HOST_MAX 253

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Four numbers of 0 to 255 without leading zeros: the only form we take. */
static bool
is_dotted_quad(const char *host)
{
	struct in_addr a;
	char again[INET_ADDRSTRLEN];

	return inet_pton(AF_INET, host, &a) == 1 &&
	    inet_ntop(AF_INET, &a, again, sizeof(again)) != NULL &&
	    strcmp(host, again) == 0;
}

/*
 * Browsers read every host whose last label is a number as an IPv4 address,
 * so 127.1 and 0x7f000001 are other names of 127.0.0.1.
 */
static bool
looks_numeric(const char *label)
{
	if (label[0] == '0' && label[1] == 'x')
		return label[2 + strspn(label + 2, "0123456789abcdef")] == '\0';
	return label[strspn(label, "0123456789")] == '\0';
}

/* A host name in lower case: labels of letters, digits, '-' and '_'. */
static bool
is_name_host(const char *host)
{
	const char *label = host, *p;

	for (p = host;; p++) {
		if (*p == '.' || *p == '\0') {
			size_t len = (size_t)(p - label);

			if (len == 0 || len > 63 || *label == '-' ||
			    p[-1] == '-')
				return false;
			if (*p == '\0')
				break;
			label = p + 1;
		} else if (!is_alnum(*p) && *p != '-' && *p != '_') {
			return false;
		}
	}
	return !looks_numeric(label) || is_dotted_quad(host);
}

/* An IPv6 address, made canonical in place. */
static bool
is_ipv6_host(char host[HOST_MAX + 1])
{
	struct in6_addr a;

	return inet_pton(AF_INET6, host, &a) == 1 &&
	    inet_ntop(AF_INET6, &a, host, HOST_MAX + 1) != NULL &&
	    /* Browsers write ::ffff:1.2.3.4 in another way than we do. */
	    strchr(host, '.') == NULL;
}

/* The host at *pp to `host` in its canonical form; *pp moves behind it. */
static bool
take_host(const char **pp, char host[HOST_MAX + 1], bool *ipv6)
{
	const char *start = *pp, *end;
	size_t len, i;

	*ipv6 = *start == '[';
	if (*ipv6) {
		start++;
		end = strchr(start, ']');
		if (end == NULL)
			return false;
	} else {
		end = start + strcspn(start, ":/?#");
	}
	len = (size_t)(end - start);
	if (len == 0 || len > HOST_MAX)
		return false;
	for (i = 0; i < len; i++)
		host[i] = (char)(start[i] >= 'A' && start[i] <= 'Z' ?
		    start[i] + ('a' - 'A') : start[i]);
	host[len] = '\0';
	*pp = *ipv6 ? end + 1 : end;
	return *ipv6 ? is_ipv6_host(host) : is_name_host(host);
}

/* An optional :port of 1 to 65535 without leading zeros; 0 when none. */
static bool
take_port(const char **pp, unsigned *port)
{
	const char *p = *pp;
	unsigned n = 0;

	*port = 0;
	if (*p != ':')
		return true;
	p++;
	if (*p == '0')
		return false;
	for (; is_digit(*p) && n <= 65535; p++)
		n = n * 10 + (unsigned)(*p - '0');
	if (n == 0 || n > 65535)
		return false;
	*pp = p;
	*port = n;
	return true;
}

bool
conf_url_parse(const char *text, struct conf_url *out)
{
	char host[HOST_MAX + 1];
	struct buf origin = BUF_INIT(HOST_MAX + 32);
	const char *p = text;
	unsigned port;
	bool ipv6;

	if (strncasecmp(p, "https://", 8) == 0)
		out->secure = true;
	else if (strncasecmp(p, "http://", 7) == 0)
		out->secure = false;
	else
		return false;
	p += out->secure ? 8 : 7;
	if (!take_host(&p, host, &ipv6) || !take_port(&p, &port))
		return false;
	if (*p != '\0' && strchr("/?#", *p) == NULL)
		return false;
	out->rest = p;
	for (; *p != '\0'; p++)
		if ((unsigned char)*p < 0x21 || *p == 0x7f || *p == '\\')
			return false;
	buf_str(&origin, out->secure ? "https://" : "http://");
	buf_fmt(&origin, ipv6 ? "[%s]" : "%s", host);
	if (port != 0 && port != (out->secure ? 443u : 80u))
		buf_fmt(&origin, ":%u", port);
	out->origin = xstrdup(buf_cstr(&origin));
	buf_clear(&origin);
	return true;
}

char *
conf_url_origin(const char *url)
{
	struct conf_url u;

	return conf_url_parse(url, &u) ? u.origin : NULL;
}

bool
conf_is_loopback(const char *origin)
{
	struct conf_url u;
	char *host;
	bool yes;

	if (!conf_url_parse(origin, &u))
		return false;
	host = strstr(u.origin, "://") + 3;
	if (*host == '[') {
		yes = strncmp(host, "[::1]", 5) == 0;
	} else {
		host[strcspn(host, ":")] = '\0';
		yes = strcmp(host, "localhost") == 0 ||
		    (strncmp(host, "127.", 4) == 0 && is_dotted_quad(host));
	}
	yes = yes && *u.rest == '\0';
	free(u.origin);
	return yes;
}

/* RFC 3986 characters alone, and every '%' with its two digits. */
static bool
plain_characters(const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '%') {
			if (!is_hex(s[1]) || !is_hex(s[2]))
				return false;
		} else if (!is_alnum(*s) &&
		    strchr("-._~:/?#[]@!$&'()*+,;=", *s) == NULL) {
			return false;
		}
	}
	return true;
}

const char *
conf_url_problem(const char *text, int rules)
{
	struct conf_url u;
	const char *problem = NULL, *host;

	if (strlen(text) > LIMIT_URL)
		return "is longer than 4096 bytes";
	if (strncasecmp(text, "https://", 8) != 0 &&
	    strncasecmp(text, "http://", 7) != 0)
		return "must be an absolute URL that begins with https://";
	host = strstr(text, "://") + 3;
	if (memchr(host, '@', strcspn(host, "/?#")) != NULL)
		return "must not hold a user name; write https://host/path";
	if (!conf_url_parse(text, &u))
		return "is not a URL with a valid host and port; write "
		    "https://host/path or https://host:port/path";
	if (strchr(u.rest, '#') != NULL)
		problem = "must not hold a fragment; remove the '#' and what "
		    "follows";
	else if ((rules & URL_QUERY) == 0 && strchr(u.rest, '?') != NULL)
		problem = "must not hold a query; remove the '?' and what "
		    "follows";
	else if (!plain_characters(u.rest))
		problem = "holds a character that must be written as %XX";
	else if (!u.secure && !conf_is_loopback(u.origin))
		problem = "must be https; write https://";
	else if (!u.secure && (rules & URL_LOOPBACK) == 0)
		problem = "must be https; write https://, or for a test "
		    "server on this machine also allow_insecure = yes";
	free(u.origin);
	return problem;
}

bool
conf_url_may_visit(const char *url, bool allow_insecure)
{
	int rules = (allow_insecure ? URL_LOOPBACK : URL_SECURE) | URL_QUERY;
	struct conf_url u;
	const char *host;
	bool by_name, loopback;

	if (conf_url_problem(url, rules) != NULL || !conf_url_parse(url, &u))
		return false;
	host = strstr(u.origin, "://") + 3;
	/* Every host that ends in a number is an address: is_name_host(). */
	by_name = *host != '[' && strncmp(host, "localhost", 9) != 0 &&
	    !is_digit(host[strcspn(host, ":") - 1]);
	loopback = conf_is_loopback(u.origin);
	free(u.origin);
	return by_name || (allow_insecure && loopback);
}

bool
conf_url_plain_path(const char *path, size_t n)
{
	size_t i, start = 1;

	if (n == 0)
		return true;
	if (path[0] != '/')
		return false;
	for (i = 1; i <= n; i++) {
		size_t len = i - start;

		if (i < n && path[i] != '/') {
			if (!is_alnum(path[i]) &&
			    strchr("-._~", path[i]) == NULL)
				return false;
			continue;
		}
		if (len == 0 || (len == 1 && path[start] == '.') ||
		    (len == 2 && path[start] == '.' && path[start + 1] == '.'))
			return false;
		start = i + 1;
	}
	return true;
}
