/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* A test tells what each side is, whatever becomes of the other, and leaves everything as it was:
 * not one command that opens or writes reaches a server, nor anything the state file. */

#include <string.h>

#include "scene.h"

/* In the connections' threads, one at a time. */
static void
assert_harmless(FakeServer *server, const char *command, gpointer data)
{
    static const char *const harmless[] = {
        "CAPABILITY", "ID", "ENABLE", "NAMESPACE", "LIST", "LOGOUT", NULL};
    g_autofree char *verb = g_strndup(command, strcspn(command, " \r\n"));

    if (!g_strv_contains(harmless, verb))
        g_error("a test sent: %s", command);
}

static gboolean
look(Scene *scene, GCancellable *cancel)
{
    g_autoptr(ImsPump) pump = ims_pump_new(cancel);

    g_clear_pointer(&scene->report, ims_report_unref);
    g_clear_error(&scene->error);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        scene->faults[side].on_command = assert_harmless;
        fake_server_reset_count(scene->server[side]);
    }
    scene_arm(scene);
    scene->report = ims_pass_test(pump, &scene->order, &scene->error);
    scene_disarm(scene);
    g_assert_cmpuint(scene->report->mailboxes->len, ==, 0);
    return scene->error == NULL;
}

static const ImsFacts *
facts_of(const Scene *scene, ImsSide side)
{
    g_assert_nonnull(scene->report->facts[side]);
    return scene->report->facts[side];
}

static void
assert_told(const Scene *scene, ImsSide side)
{
    const ImsFacts *facts = facts_of(scene, side);

    g_assert_no_error(facts->error);
    g_assert_nonnull(strstr(facts->program, "fake-connect"));
    g_assert_cmpstr(facts->mechanism, ==, "PREAUTH");
    g_assert_true(g_strv_contains((const char *const *)facts->used, "QRESYNC"));
    g_assert_cmpuint(g_strv_length(facts->required), ==, 0);
    g_assert_true(facts->listed);
}

static void
test_both(void)
{
    g_autoptr(Scene) scene = scene_new("SPECIAL-USE", "MULTIAPPEND");
    g_autoptr(GCancellable) cancel = g_cancellable_new();
    const ImsFacts *remote;

    fake_set_namespaces(scene->server[IMS_REMOTE], "INBOX.", "Public.");
    fake_create(scene->server[IMS_REMOTE], "INBOX.Empty");
    fake_create(scene->server[IMS_REMOTE], "INBOX.Below.It");
    scene_add(scene, IMS_REMOTE, "INBOX", "one", NULL);
    scene_add(scene, IMS_REMOTE, "INBOX", "two", NULL);
    scene_add(scene, IMS_REMOTE, "INBOX.Below.It", "three", NULL);
    g_assert_true(look(scene, cancel));

    assert_told(scene, IMS_LOCAL);
    g_assert_cmpstr(facts_of(scene, IMS_LOCAL)->delimiter, ==, "/");
    g_assert_cmpstr(facts_of(scene, IMS_LOCAL)->prefix, ==, "");
    g_assert_cmpuint(facts_of(scene, IMS_LOCAL)->n_mailboxes, ==, 1);
    g_assert_cmpuint(facts_of(scene, IMS_LOCAL)->n_filled, ==, 0);
    g_assert_true(
        g_strv_contains((const char *const *)facts_of(scene, IMS_LOCAL)->lacking, "SPECIAL-USE"));

    assert_told(scene, IMS_REMOTE);
    remote = facts_of(scene, IMS_REMOTE);
    g_assert_cmpstr(remote->delimiter, ==, ".");
    g_assert_cmpstr(remote->prefix, ==, "INBOX.");
    g_assert_cmpuint(remote->n_mailboxes, ==, 3); /* Below is but a level */
    g_assert_cmpuint(remote->n_filled, ==, 2);
    g_assert_cmpuint(remote->n_messages, ==, 3);
    g_assert_true(g_strv_contains((const char *const *)remote->lacking, "MULTIAPPEND"));
}

static void
test_changes_nothing(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    g_autoptr(GCancellable) cancel = g_cancellable_new();
    g_autofree char *local = NULL, *remote = NULL, *local_after = NULL, *remote_after = NULL;
    g_autofree char *state = NULL, *state_after = NULL;
    gsize len, len_after;

    scene_add(scene, IMS_REMOTE, "INBOX", "one", NULL);
    g_assert_true(look(scene, cancel));
    g_assert_false(g_file_test(scene->state_path, G_FILE_TEST_EXISTS));
    scene_start(scene);

    fake_create(scene->server[IMS_REMOTE], "News"); /* there would be something to do */
    scene_add(scene, IMS_REMOTE, "News", "two", NULL);
    scene_expunge(scene, IMS_LOCAL, "INBOX", "one");
    g_assert_true(g_file_get_contents(scene->state_path, &state, &len, NULL));
    local = fake_dump(scene->server[IMS_LOCAL]);
    remote = fake_dump(scene->server[IMS_REMOTE]);
    g_assert_true(look(scene, cancel));

    g_assert_true(g_file_get_contents(scene->state_path, &state_after, &len_after, NULL));
    local_after = fake_dump(scene->server[IMS_LOCAL]);
    remote_after = fake_dump(scene->server[IMS_REMOTE]);
    g_assert_cmpmem(state_after, len_after, state, len);
    g_assert_cmpstr(local_after, ==, local);
    g_assert_cmpstr(remote_after, ==, remote);
    g_assert_cmpuint(scene_selects(scene), ==, 0);
}

