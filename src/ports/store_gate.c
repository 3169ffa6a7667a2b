/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "store.h"

#include <sys/stat.h>
#include <sys/time.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "store_internal.h"

#define GATE_BYTE	0
#define TURN_BYTE	1	/* ids begin at 1, so no connection's */

/* ---- byte locks ------------------------------------------------------- */

enum err
store_lockfile_open(struct store *s, bool create)
{
	struct stat st;

	s->lock_fd = open(s->lock_path, O_RDWR | O_CLOEXEC | O_NOFOLLOW |
	    O_NOCTTY | (create ? O_CREAT : 0), 0600);
	if (s->lock_fd >= 0 && fstat(s->lock_fd, &st) == 0) {
		s->lock_id.dev = st.st_dev;
		s->lock_id.ino = st.st_ino;
		return ERR_OK;
	}
	log_error("lock file %s: %s; `oauth-cgi init` creates it, and it must "
	    "belong to the database's owner", s->lock_path, strerror(errno));
	return ERR_CONFIG;
}

/* One fcntl() on one byte; an open file description's lock dies with it. */
static int
byte_lock(const struct store *s, int command, short type, int64_t byte)
{
	struct flock fl;

	memset(&fl, 0, sizeof(fl));
	fl.l_type = type;
	fl.l_whence = SEEK_SET;
	fl.l_start = (off_t)byte;
	fl.l_len = 1;
	return fcntl(s->lock_fd, command, &fl);
}

static void
on_alarm(int sig)
{
	(void)sig;	/* only there to end a waiting fcntl() */
}

/* Wait for a byte in the kernel's queue, until the timer's signals say no. */
static int
wait_for(const struct store *s, short type, int64_t byte, int64_t until_ms)
{
	int rc;

	do {
		rc = byte_lock(s, F_OFD_SETLKW, type, byte);
	} while (rc != 0 && errno == EINTR && clock_mono_ms() < until_ms);
	return rc;
}

/* A timer that repeats ends a wait that has begun just before it, too. */
static int
wait_for_gate(const struct store *s, short type)
{
	int64_t until_ms = clock_mono_ms() + WAIT_GATE_MS;
	struct itimerval timer = {
		.it_value = { WAIT_GATE_MS / 1000, (WAIT_GATE_MS % 1000) * 1000 },
		.it_interval = { 0, 50000 },
	}, off = { { 0, 0 }, { 0, 0 } };
	int rc;

	setitimer(ITIMER_REAL, &timer, NULL);
	rc = wait_for(s, F_WRLCK, TURN_BYTE, until_ms);
	if (rc == 0)
		rc = wait_for(s, type, GATE_BYTE, until_ms);
	setitimer(ITIMER_REAL, &off, NULL);
	return rc;
}

/*
 * The kernel wakes who has waited longest, but who has just left takes a lock
 * again before that one runs: on a busy machine a writer was seen to wait for
 * 5 s among others who wrote hundreds of times. So whoever is next holds the
 * turn until the gate is his, and nobody can overtake him.
 */
static int
take_gate(const struct store *s, short type)
{
	int rc = 0;

	if (byte_lock(s, F_OFD_SETLK, F_WRLCK, TURN_BYTE) != 0 ||
	    byte_lock(s, F_OFD_SETLK, type, GATE_BYTE) != 0)
		rc = wait_for_gate(s, type);
	byte_lock(s, F_OFD_SETLK, F_UNLCK, TURN_BYTE);
	return rc;
}

enum err
store_gate_enter(struct store *s)
{
	struct stat st;

	if (take_gate(s, F_WRLCK) != 0) {
		log_warn("database %s: other writers held the gate for %d ms",
		    s->path, WAIT_GATE_MS);
		return ERR_BUSY;
	}
	s->gate = GATE_OURS;
	/* Somebody removed the lock file: others lock its successor. */
	if (fstat(s->lock_fd, &st) != 0 || st.st_nlink == 0) {
		store_gate_leave(s);
		log_warn("lock file %s: replaced; opening it again",
		    s->lock_path);
		return ERR_BUSY;
	}
	return ERR_OK;
}

