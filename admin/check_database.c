/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "check.h"

#include <string.h>

#include "store_health.h"

#define QUICK_CHECK_MS	8000

static const struct check_kind foreign = { "database_foreign", CHECK_WRONG,
    "Another program's database is never touched: every request is answered "
    "503." };
static const struct check_kind empty = { "database_empty", CHECK_WRONG,
    "`init` has not been run; or the file DATABASE-wal was removed, and with "
    "it all that was in it: put both back from the backup." };
static const struct check_kind old = { "schema_old", CHECK_WRONG,
    "The programs are newer than the database, and refuse it: every request "
    "is answered 503." };
static const struct check_kind newer = { "schema_new", CHECK_WRONG,
    "These programs are older than those that have brought the database up to "
    "date, and refuse it: every request is answered 503." };
static const struct check_kind unusable = { "database_unusable", CHECK_WRONG,
    "Every request is answered 503." };
static const struct check_kind damaged = { "database_damaged", CHECK_WRONG,
    "Rows may be unreadable or wrong. Nothing repairs that but a backup; the "
    "key files are not concerned." };
static const struct check_kind not_through = { "database_unread", CHECK_NOTE,
    "It is large; what was read so far is whole." };
static const struct check_kind busy = { "database_busy", CHECK_LATER,
    "Another program holds the database: requests wait, then are answered "
    "503." };
static const struct check_kind journal = { "journal_mode", CHECK_WRONG,
    "The write-ahead log needs memory that all processes share, which a "
    "network file system does not give: rows could be lost." };
static const struct check_kind other_journal = { "journal_mode", CHECK_WRONG,
    "It works, but it is not what the configuration asks for." };

static void
mend_damage(struct check *c)
{
	check_mend(c, "# stop the programs, put the newest backup in its "
	    "place, then:");
	check_mend_init(c);
}

/* What the store says when it can't be opened. */
static void
tell_unusable(struct check *c)
{
	const char *said = buf_cstr(&c->said);

	if (said != NULL && strstr(said, "damaged") != NULL) {
		check_said(c, &damaged);
		mend_damage(c);
	} else {
		check_said(c, &unusable);
	}
}

static bool
check_schema(struct check *c, const char *db)
{
	struct store_inspection i;

	check_unsaid(c);
	if (store_inspect(db, &i) != ERR_OK) {
		tell_unusable(c);
		return false;
	}
	if (i.empty) {
		check_found(c, &empty, "%s: there is nothing in it", db);
		check_mend_init(c);
		return false;
	}
	if (!i.ours) {
		check_found(c, &foreign, "%s: is not a database of oauth-cgi",
		    db);
		check_mend(c, "# in %s: a path where there is nothing yet",
		    c->a->conf->file);
		check_mend(c, "database = \"oauth-cgi/oauth.db\"");
		check_mend_init(c);
		return false;
	}
	if (i.version == i.known)
		return true;
	check_found(c, i.version < i.known ? &old : &newer, "%s: its schema "
	    "is version %lld, this program wants %lld", db,
	    (long long)i.version, (long long)i.known);
	if (i.version < i.known)
		check_mend_init(c);
	else
		check_mend(c, "# install the newer programs, all of them, "
		    "this command too");
	return false;
}

static void
check_journal(struct check *c, const char *db)
{
	bool wal = store_is_wal(c->a->store), network = store_is_network(db);
	enum conf_journal want = c->a->conf->journal;
	const struct check_kind *kind = NULL;

	if (wal && network)
		kind = &journal;
	else if ((wal && want == JOURNAL_DELETE) ||
	    (!wal && (want == JOURNAL_WAL ||
	    (want == JOURNAL_AUTO && !network))))
		kind = &other_journal;
	if (kind == NULL) {
		check_good(c, "journal: %s%s", wal ? "write-ahead log" :
		    "rollback", network ? ", on a network file system" : "");
		return;
	}
	check_found(c, kind, "%s: the journal is %s%s", db, wal ?
	    "the write-ahead log" : "the rollback journal", network ?
	    ", on a network file system" : "");
	if (want == JOURNAL_WAL && network) {
		check_mend(c, "# in the section site of %s:",
		    c->a->conf->file);
		check_mend(c, "journal = \"delete\"");
	}
	check_mend(c, "# while nothing else uses the database:");
	check_mend_init(c);
}

static void
check_whole(struct check *c, const char *db)
{
	char problem[256];
	enum err e = store_quick_check(c->a->store, QUICK_CHECK_MS, problem);

	check_unsaid(c);
	if (e == ERR_OK) {
		check_good(c, "%s: whole", db);
	} else if (e == ERR_BUSY) {
		check_found(c, &not_through, "%s: not all of it was read "
		    "within %d s", db, QUICK_CHECK_MS / 1000);
	} else {
		check_found(c, &damaged, "%s: %s", db, problem);
		mend_damage(c);
	}
}

/* Whether the gate opens, and SQLite would write: begun, and taken back. */
static void
check_writing(struct check *c, const char *db)
{
	enum err e = store_begin(c->a->store);

	if (e == ERR_OK) {
		store_rollback(c->a->store);
		check_good(c, "%s: %s can write it", db, c->me.name);
		return;
	}
	check_said(c, e == ERR_BUSY ? &busy : &unusable);
	check_mend(c, "fuser -v %s %s-lock", check_quoted(c, db),
	    check_quoted(c, db));
}

void
check_database(struct check *c)
{
	const char *db = c->a->conf->database;

	if (!check_database_files(c) || !check_schema(c, db))
		return;
	check_unsaid(c);
	if (store_open(db, c->a->conf->journal, STORE_ROLE_ADMIN,
	    &c->a->store) != ERR_OK) {
		tell_unusable(c);
		return;
	}
	check_unsaid(c);	/* of the journal mode: told below */
	check_whole(c, db);
	check_writing(c, db);
	check_journal(c, db);
}
