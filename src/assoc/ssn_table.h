/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The next SSN of each stream (RFC 9260 6.5): of the first few in place, of others in pages made as
 * they are used. Streams that are not used cost nothing, however high the numbers of those that
 * are.
 */
#ifndef ASSOC_SSN_TABLE_H
#define ASSOC_SSN_TABLE_H

#include "core/env.h"

#define SSN_TABLE_FIRST 3u

struct ssn_table {
    uint16_t **pages; /* of the streams from SSN_TABLE_FIRST on */
    uint16_t page_count;
    uint16_t first[SSN_TABLE_FIRST];
};

/* All zero is an empty table. */
void ssn_table_free(struct ssn_table *t, struct env *env);
/* For streams from SSN_TABLE_FIRST on. */
int ssn_table_prepare_page(struct ssn_table *t, uint16_t sid, struct env *env) USCTP_MUST_CHECK;
uint16_t *ssn_table_at_page(struct ssn_table *t, uint16_t sid);
uint16_t ssn_table_get_page(const struct ssn_table *t, uint16_t sid);
/* Makes room for a stream. Returns 0 or USCTP_ERR_NO_MEMORY. */
USCTP_MUST_CHECK static inline int ssn_table_prepare(struct ssn_table *t, uint16_t sid,
                                                     struct env *env) {
    return sid < SSN_TABLE_FIRST ? 0 : ssn_table_prepare_page(t, sid, env);
}
/* Of a stream that room was made for. */
static inline uint16_t *ssn_table_at(struct ssn_table *t, uint16_t sid) {
    return sid < SSN_TABLE_FIRST ? &t->first[sid] : ssn_table_at_page(t, sid);
}
/* Of any: 0 where nothing was ever written. */
static inline uint16_t ssn_table_get(const struct ssn_table *t, uint16_t sid) {
    return sid < SSN_TABLE_FIRST ? t->first[sid] : ssn_table_get_page(t, sid);
}
/* Every stream starts at 0 again. */
void ssn_table_reset(struct ssn_table *t);

#endif
