/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * COOKIE ECHOs whose MAC is right and whose contents the input made up (RFC 9260 5.1.5, 5.2.4): put
 * in to an engine without an association and beside one in each state. The MAC is a stub that is
 * always zeros. The decoder alone is fuzz_cookie's; here what the engine does with what it decoded.
 */
#include "support/fuzz_peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_STEPS 24u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_input in = {data, data + size};
    uint8_t start = fuzz_u8(&in);
    struct fuzz_peer *p = fuzz_peer_new(start >> 5, true);
    fuzz_peer_to_state(p, (enum usctp_assoc_state)(USCTP_CLOSED + (start & 7u)), start & 8u,
                       start & 16u);
    for (unsigned i = 0; i < MAX_STEPS && fuzz_left(&in) > 0; i++)
        fuzz_peer_cookie_step(p, &in);
    fuzz_peer_delete(p);
    return 0;
}
