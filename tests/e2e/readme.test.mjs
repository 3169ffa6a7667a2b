// SPDX-License-Identifier: ISC
//
// What README.md tells people to write and to run, run: the configuration, the
// web server's part, the form, and the two curl commands, with the paths and
// addresses of a test put in. (Its `tests/run.sh` is what runs this; its
// `deploy/demo.sh` is demo.test.mjs.)

import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync,
    writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Browser, request } from "./lib/browser.mjs";
import { blockWith, indented, source } from "./lib/document.mjs";
import { after, before, describe, it, sleep } from "./lib/harness.mjs";
import { end, Provider } from "./lib/provider.mjs";
import { BUILD, bindOf, freePort } from "./lib/site.mjs";

const README = source("README.md");
const block = (word) => blockWith(indented(README), word);

describe("README", () => {
	let dir, port, provider, server, key;
	const oauth = (...args) => execFileSync(join(BUILD, "oauth-cgi"),
	    ["-c", join(dir, "oauth-cgi.conf"), ...args],
	    { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
	const here = (text) => text
	    .replaceAll("https://shop.example", `http://127.0.0.1:${port}`)
	    .replaceAll("/usr/local/libexec/oauth-cgi", BUILD)
	    .replaceAll("/usr/local/etc", dir)
	    .replaceAll("/run/lighttpd", dir);
	const shell = async (text, env) => JSON.parse((await promisify(
	    execFile)("/bin/sh", ["-c", here(text)],
	    { env: { PATH: process.env.PATH, KEY: key, ...env } })).stdout);

	before(async () => {
		dir = mkdtempSync(join(tmpdir(), "oac-"));
		mkdirSync(join(dir, "www"));
		port = await freePort();
		provider = await Provider.start(BUILD, dir, { auto: 1, ttl: 3600 });
	});
	after(async () => {
		if (server !== undefined)
			await end(server);
		await provider?.stop();
		rmSync(dir, { recursive: true, force: true });
	});

	it("its configuration is one", () => {
		const text = here(block("client_id     ="))
		    .replace('"…"', '"demo-client"')
		    .replace("provider interact {", `provider interact {
    authorize_url = "${provider.url}/authorize"
    token_url = "${provider.url}/token"
    allow_insecure = yes`);

		writeFileSync(join(dir, "oauth-cgi.conf"), text,
		    { mode: 0o600 });
		writeFileSync(join(dir, "interact.secret"), "demo-secret\n",
		    { mode: 0o600 });
		assert.match(oauth("init"), /token\.key/);
	});

	it("its commands make an app", () => {
		assert.match(README, /oauth-cgi app add shop/);
		key = oauth("app", "add", "shop").trim();
		assert.match(key, /^oacgi_[\w-]{43}$/);
		assert.equal(oauth("list"), "");
	});

	it("its packages are those that the demo builds with", () => {
		const text = README.replaceAll("\\\n", " ");
		const listed = /apt-get install (gcc .*)/.exec(text)[1]
		    .trim().split(/\s+/);
		const built = /to_build='([^']+)'/.exec(source(
		    "deploy/demo.sh"))[1].split(/\s+/);

		for (const name of built)
			assert.ok(name === "libc6-dev" ||
			    listed.includes(name), name);
	});

	it("a client secret's file can be made as it says", () => {
		const line = /^ {4}(install -m 640 .*)$/m.exec(README)[1];
		const group = execFileSync("id", ["-gn"], { encoding: "utf8" });

		execFileSync("/bin/sh", ["-c", here(line)
		    .replace("www-data", group.trim())
		    .replace("interact.secret", "made.secret")]);
		assert.equal(readFileSync(join(dir, "made.secret"), "utf8"),
		    "");
	});

	it("the files that it copies are there", () => {
		const files = [...README.matchAll(/^ {4}cp (\S+)/gm)]
		    .map((m) => m[1]);

		assert.ok(files.length >= 2);
		for (const file of files)
			assert.ok(source(file).length > 0, file);
	});

	it("its lighttpd configuration serves the programs", async () => {
		const file = /cp (\S+lighttpd\S+)/.exec(README)[1];
		const log = openSync(join(dir, "log"), "a");
		const conf = join(dir, "lighttpd.conf");

		writeFileSync(conf, `server.port = ${port}
server.bind = "127.0.0.1"
server.document-root = "${dir}/www"
server.errorlog = "${dir}/error.log"
${here(source(file))}
`);
		server = spawn("/usr/sbin/lighttpd", ["-D", "-f", conf],
		    { stdio: ["ignore", log, log] });
		for (let i = 0; i < 200; i++) {
			const a = await request(
			    `http://127.0.0.1:${port}/oauth/start`,
			    { method: "HEAD" }).catch(() => undefined);

			if (a?.status === 200)
				return;
			await sleep(50);
		}
		assert.fail(readFileSync(join(dir, "error.log"), "utf8"));
	});

	it("its check finds nothing to mend", () => {
		assert.match(README, /^ {4}oauth-cgi check$/m);
		assert.match(oauth("check", "--user", userInfo().username),
		    /^0 to mend, /m);
	});

	it("its form and its curl commands give a token", async () => {
		const html = block("<form");
		const bind = bindOf("session");
		const form = Object.fromEntries([...html.matchAll(
		    /name="(\w+)" value="([^"]*)"/g)].map((m) =>
		    [m[1], m[1] === "bind" ? bind : m[2]]));
		const action = /action="([^"]*)"/.exec(html)[1];
		const browser = new Browser();
		const site = `http://127.0.0.1:${port}`;
		let a = await browser.post(`${site}${action}`, form);

		for (let i = 0; i < 5 && !a.location?.includes("ticket"); i++)
			a = await browser.follow(a);
		const back = new URL(a.location);

		assert.equal(back.pathname, form.return_to);
		assert.equal(back.searchParams.get("status"), "connected");
		const first = await shell(block("$TICKET"), { BIND: bind,
		    TICKET: back.searchParams.get("ticket") });
		const again = await shell(block("-d provider=interact")
		    .split("\n{")[0], {});

		assert.equal(first.status, "ok");
		assert.equal(again.access_token, first.access_token);
		assert.equal(oauth("token", "interact", "42").trim(),
		    first.access_token);
		assert.match(oauth("connect", "interact", "43"),
		    /\/start\?link=/);
		assert.match(oauth("show", "interact", "42"), /ok/);
		assert.equal(oauth("purge"), "");
	});
});
