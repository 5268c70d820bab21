/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The names that leave the preloaded library in the C library's place.
 *
 * Each interposed function asks program_stack_has() whether the descriptor is an SCTP socket, and
 * calls usctp or the C library. Waiting (poll, select, epoll) is not touched: the descriptors are
 * real.
 */
#ifndef PRELOAD_INTERPOSE_H
#define PRELOAD_INTERPOSE_H

#include "preload/libc_calls.h"
#include "preload/program_stack.h"
#include "usctp/usctp.h"

#define INTERPOSED __attribute__((visibility("default")))

/* What these are for the program, for other interposed functions. */
int interposed_close(int fd);
ssize_t interposed_read(int fd, void *data, size_t bytes);
ssize_t interposed_write(int fd, const void *data, size_t bytes);

#endif
