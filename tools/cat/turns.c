/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A list of pieces for each stream, and whose turn it is.
 */
#include "cat/turns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct piece {
    STAILQ_ENTRY(piece) link;
    size_t length, taken;
    bool ends, is_marker;
    unsigned char bytes[];
};
STAILQ_HEAD(pieces, piece);

struct turns {
    unsigned streams, turn;
    size_t held_bytes;
    struct pieces queues[];
};

struct turns *turns_new(unsigned streams) {
    struct turns *turns = malloc(sizeof *turns + streams * sizeof turns->queues[0]);
    if (turns == NULL)
        return NULL;
    turns->streams = streams;
    turns->turn = 0;
    turns->held_bytes = 0;
    for (unsigned i = 0; i < streams; i++)
        STAILQ_INIT(&turns->queues[i]);
    return turns;
}

void turns_delete(struct turns *turns) {
    if (turns == NULL)
        return;
    for (unsigned i = 0; i < turns->streams; i++) {
        struct piece *piece;
        while ((piece = STAILQ_FIRST(&turns->queues[i])) != NULL) {
            STAILQ_REMOVE_HEAD(&turns->queues[i], link);
            free(piece);
        }
    }
    free(turns);
}

int turns_put(struct turns *turns, unsigned sid, const void *bytes, size_t length, bool ends,
              bool is_marker) {
    if (sid >= turns->streams) {
        errno = EPROTO;
        return -1;
    }
    if (length > TURNS_MAX_HELD_BYTES - turns->held_bytes) {
        errno = EMSGSIZE;
        return -1;
    }
    struct piece *piece = malloc(sizeof *piece + length);
    if (piece == NULL)
        return -1;
    *piece = (struct piece){.length = length, .ends = ends, .is_marker = is_marker};
    memcpy(piece->bytes, bytes, length);
    STAILQ_INSERT_TAIL(&turns->queues[sid], piece, link);
    turns->held_bytes += length;
    return 0;
}

size_t turns_take(struct turns *turns, void *out, size_t max, bool *marker) {
    size_t used = 0;
    struct piece *piece;
    *marker = false;
    while (used < max && (piece = STAILQ_FIRST(&turns->queues[turns->turn])) != NULL) {
        size_t share = piece->length - piece->taken;
        if (share > max - used)
            share = max - used;
        if (piece->is_marker && used > 0)
            return used; /* what was before it first */
        if (piece->is_marker)
            *marker = true;
        else
            memcpy((unsigned char *)out + used, piece->bytes + piece->taken, share);
        used += piece->is_marker ? 0 : share;
        piece->taken += share;
        turns->held_bytes -= share;
        if (piece->taken < piece->length)
            return used;
        STAILQ_REMOVE_HEAD(&turns->queues[turns->turn], link);
        if (piece->ends)
            turns->turn = (turns->turn + 1) % turns->streams;
        free(piece);
        if (*marker)
            return 0;
    }
    return used;
}

size_t turns_held_bytes(const struct turns *turns) {
    return turns->held_bytes;
}
