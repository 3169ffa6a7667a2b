/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "pages.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base64url.h"
#include "crypto.h"
#include "embed.h"
#include "language.h"
#include "limit.h"
#include "log.h"
#include "secretfile.h"
#include "urlenc.h"
#include "xalloc.h"

#define SUFFIX	".txt"
#define STYLE	"style.css"
#define ENGLISH	"en"

struct loading {
	struct pages	*p;
	const char	*folder;
	const char	*file;		/* being read, for complaints */
	bool		 failed;
};

/* ---- texts ------------------------------------------------------------ */

static void
complain(void *arg, unsigned line, const char *what)
{
	struct loading *l = arg;

	log_error("%s:%u: %s", l->file, line, what);
	l->failed = true;
}

/* The tag that a file's name gives its language; false: it is no such file. */
static bool
tag_of(const char *name, char tag[LANGUAGE_TAG_MAX + 1])
{
	size_t len = strlen(name), tail = strlen(SUFFIX);

	if (len <= tail || strcmp(name + len - tail, SUFFIX) != 0 ||
	    !language_is_tag(name, len - tail))
		return false;
	memcpy(tag, name, len - tail);
	tag[len - tail] = '\0';
	return true;
}

static struct page_language *
find_language(struct pages *p, const char *tag)
{
	size_t i;

	for (i = 0; i < p->count; i++)
		if (language_is_same(p->tag[i], tag))
			return &p->language[i];
	return NULL;
}

/* The language of that tag, new if need be; NULL when there are too many. */
static struct page_language *
have_language(struct pages *p, const char *tag)
{
	struct page_language *l = find_language(p, tag);

	if (l != NULL || p->count == LIMIT_LANGUAGES)
		return l;
	l = &p->language[p->count];
	memcpy(l->texts.tag, tag, strlen(tag) + 1);
	p->tag[p->count++] = l->texts.tag;
	return l;
}

static void
load_shipped(struct loading *l)
{
	const struct embedded_file *f;
	struct page_language *language;
	char tag[LANGUAGE_TAG_MAX + 1];

	for (f = embedded_pages; f->name != NULL; f++) {
		if (!tag_of(f->name, tag))
			continue;
		language = have_language(l->p, tag);
		language->shipped = true;
		l->file = f->name;
		texts_read(&language->texts, f->text, strlen(f->text),
		    complain, l);
	}
}

static void
load_texts(struct loading *l, const char *path, const char *tag)
{
	struct buf text = BUF_INIT(LIMIT_TEXT_FILE);
	struct page_language *language;

	if (secretfile_read_public(path, &text) != ERR_OK) {
		l->failed = true;
	} else if ((language = have_language(l->p, tag)) == NULL) {
		log_error("%s: there are more than %d languages; remove some",
		    path, LIMIT_LANGUAGES);
		l->failed = true;
	} else {
		language->own = true;
		l->file = path;
		texts_read(&language->texts, buf_cstr(&text), text.len,
		    complain, l);
	}
	buf_clear(&text);
}

/* What the texts lack, from the languages that their tag is made from. */
static void
complete(struct pages *p, struct page_language *l)
{
	char tag[LANGUAGE_TAG_MAX + 1], *dash;
	const struct page_language *base;

	memcpy(tag, l->texts.tag, sizeof(tag));
	while ((dash = strrchr(tag, '-')) != NULL) {
		*dash = '\0';
		if ((base = find_language(p, tag)) == NULL)
			continue;
		if (!l->texts.has_direction)
			l->texts.rtl = base->texts.rtl;
		texts_complete(&l->texts, &base->texts);
	}
}

/* Those first, so that what is left over is known to be English. */
static void
complete_all(struct pages *p)
{
	const struct texts *english = &p->language[p->english].texts;
	size_t i, k;

	for (i = 0; i < p->count; i++)
		complete(p, &p->language[i]);
	for (i = 0; i < p->count; i++) {
		for (k = 0; k < TEXT__MAX; k++)
			p->language[i].lacks[k] =
			    p->language[i].texts.text[k] == NULL;
		p->language[i].lacking = texts_complete(
		    &p->language[i].texts, english);
	}
}

/* ---- style ------------------------------------------------------------ */

/*
 * Whether that can stand in a <style> element. Its end is the only thing that
 * HTML looks for there (HTML 13.2.5.4), and it replaces NULs.
 */
static bool
is_style(const char *path, const struct buf *css)
{
	const char *s = buf_cstr(css);
	const char *wrong = NULL;

	if (strlen(s) != css->len || !urlenc_is_utf8(s, css->len))
		wrong = "is not UTF-8 text; save it with that encoding";
	else if (strcasestr(s, "</style") != NULL)
		wrong = "holds \"</style\", which would end the style in the "
		    "page; remove it";
	if (wrong != NULL)
		log_error("%s: %s", path, wrong);
	return wrong == NULL;
}

