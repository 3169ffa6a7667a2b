// SPDX-License-Identifier: ISC
//
// The switches of a provider section, each against a provider that needs it:
// the whole way from the form to a refreshed token.

import assert from "node:assert/strict";
import { Browser } from "./lib/browser.mjs";
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
