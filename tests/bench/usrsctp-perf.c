/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goodput of usrsctp (libusrsctp), for comparison with usctp-perf, whose command line and JSON keys
 * it has:
 *
 *   usrsctp-perf -s [-p PORT] [--udp[=PORT]] [--bind A]      one association after the other, a
 * line each usrsctp-perf -c HOST [-p PORT] -t SECONDS -l BYTES [--udp[=PORT]] both: [--buffer
 * BYTES] [--api blocking|callback] [--json]
 *
 * Either of usrsctp's two programming interfaces can be measured: calls that block, or callbacks
 * from its receiving thread.  A side's goodput runs from the association's start to its graceful
 * end, so everything counted has arrived; CPU is the whole process's, user and system.  Where
 * usrsctp leaves a choice the faster one is taken: no Nagle, fragments not interleaved, buffers as
 * asked.
 */
#include "bench-common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <usrsctp.h>

enum { PORT_DEFAULT = 5201, UDP_PORT_DEFAULT = 9899, MESSAGE_MAX = 1 << 20 };
enum { LIFE_LIMIT_S = 600 }; /* whatever happens, the process ends by then */

static struct {
    const char *host, *bind;
    uint16_t port, udp_port;
    double limit_s;
    size_t message_bytes;
    int buffer_bytes;
    bool callbacks, json;
} settings = {.port = PORT_DEFAULT,
              .limit_s = 10,
              .message_bytes = 8192,
              .buffer_bytes = 256 << 10,
              .callbacks = true};

/* One association's figures; the lock is for what the callbacks share with main(). */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct {
    double start_s, cpu_s;
    double last_s; /* when data last came */
    double bytes, messages;
    bool is_up, is_over, is_clean;
    bool stop; /* the sender's time is up */
} run;
static pthread_mutex_t send_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned char *message;

static void run_begin(void) {
    memset(&run, 0, sizeof run);
    run.start_s = bench_now_s();
    run.cpu_s = bench_cpu_s();
}

static void run_print(void) {
    struct sctpstat statistics;
    double elapsed_s = (run.last_s > run.start_s ? run.last_s : bench_now_s()) - run.start_s;
    double cpu_s = bench_cpu_s() - run.cpu_s;
    double gigabytes = run.bytes / 1e9;

    usrsctp_get_stat(&statistics);
    printf(
        settings.json
            ? "{\"program\": \"usrsctp-perf\", \"api\": \"%s\", \"side\": \"%s\", \"clean\": %s, "
              "\"message_bytes\": %zu, \"seconds\": %.3f, \"goodput_MBps\": %.2f, "
              "\"messages_per_s\": %.0f, \"cpu_s_per_GB\": %.3f, \"retransmitted_chunks\": %u}\n"
            : "%s %s, clean: %s, %zu-byte messages, %.3f s: %.2f MB/s, %.0f messages/s, "
              "%.3f CPU-s per GB, %u chunks retransmitted\n",
        settings.callbacks ? "callback" : "blocking", settings.host != NULL ? "client" : "server",
        run.is_clean ? "true" : "false", settings.message_bytes, elapsed_s,
        run.bytes / 1e6 / elapsed_s, run.messages / elapsed_s,
        gigabytes > 0 ? cpu_s / gigabytes : 0.0, statistics.sctps_sendretransdata);
    fflush(stdout);
}

