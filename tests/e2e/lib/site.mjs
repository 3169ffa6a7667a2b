// SPDX-License-Identifier: ISC
//
// site - a whole website in a temporary folder: configuration, keys and
// database made by `oauth-cgi init`, an app, lighttpd with the three programs
// under /oauth/, and the scripted provider. All of it listens on 127.0.0.1,
// and all of it ends with stop().

import { execFileSync, spawn } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync,
    openSync, readdirSync, readFileSync, rmSync, writeFileSync }
    from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Browser, request } from "./browser.mjs";
import { sleep } from "./harness.mjs";
import { end, Provider } from "./provider.mjs";

export const BUILD = resolve(process.env.BUILD_DIR ?? ".");
const PROGRAMS = ["start", "callback", "refresh"];
const LIGHTTPD = ["/usr/sbin/lighttpd", "/usr/bin/lighttpd",
    "/usr/local/sbin/lighttpd"].find(existsSync) ?? "lighttpd";

// A port that is free now.
export function freePort() {
	return new Promise((done, fail) => {
		const server = net.createServer();

		server.on("error", fail);
		server.listen(0, "127.0.0.1", () => {
			const { port } = server.address();

			server.close(() => done(port));
		});
	});
}

export async function listens(port, child, seconds = 20) {
	for (let i = 0; i < seconds * 20; i++) {
		if (child.exitCode !== null)
			throw new Error("the server ended: see its log");
		const ok = await new Promise((done) => {
			const s = net.connect(port, "127.0.0.1", () => {
				s.destroy();
				done(true);
			});

			s.on("error", () => done(false));
		});

		if (ok)
			return;
		await sleep(50);
	}
	throw new Error(`nobody listens on ${port}`);
}

const quoted = (value) => /^\d+$|^(yes|no|S256|off|post|basic|none|form|json)$/
    .test(value) ? value : `"${String(value).replace(/["\\]/g, "\\$&")}"`;

// The lines of a section; an object is a section within: "field shop": {…}.
const settings = (section) => Object.entries(section).flatMap(
    ([key, value]) => typeof value === "object" ?
    [`${key} {`, ...settings(value), "}"] : [`\t${key} = ${quoted(value)}`]);

export class Site {
	// options:
	//	mode		"fastcgi" (default) or "cgi"
	//	workers		OAUTH_CGI_WORKERS of each program; 0 for none
	//	procs		max-procs of lighttpd, 1
	//	providers	{ name: { key: value } } beside the defaults
	//			or a function that makes them of upstream.url
	//	site		more keys of the site section
	//	pages		{ name: text } for the folder of pages
	//	settings	of the scripted provider
	//	port		of lighttpd
	//	origins		of the app, beside the site's own
	//	upstream	{ url, stop() } instead of the scripted provider
	//	more		(site) => more lines for lighttpd's configuration
	//	web		a web server of servers.mjs instead of lighttpd
	//	edit		(text) => what becomes of the whole of it
	static async start(options = {}) {
		const s = new Site();

		s.dir = mkdtempSync(join(tmpdir(), "oac-"));
		s.mode = options.mode ?? "fastcgi";
		s.web = options.web;
		try {
			await s.#start(options);
		} catch (error) {
			const logs = s.logs();

			await s.stop().catch(() => {});
			error.message += `\n${logs}`;
			throw error;
		}
		return s;
	}

