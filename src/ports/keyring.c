/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "keyring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "secretfile.h"
#include "urlenc.h"
#include "wipe.h"
#include "xalloc.h"

#define FILE_MAX	65536	/* KEYRING_MAX keys and ample comments */
#define PATH_LEN	4096
#define HEX_LEN		(2 * CRYPTO_KEY_BYTES)

struct key {
	uint32_t	 id;
	unsigned	 line;
	unsigned char	 bytes[CRYPTO_KEY_BYTES];
};

struct keys {
	struct key	 key[KEYRING_MAX];
	size_t		 n;
};

struct keyring {
	char		*dir;
	char		*name;
	struct keys	 keys;
};

/* Where a line stands, for what is said about it. Never say what is in it. */
struct place {
	const char	*path;
	unsigned	 line;
};

/* ---- reading a key file ----------------------------------------------- */

/* '\r': the file may have come from Windows. */
static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Take a word from *at, which ends at end; its length is 0 at the end. */
static size_t
next_word(const char **at, const char *end, const char **word)
{
	while (*at < end && is_blank(**at))
		(*at)++;
	*word = *at;
	while (*at < end && !is_blank(**at))
		(*at)++;
	return (size_t)(*at - *word);
}

static bool
parse_id(const char *s, size_t len, uint32_t *out)
{
	uint64_t id = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		id = id * 10 + (uint64_t)(s[i] - '0');
		if (id > UINT32_MAX)
			return false;
	}
	*out = (uint32_t)id;
	return id > 0;
}

