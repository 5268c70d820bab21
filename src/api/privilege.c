/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Privileged ports, as the kernel's own SCTP has them (see privilege.h; ip(7), capabilities(7)).
 */
#include "api/privilege.h"

#include "api/stack.h"
#include "net/transport.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { USUAL_START = 1024 };

static bool has_capability(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};
    if (syscall(SYS_capget, &header, data) != 0)
        return false;
    return data[0].effective & 1u << CAP_NET_BIND_SERVICE;
}

int privilege_check_port(const struct usctp_stack *stack, uint16_t port) {
    /* The limit is looked up for low ports only, and for them each time: it may be changed. */
    if (port == 0 || port >= USUAL_START || port >= transport_unprivileged_port(stack->transport) ||
        has_capability())
        return 0;
    return -EACCES;
}
