/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stacks: making and ending them, and what follows each touch of the engine (see stack.h).
 */
#include "api/stack.h"

#include "api/autoclose.h"
#include "api/close.h"
#include "api/connection.h"
#include "api/events.h"
#include "api/fd_table.h"
#include "api/turn.h"
#include "core/addr.h"
#include "core/config_take.h"
#include "net/transport.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FIRST_BUCKETS = 64,
    UDP_RUN_BYTES = 65000,
    PROCESS_TURNS = 16,
    EXIT_TURNS = 20000,
    EXIT_TAKES = 1000,
    MAX_OPTIONS_BYTES = 4096, /* of any version's struct: a wild size is not followed */
    EXIT_US = 1000000,        /* how long a process that exits waits for its associations to end */
};

static _Thread_local char error_text[512];

const char *usctp_stack_error(void) {
    return error_text;
}

_Static_assert(sizeof(struct usctp_stack_options) ==
                   offsetof(struct usctp_stack_options, notice_user) + sizeof(void *),
               "what pads an older struct must not become a field of a newer one");

void usctp_stack_options_init_size(struct usctp_stack_options *options, uint32_t size) {
    const struct usctp_stack_options defaults = {
        .size = size,
        .flags = USCTP_STACK_RAW | USCTP_STACK_THREAD,
        .raw_ipv4_fd = -1,
        .raw_ipv6_fd = -1,
        .udp_ipv4_fd = -1,
        .udp_ipv6_fd = -1,
    };
    if (!options || size > MAX_OPTIONS_BYTES)
        return;
    memset(options, 0, size);
    memcpy(options, &defaults, size < sizeof defaults ? size : sizeof defaults);
}

/* ---- the engine's surroundings --------------------------------------------------------------- */

uint64_t stack_now(struct usctp_stack *stack) {
    uint64_t now_us = env_host_now_us();
    if (now_us > stack->now_us)
        stack->now_us = now_us;
    return stack->now_us;
}

void stack_settle(struct usctp_stack *stack) {
    stack_settle_sent(stack, 0);
}

void stack_settle_sent(struct usctp_stack *stack, int32_t assoc) {
    events_take(stack);
    bool gathers = assoc != 0 && transmit_may_gather(stack, assoc);
    uint64_t retry_us = gathers ? stack->transmit.gather_until_us : transmit_pull(stack);
    if (!gathers)
        events_take(stack);
    socket_show_touched(stack);
    uint64_t deadline_us = usctp_engine_next_deadline(stack->engine);
    uint64_t autoclose_us = autoclose_deadline_us(stack);
    if (autoclose_us < deadline_us)
        deadline_us = autoclose_us;
    loop_arm(stack, deadline_us < retry_us ? deadline_us : retry_us);
}

static int tell_addresses(struct usctp_stack *stack) {
    size_t n;
    const struct usctp_local_address *addresses = transport_addresses(stack->transport, &n);
    return usctp_engine_local_addresses(stack->engine, addresses, n, stack->now_us);
}

void stack_refresh(struct usctp_stack *stack) {
    stack->loop.turns = 0;
    if (!transport_refresh(stack->transport))
        return;
    /* Without memory for the new list the engine keeps the old one; the next change brings another
     * attempt. */
    if (tell_addresses(stack) != 0)
        return;
    struct connection *a;
    LIST_FOREACH (a, &stack->connections, link)
        events_answer_routes(stack, a->id, true);
}

void stack_replenish(struct usctp_stack *stack) {
    if (!transport_is_short(stack->transport))
        return;
    stack->loop.turns = UINT32_MAX - 1;
    loop_kick(stack);
}

/* ---- making ---------------------------------------------------------------------------------- */

static int refuse(int error, const char *why) {
    snprintf(error_text, sizeof error_text, "usctp_stack_options %s.", why);
    return error;
}

