/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The guard's limits, at and just past each of them. */

#include "sync/guard.h"

typedef struct {
    const char *name;
    ImsGuardCount count;
    ImsGuardVerdict want;
} GuardCase;

static const GuardCase cases[] = {
    {"one of many", {1, 100, 1, 1000, FALSE}, IMS_GUARD_PASS},
    {"20 of 21 is few", {20, 21, 20, 1000, FALSE}, IMS_GUARD_PASS},
    {"21 of 80 is over a quarter", {21, 80, 21, 1000, FALSE}, IMS_GUARD_HOLD_MAILBOX},
    {"25 of 100 is a quarter, not more", {25, 100, 25, 1000, FALSE}, IMS_GUARD_PASS},
    {"26 of 100", {26, 100, 26, 1000, FALSE}, IMS_GUARD_HOLD_MAILBOX},
    {"all 4 of a small one", {4, 4, 4, 1000, FALSE}, IMS_GUARD_PASS},
    {"all 5", {5, 5, 5, 1000, FALSE}, IMS_GUARD_HOLD_MAILBOX},
    {"all of trash", {50, 50, 50, 5000, TRUE}, IMS_GUARD_PASS},
    {"51 of 1,000 in the account", {1, 900, 51, 1000, FALSE}, IMS_GUARD_HOLD_ACCOUNT},
    {"50 of 1,000 in the account", {1, 900, 50, 1000, FALSE}, IMS_GUARD_PASS},
    {"trash does not exempt from the account's", {60, 60, 60, 1000, TRUE}, IMS_GUARD_HOLD_ACCOUNT},
    {"nothing at all", {0, 0, 0, 0, FALSE}, IMS_GUARD_PASS},
};

static void
test_table(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s", cases[i].name);
        g_assert_cmpint(ims_guard_judge(&cases[i].count), ==, cases[i].want);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sync/guard/S17-holds-just-past-each-limit", test_table);
    return g_test_run();
}
