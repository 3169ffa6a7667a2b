// SPDX-License-Identifier: ISC
// needs-root and an archive
//
// The archive for shared hosts: what is in it, its install.sh, and whole flows
// where such hosts are mean: suEXEC, .htaccess alone, a folder with blanks, no
// FastCGI, a chroot without a library, without /proc and /dev.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { appendFileSync, chmodSync, chownSync, cpSync, existsSync, mkdirSync,
    readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import https from "node:https";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Browser, request } from "./lib/browser.mjs";
import { after, before, describe, it } from "./lib/harness.mjs";
import { asCustomer, CUSTOMER, Host, install, makeHome, tree } from
    "./lib/host.mjs";
import { Provider } from "./lib/provider.mjs";
import { bindOf, BUILD } from "./lib/site.mjs";

const TOP = join(dirname(fileURLToPath(import.meta.url)), "../..");
const PROGRAMS = ["start", "callback", "refresh"];
const ALL = ["oauth-cgi", ...PROGRAMS.map((p) => `${p}.fcgi`)];
const chown = (path) => chownSync(path, CUSTOMER.uid, CUSTOMER.gid);
const modes = (found) => Object.fromEntries(Object.entries(found).map(
    ([name, st]) => [name, st.mode & 0o777]));
const remove = (dir) => dir !== undefined &&
    rmSync(dir, { recursive: true, force: true });

describe("the archive", () => {
	let home;
	const file = (...path) => join(home, "oauth-cgi", ...path);

	before(() => { home = makeHome(); });
	after(() => remove(home));

	it("the programs need nothing of the host", () => {
		for (const name of ALL) {
			const out = execFileSync("readelf", ["-hldW",
			    file("bin", name)], { encoding: "utf8" });

			assert.match(out, /Class: +ELF64/);
			assert.match(out, /Machine: +Advanced Micro Devices/);
			assert.match(out, /Type: +DYN/, `${name} is PIE`);
			assert.match(out, /FLAGS_1.*PIE/);
			assert.doesNotMatch(out,
			    /INTERP|\(NEEDED\)|RPATH|RUNPATH|TEXTREL/);
			assert.match(out, /GNU_RELRO/);
			assert.match(out, /GNU_STACK.* RW +0x/);
			assert.match(out, /BIND_NOW|FLAGS_1.*NOW/);
		}
	});

	it("tells what is inside of them, and on what terms", () => {
		const out = asCustomer(file("bin/oauth-cgi"),
		    ["version", "--libs"]);
		const licences = readFileSync(file("LICENCES"), "utf8");
		const libraries = [...out.matchAll(/^ {2}(\S+) (\S+)$/gm)];

		assert.match(out, /^oauth-cgi \d[\s\S]* inside of the programs:/);
		assert.deepEqual(libraries.map((m) => m[1]).sort(),
		    ["c-ares", "glibc", "json-c", "libconfuse", "libcurl",
			"libfcgi", "libgcc", "openssl", "sqlite"]);
		for (const [, name, version] of libraries) {
			assert.match(version, /^\d+(\.\d+)+/);
			assert.ok(licences.includes(`\n======== ${name} =====`),
			    name);
			assert.ok(new RegExp(`${name} +${version
			    .replaceAll("+", "\\+")}\n`).test(licences), name);
		}
		for (const text of ["COPYRIGHT AND PERMISSION NOTICE",
		    "Apache License", "GNU LESSER GENERAL PUBLIC LICENSE",
		    "GCC RUNTIME LIBRARY EXCEPTION"])
			assert.ok(licences.toUpperCase().includes(
			    text.toUpperCase()), text);
	});

	it("has nobody's paths and modes in it", () => {
		const found = modes(tree(file()));

		assert.equal(found.etc, 0o700);
		assert.equal(found.var, 0o700);
		for (const [name, mode] of Object.entries(found))
			assert.ok((mode & 0o022) === 0, name);
		for (const name of ["HOSTING.md", "LICENSE", ".htaccess",
		    "public/.htaccess", "doc/oauth-cgi.conf.5.html"])
			assert.equal(found[name], 0o644, name);
		for (const name of ALL)
			assert.ok(!readFileSync(file("bin", name))
			    .includes(BUILD), `${name} names ${BUILD}`);
	});
});

