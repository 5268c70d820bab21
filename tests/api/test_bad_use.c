/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bad use of every function on a descriptor, by tables: no descriptor, one of something else,
 * closed sockets, stacks that are gone, NULL, wrong lengths, wrong states. The errno is the
 * system's for the namesake, and nothing crashes.
 */
#include "many_test.h"

#include <sys/mman.h>
#include <time.h>

static struct sockaddr_in peer_name, own_name;
static char text[8] = "text";
static int number;
static socklen_t number_bytes, name_bytes;
static struct sockaddr *list;
static struct usctp_assoc_status assoc_status;
static struct usctp_path_status path_status;

#define NAME(variable) ((struct sockaddr *)&(variable))

/* One call that would be right on a good socket. */
#define CALL(name, expression)                                                                     \
    static int call_##name(int sd) {                                                               \
        struct iovec iov = {.iov_base = text, .iov_len = 4};                                       \
        struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};                                \
        struct mmsghdr many = {.msg_hdr = message};                                                \
        int flags = MSG_DONTWAIT | MSG_NOSIGNAL;                                                   \
        unsigned type = 0;                                                                         \
        (void)iov;                                                                                 \
        (void)many;                                                                                \
        (void)type;                                                                                \
        (void)flags;                                                                               \
        number_bytes = sizeof number;                                                              \
        name_bytes = sizeof peer_name;                                                             \
        return (int)(expression);                                                                  \
    }
#define CALLS(X)                                                                                   \
    X(bind, usctp_bind(sd, NAME(own_name), sizeof own_name))                                       \
    X(bindx, usctp_bindx(sd, NAME(own_name), 1, SCTP_BINDX_ADD_ADDR))                              \
    X(listen, usctp_listen(sd, 1))                                                                 \
    X(accept, usctp_accept(sd, NULL, NULL))                                                        \
    X(accept4, usctp_accept4(sd, NULL, NULL, SOCK_CLOEXEC))                                        \
    X(connect, usctp_connect(sd, NAME(peer_name), sizeof peer_name))                               \
    X(connectx, usctp_connectx(sd, NAME(peer_name), 1, NULL))                                      \
    X(peeloff, usctp_peeloff(sd, 3))                                                               \
    X(peeloff_flags, usctp_peeloff_flags(sd, 3, 0))                                                \
    X(getassocid, usctp_getassocid(sd, NAME(peer_name)) - 1)                                       \
    X(send, usctp_send(sd, text, 4, flags))                                                        \
    X(sendto, usctp_sendto(sd, text, 4, flags, NULL, 0))                                           \
    X(sendmsg, usctp_sendmsg(sd, &message, flags))                                                 \
    X(sendmmsg, usctp_sendmmsg(sd, &many, 1, flags))                                               \
    X(write, usctp_write(sd, text, 4))                                                             \
    X(writev, usctp_writev(sd, &iov, 1))                                                           \
    X(sendv, usctp_sendv(sd, &iov, 1, NULL, 0, NULL, 0, USCTP_SENDV_NOINFO, flags))                \
    X(sctp_send, usctp_sctp_send(sd, text, 4, NULL, flags))                                        \
    X(sctp_sendx, usctp_sctp_sendx(sd, text, 4, NULL, 0, NULL, flags))                             \
    X(sctp_sendmsg, usctp_sctp_sendmsg(sd, text, 4, NULL, 0, 0, 0, 0, 0, 0))                       \
    X(recv, usctp_recv(sd, text, 4, flags))                                                        \
    X(recvfrom, usctp_recvfrom(sd, text, 4, flags, NULL, NULL))                                    \
    X(recvmsg, usctp_recvmsg(sd, &message, flags))                                                 \
    X(recvmmsg, usctp_recvmmsg(sd, &many, 1, flags, NULL))                                         \
    X(recvv, usctp_recvv(sd, &iov, 1, NULL, NULL, NULL, NULL, &type, &flags))                      \
    X(sctp_recvmsg, usctp_sctp_recvmsg(sd, text, 4, NULL, NULL, NULL, &flags))                     \
    X(shutdown, usctp_shutdown(sd, SHUT_WR))                                                       \
    X(getsockname, usctp_getsockname(sd, NAME(own_name), &name_bytes))                             \
    X(getpeername, usctp_getpeername(sd, NAME(peer_name), &name_bytes))                            \
    X(setsockopt, usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_NODELAY, &number, sizeof number))        \
    X(getsockopt, usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_NODELAY, &number, &number_bytes))        \
    X(opt_info, usctp_opt_info(sd, 0, SCTP_NODELAY, &number, &number_bytes))                       \
    X(getpaddrs, usctp_getpaddrs(sd, 0, &list))                                                    \
    X(getladdrs, usctp_getladdrs(sd, 0, &list))                                                    \
    X(tune, usctp_tune(sd, USCTP_TUNABLE_nodelay, 1))                                              \
    X(socket_status, usctp_socket_status(sd, &assoc_status))                                       \
    X(socket_path, usctp_socket_path(sd, 0, &path_status))                                         \
    X(read, usctp_read(sd, text, 4))                                                               \
    X(readv, usctp_readv(sd, &iov, 1))

