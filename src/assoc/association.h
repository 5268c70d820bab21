/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The structures that the conductors share: engine, endpoint, association, path (RFC 9260 13, 14).
 *
 * Bookkeepers do not include this file. What changes an association's life (state, lists,
 * notifications, the end) goes through the functions here; what is due to be sent is pended here
 * and built in output.c and nowhere else.
 */
#ifndef ASSOC_ASSOCIATION_H
#define ASSOC_ASSOCIATION_H

#include "assoc/address_list.h"
#include "assoc/congestion.h"
#include "assoc/outstanding.h"
#include "assoc/pmtu_search.h"
#include "assoc/reassembly.h"
#include "assoc/receive_queue.h"
#include "assoc/received_tsn.h"
#include "assoc/send_queue.h"
#include "assoc/state_cookie.h"
#include "assoc/token_bucket.h"
#include "chunk/init_chunk.h"
#include "chunk/packet.h"
#include "core/config_pool.h"
#include "core/hash.h"
#include "timer/rto.h"
#include "timer/timer.h"
#include <sys/queue.h>

enum timer_kind {
    TIMER_T1 = 1,    /* T1-init, T1-cookie (4, 5.1; errata 7387, 8402) */
    TIMER_T2,        /* T2-shutdown (9.2) */
    TIMER_T5,        /* T5-shutdown-guard (9.2) */
    TIMER_SACK,      /* delayed acknowledgement (6.2) */
    TIMER_T3,        /* T3-rtx of a path (6.3.2), and the wait before a zero window probe (6.1 A) */
    TIMER_HEARTBEAT, /* of a path (8.3) */
    TIMER_COOKIE_KEY, /* of the engine */
    TIMER_OUTPUT,     /* of the engine: memory was short, output is worth another try */
    TIMER_PMTU,       /* of a path: PROBE_TIMER and PMTU_RAISE_TIMER (RFC 8899 5.1.1) */
    TIMER_IDLE,       /* of the engine: idle.c */
};
#define ENGINE_TIMERS 3u
#define ASSOC_TIMERS  3u /* that may run at once: T1 runs before the others */
#define PATH_TIMERS   3u

enum pending_bit {
    PENDING_INIT = 1u << 0,
    PENDING_COOKIE_ECHO = 1u << 1,
    PENDING_COOKIE_ACK = 1u << 2,
    PENDING_SACK = 1u << 3,
    PENDING_SHUTDOWN = 1u << 4,
    PENDING_SHUTDOWN_ACK = 1u << 5,
    PENDING_SHUTDOWN_COMPLETE = 1u << 6, /* the last packet of an association that has ended */
    PENDING_ABORT = 1u << 7,             /* likewise */
    PENDING_HEARTBEAT = 1u << 8,         /* some path wants one */
    PENDING_CONTROL = 1u << 9,           /* the control queue holds something */
    PENDING_DATA = 1u << 10,             /* there may be DATA to send */
    PENDING_PMTU_PROBE = 1u << 11,       /* some path wants one */
};

/* An encoded chunk that answers something: HEARTBEAT ACK, ERROR, a SACK of an earlier moment. */
struct control_chunk {
    STAILQ_ENTRY(control_chunk) link;
    uint8_t path;
    uint16_t bytes;
    uint8_t data[];
};

/* What one with a path takes, and its first packet of data: there is not room for one where that
 * does not fit. */
/* Under way: the peer has work, and SACKs are to come, while more is gathered for a long run. */
#define PLENTY_PACKETS    16u
#define ASSOCIATION_BYTES (sizeof(struct assoc) + sizeof(struct path) + 1500u)

/* What path_mtu.c keeps for a path beside the search itself. */
struct path_mtu {
    struct pmtu_search search;
    uint32_t sent_bytes; /* of the probe under way */
    struct timer timer;
    uint64_t nonce, sent_us; /* of it, too */
    uint64_t sample_tsn;     /* in a packet above MIN_PLPMTU that is watched; USCTP_NEVER: none */
    uint64_t settled_us;     /* when the search ended */
    uint32_t probes_out, probe_acks_in, black_holes; /* at most one a PROBE_TIMER */
    uint32_t sample_bytes;                           /* the watched packet's */
    uint32_t fixed_bytes;                            /* the tunable pmtu_fixed_bytes */
    uint32_t interface_bytes;                        /* the last that the host said */
    uint16_t lost_samples;                           /* T3-rtx expired for one so often in a row */
    bool wants_probe, is_under_way;
    bool is_raising;                 /* the timer is PMTU_RAISE_TIMER */
    bool is_probing, is_discovering; /* the tunables pmtu_probing, pmtu_discovery */
    bool is_by_hand;                 /* pmtu_discovery is off, and that has been done */
};

