/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of hostile input have in common: an engine in any state, packets put in byte for
 * byte, and the proof that a dropped packet left no trace: no reply, the same state, timers, paths
 * and memory, one drop counted.
 *
 * A packet is put in as a copy of its exact size on the heap, so that a sanitizer sees the first
 * byte read past its end. Time moves on by a little before each, so that a timer started anew
 * shows. Scripted peers, packets and texts are those of scripted_peer.h.
 */
#ifndef SUPPORT_HOSTILE_H
#define SUPPORT_HOSTILE_H

#include "support/configs.h"
#include "support/run_tests.h"
#include "support/scripted_peer.h"

/* CLOSED first: there is a listening endpoint and no association. */
#define EACH_STATE(state)                                                                          \
    for (enum usctp_assoc_state state = USCTP_CLOSED; state <= USCTP_SHUTDOWN_ACK_SENT; state++)
#define EACH_TCB_STATE(state)                                                                      \
    for (enum usctp_assoc_state state = USCTP_COOKIE_WAIT; state <= USCTP_SHUTDOWN_ACK_SENT;       \
         state++)
/* Those after the handshake. */
#define EACH_OPEN_STATE(state)                                                                     \
    for (enum usctp_assoc_state state = USCTP_ESTABLISHED; state <= USCTP_SHUTDOWN_ACK_SENT;       \
         state++)

#define STRANGE_TAG 0x0b1ce0b1u /* nobody's */
#define PEER_RWND   131072u

/* How a drop is counted: an enum usctp_drop, or in any one way. */
#define COUNTED_SOMEHOW ((unsigned)USCTP_DROP_COUNT)

/* An engine without heartbeats, brought to a state by connecting; ERROR chunks are notified. */
struct scripted_peer *hostile_peer(enum usctp_assoc_state state);
/* As told by options; configure and subscribe have defaults. */
struct scripted_peer *hostile_peer_with(enum usctp_assoc_state state, struct peer_options options);
/* The same for a side that was connected to: ESTABLISHED and later. Its cookie stays in p->cookie.
 */
struct scripted_peer *hostile_passive(enum usctp_assoc_state state);
bool has_tcb(const struct scripted_peer *p);

/* ---- packets ---- */

/* Adds a chunk with a body that chunks of this type have. */
void hostile_add_chunk(struct scripted_peer *p, unsigned type);
/* Adds a parameter of this type whose length field says `length`, whatever follows it. */
void hostile_add_param(struct scripted_peer *p, unsigned type, unsigned length);
/* Closes the packet's last chunk, leaving the checksum to hostile_send_*; returns its size. */
size_t hostile_close(struct scripted_peer *p);
/* Writes the right checksum over the first `bytes` bytes of the packet, as they are. */
void hostile_checksum(struct scripted_peer *p, size_t bytes);
/* Puts in the packet's first `bytes` bytes, as they are. */
void hostile_put(struct scripted_peer *p, size_t bytes, const struct usctp_addr *from,
                 const struct usctp_addr *to);
/* Finishes the packet that is being built and puts it in on path 0. */
void hostile_send(struct scripted_peer *p);

/* ---- what happened ---- */

struct hostile_mark {
    bool has_tcb, closed;
    struct usctp_assoc_status status;
    struct usctp_path_status path[USCTP_MAX_ADDRESSES];
    struct usctp_engine_counters counters;
    uint64_t deadline_us, live_blocks, live_bytes;
};
/* Lets a little time go by, then notes everything. */
struct hostile_mark hostile_mark(struct scripted_peer *p);
/* Requires that state, paths and timers are as they were. t2_may_restart: in SHUTDOWN-SENT a packet
 * with our tag starts T2 anew, in SHUTDOWN-ACK-SENT what is answered by SHUTDOWN ACK may (RFC 9260
 * 9.2). */
void hostile_require_unchanged(struct scripted_peer *p, const struct hostile_mark *m,
                               bool t2_may_restart);
/* Drops that were counted since, of the engine and of the association. */
uint64_t hostile_drops(struct scripted_peer *p, const struct hostile_mark *m);
/* Requires silence, nothing changed, no memory taken and one drop counted as `why`. */
void hostile_require_silence(struct scripted_peer *p, const struct hostile_mark *m, unsigned why,
                             bool t2_may_restart);

/* The packet being built is dropped whole: nobody's, or not looked at. */
void hostile_drop(struct scripted_peer *p, unsigned why);
/* The same bytes, unfinished, from and to anywhere. */
void hostile_drop_put(struct scripted_peer *p, size_t bytes, const struct usctp_addr *from,
                      const struct usctp_addr *to, unsigned why);
/* The packet has the right tag, and its chunk is dropped. */
void hostile_drop_chunk(struct scripted_peer *p, unsigned why);
/* The packet is answered by one packet like `pattern` (of peer_take_packet), and nothing else
 * changes. */
void hostile_answered(struct scripted_peer *p, const char *pattern);
/* Took the last packet's tag, addresses and ports: those of an answer to path 0. */
void hostile_require_reply_to(struct scripted_peer *p, uint32_t tag);

/* ---- the other side of each test ---- */

/* Adds an ERROR chunk of which the user hears, in every state that has a TCB. n < 32. */
void hostile_add_marker(struct scripted_peer *p, unsigned n);
/* Which markers the user has heard of since he was asked: bit n. */
uint32_t hostile_markers(struct scripted_peer *p);
/* Starts and fills a good packet for this state: a marker, or HEARTBEAT where there is no TCB. */
void hostile_good_packet(struct scripted_peer *p);
/* Requires that a good packet was taken: heard of, or answered by ABORT. */
void hostile_require_taken(struct scripted_peer *p);
/* Shows that the handshake, transfer or shutdown goes on from the state as if nothing had been.
 * No DATA may have been exchanged but what hostile_peer sent. Deletes the peer. */
void hostile_carry_on(struct scripted_peer *p, enum usctp_assoc_state state);

/* ---- cookies ---- */

struct saved_cookie {
    uint8_t bytes[4096];
    size_t count;
    uint32_t tag, tsn; /* of the INIT ACK it came with */
};
/* Sends INIT with this tag and initial TSN, takes the cookie of the INIT ACK. The caller's to free.
 */
struct saved_cookie *hostile_new_cookie(struct scripted_peer *p, uint32_t tag, uint32_t tsn);
/* Starts and fills a COOKIE ECHO; more chunks may follow. */
void hostile_cookie_echo(struct scripted_peer *p, const struct saved_cookie *cookie);

#endif
