/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 9260 6.1 A, 6.2, 6.2.1: the receiver's window, at both ends; zero-window probes; window
 * updates.
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/scripted_peer.h"

static struct scripted_peer *open_with_window(uint32_t rwnd) {
    struct scripted_peer *p = PEER(.configure = eager, .rwnd = rwnd);
    peer_open_active(p);
    return p;
}

static size_t payload_seen(struct scripted_peer *p) {
    size_t bytes = 0;
    while (peer_take_if(p, "DATA *"))
        bytes += p->took.value_bytes - 12;
    return bytes;
}

/* 6.1 A: not more than the peer has room for. */
START_TEST(s6_1_a_window_is_respected) {
    struct scripted_peer *p = open_with_window(1500);
    for (int i = 0; i < 10; i++)
        user_send(p, 0, 500);
    REQUIRE_RANGE(payload_seen(p), 500, 1500);
    int tsn = (int)peer_status(p).unacknowledged_chunks;
    for (int round = 0; round < 20; round++) {
        uint32_t window = round % 2 ? 600 : 1100;
        peer_sack(p, tsn - 1, window, "");
        REQUIRE(payload_seen(p) <= window);
        tsn += (int)peer_status(p).unacknowledged_chunks;
    }
    REQUIRE_EQ(tsn, 10);
    peer_delete(p);
}
END_TEST

/* 6.2.1 D ii: rwnd = a_rwnd - what is still outstanding. */
START_TEST(s6_2_1_rwnd_arithmetic) {
    struct scripted_peer *p = open_with_window(10000);
    REQUIRE_EQ(peer_status(p).peer_rwnd_bytes, 10000);
    user_send(p, 0, 1000);
    user_send(p, 0, 500);
    REQUIRE_EQ(peer_status(p).peer_rwnd_bytes, 8500); /* B: minus the data sent */
    peer_sack(p, 0, 9000, "");
    REQUIRE_EQ(peer_status(p).peer_rwnd_bytes, 8500);
    peer_sack(p, 1, 9000, "");
    REQUIRE_EQ(peer_status(p).peer_rwnd_bytes, 9000);
    user_send(p, 0, 400);
    user_send(p, 0, 300);
    peer_sack(p, 1, 9000, "2-2"); /* only 400 are still outstanding */
    REQUIRE_EQ(peer_status(p).peer_rwnd_bytes, 8600);
    peer_delete(p);
}
END_TEST

/* The window closes; probes after 1 RTO and then exponentially; nobody counts errors while the peer
 * answers. */
START_TEST(s6_1_a_zero_window_probes) {
    struct scripted_peer *p = open_with_window(1500);
    user_send(p, 0, 1000);
    peer_take(p, "DATA tsn=0 *");
    peer_sack(p, 0, 0, "");
    uint64_t at = p->now_us, interval = 0;
    for (int i = 0; i < 4; i++)
        user_send(p, 0, 700);
    peer_expect_nothing(p);
    for (int i = 0; i < 25; i++) {
        peer_wait(p, "DATA tsn=1 * len=700", 61 * SECOND);
        uint64_t waited = p->took_us - at;
        if (i == 0)
            REQUIRE_EQ(waited, SECOND);
        REQUIRE(waited >= interval);
        REQUIRE(waited <= 60 * SECOND);
        interval = waited;
        at = p->took_us;
        peer_expect_nothing(p); /* one packet, one chunk */
        peer_run_for(p, 10 * MS);
        peer_sack(p, 0, 0, "");
        peer_expect_nothing(p);
        at = p->took_us;
        REQUIRE_EQ(peer_path(p, 0).error_count, 0);
    }
    REQUIRE(interval >= 30 * SECOND); /* it did grow */
    require_state(p, USCTP_ESTABLISHED);
    REQUIRE(peer_status(p).counters.zero_window_probes >= 1);
    peer_sack(p, 0, 10000,
              ""); /* the window opens: the probe that was dropped and all others come */
    bool came[5] = {true, false, false, false, false};
    for (int round = 0; round < 10 && !(came[1] && came[2] && came[3] && came[4]); round++) {
        while (peer_take_if(p, "DATA *")) {
            REQUIRE(p->took.tsn - p->engine_tsn <= 4);
            came[p->took.tsn - p->engine_tsn] = true;
        }
        if (came[1])
            peer_sack(p, came[2] ? came[3] ? 3 : 2 : 1, 10000, "");
        peer_run_for(p, 61 * SECOND);
    }
    REQUIRE(came[1] && came[2] && came[3] && came[4]);
    peer_delete(p);
}
END_TEST

