/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "page.h"

#include <string.h>

#include "base64url.h"
#include "crypto.h"

static const char css[] =
    ":root{color-scheme:light dark}"
    "body{margin:0;min-height:100vh;display:grid;place-items:center;"
    "background:#f4f5f7;color:#1d2430;"
    "font:1.0625rem/1.5 system-ui,sans-serif}"
    "main{box-sizing:border-box;width:100%;max-width:30rem;padding:2rem;"
    "background:#fff;border-radius:.75rem;"
    "box-shadow:0 .1rem .8rem rgba(0,0,0,.12);overflow-wrap:anywhere}"
    "h1{margin:0 0 .75rem;font-size:1.4rem;line-height:1.25}"
    "p{margin:.75rem 0}"
    ".small{color:#566070;font-size:.875rem}"
    "a{color:#0a4fb3}"
    "button{font:inherit;font-weight:600;padding:.7rem 1.4rem;border:0;"
    "border-radius:.5rem;background:#0a4fb3;color:#fff;cursor:pointer}"
    "button:focus-visible,a:focus-visible{outline:.2rem solid #f0a000;"
    "outline-offset:.15rem}"
    "@media(prefers-color-scheme:dark){"
    "body{background:#12151b;color:#e8ebf0}"
    "main{background:#1d222b;box-shadow:none}"
    ".small{color:#a5afbf}a{color:#8ab8ff}"
    "button{background:#8ab8ff;color:#0b1626}}";

/* 'sha256-…' of the style, for the Content-Security-Policy; made once. */
static const char *
style_hash(void)
{
	static char text[64];
	unsigned char hash[CRYPTO_HASH_BYTES];
	struct buf b = BUF_INIT(sizeof(text) - 1);

	if (text[0] != '\0')
		return text;
	crypto_sha256(css, sizeof(css) - 1, hash);
	buf_str(&b, "'sha256-");
	base64_add(&b, hash, sizeof(hash));
	buf_char(&b, '\'');
	memcpy(text, buf_cstr(&b), b.len + 1);
	buf_clear(&b);
	return text;
}

void
html_text(struct buf *b, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '&':  buf_str(b, "&amp;"); break;
		case '<':  buf_str(b, "&lt;"); break;
		case '>':  buf_str(b, "&gt;"); break;
		case '"':  buf_str(b, "&quot;"); break;
		case '\'': buf_str(b, "&#39;"); break;
		default:   buf_char(b, *text); break;
		}
	}
}

static void
begin(struct response *res, int status, const char *title, const char *forward)
{
	response_reset(res);
	res->status = status;
	res->type = RESPONSE_HTML;
	res->style_hash = style_hash();
	buf_str(&res->body, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
	    "<meta charset=\"utf-8\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width\">\n"
	    "<meta name=\"robots\" content=\"noindex\">\n");
	if (forward != NULL) {
		buf_str(&res->body,
		    "<meta http-equiv=\"refresh\" content=\"0;url=");
		html_text(&res->body, forward);
		buf_str(&res->body, "\">\n");
	}
	buf_str(&res->body, "<title>");
	html_text(&res->body, title);
	buf_str(&res->body, "</title>\n<style>");
	buf_str(&res->body, css);
	buf_str(&res->body, "</style>\n</head>\n<body>\n<main>\n<h1>");
	html_text(&res->body, title);
	buf_str(&res->body, "</h1>\n");
}

void
page_begin(struct response *res, int status, const char *title)
{
	begin(res, status, title, NULL);
}

void
page_begin_forwarding(struct response *res, const char *title,
    const char *url)
{
	begin(res, 200, title, url);
}

void
page_end(struct response *res)
{
	buf_str(&res->body, "</main>\n</body>\n</html>\n");
}

void
page_text(struct response *res, const char *text)
{
	buf_str(&res->body, "<p>");
	html_text(&res->body, text);
	buf_str(&res->body, "</p>\n");
}

void
page_small(struct response *res, const char *text)
{
	buf_str(&res->body, "<p class=\"small\">");
	html_text(&res->body, text);
	buf_str(&res->body, "</p>\n");
}

void
page_link(struct response *res, const char *url, const char *text)
{
	buf_str(&res->body, "<p><a href=\"");
	html_text(&res->body, url);
	buf_str(&res->body, "\">");
	html_text(&res->body, text);
	buf_str(&res->body, "</a></p>\n");
}

void
page_form(struct response *res, const char *action,
    const struct page_field *fields, const char *button)
{
	struct buf *b = &res->body;

	buf_str(b, "<form method=\"post\" action=\"");
	html_text(b, action);
	buf_str(b, "\">\n");
	for (; fields->name != NULL; fields++) {
		if (fields->value == NULL)
			continue;
		buf_str(b, "<input type=\"hidden\" name=\"");
		html_text(b, fields->name);
		buf_str(b, "\" value=\"");
		html_text(b, fields->value);
		buf_str(b, "\">\n");
	}
	buf_str(b, "<p><button type=\"submit\">");
	html_text(b, button);
	buf_str(b, "</button></p>\n</form>\n");
}
