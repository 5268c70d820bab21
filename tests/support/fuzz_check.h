/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What must hold whatever a fuzzer does to an engine: of each packet that leaves, and of an
 * association when the engine is at rest, that is when it has nothing more to send at this moment.
 *
 * Looks inside the association, since a timer that does not run is seen from outside only when
 * nothing ever happens again.
 */
#ifndef SUPPORT_FUZZ_CHECK_H
#define SUPPORT_FUZZ_CHECK_H

#include "support/engine_env.h"
#include "support/packet_reader.h"

/* A packet as it leaves: RFC 9260 allows it, and it fits the path, or the way if it is of no path.
 * Returns it as read, valid until the next call. */
const struct read_packet *fuzz_check_packet(const struct usctp_engine *engine, int32_t assoc,
                                            const struct usctp_packet *packet, uint32_t mtu);
/* The association's books agree, and what waits has a timer. An id of none is nothing to check. */
void fuzz_check_assoc(const struct usctp_engine *engine, int32_t assoc);
/* The engine's timers agree, and the next one is later than now. */
void fuzz_check_engine(const struct usctp_engine *engine, uint64_t now_us);

#endif
