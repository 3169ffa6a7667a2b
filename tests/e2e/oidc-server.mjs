// SPDX-License-Identifier: ISC
//
// oidc-server - an OpenID provider that was not written for these tests: the
// npm package oidc-provider, with PKCE required and refresh tokens that rotate;
// the use of an old one revokes the whole grant.
//
//	node oidc-server.mjs --callback URL [--ttl N] [--port N] [--pages]
//
// prints "listening on 127.0.0.1:PORT". --pages shows the package's own login
// and consent pages; without it a user named "user" logs in and consents at
// once. GET /control/stats counts the calls of the token endpoint.
// The client: demo-client, with the secret demo-secret by Basic or in the body.

import http from "node:http";
import { parseArgs } from "node:util";
import { Provider } from "oidc-provider";

const { values: options } = parseArgs({ options: {
	callback: { type: "string", multiple: true, default: [] },
	port: { type: "string", default: "0" },
	ttl: { type: "string", default: "3600" },
	auth: { type: "string", default: "client_secret_post" },
	pages: { type: "boolean", default: false },
} });
const stats = { authorization_code: 0, refresh_token: 0, other: 0, ok: 0,
    errors: 0, grants_revoked: 0 };

// It must know its own address before it is made.
const server = http.createServer();

server.listen(Number(options.port), "127.0.0.1", () => {
	const { port } = server.address();

	server.on("request", application(`http://127.0.0.1:${port}`));
	console.log(`listening on 127.0.0.1:${port}`);
});
for (const signal of ["SIGTERM", "SIGINT"])
	process.on(signal, () => process.exit(0));
// The end of whoever started us is ours as well.
if (!process.stdin.isTTY) {
	process.stdin.on("end", () => process.exit(0));
	process.stdin.on("error", () => process.exit(0));
	process.stdin.resume();
}

function configuration() {
	return {
		clients: [{
			client_id: "demo-client",
			client_secret: "demo-secret",
			grant_types: ["authorization_code", "refresh_token"],
			response_types: ["code"],
			redirect_uris: options.callback,
			token_endpoint_auth_method: options.auth,
		}],
		claims: { openid: ["sub"], email: ["email"] },
		scopes: ["openid", "offline_access", "email"],
		// An access token is over when it is over.
		clockTolerance: 0,
		cookies: { keys: ["only for tests"] },
		features: {
			devInteractions: { enabled: options.pages },
			revocation: { enabled: true },
		},
		pkce: { required: () => true, methods: ["S256"] },
		rotateRefreshToken: true,
		issueRefreshToken: async (ctx, client) =>
		    client.grantTypeAllowed("refresh_token"),
		ttl: { AccessToken: Number(options.ttl), RefreshToken: 86400,
		    AuthorizationCode: 60, IdToken: 300, Interaction: 600,
		    Grant: 86400, Session: 86400 },
		findAccount: async (ctx, id) => ({ accountId: id,
		    claims: async () => ({ sub: id,
		    email: `${id}@example.com` }) }),
		...(options.pages ? {} : { interactions: {
		    url: (ctx, interaction) => `/consent/${interaction.uid}` }
		    }),
	};
}

function application(issuer) {
	const provider = new Provider(issuer, configuration());
	const handle = provider.callback();

	provider.on("grant.success", ({ oidc }) => {
		count(oidc.params.grant_type);
		stats.ok++;
	});
	provider.on("grant.error", ({ oidc }) => {
		count(oidc.params?.grant_type);
		stats.errors++;
	});
	provider.on("grant.revoked", () => { stats.grants_revoked++; });
	return (req, res) => {
		if (req.url === "/control/stats") {
			res.setHeader("content-type", "application/json");
			res.end(JSON.stringify(stats));
		} else if (req.url.startsWith("/consent/")) {
			consent(provider, req, res).catch((error) => {
				res.statusCode = 500;
				res.end(String(error));
			});
		} else {
			handle(req, res);
		}
	};
}

function count(grant) {
	stats[grant in stats ? grant : "other"]++;
}

// Log in and consent, without asking anybody.
async function consent(provider, req, res) {
	const { params, prompt, grantId } =
	    await provider.interactionDetails(req, res);

	if (prompt.name === "login") {
		await provider.interactionFinished(req, res,
		    { login: { accountId: "user" } });
		return;
	}
	const grant = grantId === undefined ? new provider.Grant({
	    accountId: "user", clientId: params.client_id }) :
	    await provider.Grant.find(grantId);

	grant.addOIDCScope(params.scope);
	await provider.interactionFinished(req, res, { consent:
	    { grantId: await grant.save() } }, { mergeWithLastSubmission: true });
}
