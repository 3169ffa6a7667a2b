// SPDX-License-Identifier: ISC
//
// express - what we do, the way most tutorials do it: Express, axios, dotenv
// and better-sqlite3. The guarantees are ours: a state of 256 random bits, PKCE,
// a cookie that ties the flow to its browser, a state that is taken once, tokens
// encrypted and bound to their row and owner, hashes in place of secrets, one
// refresh at a time, and its attempt and result durable before anybody hears of
// them. What we do besides (limits, confirmation, breaker, backoff …) is left
// out: it only would make this slower.
//
//	node express.mjs ENV-FILE

import axios from "axios";
import Database from "better-sqlite3";
import { createHash, createHmac, randomBytes } from "node:crypto";
import dotenv from "dotenv";
import express from "express";
import { Agent } from "node:http";
import { open, seal } from "./seal.mjs";

dotenv.config({ path: process.argv[2], quiet: true });

const { AUTHORIZE_URL, TOKEN_URL, CLIENT_ID, CLIENT_SECRET, BASE_URL, DATABASE,
    PORT } = process.env;
const KEY = Buffer.from(process.env.KEY, "hex");
const SCOPE = "read_user write_data";
const now = () => Math.floor(Date.now() / 1000);
const sha256 = (text) => createHash("sha256").update(text).digest();
const secret = () => randomBytes(32).toString("base64url");
const derive = (label, state) => createHmac("sha256", KEY)
    .update(`${label}\0${state}`).digest("base64url");
const http = axios.create({ httpAgent: new Agent({ keepAlive: true }),
    timeout: 25000, maxRedirects: 0 });

// Two handles: a flow that is lost in a power cut costs a click, a token more.
function database(synchronous) {
	const db = new Database(DATABASE);

	db.pragma("journal_mode = WAL");
	db.pragma(`synchronous = ${synchronous}`);
	return db;
}

const relaxed = database("NORMAL"), durable = database("FULL");
const sql = {
	dropOld: relaxed.prepare("DELETE FROM pending WHERE id = (SELECT id FROM" +
	    " pending ORDER BY id LIMIT 1) AND expires_at <= ?"),
	begin: relaxed.prepare("INSERT INTO pending (state_hash, browser_hash," +
	    " bind_hash, provider, return_to, expires_at)" +
	    " VALUES (?, ?, ?, ?, ?, ?)"),
	take: relaxed.prepare("UPDATE pending SET stage = 1 WHERE" +
	    " state_hash = ? AND browser_hash = ? AND stage = 0" +
	    " AND expires_at > ? RETURNING id, provider, bind_hash, return_to"),
	finish: durable.prepare("UPDATE pending SET stage = 2 WHERE id = ?"),
	connect: durable.prepare("INSERT INTO connection (app, provider," +
	    " access, refresh, scope, expires_at, ticket_hash, bind_hash," +
	    " ticket_expires_at) VALUES ('shop', ?, ?, ?, ?, ?, ?, ?, ?)"),
	app: relaxed.prepare("SELECT app FROM app_key WHERE hash = ?"),
	find: relaxed.prepare("SELECT * FROM connection WHERE app = ? AND" +
	    " provider = ? AND subject = ?"),
	attempt: durable.prepare("UPDATE connection SET attempt_at = ?" +
	    " WHERE id = ? AND generation = ?"),
	renew: durable.prepare("UPDATE connection SET access = ?, refresh = ?," +
	    " expires_at = ?, generation = generation + 1, attempt_at = 0" +
	    " WHERE id = ? AND generation = ?"),
};

const app = express();

app.use(express.urlencoded({ extended: false }));

app.get("/oauth/start", (req, res) => {
	const { provider, return_to: to, bind } = req.query;
	const site = req.get("sec-fetch-site");

	if (provider !== "interact" || typeof to !== "string" ||
	    !/^\/(?![/\\])[\x21-\x7e]*$/.test(to) || typeof bind !== "string" ||
	    !/^[\x21-\x7e]{16,128}$/.test(bind) || site === "cross-site") {
		res.status(400).json({ error: "invalid_request" });
		return;
	}
	const state = secret();
	const cookie = /(?:^|; )oauth=([\w-]{43})/.exec(req.get("cookie") ?? "")
	    ?.[1] ?? secret();

	sql.dropOld.run(now());
	sql.begin.run(sha256(state), sha256(cookie), sha256(bind), provider, to,
	    now() + 600);
	res.cookie("oauth", cookie, { httpOnly: true, sameSite: "lax",
	    maxAge: 3600000 });
	res.set("Cache-Control", "no-store");
	res.redirect(303, `${AUTHORIZE_URL}?${new URLSearchParams({
		response_type: "code", client_id: CLIENT_ID,
		redirect_uri: `${BASE_URL}/callback/interact`, scope: SCOPE,
		state, code_challenge: sha256(derive("pkce", state))
		    .toString("base64url"),
		code_challenge_method: "S256" })}`);
});

