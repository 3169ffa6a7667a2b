// SPDX-License-Identifier: ISC
//
// harness - a tiny test runner: describe() and it(), one test after the other.
//
//	node some.test.mjs [PART OF A NAME]
//
// prints a line for each test ("ok - name", "not ok - name" and the reason),
// and "N passed, N failed" at the end; exits with 1 when one failed, and when
// none ran. Top-level `await` is not needed: run() starts by itself.

const filter = process.argv[2] ?? "";
const tests = [];
const suites = [];
let passed = 0, failed = 0, started = false;

// before and after run around the tests of the suite, once, and only when
// one of them is wanted.
export function describe(name, define) {
	const suite = { name, before: [], after: [], each: [] };

	suites.push(suite);
	define();
	suites.pop();
	if (!started) {
		started = true;
		setImmediate(() => run().catch(fatal));
	}
}

export function before(fn) { suites.at(-1).before.push(fn); }
export function after(fn) { suites.at(-1).after.push(fn); }
export function beforeEach(fn) { suites.at(-1).each.push(fn); }

// limit: seconds that the test may take.
export function it(name, fn, { limit = 60 } = {}) {
	const path = suites.map((s) => s.name);

	tests.push({ name: [...path, name].join(": "), fn, limit,
	    suite: suites.at(-1) });
}

function fatal(error) {
	console.error(error);
	process.exit(1);
}

// What is thrown where nobody awaits it (in an event handler, say) fails the
// test that is running.
let interrupt = fatal;

process.on("uncaughtException", (error) => interrupt(error));

async function limited(fn, seconds) {
	let timer;
	const ended = new Promise((resolve, reject) => {
		interrupt = reject;
		timer = setTimeout(() => reject(new Error(
		    `not done after ${seconds} s`)), seconds * 1000);
	});

	try {
		await Promise.race([Promise.resolve().then(fn), ended]);
	} finally {
		clearTimeout(timer);
		interrupt = fatal;
	}
}

function report(name, error) {
	if (error === undefined) {
		passed++;
		console.log(`ok - ${name}`);
		return;
	}
	failed++;
	console.log(`not ok - ${name}`);
	for (const line of String(error.stack ?? error).split("\n"))
		console.log(`    ${line}`);
}

// Whoever is told to stop still ends the servers that it has started.
let current;

for (const signal of ["SIGINT", "SIGTERM"])
	process.once(signal, async () => {
		console.log(`not ok - ended by ${signal}`);
		for (const fn of current?.after ?? [])
			await limited(fn, 20).catch(console.error);
		process.exit(1);
	});

async function runSuite(suite, wanted) {
	current = suite;
	try {
		for (const fn of suite.before)
			await limited(fn, 120);
		for (const test of wanted) {
			let error;

			try {
				for (const fn of suite.each)
					await limited(fn, 30);
				await limited(test.fn, test.limit);
			} catch (e) {
				error = e ?? new Error("thrown: nothing");
			}
			report(test.name, error);
		}
	} catch (error) {
		report(`${suite.name}: before`, error);
	}
	for (const fn of suite.after) {
		try {
			await limited(fn, 60);
		} catch (error) {
			report(`${suite.name}: after`, error);
		}
	}
	current = undefined;
}

async function run() {
	const wanted = tests.filter((t) => t.name.includes(filter));
	const seen = new Set();

	for (const { suite } of wanted) {
		if (seen.has(suite))
			continue;
		seen.add(suite);
		await runSuite(suite, wanted.filter((t) => t.suite === suite));
	}
	console.log(`${passed} passed, ${failed} failed`);
	process.exit(failed > 0 || passed === 0 ? 1 : 0);
}

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