/* Takes the caller's struct, which may be of another version. */
static int copy_options(const struct usctp_stack_options *given,
                        struct usctp_stack_options *options) {
    const uint32_t size = given->size;
    if (size < offsetof(struct usctp_stack_options, udp_port) ||
        size % _Alignof(struct usctp_stack_options) != 0)
        return refuse(-EINVAL, "has a size that no version has");
    if (size > MAX_OPTIONS_BYTES)
        return refuse(-E2BIG, "has a size that no version has");
    for (size_t i = sizeof *options; i < size; i++)
        if (((const unsigned char *)given)[i] != 0)
            return refuse(-E2BIG, "asks for something that only a newer library has");
    memcpy(options, given, size < sizeof *options ? size : sizeof *options);
    options->size = sizeof *options;
    return 0;
}

static int check_options(const struct usctp_stack_options *given,
                         struct usctp_stack_options *options) {
    const uint32_t known = USCTP_STACK_RAW | USCTP_STACK_UDP | USCTP_STACK_THREAD |
                           USCTP_STACK_UDP_PORT_REQUIRED | USCTP_STACK_NO_SPEAKER |
                           USCTP_STACK_BESIDE_KERNEL | USCTP_STACK_XDP;
    usctp_stack_options_init(options);
    int error = given ? copy_options(given, options) : 0;
    if (error != 0)
        return error;
    if ((options->flags & ~known) || options->pcap_path)
        return refuse(-EINVAL, "asks for something this library does not have");
    if (!(options->flags & (USCTP_STACK_RAW | USCTP_STACK_UDP)))
        options->flags |= USCTP_STACK_RAW;
    if ((options->flags & (USCTP_STACK_XDP | USCTP_STACK_RAW)) == USCTP_STACK_XDP)
        return refuse(-EINVAL, "asks for AF_XDP, and the flags lack USCTP_STACK_RAW");
    if (!(options->flags & USCTP_STACK_RAW) &&
        (options->raw_ipv4_fd >= 0 || options->raw_ipv6_fd >= 0))
        return refuse(-EINVAL, "has a raw socket, and the flags lack USCTP_STACK_RAW");
    if (!(options->flags & USCTP_STACK_UDP) &&
        (options->udp_ipv4_fd >= 0 || options->udp_ipv6_fd >= 0))
        return refuse(-EINVAL, "has a UDP socket, and the flags lack USCTP_STACK_UDP");
    return 0;
}

static int open_transport(struct usctp_stack *stack, const struct usctp_stack_options *options) {
    struct transport_options wanted = {
        .raw = options->flags & USCTP_STACK_RAW,
        .udp = options->flags & USCTP_STACK_UDP,
        .xdp = options->flags & USCTP_STACK_XDP,
        .xdp_receive = options->flags & USCTP_STACK_XDP,
        .udp_port = options->udp_port,
        .udp_port_required = options->flags & USCTP_STACK_UDP_PORT_REQUIRED,
        .raw_ipv4_fd = options->raw_ipv4_fd,
        .raw_ipv6_fd = options->raw_ipv6_fd,
        .udp_ipv4_fd = options->udp_ipv4_fd,
        .udp_ipv6_fd = options->udp_ipv6_fd,
        .device = options->device,
        .mark = options->mark,
        .may_speak = !(options->flags & USCTP_STACK_NO_SPEAKER),
        .beside_kernel = options->flags & USCTP_STACK_BESIDE_KERNEL,
    };
    int error = transport_open(&stack->transport, &wanted, error_text, sizeof error_text);
    stack->has_raw = wanted.raw;
    return error;
}

void stack_take_notices(struct usctp_stack *stack) {
    char sentence[TRANSPORT_NOTICE_BYTES];
    while (transport_next_notice(stack->transport, sentence))
        if (stack->notice)
            stack->notice(stack->notice_user, sentence);
}

static int take_config(struct usctp_config *config, const struct usctp_config *given) {
    usctp_config_defaults(config);
    int error = given ? config_take(config, given) : 0;
    if (error == USCTP_ERR_TOO_BIG)
        return refuse(-E2BIG, "has a config that sets something only a newer library has");
    return error != 0 ? refuse(-EINVAL, "has a config with a bad size or value") : 0;
}

