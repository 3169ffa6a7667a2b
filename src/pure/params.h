/* SPDX-License-Identifier: ISC */
#ifndef OAC_PARAMS_H
#define OAC_PARAMS_H

/*
 * params - the name=value pairs of a query or a form body, decoded.
 *
 * Ownership: struct params owns its text; the strings it hands out are good
 *            until params_clear(). Names keep their order; all are kept, also
 *            those given twice: what that means is the caller's rule.
 * Secrets:   all text is wiped by params_clear().
 */
#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "limit.h"

struct param {
	const char	*name;
	const char	*value;
	bool		 from_body;
};

struct params {
	struct param	 list[LIMIT_PARAMS];
	size_t		 count;
	char		*text[2];	/* decoded query, decoded body */
	size_t		 text_size[2];
};

/*
 * Decode len bytes of form-encoded text and add its pairs. Call it at most
 * once for the query and once for the body. ERR_INPUT when an escape is
 * malformed, a NUL is in it, or there are more than LIMIT_PARAMS pairs.
 */
enum err params_parse(struct params *p, const char *text, size_t len,
    bool from_body) MUST_CHECK;

/* The first value of that name, or NULL. */
const char *params_get(const struct params *p, const char *name);

/* Whether that name was given more than once. */
bool params_twice(const struct params *p, const char *name);

void params_clear(struct params *p);

#endif
