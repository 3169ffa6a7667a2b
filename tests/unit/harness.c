/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "harness.h"

#include <CUnit/Basic.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char tmpdir[256];

const char *
harness_srcdir(void)
{
	const char *dir = getenv("top_srcdir");

	return dir != NULL ? dir : ".";
}

const char *
harness_tmpdir(void)
{
	const char *base = getenv("TMPDIR");

	if (tmpdir[0] == '\0') {
		snprintf(tmpdir, sizeof(tmpdir), "%s/oauth-cgi-test.XXXXXX",
		    base != NULL ? base : "/tmp");
		if (mkdtemp(tmpdir) == NULL) {
			perror(tmpdir);
			exit(99);
		}
	}
	return tmpdir;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int
harness_run(const char *suite, const struct test *tests, size_t n)
{
	unsigned failed;
	CU_pSuite s;
	size_t i;

	if (CU_initialize_registry() != CUE_SUCCESS ||
	    (s = CU_add_suite(suite, NULL, NULL)) == NULL)
		return 99;
	for (i = 0; i < n; i++)
		if (CU_add_test(s, tests[i].name, tests[i].run) == NULL)
			return 99;
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failed = CU_get_number_of_tests_failed();
	if (CU_get_number_of_tests_run() != n)
		failed++;
	CU_cleanup_registry();
	if (tmpdir[0] != '\0')
		nftw(tmpdir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return failed == 0 ? 0 : 1;
}
