/* SPDX-License-Identifier: ISC */
#ifndef OAC_PATTERN_H
#define OAC_PATTERN_H

/*
 * pattern - what a whole value may look like: a POSIX extended regular
 * expression that must match all of it, so that ^ and $ can be left out.
 *
 * The patterns are the configuration's, the values are anybody's. What can
 * make matching slow (back-references) or compiling huge (a count behind a
 * group, which multiplies) is refused, and so are escapes that mean something
 * elsewhere and not here (\d). Matching is by bytes, in the "C" locale.
 *
 * Ownership: opaque, the caller's, freed by pattern_free().
 */
#include <stdbool.h>

#define PATTERN_MAX	256	/* bytes of an expression */

struct pattern;

/* NULL, and *out filled; or what is wrong, and what to write, static text. */
const char *pattern_compile(const char *text, struct pattern **out);

bool pattern_matches(const struct pattern *p, const char *value);

void pattern_free(struct pattern *p);		/* NULL is allowed */

#endif
