/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The world that a scenario is played in: two hosts with an engine each, the links between them,
 * the associations with what their users send, and what watches them.
 *
 * world.c: the clock, and the order in which things happen.  host.c: an engine, its environment and
 * its packets.  network.c: links and what changes on them.  conversation.c and message.c: users,
 * who know what has to arrive.  restart.c: hosts that forget everything.  check.c, check_packet.c,
 * window.c: what must always hold.  series.c: the CSV file.  summary.c: what is told at the end.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "api/env_host.h"
#include "common/capture.h"
#include "common/trace_json.h"
#include "sim/scenario.h"
#include "timer/timer.h"

#include <stdio.h>

#define WORLD_START_US  (1000 * (uint64_t)USCTP_S) /* the engines' clocks at the scenario's 0 */
#define WORLD_PORT      5000u                      /* where b listens */
#define WORLD_BASE_PORT 10000u                     /* association n has a's port base + n */

struct world;

/* ---- network.c ---- */

struct network {
    struct env env;                                     /* the links' memory */
    struct simulated_link *link[2][SCENARIO_MAX_PATHS]; /* [from][path] */
    struct simulated_link_options options[2][SCENARIO_MAX_PATHS];
    unsigned next_change;
    uint64_t unrouted; /* packets to no address of the other host */
};

void network_open(struct world *w);
void network_close(struct world *w);
/* Makes the changes that are due, to links and hosts. */
void network_change(struct world *w);
uint64_t network_next(const struct world *w);
/* The path that a packet takes, or -1. source may be of family NONE. */
int network_path(const struct world *w, unsigned from, const struct usctp_addr *source,
                 const struct usctp_addr *destination);
void network_send(struct world *w, unsigned from, const struct usctp_packet *packet);
/* Takes up to n packets that have arrived; their bytes lie in memory[i]. */
size_t network_receive(struct world *w, unsigned to, struct usctp_packet *packets,
                       uint8_t (*memory)[USCTP_MAX_PACKET_BYTES], size_t n);

/* ---- host.c ---- */

struct host {
    struct world *world;
    unsigned number;
    struct env_host mac;
    struct usctp_environment environment;
    uint64_t random_state, random_word;
    struct usctp_engine *engine; /* NULL while the host is not there */
    int32_t listener;
    uint32_t *by_id; /* [association id]: conversation + 1, or 0 */
    size_t by_id_count;
    uint64_t back_us; /* of the last restart */
    uint32_t restarts;
    uint64_t missed;  /* packets that came while it was not there */
    uint64_t refused; /* with wrong checksums, by engines that are no more */
};

void host_open(struct world *w, unsigned number);
void host_close(struct host *host);
/* All that it knows is gone, and nobody is told. */
void host_crash(struct host *host);
/* It is there again, with the same addresses and the same program. */
void host_reboot(struct host *host);
/* An endpoint on all of the host's addresses. */
int32_t host_endpoint(struct host *host, uint32_t port);
/* Names the conversation that an association belongs to. */
void host_remember(struct host *host, int32_t assoc, uint32_t conversation);
/* Does what is due now; returns false when nothing was. */
bool host_pump(struct host *host);

/* ---- message.c: one direction of an association ---- */

struct flow_state {
    uint64_t sent_bytes;
    uint64_t next_us;
    uint64_t remainder;
    uint32_t pending_bytes; /* of the message that waits for room; 0: none */
    uint64_t messages;
    bool blocked, finished;
};

struct message {
    uint32_t bytes, life;
    uint16_t sid;
    uint8_t flow;
    bool unordered, received, given_up;
    uint32_t order; /* among the ordered ones of its stream and life */
    uint64_t sent_us;
};

