// SPDX-License-Identifier: ISC
// needs: root archive
// runs: apache2 cc openssl perl php readelf script
//
// The archive for shared hosts: what is in it, its install.sh, and whole flows
// where such hosts are mean: suEXEC, .htaccess alone, a folder with blanks, no
// FastCGI, a chroot without a library, without /proc and /dev.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { appendFileSync, chmodSync, chownSync, cpSync, existsSync, mkdirSync,
    readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from
    "node:fs";
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
const GUIDE = readFileSync(join(TOP, "deploy/hosting/HOSTING.md"), "utf8");
const OFFLINE = "offline = yes\n";	// nobody outside of here is asked
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
			    .includes(`${BUILD}/build-`), `${name}: ${BUILD}`);
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
	    "/dev/null", "--offline"];
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
		symlinkSync("/srv", join(home, "elsewhere"));
		await refuses(but("--public", "elsewhere/oauth"),
		    /really \/srv\n/);
		rmSync(join(home, "elsewhere"));
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

	it("is not for root", () => {
		assert.throws(() => execFileSync("sh", [file("install.sh"),
		    ...good], { stdio: "pipe" }), /not as root/);
		assert.equal(existsSync(file("etc/oauth-cgi.conf")), false);
	});

	it("installs what settings.txt says, also from Windows", async () => {
		settings("\ufeff# mine\r\npublic = public_html/oauth\r\n" +
		    "url=https://shop.example/oauth\r\n\r\n" +
		    "offline = yes\r\n" +
		    "client_id = my id\r\nclient_secret = a'b$c\"d\\e \r\n");
		const { code, text } = await install(home);

		assert.equal(code, 0, text);
		assert.match(text, /https:\/\/shop\.example\/oauth\/callback\/interact\n/);
		const cron = /^ {7}('.* purge)$/m.exec(text)[1];

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
		writeFileSync(file("etc/oauth-cgi.conf"), readFileSync(
		    file("etc/oauth-cgi.conf"), "utf8").replace(/"(https.*)"/,
		    "'$1'"));
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

		const conf = "oauth-cgi/etc/oauth-cgi.conf";
		const htaccess = "public_html/oauth/.htaccess";

		before[conf] = before[conf].replace(/"(https.*)"/, "'$1'");
		before[htaccess] += "# mine\n";
		assert.deepEqual(now, before);
		for (const [name, mode] of Object.entries(modes(tree(file()))))
			if (/^(etc|var|settings\.txt)(\/|$)/.test(name))
				assert.equal(mode & 0o077, 0, name);
	});

	it("asks in a terminal, and does not show the secret", async () => {
		const other = makeHome();
		// script(1) is the terminal.
		const child = spawn("script", ["-qefc",
		    `sh '${join(other, "oauth-cgi/install.sh")
			.replaceAll("'", "'\\''")}' --offline`, "/dev/null"],
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

});

// ---- what HOSTING.md tells people to write and to run -----------------------

describe("HOSTING.md", () => {
	let home;
	const file = (...path) => join(home, "oauth-cgi", ...path);
	const blocks = GUIDE.split(/\n(?! {4}|\n)/).map((part) => part.split("\n")
	    .filter((line) => /^ {4}/.test(line)).map((line) => line.slice(4))
	    .join("\n")).filter((text) => text !== "");
	const block = (word) => {
		const found = blocks.find((b) => b.includes(word));

		assert.ok(found, `HOSTING.md has a block with ${word}`);
		return found.replaceAll("www.example.org", "shop.test");
	};
	const run = (text, at = home) => asCustomer("sh", ["-c", text],
	    { cwd: at, env: { PATH: "/usr/bin:/bin", HOME: at } });

	before(() => { home = makeHome(); });
	after(() => remove(home));

	it("its settings, by its cron job", () => {
		writeFileSync(file("settings.txt"),
		    `${block("public = public_html/oauth")}\n${OFFLINE}`);
		chown(file("settings.txt"));
		assert.equal(run(block("install.log")), "");
		const log = readFileSync(file("install.log"), "utf8");

		assert.match(log, /is set up/);
		assert.equal(/^ +(https.*\/callback\/.*)$/m.exec(log)[1],
		    block("/oauth/callback/interact"));
		assert.doesNotMatch(log, /oacgi_/);
		assert.equal(readFileSync(file("etc/interact.secret"), "utf8"),
		    "what the provider gave you\n");
	});

	it("from a shell, and by PHP", () => {
		const php = /```php\n(<\?php\npassthru[^`]*)```/.exec(GUIDE)[1];

		assert.match(run(block("~/oauth-cgi/install.sh")), /is set up/);
		writeFileSync(file("install.php"), php);
		assert.match(run(`php '${file("install.php").replaceAll("'",
		    "'\\''")}'`), /is set up/);
		rmSync(file("install.php"));
	});

	it("its settings for cgi-bin", () => {
		const other = makeHome();

		try {
			mkdirSync(join(other, "cgi-bin"));
			chown(join(other, "cgi-bin"));
			writeFileSync(join(other, "oauth-cgi/settings.txt"),
			    `${block("cgi_bin = yes")}\nclient_id = 1\n` +
			    `client_secret = 2\n${OFFLINE}`);
			chown(join(other, "oauth-cgi/settings.txt"));
			assert.match(run(block("~/oauth-cgi/install.sh"), other),
			    /is set up/);
			assert.deepEqual(readdirSync(join(other,
			    "cgi-bin/oauth")).sort(),
			    [".htaccess", ...PROGRAMS].sort());
		} finally {
			remove(other);
		}
	});

	it("its cron lines, and the version", () => {
		assert.equal(run(block("purge")), "");
		writeFileSync(file("var/oauth-cgi.log"), "line\n");
		chown(file("var/oauth-cgi.log"));
		assert.equal(run(block("oauth-cgi.log.1")), "");
		assert.ok(existsSync(file("var/oauth-cgi.log.1")));
		assert.match(run(block("version --libs")), /openssl/);
		assert.match(run(`${block('oauth-cgi" check')} --offline`),
		    /\n0 to mend/);
	});

	it("names files that are there, and modes that are right", () => {
		const found = modes(tree(home));

		for (const [, name] of GUIDE.matchAll(
		    /`(oauth-cgi\/[\w./-]+|public_html\/oauth\/[\w.-]+)`/g))
			if (!/install\.(php|log)$|oauth-cgi\.log$/.test(name))
				assert.ok(existsSync(join(home, name)), name);
		for (const name of ["", "/etc", "/etc/keys", "/var"])
			assert.equal(found[`oauth-cgi${name}`], 0o700, name);
		for (const [name, st] of Object.entries(tree(home)))
			if (st.isFile() &&
			    /^oauth-cgi\/(etc|etc\/keys|var)\/[^/]+$/.test(name) &&
			    !name.includes(".log"))
				assert.equal(found[name], 0o600, name);
			else if (/\.fcgi$|oauth\/?$|bin\/oauth-cgi$/.test(name))
				assert.equal(found[name], 0o755, name);
	});

	it("prepares, elsewhere, what can be uploaded", async () => {
		const here = makeHome(), there = makeHome();

		try {
			remove(join(here, "public_html"));
			writeFileSync(join(here, "oauth-cgi/settings.txt"),
			    `${block("public = public_html/oauth")}\n${OFFLINE}`);
			chown(join(here, "oauth-cgi/settings.txt"));
			assert.match(run(block("mkdir public_html"), here),
			    /is set up/);
			run(block("tar -czf"), here);
			remove(join(there, "oauth-cgi"));
			run(`tar -xzf '${join(here, "upload.tar.gz")
			    .replaceAll("'", "'\\''")}'`, there);
			assert.deepEqual(modes(tree(join(there, "oauth-cgi"))),
			    modes(tree(join(here, "oauth-cgi"))));
			remove(join(here, "oauth-cgi"));
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
			remove(here);
			remove(there);
		}
	});
});

