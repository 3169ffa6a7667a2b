/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "httpc_internal.h"

#include <string.h>

#include "clock.h"
#include "limit.h"
#include "wipe.h"

#define HEADERS_MAX	65536	/* of one answer, with those of any 1xx */

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

size_t
httpc_take_header(char *data, size_t size, size_t n, void *arg)
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

size_t
httpc_take_body(char *data, size_t size, size_t n, void *arg)
{
	struct httpc *h = arg;

	buf_add(h->body, data, size * n);
	return buf_failed(h->body) ? 0 : size * n;
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

static int64_t
date_of(CURL *c)
{
	struct curl_header *header;
	time_t date;

	if (curl_easy_header(c, "Date", 0, CURLH_HEADER, -1, &header) !=
	    CURLHE_OK || (date = curl_getdate(header->value, NULL)) == -1)
		return 0;
	return (int64_t)date;
}

bool
httpc_read_answer(CURL *c, struct httpc_answer *a)
{
	char *type = NULL;
	long status = 0;

	(void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200 || status > 599)
		return false;
	a->status = (int)status;
	(void)curl_easy_getinfo(c, CURLINFO_CONTENT_TYPE, &type);
	/* One that does not fit is none that we know. */
	if (type != NULL && strlen(type) < sizeof(a->content_type))
		memcpy(a->content_type, type, strlen(type) + 1);
	a->retry_after = retry_after(c);
	a->date = date_of(c);
	return true;
}
