/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A link that takes less from some moment on and says nothing of it, and more again later, under
 * data both ways: all of it arrives, with loss besides, and packets grow again (RFC 8899 3, 4.3).
 *
 * The link drops what is larger than its MTU unless it may be fragmented, as a simulated link does;
 * nobody sends ICMP errors.
 */
#include "support/run_tests.h"
#include "support/two_hosts.h"

#include <string.h>

#define SECOND        ((uint64_t)1000000)
#define MESSAGE_BYTES 4000u
#define WIDE          1500u

struct world {
    uint32_t sent[2], received[2];
    uint32_t piece[2]; /* bytes read of the message that is not whole yet */
    uint32_t largest;  /* packet that is no probe, IP header included, since it was set to 0 */
    uint32_t headers;
};

static void configure(struct usctp_config *config) {
    config->nodelay = 1;
    config->pmtu_raise_us = 5 * SECOND;
}

static void on_packet(struct two_hosts *t, unsigned host, int path,
                      const struct usctp_packet *packet) {
    struct world *w = t->user;
    (void)path;
    if (host != 0 || (packet->flags & (USCTP_PACKET_PROBE | USCTP_PACKET_MAY_FRAGMENT)))
        return;
    if (packet->length + w->headers > w->largest)
        w->largest = packet->length + w->headers;
}

static void send_one(struct two_hosts *t, unsigned host) {
    static uint8_t bytes[MESSAGE_BYTES];
    struct world *w = t->user;
    const struct usctp_send send = {.sid = 1, .ppid = w->sent[host] + 1};
    const struct usctp_slice slice = {bytes, sizeof bytes};
    memset(bytes, (int)w->sent[host], sizeof bytes);
    if (usctp_assoc_send(t->host[host].engine, t->host[host].assoc, &send, &slice, 1, t->now_us) ==
        0)
        w->sent[host]++;
}

static void read_all(struct two_hosts *t, unsigned host) {
    static uint8_t bytes[MESSAGE_BYTES];
    struct world *w = t->user;
    for (;;) {
        struct usctp_received info;
        const struct usctp_slice slice = {bytes, sizeof bytes};
        int64_t n =
            usctp_assoc_receive(t->host[host].engine, t->host[host].assoc, &info, &slice, 1, 0);
        if (n < 0)
            break;
        REQUIRE_EQ(info.ppid, w->received[host] + 1);
        for (int64_t i = 0; i < n; i++)
            REQUIRE_EQ(bytes[i], (uint8_t)w->received[host]);
        w->piece[host] += (uint32_t)n; /* partial delivery gives pieces */
        if (!(info.flags & USCTP_MESSAGE_END))
            continue;
        REQUIRE_EQ(w->piece[host], MESSAGE_BYTES);
        w->piece[host] = 0;
        w->received[host]++;
    }
    usctp_assoc_received(t->host[host].engine, t->host[host].assoc, t->now_us);
}

/* Both send a message each 20 ms. */
static void talk(struct two_hosts *t, uint64_t us) {
    for (uint64_t until_us = t->now_us + us; t->now_us < until_us;) {
        for (unsigned host = 0; host < 2; host++)
            send_one(t, host);
        hosts_run_for(t, 20000);
        for (unsigned host = 0; host < 2; host++)
            read_all(t, host);
    }
}

static void links_take(struct two_hosts *t, uint32_t mtu, double loss) {
    const struct simulated_link_options link = {
        .delay_us = 10000, .mtu_bytes = mtu, .loss = loss, .rate_bytes_per_s = 10000000};
    hosts_set_links(t, &link);
}

static uint32_t pmtu(struct two_hosts *t, unsigned host) {
    struct usctp_path_status path;
    REQUIRE_EQ(usctp_path_status(t->host[host].engine, t->host[host].assoc, 0, &path), 0);
    return path.pmtu_bytes;
}

static void require_all_arrived(struct two_hosts *t) {
    const struct world *w = t->user;
    hosts_run_for(t, 30 * SECOND);
    for (unsigned host = 0; host < 2; host++)
        read_all(t, host);
    REQUIRE_EQ(w->received[0], w->sent[1]);
    REQUIRE_EQ(w->received[1], w->sent[0]);
    REQUIRE_EQ(host_state(t, 0), USCTP_ESTABLISHED);
    REQUIRE_EQ(host_state(t, 1), USCTP_ESTABLISHED);
}

