// SPDX-License-Identifier: ISC
//
// cpu - what processes have used, read from /proc: CPU seconds, memory.

import { readdirSync, readFileSync } from "node:fs";

const TICKS = 100;	// USER_HZ, the unit of /proc/PID/stat, on every Linux

// The fields of /proc/PID/stat behind the name, or undefined when it is gone.
function stat(pid) {
	try {
		const text = readFileSync(`/proc/${pid}/stat`, "utf8");

		return text.slice(text.lastIndexOf(")") + 2).split(" ");
	} catch {
		return undefined;
	}
}

// These processes and all that descend from them.
export function tree(roots) {
	const children = new Map();

	for (const name of readdirSync("/proc")) {
		const parent = /^\d+$/.test(name) ? stat(name)?.[1] : undefined;

		if (parent !== undefined)
			children.set(parent, [...children.get(parent) ?? [],
			    name]);
	}
	const found = roots.map(String);

	for (let i = 0; i < found.length; i++)
		found.push(...children.get(found[i]) ?? []);
	return found;
}

// The threads' time in nanoseconds, which /proc/PID/stat rounds to ticks.
function own(pid) {
	let ns = 0;

	try {
		for (const task of readdirSync(`/proc/${pid}/task`))
			ns += Number(readFileSync(
			    `/proc/${pid}/task/${task}/schedstat`, "utf8")
			    .split(" ")[0]);
	} catch {
		// It has ended meanwhile: its parent has its time.
	}
	return ns / 1e9;
}

// CPU seconds, user and system, of the trees below these processes, together
// with those of children that have ended and were waited for.
export function cpuSeconds(roots) {
	let sum = 0;

	for (const pid of tree(roots)) {
		const s = stat(pid);

		if (s !== undefined)
			sum += own(pid) + (Number(s[13]) + Number(s[14])) /
			    TICKS;
	}
	return sum;
}

// Proportional set size of one process, in bytes: shared pages count for as
// much as this process's part in them. Only root may ask for that of a program
// that has locked itself down.
export function pss(pid) {
	const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");

	return Number(/^Pss:\s+(\d+) kB/m.exec(text)[1]) * 1024;
}
