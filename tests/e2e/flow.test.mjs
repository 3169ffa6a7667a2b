// SPDX-License-Identifier: ISC
//
// From the form of a site to a token in its backend, with a real web server,
// the real programs and the scripted provider; and everything that must not
// work on the way.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Browser, formOf, request, unescapeHtml } from "./lib/browser.mjs";
import { after, before, beforeEach, describe, it } from
    "./lib/harness.mjs";
import { bindOf, Site } from "./lib/site.mjs";

const SECRET = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;
let site, p;

const open = (options) => async () => {
	site = await Site.start({ settings: { auto: 1 }, ...options });
	p = site.provider;
};
const close = () => site?.stop();
const fresh = async () => {
	await p.reset();
	await p.set({ auto: 1 });
};

const start = (b, params = {}, headers = {}) => b.get(site.startUrl(
    { provider: "interact", ...params }), headers);
// The URL of the callback, not yet opened.
async function toCallback(b, params = {}) {
	const a = await start(b, params);

	assert.equal(a.status, 303, a.text);
	const back = await b.follow(a);

	assert.equal(back.status, 302, back.text);
	return back.location;
}
const query = (answer) => new URL(answer.location).searchParams;
const ticketOf = (answer) => {
	assert.equal(answer.status, 303, answer.text);
	assert.equal(query(answer).get("status"), "connected");
	const ticket = query(answer).get("ticket");

	assert.match(ticket, SECRET);
	return ticket;
};
const exchanges = async () =>
	(await p.stats()).token.authorization_code;

// What every answer carries, and no more than once.
function checkHeaders(a) {
	const names = a.rawHeaders.filter((x, i) => i % 2 === 0)
	    .map((n) => n.toLowerCase());

	assert.equal(a.headers["cache-control"], "no-store");
	assert.equal(a.headers["referrer-policy"], "no-referrer");
	assert.equal(a.headers["x-content-type-options"], "nosniff");
	assert.deepEqual(names.filter((n) => n === "status"), []);
	for (const name of ["cache-control", "referrer-policy", "location",
	    "content-type", "content-security-policy"])
		assert.ok(names.filter((n) => n === name).length <= 1, name);
}

function checkPage(a, status) {
	assert.equal(a.status, status, a.text);
	checkHeaders(a);
	assert.match(a.headers["content-type"], /^text\/html/);
	assert.match(a.headers["content-security-policy"],
	    /default-src 'none'.*frame-ancestors 'none'.*base-uri 'none'/);
	assert.doesNotMatch(a.text, /<script|\son\w+=/i);
	// The style that the policy names by its hash is the one of the page.
	const style = /<style>([\s\S]*?)<\/style>/.exec(a.text);

	if (style !== null)
		assert.ok(a.headers["content-security-policy"].includes(
		    createHash("sha256").update(style[1]).digest("base64")),
		    "the hash of the style");
}

function checkProblem(a, status, error) {
	assert.equal(a.status, status, a.text);
	checkHeaders(a);
	assert.match(a.headers["content-type"], /^application\/json/);
	const j = a.json();

	assert.equal(j.error, error, a.text);
	assert.equal(typeof j.error_description, "string");
	return j;
}

