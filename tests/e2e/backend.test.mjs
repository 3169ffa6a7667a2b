// SPDX-License-Identifier: ISC
//
// doc/backend: the files that its pages tell people to copy, taken out of the
// pages and run as a site behind lighttpd. The same site in five languages
// meets the same things: they are driven alike, by what their pages offer.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, openSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Browser, request, unescapeHtml } from "./lib/browser.mjs";
import { source } from "./lib/document.mjs";
import { after, before, beforeEach, describe, it, sleep } from
    "./lib/harness.mjs";
import { end } from "./lib/provider.mjs";
import { freePort, Site } from "./lib/site.mjs";

const read = (name) => source(`doc/backend/${name}`);

// The first block of code under a heading.
function block(page, heading) {
	const [, section] = page.split(`\n## ${heading}\n`);
	const found = /```\w*\n([\s\S]*?\n)```/.exec(section ?? "");

	assert.ok(found, `a block under ${heading}`);
	return found[1];
}

const [PROXY, CGI] = [...read("README.md").matchAll(
    /```lighttpd\n([\s\S]*?)```/g)].map((m) => m[1]);
const LANGUAGES = [
	{ page: "php.md", files: ["oauth_cgi.php", "shop.php"] },
	{ page: "python.md", files: ["oauth_cgi.py", "shop.py"] },
	{ page: "node.md", files: ["oauth_cgi.mjs", "shop.mjs"] },
	{ page: "perl.md", files: ["OAuthCgi.pm", "shop.pl"], cgi: true },
	{ page: "shell.md", files: ["oauth_cgi.sh", "shop.sh"], cgi: true },
];

// The site of a page, behind the lighttpd that runs the programs.
class Shop {
	static async start({ page, files, cgi }) {
		const s = new Shop();
		const text = read(page);
		const port = await freePort();

		s.here = (what) => what
		    .replaceAll("https://shop.example", s.site.origin)
		    .replaceAll("https://api.example/me",
			`${s.site.provider.url}/api/me`)
		    .replace(/\/(etc|srv)\/shop/g, s.dir)
		    .replace("shop.pl", files[1])
		    .replace("8000", port);
		s.site = await Site.start({ settings: { auto: 1 }, more(site) {
			s.site = site;
			s.dir = join(site.dir, "shop");
			mkdirSync(join(s.dir, "sessions"), { recursive: true });
			for (const name of files)
				writeFileSync(join(s.dir, name),
				    block(text, `\`${name}\``));
			s.key(site.key);
			return s.here(cgi ? CGI : PROXY);
		} });
		if (!cgi)
			await s.#serve(block(text, "Try it"));
		await s.#answers();
		return s;
	}

	async #serve(command) {
		const log = openSync(join(this.site.dir, "log", "shop"), "a");

		this.child = spawn("/bin/sh",
		    ["-c", `exec env ${this.here(command)}`],
		    { cwd: this.dir, env: { PATH: process.env.PATH },
		    stdio: ["ignore", log, log] });
	}

	async #answers() {
		let a;

		for (let i = 0; i < 200; i++) {
			a = await request(`${this.site.origin}/nothing`);
			if (a.status === 404 && a.text.includes("note"))
				return;
			await sleep(50);
		}
		throw new Error(`${a.status} ${a.text}\n${this.site.logs()}`);
	}

	async stop() {
		if (this.child !== undefined)
			await end(this.child);
		await this.site.stop();
	}

	key(text) {
		writeFileSync(join(this.dir, "oauth-cgi.key"), `${text}\n`,
		    { mode: 0o600 });
	}

	// As if so many seconds had passed, for our programs; the provider
	// does not notice.
	age(seconds) {
		execFileSync("sqlite3", ["-cmd", ".timeout 5000",
		    join(this.site.dir, "var", "oauth.db"),
		    `UPDATE connection SET issued_at = issued_at - ${seconds},
		    expires_at = expires_at - ${seconds},
		    next_attempt_at = max(next_attempt_at - ${seconds}, 0)`]);
	}

	async refreshes() {
		return (await this.site.provider.stats()).token.refresh_token;
	}
}

// Somebody at the site, who does what its pages offer.
class Visitor extends Browser {
	constructor(shop) {
		super();
		this.shop = shop;
	}

	account() {
		return this.get(`${this.shop.site.origin}/account`);
	}

	// The form of the page that leads to that path, filled in.
	send(page, path, fields = {}) {
		const form = page.text.split(/(?=<form\b)/).find((part) =>
		    new RegExp(`^<form[^>]*action="[^"]*${path}"`).test(part));

		assert.ok(form, `a form to ${path}: ${page.text}`);
		return this.press({ ...page, text: form }, undefined, fields);
	}

	async login(name, page) {
		const a = await this.send(page ?? await this.account(),
		    "/login", { name });

		assert.equal(a.status, 303, a.text);
		return this.follow(a);
	}

