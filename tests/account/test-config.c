/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* What may stand in an account's file, how a fault in it is told, and the way from settings to a
 * file and back. */

#include "account/config.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account/identity.h"
#include "util/error.h"

#define REMOTE "[remote]\nhost=imap.example.net\nusername=me\n"

#define PIN "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

#define CLEAR(host) "[remote]\ntype=imap\nhost=" host "\nusername=me\nstarttls=no\n"

static ImsConfig *
parse(const char *text, GError **error)
{
    g_autoptr(GKeyFile) file = g_key_file_new();

    g_assert_true(
        g_key_file_load_from_data(file, text, strlen(text), G_KEY_FILE_KEEP_TRANSLATIONS, NULL));
    return ims_config_parse(file, "work", "/etc/work.conf", error);
}

static void
test_defaults(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsConfig) config = parse(REMOTE, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(config->name, ==, "work");
    g_assert_true(config->enabled);
    g_assert_cmpint(config->side[IMS_LOCAL].type, ==, IMS_TYPE_DOVECOT);
    g_assert_null(config->side[IMS_LOCAL].username);
    g_assert_cmpint(config->side[IMS_REMOTE].type, ==, IMS_TYPE_IMAPS);
    g_assert_cmpstr(config->side[IMS_REMOTE].host, ==, "imap.example.net");
    g_assert_cmpuint(config->side[IMS_REMOTE].port, ==, 993);
    g_assert_cmpstr(config->side[IMS_REMOTE].username, ==, "me");
    g_assert_null(config->side[IMS_REMOTE].tls.ca_file);
}

static void
test_every_key(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsConfig) config = parse(
        "[account]\nenabled=no\n"
        "[local]\ntype=tunnel\ncommand=ssh -T 'a b' \"c\"\nusername=u\n"
        "[remote]\ntype=imaps\nhost=2001:db8::1\nport=1993\nusername=a b@c\nca-file=/ca.pem\n",
        &error);

    g_assert_no_error(error);
    g_assert_false(config->enabled);
    g_assert_cmpint(config->side[IMS_LOCAL].type, ==, IMS_TYPE_TUNNEL);
    g_assert_cmpuint(g_strv_length(config->side[IMS_LOCAL].argv), ==, 4);
    g_assert_cmpstr(config->side[IMS_LOCAL].argv[2], ==, "a b");
    g_assert_cmpstr(config->side[IMS_LOCAL].username, ==, "u");
    g_assert_cmpstr(config->side[IMS_REMOTE].host, ==, "2001:db8::1");
    g_assert_cmpuint(config->side[IMS_REMOTE].port, ==, 1993);
    g_assert_cmpstr(config->side[IMS_REMOTE].username, ==, "a b@c");
    g_assert_cmpstr(config->side[IMS_REMOTE].tls.ca_file, ==, "/ca.pem");
}

static void
test_imap(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsConfig) config = parse(REMOTE "type=imap\nca-file=/ca.pem\n", &error);

    g_assert_no_error(error);
    g_assert_cmpint(config->side[IMS_REMOTE].type, ==, IMS_TYPE_IMAP);
    g_assert_cmpuint(config->side[IMS_REMOTE].port, ==, 143);
    g_assert_cmpstr(config->side[IMS_REMOTE].tls.ca_file, ==, "/ca.pem");
    g_assert_false(config->side[IMS_REMOTE].clear);
}

static void
test_tls_keys(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsConfig) config = parse(
        REMOTE "tls-min=1.3\ntls-host=mail.example.net\nclient-cert=/a.pem\nclient-key=/a.key\n"
               "tls-pin=" PIN "; sha256/" PIN "\n",
        &error);
    const ImsTlsPolicy *tls;

    g_assert_no_error(error);
    tls = &config->side[IMS_REMOTE].tls;
    g_assert_cmpint(tls->minimum, ==, IMS_TLS_1_3);
    g_assert_cmpstr(tls->identity, ==, "mail.example.net");
    g_assert_cmpstr(tls->certificate, ==, "/a.pem");
    g_assert_cmpstr(tls->key, ==, "/a.key");
    g_assert_cmpuint(g_strv_length(tls->pins), ==, 2);
    g_assert_cmpstr(tls->pins[0], ==, PIN);
    g_assert_cmpstr(tls->pins[1], ==, PIN);
    g_assert_cmpint(config->side[IMS_LOCAL].tls.minimum, ==, IMS_TLS_1_2);
}

