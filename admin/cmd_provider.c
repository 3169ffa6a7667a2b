/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "admin.h"

#include <stdio.h>
#include <string.h>

#include "jsonout.h"

/* What `check` does with providers, for one. */
static int
test(struct admin *a, const char *name)
{
	a->provider = name;
	return admin_check_provider(a);
}

static void
print_provider(const struct admin *a, const struct provider *p)
{
	struct buf b = BUF_INIT(16384);

	if (!a->json) {
		printf("%-16s  %s  %s\n", p->name, p->redirect_uri, p->label);
		return;
	}
	jsonout_open(&b);
	jsonout_str(&b, "provider", p->name);
	jsonout_str(&b, "label", p->label);
	jsonout_str(&b, "redirect_uri", p->redirect_uri);
	jsonout_close(&b);
	printf("%s\n", buf_cstr(&b));
	buf_clear(&b);
}

static void
print_preset(void *arg, const char *name, const char *file)
{
	const struct admin *a = arg;
	struct buf b = BUF_INIT(65536);

	if (!a->json) {
		printf("%-16s  preset  %s\n", name, file != NULL ? file :
		    "embedded");
		return;
	}
	jsonout_open(&b);
	jsonout_str(&b, "preset", name);
	jsonout_bool(&b, "embedded", file == NULL);
	jsonout_str(&b, "file", file);
	jsonout_close(&b);
	printf("%s\n", buf_cstr(&b));
	buf_clear(&b);
}

static int
list(struct admin *a, const char *none)
{
	size_t i;
	int rc;

	(void)none;
	if ((rc = admin_load(a)) != ADMIN_OK)
		return rc;
	for (i = 0; i < a->conf->provider_count; i++)
		print_provider(a, &a->conf->providers[i]);
	conf_each_preset(a->conf, print_preset, a);
	return ADMIN_OK;
}

int
cmd_provider(struct admin *a)
{
	static const struct {
		const char	*verb;
		int		 names;
		int		 (*run)(struct admin *a, const char *name);
	} verbs[] = {
		{ "list", 0, list },
		{ "show", 1, admin_show_provider },
		{ "test", 1, test },
	};
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(a->argv[0], verbs[i].verb) == 0 &&
		    a->argc == 1 + verbs[i].names)
			return verbs[i].run(a, a->argv[1]);
	admin_say("provider list, or show NAME, or test NAME");
	return ADMIN_USAGE;
}