// ---- Apache with suEXEC -----------------------------------------------------

// From the form to a token, and what the database and the log are then.
async function wholeFlow(h) {
	const b = new Browser();
	const bind = bindOf("session");
	let a = await b.get(`${h.url}/start?${new URLSearchParams({
	    provider: "interact", return_to: "/account", bind })}`);

	assert.equal(a.status, 303, `${a.text}${h.logs()}`);
	assert.equal(new URL(a.location).searchParams.get("redirect_uri"),
	    `${h.url}/callback/interact`);
	a = await b.follow(await b.follow(a));
	assert.equal(a.status, 303, a.text);
	const back = new URL(a.location);

	assert.equal(back.pathname, "/account");
	assert.equal(back.searchParams.get("status"), "connected");
	const r = await h.refresh({ ticket: back.searchParams.get("ticket"),
	    subject: "42", bind });

	assert.equal(r.status, 200, `${r.text}${h.logs()}`);
	// A refresh, which writes.
	await h.provider.expire();
	const again = await h.refresh({ provider: "interact", subject: "42",
	    rejected: r.json().access_token });

	assert.equal(again.status, 503, "just issued");
	const other = await h.refresh({ provider: "interact", subject: "42" },
	    { "x-oauth-cgi-key": h.key });

	assert.equal(other.status, 200, other.text);
	assert.equal(h.admin("token", "interact", "42").trim(),
	    r.json().access_token);
	assert.equal(h.admin("purge"), "");
}