CALLS(CALL)

static const struct {
    const char *name;
    int (*call)(int sd);
} calls[] = {
#define ENTRY(name, expression) {#name, call_##name},
    CALLS(ENTRY)};
enum { COUNT = sizeof calls / sizeof calls[0] };

static void setup(void) {
    signal(SIGPIPE, SIG_IGN);
    peer_name = loopback(4000);
    own_name = loopback(0);
}

static void expect_everywhere(int sd, int error) {
    for (size_t i = 0; i < COUNT; i++) {
        errno = 0;
        int result = calls[i].call(sd);
        ck_assert_msg(result == -1 && errno == error, "%s: %d, %s instead of %s", calls[i].name,
                      result, strerror(errno), strerror(error));
    }
    own_name = loopback(0);
}

START_TEST(no_socket_of_ours) {
    struct usctp_stack *stack = new_stack(_i);
    int fds[2], sd = new_socket(stack), many = new_many(stack);
    ck_assert_int_eq(pipe(fds), 0);
    int udp = socket(AF_INET, SOCK_DGRAM, 0);
    expect_everywhere(-1, EBADF);
    expect_everywhere(INT32_MAX, EBADF);
    expect_everywhere(fds[0], ENOTSOCK);
    expect_everywhere(udp, ENOTSOCK);
    usctp_close(sd);
    expect_everywhere(sd, EBADF);
    close(many); /* as good as usctp_close, as soon as the stack has run */
    for (int ms = 0; ms < BOUND_MS && call_getsockname(many) == 0; ms++) {
        if (_i == DRIVER_CALLER)
            usctp_stack_process(stack);
        usleep(1000);
    }
    own_name = loopback(0);
    expect_everywhere(many, EBADF);
    ck_assert_errno(usctp_close(-1), EBADF);
    ck_assert_errno(usctp_close(sd), EBADF);
    ck_assert_errno(usctp_close(fds[0]), ENOTSOCK);
    sd = new_socket(stack);
    many = new_many(stack);
    usctp_stack_delete(stack);
    expect_everywhere(sd, ESHUTDOWN);
    expect_everywhere(many, ESHUTDOWN);
    ck_assert_int_eq(usctp_close(sd), 0);
    ck_assert_int_eq(usctp_close(many), 0);
    expect_everywhere(sd, EBADF);
}
END_TEST

/* ---- NULL and lengths ------------------------------------------------------------------------ */

