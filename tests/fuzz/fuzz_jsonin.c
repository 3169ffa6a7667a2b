/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "jsonin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * Any bytes: no crash, and what the getters say agrees with the kind. The
 * names are those of a token answer and of the corpus.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {
		"access_token", "refresh_token", "expires_in", "token_type",
		"scope", "error", "a", "",
	};
	struct buf text = BUF_INIT(64);
	struct json *j;
	size_t i;

	if (json_parse((const char *)data, size, &j) != ERR_OK)
		return 0;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		enum json_kind kind = json_kind_of(j, names[i]);
		int64_t n;

		if (json_get_str(j, names[i], &text) &&
		    (kind != JSON_STRING || buf_failed(&text) ||
		    strlen(buf_cstr(&text)) != text.len))
			abort();
		if (json_get_int(j, names[i], &n) &&
		    kind != JSON_NUMBER && kind != JSON_STRING)
			abort();
		if (json_has_str(j, names[i], "x") &&
		    kind != JSON_ARRAY && kind != JSON_STRING)
			abort();
	}
	buf_clear(&text);
	json_free(j);
	return 0;
}
