/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads /proc/net/protocols, /proc/net/raw and /proc/net/raw6 (see host_sctp.h).
 */
#include "net/host_sctp.h"

#include "net/high_number.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_FILE_BYTES 65536u /* of /proc/net/protocols: some 40 lines of 120 bytes */
#define LINE_BYTES     512u
#define MAX_LIST_LINES 100000u

bool host_sctp_is_in_protocols(const char *text) {
    for (const char *line = text; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, "SCTP ", 5) == 0 || strncmp(line, "SCTPv6 ", 7) == 0)
            return true;
    }
    return false;
}

bool host_sctp_is_in_kernel(void) {
    char text[4096 + 1];
    size_t kept = 0;
    int fd = open("/proc/net/protocols", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool found = false;
    for (size_t total = 0; total < MAX_FILE_BYTES && !found;) {
        ssize_t n = read(fd, text + kept, sizeof text - 1 - kept);
        if (n <= 0)
            break;
        total += (size_t)n;
        text[kept + (size_t)n] = '\0';
        found = host_sctp_is_in_protocols(text);
        /* A line that goes on in the next piece is looked at again. */
        char *last = strrchr(text, '\n');
        kept = last ? strlen(last) : 0;
        if (last)
            memmove(text, last, kept);
    }
    close(fd);
    return found;
}

int host_sctp_open_list(bool ipv6) {
    const char *name = ipv6 ? "/proc/thread-self/net/raw6" : "/proc/thread-self/net/raw";
    int fd = high_number_move(open(name, O_RDONLY | O_CLOEXEC));
    return fd >= 0 ? fd : -errno;
}

/* "  sl: local:port remote:port st queues timer retransmits uid timeout inode ...", where the local
 * port of a raw socket is its protocol. */
bool host_sctp_parse_line(const char *line, uint64_t *inode) {
    unsigned protocol;
    return sscanf(line, " %*[0-9]: %*[0-9A-Fa-f]:%x %*s %*s %*s %*s %*s %*s %*s %" SCNu64,
                  &protocol, inode) == 2 &&
           protocol == IPPROTO_SCTP;
}

int host_sctp_visit(int list_fd, bool (*visit)(void *user, uint64_t inode), void *user) {
    char text[4096 + 1];
    size_t kept = 0;
    off_t at = 0;
    for (unsigned lines = 0; lines < MAX_LIST_LINES;) {
        /* By position: the descriptor may be read by two threads. */
        ssize_t n = pread(list_fd, text + kept, sizeof text - 1 - kept, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return 0;
        at += n;
        text[kept + (size_t)n] = '\0';
        char *line = text, *end;
        for (; (end = strchr(line, '\n')) != NULL; line = end + 1, lines++) {
            uint64_t inode;
            *end = '\0';
            if (host_sctp_parse_line(line, &inode) && !visit(user, inode))
                return 1;
        }
        kept = strlen(line);
        if (kept > LINE_BYTES)
            return -EBADMSG;
        memmove(text, line, kept);
    }
    return -EMSGSIZE;
}