/* Left out is not the same as none. */
static void
test_proxy(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsConfig) config = parse(
        REMOTE
        "proxy=socks5://me@proxy:9050\n[local]\ntype=imap\nhost=h\nusername=me\nproxy=none\n",
        &error);
    g_autoptr(ImsConfig) bare = parse(REMOTE, NULL);
    const ImsProxy *proxy;

    g_assert_no_error(error);
    proxy = &config->side[IMS_REMOTE].proxy;
    g_assert_cmpint(proxy->kind, ==, IMS_PROXY_SOCKS5);
    g_assert_cmpstr(proxy->host, ==, "proxy");
    g_assert_cmpuint(proxy->port, ==, 9050);
    g_assert_cmpstr(proxy->username, ==, "me");
    g_assert_cmpint(config->side[IMS_LOCAL].proxy.kind, ==, IMS_PROXY_NONE);
    g_assert_cmpint(bare->side[IMS_REMOTE].proxy.kind, ==, IMS_PROXY_DESKTOP);
}

#define OTHER_PIN "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

/* Returns: (transfer full): what is there after @pin was added to @text; NULL: it was refused. */
static char *
pinned(const char *text, ImsSide side, const char *pin, GError **error)
{
    g_autofree char *folder = g_dir_make_tmp("ims-config-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "work.conf", NULL);
    g_autofree char *link = g_build_filename(folder, "link.conf", NULL);
    char *after = NULL;

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    g_assert_cmpint(symlink("work.conf", link), ==, 0);
    if (ims_config_add_pin(link, "work", side, pin, error))
        g_assert_true(g_file_get_contents(path, &after, NULL, NULL));
    g_assert_true(g_file_test(link, G_FILE_TEST_IS_SYMLINK));
    g_unlink(link);
    g_unlink(path);
    g_rmdir(folder);
    return after;
}

static void
test_add_pin(void)
{
    static const struct {
        const char *before, *after;
    } cases[] = {
        {"# mine\n\n[remote]\nhost = h  \n\n username=u\n# the end",
         "# mine\n\n[remote]\ntls-pin = " PIN "\nhost = h  \n\n username=u\n# the end"},
        {"[account]\nenabled=yes\n [remote] \nhost=h\nusername=u\n[local]\n",
         "[account]\nenabled=yes\n [remote]\ntls-pin = " PIN "\nhost=h\nusername=u\n[local]\n"},
        {"[remote]\nhost=h\nusername=u\n tls-pin = " OTHER_PIN "  \n",
         "[remote]\nhost=h\nusername=u\n tls-pin = " OTHER_PIN ";" PIN "\n"},
        {"[remote]\ntls-pin=" OTHER_PIN ";\nhost=h\nusername=u",
         "[remote]\ntls-pin=" OTHER_PIN ";" PIN "\nhost=h\nusername=u"},
        {"[remote]\ntls-pin=sha256/" PIN "\nhost=h\nusername=u",
         "[remote]\ntls-pin=sha256/" PIN "\nhost=h\nusername=u"},
        {"[local]\ntype=imap\nhost=l\nusername=u\ntls-pin=" OTHER_PIN "\n"
         "[remote]\n# tls-pin=x\nhost=h\nusername=u",
         "[local]\ntype=imap\nhost=l\nusername=u\ntls-pin=" OTHER_PIN "\n"
         "[remote]\ntls-pin = " PIN "\n# tls-pin=x\nhost=h\nusername=u"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *after = pinned(cases[i].before, IMS_REMOTE, PIN, &error);

        g_assert_no_error(error);
        g_assert_cmpstr(after, ==, cases[i].after);
    }
}

static void
test_add_pin_refused(void)
{
    static const struct {
        const char *text;
        ImsSide side;
    } cases[] = {
        {"[remote]\nhots=h\n", IMS_REMOTE},
        {"[remote]\nhost=h\nusername=u\n", IMS_LOCAL},
        {"[remote]\ntype=tunnel\ncommand=far\n", IMS_REMOTE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(pinned(cases[i].text, cases[i].side, PIN, &error));
        g_assert_error(error, IMS_ERROR, IMS_ERROR_CONFIG);
    }
}

static void
test_auth(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsConfig) config = parse(REMOTE "auth=scram-sha-256; plain;plain\n", &error);
    const ImsAuthList *list;

    g_assert_no_error(error);
    list = &config->side[IMS_REMOTE].auth;
    g_assert_cmpuint(list->n, ==, 2);
    g_assert_cmpint(list->way[0], ==, IMS_AUTH_SCRAM_SHA_256);
    g_assert_cmpint(list->way[1], ==, IMS_AUTH_PLAIN);
    g_assert_true(ims_auth_list_needs_password(list));
    g_assert_cmpuint(config->side[IMS_LOCAL].auth.n, ==, 0);
}

static void
test_token_command(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsConfig) config = parse(REMOTE "token-command=get 'a token'\n", &error);
    g_autoptr(ImsConfig) chosen =
        parse(REMOTE "auth=xoauth2\ntoken-command=get\n", error == NULL ? &error : NULL);
    const ImsSideConfig *side;

    g_assert_no_error(error);
    side = &config->side[IMS_REMOTE];
    g_assert_cmpuint(side->auth.n, ==, 2);
    g_assert_cmpint(side->auth.way[0], ==, IMS_AUTH_OAUTHBEARER);
    g_assert_cmpint(side->auth.way[1], ==, IMS_AUTH_XOAUTH2);
    g_assert_cmpstr(side->password_argv[1], ==, "a token");
    g_assert_cmpstr(ims_side_config_command_key(side), ==, "token-command");
    g_assert_cmpuint(chosen->side[IMS_REMOTE].auth.n, ==, 1);
}

static void
test_compress(void)
{
    static const struct {
        const char *text;
        ImsCompress want;
    } cases[] = {
        {REMOTE, IMS_COMPRESS_AUTO},
        {REMOTE "compress=yes\n", IMS_COMPRESS_YES},
        {REMOTE "type=imap\ncompress=no\n", IMS_COMPRESS_NO},
        {"[remote]\ntype=tunnel\ncommand=x\ncompress=yes\n", IMS_COMPRESS_YES},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(ImsConfig) config = parse(cases[i].text, &error);

        g_assert_no_error(error);
        g_assert_cmpint(config->side[IMS_REMOTE].compress, ==, cases[i].want);
    }
}

/* Whoever logs in, and with whatever TLS. */
static void
test_server(void)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"[remote]\nhost=Mail.example.net\nusername=a\n", "imaps mail.example.net"},
        {"[remote]\ntype=imap\nhost=mail.example.net\nusername=b\n", "imaps mail.example.net"},
        {"[remote]\nhost=mail.example.net\nport=1993\nusername=a\n", "imaps mail.example.net 1993"},
        {"[remote]\ntype=tunnel\ncommand=ssh a\nusername=b\n", "tunnel ssh a"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(ImsConfig) config = parse(cases[i].text, NULL);
        g_autofree char *remote = ims_side_config_server(&config->side[IMS_REMOTE]);
        g_autofree char *local = ims_side_config_server(&config->side[IMS_LOCAL]);

        g_assert_cmpstr(remote, ==, cases[i].want);
        g_assert_null(local);
    }
}

