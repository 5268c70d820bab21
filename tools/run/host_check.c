/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tries out what a program under usctp-run will need (see host_check.h). No SCTP socket of the
 * kernel's is opened: that alone might load its module.
 */
#include "run/host_check.h"

#include "net/host_sctp.h"
#include "usctp/usctp.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { CAP_NET_RAW_BIT = 13 };

static bool has_net_raw(void) {
    char line[128];
    uint64_t effective = 0;
    FILE *status = fopen("/proc/self/status", "re");
    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "CapEff: %" SCNx64, &effective) == 1)
            break;
    if (status != NULL)
        fclose(status);
    return (effective >> CAP_NET_RAW_BIT & 1) != 0;
}

/* Opens a stack with these flags and closes it again. */
static bool try_stack(const char *what, uint32_t flags, uint16_t udp_port) {
    struct usctp_stack_options options;
    usctp_stack_options_init(&options);
    options.flags = flags | USCTP_STACK_NO_SPEAKER;
    options.udp_port = udp_port;
    struct usctp_stack *stack = usctp_stack_new(&options);
    if (stack == NULL) {
        printf("%-18s no: %s\n", what, usctp_stack_error());
        return false;
    }
    if ((flags & USCTP_STACK_UDP) != 0)
        printf("%-18s yes, local port %u\n", what, usctp_stack_udp_port(stack));
    else
        printf("%-18s yes\n", what);
    usctp_stack_delete(stack);
    return true;
}

bool host_check(bool wants_udp, uint16_t udp_port) {
    bool is_kernel = host_sctp_is_in_kernel();
    printf("%-18s %s\n", "kernel SCTP:",
           is_kernel ? "yes: it answers SCTP packets itself; programs need no usctp-run, or --udp"
                     : "no");
    printf("%-18s %s\n", "CAP_NET_RAW:", has_net_raw() ? "yes" : "no");
    bool raw = try_stack("raw sockets:", USCTP_STACK_RAW, 0);
    bool udp = try_stack("UDP:", USCTP_STACK_UDP, udp_port);
    return wants_udp ? udp : raw;
}