// Processes of ours, by the place that they were started from.
const running = (h) => readdirSync("/proc").filter((pid) => /^\d+$/
    .test(pid)).filter((pid) => {
	try {
		const status = readFileSync(`/proc/${pid}/status`, "utf8");

		return /^Name:\t(start|callback|refresh)/.test(status) &&
		    readFileSync(`/proc/${pid}/stat`, "utf8") !== "" &&
		    execFileSync("readlink", [`/proc/${pid}/cwd`],
			{ encoding: "utf8" }).startsWith(h.home);
	} catch {
		return false;
	}
});

function host(name, options) {
	describe(`a shared host, ${name}`, () => {
		let h;

		before(async () => {
			h = await Host.start(options);
			const { code, text } = await h.install();

			assert.equal(code, 0, text);
			// It has asked the site and the provider.
			assert.match(text, /\n0 to mend, /);
			assert.match(text, /Authorization reaches the programs/);
			assert.match(text, /provider interact takes this client/);
		});
		after(() => h?.stop());

		it("the whole flow", () => wholeFlow(h));

		it("runs them as it should", () => {
			const pids = running(h);

			assert.equal(pids.length > 0, options.keeps === true,
			    h.logs());
			for (const pid of pids)
				assert.match(readFileSync(
				    `/proc/${pid}/status`, "utf8"),
				    /^Uid:\t65534\t65534/m);
			const lines = h.ownLog().split("\n").filter((l) =>
			    l !== "");

			assert.ok(lines.some((l) => /connected at/.test(l)));
		});

		it("with the rollback journal, and nothing open", () => {
			const found = tree(h.at("oauth-cgi"));

			assert.ok(found["var/oauth.db"] !== undefined);
			assert.equal(found["var/oauth.db-wal"], undefined);
			// Bytes 18 and 19: 1 is the rollback journal.
			assert.deepEqual([...readFileSync(h.at(
			    "oauth-cgi/var/oauth.db")).subarray(18, 20)],
			    [1, 1]);
			for (const [file, mode] of Object.entries(modes(found)))
				if (/^(etc|var)(\/|$)/.test(file))
					assert.equal(mode & 0o077, 0, file);
		});

		it("an argument in the query is none", async () => {
			const evil = join(h.state, "evil.conf");

			writeFileSync(evil, "");
			const a = await request(`${h.url}/start?-c+${evil}`,
			    { method: "HEAD" });

			assert.equal(a.status, 200, h.logs());
		});

		it("only the programs' own names", async () => {
			for (const path of ["start/x", "starter", "nothing", ""]) {
				const a = await request(`${h.url}/${path}`);

				assert.ok(a.status === 403 || a.status === 404,
				    `${path}: ${a.status}`);
			}
		});

		it("no secret in the web server's log", () => {
			const log = h.logs();

			assert.doesNotMatch(log,
			    /canary-|oacgi_|demo-secret|Bearer/);
		});

		if (options.cgiBin)
			return;

		it("nothing is served, wherever it was put", async () => {
			const places = ["oauth-cgi", "oauth/oauth-cgi"];

			for (const place of places)
				asCustomer("cp", ["-Rp", h.at("oauth-cgi"),
				    h.at("public_html", place)]);
			// As an upload leaves them; and one that lost the
			// files whose names begin with a dot.
			execFileSync("chmod", ["-R", "u=rwX,go=rX",
			    h.at("public_html")]);
			rmSync(h.at("public_html/oauth/oauth-cgi/.htaccess"));
			cpSync(h.at("oauth-cgi/etc/keys/token.key"),
			    h.at("public_html/oauth/token.key"));
			for (const place of [...places, "oauth"]) {
				const dir = h.at("public_html", place);
				const files = Object.entries(tree(dir)).filter(
				    ([, st]) => st.isFile()).map(([n]) => n);

				assert.ok(files.length >= 5);
				for (const file of [...files, "", "etc/"]) {
					if (/(^|\/)(start|callback|refresh)\.fcgi$/
					    .test(file))
						continue;
					const a = await request(
					    `${h.origin}/${place}/${file}`);

					assert.ok(a.status === 403 ||
					    a.status === 404,
					    `${place}/${file}: ${a.status}`);
				}
			}
			for (const place of [...places, "oauth/token.key"])
				remove(h.at("public_html", place));
		});

		// suEXEC looks when it starts a process.
		if (!options.keeps)
		it("a folder that the group may write is mended", async () => {
			chmodSync(h.at("public_html/oauth"), 0o775);
			assert.equal((await h.refresh({})).status, 500);
			const { code, text } = await install(h.home);

			assert.equal(code, 0, text);
			assert.equal((await h.refresh({})).status, 400);
		});

		it("an upgrade while it is used", async () => {
			appendFileSync(h.at("oauth-cgi/bin/refresh.fcgi"),
			    "newer");
			const { code, text } = await install(h.home);

			assert.equal(code, 0, text);
			assert.match(text, /^installed .*refresh\.fcgi$/m);
			assert.equal((await h.refresh({ provider: "interact",
			    subject: "42" })).status, 200);
		});
	});
}

