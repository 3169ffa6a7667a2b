/* SPDX-License-Identifier: ISC */
#ifndef OAC_SECRETFILE_H
#define OAC_SECRETFILE_H

/*
 * secretfile - reading files that nobody else may read: the configuration,
 * key files, and values given as file:/path. And those beside them that
 * others may read but not write: presets, texts.
 *
 * A file is taken only if it is regular, belongs to root or to the user we
 * run as, and neither others nor (for writing) the group have any right:
 * no mode bit of 027 may be set, so 0400, 0600, 0440 and 0640 pass. Judged on
 * the open descriptor, so that nothing can be swapped in between.
 */
#include "buf.h"
#include "err.h"

/*
 * Append the content of path to out (its max bounds the size). What is wrong
 * is logged with the path and the command that mends it.
 * ERR_NOT_FOUND: no such file (not logged). ERR_CONFIG: everything else.
 */
enum err secretfile_read(const char *path, struct buf *out) MUST_CHECK;

/* The same for a file that others may read; only mode bit 002 is refused. */
enum err secretfile_read_public(const char *path, struct buf *out) MUST_CHECK;

/* Create path with mode 0600 and this content; ERR_CONFLICT if it exists. */
enum err secretfile_create(const char *path, const char *data, size_t len)
    MUST_CHECK;

#endif
