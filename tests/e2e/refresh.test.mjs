// SPDX-License-Identifier: ISC
//
// An access token that is valid whenever the site asks: one refresh per
// expiry, whatever the provider answers, and no token lost.

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it, sleep } from
    "./lib/harness.mjs";
import { Site } from "./lib/site.mjs";

let site, p;
const AUTO = { auto: 1 };
const OLD = 60;			// seconds until `rejected` may refresh

const open = (options) => async () => {
	site = await Site.start({ settings: AUTO, ...options });
	p = site.provider;
};
const close = () => site?.stop();
const fresh = async () => {
	await p.reset();
	await p.set(AUTO);
};
const ask = (c, more = {}) => site.refresh({ connection: c.connection,
    ...more });
const refreshes = async () => (await p.stats()).token.refresh_token;

// A token lives an hour. Nothing here waits for it: the database is told that
// time has gone by, so that no test depends on how fast it runs.
const late = (c) => left(c, 1200);	// in the second half of its life
const over = (c) => left(c, 0);
function left(c, seconds) {
	const by = c.expires_at - Math.floor(Date.now() / 1000) - seconds;

	site.age(by, c.connection);
	c.expires_at -= by;
}
const connect = async (subject, settings = {}, provider = "interact") => {
	await p.set(settings);
	return site.connect(subject, provider);
};
function good(a, status = "ok") {
	assert.equal(a.status, 200, a.text);
	const j = a.json();

	assert.equal(j.status, status, a.text);
	assert.doesNotMatch(a.text, /canary-rt-/);
	return j;
}
function bad(a, status, error) {
	assert.equal(a.status, status, a.text);
	const j = a.json();

	assert.equal(j.error, error, a.text);
	assert.ok(!a.text.includes("canary-"), a.text);
	if (status === 503) {
		assert.match(a.headers["retry-after"], /^\d+$/);
		assert.equal(j.retry_after, Number(a.headers["retry-after"]));
	}
	return j;
}
// Ask until the answer is 200 with that status; a backoff is short at first.
async function settled(c, status = "ok", seconds = 12) {
	let a;

	for (let i = 0; i < seconds * 5; i++) {
		a = await ask(c);
		if (a.status === 200 && a.json().status === status)
			return a.json();
		await sleep(200);
	}
	assert.fail(`never ${status}: ${a.status} ${a.text}`);
}

// 12 callers when the token is over: the provider is asked once.
function herds() {
	it("12 callers at expiry: one refresh, one token for all", async () => {
		const c = await connect("herd");

		over(c);
		const all = await Promise.all(Array.from({ length: 12 },
		    () => ask(c)));
		const tokens = new Set(all.map((a) => good(a).access_token));

		assert.equal(tokens.size, 1);
		assert.equal(await refreshes(), 1);
		assert.ok(!tokens.has(c.access_token));
		assert.equal((await p.me([...tokens][0])).status, 200);
	});

	it("12 callers and a slow provider: one refresh all the same",
	    async () => {
		const c = await connect("slow");

		over(c);
		await p.set({ delay_ms: 2000 });
		const all = await Promise.all(Array.from({ length: 12 },
		    () => ask(c)));
		const tokens = new Set(all.map((a) => good(a).access_token));

		assert.equal(tokens.size, 1);
		assert.equal(await refreshes(), 1);
		assert.equal((await p.stats()).families_revoked, 0);
	});

	it("12 callers while the old token still lives: nobody is told that " +
	    "the provider is away", async () => {
		const c = await connect("early");

		late(c);
		await p.set({ delay_ms: 700 });
		const all = await Promise.all(Array.from({ length: 12 },
		    (x, i) => sleep(i * 20).then(() => ask(c,
		    { min_valid: 86400 }))));

		for (const a of all)
			good(a);
		assert.equal(await refreshes(), 1);
	});

	it("three expiries with 12 callers each: three refreshes", async () => {
		let c = await connect("thrice");

		for (let i = 1; i <= 3; i++) {
			over(c);
			const all = await Promise.all(Array.from({ length: 12 },
			    () => ask({ connection: c.connection })));

			c = good(all[0]);
			assert.equal(await refreshes(), i);
		}
		const s = await p.stats();

		assert.equal(s.reuses, 0);
		assert.ok(Object.values(s.refresh_uses).every((n) => n === 1));
	});
}

