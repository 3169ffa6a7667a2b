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

/* The host of a URL, without its port. */
static void
host_of(const char *url, char out[256])
{
	const char *p = strstr(url, "://");

	p = p != NULL ? p + 3 : url;
	snprintf(out, 256, "%.*s", (int)(*p == '[' ? strcspn(p, "]") + 1 :
	    strcspn(p, ":/?#")), p);
}

/* What failed, in words of our own; %s is the host. */
static const struct failure {
	const char	*name;
	const char	*what;
	const char	*why;
	bool		 certain;	/* waiting mends nothing */
	const char	*mend[2];
} failures[HTTPC_FAILURE__MAX] = {
	[HTTPC_DNS] = { "dns", "the name %s has no address here",
	    "It is misspelt, or this machine's name server does not answer.",
	    false, { "getent hosts %s", "cat /etc/resolv.conf" } },
	[HTTPC_CONNECT] = { "refused", "%s takes no connection",
	    "Nobody listens there, or a firewall refuses it.",
	    false, { "curl -v https://%s/", NULL } },
	[HTTPC_TIMEOUT] = { "timeout", "%s does not answer in time",
	    "It is overloaded, or a firewall swallows what is sent there.",
	    false, { "curl -v --max-time 20 https://%s/", NULL } },
	[HTTPC_CERTIFICATE] = { "certificate", "the certificate of %s is not "
	    "to be trusted", "Nothing is sent to somebody who can't prove who "
	    "he is. It has expired, is for another name, or is signed by "
	    "somebody this machine does not know; or this machine's clock is "
	    "wrong.", true,
	    { "date", "openssl s_client -connect %s:443 -servername %s" } },
	[HTTPC_CA_FILE] = { "ca_file", "the CA certificates for %s can't be "
	    "read", "Without them nobody's certificate can be trusted.", true,
	    { "# the file that ca_file names, if there is a ca_file; else:",
	    "apt-get install ca-certificates" } },
	[HTTPC_TLS] = { "tls", "%s and we find no TLS to speak",
	    "It speaks plain http at this port, or no TLS of version 1.2 or "
	    "newer.", true,
	    { "openssl s_client -connect %s:443 -servername %s", NULL } },
	[HTTPC_CUT] = { "cut", "%s ends the connection before it answers",
	    "It is being restarted, or does not speak HTTP at this port.",
	    false, { "curl -v https://%s/", NULL } },
	[HTTPC_TOO_LONG] = { "too_long", "the answer of %s is longer than any "
	    "that is meant for programs", "This is another address than it "
	    "should be.", true, { "curl -v https://%s/", NULL } },
	[HTTPC_OTHER] = { "unreadable", "%s does not answer in HTTP",
	    "Something else listens there.", true,
	    { "curl -v https://%s/", NULL } },
};

/* Put the host in for %s. */
static void
with_host(const char *text, const char *host, char out[1024])
{
	struct buf b = BUF_INIT(1023);

	for (; *text != '\0'; text++) {
		if (text[0] == '%' && text[1] == 's') {
			buf_str(&b, host);
			text++;
		} else {
			buf_char(&b, *text);
		}
	}
	snprintf(out, 1024, "%s", buf_failed(&b) ? "" : buf_cstr(&b));
	buf_clear(&b);
}

void
check_unanswered(struct check *c, const char *whose, const char *url,
    const struct httpc_answer *a)
{
	const struct failure *f = &failures[a->failure];
	char name[64], host[256], text[1024];
	struct check_kind kind = { name, CHECK_WRONG, f->why };
	size_t i;

	if (f->name == NULL || clock_mono_ms() >= c->until_ms)
		return;		/* no time was left, and that has been told */
	/* Our own site is ours to mend, a provider's outage is not. */
	if (!f->certain && strcmp(whose, "provider") == 0)
		kind.severity = CHECK_LATER;
	snprintf(name, sizeof(name), "%s_%s", whose, f->name);
	host_of(url, host);
	with_host(f->what, host, text);
	check_found(c, &kind, "%s: %s", text, a->why);
	for (i = 0; i < 2 && f->mend[i] != NULL; i++) {
		with_host(f->mend[i], host, text);
		check_mend(c, "%s", text);
	}
}

static const struct check_kind clock_off = { "clock", CHECK_WRONG,
    "Tokens are handed out when they are over, or refreshed all the time; "
    "certificates look expired." };

void
check_clock(struct check *c, const char *whose, const struct httpc_answer *a)
{
	int64_t off = a->date != 0 ? clock_now() - a->date : 0;

	if (off >= -CHECK_CLOCK && off <= CHECK_CLOCK)
		return;
	check_found(c, &clock_off, "this machine's clock is %lld s %s that of "
	    "%s", (long long)(off > 0 ? off : -off), off > 0 ? "ahead of" :
	    "behind", whose);
	check_mend(c, "timedatectl set-ntp true");
	check_mend(c, "date -u");
}

void
check_member(const struct httpc_answer *a, const char *name, char out[64])
{
	struct buf value = BUF_INIT(63);
	struct json *j = NULL;

	out[0] = '\0';
	if (json_parse(a->body.data != NULL ? a->body.data : "", a->body.len,
	    &j) == ERR_OK && json_get_str(j, name, &value))
		snprintf(out, 64, "%s", buf_cstr(&value));
	json_free(j);
	buf_clear(&value);
}
