/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "wipe.h"

#include <stdlib.h>
#include <string.h>

void
wipe(void *p, size_t n)
{
	if (n > 0)
		explicit_bzero(p, n);
}

void
wipe_str(char *s)
{
	if (s == NULL)
		return;
	wipe(s, strlen(s));
	free(s);
}

bool
equal_ct(const void *a, const void *b, size_t n)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned char diff = 0;
	size_t i;

	for (i = 0; i < n; i++)
		diff |= x[i] ^ y[i];
	return diff == 0;
}
