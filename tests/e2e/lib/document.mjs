// SPDX-License-Identifier: ISC
//
// document - what our documents tell people to write and to run, taken out of
// them, so that a test can do it.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

// A file of the project, by its path.
export const source = (path) => readFileSync(fileURLToPath(
    new URL(`../../../${path}`, import.meta.url)), "utf8");

// The first of several blocks of code that contains all of these words.
export function blockWith(blocks, ...words) {
	const found = blocks.find((b) => words.every((w) => b.includes(w)));

	if (found === undefined)
		throw new Error(`no block with ${words.join(", ")}`);
	return found;
}

// The indented blocks of a Markdown text, without the indentation.
export const indented = (text) => text.split(/\n(?! {4}|\n)/).flatMap((part) =>
    part.split(/\n(?=\S)/)).map((part) => part.split("\n")
    .filter((line) => /^ {4}/.test(line)).map((line) => line.slice(4))
    .join("\n")).filter((block) => block !== "");

// The literal displays of an mdoc page, as a reader sees them.
export const displays = (text) => [...text.matchAll(
    /^\.Bd -literal.*\n([\s\S]*?\n)\.Ed$/gm)].map((m) => m[1]
    .replace(/\\e/g, "\\").replace(/\\&/g, ""));

// What is typed at the prompts ($ and #) of a display, with the lines that
// continue it.
export function typed(display) {
	const lines = display.split("\n");
	let on = false;

	return lines.filter((line) => {
		const now = on || /^[$#] /.test(line);

		on = now && line.endsWith("\\");
		return now;
	}).map((line) => line.replace(/^[$#] /, "")).join("\n");
}
