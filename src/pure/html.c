/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "html.h"

#include <string.h>

void
html_add(struct buf *b, const char *text)
{
	for (;;) {
		size_t plain = strcspn(text, "&<>\"'");

		buf_add(b, text, plain);
		text += plain;
		switch (*text++) {
		case '&':  buf_str(b, "&amp;"); break;
		case '<':  buf_str(b, "&lt;"); break;
		case '>':  buf_str(b, "&gt;"); break;
		case '"':  buf_str(b, "&quot;"); break;
		case '\'': buf_str(b, "&#39;"); break;
		default:   return;
		}
	}
}
