/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "problem.h"

#include "jsonout.h"
#include "log.h"

#define RETRY_AFTER_503 5

/* The words for each problem; description is for programs, text for people. */
static const struct {
	int		 status;
	const char	*error;
	const char	*description;
	enum text	 text;
} problems[PROBLEM__MAX] = {
	[PROBLEM_INVALID_REQUEST] = { 400, "invalid_request",
	    "a parameter is missing, malformed, too long, or given twice",
	    TEXT_BAD_REQUEST },
	[PROBLEM_RETURN_TO] = { 400, "invalid_request",
	    "return_to must be a local path that begins with one /, or begin "
	    "with an origin of the app, and must not name ticket, provider, "
	    "status, error or connection in its query", TEXT_RETURN_TO },
	[PROBLEM_UNKNOWN_PROVIDER] = { 400, "unknown_provider",
	    "provider is missing or not configured for this app",
	    TEXT_NO_PROVIDER },
	[PROBLEM_UNKNOWN_APP] = { 400, "unknown_app",
	    "app is missing or not known", TEXT_NO_APP },
	[PROBLEM_LINK] = { 400, "invalid_request",
	    "the one-time link is unknown, used, or over", TEXT_LINK },
	[PROBLEM_STATE] = { 400, "invalid_state",
	    "the state is unknown, used, expired, or of another browser",
	    TEXT_STATE },
	[PROBLEM_COOKIE] = { 400, "missing_cookie",
	    "the cookie that /start had set did not come back", TEXT_COOKIE },
	[PROBLEM_LOGIN] = { 403, "wrong_session",
	    "the web server's login is missing or is another one",
	    TEXT_LOGIN },
	[PROBLEM_FORBIDDEN] = { 403, "wrong_session",
	    "the confirmation is not this browser's", TEXT_FORM },
	[PROBLEM_NOT_NAVIGATION] = { 403, "invalid_request",
	    "only a navigation of the browser's window can start this",
	    TEXT_WINDOW },
	[PROBLEM_NOT_FOUND] = { 404, "not_found",
	    "there is nothing at this path", TEXT_NOT_FOUND },
	[PROBLEM_METHOD] = { 405, "invalid_request",
	    "the method is not allowed here; see Allow", TEXT_METHOD },
	[PROBLEM_BODY_SIZE] = { 413, "invalid_request",
	    "the body is too large", TEXT_TOO_LARGE },
	[PROBLEM_QUERY_SIZE] = { 414, "invalid_request",
	    "the query is too long", TEXT_TOO_LARGE },
	[PROBLEM_MEDIA_TYPE] = { 400, "invalid_request",
	    "the body must be application/x-www-form-urlencoded",
	    TEXT_BAD_REQUEST },
	[PROBLEM_SERVER] = { 500, "server_error",
	    "something went wrong here; the log has the id", TEXT_SERVER },
	[PROBLEM_UNAVAILABLE] = { 503, "temporarily_unavailable",
	    "not possible right now; try again later", TEXT_UNAVAILABLE },
};

enum problem
problem_of_status(int status)
{
	switch (status) {
	case 404: return PROBLEM_NOT_FOUND;
	case 405: return PROBLEM_METHOD;
	case 413: return PROBLEM_BODY_SIZE;
	case 414: return PROBLEM_QUERY_SIZE;
	case 415: return PROBLEM_MEDIA_TYPE;
	case 500: return PROBLEM_SERVER;
	case 503: return PROBLEM_UNAVAILABLE;
	default:  return PROBLEM_INVALID_REQUEST;
	}
}

static void
answer_json(struct response *res, enum problem p)
{
	response_reset(res);
	res->status = problems[p].status;
	res->type = RESPONSE_JSON;
	jsonout_open(&res->body);
	jsonout_str(&res->body, "error", problems[p].error);
	jsonout_str(&res->body, "error_description", problems[p].description);
	jsonout_str(&res->body, "error_id", log_id());
	if (problems[p].status == 503)
		jsonout_int(&res->body, "retry_after", RETRY_AFTER_503);
	jsonout_close(&res->body);
}

static void
answer_page(struct page *page, enum problem p, const char *again)
{
	enum text title = problems[p].text;

	page_begin(page, problems[p].status, PAGE_WRONG, title);
	page_text(page, title + 1);
	page_text(page, title + 2);
	if (again != NULL)
		page_link(page, again, TEXT_AGAIN, true);
	page_home(page, TEXT_BACK, again == NULL);
	page_number(page);
	page_end(page);
}

void
problem_answer(struct page *page, enum problem p, bool json,
    const char *again)
{
	struct response *res = page->res;
	const char *allow = res->allow;
	bool head = res->head;

	log_info("answered %d %s: %s", problems[p].status, problems[p].error,
	    problems[p].description);
	if (json)
		answer_json(res, p);
	else
		answer_page(page, p, again);
	res->allow = allow;
	res->head = head;
	if (problems[p].status == 503)
		res->retry_after = RETRY_AFTER_503;
}
