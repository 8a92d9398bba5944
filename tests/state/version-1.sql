-- SPDX-License-Identifier: GPL-3.0-or-later
-- Copyright the imapsyncd authors
--
-- A state file as version 1 made it, with one mailbox of one message: the steps to later versions
-- are tried on it. Not to be changed.

-- Who each side is: what is below holds for these two servers only.
CREATE TABLE side (
    side INTEGER PRIMARY KEY CHECK (side IN (0, 1)),
    identity TEXT NOT NULL
) STRICT;

CREATE TABLE mailbox (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    valid INTEGER NOT NULL CHECK (valid IN (0, 1)),
    compared_us INTEGER NOT NULL,
    last_sync_us INTEGER NOT NULL
) STRICT;

-- Where a mailbox stands on a side.
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

INSERT INTO side VALUES (0, 'local'), (1, 'remote');
INSERT INTO mailbox VALUES (3, 'Work', 1, 11, 12);
INSERT INTO point VALUES (3, 0, 1, NULL, 0, 5, 8, 9, 1), (3, 1, 1, 'id', 4, 6, 2, 7, 1);
INSERT INTO row VALUES (1, 3, 7, 1, '', '', 1, 2, 3, 0, 0, 0, 0, NULL);
INSERT INTO issue VALUES (9, 4, 'Work', 1, 0, 13, 'no');
PRAGMA application_id = 1229804377;
PRAGMA user_version = 1;
