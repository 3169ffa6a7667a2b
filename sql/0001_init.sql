-- 0001: apps and their keys, authorization requests on their way, connections.
--
-- Times are Unix seconds, hashes SHA-256. A sealed column holds a value that
-- only the key files open (src/oauth/vault.h). Strings that come from outside
-- are limited by src/base/limit.h before they get here.

-- A site, or a part of one, that asks for tokens.
CREATE TABLE app (
	name		TEXT NOT NULL PRIMARY KEY,
	origins		TEXT NOT NULL DEFAULT '',	-- separated by spaces: where return_to may lead
	created_at	INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The keys that an app's backend shows to /refresh; two may be valid at once.
CREATE TABLE app_key (
	hash		BLOB NOT NULL PRIMARY KEY,	-- of the key; the key itself is nowhere
	app		TEXT NOT NULL REFERENCES app (name) ON DELETE CASCADE,
	created_at	INTEGER NOT NULL,
	expires_at	INTEGER NOT NULL DEFAULT 0	-- 0: never
) STRICT, WITHOUT ROWID;
CREATE INDEX app_key_app ON app_key (app);

-- A one-time link that the operator prints for an account of his own.
CREATE TABLE start_link (
	hash		BLOB NOT NULL PRIMARY KEY,
	app		TEXT NOT NULL REFERENCES app (name) ON DELETE CASCADE,
	provider	TEXT NOT NULL,
	subject		TEXT NOT NULL,
	expires_at	INTEGER NOT NULL,
	used_at		INTEGER NOT NULL DEFAULT 0	-- 0: not yet
) STRICT, WITHOUT ROWID;

-- An authorization request that has left for a provider. The verifier, nonce
-- and ticket are derived from the state, which the browser alone holds.
CREATE TABLE pending (
	id		INTEGER PRIMARY KEY,		-- the order they came in
	state_hash	BLOB NOT NULL,			-- found by its browser's
	browser_hash	BLOB NOT NULL,			-- of our cookie's value
	bind_hash	BLOB,				-- of the site's bind, if it gave one
	link_hash	BLOB,				-- of the start link, if it began with one
	origin_hash	BLOB NOT NULL,			-- keyed hash of the client's address prefix
	app		TEXT NOT NULL,
	provider	TEXT NOT NULL,
	subject		TEXT,				-- if known at the start
	return_to	TEXT,
	redirect_uri	TEXT NOT NULL,
	scope		TEXT NOT NULL,
	fields		TEXT NOT NULL DEFAULT '',	-- of the provider: lines name=value
	key_id		INTEGER NOT NULL,		-- of the pending key that derives
	created_at	INTEGER NOT NULL,
	expires_at	INTEGER NOT NULL,
	stage		INTEGER NOT NULL DEFAULT 0,	-- 0 new, 1 taken, 2 done
	taken_at	INTEGER NOT NULL DEFAULT 0,
	load		INTEGER NOT NULL,		-- rows there were when it came, with itself
	outcome		TEXT				-- once done: connected…, or an error code
) STRICT;
CREATE INDEX pending_browser ON pending (browser_hash);
CREATE INDEX pending_origin ON pending (origin_hash);

-- Who is busiest, when there are too many: of each address prefix the number of
-- rows whose state_hash begins with the hexadecimal digit 0. That is one row in
-- 16, by chance, so that the others cost nothing here.
CREATE TABLE pending_crowd (
	origin_hash	BLOB NOT NULL PRIMARY KEY,
	n		INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX pending_crowd_n ON pending_crowd (n);

-- OR FAIL: a failure ends in a rollback anyway, and SQLite keeps no journal for
-- taking back this one statement.
CREATE TRIGGER pending_added AFTER INSERT ON pending
    WHEN NEW.state_hash < x'10' BEGIN
	UPDATE OR FAIL pending_crowd SET n = n + 1
	    WHERE origin_hash = NEW.origin_hash;
	INSERT OR FAIL INTO pending_crowd SELECT NEW.origin_hash, 1
	    WHERE changes() = 0;
END;
CREATE TRIGGER pending_removed AFTER DELETE ON pending
    WHEN OLD.state_hash < x'10' BEGIN
	UPDATE OR FAIL pending_crowd SET n = n - 1
	    WHERE origin_hash = OLD.origin_hash;
	DELETE FROM pending_crowd
	    WHERE origin_hash = OLD.origin_hash AND n = 0;
END;

-- An account at a provider that we hold tokens for. States: ARCHITECTURE.md.
CREATE TABLE connection (
	id		INTEGER PRIMARY KEY AUTOINCREMENT,	-- also the byte that locks it: never used again
	public_id	BLOB NOT NULL UNIQUE,		-- 128 random bits: its name outside
	app		TEXT NOT NULL REFERENCES app (name),
	provider	TEXT NOT NULL,
	subject		TEXT,				-- the site's user; NULL until bound
	client_id	TEXT NOT NULL,			-- that the tokens were issued to
	account		BLOB,				-- sealed: who it is at the provider
	status		INTEGER NOT NULL,		-- 0 ok, 1 degraded, 2 uncertain, 3 broken
	scope		TEXT NOT NULL,
	token_type	TEXT NOT NULL,
	fields		TEXT NOT NULL DEFAULT '',	-- of the provider: lines name=value
	access		BLOB NOT NULL,			-- sealed
	refresh		BLOB,				-- sealed; NULL when the provider gave none
	issued_at	INTEGER NOT NULL,
	expires_at	INTEGER NOT NULL,		-- of the access token; 0: unknown
	rotates		INTEGER NOT NULL DEFAULT -1,	-- 1: refresh tokens are used once; 0: not; -1: not known yet
	generation	INTEGER NOT NULL,		-- moves with every change of tokens or owner
	attempt_at	INTEGER NOT NULL DEFAULT 0,	-- a refresh was begun then and its end is not stored
	attempts	INTEGER NOT NULL DEFAULT 0,	-- how often it was sent
	failures	INTEGER NOT NULL DEFAULT 0,	-- in a row: backoff
	refusals	INTEGER NOT NULL DEFAULT 0,	-- odd definite answers in a row
	refused_at	INTEGER NOT NULL DEFAULT 0,	-- the first of these
	last_error	TEXT NOT NULL DEFAULT '',
	next_attempt_at	INTEGER NOT NULL DEFAULT 0,
	section_hash	BLOB,				-- keyed hash of the provider's configuration at the last failure
	ticket_hash	BLOB,				-- until the ticket is over
	bind_hash	BLOB,
	browser_hash	BLOB,
	ticket_expires_at INTEGER NOT NULL DEFAULT 0,
	ticket_replaced	INTEGER NOT NULL DEFAULT 0,	-- 1: redeeming it replaced older tokens
	created_at	INTEGER NOT NULL,
	updated_at	INTEGER NOT NULL,
	UNIQUE (app, provider, subject)
) STRICT;
CREATE UNIQUE INDEX connection_ticket ON connection (ticket_hash)
    WHERE ticket_hash IS NOT NULL;
CREATE INDEX connection_unbound ON connection (created_at) WHERE subject IS NULL;

-- When connections of a provider last got tokens, noted once in a minute: the
-- last time, whose it was, and the last time that it was another one's.
CREATE TABLE provider_success (
	provider	TEXT NOT NULL PRIMARY KEY,
	at		INTEGER NOT NULL,
	connection	INTEGER NOT NULL,
	other_at	INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Failures to reach a provider's token host since its last answer.
CREATE TABLE breaker (
	provider	TEXT NOT NULL,
	host		TEXT NOT NULL,
	failures	INTEGER NOT NULL,
	probe_at	INTEGER NOT NULL,		-- the next attempt may begin
	PRIMARY KEY (provider, host)
) STRICT, WITHOUT ROWID;

-- When the operator's maintenance was last done; `oauth-cgi check` looks.
CREATE TABLE upkeep (
	task		TEXT NOT NULL PRIMARY KEY,	-- purge
	done_at		INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
