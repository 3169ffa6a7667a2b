/* SPDX-License-Identifier: ISC */
#ifndef OAC_LANGUAGE_H
#define OAC_LANGUAGE_H

/*
 * language - which of the languages that there are a reader would like best.
 *
 * Source: Accept-Language (RFC 9110 12.5.4), lookup of language tags
 * (RFC 4647 3.4), their form (RFC 5646 2.1).
 */
#include <stdbool.h>
#include <stddef.h>

#define LANGUAGE_TAG_MAX 35	/* bytes of a tag (RFC 5646 4.4.1) */

/* Whether the bytes look like a tag: de, pt-BR, zh-Hant-TW. */
bool language_is_tag(const char *s, size_t len);

/* Whether the two tags are the same; their case does not matter. */
bool language_is_same(const char *a, const char *b);

/*
 * The index of the tag that an Accept-Language header likes best; `otherwise`
 * when it likes none of them, or is NULL or malformed. de-AT finds de, and de
 * finds de-AT where there is no de. What has q=0 is not chosen, but for
 * `otherwise`. Only the first 32 ranges count.
 */
size_t language_choose(const char *accept, const char *const *tags, size_t n,
    size_t otherwise);

#endif
