// SPDX-License-Identifier: ISC
//
// The switches of a provider section, each against a provider that needs it:
// the whole way from the form to a refreshed token.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { Browser, formOf, request } from "./lib/browser.mjs";
import { after, before, beforeEach, describe, it } from "./lib/harness.mjs";
import { bindOf, Site } from "./lib/site.mjs";

const SECRET = "s+/% e:=&é";	// what an encoding could lose

// One provider per switch; all are the same server.
const PROVIDERS = {
	params: { authorize_params: "prompt=consent&access_type=offline",
	    token_params: "audience=api", refresh_params: "expiring=1" },
	nopkce: { pkce: "off" },
	post: {},
	basic: { auth: "basic", client_id: "id:1 %", client_secret: SECRET },
	raw: { auth: "basic-raw", client_secret: SECRET },
	public: { auth: "none" },
	json: { body: "json" },
	comma: { scope: "a b:c d", scope_separator: "comma" },
	plus: { scope: "a b", scope_separator: "plus" },
	names: { scope: "a b", param_names: "client_id=client_key&" +
	    "client_secret=app_secret&redirect_uri=redirect_url&" +
	    "scope=permissions&response_type=" },
	code: { code_param: "spapi_oauth_code" },
	codepost: { code_param: "spapi_oauth_code",
	    response_mode: "form_post" },
	nested: { token_path: "/authed_user" },
	errors: { error_path: "/status", dead_errors: "BAD_REFRESH_TOKEN",
	    client_errors: "bad_client_secret" },
};

let site;

const started = () => site.provider.stats().then((s) => s.last_authorize);
const lastCall = () => site.provider.calls().at(-1);

// A token that is old enough to be refreshed at once.
async function expired(provider, subject) {
	await site.provider.set({ ttl: 1 });
	const first = await site.connect(subject, provider);

	await site.provider.set({ ttl: 3600 });
	await new Promise((done) => setTimeout(done, 1100));
	return first;
}

async function refreshed(provider, subject = `u-${provider}`) {
	const first = await expired(provider, subject);
	const a = await site.refresh({ provider, subject });

	assert.equal(a.status, 200, a.text);
	assert.notEqual(a.json().access_token, first.access_token);
	assert.equal((await site.provider.me(a.json().access_token)).status,
	    200);
	return a.json();
}

