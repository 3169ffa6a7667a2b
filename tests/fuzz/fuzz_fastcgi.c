/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/socket.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fastcgi.h"
#include "limit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each variable has a name, and there are as many as there may be. */
static void
check_env(char *const *env)
{
	size_t n;

	for (n = 0; env[n] != NULL; n++) {
		const char *mark = strchr(env[n], '=');

		if (n == LIMIT_ENV_COUNT || mark == NULL || mark == env[n] ||
		    strlen(env[n]) > LIMIT_ENV_BYTES)
			abort();
	}
}

/*
 * Any bytes from a web server that leaves after them. Kept small, so that they
 * and all that is answered to them wait in the socket.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fastcgi *f;
	struct buf out = BUF_INIT(64);
	enum fastcgi_begin begun;
	char body[16];
	int pair[2];

	if (size > 16384)
		return 0;
	if (f == NULL)
		f = fastcgi_open();
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 ||
	    send(pair[0], data, size, MSG_NOSIGNAL) != (ssize_t)size)
		abort();
	shutdown(pair[0], SHUT_WR);
	begun = fastcgi_begin(f, pair[1]);
	if (begun != FASTCGI_GONE) {
		check_env(fastcgi_env(f));
		if (begun != FASTCGI_READY && begun != FASTCGI_ROLE &&
		    fastcgi_env(f)[0] != NULL)
			abort();
		(void)fastcgi_read(f, body, sizeof(body));
		(void)fastcgi_log(f, "a line");
		buf_str(&out, "Status: 200 OK\r\n\r\n");
		fastcgi_answer(f, &out);
		fastcgi_end(f);
	}
	if (fastcgi_env(f)[0] != NULL)
		abort();
	buf_clear(&out);
	close(pair[0]);
	return 0;
}
