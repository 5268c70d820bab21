/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every counter of usctp, in three tables: of a stack, of an association, of a path.
 *
 * A row gives the field, its name in the SCTP MIB (RFC 3873) where that has it in the same sense,
 * whether it goes up for ever or up and down, and what it counts. The structs, the names that tools
 * print and the options of sockets are made from the rows; nothing else lists them. All are 64 bits
 * wide. New rows go to the end of their table, so that a program built before them reads the rest.
 *
 * Times (the MIB's TimeStamp) are hundredths of a second since the stack was made. What was dropped
 * is counted once: with the association where it was meant for one that is known and the fault was
 * its own, else by the stack.
 */
#ifndef USCTP_COUNTERS_H
#define USCTP_COUNTERS_H

#include "usctp/config.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
extern "C" {
#endif

/* Why a packet, or a chunk and the rest of its packet, was dropped: name, MIB, text. */
#define USCTP_DROP_TABLE(X)                                                                        \
    X(SHORT, short, "", "too short for a common header and a chunk")                               \
    X(ADDRESS, address, "", "to or from an address that no SCTP packet has (RFC 9260 8.4 rule 1)") \
    X(PORT, port, "", "port 0")                                                                    \
    X(CHECKSUM, checksum, "sctpChecksumErrors", "CRC32c does not match (RFC 9260 6.8)")            \
    X(TAG, tag, "", "verification tag (RFC 9260 8.5)")                                             \
    X(OOTB, out_of_the_blue, "", "out of the blue, and the answer is silence (RFC 9260 8.4)")      \
    X(MALFORMED, malformed, "", "a chunk or parameter of impossible length")                       \
    X(STATE, state, "", "a chunk that means nothing in this state")                                \
    X(COOKIE, cookie, "", "a state cookie that is not ours, not intact or not for this packet")    \
    X(STALE, stale_cookie, "", "an expired state cookie")                                          \
    X(LIMIT, limit, "", "a limit of config.h: associations, also those of one source")             \
    X(MEMORY, memory, "", "memory is short, or max_memory_bytes are in use")

enum usctp_drop {
#define USCTP_DROP_ENUM(name, low, mib, text) USCTP_DROP_##name,
    USCTP_DROP_TABLE(USCTP_DROP_ENUM)
#undef USCTP_DROP_ENUM
        USCTP_DROP_COUNT
};

/* field, MIB, COUNTER or GAUGE, text */
#define USCTP_ENGINE_COUNTER_TABLE(X)                                                              \
    X(packets_in, "sctpInSCTPPacks", COUNTER, "packets received")                                  \
    X(packets_out, "sctpOutSCTPPacks", COUNTER, "packets sent")                                    \
    X(bytes_in, "", COUNTER, "bytes received, from the common header")                             \
    X(bytes_out, "", COUNTER, "bytes sent, from the common header")                                \
    X(control_chunks_in, "sctpInCtrlChunks", COUNTER,                                              \
      "control chunks received, without those that meant nothing in their state")                  \
    X(control_chunks_out, "sctpOutCtrlChunks", COUNTER,                                            \
      "control chunks sent, without retransmissions")                                              \
    X(ordered_chunks_in, "sctpInOrderChunks", COUNTER,                                             \
      "ordered DATA chunks received, without duplicates")                                          \
    X(unordered_chunks_in, "sctpInUnorderChunks", COUNTER,                                         \
      "unordered DATA chunks received, without duplicates")                                        \
    X(ordered_chunks_out, "sctpOutOrderChunks", COUNTER,                                           \
      "ordered DATA chunks sent, without retransmissions")                                         \
    X(unordered_chunks_out, "sctpOutUnorderChunks", COUNTER,                                       \
      "unordered DATA chunks sent, without retransmissions")                                       \
    X(fragmented_messages, "sctpFragUsrMsgs", COUNTER,                                             \
      "messages sent in more than one DATA chunk")                                                 \
    X(reassembled_messages, "sctpReasmUsrMsgs", COUNTER,                                           \
      "messages put together from more than one DATA chunk")                                       \
    X(established, "sctpCurrEstab", GAUGE,                                                         \
      "associations in ESTABLISHED, SHUTDOWN-RECEIVED or SHUTDOWN-PENDING")                        \
    X(active_establishments, "sctpActiveEstabs", COUNTER, "handshakes begun here and done")        \
    X(passive_establishments, "sctpPassiveEstabs", COUNTER, "handshakes begun by peers and done")  \
    X(aborted, "sctpAborteds", COUNTER, "associations that did not end by a shutdown")             \
    X(graceful_shutdowns, "sctpShutdowns", COUNTER, "associations that ended by a shutdown")       \
    X(out_of_the_blue, "sctpOutOfBlues", COUNTER,                                                  \
      "packets of no association that set up none (RFC 9260 8.4)")                                 \
    X(discontinuity_time, "sctpDiscontinuityTime", GAUGE, "0: no counter was ever set back")       \
    X(uptime, "", GAUGE, "the age of the stack, as far as it has been told the time")              \
    X(replies, "", COUNTER, "ABORT, ERROR and SHUTDOWN COMPLETE sent for no association")          \
    X(replies_limited, "", COUNTER, "such replies that replies_per_second left out")               \
    X(init_acks, "", COUNTER, "INIT ACKs sent")                                                    \
    X(init_acks_limited, "", COUNTER, "INITs left unanswered for init_acks_per_second")            \
    X(replies_dropped, "", COUNTER, "replies for which the ring or memory had no room")            \
    X(backlog_full, "", COUNTER, "INIT and COOKIE ECHO refused: nobody accepts what waits")        \
    X(sends_refused, "", COUNTER, "messages not taken from the user for max_memory_bytes")         \
    X(addresses_ignored, "", COUNTER, "addresses of peers beyond max_peer_addresses")              \
    X(cookie_lives_capped, "", COUNTER, "Cookie Preservatives cut to max_cookie_life_us")          \
    X(error_echoes_cut, "", COUNTER, "chunks reported only as far as max_error_echo_bytes")        \
    X(cookie_keys, "", COUNTER, "secrets made for state cookies")                                  \
    X(memory_bytes, "", GAUGE, "memory in use by the engine")                                      \
    X(memory_peak_bytes, "", GAUGE, "the most that ever was")                                      \
    X(memory_refusals, "", COUNTER, "allocations refused for max_memory_bytes, or that failed")    \
    X(associations, "", GAUGE, "associations in any state")                                        \
    X(endpoints, "", GAUGE, "endpoints")

#define USCTP_ASSOC_COUNTER_TABLE(X)                                                               \
    X(packets_out, "", COUNTER, "packets sent")                                                    \
    X(packets_in, "", COUNTER, "packets received")                                                 \
    X(data_chunks_out, "", COUNTER, "DATA chunks sent, with retransmissions")                      \
    X(data_chunks_in, "", COUNTER, "DATA chunks received, with duplicates")                        \
    X(retransmitted_chunks, "sctpAssocRtxChunks", COUNTER, "DATA chunks sent again")               \
    X(fast_retransmits, "", COUNTER, "DATA chunks taken for lost by SACKs (RFC 9260 7.2.4)")       \
    X(t3_expiries, "", COUNTER, "times that T3-rtx expired with DATA outstanding")                 \
    X(t1_expiries, "sctpAssocT1expireds", COUNTER, "times that T1-init or T1-cookie expired")      \
    X(t2_expiries, "sctpAssocT2expireds", COUNTER, "times that T2-shutdown expired")               \
    X(bytes_out, "", COUNTER, "user data sent, first transmissions")                               \
    X(bytes_in, "", COUNTER, "user data received")                                                 \
    X(sacks_out, "", COUNTER, "SACKs sent")                                                        \
    X(sacks_in, "", COUNTER, "SACKs received")                                                     \
    X(duplicate_tsns, "", COUNTER, "DATA chunks received again")                                   \
    X(gap_blocks_in, "", COUNTER, "Gap Ack Blocks received")                                       \
    X(control_chunks_out, "", COUNTER, "control chunks sent, with retransmissions")                \
    X(control_chunks_in, "", COUNTER, "control chunks received")                                   \
    X(zero_window_probes, "", COUNTER, "probes of a closed window (RFC 9260 6.1 A)")               \
    X(failovers, "", COUNTER, "times that data left the primary path")                             \
    X(returns, "", COUNTER, "times that data came back to it")                                     \
    X(restarts, "", COUNTER, "times that the peer had restarted (RFC 9260 5.2.4 A)")               \
    X(collisions, "", COUNTER, "handshakes that met (RFC 9260 5.2.4 B, D)")                        \
    X(dropped_notifications, "", COUNTER, "notifications beyond max_notifications")                \
    X(dropped_control_chunks, "", COUNTER, "answers left out: max_control_chunks, RFC 9260 12.4")  \
    X(dropped_data_chunks, "", COUNTER,                                                            \
      "DATA chunks not taken and not acknowledged: receive buffer, max_gap_ranges, "               \
      "max_stream_bytes")                                                                          \
    X(partial_deliveries, "", COUNTER, "messages handed up before their end had come")             \
    X(ordered_chunks_out, "", COUNTER, "ordered DATA chunks sent, without retransmissions")        \
    X(unordered_chunks_out, "", COUNTER, "unordered DATA chunks sent, without retransmissions")    \
    X(ordered_chunks_in, "", COUNTER, "ordered DATA chunks received, without duplicates")          \
    X(unordered_chunks_in, "", COUNTER, "unordered DATA chunks received, without duplicates")      \
    X(out_of_sequence_tsns, "", COUNTER, "DATA chunks that came above a gap, or made one")         \
    X(unreported_duplicates, "", COUNTER, "duplicates beyond max_duplicate_reports")               \
    X(start_time, "sctpAssocStartTime", GAUGE, "when it was established; 0: not yet")              \
    X(discontinuity_time, "sctpAssocDiscontinuityTime", GAUGE, "0: no counter was ever set back")

/* Fields of struct usctp_path_status. */
#define USCTP_PATH_COUNTER_TABLE(X)                                                                \
    X(data_chunks_out, "", COUNTER, "DATA chunks sent, with retransmissions")                      \
    X(retransmitted_chunks, "sctpAssocRemAddrRtx", COUNTER, "DATA chunks sent again, to here")     \
    X(bytes_out, "", COUNTER, "user data sent, first transmissions")                               \
    X(packets_in, "", COUNTER, "packets received")                                                 \
    X(heartbeats_out, "", COUNTER, "HEARTBEATs sent")                                              \
    X(heartbeat_acks_in, "", COUNTER, "HEARTBEAT ACKs received")                                   \
    X(pmtu_probes_out, "", COUNTER, "path MTU probes sent (RFC 8899)")                             \
    X(pmtu_probe_acks_in, "", COUNTER, "their HEARTBEAT ACKs received")                            \
    X(pmtu_black_holes, "", COUNTER,                                                               \
      "times that packets of the path MTU were found not to arrive")                               \
    X(is_active, "sctpAssocRemAddrActive", GAUGE, "1: answers, 2: does not")                       \
    X(has_heartbeats, "sctpAssocRemAddrHBActive", GAUGE, "1: HEARTBEATs are sent, 2: not")         \
    X(rto_ms, "sctpAssocRemAddrRTO", GAUGE, "retransmission timeout in milliseconds")              \
    X(max_retransmissions, "sctpAssocRemAddrMaxPathRtx", GAUGE, "Path.Max.Retrans")                \
    X(start_time, "sctpAssocRemAddrStartTime", GAUGE, "when the path was made")

#define USCTP_COUNTER_FIELD(name, mib, kind, text) uint64_t name;

/* Of an engine, or stack. */
struct usctp_engine_counters {
    USCTP_ENGINE_COUNTER_TABLE(USCTP_COUNTER_FIELD)
    uint64_t dropped[USCTP_DROP_COUNT];
};

/* Of an association. */
struct usctp_assoc_counters {
    USCTP_ASSOC_COUNTER_TABLE(USCTP_COUNTER_FIELD)
};

/* Which struct: usctp_engine_counters, usctp_assoc_counters, usctp_path_status. */
enum usctp_counter_group { USCTP_COUNTERS_ENGINE, USCTP_COUNTERS_ASSOC, USCTP_COUNTERS_PATH };

enum usctp_counter_kind { USCTP_COUNTER, USCTP_GAUGE };

/* One row, for programs. */
struct usctp_counter_info {
    const char *name; /* the field; drops are dropped_... */
    const char *mib;  /* its name in RFC 3873, or "" */
    const char *text;
    enum usctp_counter_kind kind;
    size_t offset; /* of the uint64_t in the group's struct */
};

/* Returns the index-th row of a group, or NULL beyond the last. */
USCTP_API const struct usctp_counter_info *usctp_counter_info(enum usctp_counter_group group,
                                                              size_t index);

#ifdef __cplusplus
}
#pragma GCC diagnostic pop
#endif
#endif
