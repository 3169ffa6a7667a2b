/* SPDX-License-Identifier: ISC */
#ifndef PROVIDER_TEXT_H
#define PROVIDER_TEXT_H

/*
 * text - growing strings, parameters, and the encodings a provider needs.
 *
 * The provider shares no code with the programs it tests: a mistake in a
 * common decoder would hide itself. Running out of memory ends the process.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	char	*s;		/* always ends with a NUL, unless NULL */
	size_t	 len;
	size_t	 size;
};

#define PARAMS_MAX	64

struct params {
	char	*name[PARAMS_MAX];
	char	*value[PARAMS_MAX];
	size_t	 count;
};

void *need(void *p);			/* p, or the process ends */
char *copy(const char *s);		/* strdup; NULL stays NULL */
int64_t now_ms(void);			/* monotonic */

void text_add(struct text *t, const void *data, size_t len);
void text_str(struct text *t, const char *s);
void text_fmt(struct text *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void text_json(struct text *t, const char *s);	/* quoted; NULL is null */
void text_html(struct text *t, const char *s);
void text_form(struct text *t, const char *s);	/* percent-encoded */
void text_base64url(struct text *t, const void *data, size_t len);
void text_drop(struct text *t, size_t len);	/* from the front */
void text_clear(struct text *t);

/* False when there are too many, or the JSON is not one flat object. */
bool params_form(struct params *p, const char *s, size_t len);
bool params_json(struct params *p, const char *s, size_t len);
const char *params_get(const struct params *p, const char *name);
void params_clear(struct params *p);

/* Standard base64, as in Basic authentication; false when it is none. */
bool base64_decode(const char *s, struct text *out);

void sha256(const void *data, size_t len, unsigned char out[32]);
/* Eight hexadecimal digits that stand for a secret in logs. */
void short_hash(const char *s, char out[9]);
/* Random bytes, base64url. */
void text_random(struct text *t, size_t bytes);

#endif