static void
break_side(Scene *scene, ImsSide side)
{
    g_strfreev(scene->endpoint[side]->argv);
    scene->endpoint[side]->argv = g_strsplit("/nonexistent/server", " ", -1);
}

/* The first side's failure must not hide the second's. */
static void
test_one_fails(void)
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        g_autoptr(Scene) scene = scene_new(NULL, NULL);
        g_autoptr(GCancellable) cancel = g_cancellable_new();
        g_autofree char *prefix = g_strconcat(ims_side_name(side), ": ", NULL);

        break_side(scene, side);
        g_assert_false(look(scene, cancel));
        g_assert_error(scene->error, IMS_ERROR, IMS_ERROR_CONFIG);
        g_assert_true(g_str_has_prefix(scene->error->message, prefix));
        g_assert_error(facts_of(scene, side)->error, IMS_ERROR, IMS_ERROR_CONFIG);
        g_assert_false(g_str_has_prefix(facts_of(scene, side)->error->message, prefix));
        g_assert_cmpstr(facts_of(scene, side)->program, ==, "/nonexistent/server");
        g_assert_false(facts_of(scene, side)->listed);
        assert_told(scene, ims_side_other(side));
    }
}

static void
test_both_fail(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, "UIDPLUS");
    g_autoptr(GCancellable) cancel = g_cancellable_new();
    const ImsFacts *remote;

    break_side(scene, IMS_LOCAL);
    g_assert_false(look(scene, cancel));
    g_assert_true(g_str_has_prefix(scene->error->message, "local: "));
    remote = facts_of(scene, IMS_REMOTE);
    g_assert_error(remote->error, IMS_ERROR, IMS_ERROR_SERVER_UNSUPPORTED);
    g_assert_cmpstr(remote->mechanism, ==, "PREAUTH");
    g_assert_true(g_strv_contains((const char *const *)remote->used, "QRESYNC"));
    g_assert_cmpuint(g_strv_length(remote->required), ==, 1);
    g_assert_cmpstr(remote->required[0], ==, "UIDPLUS");
    g_assert_false(remote->listed);
}

static const char *
refuse_listing(const char *verb, const char *mailbox, gpointer data)
{
    return g_str_equal(verb, data) ? "[SERVERBUG] not\x1b today" : NULL;
}

static void
test_listing_refused(void)
{
    static const char *const verbs[] = {"NAMESPACE", "LIST"};

    for (gsize i = 0; i < G_N_ELEMENTS(verbs); i++) {
        g_autoptr(Scene) scene = scene_new(NULL, NULL);
        g_autoptr(GCancellable) cancel = g_cancellable_new();
        const ImsFacts *local;

        scene->faults[IMS_LOCAL].refuse = refuse_listing;
        scene->faults[IMS_LOCAL].data = (gpointer)verbs[i];
        g_assert_false(look(scene, cancel));
        local = facts_of(scene, IMS_LOCAL);
        g_assert_error(local->error, IMS_ERROR, IMS_ERROR_SERVER_REJECTED);
        g_assert_nonnull(strstr(local->error->message, "not? today"));
        g_assert_true(g_strv_contains((const char *const *)local->used, "QRESYNC"));
        g_assert_false(local->listed);
        assert_told(scene, IMS_REMOTE);
    }
}

static void
test_cancelled(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    g_autoptr(GCancellable) cancel = g_cancellable_new();

    g_cancellable_cancel(cancel);
    g_assert_false(look(scene, cancel));
    g_assert_error(scene->error, IMS_ERROR, IMS_ERROR_CANCELLED);
    g_assert_null(scene->report->facts[IMS_REMOTE]); /* nobody asked it */
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    g_test_add_func("/engine/look/tells-of-both-sides", test_both);
    g_test_add_func("/engine/look/changes-nothing", test_changes_nothing);
    g_test_add_func("/engine/look/goes-on-when-one-side-fails", test_one_fails);
    g_test_add_func("/engine/look/tells-how-both-fail", test_both_fail);
    g_test_add_func("/engine/look/tells-what-came-before-a-refused-listing", test_listing_refused);
    g_test_add_func("/engine/look/ends-when-it-is-cancelled", test_cancelled);
    return g_test_run();
}