static void
test_connections(void)
{
    g_autoptr(ImsConfig) config = parse(REMOTE "connections=10\n", NULL);
    g_autoptr(ImsConfig) other = parse(REMOTE, NULL);

    g_assert_cmpuint(config->side[IMS_REMOTE].connections, ==, 10);
    g_assert_cmpuint(other->side[IMS_REMOTE].connections, ==, 2);
}

/* GKeyFile would keep the last line of such a key. */
static void
test_twice(void)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {REMOTE "[account]\nignore=Spam\nignore=Lists\n", "[account] ignore: stands there twice"},
        {REMOTE "[account]\n ignore = Spam\n[local]\nprefix=x\n[account]\nignore=Lists",
         "[account] ignore"},
        {REMOTE "[account]\nignore=Spam\n#ignore=Lists\n[local]\nprefix=x\n", NULL},
        {REMOTE "[local]\ntype=tunnel\ncommand=x\nusername=me\n", NULL},
        {REMOTE "password: hunter2\n", "line 4 is no 'key = value'"}, /* and is not shown */
        {"hunter2=x\n" REMOTE, "below its '[group]'"},
    };
    g_autofree char *dir = g_dir_make_tmp("ims-config-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "work.conf", NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(ImsConfig) config = NULL;

        g_assert_true(g_file_set_contents(path, cases[i].text, -1, NULL));
        config = ims_config_load(path, "work", &error);
        if (cases[i].words == NULL) {
            g_assert_no_error(error);
            continue;
        }
        g_assert_error(error, IMS_ERROR, IMS_ERROR_CONFIG);
        g_assert_nonnull(strstr(error->message, cases[i].words));
        g_assert_null(strstr(error->message, "hunter2"));
    }
    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_cmpint(g_rmdir(dir), ==, 0);
}

