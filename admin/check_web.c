/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "jsonin.h"

static const struct check_kind no_time = { "out_of_time", CHECK_LATER,
    "The whole command has a time limit, so that it always ends." };

bool
check_ask(struct check *c, struct httpc_request *req, struct httpc_answer *a)
{
	int64_t left = c->until_ms - clock_mono_ms();

	req->timeout_ms = left < CHECK_REQUEST * 1000L ? left :
	    CHECK_REQUEST * 1000L;
	httpc_send(c->http, req, a);
	check_unsaid(c);	/* it is told in the answer */
	if (left <= 0) {
		check_found(c, &no_time, "not asked: %d s are over",
		    CHECK_TOTAL);
		check_mend(c, "# mend what took so long, or take one by one: "
		    "oauth-cgi provider test NAME");
	}
	return a->outcome == HTTPC_ANSWERED;
}

/* What failed, in words of our own. %h host, %p host:port, %u origin. */
static const struct failure {
	const char	*name;
	const char	*what;
	const char	*why;
	bool		 certain;	/* waiting mends nothing */
	const char	*mend[2];
} failures[HTTPC_FAILURE__MAX] = {
	[HTTPC_DNS] = { "dns", "the name %h has no address here",
	    "It is misspelt, or this machine's name server does not answer.",
	    false, { "getent hosts %h", "cat /etc/resolv.conf" } },
	[HTTPC_CONNECT] = { "refused", "%p takes no connection",
	    "Nobody listens there, or a firewall refuses it.",
	    false, { "curl -v %u/", NULL } },
	[HTTPC_TIMEOUT] = { "timeout", "%p does not answer in time",
	    "It is overloaded, or a firewall swallows what is sent there.",
	    false, { "curl -v --max-time 20 %u/", NULL } },
	[HTTPC_CERTIFICATE] = { "certificate", "the certificate of %p is not "
	    "to be trusted", "Nothing is sent to somebody who can't prove who "
	    "he is. It has expired, is for another name, or is signed by "
	    "somebody this machine does not know; or this machine's clock is "
	    "wrong.", true,
	    { "date", "openssl s_client -connect %p -servername %h" } },
	[HTTPC_CA_FILE] = { "ca_file", "the CA certificates for %h can't be "
	    "read", "Without them nobody's certificate can be trusted.", true,
	    { "# the file that ca_file names, if there is a ca_file; else:",
	    "apt-get install ca-certificates" } },
	[HTTPC_TLS] = { "tls", "no TLS can be agreed on with %p",
	    "It speaks plain http at this port, or no TLS of version 1.2 or "
	    "newer.", true,
	    { "openssl s_client -connect %p -servername %h", NULL } },
	[HTTPC_CUT] = { "cut", "%p ends the connection before it answers",
	    "It is being restarted, or does not speak that protocol at this "
	    "port.", false, { "curl -v %u/", NULL } },
	[HTTPC_TOO_LONG] = { "too_long", "the answer of %p is longer than any "
	    "that is meant for programs", "This is another address than it "
	    "should be.", true, { "curl -v %u/", NULL } },
	[HTTPC_OTHER] = { "unreadable", "%p does not answer in HTTP",
	    "Something else listens there.", true,
	    { "curl -v %u/", NULL } },
};

/* Put the parts of an origin in. */
static void
fill_in(const char *text, const char *origin, char out[1024])
{
	const char *host = strstr(origin, "://") + 3;
	const char *port = strrchr(host, ':');
	struct buf b = BUF_INIT(1023);

	if (port != NULL && strchr(port, ']') != NULL)
		port = NULL;		/* within an IPv6 address */
	for (; *text != '\0'; text++) {
		if (text[0] != '%') {
			buf_char(&b, *text);
			continue;
		}
		text++;
		if (*text == 'u')
			buf_str(&b, origin);
		else
			buf_add(&b, host, port != NULL ?
			    (size_t)(port - host) : strlen(host));
		if (*text == 'p')
			buf_str(&b, port != NULL ? port :
			    strncmp(origin, "https", 5) == 0 ? ":443" : ":80");
	}
	snprintf(out, 1024, "%s", buf_failed(&b) ? "" : buf_cstr(&b));
	buf_clear(&b);
}

void
check_unanswered(struct check *c, const char *whose, const char *url,
    const struct httpc_answer *a)
{
	const struct failure *f = &failures[a->failure];
	char *origin = conf_url_origin(url);
	char name[64], text[1024];
	struct check_kind kind = { name, CHECK_WRONG, f->why };
	size_t i;

	/* Without time left it was not asked, and that has been told. */
	if (f->name != NULL && origin != NULL &&
	    clock_mono_ms() < c->until_ms) {
		/* Our own site is ours to mend, a provider's outage not. */
		if (!f->certain && strcmp(whose, "provider") == 0)
			kind.severity = CHECK_LATER;
		snprintf(name, sizeof(name), "%s_%s", whose, f->name);
		fill_in(f->what, origin, text);
		check_found(c, &kind, "%s: %s", text, a->why);
		for (i = 0; i < 2 && f->mend[i] != NULL; i++) {
			fill_in(f->mend[i], origin, text);
			check_mend(c, "%s", text);
		}
	}
	free(origin);
}

static const struct check_kind clock_off = { "clock", CHECK_WRONG,
    "Tokens are handed out when they are over, or refreshed all the time; "
    "certificates look expired." };

static void
mend_clock(struct check *c)
{
	check_mend(c, "timedatectl set-ntp true");
	check_mend(c, "date -u");
}

void
check_clock(struct check *c, const char *whose, const struct httpc_answer *a)
{
	int64_t off = a->date != 0 ? clock_now() - a->date : 0;

	if (off >= -CHECK_CLOCK && off <= CHECK_CLOCK)
		return;
	check_found(c, &clock_off, "this machine's clock is %lld s %s that of "
	    "%s", (long long)(off > 0 ? off : -off), off > 0 ? "ahead of" :
	    "behind", whose);
	mend_clock(c);
}

void
check_clock_back(struct check *c, int64_t newest_at)
{
	int64_t off = newest_at - clock_now();

	if (off <= CHECK_CLOCK)
		return;
	check_found(c, &clock_off, "this machine's clock is %lld s behind what "
	    "is already in the database", (long long)off);
	mend_clock(c);
}

void
check_member(const struct httpc_answer *a, const char *name, char out[64])
{
	struct buf value = BUF_INIT(1024);
	struct json *j = NULL;

	out[0] = '\0';
	if (json_parse(a->body.data != NULL ? a->body.data : "", a->body.len,
	    &j) == ERR_OK && json_get_str(j, name, &value))
		snprintf(out, 64, "%s", buf_cstr(&value));
	json_free(j);
	buf_clear(&value);
}
