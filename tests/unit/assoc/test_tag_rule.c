/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The verification tag rules as a table of packets, tags and states (RFC 9260 8.5, 8.5.1), and the
 * answers to packets out of the blue (8.4).
 */
#include "assoc/tag_rule.h"

#include "support/unit_env.h"

#include <string.h>

#define LOCAL 0x1111u
#define PEER  0x2222u
#define OTHER 0x3333u

/* A packet's chunks as bytes: type, flags, length, padded. */
#define HEADER(type, flags, bytes) type, flags, 0, bytes
#define PLAIN(type)                HEADER(type, 0, 4)
#define REFLECTED(type)            HEADER(type, CHUNK_FLAG_T, 4)
#define DATA_FIELDS                0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0
#define DATA                       HEADER(CHUNK_DATA, 3, 17), DATA_FIELDS, 'x', 0, 0, 0
#define STALE_CAUSE                0, 3, 0, 8, 0, 0, 0, 1
#define STREAM_CAUSE               0, 1, 0, 8, 0, 3, 0, 0
#define STALE_ERROR                HEADER(CHUNK_ERROR, 0, 12), STALE_CAUSE
#define OTHER_ERROR                HEADER(CHUNK_ERROR, 0, 12), STREAM_CAUSE
#define TWO_CAUSES                 HEADER(CHUNK_ERROR, 0, 20), STREAM_CAUSE, STALE_CAUSE
#define IMPOSSIBLE                 9, 0, 0, 3
#define CUT                        9, 0, 0, 200
#define ARRAY(...)                 ((const uint8_t[]){__VA_ARGS__})
#define BYTES(...)                 ARRAY(__VA_ARGS__), sizeof ARRAY(__VA_ARGS__)

struct packet {
    const char *name;
    const uint8_t *bytes;
    size_t size;
    /* Verdicts with the tag 0, ours, the peer's, another: A accept, D discard, O out of the blue.
     */
    const char *usual, *setting_up, *shutdown_ack_sent;
    /* Out of the blue, with the tag 0 and another: D discard, I INIT, C COOKIE ECHO, S SHUTDOWN
     * COMPLETE, A ABORT. */
    const char *out_of_the_blue;
};