	async call() {
		return this.send(await this.account(), "/call");
	}

	// To the provider and back: the address that the ticket comes to.
	async connect(page) {
		let a = await this.send(page ?? await this.account(),
		    "/oauth/start");

		for (let i = 0; i < 5; i++) {
			const at = new URL(a.location, a.url);

			if (at.pathname === "/account")
				return at.href;
			a = await this.follow(a);
		}
		throw new Error(`${a.status} at ${a.url}: ${a.text}`);
	}

	// A visitor who has logged in and connected.
	static async connected(shop, name) {
		const v = new Visitor(shop);

		await v.login(name);
		const landing = await v.connect();
		const a = await v.get(landing);

		assert.equal(a.status, 303, a.text);
		return Object.assign(v, { landing });
	}
}

const note = (a) => unescapeHtml(/<p class="note">([^<]*)/.exec(a.text)?.[1] ??
    `no note but ${a.text}`);
const says = (a, status, words) => {
	assert.match(note(a), words);
	assert.equal(a.status, status);
};
const offersToConnect = (a) =>
	assert.match(a.text, /action="[^"]*\/oauth\/start"/);
const ADA = /knows you as Ada Lovelace/;

for (const language of LANGUAGES)
	describe(`doc/backend/${language.page}`, () => {
		let shop, p;

		before(async () => {
			shop = await Shop.start(language);
			p = shop.site.provider;
		});
		after(() => shop?.stop());
		beforeEach(async () => {
			await p.reset();
			await p.set({ auto: 1 });
		});
		connecting(() => shop);
		using(() => shop);
		failing(() => shop);
	});

function connecting(shop) {
	it("log in, connect, call the API", async () => {
		const v = new Visitor(shop());
		const page = await v.login("ada");

		assert.match(page.text, /You are <b>ada<\/b>/);
		says(await v.call(), 404, /Nothing is connected/);
		const a = await v.get(await v.connect());

		assert.equal(a.status, 303, a.text);
		// The ticket does not stay in the address.
		assert.match(a.location, /\/account$/);
		says(await v.follow(a), 200, /This is your account/);
		says(await v.call(), 200, ADA);
		assert.match(shop().site.admin("list"), /interact +ada/);
	});

	it("the form's bind is a session's own, and no id of it", async () => {
		const [one, two] = await Promise.all([0, 1].map(async () => {
			const v = new Visitor(shop());
			const bind = () => v.account().then((a) =>
			    /name="bind" value="([^"]*)"/.exec(a.text)[1]);
			const first = await bind();

			assert.match(first, /^[0-9a-f]{64}$/);
			assert.equal(await bind(), first);
			for (const cookies of v.jar.values())
				for (const value of cookies.values())
					assert.ok(!first.includes(value));
			return first;
		}));

		assert.notEqual(one, two);
	});

	it("a reload of the address with the ticket does no harm", async () => {
		const v = await Visitor.connected(shop(), "reloads");

		for (let i = 0; i < 2; i++)
			assert.equal((await v.get(v.landing)).status, 303);
		says(await v.call(), 200, ADA);
	});

	it("nobody logged in: the ticket waits for the login", async () => {
		const v = new Visitor(shop());
		const waiting = await v.get(await v.connect());

		says(waiting, 200, /Log in/);
		assert.doesNotMatch(shop().site.admin("list"), /later/);
		const a = await v.login("later", waiting);

		assert.equal(a.status, 303, a.text);
		says(await v.call(), 200, ADA);
		assert.match(shop().site.admin("list"), /interact +later/);
	});

	it("another session's ticket is refused, and stays good for its own",
	    async () => {
		const owner = new Visitor(shop()), other = new Visitor(shop());

		await owner.login("owner");
		await other.login("other");
		const landing = await owner.connect();
		const a = await other.get(landing);

		says(a, 403, /another session/);
		offersToConnect(a);
		assert.doesNotMatch(shop().site.admin("list"), /other/);
		assert.equal((await owner.get(landing)).status, 303);
		says(await owner.call(), 200, ADA);
		says(await other.call(), 404, /Nothing is connected/);
	});

	it("another session's ticket, and nobody logged in: refused after " +
	    "the login", async () => {
		const owner = new Visitor(shop()), victim = new Visitor(shop());
		const waiting = await victim.get(await owner.connect());

		says(await victim.login("victim", waiting), 403,
		    /another session/);
	});

	it("a ticket that is over, and a visitor who declined", async () => {
		const v = new Visitor(shop());
		const { origin } = shop().site;

		await v.login("late");
		const a = await v.get(`${origin}/account?ticket=` +
		    `${"A".repeat(43)}&provider=interact&status=connected`);

		says(a, 410, /Begin again/);
		offersToConnect(a);
		await p().set({ authorize_error: "access_denied" });
		says(await v.get(await v.connect()), 200, /You declined/);
	});

	const p = () => shop().site.provider;
}

