/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls on a socket that a forked child has inherited: its parent, which has the stack, makes them
 * (fork_service.h). The rest - bind, listen, accept, connect and libsctp's functions - is not there
 * for a child.
 */
#ifndef PRELOAD_PARENTS_SOCKET_H
#define PRELOAD_PARENTS_SOCKET_H

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

/* In a child: the control socket by which it asks. */
void parents_socket_ask_by(int control_fd);

/* As the calls that they are named after. */
int parents_getsockopt(int fd, int level, int name, void *value, socklen_t *bytes);
int parents_setsockopt(int fd, int level, int name, const void *value, socklen_t bytes);
int parents_getsockname(int fd, struct sockaddr *address, socklen_t *bytes);
int parents_getpeername(int fd, struct sockaddr *address, socklen_t *bytes);
int parents_shutdown(int fd, int how);
ssize_t parents_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t parents_recvmsg(int fd, struct msghdr *message, int flags);
/* One buffer; `to`, `from` may be NULL. */
ssize_t parents_sendto(int fd, const void *data, size_t bytes, int flags, const struct sockaddr *to,
                       socklen_t to_bytes);
ssize_t parents_recvfrom(int fd, void *data, size_t bytes, int flags, struct sockaddr *from,
                         socklen_t *from_bytes);
ssize_t parents_writev(int fd, const struct iovec *iov, int count);
ssize_t parents_readv(int fd, const struct iovec *iov, int count);

#endif
