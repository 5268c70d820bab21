/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usrsctp-accept -s ADDRESS COUNT | -c ADDRESS COUNT [UNDER-WAY]: what accept.c does, by usrsctp
 * (libusrsctp): COUNT associations that live at the same time, taken by accept().
 *
 * A client of one at a time connects by a call that blocks; of more, without blocking, and hears of
 * each by usrsctp's upcall. Heartbeats and everything else are usrsctp's default.
 */
#include "bench-common.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
#include <usrsctp.h>

static struct bench_accept asked;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned done;

static struct socket *open_socket(void) {
    struct socket *socket = usrsctp_socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);
    if (socket == NULL)
        bench_die_at_once("socket");
    return socket;
}

static void serve(void) {
    struct bench_parts parts = {.count = asked.count};
    struct socket *listener = open_socket();
    if (usrsctp_bind(listener, (struct sockaddr *)&asked.address, sizeof asked.address) < 0 ||
        usrsctp_listen(listener, (int)asked.count) < 0)
        bench_die_at_once("listen");
    while (parts.done < parts.count) {
        if (usrsctp_accept(listener, NULL, NULL) == NULL)
            bench_die_at_once("accept");
        bench_parts_add(&parts);
    }
    bench_parts_print(&parts, "usrsctp");
    pause();
}

/* ---- client ---------------------------------------------------------------------------------- */

/* Called for each change of a socket, by usrsctp's threads. */
static void on_change(struct socket *socket, void *unused, int flags) {
    (void)unused, (void)flags;
    if ((usrsctp_get_events(socket) & SCTP_EVENT_WRITE) == 0)
        return;
    usrsctp_set_upcall(socket, NULL, NULL);
    pthread_mutex_lock(&lock);
    done++;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

static void connect_all(void) {
    double cpu_s = bench_cpu_s();
    for (unsigned started = 0; started < asked.count; started++) {
        struct socket *socket = open_socket();
        if (asked.under_way > 1) {
            pthread_mutex_lock(&lock);
            while (started - done >= asked.under_way)
                pthread_cond_wait(&changed, &lock);
            pthread_mutex_unlock(&lock);
            usrsctp_set_non_blocking(socket, 1);
            usrsctp_set_upcall(socket, on_change, NULL);
        }
        if (usrsctp_connect(socket, (struct sockaddr *)&asked.address, sizeof asked.address) < 0 &&
            errno != EINPROGRESS)
            bench_die_at_once("connect");
    }
    pthread_mutex_lock(&lock);
    while (asked.under_way > 1 && done < asked.count)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    printf("{\"cpu_s\": %.3f}\n", bench_cpu_s() - cpu_s);
    fflush(stdout);
    pause();
}

int main(int argc, char **argv) {
    if (!bench_read_accept(&asked, argc, argv))
        return 2;
    usrsctp_init(0, NULL, NULL);
    if (asked.serves)
        serve();
    else
        connect_all();
    return 1;
}
