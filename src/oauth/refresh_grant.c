/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "refresh.h"

#include <string.h>

#include "clock.h"
#include "jsonout.h"

void
refresh_grant_init(struct refresh_grant *g)
{
	memset(g, 0, sizeof(*g));
	buf_init(&g->access, LIMIT_TOKEN);
}

void
refresh_grant_clear(struct refresh_grant *g)
{
	buf_clear(&g->access);
	refresh_grant_init(g);
}

void
refresh_grant_json(const struct refresh_grant *g,
    const struct store_connection *c, const struct provider *p,
    struct buf *out)
{
	char id[CONNECTION_ID_CHARS + 1];

	connection_id_text(c->public_id, id);
	jsonout_str(out, "access_token", buf_cstr(&g->access));
	jsonout_str(out, "token_type", c->token_type);
	if (c->expires_at != 0) {
		jsonout_int(out, "expires_in",
		    connection_remaining(c, clock_now()));
		jsonout_int(out, "expires_at", c->expires_at);
	} else {
		jsonout_null(out, "expires_in");
		jsonout_null(out, "expires_at");
	}
	jsonout_str(out, "scope", c->scope);
	jsonout_str(out, "provider", c->provider);
	jsonout_str(out, "connection", id);
	jsonout_str(out, "subject", c->subject);
	jsonout_str(out, "status", g->degraded ? "degraded" : "ok");
	connection_fields_json(c, p, out);
	if (g->warning != NULL)
		jsonout_str(out, "warning", g->warning);
}
