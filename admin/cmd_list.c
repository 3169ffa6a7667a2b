/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "admin.h"

#include <stdio.h>
#include <string.h>

struct walk {
	const struct admin	*a;
	int64_t			 count;
};

static void
print_json(const struct admin *a, const struct store_connection *c)
{
	struct buf b = BUF_INIT(32768);

	admin_json_connection(a, c, &b);
	printf("%s\n", buf_cstr(&b));
	buf_clear(&b);
}

static bool
print_row(void *arg, const struct store_connection *c)
{
	struct walk *w = arg;
	const struct provider *p = conf_provider(w->a->conf, c->provider);
	char id[CONNECTION_ID_CHARS + 1], when[32];
	char subject[LIMIT_SUBJECT + 1];

	if (w->a->json) {
		print_json(w->a, c);
		return true;
	}
	if (w->count++ == 0)
		printf("%-32s  %-10s %-12s %-20s %-9s  %s\n", "CONNECTION",
		    "APP", "PROVIDER", "SUBJECT", "STATUS", "TOKEN UNTIL");
	connection_id_text(c->public_id, id);
	admin_time(c->expires_at, when);
	admin_printable(c->bound ? c->subject : "-", subject);
	printf("%-32s  %-10s %-12s %-20s %-9s  %s\n", id, c->app, c->provider,
	    subject,
	    connection_status_name(connection_status(c, p)), when);
	return true;
}

int
cmd_list(struct admin *a)
{
	struct store_filter f = { .app = a->app };
	struct walk w = { .a = a };
	struct store_app app;
	int rc;

	if ((rc = admin_open(a)) != ADMIN_OK ||
	    (a->app != NULL && (rc = admin_app(a, &app)) != ADMIN_OK))
		return rc;
	return admin_exit_of(store_connection_each(a->store, &f, print_row,
	    &w));
}

static void
print_whole(const struct admin *a, const struct store_connection *c)
{
	const struct provider *p = conf_provider(a->conf, c->provider);
	char id[CONNECTION_ID_CHARS + 1], when[32];
	char subject[LIMIT_SUBJECT + 1];
	struct fields f;
	size_t i;

	connection_id_text(c->public_id, id);
	admin_printable(c->bound ? c->subject : "-", subject);
	printf("connection     %s\n", id);
	printf("app            %s\n", c->app);
	printf("provider       %s%s\n", c->provider,
	    p == NULL ? " (not in the configuration)" : "");
	printf("subject        %s\n", subject);
	printf("status         %s\n",
	    connection_status_name(connection_status(c, p)));
	printf("scope          %s\n", c->scope);
	fields_parse(&f, c->fields);
	for (i = 0; i < f.count; i++)
		printf("%-14s %s\n", f.list[i].name, f.list[i].value);
	printf("refresh token  %s\n", c->refresh.len > 0 ? "yes" : "none");
	admin_time(c->issued_at, when);
	printf("token from     %s\n", when);
	admin_time(c->expires_at, when);
	printf("token until    %s\n", c->expires_at != 0 ? when : "unknown");
	if (c->last_error[0] != '\0')
		printf("last error     %s (%lld in a row)\n", c->last_error,
		    (long long)c->failures);
	if (c->attempt_at != 0) {
		admin_time(c->attempt_at, when);
		printf("open attempt   %s, sent %d times\n", when,
		    c->attempts);
	}
	admin_time(c->created_at, when);
	printf("connected at   %s\n", when);
}

int
cmd_show(struct admin *a)
{
	struct store_connection c;
	int rc;

	store_connection_init(&c);
	if ((rc = admin_open(a)) == ADMIN_OK &&
	    (rc = admin_connection(a, &c)) == ADMIN_OK) {
		if (a->json)
			print_json(a, &c);
		else
			print_whole(a, &c);
	}
	store_connection_clear(&c);
	return rc;
}