/* A probe that the peer takes, and a window that opens by a SACK without DATA. */
START_TEST(s6_1_a_window_update) {
    struct scripted_peer *p = open_with_window(1500);
    user_send(p, 0, 1500);
    payload_seen(p);
    peer_sack(p, (int)peer_status(p).unacknowledged_chunks - 1, 0, "");
    int tsn = (int)peer_status(p).unacknowledged_chunks;
    REQUIRE_EQ(tsn, 0);
    peer_discard(p);
    user_send(p, 0, 600);
    user_send(p, 0, 600);
    peer_expect_nothing(p);
    peer_run_for(p, 100 * MS);
    int last = (int)peer_status(p).counters.data_chunks_out - 1;
    uint64_t at = p->now_us;
    peer_sack(p, last, 5000, ""); /* the same cumulative TSN, more room */
    peer_take(p, "DATA * len=600");
    REQUIRE_EQ(p->took_us, at);
    peer_take(p, "DATA * len=600");
    peer_delete(p);
}
END_TEST

/* A probe that is not answered at all does count: a dead peer is noticed. */
START_TEST(s6_1_a_unanswered_probes_count) {
    struct scripted_peer *p = open_with_window(1500);
    user_send(p, 0, 1000);
    peer_sack(p, 0, 0, "");
    user_send(p, 0, 1000);
    peer_discard(p);
    peer_run_for(p, 1200 * SECOND);
    require_closed(p, USCTP_ERR_UNREACHABLE);
    peer_delete(p);
}
END_TEST

/* 6.2 B, C: a_rwnd goes down as data waits for the user, and comes back when it is read. */
START_TEST(s6_2_a_rwnd_follows_the_buffer) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_open_passive(p);
    uint32_t last = p->engine_rwnd;
    for (int i = 0; i < 20; i++) {
        peer_data(p, i, 0, (unsigned)i, BIT_BE | BIT_I, 1000);
        peer_take(p, "SACK *");
        REQUIRE(p->took.rwnd <= last - 1000);
        last = p->took.rwnd;
    }
    REQUIRE(last > 1048576 - 20 * 1000 * 4);
    for (unsigned i = 0; i < 20; i++)
        user_expect(p, 0, i, 1000);
    peer_data(p, 20, 0, 20, BIT_BE | BIT_I, 1000);
    peer_wait(p, "SACK cum=20 *", 200 * MS);
    REQUIRE(p->took.rwnd > last);
    peer_delete(p);
}
END_TEST

static void buffer_16k(struct usctp_config *config) {
    quiet(config);
    config->receive_buffer_bytes = 16384;
}

static void buffer_64k(struct usctp_config *config) {
    quiet(config);
    config->receive_buffer_bytes = 65536;
}

/* Fills the engine's window with messages of 1000 bytes; returns how many. */
static int fill_window(struct scripted_peer *p) {
    uint32_t rwnd = p->engine_rwnd;
    int tsn = 0;
    while (rwnd >= 1000 && tsn < 100) {
        peer_data(p, tsn, 0, (unsigned)tsn, BIT_BE | BIT_I, 1000);
        peer_take(p, "SACK *");
        REQUIRE_EQ(p->took.cumulative,
                   p->peer_tsn + (uint32_t)tsn); /* inside the window: never dropped */
        rwnd = p->took.rwnd;
        tsn++;
    }
    REQUIRE_RANGE(tsn, 4, 16);
    return tsn;
}

/* 6.2: when the user reads, a window update goes out without being asked for. */
START_TEST(s6_2_window_update_after_reading) {
    struct scripted_peer *p = PEER(.configure = buffer_16k);
    peer_open_passive(p);
    int count = fill_window(p);
    peer_discard(p);
    uint64_t at = p->now_us;
    for (int i = 0; i < count; i++)
        user_expect(p, 0, (unsigned)i, 1000);
    size_t updates = peer_count(p, "SACK *");
    REQUIRE_RANGE(updates, 1, 5); /* no burst of updates: a quarter of the buffer each */
    uint32_t rwnd = 0;
    while (peer_take_if(p, "SACK * gaps=[] dups=[]")) {
        REQUIRE_EQ(p->took.cumulative, p->peer_tsn + (uint32_t)count - 1);
        REQUIRE(p->took.rwnd >= rwnd);
        REQUIRE_EQ(p->took_us, at);
        rwnd = p->took.rwnd;
    }
    REQUIRE(rwnd >= 8192);
    peer_delete(p);
}
END_TEST

