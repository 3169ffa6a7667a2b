// SPDX-License-Identifier: ISC
//
// What SECURITY.md and the man pages tell people to write and to run, run:
// configurations, commands, and what must be true after them. Paths, names
// and addresses of a test are put in. (README.md and doc/backend have tests of
// their own.)

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync,
    readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Browser, request } from "./lib/browser.mjs";
import { blockWith, displays, indented, source, typed } from
    "./lib/document.mjs";
import { after, before, describe, it } from "./lib/harness.mjs";
import { BUILD, bindOf, Site } from "./lib/site.mjs";

const SECURITY = source("SECURITY.md");
const security = (...words) => blockWith(indented(SECURITY), ...words);
const manual = (page, ...words) => blockWith(displays(
    source(`man/${page}`)), ...words);
const ME = userInfo().username;

// Run what somebody types, as a script that stops at the first failure.
function shell(text, { cwd, env } = {}) {
	return execFileSync("/bin/sh", ["-euc", text], { cwd,
	    encoding: "utf8", stdio: ["ignore", "pipe", "pipe"],
	    env: { PATH: `${BUILD}:${process.env.PATH}`, ...env } });
}

// The same at a test's site, which is where the documents say it is.
const here = (site, text) => text
    .replaceAll("https://shop.example", site.origin)
    .replaceAll("/var/lib/oauth-cgi", join(site.dir, "var"))
    .replaceAll("/etc/oauth-cgi", join(site.dir, "etc"))
    .replaceAll("/usr/local/bin", BUILD)
    .replaceAll("www-data", ME);
const at = (site, text, options) => shell(here(site, text), {
    cwd: join(site.dir, "var"), ...options,
    env: { OAUTH_CGI_CONFIG: site.config, KEY: site.key, ...options?.env } });
const keyFile = (site) => join(site.dir, "etc", "keys", "token.key");

// As if an hour had passed, so that every token is over.
const age = (site) => at(site, `sqlite3 -cmd ".timeout 5000" oauth.db "
    UPDATE connection SET issued_at = issued_at - 3600,
    expires_at = expires_at - 3600"`);
const ask = async (site, c) => {
	const a = await site.refresh({ connection: c.connection });

	assert.equal(a.status, 200, a.text);
	return a.json();
};

function changesAKey(name, change, idsInUse) {
	it(`${name}: a new key seals, the old one opens, until it may go`,
	    async () => {
		const site = await Site.start({ settings: { auto: 1 } });

		try {
			const old = await site.connect("old");

			at(site, change);
			assert.equal(statSync(keyFile(site)).mode & 0o777,
			    0o600);
			await site.restart();
			assert.equal((await ask(site, old)).access_token,
			    old.access_token);
			const fresh = await site.connect("fresh");

			assert.match(at(site, idsInUse), /^00000001/m);
			assert.match(at(site, idsInUse), /^00000002/m);
			age(site);
			for (const c of [old, fresh])
				await ask(site, c);
			assert.doesNotMatch(at(site, idsInUse), /00000001/);
			writeFileSync(keyFile(site), readFileSync(
			    keyFile(site), "utf8").replace(/^1 .*/m, ""));
			await site.restart();
			for (const c of [old, fresh])
				await ask(site, c);
		} finally {
			await site.stop();
		}
	});
}

// The path of a test or a module by the short name that SECURITY.md gives it.
function pathOf(name) {
	const found = TREE.filter((path) => [name, `${name}.c`, `${name}.mjs`]
	    .includes(path.split("/").at(-1)));

	assert.equal(found.length, 1, `${name} is ${found}`);
	return found[0];
}

const TREE = ["src/base", "src/pure", "src/ports", "src/oauth", "src/flows",
    "src/app", "tests/unit", "tests/cgi", "tests/e2e", "tests/fuzz"]
    .flatMap((dir) => readdirSync(fileURLToPath(new URL(`../../${dir}`,
    import.meta.url))).map((name) => `${dir}/${name}`));

