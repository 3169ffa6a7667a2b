// SPDX-License-Identifier: ISC
//
// servers - the web servers that deploy/ has files for: each is started as a
// private instance with that very file, in which only paths (and the users, if
// need be) are those of the test. A Site takes one of these as its `web`.
//
// Run by root, servers drop to www-data as they do on a real machine, and
// programs behind sockets run as another user still. Run by anybody else, all
// of it is that user.

import { execFile, execFileSync, spawn } from "node:child_process";
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync,
    openSync, readdirSync, readFileSync, readlinkSync, rmSync,
    writeFileSync }
    from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { sleep } from "./harness.mjs";
import { end } from "./provider.mjs";
import { BUILD, listens } from "./site.mjs";

export const DEPLOY = join(dirname(fileURLToPath(import.meta.url)),
    "../../../deploy");
export const PROGRAMS = ["start", "callback", "refresh"];
export const ROOT = process.getuid() === 0;
const MODULES = "/usr/lib/apache2/modules";

export const deployed = (file) => readFileSync(join(DEPLOY, file), "utf8");

const idOf = (what, user) => Number(execFileSync("id", [what, user]));

// Until a condition holds; what it gives in the end.
export async function until(condition, what, seconds = 20) {
	for (let i = 0; i < seconds * 20; i++) {
		const result = await condition();

		if (result)
			return result;
		await sleep(50);
	}
	throw new Error(`after ${seconds} s still not: ${what}`);
}

// What has ended by itself meanwhile is fine.
export function signal(pid, name) {
	try {
		process.kill(pid, name);
	} catch (error) {
		if (error.code !== "ESRCH")
			throw error;
	}
}

// A web server with a file of deploy/. options:
//	backend		what runs the programs, if the server itself does not
//	log		of the site section
//	edit		(text) => what the operator has made of the file
class Web {
	constructor(file, { backend, log, edit = (text) => text } = {}) {
		this.file = file;
		this.backend = backend;
		this.log = log;
		this.edit = edit;
		this.user = !ROOT ? undefined : backend === undefined ?
		    "www-data" : backend.user;
	}

	get initOptions() {
		return this.user === undefined ? [] : ["--user", this.user];
	}

	get admin() {
		return this.backend?.admin;
	}

	// A file of deploy/ with the paths of this site.
	render(file) {
		const dir = this.site.dir;

		return deployed(file)
		    .replaceAll("/usr/local", dir)
		    .replaceAll(/\/run\/(lighttpd|oauth-cgi)\b(?!-)/g,
		    (all, name) => join(dir, name === "lighttpd" ? "run" :
		    "sockets"))
		    .replaceAll("/var/log/oauth-cgi", `${dir}/log`);
	}

	// The web server's file.
	get main() {
		return this.edit(this.render(this.file));
	}

	// What `make install` does, and the permissions that init would give.
	async prepare(site) {
		const { dir } = this.site = site;
		const at = join(dir, "libexec/oauth-cgi");

		mkdirSync(at, { recursive: true });
		for (const p of PROGRAMS)
			copyFileSync(join(BUILD, `${p}.fcgi`),
			    join(at, `${p}.fcgi`));
		copyFileSync(join(BUILD, "oauth-cgi"),
		    join(dir, "bin/oauth-cgi"));
		for (const name of ["", "etc", "bin", "libexec",
		    "libexec/oauth-cgi", "www"])
			chmodSync(join(dir, name), 0o755);
		for (const name of ["run", "log"])
			chmodSync(join(dir, name), 0o777);
		await this.backend?.prepare(this);
		this.giveFiles();
	}

	giveFiles() {
		if (this.user === undefined)
			return;
		const gid = this.backend?.gid ?? idOf("-g", this.user);

		for (const name of ["oauth-cgi.conf", "client.secret"]) {
			const path = join(this.site.dir, "etc", name);

			chownSync(path, 0, gid);
			chmodSync(path, 0o640);
		}
	}

	async start() {
		await this.backend?.start();
		const { dir, port } = this.site;
		const log = openSync(join(dir, "log/server.out"), "a");
		const [command, ...args] = this.command();

		this.child = spawn(command, args,
		    { stdio: ["ignore", log, log] });
		await listens(port, this.child);
	}

	// New configuration, the server's and ours.
	async reload() {
		this.child.kill(this.reloadSignal);
		await this.backend?.reload();
	}

	// At once, whatever is under way.
	async stop() {
		await Promise.all([end(this.child, "SIGTERM", 20000),
		    this.backend?.stop()]);
	}

