/* SPDX-License-Identifier: ISC */
#ifndef OAC_ERR_H
#define OAC_ERR_H

/*
 * err - the classes of failure that a caller can act on.
 *
 * A function that can fail returns one of these, and the function that knows
 * the cause has logged it; callers hand the class up without a word. A new
 * class needs a caller that does something different about it.
 */
enum err {
	ERR_OK = 0,
	ERR_INPUT,	/* what came in is malformed, or past a limit */
	ERR_NOT_FOUND,	/* no such row, file or name */
	ERR_CONFLICT,	/* the row moved since it was read: read it again */
	ERR_BUSY,	/* a lock was not to be had in time: try later */
	ERR_CONFIG,	/* configuration, key or file: the operator mends it */
	ERR_TAMPER,	/* a sealed value does not open */
	ERR_INTERNAL,	/* the machine: disk, memory, a library */
	ERR__MAX
};

/* The class as a word for logs; never NULL. */
const char *err_name(enum err e);

#define MUST_CHECK __attribute__((warn_unused_result))

#endif
