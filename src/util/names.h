/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

/* Names that the daemon and its client share. They are the outward contract: changing one breaks
 * users' scripts or orphans their passwords. */

#define IMS_BUS_NAME          "org.imapsync1"
#define IMS_ROOT_PATH         "/org/imapsync1"
#define IMS_ACCOUNT_PATH      "/org/imapsync1/account"
#define IMS_JOB_PATH          "/org/imapsync1/job"
#define IMS_MANAGER_INTERFACE "org.imapsync1.Manager"
#define IMS_ACCOUNT_INTERFACE "org.imapsync1.Account"
#define IMS_JOB_INTERFACE     "org.imapsync1.Job"
#define IMS_ERROR_PREFIX      "org.imapsync1.Error."

#define IMS_SECRET_SCHEMA "org.imapsync1.Password" /* attributes: account, side, host, username */

#define IMS_DIRECTORY "imapsync"  /* below the XDG directories */
#define IMS_DOMAIN    "imapsyncd" /* of gettext */
