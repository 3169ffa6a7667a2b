// SPDX-License-Identifier: ISC
//
// `oauth-cgi check` on sites whose web server, proxy or paths are broken on
// purpose, one fault at a time: it is found, by name, and what is told to mend
// it is the right line. What needs no web server is tests/cgi/check.sh.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, renameSync, rmSync,
    writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { userInfo } from "node:os";
import { join } from "node:path";
import { request } from "./lib/browser.mjs";
import { check as look, finds, isWell, mends, oauth as run } from
    "./lib/check.mjs";
import { after, before, beforeEach, describe, it } from "./lib/harness.mjs";
import { end } from "./lib/provider.mjs";
import { BUILD, freePort, Site } from "./lib/site.mjs";

const ME = userInfo().username;
const ROOT = process.getuid() === 0;
let site;

const check = (...args) => look(site, "--user", ME, ...args);
const oauth = (...args) => run(site, ...args);

// ---- the site, and what stands before it -------------------------------

const edited = (from, to) => ({ edit: (text) => {
	assert.ok(text.includes(from), text);
	return text.replaceAll(from, to);
} });
const more = (text) => ({ more: () => `${text}\n` });
const setenv = (what, name, value) => more(`server.modules += ( "mod_setenv" )
setenv.${what} = ( "${name}" => "${value}" )`);

function configure(from, to) {
	const text = readFileSync(site.config, "utf8");

	assert.match(text, from);
	writeFileSync(site.config, text.replace(from, to));
}

const closing = [];

const listening = async (server, port, host) => {
	await new Promise((done, fail) => {
		server.once("error", fail);
		server.listen(port, host, done);
	});
	closing.push(() => new Promise((done) => {
		server.closeAllConnections();
		server.close(done);
	}));
	return server;
};

// Started anew, and its programs have read their configuration.
async function serving(options) {
	await site.restart(options);
	for (const p of ["start", "callback/interact"])
		assert.equal((await request(`${site.url}/${p}`,
		    { method: "HEAD" })).status, 200);
	assert.equal((await request(`${site.url}/refresh`,
	    { method: "POST", form: {} })).status, 401);
}

// A proxy before lighttpd; change may alter the request's and the answer's
// headers.
function proxy({ request = () => {}, answer = () => {} } = {}) {
	return (req, res) => {
		const headers = { ...req.headers };

		request(headers);
		const to = http.request({ port: site.port, path: req.url,
		    host: "127.0.0.1", method: req.method, headers,
		    setHost: false }, (from) => {
			const back = { ...from.headers };

			answer(back);
			res.writeHead(from.statusCode, back);
			from.pipe(res);
		});

		to.on("error", () => res.destroy());
		req.pipe(to);
	};
}

// Something else at the site's own port.
async function instead(serve) {
	await end(site.server);
	await listening(http.createServer(serve), site.port, "127.0.0.1");
}

// A certificate of its own for these names; nobody else knows it.
function certificate(names = "DNS:localhost,IP:127.0.0.1") {
	const [key, cert] = ["tls.key", "tls.pem"].map((n) =>
	    join(site.dir, "etc", n));

	execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt",
	    "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert,
	    "-days", "2", "-subj", "/CN=test", "-addext",
	    `subjectAltName=${names}`], { stdio: "ignore" });
	return { file: cert, key: readFileSync(key), cert: readFileSync(cert) };
}

