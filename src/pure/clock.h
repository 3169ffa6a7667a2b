/* SPDX-License-Identifier: ISC */
#ifndef OAC_CLOCK_H
#define OAC_CLOCK_H

/* clock - the time of day in Unix seconds, and a stopwatch. */
#include <stdint.h>

/* Unix seconds. */
int64_t clock_now(void);

/* Milliseconds from an arbitrary start; never goes back. */
int64_t clock_mono_ms(void);

/* Sleep about ms milliseconds: half of it, and a random part of the rest. */
void clock_sleep_jittered(unsigned ms);

/* Unit tests only: from now on clock_now() answers this; 0 ends it. */
void clock_set_for_test(int64_t now);

#endif
