/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A simulation: two hosts, a network, users, all drawn from one seed and played in virtual time,
 * with everything that must always hold looked at after each step.
 *
 * sim_scenario.c draws what happens, sim_traffic.c plays the users and checks that each message
 * arrives once, in order and whole, sim_attack.c plays a stranger who forges packets. sim_check.c
 * looks at packets and at what the engines tell of themselves, sim_window.c at flow control,
 * sim_properties.c at the two state machines (it has the table of all that is checked, and where),
 * sim_inside.c at the engines' own books. simulation.c runs it all, and its end. The same seed
 * gives the same packets, always; their hash is in the result.
 */
#ifndef SUPPORT_SIMULATION_H
#define SUPPORT_SIMULATION_H

#include "support/two_hosts.h"

#define SIM_MAX_CUTS     8u
#define SIM_MAX_MESSAGES 70000u
#define SIM_MAX_STREAMS  128u

enum sim_ending {
    SIM_SHUTDOWN,       /* when all is delivered, one side */
    SIM_SHUTDOWN_BOTH,  /* both sides at once */
    SIM_SHUTDOWN_EARLY, /* with data still on its way both ways */
    SIM_ABORT,          /* one side, at some moment */
    SIM_CUT_OFF,        /* all paths are cut for ever */
    SIM_ENDINGS
};

enum sim_sleep { SIM_AWAKE, SIM_HOST_SLEEPS, SIM_BOTH_SLEEP }; /* suspended: the clock jumps */

struct sim_cut {
    unsigned path;
    bool both_ways;
    unsigned from; /* when not both_ways */
    uint64_t at_us, until_us;
};

struct sim_scenario {
    uint64_t seed;
    unsigned paths, ipv6_paths;
    uint32_t mtu;
    uint32_t link_mtu[HOSTS_MAX_PATHS]; /* 0: as mtu; smaller: learned by ICMP */
    struct simulated_link_options link[2][HOSTS_MAX_PATHS];
    struct usctp_config config[2];
    size_t run_bytes[2], batch_packets[2], batch_bytes[2];
    bool batches[2];
    enum sim_ending ending;
    unsigned end_host;
    uint64_t end_after_us; /* ABORT, CUT_OFF: after both are ESTABLISHED */
    bool collision;        /* both connect */
    uint64_t collision_after_us;
    bool restart; /* host 0 crashes and comes back */
    uint64_t restart_after_us;
    bool connect_to_all;
    bool is_udp;
    bool fiddles; /* messages to chosen paths, changes of the primary path, heartbeats on demand */
    struct sim_cut cuts[SIM_MAX_CUTS];
    unsigned cut_count;
    uint32_t traffic_bytes[2];
    uint64_t send_interval_us[2]; /* between messages, at most; 0: as fast as it goes */
    uint64_t read_interval_us[2]; /* 0: at once */
    uint32_t read_bytes[2];       /* each time; 0: all there is */
    unsigned unordered_percent;
    bool flood;                  /* host 0: so many messages on one stream that its SSNs wrap */
    uint64_t clock_us;           /* where time begins */
    uint64_t attack_interval_us; /* between forged packets, at most; 0: none */
    enum sim_sleep sleep;
    uint64_t sleep_after_us, sleep_us;
};

struct sim_message {
    uint32_t bytes;
    uint16_t sid;
    bool unordered;
    bool accepted; /* by the engine that sends it */
    bool received;
    bool optional;  /* a restart came between */
    uint32_t order; /* its number among the ordered ones of its stream */
};

struct sim_user {
    struct sim_message *messages; /* this user's own */
    uint32_t message_count, next_message;
    uint32_t first_missing; /* all before it have arrived, or need not */
    uint32_t ordered_sent[SIM_MAX_STREAMS];
    uint64_t next_send_us, next_read_us;
    bool stopped; /* sends no more */
    bool paused;  /* sends nothing for now */
    bool at_end;  /* read all that will ever come */
    /* reading: of the other's messages */
    uint32_t expected_order[SIM_MAX_STREAMS];
    bool in_message;
    uint32_t current, current_offset;
    uint64_t received, received_bytes;
    uint32_t restarts_seen;
};

