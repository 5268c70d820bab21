/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs a simulation from its first INIT to its end; see simulation.h.
 */
#include "support/simulation.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SECOND       ((uint64_t)1000000)
#define LIMIT_US     (8 * 3600 * SECOND) /* virtual; nothing here takes so long unless it hangs */
#define END_LIMIT_US (2 * 3600 * SECOND)
#define STEP_LIMIT   4000000u
#define CLOCK_US     (1000 * SECOND) /* the clock of most simulations */

static struct simulation *running;

static void on_fail(void) {
    fprintf(stderr, "\nreplay with: sim_run --seed %" PRIu64 " --verbose --pcap sim-%" PRIu64 "\n",
            running->scenario.seed, running->scenario.seed);
    fprintf(stderr, "at %.6f s of virtual time, step %" PRIu64 "\n",
            (double)(running->hosts->now_us - running->start_us) / 1e6, running->hosts->steps);
    sim_scenario_print(&running->scenario, stderr);
    for (unsigned h = 0; h < 2; h++) {
        struct host *host = &running->hosts->host[h];
        struct usctp_assoc_status st;
        if (!host->engine || host->assoc == 0 ||
            usctp_assoc_status(host->engine, host->assoc, &st) != 0)
            continue;
        fprintf(stderr,
                "  host %u: %s, tags %08" PRIx32 "/%08" PRIx32 ", unacknowledged %" PRIu32
                ", unsent %" PRIu64 ", in flight %" PRIu64 ", unread %" PRIu64
                ", peer rwnd %" PRIu32 ", rwnd %" PRIu32 ", closed %d (%d), sent %" PRIu32
                " of %" PRIu32 ", received %" PRIu64 "\n",
                h, state_name(st.state), st.local_tag, st.peer_tag, st.unacknowledged_chunks,
                st.unsent_bytes, st.in_flight_bytes, st.unread_bytes, st.peer_rwnd_bytes,
                st.local_rwnd_bytes, host->closed, host->close_error, running->user[h].next_message,
                running->user[h].message_count, running->user[h].received);
    }
}

/* ---- set-up ---- */

static void on_event(struct two_hosts *t, unsigned host, const struct usctp_event *event) {
    struct simulation *s = t->user;
    if (event->assoc == 0 && (event->what & USCTP_EVENT_INCOMING)) {
        int32_t endpoint;
        int32_t assoc =
            usctp_endpoint_accept(t->host[host].engine, t->host[host].endpoint, &endpoint);
        if (assoc < 0)
            return;
        if (s->finished ||
            t->host[host]
                .closed) { /* a late copy of a good cookie makes a new association (5.1.5) */
            usctp_assoc_release(t->host[host].engine, assoc, t->now_us);
            return;
        }
        if (t->host[host].assoc != 0)
            test_fail(__FILE__, __LINE__, "host %u has two associations with the same peer", host);
        t->host[host].assoc = assoc;
        s->connects[host]++;
    }
}

static void subscribe(struct two_hosts *t, unsigned host) {
    REQUIRE_EQ(usctp_endpoint_subscribe(t->host[host].engine, t->host[host].endpoint,
                                        USCTP_NOTIFY_ASSOC_CHANGE | USCTP_NOTIFY_PATH_CHANGE |
                                            USCTP_NOTIFY_PARTIAL_DELIVERY_ABORTED),
               0);
}

static struct two_hosts *make_hosts(struct simulation *s, bool capture) {
    struct sim_scenario *sc = &s->scenario;
    struct hosts_options options = {.paths = sc->paths,
                                    .ipv6_paths = sc->ipv6_paths,
                                    .seed = sc->seed,
                                    .mtu = sc->mtu,
                                    .delay_us = 0,
                                    .configure = NULL,
                                    .no_capture = !capture};
    struct two_hosts *t = hosts_new(&options);
    s->hosts = t;
    t->user = s;
    t->hooks = (struct hosts_hooks){on_event, sim_check_packet, NULL};
    host_stop(t, 0); /* again, with their own configurations */
    host_stop(t, 1);
    t->now_us = sc->clock_us;
    t->udp_port = sc->is_udp ? HOSTS_UDP_PORT : 0;
    for (unsigned host = 0; host < 2; host++) {
        t->host[host].config = sc->config[host];
        t->host[host].run_bytes = sc->run_bytes[host];
        t->host[host].batch_packets = sc->batch_packets[host];
        t->host[host].batch_bytes = sc->batch_bytes[host];
        t->host[host].batches = sc->batches[host];
        t->host[host].accepts = false; /* on_event does */
        t->host[host].env.near_wrap = sc->seed % 4 == host;
        host_start(t, host);
        subscribe(t, host);
        for (unsigned path = 0; path < sc->paths; path++)
            simulated_link_set_options(t->link[host][path], &sc->link[host][path]);
    }
    return t;
}