static void
test_clear(void)
{
    static const char *const texts[] = {
        CLEAR("localhost"),
        CLEAR("LocalHost"),
        CLEAR("127.0.0.1"),
        CLEAR("127.8.9.10"),
        CLEAR("::1")};

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(ImsConfig) config = parse(texts[i], &error);

        g_assert_no_error(error);
        g_assert_true(config->side[IMS_REMOTE].clear);
    }
}

static void
test_tree_keys(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsConfig) config = parse(
        "[account]\nmailboxes=*; !Spam ;Lists/%\nignore=role:junk\n"
        "[local]\nprefix=Konten/Work/\n" REMOTE "prefix=Mail\n",
        &error);

    g_assert_no_error(error);
    g_assert_true(ims_patterns_match(config->mailboxes, "a", "", FALSE));
    g_assert_false(ims_patterns_match(config->mailboxes, "Spam", "", FALSE));
    g_assert_true(ims_patterns_match(config->ignore, "x", "junk", FALSE));
    g_assert_cmpstr(config->side[IMS_LOCAL].folder, ==, "Konten/Work");
    g_assert_cmpstr(config->side[IMS_REMOTE].folder, ==, "Mail");
}

typedef struct {
    const char *name, *text;
    const char *where; /* how the message begins, behind the file */
    const char *hint;  /* what it holds besides */
} RefusedCase;

