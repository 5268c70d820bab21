/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 9260 6.1, 6.5, 6.9, 6.10: sending DATA: fragments, sequence numbers and their wraps,
 * bundling, limits of the user's.
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/scripted_peer.h"

#include <string.h>

#define PEER_RWND 1000000u

static struct scripted_peer *open_peer(void (*configure)(struct usctp_config *)) {
    struct scripted_peer *p = PEER(.configure = configure, .rwnd = PEER_RWND);
    peer_open_active(p);
    return p;
}

struct sent {
    unsigned sid, ssn, number; /* number: of the message among all that were sent, for its bytes */
    size_t total;
    unsigned extra_bits;
};

/* Takes DATA of consecutive TSNs from *tsn on, acknowledging each, until `total` bytes of (sid,
 * number) came, and checks them. */
static void take_message(struct scripted_peer *p, int *tsn, struct sent m) {
    static uint8_t expected[70000];
    size_t got = 0;
    char pattern[60];
    REQUIRE(m.total <= sizeof expected);
    peer_pattern(m.sid, m.number, 0, expected, m.total);
    while (got < m.total) {
        snprintf(pattern, sizeof pattern, "DATA tsn=%d sid=%u *", *tsn, m.sid);
        peer_take(p, pattern);
        size_t n = p->took.value_bytes - 12;
        unsigned bits = (got == 0 ? BIT_B : 0u) | (got + n == m.total ? BIT_E : 0u) | m.extra_bits;
        REQUIRE_EQ(p->took.flags & ~BIT_I, bits);
        if (!(m.extra_bits & BIT_U))
            REQUIRE_EQ(p->took.ssn, m.ssn);
        REQUIRE(memcmp(p->took.value + 12, expected + got, n) == 0);
        REQUIRE(p->took_packet.length + 20 <= p->options.mtu);
        got += n;
        peer_sack(p, (*tsn)++, PEER_RWND, "");
    }
    REQUIRE_EQ(got, m.total);
}

START_TEST(s6_9_sizes) {
    static const size_t sizes[] = {1, 2, 3, 4, 1451, 1452, 1453, 1456, 2904, 2905, 5000, 65536};
    struct scripted_peer *p = open_peer(eager);
    int tsn = 0;
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        user_send(p, 3, sizes[i]);
        take_message(p, &tsn, (struct sent){3, i, i, sizes[i], 0});
        peer_expect_nothing(p);
    }
    peer_delete(p);
}
END_TEST

/* 6.9: the largest chunk fills the packet; a whole message that fits is not cut. */
START_TEST(s6_9_fragments_fill_packets) {
    struct scripted_peer *p = open_peer(eager);
    user_send(p, 0, 1452); /* 1500 - 20 - 12 - 16 */
    peer_take_packet(p, "DATA tsn=0 * BE len=1452");
    peer_sack(p, 0, PEER_RWND, "");
    user_send(p, 0, 1453);
    peer_take(p, "DATA tsn=1 * B len=1452");
    peer_take(p, "DATA tsn=2 * E len=1");
    peer_delete(p);
}
END_TEST

/* Unordered: U in each fragment, and no SSN is used up (6.5). */
START_TEST(s6_6_unordered) {
    struct scripted_peer *p = open_peer(eager);
    struct usctp_send unordered = {.sid = 2, .flags = USCTP_MESSAGE_UNORDERED};
    int tsn = 0;
    user_send(p, 2, 10);
    take_message(p, &tsn, (struct sent){2, 0, 0, 10, 0});
    REQUIRE_EQ(user_try_send(p, &unordered, 4000), 0);
    take_message(p, &tsn, (struct sent){2, 0, 1, 4000, BIT_U});
    user_send(p, 2, 10);
    take_message(p, &tsn, (struct sent){2, 1, 2, 10, 0});
    peer_delete(p);
}
END_TEST

/* 6.5: each stream has its own numbers, from 0. */
START_TEST(s6_5_ssn_per_stream) {
    struct scripted_peer *p = open_peer(eager);
    int tsn = 0;
    unsigned number = 0;
    for (unsigned round = 0; round < 3; round++)
        for (unsigned sid = 0; sid < 10; sid++) {
            user_send(p, sid, 5);
            take_message(p, &tsn, (struct sent){sid, round, number++, 5, 0});
        }
    peer_delete(p);
}
END_TEST

/* 6.5: "when the Stream Sequence Number reaches the value 65535, the next ... MUST be set to 0" */
START_TEST(s6_5_ssn_wrap) {
    struct scripted_peer *p = open_peer(eager);
    int tsn = 0;
    for (unsigned i = 0; i < 65545; i++) {
        user_send(p, 0, 1);
        if (i >= 65530) {
            take_message(p, &tsn, (struct sent){0, i & 0xffffu, i, 1, 0});
        } else {
            peer_discard(p);
            peer_sack(p, tsn++, PEER_RWND, "");
        }
    }
    peer_delete(p);
}
END_TEST

