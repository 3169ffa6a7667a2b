/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "admin.h"

#include <stdio.h>
#include <string.h>

#include "jsonout.h"
#include "pages.h"

/* A shipped file by its name, with or without its ending. */
static int
print_shipped(const char *name)
{
	static const char *const endings[] = { "", ".txt", ".css" };
	struct buf file = BUF_INIT(64);
	const char *text = NULL;
	size_t i;

	for (i = 0; i < sizeof(endings) / sizeof(endings[0]) && text == NULL;
	    i++) {
		buf_reset(&file);
		buf_fmt(&file, "%s%s", name, endings[i]);
		if (!buf_failed(&file))
			text = pages_shipped(buf_cstr(&file));
	}
	buf_clear(&file);
	if (text == NULL) {
		admin_say("nothing of that name is shipped; a new language "
		    "begins with the texts that `oauth-cgi pages en` prints");
		return ADMIN_REFUSED;
	}
	fputs(text, stdout);
	return ADMIN_OK;
}

static void
print_json(const struct page_language *l)
{
	struct buf b = BUF_INIT(1024);

	jsonout_open(&b);
	jsonout_str(&b, "language", l->texts.tag);
	jsonout_bool(&b, "shipped", l->shipped);
	jsonout_bool(&b, "own", l->own);
	jsonout_int(&b, "missing", (int64_t)l->lacking);
	jsonout_close(&b);
	printf("%s\n", buf_cstr(&b));
	buf_clear(&b);
}

static const char *
source_of(bool shipped, bool own)
{
	return shipped && own ? "shipped, own" : own ? "own" : "shipped";
}

/* The names of what is missing, so that they can be written. */
static void
print_lacking(const struct page_language *l)
{
	int column = 80;
	size_t i;

	for (i = 0; i < TEXT__MAX; i++) {
		const char *name = texts_name((enum text)i);

		if (!l->lacks[i])
			continue;
		if (column + (int)strlen(name) > 76)
			column = printf("\n   ") - 1;
		column += printf(" %s", name);
	}
	printf("\n");
}

static void
print_row(const struct page_language *l)
{
	const char *source = source_of(l->shipped, l->own);

	if (l->lacking == 0) {
		printf("%-12s  %s\n", l->texts.tag, source);
		return;
	}
	printf("%-12s  %-12s  %zu texts are missing, and shown in English:",
	    l->texts.tag, source, l->lacking);
	print_lacking(l);
}

int
cmd_pages(struct admin *a)
{
	struct pages *p;
	enum err e;
	size_t i;
	int rc;

	if (a->argc == 1)
		return print_shipped(a->argv[0]);
	if ((rc = admin_load(a)) != ADMIN_OK)
		return rc;
	e = pages_load(a->conf->pages, &p);
	for (i = 0; i < p->count; i++)
		if (a->json)
			print_json(&p->language[i]);
		else
			print_row(&p->language[i]);
	if (!a->json) {
		printf("%-12s  %s\n", "style", source_of(true, p->own_style));
		printf("\nA site's own are in %s\n", a->conf->pages);
	}
	pages_free(p);
	return e == ERR_OK ? ADMIN_OK : ADMIN_USAGE;
}