/* 6.1 A and 6.2: what a sender sends within the window that it was told is taken, whatever its
 * chunks cost here beside their payload. */
START_TEST(s6_2_told_window_is_kept) {
    struct scripted_peer *p = PEER(.configure = buffer_64k);
    peer_open_passive(p);
    int tsn = 0;
    for (uint32_t rwnd = 65536; rwnd > 32768; rwnd = p->took.rwnd, tsn++) {
        peer_data(p, tsn, 0, (unsigned)tsn, BIT_BE | BIT_I, 1000);
        peer_take(p, "SACK *");
    }
    int end = tsn + (int)(p->took.rwnd / 1000);
    for (; tsn < end; tsn++)
        peer_data(p, tsn, 0, (unsigned)tsn, BIT_BE | BIT_I, 1000);
    while (peer_take_if(p, "SACK * gaps=[] dups=[]"))
        continue;
    REQUIRE_EQ(p->took.cumulative, p->peer_tsn + (uint32_t)end - 1);
    REQUIRE(p->took.rwnd < 1000); /* no more than it was told */
    peer_delete(p);
}
END_TEST

/* 6.2: what was taken behind a gap, small chunks that cost more here than their payload, never
 * keeps out what fills the gap, in whatever order that comes. */
START_TEST(s6_2_gap_can_be_filled) {
    for (int gap = 1; gap <= 801; gap += 400) {
        struct scripted_peer *p = PEER(.configure = buffer_16k);
        peer_open_passive(p);
        int end = gap;
        uint64_t dropped = 0;
        for (; dropped == 0 && end < 4000; end++) {
            peer_data(p, end, 0, (unsigned)end, BIT_BE, 1);
            dropped = peer_status(p).counters.dropped_data_chunks;
        }
        REQUIRE(dropped > 0); /* as much is held as may be */
        for (int tsn = gap - 1; tsn > 0; tsn--)
            peer_data(p, tsn, 0, (unsigned)tsn, BIT_BE, 1);
        for (int tsn = 0; tsn < gap; tsn++) {
            peer_data(p, tsn, 0, (unsigned)tsn, BIT_BE, 1);
            user_expect(p, 0, (unsigned)tsn, 1);
        }
        for (int tsn = gap; tsn < end - 1; tsn++)
            user_expect(p, 0, (unsigned)tsn, 1);
        peer_delete(p);
    }
}
END_TEST

/* 6.2: not for every small read. */
START_TEST(s6_2_no_update_for_little) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_open_passive(p);
    for (int i = 0; i < 10; i++)
        peer_data(p, i, 0, (unsigned)i, BIT_BE | BIT_I, 100);
    peer_discard(p);
    for (unsigned i = 0; i < 10; i++)
        user_expect(p, 0, i, 100);
    peer_run_for(p, SECOND);
    peer_expect_nothing(p);
    peer_delete(p);
}
END_TEST

/* 6.2: a closed window drops new DATA above the highest TSN, answers at once, and does not
 * acknowledge it. */
START_TEST(s6_2_closed_window_drops) {
    struct scripted_peer *p = PEER(.configure = buffer_16k);
    peer_open_passive(p);
    int count = fill_window(p);
    int tsn = count;
    bool dropped = false, closed = false;
    for (int i = 0; i < 20 && !dropped; i++) { /* until the window is really 0 */
        uint64_t at = p->now_us;
        peer_discard(p);
        peer_data(p, tsn, 0, (unsigned)tsn, BIT_BE | BIT_I, 1000);
        peer_take(p, "SACK *");
        REQUIRE_EQ(p->took_us, at);
        dropped = p->took.cumulative != p->peer_tsn + (uint32_t)tsn;
        REQUIRE(dropped || !closed); /* once a_rwnd was 0, nothing new is taken (MUST) */
        closed = p->took.rwnd == 0;
        if (!dropped)
            tsn++;
    }
    REQUIRE(dropped);
    REQUIRE(p->took.rwnd < 1000);
    REQUIRE_EQ(p->took.gap_count, 0);
    for (int i = 0; i < tsn; i++)
        user_expect(p, 0, (unsigned)i, 1000);
    user_expect_nothing(p);
    peer_discard(p);
    peer_data(p, tsn, 0, (unsigned)tsn, BIT_BE | BIT_I, 1000); /* retransmitted, it is taken */
    user_expect(p, 0, (unsigned)tsn, 1000);
    peer_delete(p);
}
END_TEST