/* 3.3.1: the TSN after 2^32 - 1 is 0. */
START_TEST(s3_3_1_tsn_wrap) {
    struct scripted_peer *p =
        PEER(.configure = eager, .rwnd = PEER_RWND, .near_wrap = true, .seed = 5);
    peer_open_active(p);
    REQUIRE(p->engine_tsn >= 0xffffff00u);
    int tsn = 0;
    for (unsigned i = 0; i < 300; i++) {
        user_send(p, 1, 2000);
        take_message(p, &tsn, (struct sent){1, i, i, 2000, 0});
    }
    REQUIRE(p->engine_tsn + (uint32_t)tsn < 1000);
    REQUIRE_EQ(peer_status(p).unacknowledged_chunks, 0);
    peer_run_for(p, 100 * SECOND);
    peer_expect_nothing(p);
    peer_delete(p);
}
END_TEST

/* 6.10: what waits is bundled; packets keep to the PMTU, TSNs ascend (the reader checks both). */
START_TEST(s6_10_bundling) {
    struct scripted_peer *p = open_peer(eager);
    int tsn = 0, taken = 0;
    for (int i = 0; i < 5; i++) /* fills cwnd */
        user_send(p, 0, 1400);
    for (int i = 0; i < 30; i++)
        user_send(p, 0, 100);
    while (peer_take_if(p, "DATA * len=1400"))
        tsn++;
    peer_expect_nothing(p);
    size_t packets = 0;
    for (int round = 0; round < 50 && taken < 30; round++) {
        peer_sack(p, tsn - 1, PEER_RWND, "");
        packets += peer_count_packets(p);
        while (peer_take_if(p, "DATA *")) {
            taken += p->took.value_bytes == 112;
            tsn++;
        }
    }
    REQUIRE_EQ(taken, 30);
    REQUIRE(packets < 15);
    peer_delete(p);
}
END_TEST

/* Without NODELAY small messages wait while something is outstanding (6.1: "delays ... to increase
 * bundling efficiency"). */
START_TEST(s6_1_small_messages_wait_for_company) {
    struct scripted_peer *p = open_peer(quiet);
    user_send(p, 0, 10);
    peer_take(p, "DATA tsn=0 * len=10");
    for (int i = 0; i < 5; i++)
        user_send(p, 0, 10);
    peer_expect_nothing(p);
    peer_sack(p, 0, PEER_RWND, "");
    REQUIRE_EQ(peer_count_packets(p), 1);
    REQUIRE_EQ(peer_count(p, "DATA *"), 5);
    peer_delete(p);
}
END_TEST

/* The I bit of the last chunk, when the user asks for it. */
START_TEST(s6_1_i_bit) {
    struct scripted_peer *p = open_peer(eager);
    struct usctp_send send = {.sid = 0, .flags = USCTP_MESSAGE_SACK_IMMEDIATELY};
    REQUIRE_EQ(user_try_send(p, &send, 2000), 0);
    peer_take(p, "DATA tsn=0 * B len=1452");
    peer_take(p, "DATA tsn=1 * IE len=548");
    peer_delete(p);
}
END_TEST

START_TEST(s11_1_5_arguments) {
    struct scripted_peer *p = open_peer(eager);
    struct usctp_send send = {.sid = 10};
    REQUIRE_EQ(user_try_send(p, &send, 10), USCTP_ERR_INVALID);
    send.sid = 0;
    REQUIRE_EQ(user_try_send(p, &send, 0), USCTP_ERR_INVALID); /* 6.2: no empty messages */
    peer_expect_nothing(p);
    REQUIRE_EQ(usctp_assoc_send(p->engine, p->assoc + 1000, &send, NULL, 0, p->now_us),
               USCTP_ERR_NOT_FOUND);
    peer_delete(p);
}
END_TEST

static void small_send_buffer(struct usctp_config *config) {
    eager(config);
    config->send_buffer_bytes = 10000;
}

/* A full send buffer says so, and says when there is room again. */
START_TEST(s11_1_5_send_buffer) {
    struct scripted_peer *p = open_peer(small_send_buffer);
    struct usctp_send send = {.sid = 0};
    int sent = 0, error;
    while ((error = user_try_send(p, &send, 1000)) == 0 && sent < 100)
        sent++;
    REQUIRE_EQ(error, USCTP_ERR_AGAIN);
    REQUIRE_RANGE(sent, 5, 11);
    peer_saw_event(p, USCTP_EVENT_WRITABLE);
    int tsn = (int)peer_count(p, "DATA *");
    peer_discard(p);
    for (int i = 0; i < 20 && tsn < sent; i++) {
        peer_sack(p, tsn - 1, PEER_RWND, "");
        tsn += (int)peer_count(p, "DATA *");
        peer_discard(p);
    }
    peer_sack(p, tsn - 1, PEER_RWND, "");
    REQUIRE_EQ(tsn, sent);
    REQUIRE(peer_saw_event(p, USCTP_EVENT_WRITABLE));
    REQUIRE(peer_saw_event(p, USCTP_EVENT_DRY));
    REQUIRE_EQ(user_try_send(p, &send, 1000), 0);
    peer_delete(p);
}
END_TEST