app.get("/oauth/callback/:provider", async (req, res) => {
	const { state, code } = req.query;
	const cookie = /(?:^|; )oauth=([\w-]{43})/.exec(req.get("cookie") ?? "");
	const row = typeof state === "string" && typeof code === "string" &&
	    cookie !== null ? sql.take.get(sha256(state), sha256(cookie[1]),
	    now()) : undefined;

	if (row === undefined || row.provider !== req.params.provider) {
		res.status(400).send("This attempt is over.");
		return;
	}
	const sent = now();
	const { data } = await http.post(TOKEN_URL, {
		grant_type: "authorization_code", code,
		redirect_uri: `${BASE_URL}/callback/interact`,
		code_verifier: derive("pkce", state), client_id: CLIENT_ID,
		client_secret: CLIENT_SECRET });
	const ticket = derive("ticket", state);
	const owner = `shop\0${row.provider}\0\x001`;

	durable.transaction(() => {
		sql.connect.run(row.provider,
		    seal(KEY, `access\0${owner}`, data.access_token),
		    seal(KEY, `refresh\0${owner}`, data.refresh_token),
		    data.scope ?? SCOPE, sent + data.expires_in,
		    sha256(ticket), row.bind_hash, now() + 600);
		sql.finish.run(row.id);
	})();
	res.set("Cache-Control", "no-store");
	res.redirect(303, `${BASE_URL.replace(/\/oauth$/, "")}${row.return_to}` +
	    `?${new URLSearchParams({ ticket, provider: row.provider,
	    status: "connected" })}`);
});

// A process has its own locks: one refresh at a time for each connection.
const refreshing = new Map();

async function refresh(row) {
	const owner = `${row.app}\0${row.provider}\0${row.subject}\0`;
	const was = owner + row.generation, is = owner + (row.generation + 1);
	const token = open(KEY, `refresh\0${was}`, row.refresh);
	const sent = now();

	sql.attempt.run(sent, row.id, row.generation);
	const { data } = await http.post(TOKEN_URL, {
		grant_type: "refresh_token", refresh_token: token,
		client_id: CLIENT_ID, client_secret: CLIENT_SECRET });

	sql.renew.run(seal(KEY, `access\0${is}`, data.access_token),
	    seal(KEY, `refresh\0${is}`, data.refresh_token ?? token),
	    sent + data.expires_in, row.id, row.generation);
	return { token: data.access_token, expires: sent + data.expires_in };
}

app.post("/oauth/refresh", async (req, res) => {
	const key = /^Bearer (.+)$/.exec(req.get("authorization") ?? "")?.[1];
	const name = key === undefined ? undefined : sql.app.get(sha256(key));
	const { provider, subject } = req.body;

	res.set("Cache-Control", "no-store");
	if (name === undefined) {
		res.status(401).json({ error: "invalid_key" });
		return;
	}
	const row = typeof provider === "string" && typeof subject === "string" ?
	    sql.find.get(name.app, provider, subject) : undefined;

	if (row === undefined) {
		res.status(404).json({ error: "unknown_connection" });
		return;
	}
	let token, expires = row.expires_at;

	if (expires > now() + 60) {
		token = open(KEY, `access\0${row.app}\0${row.provider}\0` +
		    `${row.subject}\0${row.generation}`, row.access);
	} else {
		if (!refreshing.has(row.id))
			refreshing.set(row.id, refresh(row)
			    .finally(() => refreshing.delete(row.id)));
		({ token, expires } = await refreshing.get(row.id));
	}
	res.json({ access_token: token, token_type: "Bearer",
	    expires_in: expires - now(), expires_at: expires,
	    scope: row.scope, provider, connection: String(row.id), subject,
	    status: "ok" });
});

app.listen(Number(PORT), "127.0.0.1",
    () => console.log(`listening on ${PORT}`));
