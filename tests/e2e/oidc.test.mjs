// SPDX-License-Identifier: ISC
// needs: oidc-provider
//
// The same flow against a provider that others wrote: oidc-provider insists on
// PKCE, rotates refresh tokens, and revokes everything when an old one comes.

import assert from "node:assert/strict";
import { Browser } from "./lib/browser.mjs";
import { after, before, describe, it, sleep } from "./lib/harness.mjs";
import { Oidc } from "./lib/oidc.mjs";
import { bindOf, freePort, Site } from "./lib/site.mjs";

const TTL = 6;
let site, oidc;

// The provider must know the callback, the site the provider: the port of the
// site is chosen first.
const open = (mode, auth, body) => async () => {
	const port = await freePort();

	oidc = await Oidc.start(
	    [`http://127.0.0.1:${port}/oauth/callback/oidc`],
	    { ttl: TTL, auth: `client_secret_${auth}` });
	site = await Site.start({ mode, port, workers: 12, upstream: oidc,
	    providers: { interact: undefined, oidc: {
		authorize_url: `${oidc.url}/auth`,
		token_url: `${oidc.url}/token`,
		scope: "openid offline_access email",
		authorize_params: "prompt=consent",
		issuer: oidc.url, require_iss: "yes", auth, body,
	    } } });
};
const close = () => site?.stop();
const ask = (c, more = {}) => site.refresh({ connection: c.connection,
    ...more });
const good = (a) => {
	assert.equal(a.status, 200, a.text);
	assert.equal(a.json().status, "ok", a.text);
	return a.json();
};

function flow() {
	let c;

	it("connects: PKCE, nonce, iss, and a token that its API takes",
	    async () => {
		c = await site.connect("user-1", "oidc");
		assert.equal(c.provider, "oidc");
		assert.ok(c.expires_in <= TTL);
		assert.equal((await oidc.me(c.access_token)).json().sub,
		    "user");
		assert.equal((await oidc.stats()).authorization_code, 1);
	});

	for (const round of [1, 2])
		it(`expiry ${round}: 12 callers, one refresh`, async () => {
			await sleep(c.expires_at * 1000 - Date.now() + 1600);
			assert.equal((await oidc.me(c.access_token)).status,
			    401, "it is over at the provider");
			const all = await Promise.all(Array.from({ length: 12 },
			    () => ask(c)));
			const tokens = new Set(all.map((a) => good(a)
			    .access_token));

			assert.equal(tokens.size, 1);
			assert.ok(!tokens.has(c.access_token));
			const s = await oidc.stats();

			assert.equal(s.refresh_token, round);
			assert.equal(s.grants_revoked, 0);
			assert.equal(s.errors, 0);
			c = good(all[0]);
			assert.equal((await oidc.me(c.access_token)).status,
			    200);
		});

	it("the user declines: denied, and no token call", async () => {
		const before = await oidc.stats();
		const b = new Browser();
		const a = await b.get(site.startUrl({ provider: "oidc",
		    return_to: "/a", bind: bindOf("x") }));
		const back = new URL(`${site.url}/callback/oidc`);

		back.search = new URLSearchParams({ error: "access_denied",
		    state: new URL(a.location).searchParams.get("state"),
		    iss: oidc.url });
		const done = await b.get(back.href);

		assert.equal(new URL(done.location).searchParams.get("status"),
		    "denied");
		assert.deepEqual(await oidc.stats(), before);
	});

	it("nothing of it is logged as an error", () => {
		assert.doesNotMatch(site.logs(), /level=error|panic|\bERROR\b/);
	});
}

describe("oidc-provider, FastCGI, the secret in the body", () => {
	before(open("fastcgi", "post", "form"));
	after(close);
	flow();
});

describe("oidc-provider, plain CGI, Basic", () => {
	before(open("cgi", "basic", "form"));
	after(close);
	flow();
});
