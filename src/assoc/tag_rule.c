/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rules of RFC 9260 8.5.1 A-E and 8.4, in the order of the text.
 *
 * Erratum 7852: this comes before any chunk is processed and before any state changes. Rule 1 of
 * 8.4, addresses that are not unicast, is obeyed where the packet comes in.
 */
#include "assoc/tag_rule.h"

static bool is_only_init(const struct chunk_summary *summary) {
    return summary->count == 1 && summary->first_type == CHUNK_INIT && !summary->malformed;
}

/* B and C: the own tag without the T bit, or the peer's with it. */
static bool reflects(bool has_t, uint32_t packet_tag, uint32_t local_tag, uint32_t peer_tag) {
    return packet_tag == (has_t ? peer_tag : local_tag);
}

enum tag_verdict tag_rule(const struct chunk_summary *summary, uint32_t packet_tag,
                          uint32_t local_tag, uint32_t peer_tag, enum usctp_assoc_state state) {
    /* RFC 9260 8.5.1 A: a tag of 0 is for an INIT that is alone, and an INIT has no other. One that
     * does not come first is left out with what follows it when chunks are processed (6.10). */
    if (packet_tag == 0)
        return is_only_init(summary) ? TAG_ACCEPT : TAG_DISCARD;
    if (summary->count > 0 && summary->first_type == CHUNK_INIT)
        return TAG_DISCARD;
    /* RFC 9260 8.5.1 B */
    if (summary->has_abort) {
        return reflects(summary->abort_has_t, packet_tag, local_tag, peer_tag) ? TAG_ACCEPT
                                                                               : TAG_DISCARD;
    }
    /* RFC 9260 8.5.1 C: the chunk means something in SHUTDOWN-ACK-SENT only, and as it is never
     * bundled (6.10) nothing is lost with its packet. */
    if (summary->has_shutdown_complete) {
        return state == USCTP_SHUTDOWN_ACK_SENT &&
                       reflects(summary->shutdown_complete_has_t, packet_tag, local_tag, peer_tag)
                   ? TAG_ACCEPT
                   : TAG_DISCARD;
    }
    /* RFC 9260 8.5.1 D: 5.2.4 compares the tag with the cookie's. */
    if (summary->count > 0 && summary->first_type == CHUNK_COOKIE_ECHO)
        return TAG_ACCEPT;
    /* RFC 9260 8.5.1 E */
    if (summary->has_shutdown_ack && (state == USCTP_COOKIE_WAIT || state == USCTP_COOKIE_ECHOED))
        return TAG_OUT_OF_THE_BLUE;
    return packet_tag == local_tag ? TAG_ACCEPT : TAG_DISCARD; /* RFC 9260 8.5 */
}

enum ootb_action tag_rule_out_of_the_blue(const struct chunk_summary *summary,
                                          uint32_t packet_tag) {
    if (summary->has_abort) /* RFC 9260 8.4 (2) */
        return OOTB_DISCARD;
    /* What stands behind an impossible length is unknown, an ABORT for one: no answer. */
    if (summary->count == 0 || summary->malformed)
        return OOTB_DISCARD;
    /* RFC 9260 8.4 (3), 8.5.1 A: a tag of 0 and an INIT come together and alone. */
    if (packet_tag == 0 || summary->has_init)
        return packet_tag == 0 && is_only_init(summary) ? OOTB_INIT : OOTB_DISCARD;
    if (summary->first_type == CHUNK_COOKIE_ECHO) /* RFC 9260 8.4 (4) */
        return OOTB_COOKIE_ECHO;
    if (summary->has_shutdown_ack) /* RFC 9260 8.4 (5) */
        return OOTB_SHUTDOWN_COMPLETE;
    if (summary->has_shutdown_complete) /* RFC 9260 8.4 (6) */
        return OOTB_DISCARD;
    if (summary->has_stale_cookie_error || summary->has_cookie_ack) /* RFC 9260 8.4 (7) */
        return OOTB_DISCARD;
    return OOTB_ABORT; /* RFC 9260 8.4 (8) */
}