	async close() {
		if (this.child !== undefined)
			await end(this.child, "SIGTERM", 20000);
		await this.backend?.close();
		for (const { pid } of this.programs())
			signal(pid, "SIGKILL");
	}

	// The processes of ours that this site has: [{ pid, parent, name }].
	programs() {
		return this.site === undefined ? [] :
		    this.backend?.programs?.() ??
		    programsBelow(this.site.dir);
	}
}

export function programsBelow(dir, wanted = () => true) {
	const found = [];

	for (const pid of readdirSync("/proc").filter((n) => /^\d+$/.test(n))) {
		try {
			const line = readFileSync(`/proc/${pid}/cmdline`,
			    "utf8").split("\0")[0];
			const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
			const [state, parent] = stat.slice(
			    stat.lastIndexOf(")") + 2).split(" ");
			const name = /([a-z]+)\.fcgi$/.exec(line)?.[1];

			if (line.startsWith(`${dir}/libexec/oauth-cgi/`) &&
			    state !== "Z" && wanted(pid))
				found.push({ pid: Number(pid), name,
				    parent: Number(parent) });
		} catch {
			// It is gone.
		}
	}
	return found;
}

export class Lighttpd extends Web {
	reloadSignal = "SIGUSR1";

	command() {
		const { dir, port } = this.site;
		const conf = join(dir, "etc/lighttpd.conf");

		// The module and the mapping of the first lines: a site has
		// other things, too.
		writeFileSync(conf, `server.port = ${port}
server.bind = "127.0.0.1"
server.document-root = "${dir}/www"
server.errorlog = "${dir}/log/lighttpd.log"
server.upload-dirs = ( "${dir}/run" )
${ROOT ? 'server.username = "www-data"\nserver.groupname = "www-data"' : ""}
server.modules = ( "mod_access", "mod_alias", "mod_fastcgi" )
alias.url = ( "/icons" => "/usr/share/icons" )
fastcgi.server = ( ".php" => (( "socket" => "${dir}/run/php.sock" )) )
${this.main}
`);
		return ["/usr/sbin/lighttpd", "-D", "-f", conf];
	}
}

export class Apache extends Web {
	reloadSignal = "SIGUSR1";

	command() {
		const { dir, port } = this.site;
		const conf = join(dir, "etc/apache.conf");
		// What the file tells to enable, and what that needs.
		const more = /a2enmod ([\w ]+?) &&/.exec(deployed(this.file))[1]
		    .split(" ");

		if (more.includes("proxy_fcgi"))
			more.unshift("proxy");
		writeFileSync(conf, `ServerRoot "${dir}"
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
${ROOT ? "User www-data\nGroup www-data" : ""}
PidFile "${dir}/run/apache.pid"
DefaultRuntimeDir "${dir}/run"
ErrorLog "${dir}/log/apache.log"
${["mpm_event", "authz_core", "alias", "dir", "env", "mime", "setenvif",
    "reqtimeout", ...more].map((m) => `LoadModule ${m}_module ` +
    `${MODULES}/mod_${m}.so`).join("\n")}
TypesConfig /dev/null
<VirtualHost *>
	DocumentRoot "${dir}/www"
	<Directory "${dir}/www">
		Require all granted
	</Directory>
</VirtualHost>
<IfModule mod_fcgid.c>
	FcgidIPCDir "${dir}/run/fcgid"
	FcgidProcessTableFile "${dir}/run/fcgid_shm"
</IfModule>
<IfModule mod_cgid.c>
	ScriptSock "${dir}/run/cgid.sock"
</IfModule>
${this.main}
`);
		return ["/usr/sbin/apache2", "-DFOREGROUND", "-f", conf];
	}
}

export class Nginx extends Web {
	reloadSignal = "SIGHUP";

	command() {
		const { dir, port } = this.site;
		const conf = join(dir, "etc/nginx.conf");

		mkdirSync(join(dir, "etc/snippets"), { recursive: true });
		writeFileSync(join(dir, "etc/snippets/oauth-cgi.conf"),
		    this.main);
		writeFileSync(conf, `daemon off;
${ROOT ? "user www-data;" : ""}
pid ${dir}/run/nginx.pid;
error_log ${dir}/log/nginx.log;
events {}
http {
	access_log off;
	${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((n) =>
	    `${n}_temp_path ${dir}/run/${n};`).join("\n\t")}
	fastcgi_intercept_errors on;
	error_page 400 403 404 /error.html;
	server {
		listen 127.0.0.1:${port};
		root ${dir}/www;
		${/include snippets.*;/.exec(deployed(this.file))[0]}
	}
}
`);
		return ["/usr/sbin/nginx", "-p", dir, "-c", conf, "-e",
		    join(dir, "log/nginx.log")];
	}
}