describe("install.sh", () => {
	let home;
	const file = (...path) => join(home, "oauth-cgi", ...path);
	const contents = () => Object.fromEntries(Object.entries(tree(home))
	    .filter(([name, st]) => st.isFile() && !/\/oauth\.db/.test(name))
	    .map(([name]) => [name, readFileSync(join(home, name), "latin1")]));
	const settings = (text) => {
		writeFileSync(file("settings.txt"), text);
		chown(file("settings.txt"));
	};
	const refuses = async (args, pattern) => {
		const before = tree(home);
		const { code, text } = await install(home, ...args);

		assert.notEqual(code, 0, text);
		assert.match(text, pattern);
		assert.deepEqual(Object.keys(tree(home)), Object.keys(before));
	};
	const good = ["--public", "public_html/oauth", "--url",
	    "https://shop.example/oauth", "--client-id", "me", "--secret-file",
	    "/dev/null"];
	const but = (name, value) => good.map((word, i) =>
	    good[i - 1] === name ? value : word);

	before(() => { home = makeHome(); });
	after(() => remove(home));

	it("says what is missing when nobody can be asked", () =>
		refuses([], /missing: public url client_id client_secret\n/));

	it("refuses what would do harm, and then does nothing", async () => {
		await refuses(but("--public", "public_html"), /whole website/);
		await refuses(but("--public", "../x"), /without dots/);
		await refuses(but("--public", "/srv/www/x"), /path from/);
		await refuses(but("--public", "oauth-cgi/x"), /nobody may/);
		await refuses(but("--public", "www/x"), /www does not exist/);
		await refuses(but("--url", "http://shop.example/oauth"),
		    /write https/);
		await refuses(but("--url", 'https://a.b/"'), /no address/);
		await refuses(but("--client-id", '"'), /client_id/);
		await refuses([...good, "--app", "A b"], /a to z/);
		await refuses([...good, "--nonsense", "1"], /usage/);
		writeFileSync(join(home, "public_html/index.html"), "hello");
		mkdirSync(join(home, "public_html/site"));
		writeFileSync(join(home, "public_html/site/.htaccess"), "");
		await refuses(but("--public", "public_html/site"), /not ours/);
		rmSync(join(home, "public_html/site/.htaccess"));
		writeFileSync(join(home, "public_html/site/page.html"), "");
		await refuses(but("--public", "public_html/site"),
		    /holds other files \(page\.html\)/);
		settings("url https://shop.example\n");
		await refuses([], /settings\.txt, line 1/);
		settings("# one\nurll = x\n");
		await refuses([], /line 2: there is no setting "urll"/);
	});

	it("installs what settings.txt says, also from Windows", async () => {
		settings("\ufeff# mine\r\npublic = public_html/oauth\r\n" +
		    "url=https://shop.example/oauth\r\n\r\n" +
		    "client_id = my id\r\nclient_secret = a'b$c\"d\\e \r\n");
		const { code, text } = await install(home);

		assert.equal(code, 0, text);
		assert.match(text, /https:\/\/shop\.example\/oauth\/callback\/interact\n/);
		const cron = /^ +(.* purge)$/m.exec(text)[1];

		assert.equal(asCustomer("sh", ["-c", cron]), "");
		assert.ok(!text.includes("a'b"), "the secret is not printed");
		assert.equal(readFileSync(file("etc/interact.secret"), "utf8"),
		    "a'b$c\"d\\e\n");
		assert.match(readFileSync(file("etc/website.key"), "utf8"),
		    /^oacgi_[\w-]{43}\n$/);
		assert.ok(!text.includes("oacgi_"), "nor the key");
	});

	it("leaves nothing open, and what suEXEC takes", () => {
		for (const [name, mode] of Object.entries(modes(tree(file())))) {
			if (/^(etc|var|settings\.txt)(\/|$)/.test(name))
				assert.equal(mode & 0o077, 0, name);
			assert.equal(mode & 0o022, 0, name);
		}
		assert.deepEqual(modes(tree(join(home, "public_html/oauth"))),
		    { "start.fcgi": 0o755, "callback.fcgi": 0o755,
			"refresh.fcgi": 0o755, ".htaccess": 0o644 });
		assert.equal(modes(tree(join(home, "public_html"))).oauth,
		    0o755);
		assert.equal(modes(tree(home))["oauth-cgi"], 0o700);
		for (const [name, st] of Object.entries(tree(home)))
			if (!/index\.html|\/site/.test(name))
				assert.equal(st.uid, CUSTOMER.uid, name);
	});

	it("changes nothing when it runs again", async () => {
		const before = contents();
		const again = await install(home);

		assert.equal(again.code, 0, again.text);
		assert.doesNotMatch(again.text, /^(created|installed)/m);
		assert.match(again.text, /shop\.example\/oauth\/callback\//);
		assert.deepEqual(contents(), before);
	});

	it("puts new programs in place, and mends the modes", async () => {
		const before = contents();
		const start = join(home, "public_html/oauth/start.fcgi");

		// An older one, that runs; an upload that lost all modes; and
		// what the customer has changed.
		appendFileSync(start, "older");
		appendFileSync(join(home, "public_html/oauth/.htaccess"),
		    "# mine\n");
		appendFileSync(file("etc/oauth-cgi.conf"), "# mine\n");
		writeFileSync(join(home, "public_html/oauth/error_log"), "");
		execFileSync("chmod", ["-R", "u=rwX,go=rX", file()]);
		for (const name of ALL)
			chmodSync(file("bin", name), 0o644);
		const running = spawn(start, [], { ...CUSTOMER,
		    stdio: ["pipe", "ignore", "ignore"], env: {
			REQUEST_METHOD: "POST", CONTENT_LENGTH: "9",
			CONTENT_TYPE: "application/x-www-form-urlencoded" } });
		const ended = new Promise((done) => running.on("exit", done));
		const again = await install(home);

		assert.equal(running.exitCode, null, "it still runs");
		running.stdin.end();
		await ended;
		assert.equal(again.code, 0, again.text);
		assert.match(again.text, /^installed .*start\.fcgi$/m);
		assert.doesNotMatch(again.text, /^created/m);
		assert.match(again.text, /differs from the new one/);
		rmSync(join(home, "public_html/oauth/error_log"));
		const now = contents();

		for (const [name, text] of Object.entries(before))
			assert.equal(now[name], /\.htaccess$|\.conf$/.test(name) &&
			    !/oauth-cgi\/(public\/)?\.htaccess/.test(name) ?
			    `${text}# mine\n` : text, name);
		for (const [name, mode] of Object.entries(modes(tree(file()))))
			if (/^(etc|var|settings\.txt)(\/|$)/.test(name))
				assert.equal(mode & 0o077, 0, name);
	});

	it("asks in a terminal, and does not show the secret", async () => {
		const other = makeHome();
		// script(1) is the terminal.
		const child = spawn("script", ["-qefc",
		    `sh '${join(other, "oauth-cgi/install.sh")
			.replaceAll("'", "'\\''")}'`, "/dev/null"],
		    { ...CUSTOMER, cwd: "/", env: { PATH: "/usr/bin:/bin",
			SHELL: "/bin/sh" } });
		const answers = [["folder for the programs [public_html/oauth]",
		    ""], ["its address", "https://shop.example/oauth"],
		    ["provider [interact]", ""], ["client id", "me"],
		    ["client secret (not shown)", "S3CRET"]];
		let text = "", next = 0;

		child.stdout.on("data", (data) => {
			text += data;
			if (next < answers.length &&
			    text.includes(answers[next][0])) {
				child.stdin.write(`${answers[next][1]}\n`);
				next++;
			}
		});
		try {
			const code = await new Promise((done) =>
			    child.on("exit", done));

			assert.equal(code, 0, text);
			assert.equal(next, answers.length, text);
			assert.ok(!text.includes("S3CRET"), text);
			assert.equal(readFileSync(join(other,
			    "oauth-cgi/etc/interact.secret"), "utf8"),
			    "S3CRET\n");
			assert.ok(existsSync(join(other,
			    "public_html/oauth/callback.fcgi")));
		} finally {
			child.kill();
			remove(other);
		}
	});

	it("prepares, elsewhere, what can be uploaded", async () => {
		// A tree that was set up in one place works in another.
		const there = makeHome();

		try {
			for (const name of ["oauth-cgi", "public_html"])
				remove(join(there, name));
			for (const name of ["oauth-cgi", "public_html"])
				asCustomer("cp", ["-Rp", join(home, name),
				    there]);
			const out = asCustomer(join(there,
			    "public_html/oauth/refresh.fcgi"), [], { env: {
				REQUEST_METHOD: "POST", CONTENT_LENGTH: "0",
				CONTENT_TYPE: "application/x-www-form-urlencoded",
				HTTP_AUTHORIZATION: `Bearer ${readFileSync(
				    join(there, "oauth-cgi/etc/website.key"),
				    "utf8").trim()}` }, input: "",
				stdio: ["pipe", "pipe", "pipe"] });

			// The key is known: the database there is used.
			assert.match(out, /^Status: 400 /);
		} finally {
			remove(there);
		}
	});
});
