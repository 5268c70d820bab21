/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * High numbers for descriptors (see high_number.h).
 */
#include "net/high_number.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

enum { HIGH_NUMBERS_FROM = 1024, NUMBERS = 1024 * 1024, WORD_BITS = 64 };

/* One bit a number; as readers of the table of sockets, who asks takes no lock. */
static _Atomic uint64_t own[NUMBERS / WORD_BITS];

static uint64_t bit_of(int fd) {
    return (uint64_t)1 << fd % WORD_BITS;
}

static int remember(int fd) {
    if (fd >= 0 && fd < NUMBERS)
        atomic_fetch_or(&own[fd / WORD_BITS], bit_of(fd));
    return fd;
}

void high_number_forget(int fd) {
    if (high_number_is_own(fd))
        atomic_fetch_and(&own[fd / WORD_BITS], ~bit_of(fd));
}

bool high_number_is_own(int fd) {
    return fd >= 0 && fd < NUMBERS &&
           (atomic_load_explicit(&own[fd / WORD_BITS], memory_order_relaxed) & bit_of(fd)) != 0;
}

int high_number_next(unsigned from) {
    for (unsigned i = from / WORD_BITS; i < NUMBERS / WORD_BITS; i++) {
        uint64_t word = atomic_load_explicit(&own[i], memory_order_relaxed);
        if (i == from / WORD_BITS)
            word &= UINT64_MAX << from % WORD_BITS;
        if (word != 0)
            return (int)(i * WORD_BITS) + __builtin_ctzll(word);
    }
    return -1;
}

/* Where the limit leaves nothing, or little, above HIGH_NUMBERS_FROM: its upper half. */
static int move_to_half(int fd) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || fd >= (int)limit.rlim_cur / 2)
        return -1;
    return fcntl(fd, F_DUPFD_CLOEXEC, (int)limit.rlim_cur / 2);
}

int high_number_move(int fd) {
    int kept = errno;
    if (fd < 0 || fd >= HIGH_NUMBERS_FROM)
        return remember(fd);
    int high = fcntl(fd, F_DUPFD_CLOEXEC, HIGH_NUMBERS_FROM);
    if (high < 0)
        high = move_to_half(fd);
    if (high >= 0)
        close(fd);
    errno = kept;
    return remember(high >= 0 ? high : fd);
}
