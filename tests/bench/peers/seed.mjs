// SPDX-License-Identifier: ISC
//
// seed - makes the database of a peer: one app key, and connections of the
// subjects u0 to uN-1 with valid tokens, and e0 to eN-1 with expired ones.
//
//	node seed.mjs DATABASE KEY-HEX APP-KEY COUNT

import Database from "better-sqlite3";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { seal } from "./seal.mjs";

const [path, hex, appKey, count] = process.argv.slice(2);
const key = Buffer.from(hex, "hex");
const db = new Database(path);
const now = Math.floor(Date.now() / 1000);

db.pragma("journal_mode = WAL");
db.exec(readFileSync(new URL("schema.sql", import.meta.url), "utf8"));
db.prepare("INSERT INTO app_key VALUES (?, 'shop')").run(
    createHash("sha256").update(appKey).digest());

const add = db.prepare("INSERT INTO connection (app, provider, subject," +
    " access, refresh, scope, expires_at) VALUES ('shop', 'interact', ?, ?, ?," +
    " 'read_user write_data', ?)");

function fill(prefix, expires) {
	for (let n = 0; n < Number(count); n++) {
		const subject = prefix + n;
		const owner = `shop\0interact\0${subject}\x001`;

		add.run(subject, seal(key, `access\0${owner}`,
		    `access-${n}-0123456789abcdef0123456789abcdef`),
		    // Another one than any other peer's.
		    seal(key, `refresh\0${owner}`,
		    `any-${n}-${hex.slice(0, 32)}`), expires);
	}
}

db.transaction(() => {
	fill("u", now + 86400);
	fill("e", now - 86400);
})();
db.close();
