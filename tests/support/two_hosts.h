/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two engines and the network between them, in virtual time: up to four paths, each a pair of
 * simulated links, with rules that drop packets by what they carry ("the next two packets with
 * COOKIE ACK on path 0").
 *
 * Each step goes to the next moment at which something happens: a packet arrives or a timer is due.
 * Path i joins host 0's address i to host 1's. Incoming associations are accepted, routes given.
 * What the hosts' users do is the test's business: on_event, or between runs.
 */
#ifndef SUPPORT_TWO_HOSTS_H
#define SUPPORT_TWO_HOSTS_H

#include "core/env.h"
#include "net/simulated_link.h"
#include "support/engine_env.h"
#include "support/packet_builder.h"
#include "support/packet_reader.h"

#define HOSTS_MAX_PATHS 4u
#define HOSTS_MAX_RULES 8u
#define HOSTS_PORT      7000u /* host h has port HOSTS_PORT + h */
#define HOSTS_UDP_PORT  9899u
#define ANY_PATH        (-1)
#define ANY_CHUNK       256u

struct drop_rule {
    unsigned from; /* host that sends */
    int path;      /* or ANY_PATH */
    unsigned type; /* chunk type, or ANY_CHUNK */
    unsigned skip; /* so many pass first */
    unsigned count;
    unsigned dropped;
};

struct host {
    struct engine_env env;
    struct usctp_config config;
    struct usctp_engine *engine; /* NULL: down */
    int32_t endpoint, assoc;
    struct usctp_addr addr[HOSTS_MAX_PATHS];
    uint32_t events; /* of assoc, since the test looked */
    bool closed;
    int close_error;
    bool accepts;                      /* take incoming associations at once */
    size_t run_bytes;                  /* usctp_batch.max_run_bytes */
    size_t batch_packets, batch_bytes; /* limits of what usctp_engine_output gets; 0: large */
    bool batches;                      /* packets that arrive together are put in together */
    bool asleep;                       /* suspended: its clock stands still, what arrives is lost */
    uint64_t packets_out, packets_in;
};

struct two_hosts;
struct hosts_hooks { /* each may be NULL */
    void (*on_event)(struct two_hosts *t, unsigned host, const struct usctp_event *event);
    /* Every packet as it leaves a host, before rules and links. path -1: to no address of the other
     * host. */
    void (*on_packet)(struct two_hosts *t, unsigned host, int path,
                      const struct usctp_packet *packet);
    /* What a link makes of a packet that no rule drops, whose bytes it may change: how many copies
     * go on their way. */
    unsigned (*on_link)(struct two_hosts *t, unsigned host, unsigned path,
                        struct usctp_packet *packet);
};

struct two_hosts {
    struct host host[2];
    unsigned paths;
    uint16_t udp_port;                               /* of both hosts; 0: raw */
    struct simulated_link *link[2][HOSTS_MAX_PATHS]; /* [from][path] */
    struct engine_env link_memory;
    struct env link_env;
    struct drop_rule rules[HOSTS_MAX_RULES];
    size_t rule_count;
    uint64_t now_us;
    uint64_t steps;
    uint32_t mtu;
    struct hosts_hooks hooks;
    void *user;
};

struct hosts_options {
    unsigned paths; /* 0 = 1 */
    unsigned ipv6_paths;
    uint64_t seed;
    uint32_t mtu;                                   /* 0 = 1500 */
    uint64_t delay_us;                              /* one way, on every link */
    void (*configure)(struct usctp_config *config); /* of both hosts */
    bool no_capture;
};

struct two_hosts *hosts_new(const struct hosts_options *options);
#define HOSTS(...) hosts_new(&(struct hosts_options){__VA_ARGS__})
/* Deletes engines and links; requires that nothing is allocated. */
void hosts_delete(struct two_hosts *t);
void hosts_set_links(struct two_hosts *t, const struct simulated_link_options *options);
/* Both directions of a path. */
void hosts_cut(struct two_hosts *t, unsigned path, bool is_cut);
void hosts_drop(struct two_hosts *t, unsigned from, int path, unsigned type, unsigned count);
/* Packets that a rule has dropped. */
unsigned hosts_dropped(const struct two_hosts *t, size_t rule);

/* Starts (again) or ends a host's engine. */
void host_start(struct two_hosts *t, unsigned host);
void host_stop(struct two_hosts *t, unsigned host);
/* usctp_assoc_connect from one host to the other, to its first `addresses` addresses. Returns what
 * the engine does. */
int32_t host_connect(struct two_hosts *t, unsigned host, unsigned addresses);

/* Does what is due at now_us. Returns false when nothing was. */
bool hosts_pump(struct two_hosts *t);
/* When something happens next. */
uint64_t hosts_next(const struct two_hosts *t);
/* Goes to the next moment, unless it is later than `limit_us`: then goes there and returns false.
 */
bool hosts_step(struct two_hosts *t, uint64_t limit_us);
void hosts_run_for(struct two_hosts *t, uint64_t us);
/* Runs until condition(t) holds, at most `us`; fails the test when it does not come to hold. */
void hosts_run_until(struct two_hosts *t, bool (*condition)(struct two_hosts *t), uint64_t us);

/* For conditions. */
bool hosts_both_established(struct two_hosts *t);
bool hosts_both_closed(struct two_hosts *t);
struct usctp_assoc_status host_status(struct two_hosts *t, unsigned host);
enum usctp_assoc_state host_state(struct two_hosts *t, unsigned host);
/* Connects host 0 to host 1's first address, or all, and runs until both are ESTABLISHED. */
void hosts_establish(struct two_hosts *t, bool to_all);

#endif
