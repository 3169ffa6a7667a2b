// SPDX-License-Identifier: ISC
//
// The scripted provider does what it is told: without that, no other test
// here proves anything.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Browser, formOf, raw, request } from "./lib/browser.mjs";
import { after, before, beforeEach, describe, it, sleep } from
    "./lib/harness.mjs";
import { Provider } from "./lib/provider.mjs";

const BUILD = process.env.BUILD_DIR ?? ".";
const CLIENT = { client_id: "demo-client", client_secret: "demo-secret" };
const BACK = "http://127.0.0.1:9/oauth/callback/interact";
const VERIFIER = randomBytes(32).toString("base64url");
const CHALLENGE = createHash("sha256").update(VERIFIER).digest("base64url");

let dir, p;

const authorizeUrl = (change = {}) => {
	const q = { response_type: "code", client_id: "demo-client",
	    redirect_uri: BACK, scope: "read_user write_data", state: "st&1",
	    code_challenge: CHALLENGE, code_challenge_method: "S256",
	    ...change };

	for (const name of Object.keys(q))
		if (q[name] === undefined)
			delete q[name];
	return `${p.url}/authorize?${new URLSearchParams(q)}`;
};
const sentBack = (answer) => {
	assert.equal(answer.status, 302, answer.text);
	return new URL(answer.location);
};
const newCode = async (change = {}) => {
	const url = sentBack(await request(authorizeUrl({ auto: 1,
	    ...change })));

	return url.searchParams.get("code");
};
const token = (form, options = {}) =>
	request(`${p.url}/token`, { method: "POST", ...options,
	    ...(options.body === undefined ? { form } : {}) });
const redeem = (code, change = {}) => token({
	grant_type: "authorization_code", code, redirect_uri: BACK,
	code_verifier: VERIFIER, ...CLIENT, ...change });
const refresh = (refresh_token, change = {}, options = {}) => token({
	grant_type: "refresh_token", refresh_token, ...CLIENT, ...change },
	options);
const connected = async () => (await redeem(await newCode())).json();
const errorOf = (answer, status, code) => {
	assert.equal(answer.status, status, answer.text);
	assert.equal(answer.json().error, code);
};

async function open() {
	dir = mkdtempSync(join(tmpdir(), "provider-test-"));
	p = await Provider.start(BUILD, dir);
}

async function close() {
	await p.stop();
	rmSync(dir, { recursive: true });
}