static void fall_and_rise(const struct hosts_options *options, uint32_t narrow, double loss) {
    struct two_hosts *t = hosts_new(options);
    struct world w = {.headers = options->ipv6_paths ? 40 : 20};
    t->user = &w;
    t->hooks.on_packet = on_packet;
    hosts_establish(t, false);
    links_take(t, WIDE, loss);
    talk(t, 3 * SECOND);
    REQUIRE_EQ(w.largest, WIDE);

    links_take(t, narrow, loss);
    uint32_t before = w.received[1];
    talk(t, 30 * SECOND);
    if (0)
        printf("narrow %u: %u of %u; pmtu %u\n", narrow, w.received[1] - before, w.sent[0],
               pmtu(t, 0));
    fflush(stdout);
    REQUIRE(w.received[1] > before + 500); /* of 1500: it flows again after some seconds */
    REQUIRE_RANGE(pmtu(t, 0), 512, narrow);
    REQUIRE_RANGE(pmtu(t, 1), 512, narrow);
    require_all_arrived(t);

    links_take(t, WIDE, loss);
    talk(t, 40 * SECOND);
    w.largest = 0;
    talk(t, 40 * SECOND);
    if (loss == 0)
        REQUIRE_EQ(w.largest, WIDE);
    else
        REQUIRE(w.largest > narrow);
    require_all_arrived(t);
    hosts_delete(t);
}

START_TEST(black_hole_of_any_size) {
    static const uint32_t sizes[] = {1499, 1492, 1400, 1300, 1280, 1200};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        fall_and_rise(
            &(struct hosts_options){
                .seed = i + 1, .delay_us = 10000, .configure = configure, .no_capture = true},
            sizes[i], 0);
}
END_TEST

/* BASE_PLPMTU does not pass either: ERROR, and MIN_PLPMTU does. */
START_TEST(black_hole_below_the_base) {
    fall_and_rise(
        &(struct hosts_options){
            .seed = 7, .delay_us = 10000, .configure = configure, .no_capture = true},
        600, 0);
}
END_TEST

START_TEST(black_hole_over_ipv6) {
    fall_and_rise(&(struct hosts_options){.seed = 8,
                                          .delay_us = 10000,
                                          .configure = configure,
                                          .ipv6_paths = 1,
                                          .no_capture = true},
                  1280, 0);
}
END_TEST

START_TEST(black_hole_and_loss) {
    for (uint64_t seed = 20; seed < 26; seed++)
        fall_and_rise(
            &(struct hosts_options){
                .seed = seed, .delay_us = 10000, .configure = configure, .no_capture = true},
            1400, 0.01);
}
END_TEST

/* Loss alone, however much, is mostly not taken for a smaller MTU, and is never the last word. */
START_TEST(loss_is_no_black_hole_for_long) {
    struct two_hosts *t =
        HOSTS(.seed = 30, .delay_us = 10000, .configure = configure, .no_capture = true);
    struct world w = {.headers = 20};
    t->user = &w;
    hosts_establish(t, false);
    links_take(t, WIDE, 0.05);
    talk(t, 60 * SECOND);
    links_take(t, WIDE, 0);
    talk(t, 40 * SECOND);
    REQUIRE_EQ(pmtu(t, 0), WIDE);
    REQUIRE_EQ(pmtu(t, 1), WIDE);
    require_all_arrived(t);
    hosts_delete(t);
}
END_TEST

/* Nothing arrives for a while: that is no question of sizes, and nothing stays of it. */
START_TEST(an_outage_leaves_no_trace) {
    struct two_hosts *t =
        HOSTS(.seed = 31, .delay_us = 10000, .configure = configure, .no_capture = true);
    struct world w = {.headers = 20};
    t->user = &w;
    hosts_establish(t, false);
    links_take(t, WIDE, 0);
    talk(t, 2 * SECOND);
    hosts_cut(t, 0, true);
    talk(t, 20 * SECOND);
    hosts_cut(t, 0, false);
    talk(t, 40 * SECOND);
    REQUIRE_EQ(pmtu(t, 0), WIDE);
    REQUIRE_EQ(pmtu(t, 1), WIDE);
    require_all_arrived(t);
    hosts_delete(t);
}
END_TEST

RUN_TESTS("path MTU that changes (RFC 8899)", black_hole_of_any_size, black_hole_below_the_base,
          black_hole_over_ipv6, black_hole_and_loss, loss_is_no_black_hole_for_long,
          an_outage_leaves_no_trace)
