/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "return_to.h"

#include <string.h>

#include "limit.h"
#include "urlenc.h"

/* The parameters that we add, and that a return_to must not bring along. */
static const char *const reserved[] = {
	"ticket", "provider", "status", "error", "connection"
};

/* Our programs, as the web server sees them below own_path. */
static const char *const programs[] = {
	"start", "callback", "refresh", "disconnect", "connections",
	"authorize", "proxy"
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool
bytes_ok(const char *s)
{
	const unsigned char *p;

	for (p = (const unsigned char *)s; *p != '\0'; p++)
		if (*p < 0x21 || *p == 0x7f || *p == '\\')
			return false;
	return true;
}

/* The length of the origin that s begins with, or 0. */
static size_t
origin_len(const char *s, const char *origins)
{
	const char *p = origins;

	while (*p != '\0') {
		size_t len = strcspn(p, " ");
		char after;

		if (len > 0 && strncmp(s, p, len) == 0) {
			after = s[len];
			if (after == '\0' || strchr("/?#", after) != NULL)
				return len;
		}
		p += len;
		p += strspn(p, " ");
	}
	return 0;
}

bool
return_to_has_origin(const char *s, const char *origins)
{
	return origin_len(s, origins) > 0;
}

/* Whether a name, as frameworks decode it, is one of ours. */
static bool
is_reserved(const char *name, size_t len)
{
	char plain[LIMIT_RETURN_TO + 1], decoded[LIMIT_RETURN_TO + 1];
	size_t i, n;

	for (i = 0; i < len; i++)
		plain[i] = name[i] == '+' ? ' ' : name[i];
	n = urlenc_decode_lenient(plain, len, decoded);
	for (i = 0; i < COUNT(reserved); i++)
		if (n == strlen(reserved[i]) &&
		    memcmp(decoded, reserved[i], n) == 0)
			return true;
	return false;
}

static bool
query_ok(const char *s)
{
	const char *p = s + strcspn(s, "?#"), *end;

	if (*p != '?')
		return true;
	p++;
	end = p + strcspn(p, "#");
	while (p < end) {
		/* ';' too: some frameworks split there. */
		size_t pair = strcspn(p, "&;#");
		size_t name = strcspn(p, "=&;#");

		if (is_reserved(p, name))
			return false;
		p += pair < (size_t)(end - p) ? pair + 1 : pair;
	}
	return true;
}

/* The length of a segment if it is only dots, raw or encoded: 1, 2, or 0. */
static size_t
dots(const char *seg, size_t len)
{
	char out[7];

	if (len == 0 || len >= sizeof(out) ||
	    (len = urlenc_decode_lenient(seg, len, out)) > 2)
		return 0;
	return strspn(out, ".") == len ? len : 0;
}

/*
 * The path as a browser sends it (WHATWG URL 4.4, path state): dot segments go
 * before anything is decoded, and an empty segment is one like any other, so
 * that "/a//../b" and "/a/x%2fy/../b" are both "/a/b". out has room for
 * len + 2 bytes.
 */
static void
sent_path(const char *path, size_t len, char *out)
{
	const char *end = path + len;
	size_t n = 0, seg, d;

	while (path < end) {
		path++;				/* the '/' */
		seg = strcspn(path, "/?#");
		d = dots(path, seg);
		if (d == 2)
			while (n > 0 && out[--n] != '/')
				;
		if (d == 0) {
			out[n++] = '/';
			memcpy(out + n, path, seg);
			n += seg;
		}
		path += seg;
	}
	out[n] = '\0';
}

/*
 * The path as a web server resolves it: decoded, "//" one slash, "." and ".."
 * taken out. len is of the path alone. out has room for len + 2 bytes.
 */
static void
normal_path(const char *path, size_t len, char *out)
{
	char decoded[LIMIT_RETURN_TO + 1];
	const char *p = decoded;
	size_t n = 0, seg;

	decoded[urlenc_decode_lenient(path, len, decoded)] = '\0';
	out[n] = '\0';
	while (*p != '\0') {
		p += strspn(p, "/\\");
		seg = strcspn(p, "/\\");
		if (seg == 2 && strncmp(p, "..", 2) == 0) {
			while (n > 0 && out[--n] != '/')
				;
		} else if (seg > 0 && !(seg == 1 && *p == '.')) {
			out[n++] = '/';
			memcpy(out + n, p, seg);
			n += seg;
		}
		out[n] = '\0';
		p += seg;
	}
}

/* What may follow a program's name so that a web server still runs it. */
static bool
ends_name(const char *after)
{
	return *after == '\0' || *after == '/' || *after == ';' ||
	    strncmp(after, ".fcgi", 5) == 0 || strncmp(after, ".cgi", 4) == 0;
}

/* Whether the local part of a URL (from its path on) is one of our programs. */
static bool
names_program(const char *local, const char *own_path)
{
	char sent[LIMIT_RETURN_TO + 2], path[LIMIT_RETURN_TO + 2];
	size_t own = strlen(own_path), i, len;
	const char *rest;

	sent_path(local, strcspn(local, "?#"), sent);
	normal_path(sent, strlen(sent), path);
	if (strncmp(path, own_path, own) != 0 || path[own] != '/')
		return false;
	rest = path + own + 1;
	for (i = 0; i < COUNT(programs); i++) {
		len = strlen(programs[i]);
		if (strncmp(rest, programs[i], len) == 0 &&
		    ends_name(rest + len))
			return true;
	}
	return false;
}

bool
return_to_ok(const char *s, const struct return_to_rules *rules)
{
	char decoded[LIMIT_RETURN_TO + 1];
	size_t len = strlen(s), origin, n;

	if (len == 0 || len > LIMIT_RETURN_TO || !bytes_ok(s))
		return false;
	n = urlenc_decode_lenient(s, len, decoded);
	if (!urlenc_is_utf8(decoded, n) || !query_ok(s))
		return false;
	if (s[0] == '/')
		return s[1] != '/' && !names_program(s, rules->own_path);
	if ((origin = origin_len(s, rules->origins)) == 0)
		return false;
	return origin_len(s, rules->own_origin) == 0 ||
	    !names_program(s + origin, rules->own_path);
}

void
return_to_build(struct buf *out, const char *return_to, const char *own_origin,
    const char *query)
{
	size_t before = strcspn(return_to, "#");
	const char *mark = memchr(return_to, '?', before);

	if (return_to[0] == '/')
		buf_str(out, own_origin);
	buf_add(out, return_to, before);
	if (mark == NULL)
		buf_char(out, '?');
	else if (mark + 1 < return_to + before)
		buf_char(out, '&');
	buf_str(out, query);
	buf_str(out, return_to + before);
}