function using(shop) {
	const p = () => shop().site.provider;

	it("a valid token costs no call of the provider", async () => {
		const v = await Visitor.connected(shop(), "valid");

		for (let i = 0; i < 3; i++)
			says(await v.call(), 200, ADA);
		assert.equal(await shop().refreshes(), 0);
	});

	it("three calls with a token that is over: one refresh", async () => {
		const v = await Visitor.connected(shop(), "over");

		shop().age(3600);
		for (const a of await Promise.all([v.call(), v.call(),
		    v.call()]))
			says(a, 200, ADA);
		assert.equal(await shop().refreshes(), 1);
	});

	it("the API refuses a young token: rejected, once, and 503",
	    async () => {
		const v = await Visitor.connected(shop(), "young");

		await p().expire();
		const a = await v.call();

		says(a, 503, /Try again later/);
		assert.ok(Number(a.headers["retry-after"]) > 5 &&
		    Number(a.headers["retry-after"]) <= 60);
		assert.equal((await p().stats()).api.refused, 1);
		assert.equal(await shop().refreshes(), 0);
	});

	it("the API refuses an older one: rejected, a new token, done",
	    async () => {
		const v = await Visitor.connected(shop(), "old");

		await p().expire();
		shop().age(61);
		says(await v.call(), 200, ADA);
		const { api } = await p().stats();

		assert.deepEqual(api, { ok: 1, refused: 1 });
		assert.equal(await shop().refreshes(), 1);
	});

	it("an API that refuses the new token too is not asked again",
	    async () => {
		const v = await Visitor.connected(shop(), "stubborn");

		await p().expire();
		shop().age(61);
		await p().set({ fail: "1:override", override_body:
		    '{"access_token":"canary-at-of-nobody","expires_in":99}' });
		says(await v.call(), 502, /The API answered 401/);
		assert.equal((await p().stats()).api.refused, 2);
		assert.equal(await shop().refreshes(), 1);
	});

	it("revoked at the provider: 409, and connecting mends it",
	    async () => {
		const v = await Visitor.connected(shop(), "revoked");

		await p().revoke();
		shop().age(61);
		const a = await v.call();

		says(a, 409, /Connect again/);
		offersToConnect(a);
		says(await v.call(), 409, /Connect again/);
		assert.equal((await v.get(await v.connect(a))).status, 303);
		says(await v.call(), 200, ADA);
	});
}

function failing(shop) {
	const p = () => shop().site.provider;

	it("the provider is away for a second: waits, asks once more",
	    async () => {
		const v = await Visitor.connected(shop(), "patient");

		await p().set({ fail: "1:503_retry_after", retry_after: 1 });
		shop().age(3600);
		says(await v.call(), 200, ADA);
		assert.equal(await shop().refreshes(), 2);
	});

	it("the provider is away for longer: 503 with Retry-After, then " +
	    "all is as before", async () => {
		const v = await Visitor.connected(shop(), "away");

		await p().set({ fail: "*:503_retry_after", retry_after: 30 });
		shop().age(3600);
		const a = await v.call();

		says(a, 503, /Try again later/);
		assert.ok(Number(a.headers["retry-after"]) > 5, "Retry-After");
		says(await v.call(), 503, /Try again later/);
		assert.equal(await shop().refreshes(), 1);
		await p().set({ fail: "" });
		shop().age(60);
		says(await v.call(), 200, ADA);
	});

	it("a wrong key: the visitor is not told why, the log is", async () => {
		const v = await Visitor.connected(shop(), "locked");
		const page = await v.account();

		shop().key(`oacgi_${"x".repeat(43)}`);
		says(await v.send(page, "/call"), 500, /not set up right/);
		shop().key(shop().site.key);
		assert.match(shop().site.logs(),
		    /oauth-cgi: 401 invalid_key: the app key is not known/);
		says(await v.call(), 200, ADA);
	});

	it("oauth-cgi is away, and the web server says so: 503", async () => {
		const v = await Visitor.connected(shop(), "alone");
		const socket = join(shop().site.dir, "run", "refresh.sock-0");

		renameSync(socket, `${socket}.away`);
		says(await v.call(), 503, /Try again later/);
		assert.match(shop().site.logs(), /not from oauth-cgi/);
	});

	it("no token and no key is in a log, and no warning of the language's",
	    () => {
		const logs = shop().site.logs();

		assert.doesNotMatch(logs, /canary-|oacgi_|demo-secret/);
		assert.doesNotMatch(logs.replace(/.*oauth-cgi: \d+ .*/g, ""),
		    new RegExp("warning|notice|" +
		    "deprecated|uninitialized|traceback|not found|unbound",
		    "i"));
	});
}
