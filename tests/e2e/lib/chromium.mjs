// SPDX-License-Identifier: ISC
//
// chromium - the system's Chromium, driven by playwright-core. It talks to
// nobody but the pages that a test opens.

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

export const CHROMIUM = [process.env.CHROMIUM, "/usr/bin/chromium",
    "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
    .find((path) => path !== undefined && existsSync(path));

export function launch() {
	if (CHROMIUM === undefined)
		throw new Error("no Chromium (Debian package: chromium)");
	return chromium.launch({
		executablePath: CHROMIUM,
		args: ["--no-sandbox", "--disable-gpu", "--disable-sync",
		    "--disable-background-networking", "--no-first-run",
		    "--disable-component-update", "--disable-quic",
		    "--disable-dev-shm-usage"],
	});
}

const folder = process.env.SCREENSHOTS;

// A picture of the page, when $SCREENSHOTS names a folder for them.
export async function picture(page, name) {
	if (folder === undefined || folder === "")
		return;
	mkdirSync(folder, { recursive: true });
	await page.screenshot({ path: join(folder, `${name}.png`) });
}
