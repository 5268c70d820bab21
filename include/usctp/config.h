/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every tunable of usctp, in one table.
 *
 * A row gives the name, the type, the unit, the smallest, default and largest value, the narrowest
 * thing it can be set on and the section of the document that it comes from. The struct, the
 * enumeration, the defaults, the range checks, `--set` of the tools and the documentation are made
 * from the rows; nothing else lists them.
 *
 * Times are microseconds, sizes are bytes. A tunable of scope ENDPOINT gives what new associations
 * start with; one of scope ASSOC can also be changed on a living association, and one of scope PATH
 * on each of its paths.
 *
 * A hop_limit of 0 is the host's own.
 *
 * busy_poll_us, nap_us and gather_us say how sockets drive their packets; the engine alone has no
 * use for them. A caller that waits polls for busy_poll_us before he sleeps. While packets come in
 * a stream and nobody answers them, a driver who has taken all there were lets nap_us go by before
 * he looks again. Messages that are sent one upon the other, while many packets are under way, wait
 * up to gather_us for company. 0: never.
 *
 * pmtu_fixed_bytes is the MTU of a path whose pmtu_discovery is 0, and 0 leaves what is known at
 * that moment; packets of such a path may be fragmented.
 *
 * When the engine uses seven eighths of max_memory_bytes, it takes no messages of the user's
 * (USCTP_ERR_LIMIT), drops DATA that fills no gap unacknowledged, tells peers that the window is
 * closed, and refuses new associations; the last eighth is for what lets the others go on, and
 * beyond it nothing is allocated. What a limit has kept out is counted: counters.h.
 */
#ifndef USCTP_CONFIG_H
#define USCTP_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define USCTP_API        __attribute__((visibility("default")))
#define USCTP_MUST_CHECK __attribute__((warn_unused_result))
#else
#define USCTP_API
#define USCTP_MUST_CHECK
#endif

#ifdef __cplusplus
/* A function and a struct of one name, as stat() has, are no mistake. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
extern "C" {
#endif

/* Protocol limits that are not tunable. */
#define USCTP_MAX_ADDRESSES                                                                        \
    32u /* addresses a side; further ones in an INIT are ignored (RFC 9260 12.2.4.1) */
#define USCTP_MAX_PACKET_BYTES 65535u /* an SCTP packet with its common header */
#define USCTP_MIN_RWND_BYTES   1500u  /* RFC 9260 3.3.2: the smallest a_rwnd an INIT may carry */

#define USCTP_MS 1000u
#define USCTP_S  1000000u

