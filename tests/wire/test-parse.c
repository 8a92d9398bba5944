/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* What real servers send, and what they should not. Each case is fed whole, octet by octet, and cut
 * in two at every place: the same must come out. */
#include <string.h>

#include "dump.h"

typedef struct {
    const char *name, *in, *want;
} Case;

static const Case state_cases[] = {
    {"a greeting",
     "* OK [CAPABILITY IMAP4rev1 sasl-ir] ready\r\n",
     "STATE OK [CAPABILITY words=IMAP4REV1,SASL-IR] 'ready'\n"},
    {"preauth", "* PREAUTH hi\r\n", "STATE PREAUTH 'hi'\n"},
    {"bye", "* BYE\r\n", "STATE BYE ''\n"},
    {"an untagged bad", "* BAD Invalid tag\r\n", "STATE BAD 'Invalid tag'\n"},
    {"an untagged no",
     "* NO Mailbox doesn't exist: D\r\n",
     "STATE NO 'Mailbox doesn't exist: D'\n"},
    {"a tagged ok",
     "a1 OK [READ-WRITE] Select completed.\r\n",
     "TAGGED a1 OK [READ-WRITE] 'Select completed.'\n"},
    {"a tagged no", "a1 NO [TRYCREATE] no\r\n", "TAGGED a1 NO [?TRYCREATE] 'no'\n"},
    {"a tagged bad in lower case", "A-9 bad what\r\n", "TAGGED A-9 BAD 'what'\n"},
    {"no text", "a1 OK\r\n", "TAGGED a1 OK ''\n"},
    {"no text behind a code", "a1 OK [CLOSED]\r\n", "TAGGED a1 OK [CLOSED] ''\n"},
    {"a bare LF", "a1 OK fine\n* 3 EXISTS\n", "TAGGED a1 OK 'fine'\nEXISTS 3\n"},
    {"text like a literal", "* OK costs {5}\r\n* 3 EXISTS\r\n", "STATE OK 'costs {5}'\nEXISTS 3\n"},
    {"text like an open list", "* OK ((( \"\r\n", "STATE OK '((( \"'\n"},
    {"text like an open code", "* NO [what\r\n", "STATE NO '[what'\n"},
    {"a continuation", "+ go on\r\n", "CONTINUE 'go on'\n"},
    {"a continuation without text", "+ \r\n+\r\n", "CONTINUE ''\nCONTINUE ''\n"},
};

static const Case code_cases[] = {
    {"uidvalidity",
     "* OK [UIDVALIDITY 4294967295] x\r\n",
     "STATE OK [UIDVALIDITY 4294967295] 'x'\n"},
    {"uidnext", "* OK [uidnext 7]\r\n", "STATE OK [UIDNEXT 7] ''\n"},
    {"highestmodseq",
     "* OK [HIGHESTMODSEQ 9223372036854775807] x\r\n",
     "STATE OK [HIGHESTMODSEQ 9223372036854775807] 'x'\n"},
    {"nomodseq", "* OK [NOMODSEQ] x\r\n", "STATE OK [NOMODSEQ] 'x'\n"},
    {"alert", "* OK [ALERT] [x]\r\n", "STATE OK [ALERT] '[x]'\n"},
    {"read-only", "a OK [READ-ONLY] x\r\n", "TAGGED a OK [READ-ONLY] 'x'\n"},
    {"permanentflags",
     "* OK [PERMANENTFLAGS (\\Answered \\seen \\Recent \\X Foo foo \\*)] x\r\n",
     "STATE OK [PERMANENTFLAGS (\\Seen \\Answered Foo) Foo any] 'x'\n"},
    {"permanentflags with a bracket",
     "* OK [PERMANENTFLAGS (\\Deleted a]b ]c d)] x]y\r\n",
     "STATE OK [PERMANENTFLAGS (\\Deleted d) ]c a]b d] 'x]y'\n"},
    {"no permanentflags", "* OK [PERMANENTFLAGS ()] x\r\n", "STATE OK [PERMANENTFLAGS ()] 'x'\n"},
    {"appenduid", "a OK [APPENDUID 5 7:9] x\r\n", "TAGGED a OK [APPENDUID 5 uids=7:9] 'x'\n"},
    {"appenduid out of order",
     "a OK [APPENDUID 5 9,7] x\r\n",
     "TAGGED a OK [?APPENDUID 5 uids=7,9] 'x'\n"},
    {"copyuid", "* OK [COPYUID 5 3,5 1:2] x\r\n", "STATE OK [COPYUID 5 uids=3,5 to=1:2] 'x'\n"},
    {"copyuid with a range reversed",
     "* OK [COPYUID 5 5:3 1:3] x\r\n",
     "STATE OK [COPYUID 5 uids=3:5 to=1:3] 'x'\n"},
    {"copyuid out of order",
     "* OK [COPYUID 5 5,3 1:2] x\r\n",
     "STATE OK [?COPYUID 5 uids=3,5 to=1:2] 'x'\n"},
    {"copyuid of unequal sets",
     "* OK [COPYUID 5 3:5 1:2] x\r\n",
     "STATE OK [?COPYUID 5 uids=3:5 to=1:2] 'x'\n"},
    {"modified", "a OK [MODIFIED 7,9:12] x\r\n", "TAGGED a OK [MODIFIED uids=7,9:12] 'x'\n"},
    {"mailboxid", "* OK [MAILBOXID (F2212ea87)] x\r\n", "STATE OK [MAILBOXID 'F2212ea87'] 'x'\n"},
    {"an unknown one", "* OK [ANNOTATIONS 65536] x\r\n", "STATE OK [?ANNOTATIONS] 'x'\n"},
    {"an unknown one with a quote",
     "* NO [referral imap://\"(] x\r\n",
     "STATE NO [?REFERRAL] 'x'\n"},
};

