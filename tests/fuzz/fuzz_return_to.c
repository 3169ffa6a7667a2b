/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "return_to.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OWN	"https://shop.example"
#define OTHER	"https://other.example:8443"

static const struct return_to_rules rules = {
	.origins = OWN " " OTHER,
	.own_origin = OWN,
	.own_path = "/oauth",
};

static bool
begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

/* What a browser would be sent to stays with us or with the app. */
static void
check_built(const char *url, const char *query)
{
	const unsigned char *p;
	const char *rest, *found;

	for (p = (const unsigned char *)url; *p != '\0'; p++)
		if (*p < 0x21 || *p == 0x7f || *p == '\\')
			abort();
	if (begins(url, OTHER))
		rest = url + strlen(OTHER);
	else if (begins(url, OWN))
		rest = url + strlen(OWN);
	else
		abort();
	if (*rest == '\0' || strchr("/?#", *rest) == NULL)
		abort();
	/* Ours is in the query: behind the first '?', before a '#'. */
	found = strchr(url, '?');
	if (found == NULL || (found = strstr(found, query)) == NULL ||
	    (found[-1] != '?' && found[-1] != '&') ||
	    memchr(url, '#', (size_t)(found - url)) != NULL)
		abort();
}

/*
 * Any text: what return_to_ok() lets by keeps the promises of return_to.h,
 * and what is built of it leads there and nowhere else.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char query[] = "ticket=T-1&provider=demo&status=connected";
	struct buf url = BUF_INIT(LIMIT_RETURN_TO + 256);
	char *s = malloc(size + 1);

	if (s == NULL)
		abort();
	memcpy(s, data, size);
	s[size] = '\0';
	if (return_to_ok(s, &rules)) {
		if (strlen(s) > LIMIT_RETURN_TO ||
		    (s[0] == '/' && (s[1] == '/' || s[1] == '\\')) ||
		    (s[0] != '/' && !return_to_has_origin(s, rules.origins)) ||
		    begins(s, "/oauth/start?") || strcmp(s, "/oauth/start") == 0)
			abort();
		return_to_build(&url, s, OWN, query);
		if (buf_failed(&url))
			abort();
		check_built(buf_cstr(&url), query);
	}
	buf_clear(&url);
	free(s);
	return 0;
}
