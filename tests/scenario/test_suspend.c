/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hosts that are suspended: their clocks jump, and what was sent to them meanwhile is lost. RFC
 * 9260 knows nothing of it; what follows from 6.3.3, 8.1, 8.3 and 8.4 is:
 *
 *  - both sleep, and nobody missed anything: one expiry of each timer that was due, then all goes
 * on;
 *  - one sleeps for less than the other's patience (Association.Max.Retrans): what is lost is sent
 *    again, all arrives;
 *  - one sleeps for longer: the other ends with UNREACHABLE (8.1), and the sleeper learns of it by
 *    the ABORT that answers his first packet (8.4 rule 8);
 *  - one sleeps in the middle of a handshake or shutdown: it goes on, begins anew, or ends.
 *
 * Timers of one side alone, in each state: hostile/test_time.c.
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/two_hosts.h"

#include <string.h>

#define MS      ((uint64_t)1000)
#define SECOND  ((uint64_t)1000000)
#define HOUR    (3600 * SECOND)
#define MESSAGE 1000u

static uint64_t read_all(struct two_hosts *t, unsigned host) {
    static uint8_t memory[65536];
    const struct usctp_slice slice = {memory, sizeof memory};
    struct usctp_received info;
    uint64_t bytes = 0;
    for (;;) {
        int64_t n =
            usctp_assoc_receive(t->host[host].engine, t->host[host].assoc, &info, &slice, 1, 0);
        if (n < 0)
            break;
        bytes += (uint64_t)n;
    }
    usctp_assoc_received(t->host[host].engine, t->host[host].assoc, t->now_us);
    return bytes;
}

static void say(struct two_hosts *t, unsigned host, unsigned messages) {
    static uint8_t memory[MESSAGE];
    const struct usctp_slice slice = {memory, sizeof memory};
    const struct usctp_send send = {.sid = 1, .ppid = 1};
    for (unsigned i = 0; i < messages; i++)
        REQUIRE_EQ(usctp_assoc_send(t->host[host].engine, t->host[host].assoc, &send, &slice, 1,
                                    t->now_us),
                   0);
}

static struct two_hosts *established(void (*configure)(struct usctp_config *)) {
    struct two_hosts *t = HOSTS(.paths = 2, .delay_us = 20 * MS, .configure = configure, .seed = 5);
    hosts_establish(t, true);
    hosts_run_for(t, SECOND);
    return t;
}

static void sleep_for(struct two_hosts *t, unsigned host, uint64_t us) {
    t->host[host].asleep = true;
    hosts_run_for(t, us);
    t->host[host].asleep = false;
}

/* Data is under way both ways, and both miss the same hour. */
START_TEST(both_sleep_for_an_hour) {
    struct two_hosts *t = established(eager);
    say(t, 0, 100);
    say(t, 1, 100);
    hosts_run_for(t, 30 * MS);
    t->now_us += HOUR;
    hosts_run_for(t, 60 * SECOND);
    for (unsigned host = 0; host < 2; host++) {
        REQUIRE_EQ(read_all(t, host), 100 * MESSAGE);
        REQUIRE(!t->host[host].closed);
        struct usctp_assoc_status status = host_status(t, host);
        REQUIRE_EQ(status.state, USCTP_ESTABLISHED);
        REQUIRE_EQ(status.data_path, 0);
        REQUIRE(status.counters.t3_expiries <=
                2); /* one a path: an hour is not many times an RTO */
        for (unsigned path = 0; path < 2; path++) {
            struct usctp_path_status ps;
            REQUIRE_EQ(usctp_path_status(t->host[host].engine, t->host[host].assoc, path, &ps), 0);
            REQUIRE_EQ(ps.state, USCTP_PATH_STATE_ACTIVE);
            REQUIRE_RANGE(ps.rto_us, t->host[host].config.rto_min_us,
                          t->host[host].config.rto_max_us);
        }
    }
    hosts_delete(t);
}
END_TEST

/* An idle association, with heartbeats: the paths are still active after it. */
START_TEST(both_sleep_while_idle) {
    struct two_hosts *t = established(NULL);
    for (unsigned i = 0; i < 5; i++) {
        t->now_us += HOUR;
        hosts_run_for(t, 100 * SECOND);
        REQUIRE(hosts_both_established(t));
        REQUIRE_EQ(host_status(t, 0).data_path, 0);
    }
    say(t, 0, 1);
    hosts_run_for(t, SECOND);
    REQUIRE_EQ(read_all(t, 1), MESSAGE);
    hosts_delete(t);
}
END_TEST