struct direction {
    unsigned from;
    uint32_t conversation;
    struct flow_state flow[SCENARIO_MAX_FLOWS];
    unsigned turn; /* the flow that is asked first */
    uint64_t random_state;
    struct message
        *ring; /* messages base..next-1, at their number modulo capacity, a power of two */
    uint64_t base, next, capacity;
    /* Lives: the associations that the sender has had with the other host, from 1 on. */
    uint32_t life, reading; /* of what is sent; of what is read, or the least that it can be */
    bool may_advance;       /* a later life may be read from now on */
    uint64_t outstanding;   /* messages of this life that have not arrived */
    uint32_t streams;
    uint32_t *sent_order, *expected_order; /* [stream] */
    bool in_message,
        is_unread; /* a piece has begun a message; more lies there than may be read yet */
    uint64_t read_us, read_remainder; /* a slow reader reads on then */
    uint64_t current;
    uint32_t current_offset;
    uint64_t sent_bytes, delivered_messages, delivered_bytes;
    uint64_t first_sent_us, last_delivery_us; /* 0: none yet */
    uint64_t gap_us, gap_end_us; /* longest time without delivery while something was waiting */
    uint64_t latency_sum_us, latency_max_us;
    uint64_t path_bytes[SCENARIO_MAX_PATHS];    /* delivered */
    uint64_t sampled_bytes[SCENARIO_MAX_PATHS]; /* of these, at the last sample */
};

void direction_open(struct world *w, struct direction *d, unsigned from, uint32_t conversation);
void direction_close(struct direction *d);
/* The sender has a new association: what was sent before and has not arrived may be lost, and is
 * replaced. */
void direction_renew(struct world *w, struct direction *d);
/* The receiver has one: he reads nothing of earlier lives than this any more. */
void direction_listen(struct direction *d, uint32_t reading);
/* Sends what is due on an association. */
void direction_send(struct world *w, struct direction *d, int32_t assoc);
/* There is room again. */
void direction_unblock(struct direction *d);
/* When there is something to send next. */
uint64_t direction_next(const struct world *w, const struct direction *d);
/* Reads what has arrived, as fast as the scenario's reader does. Returns false once nothing will
 * ever come. */
bool direction_receive(struct world *w, struct direction *d, int32_t assoc);
/* Reads it all. */
void direction_receive_rest(struct world *w, struct direction *d, int32_t assoc);
/* When a slow reader reads on. */
uint64_t direction_next_read(const struct direction *d);
bool direction_is_finished(const struct world *w, const struct direction *d);

/* ---- conversation.c ---- */

/* What one side may send, as its packets and the other's tell (window.c). */
struct window {
    uint64_t *totals;              /* [chunk]: user data up to it, in a ring; chunks base..next-1 */
    uint64_t base, next, capacity; /* capacity: a power of two */
    uint64_t sent_bytes, cumulative_bytes, acknowledged_bytes, limit_bytes;
    uint32_t first_tsn;
    bool started;
};

struct conversation {
    uint32_t number;
    int32_t assoc[2], endpoint[2]; /* 0: none, or no longer */
    enum usctp_assoc_state state[2];
    uint64_t since_us[2]; /* of the state */
    bool opened, established, closing, closed[2], over;
    int error[2];
    uint64_t opened_us, established_us;
    bool is_behind[2];       /* its association is one that the other host has lost */
    uint32_t accepted_life;  /* of a's */
    uint64_t heard[2];       /* restarts of the peer, by the association's counter */
    uint64_t told[2];        /* and by notifications */
    uint64_t told_before[2]; /* in associations that have ended */
    uint32_t reopened;
    struct direction from[2];
    struct window window[2];
    struct usctp_assoc_counters counters[2]; /* of those that have ended */
    struct timer timer;
    bool touched;
};

void conversation_open_all(struct world *w);
void conversation_close_all(struct world *w);
/* Takes what the engine tells. */
void conversation_event(struct world *w, unsigned host, const struct usctp_event *event);
/* Does what its users want to do now. */
void conversation_act(struct world *w, struct conversation *c);
/* Makes those act whose time has come. Returns false when there was none. */
bool conversation_wake(struct world *w);
bool conversation_is_over(const struct conversation *c);
/* Whether a host has an association of it that has not ended. */
static inline bool conversation_is_live(const struct conversation *c, unsigned host) {
    return c->assoc[host] != 0 && !c->closed[host];
}
/* Adds the counters of an association that ends to the conversation's. */
void conversation_keep(const struct world *w, struct conversation *c, unsigned host);
/* To be asked after each end. */
void conversation_note_over(struct world *w, struct conversation *c);
/* When it is opened for the first time. */
uint64_t conversation_begin_us(const struct world *w, const struct conversation *c);
bool conversation_is_delivered(const struct world *w, const struct conversation *c);
/* The conversation of an association, or NULL. */
struct conversation *conversation_of(struct world *w, unsigned host, int32_t assoc);
/* Counters so far. */
void conversation_counters(const struct world *w, const struct conversation *c, unsigned host,
                           struct usctp_assoc_counters *out);

