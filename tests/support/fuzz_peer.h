/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One engine, and a peer whose every word comes from a fuzzer's input.
 *
 * The peer knows what a real one knows (tags, TSNs, the cookie, HEARTBEAT information), so that a
 * few bytes of input make packets that are taken, or nearly so. A step of the input is a packet of
 * up to four chunks, or something that the engine's user, host or clock does. fuzz_check.h's
 * invariants are looked at after each.
 */
#ifndef SUPPORT_FUZZ_PEER_H
#define SUPPORT_FUZZ_PEER_H

#include "support/engine_env.h"
#include "support/fuzz_input.h"
#include "support/packet_builder.h"
#include "support/packet_reader.h"

#define FUZZ_PATHS     2u
#define FUZZ_ADDRESSES 4u /* of the peer; those from FUZZ_PATHS on are no secret, but not given */
#define FUZZ_ASSOCS    16u

struct fuzz_peer {
    struct engine_env env;
    struct usctp_config config;
    struct usctp_engine *engine;
    int32_t endpoint, assoc;  /* the one that is talked to: the latest */
    int32_t all[FUZZ_ASSOCS]; /* all that were made */
    unsigned assoc_count;
    uint64_t now_us;
    struct usctp_addr engine_addr[FUZZ_PATHS], peer_addr[FUZZ_ADDRESSES];
    bool is_tuned, heartbeats_unanswered;
    /* what the peer knows */
    uint32_t peer_tag, peer_tsn; /* its own; the next TSN */
    uint16_t peer_ssn;
    uint32_t init_ack_tag, engine_tag; /* the engine's, from INIT ACK, and from INIT */
    uint32_t acked_tsn, sent_tsn;      /* of the engine's DATA */
    uint8_t cookie[2048], heartbeat[64];
    size_t cookie_bytes, heartbeat_bytes;
    bool may_not_answer; /* the packet just put in held an ABORT */
    struct packet_builder out;
};

/* Makes the engine, which listens. stub_mac: every MAC is zeros, so that the peer can make cookies.
 */
struct fuzz_peer *fuzz_peer_new(uint64_t seed, bool stub_mac);
/* The peer falls silent. All is given back; requires that all ends, and that no memory is left. */
void fuzz_peer_delete(struct fuzz_peer *p);
/* Takes a new association to a state, either side having begun it. From SHUTDOWN-PENDING on, and
 * also before where with_data, there is DATA on the way. */
void fuzz_peer_to_state(struct fuzz_peer *p, enum usctp_assoc_state state, bool is_passive,
                        bool with_data);

void fuzz_peer_step(struct fuzz_peer *p, struct fuzz_input *in);
/* Only a packet whose first chunk is a COOKIE ECHO that the peer made up (stub_mac), and time. */
void fuzz_peer_cookie_step(struct fuzz_peer *p, struct fuzz_input *in);
/* Advance, events, output, until the engine rests; then the checks. */
void fuzz_peer_pump(struct fuzz_peer *p);
void fuzz_peer_run_for(struct fuzz_peer *p, uint64_t us);

/* ---- fuzz_packet.c: what the peer says */

/* Builds a packet from the input into p->out and puts it in. */
void fuzz_packet_send(struct fuzz_peer *p, struct fuzz_input *in);
void fuzz_packet_send_cookie(struct fuzz_peer *p, struct fuzz_input *in);
/* Puts in what was built, from a path's address. copies: so many at once. */
void fuzz_packet_put(struct fuzz_peer *p, unsigned from, unsigned to, unsigned copies);
/* The tag that a packet with this first chunk should have. */
uint32_t fuzz_packet_tag(const struct fuzz_peer *p, unsigned first_type);
/* An INIT or INIT ACK with the peer's values and addresses. */
void fuzz_packet_init(struct fuzz_peer *p, unsigned type);

#endif