static int make_engine(struct usctp_stack *stack, const struct usctp_stack_options *options) {
    struct usctp_environment environment;
    int error = env_host_init(&stack->host, &environment);
    if (error != 0)
        return error;
    environment.trace = options->trace;
    environment.trace_user = options->trace_user;
    stack->env.given = environment;
    struct usctp_config config;
    error = take_config(&config, options->config);
    if (error != 0)
        return error;
    if (config_pool_init(&stack->configs, &stack->env) != 0)
        return -ENOMEM;
    stack->config = config_pool_take(&stack->configs, &config, &stack->env);
    stack->engine = usctp_engine_new(&environment, &config, stack_now(stack));
    if (!stack->config || !stack->engine)
        return -ENOMEM;
    if (hash_init(&stack->by_endpoint, FIRST_BUCKETS, &stack->env) != 0)
        return -ENOMEM;
    if (hash_init(&stack->by_assoc, FIRST_BUCKETS, &stack->env) != 0)
        return -ENOMEM;
    return tell_addresses(stack) == 0 ? 0 : -ENOMEM;
}

static void free_parts(struct usctp_stack *stack) {
    loop_free(stack);
    transmit_free(&stack->transmit);
    if (stack->by_endpoint.buckets)
        hash_free(&stack->by_endpoint, &stack->env);
    if (stack->by_assoc.buckets)
        hash_free(&stack->by_assoc, &stack->env);
    if (stack->config)
        config_pool_release(&stack->configs, stack->config, &stack->env);
    if (stack->configs.configs.buckets)
        config_pool_free(&stack->configs, &stack->env);
    stack->config = NULL;
    if (stack->engine)
        usctp_engine_delete(stack->engine);
    if (stack->transport)
        transport_close(stack->transport);
    env_host_free(&stack->host);
    stack->engine = NULL;
    stack->transport = NULL;
}

static int make_parts(struct usctp_stack *stack, const struct usctp_stack_options *options) {
    size_t run_bytes = options->flags & USCTP_STACK_UDP ? UDP_RUN_BYTES : 0;
    stack->loop.epoll_fd = stack->loop.timer_fd = stack->loop.wake_fd = -1;
    stack->notice = options->notice;
    stack->notice_user = options->notice_user;
    signals_init(&stack->loop.handlers);
    LIST_INIT(&stack->sockets);
    LIST_INIT(&stack->autoclosing);
    LIST_INIT(&stack->connections);
    TAILQ_INIT(&stack->dirty);
    int error = open_transport(stack, options);
    if (error == 0)
        error = make_engine(stack, options);
    if (error == 0)
        error = transmit_init(&stack->transmit, run_bytes, stack->config->gather_us);
    if (error == 0)
        stack_take_notices(stack);
    if (error == 0)
        error = loop_init(stack);
    if (error == 0 && (options->flags & USCTP_STACK_THREAD))
        error = loop_start_thread(stack);
    return error;
}

static struct usctp_stack *new_stack(const struct usctp_stack_options *given) {
    struct usctp_stack_options options;
    error_text[0] = '\0';
    int error = check_options(given, &options);
    struct usctp_stack *stack = error == 0 ? fd_table_new_stack() : NULL;
    if (error == 0 && !stack)
        error = -ENOMEM;
    if (error == 0)
        error = make_parts(stack, &options);
    if (error != 0) {
        if (stack) {
            if (stack->transport)
                transport_give_back(stack->transport);
            free_parts(stack);
            fd_table_retire_stack(stack);
        }
        if (error_text[0] == '\0')
            snprintf(error_text, sizeof error_text, "The stack cannot be made: %s.",
                     strerror(-error));
        errno = -error;
        return NULL;
    }
    /* After libcrypto has registered its own exit handler, so that ours, which needs it, runs
     * before. */
    process_register();
    fd_table_lock_stacks();
    fd_table_add_stack(stack);
    fd_table_unlock_stacks();
    return stack;
}

struct usctp_stack *usctp_stack_new(const struct usctp_stack_options *given) {
    struct cancellation cancellation;
    cancellation_hold(&cancellation);
    struct usctp_stack *stack = new_stack(given);
    cancellation_release(&cancellation);
    return stack;
}

/* ---- ending ---------------------------------------------------------------------------------- */

static void abort_everything(struct usctp_stack *stack) {
    struct socket *s;
    struct connection *a;
    while ((s = LIST_FIRST(&stack->sockets)) != NULL)
        socket_orphan(s);
    while ((a = LIST_FIRST(&stack->connections)) != NULL)
        close_abort(stack, a);
    loop_wake_lingering(stack);
    transmit_pull(stack);
}