static void connect_from(struct simulation *s, unsigned host) {
    int32_t assoc =
        host_connect(s->hosts, host, s->scenario.connect_to_all ? s->scenario.paths : 1);
    if (assoc == USCTP_ERR_EXISTS && s->hosts->host[host].assoc != 0)
        return; /* the other side was faster */
    if (assoc < 3)
        test_fail(__FILE__, __LINE__, "host %u: connect gives %d", host, (int)assoc);
}

/* ---- what happens at given times ---- */

static void act_cuts(struct simulation *s) {
    bool cut[2][HOSTS_MAX_PATHS];
    memset(cut, 0, sizeof cut);
    uint64_t at = s->hosts->now_us - s->start_us;
    for (unsigned i = 0; i < s->scenario.cut_count; i++) {
        const struct sim_cut *c = &s->scenario.cuts[i];
        bool now = at >= c->at_us && at < c->until_us;
        for (unsigned from = 0; from < 2; from++)
            if (now && (c->both_ways || c->from == from))
                cut[from][c->path] = true;
    }
    bool for_ever = s->ending && s->scenario.ending == SIM_CUT_OFF;
    for (unsigned from = 0; from < 2; from++)
        for (unsigned path = 0; path < s->scenario.paths; path++)
            simulated_link_cut(s->hosts->link[from][path], for_ever || cut[from][path]);
}

static void act_restart(struct simulation *s) {
    struct two_hosts *t = s->hosts;
    if (!s->scenario.restart || s->ending)
        return;
    if (!s->restarted && s->connected && t->now_us >= s->restart_us) {
        s->restarted = true;
        sim_check_collect(s, 0);
        /* RFC 9260 5.2.4 discards the cookie of a restart that draws its old tag again. That is one
         * in 2^32, but of the values near 2^32 one in 256. */
        t->host[0].env.not_again = host_status(t, 0).local_tag;
        host_stop(t, 0);
        sim_traffic_on_crash(s);
        host_start(t, 0);
        subscribe(t, 0);
        connect_from(s, 0);
    } else if (s->user[1].paused && host_status(t, 1).counters.restarts > 0) {
        s->user[1].paused = false;
        s->user[1].next_send_us = t->now_us;
    }
}

/* A suspended host: time passes, its clock (CLOCK_BOOTTIME) goes on, and it does nothing. */
static void act_sleep(struct simulation *s) {
    struct two_hosts *t = s->hosts;
    struct host *sleeper = &t->host[s->scenario.end_host];
    if (sleeper->asleep && t->now_us >= s->wake_us) {
        sleeper->asleep = false;
        s->sleep_us = s->wake_us = USCTP_NEVER;
    } else if (!s->slept && t->now_us >= s->sleep_us && !s->ending) {
        s->slept = true;
        s->totals.sleeps++;
        s->wake_us = t->now_us + s->scenario.sleep_us;
        if (s->scenario.sleep == SIM_HOST_SLEEPS)
            sleeper->asleep = true;
        else {
            t->now_us = s->wake_us;
            s->sleep_us = s->wake_us = USCTP_NEVER;
        }
    }
}

static void start_shutdown(struct simulation *s, unsigned host) {
    struct host *h = &s->hosts->host[host];
    int error = usctp_assoc_shutdown(h->engine, h->assoc, s->hosts->now_us);
    if (error != 0 && !h->closed && host_state(s->hosts, host) < USCTP_SHUTDOWN_RECEIVED)
        test_fail(__FILE__, __LINE__, "host %u: shutdown gives %d", host, error);
    s->user[host].stopped = true;
}

static bool restart_is_over(const struct simulation *s) {
    return !s->scenario.restart || (s->restarted && !s->user[1].paused);
}

