/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What usctp-sim looks for, found: packets that RFC 9260 forbids, each beside one like it that is
 * allowed, and data beyond the peer's window.  The world around the checks is made up here.
 */
#include "sim/world.h"

#include <check.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static struct world world;
static struct scenario scenario;
static struct conversation conversation;
static bool has_path = true;

/* ---- what the checks ask of the world ---- */

void world_violate(struct world *w, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(w->violation, sizeof w->violation, format, arguments);
    va_end(arguments);
}

void *world_memory(size_t count, size_t bytes) {
    void *memory = calloc(count, bytes);
    if (memory == NULL)
        abort();
    return memory;
}

struct conversation *conversation_of(struct world *w, unsigned host, int32_t assoc) {
    (void)w;
    (void)host;
    return assoc == 3 ? &conversation : NULL;
}

int network_path(const struct world *w, unsigned from, const struct usctp_addr *source,
                 const struct usctp_addr *destination) {
    (void)w;
    (void)from;
    (void)source;
    (void)destination;
    return has_path ? 0 : -1;
}

static void setup(void) {
    window_free(&conversation.window[0]);
    window_free(&conversation.window[1]);
    memset(&world, 0, sizeof world);
    memset(&scenario, 0, sizeof scenario);
    memset(&conversation, 0, sizeof conversation);
    world.scenario = &scenario;
    scenario.paths[0].interface_mtu[0] = 1500;
    scenario.config[1].receive_buffer_bytes = 3000;
    conversation.state[0] = conversation.state[1] = USCTP_ESTABLISHED;
    has_path = true;
}

/* ---- packets ---- */

#define HEADER(tag) 0x13, 0x88, 0x27, 0x10, 0, 0, 0, (tag), 0, 0, 0, 0
#define DATA(tsn)   0, 3, 0, 20, 0, 0, 0, (tsn), 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4
/* flags, length, tag, a_rwnd, streams, initial TSN */
#define INIT_BYTES 20, 0, 0, 0, 9, 0, 1, 0, 0, 0, 10, 0, 10, 0, 0, 0, 1
#define HEARTBEAT  4, 0, 0, 8, 0, 1, 0, 4
#define COOKIE_ACK 11, 0, 0, 4
#define ABORT      6, 0, 0, 4
#define COMPLETE   14, 0, 0, 4
#define SACK(tsn)  3, 0, 0, 16, 0, 0, 0, (tsn), 0, 0, 0x10, 0, 0, 0, 0, 0

/* What is said of a packet of a's, "" for nothing. */
static const char *said(const uint8_t *bytes, size_t count) {
    static uint8_t copy[100];
    memcpy(copy, bytes, count);
    struct usctp_packet packet = {
        .data = copy, .length = (uint32_t)count, .destination = {.family = USCTP_FAMILY_IPV4}};
    struct usctp_trace_record record = {
        .kind = USCTP_TRACE_PACKET_OUT, .assoc = 3, .packet = &packet};
    world.violation[0] = '\0';
    check_packet_out(&world, 0, &record);
    return world.violation;
}
#define SAID(...) said((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
#define FINE(...) ck_assert_str_eq(SAID(__VA_ARGS__), "")
#define WRONG(what, ...)                                                                           \
    do {                                                                                           \
        const char *text = SAID(__VA_ARGS__);                                                      \
        ck_assert_msg(strstr(text, what) != NULL, "not \"%s\" but \"%s\"", what, text);            \
    } while (0)

START_TEST(what_stands_together) {
    FINE(HEADER(7), DATA(1), DATA(2));
    FINE(HEADER(7), HEARTBEAT, DATA(3));
    WRONG("a control chunk behind DATA", HEADER(7), DATA(4), HEARTBEAT);
    FINE(HEADER(7), COOKIE_ACK, HEARTBEAT);
    WRONG("not first", HEADER(7), HEARTBEAT, COOKIE_ACK);
    FINE(HEADER(7), HEARTBEAT, ABORT);
    WRONG("behind ABORT", HEADER(7), ABORT, HEARTBEAT);
    FINE(HEADER(7), COMPLETE);
    WRONG("bundled", HEADER(7), COMPLETE, HEARTBEAT);
    WRONG("bundled", HEADER(7), HEARTBEAT, COMPLETE);
    FINE(HEADER(0), 1, 0, 0, INIT_BYTES);
    WRONG("bundled", HEADER(0), 1, 0, 0, INIT_BYTES, HEARTBEAT);
    WRONG("verification tag", HEADER(7), 1, 0, 0, INIT_BYTES);
    WRONG("verification tag", HEADER(0), HEARTBEAT);
}
END_TEST

