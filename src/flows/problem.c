/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "problem.h"

#include "jsonout.h"
#include "log.h"
#include "page.h"

#define RETRY_AFTER_503 5

/* The words for each problem; description is for programs, text for people. */
static const struct {
	int		 status;
	const char	*error;
	const char	*description;
	const char	*title;
	const char	*text;
} problems[PROBLEM__MAX] = {
	[PROBLEM_INVALID_REQUEST] = { 400, "invalid_request",
	    "a parameter is missing, malformed, too long, or given twice",
	    "This link is not complete",
	    "Something is missing from the address, or was changed on the "
	    "way. Go back to the site and try it from there." },
	[PROBLEM_RETURN_TO] = { 400, "invalid_request",
	    "return_to must be a local path that begins with one /, or begin "
	    "with an origin of the app, and must not name ticket, provider, "
	    "status, error or connection in its query",
	    "This link leads somewhere else",
	    "The page to return to is not part of this site, so nothing was "
	    "started." },
	[PROBLEM_UNKNOWN_PROVIDER] = { 400, "unknown_provider",
	    "provider is missing or not configured for this app",
	    "Nothing to connect to",
	    "The service that this link names is not set up here." },
	[PROBLEM_UNKNOWN_APP] = { 400, "unknown_app",
	    "app is missing or not known",
	    "This link is not complete",
	    "The part of the site that this link names is not set up here." },
	[PROBLEM_LINK] = { 400, "invalid_request",
	    "the one-time link is unknown, used, or over",
	    "This link is over",
	    "A link like this works once, and for 15 minutes. Ask for a new "
	    "one." },
	[PROBLEM_STATE] = { 400, "invalid_state",
	    "the state is unknown, used, expired, or of another browser",
	    "This attempt is over",
	    "It took too long, was used already, or began in another browser. "
	    "Nothing was connected. Go back to the site and start again." },
	[PROBLEM_COOKIE] = { 400, "missing_cookie",
	    "the cookie that /start had set did not come back",
	    "Your browser did not bring its cookie",
	    "This happens when the connection was started in another browser, "
	    "inside an app, or in a private window, or when cookies are "
	    "blocked. Open the site in the browser that you want to use, and "
	    "start again there." },
	[PROBLEM_LOGIN] = { 403, "wrong_session",
	    "the web server's login is missing or is another one",
	    "Please sign in first",
	    "You are not signed in to this site, or not as the one who started "
	    "this. Nothing was connected." },
	[PROBLEM_FORBIDDEN] = { 403, "wrong_session",
	    "the confirmation is not this browser's",
	    "This form is not valid",
	    "It was changed, or belongs to another browser. Go back to the "
	    "site and start again." },
	[PROBLEM_NOT_NAVIGATION] = { 403, "invalid_request",
	    "only a navigation of the browser's window can start this",
	    "This can't be loaded in the background",
	    "Open the link in the browser's window." },
	[PROBLEM_NOT_FOUND] = { 404, "not_found",
	    "there is nothing at this path",
	    "There is nothing here",
	    "The address is not one of this site's." },
	[PROBLEM_METHOD] = { 405, "invalid_request",
	    "the method is not allowed here; see Allow",
	    "This can't be done here",
	    "The address is right, but not for this kind of request." },
	[PROBLEM_BODY_SIZE] = { 413, "invalid_request",
	    "the body is too large",
	    "This form is too large", "Go back to the site and try again." },
	[PROBLEM_QUERY_SIZE] = { 414, "invalid_request",
	    "the query is too long",
	    "This address is too long", "Go back to the site and try again." },
	[PROBLEM_MEDIA_TYPE] = { 400, "invalid_request",
	    "the body must be application/x-www-form-urlencoded",
	    "This form can't be read", "Go back to the site and try again." },
	[PROBLEM_SERVER] = { 500, "server_error",
	    "something went wrong here; the log has the id",
	    "Something went wrong",
	    "It is our fault, not yours. Try again in a moment; if it stays, "
	    "tell the site the number below." },
	[PROBLEM_UNAVAILABLE] = { 503, "temporarily_unavailable",
	    "not possible right now; try again later",
	    "Not possible right now",
	    "Nothing was lost. Try again in a moment; if it stays, tell the "
	    "site the number below." },
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

void
problem_answer(struct response *res, enum problem p, bool json,
    const char *home)
{
	const char *allow = res->allow;
	bool head = res->head;
	struct buf number = BUF_INIT(64);

	log_info("answered %d %s: %s", problems[p].status, problems[p].error,
	    problems[p].description);
	if (json) {
		response_reset(res);
		res->type = RESPONSE_JSON;
		jsonout_open(&res->body);
		jsonout_str(&res->body, "error", problems[p].error);
		jsonout_str(&res->body, "error_description",
		    problems[p].description);
		jsonout_str(&res->body, "error_id", log_id());
		if (problems[p].status == 503)
			jsonout_int(&res->body, "retry_after",
			    RETRY_AFTER_503);
		jsonout_close(&res->body);
	} else {
		page_begin(res, problems[p].status, problems[p].title);
		page_text(res, problems[p].text);
		if (home != NULL)
			page_link(res, home, "Back to the site");
		buf_fmt(&number, "Number: %s", log_id());
		page_small(res, buf_cstr(&number));
		page_end(res);
	}
	res->status = problems[p].status;
	res->allow = allow;
	res->head = head;
	if (problems[p].status == 503)
		res->retry_after = RETRY_AFTER_503;
	buf_clear(&number);
}
