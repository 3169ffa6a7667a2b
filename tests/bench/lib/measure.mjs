// SPDX-License-Identifier: ISC
//
// measure - each thing that the table of limits speaks of, as numbers.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sleep } from "../../e2e/lib/harness.mjs";
import { Provider } from "../../e2e/lib/provider.mjs";
import { BUILD } from "../../e2e/lib/site.mjs";
import { cpuSeconds, pss, tree } from "./cpu.mjs";
import { ours } from "./peers.mjs";
import { wrk } from "./wrk.mjs";

const SYSTEM_CA = "/etc/ssl/certs/ca-certificates.crt";

export function median(values) {
	const sorted = [...values].sort((a, b) => a - b);
	const half = sorted.length >> 1;

	return sorted.length % 2 === 1 ? sorted[half] :
	    (sorted[half - 1] + sorted[half]) / 2;
}

// The four kinds of work. subjects: how many connections of each kind there
// are. A flow is two requests, and counts as one.
export function workloads(subjects) {
	const refresh = (prefix) => (peer) => ({ url: `${peer.url}/refresh`,
	    script: "refresh", args: [peer.key, subjects, prefix, "each"] });

	return {
		start: (peer) => ({ url: `${peer.url}/start`, script: "start" }),
		flow: (peer) => ({ url: peer.url, script: "flow" }),
		valid: refresh("u"),
		expired: refresh("e"),
	};
}

// One sample: CPU seconds of the server and its programs per 1000 of what was
// done, and what wrk saw. roots: whose CPU counts, if not all of the peer's.
export async function sample(peer, load, roots = peer.roots()) {
	const before = cpuSeconds(roots);
	const r = await wrk(load);

	// Who has answered may still have something to put away.
	await sleep(100);
	const cpu = cpuSeconds(roots) - before;
	const done = load.script === "flow" ? r.done : r.requests;

	return { cpu: cpu / done * 1000, p50: r.p50, p99: r.p99,
	    perSecond: r.perSecond * done / r.requests };
}

// What is judged by hello, which then goes before it.
const BY_HELLO = ["start", "valid"];

// Round robin: in each round every peer does every kind of work.
// rows[work][peer] is a list of samples.
export async function rounds(peers, hello, work, { count, seconds }, say) {
	const rows = {};

	for (let round = 0; round <= count; round++)
		for (const [name, load] of Object.entries(work)) {
			const row = rows[name] ??= {};

			for (const peer of BY_HELLO.includes(name) ?
			    [hello, ...peers] : peers) {
				const s = await sample(peer, { seconds,
				    ...peer === hello ? { url: hello.url,
				    script: "start" } : load(peer) });

				// The first round warms up.
				if (round > 0)
					(row[peer.name] ??= []).push(s);
			}
			say(`round ${round} of ${count}: ${name}`);
		}
	return rows;
}

// Flows per second of 64 browsers, with a provider that takes its time, and
// the memory of the programs with so many workers.
export async function browsers({ count, seconds, workers }, say) {
	const site = await ours({ workers, provider: { delay_ms: 50 } },
	    { valid: 1000 });
	const rates = [];

	try {
		for (let i = 0; i <= count; i++) {
			const s = await sample(site, { url: site.url,
			    script: "flow", connections: 64, seconds });

			if (i > 0)
				rates.push(s.perSecond);
			say(`64 browsers: ${s.perSecond.toFixed(0)} flows/s`);
		}
		await sample(site, { ...workloads(1000).valid(site),
		    connections: 64, seconds: 1 });
		return { rate: median(rates), memory: memoryOf(site) };
	} finally {
		await site.stop();
	}
}

// Proportional set sizes of each program: parent and workers, all idle, and
// having worked before.
export function memoryOf(site) {
	return Object.fromEntries(["start", "callback", "refresh"].map(
	    (name) => [name, tree([site.program(name)]).reduce((sum, pid) =>
	    sum + pss(pid), 0)]));
}

// CPU seconds of one run as plain CGI, and of hello likewise.
export function cgi(site, { count, runs }) {
	const form = "provider=interact&subject=u1";
	const env = { PATH: process.env.PATH, OAUTH_CGI_CONFIG: site.config,
	    GATEWAY_INTERFACE: "CGI/1.1", REQUEST_METHOD: "POST",
	    CONTENT_TYPE: "application/x-www-form-urlencoded",
	    CONTENT_LENGTH: String(form.length),
	    HTTP_AUTHORIZATION: `Bearer ${site.key}` };
	const loop = `i=0; while [ $i -lt ${runs} ]; do
	    printf %s '${form}' | "$1" >"$2"; i=$((i + 1)); done; times`;
	const out = join(site.dir, "run", "answer");
	const ratios = [];
	let last;

	const run = (program) => {
		const text = execFileSync("sh", ["-c", loop, "sh",
		    join(BUILD, program), out], { env, encoding: "utf8" });
		// The second line is the children's: user and system.
		const [m1, s1, m2, s2] = text.trim().split("\n").at(-1)
		    .match(/[\d.]+/g).map(Number);

		return ((m1 + m2) * 60 + s1 + s2) / runs;
	};

	for (let i = 0; i < count; i++) {
		const hello = run("tests/bench/hello");
		const program = run("refresh.fcgi");

		if (!readFileSync(out, "utf8").startsWith("Status: 200"))
			throw new Error(readFileSync(out, "utf8"));
		ratios.push(program / hello);
		last = { hello, program };
	}
	return { ratio: median(ratios), ...last };
}

