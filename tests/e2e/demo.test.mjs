// SPDX-License-Identifier: ISC
// needs: playwright-core
//
// deploy/demo.sh, clicked through with Chromium: what somebody meets who tries
// oauth-cgi for the first time. With SCREENSHOTS=DIR it leaves pictures there.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Browser } from "./lib/browser.mjs";
import { launch, picture } from "./lib/chromium.mjs";
import { after, before, describe, it } from "./lib/harness.mjs";
import { end, lineOf } from "./lib/provider.mjs";
import { BUILD, freePort } from "./lib/site.mjs";

const SCRIPT = process.env.DEMO ??
    fileURLToPath(new URL("../../deploy/demo.sh", import.meta.url));
const TTL = 8;
const DESKTOP = { width: 1100, height: 800 };
const PHONE = { width: 390, height: 800 };
let demo, url, browser, page;
const foreign = [];		// what was asked of somebody else

const heading = () => page.locator("h1").innerText();
const body = () => page.locator("body").innerText();
const click = (name) => page.getByRole("button", { name }).click();
const token = async () => (await page.locator("dd code").innerText());

describe("demo", () => {
	// Where the demo makes its folder: nothing else does.
	const temporary = mkdtempSync(join(tmpdir(), "oac-demo-"));

	before(async () => {
		const port = await freePort();

		demo = spawn("sh", [SCRIPT, "--build", BUILD, "--port", port,
		    "--ttl", TTL], { stdio: ["ignore", "pipe", "inherit"],
		    env: { ...process.env, TMPDIR: temporary } });
		url = (await lineOf(demo, /(http:\/\/127\.0\.0\.1:\d+)\/\n/))[1];
		browser = await launch();
		page = await browser.newPage({ viewport: DESKTOP,
		    colorScheme: "light" });
		page.on("request", (r) => {
			if (!/^http:\/\/(127\.0\.0\.1|localhost):/
			    .test(r.url()))
				foreign.push(r.url());
		});
	});
	after(async () => {
		await browser?.close();
		await end(demo);
		rmSync(temporary, { recursive: true });
	});

	it("the shop's front page offers to connect", async () => {
		await page.goto(url);
		assert.match(await heading(), /Tea for your team/);
		await picture(page, "01-shop");
	});

	it("a click leads to the provider's consent page", async () => {
		await click("Connect Interact");
		assert.match(await heading(),
		    /Leaf & Kettle wants access to your account/);
		assert.match(await body(), /See your name and e-mail address/);
		assert.ok(!page.url().startsWith(url));
		await picture(page, "02-consent");
	});

	it("Decline leads back, and nothing is connected", async () => {
		await click("Decline");
		assert.match(await body(), /You declined/);
		assert.ok(page.url().startsWith(`${url}/account`));
		await picture(page, "03-declined");
	});

	it("Allow, as the other user, leads to the account", async () => {
		await click("Connect Interact");
		await page.getByLabel("Grace Hopper").check();
		await click("Allow");
		assert.equal(await heading(), "Grace Hopper");
		assert.match(await body(), /grace@example\.com/);
		assert.match(await token(), /^canary-at-.{6}….{4}$/);
		// The ticket does not stay in the address.
		assert.equal(page.url(), `${url}/account?new=1`);
		await picture(page, "04-connected");
	});

	it("no page shows a whole token, or the shop's key", async () => {
		await page.locator("summary").click();
		await picture(page, "05-backend");
		const html = await page.content();

		assert.doesNotMatch(html, /canary-at-[\w-]{12}/);
		assert.doesNotMatch(html, /canary-rt-|oacgi_\w|demo-secret/);
		assert.match(html, /POST \/oauth\/refresh/);
	});

	it("Ask again gives the same token while it is valid", async () => {
		const first = await token();

		await click("Ask again");
		if ((await body()).includes("never so far"))
			assert.equal(await token(), first);
	});

	it("Let it expire: wait, and a new token is there", async () => {
		await click("Ask again");
		const first = await token();

		await click("Let it expire");
		assert.match(await heading(), /running out/);
		await picture(page, "06-waiting");
		await page.waitForURL(/\/account\?was=/,
		    { timeout: (TTL + 10) * 1000 });
		assert.notEqual(await token(), first);
		assert.match(await body(), /ran out while you waited/);
		assert.match(await body(), /once|times/);
		await picture(page, "07-refreshed");
	});

	it("a ticket in another session's browser is refused", async () => {
		const attacker = new Browser();
		const consent = await attacker.follow(await attacker.press(
		    await attacker.get(url)));
		// He stops just before his own way back to the shop.
		const { location: ticket } = await attacker.follow(
		    await attacker.press(consent, "allow"));

		assert.match(ticket, /\/account\?.*ticket=/);
		await page.goto(ticket);
		assert.match(await body(), /begun in another session/);
		await picture(page, "08-wrong-session");
		await page.goto(`${url}/account`);
		assert.equal(await heading(), "Grace Hopper");
	});

	it("fits on a phone", async () => {
		await page.setViewportSize(PHONE);
		for (const [path, name] of [["/", "09-phone-shop"],
		    ["/account", "10-phone-account"]]) {
			await page.goto(url + path);
			const wide = await page.evaluate(
			    "document.documentElement.scrollWidth");

			assert.ok(wide <= PHONE.width, `${path}: ${wide} px`);
			await picture(page, name);
		}
		await page.goto(url);
		await click("Connect Interact");
		await picture(page, "11-phone-consent");
		await page.setViewportSize(DESKTOP);
	});

	it("a start from another site asks first", async () => {
		const other = http.createServer((req, res) => {
			res.setHeader("content-type", "text/html");
			res.end(`<a href="${url}/oauth/start?provider=interact` +
			    '&amp;return_to=/account">Win a prize</a>');
		});

		await new Promise((done) => other.listen(0, "localhost", done));
		// To a browser localhost and 127.0.0.1 are two sites.
		await page.goto(`http://localhost:${other.address().port}/`);
		await page.getByRole("link").click();
		assert.match(await heading(), /Connect Interact\?/);
		assert.ok(page.url().startsWith(`${url}/oauth/start`));
		await picture(page, "12-confirm");
		await page.setViewportSize(PHONE);
		await picture(page, "12-phone-confirm");
		await page.setViewportSize(DESKTOP);
		await click("Continue to Interact");
		assert.match(await heading(), /wants access/);
		await new Promise((done) => other.close(done));
	});

	it("a broken way back has a page that says what to do", async () => {
		await page.goto(`${url}/oauth/callback/interact?code=x&state=` +
		    "A".repeat(43));
		assert.ok((await heading()).length > 5);
		await picture(page, "13-problem");
	});

	it("localhost instead of 127.0.0.1 leads to the right address",
	    async () => {
		await page.goto(`${url.replace("127.0.0.1", "localhost")}/account`);
		assert.equal(page.url(), `${url}/account`);
	});

	it("Ctrl-C ends everything and leaves nothing", async () => {
		assert.equal(readdirSync(temporary).length, 1);
		await end(demo, "SIGINT", 10000);
		assert.deepEqual(readdirSync(temporary), []);
		await assert.rejects(fetch(url));
	});

	it("the browser was sent to nobody else", () => {
		assert.deepEqual(foreign, []);
	});
});
