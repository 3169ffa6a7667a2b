/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "httpc_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "limit.h"
#include "log.h"
#include "wipe.h"
#include "xalloc.h"

/* Options that libcurl does not know are a build we can't run with. */
static void
must(CURLcode rc)
{
	if (rc != CURLE_OK)
		log_die("httpc: libcurl: %s", curl_easy_strerror(rc));
}

/* What never changes, including defaults that matter: nothing is implied. */
static void
set_fixed_options(struct httpc *h)
{
	CURL *c = h->curl;

	must(curl_easy_setopt(c, CURLOPT_ERRORBUFFER, h->error));
	must(curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L));
	/* Or a name server that does not answer is waited for in full. */
	must(curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L));

	must(curl_easy_setopt(c, CURLOPT_DEFAULT_PROTOCOL, "https"));
	must(curl_easy_setopt(c, CURLOPT_HTTP_VERSION,
	    (long)CURL_HTTP_VERSION_1_1));
	must(curl_easy_setopt(c, CURLOPT_HTTP09_ALLOWED, 0L));
	must(curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L));
	must(curl_easy_setopt(c, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L));
	must(curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED));
	must(curl_easy_setopt(c, CURLOPT_PROXY, ""));
	must(curl_easy_setopt(c, CURLOPT_NOPROXY, "*"));
	must(curl_easy_setopt(c, CURLOPT_USERAGENT,
	    "oauth-cgi/" PACKAGE_VERSION));
	/* No Accept-Encoding is sent, and what comes is not unpacked. */
	must(curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, NULL));
	must(curl_easy_setopt(c, CURLOPT_HTTP_CONTENT_DECODING, 0L));

	must(curl_easy_setopt(c, CURLOPT_SSLVERSION,
	    (long)CURL_SSLVERSION_TLSv1_2));
	must(curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L));
	must(curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L));

	must(curl_easy_setopt(c, CURLOPT_TCP_NODELAY, 1L));
	must(curl_easy_setopt(c, CURLOPT_MAXAGE_CONN,
	    (long)PROVIDER_IDLE_CONN));
	must(curl_easy_setopt(c, CURLOPT_MAXCONNECTS,
	    (long)(HTTPC_SOCKETS / 2)));

	must(curl_easy_setopt(c, CURLOPT_PREREQFUNCTION, httpc_before_sending));
	must(curl_easy_setopt(c, CURLOPT_PREREQDATA, h));
	must(curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION,
	    httpc_open_socket));
	must(curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, h));
	must(curl_easy_setopt(c, CURLOPT_CLOSESOCKETFUNCTION,
	    httpc_close_socket));
	must(curl_easy_setopt(c, CURLOPT_CLOSESOCKETDATA, h));
	must(curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, httpc_take_header));
	must(curl_easy_setopt(c, CURLOPT_HEADERDATA, h));
	must(curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, httpc_take_body));
	must(curl_easy_setopt(c, CURLOPT_WRITEDATA, h));
}

void
httpc_prepare(void)
{
	must(curl_global_init(CURL_GLOBAL_DEFAULT));
}

struct httpc *
httpc_open(bool one_shot)
{
	struct httpc *h = xcalloc(1, sizeof(*h));
	size_t i;

	for (i = 0; i < HTTPC_SOCKETS; i++)
		h->sockets[i] = -1;
	httpc_prepare();	/* counted: only the first one works */
	if ((h->curl = curl_easy_init()) == NULL)
		log_die("httpc: libcurl does not start");
	httpc_find_certificates(h, one_shot);
	set_fixed_options(h);
	return h;
}

void
httpc_close(struct httpc *h)
{
	if (h == NULL)
		return;
	curl_easy_cleanup(h->curl);
	curl_global_cleanup();
	free(h);
}

/* The host of a URL, for logs: never what is before, or behind. */
static void
host_of(const char *url, struct buf *host)
{
	const char *p = strstr(url, "://");
	size_t i, len;

	if (p == NULL)
		return;
	p += 3;
	len = strcspn(p, "/?#\\");
	for (i = len; i > 0; i--)
		if (p[i - 1] == '@')
			break;
	buf_add(host, p + i, len - i);
}

/* Add `name: value`. False when the value would break out of its line. */
static bool
add_header(struct curl_slist **list, const char *name, const char *value)
{
	struct buf line = BUF_INIT(2 * LIMIT_TOKEN);
	struct curl_slist *more;

	if (strpbrk(value, "\r\n") != NULL)
		return false;
	/* "Name:" alone would take the header out. */
	buf_fmt(&line, "%s: %s", name, value);
	if (buf_failed(&line)) {
		buf_clear(&line);
		return false;
	}
	if ((more = curl_slist_append(*list, buf_cstr(&line))) == NULL)
		log_die("httpc: out of memory");
	*list = more;
	buf_clear(&line);
	return true;
}

