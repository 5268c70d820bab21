/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 9260 5.2.1, 5.2.4 B to D, 5.2.4.1 with two engines: both connect at about the same time; one
 * crashes and comes back; chunks of the handshake are lost.
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/two_hosts.h"

#include <string.h>

#define MS     ((uint64_t)1000)
#define SECOND ((uint64_t)1000000)

static void send_text(struct two_hosts *t, unsigned host, const char *text) {
    struct usctp_send send;
    memset(&send, 0, sizeof send);
    struct usctp_slice slice = {(void *)(uintptr_t)text, strlen(text)};
    REQUIRE_EQ(
        usctp_assoc_send(t->host[host].engine, t->host[host].assoc, &send, &slice, 1, t->now_us),
        0);
}

/* Reads up to a message, past notifications. */
static void require_text(struct two_hosts *t, unsigned host, const char *text) {
    char buffer[100];
    struct usctp_slice slice = {buffer, sizeof buffer};
    struct usctp_received info;
    int64_t n;
    do
        n = usctp_assoc_receive(t->host[host].engine, t->host[host].assoc, &info, &slice, 1, 0);
    while (n >= 0 && (info.flags & USCTP_MESSAGE_NOTIFICATION));
    REQUIRE_EQ(n, strlen(text));
    REQUIRE(memcmp(buffer, text, strlen(text)) == 0);
}

static void require_talk(struct two_hosts *t) {
    struct usctp_assoc_status a = host_status(t, 0), b = host_status(t, 1);
    REQUIRE_EQ(a.local_tag, b.peer_tag);
    REQUIRE_EQ(b.local_tag, a.peer_tag);
    send_text(t, 0, "from host 0");
    send_text(t, 1, "from host 1");
    hosts_run_for(t, 5 * SECOND);
    require_text(t, 0, "from host 1");
    require_text(t, 1, "from host 0");
    for (unsigned h = 0; h < 2; h++) {
        struct usctp_engine_counters counters;
        usctp_engine_counters(t->host[h].engine, &counters);
        REQUIRE_EQ(counters.associations, 1);
    }
}

/* Host 1 connects `late` after host 0. */
static uint64_t collide(uint64_t late, uint64_t delay, bool multihomed) {
    struct two_hosts *t =
        HOSTS(.paths = multihomed ? 2 : 1, .delay_us = delay, .configure = quiet, .seed = late + 1);
    REQUIRE(host_connect(t, 0, 1) >= 3);
    hosts_run_for(t, late);
    int32_t second = t->host[1].assoc ? USCTP_ERR_EXISTS : host_connect(t, 1, 1);
    REQUIRE(second >= 3 || second == USCTP_ERR_EXISTS);
    hosts_run_until(t, hosts_both_established, 60 * SECOND);
    require_talk(t);
    uint64_t collisions =
        host_status(t, 0).counters.collisions + host_status(t, 1).counters.collisions;
    hosts_delete(t);
    return collisions;
}

START_TEST(s5_2_1_both_connect) {
    uint64_t collisions = 0;
    for (uint64_t late = 0; late <= 50 * MS; late += MS)
        collisions += collide(late, 10 * MS, false);
    REQUIRE(collisions > 0);
    REQUIRE(collide(0, 10 * MS, false) > 0);
}
END_TEST

START_TEST(s5_2_1_both_connect_multihomed) {
    for (uint64_t late = 0; late <= 50 * MS; late += 5 * MS)
        collide(late, 10 * MS, true);
}
END_TEST

START_TEST(s5_2_1_both_connect_without_delay) {
    collide(0, 0, false);
    collide(0, 1, false);
    collide(1, 1, true);
}
END_TEST

/* A collision with each kind of chunk lost, from either side. */
START_TEST(s5_2_4_collision_with_losses) {
    static const unsigned types[] = {WIRE_INIT, WIRE_INIT_ACK, WIRE_COOKIE_ECHO, WIRE_COOKIE_ACK};
    for (size_t i = 0; i < 4; i++) {
        for (unsigned from = 0; from < 2; from++) {
            for (uint64_t late = 0; late <= 30 * MS; late += 6 * MS) {
                struct two_hosts *t =
                    HOSTS(.delay_us = 10 * MS, .configure = quiet, .seed = i * 100 + late);
                hosts_drop(t, from, ANY_PATH, types[i], 1);
                REQUIRE(host_connect(t, 0, 1) >= 3);
                hosts_run_for(t, late);
                if (t->host[1].assoc == 0)
                    host_connect(t, 1, 1);
                hosts_run_until(t, hosts_both_established, 60 * SECOND);
                hosts_run_for(t, 5 * SECOND);
                require_talk(t);
                hosts_delete(t);
            }
        }
    }
}
END_TEST

