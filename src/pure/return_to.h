/* SPDX-License-Identifier: ISC */
#ifndef OAC_RETURN_TO_H
#define OAC_RETURN_TO_H

/*
 * return_to - where a browser may be sent back to, and how.
 *
 * The value comes from the request. Taken is a local path that begins with
 * exactly one '/', or an absolute URL that begins with one of the app's
 * origins followed by '/', '?', '#' or the end; at most LIMIT_RETURN_TO bytes,
 * no byte below 0x21, no 0x7F, no '\', well-formed UTF-8 once decoded.
 * Refused too: our own programs (a loop, or a flow that nobody asked for), and
 * a query that already names one of the parameters that we add, because many
 * frameworks read the first of two.
 */
#include <stdbool.h>

#include "buf.h"

struct return_to_rules {
	const char	*origins;	/* the app's, separated by spaces */
	const char	*own_origin;	/* of `url` */
	const char	*own_path;	/* of `url`, without a trailing '/' */
};

bool return_to_ok(const char *s, const struct return_to_rules *rules);

/*
 * Append the absolute URL: own origin in front of a local path, and the query
 * added before a '#'. query is form-encoded, without '?' or '&' in front.
 */
void return_to_build(struct buf *out, const char *return_to,
    const char *own_origin, const char *query);

/* Whether s begins with one of the origins (see above for what follows). */
bool return_to_has_origin(const char *s, const char *origins);

#endif