void
store_gate_leave(struct store *s)
{
	byte_lock(s, F_OFD_SETLK, F_UNLCK, GATE_BYTE);
	s->gate = GATE_FREE;
}

/*
 * SQLite's busy handler. With the rollback journal a commit keeps readers out
 * while it syncs, and the next writer begins at once, so that a reader who only
 * tries again now and then may never get in. It queues at the gate, too: while
 * it holds its share, no writer of ours is in there. Else, and against other
 * programs: sleep and try again, for WAIT_SQLITE_MS in all.
 */
static int
on_busy(void *arg, int tries)
{
	struct store *s = arg;

	if (tries == 0)
		s->busy_until_ms = clock_mono_ms() + WAIT_SQLITE_MS;
	if (!s->wal && s->gate == GATE_FREE) {
		if (take_gate(s, F_RDLCK) != 0)
			return 0;
		s->gate = GATE_SHARED;
		s->busy_until_ms = clock_mono_ms() + WAIT_SQLITE_MS;
		return 1;
	}
	if (clock_mono_ms() >= s->busy_until_ms)
		return 0;
	clock_sleep_jittered(tries < 6 ? 1U << tries : 64);
	return 1;
}

void
store_gate_unshare(struct store *s)
{
	if (s->gate == GATE_SHARED)
		store_gate_leave(s);
}

enum err
store_lock(struct store *s, int64_t id, int64_t wait_ms, bool *waited)
{
	int64_t until = clock_mono_ms() + wait_ms;
	unsigned pause_ms = 2;

	*waited = false;
	while (byte_lock(s, F_OFD_SETLK, F_WRLCK, 1 + id) != 0) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR) {
			log_error("lock file %s: %s", s->lock_path,
			    strerror(errno));
			return ERR_INTERNAL;
		}
		if (clock_mono_ms() >= until)
			return ERR_BUSY;
		*waited = true;
		clock_sleep_jittered(pause_ms);
		if (pause_ms < 64)
			pause_ms *= 2;
	}
	s->locked_id = id;
	return ERR_OK;
}

void
store_unlock(struct store *s)
{
	if (s->locked_id == 0)
		return;
	byte_lock(s, F_OFD_SETLK, F_UNLCK, 1 + s->locked_id);
	s->locked_id = 0;
}

/* ---- transactions ----------------------------------------------------- */

static int
on_wal_commit(void *arg, sqlite3 *db, const char *name, int pages)
{
	(void)db;
	(void)name;
	((struct store *)arg)->wal_pages = pages;
	return SQLITE_OK;
}

void
store_gate_init(struct store *s)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_alarm;	/* no SA_RESTART: fcntl() must return */
	sigemptyset(&sa.sa_mask);
	sigaction(SIGALRM, &sa, NULL);
	sqlite3_busy_handler(s->db, on_busy, s);
	/* Replaces SQLite's own hook, and with it automatic checkpoints. */
	sqlite3_wal_hook(s->db, on_wal_commit, s);
}

enum err
store_begin(struct store *s)
{
	sqlite3_stmt *st = store_stmt(s, STMT_BEGIN, "BEGIN IMMEDIATE");
	enum err e;

	if (st == NULL)
		return ERR_INTERNAL;
	if ((e = store_gate_enter(s)) != ERR_OK)
		return e;
	if ((e = store_run(s, st, "begin")) != ERR_OK) {
		store_gate_leave(s);
		return e;
	}
	s->in_tx = true;
	return ERR_OK;
}

/*
 * Whether the commit just made took the WAL past a multiple of
 * WAL_CHECKPOINT_PAGES: of all that are made in all processes one does, so that
 * they do not all begin a checkpoint while readers keep the WAL from starting
 * over.
 */
