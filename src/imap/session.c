/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The commands in flight and the responses that come for them. Servers work in the order of the
 * commands, but Dovecot holds tagged replies back while it goes on: the data of a second FETCH
 * comes before the reply to the first. So a FETCH line goes to every unanswered command that asks
 * for such lines, up to the next SELECT; a search result to the command it names. What bodies do is
 * stream.c's,
 * what the server may say unasked flood.c's. */
#include "imap/session.h"

#include <glib/gi18n.h>
#include <string.h>

#include "imap/refusal.h"
#include "imap/sasl.h"
#include "util/error.h"
#include "util/log.h"

#define OUTPUT_MAX        (512 * 1024)
#define LITERAL_MINUS_MAX 4096 /* RFC 7888 section 5 */

/* One command of the protocol; an ImsCmd may be behind several. */
typedef struct {
    char tag[16];
    ImsCmd *cmd;
    gboolean searched; /* its SEARCH result came */
} Sent;

static void
sent_free(gpointer data)
{
    Sent *sent = data;

    ims_cmd_unref(sent->cmd);
    g_free(sent);
}

void
ims_session_init(ImsSession *self)
{
    *self = (ImsSession){0};
    self->parser = ims_parser_new(&ims_limits_default);
    ims_buf_init(&self->output, OUTPUT_MAX);
    ims_buf_init(&self->body.arriving, IMS_BODY_MAX);
    ims_buf_init(&self->body.lent, IMS_BODY_MAX);
    g_queue_init(&self->sent);
    self->secrets = g_ptr_array_new_with_free_func((GDestroyNotify)ims_sasl_wipe);
}

void
ims_session_clear(ImsSession *self)
{
    ims_session_trace_clear(self);
    g_clear_pointer(&self->parser, ims_parser_free);
    g_clear_pointer(&self->header, ims_fingerprint_free);
    ims_buf_clear(&self->output);
    ims_buf_clear(&self->body.arriving);
    ims_buf_clear(&self->body.lent);
    ims_message_clear(&self->body.message);
    g_clear_pointer(&self->body.spool, ims_spool_free);
    g_queue_clear_full(&self->sent, sent_free);
    ims_caps_clear(&self->offered);
    ims_caps_clear(&self->early);
    ims_caps_clear(&self->caps);
    g_clear_pointer(&self->secrets, g_ptr_array_unref);
    g_clear_pointer(&self->append.cmd, ims_cmd_unref);
    g_clear_pointer(&self->challenge, g_free);
    g_clear_pointer(&self->server, g_free);
    g_clear_pointer(&self->bye, g_free);
    g_clear_pointer(&self->alert, g_free);
    g_clear_error(&self->error);
}

void
ims_session_fail(ImsSession *self, GError *error)
{
    if (self->error == NULL)
        self->error = error;
    else
        g_error_free(error);
}

void
ims_session_secured(ImsSession *self)
{
    guint last_tag = self->last_tag;
    const char *side = self->side;

    g_return_if_fail(g_queue_is_empty(&self->sent));

    ims_session_clear(self);
    ims_session_init(self);
    self->last_tag = last_tag;
    self->side = side;
    self->greeted = TRUE;
}

void
ims_session_unpacked(ImsSession *self)
{
    self->channel = IMS_CHANNEL_SAFE;
}

void
ims_session_closed(const ImsSession *self, GError **error)
{
    if (self->bye != NULL)
        g_set_error(
            error,
            IMS_ERROR,
            (gint)self->bye_error,
            _("the server closed the connection: %s"),
            self->bye);
    else
        g_set_error(error, IMS_ERROR, IMS_ERROR_OFFLINE, _("the server closed the connection"));
}

gboolean
ims_session_is_idle(const ImsSession *self)
{
    return self->error == NULL && self->greeted && self->bye == NULL &&
           g_queue_is_empty((GQueue *)&self->sent) && ims_buf_len(&self->output) == 0 &&
           self->append.cmd == NULL;
}

/* -- commands -- */

static void
put(ImsSession *self, gconstpointer data, gsize len)
{
    if (self->error != NULL || ims_buf_append(&self->output, data, len))
        return;

    ims_session_fail(
        self, g_error_new(IMS_ERROR, IMS_ERROR_PROTOCOL, _("a command is too long to be sent")));
}

