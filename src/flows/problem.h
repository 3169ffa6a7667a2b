/* SPDX-License-Identifier: ISC */
#ifndef OAC_PROBLEM_H
#define OAC_PROBLEM_H

/*
 * problem - what goes wrong, told to whoever asked: a page for people, JSON
 * for programs. The words are ours, chosen by a code; nothing that a provider
 * or a request said is ever shown.
 */
#include <stdbool.h>

#include "page.h"

enum problem {
	PROBLEM_INVALID_REQUEST,	/* 400 */
	PROBLEM_RETURN_TO,		/* 400 */
	PROBLEM_UNKNOWN_PROVIDER,	/* 400 */
	PROBLEM_UNKNOWN_APP,		/* 400 */
	PROBLEM_LINK,			/* 400: one-time link unknown or over */
	PROBLEM_STATE,			/* 400: unknown, used, expired or foreign */
	PROBLEM_COOKIE,			/* 400: the browser's cookie did not come */
	PROBLEM_LOGIN,			/* 403: the web server's login is missing */
	PROBLEM_FORBIDDEN,		/* 403 */
	PROBLEM_NOT_NAVIGATION,		/* 403 */
	PROBLEM_NOT_FOUND,		/* 404 */
	PROBLEM_METHOD,			/* 405 */
	PROBLEM_BODY_SIZE,		/* 413 */
	PROBLEM_QUERY_SIZE,		/* 414 */
	PROBLEM_MEDIA_TYPE,		/* 400: the body is not a form */
	PROBLEM_SERVER,			/* 500 */
	PROBLEM_UNAVAILABLE,		/* 503, Retry-After */
	PROBLEM__MAX
};

/* The problem for a status that the gateway refuses with. */
enum problem problem_of_status(int status);

/*
 * Replace what the page's response holds with that problem. json: as JSON,
 * else as a page. again: where trying again may help, or NULL.
 */
void problem_answer(struct page *page, enum problem p, bool json,
    const char *again);

#endif
