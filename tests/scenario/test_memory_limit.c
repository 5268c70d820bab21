/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * max_memory_bytes in a whole life (RFC 9260 6.1 A, 6.2): two stacks that have room for a sixth of
 * what is sent, and a reader who comes after ten minutes. The peer is told of a closed window and
 * waits; nothing is lost, nobody gives up, and neither stack ever has more than it may.
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/two_hosts.h"

#include <string.h>

#define SECOND ((uint64_t)1000000)

enum { CAP_BYTES = 600000, MESSAGE_BYTES = 3000, MESSAGES = 1000 };

static void small_memory(struct usctp_config *config) {
    eager(config);
    config->max_memory_bytes = CAP_BYTES;
}

static struct usctp_engine_counters counters_of(struct two_hosts *t, unsigned host) {
    struct usctp_engine_counters n;
    usctp_engine_counters(t->host[host].engine, &n);
    REQUIRE(n.memory_peak_bytes <= CAP_BYTES);
    REQUIRE_EQ(n.memory_bytes, t->host[host].env.live_bytes);
    return n;
}

/* Offers messages from number *next on until one is refused. */
static void offer(struct two_hosts *t, unsigned *next) {
    static uint8_t bytes[MESSAGE_BYTES];
    struct usctp_slice slice = {bytes, sizeof bytes};
    int error = 0;
    while (*next < MESSAGES && error == 0) {
        const struct usctp_send send = {.ppid = *next + 1};
        memset(bytes, (int)(*next * 7), sizeof bytes);
        error = usctp_assoc_send(t->host[0].engine, t->host[0].assoc, &send, &slice, 1, t->now_us);
        *next += error == 0 ? 1 : 0;
    }
    REQUIRE(error == 0 || error == USCTP_ERR_AGAIN || error == USCTP_ERR_LIMIT);
}

/* Takes what is there; messages come whole or in pieces, in order. */
static void read_all(struct two_hosts *t, uint64_t *bytes_read) {
    static uint8_t bytes[MESSAGE_BYTES];
    struct usctp_slice slice = {bytes, sizeof bytes};
    struct usctp_received info;
    for (;;) {
        int64_t n = usctp_assoc_receive(t->host[1].engine, t->host[1].assoc, &info, &slice, 1, 0);
        if (n < 0)
            break;
        uint64_t number = *bytes_read / MESSAGE_BYTES;
        REQUIRE_EQ(info.ppid, number + 1);
        for (int64_t i = 0; i < n; i++)
            REQUIRE(bytes[i] == (uint8_t)(number * 7));
        *bytes_read += (uint64_t)n;
    }
    usctp_assoc_received(t->host[1].engine, t->host[1].assoc, t->now_us);
}

START_TEST(s6_2_a_late_reader) {
    struct two_hosts *t = HOSTS(.configure = small_memory, .delay_us = 10000, .no_capture = true);
    unsigned next = 0;
    uint64_t bytes_read = 0;
    hosts_establish(t, false);
    for (int second = 0; second < 600; second++) {
        offer(t, &next);
        hosts_run_for(t, SECOND);
    }
    REQUIRE(next < MESSAGES);
    REQUIRE_EQ(host_state(t, 0), USCTP_ESTABLISHED);
    REQUIRE_EQ(host_state(t, 1), USCTP_ESTABLISHED);
    REQUIRE(counters_of(t, 0).sends_refused > 0);
    REQUIRE(counters_of(t, 1).dropped[USCTP_DROP_MEMORY] > 0);
    /* More than an association survives, were the window not closed (6.1 A). */
    REQUIRE(host_status(t, 0).counters.t3_expiries > t->host[0].config.association_max_retrans);
    REQUIRE(host_status(t, 0).peer_rwnd_bytes < MESSAGE_BYTES);
    for (int round = 0; round < 4000 && bytes_read < (uint64_t)MESSAGES * MESSAGE_BYTES; round++) {
        offer(t, &next);
        hosts_run_for(t, SECOND / 10);
        read_all(t, &bytes_read);
    }
    REQUIRE_EQ(bytes_read, (uint64_t)MESSAGES * MESSAGE_BYTES);
    REQUIRE(!t->host[0].closed && !t->host[1].closed);
    counters_of(t, 0);
    counters_of(t, 1);
    hosts_delete(t);
}
END_TEST

RUN_TESTS("max_memory_bytes", s6_2_a_late_reader)
