/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "admin.h"

#include <string.h>

/* What `check` does with providers, for one. */
static int
test(struct admin *a, const char *name)
{
	a->provider = name;
	return admin_check_provider(a);
}

int
cmd_provider(struct admin *a)
{
	static const struct {
		const char	*verb;
		int		(*run)(struct admin *a, const char *name);
	} verbs[] = {
		{ "test", test },
	};
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(a->argv[0], verbs[i].verb) == 0 && a->argc == 2)
			return verbs[i].run(a, a->argv[1]);
	admin_say("provider test NAME");
	return ADMIN_USAGE;
}