struct path {
    struct assoc *assoc;
    struct hash_node by_address; /* engine.paths: peer's address and both ports */
    struct usctp_addr address, source;
    uint8_t index, generation;
    bool is_confirmed; /* 5.4 */
    bool wants_route, wants_heartbeat, heartbeat_outstanding;
    bool is_forbidden;   /* the host refused to send an INIT there */
    bool has_probe_turn; /* its heartbeat timer waits for its turn to be verified */
    enum usctp_path_state state;
    uint32_t error_count;
    uint32_t mtu_bytes; /* of IP packets on the way */
    uint32_t pmdcs;     /* the largest DATA chunk that fits */
    uint16_t udp_port;  /* RFC 6951: the peer's port, 0 = not encapsulated */
    /* tunables */
    uint16_t pf_max_retrans, primary_switchover_max_retrans;
    uint8_t hb_enabled, path_max_retrans, dscp, hop_limit;
    uint32_t flow_label;
    uint64_t hb_interval_us;
    struct rto rto;
    struct congestion congestion;
    struct timer t3, heartbeat;
    struct path_mtu pmtu;
    uint64_t heartbeat_nonce, heartbeat_sent_us;
    uint64_t next_measurement_us; /* chunks sent from then on may be measured (6.3.1 C4: one a round
                                     trip) */
    uint64_t last_data_us,
        last_used_us; /* when DATA, when anything that measures or probes, was sent there */
    uint64_t data_chunks_out, retransmitted_chunks, bytes_out, packets_in;
    uint32_t transmit_number;
    uint32_t heartbeats_out, heartbeat_acks_in; /* at most one an RTO */
    uint64_t made_us;
};

/* struct usctp_assoc_counters, field by field: 32 bits where a timer or a handshake stands behind
 * each count. */
struct assoc_counters {
    uint64_t packets_out, packets_in, data_chunks_out, data_chunks_in, retransmitted_chunks,
        fast_retransmits, bytes_out, bytes_in, sacks_out, sacks_in, duplicate_tsns, gap_blocks_in,
        control_chunks_out, control_chunks_in, dropped_notifications, dropped_control_chunks,
        dropped_data_chunks, partial_deliveries, ordered_chunks_out, unordered_chunks_out,
        ordered_chunks_in, unordered_chunks_in, out_of_sequence_tsns, unreported_duplicates,
        start_time;
    uint32_t t3_expiries, t1_expiries, t2_expiries, zero_window_probes, failovers, returns,
        restarts;
    uint16_t collisions; /* of one set-up */
    uint8_t discontinuity_time;
};

struct assoc {
    struct usctp_engine *engine;
    struct endpoint *endpoint;
    struct hash_node by_id, by_tag;
    TAILQ_ENTRY(assoc) ready_link, event_link, touched_link, used_link, endpoint_link;
    union {
        TAILQ_ENTRY(assoc) waiting_link;
        LIST_ENTRY(assoc) ended_link; /* when nobody can accept it any more */
    };
    bool is_ready, is_listed, is_touched, is_used, is_waiting, is_in_tables, is_released, has_ended,
        is_reaped;
    uint8_t handshake_path;
    bool user_shutdown; /* shut down from this side once established */
    bool peer_shut_down;
    int32_t id;
    enum usctp_assoc_state state;
    int error;
    uint32_t event_bits, subscribed;
    uint16_t local_port, peer_port;
    uint32_t local_tag, peer_tag;
    uint32_t local_tie_tag, peer_tie_tag; /* nonces, 0 until needed (5.2.2, RFC 5062 3) */
    uint32_t local_initial_tsn;
    uint32_t local_count;
    uint32_t amdcs;           /* the smallest PMDCS: what fits every path (RFC 9260 1.3) */
    struct usctp_addr *local; /* our addresses as listed to the peer */
    uint16_t wanted_streams, offered_streams; /* as our INIT or INIT ACK has them */
    uint16_t outbound_streams, inbound_streams;
    const struct usctp_config *config; /* of engine.configs */
    struct source *source;             /* admission.c; NULL: begun from here */