static void begin_end(struct simulation *s) {
    struct two_hosts *t = s->hosts;
    unsigned host = s->scenario.end_host;
    if (t->host[0].asleep || t->host[1].asleep)
        return;
    bool delivered = sim_traffic_is_delivered(s);
    bool quiet = s->connected && restart_is_over(s);
    switch (s->scenario.ending) {
    case SIM_SHUTDOWN:
    case SIM_SHUTDOWN_BOTH:
        if (!quiet || !delivered)
            return;
        start_shutdown(s, host);
        if (s->scenario.ending == SIM_SHUTDOWN_BOTH)
            start_shutdown(s, 1 - host);
        break;
    case SIM_SHUTDOWN_EARLY:
        if (!quiet || s->user[host].next_message < s->user[host].message_count)
            return;
        start_shutdown(s, host);
        break;
    case SIM_ABORT:
        if (!quiet || t->now_us < s->end_us)
            return;
        REQUIRE_EQ(usctp_assoc_abort(t->host[host].engine, t->host[host].assoc,
                                     (const uint8_t *)"sim", 3, t->now_us),
                   0);
        break;
    case SIM_CUT_OFF:
    case SIM_ENDINGS:
        if (!s->connected || t->now_us < s->end_us)
            return;
        break;
    }
    s->ending = true;
    s->ending_us = t->now_us;
}

static uint64_t next_act(const struct simulation *s) {
    uint64_t next = USCTP_NEVER, now = s->hosts->now_us;
    uint64_t times[7 + 2 * SIM_MAX_CUTS] = {sim_traffic_next(s, 0), sim_traffic_next(s, 1)};
    size_t n = 2;
    times[n++] = s->end_us;
    times[n++] = s->restart_us;
    times[n++] = s->sleep_us;
    times[n++] = s->wake_us;
    times[n++] = s->attack_us;
    for (unsigned i = 0; i < s->scenario.cut_count; i++) {
        times[n++] = s->start_us + s->scenario.cuts[i].at_us;
        times[n++] = s->start_us + s->scenario.cuts[i].until_us;
    }
    if (s->scenario.collision && s->hosts->host[1].assoc == 0 &&
        next > s->start_us + s->scenario.collision_after_us)
        next = s->start_us + s->scenario.collision_after_us;
    next = next <= now ? USCTP_NEVER : next;
    for (size_t i = 0; i < n; i++)
        if (times[i] > now && times[i] < next)
            next = times[i];
    return next;
}

static void act(struct simulation *s) {
    struct two_hosts *t = s->hosts;
    if (s->scenario.collision && t->host[1].assoc == 0 &&
        t->now_us >= s->start_us + s->scenario.collision_after_us)
        connect_from(s, 1);
    if (!s->connected && hosts_both_established(t)) {
        s->connected = true;
        s->restart_us = t->now_us + s->scenario.restart_after_us;
        s->end_us = t->now_us + s->scenario.end_after_us;
        if (s->scenario.sleep != SIM_AWAKE)
            s->sleep_us = t->now_us + s->scenario.sleep_after_us;
    }
    act_cuts(s);
    act_restart(s);
    act_sleep(s);
    sim_attack_act(s);
    for (unsigned host = 0; host < 2; host++)
        sim_traffic_act(s, host);
    if (!s->ending)
        begin_end(s);
}

/* ---- the end ---- */

/* Something that was still on its way, on a slower path, came to a side that had closed, and its
   answer (8.4 rule 8) ended the other one in SHUTDOWN-ACK-SENT, before the SHUTDOWN COMPLETE could.
   All data has arrived by then. */
static bool is_late_abort(const struct host *host, const struct host *other) {
    return host->close_error == USCTP_ERR_RESET && other->close_error == 0 &&
           host->env.state_changes[USCTP_SHUTDOWN_ACK_SENT][USCTP_CLOSED] > 0;
}