#define WRONG_CALLS(X)                                                                             \
    X(bind_null, EFAULT, EFAULT, usctp_bind(sd, NULL, sizeof own_name))                            \
    X(bind_short, EINVAL, EINVAL, usctp_bind(sd, NAME(own_name), sizeof own_name - 1))             \
    X(bind_empty, EINVAL, EINVAL, usctp_bind(sd, NAME(own_name), 0))                               \
    X(bindx_null, EFAULT, EFAULT, usctp_bindx(sd, NULL, 1, SCTP_BINDX_ADD_ADDR))                   \
    X(bindx_flags, EINVAL, EINVAL, usctp_bindx(sd, NAME(own_name), 1, 99))                         \
    X(connect_null, EFAULT, EFAULT, usctp_connect(sd, NULL, sizeof peer_name))                     \
    X(connect_short, EINVAL, EINVAL, usctp_connect(sd, NAME(peer_name), 3))                        \
    X(connectx_null, EFAULT, EFAULT, usctp_connectx(sd, NULL, 1, NULL))                            \
    X(connectx_none, EINVAL, EINVAL, usctp_connectx(sd, NAME(peer_name), 0, NULL))                 \
    X(accept_null, EFAULT, EFAULT, usctp_accept(sd, NAME(own_name), NULL))                         \
    X(accept_flags, EINVAL, EINVAL, usctp_accept4(sd, NULL, NULL, 1))                              \
    X(peeloff_flags, EINVAL, EINVAL, usctp_peeloff_flags(sd, 3, 1))                                \
    X(getassocid_null, EFAULT, EFAULT, usctp_getassocid(sd, NULL) - 1)                             \
    X(send_null, EFAULT, EFAULT, usctp_send(sd, NULL, 4, flags))                                   \
    X(send_empty, EINVAL, EINVAL, usctp_send(sd, text, 0, flags))                                  \
    X(send_oob, EOPNOTSUPP, EOPNOTSUPP, usctp_send(sd, text, 4, flags | MSG_OOB))                  \
    X(sendto_short, EINVAL, EINVAL, usctp_sendto(sd, text, 4, flags, NAME(peer_name), 5))          \
    X(sendmsg_null, EFAULT, EFAULT, usctp_sendmsg(sd, NULL, flags))                                \
    X(sendmsg_iov, EFAULT, EFAULT, usctp_sendmsg(sd, &no_iov, flags))                              \
    X(sendmsg_iovs, EMSGSIZE, EMSGSIZE, usctp_sendmsg(sd, &long_iov, flags))                       \
    X(sendmmsg_null, EFAULT, EFAULT, usctp_sendmmsg(sd, NULL, 1, flags))                           \
    X(writev_null, EFAULT, EFAULT, usctp_writev(sd, NULL, 1))                                      \
    X(writev_count, EMSGSIZE, EMSGSIZE, usctp_writev(sd, &iov, -1))                                \
    X(sendv_null, EFAULT, EFAULT, usctp_sendv(sd, NULL, 1, NULL, 0, NULL, 0, 0, flags))            \
    X(sendv_counts, EINVAL, EINVAL, usctp_sendv(sd, &iov, -1, NULL, 0, NULL, 0, 0, flags))         \
    X(sendv_names, EFAULT, EFAULT, usctp_sendv(sd, &iov, 1, NULL, 1, NULL, 0, 0, flags))           \
    X(sendv_info, EFAULT, EFAULT, usctp_sendv(sd, &iov, 1, NULL, 0, NULL, 16, 1, flags))           \
    X(sendv_type, EINVAL, EINVAL, usctp_sendv(sd, &iov, 1, NULL, 0, text, 8, 99, flags))           \
    X(sendv_short, EINVAL, EINVAL, usctp_sendv(sd, &iov, 1, NULL, 0, text, 4, 1, flags))           \
    X(recv_null, EFAULT, EFAULT, usctp_recv(sd, NULL, 4, flags))                                   \
    X(recv_oob, EOPNOTSUPP, EOPNOTSUPP, usctp_recv(sd, text, 4, flags | MSG_OOB))                  \
    X(recvfrom_null, EFAULT, EFAULT, usctp_recvfrom(sd, text, 4, flags, NAME(own_name), NULL))     \
    X(recvmsg_null, EFAULT, EFAULT, usctp_recvmsg(sd, NULL, flags))                                \
    X(recvmsg_iov, EFAULT, EFAULT, usctp_recvmsg(sd, &no_iov, flags))                              \
    X(recvmsg_control, EFAULT, EFAULT, usctp_recvmsg(sd, &no_control, flags))                      \
    X(recvmmsg_null, EFAULT, EFAULT, usctp_recvmmsg(sd, NULL, 1, flags, NULL))                     \
    X(recvmmsg_time, EINVAL, EINVAL, usctp_recvmmsg(sd, &many, 1, flags, &bad_time))               \
    X(readv_count, EMSGSIZE, EMSGSIZE, usctp_readv(sd, &iov, -1))                                  \
    X(recvv_count, EINVAL, EINVAL,                                                                 \
      usctp_recvv(sd, &iov, -1, NULL, NULL, NULL, NULL, &type, &flags))                            \
    X(recvv_flags, EFAULT, EFAULT, usctp_recvv(sd, &iov, 1, NULL, NULL, NULL, NULL, &type, NULL))  \
    X(recvv_info, EFAULT, EFAULT, usctp_recvv(sd, &iov, 1, NULL, NULL, text, NULL, &type, &flags)) \
    X(sctp_recvmsg_null, EFAULT, EFAULT,                                                           \
      usctp_sctp_recvmsg(sd, text, 4, NAME(own_name), NULL, NULL, &flags))                         \
    X(sctp_sendmsg_flags, EINVAL, EINVAL,                                                          \
      usctp_sctp_sendmsg(sd, text, 4, NULL, 0, 0, 1u << 20, 0, 0, 0))                              \
    X(shutdown_how, EINVAL, EINVAL, usctp_shutdown(sd, 99))                                        \
    X(getsockname_null, EFAULT, EFAULT, usctp_getsockname(sd, NULL, &name_bytes))                  \
    X(getsockname_length, EFAULT, EFAULT, usctp_getsockname(sd, NAME(own_name), NULL))             \
    X(getpeername_null, EFAULT, EFAULT, usctp_getpeername(sd, NULL, &name_bytes))                  \
    X(getpeername_length, EFAULT, EFAULT, usctp_getpeername(sd, NAME(own_name), NULL))             \
    X(setsockopt_null, EFAULT, EFAULT, usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_NODELAY, NULL, 4))  \
    X(setsockopt_bad, EFAULT, EFAULT,                                                              \
      usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_NODELAY, nowhere, 4))                                \
    X(setsockopt_short, EINVAL, EINVAL,                                                            \
      usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_NODELAY, &number, 3))                                \
    X(setsockopt_unknown, ENOPROTOOPT, ENOPROTOOPT,                                                \
      usctp_setsockopt(sd, IPPROTO_SCTP, 31337, &number, sizeof number))                           \
    X(setsockopt_level, ENOPROTOOPT, ENOPROTOOPT,                                                  \
      usctp_setsockopt(sd, IPPROTO_TCP, 1, &number, sizeof number))                                \
    X(setsockopt_later, EOPNOTSUPP, EOPNOTSUPP,                                                    \
      usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_AUTH_KEY, &number, sizeof number))                   \
    X(getsockopt_null, EFAULT, EFAULT,                                                             \
      usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_NODELAY, NULL, &number_bytes))                       \
    X(getsockopt_bad, EFAULT, EFAULT,                                                              \
      usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_NODELAY, nowhere, &number_bytes))                    \
    X(getsockopt_length, EFAULT, EFAULT,                                                           \
      usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_NODELAY, &number, NULL))                             \
    X(getsockopt_far, EFAULT, EFAULT,                                                              \
      usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_NODELAY, &number, nowhere))                          \
    X(opt_info_null, EFAULT, EFAULT, usctp_opt_info(sd, 0, SCTP_RTOINFO, NULL, &number_bytes))     \
    X(opt_info_bad, EFAULT, EFAULT, usctp_opt_info(sd, 0, SCTP_RTOINFO, nowhere, &long_bytes))     \
    X(opt_info_unknown, ENOPROTOOPT, ENOPROTOOPT,                                                  \
      usctp_opt_info(sd, 0, 31337, &number, &number_bytes))                                        \
    X(assoc_ids_null, EOPNOTSUPP, EFAULT,                                                          \
      usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_GET_ASSOC_ID_LIST, NULL, &long_bytes))               \
    X(autoclose, EOPNOTSUPP, EINVAL,                                                               \
      usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_AUTOCLOSE, &number, sd_is_many(sd) ? 3 : 4))         \
    X(getpaddrs_null, EFAULT, EFAULT, usctp_getpaddrs(sd, 0, NULL))                                \
    X(getladdrs_null, EFAULT, EFAULT, usctp_getladdrs(sd, 0, NULL))                                \
    X(tune_unknown, EINVAL, EINVAL, usctp_tune(sd, USCTP_TUNABLE_COUNT, 1))                        \
    X(tune_value, EINVAL, EINVAL, usctp_tune(sd, USCTP_TUNABLE_nodelay, 2))                        \
    X(status_null, EFAULT, EFAULT, usctp_socket_status(sd, NULL))                                  \
    X(path_null, EFAULT, EFAULT, usctp_socket_path(sd, 0, NULL))                                   \
    X(bindx_count, EINVAL, EINVAL, usctp_bindx(sd, NAME(own_name), -1, SCTP_BINDX_ADD_ADDR))       \
    X(bindx_bad, EFAULT, EFAULT, usctp_bindx(sd, nowhere, 1, SCTP_BINDX_ADD_ADDR))                 \
    X(bindx_both, EINVAL, EINVAL,                                                                  \
      usctp_bindx(sd, NAME(own_name), 1, SCTP_BINDX_ADD_ADDR | SCTP_BINDX_REM_ADDR))               \
    X(connect_unspec, EOPNOTSUPP, EOPNOTSUPP, usctp_connect(sd, &unspec, sizeof unspec))           \
    X(connect_unix, EAFNOSUPPORT, EAFNOSUPPORT, usctp_connect(sd, &local, sizeof local))           \
    X(connectx_unix, EAFNOSUPPORT, EAFNOSUPPORT, usctp_connectx(sd, &local, 1, NULL))              \
    X(connectx_bad, EFAULT, EFAULT, usctp_connectx(sd, nowhere, 1, NULL))                          \
    X(connectx_many, EINVAL, EINVAL, usctp_connectx(sd, NAME(peer_name), INT32_MAX, NULL))         \
    X(bind_unix, EAFNOSUPPORT, EAFNOSUPPORT, usctp_bind(sd, &local, sizeof local))                 \
    X(getassocid_bad, EFAULT, EFAULT, usctp_getassocid(sd, nowhere) - 1)                           \
    X(getassocid_unix, EAFNOSUPPORT, EAFNOSUPPORT, usctp_getassocid(sd, &local) - 1)               \
    X(write_null, EFAULT, EFAULT, usctp_write(sd, NULL, 4))                                        \
    X(write_empty, EINVAL, EINVAL, usctp_write(sd, text, 0))                                       \
    X(write_long, EINVAL, EINVAL, usctp_write(sd, text, SIZE_MAX))                                 \
    X(read_null, EFAULT, EFAULT, usctp_read(sd, NULL, 4))                                          \
    X(send_flags, EOPNOTSUPP, EOPNOTSUPP, usctp_send(sd, NULL, 4, MSG_OOB))                        \
    X(sendto_null, EFAULT, EFAULT,                                                                 \
      usctp_sendto(sd, NULL, 4, flags, NAME(peer_name), sizeof peer_name))                         \
    X(sendto_unix, EAFNOSUPPORT, EAFNOSUPPORT,                                                     \
      usctp_sendto(sd, text, 4, flags, &local, sizeof local))                                      \
    X(sendmsg_control, EINVAL, EINVAL, usctp_sendmsg(sd, &bad_control, flags))                     \
    X(sendmmsg_iov, EFAULT, EFAULT, usctp_sendmmsg(sd, &many_no_iov, 1, flags))                    \
    X(sctp_send_null, EFAULT, EFAULT, usctp_sctp_send(sd, NULL, 4, NULL, flags))                   \
    X(sctp_send_empty, EINVAL, EINVAL, usctp_sctp_send(sd, text, 0, NULL, flags))                  \
    X(sctp_sendx_null, EFAULT, EFAULT, usctp_sctp_sendx(sd, NULL, 4, NULL, 0, NULL, flags))        \
    X(sctp_sendx_names, EFAULT, EFAULT, usctp_sctp_sendx(sd, text, 4, NULL, 1, NULL, flags))       \
    X(sctp_sendx_count, EINVAL, EINVAL,                                                            \
      usctp_sctp_sendx(sd, text, 4, NAME(peer_name), -1, NULL, flags))                             \
    X(sctp_sendmsg_null, EFAULT, EFAULT, usctp_sctp_sendmsg(sd, NULL, 4, NULL, 0, 0, 0, 0, 0, 0))  \
    X(sctp_sendmsg_short, EINVAL, EINVAL,                                                          \
      usctp_sctp_sendmsg(sd, text, 4, NAME(peer_name), 3, 0, 0, 0, 0, 0))                          \
    X(sctp_sendmsg_life, EOPNOTSUPP, EOPNOTSUPP,                                                   \
      usctp_sctp_sendmsg(sd, text, 4, NULL, 0, 0, 0, 0, 5, 0))                                     \
    X(sctp_recvmsg_data, EFAULT, EFAULT,                                                           \
      usctp_sctp_recvmsg(sd, NULL, 4, NULL, NULL, NULL, &flags))                                   \
    X(sendv_data, EFAULT, EFAULT, usctp_sendv(sd, &bad_iov, 1, NULL, 0, NULL, 0, 0, flags))        \
    X(sendv_extra, EINVAL, EINVAL, usctp_sendv(sd, &iov, 1, NULL, 0, text, 4, 0, flags))           \
    X(sendv_count, EINVAL, EINVAL,                                                                 \
      usctp_sendv(sd, &iov, 1, NAME(peer_name), -1, NULL, 0, 0, flags))                            \
    X(recvv_null, EFAULT, EFAULT, usctp_recvv(sd, NULL, 1, NULL, NULL, NULL, NULL, &type, &flags)) \
    X(recvv_from, EFAULT, EFAULT,                                                                  \
      usctp_recvv(sd, &iov, 1, NAME(own_name), NULL, NULL, NULL, &type, &flags))                   \
    X(recvv_type, EFAULT, EFAULT,                                                                  \
      usctp_recvv(sd, &iov, 1, NULL, NULL, text, &long_bytes, NULL, &flags))                       \
    X(readv_null, EFAULT, EFAULT, usctp_readv(sd, NULL, 1))                                        \
    X(recvfrom_data, EFAULT, EFAULT, usctp_recvfrom(sd, NULL, 4, flags, NULL, NULL))               \
    X(recvmmsg_iov, EFAULT, EFAULT, usctp_recvmmsg(sd, &many_no_iov, 1, flags, NULL))              \
    X(accept4_null, EFAULT, EFAULT, usctp_accept4(sd, NAME(own_name), NULL, 0))                    \
    X(peeloff_none, EINVAL, EINVAL, usctp_peeloff(sd, 0))                                          \
    X(peeloff_negative, EINVAL, EINVAL, usctp_peeloff(sd, -1))                                     \
    X(getpaddrs_id, EINVAL, EINVAL,                                                                \
      sd_is_many(sd) ? usctp_getpaddrs(sd, 77, &list) : (errno = EINVAL, -1))                      \
    X(getladdrs_id, EINVAL, EINVAL,                                                                \
      sd_is_many(sd) ? usctp_getladdrs(sd, 77, &list) : (errno = EINVAL, -1))                      \
    X(setsockopt_long, EINVAL, EINVAL,                                                             \
      usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_RTOINFO, text, sizeof(struct sctp_rtoinfo) + 1))     \
    X(setsockopt_huge, EINVAL, EINVAL,                                                             \
      usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_NODELAY, &number, UINT32_MAX))                       \
    X(setsockopt_read_only, ENOPROTOOPT, ENOPROTOOPT,                                              \
      usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_STATUS, &number, sizeof number))                     \
    X(getsockopt_write_only, ENOPROTOOPT, ENOPROTOOPT,                                             \
      usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_SOCKOPT_BINDX_ADD, &number, &number_bytes))          \
    X(getsockopt_current, EINVAL, EINVAL,                                                          \
      sd_is_many(sd) ? usctp_opt_info(sd, SCTP_CURRENT_ASSOC, SCTP_RTOINFO, &rto, &rto_bytes)      \
                     : (errno = EINVAL, -1))                                                       \
    X(getsockopt_all, EINVAL, EINVAL,                                                              \
      sd_is_many(sd) ? usctp_opt_info(sd, SCTP_ALL_ASSOC, SCTP_DELAYED_SACK, &rto, &rto_bytes)     \
                     : (errno = EINVAL, -1))