function wholeFlow() {
	it("start, consent, callback, ticket, redeem, token", async () => {
		const b = new Browser();
		const bind = bindOf("s1");

		await p.set({ auto: 0 });
		const a = await start(b, { return_to: "/account?tab=1", bind });

		assert.equal(a.status, 303);
		checkHeaders(a);
		const q = query(a);

		assert.ok(a.location.startsWith(`${p.url}/authorize?`));
		assert.equal(q.get("response_type"), "code");
		assert.equal(q.get("client_id"), "demo-client");
		assert.equal(q.get("redirect_uri"),
		    `${site.url}/callback/interact`);
		assert.equal(q.get("scope"), "read_user write_data");
		assert.match(q.get("state"), SECRET);
		assert.match(q.get("code_challenge"), SECRET);
		assert.equal(q.get("code_challenge_method"), "S256");
		assert.equal(q.get("nonce"), null);

		const page = await b.follow(a);

		assert.match(page.text, /wants access/);
		const back = await b.press(page, "allow");
		const done = await b.follow(back);

		checkHeaders(done);
		assert.ok(done.location.startsWith(
		    `${site.origin}/account?tab=1&`), done.location);
		assert.equal(query(done).get("provider"), "interact");
		const r = await site.redeem(ticketOf(done), "u1", bind);

		assert.equal(r.status, 200, r.text);
		checkHeaders(r);
		const t = r.json();

		assert.match(t.access_token, /^canary-at-/);
		assert.equal(t.token_type, "Bearer");
		assert.ok(t.expires_in > 3590 && t.expires_in <= 3600);
		assert.ok(Math.abs(t.expires_at - Date.now() / 1000 - 3600)
		    < 10);
		assert.equal(t.scope, "read_user write_data");
		assert.equal(t.provider, "interact");
		assert.equal(t.subject, "u1");
		assert.equal(t.status, "ok");
		assert.ok(!r.text.includes("canary-rt-"));
		assert.equal((await p.me(t.access_token)).status, 200);

		const again = await site.refresh({ connection: t.connection });

		assert.equal(again.json().access_token, t.access_token);
		const named = await site.refresh({ provider: "interact",
		    subject: "u1" });

		assert.equal(named.json().access_token, t.access_token);
		assert.equal(await exchanges(), 1);
		assert.equal((await p.stats()).token.refresh_token, 0);
	});

	it("the token request: JSON, the secret in the body, Accept",
	    async () => {
		await site.connect("u-json");
		const { last_token: last } = await p.stats();

		assert.equal(last.content_type, "application/json");
		assert.equal(last.auth, "post");
		assert.match(last.accept, /application\/json/);
		assert.equal(last.params.grant_type, "authorization_code");
	});

	it("POST to /start works as GET does", async () => {
		const b = new Browser();
		const a = await b.post(`${site.url}/start`, { provider:
		    "interact", return_to: "/x" }, { origin: site.origin,
		    "sec-fetch-site": "same-origin", "sec-fetch-mode":
		    "navigate", "sec-fetch-dest": "document" });

		assert.equal(a.status, 303, a.text);
		assert.ok(a.location.startsWith(p.url));
	});

	it("the user declines: back with status=denied, no token call",
	    async () => {
		const b = new Browser();

		await p.set({ auto: 0 });
		const page = await b.follow(await start(b,
		    { return_to: "/account" }));
		const done = await b.follow(await b.press(page, "decline"));

		assert.equal(done.status, 303);
		assert.equal(query(done).get("status"), "denied");
		assert.equal(query(done).get("ticket"), null);
		assert.equal(query(done).get("provider"), "interact");
		assert.equal(await exchanges(), 0);
	});

	it("a reload of the callback: the same redirect, one exchange",
	    async () => {
		const b = new Browser();
		const back = await toCallback(b, { return_to: "/a" });
		const first = await b.get(back);
		const second = await b.get(back);

		ticketOf(first);
		assert.equal(second.status, 303);
		assert.equal(second.location, first.location);
		const other = new URL(back);

		other.searchParams.set("code", "canary-code-other");
		assert.equal((await b.get(other.href)).location,
		    first.location);
		assert.equal(await exchanges(), 1);
	});

	it("two callbacks at once: one exchange, the same redirect for both",
	    async () => {
		const b = new Browser();
		const back = await toCallback(b, { return_to: "/a" });

		await p.set({ delay_ms: 700 });
		const all = await Promise.all([b.get(back), b.get(back),
		    b.get(back)]);

		for (const a of all)
			assert.equal(a.location, all[0].location, a.text);
		ticketOf(all[0]);
		assert.equal(await exchanges(), 1);
	});

	it("no cookie: a page of its own, and the state is untouched",
	    async () => {
		const b = new Browser();
		const back = await toCallback(b, { return_to: "/a" });

		checkPage(await new Browser().get(back), 400);
		ticketOf(await b.get(back));
	});

	it("wrong key, no key: 401", async () => {
		const form = { provider: "interact", subject: "u1" };
		const none = await request(`${site.url}/refresh`, { form });

		checkProblem(none, 401, "invalid_key");
		assert.match(none.headers["www-authenticate"], /^Bearer/);
		checkProblem(await site.refresh(form, { headers:
		    { authorization: `Bearer oacgi_${"A".repeat(43)}` } }),
		    401, "invalid_key");
		const own = await request(`${site.url}/refresh`, { form,
		    headers: { "x-oauth-cgi-key": site.key } });

		assert.ok([200, 404].includes(own.status), own.text);
	});
}

describe("flow, FastCGI with workers", () => {
	before(open({ workers: 4 }));
	after(close);
	beforeEach(fresh);
	wholeFlow();
});

describe("flow, plain CGI", () => {
	before(open({ mode: "cgi" }));
	after(close);
	beforeEach(fresh);
	wholeFlow();
});

describe("flow, FastCGI with one process each", () => {
	before(open({ workers: 0 }));
	after(close);
	beforeEach(fresh);

	it("from start to token, twice", async () => {
		for (const subject of ["a", "b"])
			assert.match((await site.connect(subject)).access_token,
			    /^canary-at-/);
	});
});

const ISSUER = "https://issuer.example";
const providers = {
	oidc: { scope: "openid email", auth: "basic", body: "form" },
	public: { scope: "", auth: "none" },
	strict: { scope: "a", issuer: ISSUER, require_iss: "yes" },
	loose: { scope: "a", issuer: ISSUER },
	posted: { scope: "a", response_mode: "form_post" },
	closed: { scope: "a", apps: "other" },
};

