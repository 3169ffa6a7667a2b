// SPDX-License-Identifier: ISC
//
// `oauth-cgi check` with the files of deploy/ under Apache and nginx: nothing
// is found; and then something is taken away from the file, or from the
// programs, and that is found, and mended by the line that is told.
//
// runs: apache2 nginx spawn-fcgi

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync } from "node:fs";
import { join } from "node:path";
import { check, finds, isWell, mends } from "./lib/check.mjs";
import { after, before, describe, it } from "./lib/harness.mjs";
import { Apache, Nginx, PROGRAMS, ROOT, SpawnFcgi } from
    "./lib/servers.mjs";
import { Site } from "./lib/site.mjs";

function checked(name, make, define) {
	describe(`check, ${name}`, () => {
		let site, web, render;

		// With the server's file changed; without a word, as it is.
		const serve = async (change = (text) => text) => {
			await web.stop();
			web.render = (file) => {
				const text = render(file);
				const changed = change(text);

				assert.ok(changed !== text ||
				    change.length === 1, "it is changed");
				return changed;
			};
			await web.start();
		};
		const look = () => check(site);
		const programs = () => PROGRAMS.map((p) => join(site.dir,
		    "libexec/oauth-cgi", `${p}.fcgi`));

		before(async () => {
			web = make();
			render = web.render.bind(web);
			site = await Site.start({ web, settings: { auto: 1 },
			    site: { database: "oauth-cgi/oauth.db",
				keys: "oauth-cgi/keys" } });
		});
		after(() => site?.stop());

		it("as it is in deploy/", async () => {
			const r = await look();

			isWell(r);
			if (ROOT)
				assert.match(r.lines[0].what, new RegExp(
				    `as user ${web.user}`));
		});

		// A line is missing, and told.
		const lacks = (line, finding, ...others) =>
			it(`without ${line}`, async () => {
				await serve((t) => {
					assert.ok(t.includes(line), t);
					return t.replaceAll(line, "");
				});
				finds(await look(), finding, line, ...others);
				await serve();
				isWell(await look());
			});
		// Other words stand there, and what should is told.
		const says = (from, to, finding, mend, ...others) =>
			it(`with ${to} instead of ${from}`, async () => {
				await serve((t) => {
					assert.ok(t.includes(from), t);
					return t.replaceAll(from, to);
				});
				finds(await look(), finding, mend, ...others);
				await serve();
				isWell(await look());
			});

		define({ lacks, says, serve, look, programs,
		    site: () => site, web: () => web });
	});
}

function unexecutable({ look, programs, serve }, ...findings) {
	it("programs that are not executable", async () => {
		for (const p of programs())
			chmodSync(p, 0o644);
		await serve();
		const r = await look();

		assert.ok(findings.includes(r.wrong[0]), r.bad);
		assert.match(r.found[r.wrong[0]].mend, /^chmod 755 .*\*\.fcgi$/m);
		for (const p of programs())
			chmodSync(p, 0o755);
		await serve();
		isWell(await look());
	});
}

checked("Apache with mod_fcgid", () =>
    new Apache("apache/oauth-cgi-fcgid.conf"), (t) => {
	t.lacks("CGIPassAuth On", "authorization_lost");
	t.says("AcceptPathInfo On", "AcceptPathInfo Off",
	    "path_info_lost", "AcceptPathInfo On");
	t.says("Options ExecCGI", "Options None", "site_forbidden",
	    "Options +ExecCGI");
	t.lacks("SetHandler fcgid-script", "program_downloaded");
	unexecutable(t, "site_error", "site_timeout");
	if (ROOT)
		it("a database that is root's", async () => {
			const db = join(t.site().dir, "etc/oauth-cgi/oauth.db");

			chownSync(db, 0, 0);
			await t.serve();
			// Before any program runs it is root's own affair.
			const r = await check(t.site(), "--user", t.web().user);

			finds(r, "database_owner", /^chown www-data /,
			    "site_unavailable");
			execFileSync("/bin/sh", ["-c",
			    mends(r, "database_owner")[0]]);
			isWell(await t.look());
		});
});

checked("Apache with plain CGI", () =>
    new Apache("apache/oauth-cgi-plain.conf"), (t) => {
	t.lacks("CGIPassAuth On", "authorization_lost");
	t.says("Options ExecCGI", "Options None", "site_forbidden",
	    "Options +ExecCGI");
	unexecutable(t, "site_error", "site_forbidden");
});

checked("Apache before spawn-fcgi", () => new Apache(
    "apache/oauth-cgi-proxy.conf", { backend: new SpawnFcgi() }), (t) => {
	t.lacks("CGIPassAuth On", "authorization_lost");
	t.lacks('ProxyFCGISetEnvIf "true" PATH_INFO "%{reqenv:MATCH_PATH}"',
	    "path_info", "path_info_lost");
	it("nobody behind it", async () => {
		await t.web().backend.stop();
		finds(await t.look(), "site_backend");
		await t.web().backend.start();
		isWell(await t.look());
	});
});

checked("nginx before spawn-fcgi", () => new Nginx("nginx/oauth-cgi.conf",
    { backend: new SpawnFcgi() }), (t) => {
	t.says("fastcgi_param PATH_INFO         $oauth_cgi_path;", "",
	    "path_info_lost", "fastcgi_param PATH_INFO $oauth_cgi_path;");
	t.says("fastcgi_keep_conn off;",
	    'fastcgi_keep_conn off; fastcgi_param HTTP_AUTHORIZATION "";',
	    "authorization_lost",
	    "fastcgi_param HTTP_AUTHORIZATION $http_authorization;");
	t.says("fastcgi_keep_conn off;",
	    'fastcgi_keep_conn off; fastcgi_param HTTP_COOKIE "";',
	    "cookie_lost");
	it("nobody behind it", async () => {
		await t.web().backend.stop();
		finds(await t.look(), "site_backend");
		await t.web().backend.start();
		isWell(await t.look());
	});
});
