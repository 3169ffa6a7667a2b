// SPDX-License-Identifier: ISC
// needs: playwright-core oidc-provider
//
// The whole flow in Chromium, through the login and consent pages of
// oidc-provider: real cookies, real redirects, real Fetch Metadata.

import assert from "node:assert/strict";
import http from "node:http";
import { launch, picture } from "./lib/chromium.mjs";
import { after, before, describe, it } from "./lib/harness.mjs";
import { Oidc } from "./lib/oidc.mjs";
import { bindOf, freePort, Site } from "./lib/site.mjs";

// A site of one form, on the same host as the programs but another port.
function shop(site) {
	const page = `<!DOCTYPE html><title>Shop</title>
<form method="post" action="${site.url}/start">
<input type="hidden" name="provider" value="oidc">
<input type="hidden" name="return_to" value="/account">
<input type="hidden" name="bind" value="${bindOf("s")}">
<button>Connect</button></form>`;
	const server = http.createServer((req, res) => {
		res.setHeader("content-type", "text/html");
		res.end(page);
	});

	return new Promise((done) => server.listen(0, "127.0.0.1",
	    () => done(server)));
}

describe("Chromium and oidc-provider", () => {
	let site, oidc, browser, page, server, ticket;

	before(async () => {
		const port = await freePort();

		oidc = await Oidc.start(
		    [`http://127.0.0.1:${port}/oauth/callback/oidc`],
		    { pages: true });
		site = await Site.start({ port, upstream: oidc, providers: {
		    interact: undefined, oidc: {
			authorize_url: `${oidc.url}/auth`,
			token_url: `${oidc.url}/token`, body: "form",
			scope: "openid offline_access email",
			authorize_params: "prompt=consent",
			issuer: oidc.url, require_iss: "yes",
		    } } });
		server = await shop(site);
		browser = await launch();
		page = await browser.newPage();
		// The package's pages ask for a font from elsewhere.
		await page.route((url) => url.hostname !== "127.0.0.1",
		    (route) => route.abort());
	});
	after(async () => {
		await browser?.close();
		server?.close();
		await site?.stop();
	});

	it("the form leads to the provider's login", async () => {
		await page.goto(`http://127.0.0.1:${server.address().port}/`);
		await page.getByRole("button").click();
		assert.ok(page.url().startsWith(`${oidc.url}/interaction/`),
		    page.url());
		await picture(page, "20-oidc-login");
	});

	it("login and consent lead back with a ticket", async () => {
		await page.getByPlaceholder(/login/i).fill("chris");
		await page.getByPlaceholder(/password/i).fill("any");
		await page.getByRole("button").click();
		await picture(page, "21-oidc-consent");
		await page.getByRole("button").click();
		await page.waitForURL(/\/account\?/);
		const query = new URL(page.url()).searchParams;

		assert.equal(query.get("status"), "connected");
		ticket = query.get("ticket");
	});

	it("the ticket is redeemed, and the token is the user's", async () => {
		const t = (await site.redeem(ticket, "s", bindOf("s"))).json();

		assert.equal((await oidc.me(t.access_token)).json().sub,
		    "chris");
	});

	it("back and forward, and a reload: nothing is exchanged twice",
	    async () => {
		const { authorization_code: calls } = await oidc.stats();

		await page.reload();
		await page.goBack().catch(() => {});
		await page.goForward().catch(() => {});
		assert.equal((await oidc.stats()).authorization_code, calls);
	});

	it("the cookie is the browser's alone", async () => {
		const [cookie] = (await page.context().cookies())
		    .filter((c) => c.name === "oauth-cgi");

		assert.equal(cookie.httpOnly, true);
		assert.equal(cookie.sameSite, "Lax");
		assert.equal(cookie.path, "/");
	});

	it("in a frame or by a script nothing starts", async () => {
		const url = site.startUrl({ provider: "oidc" });

		const answers = [];

		await page.goto(`http://127.0.0.1:${server.address().port}/`);
		page.on("response", (r) => {
			if (r.url() === url)
				answers.push(r.status());
		});
		await page.evaluate((u) => fetch(u, { mode: "no-cors",
		    credentials: "include" }).catch(() => {}), url);
		await page.evaluate((u) => new Promise((done) => {
			const frame = document.createElement("iframe");

			frame.onload = done;
			frame.src = u;
			document.body.append(frame);
		}), url);
		assert.deepEqual(answers, [403, 403]);
	});
});
