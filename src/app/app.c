/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "app.h"

#include <getopt.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "conf.h"
#include "context.h"
#include "crypto.h"
#include "gateway.h"
#include "httpc.h"
#include "keyring.h"
#include "limit.h"
#include "lockdown.h"
#include "log.h"
#include "page.h"
#include "pages.h"
#include "problem.h"
#include "workers.h"

#define RETRY_MS	1000	/* what is missing is looked for this often */
#define EXIT_USAGE	2

struct app {
	const struct app_spec	*spec;
	char			*path;		/* of the configuration */
	struct conf		*conf;
	struct pages		*pages;
	struct keyring		*pending_keys;
	struct keyring		*token_keys;
	struct store		*store;
	struct httpc		*http;
	int64_t			 retry_ms;	/* not tried again before */
	bool			 one_shot;	/* plain CGI */
};

/* ---- what a program needs --------------------------------------------- */

/*
 * Whatever is wrong with the folder's files was logged, and does without them;
 * NULL is for as long as there is no configuration.
 */
static void
load_pages(struct app *a, const char *folder)
{
	if (a->spec->json_only)
		return;
	pages_free(a->pages);
	if (pages_load(folder, &a->pages) != ERR_OK)
		log_error("app: going on with the shipped pages in the place "
		    "of what is wrong");
}

/* Configuration and keys: read before workers are forked. */
static bool
load(struct app *a)
{
	unsigned needs = a->spec->needs;

	if (a->conf == NULL) {
		if (conf_load(a->path, (needs & APP_NETWORK) != 0,
		    &a->conf) != ERR_OK)
			return false;
		if (!log_open(a->conf->log))
			log_error("app: can't log to %s; going on with "
			    "the log so far", a->conf->log);
		load_pages(a, a->conf->pages);
	}
	if ((needs & APP_PENDING_KEYS) != 0 && a->pending_keys == NULL &&
	    keyring_open(a->conf->keys, "pending.key",
	    &a->pending_keys) != ERR_OK)
		return false;
	if ((needs & APP_TOKEN_KEYS) != 0 && a->token_keys == NULL &&
	    keyring_open(a->conf->keys, "token.key", &a->token_keys) != ERR_OK)
		return false;
	return true;
}

/* Database and network: each process opens its own. */
static bool
open_own(struct app *a)
{
	if (a->store != NULL && !store_is_current(a->store)) {
		log_warn("app: the database was replaced; opening the new one");
		store_close(a->store);
		a->store = NULL;
	}
	if (a->store == NULL && store_open(a->conf->database,
	    a->conf->journal, a->spec->role, &a->store) != ERR_OK)
		return false;
	if ((a->spec->needs & APP_NETWORK) != 0 && a->http == NULL)
		a->http = httpc_open(a->one_shot);
	return true;
}

/*
 * Have everything at hand, or (own = false) all that processes share. What is
 * missing is looked for once per second, and told once per minute.
 */
static bool
prepare(struct app *a, bool own)
{
	bool ready;

	if (clock_mono_ms() < a->retry_ms)
		return false;
	log_damp(true);
	ready = load(a) && (!own || open_own(a));
	log_damp(false);
	if (!ready) {
		a->retry_ms = clock_mono_ms() + RETRY_MS;
	} else if (a->retry_ms != 0) {
		a->retry_ms = 0;
		log_damp_forget();
	}
	return ready;
}

/* What the libraries would else do again in every worker. */
static void
prepare_libraries(unsigned needs)
{
	crypto_prepare();
	if ((needs & APP_NETWORK) != 0)
		httpc_prepare();
}

static void
release(struct app *a)
{
	httpc_close(a->http);
	store_close(a->store);
	keyring_close(a->token_keys);
	keyring_close(a->pending_keys);
	pages_free(a->pages);
	conf_free(a->conf);
	a->http = NULL;
	a->store = NULL;
	a->token_keys = a->pending_keys = NULL;
	a->pages = NULL;
	a->conf = NULL;
}

/* SIGHUP: all anew, if all of it is right; otherwise all stays as it is. */
static void
reload(void *arg)
{
	struct app *a = arg;
	struct app fresh = { .spec = a->spec, .path = a->path,
	    .one_shot = a->one_shot };

	if (load(&fresh)) {
		release(a);
		*a = fresh;
		log_info("app: configuration and keys were read again");
		return;
	}
	release(&fresh);
	if (a->conf != NULL && !log_open(a->conf->log))
		log_error("app: can't log to %s", a->conf->log);
	log_error("app: reload failed; going on with what was read before");
}

/* ---- requests --------------------------------------------------------- */

static void
answer_problem(struct app *a, enum problem p, const struct request *req,
    struct response *res)
{
	bool again = p == PROBLEM_UNAVAILABLE && a->spec->again &&
	    req->method == METHOD_GET;
	struct page page;

	if (a->pages == NULL)
		load_pages(a, NULL);
	page_init(&page, res, a->pages, a->conf, req);
	problem_answer(&page, p, a->spec->json_only ||
	    request_wants_json(req), again ? "" : NULL);
}

static void
refuse(void *arg, int status, const struct request *req, struct response *res)
{
	answer_problem(arg, problem_of_status(status), req, res);
	res->head = req->method == METHOD_HEAD;
}