START_TEST(form) {
    WRONG("without a chunk", HEADER(7));
    WRONG("no multiple of 4", HEADER(7), 4, 0, 0, 6, 0, 1);
    WRONG("impossible length", HEADER(7), 4, 0, 0, 3);
    WRONG("impossible length", HEADER(7), 4, 0, 0, 9, 0, 1, 0, 4);
    WRONG("without user data", HEADER(7), 0, 3, 0, 16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0);
    FINE(HEADER(7), SACK(1));
    WRONG("does not fit its counts", HEADER(7), 3, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0x10, 0, 0, 1, 0, 0);
    scenario.paths[0].interface_mtu[0] = 52; /* 20 + 12 + 20 */
    FINE(HEADER(7), DATA(1));
    WRONG("cannot take whole", HEADER(7), HEARTBEAT, DATA(2));
    has_path = false;
    WRONG("no address of the other host", HEADER(7), HEARTBEAT);
}
END_TEST

START_TEST(states) {
    FINE(HEADER(7), DATA(1));
    conversation.state[0] = USCTP_SHUTDOWN_RECEIVED;
    FINE(HEADER(7), DATA(2));
    conversation.state[0] = USCTP_SHUTDOWN_SENT;
    FINE(HEADER(7), SACK(1));
    WRONG("DATA in COOKIE-WAIT or SHUTDOWN-SENT", HEADER(7), DATA(3));
    conversation.state[0] = USCTP_SHUTDOWN_ACK_SENT;
    WRONG("SHUTDOWN-ACK-SENT", HEADER(7), DATA(3));
    WRONG("SHUTDOWN-ACK-SENT", HEADER(0), 1, 0, 0, INIT_BYTES);
    conversation.state[0] = USCTP_COOKIE_WAIT;
    FINE(HEADER(0), 1, 0, 0, INIT_BYTES);
    WRONG("SACK in COOKIE-WAIT", HEADER(7), SACK(1));
}
END_TEST

static bool state_changes(enum usctp_assoc_state from, enum usctp_assoc_state to) {
    struct usctp_trace_record record = {.kind = USCTP_TRACE_STATE, .assoc = 3, .a = from, .b = to};
    world.violation[0] = '\0';
    check_state(&world, 0, &record);
    ck_assert_int_eq(conversation.state[0], to);
    return world.violation[0] == '\0';
}

/* RFC 9260 4, while nobody restarts. */
START_TEST(changes_of_state) {
    ck_assert(state_changes(USCTP_CLOSED, USCTP_COOKIE_WAIT));
    ck_assert(state_changes(USCTP_COOKIE_WAIT, USCTP_COOKIE_ECHOED));
    ck_assert(state_changes(USCTP_COOKIE_ECHOED, USCTP_ESTABLISHED));
    ck_assert(state_changes(USCTP_SHUTDOWN_RECEIVED, USCTP_SHUTDOWN_ACK_SENT));
    ck_assert(state_changes(USCTP_SHUTDOWN_ACK_SENT, USCTP_CLOSED));
    ck_assert(!state_changes(USCTP_COOKIE_WAIT, USCTP_ESTABLISHED));
    ck_assert(!state_changes(USCTP_CLOSED, USCTP_SHUTDOWN_SENT));
    ck_assert(!state_changes(USCTP_SHUTDOWN_RECEIVED, USCTP_ESTABLISHED));
    ck_assert(!state_changes(USCTP_SHUTDOWN_ACK_SENT, USCTP_SHUTDOWN_SENT));
    ck_assert(!state_changes(USCTP_ESTABLISHED, USCTP_COOKIE_ECHOED));
}
END_TEST

/* RFC 9260 5.2.4 A: with a peer that restarts; in SHUTDOWN-ACK-SENT it is too late (5.2.4). */
START_TEST(changes_of_state_by_a_restart) {
    static const enum usctp_assoc_state open_states[] = {
        USCTP_ESTABLISHED, USCTP_SHUTDOWN_PENDING, USCTP_SHUTDOWN_SENT, USCTP_SHUTDOWN_RECEIVED};
    for (size_t i = 0; i < sizeof open_states / sizeof open_states[0]; i++) {
        world.host[0].restarts = 1; /* its own does not count */
        world.host[1].restarts = 0;
        ck_assert_int_eq(state_changes(open_states[i], USCTP_ESTABLISHED),
                         open_states[i] == USCTP_ESTABLISHED);
        world.host[1].restarts = 1;
        ck_assert(state_changes(open_states[i], USCTP_ESTABLISHED));
        ck_assert(!state_changes(open_states[i], USCTP_COOKIE_WAIT));
    }
    ck_assert(!state_changes(USCTP_SHUTDOWN_ACK_SENT, USCTP_ESTABLISHED));
    ck_assert(!state_changes(USCTP_COOKIE_WAIT, USCTP_ESTABLISHED));
}
END_TEST