// A certificate for 127.0.0.1 by an authority of our own, and a bundle of all
// that the system trusts, and that authority.
function certificates(dir) {
	const at = (name) => join(dir, name);
	const openssl = (...args) => execFileSync("openssl", args,
	    { stdio: ["ignore", "ignore", "pipe"] });

	openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
	    "-subj", "/CN=bench authority", "-keyout", at("ca.key"),
	    "-out", at("ca.pem"));
	openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj",
	    "/CN=127.0.0.1", "-keyout", at("key.pem"), "-out", at("csr.pem"));
	writeFileSync(at("san"), "subjectAltName=IP:127.0.0.1\n");
	openssl("x509", "-req", "-in", at("csr.pem"), "-CA", at("ca.pem"),
	    "-CAkey", at("ca.key"), "-CAcreateserial", "-days", "2",
	    "-extfile", at("san"), "-out", at("cert.pem"));
	writeFileSync(at("bundle.pem"), readFileSync(SYSTEM_CA) +
	    readFileSync(at("ca.pem")));
	return { cert: at("cert.pem"), key: at("key.pem"),
	    bundle: at("bundle.pem") };
}

// CPU seconds that a new TLS connection costs refresh.fcgi: what an expired
// /refresh takes with a new one each time, less what it takes over a kept one.
export async function tls({ count, seconds }, subjects) {
	const dir = mkdtempSync(join(tmpdir(), "oac-tls-"));
	const { cert, key, bundle } = certificates(dir);
	const provider = await Provider.start(BUILD, dir, { grants: "any",
	    ttl: 1, resume: 0 }, ["--tls", cert, key]);
	const control = (settings) => execFileSync("curl", ["-sSf", "--cacert",
	    bundle, "-d", new URLSearchParams(settings).toString(),
	    `${provider.url}/control/set`], { stdio: "pipe" });
	const costs = [];
	let site;

	provider.url = provider.url.replace("http:", "https:");
	try {
		site = await ours({ upstream: provider, providers: { interact:
		    { ca_file: bundle } } }, { expired: subjects });
		const load = { ...workloads(subjects).expired(site), seconds };
		const roots = [site.program("refresh")];

		for (let i = 0; i <= count; i++) {
			control({ keepalive: 1 });
			const kept = await sample(site, load, roots);

			control({ keepalive: 0 });
			const fresh = await sample(site, load, roots);

			if (i > 0)
				costs.push((fresh.cpu - kept.cpu) / 1000);
		}
		return median(costs);
	} finally {
		await (site ?? provider).stop();
		rmSync(dir, { recursive: true, force: true });
	}
}

// p50 of a valid /refresh by chance, in databases of these sizes.
export async function sizes(list, { count, seconds }, say) {
	const sites = [];
	const p50 = list.map(() => []);

	try {
		for (const n of list) {
			sites.push(await ours({}, { valid: n }));
			say(`a database of ${n} connections`);
		}
		for (let round = 0; round <= count; round++)
			for (const [i, site] of sites.entries()) {
				const s = await sample(site, { seconds,
				    connections: 4, url: `${site.url}/refresh`,
				    script: "refresh", args: [site.key,
				    list[i], "u", "any"] });

				if (round > 0)
					p50[i].push(s.p50);
			}
		return { p50: p50.map(median), ratio: median(p50[0].map(
		    (first, round) => p50.at(-1)[round] / first)) };
	} finally {
		for (const site of sites)
			await site.stop();
	}
}

// p99 of /start in a new database, and after so many starts of others that
// nobody ended; how many rows are left of them, and at most.
export async function flood(starts, { count, seconds }, say) {
	const site = await ours();
	const load = { ...workloads(0).start(site), seconds };
	const p99 = async () => {
		const list = [];

		for (let i = 0; i < count; i++)
			list.push((await sample(site, load)).p99);
		return median(list);
	};

	try {
		await sample(site, { ...load, seconds: 1 });
		const before = await p99();

		say(`a flood of ${starts} starts`);
		execFileSync(join(BUILD, "tests/bench/seed"), [site.site.config,
		    "pending", String(starts)]);
		const after = await p99();
		const rows = execFileSync("sqlite3", ["-readonly",
		    join(site.site.dir, "var", "oauth.db"),
		    "SELECT count(*) FROM pending"], { encoding: "utf8" });

		return { before, after, rows: Number(rows) };
	} finally {
		await site.stop();
	}
}
