/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usctp sockets: RFC 6458 over descriptors that poll, select and epoll understand.
 *
 * Every call behaves as its namesake of the system does: 0 or a count on success, -1 and errno on
 * failure. Numbers, structures and flags are Linux's, from <linux/sctp.h>; what only
 * <netinet/sctp.h> has is here with the prefix usctp_ or USCTP_ and the same layout, so that both
 * headers can be included in one file. The engine alone is in engine.h, every tunable in config.h,
 * every counter in counters.h.
 *
 * A descriptor is known to the process that made it. Plain read(2) and write(2) on it are not for
 * use; close(2) is as good as usctp_close.
 */
#ifndef USCTP_USCTP_H
#define USCTP_USCTP_H

#if defined IPPROTO_SCTP && !defined _NETINET_IN_H
#undef IPPROTO_SCTP /* <netinet/sctp.h> alone makes it a macro that <netinet/in.h> trips over */
#endif

#include "usctp/config.h"
#include "usctp/engine.h"

#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <linux/sctp.h>
#include <netinet/in.h>

#ifdef __cplusplus
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
extern "C" {
#endif

#define USCTP_VERSION  "0.1.0"
#define USCTP_UDP_PORT 9899 /* RFC 6951 */

/* ---- a stack
 * --------------------------------------------------------------------------------------------------
 */

struct usctp_stack;

enum usctp_stack_flag {
    USCTP_STACK_RAW =
        1u << 0, /* raw IPPROTO_SCTP sockets: needs CAP_NET_RAW or handed-in descriptors */
    USCTP_STACK_UDP = 1u << 1, /* UDP encapsulation: no privilege */
    USCTP_STACK_THREAD =
        1u << 2, /* an I/O thread drives it; without it, blocked calls and usctp_stack_process do */
    USCTP_STACK_UDP_PORT_REQUIRED =
        1u << 3, /* fail with EADDRINUSE rather than take another port than udp_port */
    USCTP_STACK_NO_SPEAKER =
        1u << 4, /* never answer packets for ports that no process of the host has */
    USCTP_STACK_BESIDE_KERNEL =
        1u << 5, /* raw sockets although the kernel has SCTP of its own, which answers too */
    USCTP_STACK_XDP =
        1u << 6, /* with RAW: by AF_XDP, past the kernel's IP, where that can be; else raw */
};

struct usctp_stack_options {
    uint32_t size;                /* sizeof of this struct */
    uint32_t flags;               /* enum usctp_stack_flag; neither RAW nor UDP = RAW */
    uint16_t udp_port;            /* local encapsulation port, 0 = USCTP_UDP_PORT */
    int raw_ipv4_fd, raw_ipv6_fd; /* already open raw sockets, or -1: see below */
    const char *device;           /* bind to this interface, or NULL */
    uint32_t mark;                /* SO_MARK of all packets, 0 = none: needs CAP_NET_ADMIN */
    const char *pcap_path;        /* reserved for programs that link the capture writer; NULL */
    const struct usctp_config *config; /* defaults for every socket, or NULL */
    /* Sees every packet in and out, and state changes, under the stack's lock; must not call usctp.
     * NULL: none. */
    void (*trace)(void *user, const struct usctp_trace_record *record);
    void *trace_user;
    int udp_ipv4_fd, udp_ipv6_fd; /* already open UDP sockets, or -1: see below */
    /* Gets a sentence for the user when the stack does not do what it was asked for, but something
     * else that works: where AF_XDP cannot be used. As trace: under the stack's lock, must not call
     * usctp. NULL: nobody is told. */
    void (*notice)(void *user, const char *sentence);
    void *notice_user;
};

/*
 * Sockets handed in, by who opened them with privileges that this process has not: raw ones of
 * protocol IPPROTO_SCTP with USCTP_STACK_RAW, UDP ones with USCTP_STACK_UDP, which may be bound
 * already and then say the port (IPv6: with IPV6_V6ONLY), and are bound by the stack if not. One
 * family may be missing; the stack opens it where it may and else goes without. They must be of the
 * network namespace of the calling thread. Once usctp_stack_new has succeeded they are the stack's:
 * it sets options on them, which duplicates see, and closes them. When it fails they are the
 * caller's still, to be closed by him, with options changed.
 *
 * The struct is known by its size: a program built with an older, shorter one has the defaults for
 * the rest; one built with a newer one has to leave what this library does not know zero (E2BIG).
 */
/* The same for a struct of another version: writes `size` bytes. */
USCTP_API void usctp_stack_options_init_size(struct usctp_stack_options *options, uint32_t size);
/* Fills *options with the defaults: raw, with an I/O thread. */
static inline void usctp_stack_options_init(struct usctp_stack_options *options) {
    usctp_stack_options_init_size(options, (uint32_t)sizeof *options);
}
/*
 * Makes a stack, in the network namespace of the calling thread; other threads may then use it from
 * others. options may be NULL. Returns NULL with errno: EPERM (no CAP_NET_RAW, or for mark no
 * CAP_NET_ADMIN: usctp_stack_error says what to do), EBUSY (the kernel has SCTP of its own:
 * likewise), EADDRINUSE, ENODEV (device), EINVAL, E2BIG, EBADF, ENOTSOCK (handed-in descriptors),
 * ENOMEM, EMFILE.
 */
USCTP_API struct usctp_stack *usctp_stack_new(const struct usctp_stack_options *options);
/* Why this thread's last usctp_stack_new failed, one sentence for the user; "" when it did not. */
USCTP_API const char *usctp_stack_error(void);
/* Ends everything: associations are aborted, blocked calls return ESHUTDOWN, descriptors get end of
 * file. Always returns. */
USCTP_API void usctp_stack_delete(struct usctp_stack *stack);

/* Without USCTP_STACK_THREAD: one descriptor that is readable when usctp_stack_process has work,
 * timers included. */
USCTP_API int usctp_stack_fd(struct usctp_stack *stack);
/* Does what is due, within a budget; never blocks. Returns 1 when there is more, 0 when not, -1 and
 * errno on failure. */
USCTP_API int usctp_stack_process(struct usctp_stack *stack);
/* The local UDP encapsulation port in use, 0 when none. */
USCTP_API uint16_t usctp_stack_udp_port(struct usctp_stack *stack);
USCTP_API int usctp_stack_counters(struct usctp_stack *stack,
                                   struct usctp_engine_counters *counters);

/* ---- sockets
 * --------------------------------------------------------------------------------------------------
 */

struct mmsghdr;
struct timespec;

/* domain AF_INET or AF_INET6; type SOCK_STREAM (one-to-one) or SOCK_SEQPACKET (one-to-many), with
 * SOCK_NONBLOCK and SOCK_CLOEXEC; protocol IPPROTO_SCTP or 0. */
USCTP_API int usctp_socket(struct usctp_stack *stack, int domain, int type, int protocol);
USCTP_API int usctp_bind(int sd, const struct sockaddr *address, socklen_t length);
/* addresses: packed struct sockaddr_in and sockaddr_in6, one after the other; flags
 * SCTP_BINDX_ADD_ADDR or _REM_ADDR. */
USCTP_API int usctp_bindx(int sd, const struct sockaddr *addresses, int count, int flags);
USCTP_API int usctp_listen(int sd, int backlog);
USCTP_API int usctp_accept(int sd, struct sockaddr *address, socklen_t *length);
USCTP_API int usctp_accept4(int sd, struct sockaddr *address, socklen_t *length, int flags);
USCTP_API int usctp_connect(int sd, const struct sockaddr *address, socklen_t length);
/* As usctp_bindx's addresses; all of one port. *id, unless NULL, gets the association id, also with
 * EINPROGRESS. */
USCTP_API int usctp_connectx(int sd, const struct sockaddr *addresses, int count, sctp_assoc_t *id);
/* Gives an association of a one-to-many socket a one-to-one socket of its own (RFC 6458 9.2).
 * Returns its descriptor. flags: SOCK_NONBLOCK, SOCK_CLOEXEC. */
USCTP_API int usctp_peeloff(int sd, sctp_assoc_t id);
USCTP_API int usctp_peeloff_flags(int sd, sctp_assoc_t id, unsigned flags);
/* The id of the association with a peer's address and port; 0 and errno (ENOENT) when there is
 * none.
 */
USCTP_API sctp_assoc_t usctp_getassocid(int sd, const struct sockaddr *address);
/* Sending fails with ENOBUFS when max_memory_bytes are nearly in use (config.h): nothing tells when
 * to try again, and a blocking call does not wait. */
USCTP_API ssize_t usctp_send(int sd, const void *data, size_t bytes, int flags);
USCTP_API ssize_t usctp_sendto(int sd, const void *data, size_t bytes, int flags,
                               const struct sockaddr *address, socklen_t length);
USCTP_API ssize_t usctp_sendmsg(int sd, const struct msghdr *message, int flags);
USCTP_API int usctp_sendmmsg(int sd, struct mmsghdr *messages, unsigned count, int flags);
USCTP_API ssize_t usctp_write(int sd, const void *data, size_t bytes);
USCTP_API ssize_t usctp_writev(int sd, const struct iovec *iov, int iovcnt);
USCTP_API ssize_t usctp_recv(int sd, void *data, size_t bytes, int flags);
USCTP_API ssize_t usctp_recvfrom(int sd, void *data, size_t bytes, int flags, struct sockaddr *from,
                                 socklen_t *from_bytes);
USCTP_API ssize_t usctp_recvmsg(int sd, struct msghdr *message, int flags);
USCTP_API int usctp_recvmmsg(int sd, struct mmsghdr *messages, unsigned count, int flags,
                             struct timespec *timeout);
USCTP_API ssize_t usctp_read(int sd, void *data, size_t bytes);
USCTP_API ssize_t usctp_readv(int sd, const struct iovec *iov, int iovcnt);
USCTP_API int usctp_shutdown(int sd, int how);
USCTP_API int usctp_close(int sd);
USCTP_API int usctp_getsockname(int sd, struct sockaddr *address, socklen_t *length);
USCTP_API int usctp_getpeername(int sd, struct sockaddr *address, socklen_t *length);
USCTP_API int usctp_setsockopt(int sd, int level, int name, const void *value, socklen_t length);
USCTP_API int usctp_getsockopt(int sd, int level, int name, void *value, socklen_t *length);
/* getsockopt of level IPPROTO_SCTP, with the association id put into *value first. */
USCTP_API int usctp_opt_info(int sd, sctp_assoc_t id, int name, void *value, socklen_t *length);
/* Allocates packed addresses for usctp_freepaddrs / usctp_freeladdrs. Returns how many, 0 when
 * there is no association. */
USCTP_API int usctp_getpaddrs(int sd, sctp_assoc_t id, struct sockaddr **addresses);
USCTP_API int usctp_getladdrs(int sd, sctp_assoc_t id, struct sockaddr **addresses);
USCTP_API void usctp_freepaddrs(struct sockaddr *addresses);
USCTP_API void usctp_freeladdrs(struct sockaddr *addresses);
/* Bytes of an address of this family in packed lists; 0: no such family. */
USCTP_API int usctp_getaddrlen(sa_family_t family);

/*
 * Beyond RFC 6458. usctp_tune sets a tunable of config.h on a socket, for its association and for
 * those that it will accept. The other two give the engine's own view of the association (ENOTCONN
 * without one) and of one of its paths (EINVAL beyond the last).
 */
USCTP_API int usctp_tune(int sd, enum usctp_tunable tunable, uint64_t value);
USCTP_API int usctp_socket_status(int sd, struct usctp_assoc_status *status);
USCTP_API int usctp_socket_path(int sd, uint32_t path, struct usctp_path_status *status);

/*
 * Options of usctp's own, level IPPROTO_SCTP, to read only: the counters of usctp/counters.h. Who
 * gives less room than the structure needs gets its beginning. The first is the stack's and needs
 * no association; the others fail with EINVAL without one, the last also beyond the last path.
 * One-to-many, the first four bytes of the value name the association, as usctp_opt_info does.
 */
#define USCTP_STACK_COUNTERS 0x5001 /* struct usctp_engine_counters */
#define USCTP_ASSOC_COUNTERS 0x5002 /* struct usctp_assoc_counters */
#define USCTP_PATH_COUNTERS  0x5003 /* struct usctp_path_counters; `path` is read */

struct usctp_path_counters {
    sctp_assoc_t assoc_id;
    uint32_t path; /* index, from 0 */
    struct usctp_path_status status;
};

/* RFC 6458 9.12 and 9.13. infotype and the structures are Linux's; see the names below. With
 * addresses of a new peer the association is set up, and its id comes back in a given struct
 * sctp_sndinfo. */
USCTP_API ssize_t usctp_sendv(int sd, const struct iovec *iov, int iovcnt,
                              const struct sockaddr *addresses, int count, void *info,
                              socklen_t info_bytes, unsigned infotype, int flags);
USCTP_API ssize_t usctp_recvv(int sd, const struct iovec *iov, int iovcnt, struct sockaddr *from,
                              socklen_t *from_bytes, void *info, socklen_t *info_bytes,
                              unsigned *infotype, int *flags);

/* RFC 6458 9.7, 9.8, 9.10, 9.11, deprecated there: sctp_sendmsg, sctp_recvmsg, sctp_send,
 * sctp_sendx. While USCTP_USE_EXT_RCVINFO is on, *sinfo of usctp_sctp_recvmsg has to be a struct
 * usctp_extrcvinfo. */
USCTP_API ssize_t usctp_sctp_sendmsg(int sd, const void *data, size_t bytes,
                                     const struct sockaddr *to, socklen_t to_bytes, uint32_t ppid,
                                     uint32_t flags, uint16_t sid, uint32_t time_to_live,
                                     uint32_t context);
USCTP_API ssize_t usctp_sctp_recvmsg(int sd, void *data, size_t bytes, struct sockaddr *from,
                                     socklen_t *from_bytes, struct sctp_sndrcvinfo *sinfo,
                                     int *flags);
USCTP_API ssize_t usctp_sctp_send(int sd, const void *data, size_t bytes,
                                  const struct sctp_sndrcvinfo *sinfo, int flags);
USCTP_API ssize_t usctp_sctp_sendx(int sd, const void *data, size_t bytes,
                                   const struct sockaddr *addresses, int count,
                                   const struct sctp_sndrcvinfo *sinfo, int flags);

/*
 * What RFC 6458 has and Linux lacks; numbers far from Linux's. The event is not subscribed to with
 * the others, so that programs made for Linux do not meet it. A message in pieces, ended by
 * USCTP_EOR, may be as long as the send buffer, and goes with what its first piece said.
 */
#define USCTP_EXPLICIT_EOR                0x5101 /* option, int: 8.1.26 */
#define USCTP_USE_EXT_RCVINFO             0x5102 /* option, int: 8.1.22 */
#define USCTP_EOR                         0x2000 /* flag of sinfo, sndinfo, rcvinfo: erratum 6111 */
#define USCTP_COMPLETE                    0x1000 /* flag of nxtinfo: 5.3.6 */
#define USCTP_DATA_NOT_FRAG               3      /* flags of a message that failed: 6.1.4, 6.1.11 */
#define USCTP_DATA_LAST_FRAG              1
#define USCTP_EXTRCV                      0x5101 /* ancillary data: 5.3.3 */
#define USCTP_NOTIFICATIONS_STOPPED_EVENT 0x9000 /* struct usctp_tlv: 6.1.10 */
#define USCTP_NEXT_MSG_AVAIL              1
#define USCTP_NEXT_MSG_ISCOMPLETE         2
#define USCTP_NEXT_MSG_IS_UNORDERED       4
#define USCTP_NEXT_MSG_IS_NOTIFICATION    8

struct usctp_tlv {
    uint16_t sn_type, sn_flags;
    uint32_t sn_length;
};
struct usctp_extrcvinfo {
    uint16_t sinfo_stream, sinfo_ssn, sinfo_flags;
    uint32_t sinfo_ppid, sinfo_context, sinfo_pr_value, sinfo_tsn, sinfo_cumtsn;
    uint16_t serinfo_next_flags, serinfo_next_stream;
    uint32_t serinfo_next_aid, serinfo_next_length, serinfo_next_ppid;
    sctp_assoc_t sinfo_assoc_id;
};

#define USCTP_SENDV_NOINFO        0
#define USCTP_SENDV_SNDINFO       1
#define USCTP_SENDV_PRINFO        2
#define USCTP_SENDV_AUTHINFO      3
#define USCTP_SENDV_SPA           4
#define USCTP_SEND_SNDINFO_VALID  1
#define USCTP_SEND_PRINFO_VALID   2
#define USCTP_SEND_AUTHINFO_VALID 4
#define USCTP_RECVV_NOINFO        0
#define USCTP_RECVV_RCVINFO       1
#define USCTP_RECVV_NXTINFO       2
#define USCTP_RECVV_RN            3

struct usctp_sendv_spa {
    uint32_t sendv_flags;
    struct sctp_sndinfo sendv_sndinfo;
    struct sctp_prinfo sendv_prinfo;
    struct sctp_authinfo sendv_authinfo;
};
struct usctp_recvv_rn {
    struct sctp_rcvinfo recvv_rcvinfo;
    struct sctp_nxtinfo recvv_nxtinfo;
};

#ifdef __cplusplus
}
#pragma GCC diagnostic pop
#endif
#endif