static void *nowhere;
static const struct sockaddr unspec = {.sa_family = AF_UNSPEC}, local = {.sa_family = AF_UNIX};

static bool sd_is_many(int sd) {
    int type = 0;
    socklen_t bytes = sizeof type;
    ck_assert_int_eq(usctp_getsockopt(sd, SOL_SOCKET, SO_TYPE, &type, &bytes), 0);
    return type == SOCK_SEQPACKET;
}

#define WRONG(name, error, error_many, expression)                                                 \
    static int wrong_##name(int sd) {                                                              \
        struct iovec iov = {.iov_base = text, .iov_len = 4};                                       \
        struct msghdr no_iov = {.msg_iovlen = 1},                                                  \
                      long_iov = {.msg_iov = &iov, .msg_iovlen = 9999};                            \
        struct msghdr no_control = {.msg_controllen = 64};                                         \
        struct mmsghdr many = {.msg_len = 0}, many_no_iov = {.msg_hdr = no_iov};                   \
        struct iovec bad_iov = {.iov_len = 4};                                                     \
        struct cmsghdr short_item = {                                                              \
            .cmsg_len = 3, .cmsg_level = IPPROTO_SCTP, .cmsg_type = SCTP_SNDINFO};                 \
        struct msghdr bad_control = {.msg_iov = &iov,                                              \
                                     .msg_iovlen = 1,                                              \
                                     .msg_control = &short_item,                                   \
                                     .msg_controllen = sizeof short_item};                         \
        struct sctp_rtoinfo rto = {0};                                                             \
        socklen_t rto_bytes = sizeof rto;                                                          \
        (void)many_no_iov, (void)bad_iov, (void)bad_control, (void)rto, (void)rto_bytes;           \
        struct timespec bad_time = {.tv_nsec = -1};                                                \
        int flags = MSG_DONTWAIT | MSG_NOSIGNAL;                                                   \
        unsigned type = 0;                                                                         \
        socklen_t long_bytes = 64;                                                                 \
        (void)iov, (void)no_iov, (void)long_iov, (void)no_control, (void)many, (void)bad_time;     \
        (void)flags, (void)type, (void)long_bytes;                                                 \
        number_bytes = sizeof number;                                                              \
        name_bytes = sizeof peer_name;                                                             \
        return (int)(expression);                                                                  \
    }