describe("provider, authorize", () => {
	before(open);
	after(close);
	beforeEach(() => p.reset());

	it("shows a page that names the client, the scopes, two accounts",
	    async () => {
		const a = await request(authorizeUrl());

		assert.equal(a.status, 200);
		assert.match(a.text, /Demo shop wants access/);
		assert.match(a.text, /Demo provider/);
		assert.match(a.text, /See your name/);
		assert.match(a.text, /Ada Lovelace/);
		assert.match(a.text, /Grace Hopper/);
		assert.doesNotMatch(a.text, /<script/i);
	});

	it("Allow sends back a code and the state, byte for byte", async () => {
		const b = new Browser();
		const state = "a b&c=d%2f+<>\"é";
		const a = await b.press(await b.get(authorizeUrl({ state })),
		    "allow");
		const back = sentBack(a);

		assert.equal(back.origin + back.pathname, BACK);
		assert.equal(back.searchParams.get("state"), state);
		assert.match(back.searchParams.get("code"), /^canary-code-/);
	});

	it("Decline sends back access_denied and no code", async () => {
		const b = new Browser();
		const back = sentBack(await b.press(await b.get(authorizeUrl()),
		    "decline"));

		assert.equal(back.searchParams.get("error"), "access_denied");
		assert.equal(back.searchParams.get("code"), null);
		assert.equal((await p.stats()).denied, 1);
	});

	it("the account that was chosen is the one of the token", async () => {
		const b = new Browser();
		const back = sentBack(await b.press(await b.get(authorizeUrl()),
		    "allow", { user: "grace" }));
		const t = (await redeem(back.searchParams.get("code"))).json();

		assert.equal((await p.me(t.access_token)).json().name,
		    "Grace Hopper");
	});

	it("auto consents at once, as a parameter and as a setting",
	    async () => {
		assert.ok(await newCode());
		await p.set({ auto: 1 });
		assert.ok(await newCode({ auto: undefined }));
	});

	it("an unknown client or a foreign redirect_uri is not sent back",
	    async () => {
		for (const change of [{ client_id: "x" },
		    { client_id: undefined }, { redirect_uri: undefined },
		    { redirect_uri: "http://attacker.example/" }])
			assert.equal((await request(authorizeUrl(change)))
			    .status, 400);
		await p.set({ redirect_uri: "https://shop.example/cb" });
		assert.equal((await request(authorizeUrl())).status, 400);
	});

	it("insists on PKCE with S256 unless told otherwise", async () => {
		for (const change of [{ code_challenge: undefined },
		    { code_challenge: "short" },
		    { code_challenge_method: "plain" },
		    { code_challenge_method: undefined }]) {
			const back = sentBack(await request(authorizeUrl(
			    { auto: 1, ...change })));

			assert.equal(back.searchParams.get("error"),
			    "invalid_request");
		}
		await p.set({ pkce: "optional" });
		assert.ok(await newCode({ code_challenge: undefined,
		    code_challenge_method: undefined }));
	});

	it("another response_type is refused", async () => {
		const back = sentBack(await request(authorizeUrl(
		    { response_type: "token" })));

		assert.equal(back.searchParams.get("error"),
		    "unsupported_response_type");
	});

	it("authorize_error and iss are sent as set", async () => {
		await p.set({ authorize_error: "temporarily_unavailable",
		    iss: "on" });
		let back = sentBack(await request(authorizeUrl()));

		assert.equal(back.searchParams.get("error"),
		    "temporarily_unavailable");
		assert.equal(back.searchParams.get("iss"), p.url);
		await p.set({ authorize_error: "", iss: "wrong" });
		back = sentBack(await request(authorizeUrl({ auto: 1 })));
		assert.notEqual(back.searchParams.get("iss"), p.url);
	});

	it("response_mode=form_post answers with a form", async () => {
		const a = await request(authorizeUrl({ auto: 1,
		    response_mode: "form_post" }));
		const form = formOf(a);

		assert.equal(form.action, BACK);
		assert.equal(form.method, "POST");
		assert.deepEqual(form.fields.map(([n]) => n),
		    ["code", "state"]);
	});

	it("the statistics hold the parameters of the last request",
	    async () => {
		await newCode({ nonce: "n-1" });
		const { last_authorize: last } = await p.stats();

		assert.equal(last.nonce, "n-1");
		assert.equal(last.scope, "read_user write_data");
	});
});

