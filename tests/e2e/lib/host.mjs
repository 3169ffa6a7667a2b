// SPDX-License-Identifier: ISC
//
// host - a shared host: a customer's home, with a blank in its name, into which
// the archive of `make hosting` is unpacked, and Apache, which runs programs
// under the customer's name (suEXEC) and knows nothing of us: all it is told
// stands in .htaccess. Needs root, as suEXEC does.

import { execFile, execFileSync, spawn } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, openSync,
    readdirSync, readFileSync, rmSync, statSync, writeFileSync } from
    "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { request } from "./browser.mjs";
import { sleep } from "./harness.mjs";
import { end, Provider } from "./provider.mjs";
import { BUILD, freePort } from "./site.mjs";

export const ARCHIVE = readdirSync(BUILD).filter((name) =>
    /^oauth-cgi-.*-linux-x86_64\.tar\.xz$/.test(name)).map((name) =>
    join(BUILD, name))[0];

// The customer: suEXEC wants an account, and no system user below 100.
export const CUSTOMER = { uid: 65534, gid: 65534 };
const SUEXEC = "/etc/apache2/suexec/www-data";
const MODULES = "/usr/lib/apache2/modules";

// suEXEC runs nothing outside of this folder.
const docroot = () => existsSync(SUEXEC) ?
    readFileSync(SUEXEC, "utf8").split("\n")[0] : "/var/www";

// A home with the archive in it, and an empty website.
export function makeHome(name = "a customer's home ", below = docroot()) {
	mkdirSync(below, { recursive: true });
	const home = mkdtempSync(join(below, name));

	chownSync(home, CUSTOMER.uid, CUSTOMER.gid);
	chmodSync(home, 0o755);
	asCustomer("tar", ["-xJf", "-", "-C", home],
	    { input: readFileSync(ARCHIVE), stdio: "pipe" });
	mkdirSync(join(home, "public_html"));
	chownSync(join(home, "public_html"), CUSTOMER.uid, CUSTOMER.gid);
	return home;
}

// What the customer runs, with an environment as cron has it.
export function asCustomer(command, args, options = {}) {
	return execFileSync(command, args, { encoding: "utf8", cwd: "/",
	    env: { PATH: "/usr/bin:/bin" }, stdio: ["ignore", "pipe", "pipe"],
	    ...CUSTOMER, ...options });
}

// install.sh, with a umask as many accounts have it: { code, text }.
export function install(home, ...args) {
	return new Promise((done) => execFile("sh", ["-c",
	    'umask 002; exec sh "$0" "$@" 2>&1',
	    join(home, "oauth-cgi/install.sh"), ...args], { ...CUSTOMER,
		cwd: "/", env: { PATH: "/usr/bin:/bin" }, encoding: "utf8" },
	    (error, text) => done({ code: error?.code ?? 0, text }))
	    .stdin.end());
}

// Every file and folder below: { "path in it": stat }.
export function tree(dir, prefix = "") {
	const found = {};

	for (const entry of readdirSync(dir, { withFileTypes: true })) {
		const name = prefix + entry.name;

		found[name] = statSync(join(dir, entry.name));
		if (entry.isDirectory())
			Object.assign(found, tree(join(dir, entry.name),
			    `${name}/`));
	}
	return found;
}

export class Host {
	// options:
	//	fastcgi		Apache has mod_fcgid
	//	cgiBin		programs run in cgi-bin only
	//	name		begins the name of the home
	static async start(options = {}) {
		const h = new Host();

		h.options = options;
		h.state = mkdtempSync(join(tmpdir(), "oac-"));
		try {
			await h.#start();
		} catch (error) {
			error.message += `\n${h.logs()}`;
			await h.stop().catch(() => {});
			throw error;
		}
		return h;
	}

