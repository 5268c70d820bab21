/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Numbers with units: a decimal number, and a table of what its unit multiplies it with.
 */
#include "sim/quantity.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST 1e15 /* below 2^53: every whole number up to here is exact */

struct unit {
    const char *name;
    double factor;
};

/* Reads the number in front; returns what follows it, or NULL. */
static const char *number(const char *word, double *out) {
    size_t digits = strspn(word, "0123456789"), length = strspn(word, "0123456789.");
    char *end;
    if (digits == 0 || digits == length - 1) /* "20." has no fraction */
        return NULL;
    errno = 0;
    *out = strtod(word, &end);
    return errno == 0 && end == word + length ? end : NULL;
}

static bool with_unit(const char *word, const struct unit *units, double *out) {
    double value;
    const char *unit = number(word, &value);
    if (unit == NULL)
        return false;
    for (; units->name != NULL; units++) {
        if (strcmp(unit, units->name) == 0 && value * units->factor <= LARGEST) {
            *out = value * units->factor;
            return true;
        }
    }
    return false;
}

static bool rounded(const char *word, const struct unit *units, uint64_t *out) {
    double value;
    if (!with_unit(word, units, &value))
        return false;
    *out = (uint64_t)(value + 0.5);
    return true;
}

bool quantity_time(const char *word, uint64_t *out_us) {
    static const struct unit units[] = {
        {"us", 1}, {"ms", 1e3}, {"s", 1e6}, {"min", 60e6}, {NULL, 0}};
    if (strcmp(word, "0") == 0) {
        *out_us = 0;
        return true;
    }
    return rounded(word, units, out_us);
}

bool quantity_bytes(const char *word, uint64_t *out_bytes) {
    static const struct unit units[] = {
        {"", 1},     {"B", 1},      {"kB", 1e3},          {"MB", 1e6},
        {"GB", 1e9}, {"KiB", 1024}, {"MiB", 1024 * 1024}, {"GiB", 1024.0 * 1024 * 1024},
        {NULL, 0},
    };
    return rounded(word, units, out_bytes);
}

bool quantity_rate(const char *word, uint64_t *out_bytes_per_s) {
    static const struct unit units[] = {
        {"bit", 1.0 / 8}, {"kbit", 1e3 / 8}, {"Mbit", 1e6 / 8}, {"Gbit", 1e9 / 8}, {"B", 1},
        {"kB", 1e3},      {"MB", 1e6},       {"GB", 1e9},       {NULL, 0},
    };
    uint64_t rate;
    if (!rounded(word, units, &rate) || rate == 0)
        return false;
    *out_bytes_per_s = rate;
    return true;
}

bool quantity_share(const char *word, double *out) {
    static const struct unit units[] = {{"", 1}, {"%", 0.01}, {NULL, 0}};
    double value;
    if (!with_unit(word, units, &value) || value > 1)
        return false;
    *out = value;
    return true;
}

bool quantity_count(const char *word, uint64_t *out) {
    size_t digits = strspn(word, "0123456789");
    if (digits == 0 || digits > 19 || word[digits] != '\0')
        return false;
    *out = strtoull(word, NULL, 10);
    return true;
}

bool quantity_address(const char *word, struct usctp_addr *out) {
    struct usctp_addr address;
    memset(&address, 0, sizeof address);
    if (inet_pton(AF_INET, word, address.ipv4) == 1)
        address.family = USCTP_FAMILY_IPV4;
    else if (inet_pton(AF_INET6, word, address.ipv6) == 1)
        address.family = USCTP_FAMILY_IPV6;
    else
        return false;
    *out = address;
    return true;
}