    struct path **paths, *only_path; /* dense; &only_path while there is one */
    uint8_t path_capacity, path_count, primary, data_path, generation;
    uint64_t next_probe_us; /* when the next address may be verified (5.4) */
    uint32_t error_count;   /* 8.1 */

    uint32_t pending; /* enum pending_bit */
    STAILQ_HEAD(, control_chunk) control;
    uint32_t control_count;
    uint16_t abort_causes_bytes;
    uint16_t cookie_bytes;
    uint8_t *abort_causes; /* with PENDING_ABORT */

    struct timer t1, t2, t5, sack_timer;
    uint32_t init_retransmits, shutdown_retransmits, stale_cookies;
    uint32_t cookie_preservative_ms;
    uint32_t t1_rto_us;
    uint64_t handshake_sent_us; /* when INIT or COOKIE ECHO was last sent: the first RTT */
    uint8_t *cookie;            /* the peer's, until COOKIE ACK */

    /* receive side */
    struct received_tsn received;
    struct reassembly reassembly;
    struct receive_queue inbox;
    uint32_t advertised_rwnd;        /* in the last SACK, INIT or INIT ACK */
    uint32_t packets_unacknowledged; /* with DATA */
    uint32_t batch_sacks;            /* snapshots made in this batch */
    bool sack_due, batch_wants_sack;
    bool has_sacked;        /* the first DATA has been acknowledged (5.1) */
    uint8_t last_data_path; /* where the last DATA came from */

    /* send side */
    struct send_queue send_queue;
    struct outstanding outstanding;
    uint32_t peer_rwnd, peer_rwnd_max; /* as last advertised; the largest ever */
    uint64_t fast_recovery_exit;
    bool in_fast_recovery;
    bool retransmit_now;  /* one packet of marked chunks regardless of cwnd (6.3.3 E3, 7.2.4) */
    bool probe_now;       /* one chunk regardless of the peer's window (6.1 A) */
    bool sack_since_t3;   /* the peer answers while its window is closed */
    uint32_t stalled_t3;  /* expiries while shutting down since DATA was last acknowledged */
    bool send_blocked;    /* the user was told USCTP_ERR_AGAIN */
    uint32_t credit;      /* packets of DATA that may still leave in this burst */
    uint32_t sack_credit; /* what is left of the last SACK's, which is kept for a moment */
    uint64_t sack_credit_us;
    uint64_t data_us; /* when a DATA chunk last came or left */

    struct assoc_counters counters;
};

struct endpoint {
    struct hash_node by_id, by_port;
    TAILQ_ENTRY(endpoint) event_link;
    int32_t id;
    uint16_t port;
    struct usctp_addr *bound;
    uint32_t bound_count;
    bool ipv4, ipv6, reuse;
    bool is_listed, is_closed, is_in_port_table, shares_port;
    uint32_t event_bits, subscribed;
    uint32_t backlog;            /* 0 = not listening */
    TAILQ_HEAD(, assoc) waiting; /* to be accepted */
    uint32_t waiting_count;
    TAILQ_HEAD(, assoc) assocs;
    uint32_t assoc_count;
    const struct usctp_config *config; /* for new associations, of engine.configs */
};

/* A packet that belongs to no association: INIT ACK, ABORT, SHUTDOWN COMPLETE, ERROR. */
struct reply {
    struct usctp_packet packet;
};

struct usctp_engine {
    struct env env;
    struct usctp_config config;
    uint64_t now_us; /* of the last call that brought a time */
    struct timers timers;
    struct hash assocs, endpoints, ports, tags,
        paths;           /* by id, by id, by local port, by local tag, by peer address and ports */
    struct hash sources; /* by peer address: admission.c */
    struct config_pool configs;
    uint8_t hash_key[16];
    struct cookie_keys cookie_keys;
    struct timer cookie_timer, output_timer, idle_timer;
    int32_t last_assoc_id, last_endpoint_id;
    TAILQ_HEAD(assoc_list, assoc) ready, listed, touched, used; /* used: carry data, idle.c */
    TAILQ_HEAD(, endpoint) listed_endpoints;
    LIST_HEAD(, assoc) ended; /* to be freed at the end of the call */
    struct usctp_local_address *host;
    uint32_t host_count;
    struct reply *replies; /* ring */
    uint32_t reply_head, reply_count;
    struct token_bucket reply_tokens, init_ack_tokens; /* 8.4, 5.1, 12.4 */
    uint64_t started_us;
    struct usctp_engine_counters counters;
};

