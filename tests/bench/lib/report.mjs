// SPDX-License-Identifier: ISC
//
// report - what was measured, as a page to read and a picture.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { median } from "./measure.mjs";

const US = "oauth-cgi", HELLO = "hello", EXPRESS = "Express";
const KINDS = {
	start: "/start",
	flow: "/start and /callback",
	valid: "/refresh, valid",
	expired: "/refresh, expired",
};

// The ratio of two peers' CPU time within each round; the median of these.
function ratio(rows, work, peer, base) {
	const own = rows[work][peer], other = rows[work][base];

	return other === undefined ? NaN :
	    median(own.map((s, i) => s.cpu / other[i].cpu));
}

const of = (list, what) => median(list.map((s) => s[what]));
const number = (n, digits = 2) => Number.isNaN(n) ? "–" : n.toFixed(digits);
const megabytes = (bytes) => `${number(bytes / 2 ** 20, 1)} MB`;

// The table of limits: what, limit, what came out as text, and whether it is
// met (undefined: not measured).
function limits(r) {
	const by = (work, base) => ratio(r.rows, work, US, base);
	const atMost = (what, limit, value, text, unit = "") => [what,
	    `≤ ${limit}${unit}`, text ?? `${number(value)}${unit}`,
	    Number.isNaN(value) ? undefined : value <= limit];
	const third = (what, work) => {
		const value = by(work, EXPRESS);

		return [what, "≤ 1/3", Number.isNaN(value) ? "–" :
		    `1/${number(1 / value, 1)}`,
		    Number.isNaN(value) ? undefined : value <= 1 / 3];
	};
	const list = [
		atMost("CPU of /start, against hello", 2.5,
		    by("start", HELLO)),
		atMost("CPU of /refresh of a valid token, against hello", 1.6,
		    by("valid", HELLO)),
		third("CPU of start and callback together, against Express",
		    "flow"),
		third("CPU of an expired /refresh, against Express", "expired"),
		["flows/s, provider of 50 ms, 64 browsers, 64 workers",
		    "≥ 900", number(r.browsers.rate, 0),
		    r.browsers.rate >= 900],
	];

	if (r.memory !== undefined) {
		const few = Math.max(...Object.values(r.memory));
		const more = Math.max(...Object.keys(r.memory).map((name) =>
		    (r.browsers.memory[name] - r.memory[name]) /
		    (r.plan.browsers.workers - r.workers)));

		list.push(["memory (PSS) of a program with 8 idle workers",
		    "≤ 20 MB", megabytes(few), few <= 20 * 2 ** 20],
		    ["memory (PSS) of each further worker", "≤ 1 MB",
		    megabytes(more), more <= 2 ** 20]);
	}
	return [...list,
		atMost("plain CGI run of refresh.fcgi, against a hello with " +
		    "the same libraries", 2, r.cgi.ratio),
		atMost("new TLS connection, CA certificates of the system", 3,
		    r.tls * 1000, undefined, " ms"),
		atMost(`/refresh p50 with ${r.plan.sizes.map((n) =>
		    n.toLocaleString("en")).join(", ")} connections: ` +
		    "growth", 1.5, r.sizes.ratio, `${number(r.sizes.ratio)} (${
		    r.sizes.p50.map((ms) => number(ms * 1000, 0)).join(", ")
		    } µs)`),
		atMost("/start p99 after a flood of " +
		    `${r.plan.flood.toLocaleString("en")} starts: growth`, 2,
		    r.flood.after / r.flood.before,
		    `${number(r.flood.after / r.flood.before)} (${
		    number(r.flood.before, 1)} and ${
		    number(r.flood.after, 1)} ms)`),
		["rows that are left of it", "≤ 100,000",
		    r.flood.rows.toLocaleString("en"), r.flood.rows <= 100000],
	];
}

const version = (command, args, pattern) => {
	try {
		return pattern.exec(execFileSync(command, args, { encoding:
		    "utf8", stdio: ["ignore", "pipe", "pipe"] }))[1];
	} catch {
		return "–";
	}
};

function packageVersion(name) {
	const at = new URL(`../node_modules/${name}/package.json`,
	    import.meta.url);

	try {
		return `${name} ${JSON.parse(readFileSync(at, "utf8")).version}`;
	} catch {
		return `${name} –`;
	}
}