static const RefusedCase refused_cases[] = {
    {"misspelt-key", "[remote]\nhots=x\n", "[remote] hots: ", "did you mean 'host'?"},
    {"key-in-capitals", "[remote]\nHost=x\n", "[remote] Host: ", "did you mean 'host'?"},
    {"far-key", "[remote]\nfrobnicate=x\n", "[remote] frobnicate: ", "known are: type, host"},
    {"key-of-another-group", "[account]\nhost=x\n", "[account] host: ", "known are: enabled"},
    {"key-with-a-locale", REMOTE "host[de]=x\n", "[remote] host[de]: ", "no such key"},
    {"key-not-built", REMOTE "max-size=2M\n", "[remote] max-size: ", "no such key"},
    {"misspelt-group", "[remotes]\nhost=x\n", "[remotes]: ", "did you mean 'remote'?"},
    {"far-group", "[servers]\nhost=x\n", "[servers]: ", "known are: account, local, remote"},
    {"password", REMOTE "password=x\n", "[remote] password: ", "'imapsyncctl password work'"},
    {"passwd-of-local",
     REMOTE "[local]\nPasswd=x\n",
     "[local] Passwd: ",
     "'imapsyncctl password work local'"},
    {"misspelt-type", "[remote]\ntype=imapss\n", "[remote] type: ", "did you mean 'imaps'?"},
    {"far-type",
     "[remote]\ntype=pop3\n",
     "[remote] type: ",
     "known are: imaps, imap, tunnel, dovecot"},
    {"dovecot-remote",
     "[remote]\ntype=dovecot\n",
     "[remote] type: ",
     "'imaps', 'imap' or 'tunnel'"},
    {"enabled-maybe", "[account]\nenabled=maybe\n", "[account] enabled: ", "known are: yes, no"},
    {"pattern-first-taken-away",
     "[account]\nmailboxes=!Spam\n" REMOTE,
     "[account] mailboxes: ",
     "'*;!Spam'"},
    {"pattern-of-no-name",
     "[account]\nignore=a;/b\n" REMOTE,
     "[account] ignore: ",
     "'/b' can match no mailbox"},
    {"pattern-of-no-role",
     "[account]\nignore=role:spam\n" REMOTE,
     "[account] ignore: ",
     "roles are all, archive"},
    {"prefix-of-no-name", REMOTE "prefix=/\n", "[remote] prefix: ", "'prefix = Work/'"},
    {"same-server-under-a-folder",
     REMOTE "[local]\ntype=imaps\nhost=imap.example.net\nusername=me\nprefix=Copy/\n",
     "[local]: ",
     "same server"},
    {"no-host", "", "[remote] host: ", "'host = imap.example.net'"},
    {"no-username", "[remote]\nhost=h\n", "[remote] username: ", "'username = me'"},
    {"no-command", "[remote]\ntype=tunnel\n", "[remote] command: ", "'command = ssh "},
    {"empty-value", "[remote]\nhost=\n", "[remote] host: ", "is empty"},
    {"host-with-port", "[remote]\nhost=h:993\n", "[remote] host: ", "keys of their own"},
    {"host-with-user", "[remote]\nhost=me@h\n", "[remote] host: ", "keys of their own"},
    {"host-as-url", "[remote]\nhost=imaps://h\n", "[remote] host: ", "keys of their own"},
    {"tls-min-unknown", REMOTE "tls-min=1.1\n", "[remote] tls-min: ", "'1.2'"},
    {"tls-pin-is-none", REMOTE "tls-pin=abc\n", "[remote] tls-pin: ", "'imapsyncctl test'"},
    {"tls-pin-one-is-none", REMOTE "tls-pin=" PIN ";abc\n", "[remote] tls-pin: ", "'abc'"},
    {"client-key-alone", REMOTE "client-key=/a\n", "[remote] client-cert: ", "client-cert = "},
    {"client-cert-pin",
     REMOTE "client-cert=pkcs11:token=x?pin-value=1234\n",
     "[remote] client-cert: ",
     "'pin-source='"},
    {"client-cert-relative", REMOTE "client-cert=a.pem\n", "[remote] client-cert: ", "whole path"},
    {"tls-pin-in-the-clear", CLEAR("::1") "tls-pin=" PIN "\n", "[remote] tls-pin: ", "starttls"},
    {"tls-min-of-a-tunnel",
     "[remote]\ntype=tunnel\ncommand=x\ntls-min=1.3\n",
     "[remote] tls-min: ",
     "means nothing"},
    {"auth-unknown", REMOTE "auth=plain;cram-md5\n", "[remote] auth: ", "'cram-md5'"},
    {"auth-of-two-kinds", REMOTE "auth=plain;xoauth2\n", "[remote] auth: ", "oauthbearer, xoauth2"},
    {"commands-for-both",
     REMOTE "password-command=a\ntoken-command=b\n",
     "[remote] password-command: ",
     "'token-command'"},
    {"password-for-a-token",
     REMOTE "auth=xoauth2\npassword-command=a\n",
     "[remote] password-command: ",
     "'token-command'"},
    {"token-for-a-password",
     REMOTE "auth=plain\ntoken-command=a\n",
     "[remote] token-command: ",
     "'auth = oauthbearer;xoauth2'"},
    {"auth-empty", REMOTE "auth=\n", "[remote] auth: ", "empty"},
    {"password-command-quotes",
     REMOTE "password-command=a 'b\n",
     "[remote] password-command: ",
     "split"},
    {"compress-maybe", REMOTE "compress=maybe\n", "[remote] compress: ", "known are: yes, no"},
    {"compress-without-a-line", REMOTE "[local]\ncompress=yes\n", "[local] compress: ", "means"},
    {"connections-0",
     REMOTE "connections=0\n",
     "[remote] connections: ",
     "1 to 10; left out it is 2"},
    {"connections-11", REMOTE "connections=11\n", "[remote] connections: ", "1 to 10"},
    {"connections-many", REMOTE "connections=many\n", "[remote] connections: ", "1 to 10"},
    {"connections-of-none", REMOTE "[local]\nconnections=1\n", "[local] connections: ", "means"},
    {"port-0", REMOTE "port=0\n", "[remote] port: ", "1 to 65535"},
    {"port-65536", REMOTE "port=65536\n", "[remote] port: ", "1 to 65535"},
    {"port-word", REMOTE "port=imaps\n", "[remote] port: ", "1 to 65535"},
    {"port-of-imap", REMOTE "type=imap\nport=0\n", "[remote] port: ", "left out it is 143"},
    {"starttls-of-imaps", REMOTE "starttls=yes\n", "[remote] starttls: ", "set type to imap"},
    {"starttls-maybe", REMOTE "type=imap\nstarttls=if\n", "[remote] starttls: ", "known are: yes"},
    {"starttls-elsewhere", CLEAR("imap.example.net"), "[remote] starttls: ", "on this computer"},
    {"starttls-elsewhere-by-ipv4", CLEAR("128.0.0.1"), "[remote] starttls: ", "on this computer"},
    {"starttls-elsewhere-by-ipv6", CLEAR("::2"), "[remote] starttls: ", "on this computer"},
    {"starttls-anywhere", CLEAR("0.0.0.0"), "[remote] starttls: ", "on this computer"},
    {"starttls-nearly-localhost",
     CLEAR("localhost.example.net"),
     "[remote] starttls: ",
     "on this computer"},
    {"starttls-nearly-loopback", CLEAR("127.1.example"), "[remote] starttls: ", "on this computer"},
    {"ca-file-in-the-clear",
     CLEAR("localhost") "ca-file=/ca.pem\n",
     "[remote] ca-file: ",
     "'starttls = no'"},
    {"proxy-in-the-clear",
     CLEAR("localhost") "proxy=none\n",
     "[remote] proxy: ",
     "'starttls = no'"},
    {"proxy-of-a-tunnel",
     "[remote]\ntype=tunnel\ncommand=true\nproxy=none\n",
     "[remote] proxy: ",
     "'type = tunnel'"},
    {"proxy-of-http", REMOTE "proxy=http://proxy:8080\n", "[remote] proxy: ", "'none'"},
    {"proxy-with-a-password",
     REMOTE "proxy=socks5://me:hunter2@proxy\n",
     "[remote] proxy: ",
     "'imapsyncctl password work --proxy'"},
    {"proxy-with-a-password-of-the-local-side",
     REMOTE "[local]\ntype=imaps\nhost=h\nusername=me\nproxy=socks5://me:hunter2@proxy\n",
     "[local] proxy: ",
     "'imapsyncctl password work local --proxy'"},
    {"short-ca-file", REMOTE "ca-file=ca.pem\n", "[remote] ca-file: ", "a whole path"},
    {"control-character", "[remote]\nhost=h\nusername=a\\nb\n", "[remote] username: ", "control"},
    {"bad-escape", "[remote]\nhost=h\nusername=a\\qb\n", "[remote] username: ", "twice"},
    {"open-quote",
     "[remote]\ntype=tunnel\ncommand=ssh 'x\n",
     "[remote] command: ",
     "cannot be split"},
    {"command-of-imaps", REMOTE "command=x\n", "[remote] command: ", "set type to tunnel"},
    {"host-of-dovecot", REMOTE "[local]\nhost=h\n", "[local] host: ", "set type to imaps"},
    {"port-of-tunnel",
     "[remote]\ntype=tunnel\ncommand=x\nport=1\n",
     "[remote] port: ",
     "set type to imaps"},
    {"same-server",
     REMOTE "[local]\ntype=imaps\nhost=IMAP.example.net\nusername=me\n",
     "[local]: ",
     "same server"},
    {"same-server-by-starttls",
     REMOTE "[local]\ntype=imap\nhost=imap.example.net\nusername=me\n",
     "[local]: ",
     "same server"},
    {"same-command",
     "[remote]\ntype=tunnel\ncommand=x\n[local]\ntype=tunnel\ncommand=x\n",
     "[local]: ",
     "same server"},
};

