/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One engine, and the peer it talks to, who does only what a test's script says.
 *
 * The script sends packets (packet_builder.h) and takes what the engine answered by its text
 * (packet_reader.h); a text may have '*' in it. Chunks are taken one by one, oldest first, so that
 * a script does not depend on what is bundled with what; peer_take_packet is for where it does.
 * TSNs in texts and in the short-hands count from the initial TSNs: the engine's first DATA is
 * tsn=0, a SACK that acknowledges nothing is cum=-1. Virtual time moves only by peer_run_*,
 * peer_wait.
 *
 * Besides, the peer answers HEARTBEATs by itself (unless told not to) and gives the engine routes
 * when it asks.
 */
#ifndef SUPPORT_SCRIPTED_PEER_H
#define SUPPORT_SCRIPTED_PEER_H

#include "support/engine_env.h"
#include "support/packet_builder.h"
#include "support/packet_reader.h"

#define PEER_MAX_PATHS 4u
#define MS             ((uint64_t)1000)
#define SECOND         ((uint64_t)1000000)

struct peer_options {
    void (*configure)(struct usctp_config *config); /* changes to the defaults; pmtu_probing is 0 */
    unsigned paths;          /* 0 = 1; path i: engine's address i, peer's address i */
    unsigned ipv6_paths;     /* bit i: path i is IPv6 */
    uint32_t rwnd, tsn, tag; /* the peer's; 0 = 131072, 1000, 0x70656572 */
    uint16_t os, mis;        /* 0 = 10 */
    uint32_t mtu;            /* 0 = 1500 */
    uint16_t udp_port;       /* the peer is behind this UDP port; 0 = raw */
    uint32_t run_bytes; /* of the engine's longest runs; taken apart before the script sees them */
    uint64_t seed;
    bool near_wrap;       /* the engine's random values lie before 2^32 */
    bool tsn_is_set;      /* tsn counts even when 0 */
    bool hold_heartbeats; /* HEARTBEATs are left to the script */
    bool do_not_accept;   /* incoming associations wait */
    bool connect_to_all;  /* usctp_assoc_connect gets all addresses, not just the first */
    uint32_t subscribe;   /* enum usctp_notification_kind */
};

struct seen_packet {
    uint64_t at_us;
    struct usctp_packet packet; /* data: own memory */
    struct read_packet read;    /* chunks point into data */
    int path;                   /* index of the peer's address it went to, -1: none of them */
    bool taken[READ_MAX_CHUNKS];
    size_t left;
};

struct scripted_peer {
    struct engine_env env;
    struct peer_options options;
    struct usctp_config config;
    struct usctp_engine *engine;
    int32_t endpoint, assoc;
    uint64_t now_us;
    unsigned paths;
    struct usctp_addr engine_addr[PEER_MAX_PATHS], peer_addr[PEER_MAX_PATHS];
    bool cut[PEER_MAX_PATHS]; /* HEARTBEATs to it are not answered */
    uint16_t engine_port, peer_port;
    uint32_t engine_tag,
        peer_tag; /* what goes into packets to the engine; what comes in those from it */
    uint32_t engine_tsn, peer_tsn; /* initial */
    uint32_t engine_rwnd;
    uint8_t cookie[4096]; /* the engine's, from its INIT ACK; or ours, in our INIT ACK */
    size_t cookie_bytes;
    struct packet_builder out;
    struct seen_packet *
        *seen; /* all, until the peer is deleted; those before `first` are taken whole */
    size_t seen_count, seen_capacity, first;
    bool answering; /* HEARTBEATs, just now */
    /* of what was taken last */
    uint64_t took_us;
    int took_path;
    uint32_t took_tag;
    struct usctp_packet took_packet;
    struct read_chunk took;
    /* events since the script looked */
    uint32_t events, endpoint_events;
    int32_t closed_error;
    bool closed;
    uint64_t messages_sent;
};

/* ---- life ---- */

struct scripted_peer *peer_new(const struct peer_options *options);
#define PEER(...) peer_new(&(struct peer_options){__VA_ARGS__})
/* Releases the association, deletes the engine, requires that nothing is allocated. */
void peer_delete(struct scripted_peer *p);

/* ---- the engine's side ---- */

/* Opens an endpoint that listens (done by peer_new). Connects to the peer; the INIT is left to be
 * taken. */
void peer_engine_connect(struct scripted_peer *p);
/* usctp_assoc_send of a message whose bytes come from its number. Fails the test when refused. */
void user_send(struct scripted_peer *p, unsigned sid, size_t bytes);
int user_try_send(struct scripted_peer *p, const struct usctp_send *send, size_t bytes);

struct user_message {
    int64_t bytes; /* or a negative enum usctp_error */
    struct usctp_received info;
    const uint8_t *data; /* valid until the next read */
};
/* Reads one whole message or notification. */
struct user_message user_read(struct scripted_peer *p);
/* Reads at most `room` bytes once, whatever they are part of. */
struct user_message user_read_piece(struct scripted_peer *p, size_t room);
/* Reads a message and requires its stream, size and bytes: those of peer_data(sid, ssn). */
void user_expect(struct scripted_peer *p, unsigned sid, unsigned ssn, size_t bytes);
void user_expect_nothing(struct scripted_peer *p);
/* Reads notifications until one of this kind and change, which it requires. change -1: any. */
struct usctp_notification user_expect_notification(struct scripted_peer *p, uint32_t kind,
                                                   int change);
