// SPDX-License-Identifier: ISC
// needs: playwright-core axe-core
//
// Every page that a visitor can meet, in Chromium through lighttpd: English,
// German and a language that is written from right to left; light and dark; a
// small phone and a desktop. axe-core finds nothing, nothing scrolls sideways,
// the policy holds, and a keyboard is enough. With SCREENSHOTS=DIR it leaves
// pictures there.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, renameSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { launch, picture } from "./lib/chromium.mjs";
import { after, before, describe, it } from "./lib/harness.mjs";
import { Site } from "./lib/site.mjs";

const AXE = readFileSync(createRequire(import.meta.url)
    .resolve("axe-core/axe.min.js"), "utf8");
const shipped = (name) => readFileSync(new URL(`../../pages/${name}`,
    import.meta.url), "utf8");
const ENGLISH = shipped("en.txt");
const PHONE = { width: 320, height: 640 };
const DESKTOP = { width: 1100, height: 760 };
const NEXT = /\/callback\/posted\?/;
const SHOPIFY = { authorize_url: "https://{shop}/admin/oauth/authorize",
    token_url: "https://{shop}/admin/oauth/access_token" };
const OTHER = "http://other.example";
const LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen";

// A translation into Arabic letters: the length and the names as in English.
function arabic(text) {
	const letters = "ابتثجحخدذرزسشصضطظعغفقكلمنهوي";
	const word = (s) => s.replace(/[a-z]/gi, (c) =>
	    letters[c.toLowerCase().charCodeAt(0) - 97]);

	return text.split("\n").map((line) => {
		if (line.startsWith("direction"))
			return "direction = rtl";
		if (line.startsWith("#") || line === "")
			return line;
		const [, head, tail] = /^([\w.]+\s*=|)(.*)$/.exec(line);

		return head + tail.split(/(\{\w+\})/)
		    .map((s) => s.startsWith("{") ? s : word(s)).join("");
	}).join("\n");
}

const LANGUAGES = [
	["en-GB", "en", "ltr", ENGLISH],
	["de-AT", "de", "ltr", shipped("de.txt")],
	["ar-EG", "ar", "rtl", arabic(ENGLISH)],
];

// What axe has to say, in words, and what a ruler says. Of a page that was
// looked at before only what its look decides (drawn).
async function faults(page, drawn = false) {
	await page.evaluate(`window.axe === undefined && (() => {${AXE}
	    window.axe = axe; })()`);
	const { violations, incomplete } = await page.evaluate((only) =>
	    axe.run({ resultTypes: ["violations", "incomplete"],
		...only, rules: { "target-size": { enabled: true } } }),
	    drawn ? { runOnly: ["color-contrast", "target-size",
		"scrollable-region-focusable"] } : {});
	const said = [...violations, ...incomplete].map((v) =>
	    `${v.id}: ${v.nodes.map((n) => n.html).join(" ")}`);
	const measured = await page.evaluate(() => {
		const found = [];
		const wide = document.documentElement.scrollWidth;

		if (wide > innerWidth)
			found.push(`${wide} px wide`);
		for (const e of document.querySelectorAll(
		    "a, button, input:not([type=hidden])")) {
			const r = e.getBoundingClientRect();

			if (r.height < 44 || r.width < 44)
				found.push(`${e.textContent}: ${r.width} x ` +
				    `${r.height} px`);
		}
		return found;
	});

	return [...said, ...measured];
}

// The title of that page in a file of texts, as the visitor reads it.
function titleOf(text, name) {
	const [key] = name.split("-");

	return new RegExp(`^${key}\\.title *= *(.*)$`, "m").exec(text)[1]
	    .replace("{provider}", name.includes("fields") ? "Shopify" :
	    "Interact");
}

// The same headers for every page: no policy is loosened for any of them.
function checkHead(headers, name) {
	assert.match(headers["content-security-policy"], new RegExp(
	    "^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; " +
	    "frame-ancestors 'none'; base-uri 'none'$"), name);
	assert.equal(headers["cache-control"], "no-store");
}

// The page that was asked for; a title that tells more than the heading.
async function checkNames(page, expected) {
	const title = await page.title();
	const heading = await page.locator("h1").innerText();

	assert.equal(heading, expected);
	assert.ok(title.startsWith(`${heading} – `), title);
}

