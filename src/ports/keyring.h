/* SPDX-License-Identifier: ISC */
#ifndef OAC_KEYRING_H
#define OAC_KEYRING_H

/*
 * keyring - the keys of one purpose, from a file outside of the database.
 *
 * A key file holds lines `id hex`: a decimal id from 1 to 4294967295 and 64
 * hexadecimal digits; `#` begins a comment. The first key seals, all open, and
 * an id is never used again for another key. The file is looked for as
 * $CREDENTIALS_DIRECTORY/NAME first, then as DIR/NAME (secretfile.h's rules).
 *
 * Ownership: opaque, freed by keyring_close(), which wipes all keys. Keys that
 *            are handed out belong to the ring and go with the next reload.
 * Processes: read once and shared copy-on-write after fork().
 */
#include <stddef.h>
#include <stdint.h>

#include "crypto.h"
#include "err.h"

#define KEYRING_MAX 32

struct keyring;

/* ERR_CONFIG (logged with file and line) when it is missing or not right. */
enum err keyring_open(const char *dir, const char *name,
    struct keyring **out) MUST_CHECK;
void keyring_close(struct keyring *k);

/*
 * Read the file again; on failure the keys stay as they were. It is a failure,
 * too, when an id that the ring knows has become another key.
 */
enum err keyring_reload(struct keyring *k) MUST_CHECK;

/* The id that seals: that of the first key. */
uint32_t keyring_first_id(const struct keyring *k);

/* The key of that id, or NULL. */
const unsigned char *keyring_find(const struct keyring *k, uint32_t id);

/* The same, but an unknown id makes the ring read its file once more. */
const unsigned char *keyring_find_or_reload(struct keyring *k, uint32_t id);

/* The n-th key, from 0; NULL past the end. */
const unsigned char *keyring_at(const struct keyring *k, size_t n);

/* Create DIR/NAME with one random key of id 1; ERR_CONFLICT if it exists. */
enum err keyring_create(const char *dir, const char *name) MUST_CHECK;

#endif