	async #start(options) {
		for (const name of ["bin", "etc", "run", "log", "www",
		    "state"])
			mkdirSync(join(this.dir, name));
		mkdirSync(join(this.dir, "var"), { mode: 0o700 });
		this.port = options.port ?? await freePort();
		this.origin = `http://127.0.0.1:${this.port}`;
		this.url = `${this.origin}/oauth`;
		this.upstream = options.upstream;
		if (this.upstream === undefined) {
			this.provider = await Provider.start(BUILD,
			    join(this.dir, "state"), options.settings);
			this.upstream = this.provider;
		}
		this.config = join(this.dir, "etc", "oauth-cgi.conf");
		this.#writeConfig(options);
		if (this.web !== undefined)
			await this.web.prepare(this);
		this.admin("init", ...(this.web?.initOptions ?? []));
		this.key = this.addApp("shop", this.origin,
		    ...(options.origins ?? []));
		if (this.web !== undefined)
			await this.web.start();
		else
			await this.#startServer(options);
	}

	#writeConfig(options) {
		const basic = {
			client_id: "demo-client",
			authorize_url: `${this.upstream.url}/authorize`,
			token_url: `${this.upstream.url}/token`,
			allow_insecure: "yes",
		};
		const given = options.providers;
		const providers = { interact: {}, ...(typeof given ===
		    "function" ? given(this.upstream.url) : given) };
		const lines = ["site {"];

		for (const [name, text] of Object.entries(options.pages ?? {}))
			this.addPage(name, text);
		writeFileSync(join(this.dir, "etc", "client.secret"),
		    "demo-secret\n", { mode: 0o600 });
		for (const [key, value] of Object.entries({ url: this.url,
		    database: join(this.dir, "var", "oauth.db"),
		    keys: join(this.dir, "etc", "keys"), ...options.site }))
			lines.push(`\t${key} = ${quoted(value)}`);
		lines.push("}");
		for (const [name, more] of Object.entries(providers)) {
			if (more === undefined)
				continue;
			const all = { ...basic, ...more };

			if (all.auth !== "none")
				all.client_secret ??= "file:client.secret";
			lines.push(`provider ${name} {`);
			lines.push(...settings(all), "}");
		}
		writeFileSync(this.config, `${lines.join("\n")}\n`,
		    { mode: 0o600 });
	}

	// A file with the site's own words or style for the pages.
	addPage(name, text) {
		const dir = join(this.dir, "etc", "pages");

		mkdirSync(dir, { recursive: true });
		writeFileSync(join(dir, name), text);
	}

	// Run the admin command; gives its standard output.
	admin(...args) {
		const [command, ...first] = this.web?.admin ??
		    [join(BUILD, "oauth-cgi"), "-c", this.config];

		return execFileSync(command, [...first, ...args],
		    { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
	}

	addApp(name, ...origins) {
		const key = this.admin("app", "add", name,
		    ...origins.flatMap((o) => ["--origin", o])).trim();

		if (!/^oacgi_[\w-]{43}$/.test(key))
			throw new Error(`app add printed: ${key}`);
		return key;
	}

	#lighttpdConfig({ workers = 4, procs = 1 }) {
		const head = `server.port = ${this.port}
server.bind = "127.0.0.1"
server.document-root = "${this.dir}/www"
server.errorlog = "${this.dir}/log/lighttpd.log"
server.breakagelog = "${this.dir}/log/cgi.log"
server.upload-dirs = ( "${this.dir}/run" )
server.max-request-size = 1024
`;

		if (this.mode === "cgi")
			return `${head}
server.modules = ( "mod_alias", "mod_cgi" )
${PROGRAMS.map((p) => `alias.url += ( "/oauth/${p}" => ` +
    `"${this.dir}/bin/${p}.fcgi" )`).join("\n")}
$HTTP["url"] =~ "^/oauth/(start|callback|refresh)(/|$)" {
	cgi.assign = ( "" => "" )
}
`;
		const environment = [`"OAUTH_CGI_CONFIG" => "${this.config}"`];

		if (workers > 0)
			environment.push(`"OAUTH_CGI_WORKERS" => "${workers}"`);
		return `${head}
server.modules = ( "mod_fastcgi" )
$HTTP["url"] =~ "^/oauth/(start|callback|refresh)(/|$)" {
	fastcgi.server = (
${PROGRAMS.map((p) => `		"/oauth/${p}" => ((
			"bin-path" => "${BUILD}/${p}.fcgi",
			"socket" => "${this.dir}/run/${p}.sock",
			"check-local" => "disable",
			"max-procs" => ${procs},
			"bin-environment" => ( ${environment.join(", ")} ),
			"bin-copy-environment" => ( "PATH", "LANG", "TMPDIR",
			    "ASAN_OPTIONS", "UBSAN_OPTIONS" )
		))`).join(",\n")}
	)
}
`;
	}

	async #startServer(options) {
		const config = join(this.dir, "etc", "lighttpd.conf");
		const log = openSync(join(this.dir, "log", "stderr.log"), "a");

		// As CGI the programs find ../etc/oauth-cgi.conf by
		// themselves: copies, for a link would lead to the build.
		if (this.mode === "cgi")
			for (const p of PROGRAMS) {
				const to = join(this.dir, "bin", `${p}.fcgi`);

				copyFileSync(join(BUILD, `${p}.fcgi`), to);
				chmodSync(to, 0o755);
			}
		const text = this.#lighttpdConfig(options) +
		    (options.more?.(this) ?? "");

		writeFileSync(config, options.edit?.(text) ?? text);
		this.server = spawn(LIGHTTPD, ["-D", "-f", config],
		    { stdio: ["ignore", log, log] });
		await listens(this.port, this.server);
	}

	async restart(options = {}) {
		await end(this.server, "SIGINT", 12000);
		await this.#startServer(options);
	}

	// All that was logged: by lighttpd, by the programs, by the provider.
	logs() {
		const dir = join(this.dir, "log");

		return existsSync(dir) ? readdirSync(dir).map((name) =>
		    `--- ${name}\n${readFileSync(join(dir, name), "utf8")}`)
		    .join("\n") : "";
	}

	async stop() {
		if (this.web !== undefined)
			await this.web.close();
		if (this.server !== undefined)
			await end(this.server);
		if (this.upstream !== undefined)
			await this.upstream.stop();
		rmSync(this.dir, { recursive: true, force: true });
	}

	// --- what the pages of a site do ---

	startUrl(params) {
		return `${this.url}/start?${new URLSearchParams(params)}`;
	}

	// From the form to the page that the user comes back to: follows the
	// redirects of /start, the provider and /callback, and gives the
	// callback's answer.
	async walk(browser, params) {
		let a = await browser.get(this.startUrl(params));

		for (let i = 0; i < 6 && a.location !== undefined; i++) {
			const at = new URL(a.location, a.url);

			if (at.href.startsWith(`${this.url}/callback`))
				return browser.get(at.href);
			a = await browser.get(at.href);
		}
		throw new Error(`${a.status} at ${a.url}: ${a.text}`);
	}

	// --- what its backend does ---

	refresh(form, options = {}) {
		return request(`${this.url}/refresh`, { method: "POST", form,
		    ...options, headers: {
			authorization: `Bearer ${this.key}`,
			...options.headers } });
	}

	redeem(ticket, subject, bind) {
		return this.refresh({ ticket, subject, bind });
	}

	// Time goes by for the tokens that we hold: of one connection, or of
	// all. The provider's clock does not move.
	age(seconds, connection) {
		const which = connection === undefined ? "" :
		    ` AND hex(public_id) = upper('${connection}')`;

		execFileSync("sqlite3", [join(this.dir, "var", "oauth.db"),
		    ".timeout 10000", `UPDATE connection SET issued_at =
		    issued_at - ${seconds}, expires_at = expires_at - ${seconds}
		    WHERE expires_at > 0${which}`]);
	}

	// A connection for a subject, the whole way.
	async connect(subject, provider = "interact", browser = new Browser()) {
		const bind = bindOf(subject);
		const a = await this.walk(browser, { provider, bind,
		    return_to: "/account" });
		const ticket = new URL(a.location).searchParams.get("ticket");

		if (ticket === null)
			throw new Error(`no ticket: ${a.location}`);
		const r = await this.redeem(ticket, subject, bind);

		if (r.status !== 200)
			throw new Error(`redeem: ${r.status} ${r.text}`);
		return r.json();
	}
}

const secret = randomBytes(32);

// What a site puts into the form: derived from its session.
export const bindOf = (session) =>
	createHmac("sha256", secret).update(String(session)).digest("base64url");
