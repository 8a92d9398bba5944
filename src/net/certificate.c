/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Loads certificates with errors that name their key of the configuration, and tells why a server's
 * was rejected. The key's fingerprint is told with it: who knows that it is the right one can trust
 * just that key. */

#include "net/certificate.h"

#include <glib/gi18n.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <string.h>

#include "util/error.h"
#include "util/log.h"
#include "util/pin.h"

#define PKCS11  "pkcs11:"
#define PEM_MAX 32768

/* A file without a certificate would make a database that rejects every server and says not why. */
static GTlsDatabase *
load_authorities(const char *ca_file, GError **error)
{
    g_autofree char *path = g_canonicalize_filename(ca_file, NULL);
    g_autolist(GTlsCertificate) list = NULL;
    g_autoptr(GError) problem = NULL;
    GTlsDatabase *database = NULL;

    list = g_tls_certificate_list_new_from_file(path, &problem);
    if (list != NULL)
        database = g_tls_file_database_new(path, &problem);
    if (database == NULL)
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("the ca-file %s cannot be used: %s"),
            ca_file,
            problem != NULL ? problem->message : _("it holds no PEM certificate"));
    return database;
}

static GTlsCertificate *
read_certificate(const ImsTlsPolicy *policy, GError **error)
{
    if (g_str_has_prefix(policy->certificate, PKCS11))
        return g_tls_certificate_new_from_pkcs11_uris(policy->certificate, policy->key, error);
    if (policy->key != NULL)
        return g_tls_certificate_new_from_files(policy->certificate, policy->key, error);
    return g_tls_certificate_new_from_file(policy->certificate, error);
}

/* Returns: (transfer full): without the query of a PKCS#11 URI, which may hold secrets. */
static char *
name_to_show(const char *certificate)
{
    return g_strndup(
        certificate,
        g_str_has_prefix(certificate, PKCS11) ? strcspn(certificate, "?") : strlen(certificate));
}

/* GIO would look at the token only in the handshake, and make a refusal by the server of it. */
static gboolean
check_token(const char *uri, GError **error)
{
    g_autofree char *name = name_to_show(uri);
    gnutls_privkey_t key;
    int r = gnutls_privkey_init(&key);

    if (r == GNUTLS_E_SUCCESS) {
        r = gnutls_privkey_import_url(key, uri, 0);
        gnutls_privkey_deinit(key);
    }
    if (r == GNUTLS_E_SUCCESS)
        return TRUE;
    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_CONFIG,
        _("the private key of ours in %s cannot be used: %s: see that the token is there, and that "
          "'%s' in %s names a file with its PIN"),
        name,
        gnutls_strerror(r),
        "pin-source=",
        "client-key");
    return FALSE;
}

static gboolean
check_key(GTlsCertificate *certificate, const char *name, GError **error)
{
    g_autoptr(GByteArray) key = NULL;
    g_autofree char *uri = NULL;

    g_object_get(certificate, "private-key", &key, "private-key-pkcs11-uri", &uri, NULL);
    if (key != NULL)
        return TRUE;
    if (uri != NULL)
        return check_token(uri, error);
    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_CONFIG,
        _("%s holds no private key: name its file as %s"),
        name,
        "client-key");
    return FALSE;
}

static GTlsCertificate *
load_ours(const ImsTlsPolicy *policy, GError **error)
{
    g_autofree char *name = name_to_show(policy->certificate);
    g_autoptr(GError) problem = NULL;
    g_autoptr(GTlsCertificate) certificate = read_certificate(policy, &problem);

    if (certificate == NULL)
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("the certificate of ours in %s cannot be used: %s"),
            name,
            problem->message);
    else if (check_key(certificate, name, error))
        return g_steal_pointer(&certificate);
    return NULL;
}

gboolean
ims_certificate_load(
    const ImsTlsPolicy *policy,
    GTlsDatabase **out_authorities,
    GTlsCertificate **out_ours,
    GError **error)
{
    g_autoptr(GTlsDatabase) authorities = NULL;
    g_autoptr(GTlsCertificate) ours = NULL;

    if (policy->ca_file != NULL) {
        authorities = load_authorities(policy->ca_file, error);
        if (authorities == NULL)
            return FALSE;
    }
    if (policy->certificate != NULL) {
        ours = load_ours(policy, error);
        if (ours == NULL)
            return FALSE;
    }
    *out_authorities = g_steal_pointer(&authorities);
    *out_ours = g_steal_pointer(&ours);
    return TRUE;
}

char *
ims_certificate_pin(GTlsCertificate *certificate)
{
    g_autoptr(GByteArray) der = NULL;
    gnutls_x509_crt_t crt;
    gnutls_datum_t datum;
    guint8 digest[32];
    size_t size = sizeof digest;
    gboolean known = FALSE;

    g_object_get(certificate, "certificate", &der, NULL);
    if (der == NULL || gnutls_x509_crt_init(&crt) != GNUTLS_E_SUCCESS)
        return NULL;
    datum = (gnutls_datum_t){der->data, der->len};
    if (gnutls_x509_crt_import(crt, &datum, GNUTLS_X509_FMT_DER) == GNUTLS_E_SUCCESS)
        known = gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, digest, &size) ==
                GNUTLS_E_SUCCESS;
    gnutls_x509_crt_deinit(crt);
    return known && size == sizeof digest ? ims_pin_format(digest) : NULL;
}

