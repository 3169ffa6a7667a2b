/* SPDX-License-Identifier: ISC */
#ifndef OAC_TEST_LOGCATCH_H
#define OAC_TEST_LOGCATCH_H

/*
 * logcatch - what a module logs, kept for a look at it. Catching begins with
 * logcatch_begin(), which also forgets what was caught before.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "log.h"

static struct {
	char		text[65536];
	size_t		len;
	unsigned	lines;
} logcatch;

static inline void
logcatch_line(void *arg, const char *line)
{
	size_t room = sizeof(logcatch.text) - logcatch.len;
	int n = snprintf(logcatch.text + logcatch.len, room, "%s\n", line);

	(void)arg;
	if (n > 0 && (size_t)n < room)
		logcatch.len += (size_t)n;
	logcatch.lines++;
}

static inline void
logcatch_begin(void)
{
	logcatch.text[0] = '\0';
	logcatch.len = 0;
	logcatch.lines = 0;
	log_stream(logcatch_line, NULL);
}

/* Whether these words are in the lines caught since. */
static inline bool
logcatch_has(const char *words)
{
	return strstr(logcatch.text, words) != NULL;
}

#endif
