/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pages of SSNs (see ssn_table.h).
 */
#include "assoc/ssn_table.h"

#include <string.h>

enum { PAGE_STREAMS = 16, PAGES = (UINT16_MAX + 1) / PAGE_STREAMS };
#define PAGE_BYTES (PAGE_STREAMS * sizeof(uint16_t))

void ssn_table_free(struct ssn_table *t, struct env *env) {
    for (uint32_t i = 0; i < t->page_count; i++)
        env_release(env, t->pages[i], PAGE_BYTES);
    env_release(env, t->pages, t->page_count * sizeof(uint16_t *));
    *t = (struct ssn_table){0};
}

static int make_room(struct ssn_table *t, uint32_t page, struct env *env) {
    uint32_t count = page < t->page_count * 2u ? t->page_count * 2u : page + 1;
    if (count > PAGES)
        count = PAGES;
    uint16_t **pages = env_allocate(env, count * sizeof(uint16_t *));
    if (!pages)
        return USCTP_ERR_NO_MEMORY;
    if (t->page_count > 0)
        memcpy(pages, t->pages, t->page_count * sizeof(uint16_t *));
    env_release(env, t->pages, t->page_count * sizeof(uint16_t *));
    t->pages = pages;
    t->page_count = (uint16_t)count;
    return 0;
}

int ssn_table_prepare_page(struct ssn_table *t, uint16_t sid, struct env *env) {
    uint32_t page = sid / PAGE_STREAMS;
    if (page >= t->page_count && make_room(t, page, env))
        return USCTP_ERR_NO_MEMORY;
    if (!t->pages[page])
        t->pages[page] = env_allocate(env, PAGE_BYTES);
    return t->pages[page] ? 0 : USCTP_ERR_NO_MEMORY;
}

uint16_t *ssn_table_at_page(struct ssn_table *t, uint16_t sid) {
    ASSERT(sid / PAGE_STREAMS < t->page_count && t->pages[sid / PAGE_STREAMS]);
    return &t->pages[sid / PAGE_STREAMS][sid % PAGE_STREAMS];
}

uint16_t ssn_table_get_page(const struct ssn_table *t, uint16_t sid) {
    uint32_t page = sid / PAGE_STREAMS;
    return page < t->page_count && t->pages[page] ? t->pages[page][sid % PAGE_STREAMS] : 0;
}

void ssn_table_reset(struct ssn_table *t) {
    memset(t->first, 0, sizeof t->first);
    for (uint32_t i = 0; i < t->page_count; i++)
        if (t->pages[i])
            memset(t->pages[i], 0, PAGE_BYTES);
}
