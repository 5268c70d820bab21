/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lines of [path] sections: what the links do to packets, both ways or one, from the beginning
 * or from some time on.
 */
#include "sim/quantity.h"
#include "sim/scenario.h"

#include <string.h>

enum { MIN_MTU = 576, MAX_MTU = 65535 }; /* RFC 791: what every IPv4 host takes */

/* A key of a link: how many values it has, and what they look like. */
struct link_key {
    const char *name;
    enum scenario_key key;
    unsigned values;
    const char *like;
};

static const struct link_key link_keys[] = {
    {"rate", SCENARIO_RATE, 1, "10Mbit, 1.25MB (each a second) or unlimited"},
    {"delay", SCENARIO_DELAY, 1, "a time: 20ms, 150us, 1s"},
    {"jitter", SCENARIO_JITTER, 1, "a time: 20ms, 150us, 1s"},
    {"loss", SCENARIO_LOSS, 1, "a share of packets: 1% or 0.01"},
    {"burst", SCENARIO_BURST, 2,
     "two shares, of packets that begin and that end a burst: 0.1% 20%"},
    {"reorder", SCENARIO_REORDER, 2, "a share and a time: 1% 5ms"},
    {"duplicate", SCENARIO_DUPLICATE, 1, "a share of packets: 1% or 0.01"},
    {"corrupt", SCENARIO_CORRUPT, 1, "a share of packets: 1% or 0.01"},
    {"queue", SCENARIO_QUEUE, 1, "a number of packets, 1 to 1000000"},
    {"mtu", SCENARIO_MTU, 1, "a size from 576 to 65535"},
};

static const struct link_key *find_key(const char *name) {
    for (size_t i = 0; i < sizeof link_keys / sizeof link_keys[0]; i++)
        if (strcmp(link_keys[i].name, name) == 0)
            return &link_keys[i];
    return NULL;
}

static bool take_values(struct scenario_setting *setting, char *values[]) {
    switch (setting->key) {
    case SCENARIO_RATE:
        setting->number = 0;
        return strcmp(values[0], "unlimited") == 0 || quantity_rate(values[0], &setting->number);
    case SCENARIO_DELAY:
    case SCENARIO_JITTER:
        return quantity_time(values[0], &setting->number);
    case SCENARIO_LOSS:
    case SCENARIO_DUPLICATE:
    case SCENARIO_CORRUPT:
        return quantity_share(values[0], &setting->share[0]);
    case SCENARIO_BURST:
        return quantity_share(values[0], &setting->share[0]) &&
               quantity_share(values[1], &setting->share[1]);
    case SCENARIO_REORDER:
        return quantity_share(values[0], &setting->share[0]) &&
               quantity_time(values[1], &setting->number);
    case SCENARIO_QUEUE:
        return quantity_count(values[0], &setting->number) && setting->number >= 1 &&
               setting->number <= 1000000;
    case SCENARIO_MTU:
        return quantity_bytes(values[0], &setting->number) && setting->number >= MIN_MTU &&
               setting->number <= MAX_MTU;
    case SCENARIO_CUT:
    case SCENARIO_REPAIR:
    case SCENARIO_STOP:
    case SCENARIO_START:
        break;
    }
    return false;
}

void scenario_apply(const struct scenario_setting *setting, struct simulated_link_options *link) {
    switch (setting->key) {
    case SCENARIO_RATE:
        link->rate_bytes_per_s = setting->number;
        break;
    case SCENARIO_DELAY:
        link->delay_us = setting->number;
        break;
    case SCENARIO_JITTER:
        link->jitter_us = setting->number;
        break;
    case SCENARIO_LOSS:
        link->loss = setting->share[0];
        break;
    case SCENARIO_BURST:
        link->burst_loss_start = setting->share[0];
        link->burst_loss_end = setting->share[1];
        break;
    case SCENARIO_REORDER:
        link->reordering = setting->share[0];
        link->reordering_us = setting->number;
        break;
    case SCENARIO_DUPLICATE:
        link->duplication = setting->share[0];
        break;
    case SCENARIO_CORRUPT:
        link->corruption = setting->share[0];
        break;
    case SCENARIO_QUEUE:
        link->queue_packets = (size_t)setting->number;
        break;
    case SCENARIO_MTU:
        link->mtu_bytes = (uint32_t)setting->number;
        break;
    case SCENARIO_CUT:
    case SCENARIO_REPAIR:
    case SCENARIO_STOP:
    case SCENARIO_START:
        break;
    }
}