WRONG_CALLS(WRONG)

static const struct {
    const char *name;
    int (*call)(int sd);
    int error, error_many; /* one-to-one, one-to-many */
} wrong_calls[] = {
#define WRONG_ENTRY(name, error, error_many, expression) {#name, wrong_##name, error, error_many},
    WRONG_CALLS(WRONG_ENTRY)};

START_TEST(wrong_argument) {
    struct usctp_stack *stack = new_stack(DRIVER_THREAD);
    nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int style = SOCK_STREAM; style <= SOCK_SEQPACKET; style += SOCK_SEQPACKET - SOCK_STREAM) {
        int sd = usctp_socket(stack, AF_INET, style, 0);
        for (size_t i = 0; i < sizeof wrong_calls / sizeof wrong_calls[0]; i++) {
            int error = style == SOCK_STREAM ? wrong_calls[i].error : wrong_calls[i].error_many;
            errno = 0;
            int result = wrong_calls[i].call(sd);
            ck_assert_msg(result == -1 && errno == error, "%s: %d, %s instead of %s",
                          wrong_calls[i].name, result, strerror(errno), strerror(error));
        }
        /* None of them has changed it. */
        ck_assert_int_eq(usctp_bind(sd, NAME(own_name), sizeof own_name), 0);
        usctp_close(sd);
    }
    usctp_freepaddrs(NULL);
    usctp_freeladdrs(NULL);
    ck_assert_int_eq(usctp_getaddrlen(AF_UNIX), 0);
    ck_assert_int_eq(usctp_getaddrlen(AF_INET), 16);
    ck_assert_int_eq(usctp_getaddrlen(AF_INET6), 28);
    usctp_stack_delete(stack);
    usctp_stack_delete(NULL);
}
END_TEST