describe("refresh, a herd under FastCGI with workers", () => {
	before(open({ workers: 12 }));
	after(close);
	beforeEach(fresh);
	herds();
});

describe("refresh, a herd under FastCGI with processes", () => {
	before(open({ workers: 0, procs: 6 }));
	after(close);
	beforeEach(fresh);
	herds();
});

describe("refresh, a herd under plain CGI", () => {
	before(open({ mode: "cgi" }));
	after(close);
	beforeEach(fresh);
	herds();
});

describe("refresh, validity", () => {
	before(open({ workers: 12, providers: { form: { scope: "a",
	    auth: "basic", body: "form" }, dflt: { scope: "a",
	    expires_default: "100" } } }));
	after(close);
	beforeEach(fresh);

	it("a token that lives long enough is answered without a call",
	    async () => {
		const c = await connect("v1");

		for (let i = 0; i < 5; i++)
			assert.equal(good(await ask(c)).access_token,
			    c.access_token);
		assert.equal(await refreshes(), 0);
		const j = good(await ask(c, { min_valid: 0 }));

		assert.ok(j.expires_in <= 3600 && j.expires_in > 3500);
	});

	it("min_valid longer than what is left, up to half the life",
	    async () => {
		const c = await connect("v2");

		assert.equal(good(await ask(c, { min_valid: 86400 }))
		    .access_token, c.access_token);
		late(c);
		assert.equal(good(await ask(c, { min_valid: 1 }))
		    .access_token, c.access_token);
		assert.equal(await refreshes(), 0);
		const j = good(await ask(c, { min_valid: 86400 }));

		assert.notEqual(j.access_token, c.access_token);
		assert.equal(await refreshes(), 1);
	});

	it("more than the token can ever live: a warning", async () => {
		const c = await connect("v3", { ttl: 50 });
		const j = good(await ask(c, { min_valid: 3000 }));

		assert.equal(j.warning, "short_lived");
		assert.equal(await refreshes(), 0);
	});

	it("rejected, but not the current token: the current one", async () => {
		const c = await connect("v4");

		over(c);
		const j = good(await ask(c));

		assert.equal(good(await ask(c, { rejected: c.access_token }))
		    .access_token, j.access_token);
		assert.equal(await refreshes(), 1);
	});

	it("rejected, the current token, just issued: 503, never that one",
	    async () => {
		const c = await connect("v5");
		const a = await ask(c, { rejected: c.access_token });

		bad(a, 503, "temporarily_unavailable");
		assert.ok(Number(a.headers["retry-after"]) <= 60);
		assert.equal(await refreshes(), 0);
	});

	it("rotation: the new refresh token is the next one", async () => {
		let c = await connect("v6");

		for (let i = 0; i < 3; i++) {
			over(c);
			c = good(await ask(c));
			assert.equal((await p.me(c.access_token)).status, 200);
		}
		assert.equal((await p.stats()).reuses, 0);
	});

	for (const rotation of ["same", "none", "empty", "null"])
		it(`an answer with rotation=${rotation}: the old one is kept`,
		    async () => {
			let c = await connect(`r-${rotation}`,
			    { rotation });

			for (let i = 1; i <= 2; i++) {
				over(c);
				c = good(await ask(c));
				assert.equal(await refreshes(), i);
			}
			assert.equal(Object.values((await p.stats())
			    .refresh_uses)[0], 2);
		});

	it("the refresh request: as the provider's section says, no scope",
	    async () => {
		const c = await connect("v7", {}, "form");

		over(c);
		good(await ask(c));
		const { last_token: last } = await p.stats();

		assert.equal(last.auth, "basic");
		assert.equal(last.content_type,
		    "application/x-www-form-urlencoded");
		assert.deepEqual(Object.keys(last.params).sort(),
		    ["grant_type", "refresh_token"]);
		assert.match(last.accept, /application\/json/);
	});

	for (const expires of ["missing", "text", "null", "huge", "negative",
	    "zero"])
		it(`expires_in ${expires}: unknown, valid until rejected`,
		    async () => {
			const c = await connect(`e-${expires}`, { expires });

			assert.equal(c.expires_in, null, JSON.stringify(c));
			assert.equal(c.expires_at, null);
			assert.equal(good(await ask(c, { min_valid: 86400 }))
			    .access_token, c.access_token);
			assert.equal(await refreshes(), 0);
		});

	for (const expires of ["string", "float"])
		it(`expires_in as ${expires} is read`, async () => {
			const c = await connect(`e-${expires}`, { expires });

			assert.ok(c.expires_in > 3590 && c.expires_in <= 3600,
			    `${c.expires_in}`);
		});

	it("expires_default counts where the answer is silent", async () => {
		const c = await connect("v8", { expires: "missing" }, "dflt");

		assert.ok(c.expires_in > 90 && c.expires_in <= 100,
		    `${c.expires_in}`);
	});

	it("token_type in any case or missing; a scope that is missing",
	    async () => {
		for (const token_type of ["bearer", "BEARER", "missing"])
			assert.match((await connect(`t-${token_type}`,
			    { token_type })).token_type, /^bearer$/i);
		assert.equal((await connect("t-scope", { scope: "missing" }))
		    .scope, "read_user write_data");
		assert.equal((await connect("t-other", { scope: "other" }))
		    .scope, "something_else");
	});

	it("no refresh token: 200 with a warning while valid, then 409",
	    async () => {
		const c = await connect("v9", { initial_refresh: 0 });
		const j = good(await ask(c, { min_valid: 3 }));

		assert.ok(j.warning, JSON.stringify(j));
		const r = bad(await ask(c, { rejected: c.access_token }), 409,
		    "reauthorization_required");

		assert.equal(r.reason, "rejected");
		over(c);
		bad(await ask(c), 409, "reauthorization_required");
		assert.equal(await refreshes(), 0);
	});

	for (const framing of ["chunked", "http10"])
		it(`an answer framed as ${framing}`, async () => {
			const c = await connect(`f-${framing}`,
			    { framing });

			over(c);
			good(await ask(c));
		});

	it("a form-encoded answer is no JSON, and says so", async () => {
		const c = await connect("v10");

		over(c);
		await p.set({ answer: "form" });
		const a = await ask(c);

		assert.ok([200, 503].includes(a.status), a.text);
	});

	it("a slow head and a slow body are waited for", async () => {
		const c = await connect("v11");

		over(c);
		await p.set({ delay_ms: 800, delay_head_ms: 800 });
		good(await ask(c));
	});
});

