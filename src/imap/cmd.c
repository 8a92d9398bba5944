/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Life and reply of a command. What it collects is collect.c's. References are counted because two
 * hold it: the session until the tagged reply, and the caller, who may let go of it before. */
#include "imap/cmd.h"

#include <string.h>

#include "util/log.h"

static ImsCode
copy_code(const ImsCode *code)
{
    ImsCode copy = *code;

    copy.name = g_strdup(code->name);
    copy.words = g_strdupv(code->words);
    copy.string = g_strdup(code->string);
    copy.flags = ims_flags_copy(&code->flags);
    copy.uids = code->uids != NULL ? ims_uidset_copy(code->uids) : NULL;
    copy.uids_to = code->uids_to != NULL ? ims_uidset_copy(code->uids_to) : NULL;
    return copy;
}

static void
clear_code(ImsCode *code)
{
    g_free(code->name);
    g_strfreev(code->words);
    g_free(code->string);
    ims_flags_clear(&code->flags);
    ims_uidset_free(code->uids);
    ims_uidset_free(code->uids_to);
    memset(code, 0, sizeof *code);
}

ImsCmd *
ims_cmd_new(const char *name, guint wants)
{
    ImsCmd *self = g_new0(ImsCmd, 1);

    self->refs = 1;
    self->name = name;
    self->wants = wants;
    self->reply = IMS_REPLY_OK;
    self->max_size = IMS_RESULTS_MAX;
    self->text = g_strdup("");
    ims_cmd_clear_results(self);
    return self;
}

ImsCmd *
ims_cmd_new_refused(const char *name, const char *text)
{
    ImsCmd *self = ims_cmd_new(name, 0);

    self->reply = IMS_REPLY_NO;
    g_free(self->text);
    self->text = g_strdup(text);
    return self;
}

ImsCmd *
ims_cmd_ref(ImsCmd *self)
{
    self->refs++;
    return self;
}

void
ims_cmd_unref(ImsCmd *self)
{
    if (self == NULL || --self->refs > 0)
        return;

    clear_code(&self->code);
    g_free(self->text);
    ims_delta_free(self->delta);
    g_array_unref(self->messages);
    ims_uidset_free(self->uids);
    ims_uidset_free(self->asked);
    g_ptr_array_unref(self->listings);
    g_ptr_array_unref(self->spaces);
    g_hash_table_unref(self->by_name);
    g_free(self);
}

gboolean
ims_cmd_answered(const ImsCmd *self)
{
    return self->n_pending == 0;
}

char *
ims_reply_text(const ImsResponse *response)
{
    const char *text = response->text != NULL ? response->text : "";
    g_autofree char *whole = NULL;

    if (response->code.type == IMS_CODE_NONE || response->code.name == NULL)
        return ims_text_escape(text, strlen(text));

    whole = g_strdup_printf("[%s] %s", response->code.name, text);
    return ims_text_escape(whole, strlen(whole));
}

void
ims_cmd_answer(ImsCmd *self, ImsReply reply, const ImsCode *code, char *text)
{
    g_autofree char *owned = text;

    g_return_if_fail(self->n_pending > 0);

    self->n_pending--;
    if (code->type == IMS_CODE_MODIFIED && code->uids != NULL)
        ims_uidset_add_set(self->uids, code->uids);
    if (self->reply == IMS_REPLY_NO)
        return;

    self->reply = reply;
    clear_code(&self->code);
    self->code = copy_code(code);
    g_free(self->text);
    self->text = g_steal_pointer(&owned);
}

ImsReply
ims_cmd_reply(const ImsCmd *self)
{
    return ims_cmd_answered(self) ? self->reply : IMS_REPLY_PENDING;
}

const ImsCode *
ims_cmd_code(const ImsCmd *self)
{
    return &self->code;
}

const char *
ims_cmd_text(const ImsCmd *self)
{
    return self->text;
}