/* ---- stacks ---------------------------------------------------------------------------------- */

START_TEST(no_stack) {
    struct usctp_stack_options options;
    struct usctp_engine_counters counters;
    usctp_stack_options_init(NULL);
    usctp_stack_options_init_size(NULL, sizeof options);
    ck_assert_errno(usctp_stack_fd(NULL), EINVAL);
    ck_assert_errno(usctp_stack_process(NULL), EINVAL);
    ck_assert_errno(usctp_stack_counters(NULL, &counters), EINVAL);
    ck_assert_uint_eq(usctp_stack_udp_port(NULL), 0);
    ck_assert_errno(usctp_socket(NULL, AF_INET, SOCK_STREAM, 0), EFAULT);
    const uint32_t sizes[] = {0, 1, 7, sizeof options + 1, UINT32_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        usctp_stack_options_init(&options);
        options.size = sizes[i];
        errno = 0;
        ck_assert_ptr_null(usctp_stack_new(&options));
        ck_assert_int_eq(errno, EINVAL);
        ck_assert_str_ne(usctp_stack_error(), "");
    }
    for (int bit = 6; bit < 32; bit++) {
        usctp_stack_options_init(&options);
        options.flags = USCTP_STACK_UDP | 1u << bit;
        errno = 0;
        ck_assert_ptr_null(usctp_stack_new(&options));
        ck_assert_int_eq(errno, EINVAL);
    }
    struct usctp_stack *stack = new_stack(DRIVER_CALLER);
    ck_assert_errno(usctp_stack_counters(stack, NULL), EINVAL);
    const int types[] = {0, SOCK_DGRAM, SOCK_RAW, SOCK_RDM, -1, SOCK_STREAM | 1 << 30};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        ck_assert_errno(usctp_socket(stack, AF_INET, types[i], 0), ESOCKTNOSUPPORT);
    ck_assert_errno(usctp_socket(stack, AF_UNSPEC, SOCK_STREAM, 0), EAFNOSUPPORT);
    ck_assert_errno(usctp_socket(stack, -1, SOCK_STREAM, 0), EAFNOSUPPORT);
    ck_assert_errno(usctp_socket(stack, AF_INET, SOCK_STREAM, -1), EPROTONOSUPPORT);
    usctp_stack_delete(stack);
    usctp_stack_delete(NULL);
}
END_TEST

