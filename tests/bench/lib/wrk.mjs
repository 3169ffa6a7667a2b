// SPDX-License-Identifier: ISC
//
// wrk - runs the load generator and reads what it says.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const UNITS = { us: 1e-3, ms: 1, s: 1e3, m: 6e4 };

function milliseconds(text, pattern) {
	const found = pattern.exec(text);

	if (found === null)
		throw new Error(`wrk said: ${text}`);
	return Number(found[1]) * UNITS[found[2]];
}

function run(argv) {
	return new Promise((resolve, reject) => {
		const child = spawn("wrk", argv,
		    { stdio: ["ignore", "pipe", "pipe"] });
		let text = "";

		child.stdout.on("data", (data) => text += data);
		child.stderr.on("data", (data) => text += data);
		child.on("error", reject);
		child.on("close", (code) => code === 0 ? resolve(text) :
		    reject(new Error(`wrk ended with ${code}: ${text}`)));
	});
}

// script: of wrk/, without its ending; args: what its init() gets. Anything
// but answers of success is an error: a quick refusal is no speed.
export async function wrk({ url, script, args = [], connections = 16,
    seconds }) {
	const lua = fileURLToPath(new URL(`../wrk/${script}.lua`,
	    import.meta.url));
	const text = await run(["-t", "1", "-c", String(connections), "-d",
	    `${seconds}s`, "--timeout", "10s", "--latency", "-s", lua, url,
	    "--", ...args.map(String)]);
	const wrong = /Non-2xx or 3xx responses: (\d+)/.exec(text) ??
	    /Socket errors: (.*)/.exec(text) ?? /failed: (.*)/.exec(text);
	const total = /(\d+) requests in ([\d.]+)(us|ms|s|m),/.exec(text);

	if (wrong !== null || total === null)
		throw new Error(`${url}: wrk said: ${text}`);
	return {
		requests: Number(total[1]),
		perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)[1]),
		p50: milliseconds(text, /50%\s+([\d.]+)(us|ms|s|m)/),
		p99: milliseconds(text, /99%\s+([\d.]+)(us|ms|s|m)/),
		done: Number(/done: (\d+)/.exec(text)?.[1] ?? NaN),
	};
}
