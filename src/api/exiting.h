/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The end of a process whose sockets are open: by exit() or a return from main.
 *
 * As the kernel would close them: SO_LINGER with 0 seconds and unread data end in ABORT, all else
 * in SHUTDOWN once the peer has what was sent. But the stack ends with the process, so the process
 * waits for that: as long as the peers are heard, two seconds after, and no longer than ten, or the
 * longest SO_LINGER.
 */
#ifndef API_EXITING_H
#define API_EXITING_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Of a stack, while its process exits. */
struct exiting {
    bool has_begun, is_over;
    pthread_t thread;       /* that exits */
    uint64_t end_us;        /* when it is given up */
    uint64_t heard_us;      /* when a packet came */
    uint64_t heard_packets; /* so far */
};

/* Ends all stacks of the process, together. For atexit. */
void exiting_run(void);

#endif