bool scenario_add_path(struct scenario_reader *reader) {
    struct scenario *s = reader->scenario;
    if (s->path_count == SCENARIO_MAX_PATHS)
        return scenario_fail(reader, "more than %u paths", SCENARIO_MAX_PATHS);
    struct scenario_path *path = &s->paths[s->path_count];
    reader->path = s->path_count++;
    memset(path, 0, sizeof *path);
    path->icmp = true;
    for (unsigned from = 0; from < 2; from++) {
        path->link[from].rate_bytes_per_s = 1250000; /* 10 Mbit/s */
        path->link[from].delay_us = 10 * USCTP_MS;
        path->link[from].queue_packets = 100;
        path->link[from].mtu_bytes = 1500;
    }
    return true;
}

bool scenario_add_change(struct scenario_reader *reader, uint64_t at_us, unsigned from,
                         const struct scenario_setting *setting) {
    struct scenario *s = reader->scenario;
    if (s->change_count == SCENARIO_MAX_CHANGES)
        return scenario_fail(reader, "more than %u changes of paths and hosts",
                             SCENARIO_MAX_CHANGES);
    s->changes[s->change_count++] = (struct scenario_change){
        .at_us = at_us, .path = reader->path, .from = from, .setting = *setting};
    return true;
}

/* Takes "a" or "b" from between the key and its values. */
static unsigned take_host(char *words[], unsigned *count) {
    unsigned host;
    if (*count < 2 || !scenario_is_host(words[1], &host))
        return SCENARIO_NO_HOST;
    for (unsigned i = 2; i < *count; i++)
        words[i - 1] = words[i];
    --*count;
    return host;
}

/* KEY [a|b] VALUE...; at_us NULL: from the beginning. */
static bool link_line(struct scenario_reader *reader, char *words[], unsigned count,
                      const uint64_t *at_us) {
    struct scenario_path *path = &reader->scenario->paths[reader->path];
    const struct link_key *key = find_key(words[0]);
    if (key == NULL)
        return scenario_fail(reader, "\"%s\" is no key of a path%s", words[0],
                             at_us != NULL ? " that can come after \"at TIME\"" : "");
    struct scenario_setting setting = {.key = key->key};
    unsigned from = take_host(words, &count);
    if (count != key->values + 1 || !take_values(&setting, words + 1))
        return scenario_fail(reader, "%s wants %s", key->name, key->like);
    if (at_us != NULL)
        return scenario_add_change(reader, *at_us, from, &setting);
    for (unsigned h = 0; h < 2; h++)
        if (from == SCENARIO_NO_HOST || from == h)
            scenario_apply(&setting, &path->link[h]);
    return true;
}

static bool cut_line(struct scenario_reader *reader, char *words[], unsigned count) {
    uint64_t from_us, to_us = 0;
    unsigned from = take_host(words, &count);
    if (count < 2 || count > 3 || !quantity_time(words[1], &from_us) ||
        (count == 3 && (!quantity_time(words[2], &to_us) || to_us <= from_us)))
        return scenario_fail(reader, "cut wants the time when it begins, and for a repair a later "
                                     "one when it ends: 10s 30s");
    if (!scenario_add_change(reader, from_us, from,
                             &(struct scenario_setting){.key = SCENARIO_CUT}))
        return false;
    return count == 2 || scenario_add_change(reader, to_us, from,
                                             &(struct scenario_setting){.key = SCENARIO_REPAIR});
}

static bool address_line(struct scenario_reader *reader, char *words[], unsigned count) {
    struct scenario_path *path = &reader->scenario->paths[reader->path];
    unsigned host;
    if (count != 3 || !scenario_is_host(words[1], &host) ||
        !quantity_address(words[2], &path->address[host]))
        return scenario_fail(reader, "address wants a host and its address: a 10.0.0.1");
    return true;
}

