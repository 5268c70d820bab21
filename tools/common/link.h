/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A tool's stack and its sockets: one stack made from the shared options, sockets of one family,
 * waiting in either driver (design: an I/O thread, or the program itself), and errors as one clear
 * line.  Functions without a result end the program where they fail.
 */
#ifndef COMMON_LINK_H
#define COMMON_LINK_H

#include "common/address.h"
#include "common/options.h"
#include "usctp/usctp.h"

#include <poll.h>

enum link_role { LINK_CLIENT, LINK_LISTENER };

struct link;

/*
 * Makes the stack.  hosts: a client's peers (its family follows from them and --bind), a listener's
 * own addresses, or NULL for all.  threaded: an I/O thread drives it, else the link_ calls do.
 */
struct link *link_open(const struct tool_options *options, enum link_role role, const char *hosts,
                       uint16_t port, bool threaded);
/* Prints --stats, ends associations that are still up, completes capture and trace.  Returns 0, or
   -1 when one is not complete. */
int link_close(struct link *link);

/* A non-blocking socket, bound, that listens. */
int link_listen(struct link *link, int backlog);
/* A non-blocking socket with an association to the hosts of link_open, set up.  Returns it, or -1
   and errno, EINTR after a signal. */
int link_connect(struct link *link);
/* Takes an association from a listener: a non-blocking socket, or -1 and errno. */
int link_accept(struct link *link, int listener);
/* One line for a connect that failed, and the end. */
_Noreturn void link_connect_failed(const struct link *link, int error);

#define LINK_FOREVER (-1)
/* As poll(2) on fds, with the stack driven meanwhile.  A signal ends it with -1 and EINTR. */
int link_poll(struct link *link, struct pollfd *fds, nfds_t count, int timeout_ms);
/*
 * One step of waiting for a socket: until it may be ready, the stack has done something, or the
 * time is up.  The caller tries its call again.  Returns -1 and EINTR after a signal, else 0.
 */
int link_step(struct link *link, int sd, short events, int timeout_ms);

/* Makes a socket block: its calls drive the stack themselves.  From now on a signal ends any of
 * them. */
void link_block(int sd);

/* The same for all sockets that are made and accepted from now on; link_connect and link_accept
 * block, too. */
void link_block_all(struct link *link);

/* What link_receive says of a piece. */
struct link_piece {
    bool is_notification;
    bool is_complete; /* the notification says that the shutdown is complete */
    bool is_end;      /* of its message */
    uint16_t sid;
    uint32_t ppid; /* host order */
};
/* As recv(2), with notifications shown under -v.  The buffer should have LINK_RECEIVE_BYTES. */
ssize_t link_receive(struct link *link, int sd, void *buffer, size_t bytes,
                     struct link_piece *piece);
#define LINK_RECEIVE_BYTES 4096u
/* The same of what another call has received.  info: NULL where there was none. */
void link_describe(struct link *link, const void *data, size_t bytes, int flags,
                   const struct sctp_rcvinfo *info, struct link_piece *piece);
/* As send(2) on a stream; ppid in host order. */
ssize_t link_send(int sd, const void *data, size_t bytes, uint16_t sid, uint32_t ppid);
/*
 * After receiving has said "end of file": waits until the association has ended.  Returns 0 after a
 * graceful shutdown, else an errno, EINTR after a signal.
 */
int link_await_end(struct link *link, int sd);
/* Shuts down gracefully, throws away what still comes, closes.  Returns as link_await_end. */
int link_finish(struct link *link, int sd);
/* Closes a socket that has, or had, an association: its counters are kept for --stats. */
void link_close_socket(struct link *link, int sd);
/* Aborts the association and closes the socket. */
void link_abort(struct link *link, int sd);
/* What an error means to the user. */
const char *link_error_text(int error);

/* SIGINT and SIGTERM end waiting from now on, SIGPIPE is ignored. */
void link_catch_signals(void);
/* The signal that came, or 0. */
int link_signal(void);

#endif
