/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "check.h"

#include <sys/ioctl.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jsonout.h"
#include "log.h"
#include "urlenc.h"

#define TEXT_MAX	4096
#define INDENT		9	/* of what belongs to a finding */

static const struct {
	const char	*name;		/* for machines */
	const char	*label;		/* for people, all of one length */
	const char	*colour;
} severities[CHECK__MAX] = {
	[CHECK_GOOD]	 = { "ok", "ok   ", "32" },
	[CHECK_NOTE]	 = { "note", "note ", "36" },
	[CHECK_LATER]	 = { "later", "LATER", "33" },
	[CHECK_WRONG]	 = { "wrong", "WRONG", "31" },
	[CHECK_UNUSABLE] = { "unusable", "WRONG", "31" },
};

/* ---- text that is safe to print --------------------------------------- */

/* Bytes that a terminal or a JSON reader could stumble over become '?'. */
static void
make_harmless(char *text)
{
	bool utf8 = urlenc_is_utf8(text, strlen(text));
	unsigned char *p;

	for (p = (unsigned char *)text; *p != '\0'; p++) {
		bool control = *p < 0x20 || *p == 0x7f;

		/* U+0080 to U+009F: control characters, too. */
		if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			*p = p[1] = '?';
		else if (control || (*p >= 0x80 && !utf8))
			*p = '?';
	}
}

static void format(char text[TEXT_MAX], const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

static void
format(char text[TEXT_MAX], const char *fmt, va_list ap)
{
	vsnprintf(text, TEXT_MAX, fmt, ap);
	make_harmless(text);
}

const char *
check_quoted(struct check *c, const char *word)
{
	struct buf *b = &c->quoted[c->quoted_next++ % 8];
	const char *plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST"
	    "UVWXYZ0123456789_-./,:@%+=";

	buf_clear(b);
	buf_init(b, 4 * TEXT_MAX);
	if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
		buf_str(b, word);
		return buf_cstr(b);
	}
	buf_char(b, '\'');
	for (; *word != '\0'; word++) {
		if (*word == '\'')
			buf_str(b, "'\\''");
		else
			buf_char(b, *word);
	}
	buf_char(b, '\'');
	return buf_failed(b) ? "..." : buf_cstr(b);
}

/* ---- printing --------------------------------------------------------- */

