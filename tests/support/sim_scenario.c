/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Draws a scenario from a seed: network, configurations, traffic, what goes wrong, and how it ends;
 * see simulation.h.
 */
#include "support/simulation.h"

#include <inttypes.h>
#include <string.h>

#define MS     ((uint64_t)1000)
#define SECOND ((uint64_t)1000000)

uint64_t sim_draw(uint64_t *state, uint64_t low, uint64_t high) {
    return low + random_step(state) % (high - low + 1);
}

static bool chance(uint64_t *state, unsigned percent) {
    return sim_draw(state, 0, 99) < percent;
}

static uint64_t pick(uint64_t *state, const uint64_t *values, size_t count) {
    return values[sim_draw(state, 0, count - 1)];
}
#define PICK(state, ...)                                                                           \
    pick(state, (const uint64_t[]){__VA_ARGS__},                                                   \
         sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

/* Values of all sizes: each power of two is as likely as the next. */
static uint64_t draw_log(uint64_t *state, uint64_t low, uint64_t high) {
    unsigned bits_low = 63u - (unsigned)__builtin_clzll(low),
             bits_high = 63u - (unsigned)__builtin_clzll(high);
    uint64_t bits = sim_draw(state, bits_low, bits_high);
    uint64_t value = ((uint64_t)1 << bits) + random_step(state) % ((uint64_t)1 << bits);
    return value < low ? low : value > high ? high : value;
}

static void draw_link(struct simulated_link_options *link, uint64_t *r, unsigned worst_loss) {
    memset(link, 0, sizeof *link);
    link->delay_us = draw_log(r, 100, 200 * MS);
    if (chance(r, 40))
        link->jitter_us = sim_draw(r, 0, link->delay_us);
    if (chance(r, 70))
        link->loss = (double)sim_draw(r, 0, worst_loss) / 100;
    if (worst_loss >= 5 && chance(r, 10)) {
        link->burst_loss_start = 0.01;
        link->burst_loss_end = 0.3;
    }
    if (chance(r, 30)) {
        link->reordering = (double)sim_draw(r, 1, 20) / 100;
        link->reordering_us = sim_draw(r, 1, link->delay_us * 2);
    }
    if (chance(r, 30))
        link->duplication = (double)sim_draw(r, 1, 10) / 100;
    if (chance(r, 30))
        link->corruption = (double)sim_draw(r, 1, 5) / 100;
    if (chance(r, 40)) {
        link->rate_bytes_per_s = draw_log(r, 100000, 20000000);
        link->queue_packets = sim_draw(r, 5, 200);
    }
}

static void draw_network(struct sim_scenario *s, uint64_t *r) {
    s->paths = (unsigned)PICK(r, 1, 1, 2, 2, 2, 3);
    s->ipv6_paths = (unsigned)sim_draw(r, 0, 7);
    s->mtu = (uint32_t)PICK(r, 1500, 1500, 1500, 1280, 9000, 1492, 2000);
    unsigned worst = (unsigned)PICK(r, 0, 1, 2, 5, 10, 30);
    if (s->ending == SIM_CUT_OFF)
        worst = worst > 1 ? 1 : worst;
    for (unsigned path = 0; path < s->paths; path++) {
        draw_link(&s->link[0][path], r, worst);
        if (chance(r, 70))
            s->link[1][path] = s->link[0][path];
        else
            draw_link(&s->link[1][path], r, worst);
        if (s->mtu > 1400 && chance(r, 10))
            s->link_mtu[path] = (uint32_t)sim_draw(r, 1280, 1400);
        for (unsigned host = 0; host < 2; host++)
            s->link[host][path].mtu_bytes = s->link_mtu[path] ? s->link_mtu[path] : s->mtu;
    }
}

static void draw_timers(struct usctp_config *c, uint64_t *r) {
    c->rto_min_us = PICK(r, 50 * MS, 200 * MS, 500 * MS, 1000 * MS);
    c->rto_initial_us = c->rto_min_us + sim_draw(r, 0, 1000 * MS);
    c->rto_max_us = PICK(r, 3 * SECOND, 5 * SECOND, 10 * SECOND, 60 * SECOND);
    c->max_init_timeout_us = c->rto_max_us;
    c->max_init_retransmits = 255;
    c->association_max_retrans = 255;
    c->path_max_retrans = (uint32_t)sim_draw(r, 0, 5);
    c->valid_cookie_life_us = 600 * SECOND;
    c->hb_interval_us = sim_draw(r, 500 * MS, 10 * SECOND);
    c->hb_max_burst = (uint32_t)sim_draw(r, 1, 3);
    c->sack_delay_us = PICK(r, 0, 20 * MS, 100 * MS, 200 * MS, 200 * MS, 500 * MS);
    c->sack_every_second_packet = chance(r, 30);
    c->gap_sacks_per_batch = (uint32_t)sim_draw(r, 1, 32);
    c->max_duplicate_reports = (uint32_t)sim_draw(r, 0, 64);
    c->pf_enabled = chance(r, 80);
    c->pf_max_retrans = (uint32_t)PICK(r, 0, 0, 0, 1, 2);
    c->primary_switchover_max_retrans = (uint32_t)PICK(r, 65535, 65535, 65535, 5);
    c->max_burst = (uint32_t)PICK(r, 1, 2, 4, 4, 4, 16);
}

static void draw_config(struct usctp_config *c, uint64_t *r) {
    usctp_config_defaults(c);
    draw_timers(c, r);
    c->outbound_streams = (uint32_t)draw_log(r, 1, 100);
    c->max_inbound_streams = (uint32_t)draw_log(r, 1, 100);
    c->receive_buffer_bytes = (uint32_t)draw_log(r, 4096, 1048576);
    c->send_buffer_bytes = (uint32_t)draw_log(r, 16384, 1048576);
    c->partial_delivery_point_bytes = (uint32_t)draw_log(r, 1000, c->receive_buffer_bytes);
    c->nodelay = chance(r, 50);
    c->fragment_max_bytes = chance(r, 20) ? (uint32_t)sim_draw(r, 100, 1400) : 0;
}

static void draw_cuts(struct sim_scenario *s, uint64_t *r) {
    if (s->ending == SIM_CUT_OFF || !chance(r, 50))
        return;
    s->cut_count = (unsigned)sim_draw(r, 1, SIM_MAX_CUTS);
    for (unsigned i = 0; i < s->cut_count; i++) {
        struct sim_cut *cut = &s->cuts[i];
        cut->path = chance(r, 60) ? 0 : (unsigned)sim_draw(r, 0, s->paths - 1);
        cut->both_ways = chance(r, 80);
        cut->from = (unsigned)sim_draw(r, 0, 1);
        cut->at_us = draw_log(r, 10 * MS, 30 * SECOND);
        cut->until_us = cut->at_us + draw_log(r, 100 * MS, 20 * SECOND);
    }
}

static void draw_traffic(struct sim_scenario *s, uint64_t *r) {
    for (unsigned host = 0; host < 2; host++) {
        s->traffic_bytes[host] = (uint32_t)draw_log(r, 1000, 2000000);
        if (chance(r, 10))
            s->traffic_bytes[host] = 0;
        s->send_interval_us[host] = chance(r, 50) ? 0 : draw_log(r, 1 * MS, 500 * MS);
        if (chance(r, 25)) {
            s->read_interval_us[host] = draw_log(r, 1 * MS, 1000 * MS);
            s->read_bytes[host] = (uint32_t)draw_log(r, 500, 60000);
        }
        s->run_bytes[host] = chance(r, 50) ? 0 : (size_t)sim_draw(r, 1, 20) * s->mtu;
        s->batches[host] = chance(r, 50);
        s->batch_packets[host] = (size_t)PICK(r, 0, 0, 1, 2, 10);
        s->batch_bytes[host] = (size_t)PICK(r, 0, 0, 65536, 20000);
    }
    s->fiddles = chance(r, 30);
    s->unordered_percent = (unsigned)PICK(r, 0, 0, 10, 50, 100);
}

/* Clocks whose microseconds or milliseconds are about to wrap in 31, 32, 53 or 62 bits. */
static uint64_t draw_clock(uint64_t *r) {
    if (!chance(r, 10))
        return 1000 * SECOND;
    uint64_t origin =
        PICK(r, 1ull << 32, (1ull << 31) * 1000, (1ull << 32) * 1000, 1ull << 53, 1ull << 62);
    return origin - sim_draw(r, 1 * MS, 5 * SECOND);
}

/* Host 0 says so many small things on one stream that their SSNs wrap, to one who listens. */
static void make_flood(struct sim_scenario *s) {
    s->flood = true;
    s->ending = SIM_SHUTDOWN;
    s->restart = false;
    s->unordered_percent = 0;
    s->send_interval_us[0] = s->read_interval_us[1] = s->read_bytes[1] = 0;
    s->config[1].receive_buffer_bytes = s->config[0].send_buffer_bytes = 1048576;
}

static void draw_disturbances(struct sim_scenario *s, uint64_t *r) {
    s->clock_us = draw_clock(r);
    if (chance(r, 30))
        s->attack_interval_us = draw_log(r, 1 * MS, 2 * SECOND);
    if (!s->restart && s->ending != SIM_CUT_OFF && chance(r, 5)) {
        s->sleep = chance(r, 50) ? SIM_HOST_SLEEPS : SIM_BOTH_SLEEP;
        s->sleep_after_us = draw_log(r, 10 * MS, 5 * SECOND);
        /* Those who look from time to time would look for an hour. */
        s->read_interval_us[0] = s->read_interval_us[1] = 0;
        s->read_bytes[0] = s->read_bytes[1] = 0;
        s->sleep_us = chance(r, 50) ? 3600 * SECOND : draw_log(r, 100 * MS, 600 * SECOND);
    }
    if (sim_draw(r, 0, 249) == 0)
        make_flood(s);
}

/* Some go over UDP, and of these some a short way, where new data waits for long runs. Not drawn,
 * so that the others stay as they are. */
static void choose_encapsulation(struct sim_scenario *s) {
    s->is_udp = s->seed % 4 == 3;
    if (s->seed % 8 != 7)
        return;
    for (unsigned host = 0; host < 2; host++) {
        for (unsigned path = 0; path < s->paths; path++) {
            s->link[host][path].delay_us = 100 + 20 * path;
            s->link[host][path].jitter_us /= 1000;
            s->link[host][path].reordering_us /= 1000;
            s->link[host][path].rate_bytes_per_s *= 10;
            s->link[host][path].loss /= 10;
        }
        s->run_bytes[host] = (4 + s->seed / 8 % 17) * s->mtu;
        s->config[host].receive_buffer_bytes = 65536 + (uint32_t)(s->seed / 8 % 3) * 32768;
        s->config[host].send_buffer_bytes |= 262144;
    }
    s->traffic_bytes[0] |= 524288;
    s->send_interval_us[0] = 0;
}

void sim_scenario_draw(struct sim_scenario *s, uint64_t seed) {
    uint64_t state = seed * 0x2545f4914f6cdd1du + 1, *r = &state;
    memset(s, 0, sizeof *s);
    s->seed = seed;
    s->ending = (enum sim_ending)PICK(r, SIM_SHUTDOWN, SIM_SHUTDOWN, SIM_SHUTDOWN, SIM_SHUTDOWN,
                                      SIM_SHUTDOWN_BOTH, SIM_SHUTDOWN_BOTH, SIM_SHUTDOWN_EARLY,
                                      SIM_SHUTDOWN_EARLY, SIM_ABORT, SIM_CUT_OFF);
    s->end_host = (unsigned)sim_draw(r, 0, 1);
    s->end_after_us = draw_log(r, 10 * MS, 20 * SECOND);
    draw_network(s, r);
    for (unsigned host = 0; host < 2; host++) {
        draw_config(&s->config[host], r);
        if (s->ending ==
            SIM_CUT_OFF) { /* soon given up, but not because an RTO is below the round trip */
            s->config[host].association_max_retrans = (uint32_t)sim_draw(r, 5, 8);
            s->config[host].rto_min_us = 1 * SECOND;
            s->config[host].rto_initial_us = 2 * SECOND;
        }
    }
    s->connect_to_all = chance(r, 50);
    if (chance(r, 15)) {
        s->collision = true;
        s->collision_after_us = chance(r, 30) ? 0 : sim_draw(r, 0, 4 * s->link[0][0].delay_us);
    } else if (chance(r, 12) && s->ending != SIM_CUT_OFF) {
        s->restart = true;
        s->restart_after_us = draw_log(r, 1 * MS, 5 * SECOND);
        /* While it connects again, it must know all addresses of the other: what comes from one
           that it does not know is out of the blue, and 8.4 rule 8 then aborts the association that
           it means to restart. */
        s->connect_to_all = true;
    }
    draw_cuts(s, r);
    draw_traffic(s, r);
    draw_disturbances(s, r);
    choose_encapsulation(s);
}

void sim_scenario_print(const struct sim_scenario *s, FILE *to) {
    static const char *const endings[SIM_ENDINGS] = {"shutdown", "both shut down", "early shutdown",
                                                     "abort", "cut off"};
    fprintf(to,
            "seed %" PRIu64 ": %u paths (IPv6 mask %u), mtu %" PRIu32 ", %s by host %u%s%s%s%s\n",
            s->seed, s->paths, s->ipv6_paths, s->mtu, endings[s->ending], s->end_host,
            s->collision ? ", collision" : "", s->restart ? ", restart" : "",
            s->connect_to_all ? ", to all addresses" : "", s->is_udp ? ", over UDP" : "");
    for (unsigned host = 0; host < 2; host++) {
        const struct usctp_config *c = &s->config[host];
        fprintf(to,
                "  host %u: %" PRIu32 " bytes, rto %" PRIu64 "/%" PRIu64 "/%" PRIu64
                " ms, rcvbuf %" PRIu32 ", sndbuf %" PRIu32 ", streams %" PRIu32 "/%" PRIu32
                ", sack %" PRIu64 " ms, pmr %" PRIu32 ", pf %" PRIu32 "/%" PRIu32 ", read %" PRIu32
                " every %" PRIu64 " us\n",
                host, s->traffic_bytes[host], c->rto_min_us / MS, c->rto_initial_us / MS,
                c->rto_max_us / MS, c->receive_buffer_bytes, c->send_buffer_bytes,
                c->outbound_streams, c->max_inbound_streams, c->sack_delay_us / MS,
                c->path_max_retrans, c->pf_enabled, c->pf_max_retrans, s->read_bytes[host],
                s->read_interval_us[host]);
        for (unsigned path = 0; path < s->paths; path++) {
            const struct simulated_link_options *l = &s->link[host][path];
            fprintf(to,
                    "    path %u out: delay %" PRIu64 "+%" PRIu64
                    " us, loss %.2f, burst %.2f, reorder %.2f/%" PRIu64
                    ", dup %.2f, corrupt %.2f, rate %" PRIu64 ", mtu %" PRIu32 "\n",
                    path, l->delay_us, l->jitter_us, l->loss, l->burst_loss_start, l->reordering,
                    l->reordering_us, l->duplication, l->corruption, l->rate_bytes_per_s,
                    l->mtu_bytes);
        }
    }
    static const char *const sleeps[] = {"nobody", "a host", "both"};
    fprintf(to,
            "  clock from %" PRIu64 " us, forged packets every %" PRIu64 " us, %s sleeps %" PRIu64
            " ms after %" PRIu64 " ms%s\n",
            s->clock_us, s->attack_interval_us, sleeps[s->sleep], s->sleep_us / MS,
            s->sleep_after_us / MS, s->flood ? ", flood" : "");
    for (unsigned i = 0; i < s->cut_count; i++)
        fprintf(to, "  cut path %u %s from %" PRIu64 " to %" PRIu64 " ms\n", s->cuts[i].path,
                s->cuts[i].both_ways ? "both ways" : "one way", s->cuts[i].at_us / MS,
                s->cuts[i].until_us / MS);
}