// ---- what runs programs that the web server does not ------------------------

const STRANGER = ROOT ? "daemon" : undefined;	// in place of oauth-cgi

// deploy/spawn-fcgi
export class SpawnFcgi {
	user = STRANGER;

	prepare(web) {
		this.script = join(web.site.dir, "bin/init");
		writeFileSync(this.script, web.render("spawn-fcgi/oauth-cgi")
		    .replace("user=oauth-cgi", `user=${this.user ?? ""}`),
		    { mode: 0o755 });
	}

	run(...args) {
		return execFileSync(this.script, args,
		    { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
	}

	// Stopping waits; meanwhile others must get their turn.
	stop() {
		return new Promise((done) => spawn(this.script, ["stop"],
		    { stdio: "ignore" }).on("exit", done));
	}

	start() { this.run("start"); }
	reload() { this.run("reload"); }
	close() { return this.stop(); }
}

// A unit of deploy/systemd with its drop-ins: { Section: { Key: [value…] } }.
export function unit(name) {
	const [, template, instance, type] =
	    /^([\w-]+)(?:@(\w+))?\.(\w+)$/.exec(name);
	const folder = join(DEPLOY, "systemd/system");
	const dropIn = join(folder, `${name}.d`);
	const files = [join(folder, instance === undefined ? name :
	    `${template}@.${type}`), ...(existsSync(dropIn) ?
	    readdirSync(dropIn).map((f) => join(dropIn, f)) : [])];
	const out = {};
	let section;

	for (const line of files.flatMap((f) => readFileSync(f, "utf8")
	    .replaceAll("%i", instance ?? "").split("\n"))) {
		const head = /^\[(\w+)\]$/.exec(line);
		const set = /^(\w+)=(.*)$/.exec(line);

		if (head !== null)
			section = out[head[1]] ??= {};
		else if (set !== null)
			(section[set[1]] ??= []).push(set[2]);
	}
	return out;
}

// What the units say, done by systemd-socket-activate: the socket as
// descriptor 0, the environment, the credentials and the user.
export class SocketActivate {
	user = STRANGER;
	running = new Map();

	prepare(web) {
		this.web = web;
		this.sockets = join(web.site.dir, "sockets");
		mkdirSync(this.sockets);
		chmodSync(this.sockets, 0o777);
	}

	here(text) {
		return text.replaceAll("/usr/local", this.web.site.dir)
		    .replaceAll("/run/oauth-cgi", this.sockets);
	}

	// LoadCredential=, as a folder that is the user's alone.
	credentials(name, service, ids) {
		const dir = join(this.web.site.dir, "run", `${name}.cred`);

		rmSync(dir, { recursive: true, force: true });
		mkdirSync(dir, { mode: 0o700 });
		for (const line of service.LoadCredential) {
			const [id, from] = this.here(line).split(":");

			copyFileSync(from, join(dir, id));
			chmodSync(join(dir, id), 0o400);
			if (ids !== undefined)
				chownSync(join(dir, id), ids.uid, ids.gid);
		}
		if (ids !== undefined)
			chownSync(dir, ids.uid, ids.gid);
		return dir;
	}

	async startOne(name) {
		const service = unit(`oauth-cgi@${name}.service`).Service;
		const { ListenStream: [listen], SocketGroup: [group],
		    SocketMode: [mode] } = unit(`oauth-cgi@${name}.socket`)
		    .Socket;
		const path = this.here(listen);
		const ids = this.user === undefined ? undefined :
		    { uid: idOf("-u", this.user), gid: idOf("-g", this.user) };
		const env = service.Environment.map((e) => this.here(e));
		const log = openSync(join(this.web.site.dir, "log",
		    "journal.log"), "a");

		env.push(`CREDENTIALS_DIRECTORY=${this.credentials(name,
		    service, ids)}`);
		const child = spawn("systemd-socket-activate", ["--inetd",
		    `--listen=${path}`, ...env.map((e) => `--setenv=${e}`),
		    ...this.here(service.ExecStart[0]).split(" ")],
		    { stdio: ["ignore", "ignore", log], ...ids });

		this.running.set(name, child);
		await until(() => existsSync(path), path);
		if (ROOT)
			chownSync(path, 0, idOf("-g", group));
		chmodSync(path, parseInt(mode, 8));
	}

	async start() {
		for (const name of PROGRAMS)
			await this.startOne(name);
	}

	// ExecReload=; one that no request has begun yet would end of it.
	reload() {
		const pids = this.web.programs().map(({ pid }) => pid);

		for (const { pid } of this.running.values())
			if (pids.includes(pid))
				process.kill(pid, "SIGHUP");
	}

	async stop() {
		await Promise.all([...this.running.values()].map((child) =>
		    end(child, "SIGTERM", 45000)));
		this.running.clear();
		// RemoveOnStop=
		for (const name of PROGRAMS)
			rmSync(join(this.sockets, `${name}.sock`),
			    { force: true });
	}

	close() { return this.stop(); }
}

const pidNamespace = (pid) => readlinkSync(`/proc/${pid}/ns/pid`);

// ---- the units under a systemd of their own ---------------------------------

// The commands of a section of deploy/README.md.
export function commands(title) {
	const section = deployed("README.md").split(/^## /m)
	    .find((s) => s.startsWith(`${title}\n`));

	return section.split("\n").filter((l) => /^ {4}\S/.test(l))
	    .map((l) => l.slice(4));
}

// Whether machine.sh can work here.
export const MACHINES = ROOT && (() => {
	try {
		execFileSync("unshare", ["-m", "-p", "-f", "-u", "-i", "-C",
		    "mount", "-t", "cgroup2", "cgroup2", "/mnt"],
		    { stdio: "ignore" });
		return existsSync("/lib/systemd/systemd");
	} catch {
		return false;
	}
})();

// A machine of its own, set up by what deploy/README.md tells to type.
export class Machine {
	async prepare(web) {
		const { dir } = this.site = web.site;

		mkdirSync(join(dir, "sockets"));
		const log = openSync(join(dir, "log/machine.log"), "a");

		this.child = spawn("unshare", ["-m", "sh", fileURLToPath(
		    new URL("machine.sh", import.meta.url)), dir],
		    { stdio: ["ignore", log, log] });
		this.pid = await until(() => this.#findInit(), "systemd");
		await until(() => this.#quietly("systemctl", "is-active",
		    "multi-user.target"), "a machine that has started");
		for (const line of commands("systemd"))
			this.run("sh", "-c", `cd "$0" && ${line}`, DEPLOY);
		this.gid = Number(/^oauth-cgi:[^:]*:(\d+)/m.exec(readFileSync(
		    join(dir, "machine-etc/group"), "utf8"))[1]);
	}

	// The grandchild that is process 1 in there.
	#findInit() {
		const children = (pid) => readFileSync(
		    `/proc/${pid}/task/${pid}/children`, "utf8").split(" ")
		    .filter((c) => c !== "");
		let pid = this.child.pid;

		if (this.child.exitCode !== null)
			throw new Error("machine.sh ended");
		for (let i = 0; i < 5 && pid !== undefined; i++) {
			if (readFileSync(`/proc/${pid}/comm`, "utf8") ===
			    "systemd\n")
				return pid;
			[pid] = children(pid);
		}
		return undefined;
	}

	get user() { return "oauth-cgi"; }
	get inside() {
		return ["nsenter", "-t", this.pid, "-m", "-p", "-u", "-i", "-C",
		    "--", "env", "OAUTH_CGI_CONFIG=/usr/local/etc/oauth-cgi.conf"];
	}
	get admin() { return [...this.inside, "/usr/local/bin/oauth-cgi"]; }

	run(...args) {
		const [command, ...first] = this.inside;

		return execFileSync(command, [...first, ...args],
		    { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
	}

	#quietly(...args) {
		try {
			return this.run(...args);
		} catch {
			return undefined;
		}
	}

	// systemctl waits; meanwhile others must get their turn.
	systemctl(...args) {
		const [command, ...first] = this.inside;

		return new Promise((done, fail) => execFile(command, [...first,
		    "systemctl", ...args], (error, out) => error === null ?
		    done(out) : fail(error)));
	}

	start() { return this.systemctl("start", "oauth-cgi.target"); }
	reload() { return this.systemctl("reload", "oauth-cgi@*.service"); }
	// It waits for those it is told by name.
	stop() {
		return this.systemctl("stop", "oauth-cgi.target",
		    "oauth-cgi@*.service", "oauth-cgi@*.socket");
	}

	programs() {
		const mine = pidNamespace(this.pid);

		return programsBelow("/usr/local",
		    (pid) => pidNamespace(pid) === mine);
	}

	async close() {
		if (this.child !== undefined)
			await end(this.child);
	}
}