/* Either side sleeps for ten seconds: all arrives. */
START_TEST(one_sleeps_for_a_while) {
    for (unsigned sleeper = 0; sleeper < 2; sleeper++) {
        struct two_hosts *t = established(eager);
        say(t, 0, 100);
        say(t, 1, 100);
        hosts_run_for(t, 30 * MS);
        sleep_for(t, sleeper, 10 * SECOND);
        hosts_run_for(t, 120 * SECOND);
        REQUIRE_EQ(read_all(t, 0), 100 * MESSAGE);
        REQUIRE_EQ(read_all(t, 1), 100 * MESSAGE);
        REQUIRE(hosts_both_established(t));
        hosts_delete(t);
    }
}
END_TEST

/* Either side sleeps for an hour, while data is under way or with nothing but heartbeats. */
START_TEST(one_sleeps_for_an_hour) {
    for (unsigned variant = 0; variant < 4; variant++) {
        unsigned sleeper = variant / 2;
        struct two_hosts *t = established(NULL);
        if (variant % 2 == 0) {
            say(t, 0, 10);
            say(t, 1, 10);
        }
        hosts_run_for(t, 5 * MS);
        sleep_for(t, sleeper, HOUR);
        REQUIRE(t->host[1 - sleeper].closed); /* 8.1 */
        REQUIRE_EQ(t->host[1 - sleeper].close_error, USCTP_ERR_UNREACHABLE);
        REQUIRE(!t->host[sleeper].closed);
        hosts_run_for(t, 120 * SECOND);
        REQUIRE(t->host[sleeper].closed); /* 8.4 rule 8 */
        REQUIRE_EQ(t->host[sleeper].close_error, USCTP_ERR_RESET);
        hosts_delete(t);
    }
}
END_TEST

/* The cookie has expired when the hour is over (5.2.6): the handshake begins anew, or has ended. */
START_TEST(sleep_in_the_handshake) {
    for (unsigned sleeper = 0; sleeper < 3; sleeper++) {
        for (uint64_t after_us = 10 * MS; after_us < 90 * MS; after_us += 20 * MS) {
            struct two_hosts *t = HOSTS(.delay_us = 20 * MS, .configure = quiet, .seed = 6);
            REQUIRE(host_connect(t, 0, 1) >= 3);
            hosts_run_for(t, after_us);
            if (sleeper < 2)
                sleep_for(t, sleeper, HOUR);
            else
                t->now_us += HOUR;
            hosts_run_for(t, 300 * SECOND);
            if (t->host[0].closed) { /* given up, or told by an ABORT */
                REQUIRE(sleeper < 2);
                REQUIRE(t->host[0].close_error == USCTP_ERR_TIMED_OUT ||
                        t->host[0].close_error == USCTP_ERR_REFUSED);
            } else {
                REQUIRE(hosts_both_established(t));
                say(t, 0, 1);
                hosts_run_for(t, 60 * SECOND);
                REQUIRE_EQ(read_all(t, 1), MESSAGE);
            }
            hosts_delete(t);
        }
    }
}
END_TEST

/* 9.2: T5-shutdown-guard is past when the hour is over. Both end, and nothing was lost. */
START_TEST(sleep_in_the_shutdown) {
    for (unsigned sleeper = 0; sleeper < 3; sleeper++) {
        for (uint64_t after_us = 10 * MS; after_us < 90 * MS; after_us += 20 * MS) {
            struct two_hosts *t = established(NULL);
            say(t, 1, 1);
            hosts_run_for(t, SECOND);
            REQUIRE_EQ(usctp_assoc_shutdown(t->host[0].engine, t->host[0].assoc, t->now_us), 0);
            hosts_run_for(t, after_us);
            if (sleeper < 2)
                sleep_for(t, sleeper, HOUR);
            else
                t->now_us += HOUR;
            hosts_run_for(t, 600 * SECOND);
            REQUIRE(hosts_both_closed(t));
            REQUIRE_EQ(read_all(t, 0), MESSAGE);
            hosts_delete(t);
        }
    }
}
END_TEST

RUN_TESTS("suspended hosts", both_sleep_for_an_hour, both_sleep_while_idle, one_sleeps_for_a_while,
          one_sleeps_for_an_hour, sleep_in_the_handshake, sleep_in_the_shutdown)