static void
test_refused(gconstpointer data)
{
    const RefusedCase *c = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsConfig) config = parse(c->text, &error);
    g_autofree char *where = g_strconcat("/etc/work.conf: ", c->where, NULL);

    g_assert_null(config);
    g_assert_error(error, IMS_ERROR, IMS_ERROR_CONFIG);
    g_test_message("%s", error->message);
    g_assert_true(g_str_has_prefix(error->message, where));
    g_assert_nonnull(strstr(error->message, c->hint));
    g_assert_null(strstr(error->message, "hunter2"));
}

static void
test_names(void)
{
    const char *good[] = {"a", "9", "me@example.net", "A.b_c-d"};
    const char *bad[] = {"", ".a", "-a", "@a", "a/b", "a b", "ä", "..", "a\n"};
    g_autofree char *longest = g_strnfill(64, 'x');
    g_autofree char *longer = g_strnfill(65, 'x');

    for (gsize i = 0; i < G_N_ELEMENTS(good); i++)
        g_assert_true(ims_config_name_is_valid(good[i]));
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(ims_config_name_is_valid(bad[i]));
    g_assert_true(ims_config_name_is_valid(longest));
    g_assert_false(ims_config_name_is_valid(longer));
}

typedef struct {
    const char *name, *text, *local, *remote;
} IdentityCase;

