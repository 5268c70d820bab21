/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The process around the stacks: fork and exit.
 *
 * A forked child has no I/O thread and shares no packets with its parent: its copies of the stacks'
 * ends are closed and the sockets are unknown there. What happens at exit is in exiting.c.
 */
#include "api/exiting.h"
#include "api/fd_table.h"
#include "api/stack.h"

#include <pthread.h>
#include <stdlib.h>

static void before_fork(void) {
    fd_table_lock_stacks();
    for (struct usctp_stack *s = fd_table_first_stack(); s; s = fd_table_next_stack(s))
        pthread_mutex_lock(&s->lock);
    fd_table_before_fork();
}

static void in_parent(void) {
    fd_table_after_fork(false);
    for (struct usctp_stack *s = fd_table_first_stack(); s; s = fd_table_next_stack(s))
        pthread_mutex_unlock(&s->lock);
    fd_table_unlock_stacks();
}

static void in_child(void) {
    fd_table_after_fork(true);
    for (struct usctp_stack *s = fd_table_first_stack(); s; s = fd_table_next_stack(s)) {
        stack_forget(s);
        pthread_mutex_init(&s->lock, NULL);
    }
}

static void register_hooks(void) {
    /* Without memory for a hook its service is missing, and nothing else. */
    (void)pthread_atfork(before_fork, in_parent, in_child);
    (void)atexit(exiting_run);
}

void process_register(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_hooks);
}