void usctp_stack_delete(struct usctp_stack *stack) {
    struct cancellation cancellation;
    if (!stack || stack->is_foreign)
        return;
    cancellation_hold(&cancellation);
    fd_table_lock_stacks();
    fd_table_remove_stack(stack);
    fd_table_unlock_stacks();
    pthread_mutex_lock(&stack->lock);
    stack_now(stack);
    atomic_store(&stack->is_ending, true);
    abort_everything(stack);
    pthread_mutex_unlock(&stack->lock);
    transmit_flush(stack);
    loop_stop_thread(stack);
    /* Blocked calls see the hang-up, or the kick; the last one to leave touches nothing of the
     * stack, so it is polled for. */
    while (atomic_load(&stack->calls) > 0) {
        loop_kick(stack);
        usleep(USCTP_MS);
    }
    free_parts(stack);
    fd_table_retire_stack(stack);
    cancellation_release(&cancellation);
}

void stack_forget(struct usctp_stack *stack) {
    struct socket *s;
    if (stack->is_foreign) /* the parent is a child itself: it is done */
        return;
    stack->is_foreign = true;
    loop_forget(stack);
    LIST_FOREACH (s, &stack->sockets, link)
        descriptor_close(&s->descriptor);
    if (stack->transport)
        transport_forget(stack->transport);
    stack->transport = NULL;
    /* No EPOLL_CTL_DEL: the epoll set is the parent's. */
    close(stack->loop.epoll_fd);
    close(stack->loop.timer_fd);
    close(stack->loop.wake_fd);
    stack->loop.epoll_fd = stack->loop.timer_fd = stack->loop.wake_fd = -1;
    signals_free(&stack->loop.handlers);
}

/* ---- driving without a thread ---------------------------------------------------------------- */

int usctp_stack_fd(struct usctp_stack *stack) {
    if (stack && !stack->loop.has_thread && !stack->is_foreign)
        return stack->loop.epoll_fd;
    errno = EINVAL;
    return -1;
}

uint16_t usctp_stack_udp_port(struct usctp_stack *stack) {
    return stack && !stack->is_foreign ? transport_udp_port(stack->transport) : 0;
}

bool stack_drive(struct usctp_stack *stack, int turns, int timeout_ms) {
    struct epoll_event events[LOOP_EVENTS];
    int n = LOOP_EVENTS;
    for (int i = 0; i < turns && n > 0; i++) {
        int came = doze_look(stack, events);
        n = epoll_wait(stack->loop.epoll_fd, events + came, LOOP_EVENTS - came,
                       came > 0 ? 0 : timeout_ms);
        n = came + (n > 0 ? n : 0);
        if (n == 0)
            break;
        pthread_mutex_lock(&stack->lock);
        turn_run(stack, events, n);
        pthread_mutex_unlock(&stack->lock);
        transmit_flush(stack);
    }
    return n > 0;
}

static int process(struct usctp_stack *stack) {
    pthread_mutex_lock(&stack->lock);
    bool is_ending = atomic_load(&stack->is_ending);
    bool drives = !is_ending && loop_take(stack);
    if (drives)
        atomic_fetch_add(&stack->calls, 1); /* usctp_stack_delete waits */
    pthread_mutex_unlock(&stack->lock);
    if (!drives) /* a blocked call does it */
        return is_ending ? -ESHUTDOWN : 0;
    bool more = stack_drive(stack, PROCESS_TURNS, 0);
    pthread_mutex_lock(&stack->lock);
    loop_release(stack);
    pthread_mutex_unlock(&stack->lock);
    atomic_fetch_sub(&stack->calls, 1);
    return more;
}

int usctp_stack_process(struct usctp_stack *stack) {
    struct cancellation cancellation;
    if (!stack || stack->loop.has_thread || stack->is_foreign) {
        errno = EINVAL;
        return -1;
    }
    cancellation_hold(&cancellation);
    int result = process(stack);
    cancellation_release(&cancellation);
    if (result >= 0)
        return result;
    errno = -result;
    return -1;
}