static const Case data_cases[] = {
    {"capability",
     "* CAPABILITY IMAP4rev1 LITERAL+ AUTH=PLAIN\r\n",
     "CAPABILITY words=IMAP4REV1,LITERAL+,AUTH=PLAIN\n"},
    {"enabled", "* ENABLED qresync\r\n", "ENABLED words=QRESYNC\n"},
    {"nothing enabled", "* ENABLED\r\n", "ENABLED words=\n"},
    {"exists", "* 5 EXISTS\r\n", "EXISTS 5\n"},
    {"flags",
     "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Forwarded)\r\n",
     "FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $Forwarded)\n"},
    {"flags that are none",
     "* FLAGS (\\Recent \\Foo \"x\" a\"b % \xc3\xa9 ok)\r\n",
     "FLAGS (ok)\n"},
    {"an empty list", "* FLAGS ()\r\n", "FLAGS ()\n"},
    {"vanished", "* VANISHED 405,407,410:425\r\n", "VANISHED uids=405,407,410:425\n"},
    {"vanished earlier",
     "* VANISHED (EARLIER) 1:4294967295\r\n",
     "VANISHED earlier uids=1:4294967295\n"},
    {"vanished in any order", "* VANISHED 9,5:3,4,1\r\n", "VANISHED uids=1,3:5,9\n"},
    {"vanished up to the star", "* VANISHED 7:*\r\n", "VANISHED uids=7:4294967295\n"},
    {"search", "* SEARCH 9 2 3\r\n", "SEARCH uids=2:3,9\n"},
    {"search with a modseq", "* SEARCH 2 (MODSEQ 917162500)\r\n", "SEARCH uids=2\n"},
    {"search without a hit", "* SEARCH\r\n", "SEARCH uids=\n"},
    {"esearch",
     "* ESEARCH (TAG \"a567\") UID COUNT 5 ALL 4:19,21,28 MODSEQ 7\r\n",
     "SEARCH uids=4:19,21,28 tag=a567\n"},
    {"esearch without a hit", "* ESEARCH (TAG \"a567\") UID\r\n", "SEARCH uids= tag=a567\n"},
    {"unknown responses",
     "* 3 RECENT\r\n* 4 EXPUNGE\r\n* X-NEWS ((\"\" \"/\")) NIL NIL\r\n* X-ID (\"name\" "
     "{3}\r\na)\n)\r\n",
     "OTHER\nOTHER\nOTHER\nOTHER\n"},
};

