/* SPDX-License-Identifier: ISC */
#ifndef OAC_XALLOC_H
#define OAC_XALLOC_H

/*
 * xalloc - memory or the end of the process.
 *
 * Inputs are bounded, SQLite rolls back an interrupted transaction, the kernel
 * releases locks, and a worker that dies is replaced: ending is safer than any
 * untested path that goes on without memory. These never return NULL.
 */
#include <stddef.h>

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t len);

#endif
