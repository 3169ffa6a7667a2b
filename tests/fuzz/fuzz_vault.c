/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "limit.h"
#include "log.h"
#include "vault.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[256];
static struct keyring *ring;

static void
clean_up(void)
{
	char file[300];

	keyring_close(ring);
	snprintf(file, sizeof(file), "%s/token.key", dir);
	unlink(file);
	rmdir(dir);
}

static void
no_log(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

static void
set_up(void)
{
	const char *base = getenv("TMPDIR");

	snprintf(dir, sizeof(dir), "%s/fuzz-vault.XXXXXX",
	    base != NULL ? base : "/tmp");
	if (mkdtemp(dir) == NULL ||
	    keyring_create(dir, "token.key") != ERR_OK ||
	    keyring_open(dir, "token.key", &ring) != ERR_OK)
		abort();
	atexit(clean_up);
	log_stream(no_log, NULL);
}

/*
 * Any bytes never open; and what was sealed does not open once the input was
 * laid over it, unless that changed nothing.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char plain[] = "an access token";
	const struct vault_place at = { .table = "connection",
	    .column = "access", .public_id = { "0123456789abcdef", 16 },
	    .app = "shop", .provider = "demo", .generation = 1 };
	struct buf out = BUF_INIT(LIMIT_TOKEN), sealed = BUF_INIT(LIMIT_TOKEN);
	unsigned char over[sizeof(plain) + VAULT_OVERHEAD];
	bool changed = false;
	size_t i;

	if (ring == NULL)
		set_up();
	if (vault_open(ring, &at, (struct bytes){ data, size }, &out) ==
	    ERR_OK || out.len != 0)
		abort();
	vault_key_id((struct bytes){ data, size });
	vault_seal(ring, &at, (struct bytes){ plain, sizeof(plain) }, &sealed);
	if (buf_failed(&sealed) || sealed.len != sizeof(over))
		abort();
	memcpy(over, sealed.data, sizeof(over));
	for (i = 0; i < size && i < sizeof(over); i++) {
		over[i] ^= data[i];
		changed |= data[i] != 0;
	}
	if ((vault_open(ring, &at, (struct bytes){ over, sizeof(over) },
	    &out) == ERR_OK) == changed)
		abort();
	buf_clear(&sealed);
	buf_clear(&out);
	return 0;
}
