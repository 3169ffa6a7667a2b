/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "httpc.h"

#include <sys/socket.h>

#include <netinet/in.h>

#include <dirent.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <curl/curl.h>

#include "clock.h"
#include "limit.h"
#include "log.h"
#include "wipe.h"
#include "xalloc.h"

#define HEADERS_MAX	65536	/* of one answer, with those of any 1xx */
#define SOCKETS		8	/* kept ones, and two at once for one new */
#define HASHED_FOLDER	"/etc/ssl/certs"

struct httpc {
	CURL		*curl;
	const char	*bundle;	/* the system's CA certificates: a file */
	const char	*folder;	/* or a hashed folder; the other is NULL */
	char		 error[CURL_ERROR_SIZE];
	int		 sockets[SOCKETS];	/* open ones, or -1 */

	/* Of the call that is being made. */
	struct buf	*body;
	size_t		 headers_len;
	bool		 headers_whole;
	unsigned	 sendings;
	unsigned	 opened;	/* new sockets */
	bool		 spoilt;	/* the kept connection was: nothing sent */
	bool		 loopback_only;
	bool		 refused;	/* by that */
};

/* Where distributions keep all CA certificates in one file. */
static const char *const bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt",	/* Debian, Arch, Alpine */
	"/etc/pki/tls/certs/ca-bundle.crt",	/* Fedora, RHEL */
	"/etc/ssl/cert.pem",			/* Alpine, the BSDs */
	"/etc/ssl/ca-bundle.pem",		/* SUSE */
};

static bool
is_hashed_folder(const char *path)
{
	const struct dirent *entry;
	bool found = false;
	size_t len;
	DIR *dir;

	if ((dir = opendir(path)) == NULL)
		return false;
	while (!found && (entry = readdir(dir)) != NULL) {
		len = strlen(entry->d_name);
		found = len == 10 &&
		    strspn(entry->d_name, "0123456789abcdef") == 8 &&
		    strcmp(entry->d_name + 8, ".0") == 0;
	}
	closedir(dir);
	return found;
}

/*
 * A bundle is parsed once (some 25 ms) and then kept, which libcurl does only
 * without a folder beside it. For a single request the folder is cheaper: of
 * it no more is read than the one certificate that is asked for.
 */
static void
find_certificates(struct httpc *h, bool one_shot)
{
	size_t i;

	if (one_shot && is_hashed_folder(HASHED_FOLDER)) {
		h->folder = HASHED_FOLDER;
		return;
	}
	for (i = 0; i < sizeof(bundles) / sizeof(bundles[0]); i++) {
		if (access(bundles[i], R_OK) == 0) {
			h->bundle = bundles[i];
			return;
		}
	}
	/* None: what this libcurl was built with, if anything. */
	(void)curl_easy_getinfo(h->curl, CURLINFO_CAINFO, &h->bundle);
	if (h->bundle == NULL)
		(void)curl_easy_getinfo(h->curl, CURLINFO_CAPATH, &h->folder);
}

static int
port_of(const struct sockaddr_storage *own)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	if (own->ss_family == AF_INET6) {
		memcpy(&in6, own, sizeof(in6));
		return ntohs(in6.sin6_port);
	}
	memcpy(&in, own, sizeof(in));
	return ntohs(in.sin_port);
}

/*
 * On a kept connection nothing may come before we have asked. What comes is
 * its end (with TLS announced by a record, which libcurl takes for life), a
 * 408, or an answer to nothing that would be taken for ours.
 */
static bool
is_spoilt(const struct httpc *h, int own_port)
{
	struct sockaddr_storage own;
	socklen_t len;
	bool found = false;
	size_t i;

	for (i = 0; i < SOCKETS; i++) {
		struct pollfd p = { .fd = h->sockets[i], .events = POLLIN };

		len = sizeof(own);
		if (p.fd < 0 || getsockname(p.fd, (struct sockaddr *)&own,
		    &len) != 0 || port_of(&own) != own_port)
			continue;
		found = true;
		if (poll(&p, 1, 0) != 0)
			return true;
	}
	return !found;		/* not to be told: better a new one */
}

