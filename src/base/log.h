/* SPDX-License-Identifier: ISC */
#ifndef OAC_LOG_H
#define OAC_LOG_H

/*
 * log - one line for each thing an operator should know.
 *
 * A line is `program[pid] level id: text`; id is the error id of the request
 * being served (the same one that the visitor sees on an error page), or '-'.
 * Bytes outside of 0x20 to 0x7E are written as \xNN, so that nothing from
 * outside can start a line of its own. Lines are cut at 1000 bytes.
 *
 * Secrets: no token, code, state, ticket, verifier, cookie, key or client
 *          secret is ever an argument here, at any level.
 * State:   the sink, the program's name and the request's id are process-wide;
 *          there are no threads.
 */
#include <stdbool.h>

enum log_level {
	LOG_LEVEL_ERROR,	/* somebody must act */
	LOG_LEVEL_WARN,		/* unusual, handled */
	LOG_LEVEL_INFO,		/* what happened */
	LOG_LEVEL__MAX
};

/* Receives one finished line without a newline. */
typedef void (*log_stream_fn)(void *arg, const char *line);

/* The program's name as it appears in each line; must stay valid. */
void log_program(const char *name);

/*
 * Where lines go: "stderr", "syslog" or "file:/path" (opened for append, mode
 * 0600 if new, and opened again when it was moved away). Returns false and
 * keeps the sink it had when the file can't be opened, or the word is unknown.
 */
bool log_open(const char *target);

/*
 * For what is tried again and again: between log_damp(true) and (false), a line
 * that was written between them within the last LOG_DAMP_SECS is left out.
 * log_damp_forget() when all is well: the next time it is news again.
 */
void log_damp(bool on);
void log_damp_forget(void);

/* While set, lines for "stderr" go there instead: the FastCGI error stream. */
void log_stream(log_stream_fn fn, void *arg);

/*
 * Begin a request: a fresh random error id for its lines. log_id() returns the
 * id of the current request, or "-".
 */
void log_request_begin(void);
void log_request_end(void);
const char *log_id(void);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The environment is broken: log as an error and exit(1). */
void log_die(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));

#endif