describe("SECURITY.md: what it points to", () => {
	const rows = SECURITY.split("\n").filter((l) => l.startsWith("| "));
	// Strings that are written in two parts are one.
	const joined = (path) => source(path)
	    .replace(/["'] \+\n\s*["']/g, "").replace(/"\n\s*"/g, "");

	it("its modules are there", () => {
		const names = [...SECURITY.matchAll(/`(\w+\.[ch])`/g)];

		assert.ok(names.length > 10);
		for (const [, name] of names)
			pathOf(name);
	});

	it("its tests are there", () => {
		const shown = rows.map((l) => l.split(" | ").at(-1));
		const tests = shown.flatMap((cell) => [...cell.matchAll(
		    /([\w.]+) "([^"]+)"/g)]);

		assert.ok(tests.length > 10);
		for (const [, name, text] of tests)
			assert.ok(joined(pathOf(name)).includes(text
			    .replaceAll("…", "")), `${name}: ${text}`);
		for (const name of shown.flatMap((cell) => cell.match(
		    /\b(test_|fuzz_)\w+|\w+\.(sh|test)\b/g) ?? []))
			pathOf(name);
	});
});

describe("SECURITY.md", () => {
	let site;

	before(async () => {
		site = await Site.start({ settings: { auto: 1 },
		    more: (s) => `server.modules += ( "mod_accesslog",
    "mod_access" )
accesslog.filename = "${s.dir}/log/access.log"
${security("accesslog.format")}
${security('$HTTP["remoteip"]')}
` });
	});
	after(() => site?.stop());

	changesAKey("keys", security("openssl rand"), security("sqlite3"));

	it("its access log has paths, and no code, state or ticket",
	    async () => {
		const b = new Browser();
		const a = await site.walk(b, { provider: "interact",
		    bind: bindOf("log"), return_to: "/account" });

		await b.follow(a);
		// lighttpd writes its buffer when it ends.
		await site.restart({ more: () => "" });
		const log = readFileSync(join(site.dir, "log", "access.log"),
		    "utf8");

		for (const path of ["/oauth/start", "/account",
		    "/oauth/callback/interact"])
			assert.match(log, new RegExp(`"GET ${path}" `));
		assert.doesNotMatch(log, /\?|code=|state=|ticket=|bind=/);
	});

	it("only the backend's address reaches /refresh", async () => {
		const status = (from) => new Promise((done, fail) => {
			http.request(`${site.url}/refresh`, { method: "POST",
			    localAddress: from }, (res) => {
				res.resume();
				done(res.statusCode);
			}).on("error", fail).end();
		});

		await site.restart({ more: () =>
		    'server.modules += ( "mod_access" )\n' +
		    security('$HTTP["remoteip"]') });
		assert.equal(await status("127.0.0.1"), 401);
		assert.equal(await status("127.0.0.2"), 403);
		assert.equal((await request(`${site.url}/start`,
		    { method: "HEAD" })).status, 200);
	});

	it("starting over: a new key, nobody is connected, and can be again",
	    async () => {
		const c = await site.connect("leaked");

		await site.restart({ more() {
			site.key = at(site, security("mkdir -m 700 leaked"))
			    .trim().split("\n").at(-1);
			return "";
		} });
		assert.match(site.key, /^oacgi_/);
		for (const file of ["oauth.db", "oauth.db-lock", "token.key",
		    "pending.key"])
			assert.ok(existsSync(join(site.dir, "var", "leaked",
			    file)), file);
		assert.equal((await site.refresh({ provider: "interact",
		    subject: "leaked" })).status, 404);
		assert.notEqual((await site.connect("leaked")).connection,
		    c.connection);
	});
});

describe("the man pages leave nothing out", () => {
	const page = (name) => source(`man/${name}`);
	const all = (text, pattern) => [...text.matchAll(pattern)].map((m) =>
	    m[1]);
	// The items of a page's lists that begin with that macro.
	const items = (name, macro) => page(name).split("\n")
	    .filter((line) => line.startsWith(`.It ${macro} `))
	    .flatMap((line) => line.slice(4).split(/[ ,]+/));

	it("every key of the configuration", () => {
		const keys = all(source("src/ports/conf_words.c"),
		    /\{ "(\w+)", (?:0|CONF_)/g);

		assert.ok(keys.length > 30);
		for (const key of keys)
			assert.ok(items("oauth-cgi.conf.5", "Ic")
			    .includes(key), key);
	});

	it("every command and option of oauth-cgi", () => {
		const code = source("admin/main.c");
		const usage = all(code, /^\t\{ "(\w+)", \d/gm);
		const options = all(code, /\{ "([\w-]+)", \w+_argument/g);
		const text = page("oauth-cgi.8");

		assert.ok(usage.length > 8 && options.length > 7);
		for (const name of usage)
			assert.match(text, new RegExp(
			    `^\\.Cm ${name}\\b[^]*^\\.It Cm ${name}\\b`,
			    "m"), name);
		for (const name of options)
			assert.match(text, new RegExp(`Fl -${name}\\b`), name);
	});

	it("every environment variable", () => {
		const names = ["src/app/app.c", "src/ports/conf_find.c",
		    "src/ports/keyring.c", "src/ports/listener.c"]
		    .flatMap((path) => all(source(path), /getenv\("(\w+)"\)/g))
		    .filter((name) => !/^(QUERY_STRING|REQUEST_METHOD)$/
		    .test(name));

		assert.ok(names.length >= 4);
		for (const name of names)
			assert.ok(items("oauth-cgi.7", "Ev").includes(name),
			    name);
	});

	it("every error, and every way in which a flow ends", () => {
		const told = (name, status, error) => assert.ok(page(name)
		    .split("\n").some((line) => line.startsWith(".It ") &&
		    line.includes(status) && line.includes(error)),
		    `${status} ${error} in ${name}`);
		const problems = [...source("src/flows/problem.c").matchAll(
		    /\[(PROBLEM_\w+)\] = \{ (\d+), "(\w+)"/g)];
		const flows = ["start", "callback"].map((name) => ({
			its: `oauth-cgi-${name}.8`,
			code: TREE.filter((path) => new RegExp(
			    `flows/(flow_)?${name}\\w*\\.c$`).test(path))
			    .map(source).join("\n"),
		}));
		const refusals = [...source("src/flows/flow_refresh.c")
		    .matchAll(/\D(\d{3}), "(\w+)"/g)];
		const ends = all(source("src/flows/callback.h"),
		    /#define [A-Z_]+\s+"(\w+)"/g);

		assert.ok(problems.length > 12);
		assert.ok(refusals.length > 6);
		assert.ok(ends.length > 5);
		// What neither of the flows names comes before any flow.
		for (const [, name, status, error] of problems) {
			const by = flows.filter(({ code }) => new RegExp(
			    `\\b${name}\\b`).test(code));

			for (const { its } of by.length > 0 ? by : flows)
				told(its, status, error);
		}
		for (const [, status, error] of refusals)
			told("oauth-cgi-refresh.8", status, error);
		for (const end of ends.filter((e) => e !== "denied"))
			told("oauth-cgi-callback.8", "Li", end);
	});
});

describe("oauth-cgi(7)", () => {
	let site;

	before(async () => {
		site = await Site.start({ settings: { auto: 1 } });
	});
	after(() => site?.stop());

	changesAKey("keys", typed(manual("oauth-cgi.7", "openssl rand")),
	    typed(manual("oauth-cgi.7", "sqlite3", "SELECT")));

	it("a copy made in use, and restored as it says", async () => {
		const dir = join(site.dir, "var");
		const c = await site.connect("saved");

		at(site, typed(manual("oauth-cgi.7", ".backup")));
		assert.equal(statSync(join(dir, "copy.db")).mode & 0o777,
		    0o600);
		await site.connect("later");
		await site.restart({ more() {
			at(site, "cp -p copy.db oauth.db; " +
			    "rm -f oauth.db-wal oauth.db-shm");
			return "";
		} });
		assert.equal((await ask(site, c)).access_token,
		    c.access_token);
		assert.equal((await site.refresh({ provider: "interact",
		    subject: "later" })).status, 404);
		assert.equal((await site.connect("later")).status, "ok");
	});
});

describe("oauth-cgi(8)", () => {
	let site;

	before(async () => {
		site = await Site.start({ settings: { auto: 1 } });
	});
	after(() => site?.stop());

	it("setting up", () => {
		const dir = mkdtempSync(join(tmpdir(), "oac-"));

		try {
			shell(typed(manual("oauth-cgi.8", "init --user"))
			    .replace("www-data", ME), { cwd: dir,
			    env: { OAUTH_CGI_CONFIG: join(dir, "c.conf") } });
			assert.match(readFileSync(join(dir, "shop.key"),
			    "utf8"), /^oacgi_[\w-]{43}\n$/);
		} finally {
			rmSync(dir, { recursive: true });
		}
	});

	it("an account of the site's own, in a script", async () => {
		const example = typed(manual("oauth-cgi.8", "connect interact"));
		const [link, script] = example.split(/\n(?=TOKEN=)/);
		const b = new Browser();
		let a = await b.get(at(site, link).trim());

		for (a = await b.press(a); a.location !== undefined;)
			a = await b.follow(a);
		assert.match(a.text, /Interact<\/bdi> is connected/);
		const token = at(site, `${script}\nprintf %s "$TOKEN"`);

		assert.equal((await site.provider.me(token)).status, 200);
	});

	it("the connections that a user must renew", async () => {
		const c = await site.connect("gone");

		await site.connect("good");
		age(site);
		await site.provider.set({ fail: "1:invalid_grant" });
		assert.equal((await site.refresh({ connection: c.connection }))
		    .status, 409);
		const lines = at(site, typed(manual("oauth-cgi.8",
		    '"status":"broken"'))).trim().split("\n");

		assert.deepEqual(lines.map((l) => JSON.parse(l).subject),
		    ["gone"]);
	});

	it("what cron runs is silent", () => {
		const line = manual("oauth-cgi.8", "* * * *").trim();

		assert.equal(at(site, line.replace(/^(\S+ ){5}/, "")), "");
	});
});

describe("oauth-cgi-refresh(8), oauth-cgi-start(8)", () => {
	let site;

	before(async () => {
		site = await Site.start({ settings: { auto: 1 } });
	});
	after(() => site?.stop());

	it("the form, the two questions, and rejected", async () => {
		const html = manual("oauth-cgi-start.8", "<form");
		const bind = bindOf("manual");
		const fields = Object.fromEntries([...html.matchAll(
		    /name="(\w+)" value="([^"]*)"/g)].map((m) => [m[1], m[2]]));
		const a = await site.walk(new Browser(), { ...fields, bind });
		const back = new URL(a.location);
		const [redeem, get] = typed(manual("oauth-cgi-refresh.8",
		    "$TICKET")).split(/\n(?=curl)/);
		const env = { BIND: bind,
		    TICKET: back.searchParams.get("ticket") };

		assert.equal(back.pathname, "/account");
		const first = JSON.parse(at(site, redeem, { env }));

		assert.equal(first.subject, "42");
		const again = JSON.parse(at(site, get));

		assert.deepEqual(Object.keys(again), Object.keys(first));
		assert.equal(again.access_token, first.access_token);
		// It is younger than a minute.
		const rejected = JSON.parse(at(site, typed(manual(
		    "oauth-cgi-refresh.8", "$TOKEN")),
		    { env: { TOKEN: first.access_token } }));

		assert.equal(rejected.error, "temporarily_unavailable");
	});
});

describe("oauth-cgi.conf(5)", () => {
	let dir;
	const conf = (text) => appendFileSync(join(dir, "oauth-cgi.conf"),
	    text, { mode: 0o600 });
	const example = (word) => manual("oauth-cgi.conf.5", word);

	before(() => {
		dir = mkdtempSync(join(tmpdir(), "oac-"));
		for (const name of ["providers", "pages", "oauth-cgi"])
			mkdirSync(join(dir, name));
	});
	after(() => rmSync(dir, { recursive: true }));

	it("its examples are a configuration", () => {
		conf(example("database = ").replaceAll(/"\/(var\/lib|etc)/g,
		    `"${dir}`));
		conf(example("provider github"));
		conf(example("provider interact-eu"));
		conf(example("provider shopify"));
		writeFileSync(join(dir, "providers", "acme.conf"),
		    example("provider acme"), { mode: 0o600 });
		conf('provider acme { client_id = "a"\nclient_secret = "b" }');
		for (const name of ["interact", "github", "interact-eu",
		    "shopify"])
			writeFileSync(join(dir, `${name}.secret`), "s\n",
			    { mode: 0o600 });
		const env = { OAUTH_CGI_CONFIG: join(dir, "oauth-cgi.conf"),
		    GITHUB_ID: "id" };

		assert.match(shell("oauth-cgi init", { env }), /token\.key/);
		for (const name of ["interact", "github", "interact-eu",
		    "shopify", "acme"])
			shell(`oauth-cgi app list | grep -q shop-eu ||
			    oauth-cgi app add shop-eu >key
			    oauth-cgi connect ${name} me`, { env, cwd: dir });
		for (const [name, word] of [["style.css", "--accent"],
		    ["en.txt", "confirm.text"]])
			writeFileSync(join(dir, "pages", name), example(word),
			    { mode: 0o600 });
		assert.match(shell("oauth-cgi pages", { env }),
		    /^en +shipped, own\nstyle +shipped, own$/m);
		// The example's variable counts.
		assert.throws(() => shell("oauth-cgi list",
		    { env: { ...env, GITHUB_ID: "" } }), /client_id/);
	});
});
