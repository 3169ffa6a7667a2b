/* SPDX-License-Identifier: ISC */
#ifndef OAC_HARNESS_H
#define OAC_HARNESS_H

/*
 * harness - a CUnit runner: one suite per program, a table of named tests.
 * Prints a line per failed test; the exit code tells `make check`.
 */
#include <CUnit/CUnit.h>

#include <stddef.h>

struct test {
	const char	*name;
	void		(*run)(void);
};

int harness_run(const char *suite, const struct test *tests, size_t n);

/* The folder of the sources, for test data. */
const char *harness_srcdir(void);

/* A fresh folder of mode 0700; harness_run() removes it at the end. */
const char *harness_tmpdir(void);

#define TESTS_MAIN(suite, table) \
	int \
	main(void) \
	{ \
		return harness_run(suite, table, \
		    sizeof(table) / sizeof((table)[0])); \
	}

#endif