void
ims_session_put(ImsSession *self, gconstpointer data, gsize len)
{
    put(self, data, len);
    if (ims_log_is_on(IMS_LOG_IMAP))
        ims_session_trace_hidden(self, len);
}

void
ims_session_put_text(ImsSession *self, const char *text)
{
    put(self, text, strlen(text));
    if (ims_log_is_on(IMS_LOG_IMAP))
        ims_session_trace_text(self, text);
}

void
ims_session_begin(ImsSession *self, ImsCmd *cmd, const char *text)
{
    Sent *sent = g_new0(Sent, 1);

    g_snprintf(sent->tag, sizeof sent->tag, "a%u", ++self->last_tag);
    sent->cmd = ims_cmd_ref(cmd);
    cmd->n_pending++;
    g_queue_push_tail(&self->sent, sent);

    ims_session_put_text(self, sent->tag);
    ims_session_put_text(self, " ");
    ims_session_put_text(self, text);
}

void
ims_session_send(ImsSession *self, ImsCmd *cmd, const char *text)
{
    ims_session_begin(self, cmd, text);
    ims_session_put_text(self, "\r\n");
}

gboolean
ims_session_has(const ImsSession *self, const char *word)
{
    return ims_caps_has(self->stage == IMS_STAGE_ANYBODY ? &self->offered : &self->caps, word);
}

void
ims_session_put_literal(ImsSession *self, guint64 size)
{
    gboolean at_once = ims_session_has(self, "LITERAL+") ||
                       (ims_session_has(self, "LITERAL-") && size <= LITERAL_MINUS_MAX);
    g_autofree char *text =
        g_strdup_printf("{%" G_GUINT64_FORMAT "%s}\r\n", size, at_once ? "+" : "");

    ims_session_put_text(self, text);
    self->awaits_go_on = !at_once;
}

static ImsCmd *
cmd_of(const GList *link)
{
    return ((const Sent *)link->data)->cmd;
}

ImsCmd *
ims_session_oldest(const ImsSession *self, guint wants)
{
    for (const GList *link = self->sent.head; link != NULL; link = link->next) {
        if (cmd_of(link)->wants & wants)
            return cmd_of(link);
    }
    return NULL;
}

ImsCmd *
ims_session_reader(const ImsSession *self, guint wants)
{
    for (const GList *link = self->sent.head; link != NULL; link = link->next) {
        if (cmd_of(link)->wants & wants)
            return cmd_of(link);
        if (cmd_of(link)->wants & IMS_WANT_DELTA)
            break;
    }
    return NULL;
}

static GList *
find_tag(const ImsSession *self, const char *tag)
{
    for (GList *link = self->sent.head; link != NULL; link = link->next) {
        Sent *sent = link->data;

        if (g_strcmp0(sent->tag, tag) == 0)
            return link;
    }
    return NULL;
}

/* -- replies -- */

/* Behind a SELECT that was answered NO, the commands meant for its mailbox are answered BAD: that
 * fails this mailbox, not the connection. */
static gboolean
is_for_unselected(const ImsSession *self, const ImsCmd *cmd)
{
    return (cmd->wants & IMS_NEEDS_MAILBOX) && !self->selected;
}

static gboolean
check_reply(const ImsSession *self, const Sent *sent, const ImsResponse *response, GError **error)
{
    const ImsCmd *cmd = sent->cmd;
    g_autofree char *text = NULL;

    if (response->condition == IMS_BAD && !is_for_unselected(self, cmd)) {
        text = ims_session_words(self, response);
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_PROTOCOL,
            _("the server calls %s bad: %s"),
            cmd->name,
            text);
        return FALSE;
    }
    if (response->condition != IMS_OK)
        return TRUE;
    if (self->append.cmd == cmd) {
        g_set_error(
            error, IMS_ERROR, IMS_ERROR_PROTOCOL, _("the server accepts a message before its end"));
        return FALSE;
    }
    if ((cmd->wants & IMS_WANT_SEARCH) && !sent->searched) {
        g_set_error(
            error, IMS_ERROR, IMS_ERROR_PROTOCOL, _("the server ends SEARCH without a result"));
        return FALSE;
    }
    return TRUE;
}

static gboolean
end_select(ImsSession *self, ImsCmd *cmd, gboolean ok, const ImsResponse *response, GError **error)
{
    self->selected = ok;
    if (ok)
        return ims_cmd_collect(cmd, response, error);

    ims_cmd_clear_results(cmd);
    return TRUE;
}

