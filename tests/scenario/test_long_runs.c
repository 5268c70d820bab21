/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * New DATA that waits for the next SACK, so that runs over UDP are long (docs/performance.md). RFC
 * 9260 6.1 and 7.2 say what may be sent at most; what is sent later keeps to them.
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/scripted_peer.h"

#define UDP_PORT    9899
#define PAYLOAD     1444u /* of a packet of 1500: IPv4 20, UDP 8, common header 12, DATA 16 */
#define RAW_PAYLOAD 1452u
#define RUN_PACKETS 20u
#define RUN_BYTES   (RUN_PACKETS * (PAYLOAD + 28))
#define PEER_RWND   4000000u

struct flow {
    struct scripted_peer *p;
    uint32_t payload;       /* of a full packet */
    int sent, acknowledged; /* chunks */
};

/* Whole packets, and more than can go. */
static void fill_queue(struct flow *f) {
    while (peer_status(f->p).unsent_bytes < 200 * f->payload)
        user_send(f->p, 0, 10 * (size_t)f->payload);
}

/* Acknowledges one more chunk. Returns how many chunks came for it. */
static int acknowledge(struct flow *f, uint32_t rwnd) {
    REQUIRE(f->acknowledged < f->sent);
    peer_sack(f->p, f->acknowledged++, rwnd, "");
    int came = (int)peer_count(f->p, "DATA *");
    f->sent += came;
    peer_discard(f->p);
    return came;
}

/* Far more is to be sent, and cwnd is far above the peer's window, which is full. */
static struct flow filled(uint16_t udp_port, uint32_t window_packets) {
    struct flow f = {.p = PEER(.configure = eager, .rwnd = PEER_RWND, .udp_port = udp_port,
                               .run_bytes = RUN_BYTES),
                     .payload = udp_port ? PAYLOAD : RAW_PAYLOAD};
    peer_open_active(f.p);
    fill_queue(&f);
    f.sent = (int)peer_count(f.p, "DATA *");
    peer_discard(f.p);
    while (peer_path(f.p, 0).cwnd_bytes < 200 * f.payload) {
        acknowledge(&f, PEER_RWND);
        fill_queue(&f);
        f.sent += (int)peer_count(f.p, "DATA *");
        peer_discard(f.p);
    }
    while (acknowledge(&f, window_packets * f.payload) == 0)
        continue;
    REQUIRE_EQ(peer_status(f.p).unacknowledged_chunks, window_packets);
    return f;
}

/* All at once when it is a run, with the credit of all the SACKs that brought it. */
START_TEST(less_than_a_run_waits) {
    struct flow f = filled(UDP_PORT, 100);
    for (unsigned round = 0; round < 3; round++) {
        unsigned sacks = 1;
        int came;
        while ((came = acknowledge(&f, 100 * PAYLOAD)) == 0)
            sacks++;
        /* the first whole number of chunks that is no less than a run */
        REQUIRE_EQ(sacks, (RUN_BYTES + PAYLOAD - 1) / PAYLOAD);
        REQUIRE_EQ(came, (int)sacks);
    }
    peer_delete(f.p);
}
END_TEST

static void require_none_waits(uint16_t udp_port, uint32_t window_packets) {
    struct flow f = filled(udp_port, window_packets);
    for (int i = 0; i < 50; i++)
        REQUIRE_EQ(acknowledge(&f, window_packets * f.payload), 1);
    peer_delete(f.p);
}

/* Raw packets, few of them under way, a long way, no more to be sent: nothing waits. */
START_TEST(raw_packets_do_not_wait) {
    require_none_waits(0, 100);
}
END_TEST

START_TEST(few_under_way_do_not_wait) {
    require_none_waits(UDP_PORT, 12);
}
END_TEST

START_TEST(on_a_long_way_nothing_waits) {
    struct flow f = filled(UDP_PORT, 100);
    for (int i = 0; i < 120; i++) { /* what was sent after the first of them is measured */
        peer_run_for(f.p, 2 * MS);
        acknowledge(&f, 100 * PAYLOAD);
    }
    for (int i = 0; i < 50; i++) {
        peer_run_for(f.p, 2 * MS);
        REQUIRE_EQ(acknowledge(&f, 100 * PAYLOAD), 1);
    }
    peer_delete(f.p);
}
END_TEST

START_TEST(the_end_does_not_wait) {
    struct flow f = filled(UDP_PORT, 100);
    unsigned idle = 0;
    while (peer_status(f.p).unsent_bytes > 0) {
        idle = acknowledge(&f, 100 * PAYLOAD) == 0 ? idle + 1 : 0;
        REQUIRE(idle <= RUN_PACKETS);
    }
    REQUIRE(f.sent - f.acknowledged > 16); /* it left while plenty was under way */
    peer_delete(f.p);
}
END_TEST

RUN_TESTS("long runs over UDP", less_than_a_run_waits, raw_packets_do_not_wait,
          few_under_way_do_not_wait, on_a_long_way_nothing_waits, the_end_does_not_wait)
