/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "page.h"

#include <string.h>

#include "html.h"
#include "limit.h"
#include "log.h"

#define HEAD_ROOM 8192	/* what most pages hold beside the style */

static const struct {
	const char	*name;		/* a class in the style */
	const char	*picture;	/* the path of a 24 x 24 drawing */
} kinds[PAGE__MAX] = {
	[PAGE_ASK]	= { "ask", "M10 13a5 5 0 0 0 7.5.5l3-3a5 5 0 0 0-7-7L12"
	    " 5M14 11a5 5 0 0 0-7.5-.5l-3 3a5 5 0 0 0 7 7L12 19" },
	[PAGE_DONE]	= { "done", "M5 12.5l4.5 4.5L19 7" },
	[PAGE_WRONG]	= { "wrong", "M12 5v8M12 18v.5" },
	[PAGE_WAIT]	= { "wait", "M5 12h14M13 6l6 6-6 6" },
};

void
page_init(struct page *p, struct response *res, const struct pages *pages,
    const struct conf *conf, const struct request *req)
{
	memset(p, 0, sizeof(*p));
	p->res = res;
	p->pages = pages;
	p->conf = conf;
	if (pages != NULL)
		p->texts = pages_texts(pages, req->accept_language);
	p->value[VALUE_SITE] = conf != NULL ? conf->name : NULL;
	p->value[VALUE_ID] = log_id();
}

/* ---- words ------------------------------------------------------------ */

static void
put(struct page *p, const char *html)
{
	buf_str(&p->res->body, html);
}

/* Text from outside. */
static void
put_text(struct page *p, const char *text)
{
	html_add(&p->res->body, text);
}

static void
put_words(struct page *p, enum text which)
{
	texts_add(&p->res->body, p->texts, which, p->value, true);
}

static void
paragraph(struct page *p, enum text which, const char *tag)
{
	if (texts_is_empty(p->texts, which))
		return;
	put(p, tag);
	put_words(p, which);
	put(p, "</p>\n");
}

void
page_text(struct page *p, enum text which)
{
	paragraph(p, which, "<p>");
}

void
page_quiet(struct page *p, enum text which)
{
	paragraph(p, which, "<p class=\"quiet\">");
}

void
page_number(struct page *p)
{
	paragraph(p, TEXT_NUMBER, "<p class=\"quiet number\">");
}

/* ---- the frame -------------------------------------------------------- */

static void
put_title(struct page *p, enum text title)
{
	put(p, "<title>");
	texts_add(&p->res->body, p->texts, title, p->value, false);
	if (p->value[VALUE_SITE] != NULL) {
		put(p, " \xe2\x80\x93 ");	/* an en dash */
		put_text(p, p->value[VALUE_SITE]);
	}
	put(p, "</title>\n");
}

static void
begin(struct page *p, int status, enum page_kind kind, enum text title,
    const char *forward)
{
	struct buf *b = &p->res->body;

	response_reset(p->res);
	p->res->status = status;
	p->res->type = RESPONSE_HTML;
	p->res->style_hash = p->pages->style_hash;
	/* Room for all of it at once. */
	buf_reserve(b, p->pages->style.len + HEAD_ROOM);
	buf_cut(b, 0);
	buf_fmt(b, "<!DOCTYPE html>\n<html lang=\"%s\" dir=\"%s\">\n<head>\n",
	    p->texts->tag, p->texts->rtl ? "rtl" : "ltr");
	put(p, "<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
	    "content=\"width=device-width, initial-scale=1\">\n"
	    "<meta name=\"robots\" content=\"noindex\">\n");
	if (forward != NULL) {
		put(p, "<meta http-equiv=\"refresh\" content=\"0;url=");
		put_text(p, forward);
		put(p, "\">\n");
	}
	put_title(p, title);
	put(p, "<style>");
	buf_add(b, p->pages->style.data, p->pages->style.len);
	put(p, "</style>\n</head>\n<body>\n");
	if (p->value[VALUE_SITE] != NULL) {
		put(p, "<header><bdi>");
		put_text(p, p->value[VALUE_SITE]);
		put(p, "</bdi></header>\n");
	}
	buf_fmt(b, "<main class=\"%s\">\n<svg viewBox=\"0 0 24 24\" "
	    "aria-hidden=\"true\"><path d=\"%s\"/></svg>\n<h1>",
	    kinds[kind].name, kinds[kind].picture);
	put_words(p, title);
	put(p, "</h1>\n");
}

void
page_begin(struct page *p, int status, enum page_kind kind, enum text title)
{
	begin(p, status, kind, title, NULL);
}

void
page_begin_forwarding(struct page *p, enum text title, const char *url)
{
	begin(p, 200, PAGE_WAIT, title, url);
}

void
page_end(struct page *p)
{
	put(p, "</main>\n</body>\n</html>\n");
}

/* ---- what a page holds ------------------------------------------------ */

