/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names among the processes of a host (see host_name.h).
 */
#include "net/host_name.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

socklen_t host_name_write(struct sockaddr_un *name, const char *kind, uint64_t number) {
    memset(name, 0, sizeof *name);
    name->sun_family = AF_UNIX;
    /* A first byte of zero makes the name abstract. */
    int length =
        snprintf(name->sun_path + 1, sizeof name->sun_path - 1, "usctp/%s/%" PRIu64, kind, number);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
}

int host_name_take(struct host_namespace *ns, const char *kind, uint64_t number, int type) {
    struct sockaddr_un name;
    int fd = host_namespace_socket(ns, type);
    if (fd < 0)
        return fd;
    if (bind(fd, (struct sockaddr *)&name, host_name_write(&name, kind, number))) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

bool host_name_is_taken(int probe, const char *kind, uint64_t number) {
    struct sockaddr_un name;
    socklen_t length = host_name_write(&name, kind, number);
    return connect(probe, (struct sockaddr *)&name, length) == 0 || errno != ECONNREFUSED;
}
