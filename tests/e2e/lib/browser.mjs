// SPDX-License-Identifier: ISC
//
// browser - an HTTP client that keeps cookies the way a browser does, follows
// no redirect by itself, and sends whatever header or request line it is told.

import http from "node:http";
import net from "node:net";

// One request. options: method, headers, body, form (an object, a string, or
// a list of pairs: a name given twice), agent.
// Gives { status, headers, cookies, location, text, json() }.
export function request(url, options = {}) {
	const headers = { ...options.headers };
	const at = new URL(url);
	let body = options.body;

	if (options.form !== undefined) {
		body = new URLSearchParams(options.form).toString();
		headers["content-type"] ??= "application/x-www-form-urlencoded";
	}
	if (body !== undefined)
		headers["content-length"] ??= Buffer.byteLength(body);
	return new Promise((resolve, reject) => {
		const req = http.request({
			host: at.hostname, port: at.port,
			path: options.target ?? at.pathname + at.search,
			method: options.method ?? (body === undefined ? "GET" :
			    "POST"),
			headers, agent: options.agent ?? false,
			setHost: headers.host === undefined,
		}, (res) => {
			const parts = [];

			res.on("data", (part) => parts.push(part));
			res.on("error", reject);
			res.on("end", () => resolve(answerOf(res, parts, url)));
		});

		req.setTimeout(options.timeout ?? 60000, () => req.destroy(
		    new Error(`no answer from ${at.pathname}`)));
		req.on("error", reject);
		req.end(body);
	});
}

function answerOf(res, parts, url) {
	const text = Buffer.concat(parts).toString("utf8");

	return {
		status: res.statusCode,
		headers: res.headers,
		rawHeaders: res.rawHeaders,
		cookies: res.headers["set-cookie"] ?? [],
		location: res.headers.location,
		url,
		text,
		json() {
			try {
				return JSON.parse(text);
			} catch {
				throw new Error(`no JSON (${res.statusCode}): ` +
				    text.slice(0, 200));
			}
		},
	};
}

// Bytes to a port, and all the bytes that come back.
export function raw(port, bytes, { timeout = 5000, end = false } = {}) {
	return new Promise((resolve, reject) => {
		const socket = net.connect(port, "127.0.0.1");
		const parts = [];
		const timer = setTimeout(() => done("timeout"), timeout);
		const done = (how) => {
			clearTimeout(timer);
			socket.destroy();
			resolve({ how, text: Buffer.concat(parts)
			    .toString("latin1") });
		};

		socket.on("data", (part) => parts.push(part));
		socket.on("end", () => done("end"));
		socket.on("error", (e) => e.code === "ECONNRESET" ?
		    done("reset") : reject(e));
		if (end)
			socket.end(bytes);
		else
			socket.write(bytes);
	});
}

// The first form of a page: where it goes, how, and its fields. `button`
// names the submit button to press.
export function formOf(answer, button) {
	const form = /<form\b([^>]*)>([\s\S]*?)<\/form>/i.exec(answer.text);

	if (form === null)
		throw new Error(`no form on the page: ${answer.text}`);
	const fields = [];
	const attribute = (tag, name) => {
		const found = new RegExp(`\\b${name}="([^"]*)"`, "i").exec(tag);

		return found === null ? undefined : unescapeHtml(found[1]);
	};

	for (const [, tag] of form[2].matchAll(/<(?:input|button)\b([^>]*)>/gi)) {
		const name = attribute(tag, "name");
		const type = attribute(tag, "type");
		const value = attribute(tag, "value") ?? "";

		if (name === undefined)
			continue;
		if ((type === "radio" || type === "checkbox") &&
		    !/\bchecked\b/.test(tag))
			continue;
		if ((type === undefined || type === "submit") &&
		    button !== undefined && value !== button)
			continue;
		fields.push([name, value]);
	}
	return {
		action: new URL(attribute(form[1], "action") ?? "", answer.url)
		    .href,
		method: (attribute(form[1], "method") ?? "get").toUpperCase(),
		fields,
	};
}

export function unescapeHtml(s) {
	return s.replace(/&(amp|lt|gt|quot|#39|#x27);/g, (all, name) => ({
		amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'", "#x27": "'",
	})[name]);
}

// A browser: cookies by host (ports share them), and what it sends with a
// navigation of its own.
export class Browser {
	constructor(headers = {}) {
		this.jar = new Map();
		this.headers = headers;
	}

	cookie(name) {
		for (const cookies of this.jar.values())
			if (cookies.has(name))
				return cookies.get(name);
		return undefined;
	}

	setCookie(host, name, value) {
		if (!this.jar.has(host))
			this.jar.set(host, new Map());
		this.jar.get(host).set(name, value);
	}

	clearCookies() {
		this.jar.clear();
	}

	#keep(host, cookies) {
		for (const line of cookies) {
			const [pair, ...attributes] = line.split(";");
			const at = pair.indexOf("=");
			const name = pair.slice(0, at).trim();
			const over = attributes.some((a) =>
			    /^\s*max-age\s*=\s*(0|-\d+)\s*$/i.test(a));

			if (over)
				this.jar.get(host)?.delete(name);
			else
				this.setCookie(host, name,
				    pair.slice(at + 1).trim());
		}
	}

	async fetch(url, options = {}) {
		const host = new URL(url).hostname;
		const headers = { ...this.headers, ...options.headers };
		const jar = this.jar.get(host);

		if (options.cookies !== false && jar !== undefined &&
		    jar.size > 0)
			headers.cookie ??= [...jar].map(([n, v]) => `${n}=${v}`)
			    .join("; ");
		const answer = await request(url, { ...options, headers });

		this.#keep(host, answer.cookies);
		return answer;
	}

	get(url, headers = {}) {
		return this.fetch(url, { headers });
	}

	post(url, form, headers = {}) {
		return this.fetch(url, { form, headers, method: "POST" });
	}

	// Follow the redirect that an answer asks for.
	follow(answer, headers = {}) {
		if (answer.location === undefined)
			throw new Error(`no redirect but ${answer.status}: ` +
			    answer.text.slice(0, 500));
		return this.get(new URL(answer.location, answer.url).href,
		    headers);
	}

	// Press a button of the first form of a page.
	press(answer, button, change = {}, headers = {}) {
		const form = formOf(answer, button);
		const fields = form.fields.map(([n, v]) => [n, change[n] ?? v]);

		if (form.method === "GET")
			return this.get(`${form.action}?` +
			    new URLSearchParams(fields), headers);
		return this.post(form.action, fields, headers);
	}
}
