/* SPDX-License-Identifier: ISC */
#ifndef OAC_PAGE_H
#define OAC_PAGE_H

/*
 * page - the few HTML pages that a visitor may meet: short, without scripts,
 * in the visitor's language. All words are texts (texts.h); what comes from
 * outside is put into them escaped, as a value or as a fact.
 *
 *	page_init(&p, res, pages, conf, req);
 *	p.value[VALUE_PROVIDER] = provider->label;
 *	page_begin(&p, 200, PAGE_ASK, TEXT_CONFIRM);  ...  page_end(&p);
 *
 * Ownership: a struct page only points to what others own; values must stay
 *            good until page_end().
 */
#include "conf.h"
#include "pages.h"
#include "request.h"
#include "response.h"

/* What a page is about, which its picture tells. */
enum page_kind { PAGE_ASK, PAGE_DONE, PAGE_WRONG, PAGE_WAIT, PAGE__MAX };

struct page {
	struct response		*res;
	const struct pages	*pages;
	const struct texts	*texts;
	const struct conf	*conf;
	const char		*value[VALUE__MAX];
};

/* conf is NULL as long as there is none; pages, where none is made (JSON). */
void page_init(struct page *p, struct response *res,
    const struct pages *pages, const struct conf *conf,
    const struct request *req);

/* Replace what the response holds with a page of that title. */
void page_begin(struct page *p, int status, enum page_kind kind,
    enum text title);

/* The same, and the browser goes to url (ours) at once. */
void page_begin_forwarding(struct page *p, enum text title, const char *url);
void page_end(struct page *p);

/* A paragraph; nothing where the text is empty. */
void page_text(struct page *p, enum text which);
void page_quiet(struct page *p, enum text which);

/* For help: the error id, which is also in the log. */
void page_number(struct page *p);

/* Names and values, ended by a NULL value. */
struct page_fact {
	enum text	 name;
	const char	*value;
};
void page_facts(struct page *p, const struct page_fact *facts);

/* A link; main: it is what most people want next, and looks like a button. */
void page_link(struct page *p, const char *url, enum text text, bool main);

/* A link to the site's front page; nothing while that is not known. */
void page_home(struct page *p, enum text text, bool main);

/* A hidden field of a form; a list ends with a NULL name. */
struct page_field {
	const char	*name;
	const char	*value;		/* NULL: left out */
};

/*
 * An input to fill in; a list ends with a NULL name. label and example are
 * shown where the language has no text `field.NAME` and `field.NAME.hint`; the
 * example may be NULL. A problem is shown with the input: TEXT_FIELDS_MISSING,
 * TEXT_FIELDS_INVALID, or TEXT__MAX for none.
 */
struct page_input {
	const char	*name;
	const char	*label;
	const char	*example;
	const char	*value;		/* NULL: empty */
	enum text	 problem;
};

/* What was filled in: the labels and values of such inputs. */
void page_inputs(struct page *p, const struct page_input *inputs);

/* A form that POSTs, with one button; inputs may be NULL. */
void page_form(struct page *p, const char *action,
    const struct page_field *fields, const struct page_input *inputs,
    enum text button);

#endif