gboolean
ims_certificate_is_pinned(const ImsTlsPolicy *policy, GTlsCertificate *certificate)
{
    g_autofree char *pin = certificate != NULL ? ims_certificate_pin(certificate) : NULL;

    return pin != NULL && policy->pins != NULL &&
           g_strv_contains((const char *const *)policy->pins, pin);
}

static const struct {
    GTlsCertificateFlags flag;
    const char *word; /* for programs */
    const char *text;
} reasons[] = {
    {G_TLS_CERTIFICATE_UNKNOWN_CA,
     "unknown-authority",
     N_("it is signed by an authority that is not trusted here (if that is your own, name its PEM "
        "file as ca-file)")},
    {G_TLS_CERTIFICATE_BAD_IDENTITY,
     "wrong-name",
     N_("it was issued for another name (check the host setting)")},
    {G_TLS_CERTIFICATE_NOT_ACTIVATED,
     "not-yet-valid",
     N_("it is not valid yet (check this computer's clock)")},
    {G_TLS_CERTIFICATE_EXPIRED,
     "expired",
     N_("it has expired (its server's administrator has to renew it)")},
    {G_TLS_CERTIFICATE_REVOKED, "revoked", N_("it has been revoked")},
    {G_TLS_CERTIFICATE_INSECURE, "insecure", N_("it uses an algorithm that is no longer secure")},
    {G_TLS_CERTIFICATE_GENERIC_ERROR, "unverifiable", N_("it could not be checked")},
};

/* Returns: (transfer full) */
static char *
join_reasons(GTlsCertificateFlags flags, const GError *problem)
{
    g_autoptr(GString) why = g_string_new(NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(reasons); i++) {
        if (flags & reasons[i].flag)
            g_string_append_printf(why, "%s%s", why->len > 0 ? "; " : "", _(reasons[i].text));
    }
    if (why->len == 0)
        g_string_append(
            why,
            problem != NULL ? problem->message
                            : _("its key is none of those that are pinned (tls-pin)"));
    return g_string_free(g_steal_pointer(&why), FALSE);
}

static void
add_reasons(GVariantDict *facts, GTlsCertificateFlags flags, const GError *problem)
{
    const char *words[G_N_ELEMENTS(reasons) + 1];
    gssize n = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(reasons); i++) {
        if (flags & reasons[i].flag)
            words[n++] = reasons[i].word;
    }
    if (n == 0)
        words[n++] = problem != NULL ? "unverifiable" : "not-pinned";
    g_variant_dict_insert_value(facts, "reasons", g_variant_new_strv(words, n));
}

/* Whoever has made the certificate has chosen @name. */
static void
add_name(GVariantDict *facts, const char *key, const char *name)
{
    g_autofree char *shown =
        ims_text_escape(name != NULL ? name : "", name != NULL ? strlen(name) : 0);

    g_variant_dict_insert(facts, key, "s", shown);
}

static void
add_date(GVariantDict *facts, const char *key, GDateTime *date)
{
    gint64 seconds = date != NULL ? g_date_time_to_unix(date) : 0;

    g_variant_dict_insert(facts, key, "t", (guint64)MAX(seconds, 0) * G_USEC_PER_SEC);
}

/* Returns: (transfer floating): what data/dbus/org.imapsync1.xml says of an issue `certificate`. */
static GVariant *
describe(
    GTlsCertificate *certificate,
    GTlsCertificateFlags flags,
    const GError *problem,
    const char *pin)
{
    g_autoptr(GVariantDict) facts = g_variant_dict_new(NULL);
    g_autoptr(GDateTime) not_before = g_tls_certificate_get_not_valid_before(certificate);
    g_autoptr(GDateTime) not_after = g_tls_certificate_get_not_valid_after(certificate);
    g_autofree char *subject = g_tls_certificate_get_subject_name(certificate);
    g_autofree char *issuer = g_tls_certificate_get_issuer_name(certificate);
    g_autofree char *pem = NULL;

    g_object_get(certificate, "certificate-pem", &pem, NULL);
    if (pem != NULL && strlen(pem) <= PEM_MAX) /* a part of it would be of no use */
        g_variant_dict_insert(facts, "pem", "s", pem);
    else
        g_variant_dict_insert(facts, "pem", "s", "");
    add_reasons(facts, flags, problem);
    add_name(facts, "subject", subject);
    add_name(facts, "issuer", issuer);
    add_date(facts, "not-before", not_before);
    add_date(facts, "not-after", not_after);
    g_variant_dict_insert(facts, "pin", "s", pin);
    return g_variant_dict_end(facts);
}

void
ims_certificate_set_rejected(
    const char *server,
    GTlsCertificate *certificate,
    GTlsCertificateFlags flags,
    const GError *problem,
    GError **error)
{
    g_autofree char *why = join_reasons(flags, problem);
    g_autofree char *pin = certificate != NULL ? ims_certificate_pin(certificate) : NULL;
    g_autoptr(GError) rejected = NULL;

    if (pin == NULL) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CERTIFICATE_REJECTED,
            _("the certificate of %s was rejected: %s"),
            server,
            why);
        return;
    }
    rejected = g_error_new(
        IMS_ERROR,
        IMS_ERROR_CERTIFICATE_REJECTED,
        _("the certificate of %s was rejected: %s; if you have made sure that its key is the "
          "server's, trust it by '%s%s'"),
        server,
        why,
        "tls-pin = ",
        pin);
    ims_error_set_facts(rejected, describe(certificate, flags, problem, pin));
    g_propagate_error(error, g_steal_pointer(&rejected));
}