static const Case list_cases[] = {
    {"quoted",
     "* LIST (\\HasNoChildren \\Sent) \"/\" \"a \\\"b\\\\\"\r\n",
     "LIST 'a \"b\\' delimiter=/ role=sent\n"},
    {"an atom",
     "* LIST (\\subscribed \\UnMarked \\drafts) \".\" INBOX\r\n",
     "LIST 'INBOX' delimiter=. subscribed role=drafts\n"},
    {"a literal",
     "* LIST () \"/\" {7}\r\na)\"\r\n b\r\n* 1 EXISTS\r\n",
     "LIST 'a)\"\\x0d\\x0a b�' delimiter=/ wire=\nEXISTS 1\n"},
    {"a literal that is a name",
     "* LIST () \"\\\\\" {5+}\r\na(\"b \r\n",
     "LIST 'a(\"b ' delimiter=\\\n"},
    {"an empty literal", "* LIST () \"/\" {0}\r\n\r\n", "LIST '' delimiter=/\n"},
    {"no delimiter", "* LIST (\\Noselect) NIL NIL\r\n", "LIST 'NIL' noselect\n"},
    {"modified UTF-7",
     "* LIST () \"/\" \"Entw&APw-rfe &- mehr\"\r\n",
     "LIST 'Entwürfe & mehr' delimiter=/\n"},
    {"no modified UTF-7",
     "* LIST () \"/\" \"Entw\xc3\xbcrfe\"\r\n",
     "LIST 'Entw\\xc3\\xbcrfe�' delimiter=/ wire=\n"},
    {"modified UTF-7 of one's own",
     "* LIST () \"/\" \"&AOQ-&APY-\"\r\n",
     "LIST '&AOQ-&APY-�' delimiter=/ wire=&AOQ-&APY-\n"},
    {"gone but subscribed",
     "* LIST (\\NonExistent \\Subscribed) \"/\" x\r\n",
     "LIST 'x' delimiter=/ noselect nonexistent subscribed\n"},
    {"no inferiors",
     "* LIST (\\NoInferiors \\Junk) \"/\" x\r\n",
     "LIST 'x' delimiter=/ noinferiors role=junk\n"},
    {"namespaces",
     "* NAMESPACE ((\"INBOX.\" \".\")) ((\"user.\" \".\")) ((\"\" \".\"))\r\n",
     "NAMESPACE 0'INBOX.'. 1'user.'. 2''.\n"},
    {"namespaces that are not there, and one without levels",
     "* namespace ((\"\" NIL)(\"#mh/\" \"/\")) NIL nil\r\n",
     "NAMESPACE 0'' 0'#mh/'/\n"},
    {"who the server is",
     "* ID (\"name\" \"Dovecot\" \"version\" NIL)\r\n",
     "ID words=name,Dovecot,version,NIL\n"},
    {"who the server is, in other forms",
     "* ID NIL\r\n* ID ((\"name\") x)\r\n* ID (\"name\")\r\n* ID\r\n* ID ()\r\n",
     "OTHER\nOTHER\nOTHER\nOTHER\nID words=\n"},
    {"extensions of a namespace, and modified UTF-7",
     "* NAMESPACE NIL ((\"&AOQ-/\" \"/\" \"X-PARAM\" (\"A\" \"B\"))(\"&\" \"/\")) ()\r\n",
     "NAMESPACE 1'\xc3\xa4/'/\n"},
    {"extended data",
     "* LIST () \"/\" x (\"CHILDINFO\" (\"SUBSCRIBED\") OLDNAME (y))\r\n",
     "LIST 'x' delimiter=/\n"},
    {"status",
     "* STATUS \"x y\" (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 5 HIGHESTMODSEQ 6)\r\n",
     "STATUS 'x y' messages=3 uidnext=4 uidvalidity=5 modseq=6\n"},
    {"status in another order",
     "* STATUS {1}\r\nx (HIGHESTMODSEQ 0 UNSEEN 2 X-GUID (a b) MESSAGES 0)\r\n",
     "STATUS 'x' messages=0 modseq=0\n"},
    {"status of a mailbox called FETCH",
     "* STATUS FETCH (BODY[ 1 MESSAGES 2)\r\n",
     "STATUS 'FETCH' messages=2\n"},
    {"status without items", "* STATUS iNbOx ()\r\n", "STATUS 'iNbOx'\n"},
};