/* name, type, unit, minimum, default, maximum, scope, section */
#define USCTP_CONFIG_TABLE(X)                                                                      \
    X(rto_initial_us, uint64_t, "us", 1 * USCTP_MS, 1 * USCTP_S, 3600ull * USCTP_S, ASSOC,         \
      "RFC 9260 16")                                                                               \
    X(rto_min_us, uint64_t, "us", 1 * USCTP_MS, 1 * USCTP_S, 3600ull * USCTP_S, ASSOC,             \
      "RFC 9260 16")                                                                               \
    X(rto_max_us, uint64_t, "us", 1 * USCTP_MS, 60 * USCTP_S, 3600ull * USCTP_S, ASSOC,            \
      "RFC 9260 16")                                                                               \
    X(max_burst, uint32_t, "packets", 1, 4, 1024, ASSOC, "RFC 9260 16")                            \
    X(valid_cookie_life_us, uint64_t, "us", 1 * USCTP_MS, 60 * USCTP_S, 600ull * USCTP_S, ASSOC,   \
      "RFC 9260 16")                                                                               \
    X(association_max_retrans, uint32_t, "attempts", 0, 10, 255, ASSOC, "RFC 9260 16")             \
    X(path_max_retrans, uint32_t, "attempts", 0, 5, 255, PATH, "RFC 9260 16")                      \
    X(max_init_retransmits, uint32_t, "attempts", 0, 8, 255, ENDPOINT, "RFC 9260 16")              \
    X(max_init_timeout_us, uint64_t, "us", 1 * USCTP_MS, 60 * USCTP_S, 3600ull * USCTP_S,          \
      ENDPOINT, "RFC 6458 8.1.3")                                                                  \
    X(hb_interval_us, uint64_t, "us", 0, 30 * USCTP_S, 864000ull * USCTP_S, PATH, "RFC 9260 16")   \
    X(hb_enabled, uint32_t, "flag", 0, 1, 1, PATH, "RFC 9260 8.3")                                 \
    X(hb_max_burst, uint32_t, "packets", 1, 1, 32, ASSOC, "RFC 9260 16")                           \
    X(sack_delay_us, uint64_t, "us", 0, 200 * USCTP_MS, 500 * USCTP_MS, ASSOC, "RFC 9260 6.2")     \
    X(sack_frequency, uint32_t, "packets", 1, 2, 255, ASSOC, "RFC 9260 6.2")                       \
    X(sack_every_second_packet, uint32_t, "flag", 0, 0, 1, ASSOC, "RFC 9260 6.2")                  \
    X(pf_enabled, uint32_t, "flag", 0, 1, 1, ASSOC, "RFC 7829 3")                                  \
    X(pf_max_retrans, uint32_t, "attempts", 0, 0, 65535, PATH, "RFC 7829 5")                       \
    X(primary_switchover_max_retrans, uint32_t, "attempts", 0, 65535, 65535, PATH, "RFC 7829 4")   \
    X(outbound_streams, uint32_t, "streams", 1, 10, 65535, ENDPOINT, "RFC 9260 3.3.2")             \
    X(max_inbound_streams, uint32_t, "streams", 1, 2048, 65535, ENDPOINT, "RFC 9260 3.3.2")        \
    X(receive_buffer_bytes, uint32_t, "bytes", 2048, 1048576, 1073741824, ASSOC, "RFC 6458 8.1.6") \
    X(receive_overhead_factor, uint32_t, "times", 1, 4, 64, ENDPOINT, "RFC 9260 6.2.1")            \
    X(send_buffer_bytes, uint32_t, "bytes", 2048, 1048576, 1073741824, ASSOC, "RFC 6458 8.1.7")    \
    X(partial_delivery_point_bytes, uint32_t, "bytes", 1, 524288, 1073741824, ASSOC,               \
      "RFC 6458 8.1.21")                                                                           \
    X(nodelay, uint32_t, "flag", 0, 0, 1, ASSOC, "RFC 6458 8.1.5")                                 \
    X(disable_fragments, uint32_t, "flag", 0, 0, 1, ASSOC, "RFC 6458 8.1.11")                      \
    X(fragment_max_bytes, uint32_t, "bytes", 0, 0, 65535, ASSOC, "RFC 6458 8.1.16")                \
    X(pmtu_default_bytes, uint32_t, "bytes", 512, 1280, 65535, PATH, "RFC 9260 7.3")               \
    X(pmtu_probing, uint32_t, "flag", 0, 1, 1, PATH, "RFC 8899 5.2")                               \
    X(pmtu_base_bytes, uint32_t, "bytes", 512, 1200, 65535, ENDPOINT, "RFC 8899 5.1.2")            \
    X(pmtu_max_probes, uint32_t, "attempts", 1, 3, 255, ENDPOINT, "RFC 8899 5.1.2")                \
    X(pmtu_probe_us, uint64_t, "us", 1 * USCTP_S, 1 * USCTP_S, 3600ull * USCTP_S, ASSOC,           \
      "RFC 8899 5.1.1")                                                                            \
    X(pmtu_raise_us, uint64_t, "us", 1 * USCTP_S, 600ull * USCTP_S, 864000ull * USCTP_S, ASSOC,    \
      "RFC 8899 5.1.1")                                                                            \
    X(pmtu_black_hole_expiries, uint32_t, "T3-rtx expiries", 1, 2, 255, ASSOC, "RFC 8899 4.3")     \
    X(gap_sacks_per_batch, uint32_t, "packets", 1, 16, 256, ENDPOINT, "RFC 9260 6.7")              \
    X(max_duplicate_reports, uint32_t, "TSNs", 0, 64, 1024, ENDPOINT, "RFC 9260 3.3.4")            \
    X(max_control_chunks, uint32_t, "chunks", 1, 32, 1024, ENDPOINT, "RFC 9260 12.4")              \
    X(max_notifications, uint32_t, "events", 4, 256, 65536, ENDPOINT, "RFC 6458 6.1")              \
    X(dscp, uint32_t, "code point", 0, 0, 63, PATH, "RFC 6458 8.1.12")                             \
    X(flow_label, uint32_t, "label", 0, 0, 1048575, PATH, "RFC 6458 8.1.12")                       \
    X(cookie_key_life_us, uint64_t, "us", 1 * USCTP_S, 3600ull * USCTP_S, 86400ull * USCTP_S,      \
      ENGINE, "RFC 9260 5.1.3")                                                                    \
    X(max_associations, uint32_t, "associations", 1, 2097152, 16777216, ENGINE,                    \
      "RFC 9260 12.2.4.3")                                                                         \
    X(max_endpoints, uint32_t, "endpoints", 1, 65536, 1048576, ENGINE, "")                         \
    X(reply_ring_packets, uint32_t, "packets", 1, 64, 4096, ENGINE, "RFC 9260 12.4")               \
    X(replies_per_second, uint32_t, "packets/s", 1, 10000, 10000000, ENGINE, "RFC 9260 8.4")       \
    X(init_acks_per_second, uint32_t, "packets/s", 1, 10000, 10000000, ENGINE, "RFC 9260 5.1")     \
    X(max_memory_bytes, uint64_t, "bytes", 65536, 4294967296ull, 1099511627776ull, ENGINE,         \
      "RFC 9260 12.2.4.3")                                                                         \
    X(max_associations_per_source, uint32_t, "associations", 1, 65536, 16777216, ENGINE,           \
      "RFC 9260 12.2.4.3")                                                                         \
    X(max_peer_addresses, uint32_t, "addresses", 1, 32, USCTP_MAX_ADDRESSES, ENDPOINT,             \
      "RFC 9260 12.2.4.1")                                                                         \
    X(max_cookie_life_us, uint64_t, "us", 1 * USCTP_MS, 60 * USCTP_S, 600ull * USCTP_S, ENDPOINT,  \
      "RFC 5062 6")                                                                                \
    X(max_gap_ranges, uint32_t, "ranges", 1, 16384, 1048576, ENDPOINT, "RFC 9260 6.2")             \
    X(max_stream_bytes, uint32_t, "bytes", 2048, 1073741824, 1073741824, ENDPOINT, "RFC 9260 6.9") \
    X(max_error_echo_bytes, uint32_t, "bytes", 4, 512, 1024, ENDPOINT, "RFC 9260 3.3.10")          \
    X(pmtu_discovery, uint32_t, "flag", 0, 1, 1, PATH, "RFC 6458 8.1.12")                          \
    X(pmtu_fixed_bytes, uint32_t, "bytes", 0, 0, 65535, PATH, "RFC 6458 8.1.12")                   \
    X(hop_limit, uint32_t, "hops", 0, 0, 255, PATH, "RFC 791 3.1")                                 \
    X(busy_poll_us, uint32_t, "us", 0, 0, 1000000, ENGINE, "")                                     \
    X(nap_us, uint32_t, "us", 0, 100, 10000, ENGINE, "")                                           \
    X(gather_us, uint32_t, "us", 0, 500, 10000, ENGINE, "")

