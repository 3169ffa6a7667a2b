/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "httpc_internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define HASHED_FOLDER	"/etc/ssl/certs"

/* Where distributions keep all CA certificates in one file. */
static const char *const bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt",	/* Debian, Arch, Alpine */
	"/etc/pki/tls/certs/ca-bundle.crt",	/* Fedora, RHEL */
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",	/* newer */
	"/etc/ssl/cert.pem",			/* Alpine, the BSDs */
	"/etc/ssl/ca-bundle.pem",		/* SUSE */
	"/var/lib/ca-certificates/ca-bundle.pem",	/* newer */
	"/etc/ssl/certs/ca-bundle.crt",		/* NixOS, and copied ones */
};

static bool
is_hashed_folder(const char *path)
{
	const struct dirent *entry;
	bool found = false;
	size_t len;
	DIR *dir;

	if ((dir = opendir(path)) == NULL)
		return false;
	while (!found && (entry = readdir(dir)) != NULL) {
		len = strlen(entry->d_name);
		/* In a chroot what the links lead to may be missing. */
		found = len == 10 &&
		    strspn(entry->d_name, "0123456789abcdef") == 8 &&
		    strcmp(entry->d_name + 8, ".0") == 0 &&
		    faccessat(dirfd(dir), entry->d_name, R_OK, 0) == 0;
	}
	closedir(dir);
	return found;
}

/*
 * A bundle is parsed once (some 25 ms) and then kept, which libcurl does only
 * without a folder beside it. For a single request the folder is cheaper: of
 * it no more is read than the one certificate that is asked for.
 */
void
httpc_find_certificates(struct httpc *h, bool one_shot)
{
	size_t i;

	if (one_shot && is_hashed_folder(HASHED_FOLDER)) {
		h->folder = HASHED_FOLDER;
		return;
	}
	for (i = 0; i < sizeof(bundles) / sizeof(bundles[0]); i++) {
		if (access(bundles[i], R_OK) == 0) {
			h->bundle = bundles[i];
			return;
		}
	}
	/* None: what this libcurl was built with, if anything. */
	(void)curl_easy_getinfo(h->curl, CURLINFO_CAINFO, &h->bundle);
	if (h->bundle == NULL)
		(void)curl_easy_getinfo(h->curl, CURLINFO_CAPATH, &h->folder);
}
