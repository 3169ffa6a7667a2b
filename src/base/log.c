/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "log.h"

#include <sys/random.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "limit.h"

#define LINE_MAX_LEN 1000
#define DAMPED_LINES 16		/* more than that are rarely wrong at once */

enum sink { SINK_STDERR, SINK_SYSLOG, SINK_FILE };

static struct {
	enum sink	 sink;
	const char	*program;
	char		 id[9];
	char		 path[4096];
	int		 fd;
	log_stream_fn	 stream;
	void		*stream_arg;
	bool		 damped;
	struct {
		uint64_t hash;
		time_t	 at;		/* CLOCK_MONOTONIC; 0: free */
	}		 said[DAMPED_LINES];
} state = { .program = "oauth-cgi", .id = "-", .fd = -1 };

static const struct {
	const char	*name;
	int		 priority;
} levels[LOG_LEVEL__MAX] = {
	[LOG_LEVEL_ERROR] = { "error", LOG_ERR },
	[LOG_LEVEL_WARN]  = { "warn", LOG_WARNING },
	[LOG_LEVEL_INFO]  = { "info", LOG_INFO },
};

void
log_program(const char *name)
{
	state.program = name;
}

static int
open_file(const char *path)
{
	return open(path,
	    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY,
	    0600);
}

bool
log_open(const char *target)
{
	int fd;

	if (strcmp(target, "stderr") == 0) {
		state.sink = SINK_STDERR;
	} else if (strcmp(target, "syslog") == 0) {
		openlog("oauth-cgi", LOG_PID, LOG_DAEMON);
		state.sink = SINK_SYSLOG;
	} else if (strncmp(target, "file:", 5) == 0 &&
	    strlen(target + 5) < sizeof(state.path)) {
		if ((fd = open_file(target + 5)) < 0)
			return false;
		if (state.fd >= 0)
			close(state.fd);
		state.fd = fd;
		snprintf(state.path, sizeof(state.path), "%s", target + 5);
		state.sink = SINK_FILE;
	} else {
		return false;
	}
	return true;
}

void
log_stream(log_stream_fn fn, void *arg)
{
	state.stream = fn;
	state.stream_arg = arg;
}

/* Most requests leave nothing in the log: the id is made when it is asked for. */
void
log_request_begin(void)
{
	state.id[0] = '\0';
}

void
log_request_end(void)
{
	memcpy(state.id, "-", 2);
}

const char *
log_id(void)
{
	unsigned char r[4];

	if (state.id[0] == '\0') {
		if (getrandom(r, sizeof(r), 0) != (ssize_t)sizeof(r))
			memset(r, 0, sizeof(r));
		snprintf(state.id, sizeof(state.id), "%02x%02x%02x%02x",
		    r[0], r[1], r[2], r[3]);
	}
	return state.id;
}

/* Copy text with everything unprintable as \xNN, at most LINE_MAX_LEN bytes. */
static void
sanitise(char out[LINE_MAX_LEN + 1], const char *text)
{
	size_t n = 0;
	unsigned char c;

	for (; (c = (unsigned char)*text) != '\0' && n + 4 < LINE_MAX_LEN;
	    text++) {
		if (c >= 0x20 && c <= 0x7e)
			out[n++] = (char)c;
		else
			n += (size_t)snprintf(out + n, 5, "\\x%02x", c);
	}
	out[n] = '\0';
}

/* A log that was moved away by rotation is opened anew under its name. */
static void
follow_rotation(void)
{
	struct stat open_one, named;
	int fd;

	if (fstat(state.fd, &open_one) == 0 &&
	    stat(state.path, &named) == 0 &&
	    open_one.st_ino == named.st_ino && open_one.st_dev == named.st_dev)
		return;
	if ((fd = open_file(state.path)) < 0)
		return;
	close(state.fd);
	state.fd = fd;
}

static void
write_line(int fd, const char *line)
{
	char out[LINE_MAX_LEN + 128];
	int n = snprintf(out, sizeof(out), "%s\n", line);

	/* One write(), so that lines of several processes do not mix. */
	if (n > 0 && write(fd, out, (size_t)n) < 0)
		return;		/* there is nobody left to tell */
}

/* FNV-1a: two different complaints with one hash would be bad luck, no more. */
static uint64_t
hash_of(const char *text)
{
	uint64_t h = 14695981039346656037U;

	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * 1099511628211U;
	return h;
}

/* Whether it was said lately; if not, it is now, in place of the oldest. */
static bool
said_lately(const char *text)
{
	uint64_t h = hash_of(text);
	struct timespec now;
	size_t i, oldest = 0;

	clock_gettime(CLOCK_MONOTONIC, &now);
	for (i = 0; i < DAMPED_LINES; i++) {
		if (state.said[i].at != 0 && state.said[i].hash == h &&
		    now.tv_sec - state.said[i].at < LOG_DAMP_SECS)
			return true;
		if (state.said[i].at < state.said[oldest].at)
			oldest = i;
	}
	state.said[oldest].hash = h;
	state.said[oldest].at = now.tv_sec > 0 ? now.tv_sec : 1;
	return false;
}

void
log_damp(bool on)
{
	state.damped = on;
}

void
log_damp_forget(void)
{
	memset(state.said, 0, sizeof(state.said));
}

static void emit(enum log_level, const char *, va_list)
    __attribute__((format(printf, 2, 0)));

static void
emit(enum log_level level, const char *fmt, va_list ap)
{
	char text[2048], clean[LINE_MAX_LEN + 1], line[LINE_MAX_LEN + 96];
	int saved_errno = errno;

	vsnprintf(text, sizeof(text), fmt, ap);
	sanitise(clean, text);
	if (state.damped && said_lately(clean))
		goto out;
	snprintf(line, sizeof(line), "%s[%ld] %s %s: %s", state.program,
	    (long)getpid(), levels[level].name, log_id(), clean);
	switch (state.sink) {
	case SINK_SYSLOG:
		syslog(levels[level].priority, "%s %s: %s", state.program,
		    log_id(), clean);
		break;
	case SINK_FILE:
		follow_rotation();
		write_line(state.fd, line);
		break;
	case SINK_STDERR:
		if (state.stream != NULL)
			state.stream(state.stream_arg, line);
		else
			write_line(STDERR_FILENO, line);
		break;
	}
out:
	errno = saved_errno;
}

void
log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(LOG_LEVEL_ERROR, fmt, ap);
	va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(LOG_LEVEL_WARN, fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(LOG_LEVEL_INFO, fmt, ap);
	va_end(ap);
}

void
log_die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(LOG_LEVEL_ERROR, fmt, ap);
	va_end(ap);
	exit(1);
}
