-- What both peers, Express and PHP, keep: the tables that the same guarantees
-- call for. Hashes instead of states, cookies, tickets and keys; tokens sealed.
CREATE TABLE app_key (
	hash		BLOB NOT NULL PRIMARY KEY,
	app		TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE pending (
	id		INTEGER PRIMARY KEY,
	state_hash	BLOB NOT NULL,
	browser_hash	BLOB NOT NULL,
	bind_hash	BLOB,
	provider	TEXT NOT NULL,
	return_to	TEXT NOT NULL,
	expires_at	INTEGER NOT NULL,
	stage		INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX pending_browser ON pending (browser_hash);
CREATE TABLE connection (
	id		INTEGER PRIMARY KEY,
	app		TEXT NOT NULL,
	provider	TEXT NOT NULL,
	subject		TEXT,
	access		BLOB NOT NULL,
	refresh		BLOB,
	scope		TEXT NOT NULL,
	expires_at	INTEGER NOT NULL,
	generation	INTEGER NOT NULL DEFAULT 1,
	attempt_at	INTEGER NOT NULL DEFAULT 0,
	ticket_hash	BLOB UNIQUE,
	bind_hash	BLOB,
	ticket_expires_at INTEGER NOT NULL DEFAULT 0,
	UNIQUE (app, provider, subject)
);
