/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "fcgivars.h"

#include <string.h>

/* One byte, or four with the highest bit set. False past the end. */
static bool
get_length(const unsigned char **p, const unsigned char *end, size_t *len)
{
	if (*p == end)
		return false;
	*len = *(*p)++;
	if (*len < 0x80)
		return true;
	if (end - *p < 3)
		return false;
	*len = (*len & 0x7f) << 24 | (size_t)(*p)[0] << 16 |
	    (size_t)(*p)[1] << 8 | (*p)[2];
	*p += 3;
	return true;
}

bool
fcgivars_decode(unsigned char *raw, size_t len, char *env[], size_t max)
{
	const unsigned char *p = raw, *end = raw + len;
	unsigned char *out = raw;	/* '=' and NUL fit where lengths were */
	size_t name, value, n = 0;

	while (p < end) {
		if (n == max || !get_length(&p, end, &name) ||
		    !get_length(&p, end, &value) ||
		    name > (size_t)(end - p) ||
		    value > (size_t)(end - p) - name || name == 0 ||
		    memchr(p, '=', name) != NULL ||
		    memchr(p, '\0', name + value) != NULL) {
			env[0] = NULL;
			return false;
		}
		env[n++] = (char *)out;
		memmove(out, p, name);
		out += name;
		*out++ = '=';
		memmove(out, p + name, value);
		out += value;
		*out++ = '\0';
		p += name + value;
	}
	env[n] = NULL;
	return true;
}
