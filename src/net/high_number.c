/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * High numbers for descriptors (see high_number.h).
 */
#include "net/high_number.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { HIGH_NUMBERS_FROM = 1024 };

int high_number_first(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    return limit.rlim_cur > 2 * HIGH_NUMBERS_FROM ? HIGH_NUMBERS_FROM : (int)limit.rlim_cur / 2;
}

int high_number_move(int fd) {
    int kept = errno;
    int from = high_number_first();
    if (fd < 0 || fd >= from)
        return fd;
    int high = fcntl(fd, F_DUPFD_CLOEXEC, from);
    if (high >= 0)
        close(fd);
    errno = kept;
    return high >= 0 ? high : fd;
}
