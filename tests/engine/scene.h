/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include "engine/pass.h"
#include "fake-server.h"
#include "util/error.h"

/* What the engine's tests share: two fake servers, a state file, a clock that the test drives, and
 * passes of the real engine between them. Local writes `/` between levels, remote `.`; tests that
 * need no levels may name a mailbox alike on both. */

#define SCENE_DATE 1600000000 /* INTERNALDATE of the first message; each one has its own */

typedef struct {
    FakeServer *server[IMS_N_SIDES];
    FakeFaults faults[IMS_N_SIDES]; /* put in force by scene_arm() */
    ImsPassOrder order;             /* mailboxes and max_deletions are the test's */
    gint64 now_us;
    ImsReport *report; /* of the last pass */
    GError *error;
    /* the rest is the scene's own */
    ImsClock clock;
    ImsEndpoint *endpoint[IMS_N_SIDES];
    char *directory, *state_path;
    guint n_added;
} Scene;

/** scene_new: @without: (nullable): capabilities that a side lacks. */
Scene *scene_new(const char *without_local, const char *without_remote);
void scene_free(Scene *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Scene, scene_free)

/** scene_arm: both servers take to self->faults. */
void scene_arm(Scene *self);
/** scene_disarm: no faults any more. */
void scene_disarm(Scene *self);

/** scene_add: a message with a date of its own that says "This is @name." Returns: its UID. */
guint32 scene_add(
    Scene *self, ImsSide side, const char *mailbox, const char *name, const char *flags);
/** scene_create: on both sides. */
void scene_create(Scene *self, const char *mailbox);
/** scene_find: as fake_find(), by the @name that scene_add() was given. */
guint32 scene_find(Scene *self, ImsSide side, const char *mailbox, const char *name);
/** scene_set_flags: another client sets the flags of the message by @name. */
void scene_set_flags(
    Scene *self, ImsSide side, const char *mailbox, const char *name, const char *flags);
void scene_expunge(Scene *self, ImsSide side, const char *mailbox, const char *name);
void scene_move(Scene *self, ImsSide side, const char *from, const char *name, const char *to);
/** scene_assert_flags: of the message by @name; it must be there. */
void scene_assert_flags(
    Scene *self, ImsSide side, const char *mailbox, const char *name, const char *flags);

/* Something that another client does in the middle of a pass. */
typedef struct {
    Scene *scene;
    const char *command;          /* the beginning of a command; NULL: any */
    guint nth;                    /* how many such commands are let by before it springs */
    void (*spring)(Scene *scene); /* before the command is executed; NULL: only count */
    guint seen;                   /* such commands so far */
} Trap;

/** scene_set_trap: @trap: borrowed until scene_disarm(). */
void scene_set_trap(Scene *self, ImsSide side, Trap *trap);

/** scene_run: one pass; counts of both servers begin anew. Returns: whether it ended without an
 * error, which else is in self->error. */
gboolean scene_run(Scene *self);
/** scene_pass: a pass that must end without an error. */
void scene_pass(Scene *self);
/** scene_start: a pass that must leave both sides equal. */
void scene_start(Scene *self);
/** scene_forget: drops the state file. */
void scene_forget(Scene *self);

/** scene_steps: Returns: what the last pass changed, refused or held. */
guint64 scene_steps(const Scene *self);
guint64 scene_count(const Scene *self, ImsCount count);
/** scene_selects: Returns: SELECTs of the last pass, on both servers. */
guint scene_selects(Scene *self);
guint scene_appended(Scene *self);
guint scene_expunged(Scene *self);
/** scene_issue: Returns: (transfer none) (nullable): of the last pass. */
const ImsIssue *scene_issue(
    const Scene *self, ImsIssueKind kind, const char *mailbox, ImsSide side);

void scene_assert_no_issues(const Scene *self);
void scene_assert_equal(Scene *self);
/** scene_assert_quiet: both sides are equal, and one more pass opens no mailbox and does nothing.
 */
void scene_assert_quiet(Scene *self);
