/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "conf.h"

#include <sys/auxv.h>
#include <sys/stat.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "conf_internal.h"
#include "xalloc.h"

#define FILE_NAME	"oauth-cgi.conf"
#define PATH_BYTES	4096

/* The folder of the executable; false when the system does not tell. */
static bool
own_folder(char out[PATH_BYTES])
{
	ssize_t n = readlink("/proc/self/exe", out, PATH_BYTES - 1);
	const char *name;
	char *real, *slash;

	if (n > 0) {
		out[n] = '\0';
	} else {
		/*
		 * A chroot without /proc. What was executed, from where we
		 * are: suEXEC, which gives a bare name, goes there first.
		 */
		name = (const char *)getauxval(AT_EXECFN);
		real = name != NULL ? realpath(name, NULL) : NULL;
		if (real == NULL || strlen(real) >= PATH_BYTES) {
			free(real);
			return false;
		}
		memcpy(out, real, strlen(real) + 1);
		free(real);
	}
	if ((slash = strrchr(out, '/')) == NULL)
		return false;
	*slash = '\0';
	return true;
}

/*
 * FOLDER/WHERE/oauth-cgi.conf if it exists. A stranger may be able to write
 * to a folder above us: then it counts only if it is root's or ours.
 */
static char *
look(const char *folder, const char *where, bool ours)
{
	struct buf path = BUF_INIT(PATH_BYTES + 64);
	char *found = NULL;
	struct stat st;

	buf_fmt(&path, "%s/%s/" FILE_NAME, folder, where);
	if (!buf_failed(&path) && stat(buf_cstr(&path), &st) == 0 &&
	    (!ours || st.st_uid == 0 || st.st_uid == geteuid()))
		found = xstrdup(buf_cstr(&path));
	buf_clear(&path);
	return found;
}

/* PREFIX/etc of PREFIX/any/program, else oauth-cgi/etc further up. */
static char *
near_executable(void)
{
	char folder[PATH_BYTES], *slash, *found = NULL;
	bool first = true;

	if (!own_folder(folder))
		return NULL;
	while (found == NULL && (slash = strrchr(folder, '/')) != NULL) {
		*slash = '\0';
		if (first)
			found = look(folder, "etc", false);
		if (found == NULL)
			found = look(folder, "oauth-cgi/etc", true);
		first = false;
	}
	return found;
}

char *
conf_find(const char *given)
{
	const char *env = getenv("OAUTH_CGI_CONFIG");
	char *path;

	if (given != NULL)
		return xstrdup(given);
	if (env != NULL && env[0] != '\0')
		return xstrdup(env);
	path = near_executable();
	return path != NULL ? path : xstrdup(SYSCONFDIR "/" FILE_NAME);
}