/*
 * Called when a connection stands and the request is about to be sent on it.
 * libcurl comes here a second time only to repeat the request by itself.
 */
static int
before_sending(void *arg, char *peer_ip, char *own_ip, int peer_port,
    int own_port)
{
	struct httpc *h = arg;

	(void)peer_ip;
	(void)own_ip;
	(void)peer_port;
	/* libcurl tells the port, not the socket. */
	if (h->sendings == 0 && h->opened == 0 && is_spoilt(h, own_port)) {
		h->spoilt = true;
		return CURL_PREREQFUNC_ABORT;
	}
	return ++h->sendings == 1 ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

static bool
is_loopback(const struct curl_sockaddr *to)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	if (to->family == AF_INET && to->addrlen >= sizeof(in)) {
		memcpy(&in, &to->addr, sizeof(in));
		return ntohl(in.sin_addr.s_addr) >> 24 == 127;
	}
	if (to->family == AF_INET6 && to->addrlen >= sizeof(in6)) {
		/* libcurl keeps the whole of it behind a struct sockaddr. */
		memcpy(&in6, (const void *)&to->addr, sizeof(in6));
		return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
	}
	return false;
}

/* The address is the real one: no name can pretend to be loopback. */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct httpc *h = arg;
	size_t i;
	int fd;

	(void)purpose;
	if (h->loopback_only && !is_loopback(to)) {
		h->refused = true;
		return CURL_SOCKET_BAD;
	}
	fd = socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
	if (fd < 0)
		return CURL_SOCKET_BAD;
	h->opened++;
	for (i = 0; i < SOCKETS; i++) {
		if (h->sockets[i] < 0) {
			h->sockets[i] = fd;
			break;
		}
	}
	return fd;
}

static int
close_socket(void *arg, curl_socket_t fd)
{
	struct httpc *h = arg;
	size_t i;

	for (i = 0; i < SOCKETS; i++)
		if (h->sockets[i] == fd)
			h->sockets[i] = -1;
	return close(fd);
}

static size_t
take_header(char *data, size_t size, size_t n, void *arg)
{
	struct httpc *h = arg;

	/* A connection that ends among the headers is no error to libcurl. */
	if (size * n >= 5 && memcmp(data, "HTTP/", 5) == 0)
		h->headers_whole = false;
	else if (size * n > 0 && (data[0] == '\r' || data[0] == '\n'))
		h->headers_whole = true;
	h->headers_len += size * n;
	return h->headers_len <= HEADERS_MAX ? size * n : 0;
}

static size_t
take_body(char *data, size_t size, size_t n, void *arg)
{
	struct httpc *h = arg;

	buf_add(h->body, data, size * n);
	return buf_failed(h->body) ? 0 : size * n;
}

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
	must(curl_easy_setopt(c, CURLOPT_MAXCONNECTS, (long)(SOCKETS / 2)));
	must(curl_easy_setopt(c, CURLOPT_MAXFILESIZE, (long)PROVIDER_ANSWER));

	must(curl_easy_setopt(c, CURLOPT_PREREQFUNCTION, before_sending));
	must(curl_easy_setopt(c, CURLOPT_PREREQDATA, h));
	must(curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket));
	must(curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, h));
	must(curl_easy_setopt(c, CURLOPT_CLOSESOCKETFUNCTION, close_socket));
	must(curl_easy_setopt(c, CURLOPT_CLOSESOCKETDATA, h));
	must(curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header));
	must(curl_easy_setopt(c, CURLOPT_HEADERDATA, h));
	must(curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body));
	must(curl_easy_setopt(c, CURLOPT_WRITEDATA, h));
}