static const IdentityCase identity_cases[] = {
    {"host-in-any-case",
     "[remote]\nhost=IMAP.Example.NET\nusername=Me\n",
     "dovecot /store",
     "imaps imap.example.net Me"},
    {"prefix",
     REMOTE "prefix=A/\n[local]\nprefix=B\n",
     "dovecot /store\nprefix B/",
     "imaps imap.example.net me\nprefix A/"},
    {"usual-port", REMOTE "port=993\n", "dovecot /store", "imaps imap.example.net me"},
    {"other-port", REMOTE "port=1993\n", "dovecot /store", "imaps imap.example.net 1993 me"},
    {"starttls-at-its-usual-port",
     REMOTE "type=imap\nport=143\n",
     "dovecot /store",
     "imaps imap.example.net me"},
    {"starttls-at-another-port",
     REMOTE "type=imap\nport=993\n",
     "dovecot /store",
     "imaps imap.example.net 993 me"},
    {"in-the-clear", CLEAR("localhost"), "dovecot /store", "imaps localhost me"},
    {"other-authority", REMOTE "ca-file=/x\n", "dovecot /store", "imaps imap.example.net me"},
    {"tunnels",
     "[remote]\ntype=tunnel\ncommand=a b\n[local]\ntype=tunnel\ncommand=c\nusername=u\n",
     "tunnel c\nu",
     "tunnel a b"},
};

static void
test_identity(gconstpointer data)
{
    const IdentityCase *c = data;
    g_autoptr(ImsConfig) config = parse(c->text, NULL);
    g_autofree char *local = ims_side_config_identity(&config->side[IMS_LOCAL], "/store");
    g_autofree char *remote = ims_side_config_identity(&config->side[IMS_REMOTE], NULL);

    g_assert_cmpstr(local, ==, c->local);
    g_assert_cmpstr(remote, ==, c->remote);
}

static GHashTable *
settings_new(const char *const *pairs)
{
    GHashTable *settings = g_hash_table_new(g_str_hash, g_str_equal);

    for (; *pairs != NULL; pairs += 2)
        g_hash_table_insert(settings, (char *)pairs[0], (char *)pairs[1]);
    return settings;
}

static void
test_settings_survive_the_file(void)
{
    static const char *const pairs[] = {
        "remote.host",
        "imap.example.net",
        "remote.username",
        " a\\b ; #ü",
        "remote.port",
        "1993",
        "account.enabled",
        "false",
        "local.type",
        "tunnel",
        "local.command",
        "ssh -T 'a\\b'",
        NULL,
    };
    g_autofree char *dir = g_dir_make_tmp("ims-config-XXXXXX", NULL);
    g_autofree char *folder = g_build_filename(dir, "new", NULL);
    g_autofree char *path = g_build_filename(folder, "work.conf", NULL);
    g_autoptr(GHashTable) settings = settings_new(pairs);
    g_autoptr(GError) error = NULL;
    g_autoptr(GKeyFile) file = ims_config_from_settings(settings, "work", path, &error);
    g_autoptr(ImsConfig) config = NULL;
    GStatBuf info;

    g_assert_no_error(error);
    g_assert_true(ims_config_write(file, path, &error));
    g_assert_no_error(error);
    g_assert_cmpint(g_stat(path, &info), ==, 0);
    g_assert_cmpint(info.st_mode & 0777, ==, 0600);
    g_assert_cmpint(g_stat(folder, &info), ==, 0);
    g_assert_cmpint(info.st_mode & 0777, ==, 0700);

    config = ims_config_load(path, "work", &error);
    g_assert_no_error(error);
    g_assert_false(config->enabled);
    g_assert_cmpstr(config->side[IMS_REMOTE].username, ==, " a\\b ; #ü");
    g_assert_cmpuint(config->side[IMS_REMOTE].port, ==, 1993);
    g_assert_cmpstr(config->side[IMS_LOCAL].argv[2], ==, "a\\b");

    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_cmpint(g_rmdir(folder), ==, 0); /* nothing temporary was left in it */
    g_assert_cmpint(g_rmdir(dir), ==, 0);
}

static const RefusedCase setting_cases[] = {
    {"misspelt", "remote.hots", "[remote] hots: ", "did you mean 'host'?"},
    {"group", "remotes.host", "[remotes]: ", "did you mean 'remote'?"},
    {"password", "local.password", "[local] password: ", "'imapsyncctl password work local'"},
    {"no-group", "host", "'host' is no key", "'remote.host'"},
    {"no-key", "remote.", "[remote] : ", "known are"},
    {"not-for-a-file", "remote.a=b\n[x]", "[remote] a=b?[x]: ", "known are"},
    {"space", "remote. host", "[remote]  host: ", "did you mean 'host'?"},
};