describe("start", () => {
	before(open({ providers, origins: ["https://www.shop.example"] }));
	after(close);
	beforeEach(fresh);

	it("sets one cookie, only for this host, not for scripts",
	    async () => {
		const a = await start(new Browser());

		assert.equal(a.cookies.length, 1);
		const [pair, ...attributes] = a.cookies[0].split("; ");

		assert.match(pair, /^oauth-cgi=/);
		assert.match(pair.split("=")[1], SECRET);
		assert.deepEqual(attributes.sort(), ["HttpOnly", "Max-Age=3600",
		    "Path=/", "SameSite=Lax"]);
	});

	it("keeps the cookie of the browser, and renews its time", async () => {
		const b = new Browser();

		await start(b);
		const first = b.cookie("oauth-cgi");
		const a = await start(b);

		assert.equal(b.cookie("oauth-cgi"), first);
		assert.match(a.cookies[0], /Max-Age=3600/);
	});

	it("replaces a malformed cookie", async () => {
		for (const value of ["x", "A".repeat(44), `${"A".repeat(42)}B`,
		    "%00"]) {
			const b = new Browser();

			b.setCookie("127.0.0.1", "oauth-cgi", value);
			await start(b);
			assert.match(b.cookie("oauth-cgi"), SECRET, value);
		}
	});

	it("two starts never share state or challenge", async () => {
		const b = new Browser();
		const one = query(await start(b)), two = query(await start(b));

		assert.notEqual(one.get("state"), two.get("state"));
		assert.notEqual(one.get("code_challenge"),
		    two.get("code_challenge"));
	});

	it("nonce is sent with openid", async () => {
		const q = query(await start(new Browser(),
		    { provider: "oidc" }));

		assert.match(q.get("nonce"), SECRET);
	});

	it("HEAD: 200 without Location and cookie", async () => {
		const a = await request(site.startUrl({ provider: "interact" }),
		    { method: "HEAD" });

		assert.equal(a.status, 200);
		assert.equal(a.location, undefined);
		assert.deepEqual(a.cookies, []);
	});

	it("other methods: 405 with Allow", async () => {
		for (const method of ["PUT", "DELETE", "OPTIONS"]) {
			const a = await request(site.startUrl({ provider:
			    "interact" }), { method });

			assert.equal(a.status, 405);
			assert.match(a.headers.allow, /GET.*POST/);
		}
	});

	it("a path behind /start is not found", async () => {
		for (const path of ["/start/", "/start/x", "/startx"])
			assert.equal((await request(`${site.url}${path}?` +
			    "provider=interact")).status, 404, path);
	});

	it("unknown names are ignored, double ones refused", async () => {
		assert.equal((await start(new Browser(), { utm: "x" })).status,
		    303);
		checkPage(await new Browser().get(`${site.url}/start?` +
		    "provider=interact&provider=interact"), 400);
		checkPage(await new Browser().post(
		    `${site.url}/start?provider=interact`,
		    { provider: "interact" }), 400);
	});

	it("an unknown provider or app, or one that this app may not use",
	    async () => {
		for (const params of [{ provider: "nobody" },
		    { provider: "../interact" }, { provider: "closed" },
		    { app: "nobody" }, { app: "%2e" }])
			checkPage(await start(new Browser(), params), 400);
		checkPage(await new Browser().get(`${site.url}/start`), 400);
	});

	it("errors as JSON for those who accept it", async () => {
		checkProblem(await start(new Browser(), { provider: "nobody" },
		    { accept: "application/json" }), 400, "unknown_provider");
	});

	it("return_to: what may not be", async () => {
		const bad = ["", "account", "//attacker.example", "/\\x",
		    "https://attacker.example/", "http:attacker.example",
		    "https://www.shop.example.attacker.example/",
		    "https://www.shop.example@attacker.example/",
		    "https://www.shop.example:444/", "javascript:alert(1)",
		    "/a\nb", "/a b", "/a\\b", "/%ff", "/a?ticket=x",
		    "/a?x=1&status=connected", "/a?%74icket=x",
		    "/a?connection=1", "/oauth/start?provider=interact",
		    `${"/a".repeat(1025)}`, "https://www.shop.example/oauth\t",
		    "ftp://www.shop.example/"];

		for (const return_to of bad) {
			// In the body: lighttpd itself refuses some in a query.
			const a = await new Browser().post(`${site.url}/start`,
			    { provider: "interact", return_to });

			assert.equal(a.status, 400, return_to);
			checkPage(a, 400);
		}
	});

	it("return_to: what may be", async () => {
		for (const return_to of ["/", "/a?x=1#y", "/ä",
		    "https://www.shop.example", "https://www.shop.example/a",
		    "https://www.shop.example?x=1", `${site.origin}/b`])
			assert.equal((await start(new Browser(), { return_to }))
			    .status, 303, return_to);
	});

	it("bind: 16 to 128 visible bytes", async () => {
		for (const bind of ["short", "x".repeat(129),
		    "with a space in it", "ünïcödeünïcöde"])
			checkPage(await start(new Browser(), { bind }), 400);
		for (const bind of ["x".repeat(16), "x".repeat(128)])
			assert.equal((await start(new Browser(), { bind }))
			    .status, 303);
	});

	it("another host: once to the own one, never twice", async () => {
		const b = new Browser();
		const a = await start(b, { return_to: "/a?b=c" },
		    { host: `localhost:${site.port}` });

		assert.equal(a.status, 303);
		assert.ok(a.location.startsWith(`${site.url}/start?`));
		assert.equal(query(a).get("h"), "1");
		assert.equal(query(a).get("return_to"), "/a?b=c");
		assert.equal(query(a).get("provider"), "interact");
		const second = await b.get(a.location,
		    { host: `localhost:${site.port}` });

		assert.ok(!String(second.location).startsWith(site.url));
		const good = await b.get(a.location);

		assert.ok(good.location.startsWith(p.url));
	});

	it("Host and X-Forwarded-* never reach an answer", async () => {
		const a = await start(new Browser(), {}, { host:
		    "attacker.example", "x-forwarded-host":
		    "attacker.example", "x-forwarded-proto": "https" });

		assert.doesNotMatch(JSON.stringify(a.rawHeaders) + a.text,
		    /attacker/);
	});

	it("what is no navigation is refused", async () => {
		for (const headers of [{ "sec-fetch-mode": "cors" },
		    { "sec-fetch-mode": "no-cors" },
		    { "sec-fetch-dest": "image", "sec-fetch-mode": "no-cors" },
		    { "sec-fetch-dest": "iframe", "sec-fetch-mode":
		    "navigate" }, { "sec-purpose": "prefetch" }]) {
			const a = await start(new Browser(), {}, headers);

			assert.equal(a.status, 403, JSON.stringify(headers));
			assert.equal(a.location, undefined);
		}
	});

	it("too much: 414 for the query, 413 for the body, 400 for a cookie",
	    async () => {
		const a = await request(`${site.url}/start?x=` +
		    "y".repeat(17000));

		assert.ok([414, 431, 400].includes(a.status), `${a.status}`);
		const body = await new Browser().post(`${site.url}/start`,
		    { provider: "interact", x: "y".repeat(70000) });

		assert.equal(body.status, 413, body.text);
	});

	it("17 tabs: the oldest is gone, the others are not", async () => {
		const b = new Browser();
		const backs = [];

		for (let i = 0; i < 17; i++)
			backs.push(await toCallback(b, { return_to: "/a" }));
		assert.equal((await b.get(backs[0])).status, 400);
		ticketOf(await b.get(backs[1]));
		ticketOf(await b.get(backs[16]));
	});

	const elsewhere = [
		{ "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate",
		    "sec-fetch-dest": "document" },
		{ referer: "https://attacker.example/x" },
	];

	for (const headers of elsewhere)
		it("from another site: a page with a button first: " +
		    Object.keys(headers)[0], async () => {
			const b = new Browser();
			const bind = bindOf("s");
			const page = await start(b, { return_to: "/a?b=1&c=<x",
			    bind }, headers);

			checkPage(page, 200);
			assert.doesNotMatch(page.headers[
			    "content-security-policy"], /form-action/);
			assert.equal((await p.stats()).authorize, 0);
			const form = formOf(page);

			assert.equal(form.method, "POST");
			const go = await b.press(page, undefined, {},
			    { origin: "null", "sec-fetch-site": "same-origin",
			    "sec-fetch-mode": "navigate", "sec-fetch-dest":
			    "document" });

			assert.equal(go.status, 303, go.text);
			assert.ok(go.location.startsWith(p.url));
			const done = await b.follow(await b.follow(go));
			const r = await site.redeem(ticketOf(done), "u", bind);

			assert.equal(r.status, 200, r.text);
		});

	it("a POST from another site, also with Origin null", async () => {
		for (const origin of ["https://attacker.example", "null"]) {
			const b = new Browser();

			await start(b);
			checkPage(await b.post(`${site.url}/start`,
			    { provider: "interact" }, { origin }), 200);
		}
	});

	it("a POST from the app's other site, without the cookie: the page",
	    async () => {
		const headers = { origin: "https://www.shop.example",
		    "sec-fetch-site": "cross-site", "sec-fetch-mode":
		    "navigate", "sec-fetch-dest": "document" };

		checkPage(await new Browser().post(`${site.url}/start`,
		    { provider: "interact" }, headers), 200);
		delete headers["sec-fetch-site"];
		checkPage(await new Browser().post(`${site.url}/start`,
		    { provider: "interact" }, headers), 200);
	});

	it("the page's form can't be changed, nor used by another browser",
	    async () => {
		const b = new Browser();
		const page = await start(b, { return_to: "/a" }, elsewhere[0]);
		const changed = await b.press(page, undefined,
		    { return_to: "/b" });

		assert.equal(changed.status, 403, changed.text);
		const form = formOf(page);
		const foreign = new Browser();

		await start(foreign);
		assert.equal((await foreign.post(form.action, form.fields))
		    .status, 403);
		const without = await new Browser().post(form.action,
		    form.fields);

		assert.ok(without.status >= 400, "without cookie");
		assert.equal((await p.stats()).authorize, 0);
	});

	it("from the own pages, from a bookmark, from the same site: at once",
	    async () => {
		for (const value of ["same-origin", "same-site", "none"]) {
			const a = await start(new Browser(), {}, {
			    "sec-fetch-site": value, "sec-fetch-mode":
			    "navigate", "sec-fetch-dest": "document" });

			assert.equal(a.status, 303, value);
		}
	});
});