// axe and the ruler, in every look; the style is in effect.
async function checkLooks(page, name) {
	let drawn = false;

	for (const [size, viewport] of [["phone", PHONE],
	    ["desktop", DESKTOP]])
		for (const colorScheme of ["light", "dark"]) {
			await page.setViewportSize(viewport);
			await page.emulateMedia({ colorScheme });
			assert.deepEqual(await faults(page, drawn), [],
			    `${size}, ${colorScheme}`);
			await picture(page, `p-${name}-${size}-${colorScheme}`);
			drawn = true;
		}
	assert.equal(await page.evaluate(() =>
	    getComputedStyle(document.body).marginTop), "0px");
	await page.setViewportSize(PHONE);
}

const focused = (page) => page.evaluate(() =>
    document.activeElement.innerText);

describe("pages", () => {
	let site, guarded, browser, page, cookies, back, link, posted;
	const complaints = [];		// of the browser's console

	// A browser of that language, with the cookie of the flows.
	async function open(locale, options = {}) {
		await page?.context().close();
		const context = await browser.newContext({ locale,
		    viewport: PHONE, colorScheme: "light", ...options });

		if (cookies !== undefined)
			await context.addCookies(cookies);
		page = await context.newPage();
		page.on("console", (m) => {
			// An error page is an error to the console.
			if (!/status of (4|5)\d\d/.test(m.text()))
				complaints.push(m.text());
		});
		// The page that goes on by itself stays to be looked at.
		await page.route(NEXT, (route) =>
		    route.fulfill({ status: 204 }));
		await page.route("**/a-page", (route) =>
		    route.fulfill({ contentType: "text/html",
			body: page.other }));
	}

	// The answer to a navigation that something on a page begins, which
	// is another site's or (here) our own's.
	async function from(origin, body, url) {
		page.other = `<!DOCTYPE html><title>x</title>
		    <link rel="icon" href="data:,">${body}`;
		await page.goto(`${origin}/a-page`);
		const answer = page.waitForResponse((r) =>
		    r.url().startsWith(url));

		await page.locator("a, button").click();
		await page.waitForURL((u) => u.href.startsWith(url));
		return answer;
	}

	const post = (origin, url, fields) => from(origin, `<form method="post"
	    action="${url}">${fields.map(([n, v]) =>
	    `<input type="hidden" name="${n}" value="${v}">`).join("")}
	    <button>x</button></form>`, url);

	// A page that answers what no click of a visitor's can ask.
	async function as(url, { method, headers }) {
		await page.route(url, async (route) => route.fulfill({
		    response: await route.fetch({ method, headers: {
			...route.request().headers(), ...headers } }) }));
		try {
			return await page.goto(url);
		} finally {
			await page.unroute(url);
		}
	}

	async function withoutCookie(ask) {
		await page.context().clearCookies();
		try {
			return await ask();
		} finally {
			await page.context().addCookies(cookies);
		}
	}

	async function withoutDatabase(ask) {
		const db = join(site.dir, "var", "oauth.db");

		renameSync(db, `${db}.away`);
		try {
			return await ask();
		} finally {
			renameSync(`${db}.away`, db);
		}
	}

	// How the one flow that is over ended, and its page again.
	function ended(outcome) {
		execFileSync("sqlite3", [join(site.dir, "var", "oauth.db"),
		    ".timeout 5000", `UPDATE pending SET outcome = ` +
		    `'${outcome}' WHERE stage = 2`]);
		return page.goto(back);
	}

	// The page between a provider's POST and our GET, which goes on.
	const forward = () => withoutCookie(() => post(OTHER,
	    `${site.url}/callback/posted`,
	    [["code", "x"], ["state", posted]]));

	const start = (query) => page.goto(`${site.url}/start?${query}`);
	const PAGES = {
		"confirm": () => from(OTHER, `<a href="${site.url}/start?` +
		    'provider=interact">x</a>', `${site.url}/start`),
		"confirm-link": () => page.goto(link),
		"confirm-fields": () => from(OTHER, `<a href="${site.url}/start?` +
		    'provider=shopify&amp;shop=a.myshopify.com">x</a>',
		    `${site.url}/start`),
		"fields": () => start("provider=shopify"),
		"fields-empty": () => start("provider=shopify&shop="),
		"fields-wrong": () => start("provider=shopify&shop=a%20b"),
		"forward": forward,
		"connected": () => ended("connected"),
		"denied": () => ended("denied"),
		"rejected": () => ended("provider_rejected"),
		"misconfigured": () => ended("provider_misconfigured"),
		"invalid_response": () => ended("invalid_response"),
		"unreachable": () => ended("temporarily_unavailable"),
		"interrupted": () => ended("interrupted"),
		"failed": () => ended("server_error"),
		"bad_request": () => page.goto(`${site.url}/callback/interact`),
		"return_to": () => start("provider=interact&return_to=x"),
		"no_provider": () => start("provider=nobody"),
		"no_app": () => start("app=nobody"),
		"link": () => start(`link=${"A".repeat(43)}`),
		"state": () => page.goto(`${site.url}/callback/interact?` +
		    `code=x&state=${"A".repeat(43)}`),
		"cookie": () => withoutCookie(() => page.goto(back)),
		"login": () => page.goto(`${guarded.url}/start`),
		"form": () => post(site.origin, `${site.url}/start`,
		    [["provider", "interact"], ["confirm", "x"]]),
		"window": () => as(`${site.url}/start`,
		    { headers: { "sec-fetch-dest": "iframe" } }),
		"not_found": () => page.goto(`${site.url}/start/x`),
		"method": () => as(`${site.url}/start`, { method: "PUT" }),
		"too_large": () => post(OTHER, `${site.url}/start`,
		    [["x", "x".repeat(70000)]]),
		"server": () => start("provider=endless"),
		"unavailable": () => withoutDatabase(() => page.goto(back)),
	};

	before(async () => {
		const pages = { "ar.txt": LANGUAGES[2][3] };

		site = await Site.start({ pages, site: { name: "Leaf & Kettle" },
		    providers: {
			posted: { response_mode: "form_post" },
			shopify: SHOPIFY,
			endless: { authorize_params:
			    `x=${"x".repeat(8000)}` },
		    } });
		guarded = await Site.start({ pages,
		    site: { identity: "remote_user", name: LONG.repeat(2) },
		    providers: { interact: { label: `${LONG} & שלום` } } });
		browser = await launch();
		link = site.admin("connect", "interact",
		    `${LONG}/مرحبا/${LONG}`).trim();

		// One flow that is over, one that is on its way.
		await open("en");
		const states = [];

		for (const name of ["interact", "posted"]) {
			const a = await page.request.get(
			    `${site.url}/start?provider=${name}`,
			    { maxRedirects: 0 });

			states.push(new URL(a.headers().location)
			    .searchParams.get("state"));
		}
		cookies = await page.context().cookies();
		back = `${site.url}/callback/interact?error=access_denied` +
		    `&state=${states[0]}`;
		posted = states[1];
		await page.goto(back);
	});
	after(async () => {
		await browser?.close();
		await guarded?.stop();
		await site?.stop();
	});

	for (const [locale, lang, dir, text] of LANGUAGES) {
		it(`${lang}: opens`, () => open(locale));
		for (const [name, ask] of Object.entries(PAGES))
			it(`${lang}: ${name}`, async () => {
				const answer = await ask();

				checkHead(await answer.allHeaders(), lang);
				assert.equal(await page.getAttribute("html",
				    "lang"), lang);
				assert.equal(await page.getAttribute("html",
				    "dir"), dir);
				await checkNames(page, titleOf(text, name));
				await checkLooks(page, `${name}-${lang}`);
			});
	}

	it("the browser had nothing to complain about", () => {
		assert.deepEqual(complaints, []);
	});

	it("a keyboard is enough", async () => {
		await open("en");
		await PAGES.confirm();
		await page.keyboard.press("Tab");
		assert.equal(await focused(page), "Continue to Interact");
		await page.keyboard.press("Tab");
		assert.equal(await focused(page), "Cancel");
		await page.keyboard.press("Shift+Tab");
		await page.keyboard.press("Enter");
		await page.waitForURL(`${site.provider.url}/**`);
	});

	it("an input says what is wrong with it", async () => {
		await open("de");
		await PAGES["fields-wrong"]();
		const input = page.getByLabel("Adresse Ihres Shops");

		assert.equal(await input.getAttribute("aria-invalid"), "true");
		assert.equal(await input.inputValue(), "a b");
		assert.equal(await page.evaluate(() => document.activeElement
		    .getAttribute("aria-describedby").split(" ")
		    .map((id) => document.getElementById(id).innerText)
		    .join(" ")), "Das scheint nicht zu stimmen. Bitte prüfen " +
		    "Sie es. Zum Beispiel: my-shop.myshopify.com");
		// The focus is in it: right it is at once, by the keyboard.
		// Fetch Metadata is Chromium's own; we must say it again.
		const answered = new Promise((done) => page.route(
		    `${site.url}/start`, async (route) => {
			done(await route.fetch({ maxRedirects: 0, headers:
			    { ...route.request().headers(),
			    "sec-fetch-site": "same-origin" } }));
			await route.fulfill({ status: 204 });
		}));

		await page.keyboard.press("Control+A");
		await page.keyboard.type("my-shop.myshopify.com");
		await page.keyboard.press("Enter");
		assert.match((await answered).headers().location,
		    /^https:\/\/my-shop\.myshopify\.com\/admin\/oauth\//);
	});

	it("the focus can be seen", async () => {
		await open("en");
		await PAGES.denied();
		await page.keyboard.press("Tab");
		assert.equal(await focused(page), "Try again");
		assert.ok(await page.evaluate(() => parseFloat(getComputedStyle(
		    document.activeElement).outlineWidth) >= 3));
	});

	it("a screen reader finds its way", async () => {
		await PAGES["confirm-link"]();
		await page.getByRole("main").waitFor();
		assert.equal(await page.getByRole("banner").innerText(),
		    "Leaf & Kettle");
		assert.equal(await page.getByRole("heading", { level: 1 })
		    .innerText(), "Connect Interact?");
		assert.equal(await page.title(),
		    "Connect Interact? – Leaf & Kettle");
		assert.equal(await page.getByRole("img").count(), 0);
		assert.equal(await page.locator("dd").last().innerText(),
		    `${LONG}/مرحبا/${LONG}`);
	});

	it("the page between goes on by itself", async () => {
		const request = page.waitForRequest(NEXT);

		await forward();
		assert.equal(new URL((await request).url()).search,
		    `?code=x&state=${posted}`);
	});

	it("long names break, at 200 % zoom too", async () => {
		await open("en", { viewport: { width: 640, height: 480 },
		    deviceScaleFactor: 2 });
		for (const width of [640, 320]) {
			await page.setViewportSize({ width, height: 480 });
			await page.goto(`${guarded.url}/start`);
			assert.deepEqual(await faults(page), []);
		}
		await picture(page, "p-long");
	});

	it("in forced colours, without motion and in print", async () => {
		await open("en", { forcedColors: "active",
		    reducedMotion: "reduce" });
		await PAGES.denied();
		assert.notEqual(await page.evaluate(() => getComputedStyle(
		    document.querySelector("a.main")).borderTopColor),
		    "rgba(0, 0, 0, 0)");
		await picture(page, "p-forced-colours");
		await page.emulateMedia({ forcedColors: "none",
		    media: "print" });
		assert.equal(await page.evaluate(() => getComputedStyle(
		    document.querySelector("a.main"), "::after").content),
		    `" (${await page.getAttribute("a.main", "href")})"`);
		await picture(page, "p-print");
		assert.equal(await page.evaluate(() =>
		    document.getAnimations().length), 0);
	});

	it("a site's words and style are shown", async () => {
		site.addPage("en.txt",
		    "denied.title = Maybe later\nback = {nonsense}\n");
		site.addPage("style.css",
		    "\r\n:root { --accent: rgb(1, 80, 2) }\r\n");
		await site.restart();
		await open("en");
		const answer = await PAGES.denied();

		checkHead(await answer.allHeaders(), "en");
		assert.equal(await page.locator("h1").innerText(),
		    "Maybe later");
		// What is wrong is told, and ours is shown.
		assert.match(site.logs(), /pages\/en\.txt:2: braces are/);
		assert.match(await page.locator("main").innerText(),
		    /Back to Leaf & Kettle/);
		assert.equal(await page.evaluate(() => getComputedStyle(
		    document.querySelector("a.main")).backgroundColor),
		    "rgb(1, 80, 2)");
		assert.deepEqual(complaints, []);
	});
});