function machine() {
	const system = /PRETTY_NAME="(.*)"/.exec(readFileSync(
	    "/etc/os-release", "utf8"))[1];
	const library = (name) => version("pkg-config", ["--modversion", name],
	    /(\S+)/);

	return [
		`${cpus().length} cores, ${cpus()[0].model}, ` +
		    `${(totalmem() / 2 ** 30).toFixed(0)} GiB; ${system}, ` +
		    `Linux ${release()}`,
		`lighttpd ${version("lighttpd", ["-v"], /lighttpd\/(\S+)/)}, ` +
		    `libfcgi ${library("fcgi")}, ` +
		    `SQLite ${library("sqlite3")}, ` +
		    `libcurl ${library("libcurl")}, ` +
		    `OpenSSL ${library("libcrypto")}, gcc ${version("gcc",
		    ["-dumpfullversion"], /(\S+)/)} -O2`,
		`Node ${process.versions.node}, ${["express", "axios", "dotenv",
		    "better-sqlite3"].map(packageVersion).join(", ")}; PHP ${
		    version("php", ["-v"], /^PHP (\S+)/)} with FPM and OPcache`,
	];
}

function page(r) {
	const row = (cells) => `| ${cells.join(" | ")} |`;
	const lines = ["# Performance", "",
	    "Written by `sh tests/bench/run.sh`, which installs what it needs " +
	    "and takes about ten minutes; run it on a machine that does " +
	    "nothing else.", "",
	    "![CPU time of the same work](performance.svg)", "",
	    "## Limits", "",
	    "Behind lighttpd, 8 workers, two cores. Ratios are of CPU time " +
	    "within a round, and the median of " +
	    `${r.plan.round.count} rounds.`, "",
	    row(["what", "limit", "measured", ""]), row(["---", "---", "---",
	    "---"])];

	for (const [what, limit, value, met] of limits(r))
		lines.push(row([what, limit, value, met === undefined ?
		    "not measured" : met ? "met" : "**not met**"]));
	lines.push("", "## The same work, side by side", "",
	    "CPU seconds of the server and its programs per 1000 requests " +
	    "(a flow is two), then what 16 connections at once get: medians.",
	    "", row(["work", "who", "CPU s per 1000", "per second", "p50 ms",
	    "p99 ms"]), row(["---", "---", "---:", "---:", "---:", "---:"]));
	for (const [work, name] of Object.entries(KINDS))
		for (const [peer, list] of Object.entries(r.rows[work]))
			lines.push(row([name, peer,
			    number(of(list, "cpu"), 3),
			    number(of(list, "perSecond"), 0),
			    number(of(list, "p50")), number(of(list, "p99"))]));
	return [...lines, "",
	    "- *oauth-cgi* and *hello* run behind lighttpd. hello is the least " +
	    "that a libfcgi program can do, in 8 processes, linked with all " +
	    "libraries that ours are linked with (tests/bench/hello.c).",
	    "- *Express* is what most tutorials build: express, axios, dotenv, " +
	    "better-sqlite3. It runs without a web server in front, whose time " +
	    "would come on top. *PHP-FPM* has 8 children behind the same " +
	    "lighttpd. Both keep the guarantees that matter: PKCE, a state " +
	    "that is taken once, encrypted tokens bound to their row and " +
	    "owner, an attempt and its result that are durable " +
	    "(tests/bench/peers).",
	    "- The provider is tests/provider; its time is not counted, and " +
	    "neither is wrk's. CPU time is read from /proc.",
	    "- A plain CGI run takes " +
	    `${number(r.cgi.program * 1000, 1)} ms of CPU, ` +
	    `hello ${number(r.cgi.hello * 1000, 1)} ms: the dynamic linker.`,
	    "- A valid /refresh reads the database twice and writes nothing: " +
	    "tests/unit/test_flow_refresh.c counts.", "",
	    "## Where", "", ...machine().map((line) => `- ${line}`),
	    `- ${new Date().toISOString().slice(0, 10)}`, ""].join("\n");
}

function picture(r, out) {
	const dir = mkdtempSync(join(tmpdir(), "oac-plot-"));
	const peers = [...new Set(Object.values(r.rows).flatMap(Object.keys))]
	    .filter((name) => name !== HELLO);
	const data = Object.entries(KINDS).map(([work, name]) =>
	    `"${name}" ${peers.map((peer) =>
	    of(r.rows[work][peer], "cpu") * 1000).join(" ")}`);

	writeFileSync(join(dir, "data"), `work ${peers.map((p) => `"${p}"`)
	    .join(" ")}\n${data.join("\n")}\n`);
	execFileSync("gnuplot", ["-e", `data = "${join(dir, "data")}"; ` +
	    `target = "${out}"; peers = ${peers.length}`,
	    fileURLToPath(new URL("../cpu.gnuplot", import.meta.url))],
	    { stdio: ["ignore", "ignore", "inherit"] });
	rmSync(dir, { recursive: true, force: true });
}

// Writes OUT/performance.md and OUT/performance.svg.
export function report(r, out) {
	writeFileSync(join(out, "performance.md"), page(r));
	picture(r, join(out, "performance.svg"));
}