/* ---- states ---------------------------------------------------------------------------------- */

enum { FRESH, LISTENING, CONNECTED, ENDED, MANY, STATES };

/* What each call gives in each state; 0: it succeeds. ANY: that depends on what another does. */
enum { ANY = -1 };
static const struct {
    int (*call)(int sd);
    int error[STATES];
} states[] = {
    {call_accept, {EINVAL, EAGAIN, EINVAL, EINVAL, EOPNOTSUPP}},
    {call_accept4, {EINVAL, EAGAIN, EINVAL, EINVAL, EOPNOTSUPP}},
    {call_getpeername, {ENOTCONN, ENOTCONN, 0, 0, ENOTCONN}},
    {call_getsockname, {0, 0, 0, 0, 0}},
    {call_getpaddrs, {0, 0, 0, 0, EINVAL}},
    {call_getladdrs, {0, 0, 0, 0, 0}},
    {call_getassocid, {ENOENT, ENOENT, ENOENT, ENOENT, ENOENT}},
    {call_setsockopt, {0, 0, 0, 0, 0}},
    {call_getsockopt, {0, 0, 0, 0, 0}},
    {call_opt_info, {0, 0, 0, 0, 0}},
    {call_tune, {0, 0, 0, 0, 0}},
    {call_peeloff, {EINVAL, EINVAL, EINVAL, EINVAL, EINVAL}},
    {call_peeloff_flags, {EINVAL, EINVAL, EINVAL, EINVAL, EINVAL}},
    {call_recv, {ENOTCONN, ENOTCONN, EAGAIN, 0, EAGAIN}},
    {call_recvfrom, {ENOTCONN, ENOTCONN, EAGAIN, 0, EAGAIN}},
    {call_recvmsg, {ENOTCONN, ENOTCONN, EAGAIN, 0, EAGAIN}},
    {call_recvmmsg, {ENOTCONN, ENOTCONN, EAGAIN, 0, EAGAIN}},
    {call_recvv, {ENOTCONN, ENOTCONN, EAGAIN, 0, EAGAIN}},
    {call_sctp_recvmsg, {ENOTCONN, ENOTCONN, EAGAIN, 0, EAGAIN}},
    {call_read, {ENOTCONN, ENOTCONN, EAGAIN, 0, EAGAIN}},
    {call_readv, {ENOTCONN, ENOTCONN, EAGAIN, 0, EAGAIN}},
    {call_send, {EPIPE, EPIPE, 0, EPIPE, EPIPE}},
    {call_sendto, {EPIPE, EPIPE, 0, EPIPE, EPIPE}},
    {call_sendmsg, {EPIPE, EPIPE, 0, EPIPE, EPIPE}},
    {call_sendmmsg, {EPIPE, EPIPE, 0, EPIPE, EPIPE}},
    {call_write, {EPIPE, EPIPE, 0, EPIPE, EPIPE}},
    {call_writev, {EPIPE, EPIPE, 0, EPIPE, EPIPE}},
    {call_sendv, {EPIPE, EPIPE, 0, EPIPE, EPIPE}},
    {call_sctp_send, {EPIPE, EPIPE, 0, EPIPE, EPIPE}},
    {call_sctp_sendx, {EPIPE, EPIPE, 0, EPIPE, EPIPE}},
    {call_sctp_sendmsg, {EPIPE, EPIPE, 0, EPIPE, EPIPE}},
    {call_socket_status, {ENOTCONN, ENOTCONN, 0, 0, ENOTCONN}},
    {call_socket_path, {ENOTCONN, ENOTCONN, 0, 0, ENOTCONN}},
    {call_bind, {0, EINVAL, EINVAL, EINVAL, 0}},
    {call_listen, {0, 0, EINVAL, EINVAL, 0}},
    {call_bindx, {EINVAL, EINVAL, EOPNOTSUPP, EINVAL, EINVAL}}, /* bound above: another port */
    {call_connect, {EISCONN, EISCONN, EISCONN, EISCONN, EINPROGRESS}},
    {call_connectx, {EISCONN, EISCONN, EISCONN, EISCONN, ANY}},
    {call_shutdown, {ENOTCONN, ENOTCONN, 0, 0, EOPNOTSUPP}},
};
_Static_assert(sizeof states / sizeof states[0] == COUNT, "every call in every state");

