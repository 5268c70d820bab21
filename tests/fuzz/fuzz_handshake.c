/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The handshake in both roles (RFC 9260 5.1, 5.2): an engine that listens, and connects when the
 * input says so, and a peer that the input plays. Nothing traps, what must hold holds (see
 * support/fuzz_check.h), a silent peer is found out, and no memory is left.
 */
#include "support/fuzz_peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_STEPS 60u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_input in = {data, data + size};
    uint8_t start = fuzz_u8(&in);
    struct fuzz_peer *p = fuzz_peer_new(start & 7u, false);
    static const enum usctp_assoc_state states[4] = {USCTP_CLOSED, USCTP_COOKIE_WAIT,
                                                     USCTP_COOKIE_ECHOED, USCTP_CLOSED};
    fuzz_peer_to_state(p, states[start >> 3 & 3u], false, false);
    for (unsigned i = 0; i < MAX_STEPS && fuzz_left(&in) > 0; i++)
        fuzz_peer_step(p, &in);
    fuzz_peer_delete(p);
    return 0;
}