/* Who has the association of before a restart acknowledges nothing of the one after it. */
START_TEST(acknowledgements_of_before_a_restart) {
    window_data(&world, &conversation, 1, 10, 100);
    FINE(HEADER(7), SACK(10));
    WRONG("never sent", HEADER(7), SACK(77));
    conversation.is_behind[0] = true;
    FINE(HEADER(7), SACK(77));
    conversation.is_behind[0] = false;
    conversation.is_behind[1] = true;
    WRONG("never sent", HEADER(7), SACK(78));
}
END_TEST

/* ---- the window: of 3000 bytes ---- */

static bool sends(uint32_t tsn, uint32_t bytes) {
    world.violation[0] = '\0';
    window_data(&world, &conversation, 0, tsn, bytes);
    return world.violation[0] == '\0';
}

/* A SACK of b's: cumulative TSN, a_rwnd, one gap block or none. */
static bool acknowledges(uint32_t tsn, uint32_t rwnd, unsigned start, unsigned end) {
    uint8_t sack[16] = {(uint8_t)(tsn >> 24),
                        (uint8_t)(tsn >> 16),
                        (uint8_t)(tsn >> 8),
                        (uint8_t)tsn,
                        (uint8_t)(rwnd >> 24),
                        (uint8_t)(rwnd >> 16),
                        (uint8_t)(rwnd >> 8),
                        (uint8_t)rwnd,
                        0,
                        start > 0,
                        0,
                        0,
                        (uint8_t)(start >> 8),
                        (uint8_t)start,
                        (uint8_t)(end >> 8),
                        (uint8_t)end};
    world.violation[0] = '\0';
    window_sack(&world, &conversation, 1, sack);
    return world.violation[0] == '\0';
}

START_TEST(the_window) {
    const uint32_t first = 0xfffffffeu; /* TSNs wrap on the way */
    ck_assert(sends(first, 1000));
    ck_assert(sends(first + 1, 1000));
    ck_assert(sends(first + 2, 1000));
    ck_assert(sends(first, 1000)); /* again */
    ck_assert(!sends(first + 3, 1));
    setup();
    ck_assert(sends(first, 1500) && sends(first + 1, 1500));
    ck_assert(acknowledges(first, 1500, 0, 0)); /* 1500 acknowledged, 1500 more: 3000 in all */
    ck_assert(!sends(first + 2, 1));
    setup();
    ck_assert(sends(first, 1500) && sends(first + 1, 1500));
    ck_assert(acknowledges(first, 2000, 0, 0));
    ck_assert(sends(first + 2, 500));
    ck_assert(acknowledges(first, 2000, 2, 2)); /* a gap block: 500 more, and so 500 more room */
    ck_assert(sends(first + 3, 500));
    ck_assert(!sends(first + 4, 1));
    setup();
    ck_assert(sends(first, 3000));
    ck_assert(acknowledges(first, 0, 0, 0));
    ck_assert(sends(first + 1, 1000)); /* a zero window probe */
    ck_assert(!sends(first + 2, 1));   /* and no second */
}
END_TEST

START_TEST(tsns) {
    ck_assert(sends(10, 100));
    ck_assert(!sends(12, 100)); /* 11 is left out */
    setup();
    ck_assert(sends(10, 100));
    ck_assert(acknowledges(9, 3000, 0, 0));
    ck_assert(acknowledges(10, 3000, 0, 0));
    ck_assert(!acknowledges(11, 3000, 0, 0)); /* never sent */
}
END_TEST

int main(void) {
    Suite *suite = suite_create("sim_checks");
    TCase *all = tcase_create("checks");
    tcase_add_checked_fixture(all, setup, NULL);
    tcase_add_test(all, what_stands_together);
    tcase_add_test(all, form);
    tcase_add_test(all, states);
    tcase_add_test(all, changes_of_state);
    tcase_add_test(all, changes_of_state_by_a_restart);
    tcase_add_test(all, acknowledgements_of_before_a_restart);
    tcase_add_test(all, the_window);
    tcase_add_test(all, tsns);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