static const Case fetch_cases[] = {
    {"dovecot's order",
     "* 1 FETCH (UID 1 FLAGS (\\Seen $Forwarded Foo) MODSEQ (9))\r\n",
     "FETCH uid=1 flags=(\\Seen $Forwarded Foo) modseq=9\n"},
    {"cyrus's order",
     "* 2 FETCH (FLAGS (\\Recent) UID 7 MODSEQ (12))\r\n",
     "FETCH uid=7 flags=() modseq=12\n"},
    {"no uid", "* 2 FETCH (FLAGS (\\Seen))\r\n", "FETCH flags=(\\Seen)\n"},
    {"no flags", "* 2 FETCH (UID 2 MODSEQ (13))\r\n", "FETCH uid=2 modseq=13\n"},
    {"flags that come twice",
     "* 2 FETCH (UID 2 FLAGS (a) FLAGS (\\Seen))\r\n",
     "FETCH uid=2 flags=(\\Seen)\n"},
    {"a date of cyrus",
     "* 1 FETCH (INTERNALDATE \" 1-Feb-2020 10:00:00 +0200\" RFC822.SIZE 44)\r\n",
     "FETCH size=44 date=1580544000\n"},
    {"a date of dovecot",
     "* 1 FETCH (RFC822.SIZE 44 INTERNALDATE \"01-Feb-2020 10:00:00 +0200\")\r\n",
     "FETCH size=44 date=1580544000\n"},
    {"a date that is none",
     "* 1 FETCH (INTERNALDATE \"31-Feb-2020 10:00:00 +0200\" UID 3)\r\n",
     "FETCH uid=3\n"},
    {"no date", "* 1 FETCH (INTERNALDATE NIL UID 3)\r\n", "FETCH uid=3\n"},
    {"unknown items",
     "* 1 FETCH (X-GUID 5f ENVELOPE (NIL \"s\" ((\"a\" NIL {2}\r\n)( \"c\"))) BODY (\"TEXT\" NIL) "
     "UID 3)\r\n",
     "FETCH uid=3\n"},
    {"a keyword like a body",
     "* 1 FETCH (FLAGS (BODY[ b) UID 3)\r\n",
     "FETCH uid=3 flags=(b BODY[)\n"},
    {"a value like a body", "* 1 FETCH (X-A BODY[ UID 3)\r\n", "FETCH uid=3\n"},
    {"nothing at all", "* 1 FETCH ()\r\n", "FETCH\n"},
    {"no spaces at parentheses",
     "* 1 FETCH (FLAGS(\\Seen)UID 3)\r\n",
     "FETCH uid=3 flags=(\\Seen)\n"},
};

static const Case body_cases[] = {
    {"a literal",
     "* 1 FETCH (UID 3 BODY[] {5}\r\na)\r\nb)\r\n* 1 EXISTS\r\n",
     "BODY of FETCH uid=3 section=''\n5 octets <a)\r\nb>\nFETCH uid=3 section=''\nEXISTS 1\n"},
    {"a literal8",
     "* 1 FETCH (UID 3 BODY[] ~{2}\r\n)()\r\n",
     "BODY of FETCH uid=3 section=''\n2 octets <)(>\nFETCH uid=3 section=''\n"},
    {"items behind it",
     "* 1 FETCH (BODY[] {1}\r\nx FLAGS (\\Seen) UID 3)\r\n",
     "BODY of FETCH section=''\n1 octets <x>\nFETCH uid=3 flags=(\\Seen) section=''\n"},
    {"a part of it",
     "* 1 FETCH (body[]<0> {1}\r\nx UID 3)\r\n",
     "BODY of FETCH section=''\n1 octets <x>\nFETCH uid=3 section=''\n"},
    {"nothing in it",
     "* 1 FETCH (UID 3 BODY[] {0}\r\n)\r\n",
     "BODY of FETCH uid=3 section=''\n0 octets <>\nFETCH uid=3 section=''\n"},
    {"an expunged message",
     "* 1 FETCH (UID 3 BODY[TEXT] NIL)\r\n* OK [EXPUNGEISSUED] x\r\n",
     "FETCH uid=3 section='TEXT' nil\nSTATE OK [?EXPUNGEISSUED] 'x'\n"},
    {"header fields",
     "* 1 FETCH (BODY[HEADER.FIELDS (FROM \"to]\")] {2}\r\n\r\n UID 3)\r\n",
     "BODY of FETCH section='HEADER.FIELDS (FROM \"to]\")'\n2 octets <\r\n>\n"
     "FETCH uid=3 section='HEADER.FIELDS (FROM \"to]\")'\n"},
    {"a quoted one",
     "* 1 FETCH (UID 3 BODY[1] \"a\\\"b\" MODSEQ (4))\r\n",
     "BODY of FETCH uid=3 section='1'\nquoted <a\"b>\nFETCH uid=3 modseq=4 section='1'\n"},
    {"an empty quoted one",
     "* 1 FETCH (BODY[] \"\")\n",
     "BODY of FETCH section=''\nquoted <>\nFETCH section=''\n"},
    {"two",
     "* 1 FETCH (BODY[1] {1}\r\nx BODY[2] \"y\" BODY[3] \"z\" UID 3)\r\n",
     "BODY of FETCH section='1'\n1 octets <x>\nBODY of FETCH section='2'\nquoted <y>\n"
     "BODY of FETCH section='3'\nquoted <z>\nFETCH uid=3 section='3'\n"},
    {"a literal of another item is none",
     "* 1 FETCH (RFC822 {2}\r\n() BINARY[1] ~{1}\r\n\" UID 3)\r\n",
     "FETCH uid=3\n"},
    {"two messages",
     "* 1 FETCH (UID 3 BODY[] {1}\r\nx)\r\n* 2 FETCH (UID 4 BODY[] {1}\r\ny)\r\na OK done\r\n",
     "BODY of FETCH uid=3 section=''\n1 octets <x>\nFETCH uid=3 section=''\n"
     "BODY of FETCH uid=4 section=''\n1 octets <y>\nFETCH uid=4 section=''\nTAGGED a OK 'done'\n"},
};

