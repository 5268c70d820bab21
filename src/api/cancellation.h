/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cancellation of a thread (pthread_cancel) put off while it is inside the library, where it holds
 * locks. A call that sleeps lets it through for so long: blocking.c.
 */
#ifndef API_CANCELLATION_H
#define API_CANCELLATION_H

struct cancellation {
    int state, type; /* the thread's own: PTHREAD_CANCEL_... */
};

/* From here on the thread is not cancelled, whatever its type; `own` keeps what it had set. */
void cancellation_hold(struct cancellation *own);
/* As it was; a cancellation that came meanwhile acts now if it is asynchronous, else at the next
 * cancellation point. */
void cancellation_release(const struct cancellation *own);

#endif
