/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A stack: one engine, one transport, one lock, the sockets over them, and how packets are driven.
 */
#ifndef API_STACK_H
#define API_STACK_H

#include "api/blocking.h"
#include "api/env_host.h"
#include "api/exiting.h"
#include "api/loop.h"
#include "api/socket.h"
#include "api/transmit.h"
#include "core/config_pool.h"
#include "core/hash.h"
#include "usctp/usctp.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

struct transport;

struct usctp_stack {
    pthread_mutex_t
        lock; /* everything, unless said otherwise; first, and never destroyed (fd_table.c) */
    LIST_ENTRY(usctp_stack) link;
    _Atomic uint32_t calls; /* threads inside a call, blocked ones too */
    _Atomic bool is_ending;
    bool is_foreign; /* this process is a forked child of the one that made it */

    struct env_host host;
    struct env env; /* for core/hash */
    struct usctp_engine *engine;
    struct transport *transport;
    bool has_raw;
    uint64_t now_us;
    void (*notice)(void *user, const char *sentence); /* or NULL: as usctp_stack_options has them */
    void *notice_user;
    struct config_pool configs;        /* of the sockets */
    const struct usctp_config *config; /* what new sockets start with, of that pool */

    LIST_HEAD(, socket) sockets;
    LIST_HEAD(, socket) autoclosing;     /* with SCTP_AUTOCLOSE */
    TAILQ_HEAD(, socket) dirty;          /* readiness is to be shown */
    LIST_HEAD(, connection) connections; /* all, closing ones too */
    struct hash by_endpoint;             /* listening sockets */
    struct hash by_assoc;                /* connections */
    size_t closing_count;                /* connections without a socket */
    struct socket *sweep;                /* next socket to be asked whether it was closed */

    struct exiting exiting;
    struct loop loop;
    struct transmit transmit;
};

/* The time for what is done now, under the lock. */
uint64_t stack_now(struct usctp_stack *stack);
/* After the engine was touched: its events to the sockets, what it has to send to the FIFO,
 * readiness, the timer. */
void stack_settle(struct usctp_stack *stack);
/* The same when all that was touched is an association on which a message was sent (0: more): it
 * may wait for others. */
void stack_settle_sent(struct usctp_stack *stack, int32_t assoc);
/* Reads the host's addresses and routes if they have changed. */
void stack_refresh(struct usctp_stack *stack);
/* Hands what the transport has for the user to notice. */
void stack_take_notices(struct usctp_stack *stack);
/* After a port was claimed: has the next turn, of the I/O thread at best, replace what a thread of
 * another network namespace has used up. */
void stack_replenish(struct usctp_stack *stack);
/* Runs turns, with the role. Returns true when there is more to do. */
bool stack_drive(struct usctp_stack *stack, int turns, int timeout_ms);
/* In a forked child: gives up everything that is shared with the parent. */
void stack_forget(struct usctp_stack *stack);

/* process.c: registers what happens at fork and at exit, once. */
void process_register(void);

#endif