static const struct packet packets[] = {
    {"DATA", BYTES(DATA), "DADD", "DADD", "DADD", "DA"},
    {"SACK", BYTES(PLAIN(CHUNK_SACK)), "DADD", "DADD", "DADD", "DA"},
    {"HEARTBEAT", BYTES(PLAIN(CHUNK_HEARTBEAT)), "DADD", "DADD", "DADD", "DA"},
    {"INIT ACK", BYTES(PLAIN(CHUNK_INIT_ACK)), "DADD", "DADD", "DADD", "DA"},
    {"unknown", BYTES(PLAIN(0xc7)), "DADD", "DADD", "DADD", "DA"},
    /* A */
    {"INIT", BYTES(PLAIN(CHUNK_INIT)), "ADDD", "ADDD", "ADDD", "ID"},
    {"INIT, DATA", BYTES(PLAIN(CHUNK_INIT), DATA), "DDDD", "DDDD", "DDDD", "DD"},
    {"DATA, INIT", BYTES(DATA, PLAIN(CHUNK_INIT)), "DADD", "DADD", "DADD", "DD"},
    {"two INITs", BYTES(PLAIN(CHUNK_INIT), PLAIN(CHUNK_INIT)), "DDDD", "DDDD", "DDDD", "DD"},
    {"INIT, rubbish", BYTES(PLAIN(CHUNK_INIT), IMPOSSIBLE), "DDDD", "DDDD", "DDDD", "DD"},
    {"INIT, padding", BYTES(PLAIN(CHUNK_INIT), 0, 0, 0), "ADDD", "ADDD", "ADDD", "ID"},
    /* B */
    {"ABORT", BYTES(PLAIN(CHUNK_ABORT)), "DADD", "DADD", "DADD", "DD"},
    {"ABORT T", BYTES(REFLECTED(CHUNK_ABORT)), "DDAD", "DDAD", "DDAD", "DD"},
    {"DATA, ABORT", BYTES(DATA, PLAIN(CHUNK_ABORT)), "DADD", "DADD", "DADD", "DD"},
    {"DATA, ABORT T", BYTES(DATA, REFLECTED(CHUNK_ABORT)), "DDAD", "DDAD", "DDAD", "DD"},
    {"ABORT, ABORT T", BYTES(PLAIN(CHUNK_ABORT), REFLECTED(CHUNK_ABORT)), "DADD", "DADD", "DADD",
     "DD"},
    {"COOKIE ECHO, ABORT", BYTES(PLAIN(CHUNK_COOKIE_ECHO), PLAIN(CHUNK_ABORT)), "DADD", "DADD",
     "DADD", "DD"},
    {"SHUTDOWN ACK, ABORT", BYTES(PLAIN(CHUNK_SHUTDOWN_ACK), PLAIN(CHUNK_ABORT)), "DADD", "DADD",
     "DADD", "DD"},
    {"INIT, ABORT", BYTES(PLAIN(CHUNK_INIT), PLAIN(CHUNK_ABORT)), "DDDD", "DDDD", "DDDD", "DD"},
    {"ABORT, rubbish", BYTES(PLAIN(CHUNK_ABORT), IMPOSSIBLE), "DADD", "DADD", "DADD", "DD"},
    /* C */
    {"SHUTDOWN COMPLETE", BYTES(PLAIN(CHUNK_SHUTDOWN_COMPLETE)), "DDDD", "DDDD", "DADD", "DD"},
    {"SHUTDOWN COMPLETE T", BYTES(REFLECTED(CHUNK_SHUTDOWN_COMPLETE)), "DDDD", "DDDD", "DDAD",
     "DD"},
    /* D */
    {"COOKIE ECHO", BYTES(PLAIN(CHUNK_COOKIE_ECHO)), "DAAA", "DAAA", "DAAA", "DC"},
    {"COOKIE ECHO, DATA", BYTES(PLAIN(CHUNK_COOKIE_ECHO), DATA), "DAAA", "DAAA", "DAAA", "DC"},
    {"DATA, COOKIE ECHO", BYTES(DATA, PLAIN(CHUNK_COOKIE_ECHO)), "DADD", "DADD", "DADD", "DA"},
    /* E */
    {"SHUTDOWN ACK", BYTES(PLAIN(CHUNK_SHUTDOWN_ACK)), "DADD", "DOOO", "DADD", "DS"},
    {"DATA, SHUTDOWN ACK", BYTES(DATA, PLAIN(CHUNK_SHUTDOWN_ACK)), "DADD", "DOOO", "DADD", "DS"},
    {"SHUTDOWN ACK, SHUTDOWN COMPLETE",
     BYTES(PLAIN(CHUNK_SHUTDOWN_ACK), PLAIN(CHUNK_SHUTDOWN_COMPLETE)), "DDDD", "DDDD", "DADD",
     "DS"},
    /* 8.4 (7) */
    {"COOKIE ACK", BYTES(PLAIN(CHUNK_COOKIE_ACK)), "DADD", "DADD", "DADD", "DD"},
    {"COOKIE ACK, DATA", BYTES(PLAIN(CHUNK_COOKIE_ACK), DATA), "DADD", "DADD", "DADD", "DD"},
    {"COOKIE ACK, SHUTDOWN ACK", BYTES(PLAIN(CHUNK_COOKIE_ACK), PLAIN(CHUNK_SHUTDOWN_ACK)), "DADD",
     "DOOO", "DADD", "DS"},
    {"stale cookie", BYTES(STALE_ERROR), "DADD", "DADD", "DADD", "DD"},
    {"stale cookie second", BYTES(TWO_CAUSES), "DADD", "DADD", "DADD", "DD"},
    {"another error", BYTES(OTHER_ERROR), "DADD", "DADD", "DADD", "DA"},
    /* what cannot be walked to its end gets no answer: an ABORT may stand behind it */
    {"rubbish", BYTES(IMPOSSIBLE), "DADD", "DADD", "DADD", "DD"},
    {"DATA, rubbish", BYTES(DATA, IMPOSSIBLE), "DADD", "DADD", "DADD", "DD"},
    {"DATA, cut chunk", BYTES(DATA, CUT), "DADD", "DADD", "DADD", "DD"},
    {"COOKIE ECHO, cut chunk", BYTES(PLAIN(CHUNK_COOKIE_ECHO), CUT), "DAAA", "DAAA", "DAAA", "DD"},
    {"nothing", BYTES(0), "DADD", "DADD", "DADD", "DD"},
};
#define PACKETS (sizeof packets / sizeof packets[0])