/* ---- restart.c ---- */

/* A host goes, and takes its side of every association with it. */
void restart_lose(struct world *w, unsigned host);
/* It is back: a opens again what it had. */
void restart_return(struct world *w, unsigned host);
/* Whether an association of b's, with this tag of its peer's, is with the one that a has now. */
bool restart_is_current(const struct world *w, const struct conversation *c, uint32_t peer_tag);
/* Looks whether the engine has found the peer restarted. */
void restart_listen(struct world *w, struct conversation *c, unsigned host);
/* The user reads that it has. */
void restart_told(struct world *w, struct direction *d);
/* The association ends, and everything it had to tell has been read. */
void restart_check_told(struct world *w, const struct conversation *c, unsigned host);
/* Whether a opens another because b restarted. */
bool restart_wants_another(const struct world *w, const struct conversation *c, int error);

/* ---- check.c, check_packet.c, window.c ---- */

void check_state(struct world *w, unsigned host, const struct usctp_trace_record *record);
void check_packet_out(struct world *w, unsigned host, const struct usctp_trace_record *record);
/* As it goes to the network: no data to an unconfirmed address. */
void check_destination(struct world *w, unsigned host, const struct usctp_packet *packet);
/* After each step: what was touched. */
void check_step(struct world *w);
void check_end(struct world *w);
void window_data(struct world *w, struct conversation *c, unsigned sender, uint32_t tsn,
                 uint32_t bytes);
void window_cumulative(struct world *w, struct conversation *c, unsigned receiver,
                       uint32_t cumulative);
/* sack: from its cumulative TSN on, as long as its counts say. */
void window_sack(struct world *w, struct conversation *c, unsigned receiver, const uint8_t *sack);
/* Forgets all. */
void window_free(struct window *window);

/* ---- series.c ---- */

struct series;
struct series *series_open(const char *path);
void series_sample(struct world *w);
int series_close(struct series *series);

/* ---- world.c ---- */

struct world_outputs {
    const char *pcap[2]; /* what host a, host b sees; NULL: none */
    const char *trace;
    const char *series;
};

struct world {
    const struct scenario *scenario;
    uint64_t now_us; /* of the engines' clocks */
    uint64_t steps, packets;
    struct host host[2];
    struct network network;
    struct conversation *conversations;
    uint32_t conversation_count, over_count, opened_count;
    struct timers timers;
    uint32_t *touched; /* conversations to look at after this step */
    uint32_t touched_count;
    struct capture *capture[2];
    struct trace_json *trace;
    struct series *series;
    uint64_t next_sample_us;
    char violation[320]; /* "": none */
    uint64_t violation_us;
};

enum world_result {
    WORLD_DELIVERED,
    WORLD_UNDELIVERED, /* not all arrived, or an association did not end as it should */
    WORLD_VIOLATED,    /* a promise of the protocol or of the engine was broken */
};

/* Opens everything; ends the program with one line where it cannot. */
struct world *world_open(const struct scenario *scenario, const struct world_outputs *outputs);
/* Plays to the end. *why is one line unless all was delivered. */
enum world_result world_play(struct world *w, char why[320]);
/* Returns 0, or -1 when a file is not complete. */
int world_close(struct world *w);

/* A broken promise: the first is kept and ends the play. */
void world_violate(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The scenario's time. */
static inline uint64_t world_time_us(const struct world *w) {
    return w->now_us - WORLD_START_US;
}
/* splitmix64, and a state for one purpose from the scenario's seed. */
uint64_t world_random(uint64_t *state);
uint64_t world_seed(const struct world *w, uint32_t purpose, uint32_t number);
void *world_memory(size_t count, size_t bytes); /* zeroed; never NULL */
void world_touch(struct world *w, struct conversation *c);

#endif
