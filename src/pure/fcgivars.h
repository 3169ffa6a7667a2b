/* SPDX-License-Identifier: ISC */
#ifndef OAC_FCGIVARS_H
#define OAC_FCGIVARS_H

/*
 * fcgivars - a request's variables as FastCGI sends them (1.0, 3.4: pairs of
 * lengths, name and value) made an environment, in the same place.
 */
#include <stdbool.h>
#include <stddef.h>

/*
 * Turn the len bytes at raw into strings NAME=value, and let env, which has
 * room for max + 1, point to them, ended by NULL. False when a length goes past
 * the end, a name is empty or holds a '=', a NUL would cut something short, or
 * there are more than max; env is empty then, and raw is not what it was.
 */
bool fcgivars_decode(unsigned char *raw, size_t len, char *env[], size_t max);

#endif