/* Words, from column `at` on, with further lines indented. */
static void
print_wrapped(const struct check *c, const char *text, size_t at)
{
	size_t len;

	while (*text != '\0') {
		len = strcspn(text, " ");
		if (at > INDENT && at + 1 + len > c->width) {
			printf("\n%*s", INDENT, "");
			at = INDENT;
		} else if (at > INDENT) {
			putchar(' ');
			at++;
		}
		fwrite(text, 1, len, stdout);
		at += len;
		text += len;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static void
print_label(const struct check *c, enum check_severity s)
{
	if (c->colour)
		printf("  \033[1;%sm%s\033[0m  ", severities[s].colour,
		    severities[s].label);
	else
		printf("  %s  ", severities[s].label);
}

/* What was begun with check_found() is over: as JSON it is printed now. */
static void
finish(struct check *c)
{
	if (c->finding.len == 0)
		return;
	if (c->mends.len > 0)
		jsonout_str(&c->finding, "mend", buf_cstr(&c->mends));
	jsonout_close(&c->finding);
	if (!buf_failed(&c->finding))
		printf("%s\n", buf_cstr(&c->finding));
	buf_reset(&c->finding);
	buf_reset(&c->mends);
}

static void
tell_json(struct check *c, enum check_severity s, const char *name,
    const char *what)
{
	finish(c);
	jsonout_open(&c->finding);
	jsonout_str(&c->finding, "check", c->theme);
	jsonout_str(&c->finding, "severity", severities[s].name);
	if (name != NULL)
		jsonout_str(&c->finding, "finding", name);
	jsonout_str(&c->finding, "what", what);
}

static void
tell(struct check *c, enum check_severity s, const char *name,
    const char *what)
{
	c->counts[s]++;
	c->mending = false;
	if (s >= CHECK_WRONG)
		c->any_wrong = true;
	if (c->a->json) {
		tell_json(c, s, name, what);
		return;
	}
	if (!c->theme_told)
		printf("%s\n", c->theme);
	c->theme_told = true;
	print_label(c, s);
	if (name != NULL)
		printf("%s:", name);
	print_wrapped(c, what, INDENT + (name != NULL ? strlen(name) + 1 : 0));
}

void
check_theme(struct check *c, const char *theme)
{
	c->theme = theme;
	c->theme_told = false;
}

void
check_good(struct check *c, const char *fmt, ...)
{
	char what[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	format(what, fmt, ap);
	va_end(ap);
	tell(c, CHECK_GOOD, NULL, what);
}

void
check_found(struct check *c, const struct check_kind *kind, const char *fmt,
    ...)
{
	char what[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	format(what, fmt, ap);
	va_end(ap);
	tell(c, kind->severity, kind->name, what);
	if (c->a->json) {
		jsonout_str(&c->finding, "why", kind->why);
		return;
	}
	printf("%*s", INDENT, "");
	print_wrapped(c, kind->why, INDENT);
}

void
check_mend(struct check *c, const char *fmt, ...)
{
	char line[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	format(line, fmt, ap);
	va_end(ap);
	if (c->a->json) {
		if (c->mends.len > 0)
			buf_char(&c->mends, '\n');
		buf_str(&c->mends, line);
	} else {
		/* Never wrapped: it is to be copied. */
		printf("%*s%s  %s\n", INDENT, "", c->mending ? "     " :
		    "mend:", line);
		c->mending = true;
	}
}

/* ---- what modules log ------------------------------------------------- */

/* A line is "program[pid] level id: text". */
static void
keep_line(void *arg, const char *line)
{
	struct check *c = arg;
	const char *level = strstr(line, "] "), *text;

	if (level == NULL || strncmp(level + 2, "info", 4) == 0 ||
	    (text = strstr(level, ": ")) == NULL)
		return;
	buf_str(&c->said, text + 2);
	buf_char(&c->said, '\n');
}

/* Where the mend begins in a message of ours; NULL when it has none. */
static const char *
mend_in(const char *line)
{
	static const char *const marks[] = { "; ", ": chmod ", ": chown " };
	const char *found;
	size_t i;

	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if ((found = strstr(line, marks[i])) != NULL)
			return found + 2;
	return NULL;
}

/*
 * The first of the lines. Where its end is a command (chmod, chown) or words
 * about what to do, that is the mend.
 */
bool
check_said_one(struct check *c, const struct check_kind *kind, char line[1200])
{
	const char *all = buf_cstr(&c->said), *mend;
	size_t len = all != NULL ? strcspn(all, "\n") : 0;
	struct buf rest = BUF_INIT(c->said.max);

	if (len == 0)
		return false;
	snprintf(line, 1200, "%.*s", (int)len, all);
	buf_str(&rest, all + len + 1);
	buf_reset(&c->said);
	buf_add(&c->said, rest.data, rest.len);
	buf_clear(&rest);
	if ((mend = mend_in(line)) != NULL) {
		check_found(c, kind, "%.*s", (int)(mend - line - 2), line);
		/* A command, or what to do in words. */
		check_mend(c, "%s%s", strncmp(mend, "ch", 2) == 0 ? "" : "# ",
		    mend);
	} else {
		check_found(c, kind, "%s", line);
	}
	return true;
}

int
check_said(struct check *c, const struct check_kind *kind)
{
	char line[1200];
	int n = 0;

	while (check_said_one(c, kind, line))
		n++;
	return n;
}

void
check_unsaid(struct check *c)
{
	buf_reset(&c->said);
}

/* ---- beginning and end ------------------------------------------------ */

void
check_report_begin(struct check *c)
{
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
	bool terminal = isatty(STDOUT_FILENO) == 1;
	struct winsize size;
	size_t i;

	buf_init(&c->finding, 8 * TEXT_MAX);
	buf_init(&c->mends, 4 * TEXT_MAX);
	buf_init(&c->said, 32 * TEXT_MAX);
	for (i = 0; i < sizeof(c->quoted) / sizeof(c->quoted[0]); i++)
		buf_init(&c->quoted[i], TEXT_MAX);
	c->colour = terminal && (no_colour == NULL || *no_colour == '\0') &&
	    (term == NULL || strcmp(term, "dumb") != 0);
	c->width = 80;
	if (terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 &&
	    size.ws_col >= 60)
		c->width = size.ws_col < 100 ? size.ws_col : 100;
	log_stream(keep_line, c);
}

int
check_exit(const struct check *c)
{
	if (c->counts[CHECK_UNUSABLE] > 0)
		return ADMIN_USAGE;
	if (c->counts[CHECK_WRONG] > 0)
		return ADMIN_REFUSED;
	return c->counts[CHECK_LATER] > 0 ? ADMIN_LATER : ADMIN_OK;
}

static void
print_sum(const struct check *c)
{
	static const struct {
		enum check_severity	 severity;
		const char		*what;
	} parts[] = {
		{ CHECK_WRONG, "to mend" }, { CHECK_LATER, "to try again" },
		{ CHECK_NOTE, "to know" }, { CHECK_GOOD, "well" },
	};
	const char *comma = "";
	size_t i;
	int n;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		n = c->counts[parts[i].severity];
		if (parts[i].severity == CHECK_WRONG)
			n += c->counts[CHECK_UNUSABLE];
		if (n > 0 || parts[i].severity == CHECK_WRONG)
			printf("%s%d %s", comma, n, parts[i].what);
		comma = ", ";
	}
	puts(c->a->offline ? " (nobody was asked: --offline)" : "");
}

void
check_report_end(struct check *c)
{
	struct buf sum = BUF_INIT(TEXT_MAX);
	size_t i;

	finish(c);
	if (c->a->json) {
		jsonout_open(&sum);
		for (i = 0; i < CHECK__MAX; i++)
			jsonout_int(&sum, severities[i].name, c->counts[i]);
		jsonout_int(&sum, "exit", check_exit(c));
		jsonout_close(&sum);
		printf("%s\n", buf_cstr(&sum));
	} else {
		print_sum(c);
	}
	buf_clear(&sum);
	buf_clear(&c->finding);
	buf_clear(&c->mends);
	buf_clear(&c->said);
	for (i = 0; i < sizeof(c->quoted) / sizeof(c->quoted[0]); i++)
		buf_clear(&c->quoted[i]);
}