static gboolean
take_tagged(ImsSession *self, const ImsResponse *response, GError **error)
{
    GList *link = find_tag(self, response->tag);
    gboolean ok = response->condition == IMS_OK;
    Sent *sent;

    if (link == NULL) {
        g_set_error(
            error, IMS_ERROR, IMS_ERROR_PROTOCOL, _("the server answers a command never sent"));
        return FALSE;
    }
    sent = link->data;
    if (!check_reply(self, sent, response, error))
        return FALSE;

    ims_cmd_answer(
        sent->cmd,
        ok ? IMS_REPLY_OK : IMS_REPLY_NO,
        &response->code,
        ims_session_words(self, response));
    if ((sent->cmd->wants & IMS_LOGS_IN) && ok)
        self->logged_in = TRUE;
    if ((sent->cmd->wants & IMS_ENDS_CLEAR) && ok)
        self->channel = IMS_CHANNEL_SEALED;
    if ((sent->cmd->wants & IMS_ENDS_PLAIN) && ok)
        self->channel = IMS_CHANNEL_PACKED;
    if ((sent->cmd->wants & IMS_WANT_DELTA) && !end_select(self, sent->cmd, ok, response, error))
        return FALSE;
    g_queue_delete_link(&self->sent, link);
    sent_free(sent);
    self->n_replies++;
    ims_session_asked(self);
    return TRUE;
}

static void
greet(ImsSession *self, const ImsResponse *response)
{
    gboolean is_greeting = response->condition == IMS_OK || response->condition == IMS_PREAUTH ||
                           response->condition == IMS_BYE;

    if (self->greeted || !is_greeting)
        return;
    self->greeted = TRUE;
    self->greeting = response->condition;
    if (response->condition == IMS_PREAUTH)
        self->stage = IMS_STAGE_US;
    self->logged_in = response->condition == IMS_PREAUTH && self->channel == IMS_CHANNEL_SAFE;
}

/* What the OK itself tells is already of us; what was remembered has served. */
static void
let_in(ImsSession *self, const ImsResponse *response)
{
    const GList *link = find_tag(self, response->tag);

    if (self->stage != IMS_STAGE_AHEAD || response->condition != IMS_OK || link == NULL ||
        !(cmd_of(link)->wants & IMS_LOGS_IN))
        return;
    ims_caps_clear(&self->caps);
    self->caps = self->early;
    self->early = (ImsCaps){0};
    self->stage = IMS_STAGE_US;
}

/* What comes from now on is of the next mailbox, even if replies of this one are still held back.
 */
static void
leave_mailbox(ImsSession *self)
{
    self->selected = FALSE;
    for (const GList *link = self->sent.head; link != NULL; link = link->next) {
        ImsCmd *cmd = cmd_of(link);

        if (cmd->wants & IMS_WANT_DELTA)
            break;
        cmd->wants &= ~(guint)(IMS_WANT_MESSAGES | IMS_WANT_HEADERS | IMS_WANT_BODIES);
    }
}

/* Some servers refuse a login so. As a greeting, and once the login is accepted, a BYE says nothing
 * about it, and in the clear nothing at all. */
static void
take_bye(ImsSession *self, const ImsResponse *response)
{
    self->bye = ims_session_words(self, response);
    self->bye_error = IMS_ERROR_OFFLINE;
    if (self->channel == IMS_CHANNEL_SAFE && self->greeting != IMS_BYE && !self->logged_in)
        self->bye_error = ims_refusal_error(&response->code, response->text, IMS_ERROR_OFFLINE);
}

static gboolean
take_state(ImsSession *self, const ImsResponse *response, GError **error)
{
    ImsCmd *select = ims_session_oldest(self, IMS_WANT_DELTA);

    if (response->condition == IMS_BYE && self->bye == NULL)
        take_bye(self, response);
    if (response->code.type == IMS_CODE_CLOSED)
        leave_mailbox(self);
    if (select == NULL || response->condition != IMS_OK)
        return TRUE;

    return ims_session_collect(self, select, response, error);
}

/* -- untagged data -- */