static const Case error_cases[] = {
    {"an empty line", "\r\n", "neither OK, NO nor BAD behind a tag at byte 0"},
    {"another protocol", "+OK POP3 ready\r\n", "neither OK, NO nor BAD behind a tag at byte 4"},
    {"a tagged bye", "a1 BYE x\r\n", "neither OK, NO nor BAD behind a tag at byte 3"},
    {"a NUL", "* OK a\0b\r\n", "a NUL at byte 6"},
    {"no keyword", "* \r\n", "a keyword is missing"},
    {"uid 0", "* 1 FETCH (UID 0)\r\n", "UID is no number in range at byte 15"},
    {"uid 2^32", "* 1 FETCH (UID 4294967296)\r\n", "UID is no number in range at byte 15"},
    {"a uid far out of range", "* 1 FETCH (UID 99999999999999999999999)\r\n", "UID is no number"},
    {"a uid of letters", "* 1 FETCH (UID 1x)\r\n", "UID is no number in range"},
    {"a negative uid", "* 1 FETCH (UID -1)\r\n", "UID is no number in range"},
    {"modseq 2^63", "* 1 FETCH (MODSEQ (9223372036854775808))\r\n", "MODSEQ is no number in range"},
    {"a modseq without a list", "* 1 FETCH (MODSEQ 5)\r\n", "MODSEQ has no parenthesis"},
    {"two modseqs", "* 1 FETCH (MODSEQ (5 6))\r\n", "MODSEQ has more than one number"},
    {"a size out of range", "* 1 FETCH (RFC822.SIZE 9223372036854775808)\r\n", "RFC822.SIZE is no"},
    {"exists out of range", "* 4294967296 EXISTS\r\n", "a number is out of range at byte 2"},
    {"a sequence number 0", "* 0 FETCH (UID 1)\r\n", "FETCH has no number in range"},
    {"an item without a value", "* 1 FETCH (UID)\r\n", "UID is no number in range at byte 14"},
    {"an unknown item without a value", "* 1 FETCH (X-A)\r\n", "value of a FETCH item is missing"},
    {"a list for a name", "* 1 FETCH ((UID) 1)\r\n", "the name of a FETCH item is missing"},
    {"an open list", "* 1 FETCH (UID 1\r\n", "an unfinished list at byte 16"},
    {"a list too many", "* 1 FETCH (UID 1))\r\n", "a parenthesis too many at byte 17"},
    {"more than a list", "* 1 FETCH (UID 1) 2\r\n", "more than the response may hold at byte 18"},
    {"no list", "* 1 FETCH\r\n", "FETCH has no list"},
    {"an open string", "* LIST () \"/\" \"a\r\n", "an unfinished quoted string at byte 14"},
    {"two kinds of namespaces", "* NAMESPACE NIL NIL\r\n", "a list of namespaces is missing"},
    {"a namespace without delimiter",
     "* NAMESPACE ((\"\")) NIL NIL\r\n",
     "the delimiter is neither NIL nor one character"},
    {"a string that ends in an escape", "* LIST () \"/\" \"a\\\r\n", "an unfinished quoted string"},
    {"a delimiter of two", "* LIST () \"//\" a\r\n", "the delimiter is neither NIL"},
    {"no name", "* LIST () \"/\"\r\n", "the name of a mailbox is missing"},
    {"a control character",
     "* LIST () \"/\" a\x01\r\n",
     "a character that no word may hold at byte 15"},
    {"a bare CR", "* LIST () \"/\" a\rb\r\n", "a bare CR at byte 15"},
    {"a literal inside a word", "* LIST () \"/\" a{1}\r\n", "a character that no word may hold"},
    {"a literal without a size",
     "* LIST () \"/\" {}\r\n",
     "a malformed size of a literal at byte 14"},
    {"a literal out of range", "* LIST () \"/\" {9223372036854775808}\r\n", "a malformed size"},
    {"a literal in a line", "* LIST () \"/\" {1} a\r\n", "a literal that does not end its line"},
    {"a status without a value",
     "* STATUS a (MESSAGES)\r\n",
     "a STATUS item is no number in range"},
    {"a status out of range",
     "* STATUS a (UIDNEXT 4294967296)\r\n",
     "a STATUS item is no number in range"},
    {"vanished of nothing", "* VANISHED (EARLIER)\r\n", "VANISHED has no set of UIDs"},
    {"vanished with 0", "* VANISHED 0:3\r\n", "VANISHED has no set of UIDs at byte 11"},
    {"vanished with a comma too many", "* VANISHED 1,\r\n", "VANISHED has no set of UIDs"},
    {"vanished with an open range", "* VANISHED 1:\r\n", "VANISHED has no set of UIDs"},
    {"vanished later", "* VANISHED (LATER) 1\r\n", "VANISHED has something else than EARLIER"},
    {"a search hit out of range",
     "* SEARCH 1 4294967296\r\n",
     "SEARCH has something that is no UID"},
    {"esearch with two sets", "* ESEARCH ALL 1 ALL 2\r\n", "a second ALL in ESEARCH"},
    {"uidvalidity 0", "* OK [UIDVALIDITY 0] x\r\n", "number of a response code is missing or out"},
    {"uidnext of nothing", "* OK [UIDNEXT] x\r\n", "number of a response code is missing or out"},
    {"an open code", "* OK [UIDNEXT 5\r\n", "an unfinished response code"},
    {"an open list in a code", "* OK [PERMANENTFLAGS (a] x\r\n", "an unfinished list"},
    {"a literal in a code", "* OK [MAILBOXID ({1}\r\na)] x\r\n", "an unfinished response code"},
    {"highestmodseq 2^63", "* OK [HIGHESTMODSEQ 9223372036854775808] x\r\n", "HIGHESTMODSEQ is no"},
    {"a body that is a list", "* 1 FETCH (BODY[] (a))\r\n", "a body is a list at byte 18"},
    {"a body that is a word", "* 1 FETCH (BODY[] NILS)\r\n", "a body is neither a string nor NIL"},
    {"a body that is missing", "* 1 FETCH (BODY[])\r\n", "a body is missing at byte 17"},
    {"an open section", "* 1 FETCH (BODY[TEXT {3}\r\nabc)\r\n", "an unfinished section at byte 11"},
};