describe("callback", () => {
	before(open({ providers }));
	after(close);
	beforeEach(fresh);

	it("two tabs of one browser both arrive", async () => {
		const b = new Browser();
		const one = await toCallback(b, { return_to: "/one" });
		const two = await toCallback(b, { return_to: "/two" });

		assert.equal(new URL((await b.get(two)).location).pathname,
		    "/two");
		assert.equal(new URL((await b.get(one)).location).pathname,
		    "/one");
	});

	it("another browser's cookie: refused, and nobody's state is burned",
	    async () => {
		const attacker = new Browser(), victim = new Browser();
		const back = await toCallback(attacker, { return_to: "/a" });

		await start(victim);
		const a = await victim.get(back);

		checkPage(a, 400);
		assert.equal(await exchanges(), 0);
		ticketOf(await attacker.get(back));
	});

	it("an unknown, a malformed and a non-canonical state are refused",
	    async () => {
		const b = new Browser();
		const back = new URL(await toCallback(b));
		const state = back.searchParams.get("state");
		const last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv" +
		    "wxyz0123456789-_";
		// The same 256 bits with other padding bits.
		const alias = state.slice(0, 42) +
		    last[last.indexOf(state[42]) + 1];

		for (const value of ["", "x", alias, "A".repeat(43),
		    `${state}=`, state.toLowerCase()]) {
			back.searchParams.set("state", value);
			checkPage(await b.get(back.href), 400);
		}
		assert.equal(await exchanges(), 0);
		back.searchParams.set("state", state);
		assert.equal((await b.get(back.href)).status, 200);
	});

	it("neither code nor error, both, or one of them twice", async () => {
		const b = new Browser();
		const back = new URL(await toCallback(b, { return_to: "/a" }));
		const state = back.searchParams.get("state");
		const code = back.searchParams.get("code");
		const at = `${site.url}/callback/interact?`;

		for (const q of [`state=${state}`, `code=${code}`,
		    `code=${code}&code=${code}&state=${state}`,
		    `code=${code}&state=${state}&state=${state}`,
		    `code=${code}&error=access_denied&state=${state}`])
			checkPage(await b.get(at + q), 400);
		assert.equal(await exchanges(), 0);
		ticketOf(await b.get(back.href));
	});

	it("a state of one provider at another's callback is refused",
	    async () => {
		const b = new Browser();
		const back = await toCallback(b, { return_to: "/a" });

		checkPage(await b.get(back.replace("/callback/interact?",
		    "/callback/oidc?")), 400);
		assert.equal(await exchanges(), 0);
		ticketOf(await b.get(back));
	});

	it("no provider in the path, or an unknown one: 404", async () => {
		for (const path of ["/callback", "/callback/",
		    "/callback/nobody", "/callback/interact/x"]) {
			const a = await request(`${site.url}${path}?code=x&` +
			    `state=${"A".repeat(43)}`);

			assert.ok([404, 400].includes(a.status),
			    `${path}: ${a.status}`);
		}
	});

	it("HEAD and POST touch nothing", async () => {
		const b = new Browser();
		const back = await toCallback(b, { return_to: "/a" });
		const head = await b.fetch(back, { method: "HEAD" });

		assert.equal(head.location, undefined);
		assert.equal((await b.post(back.split("?")[0],
		    back.split("?")[1])).status, 405);
		assert.equal(await exchanges(), 0);
		ticketOf(await b.get(back));
	});

	it("without return_to a page says that it worked", async () => {
		const b = new Browser();
		const a = await b.get(await toCallback(b));

		checkPage(a, 200);
		assert.doesNotMatch(a.text, /canary|ticket/);
	});

	it("our parameters come before the fragment", async () => {
		const b = new Browser();
		const a = await b.get(await toCallback(b,
		    { return_to: "/a?x=1#part" }));

		assert.match(a.location, /\/a\?x=1&.*ticket=.*#part$/);
	});

	it("the exchange proves PKCE and the redirect URI", async () => {
		const b = new Browser();

		ticketOf(await b.get(await toCallback(b,
		    { provider: "oidc", return_to: "/a" })));
		const { last_token: last } = await p.stats();

		assert.equal(last.auth, "basic");
		assert.equal(last.content_type,
		    "application/x-www-form-urlencoded");
		assert.equal(last.params.redirect_uri,
		    `${site.url}/callback/oidc`);
		assert.ok(last.params.code_verifier);
		assert.equal(last.params.client_secret, undefined);
	});

	it("a public client sends no secret", async () => {
		await p.set({ auth: "none" });
		const b = new Browser();

		ticketOf(await b.get(await toCallback(b,
		    { provider: "public", return_to: "/a" })));
		assert.equal((await p.stats()).last_token.auth, "none");
	});

	for (const iss of ["wrong", "off"])
		it(`iss ${iss} where it is required: refused, no exchange`,
		    async () => {
			await p.set({ iss });
			const b = new Browser();
			const a = await b.get(await toCallback(b,
			    { provider: "strict", return_to: "/a" }));

			assert.equal(query(a).get("status"), "error");
			assert.equal(query(a).get("error"),
			    "invalid_response");
			assert.equal(await exchanges(), 0);
		});

	it("an issuer that is not required: wrong is refused, missing is not",
	    async () => {
		const b = new Browser();

		ticketOf(await b.get(await toCallback(b,
		    { provider: "loose", return_to: "/a" })));
		await p.set({ iss: "wrong" });
		const a = await b.get(await toCallback(b,
		    { provider: "loose", return_to: "/a" }));

		assert.equal(query(a).get("error"), "invalid_response");
		assert.equal(await exchanges(), 1);
	});

	it("without issuer in the configuration iss is ignored", async () => {
		await p.set({ iss: "wrong" });
		const b = new Browser();

		ticketOf(await b.get(await toCallback(b,
		    { return_to: "/a" })));
	});

	const posted = async (b) => {
		const a = await start(b, { provider: "posted",
		    return_to: "/a" });

		assert.equal(query(a).get("response_mode"), "form_post");
		return formOf(await b.follow(a));
	};

	it("form_post without the cookie: a page that comes back by GET",
	    async () => {
		const b = new Browser();
		const form = await posted(b);
		const a = await new Browser().post(form.action,
		    [...form.fields, ["session_state", "x"]],
		    { origin: p.url, "sec-fetch-site": "cross-site" });

		checkPage(a, 200);
		const url = unescapeHtml(/<meta[^>]*refresh[^>]*url=([^">]*)/i
		    .exec(a.text)[1].replace(/^'|'$/g, ""));

		assert.ok(url.startsWith(`${site.url}/callback/posted?`), url);
		assert.deepEqual([...new URL(url).searchParams.keys()].sort(),
		    ["code", "state"]);
		assert.equal(await exchanges(), 0);
		ticketOf(await b.get(url));
	});

	it("form_post with the cookie is done at once", async () => {
		const b = new Browser();
		const form = await posted(b);

		ticketOf(await b.post(form.action, form.fields));
	});

	it("form_post with parameters in query and body: 400", async () => {
		const b = new Browser();
		const form = await posted(b);

		checkPage(await b.post(`${form.action}?x=1`, form.fields),
		    400);
	});

	const outcomes = {
		"authorize_error=access_denied": ["denied", null],
		"authorize_error=invalid_scope":
		    ["error", "provider_misconfigured"],
		"authorize_error=unauthorized_client":
		    ["error", "provider_misconfigured"],
		"authorize_error=temporarily_unavailable":
		    ["error", "temporarily_unavailable"],
		"authorize_error=server_error":
		    ["error", "temporarily_unavailable"],
		"fail=1:invalid_grant": ["error", "provider_rejected"],
		"fail=1:invalid_client_401":
		    ["error", "provider_misconfigured"],
		"fail=1:invalid_client_400":
		    ["error", "provider_misconfigured"],
		"fail=1:unauthorized_client":
		    ["error", "provider_misconfigured"],
		"fail=1:200_error": ["error", "provider_rejected"],
		"fail=1:200_garbage": ["error", "invalid_response"],
		"fail=1:200_no_token": ["error", "invalid_response"],
		"fail=1:200_html": ["error", "invalid_response"],
		"fail=1:huge": ["error", "*"],
		"fail=1:redirect": ["error", "*"],
		"fail=1:500": ["error", "temporarily_unavailable"],
		"fail=1:503_retry_after": ["error", "temporarily_unavailable"],
		"fail=1:429_retry_after": ["error", "temporarily_unavailable"],
		"fail=1:cut_before": ["error", "temporarily_unavailable"],
		"fail=1:cut_middle": ["error", "*"],
		"fail=1:http09": ["error", "*"],
		"fail=1:html_403": ["error", "provider_rejected"],
		"fail=1:empty_400": ["error", "provider_rejected"],
	};

	for (const [how, [status, error]] of Object.entries(outcomes))
		it(`${how}: ${error ?? status}, and the code is sent once`,
		    async () => {
			const [name, value] = how.split("=");

			await p.set({ [name]: value });
			const b = new Browser();
			const back = await toCallback(b, { return_to: "/a" });
			const a = await b.get(back);

			assert.equal(a.status, 303, a.text);
			assert.equal(query(a).get("status"), status);
			if (error !== "*")
				assert.equal(query(a).get("error"), error);
			assert.equal(query(a).get("ticket"), null);
			assert.doesNotMatch(a.location, /Text|provider%20/);
			assert.equal(await exchanges(), name === "fail" ? 1 : 0);
			await p.set({ fail: "", authorize_error: "" });
			assert.equal((await b.get(back)).location, a.location);
		});

	it("a provider that is down: the code was not sent", async () => {
		const b = new Browser();
		const back = await toCallback(b, { return_to: "/a" });

		await p.set({ listen_off_ms: 4000 });
		const a = await b.get(back);

		// It may have been tried again until the provider was back.
		if (query(a).get("status") !== "connected")
			assert.equal(query(a).get("error"),
			    "temporarily_unavailable");
		await new Promise((r) => setTimeout(r, 4200));
	});
});

describe("redeem", () => {
	let key2;

	before(async () => {
		await open()();
		key2 = site.addApp("other", "https://other.example");
	});
	after(close);
	beforeEach(fresh);

	const ticket = async (params = {}, b = new Browser()) => ticketOf(
	    await b.get(await toCallback(b, { app: "shop", return_to: "/a",
	    ...params })));

	it("the same app, subject and proof again: the same answer",
	    async () => {
		const bind = bindOf("r1"), t = await ticket({ bind });
		const one = (await site.redeem(t, "r1", bind)).json();
		const two = (await site.redeem(t, "r1", bind)).json();

		assert.equal(two.connection, one.connection);
		assert.equal(two.access_token, one.access_token);
	});

	it("another subject afterwards: 410", async () => {
		const bind = bindOf("r2"), t = await ticket({ bind });

		assert.equal((await site.redeem(t, "r2", bind)).status, 200);
		checkProblem(await site.redeem(t, "r2b", bind), 410,
		    "ticket_spent");
	});

	it("12 at once for different subjects: one wins", async () => {
		const bind = bindOf("r3"), t = await ticket({ bind });
		const all = await Promise.all(Array.from({ length: 12 },
		    (x, i) => site.redeem(t, `r3-${i}`, bind)));

		assert.deepEqual(all.map((a) => a.status).sort(),
		    [200, ...Array(11).fill(410)]);
	});

	it("an attacker's ticket in the victim's session: 403, not spent",
	    async () => {
		const bind = bindOf("attacker"), t = await ticket({ bind });

		checkProblem(await site.redeem(t, "victim", bindOf("victim")),
		    403, "wrong_session");
		assert.equal((await site.redeem(t, "attacker", bind)).status,
		    200);
	});

	it("with bind at start only bind counts, not the cookie", async () => {
		const b = new Browser();
		const t = await ticket({ bind: bindOf("r5") }, b);
		const a = await site.refresh({ ticket: t, subject: "r5",
		    browser: b.cookie("oauth-cgi") });

		assert.equal(a.status, 403, a.text);
	});

	it("without bind the cookie is the proof", async () => {
		const b = new Browser(), t = await ticket({}, b);

		checkProblem(await site.refresh({ ticket: t, subject: "r6" }),
		    400, "invalid_request");
		checkProblem(await site.refresh({ ticket: t, subject: "r6",
		    bind: bindOf("r6") }), 403, "wrong_session");
		checkProblem(await site.refresh({ ticket: t, subject: "r6",
		    browser: "A".repeat(43) }), 403, "wrong_session");
		assert.equal((await site.refresh({ ticket: t, subject: "r6",
		    browser: b.cookie("oauth-cgi") })).status, 200);
	});

	it("unknown, malformed and foreign tickets look alike", async () => {
		const bind = bindOf("r7"), t = await ticket({ bind });
		const unknown = await site.redeem("A".repeat(43), "r7", bind);
		const foreign = await site.refresh({ ticket: t, subject: "r7",
		    bind }, { headers: { authorization: `Bearer ${key2}` } });

		checkProblem(unknown, 410, "ticket_spent");
		checkProblem(foreign, 410, "ticket_spent");
		const text = (a) => a.text.replace(/"error_id":"[^"]*"/, "");

		assert.equal(text(foreign), text(unknown));
		assert.equal((await site.redeem("x", "r7", bind)).status, 410);
		assert.equal((await site.redeem(t, "r7", bind)).status, 200);
	});

	it("a foreign app sees no connection", async () => {
		const bind = bindOf("r8");
		const { connection } = (await site.redeem(await ticket({ bind }),
		    "r8", bind)).json();
		const headers = { authorization: `Bearer ${key2}` };

		checkProblem(await site.refresh({ connection }, { headers }),
		    404, "unknown_connection");
		checkProblem(await site.refresh({ provider: "interact",
		    subject: "r8" }, { headers }), 404, "unknown_connection");
	});

	it("connecting again: the same id, replaced, the new tokens",
	    async () => {
		const bind = bindOf("r9");
		const one = (await site.redeem(await ticket({ bind }), "r9",
		    bind)).json();
		const two = (await site.redeem(await ticket({ bind }), "r9",
		    bind)).json();

		assert.equal(two.connection, one.connection);
		assert.equal(two.replaced, true);
		assert.notEqual(two.access_token, one.access_token);
		const now = (await site.refresh({ connection: one.connection }))
		    .json();

		assert.equal(now.access_token, two.access_token);
	});

	it("subjects are bytes: up to 255, compared exactly", async () => {
		const bind = bindOf("r10");
		const long = "é".repeat(127);
		const one = (await site.redeem(await ticket({ bind }), long,
		    bind)).json();

		assert.equal(one.subject, long);
		checkProblem(await site.refresh({ provider: "interact",
		    subject: long.slice(1) }), 404, "unknown_connection");
		checkProblem(await site.redeem(await ticket({ bind }),
		    "x".repeat(256), bind), 400, "invalid_request");
		checkProblem(await site.redeem(await ticket({ bind }), "",
		    bind), 400, "invalid_request");
	});

	it("requests that make no sense: 400", async () => {
		const bind = bindOf("r11"), t = await ticket({ bind });

		for (const form of [{}, { ticket: t }, { subject: "x" },
		    { provider: "interact" }, { ticket: t, subject: "x", bind,
		    more: "1" }, { provider: "interact", subject: "r8",
		    min_valid: "-1" }, { provider: "interact", subject: "r8",
		    min_valid: "86401" }, { provider: "interact",
		    subject: "r8", min_valid: "1e3" }])
			checkProblem(await site.refresh(form), 400,
			    "invalid_request");
		checkProblem(await site.refresh([["ticket", t], ["ticket", t],
		    ["subject", "x"], ["bind", bind]]), 400,
		    "invalid_request");
		const inQuery = await request(`${site.url}/refresh?` +
		    "provider=interact&subject=r8", { method: "POST", form: "",
		    headers: { authorization: `Bearer ${site.key}` } });

		checkProblem(inQuery, 400, "invalid_request");
		const get = await request(`${site.url}/refresh`, { headers:
		    { authorization: `Bearer ${site.key}` } });

		assert.equal(get.status, 405);
		assert.match(get.headers.allow, /POST/);
		const json = await site.refresh(undefined, { body: "{}",
		    headers: { authorization: `Bearer ${site.key}`,
		    "content-type": "application/json" } });

		assert.ok([400, 415].includes(json.status), json.text);
	});

	it("nothing of a secret is in the database, the logs, the answers",
	    async () => {
		const b = new Browser(), bind = bindOf("leak");
		const back = await toCallback(b, { app: "shop",
		    return_to: "/a", bind });
		const t = ticketOf(await b.get(back));
		const token = (await site.redeem(t, "leak", bind)).json();
		const q = new URL(back).searchParams;
		const secrets = { token: token.access_token, canary:
		    "canary-", code: q.get("code"), state: q.get("state"),
		    ticket: t, bind, cookie: b.cookie("oauth-cgi"), key:
		    site.key, key2, secret: "demo-secret" };
		const files = ["var", "log"].flatMap((d) => readdirSync(
		    join(site.dir, d)).map((f) => join(site.dir, d, f)));

		assert.ok(files.some((f) => f.endsWith("oauth.db")));
		for (const file of files) {
			const bytes = readFileSync(file, "latin1");

			for (const [name, value] of Object.entries(secrets))
				assert.ok(!bytes.includes(value),
				    `${name} is in ${file}`);
		}
	});
});
