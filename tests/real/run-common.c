/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pairs and checks of the programs run-*.c (see run-common.h).
 */
#include "run-common.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

int failures;

struct sockaddr_in here(uint16_t port) {
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = port;
    return address;
}

int listen_here(int type, uint16_t *port) {
    struct sockaddr_in address = here(0);
    socklen_t bytes = sizeof address;
    int fd = socket(AF_INET, type, IPPROTO_SCTP);
    CHECK(fd >= 0);
    CHECK(bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(listen(fd, 5) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&address, &bytes) == 0);
    *port = address.sin_port;
    return fd;
}

bool ready(int fd, short events) {
    struct pollfd one = {.fd = fd, .events = events};
    return poll(&one, 1, WAIT_MS) == 1 && (one.revents & events) != 0;
}

void make_pair(int ends[2]) {
    uint16_t port;
    int listener = listen_here(SOCK_STREAM, &port);
    struct sockaddr_in address = here(port);
    ends[0] = socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
    CHECK(connect(ends[0], (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(ready(listener, POLLIN));
    ends[1] = accept(listener, NULL, NULL);
    CHECK(ends[1] >= 0);
    CHECK(close(listener) == 0);
}

void close_pair(const int ends[2]) {
    char end;
    CHECK(close(ends[0]) == 0);
    CHECK(ready(ends[1], POLLIN));
    CHECK(read(ends[1], &end, 1) == 0);
    CHECK(close(ends[1]) == 0);
}

void exchange(int from, int to) {
    char got[16] = "";
    CHECK(write(from, "exchange", 8) == 8);
    CHECK(ready(to, POLLIN));
    CHECK(read(to, got, sizeof got) == 8);
    CHECK(memcmp(got, "exchange", 8) == 0);
}

void run(const char *name, void (*check)(void)) {
    int before = failures;
    check();
    printf("%-12s %s\n", name, failures == before ? "ok" : "FAILED");
    fflush(stdout);
}
