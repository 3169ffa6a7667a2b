/* SPDX-License-Identifier: ISC */
#ifndef OAC_TEST_VECTORS_H
#define OAC_TEST_VECTORS_H

/*
 * vectors - reading tests/vectors/: records of `name = value` lines with a
 * blank line between them; `#` at the start of a line makes it a comment.
 * A file that can't be read, or is not of this form, ends the program.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

#define VECTOR_FIELDS 16

struct vector {
	size_t	 n;
	char	*line[VECTOR_FIELDS];	/* the name, a NUL, the value */
	char	*value[VECTOR_FIELDS];
};

__attribute__((noreturn)) static inline void
vector_fail(const char *what)
{
	fprintf(stderr, "vectors: %s\n", what);
	exit(99);
}

static inline FILE *
vectors_open(const char *name)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/vectors/%s", harness_srcdir(),
	    name);
	if ((f = fopen(path, "re")) == NULL)
		vector_fail(path);
	return f;
}

static inline void
vector_clear(struct vector *v)
{
	while (v->n > 0)
		free(v->line[--v->n]);
}

static inline void
vector_take(struct vector *v, char *line)
{
	char *sep = strstr(line, " =");

	if (v->n == VECTOR_FIELDS || sep == NULL)
		vector_fail(line);
	*sep = '\0';
	sep += sep[2] == ' ' ? 3 : 2;
	v->line[v->n] = line;
	v->value[v->n++] = sep;
}

/* Read the next record; v begins zeroed. False, and v empty, at the end. */
static inline bool
vectors_next(FILE *f, struct vector *v)
{
	char *line = NULL;
	size_t size = 0;

	vector_clear(v);
	while (getline(&line, &size, f) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '\0' && v->n > 0)
			break;
		if (line[0] == '\0' || line[0] == '#')
			continue;
		vector_take(v, line);
		line = NULL;
		size = 0;
	}
	free(line);
	return v->n > 0;
}

/* The value of a field, or NULL when the record has none of that name. */
static inline const char *
vector_text(const struct vector *v, const char *name)
{
	size_t i;

	for (i = 0; i < v->n; i++)
		if (strcmp(v->line[i], name) == 0)
			return v->value[i];
	return NULL;
}

/* The bytes of a hexadecimal field, in out, which has room for max. */
static inline size_t
vector_bytes(const struct vector *v, const char *name, unsigned char *out,
    size_t max)
{
	const char *hex = vector_text(v, name);
	size_t len, i;
	unsigned byte;

	if (hex == NULL || (len = strlen(hex)) % 2 != 0 || len / 2 > max)
		vector_fail(name);
	for (i = 0; i < len / 2; i++) {
		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			vector_fail(name);
		out[i] = (unsigned char)byte;
	}
	return len / 2;
}

#endif
