/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "clock.h"

#include <sys/random.h>

#include <time.h>

static int64_t fixed;

int64_t
clock_now(void)
{
	return fixed != 0 ? fixed : (int64_t)time(NULL);
}

int64_t
clock_mono_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
clock_sleep_jittered(unsigned ms)
{
	struct timespec ts;
	unsigned r = 0;

	if (ms < 2)
		ms = 2;
	if (getrandom(&r, sizeof(r), 0) != (ssize_t)sizeof(r))
		r = 0;
	ms = ms / 2 + r % (ms - ms / 2);
	ts.tv_sec = (time_t)(ms / 1000);
	ts.tv_nsec = (long)(ms % 1000) * 1000000;
	/* A signal may cut it short: callers poll, so that is welcome. */
	nanosleep(&ts, NULL);
}

void
clock_set_for_test(int64_t now)
{
	fixed = now;
}