static void
note_code(ImsSession *self, const ImsResponse *response)
{
    if (response->code.type == IMS_CODE_CAPABILITY)
        ims_caps_set(
            self->stage == IMS_STAGE_US ? &self->caps : &self->offered, response->code.words);
}

/* A greeting tells them in a code; where nobody has asked, what comes so belongs to the login. */
static void
take_capabilities(ImsSession *self, char **words)
{
    ImsCaps *caps[] = {
        [IMS_STAGE_ANYBODY] = &self->offered,
        [IMS_STAGE_AHEAD] = &self->early,
        [IMS_STAGE_US] = &self->caps,
    };

    ims_caps_set(caps[self->stage], words);
}

static void
take_enabled(ImsSession *self, char **words)
{
    for (gsize i = 0; words != NULL && words[i] != NULL; i++) {
        if (g_ascii_strcasecmp(words[i], "QRESYNC") == 0)
            self->qresync = TRUE;
    }
}

static void
take_id(ImsSession *self, char **words)
{
    static const char *const fields[] = {"name", "version"};
    g_autoptr(GString) text = g_string_new(NULL);

    for (gsize f = 0; f < G_N_ELEMENTS(fields); f++) {
        for (gsize i = 0; words[i] != NULL; i += 2) {
            if (g_ascii_strcasecmp(words[i], fields[f]) == 0 && !g_str_equal(words[i + 1], "NIL"))
                g_string_append_printf(text, "%s%s", text->len > 0 ? " " : "", words[i + 1]);
        }
    }
    g_free(self->server);
    self->server = text->len > 0 ? ims_text_escape(text->str, text->len) : NULL;
}

static gboolean
take_data(ImsSession *self, guint wants, const ImsResponse *response, GError **error)
{
    ImsCmd *cmd = ims_session_oldest(self, wants);

    return cmd == NULL || ims_session_collect(self, cmd, response, error);
}

/* An ESEARCH names its command. Of a SEARCH there is only one at a time. */
static Sent *
find_search(const ImsSession *self, const char *correlator)
{
    GList *link = correlator != NULL ? find_tag(self, correlator) : self->sent.head;

    while (link != NULL && correlator == NULL && !(cmd_of(link)->wants & IMS_WANT_SEARCH))
        link = link->next;
    return link != NULL && (cmd_of(link)->wants & IMS_WANT_SEARCH) ? link->data : NULL;
}

static gboolean
take_search(ImsSession *self, const ImsResponse *response, GError **error)
{
    Sent *search = find_search(self, response->correlator);

    if (search == NULL)
        return TRUE;

    search->searched = TRUE;
    return ims_session_collect(self, search->cmd, response, error);
}

static gboolean
take_fetch(ImsSession *self, const ImsResponse *response, GError **error)
{
    guint wants = response->section != NULL ? IMS_WANT_HEADERS : IMS_WANT_MESSAGES | IMS_WANT_DELTA;
    g_autoptr(ImsFingerprint) header = g_steal_pointer(&self->header);
    g_auto(ImsMessage) message = ims_message_copy(&response->fetch);

    if (header != NULL) {
        message.fingerprint = ims_fingerprint_end(header);
        message.have |= IMS_HAVE_FINGERPRINT;
    }
    for (const GList *link = self->sent.head; link != NULL; link = link->next) {
        ImsCmd *cmd = cmd_of(link);

        if ((cmd->wants & wants) && !ims_session_collect_message(self, cmd, &message, error))
            return FALSE;
        if (cmd->wants & IMS_WANT_DELTA)
            break;
    }
    return TRUE;
}

static gboolean
leads_to_tls(ImsResponseType type)
{
    return type == IMS_RESPONSE_TAGGED || type == IMS_RESPONSE_STATE ||
           type == IMS_RESPONSE_CAPABILITY;
}