/* ---- association.c: life
 * ---------------------------------------------------------------------------------------- */

/* Makes an association in CLOSED, in the id table only. Returns NULL when memory or the limit is
 * short. */
struct assoc *association_new(struct usctp_engine *engine, struct endpoint *endpoint,
                              uint16_t peer_port);
/* Frees it; for what never came to be, and for association_reap. */
void association_delete(struct assoc *a);
/* Enters it under its local tag; paths enter by themselves. */
void association_enter_tag(struct assoc *a, uint32_t tag);
void association_set_state(struct assoc *a, enum usctp_assoc_state state);
/* Begins the send side anew at a TSN; nothing may be outstanding. Returns 0 or USCTP_ERR_NO_MEMORY.
 */
int association_set_initial_tsn(struct assoc *a, uint32_t tsn);
/* Settles the local addresses towards a peer that is reached at `destination`. Returns 0,
 * USCTP_ERR_NO_MEMORY, or UNREACHABLE when the host is known and has none. */
int association_list_local(struct assoc *a, const struct usctp_addr *destination);
/* 5.2.4 A: the peer has restarted. What was sent is given up, what is not yet read stays, and all
   else is as in a new association. Returns false when memory is short; the association is then as
   it was. */
bool association_restart(struct assoc *a, const struct cookie_content *cookie,
                         const struct init_chunk *init, uint64_t now_us);
/* The handshake is done: COMMUNICATION UP, heartbeats begin. */
void association_establish(struct assoc *a, uint64_t now_us);
/*
 * Ends it: CLOSED, out of the lookup tables, timers off, unsent data reported, the user told.
 * error: 0 after a graceful shutdown, else an enum usctp_error. What is pended of PENDING_ABORT and
 * PENDING_SHUTDOWN_COMPLETE still leaves.
 */
void association_end(struct assoc *a, int error, uint16_t cause, const struct chunk *abort_chunk);
/* Frees associations that have ended, have been released and have nothing left to send. Called at
 * the end of every public call that may end some. */
void association_reap(struct usctp_engine *engine);
/* Lists it for reaping if all is said and done. */
void association_check_done(struct assoc *a);
void association_pend(struct assoc *a, uint32_t bits);
void association_raise(struct assoc *a, uint32_t event_bits);
/* Nobody holds its id from now on; it is freed once it has ended and nothing is left to send. */
void association_forget(struct assoc *a);
/* Throws away what is queued in control chunks. */
void association_drop_control(struct assoc *a);
void association_notify(struct assoc *a, const struct usctp_notification *notification);
void association_touch(struct assoc *a);
/* Queues a chunk for a path, within the limit. Returns where its bytes, padding included, are to be
 * written, or NULL. */
uint8_t *association_queue_control(struct assoc *a, uint8_t path, size_t bytes);
struct assoc *association_by_id(const struct usctp_engine *engine, int32_t id);
struct assoc *association_by_tag(const struct usctp_engine *engine, uint32_t tag,
                                 uint16_t local_port, uint16_t peer_port);
struct path *association_path_by_address(const struct usctp_engine *engine,
                                         const struct usctp_addr *address, uint16_t local_port,
                                         uint16_t peer_port);
/* A random tag that is not 0 and not in use with these ports. */
uint32_t association_new_tag(struct usctp_engine *engine);
void association_trace(const struct assoc *a, enum usctp_trace_kind kind, uint32_t path,
                       const uint64_t *abc);
/* It has sent a control chunk, for the first time or again. */
static inline void association_count_control(struct assoc *a, bool is_again) {
    a->counters.control_chunks_out++;
    if (!is_again)
        a->engine->counters.control_chunks_out++;
}
/* Free receive buffer: what a SACK may promise. */
uint32_t association_rwnd(const struct assoc *a);
/* May DATA be sent in this state (6)? */
static inline bool association_may_send_data(const struct assoc *a) {
    return a->state == USCTP_ESTABLISHED || a->state == USCTP_SHUTDOWN_PENDING ||
           a->state == USCTP_SHUTDOWN_RECEIVED;
}

/* ---- idle.c
 * -------------------------------------------------------------------------------------------------------
 */

void idle_watch(struct assoc *a);
/* DATA has come or left. */
static inline void idle_note_data(struct assoc *a) {
    a->data_us = a->engine->now_us;
    if (!a->is_used)
        idle_watch(a);
}
/* It is no more. */
void idle_forget(struct assoc *a);
void idle_on_timer(struct usctp_engine *engine, uint64_t now_us);

