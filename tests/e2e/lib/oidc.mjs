// SPDX-License-Identifier: ISC
//
// oidc - starts oidc-server.mjs.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { request } from "./browser.mjs";
import { end, lineOf } from "./provider.mjs";

export class Oidc {
	static async start(callbacks, { ttl = 3600, pages = false, auth } = {}) {
		const o = new Oidc();
		const args = [fileURLToPath(new URL("../oidc-server.mjs",
		    import.meta.url)), "--ttl", String(ttl)];

		for (const url of callbacks)
			args.push("--callback", url);
		if (pages)
			args.push("--pages");
		if (auth !== undefined)
			args.push("--auth", auth);
		// Its warnings are about being a toy, which it is.
		o.child = spawn(process.execPath, args,
		    { stdio: ["pipe", "pipe", "ignore"] });
		const found = await lineOf(o.child, /listening on (\S+):(\d+)/);

		o.port = Number(found[2]);
		o.url = `http://127.0.0.1:${o.port}`;
		return o;
	}

	stop() {
		return end(this.child);
	}

	async stats() {
		return (await request(`${this.url}/control/stats`)).json();
	}

	// What its userinfo endpoint says to a token.
	async me(token) {
		return request(`${this.url}/me`,
		    { headers: { authorization: `Bearer ${token}` } });
	}
}
