/* SPDX-License-Identifier: ISC */
#ifndef OAC_JSONOUT_H
#define OAC_JSONOUT_H

/*
 * jsonout - writing JSON objects (RFC 8259) member by member into a buf.
 *
 *	jsonout_open(&b);  jsonout_str(&b, "error", "x");  jsonout_close(&b);
 *
 * Strings must be UTF-8; a NULL string is written as null.
 */
#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

void jsonout_open(struct buf *b);
void jsonout_close(struct buf *b);

/* A member that is an object itself; jsonout_close() ends it. */
void jsonout_begin(struct buf *b, const char *name);
void jsonout_str(struct buf *b, const char *name, const char *value);
void jsonout_int(struct buf *b, const char *name, int64_t value);
void jsonout_bool(struct buf *b, const char *name, bool value);
void jsonout_null(struct buf *b, const char *name);

#endif