/* ---- path.c
 * -------------------------------------------------------------------------------------------------------
 */

/* Adds a path to an address. Returns NULL when it is known already, there are too many, or memory
 * is short. */
struct path *path_add(struct assoc *a, const struct usctp_addr *address, bool is_confirmed,
                      uint16_t udp_port);
/* Takes the last path off, or any one while nothing is outstanding; the others move up. */
void path_remove(struct assoc *a, uint32_t index);
uint64_t path_hash(const struct usctp_engine *engine, const struct usctp_addr *address,
                   uint32_t ports);
struct path *path_find(const struct assoc *a, const struct usctp_addr *address);
void path_choose_source(struct path *p);
/* Bytes of the largest SCTP packet that the way takes whole. */
static inline uint32_t path_packet_bytes(const struct path *p) {
    return PACKET_HEADER_BYTES + p->pmdcs;
}
void path_set_mtu(struct path *p, uint32_t mtu_bytes);
void path_set_state(struct path *p, enum usctp_path_state state);
/* It is the peer's (5.4). */
void path_confirm(struct path *p);
/* It is not known to be the peer's and does not answer: it stands for the association no more
 * (5.1.2 D, RFC 5062 2). */
void path_disown(struct path *p);
struct rto_limits path_rto_limits(const struct path *p);
/* The congestion window of a path that nothing is known of (7.2.1, 7.2.5). */
void path_reset_congestion(struct path *p);
void path_measured(struct path *p, uint64_t rtt_us);
void path_start_t3(struct path *p, uint64_t now_us);

/* ---- path_manager.c: which path, and errors (6.4, 8.1, 8.2, RFC 7829)
 * --------------------------------------------------- */

/* Where new data goes now; moves data_path and tells. */
struct path *path_manager_move_data(struct assoc *a);
static inline bool path_is_usable(const struct path *p) {
    return p->is_confirmed && p->state == USCTP_PATH_STATE_ACTIVE;
}
/* The same, for the most part without a look at the others. */
static inline struct path *path_manager_data_path(struct assoc *a) {
    struct path *p = a->paths[a->primary];
    return a->data_path == a->primary && path_is_usable(p) ? p : path_manager_move_data(a);
}
/* Where a chunk last sent to `last` is retransmitted (6.4.1). */
struct path *path_manager_retransmit_path(struct assoc *a, uint32_t last);
/* A confirmed path for control chunks, preferring `wanted`. */
struct path *path_manager_control_path(struct assoc *a, uint32_t wanted);
/* One more error on a path. counts_for_association: 8.1. Returns false when the association has
 * ended by it. */
bool path_manager_on_error(struct path *p, bool counts_for_association, uint64_t now_us);
/* Something was acknowledged there. */
void path_manager_on_alive(struct path *p, uint64_t now_us);

/* A HEARTBEAT as path_heartbeat_write writes it. */
#define PATH_HEARTBEAT_CHUNK_BYTES 40u
#define PATH_HEARTBEAT_INFO_BYTES  32u
/* Heartbeat Info of a path; probe_bytes: of a path MTU probe, else 0. */
void path_heartbeat_write_info(const struct path *p, uint64_t nonce, uint32_t probe_bytes,
                               uint8_t *info);

/* ---- conductors' entries from input.c, engine.c and user.c
 * ---------------------------------------------------------------- */

enum chunk_verdict {
    CHUNK_DONE,
    CHUNK_DROP_PACKET, /* the rest of the packet is not looked at */
};

/* A packet on its way through the chunks. */
struct inbound {
    struct usctp_engine *engine;
    const struct usctp_packet *packet; /* addresses, UDP ports */
    struct packet_header header;
    struct chunk_summary summary;
    struct assoc *assoc;
    struct path *path; /* the association's path to the packet's source; NULL when it is none */
    uint64_t now_us;
    uint32_t chunk_index;
    uint32_t reply_bytes; /* of control chunks queued in answer to this packet (12.4) */
    bool had_data, had_new_data, had_duplicate, had_gap, wants_sack;
};