void
page_facts(struct page *p, const struct page_fact *facts)
{
	put(p, "<dl>\n");
	for (; facts->value != NULL; facts++) {
		put(p, "<div><dt>");
		put_words(p, facts->name);
		put(p, "</dt><dd><bdi>");
		put_text(p, facts->value);
		put(p, "</bdi></dd></div>\n");
	}
	put(p, "</dl>\n");
}

void
page_link(struct page *p, const char *url, enum text text, bool main)
{
	put(p, "<p class=\"link\"><a ");
	put(p, main ? "class=\"main\" href=\"" : "href=\"");
	put_text(p, url);
	put(p, "\">");
	put_words(p, text);
	put(p, "</a></p>\n");
}

void
page_home(struct page *p, enum text text, bool main)
{
	struct buf url = BUF_INIT(LIMIT_URL);

	if (p->conf == NULL)
		return;
	buf_fmt(&url, "%s/", p->conf->origin);
	page_link(p, buf_cstr(&url), text, main);
	buf_clear(&url);
}

/* ---- forms ------------------------------------------------------------ */

/* The label or hint: the language's words, or else the provider's. */
static void
put_label(struct page *p, const struct page_input *in)
{
	const char *words = texts_field(p->texts, in->name, false);

	if (words != NULL)
		put(p, words);
	else
		put_text(p, in->label);
}

static void
put_hint(struct page *p, const struct page_input *in)
{
	const char *words = texts_field(p->texts, in->name, true);

	p->value[VALUE_EXAMPLE] = in->example;
	if (words != NULL)
		put(p, words);
	else
		put_words(p, TEXT_FIELDS_EXAMPLE);
}

/* An id for a part of that input, which a label or the input refers to. */
static void
put_id(struct page *p, const char *attribute, const char *name,
    const char *part)
{
	buf_fmt(&p->res->body, " %s=\"field-%s%s\"", attribute, name, part);
}

static void
put_input(struct page *p, const struct page_input *in, bool focus)
{
	struct buf *b = &p->res->body;
	bool hint = in->example != NULL ||
	    texts_field(p->texts, in->name, true) != NULL;
	bool wrong = in->problem != TEXT__MAX;

	put(p, "<div class=\"field\">\n<label");
	put_id(p, "for", in->name, "");
	put(p, ">");
	put_label(p, in);
	put(p, "</label>\n");
	if (hint) {
		put(p, "<p class=\"quiet\"");
		put_id(p, "id", in->name, "-hint");
		put(p, ">");
		put_hint(p, in);
		put(p, "</p>\n");
	}
	if (wrong) {
		put(p, "<p class=\"error\"");
		put_id(p, "id", in->name, "-error");
		put(p, ">");
		put_words(p, in->problem);
		put(p, "</p>\n");
	}
	put(p, "<input type=\"text\"");
	put_id(p, "id", in->name, "");
	buf_fmt(b, " name=\"%s\" value=\"", in->name);
	put_text(p, in->value != NULL ? in->value : "");
	put(p, "\" dir=\"auto\" required autocomplete=\"on\" "
	    "autocapitalize=\"none\" spellcheck=\"false\"");
	if (hint || wrong) {
		put(p, " aria-describedby=\"");
		if (wrong)
			buf_fmt(b, "field-%s-error", in->name);
		if (hint)
			buf_fmt(b, "%sfield-%s-hint", wrong ? " " : "",
			    in->name);
		put(p, "\"");
	}
	put(p, wrong ? " aria-invalid=\"true\"" : "");
	put(p, focus ? " autofocus>\n</div>\n" : ">\n</div>\n");
}

void
page_inputs(struct page *p, const struct page_input *inputs)
{
	put(p, "<dl>\n");
	for (; inputs->name != NULL; inputs++) {
		put(p, "<div><dt>");
		put_label(p, inputs);
		put(p, "</dt><dd><bdi>");
		put_text(p, inputs->value);
		put(p, "</bdi></dd></div>\n");
	}
	put(p, "</dl>\n");
}

/* The first input that is wrong, or else the first one, has the focus. */
static void
put_inputs(struct page *p, const struct page_input *inputs)
{
	const struct page_input *in, *first = inputs;

	for (in = inputs; in->name != NULL; in++)
		if (in->problem != TEXT__MAX) {
			first = in;
			break;
		}
	for (in = inputs; in->name != NULL; in++)
		put_input(p, in, in == first);
}

void
page_form(struct page *p, const char *action,
    const struct page_field *fields, const struct page_input *inputs,
    enum text button)
{
	put(p, "<form method=\"post\" action=\"");
	put_text(p, action);
	put(p, "\">\n");
	for (; fields->name != NULL; fields++) {
		if (fields->value == NULL)
			continue;
		put(p, "<input type=\"hidden\" name=\"");
		put_text(p, fields->name);
		put(p, "\" value=\"");
		put_text(p, fields->value);
		put(p, "\">\n");
	}
	if (inputs != NULL)
		put_inputs(p, inputs);
	put(p, "<button type=\"submit\">");
	put_words(p, button);
	put(p, "</button>\n</form>\n");
}