/* An ordinary handshake, each chunk lost up to three times. */
START_TEST(s5_1_handshake_with_losses) {
    static const struct {
        unsigned from, type;
    } lost[] = {{0, WIRE_INIT}, {1, WIRE_INIT_ACK}, {0, WIRE_COOKIE_ECHO}, {1, WIRE_COOKIE_ACK}};
    for (size_t i = 0; i < 4; i++) {
        for (unsigned count = 1; count <= 3; count++) {
            struct two_hosts *t = HOSTS(.delay_us = 10 * MS, .configure = quiet);
            hosts_drop(t, lost[i].from, ANY_PATH, lost[i].type, count);
            hosts_establish(t, false);
            REQUIRE_EQ(hosts_dropped(t, 0), count);
            require_talk(t);
            hosts_delete(t);
        }
    }
}
END_TEST

/* 5.2.4 A, 5.2.4.1: host 0 crashes, comes back and connects; host 1 is told and goes on. */
START_TEST(s5_2_4_a_restart) {
    for (unsigned multihomed = 0; multihomed < 2; multihomed++) {
        struct two_hosts *t =
            HOSTS(.paths = 1 + multihomed, .delay_us = 10 * MS, .configure = quiet);
        REQUIRE_EQ(usctp_endpoint_subscribe(t->host[1].engine, t->host[1].endpoint,
                                            USCTP_NOTIFY_ASSOC_CHANGE),
                   0);
        hosts_establish(t, false);
        require_talk(t);
        for (int round = 0; round < 3; round++) {
            host_stop(t, 0);
            hosts_run_for(t, SECOND);
            host_start(t, 0);
            REQUIRE(host_connect(t, 0, 1) >= 3);
            hosts_run_for(t, SECOND);
            REQUIRE_EQ(host_state(t, 0), USCTP_ESTABLISHED);
            REQUIRE_EQ(host_state(t, 1), USCTP_ESTABLISHED);
            REQUIRE_EQ(host_status(t, 1).counters.restarts, round + 1);
            require_talk(t);
        }
        hosts_delete(t);
    }
}
END_TEST

/* The other way round: the one that was connected to comes back and connects. */
START_TEST(s5_2_4_a_restart_by_the_passive_side) {
    struct two_hosts *t = HOSTS(.delay_us = 10 * MS, .configure = quiet);
    hosts_establish(t, false);
    host_stop(t, 1);
    host_start(t, 1);
    REQUIRE(host_connect(t, 1, 1) >= 3);
    hosts_run_for(t, SECOND);
    REQUIRE_EQ(host_state(t, 0), USCTP_ESTABLISHED);
    REQUIRE_EQ(host_state(t, 1), USCTP_ESTABLISHED);
    require_talk(t);
    hosts_delete(t);
}
END_TEST

/* Data in flight while the other side restarts: each chunk of the restart lost once. */
START_TEST(s5_2_4_a_restart_with_losses) {
    static const struct {
        unsigned from, type;
    } lost[] = {{0, WIRE_INIT}, {1, WIRE_INIT_ACK}, {0, WIRE_COOKIE_ECHO}, {1, WIRE_COOKIE_ACK}};
    for (size_t i = 0; i < 4; i++) {
        struct two_hosts *t = HOSTS(.delay_us = 10 * MS, .configure = quiet);
        hosts_establish(t, false);
        send_text(t, 1, "to the dead");
        host_stop(t, 0);
        host_start(t, 0);
        hosts_drop(t, lost[i].from, ANY_PATH, lost[i].type, 1);
        REQUIRE(host_connect(t, 0, 1) >= 3);
        hosts_run_for(t, 10 * SECOND);
        REQUIRE_EQ(hosts_dropped(t, 0), 1);
        REQUIRE_EQ(host_state(t, 0), USCTP_ESTABLISHED);
        REQUIRE_EQ(host_state(t, 1), USCTP_ESTABLISHED);
        REQUIRE_EQ(host_status(t, 1).counters.restarts, 1);
        send_text(t, 0, "alive");
        hosts_run_for(t, 5 * SECOND);
        require_text(t, 1, "alive");
        hosts_delete(t);
    }
}
END_TEST

/* 8.4 rule 8: a host that came back and knows nothing says so when it is spoken to; by data, or by
 * a heartbeat. */
START_TEST(s8_4_8_the_other_has_forgotten) {
    for (unsigned by_data = 0; by_data < 2; by_data++) {
        struct two_hosts *t = HOSTS(.delay_us = 10 * MS, .configure = by_data ? quiet : NULL);
        hosts_establish(t, false);
        host_stop(t, 1);
        host_start(t, 1);
        if (by_data)
            send_text(t, 0, "are you there");
        hosts_run_for(t, 40 * SECOND);
        REQUIRE(t->host[0].closed);
        REQUIRE_EQ(t->host[0].close_error, USCTP_ERR_RESET);
        hosts_delete(t);
    }
}
END_TEST

RUN_TESTS("collision and restart with two engines (RFC 9260 5.2)", s5_2_1_both_connect,
          s5_2_1_both_connect_multihomed, s5_2_1_both_connect_without_delay,
          s5_2_4_collision_with_losses, s5_1_handshake_with_losses, s5_2_4_a_restart,
          s5_2_4_a_restart_by_the_passive_side, s5_2_4_a_restart_with_losses,
          s8_4_8_the_other_has_forgotten)