/* handshake.c: 5.1; handshake_collision.c: 5.2 */
void handshake_begin(struct assoc *a, uint64_t now_us);
void handshake_on_init(struct inbound *in, const struct chunk *chunk); /* a is NULL or not */
enum chunk_verdict handshake_on_init_ack(struct inbound *in, const struct chunk *chunk);
enum chunk_verdict
handshake_on_cookie_echo(struct inbound *in,
                         const struct chunk *chunk); /* sets in->assoc when it makes one */
enum chunk_verdict handshake_on_cookie_ack(struct inbound *in, const struct chunk *chunk);
void handshake_on_t1(struct assoc *a, uint64_t now_us);
void handshake_on_stale_cookie(struct inbound *in, uint32_t staleness_us); /* in COOKIE-ECHOED */
/* Loads what the peer's INIT or INIT ACK says into the association; used again for collision and
 * restart. Returns 0 or a negative enum usctp_error. */
int handshake_load_peer(struct assoc *a, const struct init_chunk *init,
                        const struct usctp_addr *source, uint64_t now_us);
void handshake_fill_init(const struct assoc *a, struct init_content *content);
/* Answers an INIT with INIT ACK and a cookie: tags and TSN as *chosen has them, new ones where its
 * local tag is 0. */
void handshake_reply_init_ack(struct inbound *in, const struct init_chunk *init,
                              const struct cookie_content *chosen, const struct endpoint *ep,
                              const struct usctp_config *config);
/* Pends the COOKIE ACK for a COOKIE ECHO that was accepted. */
void handshake_acknowledge_cookie(struct inbound *in);
void handshake_collision_on_init(struct inbound *in, const struct init_chunk *init);
enum chunk_verdict handshake_collision_on_cookie(struct inbound *in,
                                                 const struct cookie_content *cookie,
                                                 const struct init_chunk *init, bool is_stale);
/* Aborts an INIT's sender: tag = its Initiate Tag, T bit clear. */
void handshake_refuse(struct inbound *in, uint32_t tag, const uint8_t *causes, size_t bytes);
void handshake_send_stale_cookie(struct inbound *in, uint32_t peer_tag, uint64_t staleness_us);

/* admission.c: 5.1, 12.2.4.3 */
/* May a peer at this address have a new association? If not that is counted, and its INIT's tag
 * gets an ABORT. */
bool admission_check(struct inbound *in, const struct endpoint *ep,
                     const struct usctp_addr *address, uint32_t tag);
/* Counts the association for an address. Returns 0 or USCTP_ERR_NO_MEMORY. */
int admission_enter(struct assoc *a, const struct usctp_addr *address);
void admission_leave(struct assoc *a);

/* handshake_address.c: the peer's addresses (5.1.2) */
/* May the peer be reached at an address that it lists, when it is reached at `source` (5.1.2, RFC
 * 5062 5)? */
bool handshake_is_usable(const struct assoc *a, const struct usctp_addr *address,
                         const struct usctp_addr *source);
/* An address as listed, with the link that a link-local one lacks on the wire. */
struct usctp_addr handshake_scoped(const struct usctp_addr *address,
                                   const struct usctp_addr *source);
/* The path to any of the addresses that an INIT or INIT ACK lists, or NULL (5.1.2 D). */
struct path *handshake_find_listed(const struct inbound *in, const struct init_chunk *init);
/* Is it an INIT ACK, from a stranger, that lists an address of an association's peer (5.1.2 D)? */
bool handshake_is_ours(const struct inbound *in);
/* Is any of the association's confirmed addresses among those of an INIT ACK? */
bool handshake_has_confirmed(const struct assoc *a, const struct init_chunk *init,
                             const struct usctp_addr *source);
/* Makes the paths those that the peer lists, and the one that its chunk came from. Returns 0 or
 * USCTP_ERR_NO_MEMORY. */
int handshake_load_paths(struct assoc *a, const struct init_chunk *init,
                         const struct usctp_addr *source, uint16_t udp_port);

/* receive_data.c, ack.c */
enum chunk_verdict receive_data_on_chunk(struct inbound *in, const struct chunk *chunk);
/* The user has read, or will not read any more: what waited for that goes on. */
void receive_data_on_read(struct assoc *a);
void ack_on_packet(struct inbound *in);
void ack_on_batch_end(struct assoc *a, uint64_t now_us);
void ack_before_data(struct inbound *in);
/* Writes the SACK of this moment, as many gap blocks as fit. Returns whether it was written. */
bool ack_write(struct assoc *a, struct writer *w);
void ack_sent(struct assoc *a);
void ack_on_read(struct assoc *a);

