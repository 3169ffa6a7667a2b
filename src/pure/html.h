/* SPDX-License-Identifier: ISC */
#ifndef OAC_HTML_H
#define OAC_HTML_H

/*
 * html - text as HTML shows it (HTML 13.1.2, 13.3).
 */
#include "buf.h"

/*
 * Append text with everything escaped that HTML gives a meaning to, between
 * tags as well as in a quoted attribute.
 */
void html_add(struct buf *b, const char *text);

#endif