struct httpc *
httpc_open(bool one_shot)
{
	struct httpc *h = xcalloc(1, sizeof(*h));
	size_t i;

	for (i = 0; i < SOCKETS; i++)
		h->sockets[i] = -1;
	must(curl_global_init(CURL_GLOBAL_DEFAULT));
	if ((h->curl = curl_easy_init()) == NULL)
		log_die("httpc: libcurl does not start");
	find_certificates(h, one_shot);
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

void
httpc_answer_init(struct httpc_answer *a)
{
	memset(a, 0, sizeof(*a));
	a->outcome = HTTPC_NOT_SENT;
	a->retry_after = -1;
	buf_init(&a->body, PROVIDER_ANSWER);
}

void
httpc_answer_clear(struct httpc_answer *a)
{
	buf_clear(&a->body);
	wipe(a->content_type, sizeof(a->content_type));
	httpc_answer_init(a);
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
	/* No Expect: a 417 would make libcurl send the request again. */
	if ((*list = curl_slist_append(NULL, "Expect:")) == NULL)
		log_die("httpc: out of memory");
	return add_header(list, "Accept", "application/json") &&
	    add_header(list, "Content-Type", req->content_type) &&
	    (req->authorization == NULL ||
	    add_header(list, "Authorization", req->authorization));
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

	h->loopback_only = http;
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
	must(curl_easy_setopt(c, CURLOPT_POST, 1L));
	must(curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE,
	    (curl_off_t)req->body_len));
	must(curl_easy_setopt(c, CURLOPT_POSTFIELDS,
	    req->body_len > 0 ? req->body : ""));
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

/* Seconds or a date (RFC 9110 10.2.3); -1 for none, and for nonsense. */
static int64_t
retry_after(CURL *c)
{
	struct curl_header *header;
	const char *p;
	int64_t secs = 0;
	time_t date;

	if (curl_easy_header(c, "Retry-After", 0, CURLH_HEADER, -1,
	    &header) != CURLHE_OK)
		return -1;
	p = header->value;
	if (*p < '0' || *p > '9') {
		if (strspn(p, "MTWFSmtwfs") == 0 ||
		    (date = curl_getdate(p, NULL)) == -1)
			return -1;
		secs = (int64_t)date - clock_now();
		return secs > 0 ? secs : 0;
	}
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(secs, 10, &secs) ||
		    __builtin_add_overflow(secs, *p - '0', &secs))
			return INT64_MAX;
	return *p == '\0' ? secs : -1;
}

/* False when the complete answer is no final answer. */
static bool
read_answer(CURL *c, struct httpc_answer *a)
{
	char *type = NULL;
	long status = 0;

	must(curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status));
	if (status < 200 || status > 599)
		return false;
	a->status = (int)status;
	must(curl_easy_getinfo(c, CURLINFO_CONTENT_TYPE, &type));
	/* One that does not fit is none that we know. */
	if (type != NULL && strlen(type) < sizeof(a->content_type))
		memcpy(a->content_type, type, strlen(type) + 1);
	a->retry_after = retry_after(c);
	return true;
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
		return "plain http, and not a loopback address";
	if (h->sendings > 1)
		return "the connection was cut before the answer began";
	return curl_easy_strerror(rc);
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
httpc_post(struct httpc *h, const struct httpc_request *req,
    struct httpc_answer *a)
{
	struct curl_slist *headers = NULL;
	CURLcode rc;

	httpc_answer_clear(a);
	if (req->timeout_ms <= 0) {	/* for libcurl, 0 is for ever */
		log_failure(req->url, a->outcome, "no time left");
		return;
	}
	if (!build_headers(req, &headers)) {
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
	if (rc == CURLE_OK && h->headers_whole && read_answer(h->curl, a)) {
		a->outcome = HTTPC_ANSWERED;
	} else {
		buf_clear(&a->body);
		a->outcome = h->sendings > 0 ? HTTPC_AMBIGUOUS :
		    HTTPC_NOT_SENT;
		log_failure(req->url, a->outcome, reason(h, rc));
	}
	forget_call(h);
out:
	free_headers(headers);
}