/* retransmit.c */
enum chunk_verdict retransmit_on_sack(struct inbound *in, const struct chunk *chunk);
void retransmit_on_t3(struct path *p, uint64_t now_us);
/* A SHUTDOWN's Cumulative TSN Ack. Returns false when it acknowledges what was never sent (the
 * association has been aborted). */
bool retransmit_on_cumulative(struct assoc *a, uint32_t cumulative_tsn, uint64_t now_us);

/* path_heartbeat.c */
void path_heartbeat_start_all(struct assoc *a, uint64_t now_us);
void path_heartbeat_stop_all(struct assoc *a);
void path_heartbeat_schedule(struct path *p, uint64_t now_us);
/* RFC 7829 3.2 (5), (6): it is probed at once and then each RTO, if heartbeats are on. */
void path_heartbeat_on_potentially_failed(struct path *p, uint64_t now_us);
void path_heartbeat_probe(struct path *p);
void path_heartbeat_on_timer(struct path *p, uint64_t now_us);
enum chunk_verdict path_heartbeat_on_request(struct inbound *in, const struct chunk *chunk);
enum chunk_verdict path_heartbeat_on_ack(struct inbound *in, const struct chunk *chunk);
/* Writes a HEARTBEAT for the path and notes that it was sent. */
void path_heartbeat_write(struct path *p, struct writer *w, uint64_t now_us);

/* path_mtu.c: path MTU discovery (7.3, RFC 8899) */
void path_mtu_init(struct path *p);
/* DATA may be sent: a confirmed path's search begins. */
void path_mtu_start_all(struct assoc *a, uint64_t now_us);
void path_mtu_stop_all(struct assoc *a);
/* What was sent is given up: its TSNs mean other chunks now. */
void path_mtu_forget_data(struct path *p);
/* Its state has changed: connectivity is found or lost. */
void path_mtu_on_path_state(struct path *p, uint64_t now_us);
/* The tunable pmtu_probing has changed. */
void path_mtu_on_tuned(struct path *p, uint64_t now_us);
/* So have pmtu_discovery and pmtu_fixed_bytes. */
void path_mtu_on_discovery(struct path *p, uint64_t now_us);
/* The MTU of the interface to it. */
void path_mtu_on_interface(struct path *p, uint32_t mtu_bytes, uint64_t now_us);
/* A validated report that a packet of ours was too big (RFC 9260 10 ICMP7). */
void path_mtu_on_too_big(struct path *p, uint32_t mtu_bytes, uint64_t now_us);
/* A heartbeat is due: nothing has been sent there for long. */
void path_mtu_on_idle(struct path *p, uint64_t now_us);
/* A packet of sctp_bytes with the chunk `tsn` leaves. */
void path_mtu_on_data_sent(struct path *p, uint64_t tsn, size_t sctp_bytes);
/* The chunk `tsn`, last sent there, is sent again, by whatever path. */
void path_mtu_on_resent(struct path *p, uint64_t tsn);
/* A SACK has been applied. */
void path_mtu_on_sack(struct path *p, uint64_t now_us);
/* T3-rtx expired, and nothing is marked yet. */
void path_mtu_on_t3(struct path *p, uint64_t now_us);
void path_mtu_on_timer(struct path *p, uint64_t now_us);
/* SCTP bytes of the probe that it wants, 0 for none. */
uint32_t path_mtu_wanted_probe(struct path *p);
/* The probe cannot be built: the embedder's memory is smaller. */
void path_mtu_on_no_room(struct path *p, uint64_t now_us);
/* Writes HEARTBEAT and PAD (RFC 4820) up to `sctp_bytes` and notes that they were sent. */
void path_mtu_write_probe(struct path *p, struct writer *w, uint32_t sctp_bytes, uint64_t now_us);
/* A HEARTBEAT ACK whose info names a probe of this path. */
enum chunk_verdict path_mtu_on_probe_ack(struct inbound *in, struct path *p, const uint8_t *info);
/* Bytes of PAD chunk that make the sending host cut a packet that is above the PMTU, 0 for none. */
uint32_t path_mtu_pad_bytes(const struct path *p, size_t sctp_bytes);