void user_shutdown(struct scripted_peer *p);
void user_abort(struct scripted_peer *p, const char *reason);

struct usctp_assoc_status peer_status(struct scripted_peer *p);
struct usctp_path_status peer_path(struct scripted_peer *p, unsigned path);
struct usctp_engine_counters peer_counters(struct scripted_peer *p);
void require_state(struct scripted_peer *p, enum usctp_assoc_state state);
/* Requires that the association has ended in this way (enum usctp_error; 0: gracefully). */
void require_closed(struct scripted_peer *p, int error);
/* Gives the association back and requires that nothing of it is left. */
void peer_release(struct scripted_peer *p);
/* Whether the engine has a message for the given event since it was last asked; forgets it. */
bool peer_saw_event(struct scripted_peer *p, uint32_t bits);

/* ---- time ---- */

/* Lets timers expire, one deadline after the other, up to an absolute time, or for a while. */
void peer_run_until(struct scripted_peer *p, uint64_t until_us);
void peer_run_for(struct scripted_peer *p, uint64_t us);
/* Does what is due now: advance, events, output. */
void peer_pump(struct scripted_peer *p);

/* ---- what the engine said ---- */

/* Takes the oldest chunk that matches. Fails the test when there is none. */
const struct read_chunk *peer_take(struct scripted_peer *p, const char *pattern);
/* As peer_take, NULL when there is none. */
const struct read_chunk *peer_take_if(struct scripted_peer *p, const char *pattern);
/* Takes the oldest packet, of which nothing has been taken, and requires its chunks: "COOKIE_ACK |
 * SACK *". */
void peer_take_packet(struct scripted_peer *p, const char *pattern);
/* Runs until such a chunk comes out, at most `limit_us`, and takes it. */
const struct read_chunk *peer_wait(struct scripted_peer *p, const char *pattern, uint64_t limit_us);
/* How many chunks match, of those not taken. */
size_t peer_count(struct scripted_peer *p, const char *pattern);
size_t peer_count_packets(struct scripted_peer *p);
void peer_expect_nothing(struct scripted_peer *p);
void peer_expect_none(struct scripted_peer *p, const char *pattern);
void peer_discard(struct scripted_peer *p);

/* ---- what the peer says ---- */

/* Starts a packet with the right tag, or any. Send it with peer_send. */
struct packet_builder *peer_packet(struct scripted_peer *p);
struct packet_builder *peer_packet_tag(struct scripted_peer *p, uint32_t tag);
void peer_send(struct scripted_peer *p);
void peer_send_on(struct scripted_peer *p, unsigned path);
/* From and to any addresses. */
void peer_send_addresses(struct scripted_peer *p, const struct usctp_addr *from,
                         const struct usctp_addr *to);

/* One-chunk packets. */
void peer_data(struct scripted_peer *p, int tsn, unsigned sid, unsigned ssn, unsigned bits,
               size_t bytes);
void peer_sack(struct scripted_peer *p, int cumulative, uint32_t rwnd, const char *gaps);
void peer_sack_on(struct scripted_peer *p, unsigned path, int cumulative, uint32_t rwnd,
                  const char *gaps);
void peer_shutdown(struct scripted_peer *p, int cumulative);
void peer_chunk(struct scripted_peer *p, unsigned type, unsigned flags);
/* Adds DATA to p->out: the bytes that user_expect wants. */
void peer_add_data(struct scripted_peer *p, int tsn, unsigned sid, unsigned ssn, unsigned bits,
                   size_t bytes);
/* The bytes of the message (sid, ssn), from `offset`. */
void peer_pattern(unsigned sid, unsigned ssn, size_t offset, uint8_t *out, size_t bytes);

/* Handshake. peer_init and peer_init_ack start and fill a packet, to which parameters may be added
 * before peer_send. */
struct packet_builder *peer_init(struct scripted_peer *p, uint32_t tag);
struct packet_builder *peer_init_ack(struct scripted_peer *p);
void peer_add_addresses(struct scripted_peer *p, unsigned first, unsigned count);
void peer_add_cookie(struct scripted_peer *p, size_t bytes);
/* Takes INIT or INIT ACK and remembers tag, TSN, window, cookie. */
void peer_take_init(struct scripted_peer *p);
void peer_take_init_ack(struct scripted_peer *p);
void peer_cookie_echo(struct scripted_peer *p);

/* The engine connects (active) or is connected to (passive), up to ESTABLISHED. */
void peer_open_active(struct scripted_peer *p);
void peer_open_passive(struct scripted_peer *p);
/* Takes an active association into any state. SHUTDOWN-PENDING and -RECEIVED have one DATA chunk
 * (tsn=0) outstanding. */
void peer_to_state(struct scripted_peer *p, enum usctp_assoc_state state);
/* Answers every HEARTBEAT seen and not taken on paths that are not cut. */
void peer_answer_heartbeats(struct scripted_peer *p);

#endif
