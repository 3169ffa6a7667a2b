/* SPDX-License-Identifier: ISC */
#ifndef OAC_LIMIT_H
#define OAC_LIMIT_H

/*
 * limit - every size and time limit of the programs, in one list.
 *
 * (Not limits.h: that name is the C library's, and it would be found first.)
 *
 * Sizes are bytes without a terminating NUL, times are seconds unless the
 * name says otherwise. A peer that goes past a limit gets a clear answer
 * (400, 413, 414 or 503); nothing is ever cut to fit.
 */

/* What a web server may hand us for one request. */
#define LIMIT_QUERY		16384	/* QUERY_STRING; past it 414 */
#define LIMIT_BODY		65536	/* request body; past it 413 */
#define LIMIT_DROPPED		1048576	/* of a refused body, read and forgotten */
#define LIMIT_COOKIE		16384	/* the whole Cookie header; past it 400 */
#define LIMIT_HEADER		8192	/* any other variable we read; past it 400 */
#define LIMIT_PARAMS		64	/* parameters in query and body together */
#define LIMIT_ENV_COUNT		512	/* variables of one FastCGI request */
#define LIMIT_ENV_BYTES		131072	/* all of them together */

/* The pages. */
#define LIMIT_TEXT_FILE		65536	/* a file of texts */
#define LIMIT_TEXT		1000	/* one text in it */
#define LIMIT_STYLE		32768	/* a site's style.css */
#define LIMIT_LANGUAGES		64

/* Parameters. */
#define LIMIT_NAME		32	/* provider and app names */
#define LIMIT_RETURN_TO		2048
#define LIMIT_SUBJECT		255
#define LIMIT_BIND_MIN		16
#define LIMIT_BIND_MAX		128
#define LIMIT_CODE		8192	/* authorization code */
#define LIMIT_MIN_VALID		86400
#define LIMIT_LABEL		128	/* names for people: site, provider */
#define LIMIT_FIELD		256	/* values of template fields, issuers */
#define LIMIT_FIELDS		8	/* fields of a provider */
#define LIMIT_FIELDS_TEXT	(LIMIT_FIELDS * (LIMIT_NAME + LIMIT_FIELD + 2))

/* The flow. */
#define PENDING_TTL		600	/* a state may come back this long */
#define PENDING_REPLAY_TTL	600	/* a finished one repeats its redirect */
#define PENDING_KEY_TTL		1800	/* a retired pending key still opens */
#define PENDING_PER_BROWSER	16
#define PENDING_TOTAL		100000
#define PENDING_EXPIRE_BATCH	4	/* expired rows removed for each new one */
#define PENDING_WAIT		25	/* a second callback waits for the first */
#define COOKIE_TTL		3600
#define CONFIRM_TTL		600	/* a confirm page may be answered */
#define TICKET_TTL		600
#define UNBOUND_TTL		900	/* a connection that nobody redeems */
#define START_LINK_TTL		900

/* One request to our programs, and what it may wait for. */
#define BUDGET_REQUEST		35	/* mod_fcgid cuts at 40 */
#define BUDGET_PROVIDER		26	/* left before a provider call begins */
#define WAIT_CONNECTION_LOCK	9
#define WAIT_GATE_MS		5000
#define WAIT_SQLITE_MS		3000

/* A provider call. */
#define PROVIDER_CONNECT	5
#define PROVIDER_TOTAL		25
#define PROVIDER_ANSWER		262144
#define PROVIDER_IDLE_CONN	4	/* Node and Apache close idle ones after 5 */
#define PROVIDER_JSON_DEPTH	16
#define LIMIT_TOKEN		65536	/* an access or refresh token */
#define LIMIT_SCOPE		4096
#define LIMIT_URL		4096	/* configured URLs and the one we send to */

/* Refresh. */
#define DEFAULT_MIN_VALID	60
#define REJECTED_MIN_AGE	60	/* a younger token is not refreshed again */
#define BACKOFF_FIRST		1
#define BACKOFF_MAX		60
#define RETRY_AFTER_MAX		3600	/* a provider may ask for more: capped */
#define BREAKER_FAILURES	3
#define BREAKER_PROBE		5	/* an open breaker lets one attempt by */
#define REFUSALS_UNTIL_BROKEN	5
#define REFUSALS_SPAN		86400

/* oauth-cgi check. */
#define CHECK_TOTAL		60	/* after that nobody more is asked */
#define CHECK_END		90	/* after that it ends, whatever hangs */
#define CHECK_REQUEST		10	/* one question to site or provider */
#define CHECK_CLOCK		30	/* a clock may be off by this */
#define CHECK_KEY_WARNING	(7 * 86400)	/* an app key ends within */
#define CHECK_PURGE_AGE		86400	/* purge should have run since */
#define CHECK_WAL_BYTES		67108864	/* more is never folded back */
#define CHECK_DISK_BYTES	16777216	/* less is as good as full */

/* Workers. */
#define WORKERS_MAX		512
#define WORKER_REQUESTS		1000	/* a forked worker ends after these */

/* The log. */
#define LOG_DAMP_SECS		60	/* the same complaint, once in this time */

/* The database. */
#define WAL_CHECKPOINT_PAGES	4000	/* 16 MB */
#define STORE_TRIES		5	/* before tokens that came are given up */
#define STORE_PAUSE_MS		50	/* between the first two; then four times */

#endif
