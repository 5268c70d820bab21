/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Putting off cancellation (see cancellation.h).
 *
 * The type goes first and comes back last. A thread of asynchronous type that enables cancellation
 * while one is pending ends, in glibc 2.36, with the result NULL instead of PTHREAD_CANCELED; one
 * that changes its type then ends as pthread_cancel(3) has it.
 */
#include "api/cancellation.h"

#include <pthread.h>

void cancellation_hold(struct cancellation *own) {
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &own->type);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &own->state);
}

void cancellation_release(const struct cancellation *own) {
    pthread_setcancelstate(own->state, NULL);
    pthread_setcanceltype(own->type, NULL);
}