/* What came, data or notification; by the reading thread or the callback. */
static void take(const void *data, size_t length, int flags) {
    const union sctp_notification *notice = data;

    if ((flags & MSG_NOTIFICATION) == 0) {
        run.bytes += (double)length;
        run.messages += (flags & MSG_EOR) != 0 ? 1 : 0;
        run.last_s = bench_now_s();
        return;
    }
    if (notice->sn_header.sn_type != SCTP_ASSOC_CHANGE)
        return;
    pthread_mutex_lock(&lock);
    if (notice->sn_assoc_change.sac_state == SCTP_COMM_UP) {
        run.is_up = true;
    } else if (notice->sn_assoc_change.sac_state != SCTP_RESTART) {
        run.is_over = true;
        run.is_clean = notice->sn_assoc_change.sac_state == SCTP_SHUTDOWN_COMP;
    }
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static int on_receive(struct socket *socket, union sctp_sockstore address, void *data,
                      size_t length, struct sctp_rcvinfo info, int flags, void *unused) {
    (void)socket, (void)address, (void)info, (void)unused;
    if (data != NULL) {
        take(data, length, flags);
        free(data);
        return 1;
    }
    pthread_mutex_lock(&lock);
    run.is_over = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return 1;
}

static void read_until_over(struct socket *socket) {
    static unsigned char buffer[MESSAGE_MAX];

    while (!run.is_over) {
        union sctp_sockstore from;
        struct sctp_rcvinfo info;
        socklen_t from_length = sizeof from, info_length = sizeof info;
        unsigned type = 0;
        int flags = 0;
        ssize_t got = usrsctp_recvv(socket, buffer, sizeof buffer, &from.sa, &from_length, &info,
                                    &info_length, &type, &flags);

        if (got <= 0)
            break;
        take(buffer, (size_t)got, flags);
    }
    pthread_mutex_lock(&lock);
    run.is_over = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void *read_thread(void *socket) {
    read_until_over(socket);
    return NULL;
}

static bool wait_for(const bool *flag) {
    pthread_mutex_lock(&lock);
    while (!*flag && !run.is_over)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    return *flag;
}

/* Sends until there is no room (a socket that does not block) or the time is up. */
static void send_messages(struct socket *socket) {
    while (!run.stop) {
        if (usrsctp_sendv(socket, message, settings.message_bytes, NULL, 0, NULL, 0,
                          SCTP_SENDV_NOINFO, 0) < 0) {
            if (errno != EWOULDBLOCK)
                run.stop = true;
            return;
        }
        run.bytes += (double)settings.message_bytes;
        run.messages++;
        run.stop = run.stop || bench_now_s() - run.start_s >= settings.limit_s;
    }
}

static int on_room(struct socket *socket, uint32_t free_bytes, void *unused) {
    (void)free_bytes, (void)unused;
    if (pthread_mutex_trylock(&send_lock) != 0)
        return 1;
    send_messages(socket);
    pthread_mutex_unlock(&send_lock);
    return 1;
}

static struct socket *open_socket(int family) {
    struct sctp_event event = {
        .se_assoc_id = SCTP_FUTURE_ASSOC, .se_type = SCTP_ASSOC_CHANGE, .se_on = 1};
    struct sctp_udpencaps encapsulation = {.sue_port = htons(settings.udp_port)};
    int on = 1;
    bool callback_sender = settings.callbacks && settings.host != NULL;
    struct socket *socket;

    /* It refuses a threshold beyond the default buffer, and one without a send callback. */
    usrsctp_sysctl_set_sctp_sendspace((uint32_t)settings.buffer_bytes);
    usrsctp_sysctl_set_sctp_recvspace((uint32_t)settings.buffer_bytes);
    socket =
        usrsctp_socket(family, SOCK_STREAM, IPPROTO_SCTP, settings.callbacks ? on_receive : NULL,
                       callback_sender ? on_room : NULL,
                       callback_sender ? (uint32_t)settings.buffer_bytes / 2 : 0, NULL);
    if (socket == NULL ||
        usrsctp_setsockopt(socket, IPPROTO_SCTP, SCTP_EVENT, &event, sizeof event) < 0 ||
        usrsctp_setsockopt(socket, IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof on) < 0 ||
        usrsctp_setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &settings.buffer_bytes, sizeof(int)) <
            0 ||
        usrsctp_setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &settings.buffer_bytes, sizeof(int)) < 0)
        bench_die_at_once("socket");
    encapsulation.sue_address.ss_family = (sa_family_t)family;
    if (settings.udp_port != 0 &&
        usrsctp_setsockopt(socket, IPPROTO_SCTP, SCTP_REMOTE_UDP_ENCAPS_PORT, &encapsulation,
                           sizeof encapsulation) < 0)
        bench_die_at_once("encapsulation port");
    return socket;
}

static socklen_t parse_address(const char *text, uint16_t port, union sctp_sockstore *address) {
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, text, &address->sin.sin_addr) == 1) {
        address->sin.sin_family = AF_INET;
        address->sin.sin_port = htons(port);
        return sizeof address->sin;
    }
    errno = EINVAL;
    if (inet_pton(AF_INET6, text, &address->sin6.sin6_addr) != 1)
        bench_die_at_once(text);
    address->sin6.sin6_family = AF_INET6;
    address->sin6.sin6_port = htons(port);
    return sizeof address->sin6;
}

