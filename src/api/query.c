/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What Linux's options do not tell: the engine's own view of a socket's association, its paths, and
 * the stack's counters.
 */
#include "api/connection.h"
#include "api/stack.h"

#include <errno.h>

static int enter_connected(struct call *c, int sd, const void *out) {
    int error = out ? call_enter(c, sd) : -EFAULT;
    if (error == 0)
        return 0;
    errno = -error;
    return -1;
}

int usctp_socket_status(int sd, struct usctp_assoc_status *status) {
    struct call c;
    if (enter_connected(&c, sd, status) != 0)
        return -1;
    bool found = connection_status(connection_only(c.socket), status);
    return (int)call_leave(&c, found ? 0 : -ENOTCONN);
}

int usctp_socket_path(int sd, uint32_t path, struct usctp_path_status *status) {
    struct call c;
    if (enter_connected(&c, sd, status) != 0)
        return -1;
    const struct connection *connection = connection_only(c.socket);
    if (!connection)
        return (int)call_leave(&c, -ENOTCONN);
    bool found = usctp_path_status(c.stack->engine, connection->id, path, status) == 0;
    return (int)call_leave(&c, found ? 0 : -EINVAL);
}

int usctp_stack_counters(struct usctp_stack *stack, struct usctp_engine_counters *counters) {
    if (!stack || !counters || stack->is_foreign) {
        errno = EINVAL;
        return -1;
    }
    struct cancellation cancellation;
    cancellation_hold(&cancellation);
    pthread_mutex_lock(&stack->lock);
    bool is_ending = atomic_load(&stack->is_ending);
    if (!is_ending)
        usctp_engine_counters(stack->engine, counters);
    pthread_mutex_unlock(&stack->lock);
    cancellation_release(&cancellation);
    if (!is_ending)
        return 0;
    errno = ESHUTDOWN;
    return -1;
}
