-- SPDX-License-Identifier: GPL-3.0-or-later
-- Copyright the imapsyncd authors
--
-- The state file. One pair of columns, or one line for each side (0: local, 1: remote). Numbers of
-- enums are those of src/model; 64-bit hashes, fingerprints and mod-sequences stand as signed numbers
-- of the same bits. A change of this file needs a line in db.c's table of steps as well.

-- Who each side is: what is below holds for these two servers only. offered: what it can do for
-- anybody, granted: for us; both or none.
CREATE TABLE side (
    side INTEGER PRIMARY KEY CHECK (side IN (0, 1)),
    identity TEXT NOT NULL,
    offered TEXT,
    granted TEXT
) STRICT;

CREATE TABLE mailbox (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    valid INTEGER NOT NULL CHECK (valid IN (0, 1)),
    excluded INTEGER NOT NULL DEFAULT 0 CHECK (excluded IN (0, 1)),
    compared_us INTEGER NOT NULL,
    last_sync_us INTEGER NOT NULL
) STRICT;

-- Where a mailbox stands on a side. subscribed: 0: unknown, 1: no, 2: yes. refused: under which
-- listings the side refused to make it; 0: it did not.
CREATE TABLE point (
    mailbox INTEGER NOT NULL REFERENCES mailbox ON DELETE CASCADE,
    side INTEGER NOT NULL CHECK (side IN (0, 1)),
    known INTEGER NOT NULL CHECK (known IN (0, 1)),
    identity TEXT,
    held_uidnext INTEGER NOT NULL,
    uidvalidity INTEGER NOT NULL,
    uidnext INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    subscribed INTEGER NOT NULL DEFAULT 0 CHECK (subscribed BETWEEN 0 AND 2),
    refused INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (mailbox, side)
) STRICT, WITHOUT ROWID;

-- A pair has two UIDs, a single one UID and a reason. NULLs are distinct, so UNIQUE binds only UIDs.
CREATE TABLE row (
    id INTEGER PRIMARY KEY,
    mailbox INTEGER NOT NULL REFERENCES mailbox ON DELETE CASCADE,
    local_uid INTEGER CHECK (local_uid BETWEEN 1 AND 4294967295),
    remote_uid INTEGER CHECK (remote_uid BETWEEN 1 AND 4294967295),
    local_flags TEXT NOT NULL,
    remote_flags TEXT NOT NULL,
    local_hash INTEGER NOT NULL,
    remote_hash INTEGER NOT NULL,
    fingerprint INTEGER NOT NULL,
    gone INTEGER NOT NULL CHECK (gone BETWEEN 0 AND 3),
    marked INTEGER NOT NULL CHECK (marked BETWEEN 0 AND 3),
    held INTEGER NOT NULL CHECK (held IN (0, 1)),
    reason INTEGER NOT NULL CHECK (reason BETWEEN 0 AND 3),
    detail TEXT,
    UNIQUE (mailbox, local_uid),
    UNIQUE (mailbox, remote_uid),
    CHECK (local_uid IS NOT NULL OR remote_uid IS NOT NULL),
    CHECK ((local_uid IS NOT NULL AND remote_uid IS NOT NULL) OR reason <> 0)
) STRICT;

-- Few rows are in these three: what is on its way, and what stands alone.
CREATE INDEX row_pending ON row (mailbox) WHERE (gone | marked) <> 0;
CREATE INDEX row_single_local ON row (local_hash) WHERE remote_uid IS NULL;
CREATE INDEX row_single_remote ON row (remote_hash) WHERE local_uid IS NULL;

CREATE TABLE intent (
    id INTEGER PRIMARY KEY,
    mailbox INTEGER NOT NULL REFERENCES mailbox ON DELETE CASCADE,
    to_side INTEGER NOT NULL CHECK (to_side IN (0, 1)),
    from_uidvalidity INTEGER NOT NULL,
    to_uidvalidity INTEGER NOT NULL,
    to_id TEXT,
    floor INTEGER NOT NULL
) STRICT;
CREATE INDEX intent_mailbox ON intent (mailbox);

CREATE TABLE intent_message (
    intent INTEGER NOT NULL REFERENCES intent ON DELETE CASCADE,
    uid INTEGER NOT NULL CHECK (uid BETWEEN 1 AND 4294967295),
    size INTEGER NOT NULL,
    date INTEGER NOT NULL,
    fingerprint INTEGER NOT NULL,
    flags TEXT NOT NULL,
    PRIMARY KEY (intent, uid)
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT: an answer to an issue that is gone must not meet another one.
CREATE TABLE issue (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind INTEGER NOT NULL,
    mailbox TEXT NOT NULL,
    side INTEGER NOT NULL CHECK (side IN (0, 1)),
    count INTEGER NOT NULL,
    since_us INTEGER NOT NULL,
    detail TEXT NOT NULL,
    UNIQUE (kind, mailbox, side)
) STRICT;

-- What the guard let through. It outlives its mailbox, since it counts for the account as well.
CREATE TABLE deletion (
    mailbox INTEGER REFERENCES mailbox ON DELETE SET NULL,
    count INTEGER NOT NULL,
    at_us INTEGER NOT NULL
) STRICT;
