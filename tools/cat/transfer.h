/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bytes of usctp-cat: stdin to an association, an association to stdout, until its end.
 */
#ifndef CAT_TRANSFER_H
#define CAT_TRANSFER_H

#include "common/link.h"

#include <stdbool.h>
#include <stddef.h>

#define TRANSFER_MAX_MESSAGE_BYTES (16u << 20)

struct transfer_options {
    bool listening;
    bool both;            /* end when both stdins have */
    bool in_turn;         /* use every outgoing stream in turn, else the first alone */
    size_t message_bytes; /* exact size of messages, 0: what a read gives */
};

/*
 * Runs until the association has ended, and closes sd.  Returns the exit status: 0 after a clean
 * shutdown with nothing left unsent.
 */
int transfer_run(struct link *link, int sd, const struct transfer_options *options);

#endif