static bool interface_line(struct scenario_reader *reader, char *words[], unsigned count) {
    struct scenario_path *path = &reader->scenario->paths[reader->path];
    unsigned host = take_host(words, &count);
    uint64_t mtu;
    if (count != 2 || !quantity_bytes(words[1], &mtu) || mtu < MIN_MTU || mtu > MAX_MTU)
        return scenario_fail(reader, "interface wants a size from 576 to 65535");
    for (unsigned h = 0; h < 2; h++)
        if (host == SCENARIO_NO_HOST || host == h)
            path->interface_mtu[h] = (uint32_t)mtu;
    return true;
}

bool scenario_path_line(struct scenario_reader *reader, char *words[], unsigned count) {
    struct scenario_path *path = &reader->scenario->paths[reader->path];
    uint64_t at_us;
    if (strcmp(words[0], "address") == 0)
        return address_line(reader, words, count);
    if (strcmp(words[0], "interface") == 0)
        return interface_line(reader, words, count);
    if (strcmp(words[0], "cut") == 0)
        return cut_line(reader, words, count);
    if (strcmp(words[0], "icmp") == 0) {
        path->icmp = count == 2 && strcmp(words[1], "on") == 0;
        return path->icmp || (count == 2 && strcmp(words[1], "off") == 0) ||
               scenario_fail(reader, "icmp wants on or off");
    }
    if (strcmp(words[0], "at") != 0)
        return link_line(reader, words, count, NULL);
    if (count < 3 || !quantity_time(words[1], &at_us))
        return scenario_fail(reader, "at wants a time, a key and its value: 10s loss 5%%");
    return link_line(reader, words + 2, count - 2, &at_us);
}

static bool same(const struct usctp_addr *a, const struct usctp_addr *b) {
    return a->family == b->family &&
           memcmp(a->ipv6, b->ipv6, a->family == USCTP_FAMILY_IPV4 ? 4 : 16) == 0;
}

static bool check_path(struct scenario_reader *reader, unsigned number) {
    const struct scenario *s = reader->scenario;
    const struct scenario_path *path = &s->paths[number];
    for (unsigned h = 0; h < 2; h++)
        if (path->link[h].rate_bytes_per_s == 0 && path->link[h].delay_us == 0)
            return scenario_fail(reader, "path %u: an unlimited rate needs a delay", number);
    if (path->address[0].family != path->address[1].family)
        return scenario_fail(reader, "path %u: one address is IPv4, the other IPv6", number);
    for (unsigned i = 0; i < s->path_count; i++) {
        const struct scenario_path *other = &s->paths[i];
        if (same(&path->address[0], &other->address[1]))
            return scenario_fail(reader, "path %u: host a has an address of host b", number);
        if (i < number && same(&path->address[0], &other->address[0]) &&
            same(&path->address[1], &other->address[1]))
            return scenario_fail(reader, "path %u has the same two addresses as path %u", number,
                                 i);
    }
    return true;
}

bool scenario_path_complete(struct scenario_reader *reader) {
    struct scenario *s = reader->scenario;
    for (unsigned i = 0; i < s->path_count; i++) {
        struct scenario_path *path = &s->paths[i];
        for (unsigned h = 0; h < 2; h++) {
            if (path->address[h].family == USCTP_FAMILY_NONE)
                path->address[h] = (struct usctp_addr){
                    .family = USCTP_FAMILY_IPV4, .ipv4 = {10, 0, (uint8_t)i, (uint8_t)(h + 1)}};
            if (path->interface_mtu[h] == 0)
                path->interface_mtu[h] = path->link[h].mtu_bytes;
        }
    }
    for (unsigned i = 0; i < s->path_count; i++)
        if (!check_path(reader, i))
            return false;
    /* By time; what has the same time stays in the order of the lines. */
    for (unsigned i = 1; i < s->change_count; i++) {
        struct scenario_change moved = s->changes[i];
        unsigned at = i;
        for (; at > 0 && s->changes[at - 1].at_us > moved.at_us; at--)
            s->changes[at] = s->changes[at - 1];
        s->changes[at] = moved;
    }
    return true;
}
