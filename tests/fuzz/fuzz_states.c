/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An association in each state that follows the handshake, SHUTDOWN-* included, set up from either
 * side, with and without DATA on the way, and then whatever the input says that its peer, its user,
 * its host and the clock do. As in fuzz_handshake, nothing traps and the invariants hold.
 */
#include "support/fuzz_peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_STEPS 80u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_input in = {data, data + size};
    uint8_t start = fuzz_u8(&in), how = fuzz_u8(&in);
    struct fuzz_peer *p = fuzz_peer_new(how & 7u, false);
    fuzz_peer_to_state(p, (enum usctp_assoc_state)(USCTP_ESTABLISHED + start % 5u), how & 8u,
                       how & 16u);
    for (unsigned i = 0; i < MAX_STEPS && fuzz_left(&in) > 0; i++)
        fuzz_peer_step(p, &in);
    fuzz_peer_delete(p);
    return 0;
}
