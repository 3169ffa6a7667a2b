/* SPDX-License-Identifier: ISC */
#ifndef OAC_WIPE_H
#define OAC_WIPE_H

/*
 * wipe - forgetting secrets, and comparing them without telling by the time.
 */
#include <stdbool.h>
#include <stddef.h>

/* Overwrite n bytes so that no optimiser leaves them. p may be NULL if n is 0. */
void wipe(void *p, size_t n);

/* Wipe a string up to its NUL and free it. NULL is allowed. */
void wipe_str(char *s);

/* Whether a and b are the same n bytes, in a time that depends on n alone. */
bool equal_ct(const void *a, const void *b, size_t n);

#endif