describe("check", () => {
	let original;

	before(async () => {
		site = await Site.start({ settings: { auto: 1 } });
		original = readFileSync(site.config, "utf8");
	});
	const cleanUp = async () => {
		for (const close of closing.splice(0))
			await close();
	};

	beforeEach(async () => {
		await cleanUp();
		writeFileSync(site.config, original);
	});
	after(async () => {
		await cleanUp();
		await site?.stop();
	});

	it("a site that works", async () => {
		const r = await check();

		isWell(r);
		for (const words of [/Authorization reaches/, /Set-Cookie comes/,
		    /cookies and PATH_INFO reach/, /takes the redirect URI/,
		    /takes this client/])
			assert.match(r.text, words);
		assert.equal((await site.provider.stats()).ok
		    .authorization_code, 0, "no code was spent");
	});

	it("a site that works, as plain CGI", async () => {
		const cgi = await Site.start({ mode: "cgi",
		    settings: { auto: 1 } });
		const fastcgi = site;

		try {
			site = cgi;
			isWell(await check());
			// Its own copies of the programs can't be executed.
			for (const p of ["start", "callback", "refresh"])
				chmodSync(join(cgi.dir, "bin", `${p}.fcgi`),
				    0o644);
			const r = await check();

			assert.ok(r.wrong.length === 1 && /^site_(error|forbidden)$/
			    .test(r.wrong[0]), r.bad);
			assert.match(r.found[r.wrong[0]].mend,
			    /^chmod 755 .*\.fcgi/m);
		} finally {
			site = fastcgi;
			await cgi.stop();
		}
	});

	// ---- what a web server loses ----

	const lost = (name, options, finding, mend) =>
		it(name, async () => {
			await site.restart(options);
			const r = await check();

			finds(r, finding, mend);
			await site.restart();
			isWell(await check());
		});

	lost("Authorization is stripped", setenv("set-request-header",
	    "Authorization", ""), "authorization_lost",
	    "X-OAuth-CGI-Key: THE-KEY");
	lost("cookies are stripped", setenv("set-request-header", "Cookie", ""),
	    "cookie_lost");
	lost("PATH_INFO is lost", more(`server.modules += ( "mod_rewrite" )
url.rewrite-once = ( "^/oauth/callback/[a-z]+(\\?.*)?$" => "/oauth/callback$1" )`),
	    "path_info_lost");
	lost("the query is lost", more(`server.modules += ( "mod_rewrite" )
url.rewrite-once = ( "^/oauth/callback/([a-z]+)(\\?.*)?$" => "/oauth/callback/$1" )`),
	    "query_lost");
	lost("Set-Cookie is stripped", setenv("set-response-header",
	    "Set-Cookie", ""), "set_cookie_lost");
	lost("Cache-Control is replaced", setenv("set-response-header",
	    "Cache-Control", "public, max-age=60"), "cache_control_lost");

	for (const [name, options, finding] of [
	    ["Referrer-Policy is stripped", setenv("set-response-header",
	    "Referrer-Policy", ""), "header_lost"],
	    ["X-OAuth-CGI-Key is stripped", setenv("set-request-header",
	    "X-OAuth-CGI-Key", ""), "key_header_lost"]])
		it(`${name}: worth knowing`, async () => {
			await site.restart(options);
			const r = await check();

			isWell(r);
			assert.equal(r.found[finding]?.severity, "note", r.bad);
			await site.restart();
			assert.equal((await check()).found[finding], undefined);
		});

	it("a redirect URI on another host: worth knowing", async () => {
		configure(/provider interact \{/, `$&
	redirect_uri = "http://127.0.0.1:1/back"`);
		const r = await check();

		isWell(r);
		assert.equal(r.found.redirect_elsewhere.severity, "note");
	});

	it("lighttpd's check-local", async () => {
		await site.restart(edited('"check-local" => "disable"',
		    '"check-local" => "enable"'));
		const r = await check();

		finds(r, "site_missing", '"check-local" => "disable"');
		await site.restart(edited('"check-local" => "disable"',
		    mends(r, "site_missing")[0]));
		isWell(await check());
	});

	for (const [server, mend] of [
	    ["Apache/2.4.57 (Debian)", "CGIPassAuth On"],
	    ["nginx/1.22.1",
	    "fastcgi_param HTTP_AUTHORIZATION $http_authorization;"]])
		it(`Authorization is stripped by ${server}`, async () => {
			const port = await freePort();

			configure(/url = .*/, `url = "http://127.0.0.1:${port}/oauth"`);
			await site.restart();
			await listening(http.createServer(proxy({
				request: (h) => { delete h.authorization; },
				answer: (h) => { h.server = server; },
			})), port, "127.0.0.1");
			finds(await check(), "authorization_lost", mend);
		});

	it("a proxy that does not keep Host", async () => {
		const port = await freePort();

		configure(/url = .*/, `url = "http://127.0.0.1:${port}/oauth"`);
		await site.restart();
		await listening(http.createServer(proxy({
			request: (h) => { h.host = "backend.internal"; },
		})), port, "127.0.0.1");
		finds(await check(), "host_changed", "ProxyPreserveHost On");
	});

	it("an answer out of a cache", async () => {
		const port = await freePort();

		configure(/url = .*/, `url = "http://127.0.0.1:${port}/oauth"`);
		await site.restart();
		await listening(http.createServer(proxy({
			answer: (h) => { h.age = "7"; },
		})), port, "127.0.0.1");
		finds(await check(), "cache_control_lost");
	});

	// ---- who answers instead ----

	it("url with the wrong path", async () => {
		await serving();
		configure(/url = .*/, `url = "${site.origin}/connect"`);
		const r = await check();

		finds(r, "url_path", `url = "${site.url}"`);
		configure(/url = .*/, mends(r, "url_path")[0]);
		isWell(await check());
	});

	it("a redirect to another host", async () => {
		const there = `http://localhost:${site.port}`;
		const options = more(`server.modules += ( "mod_redirect" )
$HTTP["host"] == "127.0.0.1:${site.port}" {
	url.redirect = ( "" => "${there}\${url.path}\${qsa}" )
}`);

		await site.restart(options);
		const r = await check();

		finds(r, "site_redirect", `url = "${there}/oauth"`);
		configure(/url = .*/, mends(r, "site_redirect")[0]);
		await site.restart(options);
		isWell(await check());
	});

	it("the program is handed out as a file", async () => {
		mkdirSync(join(site.dir, "www", "oauth"));
		copyFileSync(join(BUILD, "start.fcgi"),
		    join(site.dir, "www", "oauth", "start"));
		await site.restart({ edit: (text) =>
			text.slice(0, text.indexOf("server.modules")) });
		finds(await check(), "program_downloaded", /^chmod 755 /);
		rmSync(join(site.dir, "www", "oauth"), { recursive: true });
	});

	for (const [name, status, server, finding, mend] of [
	    ["a password", 401, "Apache", "site_password"],
	    ["403 of Apache", 403, "Apache/2.4.57", "site_forbidden",
	    "Options +ExecCGI"],
	    ["404 of nginx", 404, "nginx", "site_missing",
	    /^cp .*\/examples\/nginx\/oauth-cgi\.conf /],
	    ["500 of Apache", 500, "Apache/2.4.57", "site_error",
	    /suexec\.log/],
	    ["502 of nginx", 502, "nginx/1.22.1", "site_backend"],
	    ["another application", 200, "Apache", "site_other", /^url = /],
	    ["a redirect to itself", 302, "Apache", "site_redirect"]])
		it(`instead of us: ${name}`, async () => {
			await instead((req, res) => {
				res.writeHead(status, { server,
				    "content-type": "text/html",
				    ...(status === 302 && { location: "/" }) });
				res.end("<!DOCTYPE html><title>Hello</title>");
			});
			finds(await check(), finding, mend);
		});

	it("instead of us: an API of somebody else", async () => {
		await instead((req, res) => {
			res.writeHead(404, { server: "gunicorn",
			    "content-type": "application/json" });
			res.end('{"error":"not_found"}');
		});
		finds(await check(), "site_missing");
	});

	it("a web server that is not there", async () => {
		await end(site.server);
		finds(await check(), "site_refused", /^curl /);
	});

	it("what ends the connection, and what is no HTTP", async () => {
		await instead((req, res) => res.destroy());
		finds(await check(), "site_cut", /^curl /);
	});

	it("nobody behind the web server", async () => {
		await site.restart(edited(
		    '"check-local"', '"bin-path-was" => "", "check-local"'))
		    .catch(() => {});
		await site.restart({ edit: (text) => text
		    .replaceAll(/"bin-path" => .*/g, "")
		    .replaceAll(/\.sock"/g, '.gone"')
		    .replaceAll(/"(max-procs|bin-environment)" => .*/g, "")
		    .replaceAll(/"bin-copy-environment" => [^)]*\)/g, "") });
		finds(await check(), "site_backend");
	});

	// ---- what the programs lack ----

	it("a key that all can read, at a running site", async () => {
		const key = join(site.dir, "etc", "keys", "token.key");

		chmodSync(key, 0o644);
		await site.restart();
		const r = await check();

		finds(r, "key_mode", /^chmod 6[04]0 .*token\.key$/,
		    "site_unavailable");
		assert.match(r.found.site_unavailable.what, /see above/);
		execFileSync("/bin/sh", ["-c", mends(r, "key_mode")[0]]);
		await site.restart();
		isWell(await check());
	});

	it("a lock file that was removed under running programs", async () => {
		rmSync(join(site.dir, "var", "oauth.db-lock"));
		const r = await check();

		finds(r, "lock_missing", / init$/, "site_unavailable");
		execFileSync("/bin/sh", ["-c", mends(r, "lock_missing")[0]]);
		isWell(await check());
		assert.equal((await site.connect("lock-user")).subject,
		    "lock-user");
	});

	it("programs with another configuration", async () => {
		const other = join(site.dir, "etc", "other.conf");

		writeFileSync(other, "site {\n}\n", { mode: 0o600 });
		await site.restart(edited(`"${site.config}"`, `"${other}"`));
		finds(await check(), "site_unavailable",
		    `OAUTH_CGI_CONFIG=${site.config}`);
		await site.restart();
		isWell(await check());
	});

	it("programs that have not read what was changed", async () => {
		await serving();
		writeFileSync(site.config, `provider other {
	client_id = "demo-client"
	client_secret = "demo-secret"
	authorize_url = "${site.upstream.url}/authorize"
	token_url = "${site.upstream.url}/token"
	allow_insecure = yes
}
${original}`);
		finds(await check(), "programs_stale", /^pkill -HUP /);
		await site.restart();
		isWell(await check());

		writeFileSync(site.config, original);
		await serving();
		const port = await freePort();

		configure(/url = .*/, `url = "https://localhost:${port}/oauth"`);
		await listening(https.createServer(certificate(), proxy({
			request: (h) => { h.host = `127.0.0.1:${site.port}`; },
		})), port, "127.0.0.1");
		finds(await check("--ca-file", join(site.dir, "etc", "tls.pem")),
		    "programs_stale");
	});

	if (ROOT)
		it("programs that are older than their files", async () => {
			const copy = join(site.dir, "bin", "start.fcgi");

			copyFileSync(join(BUILD, "start.fcgi"), copy);
			chmodSync(copy, 0o755);
			await serving(edited(`${BUILD}/start.fcgi`, copy));
			copyFileSync(copy, `${copy}.new`);
			chmodSync(`${copy}.new`, 0o755);
			renameSync(`${copy}.new`, copy);
			finds(await check(), "program_old");
			await site.restart();
			isWell(await check());
		});

	// ---- what can be fetched ----

	it("the database in the document root", async () => {
		const www = join(site.dir, "www", "data");

		mkdirSync(www, { mode: 0o700 });
		configure(/database = .*/,
		    `database = "${join(www, "oauth.db")}"`);
		await oauth("init");
		await oauth("app", "add", "shop");
		await site.restart();
		const r = await check();

		finds(r, "exposed", /^mv .*\/www\/data\/oauth\.db\* /);
		assert.match(r.found.exposed.what, new RegExp(
		    `at ${site.origin}/data/oauth\\.db$`));
		assert.ok(mends(r, "exposed").some((l) =>
		    l.startsWith("database = ")));
		rmSync(www, { recursive: true });
	});

	it("the keys in the document root", async () => {
		const keys = join(site.dir, "www", "k");

		configure(/keys = .*/, `keys = "${keys}"`);
		cpSync(join(site.dir, "etc", "keys"), keys,
		    { recursive: true });
		await site.restart();
		finds(await check(), "exposed", /^keys = /);
		rmSync(keys, { recursive: true });
	});

	it("a page for every address is no file that is handed out", async () => {
		await instead((req, res) => {
			res.writeHead(200, { "content-type": "text/html" });
			res.end("<!DOCTYPE html><title>Hello</title>");
		});
		const r = await check();

		assert.equal(r.found.exposed, undefined, r.bad);
	});

	// ---- https ----

	it("https, and a certificate that nobody knows", async () => {
		const tls = certificate();
		const port = await freePort();

		configure(/url = .*/, `url = "https://localhost:${port}/oauth"`);
		await site.restart();
		await listening(https.createServer(tls, proxy()), port,
		    "127.0.0.1");
		finds(await check(), "site_certificate", /^openssl s_client /);
		isWell(await check("--ca-file", tls.file));
	});

	it("https in url, and plain http at the port", async () => {
		await serving();
		configure(/url = .*/, `url = "https://127.0.0.1:${site.port}/oauth"`);
		const r = await check();

		finds(r, "site_tls", `url = "${site.url}"`);
		configure(/url = .*/, mends(r, "site_tls").at(-1));
		isWell(await check());
	});

	it("http in url, and https at the port", async () => {
		const port = await freePort();

		await serving();
		configure(/url = .*/, `url = "http://127.0.0.1:${port}/oauth"`);
		await listening(https.createServer(certificate(), proxy()), port,
		    "127.0.0.1");
		finds(await check(), "site_cut",
		    `url = "https://127.0.0.1:${port}/oauth"`);
	});

	// The usual ports, at a loopback address that nobody else uses.
	if (ROOT)
		it("http that is not sent to https", async () => {
			const host = `127.${Math.ceil(Math.random() * 250)}.${
			    Math.ceil(Math.random() * 250)}.5`;
			let send = false;

			const tls = certificate(`IP:${host}`);

			configure(/url = .*/, `url = "https://${host}/oauth"`);
			await site.restart();
			await listening(https.createServer(tls, proxy()), 443,
			    host);
			const pass = proxy();

			isWell(await check("--ca-file", tls.file));
			await listening(http.createServer((req, res) => {
				if (!send) {
					pass(req, res);
					return;
				}
				res.writeHead(301, { location:
				    `https://${host}${req.url}` });
				res.end();
			}), 80, host);
			finds(await check("--ca-file", tls.file), "http_open",
			    /https:/);
			send = true;
			isWell(await check("--ca-file", tls.file));
		});

	// ---- providers, at a site that works ----

	it("a provider that can't be reached is no fault of the site",
	    async () => {
		await serving();
		configure(/http:\/\/127\.0\.0\.1:\d+\/(authorize|token)/g,
		    "http://127.0.0.1:9/$1");
		const r = await check();

		assert.equal(r.code, 3, r.bad);
		assert.ok(r.wrong.every((n) => n === "provider_refused"));
		isWell(await check("--offline"));
	});

	it("one provider out of several", async () => {
		writeFileSync(site.config, `${original}
provider other {
	client_id = "x"
	client_secret = "y"
	authorize_url = "http://127.0.0.1:9/authorize"
	token_url = "http://127.0.0.1:9/token"
	allow_insecure = yes
}
`);
		await site.restart();
		assert.equal((await check()).code, 3);
		isWell(await check("--provider", "interact"));
	});
});