static void require_ends(struct simulation *s) {
    struct host *host = s->hosts->host;
    unsigned first = s->scenario.end_host;
    uint64_t guard_us = 5 * s->scenario.config[0].rto_max_us,
             other_us = 5 * s->scenario.config[1].rto_max_us;
    guard_us = other_us < guard_us ? other_us : guard_us;
    if (s->ended_by_sleep) { /* RFC 9260 8.1, and 8.4 rule 8 for the one that slept */
        s->totals.sleep_ends++;
        for (unsigned h = 0; h < 2; h++)
            if (host[h].close_error != USCTP_ERR_UNREACHABLE &&
                host[h].close_error != USCTP_ERR_RESET)
                test_fail(__FILE__, __LINE__, "host %u: ended with %d after a sleep", h,
                          host[h].close_error);
        return;
    }
    switch (s->scenario.ending) {
    case SIM_SHUTDOWN:
    case SIM_SHUTDOWN_BOTH:
    case SIM_SHUTDOWN_EARLY:
        /* RFC 9260 9.2: T5-shutdown-guard may have ended it, but not early. */
        if (is_late_abort(&host[0], &host[1]) || is_late_abort(&host[1], &host[0])) {
            s->totals.late_aborts++;
        } else if (host[0].close_error != 0 || host[1].close_error != 0) {
            if (s->hosts->now_us < s->ending_us + guard_us)
                test_fail(__FILE__, __LINE__, "not a graceful end: %d, %d", host[0].close_error,
                          host[1].close_error);
            s->totals.guard_aborts++;
            return;
        }
        sim_traffic_require_delivered(s);
        return;
    case SIM_ABORT:
        REQUIRE_EQ(host[first].close_error, USCTP_ERR_ABORTED);
        if (host[1 - first].close_error != USCTP_ERR_RESET &&
            host[1 - first].close_error != USCTP_ERR_UNREACHABLE &&
            host[1 - first].close_error !=
                USCTP_ERR_REFUSED) /* restarted, and still in COOKIE-ECHOED */
            test_fail(__FILE__, __LINE__, "the other side of an abort ended with %d",
                      host[1 - first].close_error);
        return;
    case SIM_CUT_OFF:
    case SIM_ENDINGS:
        REQUIRE_EQ(host[0].close_error, USCTP_ERR_UNREACHABLE);
        REQUIRE_EQ(host[1].close_error, USCTP_ERR_UNREACHABLE);
        return;
    }
}

static void require_legal_so_far(struct simulation *s) {
    uint64_t now = s->hosts->now_us;
    if (s->hosts->steps > STEP_LIMIT || now > s->start_us + LIMIT_US ||
        (s->ending && now > s->ending_us && now - s->ending_us > END_LIMIT_US))
        test_fail(__FILE__, __LINE__, "it never ends");
    for (unsigned host = 0; host < 2; host++) {
        if (!s->hosts->host[host].closed || s->ending)
            continue;
        if (!s->slept || s->scenario.sleep != SIM_HOST_SLEEPS)
            test_fail(__FILE__, __LINE__, "host %u: the association ended by itself: %d", host,
                      s->hosts->host[host].close_error);
        s->ending = s->ended_by_sleep = true;
        s->ending_us = s->wake_us != USCTP_NEVER && s->wake_us > now ? s->wake_us : now;
    }
}

static void finish(struct simulation *s) {
    struct two_hosts *t = s->hosts;
    for (unsigned host = 0; host < 2;
         host++) { /* the rest of what can be read, also by slow readers */
        s->user[host].next_read_us = 0;
        sim_traffic_act(s, host);
    }
    require_ends(s);
    for (unsigned host = 0; host < 2; host++) {
        sim_check_collect(s, host);
        s->totals.messages += s->user[host].received;
        s->totals.bytes += s->user[host].received_bytes;
        usctp_assoc_release(t->host[host].engine, t->host[host].assoc, t->now_us);
        t->host[host].assoc = 0;
    }
    s->finished = true;
    hosts_run_for(t, 10 * SECOND);
    for (unsigned host = 0; host < 2; host++) {
        struct usctp_engine_counters counters;
        usctp_engine_counters(t->host[host].engine, &counters);
        REQUIRE_EQ(counters.associations, 0);
        for (unsigned path = 0; path < s->scenario.paths; path++) {
            const struct simulated_link_counters *c = simulated_link_counters(t->link[host][path]);
            s->totals.lost += c->lost;
            s->totals.corrupted += c->corrupted;
            s->totals.duplicated += c->duplicated;
            s->totals.reordered += c->reordered;
            s->totals.cuts += c->cut;
        }
    }
}

static void write_captures(const struct simulation *s, const char *prefix) {
    char path[512];
    for (unsigned host = 0; host < 2; host++) {
        snprintf(path, sizeof path, "%s-host%u.pcap", prefix, host);
        if (capture_write_pcap(&s->hosts->host[host].env.capture, path) != 0)
            fprintf(stderr, "cannot write %s\n", path);
    }
}

static void add_totals(struct sim_totals *to, const struct sim_totals *from) {
    uint64_t *a = (uint64_t *)to;
    const uint64_t *b = (const uint64_t *)from;
    for (size_t i = 0; i < sizeof *to / sizeof *a; i++)
        __atomic_fetch_add(&a[i], b[i],
                           __ATOMIC_RELAXED); /* tests may run in processes that share it */
}