/* Line ends as a browser sees them, for the hash is made of what it sees. */
static void
add_style(struct buf *out, const char *css)
{
	size_t len;

	if (strncmp(css, "\xef\xbb\xbf", 3) == 0)
		css += 3;
	for (; *css != '\0'; css += len) {
		len = strcspn(css, "\r");
		buf_add(out, css, len);
		if (css[len] == '\r' && css[++len] != '\n')
			buf_char(out, '\n');
	}
}

/* Ours begins with words for those who write their own, not for visitors. */
static void
add_our_style(struct buf *out)
{
	const char *css = pages_shipped(STYLE), *end = strstr(css, "*/\n");

	buf_str(out, end != NULL ? end + 3 : css);
}

static void
load_style(struct loading *l, const char *path)
{
	struct buf css = BUF_INIT(LIMIT_STYLE);

	if (secretfile_read_public(path, &css) != ERR_OK ||
	    !is_style(path, &css)) {
		l->failed = true;
	} else {
		l->p->own_style = true;
		add_style(&l->p->style, buf_cstr(&css));
	}
	buf_clear(&css);
}

/* 'sha256-...' (CSP 3, 2.3.1). */
static void
hash_style(struct pages *p)
{
	unsigned char hash[CRYPTO_HASH_BYTES];
	struct buf b = BUF_INIT(sizeof(p->style_hash) - 1);

	crypto_sha256(p->style.data, p->style.len, hash);
	buf_str(&b, "'sha256-");
	base64_add(&b, hash, sizeof(hash));
	buf_char(&b, '\'');
	memcpy(p->style_hash, buf_cstr(&b), b.len + 1);
	buf_clear(&b);
}

/* ---- the folder ------------------------------------------------------- */

static void
load_file(struct loading *l, const char *name)
{
	struct buf path = BUF_INIT(8192);
	char tag[LANGUAGE_TAG_MAX + 1];
	size_t len = strlen(name), tail = strlen(SUFFIX);

	buf_fmt(&path, "%s/%s", l->folder, name);
	if (buf_failed(&path) || name[0] == '.')
		goto out;
	if (strcmp(name, STYLE) == 0) {
		load_style(l, buf_cstr(&path));
	} else if (tag_of(name, tag)) {
		load_texts(l, buf_cstr(&path), tag);
	} else if (len > tail && strcmp(name + len - tail, SUFFIX) == 0) {
		log_error("%s: is not named by a language tag; rename it to "
		    "one like de.txt or pt-BR.txt", buf_cstr(&path));
		l->failed = true;
	}
out:
	buf_clear(&path);
}

static void
load_folder(struct loading *l)
{
	struct dirent **list;
	int n, i;

	/* Sorted, so that the same files always give the same pages. */
	n = scandir(l->folder, &list, NULL, alphasort);
	if (n < 0) {
		if (errno == ENOENT)
			return;
		log_error("%s: can't be read: %s", l->folder,
		    strerror(errno));
		l->failed = true;
		return;
	}
	for (i = 0; i < n; i++) {
		load_file(l, list[i]->d_name);
		free(list[i]);
	}
	free(list);
}

/* ---- the whole -------------------------------------------------------- */

const char *
pages_shipped(const char *name)
{
	const struct embedded_file *f;

	for (f = embedded_pages; f->name != NULL; f++)
		if (strcmp(f->name, name) == 0)
			return f->text;
	return NULL;
}

enum err
pages_load(const char *folder, struct pages **out)
{
	struct pages *p = xcalloc(1, sizeof(*p));
	struct loading l = { .p = p, .folder = folder };

	buf_init(&p->style, 2 * LIMIT_STYLE);
	add_our_style(&p->style);
	load_shipped(&l);
	if (folder != NULL)
		load_folder(&l);
	while (!language_is_same(p->tag[p->english], ENGLISH))
		p->english++;
	complete_all(p);
	hash_style(p);
	*out = p;
	return l.failed ? ERR_CONFIG : ERR_OK;
}

void
pages_free(struct pages *p)
{
	size_t i;

	if (p == NULL)
		return;
	for (i = 0; i < p->count; i++)
		texts_clear(&p->language[i].texts);
	buf_clear(&p->style);
	free(p);
}

const struct texts *
pages_texts(const struct pages *p, const char *accept_language)
{
	return &p->language[language_choose(accept_language, p->tag, p->count,
	    p->english)].texts;
}