static bool
parse_hex(const char *s, size_t len, unsigned char out[CRYPTO_KEY_BYTES])
{
	int high, low;
	size_t i;

	if (len != HEX_LEN)
		return false;
	for (i = 0; i < CRYPTO_KEY_BYTES; i++) {
		high = urlenc_hex_value(s[2 * i]);
		low = urlenc_hex_value(s[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		out[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

static const struct key *
find(const struct keys *keys, uint32_t id)
{
	size_t i;

	for (i = 0; i < keys->n; i++)
		if (keys->key[i].id == id)
			return &keys->key[i];
	return NULL;
}

/* Add what the line from s to end says, if it says anything. */
static bool
parse_line(struct place at, const char *s, const char *end, struct keys *keys)
{
	const char *comment = memchr(s, '#', (size_t)(end - s));
	const char *id, *hex, *more;
	const struct key *twin;
	struct key *k;
	size_t id_len, hex_len;

	if (comment != NULL)
		end = comment;
	if ((id_len = next_word(&s, end, &id)) == 0)
		return true;
	if (keys->n == KEYRING_MAX) {
		log_error("%s:%u: more than %d keys; remove those that "
		    "nothing is sealed with any more", at.path, at.line,
		    KEYRING_MAX);
		return false;
	}
	k = &keys->key[keys->n];
	k->line = at.line;
	if (!parse_id(id, id_len, &k->id)) {
		log_error("%s:%u: a line is `id key`, and the id a number from "
		    "1 to 4294967295", at.path, at.line);
		return false;
	}
	hex_len = next_word(&s, end, &hex);
	if (!parse_hex(hex, hex_len, k->bytes) ||
	    next_word(&s, end, &more) > 0) {
		log_error("%s:%u: key %u must be exactly %d hexadecimal "
		    "digits: `openssl rand -hex %d` makes one", at.path,
		    at.line, (unsigned)k->id, HEX_LEN, CRYPTO_KEY_BYTES);
		return false;
	}
	if ((twin = find(keys, k->id)) != NULL) {
		log_error("%s:%u: id %u is already on line %u; a new key needs "
		    "an id that was never used", at.path, at.line,
		    (unsigned)k->id, twin->line);
		return false;
	}
	keys->n++;
	return true;
}

static bool
parse_file(const char *path, const struct buf *text, struct keys *keys)
{
	struct place at = { .path = path, .line = 1 };
	const char *s, *newline, *end;

	for (s = buf_cstr(text), end = s + text->len; s < end; at.line++) {
		newline = memchr(s, '\n', (size_t)(end - s));
		if (newline == NULL)
			newline = end;
		if (!parse_line(at, s, newline, keys))
			return false;
		s = newline < end ? newline + 1 : end;
	}
	if (keys->n > 0)
		return true;
	log_error("%s:%u: there is no key in it: add a line `1 key`, with a "
	    "key from `openssl rand -hex %d`", path, at.line,
	    CRYPTO_KEY_BYTES);
	return false;
}

/* ---- finding it ------------------------------------------------------- */

static bool
join(const char *dir, const char *name, char path[PATH_LEN])
{
	int n = snprintf(path, PATH_LEN, "%s/%s", dir, name);

	if (n > 0 && n < PATH_LEN)
		return true;
	log_error("the path of %s is longer than %d bytes", name, PATH_LEN);
	return false;
}

/*
 * Read the file's text, systemd's credentials before DIR; path tells which it
 * was. A file among the credentials counts even when it is not right: going
 * on to another one would seal with a key that nobody chose.
 */
static enum err
read_file(const char *dir, const char *name, char path[PATH_LEN],
    struct buf *text)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	enum err e;

	if (credentials != NULL && credentials[0] == '/') {
		if (!join(credentials, name, path))
			return ERR_CONFIG;
		if ((e = secretfile_read(path, text)) != ERR_NOT_FOUND)
			return e;
	}
	if (!join(dir, name, path))
		return ERR_CONFIG;
	if ((e = secretfile_read(path, text)) != ERR_NOT_FOUND)
		return e;
	log_error("%s: no such key file; `oauth-cgi init` creates it", path);
	return ERR_CONFIG;
}

static enum err
load(const char *dir, const char *name, char path[PATH_LEN], struct keys *keys)
{
	struct buf text = BUF_INIT(FILE_MAX);
	enum err e;

	e = read_file(dir, name, path, &text);
	if (e == ERR_OK && !parse_file(path, &text, keys))
		e = ERR_CONFIG;
	buf_clear(&text);
	return e;
}

/* ---- the ring --------------------------------------------------------- */

enum err
keyring_open(const char *dir, const char *name, struct keyring **out)
{
	struct keyring *k = xcalloc(1, sizeof(*k));
	char path[PATH_LEN];
	enum err e;

	*out = NULL;
	k->dir = xstrdup(dir);
	k->name = xstrdup(name);
	if ((e = load(dir, name, path, &k->keys)) == ERR_OK)
		*out = k;
	else
		keyring_close(k);
	return e;
}

void
keyring_close(struct keyring *k)
{
	if (k == NULL)
		return;
	free(k->dir);
	free(k->name);
	wipe(k, sizeof(*k));
	free(k);
}

/*
 * An id that now means another key would make everything sealed with the old
 * one look forged, so such a file is not taken.
 */
static bool
ids_kept(const char *path, const struct keys *was, const struct keys *is)
{
	const struct key *old;
	size_t i;

	for (i = 0; i < is->n; i++) {
		old = find(was, is->key[i].id);
		if (old == NULL || equal_ct(old->bytes, is->key[i].bytes,
		    CRYPTO_KEY_BYTES))
			continue;
		log_error("%s:%u: id %u was another key before; put that one "
		    "back, and give the new key an id that was never used",
		    path, is->key[i].line, (unsigned)old->id);
		return false;
	}
	return true;
}

enum err
keyring_reload(struct keyring *k)
{
	struct keys fresh = { .n = 0 };
	char path[PATH_LEN];
	enum err e;

	e = load(k->dir, k->name, path, &fresh);
	if (e == ERR_OK && !ids_kept(path, &k->keys, &fresh))
		e = ERR_CONFIG;
	if (e == ERR_OK) {
		wipe(&k->keys, sizeof(k->keys));
		k->keys = fresh;
	}
	wipe(&fresh, sizeof(fresh));
	return e;
}

uint32_t
keyring_first_id(const struct keyring *k)
{
	return k->keys.key[0].id;
}

const unsigned char *
keyring_find(const struct keyring *k, uint32_t id)
{
	const struct key *key = find(&k->keys, id);

	return key != NULL ? key->bytes : NULL;
}

const unsigned char *
keyring_find_or_reload(struct keyring *k, uint32_t id)
{
	const unsigned char *key = keyring_find(k, id);

	if (key == NULL && keyring_reload(k) == ERR_OK)
		key = keyring_find(k, id);
	return key;
}

const unsigned char *
keyring_at(const struct keyring *k, size_t n)
{
	return n < k->keys.n ? k->keys.key[n].bytes : NULL;
}

enum err
keyring_create(const char *dir, const char *name)
{
	struct buf text = BUF_INIT(1024);
	unsigned char key[CRYPTO_KEY_BYTES];
	char path[PATH_LEN];
	enum err e;
	size_t i;

	if (!join(dir, name, path))
		return ERR_CONFIG;
	crypto_random(key, sizeof(key));
	buf_str(&text,
	    "# Keys of oauth-cgi: `id key`, a line each. The first one seals,\n"
	    "# all open. An id is never used again for another key.\n1 ");
	for (i = 0; i < sizeof(key); i++)
		buf_fmt(&text, "%02x", key[i]);
	buf_char(&text, '\n');
	e = secretfile_create(path, text.data, text.len);
	wipe(key, sizeof(key));
	buf_clear(&text);
	return e;
}