// ------------------------------------------------------------------------
// What the provider's answer makes of a connection. Each kind has a provider
// section of its own, so that none opens the breaker of another. The token is
// asked for in the second half of its life (valid), and when it is over.

const CONFIG = { valid: 200, over: [502, "provider_misconfigured"],
    recovers: false };
const LATER = { valid: 200, over: [503, "temporarily_unavailable"],
    recovers: true };
const DEAD = { valid: [409, "reauthorization_required"],
    over: [409, "reauthorization_required"], recovers: false };
// The provider has done the work, so the token that we hold is spent.
const SPENT = { valid: 200, over: [503, "temporarily_unavailable"],
    spent: true };

const KINDS = {
	"invalid_grant": DEAD,
	"invalid_grant_403": DEAD,
	"invalid_code": DEAD,
	"200_error": DEAD,
	"400/bad_refresh_token": DEAD,
	"400/interaction_required": DEAD,
	"400/login_required": DEAD,
	"400/consent_required": DEAD,
	"invalid_client_401": CONFIG,
	"invalid_client_400": CONFIG,
	"unauthorized_client": CONFIG,
	"400/unsupported_grant_type": CONFIG,
	"400/invalid_scope": CONFIG,
	"empty_400": LATER,
	"invalid_request": LATER,
	"error_object": LATER,
	"html_403": LATER,
	"401_empty": LATER,
	"200_no_token": LATER,
	"429_retry_after": LATER,
	"503_retry_after": LATER,
	"redirect": LATER,
	"500": LATER,
	"503": LATER,
	"html_500": LATER,
	"200_garbage": LATER,
	"200_html": LATER,
	"huge": LATER,
	"cut_before": LATER,
	"cut_reset": LATER,
	"cut_middle": SPENT,
	"http09": SPENT,
	"cut_after_commit": SPENT,
	"500+commit": SPENT,
};
const AMBIGUOUS = ["500", "html_500", "503", "200_garbage", "200_html",
    "huge", "cut_before", "cut_reset", "cut_middle", "http09",
    "cut_after_commit", "500+commit"];