/* A closed window with a hole: the missing TSN has to get in, else nothing is ever delivered. */
START_TEST(s6_2_hole_in_a_full_buffer) {
    struct scripted_peer *p = PEER(.configure = buffer_16k);
    peer_open_passive(p);
    uint32_t rwnd = p->engine_rwnd;
    int tsn = 1;
    while (rwnd >= 1000 && tsn < 100) {
        peer_data(p, tsn, 0, (unsigned)tsn, BIT_BE, 1000);
        peer_take(p, "SACK *");
        rwnd = p->took.rwnd;
        tsn++;
    }
    for (int i = 0; i < 10; i++) {
        peer_data(p, tsn, 0, (unsigned)tsn, BIT_BE, 1000);
        tsn++;
    }
    peer_discard(p);
    bool accepted = false;
    for (int round = 0; round < 20 && !accepted; round++) {
        peer_data(p, 0, 0, 0, BIT_BE, 1000);
        accepted = user_read(p).bytes == 1000;
        peer_run_for(p, SECOND);
    }
    REQUIRE(accepted);
    peer_delete(p);
}
END_TEST

/* 1-byte messages: many times more overhead than data; inside the window they are not dropped for
 * that. */
START_TEST(s6_2_small_messages_inside_the_window) {
    struct scripted_peer *p = PEER(.configure = buffer_16k);
    peer_open_passive(p);
    for (int i = 0; i < 200; i++) {
        peer_data(p, i, 0, (unsigned)i, BIT_BE | BIT_I, 1);
        peer_take(p, "SACK *");
        if (p->took.rwnd < 1)
            break;
        REQUIRE_EQ(p->took.cumulative, p->peer_tsn + (uint32_t)i);
    }
    peer_delete(p);
}
END_TEST

/* 6.2: the window that is told, 0 included, is what counts, however small the messages and large
 * their overhead. */
START_TEST(s6_2_told_zero_means_zero) {
    static const unsigned sizes[] = {1, 10, 100, 700, 1400};
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        struct scripted_peer *p = PEER(.configure = buffer_16k);
        peer_open_passive(p);
        uint32_t rwnd = p->engine_rwnd;
        int tsn = 0;
        for (; tsn < 20000; tsn++) {
            peer_data(p, tsn, 0, (unsigned)tsn & 0xffffu, BIT_BE | BIT_I, sizes[k]);
            peer_take(p, "SACK *");
            bool taken = p->took.cumulative == p->peer_tsn + (uint32_t)tsn;
            if (rwnd >= sizes[k])
                REQUIRE(taken); /* inside the window */
            if (rwnd == 0) {
                REQUIRE(!taken);
                break;
            }
            if (!taken)
                break; /* more than fits */
            rwnd = p->took.rwnd;
        }
        REQUIRE(tsn < 20000);
        for (int i = 0; i < tsn; i++)
            user_expect(p, 0, (unsigned)i & 0xffffu, sizes[k]);
        user_expect_nothing(p);
        peer_delete(p);
    }
}
END_TEST

RUN_TESTS("flow control (RFC 9260 6.1 A, 6.2, 6.2.1)", s6_1_a_window_is_respected,
          s6_2_1_rwnd_arithmetic, s6_1_a_zero_window_probes, s6_1_a_window_update,
          s6_1_a_unanswered_probes_count, s6_2_a_rwnd_follows_the_buffer,
          s6_2_window_update_after_reading, s6_2_told_window_is_kept, s6_2_gap_can_be_filled,
          s6_2_no_update_for_little, s6_2_closed_window_drops, s6_2_hole_in_a_full_buffer,
          s6_2_small_messages_inside_the_window, s6_2_told_zero_means_zero)