static void
handle(void *arg, struct request *req, struct response *res)
{
	struct app *a = arg;
	struct context ctx;

	if ((a->spec->methods & (unsigned)req->method) == 0) {
		answer_problem(a, PROBLEM_METHOD, req, res);
		res->allow = a->spec->allow;
	} else if (!prepare(a, true)) {
		answer_problem(a, PROBLEM_UNAVAILABLE, req, res);
	} else {
		ctx.conf = a->conf;
		ctx.pages = a->pages;
		ctx.store = a->store;
		ctx.pending_keys = a->pending_keys;
		ctx.token_keys = a->token_keys;
		ctx.http = a->http;
		a->spec->handle(&ctx, req, res);
	}
	res->head = req->method == METHOD_HEAD;
	/* What was not made durable is not to be built upon. */
	if (a->store != NULL && store_broken(a->store))
		kill(getpid(), SIGTERM);	/* taken after the answer */
}

static const struct gateway_handler *
handler_of(struct app *a, struct gateway_handler *h)
{
	h->handle = handle;
	h->refuse = refuse;
	h->reload = reload;
	h->arg = a;
	return h;
}

/* Serve until the end of the process; its exit status. */
static int
serve(struct app *a, unsigned max_requests)
{
	struct gateway_handler h;
	int status = 0;

	if (a->one_shot)
		gateway_cgi(handler_of(a, &h));
	else if (gateway_serve(handler_of(a, &h), max_requests) ==
	    GATEWAY_FAILED)
		status = 1;
	if (a->store != NULL && store_broken(a->store))
		status = 1;
	release(a);
	free(a->path);
	return status;
}

static int
work(void *arg)
{
	return serve(arg, WORKER_REQUESTS);
}

/* ---- starting --------------------------------------------------------- */

static void
usage(FILE *to, const struct app_spec *spec)
{
	fprintf(to,
	    "usage: %s.fcgi [-c FILE]\n"
	    "       %s.fcgi --help | --version\n"
	    "\n"
	    "A web server runs this program, as FastCGI or as plain CGI.\n"
	    "  -c FILE  the configuration, instead of $OAUTH_CGI_CONFIG,\n"
	    "           ../etc/oauth-cgi.conf beside the program,\n"
	    "           oauth-cgi/etc/oauth-cgi.conf further up, or\n"
	    "           %s/oauth-cgi.conf\n"
	    "As FastCGI, OAUTH_CGI_WORKERS=N (1 to %d) in the environment\n"
	    "makes it serve its socket with N processes.\n",
	    spec->name, spec->name, SYSCONFDIR, WORKERS_MAX);
}

/*
 * Read the options; *given is what -c names. -1: go on; otherwise the exit
 * status.
 */
static int
options(int argc, char *argv[], const struct app_spec *spec,
    const char **given)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "c:", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			*given = optarg;
			break;
		case 'h':
			usage(stdout, spec);
			return 0;
		case 'V':
			printf("%s.fcgi (oauth-cgi) %s\n", spec->name,
			    PACKAGE_VERSION);
			return 0;
		default:
			usage(stderr, spec);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		usage(stderr, spec);
		return EXIT_USAGE;
	}
	return -1;
}

/*
 * Web servers pass a query without '=' to a CGI program as its arguments
 * (RFC 3875 4.4), so that anybody could name a configuration with it.
 */
static bool
are_arguments_of_request(void)
{
	const char *query = getenv("QUERY_STRING");

	return query != NULL && *query != '\0' && strchr(query, '=') == NULL;
}

/* The number of workers to fork, or 0. */
static unsigned
worker_count(void)
{
	const char *text = getenv("OAUTH_CGI_WORKERS");
	char *end;
	long n;

	if (text == NULL || *text == '\0')
		return 0;
	n = strtol(text, &end, 10);
	if (*text >= '0' && *text <= '9' && *end == '\0' && n >= 1 &&
	    n <= WORKERS_MAX)
		return (unsigned)n;
	log_error("app: OAUTH_CGI_WORKERS must be a number from 1 to %d; it "
	    "is ignored", WORKERS_MAX);
	return 0;
}

int
app_main(int argc, char *argv[], const struct app_spec *spec)
{
	struct app a = { .spec = spec };
	struct workers w = { .work = work, .reload = reload, .arg = &a };
	const char *given = NULL;
	int status;

	lockdown();
	crypto_init();
	gateway_block_signals();
	log_program(spec->name);
	a.one_shot = gateway_is_cgi();
	if (!(a.one_shot && are_arguments_of_request()) &&
	    (status = options(argc, argv, spec, &given)) >= 0)
		return status;
	if (a.one_shot && getenv("REQUEST_METHOD") == NULL) {
		fprintf(stderr,
		    "%s.fcgi is run by a web server, as FastCGI or CGI; there "
		    "is nothing to do here.\n"
		    "See %s.fcgi --help; the command for people is "
		    "oauth-cgi.\n", spec->name, spec->name);
		return EXIT_USAGE;
	}
	a.path = conf_find(given);
	(void)prepare(&a, false);
	if (!a.one_shot)
		prepare_libraries(spec->needs);
	if (!a.one_shot && (w.count = worker_count()) > 0) {
		status = workers_run(&w);
		release(&a);
		free(a.path);
		return status;
	}
	return serve(&a, 0);
}