static void no_fragments(struct usctp_config *config) {
    eager(config);
    config->disable_fragments = 1;
}

/* 6.9: without fragmentation what does not fit is refused. */
START_TEST(s6_9_fragmentation_off) {
    struct scripted_peer *p = open_peer(no_fragments);
    struct usctp_send send = {.sid = 0};
    REQUIRE_EQ(user_try_send(p, &send, 1453), USCTP_ERR_TOO_BIG);
    REQUIRE_EQ(user_try_send(p, &send, 1452), 0);
    peer_take(p, "DATA tsn=0 * BE len=1452");
    peer_delete(p);
}
END_TEST

static void cut_500(struct usctp_config *config) {
    eager(config);
    config->fragment_max_bytes = 500;
}

START_TEST(s6_9_fragmentation_point) {
    struct scripted_peer *p = open_peer(cut_500);
    user_send(p, 0, 1200);
    REQUIRE_EQ(peer_count(p, "DATA *"), 3);
    for (int i = 0; i < 3; i++) {
        peer_take(p, "DATA *");
        REQUIRE(p->took.value_bytes - 12 <= 500);
    }
    peer_delete(p);
}
END_TEST

/* 6.9, 7.3: fragments suit the smallest PMTU of all paths. */
START_TEST(s7_3_fragments_suit_every_path) {
    struct scripted_peer *p = PEER(.configure = eager, .rwnd = PEER_RWND, .paths = 2,
                                   .ipv6_paths = 2, .connect_to_all = true);
    peer_open_active(p);
    user_send(p, 0, 1440);
    REQUIRE_EQ(peer_count(p, "DATA *"), 2); /* IPv6 leaves 1500 - 40 - 12 - 16 = 1432 */
    peer_delete(p);
}
END_TEST

/* A message for one path (11.1.5). */
START_TEST(s6_4_message_to_a_path) {
    struct scripted_peer *p =
        PEER(.configure = eager, .rwnd = PEER_RWND, .paths = 2, .connect_to_all = true);
    peer_open_active(p);
    struct usctp_send send = {.sid = 0, .flags = USCTP_MESSAGE_TO_PATH};
    send.path = (uint32_t)usctp_path_find(p->engine, p->assoc, &p->peer_addr[1]);
    REQUIRE_EQ(user_try_send(p, &send, 100), 0);
    peer_take(p, "DATA tsn=0 *");
    REQUIRE_EQ(p->took_path, 1);
    user_send(p, 0, 100);
    peer_take(p, "DATA tsn=1 *");
    REQUIRE_EQ(p->took_path, 0);
    peer_delete(p);
}
END_TEST

/* 6.4: by default to the primary path. */
START_TEST(s6_4_primary_path) {
    struct scripted_peer *p =
        PEER(.configure = eager, .rwnd = PEER_RWND, .paths = 2, .connect_to_all = true);
    peer_open_active(p);
    for (int i = 0; i < 5; i++) {
        user_send(p, 0, 100);
        peer_take(p, "DATA *");
        REQUIRE_EQ(p->took_path, 0);
        peer_sack(p, i, PEER_RWND, "");
    }
    uint32_t other = (uint32_t)usctp_path_find(p->engine, p->assoc, &p->peer_addr[1]);
    REQUIRE_EQ(usctp_path_set_primary(p->engine, p->assoc, other, p->now_us), 0);
    REQUIRE_EQ(peer_status(p).primary_path, other);
    for (int i = 0; i < 5; i++) {
        user_send(p, 0, 100);
        peer_take(p, "DATA *");
        REQUIRE_EQ(p->took_path, 1);
        peer_sack(p, 5 + i, PEER_RWND, "");
    }
    peer_delete(p);
}
END_TEST

RUN_TESTS("sending data (RFC 9260 6.1, 6.5, 6.9, 6.10)", s6_9_sizes, s6_9_fragments_fill_packets,
          s6_6_unordered, s6_5_ssn_per_stream, s6_5_ssn_wrap, s3_3_1_tsn_wrap, s6_10_bundling,
          s6_1_small_messages_wait_for_company, s6_1_i_bit, s11_1_5_arguments, s11_1_5_send_buffer,
          s6_9_fragmentation_off, s6_9_fragmentation_point, s7_3_fragments_suit_every_path,
          s6_4_message_to_a_path, s6_4_primary_path)