static void
free_headers(struct curl_slist *list)
{
	struct curl_slist *l;

	for (l = list; l != NULL; l = l->next)
		wipe(l->data, strlen(l->data));
	curl_slist_free_all(list);
}

static bool
build_headers(const struct httpc_request *req, struct curl_slist **list)
{
	const char *const *more;

	/* No Expect: a 417 would make libcurl send the request again. */
	if ((*list = curl_slist_append(NULL, "Expect:")) == NULL)
		log_die("httpc: out of memory");
	if (!add_header(list, "Accept", req->accept != NULL ? req->accept :
	    "application/json") ||
	    (req->method == HTTPC_POST &&
	    !add_header(list, "Content-Type", req->content_type)) ||
	    (req->authorization != NULL &&
	    !add_header(list, "Authorization", req->authorization)))
		return false;
	for (more = req->headers; more != NULL && *more != NULL; more += 2)
		if (!add_header(list, more[0], more[1]))
			return false;
	return true;
}

static void
set_method(CURL *c, const struct httpc_request *req)
{
	bool post = req->method == HTTPC_POST;

	/* Each of these resets what the others have set. */
	must(curl_easy_setopt(c, CURLOPT_NOBODY, 0L));
	must(curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE,
	    (curl_off_t)(post ? req->body_len : 0)));
	must(curl_easy_setopt(c, CURLOPT_POSTFIELDS,
	    post && req->body_len > 0 ? req->body : ""));
	if (post)
		must(curl_easy_setopt(c, CURLOPT_POST, 1L));
	else
		must(curl_easy_setopt(c, CURLOPT_HTTPGET, 1L));
	if (req->method == HTTPC_HEAD)
		must(curl_easy_setopt(c, CURLOPT_NOBODY, 1L));
	/* How long a body would be is no reason to refuse its headers. */
	must(curl_easy_setopt(c, CURLOPT_MAXFILESIZE,
	    req->method == HTTPC_HEAD ? 0L : (long)PROVIDER_ANSWER));
}

static long
within(int64_t ms, int64_t most_secs)
{
	return (long)(ms < most_secs * 1000 ? ms : most_secs * 1000);
}

/* What differs from call to call: all of it, so that nothing is left over. */
static CURLcode
set_call_options(struct httpc *h, const struct httpc_request *req,
    struct curl_slist *headers)
{
	CURL *c = h->curl;
	bool http = req->allow_http &&
	    strncasecmp(req->url, "http://", 7) == 0;
	CURLcode rc;

	h->loopback_only = http && !req->public_http;
	h->public_only = req->public_only;
	h->loopback_too = req->allow_http;
	if (!http && req->ca_file == NULL && h->bundle == NULL &&
	    h->folder == NULL)
		log_warn("httpc: no CA certificates were found on this system; "
		    "name a file that has them as ca_file in the provider's "
		    "section");
	if ((rc = curl_easy_setopt(c, CURLOPT_URL, req->url)) != CURLE_OK)
		return rc;
	must(curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR,
	    http ? "http" : "https"));
	must(curl_easy_setopt(c, CURLOPT_CAINFO,
	    req->ca_file != NULL ? req->ca_file : h->bundle));
	must(curl_easy_setopt(c, CURLOPT_CAPATH,
	    req->ca_file != NULL ? NULL : h->folder));
	must(curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS,
	    within(req->timeout_ms, PROVIDER_CONNECT)));
	must(curl_easy_setopt(c, CURLOPT_TIMEOUT_MS,
	    within(req->timeout_ms, PROVIDER_TOTAL)));
	must(curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers));
	set_method(c, req);
	return CURLE_OK;
}

/* The handle outlives what the caller lent it. */
static void
forget_call(struct httpc *h)
{
	must(curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, NULL));
	must(curl_easy_setopt(h->curl, CURLOPT_POSTFIELDS, ""));
	must(curl_easy_setopt(h->curl, CURLOPT_POSTFIELDSIZE_LARGE,
	    (curl_off_t)0));
	h->body = NULL;
}

/*
 * libcurl's own text says which certificate failed, and how; but other texts
 * of it quote what the provider sent, or the URL.
 */
