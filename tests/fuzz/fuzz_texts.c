/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "language.h"
#include "texts.h"
#include "urlenc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const tags[] = { "de", "en", "pt-BR", "zh-Hant" };

/* A fault has a line of the file and says what it is, never what is there. */
static void
check_fault(void *arg, unsigned line, const char *what)
{
	const unsigned *lines = arg;
	size_t i;

	if (line == 0 || line > *lines || what[0] == '\0')
		abort();
	for (i = 0; what[i] != '\0'; i++)
		if (what[i] < 0x20 || what[i] > 0x7e)
			abort();
}

/* HTML without a tag of the file's own. */
static void
check_text(const char *s)
{
	if (!urlenc_is_utf8(s, strlen(s)) || strpbrk(s, "<>\"'{}\n\r") != NULL)
		abort();
}

static void
check_shown(const struct texts *t, enum text which)
{
	static const char *const values[VALUE__MAX] = { "<s>", "<p>", "<a>",
	    "<i>" };
	struct buf b = BUF_INIT(65536);

	texts_add(&b, t, which, values, false);
	if (buf_failed(&b))
		abort();
	check_text(buf_cstr(&b));
	buf_clear(&b);
}

static void
check_texts(const struct texts *t)
{
	const struct text_field *f;
	size_t k;

	for (k = 0; k < TEXT__MAX; k++)
		if (t->text[k] != NULL) {
			check_text(t->text[k]);
			/* What stands in for a missing value is not set. */
			if (t->text[TEXT_SITE] != NULL)
				check_shown(t, (enum text)k);
		}
	for (f = t->fields; f != NULL; f = f->next)
		check_text(f->text);
}

/* The first line as an Accept-Language header, the rest as a file of texts. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *stop = memchr(data, '\n', size);
	size_t len = stop != NULL ? (size_t)(stop - data) : size, i;
	char *accept = malloc(len + 1);
	struct texts t;
	unsigned lines = 1;

	if (accept == NULL)
		abort();
	memcpy(accept, data, len);
	accept[len] = '\0';
	if (language_choose(accept, tags, 4, 1) >= 4)
		abort();
	(void)language_is_tag(accept, len);
	free(accept);

	data += len;
	size -= len;
	for (i = 0; i < size; i++)
		lines += data[i] == '\n';
	memset(&t, 0, sizeof(t));
	texts_read(&t, (const char *)data, size, check_fault, &lines);
	check_texts(&t);
	texts_clear(&t);
	return 0;
}
