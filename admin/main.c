/* SPDX-License-Identifier: ISC */

/*
 * oauth-cgi - the operator's command; the only program that creates or changes
 * tables. See oauth-cgi(8).
 */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "crypto.h"
#include "lockdown.h"
#include "log.h"

#define TAKES_APP	(1 << 0)
#define TAKES_USER	(1 << 1)
#define TAKES_ORIGIN	(1 << 2)
#define TAKES_MIN_VALID	(1 << 3)
#define TAKES_REPLACE	(1 << 4)
#define TAKES_JSON	(1 << 5)
#define TAKES_OFFLINE	(1 << 6)
#define TAKES_PROVIDER	(1 << 7)
#define TAKES_CA_FILE	(1 << 8)
#define TAKES_LIBS	(1 << 9)

static int cmd_version(struct admin *a);

static const struct command {
	const char	*name;
	int		 min_args, max_args;
	unsigned	 takes;
	int		(*run)(struct admin *a);
	const char	*usage;
	const char	*help;
} commands[] = {
	{ "init", 0, 0, TAKES_USER, cmd_init, "init [--user NAME]",
	    "create keys, database and, where there is none, an example\n"
	    "configuration; bring an older database up to date; never\n"
	    "overwrite anything. --user gives the files to the user that\n"
	    "the web programs run as" },
	{ "check", 0, 0, TAKES_USER | TAKES_JSON | TAKES_OFFLINE |
	    TAKES_PROVIDER | TAKES_CA_FILE, cmd_check,
	    "check [--offline] [--provider NAME] [--user NAME]\n"
	    "       [--ca-file FILE] [--json]",
	    "look at all of it, ask the running site and the providers, and\n"
	    "say what is wrong and how to mend it; changes nothing.\n"
	    "--offline asks nobody, --provider asks one provider alone;\n"
	    "--user is who the web programs run as; --ca-file has what the\n"
	    "site's certificate is signed with, if not the usual. Exit codes:\n"
	    "0 all well, 1 something is wrong, 2 the configuration can't be\n"
	    "used, 3 a provider can't be reached now" },
	{ "provider", 1, 2, TAKES_JSON, cmd_provider,
	    "provider list [--json] | provider show NAME [--json] |\n"
	    "       provider test NAME [--json]",
	    "list: the providers of the configuration and the presets that\n"
	    "there are. show: all that counts for one, and where it comes\n"
	    "from, but for the secret. test: ask it whether it knows this\n"
	    "client, its redirect URI and its way to authenticate; nothing\n"
	    "is spent" },
	{ "app", 1, 2, TAKES_ORIGIN | TAKES_REPLACE | TAKES_JSON, cmd_app,
	    "app add NAME [--origin URL]... [--json] |\n"
	    "       app key NAME [--replace] [--json] | app retire NAME |\n"
	    "       app list [--json] | app remove NAME",
	    "the sites that may ask for tokens. add and key print the new\n"
	    "key, once, alone on standard output. --origin allows return_to\n"
	    "to lead to another host; --replace ends the older keys at once,\n"
	    "retire does so when the backend has the newest" },
	{ "connect", 2, 2, TAKES_APP | TAKES_JSON, cmd_connect,
	    "connect PROVIDER SUBJECT [--app NAME] [--json]",
	    "print a one-time link that connects an account of your own to\n"
	    "SUBJECT; whoever opens it binds his account, so keep it" },
	{ "pages", 0, 1, TAKES_JSON, cmd_pages, "pages [--json] | pages NAME",
	    "the languages that visitors may read, and what is missing;\n"
	    "with NAME (en, de, style) the file that is shipped, to begin\n"
	    "a translation or a style of your own with" },
	{ "list", 0, 0, TAKES_APP | TAKES_JSON, cmd_list,
	    "list [--app NAME] [--json]",
	    "the connections, without their tokens" },
	{ "show", 1, 2, TAKES_APP | TAKES_JSON, cmd_show,
	    "show ID | show PROVIDER SUBJECT [--app NAME] [--json]",
	    "one connection, without its tokens" },
	{ "token", 2, 2, TAKES_APP | TAKES_MIN_VALID | TAKES_JSON, cmd_token,
	    "token PROVIDER SUBJECT [--app NAME] [--min-valid SECONDS]\n"
	    "       [--json]",
	    "print a valid access token, refreshed if need be, alone on\n"
	    "standard output" },
	{ "retry", 1, 2, TAKES_APP, cmd_retry,
	    "retry ID | retry PROVIDER SUBJECT [--app NAME]",
	    "try a broken connection again with the tokens it still has" },
	{ "purge", 0, 0, TAKES_JSON, cmd_purge, "purge [--json]",
	    "remove what is over: flows, links, keys, connections that\n"
	    "nobody redeemed. For cron; silent when all is well" },
	{ "version", 0, 0, TAKES_LIBS, cmd_version, "version [--libs]",
	    "print the version; --libs: and those of the libraries" },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int
cmd_version(struct admin *a)
{
	static const char libraries[] = LIBRARY_VERSIONS;
	const char *p;

	printf("oauth-cgi %s\n", PACKAGE_VERSION);
	if (!a->libs)
		return ADMIN_OK;
#ifdef WITH_STATIC
	fputs("these libraries are inside of the programs:\n  ", stdout);
#else
	fputs("built with these libraries; the system's are used:\n  ", stdout);
#endif
	for (p = libraries; *p != '\0'; p++) {
		if (*p == ',')
			fputs("\n ", stdout);
		else
			putchar(*p);
	}
	putchar('\n');
	return ADMIN_OK;
}

static void
print_help(FILE *to)
{
	size_t i;

	fputs("usage: oauth-cgi [-c FILE] COMMAND ...\n\n", to);
	for (i = 0; i < COMMANDS; i++)
		fprintf(to, "  oauth-cgi %s\n", commands[i].usage);
	fputs("\noauth-cgi COMMAND --help tells more. Exit codes: 0 ok, "
	    "1 refused, 2 usage or\nconfiguration, 3 try again.\n", to);
}

static int
usage(const struct command *c, const char *what)
{
	if (what != NULL)
		admin_say("%s", what);
	if (c == NULL)
		print_help(stderr);
	else
		fprintf(stderr, "usage: oauth-cgi [-c FILE] %s\n", c->usage);
	return ADMIN_USAGE;
}

static const struct command *
find_command(const char *name)
{
	size_t i;

	for (i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

struct options {
	unsigned	given;		/* TAKES_… */
	bool		help;
	bool		bad;
	const char	*why;		/* bad, and getopt has not said it */
};

static void
read_options(int argc, char *argv[], struct admin *a, struct options *o)
{
	static const struct option longs[] = {
		{ "app", required_argument, NULL, 'a' },
		{ "user", required_argument, NULL, 'u' },
		{ "origin", required_argument, NULL, 'o' },
		{ "min-valid", required_argument, NULL, 'm' },
		{ "replace", no_argument, NULL, 'r' },
		{ "json", no_argument, NULL, 'j' },
		{ "offline", no_argument, NULL, 'O' },
		{ "provider", required_argument, NULL, 'p' },
		{ "ca-file", required_argument, NULL, 'C' },
		{ "libs", no_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 }
	};
	char *end;
	int c;

	/* getopt_long() sorts options to the front: before or after works. */
	while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		switch (c) {
		case 'c': a->conf_path = optarg; break;
		case 'a': a->app = optarg; o->given |= TAKES_APP; break;
		case 'u': a->user = optarg; o->given |= TAKES_USER; break;
		case 'o':
			o->given |= TAKES_ORIGIN;
			if (a->origin_count == ADMIN_ORIGINS_MAX)
				o->why = "too many origins";
			else
				a->origins[a->origin_count++] = optarg;
			break;
		case 'm':
			o->given |= TAKES_MIN_VALID;
			a->min_valid = strtol(optarg, &end, 10);
			if (*optarg < '0' || *optarg > '9' || *end != '\0' ||
			    a->min_valid > LIMIT_MIN_VALID)
				o->why = "--min-valid is a number of seconds, "
				    "0 to 86400";
			break;
		case 'r': a->replace = true; o->given |= TAKES_REPLACE; break;
		case 'j': a->json = true; o->given |= TAKES_JSON; break;
		case 'O': a->offline = true; o->given |= TAKES_OFFLINE; break;
		case 'p':
			a->provider = optarg;
			o->given |= TAKES_PROVIDER;
			break;
		case 'C': a->ca_file = optarg; o->given |= TAKES_CA_FILE; break;
		case 'l': a->libs = true; o->given |= TAKES_LIBS; break;
		case 'h': o->help = true; break;
		case 'V': exit(cmd_version(a)); break;
		default: o->bad = true; break;
		}
	}
}

/* For people: without the program's name and process, and no small talk. */
static void
to_terminal(void *arg, const char *line)
{
	const char *level = strstr(line, "] ");
	const char *text = level != NULL ? strstr(level, ": ") : NULL;

	(void)arg;
	if (text == NULL)
		fprintf(stderr, "%s\n", line);
	else if (strncmp(level + 2, "info", 4) != 0)
		fprintf(stderr, "oauth-cgi: %s\n", text + 2);
}

int
main(int argc, char *argv[])
{
	struct admin a = { .min_valid = -1 };
	struct options o = { 0 };
	const struct command *c;
	char *path;
	int rc;

	lockdown();
	crypto_init();
	log_program("oauth-cgi");
	log_stream(to_terminal, NULL);
	read_options(argc, argv, &a, &o);
	argc -= optind;
	argv += optind;
	if (argc == 0 && o.help && !o.bad) {
		print_help(stdout);
		return ADMIN_OK;
	}
	if (argc == 0)
		return usage(NULL, o.bad ? NULL : "which command?");
	if ((c = find_command(argv[0])) == NULL)
		return usage(NULL, "there is no such command");
	if (o.help && !o.bad) {
		printf("usage: oauth-cgi [-c FILE] %s\n\n%s\n", c->usage,
		    c->help);
		return ADMIN_OK;
	}
	if (o.bad || o.why != NULL)
		return usage(c, o.why);
	if ((o.given & ~c->takes) != 0)
		return usage(c, "an option is given that this command does "
		    "not take");
	a.argc = argc - 1;
	a.argv = argv + 1;
	if (a.argc < c->min_args || a.argc > c->max_args)
		return usage(c, "too few or too many arguments");
	a.conf_path = path = conf_find(a.conf_path);
	rc = c->run(&a);
	store_close(a.store);
	conf_free(a.conf);
	free(path);
	if (fflush(stdout) != 0 && rc == ADMIN_OK)
		rc = ADMIN_LATER;
	return rc;
}
