/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The State Cookie (RFC 9260 5.1.3, 5.1.5 steps 1-3): everything that a COOKIE ECHO needs to make
 * an association, under a MAC.
 *
 * A bookkeeper. The contents are a fixed list of fields in network order followed by the peer's
 * INIT chunk as it came (up to a limit), which is parsed again by init_chunk_parse when the cookie
 * returns: a cookie is never trusted further than a hostile INIT. The key changes with time; the
 * one before it is still accepted.
 */
#ifndef ASSOC_STATE_COOKIE_H
#define ASSOC_STATE_COOKIE_H

#include "chunk/chunk.h"
#include "core/env.h"

#define COOKIE_KEY_BYTES 32u
#define COOKIE_MAX_INIT_BYTES                                                                      \
    2048u /* of the peer's INIT kept: longer parameters behind it are cut off at a parameter's end \
           */

struct cookie_keys {
    uint8_t current[COOKIE_KEY_BYTES], previous[COOKIE_KEY_BYTES];
    bool has_previous;
};

struct cookie_content {
    uint64_t created_us, life_us;
    uint32_t local_tag, local_initial_tsn;
    uint32_t local_tie_tag,
        peer_tie_tag; /* 5.2.2: nonces of the existing association, 0 when there was none */
    uint16_t local_port, peer_port;
    uint16_t outbound_streams, inbound_streams; /* what we announced */
    uint16_t udp_port;                          /* the peer's encapsulation port, 0 = none */
    struct usctp_addr source, destination;      /* of the packet that carried the INIT */
    const uint8_t
        *init; /* the peer's INIT chunk, header included; when opened: borrowed from the cookie */
    uint16_t init_bytes;
};

void cookie_keys_init(struct cookie_keys *keys, struct env *env);
void cookie_keys_rotate(struct cookie_keys *keys, struct env *env);
/* Bytes that state_cookie_write needs at most for this content. */
size_t state_cookie_size(const struct cookie_content *content);
/* Writes a cookie, cutting the INIT (and putting its chunk length right) at a whole parameter when
   it is long. Returns the bytes written, 0 when there is no room or no MAC. */
size_t state_cookie_write(uint8_t *out, size_t room, const struct cookie_content *content,
                          const struct cookie_keys *keys, struct env *env);
/* Opens one: MAC first, in constant time, under the current or the previous key; then the fields.
 * Returns false for anything but an intact cookie of ours. */
bool state_cookie_open(const uint8_t *cookie, size_t bytes, const struct cookie_keys *keys,
                       struct cookie_content *out, struct env *env);

#endif