static void
test_setting_refused(gconstpointer data)
{
    const RefusedCase *c = data;
    const char *pairs[] = {"remote.host", "h", "remote.username", "u", c->text, "x", NULL};
    g_autoptr(GHashTable) settings = settings_new(pairs);
    g_autoptr(GError) error = NULL;
    g_autoptr(GKeyFile) file = ims_config_from_settings(settings, "work", "/etc/work.conf", &error);
    g_autofree char *where = g_strconcat("/etc/work.conf: ", c->where, NULL);

    g_assert_null(file);
    g_assert_error(error, IMS_ERROR, IMS_ERROR_CONFIG);
    g_test_message("%s", error->message);
    g_assert_true(g_str_has_prefix(error->message, where));
    g_assert_nonnull(strstr(error->message, c->hint));
    g_assert_null(strstr(error->message, "hunter2"));
}

static void
test_no_key_file(void)
{
    g_autofree char *path = g_build_filename(g_get_tmp_dir(), "ims-not-there.conf", NULL);
    g_autoptr(GError) error = NULL;

    g_assert_null(ims_config_load(path, "work", &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_CONFIG);
    g_assert_true(g_str_has_prefix(error->message, path));
}

static void
test_no_regular_file(void)
{
    g_autofree char *dir = g_dir_make_tmp("ims-config-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "work.conf", NULL);
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(mkfifo(path, 0600), ==, 0);
    g_assert_null(ims_config_load(path, "work", &error)); /* would hang */
    g_assert_error(error, IMS_ERROR, IMS_ERROR_CONFIG);
    g_assert_true(g_str_has_prefix(error->message, path));
    g_assert_nonnull(strstr(error->message, "no regular file"));

    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_cmpint(g_rmdir(dir), ==, 0);
}

static void
add_table(const char *prefix, gconstpointer table, gsize n, gsize size, GTestDataFunc function)
{
    for (gsize i = 0; i < n; i++) {
        gconstpointer item = (const char *)table + i * size;
        g_autofree char *path = g_strconcat(prefix, *(const char *const *)item, NULL);

        g_test_add_data_func(path, item, function);
    }
}

#define ADD_TABLE(prefix, table, function)                                                         \
    add_table(prefix, table, G_N_ELEMENTS(table), sizeof table[0], function)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/account/config/a-remote-host-and-username-are-enough", test_defaults);
    g_test_add_func("/account/config/every-key-is-read", test_every_key);
    g_test_add_func("/account/config/imap-is-starttls", test_imap);
    g_test_add_func("/account/config/key-that-stands-twice-is-refused", test_twice);
    g_test_add_func("/account/config/tls-as-it-says", test_tls_keys);
    g_test_add_func("/account/config/proxy", test_proxy);
    g_test_add_func("/account/config/pin-is-added-and-nothing-else", test_add_pin);
    g_test_add_func("/account/config/pin-is-not-added-where-it-cannot-be", test_add_pin_refused);
    g_test_add_func("/account/config/auth-in-its-order", test_auth);
    g_test_add_func("/account/identity/server-is-what-takes-connections", test_server);
    g_test_add_func("/account/config/connections-as-it-says", test_connections);
    g_test_add_func("/account/config/token-command-says-how", test_token_command);
    g_test_add_func("/account/config/compress-as-it-says", test_compress);
    g_test_add_func("/account/config/in-the-clear-on-this-computer", test_clear);
    g_test_add_func("/account/config/mailboxes-ignore-prefix", test_tree_keys);
    g_test_add_func("/account/config/names", test_names);
    g_test_add_func("/account/config/settings-survive-the-file", test_settings_survive_the_file);
    g_test_add_func("/account/config/file-that-is-not-there", test_no_key_file);
    g_test_add_func("/account/config/file-that-is-a-fifo", test_no_regular_file);
    ADD_TABLE("/account/config/refused/", refused_cases, test_refused);
    ADD_TABLE("/account/config/setting-refused/", setting_cases, test_setting_refused);
    ADD_TABLE("/account/config/identity/", identity_cases, test_identity);
    return g_test_run();
}
