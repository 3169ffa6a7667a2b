/* SPDX-License-Identifier: ISC */
#ifndef OAC_LOCKDOWN_H
#define OAC_LOCKDOWN_H

/*
 * lockdown - give up what a program that holds secrets has no use for.
 *
 * Descriptors 0 to 2 are open afterwards (a missing one is /dev/null, so that
 * no database ever gets the number of standard error) and no others; new files
 * are for their owner alone; no core dumps, and no reading of our memory by
 * other processes of the same user; no new privileges by exec; SIGPIPE and
 * SIGXFSZ are ignored. Call it first of all.
 */
void lockdown(void);

#endif