/* Feeds @c in every way. Returns: (transfer full): what came out each time. */
static char *
dump_case(const Case *c, gsize len)
{
    char *whole = dump_stream(c->in, len, &ims_limits_default, (gsize[]){0});
    g_autofree char *bytewise = dump_bytewise(c->in, len, &ims_limits_default);

    g_test_message("%s", c->name);
    g_assert_cmpstr(bytewise, ==, whole);
    for (gsize cut = 1; cut < len; cut++) {
        gsize cuts[] = {cut, 0};
        g_autofree char *halves = dump_stream(c->in, len, &ims_limits_default, cuts);

        g_assert_cmpstr(halves, ==, whole);
    }
    return whole;
}

typedef struct {
    const Case *cases;
    gsize n_cases;
} Table;

static void
test_table(gconstpointer data)
{
    const Table *table = data;

    for (gsize i = 0; i < table->n_cases; i++) {
        const Case *c = &table->cases[i];
        g_autofree char *got = dump_case(c, strlen(c->in));

        g_assert_cmpstr(got, ==, c->want);
    }
}

static void
test_errors(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(error_cases); i++) {
        const Case *c = &error_cases[i];
        gboolean has_nul = strcmp(c->name, "a NUL") == 0;
        g_autofree char *got = dump_case(c, has_nul ? strlen("* OK a") + 4 : strlen(c->in));

        g_assert_true(g_str_has_prefix(got, "ERROR the server broke the protocol: "));
        g_assert_nonnull(strstr(got, c->want));
    }
}