// keeps: processes that serve more than one request.
host("FastCGI", { fastcgi: true, keeps: true, name: "customer-" });
host("FastCGI, which fails in such a folder", { fastcgi: true });
host("plain CGI", {});
host("plain CGI in cgi-bin", { cgiBin: true });

// ---- a chroot ---------------------------------------------------------------

const CHROOT = `
my ($root, $folder, $program) = @ARGV;
chroot $root or die "chroot: $!";
chdir $folder or die "chdir: $!";
$( = ${CUSTOMER.gid}; $) = "${CUSTOMER.gid} ${CUSTOMER.gid}";
$> = $< = ${CUSTOMER.uid};
umask 0;
exec { "./$program" } $program or die "exec: $!";
`;

describe("a chroot with nothing in it", () => {
	const TLS_NAME = "provider.test";
	let root, home, state, provider, key, ca, url, cookie;

	// Run one as a web server with suEXEC does: with CGI's variables alone,
	// in its folder, by its bare name.
	function cgi(program, variables, body = "") {
		const folder = `${home.slice(root.length)}/public_html/oauth`;
		const child = spawn("perl", ["-e", CHROOT, root, folder,
		    `${program}.fcgi`], { stdio: ["pipe", "pipe", "pipe"], env: {
			GATEWAY_INTERFACE: "CGI/1.1", REQUEST_METHOD: "GET",
			QUERY_STRING: "", SERVER_PROTOCOL: "HTTP/1.1",
			HTTP_HOST: "shop.example", REMOTE_ADDR: "192.0.2.7",
			...variables } });
		let out = "", said = "";

		child.stdout.on("data", (data) => { out += data; });
		child.stderr.on("data", (data) => { said += data; });
		child.stdin.on("error", () => {});
		child.stdin.end(body);
		return new Promise((done) => child.on("close", () => {
			const [head, ...text] = out.split("\r\n\r\n");

			done({ said, head, text: text.join("\r\n\r\n"),
			    status: Number(/^Status: (\d+)/m.exec(head)?.[1]),
			    location: /^Location: (.*?)\r?$/m.exec(head)?.[1] });
		}));
	}

	const post = (form) => {
		const body = new URLSearchParams(form).toString();

		return cgi("refresh", { REQUEST_METHOD: "POST",
		    CONTENT_TYPE: "application/x-www-form-urlencoded",
		    CONTENT_LENGTH: String(body.length),
		    HTTP_AUTHORIZATION: `Bearer ${key}` }, body);
	};

	// The provider's consent page, which consents.
	const consent = (location) => new Promise((done, fail) => {
		const at = new URL(location);

		https.get({ host: "127.0.0.1", port: at.port,
		    path: at.pathname + at.search, servername: TLS_NAME, ca,
		    agent: false }, (res) => done(res.resume().headers.location))
		    .on("error", fail);
	});

	async function callback() {
		const start = await cgi("start", { QUERY_STRING: "return_to=/" +
		    `&bind=${bindOf("session")}` });

		assert.equal(start.status, 303, start.said);
		cookie = /^Set-Cookie: (__Host-oauth=[\w-]+)/m.exec(
		    start.head)[1];
		const back = new URL(await consent(start.location));

		assert.equal(back.pathname, "/oauth/callback/interact");
		return cgi("callback", { PATH_INFO: "/interact",
		    QUERY_STRING: back.search.slice(1), HTTP_COOKIE: cookie });
	}

	// What a host may have there. Its modules fit its own C library; these
	// end whatever loads them.
	const MODULES = ["lib/x86_64-linux-gnu/libnss_stranger.so.2",
	    "lib/stranger.so"];
	const MODULE = `void _init(void) { __asm__ volatile ("syscall" ::
	    "a"(231), "D"(42)); }`;
	const files = {
		"etc/hosts": `127.0.0.1 ${TLS_NAME}\n`,
		"etc/nsswitch.conf": "passwd: stranger files\n" +
		    "hosts: stranger [!UNAVAIL=return] files dns\n",
		"etc/resolv.conf": "nameserver 127.0.0.1\n",
		"usr/lib/ssl/openssl.cnf": `openssl_conf = a
[a]
providers = b
[b]
stranger = c
[c]
module = /lib/stranger.so
activate = 1
`,
	};
	const BUNDLE = "etc/pki/tls/certs/ca-bundle.crt";
	const put = (name, text) => {
		mkdirSync(dirname(join(root, name)), { recursive: true });
		writeFileSync(join(root, name), text);
	};

	before(async () => {
		state = makeHome("state-");
		root = makeHome("jail ");
		for (const dir of [state, root])
			for (const name of readdirSync(dir))
				remove(join(dir, name));
		mkdirSync(join(root, "home"));
		home = makeHome("a site ", join(root, "home"));
		execFileSync("openssl", ["req", "-x509", "-newkey", "ec",
		    "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
		    "2", "-keyout", join(state, "key.pem"), "-out",
		    join(state, "cert.pem"), "-subj", `/CN=${TLS_NAME}`,
		    "-addext", `subjectAltName=DNS:${TLS_NAME}`],
		    { stdio: "ignore" });
		ca = readFileSync(join(state, "cert.pem"));
		for (const [name, text] of Object.entries(files))
			put(name, text);
		for (const name of MODULES) {
			put(name, MODULE);
			execFileSync("cc", ["-shared", "-fPIC", "-nostdlib",
			    "-x", "c", "-o", join(root, name), "-"],
			    { input: MODULE, stdio: ["pipe", "inherit",
				"inherit"] });
		}
		provider = await Provider.start(BUILD, state, { auto: 1 },
		    ["--tls", join(state, "cert.pem"), join(state, "key.pem")]);
		url = `https://${TLS_NAME}:${provider.port}`;
		put(`${home.slice(root.length + 1)}/oauth-cgi/etc/providers/` +
		    "interact.conf", `provider interact {
	authorize_url = "${url}/authorize"
	token_url = "${url}/token"
}
`);
		const folder = join(home, "oauth-cgi/etc/providers");

		chown(folder);
		chown(join(folder, "interact.conf"));
		writeFileSync(join(state, "secret"), "demo-secret\n");
		chmodSync(state, 0o755);
		const { code, text } = await install(home, "--public",
		    "public_html/oauth", "--url", "https://shop.example/oauth",
		    "--client-id", "demo-client", "--secret-file",
		    join(state, "secret"), "--offline");

		assert.equal(code, 0, text);
		key = readFileSync(join(home, "oauth-cgi/etc/website.key"),
		    "utf8").trim();
	});
	after(async () => {
		await provider?.stop();
		remove(root);
		remove(state);
	});

	const log = () => readFileSync(join(home,
	    "oauth-cgi/var/oauth-cgi.log"), "utf8");

	it("has no interpreter, C library, device or /proc", () => {
		assert.deepEqual(Object.entries(tree(root)).filter(([name, st]) =>
		    st.isFile() && !name.startsWith("home/")).map(([n]) => n)
		    .sort(), [...Object.keys(files), ...MODULES].sort());
	});

	it("without CA certificates: refused, and the log says why", async () => {
		const a = await callback();

		assert.equal(a.status, 303, a.said);
		assert.match(a.location, /status=error/);
		assert.match(log(), /no CA certificates were found.*ca_file/);
		assert.match(log(), /certificate/);
	});

	it("certificates of one's own, in the configuration", async () => {
		const conf = join(home, "oauth-cgi/etc/oauth-cgi.conf");
		const text = readFileSync(conf, "utf8");
		const line = /`(ca_file = "(.*?)")`/.exec(GUIDE);

		writeFileSync(join(home, "oauth-cgi/etc", line[2]), ca);
		writeFileSync(conf, text.replace(/^provider .*/m,
		    (head) => `${head}\n\t${line[1]}`));
		const a = await callback();

		assert.match(a.location, /status=connected/, log());
		remove(join(home, "oauth-cgi/etc", line[2]));
		writeFileSync(conf, text);
	});

	it("root's own command", () => {
		const program = join(home.slice(root.length),
		    "oauth-cgi/bin/oauth-cgi");

		// It becomes the owner of the database, and looks for a user.
		assert.match(execFileSync("chroot", [root, program, "app",
		    "list"], { encoding: "utf8" }), /^website /);
		assert.throws(() => execFileSync("chroot", [root, program,
		    "init", "--user", "nosuch"], { stdio: "pipe" }),
		    /there is no user nosuch/);
	});

	it("the whole flow, over TLS", async () => {
		put(BUNDLE, ca);
		const a = await callback();

		assert.equal(a.status, 303, `${a.said}${log()}`);
		const back = new URL(a.location);

		assert.equal(back.searchParams.get("status"), "connected", log());
		assert.equal(back.origin, "https://shop.example");
		const r = await post({ subject: "42", bind: bindOf("session"),
		    ticket: back.searchParams.get("ticket") });

		assert.equal(r.status, 200, `${r.text}${r.said}${log()}`);
		const again = await post({ provider: "interact", subject: "42" });

		assert.equal(JSON.parse(again.text).access_token,
		    JSON.parse(r.text).access_token);
		// With a umask of 0, too.
		for (const [name, mode] of Object.entries(modes(tree(
		    join(home, "oauth-cgi")))))
			if (/^(etc|var)(\/|$)/.test(name) &&
			    !name.startsWith("etc/providers"))
				assert.equal(mode & 0o077, 0, name);
	});
});