const nameOf = (kind) => `k_${kind.replace(/\W/g, "_")}`;

function answers(when) {
	const connections = {};

	before(async () => {
		await open({ workers: 4, providers: Object.fromEntries(
		    Object.keys(KINDS).map((k) => [nameOf(k),
		    { scope: "a" }])) })();
		await p.set({ revoke_old_access: 0 });
		for (const kind of Object.keys(KINDS))
			connections[kind] = await site.connect(kind,
			    nameOf(kind));
		site.age(when === "valid" ? 2400 : 3601);
	});
	after(close);
	beforeEach(fresh);

	for (const [kind, expected] of Object.entries(KINDS))
		it(`${kind}`, async () => {
			const c = connections[kind];
			const want = expected[when];

			await p.set({ fail: `*:${kind}` });
			const a = await ask(c, { min_valid: 86400 });

			assert.equal(await refreshes(), 1, "calls");
			if (want === 200)
				assert.equal(good(a, "degraded").access_token,
				    c.access_token);
			else
				bad(a, ...want);
			if (want !== 200)
				assert.equal(a.json().connection, c.connection);
		});

	if (when === "valid") {
		it("after an ambiguous answer nothing is sent while it lives",
		    async () => {
			for (const kind of AMBIGUOUS) {
				const a = await ask(connections[kind],
				    { min_valid: 86400 });

				assert.equal(good(a, "degraded").access_token,
				    connections[kind].access_token, kind);
			}
			assert.equal(await refreshes(), 0);
		});
		it("once it is over, what was not done is done; what was done " +
		    "is lost, and known to be", async () => {
			site.age(1201);
			for (const kind of AMBIGUOUS) {
				let a;

				for (let i = 0; i < 80; i++) {
					a = await ask(connections[kind]);
					if (a.status !== 503)
						break;
					await sleep(200);
				}
				if (KINDS[kind].spent)
					bad(a, 409, "reauthorization_required");
				else
					good(a);
			}
		}, { limit: 120 });
		it("after a passing failure it recovers by itself", async () => {
			for (const kind of ["empty_400", "error_object",
			    "429_retry_after"])
				assert.notEqual((await settled(
				    connections[kind])).access_token,
				    connections[kind].access_token);
		});
		it("broken stays broken, without a call, until connected again",
		    async () => {
			const kind = "invalid_grant";

			bad(await ask(connections[kind]), 409,
			    "reauthorization_required");
			assert.equal(await refreshes(), 0);
			const again = await site.connect(kind, nameOf(kind));

			assert.equal(again.connection,
			    connections[kind].connection);
			good(await ask(again));
		});
	}
}

describe("refresh, the provider's answers while the token is valid", () =>
    answers("valid"));
describe("refresh, the provider's answers when the token is over", () =>
    answers("over"));

