/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "check.h"

#include "pages.h"

static const struct check_kind invalid = { "pages_invalid", CHECK_WRONG,
    "The programs pass it over and show what is shipped in its place." };
static const struct check_kind foreign = { "pages_unfinished", CHECK_NOTE,
    "Visitors of that language read two languages on one page." };

void
check_pages(struct check *c)
{
	const char *folder = c->a->conf->pages;
	size_t i;
	struct pages *p;

	if (pages_load(folder, &p) != ERR_OK)
		check_said(c, &invalid);
	else
		check_good(c, "%zu languages", p->count);
	for (i = 0; i < p->count; i++) {
		if (p->language[i].lacking == 0)
			continue;
		check_found(c, &foreign, "%s/%s.txt: %zu texts are missing, "
		    "and are shown in English", folder, p->tag[i],
		    p->language[i].lacking);
		check_mend_command(c, "pages");
	}
	pages_free(p);
}