/*
 * Every tunable's value. `size` is that of the struct the caller was built with, as
 * usctp_config_defaults() sets it: where the library is newer, tunables beyond it have their
 * defaults; where it is older, tunables that it does not know must be 0. New rows go to the end of
 * the table.
 */
struct usctp_config {
    uint32_t size;
#define USCTP_CONFIG_FIELD(name, type, unit, minimum, initial, maximum, scope, section) type name;
    USCTP_CONFIG_TABLE(USCTP_CONFIG_FIELD)
#undef USCTP_CONFIG_FIELD
};

/* USCTP_TUNABLE_rto_initial_us, ... in the order of the table. */
enum usctp_tunable {
#define USCTP_CONFIG_ENUM(name, type, unit, minimum, initial, maximum, scope, section)             \
    USCTP_TUNABLE_##name,
    USCTP_CONFIG_TABLE(USCTP_CONFIG_ENUM)
#undef USCTP_CONFIG_ENUM
        USCTP_TUNABLE_COUNT
};

enum usctp_scope { USCTP_SCOPE_ENGINE, USCTP_SCOPE_ENDPOINT, USCTP_SCOPE_ASSOC, USCTP_SCOPE_PATH };

/* What the struct holds, without the padding at its end, which a later row may take. */
enum usctp_config_end {
#define USCTP_CONFIG_END(name, type, unit, minimum, initial, maximum, scope, section)              \
    USCTP_CONFIG_END_##name = offsetof(struct usctp_config, name) + sizeof(type),
    USCTP_CONFIG_TABLE(USCTP_CONFIG_END)
#undef USCTP_CONFIG_END
        USCTP_CONFIG_END_LAST /* the one before, plus 1 */
};
#define USCTP_CONFIG_SIZE ((uint32_t)USCTP_CONFIG_END_LAST - 1u)

/* One row of the table, for programs. */
struct usctp_tunable_info {
    const char *name, *unit, *section;
    uint64_t minimum, initial, maximum;
    enum usctp_scope scope;
};

/* The same for a struct of another version: writes no more than `size` bytes and what pads them. */
USCTP_API void usctp_config_defaults_size(struct usctp_config *config, uint32_t size);
/* Fills *config with the defaults. */
static inline void usctp_config_defaults(struct usctp_config *config) {
    usctp_config_defaults_size(config, USCTP_CONFIG_SIZE);
}
/* Returns the row of a tunable, or NULL for a number that is none. */
USCTP_API const struct usctp_tunable_info *usctp_tunable_info(enum usctp_tunable tunable);
/* Returns the tunable called `name` (`length` bytes), or USCTP_TUNABLE_COUNT. */
USCTP_API enum usctp_tunable usctp_tunable_by_name(const char *name, size_t length);
/* Sets one value. Returns 0, or USCTP_ERR_INVALID when the tunable is unknown or the value out of
 * its range. */
USCTP_API int usctp_config_set(struct usctp_config *config, enum usctp_tunable tunable,
                               uint64_t value);
USCTP_API uint64_t usctp_config_get(const struct usctp_config *config, enum usctp_tunable tunable);

#ifdef __cplusplus
}
#pragma GCC diagnostic pop
#endif
#endif