describe("provider, token", () => {
	before(open);
	after(close);
	beforeEach(() => p.reset());

	it("a code gives tokens with the canary prefix", async () => {
		const t = await connected();

		assert.match(t.access_token, /^canary-at-[\w-]{32}$/);
		assert.match(t.refresh_token, /^canary-rt-[\w-]{32}$/);
		assert.equal(t.token_type, "Bearer");
		assert.equal(t.expires_in, 3600);
		assert.equal(t.scope, "read_user write_data");
	});

	it("a code works once; twice revokes what came of it", async () => {
		const code = await newCode();
		const t = (await redeem(code)).json();

		errorOf(await redeem(code), 400, "invalid_grant");
		assert.equal((await p.me(t.access_token)).status, 401);
		assert.equal((await p.stats()).families_revoked, 1);
	});

	it("a code needs its verifier and its redirect_uri", async () => {
		errorOf(await redeem(await newCode(),
		    { code_verifier: "x".repeat(43) }), 400, "invalid_grant");
		errorOf(await redeem(await newCode(),
		    { redirect_uri: `${BACK}/` }), 400, "invalid_grant");
		errorOf(await redeem("canary-code-none"), 400,
		    "invalid_grant");
	});

	it("a code ends after code_ttl", async () => {
		await p.set({ code_ttl: 1 });
		const code = await newCode();

		await sleep(1100);
		errorOf(await redeem(code), 400, "invalid_grant");
	});

	it("client authentication: post and basic, not both, not wrong",
	    async () => {
		const basic = { headers: { authorization: "Basic " +
		    Buffer.from("demo%2Dclient:demo-secret").toString("base64")
		    } };
		const t = await connected();
		const form = { grant_type: "refresh_token",
		    refresh_token: t.refresh_token };

		await p.set({ rotation: "same" });
		assert.equal((await token(form, basic)).status, 200);
		assert.equal((await p.stats()).last_token.auth, "basic");
		assert.equal((await token({ ...form, ...CLIENT })).status, 200);
		assert.equal((await p.stats()).last_token.auth, "post");
		errorOf(await token({ ...form, ...CLIENT }, basic), 400,
		    "invalid_request");
		errorOf(await token({ ...form, ...CLIENT,
		    client_secret: "wrong" }), 401, "invalid_client");
		errorOf(await token({ ...form, client_id: "demo-client" }),
		    401, "invalid_client");
		await p.set({ auth: "basic" });
		errorOf(await token({ ...form, ...CLIENT }), 401,
		    "invalid_client");
		await p.set({ auth: "none" });
		assert.equal((await token({ ...form,
		    client_id: "demo-client" })).status, 200);
	});

	it("takes a JSON body as well, and says what came", async () => {
		const a = await token(null, { headers:
		    { "content-type": "application/json" },
		    body: JSON.stringify({ grant_type: "authorization_code",
		    code: await newCode(), redirect_uri: BACK,
		    code_verifier: VERIFIER, ...CLIENT }) });

		assert.equal(a.status, 200, a.text);
		const { last_token: last } = await p.stats();

		assert.equal(last.content_type, "application/json");
		assert.equal(last.params.grant_type, "authorization_code");
		assert.doesNotMatch(JSON.stringify(last), /canary|demo-secret/);
		errorOf(await token(null, { headers:
		    { "content-type": "application/json" }, body: "{nope" }),
		    400, "invalid_request");
	});

	it("rotation gives a new token; the old one again revokes the family",
	    async () => {
		const t = await connected();
		const u = (await refresh(t.refresh_token)).json();

		assert.notEqual(u.refresh_token, t.refresh_token);
		assert.notEqual(u.access_token, t.access_token);
		assert.equal((await p.me(u.access_token)).status, 200);
		errorOf(await refresh(t.refresh_token), 400, "invalid_grant");
		errorOf(await refresh(u.refresh_token), 400, "invalid_grant");
		assert.equal((await p.me(u.access_token)).status, 401);
		const s = await p.stats();

		assert.equal(s.reuses, 1);
		assert.equal(s.families_revoked, 1);
		assert.deepEqual(Object.values(s.refresh_uses), [2]);
	});

	it("reuse within reuse_grace_ms is forgiven", async () => {
		await p.set({ reuse_grace_ms: 60000 });
		const t = await connected();

		assert.equal((await refresh(t.refresh_token)).status, 200);
		assert.equal((await refresh(t.refresh_token)).status, 200);
		assert.equal((await p.stats()).reuses, 0);
	});

	it("rotation same, none, empty and null", async () => {
		const t = await connected();
		const expected = { same: t.refresh_token, none: undefined,
		    empty: "", null: null };

		for (const [rotation, value] of Object.entries(expected)) {
			await p.set({ rotation });
			assert.equal((await refresh(t.refresh_token)).json()
			    .refresh_token, value, rotation);
		}
	});

	it("expires_in in every form", async () => {
		const t = await connected();
		const expected = { number: "90", string: '"90"', zero: "0",
		    negative: "-1", float: "90.5", text: '"soon"',
		    null: "null", huge: "99999999999999999999" };

		await p.set({ rotation: "same", ttl: 90 });
		for (const [expires, value] of Object.entries(expected)) {
			await p.set({ expires });
			assert.ok((await refresh(t.refresh_token)).text
			    .includes(`"expires_in":${value},`), expires);
		}
		await p.set({ expires: "missing" });
		assert.ok(!("expires_in" in (await refresh(t.refresh_token))
		    .json()));
	});

	it("token_type, scope, refresh_token and id_token as set", async () => {
		await p.set({ token_type: "missing", scope: "missing",
		    initial_refresh: 0 });
		assert.deepEqual(Object.keys(await connected()),
		    ["access_token", "expires_in"]);
		await p.set({ token_type: "BEARER", scope: "other",
		    id_token: "on" });
		const t = (await redeem(await newCode({ nonce: "n-2" })))
		    .json();
		const claims = JSON.parse(Buffer.from(
		    t.id_token.split(".")[1], "base64url"));

		assert.equal(t.token_type, "BEARER");
		assert.equal(t.scope, "something_else");
		assert.equal(claims.nonce, "n-2");
		assert.equal(claims.iss, p.url);
		assert.equal(claims.aud, "demo-client");
	});

	it("a form-encoded answer", async () => {
		await p.set({ answer: "form" });
		const a = await redeem(await newCode());

		assert.equal(a.headers["content-type"],
		    "application/x-www-form-urlencoded");
		assert.match(new URLSearchParams(a.text).get("access_token"),
		    /^canary-at-/);
	});

	it("the API refuses a token that is over, unknown or revoked",
	    async () => {
		await p.set({ ttl: 1 });
		const t = await connected();

		assert.equal((await p.me(t.access_token)).json().sub, "ada");
		await sleep(1100);
		assert.equal((await p.me(t.access_token)).status, 401);
		assert.equal((await p.me("nonsense")).status, 401);
		assert.equal((await p.me(t.refresh_token)).status, 401);
		await p.set({ ttl: 100 });
		const u = await connected();

		await p.expire();
		assert.equal((await p.me(u.access_token)).status, 401);
		assert.deepEqual((await p.stats()).api, { ok: 1, refused: 4 });
	});

	it("revocation ends the family, and unknown tokens are fine",
	    async () => {
		const t = await connected();
		const revoke = (tok, change = {}) => request(`${p.url}/revoke`,
		    { form: { token: tok, ...CLIENT, ...change } });

		assert.equal((await revoke("unknown")).status, 200);
		assert.equal((await revoke(t.refresh_token)).status, 200);
		errorOf(await refresh(t.refresh_token), 400, "invalid_grant");
		assert.equal((await revoke("x", { client_secret: "no" }))
		    .status, 401);
		assert.equal((await p.stats()).revocations, 3);
	});

	it("every token call is a line of calls.log, without a token",
	    async () => {
		const before = p.calls().length;
		const t = await connected();

		await refresh(t.refresh_token);
		const lines = p.calls().slice(before);

		assert.deepEqual(lines.map((l) => l.params.grant_type),
		    ["authorization_code", "refresh_token"]);
		assert.match(lines[1].params.refresh_token, /^[0-9a-f]{8}$/);
		assert.doesNotMatch(JSON.stringify(lines), /canary/);
	});

	it("12 calls with one token at once: one wins, one family is revoked",
	    async () => {
		const t = await connected();
		const all = await Promise.all(Array.from({ length: 12 }, () =>
		    refresh(t.refresh_token)));

		assert.equal(all.filter((a) => a.status === 200).length, 1);
		const s = await p.stats();

		assert.equal(s.token.refresh_token, 12);
		assert.equal(s.ok.refresh_token, 1);
		assert.equal(s.families_revoked, 1);
	});

	it("a setting or a value that does not exist is refused", async () => {
		await assert.rejects(p.set({ nonsense: 1 }), /no setting/);
		await assert.rejects(p.set({ rotation: "often" }), /can't be/);
		await assert.rejects(p.set({ ttl: "1x" }), /can't be/);
		assert.equal((await p.settings()).ttl, 3600);
	});
});

describe("provider, failures", () => {
	before(open);
	after(close);
	beforeEach(() => p.reset());

	const plain = {
		invalid_grant: [400, "invalid_grant"],
		invalid_grant_403: [403, "invalid_grant"],
		invalid_code: [400, "invalid_code"],
		invalid_client_401: [401, "invalid_client"],
		invalid_client_400: [400, "invalid_client"],
		invalid_request: [400, "invalid_request"],
		unauthorized_client: [400, "unauthorized_client"],
		"200_error": [200, "bad_refresh_token"],
		"400/invalid_scope": [400, "invalid_scope"],
		"200/expired_token": [200, "expired_token"],
		429: [429, "slow_down"],
	};

	for (const [kind, [status, error]] of Object.entries(plain))
		it(kind, async () => {
			const t = await connected();

			await p.set({ fail: `1:${kind}` });
			errorOf(await refresh(t.refresh_token), status, error);
			assert.equal((await refresh(t.refresh_token)).status,
			    200, "once, and no work was done");
		});

	const bodies = {
		empty_400: [400, /^$/], "401_empty": [401, /^$/],
		html_403: [403, /^<!DOCTYPE/], html_500: [500, /^<!DOCTYPE/],
		500: [500, /internal/], 503: [503, /overloaded/],
		error_object: [400, /"error":\{/],
		"200_no_token": [200, /^\{"token_type":"Bearer"\}$/],
		"200_garbage": [200, /\u0001/], "200_html": [200, /^<!DOCTYPE/],
		redirect: [307, /^$/], huge: [200, /x{1000000}/],
	};

	for (const [kind, [status, body]] of Object.entries(bodies))
		it(kind, async () => {
			await p.set({ fail: `1:${kind}` });
			const a = await redeem(await newCode());

			assert.equal(a.status, status);
			assert.match(a.text, body);
		});

	it("503_retry_after and 429_retry_after say how long", async () => {
		await p.set({ fail: "1:503_retry_after,1:429_retry_after",
		    retry_after: 7 });
		const a = await refresh("x"), b = await refresh("x");

		assert.deepEqual([a.status, a.headers["retry-after"]],
		    [503, "7"]);
		assert.deepEqual([b.status, b.headers["retry-after"]],
		    [429, "7"]);
	});

	it("counts: two of one kind, one of the next, then none", async () => {
		await p.set({ fail: "2:500,1:invalid_request" });
		const t = () => refresh("x").then((a) => a.status);

		assert.deepEqual([await t(), await t(), await t()],
		    [500, 500, 400]);
		errorOf(await refresh("x"), 400, "invalid_grant");
		assert.equal((await p.stats()).failures, 3);
		await p.set({ fail: "*:500" });
		for (let i = 0; i < 3; i++)
			assert.equal(await t(), 500);
		await p.set({ fail: "" });
		assert.equal(await t(), 400);
	});

	it("override sends status, type and body of one's own", async () => {
		await p.set({ fail: "1:override", override_status: 418,
		    override_type: "text/x-tea", override_body: "short & stout"
		});
		const a = await refresh("x");

		assert.equal(a.status, 418);
		assert.equal(a.headers["content-type"], "text/x-tea");
		assert.equal(a.text, "short & stout");
	});

	it("html_unless_json looks at Accept", async () => {
		await p.set({ html_unless_json: 1 });
		assert.match((await refresh("x")).text, /^<!DOCTYPE/);
		errorOf(await refresh("x", {}, { headers:
		    { accept: "application/json" } }), 400, "invalid_grant");
	});

	const wire = (kind) => {
		const body = new URLSearchParams({ grant_type: "refresh_token",
		    refresh_token: kind.token, ...CLIENT }).toString();

		return raw(p.port, "POST /token HTTP/1.1\r\nHost: x\r\n" +
		    "Content-Type: application/x-www-form-urlencoded\r\n" +
		    `Content-Length: ${body.length}\r\n\r\n${body}`,
		    { timeout: 700 });
	};
	const cases = [
		["cut_before", "end", /^$/, false],
		["cut_reset", "reset", /^$/, false],
		["timeout", "timeout", /^$/, false],
		["cut_after_commit", "end", /^$/, true],
		["stall_commit", "timeout", /^$/, true],
		["cut_middle", "end", /^HTTP\/1\.1 200[^]*\{"access_token":"[^}]*$/,
		    true],
		["http09", "end", /^\{"access_token"[^]*\}$/, true],
		["drip", "timeout", /^HTTP\/1\.1 200[^]*\r\n\r\n\{?.?$/, true],
		["500+commit", "timeout", /^HTTP\/1\.1 500/, true],
	];

	for (const [kind, how, bytes, commits] of cases)
		it(`${kind}: ${commits ? "does" : "does not do"} the work`,
		    async () => {
			const t = await connected();

			await p.set({ fail: `1:${kind}` });
			const a = await wire({ token: t.refresh_token });

			assert.equal(a.how, how);
			assert.match(a.text, bytes);
			assert.equal((await p.stats()).ok.refresh_token,
			    commits ? 1 : 0);
			assert.equal((await refresh(t.refresh_token)).status,
			    commits ? 400 : 200);
		});
});

describe("provider, wire", () => {
	before(open);
	after(close);
	beforeEach(() => p.reset());

	it("a slow answer holds up nobody else", async () => {
		const t = await connected();
		const start = Date.now();

		await p.set({ delay_ms: 1500 });
		const slow = refresh(t.refresh_token);

		while ((await p.stats()).token.refresh_token === 0)
			await sleep(10);
		await p.set({ delay_ms: 0 });
		for (let i = 0; i < 50; i++)
			assert.equal((await refresh("x")).status, 400);
		assert.ok(Date.now() - start < 1400);
		assert.equal((await slow).status, 200);
		assert.ok(Date.now() - start >= 1500);
	});

	it("delay_head_ms: the header comes first, the body later",
	    async () => {
		await p.set({ delay_head_ms: 600 });
		const start = Date.now();
		const times = await new Promise((resolve, reject) => {
			const req = http.request(`${p.url}/token`,
			    { method: "POST", agent: false }, (res) => {
				const head = Date.now() - start;

				res.resume();
				res.on("end", () => resolve([head,
				    Date.now() - start]));
			});

			req.on("error", reject);
			req.end();
		});

		assert.ok(times[0] < 400, `header after ${times[0]} ms`);
		assert.ok(times[1] >= 590, `body after ${times[1]} ms`);
	});

	it("framing: length, chunked, and HTTP/1.0 until the end",
	    async () => {
		const get = async (framing) => {
			await p.set({ framing, fail: "" });
			return raw(p.port, "POST /token HTTP/1.1\r\nHost: x" +
			    "\r\nContent-Length: 0\r\n\r\n", { timeout: 300 });
		};
		const length = await get("length");
		const chunked = await get("chunked");
		const old = await get("http10");

		assert.match(length.text, /^HTTP\/1\.1[^]*\r\nContent-Length: /);
		assert.equal(length.how, "timeout");
		assert.match(chunked.text, /Transfer-Encoding: chunked/);
		assert.match(chunked.text, /\r\n0\r\n\r\n$/);
		assert.match(old.text, /^HTTP\/1\.0 400/);
		assert.doesNotMatch(old.text, /Content-Length|chunked/);
		assert.equal(old.how, "end");
		await p.set({ framing: "chunked" });
		assert.match((await connected()).access_token, /^canary/);
	});

	it("connections are kept, also for requests sent together",
	    async () => {
		const one = "GET /api/me HTTP/1.1\r\nHost: x\r\n\r\n";
		const before = (await p.stats()).connections;
		const a = await raw(p.port, one + one + one, { timeout: 300 });

		assert.equal(a.text.match(/HTTP\/1\.1 401/g).length, 3);
		assert.equal((await p.stats()).connections, before + 2);
	});

	it("keepalive=0 and idle_ms close them", async () => {
		const one = "GET /api/me HTTP/1.1\r\nHost: x\r\n\r\n";

		await p.set({ idle_ms: 200 });
		const start = Date.now();

		assert.equal((await raw(p.port, one)).how, "end");
		assert.ok(Date.now() - start >= 190);
		await p.set({ idle_ms: 0, keepalive: 0 });
		const b = await raw(p.port, one);

		assert.equal(b.how, "end");
		assert.match(b.text, /Connection: close/);
	});

	it("the second request of a kept connection can be cut", async () => {
		const agent = new http.Agent({ keepAlive: true,
		    maxSockets: 1 });
		const t = await connected();

		await p.set({ rotation: "same" });
		assert.equal((await refresh(t.refresh_token, {}, { agent }))
		    .status, 200);
		await p.set({ fail: "1:cut_before" });
		await assert.rejects(refresh(t.refresh_token, {}, { agent }));
		agent.destroy();
		const last = p.calls().at(-1);

		assert.equal(last.number, 2);
		assert.equal(last.failure, "cut_before");
	});

	it("listen_off_ms refuses connections for a while", async () => {
		await p.set({ listen_off_ms: 500 });
		await sleep(50);
		await assert.rejects(refresh("x"), /ECONNREFUSED/);
		await sleep(600);
		assert.equal((await refresh("x")).status, 400);
	});

	it("a request in pieces, HEAD, and nonsense", async () => {
		const split = new Promise((resolve, reject) => {
			const req = http.request(`${p.url}/token`, { method:
			    "POST", headers: { "content-length": 20,
			    "content-type": "application/x-www-form-urlencoded"
			    } }, (res) => {
				res.resume();
				resolve(res.statusCode);
			});

			req.on("error", reject);
			req.write("grant_type");
			setTimeout(() => req.end("=something"), 100);
		});

		assert.equal(await split, 401);
		const head = await request(authorizeUrl(), { method: "HEAD" });

		assert.equal(head.text, "");
		assert.equal((await raw(p.port, "nonsense\r\n\r\n")).how,
		    "end");
		assert.equal((await request(`${p.url}/nowhere`)).status, 404);
		assert.equal((await request(`${p.url}/revoke`)).status, 405);
	});
});

describe("provider, TLS", () => {
	it("speaks TLS with the certificate that it is given", async () => {
		const tmp = mkdtempSync(join(tmpdir(), "provider-tls-"));
		const key = join(tmp, "key.pem"), cert = join(tmp, "cert.pem");

		execFileSync("openssl", ["req", "-x509", "-newkey", "ec",
		    "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
		    "-days", "1", "-subj", "/CN=127.0.0.1", "-addext",
		    "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out",
		    cert], { stdio: "ignore" });
		const ca = (await import("node:fs")).readFileSync(cert);
		const t = await Provider.start(BUILD, tmp, {}, ["--tls", cert,
		    key]);
		const text = (options) => new Promise((resolve, reject) => {
			https.get(`https://127.0.0.1:${t.port}/control/settings`,
			    options, (res) => {
				let got = "";

				res.on("data", (d) => { got += d; });
				res.on("end", () => resolve(got));
			}).on("error", reject);
		});

		try {
			assert.match(await text({ ca }), /"ttl":3600/);
			await assert.rejects(text({}), /self.signed/);
			const agent = new https.Agent({ keepAlive: true, ca });
			const many = await Promise.all(Array.from({ length: 20 },
			    () => text({ agent })));

			assert.ok(many.every((m) => m === many[0]));
			agent.destroy();
		} finally {
			await t.stop();
			rmSync(tmp, { recursive: true });
		}
	});
});