struct sim_totals {
    uint64_t seeds, packets, steps, virtual_s, messages, bytes;
    uint64_t t3_expiries, fast_retransmits, failovers, returns, restarts, collisions;
    uint64_t zero_window_probes, partial_deliveries, lost, corrupted, duplicated, reordered,
        too_big, cuts;
    uint64_t endings[SIM_ENDINGS];
    uint64_t guard_aborts; /* T5-shutdown-guard was what ended it */
    uint64_t late_aborts;  /* an out-of-the-blue ABORT came before SHUTDOWN COMPLETE */
    uint64_t near_wraps, tsn_wraps, ssn_wraps, clock_wraps;
    uint64_t heartbeats_answered, aborts, t1_expiries, t2_expiries;
    uint64_t forged, sleeps, sleep_ends;
};

struct sim_result {
    uint64_t hash, packets;
};

/* What one host may send, as the packets tell (sim_window.c). */
struct sim_window {
    bool started;
    uint32_t tag, first_tsn;
    uint64_t *prefix; /* [i]: bytes of user data up to the i-th TSN */
    size_t count, capacity;
    uint64_t limit, acknowledged;
};

/* What a host's association is in, as its trace tells (sim_properties.c). */
struct sim_watch {
    struct simulation *simulation;
    unsigned host;
    int32_t assoc;
    enum usctp_assoc_state state;
    uint64_t since_us;    /* in this state */
    uint64_t shutdown_us; /* when SHUTDOWN or SHUTDOWN ACK was first due; USCTP_NEVER: not yet */
    uint64_t srtt_us[HOSTS_MAX_PATHS];
    uint64_t t3_us[HOSTS_MAX_PATHS]; /* when T3-rtx last expired */
};

/* What a host's books said after the last step (sim_inside.c). */
struct sim_books {
    int32_t assoc;
    uint64_t restarts, packets_in, sacks_out;
    uint64_t unacknowledged_us; /* since when DATA waits for its SACK; USCTP_NEVER: none does */
    uint64_t cwnd_bytes[HOSTS_MAX_PATHS];
};

struct simulation {
    struct two_hosts *hosts;
    struct sim_scenario scenario;
    struct sim_user user[2];
    struct sim_window window[2];
    struct sim_watch watch[2];
    struct sim_books books[2];
    uint64_t random_state;
    uint64_t start_us;
    struct sim_totals totals;
    uint64_t hash;
    bool verbose;
    bool connected, restarted, ending, finished;
    bool slept, ended_by_sleep;
    uint64_t sleep_us, wake_us, attack_us;  /* when they are to happen */
    uint64_t ending_us, restart_us, end_us; /* when they happened, or are to happen */
    uint32_t connects[2];
};

struct sim_options {
    uint64_t seed;
    bool verbose;
    const char *pcap; /* NULL: none; else "PREFIX" of PREFIX-host0.pcap and PREFIX-host1.pcap */
};

/* Plays a seed; a broken promise ends the test (test_fail). Adds to *totals. */
struct sim_result simulation_run(const struct sim_options *options, struct sim_totals *totals);
void sim_totals_print(const struct sim_totals *totals, FILE *to);

/* sim_scenario.c */
void sim_scenario_draw(struct sim_scenario *scenario, uint64_t seed);
void sim_scenario_print(const struct sim_scenario *scenario, FILE *to);
uint64_t sim_draw(uint64_t *state, uint64_t low, uint64_t high); /* both included */

/* sim_traffic.c */
void sim_traffic_plan(struct simulation *s);
void sim_traffic_free(struct simulation *s);
void sim_traffic_act(struct simulation *s, unsigned host);
uint64_t sim_traffic_next(const struct simulation *s, unsigned host);
/* All that had to arrive has. */
bool sim_traffic_is_delivered(struct simulation *s);
void sim_traffic_on_crash(struct simulation *s);
void sim_traffic_require_delivered(struct simulation *s);

/* sim_window.c */
void sim_window_packet(struct simulation *s, unsigned host, const struct read_packet *packet);
void sim_window_free(struct simulation *s);

/* sim_attack.c */
void sim_attack_act(struct simulation *s);

/* sim_properties.c */
void sim_properties_watch(struct simulation *s);
/* both: of host 0 and host 1, or NULL unless both have an association. */
void sim_properties_check(struct simulation *s, const struct usctp_assoc_status *both);

/* sim_inside.c */
void sim_inside_check(struct simulation *s, unsigned host);
void sim_inside_packet(const struct simulation *s, unsigned host,
                       const struct usctp_trace_record *record);

/* sim_check.c */
void sim_check_packet(struct two_hosts *t, unsigned host, int path,
                      const struct usctp_packet *packet);
void sim_check_hosts(struct simulation *s);
void sim_check_collect(struct simulation *s, unsigned host);

#endif
