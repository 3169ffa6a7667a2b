// SPDX-License-Identifier: ISC
//
// Every file of deploy/, with the web server or the supervisor that it is for:
// the whole flow, what each server does differently, and what happens to a
// refresh when the server is reloaded or stopped in the middle of it.
//
// runs: apache2 nginx spawn-fcgi systemd-socket-activate logrotate

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, chownSync, cpSync, mkdtempSync, readFileSync, rmSync,
    statSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Browser, request } from "./lib/browser.mjs";
import { after, before, describe, it, sleep } from "./lib/harness.mjs";
import { Apache, DEPLOY, deployed, Lighttpd, Machine, MACHINES, Nginx,
    PROGRAMS, ROOT, signal, SocketActivate, SpawnFcgi, until }
    from "./lib/servers.mjs";
import { BUILD, bindOf, Site } from "./lib/site.mjs";

const TTL = 2;		// of the tokens that are to expire
const SCOPE = Array.from({ length: 320 }, (x, i) => `scope-${i + 100}`)
    .join(" ");		// makes a Location near its limit
const ours = (a) => a.headers["referrer-policy"] === "no-referrer";
const refusedBy = (a) => a.status >= 400 && a.status < 500;

// The tests that every way to run the programs has to pass. make() gives the
// web server. cgi: a process for each request. slow: how long the provider
// takes over the refresh that a reload meets. more() has further tests.
function serves(name, make, { cgi = false, slow = 1200, more } = {}) {
	describe(name, () => {
		let site, p, web;
		const expiring = {};
		const start = (params, headers, b = new Browser()) =>
		    b.get(site.startUrl({ provider: "interact", ...params }),
		    headers);
		const ask = (form, options) => site.refresh(form, options);
		const refreshes = async () =>
		    (await p.stats()).token.refresh_token;
		const expired = async (c) => {
			const left = c.expires_at * 1000 - Date.now() + 100;

			if (left > 0)
				await sleep(left);
		};
		const valid = async (a) => {
			assert.equal(a.status, 200, `${a.text}\n${site.logs()}`);
			const j = a.json();

			assert.equal(j.status, "ok", a.text);
			assert.equal((await p.me(j.access_token)).status, 200);
			return j;
		};

		before(async () => {
			web = make();
			site = await Site.start({ web, settings: { auto: 1,
			    ttl: TTL }, providers: { interact: { scope: SCOPE } },
			    site: { database: "oauth-cgi/oauth.db",
			    keys: "oauth-cgi/keys", log: web.log ?? "stderr" } });
			p = site.provider;
			for (const s of ["herd", "reload", "stop"])
				expiring[s] = await site.connect(s).catch((e) => {
					e.message += `\n${site.logs()}`;
					throw e;
				});
			await p.set({ ttl: 3600 });
		});
		after(() => site?.stop());

		it("start, provider, callback, redeem, refresh", async () => {
			// Programs that took this for their proxy would find
			// nobody at the provider's.
			const proxy = "http://127.0.0.1:1/";
			const c = await site.connect("flow", "interact",
			    new Browser({ proxy }));

			await valid(await ask({ connection: c.connection }));
			// The same with our own header.
			const options = { headers: { authorization: "",
			    "x-oauth-cgi-key": site.key, proxy } };
			const a = await ask({ provider: "interact",
			    subject: "flow" }, options);

			assert.equal((await valid(a)).access_token,
			    c.access_token);
			assert.equal((await ask({ provider: "interact",
			    subject: "flow" }, { headers: { authorization:
			    "Bearer oacgi_wrong" } })).status, 401);
		});

		it("its path and no other", async () => {
			const at = (path, options) =>
			    request(site.url + path, options);
			let a = await at("/startfoo?provider=interact");

			assert.equal(a.status, 404);
			assert.ok(!ours(a), "/startfoo is not ours");
			for (const path of ["/start/x", "/start/",
			    "/refresh/x"]) {
				a = await at(path);
				assert.ok(ours(a), `${path}: ${a.status}`);
				assert.ok(refusedBy(a), `${path}: ${a.status}`);
			}
			a = await at("/callback/nobody?state=x&code=y");
			assert.ok(ours(a) && refusedBy(a), a.text);
			// A query without "=" becomes arguments of a CGI program.
			a = await at("/start?-c+/nowhere.conf");
			assert.equal(a.status, 303, a.text);
		});

		it("the cookie comes and goes, redirects are sent as they are",
		    async () => {
			const b = new Browser();
			const return_to = `/a?${"é".repeat(330)}#x`;
			const a = await start({ return_to,
			    bind: bindOf("x") }, {}, b);
			const cookie = b.cookie("oauth-cgi");

			assert.equal(a.status, 303, a.text);
			assert.ok(a.location.startsWith(p.url), a.location);
			assert.equal(new URL(a.location).searchParams.get(
			    "scope"), SCOPE);
			assert.ok(a.location.length > 3500);
			const end = await b.follow(await b.follow(a));

			assert.equal(end.status, 303, end.text);
			assert.match(end.location, /status=connected#x$/);
			assert.ok(end.location.length > 1900);
			await start({}, {}, b);
			assert.equal(b.cookie("oauth-cgi"), cookie);
		});

		it("large requests arrive, larger ones are refused",
		    async () => {
			const b = new Browser();

			await start({}, {}, b);
			const mine = `oauth-cgi=${b.cookie("oauth-cgi")}`;
			let a = await start({ more: "x".repeat(6000) },
			    { cookie: `a=${"y".repeat(1500)}; ${mine}` });

			assert.equal(a.status, 303, a.text);
			a = await start({}, { cookie: `a=${"y".repeat(6000)}; ` +
			    mine });
			assert.equal(a.status, 303, a.text);
			assert.ok(a.cookies[0].startsWith(mine), a.cookies[0]);
			a = await start({ more: "x".repeat(40000) });
			assert.ok(refusedBy(a), `query: ${a.status}`);
			a = await start({}, { cookie: `a=${"y".repeat(40000)}` });
			assert.ok(refusedBy(a), `cookie: ${a.status}`);
			a = await ask({ subject: "x".repeat(80 * 1024) });
			assert.equal(a.status, 413, a.text);
			for (const kib of [300, 2000]) {
				a = await ask({ subject: "x".repeat(kib * 1024) });
				assert.ok(refusedBy(a), `${kib}: ${a.status}`);
			}
		});

		it("the log tells what the page's number means", async () => {
			const page = await start({ provider: "nobody" });
			const json = (await start({ provider: "nobody" },
			    { accept: "application/json" })).json();
			const number = /\b[0-9a-f]{8}\b/.exec(page.text)[0];

			for (const id of [number, json.error_id])
				await until(() => site.logs().includes(` ${id}: `),
				    `${id} in the log`);
		});

		if (!cgi)
			it("a program that was killed is replaced", async () => {
				const form = { provider: "interact",
				    subject: "flow" };
				const list = web.programs();
				const workers = list.filter((w) =>
				    w.name === "refresh" &&
				    !list.some((x) => x.parent === w.pid));

				assert.ok(workers.length > 0);
				for (const { pid } of workers)
					signal(pid, "SIGKILL");
				await until(async () => (await ask(form)).status
				    === 200, "an answer");
				for (let i = 0; i < 10; i++)
					await valid(await ask(form));
				const now = web.programs().map(({ pid }) => pid);

				for (const { pid } of workers)
					assert.ok(!now.includes(pid));
			});

		it("idle connections hold no worker, and a crowd is served",
		    async () => {
			const agent = new http.Agent({ keepAlive: true });

			// More than there are workers.
			await Promise.all(Array.from({ length: 20 }, () =>
			    request(`${site.url}/refresh`, { method: "POST",
			    form: {}, agent })));
			const c = expiring.herd, before = await refreshes();

			await expired(c);
			await p.set({ delay_ms: 300 });
			const all = await Promise.all(Array.from({ length: 40 },
			    () => ask({ connection: c.connection })));

			await p.set({ delay_ms: 0 });
			for (const a of all)
				assert.equal(a.status, 200, a.text);
			assert.equal(await refreshes(), before + 1);
			agent.destroy();
		});

		it("a reload in the middle of a refresh: the new " +
		    "configuration, and nothing lost", async () => {
			const c = expiring.reload, before = await refreshes();
			const text = readFileSync(site.config, "utf8");

			await expired(c);
			await p.set({ delay_ms: slow });
			const first = ask({ connection: c.connection })
			    .catch(() => {});

			await until(async () => (await refreshes()) > before,
			    "a refresh");
			writeFileSync(site.config, text.replace("site {",
			    'site {\n\tidentity = "remote_user"'));
			await web.reload();
			await until(async () => (await start()).status === 403,
			    "the new configuration").finally(() => p.set(
			    { delay_ms: 0 }));
			// What a client says is nobody's login.
			const basic = Buffer.from("eve:x").toString("base64");
			const login = await start({}, { "remote-user": "eve",
			    "x-remote-user": "eve", remote_user: "eve",
			    authorization: `Basic ${basic}` });

			assert.equal(login.status, 403, login.text);
			writeFileSync(site.config, text);
			await web.reload();
			await until(async () => (await start()).status === 303,
			    "the old configuration");
			const now = await valid(await ask({ connection:
			    c.connection }));

			await first;
			assert.notEqual(now.access_token, c.access_token);
			assert.equal(await refreshes(), before + 1);
		});

		more?.(() => ({ site, p, web, ask, valid }));

		it("stopped in the middle of a refresh: nothing lost, nobody " +
		    "stays behind", async () => {
			const c = expiring.stop, before = await refreshes();

			await expired(c);
			await p.set({ delay_ms: 1000 });
			const first = ask({ connection: c.connection })
			    .catch(() => {});

			await until(async () => (await refreshes()) > before,
			    "a refresh");
			await web.stop();
			await first;
			await web.start();
			const now = await valid(await ask({ connection:
			    c.connection }));

			await p.set({ delay_ms: 0 });
			assert.notEqual(now.access_token, c.access_token);
			assert.equal(await refreshes(), before + 1);
			assert.equal((await p.stats()).families_revoked, 0);
			await web.stop();
			await until(() => web.programs().length === 0,
			    "all programs have ended");
		});
	});
}

// ---- further tests of one way or another ------------------------------------

// Nobody but root and the web server's group can use the sockets.
function sockets(now) {
	for (const p of PROGRAMS) {
		const st = statSync(join(now().site.dir, "sockets", `${p}.sock`));

		assert.equal((st.mode & 0o777).toString(8), "660", p);
		if (ROOT)
			assert.equal(String(st.gid), execFileSync("id", ["-g",
			    "www-data"], { encoding: "utf8" }).trim(), p);
	}
}

// Init script: what it says, and that it does not start twice.
function script(now) {
	it("the sockets are for the web server's group", () => sockets(now));

	it("the init script tells what runs, and starts nothing twice", () => {
		const { web } = now();
		const before = web.programs().length;

		assert.match(web.backend.run("status"),
		    /^start: running.*\ncallback: running.*\nrefresh: running/);
		web.backend.run("start");
		assert.equal(web.programs().length, before);
	});
}

// The log is a file: with deploy/logrotate.d.
function rotation(now) {
	it("the log is rotated, and goes on in the new file", async () => {
		const { site, web, ask } = now();
		const conf = join(site.dir, "etc/logrotate.conf");
		const log = join(site.dir, "log/oauth-cgi.log");
		const count = () => readFileSync(log, "utf8").split("\n").length;

		// logrotate wants a folder that only its owner can change.
		chmodSync(join(site.dir, "log"), 0o755);
		if (ROOT)
			chownSync(join(site.dir, "log"), statSync(log).uid, 0);
		writeFileSync(conf, web.render("logrotate.d/oauth-cgi"),
		    { mode: 0o644 });
		const before = readFileSync(log, "utf8");

		execFileSync("/usr/sbin/logrotate", ["--force", "--state",
		    join(site.dir, "run/logrotate"), conf]);
		assert.equal(readFileSync(`${log}.1`, "utf8"), before);
		assert.equal(count(), 1);
		assert.equal((await ask({ provider: "nobody", subject: "x" }))
		    .status, 404);
		assert.equal(count(), 2);
		assert.equal(readFileSync(`${log}.1`, "utf8"), before);
	});
}

// What only a systemd can show.
function machine(now) {
	const at = (pid, ...args) => now().web.backend.run("nsenter", "-t", pid,
	    "-m", "--", ...args);
	const mainPid = async (name) => (await now().web.backend.systemctl("show",
	    "-P", "MainPID", `oauth-cgi@${name}.service`)).trim();

	it("the sockets are for the web server's group", () => sockets(now));

	it("a provider's name is looked up", async () => {
		const { site, web } = now();
		const text = readFileSync(site.config, "utf8");

		writeFileSync(site.config, text.replaceAll(
		    /(token_url = .*)127\.0\.0\.1/g, "$1localhost"));
		await web.backend.systemctl("restart", "oauth-cgi@*.service");
		assert.equal((await site.connect("name")).status, "ok");
		writeFileSync(site.config, text);
		await web.backend.systemctl("restart", "oauth-cgi@*.service");
	});

	it("each program has its own keys, and start has no network",
	    async () => {
		const keys = { start: ["pending.key"],
		    callback: ["pending.key", "token.key"],
		    refresh: ["token.key"] };

		for (const [name, wanted] of Object.entries(keys)) {
			const pid = await mainPid(name);

			assert.deepEqual(at(pid, "ls", "/run/credentials/" +
			    `oauth-cgi@${name}.service`).trim().split("\n"),
			    wanted);
			assert.equal(at(pid, "ls", "/usr/local/etc/oauth-cgi/keys"),
			    "");
			assert.match(at(pid, "cat", `/proc/${pid}/status`),
			    /NoNewPrivs:\t1\nSeccomp:\t2\n/);
		}
		const links = (pid) => now().web.backend.run("cat",
		    `/proc/${pid}/net/dev`).match(/\w+(?=:)/g);

		assert.deepEqual(links(await mainPid("start")), ["lo"]);
		assert.notDeepEqual(links(await mainPid("callback")), ["lo"]);
	});

	it("requests wait while the services restart", async () => {
		const { ask, valid, web } = now();
		const form = { provider: "interact", subject: "flow" };
		const before = await mainPid("refresh");
		let over = false;
		const restarts = (async () => {
			// More than systemd allows in ten seconds by default.
			for (let i = 0; i < 6; i++)
				await web.backend.systemctl("restart",
				    "oauth-cgi@*.service");
		})().finally(() => { over = true; });
		let answers = 0;

		for (; !over; answers++)
			await valid(await ask(form));
		await restarts;
		await valid(await ask(form));
		assert.ok(answers > 0);
		assert.notEqual(await mainPid("refresh"), before);
	});

	it("a service that was killed is started again", async () => {
		const { ask, valid, web } = now();
		const form = { provider: "interact", subject: "flow" };
		const before = await mainPid("refresh");

		await web.backend.systemctl("kill", "-s", "KILL",
		    "oauth-cgi@refresh.service");
		await valid(await ask(form));
		assert.notEqual(await mainPid("refresh"), before);
	});

	it("the timer waits, and what it starts ends well", async () => {
		const { web } = now();
		const of = (unit, what) => web.backend.systemctl("show", "-P",
		    what, unit);

		assert.equal(await of("oauth-cgi-purge.timer", "SubState"),
		    "waiting\n");
		await web.backend.systemctl("start", "oauth-cgi-purge.service");
		assert.equal(await of("oauth-cgi-purge.service", "Result"),
		    "success\n");
		assert.equal(await web.backend.systemctl("list-units",
		    "--state=failed", "--no-legend"), "");
	});
}

// ---- the files that no server reads -----------------------------------------

describe("deploy", () => {
	let dir;
	const services = ["start", "callback", "refresh"].map((p) =>
	    `oauth-cgi@${p}.service`);
	const units = [...services, ...services.map((s) => s.replace("service",
	    "socket")), "oauth-cgi.target", "oauth-cgi-purge.service",
	    "oauth-cgi-purge.timer"];
	const analyze = (...args) => {
		const r = spawnSync("systemd-analyze", args, { encoding: "utf8",
		    env: { ...process.env, SYSTEMD_UNIT_PATH: `${dir}:` } });

		return { code: r.status, out: r.stdout + r.stderr };
	};

	before(() => {
		dir = mkdtempSync(join(tmpdir(), "oac-"));
		cpSync(join(DEPLOY, "systemd/system"), dir, { recursive: true });
		for (const name of units.filter((u) => /@?\.service$/.test(u))
		    .map((u) => u.replace(/@\w+/, "@"))) {
			const file = join(dir, name);

			writeFileSync(file, readFileSync(file, "utf8").replaceAll(
			    /\/usr\/local\/(libexec\/oauth-cgi|bin)/g, BUILD));
		}
	});
	after(() => rmSync(dir, { recursive: true, force: true }));

	it("systemd has nothing to say against the units", () => {
		const good = analyze("verify", "--man=no", ...units);

		assert.equal(good.out, "");
		assert.equal(good.code, 0);
		writeFileSync(join(dir, "bad.service"),
		    "[Service]\nExecStart=/bin/true\nProtectSytem=yes\n");
		assert.match(analyze("verify", "--man=no", "bad.service").out,
		    /ProtectSytem/);
	});

	for (const [name, most] of [["oauth-cgi@start.service", 0.5],
	    ["oauth-cgi@callback.service", 1.3],
	    ["oauth-cgi@refresh.service", 1.3],
	    ["oauth-cgi-purge.service", 1.3]])
		it(`the exposure of ${name} is ${most} at most`, () => {
			const { code, out } = analyze("security",
			    "--offline=true", "--no-pager",
			    `--threshold=${most * 10}`, name);

			assert.equal(code, 0, out);
			assert.match(out, /Overall exposure level/);
		});

	it("cron's line runs, and is silent", async () => {
		const site = await Site.start({ settings: { auto: 1 } });

		try {
			const line = deployed("cron.d/oauth-cgi").split("\n")
			    .find((l) => /^[^#]/.test(l));
			const [, user, command] =
			    /^[\d*,/ -]+ (\w+) (.*)$/.exec(line);

			assert.equal(user, "root");
			assert.equal(execFileSync("/bin/sh", ["-c", command
			    .replace("/usr/local/bin", BUILD)], { encoding:
			    "utf8", env: { PATH: "/usr/bin:/bin",
			    OAUTH_CGI_CONFIG: site.config } }), "");
		} finally {
			await site.stop();
		}
	});
});

// What the comment in nginx/oauth-cgi.conf tells to do.
describe("nginx, identity = remote_user", () => {
	let site;
	const get = (login) => request(site.startUrl({ provider: "interact" }),
	    { headers: login === undefined ? {} : { authorization: `Basic ${
	    Buffer.from(login).toString("base64")}` } });

	before(async () => {
		const edit = (text) => text
		    .replace("# fastcgi_param REMOTE_USER", "fastcgi_param REMOTE_USER")
		    .replace("client_max_body_size", `auth_basic staff;
	auth_basic_user_file users;
	client_max_body_size`);
		const web = new Nginx("nginx/oauth-cgi.conf",
		    { backend: new SpawnFcgi(), edit });

		site = await Site.start({ web, settings: { auto: 1 }, site: {
		    database: "oauth-cgi/oauth.db", keys: "oauth-cgi/keys",
		    identity: "remote_user" } });
		writeFileSync(join(site.dir, "etc/users"), "ann:{PLAIN}secret\n",
		    { mode: 0o644 });
	});
	after(() => site?.stop());

	it("who has logged in may start, nobody else", async () => {
		assert.equal((await get()).status, 401);
		assert.equal((await get("ann:wrong")).status, 401);
		const a = await get("ann:secret");

		assert.equal(a.status, 303, a.text);
	});
});

const FILE = "file:../log/oauth-cgi.log";

serves("lighttpd, FastCGI", () =>
    new Lighttpd("lighttpd/50-oauth-cgi.conf"));
serves("lighttpd, sockets of spawn-fcgi", () =>
    new Lighttpd("lighttpd/50-oauth-cgi-external.conf",
    { backend: new SpawnFcgi(), log: FILE }), { more: rotation });
serves("lighttpd, plain CGI", () =>
    new Lighttpd("lighttpd/50-oauth-cgi-plain.conf"), { cgi: true });
// Apache tells busy programs to end 2 s after it was told to reload.
serves("Apache, mod_fcgid", () =>
    new Apache("apache/oauth-cgi-fcgid.conf"), { slow: 2600 });
serves("Apache, mod_proxy_fcgi, sockets of systemd-socket-activate", () =>
    new Apache("apache/oauth-cgi-proxy.conf",
    { backend: new SocketActivate() }));
serves("Apache, plain CGI", () =>
    new Apache("apache/oauth-cgi-plain.conf"), { cgi: true });
serves("nginx, sockets of spawn-fcgi", () =>
    new Nginx("nginx/oauth-cgi.conf", { backend: new SpawnFcgi() }),
    { more: script });
if (MACHINES)
	serves("nginx, sockets and services of systemd", () =>
	    new Nginx("nginx/oauth-cgi.conf", { backend: new Machine(),
	    log: "file:/var/log/oauth-cgi/oauth-cgi.log" }),
	    { more: machine });
else
	console.log("# left out: systemd itself, for no machine can be made " +
	    "here (root, unshare, cgroup2)");