/* termination.c: 9 */
void termination_begin(struct assoc *a, uint64_t now_us);
/* All that was to be sent is acknowledged? Then the next step of the shutdown. */
void termination_check(struct assoc *a, uint64_t now_us);
enum chunk_verdict termination_on_shutdown(struct inbound *in, const struct chunk *chunk);
enum chunk_verdict termination_on_shutdown_ack(struct inbound *in, const struct chunk *chunk);
enum chunk_verdict termination_on_shutdown_complete(struct inbound *in, const struct chunk *chunk);
enum chunk_verdict termination_on_abort(struct inbound *in, const struct chunk *chunk);
/* Any packet of the peer's: in SHUTDOWN-SENT it gets its time again (9.2). */
void termination_on_packet(struct assoc *a, uint64_t now_us);
void termination_on_t2(struct assoc *a, uint64_t now_us);
void termination_on_t5(struct assoc *a, uint64_t now_us);
/* T3-rtx expired, and the peer's window is not the reason. */
void termination_on_t3(struct assoc *a);
/* Aborts with encoded causes (copied; may be empty). error: what the user is told. */
void termination_abort(struct assoc *a, const uint8_t *causes, size_t bytes, int error);
void termination_abort_violation(struct assoc *a, const char *text);

/* error_chunk.c */
enum chunk_verdict error_chunk_on_error(struct inbound *in, const struct chunk *chunk);
/* Queues an ERROR chunk around one encoded cause, in answer to this packet. */
void error_chunk_report(struct inbound *in, const uint8_t *cause, size_t bytes);
/* May a chunk of so many bytes answer this packet (9.1), and does it fit one packet with the other
 * answers (12.4)? */
bool error_chunk_may_reply(const struct inbound *in, uint32_t bytes);
/* A chunk of unknown type (3.2). */
enum chunk_verdict error_chunk_on_unknown(struct inbound *in, const struct chunk *chunk);

/* out_of_the_blue.c */
void out_of_the_blue_on_packet(struct inbound *in);
/* Queues a stateless packet back to where `in` came from; `w` holds it whole but for the checksum.
 */
void out_of_the_blue_reply(struct inbound *in, const struct writer *w);
/* May an INIT be answered with INIT ACK now? Asked before anything is spent on one; takes the
 * token.
 */
bool out_of_the_blue_may_init_ack(struct usctp_engine *engine, uint64_t now_us);
/* As out_of_the_blue_reply, for an INIT ACK that may be, with code point, flow label and hop limit
 * of the tunables. */
void out_of_the_blue_init_ack(struct inbound *in, const struct writer *w,
                              const struct usctp_config *config);
/* Answers with a lone chunk, the T bit and the packet's own tag (8.4 rules 5 and 8). */
void out_of_the_blue_reflect(struct inbound *in, uint8_t type);
void out_of_the_blue_free(struct usctp_engine *engine);

/* endpoint.c */
struct endpoint *endpoint_by_id(const struct usctp_engine *engine, int32_t id);
/* The listening endpoint for a packet to this address and port, or NULL. */
struct endpoint *endpoint_find_listener(const struct usctp_engine *engine,
                                        const struct usctp_addr *address, uint16_t port);
/* Does any endpoint have this port? */
struct endpoint *endpoint_find(const struct usctp_engine *engine, const struct usctp_addr *address,
                               uint16_t port);
/* Can it send to addresses of a family? */
bool endpoint_has_family(const struct endpoint *ep, uint32_t family);
struct address_choice endpoint_address_choice(const struct usctp_engine *engine,
                                              const struct endpoint *ep);
void endpoint_raise(struct usctp_engine *engine, struct endpoint *ep, uint32_t bits);
/* Out of its table, and its memory back. */
void endpoint_delete(struct usctp_engine *engine, struct endpoint *ep);
void endpoint_add_assoc(struct endpoint *ep, struct assoc *a);
void endpoint_remove_assoc(struct usctp_engine *engine, struct assoc *a);
/* It no longer waits to be accepted. */
void endpoint_stop_waiting(struct assoc *a);

/* input.c, engine.c */
void input_drop(struct inbound *in, enum usctp_drop why);
/* Hundredths of a second since the engine was made (RFC 3873's TimeStamp). */
uint64_t engine_timestamp(const struct usctp_engine *engine, uint64_t now_us);
/* Ids, local ports and local tags: no peer chooses one of them, and the table spreads their bits.
 */
static inline uint64_t engine_hash(const struct usctp_engine *engine, uint64_t value) {
    (void)engine;
    return value;
}
/* Is it the IPv4 broadcast address of a network that the host is on? */
bool engine_is_broadcast(const struct usctp_engine *engine, const struct usctp_addr *address);

#endif
