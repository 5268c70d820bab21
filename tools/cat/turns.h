/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages that a usctp-cat has sent over several streams in turn, put back into one order.
 *
 * SCTP keeps the order within a stream only.  The sender's message k goes over stream k mod N, so
 * the reader takes one message from each stream in turn, and holds what comes before its turn.
 */
#ifndef CAT_TURNS_H
#define CAT_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TURNS_MAX_HELD_BYTES (256u << 20)

struct turns;

/* Returns NULL when memory is short. */
struct turns *turns_new(unsigned streams);
void turns_delete(struct turns *turns);
/*
 * Takes a piece of a message; ends: it is its last.  Returns 0, or -1 with errno: ENOMEM, EMSGSIZE
 * (more than TURNS_MAX_HELD_BYTES wait for one message), EPROTO (a stream that does not exist).
 */
int turns_put(struct turns *turns, unsigned sid, const void *bytes, size_t length, bool ends,
              bool is_marker);
/*
 * Gives up to max bytes whose turn it is.  Returns how many; 0: nothing yet, or *marker: the
 * sender's marker's turn has come.
 */
size_t turns_take(struct turns *turns, void *out, size_t max, bool *marker);
/* Bytes that wait for their turn. */
size_t turns_held_bytes(const struct turns *turns);

#endif
