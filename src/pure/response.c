/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "response.h"

#include <string.h>

void
response_init(struct response *r)
{
	memset(r, 0, sizeof(*r));
	r->status = 200;
	buf_init(&r->location, RESPONSE_LOCATION_MAX);
	buf_init(&r->cookie, 512);
	buf_init(&r->body, RESPONSE_BODY_MAX);
}

void
response_clear(struct response *r)
{
	buf_clear(&r->location);
	buf_clear(&r->cookie);
	buf_clear(&r->body);
}

void
response_reset(struct response *r)
{
	response_clear(r);
	response_init(r);
}

void
response_redirect(struct response *r, const char *url)
{
	r->status = 303;
	r->type = RESPONSE_EMPTY;
	buf_reset(&r->location);
	while (*url != '\0') {
		size_t n = 0;

		while (url[n] > 0x20 && url[n] < 0x7f)
			n++;
		buf_add(&r->location, url, n);
		url += n;
		if (*url != '\0')
			buf_fmt(&r->location, "%%%02X",
			    (unsigned char)*url++);
	}
	if (buf_failed(&r->location)) {
		buf_reset(&r->location);
		r->status = 500;
	}
}

const char *
response_reason(int status)
{
	switch (status) {
	case 200: return "OK";
	case 303: return "See Other";
	case 400: return "Bad Request";
	case 401: return "Unauthorized";
	case 403: return "Forbidden";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 409: return "Conflict";
	case 410: return "Gone";
	case 413: return "Content Too Large";
	case 414: return "URI Too Long";
	case 415: return "Unsupported Media Type";
	case 500: return "Internal Server Error";
	case 502: return "Bad Gateway";
	case 503: return "Service Unavailable";
	default:  return "Error";
	}
}

static void
write_header(struct buf *out, const char *name, const char *value)
{
	buf_str(out, name);
	buf_str(out, value);
	buf_str(out, "\r\n");
}

static void
write_head(const struct response *r, struct buf *out)
{
	buf_fmt(out, "Status: %d %s\r\n", r->status,
	    response_reason(r->status));
	if (r->location.len > 0)
		write_header(out, "Location: ", buf_cstr(&r->location));
	if (r->cookie.len > 0)
		write_header(out, "Set-Cookie: ", buf_cstr(&r->cookie));
	if (r->allow != NULL)
		write_header(out, "Allow: ", r->allow);
	if (r->status == 401)
		buf_str(out, "WWW-Authenticate: Bearer\r\n");
	if (r->retry_after > 0)
		buf_fmt(out, "Retry-After: %lld\r\n",
		    (long long)r->retry_after);
	buf_str(out,
	    "Cache-Control: no-store\r\n"
	    "Referrer-Policy: no-referrer\r\n"
	    "X-Content-Type-Options: nosniff\r\n");
	if (r->type == RESPONSE_HTML)
		buf_fmt(out, "Content-Security-Policy: default-src 'none'; "
		    "style-src %s; frame-ancestors 'none'; base-uri 'none'\r\n",
		    r->style_hash != NULL ? r->style_hash : "'none'");
	write_header(out, "Content-Type: ",
	    r->type == RESPONSE_HTML ? "text/html; charset=utf-8" :
	    r->type == RESPONSE_JSON ? "application/json" :
	    "text/plain; charset=utf-8");
}

void
response_write(const struct response *r, struct buf *out)
{
	write_head(r, out);
	if (!r->head)
		buf_fmt(out, "Content-Length: %zu\r\n", r->body.len);
	buf_str(out, "\r\n");
	if (!r->head)
		buf_add(out, r->body.data, r->body.len);
}