START_TEST(follows_8_5_1) {
    static const uint32_t tags[] = {0, LOCAL, PEER, OTHER};
    static const char letters[] = {
        [TAG_ACCEPT] = 'A', [TAG_DISCARD] = 'D', [TAG_OUT_OF_THE_BLUE] = 'O'};
    const struct packet *packet = &packets[_i];
    struct chunk_summary summary = chunk_summarize(packet->bytes, packet->size);
    for (int state = USCTP_CLOSED; state <= USCTP_SHUTDOWN_ACK_SENT; state++) {
        const char *wanted = packet->usual;
        if (state == USCTP_COOKIE_WAIT || state == USCTP_COOKIE_ECHOED)
            wanted = packet->setting_up;
        if (state == USCTP_SHUTDOWN_ACK_SENT)
            wanted = packet->shutdown_ack_sent;
        char got[5] = {0};
        for (int i = 0; i < 4; i++) {
            got[i] =
                letters[tag_rule(&summary, tags[i], LOCAL, PEER, (enum usctp_assoc_state)state)];
        }
        ck_assert_msg(strcmp(got, wanted) == 0, "%s in state %d: %s, not %s", packet->name, state,
                      got, wanted);
    }
}
END_TEST

START_TEST(follows_8_4) {
    static const char letters[] = {[OOTB_DISCARD] = 'D',
                                   [OOTB_INIT] = 'I',
                                   [OOTB_COOKIE_ECHO] = 'C',
                                   [OOTB_SHUTDOWN_COMPLETE] = 'S',
                                   [OOTB_ABORT] = 'A'};
    const struct packet *packet = &packets[_i];
    struct chunk_summary summary = chunk_summarize(packet->bytes, packet->size);
    const char got[] = {letters[tag_rule_out_of_the_blue(&summary, 0)],
                        letters[tag_rule_out_of_the_blue(&summary, OTHER)], 0};
    ck_assert_msg(strcmp(got, packet->out_of_the_blue) == 0, "%s: %s, not %s", packet->name, got,
                  packet->out_of_the_blue);
}
END_TEST

/* Before INIT ACK the peer's tag is not known, and a reflected 0 is no tag. */
START_TEST(an_unknown_peer_tag_matches_nothing) {
    const uint8_t bytes[] = {REFLECTED(CHUNK_ABORT)};
    struct chunk_summary summary = chunk_summarize(bytes, sizeof bytes);
    ck_assert_int_eq(tag_rule(&summary, 0, LOCAL, 0, USCTP_COOKIE_WAIT), TAG_DISCARD);
    ck_assert_int_eq(tag_rule(&summary, LOCAL, LOCAL, 0, USCTP_COOKIE_WAIT), TAG_DISCARD);
    /* Tags may be the same on both sides. */
    ck_assert_int_eq(tag_rule(&summary, LOCAL, LOCAL, LOCAL, USCTP_ESTABLISHED), TAG_ACCEPT);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("tag_rule");
    TCase *tests = tcase_create("tag_rule");
    tcase_add_loop_test(tests, follows_8_5_1, 0, PACKETS);
    tcase_add_loop_test(tests, follows_8_4, 0, PACKETS);
    tcase_add_test(tests, an_unknown_peer_tag_matches_nothing);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