static bool
checkpoint_is_due(struct store *s)
{
	int written = 0, peak = 0, before;

	sqlite3_db_status(s->db, SQLITE_DBSTATUS_CACHE_WRITE, &written, &peak,
	    0);
	before = s->wal_pages - (written - s->written);
	s->written = written;
	return s->wal_pages / WAL_CHECKPOINT_PAGES !=
	    before / WAL_CHECKPOINT_PAGES;
}

/*
 * Inside the gate, for no commit of ours may run beside it. The WAL was synced
 * before, so that others wait for little more than the database's own sync.
 */
static void
checkpoint(struct store *s)
{
	int rc;

	if (store_gate_enter(s) != ERR_OK)
		return;		/* at the next multiple, then */
	rc = sqlite3_wal_checkpoint_v2(s->db, "main",
	    SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	if (rc != SQLITE_OK && rc != SQLITE_BUSY)
		store_result(s, rc, "checkpoint");
	store_gate_leave(s);
}

/* Make what was committed durable; outside the gate, so that syncs overlap. */
static enum err
sync_wal(struct store *s)
{
	sqlite3_file *wal = NULL;
	int rc;

	rc = sqlite3_file_control(s->db, "main",
	    SQLITE_FCNTL_JOURNAL_POINTER, &wal);
	if (rc != SQLITE_OK || wal == NULL || wal->pMethods == NULL)
		return ERR_OK;	/* nothing was ever written */
	if ((rc = wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL)) == SQLITE_OK)
		return ERR_OK;
	s->broken = true;
	log_error("database %s: sync failed (%d): what was just written may "
	    "be lost by a power cut; this process ends", s->path, rc);
	return ERR_INTERNAL;
}

/* The lock file's content is one number; an empty file's is 0. */
int64_t
store_announced(const struct store *s)
{
	int64_t n = 0;

	if (pread(s->lock_fd, &n, sizeof(n), 0) != sizeof(n))
		return 0;
	return n;
}

static void
announce(const struct store *s)
{
	int64_t n = store_announced(s) + 1;

	if (pwrite(s->lock_fd, &n, sizeof(n), 0) != sizeof(n))
		log_warn("lock file %s: %s; running programs may not see at "
		    "once what has changed", s->lock_path, strerror(errno));
}

/*
 * The operator's command is the only one that changes apps and keys, which the
 * programs remember. Announced before and after, so that dying between hides
 * no change.
 */
static enum err
run_commit(struct store *s, sqlite3_stmt *st)
{
	enum err e;

	if (s->role == STORE_ROLE_ADMIN)
		announce(s);
	e = store_run(s, st, "commit");
	if (s->role == STORE_ROLE_ADMIN)
		announce(s);
	return e;
}

enum err
store_commit(struct store *s, enum store_durability d)
{
	sqlite3_stmt *st = store_stmt(s, STMT_COMMIT, "COMMIT");
	bool due;
	enum err e;

	if (st == NULL || (e = run_commit(s, st)) != ERR_OK) {
		store_rollback(s);
		return st == NULL ? ERR_INTERNAL : e;
	}
	s->in_tx = false;
	store_gate_leave(s);
	due = s->wal && checkpoint_is_due(s);
	if (((s->wal && d == STORE_DURABLE) || due) &&
	    (e = sync_wal(s)) != ERR_OK)
		return e;
	if (due)
		checkpoint(s);
	return ERR_OK;
}

void
store_rollback(struct store *s)
{
	sqlite3_stmt *st;

	if (!s->in_tx)
		return;
	s->in_tx = false;
	st = store_stmt(s, STMT_ROLLBACK, "ROLLBACK");
	/* SQLite has rolled back by itself after some errors. */
	if (st != NULL && sqlite3_get_autocommit(s->db) == 0)
		(void)store_run(s, st, "rollback");
	store_gate_leave(s);
}
