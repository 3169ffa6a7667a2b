// SPDX-License-Identifier: ISC
//
// bench - measures everything in the table of limits and writes the report.
//
//	node bench.mjs OUT-DIR [--quick]
//
// BUILD_DIR names the programs; run.sh builds them and calls this. --quick
// does all of it once and briefly, to see that it works: its numbers say
// nothing.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { browsers, cgi, flood, memoryOf, rounds, sizes, tls, workloads }
    from "./lib/measure.mjs";
import { expressPeer, hello, ours, phpFpm, phpPeer, WORKERS }
    from "./lib/peers.mjs";
import { report } from "./lib/report.mjs";

const out = process.argv[2];
const quick = process.argv[3] === "--quick";
const plan = quick ? {
	round: { count: 1, seconds: 1 },
	subjects: 2000,
	browsers: { count: 1, seconds: 1, workers: 16 },
	cgi: { count: 1, runs: 5 },
	tls: { count: 1, seconds: 1 },
	sizes: [100, 1000, 2000],
	flood: 2000,
} : {
	round: { count: 5, seconds: 2 },
	subjects: 40000,
	browsers: { count: 3, seconds: 5, workers: 64 },
	cgi: { count: 5, runs: 40 },
	tls: { count: 5, seconds: 1 },
	sizes: [1e3, 1e5, 1e6],
	flood: 1e6,
};
const began = Date.now();
const say = (text) => console.log(`${((Date.now() - began) / 1000)
    .toFixed(0).padStart(4)} s  ${text}`);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

if (out === undefined) {
	console.error("usage: node bench.mjs OUT-DIR [--quick]");
	process.exit(2);
}

const result = { quick, plan, workers: WORKERS };
const peers = [];
let base;

try {
	base = await hello();
	peers.push(await ours({}, { valid: plan.subjects,
	    expired: plan.subjects }));
	const [us] = peers;

	// Both have their databases made by the one's library.
	if (!existsSync(here("node_modules/better-sqlite3/build"))) {
		say("left out: Express and PHP, for npm ci was not run here");
	} else {
		peers.push(await expressPeer(us.site.provider, plan.subjects));
		if (phpFpm() !== undefined)
			peers.push(await phpPeer(us.site.provider,
			    plan.subjects));
	}
	say("everything runs");
	result.rows = await rounds(peers, base, workloads(plan.subjects),
	    plan.round, say);
	// A minute's rest would not change it: what they have, they keep.
	result.memory = process.getuid() === 0 ? memoryOf(us) : undefined;
	result.cgi = cgi(us.site, plan.cgi);
	say("plain CGI");
	for (const peer of peers.splice(0).reverse())
		await peer.stop();
	await base.stop();
	base = undefined;

	result.browsers = await browsers(plan.browsers, say);
	result.tls = await tls(plan.tls, plan.subjects);
	say("TLS connections");
	result.sizes = await sizes(plan.sizes, plan.round, say);
	result.flood = await flood(plan.flood, { count: quick ? 1 : 3,
	    seconds: 1 }, say);
	report(result, out);
	say(`written: ${out}/performance.md and performance.svg`);
} finally {
	for (const peer of peers)
		await peer.stop();
	if (base !== undefined)
		await base.stop();
}
