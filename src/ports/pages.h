/* SPDX-License-Identifier: ISC */
#ifndef OAC_PAGES_H
#define OAC_PAGES_H

/*
 * pages - what the pages for people are made of: texts in every language that
 * there is, and the style with its hash for the Content-Security-Policy.
 *
 * Both come with the programs (pages/ of the sources, embedded). A folder of
 * the site's adds to them: TAG.txt says some or all texts of that language in
 * other words, or is a new language; style.css is put after the style that is
 * shipped. What a language lacks is taken from the one that its tag is made
 * from (de-AT from de), and at last from English.
 *
 * What is wrong in such a file is logged with file and line, and what stands
 * there does not count: the shipped text is shown in its place. So a slip in a
 * translation never takes the site down, and never shows a broken page.
 *
 * Files:     found and read by pages_load() alone; no request names one.
 *            They follow secretfile_read_public().
 * Ownership: one struct pages owns all it points to; nothing changes after
 *            pages_load(). Loaded before fork(), shared copy-on-write.
 */
#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "err.h"
#include "limit.h"
#include "texts.h"

struct page_language {
	struct texts	 texts;		/* complete */
	size_t		 lacking;	/* how many of them are English ones */
	bool		 lacks[TEXT__MAX];	/* and which */
	bool		 shipped;
	bool		 own;		/* the folder has a file for it */
};

struct pages {
	struct page_language	 language[LIMIT_LANGUAGES];
	const char		*tag[LIMIT_LANGUAGES];	/* of each */
	size_t			 count;
	size_t			 english;
	struct buf		 style;
	bool			 own_style;
	char			 style_hash[64];	/* 'sha256-...' */
};

/*
 * Load what is shipped and, unless it is NULL or does not exist, the folder.
 * *out is always good to use. ERR_CONFIG: something in the folder is wrong,
 * and was logged.
 */
enum err pages_load(const char *folder, struct pages **out);
void pages_free(struct pages *p);

/* The texts in the language that an Accept-Language header (or NULL) wants. */
const struct texts *pages_texts(const struct pages *p,
    const char *accept_language);

/* The content of a shipped file: "en.txt"; NULL when there is none. */
const char *pages_shipped(const char *name);

#endif