static void serve(void) {
    union sctp_sockstore address;
    socklen_t length =
        parse_address(settings.bind != NULL ? settings.bind : "0.0.0.0", settings.port, &address);
    struct socket *listener = open_socket(address.sa.sa_family), *socket;

    if (usrsctp_bind(listener, &address.sa, length) < 0 || usrsctp_listen(listener, 8) < 0)
        bench_die_at_once("listen");
    for (;;) {
        run_begin();
        socket = usrsctp_accept(listener, NULL, NULL);
        if (socket == NULL)
            bench_die_at_once("accept");
        if (!settings.callbacks) {
            run_begin();
            read_until_over(socket);
        } else {
            run.start_s = bench_now_s(); /* a callback may have counted already */
            run.cpu_s = bench_cpu_s();
            wait_for(&run.is_over);
        }
        run_print();
        usrsctp_close(socket);
    }
}

static int measure(void) {
    const struct timespec pause = {.tv_nsec = 10000000};
    union sctp_sockstore address, local;
    socklen_t length = parse_address(settings.host, settings.port, &address), local_length;
    struct socket *socket = open_socket(address.sa.sa_family);
    pthread_t reader;

    if (settings.bind != NULL) {
        local_length = parse_address(settings.bind, 0, &local);
        if (usrsctp_bind(socket, &local.sa, local_length) < 0)
            bench_die_at_once("bind");
    }
    run_begin();
    if (usrsctp_connect(socket, &address.sa, length) < 0)
        bench_die_at_once("connect");
    if (!settings.callbacks && pthread_create(&reader, NULL, read_thread, socket) != 0)
        bench_die_at_once("thread");
    if (!wait_for(&run.is_up))
        bench_die_at_once("no association");
    run.start_s = bench_now_s();
    run.cpu_s = bench_cpu_s();
    if (settings.callbacks) {
        usrsctp_set_non_blocking(socket, 1);
        on_room(socket, 0, NULL);
        while (!run.stop && !run.is_over)
            nanosleep(&pause, NULL);
    } else {
        send_messages(socket);
    }
    if (usrsctp_shutdown(socket, SHUT_WR) < 0)
        bench_die_at_once("shutdown");
    wait_for(&run.is_over);
    run_print();
    usrsctp_close(socket);
    return run.is_clean ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool parse_option(int option, const char *text) {
    switch (option) {
    case 's':
    case 'j':
        break;
    case 'c':
        settings.host = text;
        break;
    case 'p':
        settings.port = (uint16_t)atoi(text);
        break;
    case 't':
        settings.limit_s = atof(text);
        break;
    case 'l':
        settings.message_bytes = (size_t)atol(text);
        break;
    case 'u':
        settings.udp_port = text != NULL ? (uint16_t)atoi(text) : UDP_PORT_DEFAULT;
        break;
    case 'b':
        settings.bind = text;
        break;
    case 'B':
        settings.buffer_bytes = atoi(text);
        break;
    case 'a':
        settings.callbacks = strcmp(text, "callback") == 0;
        break;
    default:
        return false;
    }
    settings.json = settings.json || option == 'j';
    return true;
}

int main(int argc, char **argv) {
    static const struct option long_options[] = {
        {"udp", optional_argument, NULL, 'u'},    {"bind", required_argument, NULL, 'b'},
        {"buffer", required_argument, NULL, 'B'}, {"api", required_argument, NULL, 'a'},
        {"json", no_argument, NULL, 'j'},         {NULL, 0, NULL, 0}};
    bool serving = false;
    int option, status = EXIT_SUCCESS;

    while ((option = getopt_long(argc, argv, "sc:p:t:l:", long_options, NULL)) != -1) {
        serving = serving || option == 's';
        if (!parse_option(option, optarg))
            optind = argc + 1;
    }
    if (optind != argc || serving == (settings.host != NULL) || settings.port == 0 ||
        settings.limit_s <= 0 || settings.message_bytes == 0 ||
        settings.message_bytes > MESSAGE_MAX || settings.buffer_bytes <= 0) {
        fprintf(stderr, "usage: usrsctp-perf -s | -c HOST [-t SECONDS] [-l BYTES]\n"
                        "       [-p PORT] [--udp[=PORT]] [--bind ADDRESS] [--buffer BYTES]\n"
                        "       [--api blocking|callback] [--json]\n");
        return 2;
    }
    alarm(LIFE_LIMIT_S);
    message = calloc(1, settings.message_bytes);
    if (message == NULL)
        bench_die_at_once("memory");
    usrsctp_init(settings.udp_port, NULL, NULL);
    if (serving)
        serve();
    else
        status = measure();
    fflush(NULL);
    _exit(status); /* not exit(): usrsctp's threads still run */
}
