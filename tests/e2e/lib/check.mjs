// SPDX-License-Identifier: ISC
//
// check - runs `oauth-cgi check` on a site, and looks at what it tells.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { BUILD } from "./site.mjs";

// Not execFileSync: a proxy of this process must go on answering.
export function oauth(site, ...args) {
	return new Promise((done) => {
		execFile(join(BUILD, "oauth-cgi"), ["-c", site.config, ...args],
		    (error, stdout, stderr) => {
			done({ code: error?.code ?? 0, stdout, stderr });
		});
	});
}

// code, found by name, wrong: the names of what is not well.
export async function check(site, ...args) {
	const r = await oauth(site, "check", "--json", ...args);
	const lines = r.stdout.trim().split("\n").map((l) => JSON.parse(l));
	const found = {};

	assert.equal(r.stderr, "");
	for (const l of lines)
		if (l.finding !== undefined)
			found[l.finding] ??= l;
	return { code: r.code, lines, found, text: r.stdout,
	    bad: lines.filter((l) => l.severity !== "ok").map((l) =>
	    JSON.stringify(l)).join("\n"),
	    wrong: lines.filter((l) => /wrong|unusable|later/
	    .test(l.severity)).map((l) => l.finding) };
}

// The lines of a finding that mend it, without the words around them.
export const mends = (r, name) => r.found[name].mend.split("\n")
    .filter((l) => !l.startsWith("#"));

// That is found, alone unless others belong to it, and mended by such a line.
export function finds(r, name, mend, ...others) {
	assert.deepEqual(r.wrong.toSorted(), [name, ...others].toSorted(),
	    r.bad);
	assert.equal(r.code, 1);
	if (mend !== undefined)
		assert.ok(mends(r, name).some((l) => typeof mend === "string" ?
		    l === mend : mend.test(l)), r.found[name].mend);
	assert.ok(r.found[name].why.length > 20);
}

export const isWell = (r) => {
	assert.deepEqual(r.wrong, [], r.bad);
	assert.equal(r.code, 0);
};
