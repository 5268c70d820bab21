/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * May a peer have a new association (RFC 9260 5.1, 12.2.4.3)? The backlog, the number of
 * associations, those of one source, and memory say so; who may not is told with an ABORT.
 *
 * Asked for an INIT, which costs nothing yet, and again for the COOKIE ECHO. Associations that
 * peers have begun are counted by the address that their cookie came back from, which is no forged
 * one.
 */
#include "assoc/association.h"
#include "chunk/cause.h"

/* Associations that one address has begun; it lives while there are some. */
struct source {
    struct hash_node by_address; /* engine.sources */
    struct usctp_addr address;
    uint32_t associations;
};

static struct source *find(const struct usctp_engine *engine, const struct usctp_addr *address) {
    struct hash_node *node = hash_first(&engine->sources, path_hash(engine, address, 0));
    for (; node; node = hash_next(node)) {
        struct source *source = container_of(node, struct source, by_address);
        if (addr_equal(&source->address, address))
            return source;
    }
    return NULL;
}

static void refuse(struct inbound *in, uint32_t tag) {
    uint8_t cause[4];
    struct writer w = writer_over(cause, sizeof cause);
    cause_write(&w, CAUSE_OUT_OF_RESOURCE, NULL, 0); /* 3.3.10.4 */
    handshake_refuse(in, tag, cause, writer_used(&w));
}

bool admission_check(struct inbound *in, const struct endpoint *ep,
                     const struct usctp_addr *address, uint32_t tag) {
    struct usctp_engine *engine = in->engine;
    const struct usctp_config *config = &engine->config;
    if (ep->waiting_count >= ep->backlog) {
        engine->counters.backlog_full++;
        refuse(in, tag);
        return false;
    }
    const struct source *source = NULL;
    bool is_counted = engine->counters.associations >= config->max_associations_per_source;
    if (is_counted)
        source = find(engine, address);
    if (engine->counters.associations >= config->max_associations ||
        (source && source->associations >= config->max_associations_per_source)) {
        input_drop(in, USCTP_DROP_LIMIT);
        refuse(in, tag);
        return false;
    }
    if (env_is_short(&engine->env, ASSOCIATION_BYTES)) {
        input_drop(in, USCTP_DROP_MEMORY);
        refuse(in, tag);
        return false;
    }
    return true;
}

int admission_enter(struct assoc *a, const struct usctp_addr *address) {
    struct usctp_engine *engine = a->engine;
    struct source *source = find(engine, address);
    if (!source) {
        source = env_allocate(&engine->env, sizeof *source);
        if (!source)
            return USCTP_ERR_NO_MEMORY;
        source->address = *address;
        hash_insert(&engine->sources, &source->by_address, path_hash(engine, address, 0),
                    &engine->env);
    }
    source->associations++;
    a->source = source;
    return 0;
}

void admission_leave(struct assoc *a) {
    struct source *source = a->source;
    a->source = NULL;
    if (!source || --source->associations > 0)
        return;
    hash_remove(&a->engine->sources, &source->by_address);
    env_release(&a->engine->env, source, sizeof *source);
}