describe("switches", () => {
	before(async () => {
		site = await Site.start({ settings: { auto: 1 },
		    providers: { interact: undefined, ...PROVIDERS } });
	});
	after(() => site.stop());
	beforeEach(async () => {
		await site.provider.reset();
		await site.provider.set({ auto: 1 });
	});

	it("extra parameters of all three requests", async () => {
		await refreshed("params");
		const asked = await started();
		const [code, refresh] = site.provider.calls().slice(-2);

		assert.equal(asked.prompt, "consent");
		assert.equal(asked.access_type, "offline");
		assert.equal(code.params.audience, "api");
		assert.equal(code.params.expiring, undefined);
		assert.equal(refresh.params.expiring, "1");
		assert.equal(refresh.params.audience, undefined);
	});

	it("pkce = off sends no challenge and no verifier", async () => {
		await site.provider.set({ pkce: "ignored" });
		await refreshed("nopkce");
		const asked = await started();

		assert.equal(asked.code_challenge, undefined);
		assert.equal(asked.code_challenge_method, undefined);
		assert.equal(site.provider.calls().at(-2).params.code_verifier,
		    undefined);
	});

	it("the client's secret goes into the body", async () => {
		await site.provider.set({ auth: "post" });
		await refreshed("post");
		assert.equal(lastCall().auth, "post");
	});

	it("or into Basic, form-encoded inside", async () => {
		await site.provider.set({ auth: "basic", client_id: "id:1 %",
		    client_secret: SECRET });
		await refreshed("basic");
		assert.equal(lastCall().params.client_id, undefined);
		assert.equal(lastCall().params.client_secret, undefined);
	});

	it("or into Basic as it is", async () => {
		await site.provider.set({ auth: "basic-raw",
		    client_secret: SECRET });
		await refreshed("raw");
		assert.equal(lastCall().auth, "basic");
	});

	it("each of the two Basics is refused where the other is wanted",
	    async () => {
		await site.provider.set({ auth: "basic",
		    client_secret: SECRET });
		let a = await site.walk(new Browser(), { provider: "raw",
		    return_to: "/account" });

		assert.match(a.location, /error=provider_misconfigured/);
		await site.provider.set({ auth: "basic-raw",
		    client_id: "id:1 %" });
		a = await site.walk(new Browser(), { provider: "basic",
		    return_to: "/account" });
		assert.match(a.location, /error=provider_misconfigured/);
	});

	it("or nowhere", async () => {
		await site.provider.set({ auth: "none" });
		await refreshed("public");
		assert.equal(lastCall().params.client_id, "demo-client");
	});

	it("a JSON body", async () => {
		await refreshed("json");
		for (const call of site.provider.calls().slice(-2))
			assert.equal(call.content_type, "application/json");
	});

	it("commas between scopes, there and back", async () => {
		const t = await site.connect("u-comma", "comma");

		assert.equal((await started()).scope, "a,b:c,d");
		assert.equal(t.scope, "a b:c d");
	});

	it("plus signs between scopes", async () => {
		await site.connect("u-plus", "plus");
		assert.equal((await started()).scope, "a+b");
	});

	it("parameters under other names, and response_type left out",
	    async () => {
		await site.provider.set({ names: "client_id=client_key&" +
		    "client_secret=app_secret&redirect_uri=redirect_url&" +
		    "scope=permissions", auth: "post" });
		await refreshed("names");
		const [code, refresh] = site.provider.calls().slice(-2);
		const asked = await started();

		assert.equal(asked.client_key, "demo-client");
		assert.equal(asked.permissions, "a b");
		assert.match(asked.redirect_url, /\/callback\/names$/);
		for (const name of ["client_id", "scope", "redirect_uri",
		    "response_type"])
			assert.equal(asked[name], undefined, name);
		for (const call of [code, refresh]) {
			assert.equal(call.params.client_key, "demo-client");
			assert.equal(call.params.client_id, undefined);
			assert.equal(call.params.client_secret, undefined);
			assert.ok(call.params.app_secret);
		}
		assert.match(code.params.redirect_url, /\/callback\/names$/);
	});

	it("the code under another name", async () => {
		await site.provider.set({ code_name: "spapi_oauth_code" });
		await refreshed("code");
	});

	it("a code under the usual name is none then", async () => {
		const a = await site.walk(new Browser(), { provider: "code",
		    return_to: "/account" });

		assert.equal(a.status, 400);
		assert.equal((await site.provider.stats()).token
		    .authorization_code, 0);
	});

	it("the code under another name, by POST and without our cookie",
	    async () => {
		await site.provider.set({ code_name: "spapi_oauth_code" });
		const b = new Browser();
		const start = await b.get(site.startUrl({
		    provider: "codepost", return_to: "/account",
		    bind: bindOf("x") }));
		const page = await b.follow(start);
		const jar = b.jar;

		b.jar = new Map();
		const forward = await b.press(page, "allow");
		const next = /url=([^"]+)"/.exec(forward.text)[1]
		    .replaceAll("&amp;", "&");

		assert.equal(forward.status, 200, forward.text);
		assert.match(next, /[?&]spapi_oauth_code=canary/);
		b.jar = jar;
		assert.match((await b.get(next)).location,
		    /status=connected/);
	});

	it("tokens nested in the answer, others beside them", async () => {
		await site.provider.set({ nest: "authed_user" });
		const t = await refreshed("nested");

		assert.doesNotMatch(t.access_token, /outer/);
	});

	it("errors under another name, and in the provider's own words",
	    async () => {
		await expired("errors", "u-errors");
		await site.provider.set({ fail: "*:override",
		    override_status: 400,
		    override_body: "{\"status\":\"bad_client_secret\"}" });
		let a = await site.refresh({ provider: "errors",
		    subject: "u-errors" });

		assert.equal(a.status, 502, a.text);
		site.admin("retry", "errors", "u-errors");
		await site.provider.set({
		    override_body: "{\"status\":\"BAD_REFRESH_TOKEN\"}" });
		a = await site.refresh({ provider: "errors",
		    subject: "u-errors" });
		assert.equal(a.status, 409, a.text);
	});
});

// --- fields ---

const TENANT = { label: "Your <tenant>", pattern: "[a-z0-9.-]+",
    example: "acme-corp" };
const providersWithFields = (url) => {
	const port = new URL(url).port;
	const at = (tenant) => ({
		authorize_url: `${url}/at/${tenant}/authorize`,
		token_url: `${url}/at/${tenant}/token`,
	});
	const origin = { from: "callback", param: "accounts-server",
	    pattern: `http://127\\.0\\.0\\.1:${port}`,
	    example: `http://127.0.0.1:${port}` };

	return {
		interact: undefined,
		tenant: { ...at("{tenant}"), label: "Tenants & Co",
		    "field tenant": TENANT },
		usual: { ...at("{tenant}"),
		    "field tenant": { ...TENANT, default: "common" } },
		host: { authorize_url: `http://{host}:${port}/authorize`,
		    token_url: `http://{host}:${port}/token`,
		    "field host": { pattern: "[a-z0-9.]+",
		    example: "localhost" } },
		inside: { allow_insecure: "no", authorize_url:
		    "https://{sub}.localhost:1/authorize",
		    token_url: `https://{sub}.localhost:${port}/token`,
		    "field sub": { pattern: "[a-z]+", example: "a" } },
		back: { token_url: "{server}/at/back/token",
		    "field server": origin,
		    "field location": { from: "callback", pattern: "[a-z]+",
		    example: "eu" } },
		backup: { token_url: "{server}/at/back/token",
		    "field server": { ...origin,
		    default: `http://127.0.0.1:${port}` } },
		backpost: { response_mode: "form_post",
		    token_url: "{server}/at/back/token",
		    "field server": origin },
		kept: { refresh_url: "{instance_url}/at/kept/token",
		    "field instance_url": { from: "token", pattern:
		    `http://127\\.0\\.0\\.1:${port}`,
		    example: `http://127.0.0.1:${port}` },
		    "field hub": { from: "token", param: "/hub/id" },
		    "field api_domain": { from: "token",
		    pattern: "https://[a-z.]+" } },
		sealed: { callback_hmac: "hmac" },
	};
};

const rows = (table) => Number(execFileSync("sqlite3",
    [join(site.dir, "var", "oauth.db"), `SELECT count(*) FROM ${table}`],
    { encoding: "utf8" }));

// A value that a field has on the page.
const shown = (page, name) => formOf(page).fields.find(([n]) => n === name)?.[1];

const INVALID = /<input [^>]* aria-invalid="true"/;

// What nobody may put into an address.
const HOSTILE = ["../", "..", ".", "a/b", "evil.example/", "a@evil.example",
    "a:1", "a#b", "a?b", "a&b=c", "a%00b", "a%2fb", "a\\b", "a b", "a\r\nb",
    "a\nX-Y: z", "\u00e4", "\u202eacme", "\ud83d\ude00", "127.0.0.1:80",
    "[::1]", "http://evil.example", "//evil.example", "<script>", "'\"><b>",
    "${HOME}", "{tenant}", "a".repeat(257), "a".repeat(5000), "A", "a,b"];

describe("fields", () => {
	before(async () => {
		site = await Site.start({ settings: { auto: 1 },
		    providers: providersWithFields });
	});
	after(() => site.stop());
	beforeEach(async () => {
		await site.provider.reset();
		await site.provider.set({ auto: 1 });
	});

	it("are asked for when they are missing, and taken from there on",
	    async () => {
		const b = new Browser();
		const bind = bindOf("42");
		const page = await b.get(site.startUrl({ provider: "tenant",
		    bind, return_to: "/account?a=b&c" }));

		assert.equal(page.status, 200);
		assert.equal(page.location, undefined);
		assert.match(page.text, /Your &lt;tenant&gt;/);
		assert.match(page.text, /For example: <bdi>acme-corp/);
		assert.match(page.text, /<title>Connect Tenants &amp; Co/);
		assert.doesNotMatch(page.text, INVALID);
		assert.equal(shown(page, "return_to"), "/account?a=b&c");
		assert.equal(shown(page, "bind"), bind);
		assert.equal(rows("pending"), 0);

		const go = await b.press(page, undefined, { tenant: "acme" });

		assert.match(go.location, /\/at\/acme\/authorize\?/);
		const back = await b.follow(await b.follow(go));
		const ticket = new URL(back.location).searchParams
		    .get("ticket");
		const first = await site.redeem(ticket, "42", bind);

		assert.equal(first.status, 200, first.text);
		assert.deepEqual(first.json().fields, { tenant: "acme" });
		assert.equal(lastCall().path, "/at/acme/token");
	});

	it("and are where the token is refreshed", async () => {
		await site.provider.set({ ttl: 1 });
		const b = new Browser();
		const a = await site.walk(b, { provider: "tenant",
		    tenant: "shop-1", bind: bindOf("43"),
		    return_to: "/account" });

		await site.redeem(new URL(a.location).searchParams
		    .get("ticket"), "43", bindOf("43"));
		await new Promise((done) => setTimeout(done, 1100));
		const t = await site.refresh({ provider: "tenant",
		    subject: "43" });

		assert.equal(t.status, 200, t.text);
		assert.deepEqual(t.json().fields, { tenant: "shop-1" });
		assert.equal(lastCall().params.grant_type, "refresh_token");
		assert.equal(lastCall().path, "/at/shop-1/token");
		assert.match(site.admin("show", "tenant", "43"),
		    /^tenant +shop-1$/m);
		assert.deepEqual(JSON.parse(site.admin("show", "tenant", "43",
		    "--json")).fields, { tenant: "shop-1" });
	});

	it("that are hostile are refused, shown, and touch nothing",
	    async () => {
		for (const method of ["get", "post"])
			for (const tenant of HOSTILE) {
				const b = new Browser();
				const a = method === "get" ?
				    await b.get(site.startUrl({
				    provider: "tenant", tenant })) :
				    await b.post(`${site.url}/start`,
				    { provider: "tenant", tenant });

				assert.equal(a.status, 400, tenant);
				assert.equal(a.location, undefined, tenant);
				assert.equal(b.cookie("oauth-cgi"), undefined);
				// lighttpd refuses it itself in an address.
				if (method === "get" && /\n/.test(tenant))
					continue;
				assert.match(a.text, INVALID, tenant);
				assert.match(a.text, /does not look right/);
				assert.equal(shown(a, "tenant")
				    .replaceAll("\r\n", "\n"), tenant
				    .replaceAll("\r\n", "\n"));
				assert.doesNotMatch(a.text, /<script|<b>/);
			}
		assert.equal(rows("pending WHERE provider = 'tenant' AND " +
		    "stage = 0"), 0);
		assert.equal((await site.provider.stats()).requests, 0);
	});

	it("that are no text at all are no request", async () => {
		for (const bad of ["%00", "%ff%fe", "%zz"]) {
			const a = await request(`${site.url}/start?provider=` +
			    `tenant&tenant=${bad}`);

			assert.equal(a.status, 400, bad);
			assert.equal(a.location, undefined);
		}
	});

	it("given twice are refused", async () => {
		const a = await new Browser().get(
		    `${site.startUrl({ provider: "tenant", tenant: "a" })}` +
		    "&tenant=b");

		assert.equal(a.status, 400);
		assert.doesNotMatch(a.text, /name="tenant"/);
	});

	it("lose the blanks that a keyboard puts around them", async () => {
		const a = await new Browser().get(site.startUrl({
		    provider: "tenant", tenant: "  acme " }));

		assert.match(a.location, /\/at\/acme\/authorize/);
	});

	it("wrong ones are an error for programs", async () => {
		const a = await request(site.startUrl({ provider: "tenant",
		    tenant: "a/b" }), { headers: {
		    accept: "application/json" } });

		assert.equal(a.status, 400);
		assert.equal(a.json().error, "invalid_request");
	});

	it("have a default, or what is said instead", async () => {
		const b = new Browser();
		let a = await b.get(site.startUrl({ provider: "usual" }));

		assert.match(a.location, /\/at\/common\/authorize/);
		a = await b.get(site.startUrl({ provider: "usual",
		    tenant: "acme" }));
		assert.match(a.location, /\/at\/acme\/authorize/);
		a = await b.get(site.startUrl({ provider: "usual",
		    tenant: "" }));
		assert.match(a.location, /\/at\/common\/authorize/);
	});

	it("come along to the right host", async () => {
		const a = await request(site.startUrl({ provider: "tenant",
		    tenant: "acme", other: "x" }), { headers: {
		    host: `localhost:${site.port}` } });

		assert.equal(a.status, 303);
		assert.equal(a.location, `${site.url}/start?provider=tenant` +
		    "&tenant=acme&h=1");
	});

	it("are shown and sealed by the page that asks first", async () => {
		const b = new Browser();
		const foreign = { "sec-fetch-site": "cross-site" };
		const page = await b.get(site.startUrl({ provider: "tenant",
		    tenant: "acme" }), foreign);

		assert.equal(page.status, 200);
		assert.match(page.text, /Your &lt;tenant&gt;/);
		assert.match(page.text, /<bdi>acme<\/bdi>/);
		assert.equal(rows("pending WHERE stage = 0 AND fields LIKE " +
		    "'%acme%'") >= 0, true);
		let a = await b.press(page, undefined, { tenant: "evil" },
		    foreign);

		assert.equal(a.status, 403);
		const left = formOf(page).fields.filter(([n]) =>
		    n !== "tenant");

		a = await b.post(`${site.url}/start`, left, foreign);
		assert.equal(a.location, undefined);
		a = await b.press(page, undefined, {}, foreign);
		assert.match(a.location, /\/at\/acme\/authorize/);
	});

	it("are asked for behind an operator's link, too", async () => {
		const b = new Browser();
		const link = site.admin("connect", "tenant", "ops").trim();
		const ask = await b.get(link);

		assert.match(ask.text, /name="tenant"/);
		const confirm = await b.press(ask, undefined,
		    { tenant: "ops-1" });

		assert.equal(confirm.status, 200);
		assert.match(confirm.text, /<bdi>ops-1<\/bdi>/);
		const back = await b.follow(await b.follow(
		    await b.press(confirm)));

		assert.equal(back.status, 200, back.text);
		assert.equal(lastCall().path, "/at/ops-1/token");
		assert.equal(site.admin("token", "tenant", "ops").trim(),
		    (await site.refresh({ provider: "tenant",
		    subject: "ops" })).json().access_token);
	});

	it("can be in the host, but lead to no other machine's address",
	    async () => {
		const t = await site.walk(new Browser(), { provider: "host",
		    host: "localhost", return_to: "/account" });

		assert.match(t.location, /status=connected/);
		for (const host of ["10.0.0.1", "169.254.169.254", "8.8.8.8",
		    "0.0.0.0", "1", "127.1", "2130706433", "0177.0.0.1",
		    "localhost.", "a..b", "."]) {
			const a = await new Browser().get(site.startUrl({
			    provider: "host", host }));

			assert.equal(a.status, 400, host);
			assert.match(a.text, INVALID, host);
		}
	});

	it("and a name that leads into the network is not gone to",
	    async () => {
		const b = new Browser();
		const go = await b.get(site.startUrl({ provider: "inside",
		    sub: "intern", return_to: "/account" }));
		const state = new URL(go.location).searchParams.get("state");
		const a = await b.get(`${site.url}/callback/inside?` +
		    new URLSearchParams({ state, code: "x" }));

		assert.match(a.location, /error=temporarily_unavailable/);
		assert.equal((await site.provider.stats()).requests, 0);
		assert.match(site.logs(), /intern\.localhost:\d+: not an /);
	});

	it("the provider says at the callback are used and kept",
	    async () => {
		await site.provider.set({ back: "location=eu&accounts-server=" +
		    encodeURIComponent(site.provider.url) });
		const t = await site.connect("b1", "back");

		assert.deepEqual(t.fields, { server: site.provider.url,
		    location: "eu" });
		assert.equal(lastCall().path, "/at/back/token");
	});

	it("and by POST without our cookie", async () => {
		await site.provider.set({ back: "accounts-server=" +
		    encodeURIComponent(site.provider.url) });
		const b = new Browser();
		const page = await b.follow(await b.get(site.startUrl({
		    provider: "backpost", return_to: "/account" })));
		const jar = b.jar;

		b.jar = new Map();
		const forward = await b.press(page, "allow");
		const next = /url=([^"]+)"/.exec(forward.text)[1]
		    .replaceAll("&amp;", "&");

		b.jar = jar;
		assert.match((await b.get(next)).location,
		    /status=connected/);
	});

	it("a callback's value that is not the provider's ends the flow",
	    async () => {
		const other = `http://127.0.0.1:${site.port}`;

		for (const server of [other, "http://evil.example",
		    `${site.provider.url}/`, `${site.provider.url}@evil`,
		    `${site.provider.url} `, "", "x".repeat(300),
		    `${site.provider.url.replace("http:", "https:")}`]) {
			await site.provider.set({ back: "accounts-server=" +
			    encodeURIComponent(server) });
			const a = await site.walk(new Browser(), {
			    provider: "back", return_to: "/account" });

			assert.match(a.location, /error=invalid_response/,
			    `${server}: ${a.location}`);
		}
		await site.provider.set({ back: "" });
		let a = await site.walk(new Browser(), { provider: "back",
		    return_to: "/account" });

		assert.match(a.location, /error=invalid_response/);
		const good = "accounts-server=" +
		    encodeURIComponent(site.provider.url);

		await site.provider.set({ back: `${good}&${good}` });
		a = await site.walk(new Browser(), { provider: "back",
		    return_to: "/account" });
		assert.match(a.location, /error=invalid_response/);
		assert.equal((await site.provider.stats()).token
		    .authorization_code, 0);
		assert.doesNotMatch(site.logs(), /evil/);
	});

	it("a field of the callback is not taken from the start", async () => {
		const a = await site.walk(new Browser(), { provider: "back",
		    server: site.provider.url, return_to: "/account" });

		assert.match(a.location, /error=invalid_response/);
	});

	it("a callback's field may have a default", async () => {
		const t = await site.connect("b2", "backup");

		assert.deepEqual(t.fields, { server: site.provider.url });
	});

	it("of the token answer are kept, and follow each refresh",
	    async () => {
		const extra = (hub, domain) => `"instance_url":` +
		    `"${site.provider.url}","hub":{"id":${hub}},` +
		    `"api_domain":${domain},"unasked":"x"`;

		await site.provider.set({ extra: extra(4711,
		    '"https://api.example"') });
		let t = await expired("kept", "k1");

		assert.deepEqual(t.fields, { instance_url: site.provider.url,
		    hub: "4711", api_domain: "https://api.example" });
		// What is gone, or no longer right, stays as it was.
		await site.provider.set({ extra: extra('"new"',
		    '"javascript:x"') });
		t = (await site.refresh({ provider: "kept", subject: "k1" }))
		    .json();
		assert.deepEqual(t.fields, { instance_url: site.provider.url,
		    hub: "new", api_domain: "https://api.example" });
		assert.equal(lastCall().path, "/at/kept/token");
		// The same token again is the same answer.
		t = (await site.refresh({ provider: "kept", subject: "k1" }))
		    .json();
		assert.equal(t.fields.hub, "new");
	});

	it("without the one that its refresh needs, the operator is told",
	    async () => {
		await expired("kept", "k2");
		const t = await site.refresh({ provider: "kept",
		    subject: "k2" });

		// It has an example, but no default.
		assert.equal(t.status, 502, t.text);
		assert.match(site.logs(),
		    /provider kept: its field instance_url has no value/);
	});

	it("go with the tokens when an account is connected anew",
	    async () => {
		for (const tenant of ["one", "two"]) {
			const b = new Browser();
			const a = await site.walk(b, { provider: "tenant",
			    tenant, bind: bindOf("r"), return_to: "/a" });
			const t = (await site.redeem(new URL(a.location)
			    .searchParams.get("ticket"), "r", bindOf("r")))
			    .json();

			assert.deepEqual(t.fields, { tenant });
			assert.equal(t.replaced, tenant === "two" ? true :
			    undefined);
		}
	});

	it("answers of providers without fields have none", async () => {
		await site.provider.set({ hmac: "on" });
		const t = await site.connect("s1", "sealed");

		assert.equal(t.fields, undefined);
	});

	it("a redirect that must be sealed is, by the client's secret",
	    async () => {
		const ends = async (hmac, back) => {
			await site.provider.set({ hmac, back });
			return (await site.walk(new Browser(), {
			    provider: "sealed", return_to: "/account" }))
			    .location;
		};

		assert.match(await ends("on", "shop=a%26b&timestamp=1"),
		    /status=connected/);
		const codes = (await site.provider.stats()).token;

		assert.match(await ends("off", ""), /error=invalid_response/);
		assert.match(await ends("wrong", ""),
		    /error=invalid_response/);
		assert.match(await ends("off", `hmac=${"0".repeat(63)}`),
		    /error=invalid_response/);
		assert.match(await ends("on", "hmac=00"),
		    /error=invalid_response/);
		assert.deepEqual((await site.provider.stats()).token, codes);
	});
});