describe("refresh, the wire", () => {
	before(open({ workers: 1, providers: Object.fromEntries(["a", "b", "c",
	    "d", "e", "f"].map((n) => [n, { scope: "a" }])) }));
	after(close);
	beforeEach(fresh);

	it("a kept connection that is cut: the token is not sent again",
	    async () => {
		const one = await connect("w1", { idle_ms: 0 }, "a");
		const two = await connect("w2", {}, "a");

		late(one);
		late(two);
		good(await ask(one, { min_valid: 86400 }));
		await p.set({ fail: "1:cut_before" });
		const before = p.calls().length;

		good(await ask(two, { min_valid: 86400 }), "degraded");
		const calls = p.calls().slice(before);

		assert.equal(calls.length, 1, JSON.stringify(calls));
		assert.equal(calls[0].number, 2,
		    "it was the second request of its connection");
	});

	it("a provider that is down: still valid is handed out, over is 503",
	    async () => {
		const c = await connect("w3", {}, "b");

		late(c);
		await p.set({ listen_off_ms: 5000 });
		good(await ask(c, { min_valid: 86400 }), "degraded");
		over(c);
		bad(await ask(c), 503, "temporarily_unavailable");
		await settled(c, "ok", 30);
	});

	it("never an answer: the call ends, the caller is told", async () => {
		const c = await connect("w4", {}, "c");

		over(c);
		await p.set({ fail: "1:timeout" });
		const start = Date.now();

		bad(await ask(c), 503, "temporarily_unavailable");
		assert.ok(Date.now() - start < 30000);
		await settled(c, "ok", 20);
	}, { limit: 90 });
});

describe("refresh, waiting", () => {
	before(open({ workers: 4, providers: Object.fromEntries(["a", "b"]
	    .map((n) => [n, { scope: "a" }])) }));
	after(close);
	beforeEach(fresh);

	it("behind a slow refresh a caller waits 9 s at most, then 503",
	    async () => {
		const c = await connect("x1", {}, "a");

		over(c);
		await p.set({ delay_ms: 13000 });
		const first = ask(c);

		await sleep(300);
		const start = Date.now();
		const second = await ask(c);
		const waited = Date.now() - start;

		bad(second, 503, "temporarily_unavailable");
		assert.equal(second.headers["retry-after"], "2");
		assert.ok(waited > 8000 && waited < 12500, `${waited} ms`);
		await p.set({ delay_ms: 0 });
		const other = await connect("x2", {}, "b");

		good(await ask(other));
		good(await first);
		assert.equal(await refreshes(), 1);
	});

	it("a caller that goes away does not stop the refresh", async () => {
		const c = await connect("x3", {}, "b");

		over(c);
		await p.set({ delay_ms: 1500 });
		await assert.rejects(site.refresh({ connection: c.connection },
		    { timeout: 300 }));
		await sleep(2000);
		good(await ask(c));
		assert.equal(await refreshes(), 1);
	});

	it("the web server is stopped while a refresh is under way: the " +
	    "token is kept", async () => {
		const c = await connect("x4", {}, "b");

		over(c);
		await p.set({ delay_ms: 1500 });
		const first = ask(c).catch(() => null);

		await sleep(300);
		await site.restart({ workers: 4 });
		await first;
		await p.set({ delay_ms: 0 });
		const j = await settled(c, "ok", 10);

		assert.equal((await p.me(j.access_token)).status, 200);
		assert.equal((await p.stats()).families_revoked, 0);
		assert.equal(await refreshes(), 1);
	});
});

describe("refresh, rejected", () => {
	before(open({ workers: 12 }));
	after(close);

	it(`a token older than ${OLD} s that the API refuses: one refresh`,
	    async () => {
		const c = await site.connect("old");

		site.age(OLD + 1, c.connection);
		await p.expire();
		await p.set({ delay_ms: 500 });
		assert.equal((await p.me(c.access_token)).status, 401);
		const all = await Promise.all(Array.from({ length: 12 },
		    () => ask(c, { rejected: c.access_token })));

		for (const a of all)
			assert.notEqual(good(a).access_token, c.access_token);
		assert.equal(await refreshes(), 1);
	});
});