static const char *
reason(const struct httpc *h, CURLcode rc)
{
	switch (rc) {
	case CURLE_OK:
		return "not a final answer";
	case CURLE_WRITE_ERROR:
	case CURLE_FILESIZE_EXCEEDED:
		return "the answer is too long";
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CACERT_BADFILE:
		if (h->error[0] != '\0')
			return h->error;
		break;
	default:
		break;
	}
	if (h->refused && h->opened == 0)
		return h->loopback_only ?
		    "plain http, and not a loopback address" :
		    "not an address of the internet's";
	if (h->sendings > 1)
		return "the connection was cut before the answer began";
	return curl_easy_strerror(rc);
}

static enum httpc_failure
failure_of(CURLcode rc)
{
	static const struct {
		CURLcode		rc;
		enum httpc_failure	failure;
	} map[] = {
		{ CURLE_COULDNT_RESOLVE_HOST, HTTPC_DNS },
		{ CURLE_COULDNT_CONNECT, HTTPC_CONNECT },
		{ CURLE_OPERATION_TIMEDOUT, HTTPC_TIMEOUT },
		{ CURLE_PEER_FAILED_VERIFICATION, HTTPC_CERTIFICATE },
		{ CURLE_SSL_CACERT_BADFILE, HTTPC_CA_FILE },
		{ CURLE_SSL_CONNECT_ERROR, HTTPC_TLS },
		{ CURLE_GOT_NOTHING, HTTPC_CUT },
		{ CURLE_RECV_ERROR, HTTPC_CUT },
		{ CURLE_SEND_ERROR, HTTPC_CUT },
		{ CURLE_PARTIAL_FILE, HTTPC_CUT },
		{ CURLE_WRITE_ERROR, HTTPC_TOO_LONG },
		{ CURLE_FILESIZE_EXCEEDED, HTTPC_TOO_LONG },
	};
	size_t i;

	for (i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (map[i].rc == rc)
			return map[i].failure;
	return HTTPC_OTHER;
}

static void
log_failure(const char *url, enum httpc_outcome outcome, const char *why)
{
	struct buf host = BUF_INIT(256);

	host_of(url, &host);
	log_warn("httpc: %s: %s (%s)",
	    buf_failed(&host) || host.len == 0 ? "?" : buf_cstr(&host), why,
	    outcome == HTTPC_NOT_SENT ? "not sent" : "sent");
	buf_clear(&host);
}

/* Again on a new connection if the kept one was spoilt: nothing went out. */
static CURLcode
perform(struct httpc *h)
{
	CURLcode rc;

	must(curl_easy_setopt(h->curl, CURLOPT_FRESH_CONNECT, 0L));
	rc = curl_easy_perform(h->curl);
	if (h->spoilt && h->sendings == 0) {
		must(curl_easy_setopt(h->curl, CURLOPT_FRESH_CONNECT, 1L));
		rc = curl_easy_perform(h->curl);
	}
	return rc;
}

void
httpc_send(struct httpc *h, const struct httpc_request *req,
    struct httpc_answer *a)
{
	struct curl_slist *headers = NULL;
	CURLcode rc;

	httpc_answer_clear(a);
	if (req->timeout_ms <= 0) {	/* for libcurl, 0 is for ever */
		a->failure = HTTPC_TIMEOUT;
		log_failure(req->url, a->outcome, "no time left");
		return;
	}
	if (!build_headers(req, &headers)) {
		a->failure = HTTPC_OTHER;
		log_failure(req->url, a->outcome, "unusable header");
		goto out;
	}
	h->body = &a->body;
	h->headers_len = 0;
	h->headers_whole = false;
	h->sendings = 0;
	h->opened = 0;
	h->spoilt = false;
	h->refused = false;
	h->error[0] = '\0';

	if ((rc = set_call_options(h, req, headers)) == CURLE_OK)
		rc = perform(h);
	if (rc == CURLE_OK && h->headers_whole &&
	    httpc_read_answer(h->curl, a)) {
		a->outcome = HTTPC_ANSWERED;
	} else {
		buf_clear(&a->body);
		a->outcome = h->sendings > 0 ? HTTPC_AMBIGUOUS :
		    HTTPC_NOT_SENT;
		a->failure = failure_of(rc);
		snprintf(a->why, sizeof(a->why), "%s", reason(h, rc));
		log_failure(req->url, a->outcome, a->why);
	}
	forget_call(h);
out:
	free_headers(headers);
}

const char *
httpc_header(const struct httpc *h, const char *name)
{
	struct curl_header *header;

	if (curl_easy_header(h->curl, name, 0, CURLH_HEADER, -1, &header) !=
	    CURLHE_OK)
		return NULL;
	return header->value;
}