START_TEST(wrong_state) {
    struct pair pair;
    char byte;
    pair_open(&pair, DRIVER_THREAD);
    int sds[STATES] = {new_socket(pair.client_stack), pair.listener, pair.client, pair.server,
                       new_many(pair.client_stack)};
    ck_assert_int_eq(usctp_recv(pair.server, &byte, 1, MSG_DONTWAIT), -1);
    /* The fourth has its association aborted, and has been told so. */
    struct pair ended;
    pair_open(&ended, DRIVER_THREAD);
    struct linger hard = {.l_onoff = 1};
    ck_assert_int_eq(usctp_setsockopt(ended.client, SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
    usctp_close(ended.client);
    ended.client = -1;
    ck_assert_errno(usctp_recv(ended.server, &byte, 1, 0), ECONNRESET);
    sds[ENDED] = ended.server;
    own_name = loopback(0);
    own_name.sin_port = 0;
    for (int k = 0; k < STATES; k++)
        set_nonblocking(sds[k], true);
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        if (states[i].call == call_bindx)
            own_name.sin_port = htons(1);
        for (int k = 0; k < STATES; k++) {
            errno = 0;
            int result = states[i].call(sds[k]);
            usctp_freepaddrs(list); /* of getpaddrs and getladdrs */
            list = NULL;
            int error = states[i].error[k];
            if (error == ANY)
                continue;
            ck_assert_msg(error ? result == -1 && errno == error : result >= 0,
                          "row %zu, state %d: %d, %s instead of %s", i, k, result, strerror(errno),
                          strerror(error));
        }
    }
    usctp_close(sds[FRESH]);
    usctp_close(sds[MANY]);
    pair_close(&ended);
    pair_close(&pair);
}
END_TEST

static Suite *bad_use_suite(void) {
    Suite *suite = suite_create("bad_use");
    TCase *tcase = tcase_create("bad_use");
    tcase_set_timeout(tcase, TEST_SECONDS);
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_loop_test(tcase, no_socket_of_ours, 0, DRIVERS);
    tcase_add_test(tcase, wrong_argument);
    tcase_add_test(tcase, no_stack);
    tcase_add_test(tcase, wrong_state);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    return run_suite(bad_use_suite());
}
