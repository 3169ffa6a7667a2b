/* SPDX-License-Identifier: ISC */

/*
 * hello - the least that a program behind a web server can do: the yardstick.
 *
 * FastCGI as libfcgi's own examples do it, one process that accepts, answers
 * and finishes; or plain CGI. It is linked with every library that our
 * programs are linked with, so that what the dynamic linker does is the same.
 */
#include <stdio.h>

#include <fcgiapp.h>

#define HELLO	"Content-Type: text/plain\r\n\r\nhello\n"

int
main(void)
{
	FCGX_Request r;

	if (FCGX_Init() != 0)
		return 1;
	if (FCGX_IsCGI()) {
		fputs(HELLO, stdout);
		return 0;
	}
	if (FCGX_InitRequest(&r, 0, 0) != 0)
		return 1;
	while (FCGX_Accept_r(&r) == 0) {
		FCGX_PutS(HELLO, r.out);
		FCGX_Finish_r(&r);
	}
	return 0;
}