/* Has a count of 31, 32, 53 or 62 bits, of microseconds or milliseconds, come to its end? */
static bool has_wrapped(uint64_t from_us, uint64_t to_us) {
    return (from_us / 1000) >> 31 != (to_us / 1000) >> 31 || from_us >> 32 != to_us >> 32;
}

struct sim_result simulation_run(const struct sim_options *options, struct sim_totals *totals) {
    struct simulation *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->verbose = options->verbose;
    s->hash = 0xcbf29ce484222325u;
    s->restart_us = s->end_us = s->sleep_us = s->wake_us = s->attack_us = USCTP_NEVER;
    sim_scenario_draw(&s->scenario, options->seed);
    s->random_state = options->seed ^ 0x73696d;
    struct two_hosts *t = make_hosts(s, options->pcap != NULL || options->verbose);
    running = s;
    test_on_fail = on_fail;
    if (options->verbose)
        sim_scenario_print(&s->scenario, stdout);
    s->start_us = t->now_us;
    if (s->scenario.attack_interval_us)
        s->attack_us = t->now_us;
    sim_properties_watch(s);
    sim_traffic_plan(s);
    connect_from(s, 0);
    while (!(s->ending && hosts_both_closed(t))) {
        act(s);
        hosts_pump(t);
        sim_check_hosts(s);
        require_legal_so_far(s);
        hosts_step(t, next_act(s));
    }
    finish(s);
    s->totals.seeds = 1;
    s->totals.steps = t->steps;
    s->totals.virtual_s = (t->now_us - s->start_us) / SECOND;
    s->totals.clock_wraps = s->scenario.clock_us != CLOCK_US && has_wrapped(s->start_us, t->now_us);
    s->totals.endings[s->scenario.ending] = 1;
    struct sim_result result = {s->hash, s->totals.packets};
    if (options->pcap)
        write_captures(s, options->pcap);
    add_totals(totals, &s->totals);
    sim_window_free(s);
    sim_traffic_free(s);
    hosts_delete(t);
    running = NULL;
    test_on_fail = NULL;
    free(s);
    return result;
}

void sim_totals_print(const struct sim_totals *t, FILE *to) {
    fprintf(to,
            "%" PRIu64 " seeds: %" PRIu64 " packets, %" PRIu64 " steps, %" PRIu64
            " s of virtual time, %" PRIu64 " messages, %" PRIu64 " bytes\n",
            t->seeds, t->packets, t->steps, t->virtual_s, t->messages, t->bytes);
    fprintf(to,
            "  T3 expiries %" PRIu64 ", fast retransmits %" PRIu64 ", failovers %" PRIu64
            ", returns %" PRIu64 ", restarts %" PRIu64 ", collisions %" PRIu64
            ", zero-window probes %" PRIu64 ", partial deliveries %" PRIu64 "\n",
            t->t3_expiries, t->fast_retransmits, t->failovers, t->returns, t->restarts,
            t->collisions, t->zero_window_probes, t->partial_deliveries);
    fprintf(to,
            "  lost %" PRIu64 ", cut %" PRIu64 ", corrupted %" PRIu64 ", duplicated %" PRIu64
            ", reordered %" PRIu64 ", too big %" PRIu64 ", forged %" PRIu64 ", sleeps %" PRIu64
            " (ended by it %" PRIu64 ")\n",
            t->lost, t->cuts, t->corrupted, t->duplicated, t->reordered, t->too_big, t->forged,
            t->sleeps, t->sleep_ends);
    fprintf(to,
            "  wraps: TSN %" PRIu64 " (begun near it %" PRIu64 "), SSN %" PRIu64 ", clock %" PRIu64
            "; T1 expiries %" PRIu64 ", T2 expiries %" PRIu64 ", heartbeats answered %" PRIu64
            ", ABORTs %" PRIu64 "\n",
            t->tsn_wraps, t->near_wraps, t->ssn_wraps, t->clock_wraps, t->t1_expiries,
            t->t2_expiries, t->heartbeats_answered, t->aborts);
    fprintf(to,
            "  ends: shutdown %" PRIu64 ", both %" PRIu64 ", early %" PRIu64 ", abort %" PRIu64
            ", cut off %" PRIu64 "; ended by the shutdown guard %" PRIu64
            ", by late packets %" PRIu64 "\n",
            t->endings[SIM_SHUTDOWN], t->endings[SIM_SHUTDOWN_BOTH], t->endings[SIM_SHUTDOWN_EARLY],
            t->endings[SIM_ABORT], t->endings[SIM_CUT_OFF], t->guard_aborts, t->late_aborts);
}
