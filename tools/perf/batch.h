/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages of which one call takes or gives several: usctp_sendmmsg, usctp_recvmmsg.  A batch of
 * one is usctp_sendv and usctp_recvv.
 */
#ifndef PERF_BATCH_H
#define PERF_BATCH_H

#include "common/link.h"

#define BATCH_MOST 64u

struct batch;

/* Room for `messages` of up to `bytes` each, zeroed.  Ends the program without memory. */
struct batch *batch_new(unsigned messages, size_t bytes);
void batch_free(struct batch *batch);
/* As link_receive: the next of those that came with the last call, or else calls.  *data: where it
   is, until the next call of this. */
ssize_t batch_receive(struct batch *batch, struct link *link, int sd, const void **data,
                      struct link_piece *piece);
/* What was received and not given is of no use: another socket is next. */
void batch_forget(struct batch *batch);
/* Sends messages of `bytes`, as they are there, on streams that take turns from `sid` on.  Returns
   how many, at least one, or -1 and errno. */
int batch_send(struct batch *batch, int sd, size_t bytes, unsigned sid, unsigned streams);

#endif
