// SPDX-License-Identifier: ISC
//
// provider - starts the scripted provider (tests/provider) and talks to its
// control pages.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { request } from "./browser.mjs";

// End a child, and wait until it has ended.
export function end(child, signal = "SIGTERM", patience = 5000) {
	if (child.exitCode !== null || child.signalCode !== null)
		return Promise.resolve();
	return new Promise((done) => {
		const timer = setTimeout(() => child.kill("SIGKILL"), patience);

		child.once("exit", () => {
			clearTimeout(timer);
			done();
		});
		child.kill(signal);
	});
}

// Wait for a line on a child's standard output; gives the match.
export function lineOf(child, pattern, seconds = 20) {
	return new Promise((resolve, reject) => {
		let seen = "";
		const timer = setTimeout(() => reject(new Error(
		    `no ${pattern} in: ${seen}`)), seconds * 1000);

		child.once("error", reject);
		child.once("exit", (code) => reject(new Error(
		    `${child.spawnfile} ended with ${code}: ${seen}`)));
		child.stdout.on("data", (data) => {
			const found = pattern.exec(seen += data);

			if (found !== null) {
				clearTimeout(timer);
				resolve(found);
			}
		});
	});
}

export class Provider {
	static async start(build, dir, settings = {}, more = []) {
		const p = new Provider();
		const args = ["--port", "0", "--state", dir, ...more];

		for (const [name, value] of Object.entries(settings))
			args.push("--set", `${name}=${value}`);
		p.dir = dir;
		p.child = spawn(join(build, "tests/provider/provider"), args,
		    { stdio: ["ignore", "pipe", "inherit"] });
		const found = await lineOf(p.child, /listening on (\S+):(\d+)/);

		p.port = Number(found[2]);
		p.url = `http://127.0.0.1:${p.port}`;
		return p;
	}

	stop() {
		return end(this.child);
	}

	async #control(what, form) {
		const a = await request(`${this.url}/control/${what}`,
		    { method: "POST", form });

		if (a.status !== 200)
			throw new Error(`control ${what}: ${a.text}`);
		return a;
	}

	async set(settings) {
		await this.#control("set", settings);
	}

	async reset() { await this.#control("reset", {}); }
	async expire() { await this.#control("expire", {}); }
	async revoke() { await this.#control("revoke", {}); }

	async stats() {
		return (await request(`${this.url}/control/stats`)).json();
	}

	async settings() {
		return (await request(`${this.url}/control/settings`)).json();
	}

	// The lines of calls.log.
	calls() {
		return readFileSync(join(this.dir, "calls.log"), "utf8").trim()
		    .split("\n").filter((l) => l !== "").map((l) =>
		    JSON.parse(l));
	}

	// What the provider's own API says to a token.
	async me(token) {
		return request(`${this.url}/api/me`,
		    { headers: { authorization: `Bearer ${token}` } });
	}
}
