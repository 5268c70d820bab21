/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The verification tag (RFC 9260 8.5, 8.5.1, erratum 7852) and out-of-the-blue packets (8.4),
 * decided before anything is processed.
 *
 * Pure functions over what the packet looks like and the association's tags and state.
 */
#ifndef ASSOC_TAG_RULE_H
#define ASSOC_TAG_RULE_H

#include "chunk/chunk.h"
#include "usctp/engine.h"

enum tag_verdict {
    TAG_ACCEPT,
    TAG_DISCARD,
    TAG_OUT_OF_THE_BLUE, /* treat as if there were no association (8.5.1 E) */
};

/* The association was found by addresses and ports. COOKIE ECHO and INIT as first chunk are
 * accepted here: 5.2 judges them. */
enum tag_verdict tag_rule(const struct chunk_summary *summary, uint32_t packet_tag,
                          uint32_t local_tag, uint32_t peer_tag, enum usctp_assoc_state state);

enum ootb_action { /* 8.4, rules 2-8, in their order */
                   OOTB_DISCARD,
                   OOTB_INIT,              /* rule 3: section 5.1 */
                   OOTB_COOKIE_ECHO,       /* rule 4: section 5.1 */
                   OOTB_SHUTDOWN_COMPLETE, /* rule 5: a SHUTDOWN ACK: answer SHUTDOWN COMPLETE with
                                              T, the packet's tag */
                   OOTB_ABORT,             /* rule 8: answer ABORT with T, the packet's tag */
};
enum ootb_action tag_rule_out_of_the_blue(const struct chunk_summary *summary, uint32_t packet_tag);

#endif