	async #start() {
		this.home = makeHome(this.options.name);
		this.port = await freePort();
		this.origin = `http://127.0.0.1:${this.port}`;
		this.public = this.options.cgiBin ? "cgi-bin/oauth" :
		    "public_html/oauth";
		this.url = `${this.origin}/${this.options.cgiBin ? "cgi-bin/" :
		    ""}oauth`;
		if (this.options.cgiBin) {
			mkdirSync(join(this.home, "cgi-bin"));
			chownSync(join(this.home, "cgi-bin"), CUSTOMER.uid,
			    CUSTOMER.gid);
		}
		this.provider = await Provider.start(BUILD, this.state,
		    { auto: 1 });
		this.#writePreset();
		this.#writeSite();
		await this.#startApache();
	}

	// Where interact is in this test; the configuration stays as it is.
	#writePreset() {
		const folder = join(this.home, "oauth-cgi/etc/providers");

		mkdirSync(folder);
		chownSync(folder, CUSTOMER.uid, CUSTOMER.gid);
		writeFileSync(join(folder, "interact.conf"), `provider interact {
	authorize_url = "${this.provider.url}/authorize"
	token_url = "${this.provider.url}/token"
	scope = "read_user write_data"
	allow_insecure = yes
}
`);
		chownSync(join(folder, "interact.conf"), CUSTOMER.uid,
		    CUSTOMER.gid);
	}

	// What else is there: like WordPress, it takes all that is no file.
	#writeSite() {
		const site = join(this.home, "public_html");

		writeFileSync(join(site, "index.html"), "the site");
		writeFileSync(join(site, ".htaccess"), `RewriteEngine On
RewriteBase /
RewriteCond %{REQUEST_FILENAME} !-f
RewriteCond %{REQUEST_FILENAME} !-d
RewriteRule . /index.html [L]
`);
	}

	async #startApache() {
		const conf = join(this.state, "apache.conf");
		const log = openSync(join(this.state, "apache.out"), "a");

		// suEXEC gives up where it can't write its log.
		mkdirSync("/var/log/apache2", { recursive: true });
		chmodSync(this.state, 0o755);
		mkdirSync(join(this.state, "run"), { mode: 0o777 });
		chmodSync(join(this.state, "run"), 0o777);
		writeFileSync(conf, this.#apacheConfig());
		this.server = spawn("/usr/sbin/apache2",
		    ["-DFOREGROUND", "-f", conf],
		    { stdio: ["ignore", log, log], env: {
			PATH: "/usr/bin:/bin", SECRET_OF_THE_HOST: "1" } });
		for (let i = 0; i < 400; i++) {
			if (this.server.exitCode !== null)
				throw new Error("Apache ended");
			if (await request(this.origin).catch(() => undefined))
				return;
			await sleep(50);
		}
		throw new Error("Apache does not answer");
	}

	#apacheConfig() {
		const { state, home, options } = this;
		const modules = ["mpm_event", "authz_core", "alias", "dir",
		    "env", "mime", "rewrite", "setenvif", "suexec", "cgid",
		    ...options.fastcgi ? ["fcgid"] : []];

		return `ServerRoot "${state}"
ServerName 127.0.0.1
Listen 127.0.0.1:${this.port}
User www-data
Group www-data
PidFile "${state}/run/apache.pid"
DefaultRuntimeDir "${state}/run"
ErrorLog "${state}/apache.log"
${modules.map((m) => `LoadModule ${m}_module ${MODULES}/mod_${m}.so`)
    .join("\n")}
Suexec On
TypesConfig /dev/null
ScriptSock "${state}/run/cgid.sock"
<IfModule mod_fcgid.c>
	FcgidIPCDir "${state}/run/fcgid"
	FcgidProcessTableFile "${state}/run/fcgid_shm"
	FcgidMinProcessesPerClass 0
</IfModule>
<Directory />
	Require all denied
	AllowOverride None
	Options None
</Directory>
<VirtualHost 127.0.0.1:${this.port}>
	DocumentRoot "${home}/public_html"
	SuexecUserGroup #${CUSTOMER.uid} #${CUSTOMER.gid}
	ScriptAlias "/cgi-bin/" "${home}/cgi-bin/"
	<Directory "${home}">
		Require all granted
		# What .htaccess says that it needs, and no more.
		AllowOverride Options FileInfo AuthConfig
		Options Indexes SymLinksIfOwnerMatch
	</Directory>
</VirtualHost>
`;
	}

	// The first installation, as from the control panel's cron.
	install(...more) {
		const secret = join(this.home, "the secret.txt");

		writeFileSync(secret, "demo-secret\r\n");
		return install(this.home, "--public", this.public, "--url",
		    this.url, "--client-id", "demo-client", "--secret-file",
		    secret, ...this.options.cgiBin ? ["--cgi-bin"] : [],
		    ...more);
	}

	at(...path) {
		return join(this.home, ...path);
	}

	get key() {
		return readFileSync(this.at("oauth-cgi/etc/website.key"),
		    "utf8").trim();
	}

	admin(...args) {
		return asCustomer(this.at("oauth-cgi/bin/oauth-cgi"), args);
	}

	refresh(form, headers = { authorization: `Bearer ${this.key}` }) {
		return request(`${this.url}/refresh`, { method: "POST", form,
		    headers });
	}

	ownLog() {
		return readFileSync(this.at("oauth-cgi/var/oauth-cgi.log"),
		    "utf8");
	}

	logs() {
		return readdirSync(this.state).filter((n) => /^apache\.[lo]/
		    .test(n)).map((n) => `--- ${n}\n` +
		    readFileSync(join(this.state, n), "utf8")).join("\n") +
		    `--- suexec.log\n${execFileSync("tail", ["-n", "9",
		    "/var/log/apache2/suexec.log"], { encoding: "utf8" })}`;
	}

	async stop() {
		if (this.server !== undefined)
			await end(this.server, "SIGTERM", 20000);
		await this.provider?.stop();
		for (const dir of [this.home, this.state])
			if (dir !== undefined)
				rmSync(dir, { recursive: true, force: true });
	}
}