static gboolean
take_response(ImsSession *self, const ImsResponse *response, GError **error)
{
    if (self->channel != IMS_CHANNEL_SAFE && !leads_to_tls(response->type))
        return TRUE;

    switch (response->type) {
    case IMS_RESPONSE_TAGGED:
        let_in(self, response);
        note_code(self, response);
        if (!take_tagged(self, response, error))
            return FALSE;
        ims_session_take_alert(self, response);
        return TRUE;
    case IMS_RESPONSE_STATE:
        greet(self, response);
        note_code(self, response);
        if (!take_state(self, response, error))
            return FALSE;
        ims_session_take_alert(self, response);
        return TRUE;
    case IMS_RESPONSE_CONTINUE:
        if (self->awaits_go_on)
            ims_session_asked(self);
        self->awaits_go_on = FALSE;
        g_free(self->challenge);
        self->challenge = g_strdup(response->text);
        return TRUE;
    case IMS_RESPONSE_CAPABILITY:
        take_capabilities(self, response->words);
        return TRUE;
    case IMS_RESPONSE_ENABLED:
        take_enabled(self, response->words);
        return TRUE;
    case IMS_RESPONSE_ID:
        take_id(self, response->words);
        return TRUE;
    case IMS_RESPONSE_LIST:
    case IMS_RESPONSE_STATUS:
        return take_data(self, IMS_WANT_LISTINGS, response, error);
    case IMS_RESPONSE_NAMESPACE:
        return take_data(self, IMS_WANT_SPACES, response, error);
    case IMS_RESPONSE_EXISTS:
        self->n_exists = (guint32)response->number;
        return take_data(self, IMS_WANT_DELTA, response, error);
    case IMS_RESPONSE_FLAGS:
    case IMS_RESPONSE_VANISHED:
        return take_data(self, IMS_WANT_DELTA, response, error);
    case IMS_RESPONSE_FETCH:
        ims_session_body_line_ends(self, &response->fetch);
        return take_fetch(self, response, error);
    case IMS_RESPONSE_SEARCH:
        return take_search(self, response, error);
    default:
        return TRUE;
    }
}

/* -- the pump's side -- */

static gboolean
parse(ImsSession *self, const guint8 *data, gsize len, gsize *out_used, GError **error)
{
    ImsParseStep step;

    if (!ims_parser_push(self->parser, data, len, out_used, &step, error))
        return FALSE;
    if (step == IMS_PARSE_BODY)
        return ims_session_body_begins(self, error);
    if (step == IMS_PARSE_RESPONSE && ims_log_is_on(IMS_LOG_IMAP))
        ims_session_trace_response(self);
    if (step == IMS_PARSE_RESPONSE)
        return take_response(self, ims_parser_response(self->parser), error);
    return TRUE;
}

/* What stands behind the OK to STARTTLS would be taken for the server's under TLS. */
static gboolean
check_seal(const ImsSession *self, GError **error)
{
    if (self->channel != IMS_CHANNEL_SEALED)
        return TRUE;

    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_PROTOCOL,
        _("octets came in the clear where TLS begins: somebody may be meddling with the "
          "connection"));
    return FALSE;
}

static gboolean
client_feed(gpointer client, const guint8 *data, gsize len, gsize *out_used, GError **error)
{
    ImsSession *self = client;
    GError *local = NULL;
    gsize used = 0;

    while (self->error == NULL && used < len && self->channel != IMS_CHANNEL_PACKED &&
           !ims_session_body_stalls(self)) {
        gsize n = 0;

        if (ims_parser_body_left(self->parser) > 0)
            n = ims_session_body_feed(self, data + used, len - used);
        else if (!check_seal(self, &local) || !parse(self, data + used, len - used, &n, &local))
            ims_session_fail(self, g_steal_pointer(&local));
        used += n;
        if (!ims_session_count(self, n, &local))
            ims_session_fail(self, g_steal_pointer(&local));
    }
    if (self->error != NULL) {
        g_propagate_error(error, g_error_copy(self->error));
        return FALSE;
    }

    *out_used = used;
    return TRUE;
}

static gsize
client_output(gpointer client, const guint8 **out_data)
{
    ImsSession *self = client;
    gsize len = self->error == NULL ? ims_buf_len(&self->output) : 0;

    if (len > 0)
        *out_data = ims_buf_head(&self->output);
    return len;
}

static void
client_sent(gpointer client, gsize len)
{
    ImsSession *self = client;

    ims_buf_consume(&self->output, len);
}

static gboolean
client_eof(gpointer client, GError **error)
{
    ImsSession *self = client;
    GError *local = NULL;

    ims_session_closed(self, &local);
    ims_session_fail(self, local);
    g_propagate_error(error, g_error_copy(self->error));
    return FALSE;
}

const ImsPumpClient ims_session_client = {
    .feed = client_feed,
    .output = client_output,
    .sent = client_sent,
    .eof = client_eof,
};
