/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The engine: all of SCTP with no socket, clock, thread or random number of its own.
 *
 * Packets, time, memory, randomness and keyed hashes come from the embedder; packets to send and
 * things to tell are pulled by him. The same calls with the same arguments give the same bytes,
 * always. The loop is: wait for packets or usctp_engine_next_deadline -> usctp_engine_input ->
 * usctp_engine_advance -> usctp_engine_next_event until it says no
 * -> usctp_engine_output until it returns 0.
 *
 * Time is monotonic microseconds from any origin; it is the last argument of whatever needs it, and
 * never goes back. Endpoints and associations are named by ids: signed 32 bits wide, 3 upwards, not
 * reused while a holder may remember them; 0 is no id. Paths are named by their index in the
 * association (0..31) while it lives. Functions that return int give 0 or a count, or a negative
 * enum usctp_error. An engine is used by one thread at a time.
 *
 * The sockets are in usctp.h, every tunable in config.h, every counter in counters.h.
 */
#ifndef USCTP_ENGINE_H
#define USCTP_ENGINE_H

#include "usctp/config.h"
#include "usctp/counters.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
extern "C" {
#endif

#define USCTP_NEVER UINT64_MAX /* a time that does not come */

enum usctp_error {
    USCTP_OK = 0,
    USCTP_ERR_NO_MEMORY = -1,
    USCTP_ERR_INVALID = -2,   /* an argument makes no sense */
    USCTP_ERR_NOT_FOUND = -3, /* no such endpoint, association or address */
    USCTP_ERR_AGAIN = -4,     /* nothing to read, no room to send, nobody to accept: try later */
    USCTP_ERR_STATE = -5,     /* not in the state this needs (not connected, not listening, ...) */
    USCTP_ERR_IN_USE = -6,    /* port and address taken */
    USCTP_ERR_EXISTS = -7,    /* an association with this peer exists (RFC 9260 5.2) */
    USCTP_ERR_TOO_BIG = -8,   /* the message exceeds what can be sent whole */
    USCTP_ERR_LIMIT = -9,     /* a limit of config.h is reached */
    USCTP_ERR_FAMILY = -10,   /* an address of a family that does not fit */
    USCTP_ERR_UNREACHABLE =
        -11, /* no local address can reach the peer; as a close reason: peer stopped answering */
    USCTP_ERR_SHUTDOWN = -12,    /* sending after shutdown began */
    USCTP_ERR_UNSUPPORTED = -13, /* not offered, or not negotiated with this peer */
    USCTP_ERR_TIMED_OUT = -14,   /* close reason: no answer to INIT or COOKIE ECHO, or a shutdown
                                    that does not come to an end */
    USCTP_ERR_REFUSED = -15,     /* close reason: the peer refused the handshake */
    USCTP_ERR_RESET = -16,       /* close reason: the peer sent ABORT */
    USCTP_ERR_ABORTED = -17,     /* close reason: aborted from this side */
    USCTP_ERR_PROTOCOL = -18,  /* close reason: the peer broke the protocol and was sent an ABORT */
    USCTP_ERR_FORBIDDEN = -19, /* close reason: the host's own rules let no INIT out */
};

/* ---- addresses and packets
 * ---------------------------------------------------------------------------------- */

enum usctp_family {
    USCTP_FAMILY_NONE = 0,
    USCTP_FAMILY_IPV4 = 4,
    USCTP_FAMILY_IPV6 = 6,
    USCTP_FAMILY_HANDLE = 1
};

/* An address: IPv4, IPv6 with the interface of a link-local one, or an opaque handle for transports
 * of the embedder's. */
struct usctp_addr {
    uint32_t family;   /* enum usctp_family */
    uint32_t scope_id; /* IPv6 link-local: interface index; else 0 */
    union {
        uint8_t ipv4[4];
        uint8_t ipv6[16];
        uint64_t handle;
    };
};

enum usctp_packet_flag {
    USCTP_PACKET_MAY_FRAGMENT = 1u << 0, /* out: IP may fragment it (RFC 9260 6.9) */
    USCTP_PACKET_PROBE =
        1u << 1, /* out: a path MTU probe: must not be fragmented, may be refused */
    USCTP_PACKET_CHECKSUM_VERIFIED =
        1u << 2, /* in: the transport vouches for the bytes, CRC32c need not be checked */
};

/*
 * A packet, or a run of packets of segment_size bytes each (the last may be shorter) to or from one
 * place. In, everything is borrowed for the call. Out, data lies in the batch's memory and CRC32c
 * is done.
 */
struct usctp_packet {
    uint8_t *data;
    uint32_t length;
    uint32_t segment_size;                 /* 0 or >= length: one packet */
    struct usctp_addr source, destination; /* out: source of family NONE lets the host choose */
    uint16_t udp_source,
        udp_destination;      /* host order; in: 0 = not encapsulated. out: udp_destination 0 = not
                                 encapsulated, udp_source 0 = the transport's own port */
    uint8_t tos;              /* DSCP << 2 | ECN */
    uint8_t flags;            /* enum usctp_packet_flag */
    uint8_t hop_limit;        /* out: IPv4 TTL, IPv6 hop limit; 0 = the host's own */
    uint32_t flow_label;      /* IPv6 */
    uint32_t interface_index; /* 0 = any */
    uint64_t not_before_us;   /* out: pacing; 0 = at once */
};

/* Where usctp_engine_output writes. The caller sets the first four fields and zeroes the others. */
struct usctp_batch {
    uint8_t *memory;
    size_t memory_bytes;
    struct usctp_packet *packets;
    size_t max_packets;   /* entries of packets[] */
    size_t count;         /* out: entries used */
    size_t used_bytes;    /* out: of memory */
    size_t max_run_bytes; /* longest run to make; 0 = one packet an entry (RFC 9260 packets are
                             never joined) */
};

/* ---- what the embedder gives
 * ---------------------------------------------------------------------------------- */

struct usctp_allocator {
    void *(*allocate)(void *user, size_t bytes); /* zeroing not needed; NULL when there is none */
    void (*release)(void *user, void *memory, size_t bytes);
    void *user;
};

struct usctp_random {
    void (*fill)(void *user, void *out,
                 size_t bytes); /* unpredictable to the network, repeatable in tests */
    void *user;
};

#define USCTP_MAC_BYTES 32u
struct usctp_crypto {
    /* HMAC-SHA-256 of data under key into out[USCTP_MAC_BYTES]. Returns 0, or -1 when it cannot. */
    int (*hmac_sha256)(void *user, const uint8_t *key, size_t key_bytes, const uint8_t *data,
                       size_t data_bytes, uint8_t *out);
    void *user;
};

enum usctp_trace_kind {
    USCTP_TRACE_PACKET_IN, /* data, length: the packet from its common header; path address in addr
                            */
    USCTP_TRACE_PACKET_OUT,
    USCTP_TRACE_PACKET_DROPPED, /* a: enum usctp_drop */
    USCTP_TRACE_STATE,          /* a: old, b: new enum usctp_assoc_state */
    USCTP_TRACE_PATH,           /* a: old, b: new enum usctp_path_state; path: index */
    USCTP_TRACE_CWND,           /* a: cwnd, b: ssthresh, c: in flight */
    USCTP_TRACE_RTO,            /* a: rto us, b: srtt us */
    USCTP_TRACE_TIMER,          /* a: enum timer kind, b: consecutive expiries */
    USCTP_TRACE_LOSS,           /* a: TSN, b: 1 fast retransmit, 2 T3-rtx */
    USCTP_TRACE_PRIMARY,        /* path: the new path for data */
    USCTP_TRACE_PMTU,           /* a: old, b: new path MTU, c: enum usctp_pmtu_state */
    USCTP_TRACE_ASSERT, /* text: the file and line that failed; the engine then stops the program */
};

struct usctp_trace_record {
    uint64_t now_us;
    enum usctp_trace_kind kind;
    int32_t assoc;
    uint32_t path;
    uint64_t a, b, c;
    const struct usctp_packet *packet; /* PACKET_*: one packet, never a run */
    const char *text;
};

struct usctp_environment {
    struct usctp_allocator allocator;
    struct usctp_random random;
    struct usctp_crypto crypto;
    void (*trace)(
        void *user,
        const struct usctp_trace_record *record); /* NULL: none; must not call the engine */
    void *trace_user;
};

/* ---- the engine
 * -----------------------------------------------------------------------------------------------
 */

struct usctp_engine;

/* Makes an engine. config may be NULL (defaults); both are copied. Returns NULL when memory is
 * short or they are bad. */
USCTP_API struct usctp_engine *usctp_engine_new(const struct usctp_environment *environment,
                                                const struct usctp_config *config, uint64_t now_us);
/* Frees everything at once; peers are not told (abort and output first). */
USCTP_API void usctp_engine_delete(struct usctp_engine *engine);

/* Takes n packets that arrived together. They are borrowed for the call. */
USCTP_API void usctp_engine_input(struct usctp_engine *engine, const struct usctp_packet *packets,
                                  size_t n, uint64_t now_us);

/* Writes what is due into *batch. Returns the number of entries used; call again until it returns
 * 0. */
USCTP_API size_t usctp_engine_output(struct usctp_engine *engine, struct usctp_batch *batch,
                                     uint64_t now_us);
/* Whether usctp_engine_output has something to look at; without it, it would return 0. */
USCTP_API bool usctp_engine_has_output(const struct usctp_engine *engine);

/* When usctp_engine_advance must next be called, or USCTP_NEVER. */
USCTP_API uint64_t usctp_engine_next_deadline(const struct usctp_engine *engine);
/* Lets timers that are due at now_us expire. */
USCTP_API void usctp_engine_advance(struct usctp_engine *engine, uint64_t now_us);

enum usctp_icmp_kind {
    USCTP_ICMP_UNREACHABLE,          /* net or host: RFC 9260 10 ICMP1-ICMP4: noted, not acted on */
    USCTP_ICMP_PORT_UNREACHABLE,     /* a UDP-encapsulated peer has no such port */
    USCTP_ICMP_PROTOCOL_UNREACHABLE, /* the peer's host has no SCTP: IPv4 protocol unreachable, IPv6
                                        unrecognized next header */
    USCTP_ICMP_PACKET_TOO_BIG,       /* mtu_bytes: the next hop's */
    USCTP_ICMP_FORBIDDEN, /* no ICMP error: the host itself refused to send it (a firewall) */
};

struct usctp_icmp {
    enum usctp_icmp_kind kind;
    struct usctp_addr destination; /* where our packet was going */
    uint16_t udp_destination;
    uint32_t mtu_bytes;
    const uint8_t
        *quoted; /* our packet from its SCTP common header, as far as the error quotes it */
    size_t quoted_bytes;
};

/* Takes an ICMP error (RFC 9260 10). */
USCTP_API void usctp_engine_icmp(struct usctp_engine *engine, const struct usctp_icmp *icmp,
                                 uint64_t now_us);

struct usctp_local_address {
    struct usctp_addr address;
    uint32_t interface_index;
    uint32_t mtu_bytes;
    uint8_t prefix_bits;
};

/* Replaces what the engine knows of the host's addresses. Returns 0 or USCTP_ERR_NO_MEMORY (what
 * was known then stays). */
USCTP_API int usctp_engine_local_addresses(struct usctp_engine *engine,
                                           const struct usctp_local_address *addresses, size_t n,
                                           uint64_t now_us);

enum usctp_event_bit {
    USCTP_EVENT_INCOMING = 1u << 0, /* endpoint: an association waits for usctp_endpoint_accept */
    USCTP_EVENT_ESTABLISHED = 1u << 1,   /* the handshake is done */
    USCTP_EVENT_READABLE = 1u << 2,      /* usctp_assoc_receive has something */
    USCTP_EVENT_WRITABLE = 1u << 3,      /* there is room again after USCTP_ERR_AGAIN */
    USCTP_EVENT_PEER_SHUTDOWN = 1u << 4, /* nothing will be received after what is queued */
    USCTP_EVENT_CLOSED =
        1u << 5, /* it has ended, `error` says how; release it when its queue is read */
    USCTP_EVENT_ROUTE =
        1u << 6, /* a path wants a source address and MTU: usctp_path_route each wants_route one */
    USCTP_EVENT_PATH = 1u << 7, /* a path changed its state, or data moved to another */
    USCTP_EVENT_DRY = 1u << 8,  /* all that was sent is acknowledged */
};

struct usctp_event {
    int32_t endpoint;
    int32_t assoc; /* 0: the event is of the endpoint */
    uint32_t what; /* enum usctp_event_bit, one or more */
    int error;     /* with CLOSED: 0 after a graceful shutdown, else an enum usctp_error */
};

/* Gives the next association or endpoint with something to tell. Returns 1, or 0 when there is
 * none. */
USCTP_API int usctp_engine_next_event(struct usctp_engine *engine, struct usctp_event *event);

/* ---- endpoints
 * ------------------------------------------------------------------------------------------------
 */

struct usctp_endpoint_options {
    uint16_t port;                      /* host order, not 0 */
    const struct usctp_addr *addresses; /* bound addresses; none = every address of the host */
    size_t address_count;
    bool ipv4, ipv6;                   /* families that a wildcard endpoint lists and accepts */
    const struct usctp_config *config; /* NULL: the engine's */
    bool reuse; /* may share port and addresses with others that say so and do not listen */
};

/* Binds. Returns the id, or USCTP_ERR_IN_USE, INVALID, NO_MEMORY, LIMIT. */
USCTP_API int32_t usctp_endpoint_open(
    struct usctp_engine *engine, const struct usctp_endpoint_options *options) USCTP_MUST_CHECK;
/* Adds or removes bound addresses (RFC 6458 9.1); existing associations keep theirs. */
USCTP_API int usctp_endpoint_bind(struct usctp_engine *engine, int32_t endpoint,
                                  const struct usctp_addr *addresses, size_t n, bool add);
/* Changes the option `reuse` of a bound endpoint. */
USCTP_API int usctp_endpoint_reuse(struct usctp_engine *engine, int32_t endpoint, bool reuse);
/* Starts (backlog > 0) or stops (0) taking associations. USCTP_ERR_IN_USE: another endpoint that
 * shares an address listens. */
USCTP_API int usctp_endpoint_listen(struct usctp_engine *engine, int32_t endpoint,
                                    uint32_t backlog);
/*
 * Takes the oldest association that waits and gives it an endpoint of its own, which shares port
 * and addresses with the listener; with endpoint NULL (one-to-many) it stays with the listener.
 * Returns the association's id and stores the endpoint's, or USCTP_ERR_AGAIN, STATE, NOT_FOUND,
 * NO_MEMORY.
 */
USCTP_API int32_t usctp_endpoint_accept(struct usctp_engine *engine, int32_t listener,
                                        int32_t *endpoint);
/* Gives an association of a one-to-many endpoint an endpoint of its own (RFC 6458 9.2). Returns the
 * new endpoint's id. */
USCTP_API int32_t usctp_assoc_peel_off(struct usctp_engine *engine, int32_t assoc);
/* Closes: associations that wait are aborted; others live on until released, and keep the port in
 * use. */
USCTP_API int usctp_endpoint_close(struct usctp_engine *engine, int32_t endpoint, uint64_t now_us);
USCTP_API int usctp_endpoint_tune(struct usctp_engine *engine, int32_t endpoint,
                                  enum usctp_tunable tunable, uint64_t value);
USCTP_API int usctp_endpoint_config(const struct usctp_engine *engine, int32_t endpoint,
                                    struct usctp_config *config);

/* ---- associations
 * --------------------------------------------------------------------------------------------- */

struct usctp_connect {
    int32_t endpoint;
    const struct usctp_addr *addresses; /* the peer's; the first becomes primary */
    size_t address_count;
    uint16_t port;
    uint16_t udp_port; /* the peer's encapsulation port (RFC 6951), 0 = none */
};

/* Sends INIT. Returns the association's id, or USCTP_ERR_EXISTS, INVALID, FAMILY, UNREACHABLE,
 * LIMIT, NO_MEMORY. */
USCTP_API int32_t usctp_assoc_connect(struct usctp_engine *engine,
                                      const struct usctp_connect *connect,
                                      uint64_t now_us) USCTP_MUST_CHECK;

struct usctp_slice {
    void *base;
    size_t length;
};

enum usctp_message_flag {
    USCTP_MESSAGE_UNORDERED = 1u << 0,
    USCTP_MESSAGE_SACK_IMMEDIATELY = 1u << 1, /* I bit, RFC 9260 3.3.1 */
    USCTP_MESSAGE_END = 1u << 2,              /* received: the piece ends its message */
    USCTP_MESSAGE_NOTIFICATION = 1u << 3,     /* received: see usctp_received.notification */
    USCTP_MESSAGE_TO_PATH = 1u << 4,          /* send: first to usctp_send.path */
    USCTP_MESSAGE_PEEK = 1u << 5,             /* receive: leave it queued */
    USCTP_MESSAGE_INCOMPLETE_BEGIN =
        1u << 6, /* received: partial delivery, not the message's first piece */
    USCTP_MESSAGE_INTERLEAVE = 1u << 7, /* receive: past a message whose next piece has not come,
                                           what is of other streams (RFC 6458 8.1.20, level 2) */
    USCTP_MESSAGE_MORE = 1u << 8,       /* received, without _PEEK: more data can be read */
};

struct usctp_send {
    uint16_t sid;
    uint32_t
        ppid; /* host order here; sent as it is in network order by the caller's choice of htonl */
    uint32_t context; /* comes back in a SEND_FAILED notification */
    uint32_t flags;   /* enum usctp_message_flag */
    uint32_t path;
};

/*
 * Queues a message; its bytes are copied. Returns 0, or USCTP_ERR_AGAIN when the send buffer has no
 * room (WRITABLE follows), TOO_BIG, INVALID (stream, empty), SHUTDOWN, STATE, NO_MEMORY, or LIMIT
 * when max_memory_bytes are nearly in use (nothing tells when to try again). Allowed from connect
 * on (RFC 9260 11.1.1).
 */
USCTP_API int usctp_assoc_send(struct usctp_engine *engine, int32_t assoc,
                               const struct usctp_send *send, const struct usctp_slice *slices,
                               size_t n, uint64_t now_us) USCTP_MUST_CHECK;

enum usctp_notification_kind {
    USCTP_NOTIFY_ASSOC_CHANGE = 1u << 0,
    USCTP_NOTIFY_PATH_CHANGE = 1u << 1,
    USCTP_NOTIFY_REMOTE_ERROR = 1u << 2,
    USCTP_NOTIFY_SEND_FAILED = 1u << 3,
    USCTP_NOTIFY_SHUTDOWN = 1u << 4,
    USCTP_NOTIFY_PARTIAL_DELIVERY_ABORTED = 1u << 5,
    USCTP_NOTIFY_ADAPTATION = 1u << 6,
    USCTP_NOTIFY_SENDER_DRY = 1u << 7,
};

enum usctp_assoc_change {
    USCTP_COMM_UP,
    USCTP_COMM_LOST,
    USCTP_RESTART,
    USCTP_SHUTDOWN_COMPLETE,
    USCTP_CANT_START
};
enum usctp_path_change {
    USCTP_PATH_AVAILABLE,
    USCTP_PATH_UNREACHABLE,
    USCTP_PATH_REMOVED,
    USCTP_PATH_ADDED,
    USCTP_PATH_MADE_PRIMARY,
    USCTP_PATH_CONFIRMED,
    USCTP_PATH_POTENTIALLY_FAILED,
};

/* data (an ABORT or ERROR chunk, or a message that was not delivered) is valid until the next call
 * on the association. */
struct usctp_notification {
    uint32_t kind;   /* one enum usctp_notification_kind */
    uint32_t change; /* enum usctp_assoc_change or usctp_path_change */
    uint16_t error;  /* an RFC 9260 3.3.10 cause code where the peer gave one, host order */
    uint16_t outbound_streams, inbound_streams;
    struct usctp_addr address; /* PATH_CHANGE */
    struct usctp_send send;    /* SEND_FAILED */
    bool was_sent;             /* SEND_FAILED: a part may have reached the peer */
    uint16_t sid;              /* PARTIAL_DELIVERY_ABORTED */
    uint32_t value;            /* ADAPTATION; PARTIAL_DELIVERY_ABORTED: SSN */
    const uint8_t *data;
    size_t data_bytes;
};

struct usctp_received {
    uint16_t sid, ssn;
    uint32_t ppid; /* as in usctp_send */
    uint32_t tsn, cumulative_tsn;
    uint32_t flags; /* enum usctp_message_flag */
    uint32_t path;  /* path the first byte came on */
    struct usctp_addr source;
    struct usctp_notification notification;
};

/*
 * Takes the next piece of the next message, or the next notification (flags say which; a
 * notification writes nothing to the slices). in_flags: USCTP_MESSAGE_PEEK, _INTERLEAVE.
 * Returns the bytes written, or USCTP_ERR_AGAIN (nothing yet), or USCTP_ERR_SHUTDOWN (nothing will
 * ever come), or NOT_FOUND.
 */
USCTP_API int64_t usctp_assoc_receive(struct usctp_engine *engine, int32_t assoc,
                                      struct usctp_received *received,
                                      const struct usctp_slice *slices, size_t n,
                                      uint32_t in_flags);
/* Bytes of the message after the one that is next (RFC 6458 5.3.6), filled as receive would.
 * Returns them or ERR_AGAIN. */
USCTP_API int64_t usctp_assoc_peek_next(struct usctp_engine *engine, int32_t assoc,
                                        struct usctp_received *received);
/*
 * Whether what the association has to send may wait for more, so that it leaves in a long run:
 * plenty is under way, less than `bytes` is queued, and there is nothing else to send. Each time it
 * says yes, the next output may have Max.Burst packets more, as an output now would have had.
 */
USCTP_API bool usctp_assoc_may_wait(struct usctp_engine *engine, int32_t assoc, size_t bytes);
/* Pends what reading made due (a window update, a SACK); call it after a run of
 * usctp_assoc_receive. */
USCTP_API void usctp_assoc_received(struct usctp_engine *engine, int32_t assoc, uint64_t now_us);

/* Ends gracefully once all is acknowledged (RFC 9260 9.2). In COOKIE-WAIT the association is
 * aborted. */
USCTP_API int usctp_assoc_shutdown(struct usctp_engine *engine, int32_t assoc, uint64_t now_us);
/* Ends at once (9.1), with a User-Initiated Abort cause carrying `reason`, which may be empty. */
USCTP_API int usctp_assoc_abort(struct usctp_engine *engine, int32_t assoc, const uint8_t *reason,
                                size_t bytes, uint64_t now_us);
/* Gives the association back: its id and unread data go. One that has not ended is finished by the
   engine alone: graceful if a shutdown was begun, else aborted. */
USCTP_API void usctp_assoc_release(struct usctp_engine *engine, int32_t assoc, uint64_t now_us);
/* Which notifications are queued (enum usctp_notification_kind); none at first. On an endpoint: for
 * new associations. */
USCTP_API int usctp_assoc_subscribe(struct usctp_engine *engine, int32_t assoc, uint32_t kinds);
USCTP_API int usctp_endpoint_subscribe(struct usctp_engine *engine, int32_t endpoint,
                                       uint32_t kinds);
USCTP_API int usctp_assoc_tune(struct usctp_engine *engine, int32_t assoc,
                               enum usctp_tunable tunable, uint64_t value, uint64_t now_us);
USCTP_API int usctp_assoc_config(const struct usctp_engine *engine, int32_t assoc,
                                 struct usctp_config *config);

enum usctp_assoc_state { /* RFC 9260 4, with Linux's numbers */
                         USCTP_CLOSED = 1,
                         USCTP_COOKIE_WAIT = 2,
                         USCTP_COOKIE_ECHOED = 3,
                         USCTP_ESTABLISHED = 4,
                         USCTP_SHUTDOWN_PENDING = 5,
                         USCTP_SHUTDOWN_SENT = 6,
                         USCTP_SHUTDOWN_RECEIVED = 7,
                         USCTP_SHUTDOWN_ACK_SENT = 8,
};

struct usctp_assoc_status {
    enum usctp_assoc_state state;
    int32_t endpoint;
    uint16_t local_port, peer_port;
    uint16_t outbound_streams, inbound_streams;
    uint32_t peer_rwnd_bytes, local_rwnd_bytes;
    uint32_t unacknowledged_chunks,
        pending_chunks; /* sent and not acknowledged; received and not read (messages) */
    uint64_t unsent_bytes, in_flight_bytes, send_buffer_used_bytes, unread_bytes;
    uint32_t fragmentation_point_bytes;
    uint32_t path_count, primary_path, data_path; /* data_path: where new data goes now */
    uint32_t local_tag, peer_tag;
    bool has_ended;
    int error;        /* with has_ended */
    uint64_t data_us; /* when user data was last sent or received; 0 = never */
    struct usctp_assoc_counters counters;
};

USCTP_API int usctp_assoc_status(const struct usctp_engine *engine, int32_t assoc,
                                 struct usctp_assoc_status *status);
/* Local addresses of the association. Returns how many there are; writes up to max. */
USCTP_API int usctp_assoc_local_addresses(const struct usctp_engine *engine, int32_t assoc,
                                          struct usctp_addr *out, size_t max);
USCTP_API int usctp_endpoint_local_addresses(const struct usctp_engine *engine, int32_t endpoint,
                                             struct usctp_addr *out, size_t max);

/* The association of an endpoint's port with a peer's address and port, not yet ended. Returns its
 * id, or USCTP_ERR_NOT_FOUND. */
USCTP_API int32_t usctp_assoc_find(const struct usctp_engine *engine, int32_t endpoint,
                                   const struct usctp_addr *address, uint16_t port);

enum usctp_path_state { /* with Linux's numbers; RFC 7829 for potentially failed */
                        USCTP_PATH_STATE_INACTIVE = 0,
                        USCTP_PATH_STATE_PF = 1,
                        USCTP_PATH_STATE_ACTIVE = 2,
                        USCTP_PATH_STATE_UNCONFIRMED = 3,
};

enum usctp_pmtu_state { /* RFC 8899 5.2 */
                        USCTP_PMTU_DISABLED,
                        USCTP_PMTU_BASE,
                        USCTP_PMTU_SEARCHING,
                        USCTP_PMTU_SEARCH_COMPLETE,
                        USCTP_PMTU_ERROR,
};

struct usctp_path_status {
    struct usctp_addr address, source; /* source of family NONE: the host chooses */
    enum usctp_path_state state;
    bool wants_route;
    uint16_t udp_port;
    uint32_t cwnd_bytes, ssthresh_bytes, in_flight_bytes, pmtu_bytes;
    uint64_t srtt_us, rttvar_us, rto_us;
    uint32_t error_count;
    enum usctp_pmtu_state pmtu_state;
    uint32_t pmtu_max_bytes; /* the interface's MTU: what pmtu_bytes may rise to */
    USCTP_PATH_COUNTER_TABLE(USCTP_COUNTER_FIELD)
};

/* Returns 0, or USCTP_ERR_NOT_FOUND. */
USCTP_API int usctp_path_status(const struct usctp_engine *engine, int32_t assoc, uint32_t path,
                                struct usctp_path_status *status);
/* Returns the index of the path to an address, or USCTP_ERR_NOT_FOUND. */
USCTP_API int usctp_path_find(const struct usctp_engine *engine, int32_t assoc,
                              const struct usctp_addr *address);
USCTP_API int usctp_path_tune(struct usctp_engine *engine, int32_t assoc, uint32_t path,
                              enum usctp_tunable tunable, uint64_t value, uint64_t now_us);
USCTP_API int usctp_path_get(const struct usctp_engine *engine, int32_t assoc, uint32_t path,
                             enum usctp_tunable tunable, uint64_t *value);
/* The peer's UDP encapsulation port of a path (RFC 6951 6.1), 0: none. Its packets may change it
 * again (5.4). Returns 0 or USCTP_ERR_NOT_FOUND. */
USCTP_API int usctp_path_encapsulate(struct usctp_engine *engine, int32_t assoc, uint32_t path,
                                     uint16_t udp_port);
/* Answers wants_route: the source the host would use (family NONE: none better known) and the way's
 * MTU (0: unknown). */
USCTP_API int usctp_path_route(struct usctp_engine *engine, int32_t assoc, uint32_t path,
                               const struct usctp_addr *source, uint32_t mtu_bytes,
                               uint64_t now_us);
USCTP_API int usctp_path_set_primary(struct usctp_engine *engine, int32_t assoc, uint32_t path,
                                     uint64_t now_us);
/* Sends a HEARTBEAT now (RFC 9260 11.1.8). */
USCTP_API int usctp_path_heartbeat(struct usctp_engine *engine, int32_t assoc, uint32_t path,
                                   uint64_t now_us);

/* ---- counters of the engine
 * ----------------------------------------------------------------------------------- */

/* The fields are in counters.h. */
USCTP_API void usctp_engine_counters(const struct usctp_engine *engine,
                                     struct usctp_engine_counters *counters);

#ifdef __cplusplus
}
#pragma GCC diagnostic pop
#endif
#endif