static const Table tables[] = {
    {state_cases, G_N_ELEMENTS(state_cases)},
    {code_cases, G_N_ELEMENTS(code_cases)},
    {data_cases, G_N_ELEMENTS(data_cases)},
    {list_cases, G_N_ELEMENTS(list_cases)},
    {fetch_cases, G_N_ELEMENTS(fetch_cases)},
    {body_cases, G_N_ELEMENTS(body_cases)},
};

static void
test_stream(void)
{
    g_autoptr(GString) in = g_string_new(NULL), want = g_string_new(NULL);
    g_autofree char *whole = NULL, *bytewise = NULL;

    for (gsize t = 0; t < G_N_ELEMENTS(tables); t++) {
        for (gsize i = 0; i < tables[t].n_cases; i++) {
            g_string_append(in, tables[t].cases[i].in);
            g_string_append(want, tables[t].cases[i].want);
        }
    }
    whole = dump_stream(in->str, in->len, &ims_limits_default, (gsize[]){0});
    bytewise = dump_bytewise(in->str, in->len, &ims_limits_default);
    g_assert_cmpstr(whole, ==, want->str);
    g_assert_cmpstr(bytewise, ==, want->str);
}

/* Puts, takes or changes one octet of @in, mostly to one that means something. */
static void
damage(GString *in)
{
    static const char octets[] = "()\"\\{}[]~*+ \r\n0159:,NILx\0\xc3";
    gssize at = g_test_rand_int_range(0, (gint)in->len);
    char octet = octets[g_test_rand_int_range(0, sizeof octets - 1)];

    switch (g_test_rand_int_range(0, 3)) {
    case 0:
        g_string_insert_c(in, at, octet);
        break;
    case 1:
        g_string_erase(in, at, 1);
        break;
    default:
        in->str[at] = octet;
        break;
    }
}

/* Whatever comes, it is read or refused, and the same however it was cut. */
static void
test_damaged(void)
{
    for (guint i = 0; i < 5000; i++) {
        const Table *table = &tables[i % G_N_ELEMENTS(tables)];
        gint32 which = g_test_rand_int_range(0, (gint32)table->n_cases);
        g_autoptr(GString) in = g_string_new(table->cases[which].in);
        g_autofree char *whole = NULL, *bytewise = NULL;

        for (gint n = g_test_rand_int_range(1, 4); n > 0 && in->len > 0; n--)
            damage(in);
        whole = dump_stream(in->str, in->len, &ims_limits_default, (gsize[]){0});
        bytewise = dump_bytewise(in->str, in->len, &ims_limits_default);
        g_assert_cmpstr(bytewise, ==, whole);
    }
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *path;
        const Table *table;
    } tests[] = {
        {"/wire/parse/conditions-keep-their-text", &tables[0]},
        {"/wire/parse/codes-are-read-structurally", &tables[1]},
        {"/wire/parse/data-responses", &tables[2]},
        {"/wire/parse/list-and-status-names-in-any-form", &tables[3]},
        {"/wire/parse/fetch-items-in-any-order", &tables[4]},
        {"/wire/parse/bodies-are-left-to-the-caller", &tables[5]},
    };

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add_data_func(tests[i].path, tests[i].table, test_table);
    g_test_add_func("/wire/parse/broken-responses-are-protocol-errors", test_errors);
    g_test_add_func("/wire/parse/a-response-leaves-nothing-to-the-next", test_stream);
    g_test_add_func("/wire/parse/damage-reads-the-same-however-it-is-cut", test_damaged);
    return g_test_run();
}
