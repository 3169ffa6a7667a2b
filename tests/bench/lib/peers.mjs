// SPDX-License-Identifier: ISC
//
// peers - who is measured: our programs, the hello-world program, Express and
// PHP-FPM. Each peer has
//
//	name	for the report
//	url	of what it serves: /start, /callback/interact and /refresh below it
//	key	that its /refresh wants
//	roots()	the processes whose CPU time counts, with all that descend from them
//	stop()

import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, openSync, readdirSync,
    readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sleep } from "../../e2e/lib/harness.mjs";
import { end, lineOf } from "../../e2e/lib/provider.mjs";
import { BUILD, freePort, Site } from "../../e2e/lib/site.mjs";
import { tree } from "./cpu.mjs";

const HERE = fileURLToPath(new URL("..", import.meta.url));
export const WORKERS = 8;

async function until(condition, complaint) {
	for (let i = 0; i < 400; i++) {
		if (await condition())
			return;
		await sleep(25);
	}
	throw new Error(complaint());
}

function commandOf(pid) {
	return readFileSync(`/proc/${pid}/comm`, "utf8");
}

function connects(port) {
	return new Promise((done) => {
		const s = net.connect(port, "127.0.0.1", () => {
			s.destroy();
			done(true);
		});

		s.on("error", () => done(false));
	});
}

// A folder, processes in it, and the end of both.
class Place {
	constructor(name) {
		this.name = name;
		this.dir = mkdtempSync(join(tmpdir(), "oac-bench-"));
		this.log = join(this.dir, "log");
		this.children = [];
	}

	spawn(command, args, options = {}) {
		const log = openSync(this.log, "a");
		const child = spawn(command, args, { cwd: this.dir,
		    stdio: ["ignore", "pipe", log], ...options });

		this.children.push(child);
		return child;
	}

	// lighttpd as it stands in front of our own programs.
	async lighttpd(lines) {
		const config = join(this.dir, "lighttpd.conf");
		const port = await freePort();

		mkdirSync(join(this.dir, "tmp"), { recursive: true });
		writeFileSync(config, `server.port = ${port}
server.bind = "127.0.0.1"
server.document-root = "${this.root ?? this.dir}"
server.errorlog = "${this.log}"
server.upload-dirs = ( "${this.dir}/tmp" )
server.max-request-size = 1024
${lines}`);
		this.spawn("lighttpd", ["-D", "-f", config]);
		await until(() => connects(port), () => this.complaint());
		return `http://127.0.0.1:${port}`;
	}

	complaint() {
		return `${this.name} did not start:\n` +
		    readFileSync(this.log, "utf8");
	}

	roots() {
		return this.children.map((child) => child.pid);
	}

	async stop() {
		for (const child of this.children.reverse())
			await end(child);
		rmSync(this.dir, { recursive: true, force: true });
	}
}

// Ours, as README sets it up. options are the site's; connections: how many
// valid and how many expired ones it has.
export async function ours(options = {}, connections = {}) {
	const site = await Site.start({ workers: WORKERS, settings:
	    { grants: "any", ttl: 1, ...options.provider }, ...options });

	for (const state of ["valid", "expired"])
		if (connections[state] > 0)
			execFileSync(join(BUILD, "tests/bench/seed"), [
			    site.config, "connections",
			    String(connections[state]), state]);
	return {
		name: "oauth-cgi",
		url: site.url,
		key: site.key,
		site,
		roots: () => [site.server.pid],
		// The parent of a program's workers.
		program: (name) => tree([site.server.pid]).find((pid, i) =>
		    i > 0 && commandOf(pid).startsWith(`${name}.fcgi`)),
		stop: () => site.stop(),
	};
}

// As many processes as we have workers.
export async function hello() {
	const place = new Place("hello");
	const origin = await place.lighttpd(`server.modules = ( "mod_fastcgi" )
fastcgi.server = ( "/hello" => ((
	"bin-path" => "${BUILD}/tests/bench/hello",
	"socket" => "${place.dir}/hello.sock",
	"check-local" => "disable",
	"max-procs" => ${WORKERS} )) )
`);

	place.url = `${origin}/hello`;
	return place;
}

// What both peers are told, and their database with connections in it.
function prepare(place, provider, connections) {
	const settings = {
		AUTHORIZE_URL: `${provider.url}/authorize`,
		TOKEN_URL: `${provider.url}/token`,
		CLIENT_ID: "demo-client",
		CLIENT_SECRET: "demo-secret",
		DATABASE: join(place.dir, "oauth.db"),
		KEY: randomBytes(32).toString("hex"),
	};

	place.key = `oacgi_${randomBytes(32).toString("base64url")}`;
	execFileSync(process.execPath, [join(HERE, "peers/seed.mjs"),
	    settings.DATABASE, settings.KEY, place.key, String(connections)]);
	return settings;
}

// Node alone, on a port of its own: no web server's time is added to it.
export async function expressPeer(provider, connections) {
	const place = new Place("Express");
	const port = await freePort();
	const env = join(place.dir, "env");

	place.url = `http://127.0.0.1:${port}/oauth`;
	writeFileSync(env, Object.entries({ PORT: port, BASE_URL: place.url,
	    ...prepare(place, provider, connections) })
	    .map(([name, value]) => `${name}=${value}\n`).join(""));
	await lineOf(place.spawn(process.execPath,
	    [join(HERE, "peers/express.mjs"), env],
	    { env: { ...process.env, NODE_ENV: "production" } }),
	    /listening on/);
	return place;
}

// Its program, which has its version in its name; undefined: not installed.
export function phpFpm() {
	return readdirSync("/usr/sbin").filter((name) =>
	    name.startsWith("php-fpm")).sort().at(-1);
}

// As many children as we have workers, behind the same lighttpd.
export async function phpPeer(provider, connections) {
	const place = new Place("PHP-FPM");
	const config = join(place.dir, "fpm.conf");
	const socket = join(place.dir, "fpm.sock");

	place.root = join(HERE, "peers/php");
	const settings = prepare(place, provider, connections);
	const origin = await place.lighttpd(`
server.modules = ( "mod_rewrite", "mod_fastcgi" )
url.rewrite-once = ( "^/oauth/(start|callback|refresh)[^?]*(\\?.*)?$" =>
    "/$1.php$2" )
fastcgi.server = ( ".php" => (( "socket" => "${socket}" )) )
`);
	place.url = `${origin}/oauth`;
	settings.LOCKS = join(place.dir, "locks");
	mkdirSync(settings.LOCKS);
	writeFileSync(config, `[global]
daemonize = no
error_log = ${place.log}
[bench]
listen = ${socket}
listen.backlog = 1024
pm = static
pm.max_children = ${WORKERS}
catch_workers_output = yes
${process.getuid() === 0 ? "user = root\ngroup = root" : ""}
${Object.entries({ BASE_URL: place.url, ...settings })
    .map(([name, value]) => `env[${name}] = "${value}"`).join("\n")}
`);
	place.spawn(phpFpm(), ["-F", "-R", "-y", config]);
	await until(() => existsSync(socket), () => place.complaint());
	return place;
}
