/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a raw stack says where the kernel has SCTP of its own, and what becomes of an association
 * that is tried all the same: beside-kernel HOST PORT prints one line for each. Exit status 0 when
 * the stack was refused as it should be, 1 otherwise.
 */
#include "usctp/usctp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void try_to_connect(struct usctp_stack *stack, const char *host, const char *port) {
    struct sockaddr_in peer = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
    char byte;
    int sd = usctp_socket(stack, AF_INET, SOCK_STREAM, IPPROTO_SCTP);
    if (sd < 0 || inet_pton(AF_INET, host, &peer.sin_addr) != 1) {
        puts("connect: no socket or no address");
        return;
    }
    struct timeval limit = {.tv_sec = 5};
    usctp_setsockopt(sd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    usctp_setsockopt(sd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (usctp_connect(sd, (struct sockaddr *)&peer, sizeof peer) != 0) {
        printf("connect: %s\n", strerror(errno));
    } else {
        ssize_t n = usctp_recv(sd, &byte, 1, 0);
        printf("connect: established, then %s\n", n < 0 ? strerror(errno) : "alive");
    }
    usctp_close(sd);
}

int main(int argc, char **argv) {
    struct usctp_stack_options options;
    if (argc != 3)
        return 2;
    errno = 0;
    struct usctp_stack *stack = usctp_stack_new(NULL);
    printf("raw: %s: %s\n", stack ? "no error" : strerror(errno), usctp_stack_error());
    if (stack || errno != EBUSY || strlen(usctp_stack_error()) > 500)
        return 1;
    usctp_stack_options_init(&options);
    options.flags |= USCTP_STACK_BESIDE_KERNEL;
    stack = usctp_stack_new(&options);
    if (!stack) {
        printf("beside: %s\n", usctp_stack_error());
        return 1;
    }
    try_to_connect(stack, argv[1], argv[2]);
    usctp_stack_delete(stack);
    return 0;
}
