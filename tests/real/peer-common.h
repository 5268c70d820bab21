/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the command-line peers built on other SCTP stacks have in common: options, the transfer of
 * one file over one association, bounded waiting, exit status.
 *
 * A peer program fills a struct peer_backend with its stack's calls and hands it to peer_main().
 * The backends are peer-usrsctp.c (usrsctp) and peer-kernel.c (Linux kernel SCTP); our own stack is
 * tried with usctp-cat instead.  `peer-... --help` prints the command line.  The functions are
 * here, static, because each program is one source file, linked with its own stack only.
 *
 * The sender's calls block, so a second thread reads its notifications; a watchdog thread ends the
 * process when nothing moves any more, since not every stack's calls take a time limit.
 */
#ifndef TESTS_REAL_PEER_COMMON_H
#define TESTS_REAL_PEER_COMMON_H

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum { PEER_MAX_ADDRESSES = 8 };

/* Socket addresses back to back, as bindx and connectx take them. */
struct peer_addresses {
    unsigned char bytes[PEER_MAX_ADDRESSES * sizeof(struct sockaddr_storage)];
    size_t size;
    int count;
    bool has_ipv6;
};

/* The command line; a number left out is 0 and leaves the stack's default alone. */
struct peer_options {
    bool sending;
    bool quiet;
    bool udp; /* UDP encapsulation wanted; the two ports below are set */
    uint16_t udp_local_port;
    uint16_t udp_remote_port;
    uint16_t port;
    struct peer_addresses bind;
    struct peer_addresses connect;
    const char *file;
    size_t message_bytes;
    uint32_t rto_min_ms;
    uint32_t rto_initial_ms;
    uint32_t rto_max_ms;
    uint32_t heartbeat_ms;
    uint32_t sack_delay_ms;
    uint16_t path_max_retrans;
    int buffer_bytes;
    unsigned idle_s;  /* give up after this long without progress */
    unsigned total_s; /* and after this long in any case */
};

enum peer_event {
    PEER_DATA,     /* bytes of the peer's */
    PEER_UP,       /* the association is established */
    PEER_NEWS,     /* something that was worth a line at most */
    PEER_DRY,      /* all that was sent is acknowledged */
    PEER_COMPLETE, /* the graceful shutdown is complete */
    PEER_LOST,     /* the association ended in any other way */
    PEER_END,      /* the stack has nothing more to give */
};

/* One stack.  Calls that can fail return -1 with errno set. */
struct peer_backend {
    const char *name;
    int (*open)(
        const struct peer_options *options); /* socket, options, bind; listen for a receiver */
    int (*accept)(
        const struct peer_options *options); /* replaces the listener by the association */
    int (*connect)(const struct peer_options *options); /* may return before PEER_UP */
    ssize_t (*send)(const void *data, size_t length);   /* one message, blocks for room */
    /* Blocks for data or a notification; bytes of data for PEER_DATA, else 0. */
    ssize_t (*receive)(void *buffer, size_t length, enum peer_event *event);
    int (*want_dry)(void); /* ask for PEER_DRY */
    int (*shutdown)(void); /* start the graceful shutdown */
    void (*finish)(void);  /* close everything, in bounded time */
};

enum { RECEIVE_BYTES = 256 * 1024, MESSAGE_BYTES_DEFAULT = 8192, MESSAGE_BYTES_MAX = 1 << 20 };
enum { EXIT_TIMED_OUT = 4, EXIT_USAGE = 2 };

static const struct peer_backend *stack;
static struct peer_options options;
static atomic_ulong progress; /* bytes and events so far: the watchdog looks whether it moves */

/* What the notification thread tells the sending thread. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool is_up, is_dry, is_over, is_clean;

/* A line on stderr, unless --quiet. */
__attribute__((format(printf, 1, 2))) static void peer_say(const char *format, ...) {
    va_list arguments;
    struct timespec now;

    if (options.quiet)
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    flockfile(stderr);
    fprintf(stderr, "%s: %02ld.%03ld ", stack->name, (long)now.tv_sec % 60, now.tv_nsec / 1000000);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    funlockfile(stderr);
}

/* A line about a path on stderr: its address and what became of it. */
static void peer_say_path(const struct sockaddr_storage *address, const char *what) {
    char text[INET6_ADDRSTRLEN] = "?";

    if (address->ss_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, text, sizeof text);
    else if (address->ss_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr, text, sizeof text);
    peer_say("path %s: %s", text, what);
}

static void fail(const char *what) {
    fprintf(stderr, "%s: %s: %s\n", stack->name, what, strerror(errno));
    _exit(EXIT_FAILURE);
}

static void usage(void) {
    fprintf(
        stderr,
        "usage: %s recv --port P [--bind A[,B]] [--file F|-] [options]\n"
        "       %s send --port P --connect A[,B] [--bind A[,B]] [--file F|-] [options]\n"
        "  recv accepts one association and ends after its graceful shutdown; send sends the "
        "file,\n"
        "  waits until all is acknowledged and shuts down.  Exit status 0 only after a clean end.\n"
        "  --udp LOCAL[,REMOTE]  UDP encapsulation ports     --size N      bytes per message "
        "(8192)\n"
        "  --rto-min/--rto-initial/--rto-max MS              --heartbeat MS   --sack-delay MS\n"
        "  --pathmaxrxt N        --buffer BYTES (each way)   --quiet\n"
        "  --idle S              give up after S seconds without progress (30)\n"
        "  --total S             and after S seconds in any case (300)\n",
        stack->name, stack->name);
    exit(EXIT_USAGE);
}

static unsigned long number(const char *text, unsigned long maximum) {
    char *end;
    unsigned long value;

    errno = 0;
    value = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value > maximum) {
        fprintf(stderr, "%s: %s: not a number up to %lu\n", stack->name, text, maximum);
        exit(EXIT_USAGE);
    }
    return value;
}

static void add_address(struct peer_addresses *list, const char *text, uint16_t port) {
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    const void *address = &ipv4;
    size_t size = sizeof ipv4;

    if (inet_pton(AF_INET, text, &ipv4.sin_addr) != 1) {
        if (inet_pton(AF_INET6, text, &ipv6.sin6_addr) != 1 || list->count == PEER_MAX_ADDRESSES) {
            fprintf(stderr, "%s: %s: not an address, or one too many\n", stack->name, text);
            exit(EXIT_USAGE);
        }
        address = &ipv6;
        size = sizeof ipv6;
        list->has_ipv6 = true;
    }
    if (list->count == PEER_MAX_ADDRESSES)
        usage();
    memcpy(list->bytes + list->size, address, size);
    list->size += size;
    list->count++;
}

static void add_addresses(struct peer_addresses *list, const char *text, uint16_t port) {
    char *copy = strdup(text), *rest = copy, *word;

    if (copy == NULL)
        fail("memory");
    while ((word = strsep(&rest, ",")) != NULL)
        add_address(list, word, port);
    free(copy);
}

static void parse_udp(const char *text) {
    char *copy = strdup(text), *comma;

    if (copy == NULL)
        fail("memory");
    comma = strchr(copy, ',');
    if (comma != NULL)
        *comma++ = '\0';
    options.udp = true;
    options.udp_local_port = (uint16_t)number(copy, UINT16_MAX);
    options.udp_remote_port = comma != NULL ? (uint16_t)number(comma, UINT16_MAX) : 0;
    free(copy);
}

enum {
    OPTION_UDP = 256,
    OPTION_BIND,
    OPTION_CONNECT,
    OPTION_PORT,
    OPTION_FILE,
    OPTION_SIZE,
    OPTION_RTO_MIN,
    OPTION_RTO_INITIAL,
    OPTION_RTO_MAX,
    OPTION_HEARTBEAT,
    OPTION_PATHMAXRXT,
    OPTION_SACK_DELAY,
    OPTION_BUFFER,
    OPTION_QUIET,
    OPTION_IDLE,
    OPTION_TOTAL
};

static const struct option long_options[] = {
    {"udp", required_argument, NULL, OPTION_UDP},
    {"bind", required_argument, NULL, OPTION_BIND},
    {"connect", required_argument, NULL, OPTION_CONNECT},
    {"port", required_argument, NULL, OPTION_PORT},
    {"file", required_argument, NULL, OPTION_FILE},
    {"size", required_argument, NULL, OPTION_SIZE},
    {"rto-min", required_argument, NULL, OPTION_RTO_MIN},
    {"rto-initial", required_argument, NULL, OPTION_RTO_INITIAL},
    {"rto-max", required_argument, NULL, OPTION_RTO_MAX},
    {"heartbeat", required_argument, NULL, OPTION_HEARTBEAT},
    {"pathmaxrxt", required_argument, NULL, OPTION_PATHMAXRXT},
    {"sack-delay", required_argument, NULL, OPTION_SACK_DELAY},
    {"buffer", required_argument, NULL, OPTION_BUFFER},
    {"quiet", no_argument, NULL, OPTION_QUIET},
    {"idle", required_argument, NULL, OPTION_IDLE},
    {"total", required_argument, NULL, OPTION_TOTAL},
    {NULL, 0, NULL, 0},
};

/* One option; false when it is not known.  Address lists wait for the port: *bind, *connect. */
static bool parse_option(int option, const char *text, const char **bind_list,
                         const char **connect_list) {
    switch (option) {
    case OPTION_UDP:
        parse_udp(text);
        break;
    case OPTION_BIND:
        *bind_list = text;
        break;
    case OPTION_CONNECT:
        *connect_list = text;
        break;
    case OPTION_PORT:
        options.port = (uint16_t)number(text, UINT16_MAX);
        break;
    case OPTION_FILE:
        options.file = text;
        break;
    case OPTION_SIZE:
        options.message_bytes = number(text, MESSAGE_BYTES_MAX);
        break;
    case OPTION_RTO_MIN:
        options.rto_min_ms = (uint32_t)number(text, 600000);
        break;
    case OPTION_RTO_INITIAL:
        options.rto_initial_ms = (uint32_t)number(text, 600000);
        break;
    case OPTION_RTO_MAX:
        options.rto_max_ms = (uint32_t)number(text, 600000);
        break;
    case OPTION_HEARTBEAT:
        options.heartbeat_ms = (uint32_t)number(text, 600000);
        break;
    case OPTION_PATHMAXRXT:
        options.path_max_retrans = (uint16_t)number(text, 100);
        break;
    case OPTION_SACK_DELAY:
        options.sack_delay_ms = (uint32_t)number(text, 500);
        break;
    case OPTION_BUFFER:
        options.buffer_bytes = (int)number(text, 1 << 30);
        break;
    case OPTION_QUIET:
        options.quiet = true;
        break;
    case OPTION_IDLE:
        options.idle_s = (unsigned)number(text, 3600);
        break;
    case OPTION_TOTAL:
        options.total_s = (unsigned)number(text, 3600);
        break;
    default:
        return false;
    }
    return true;
}

static void parse_command_line(int argc, char **argv) {
    const char *bind_list = NULL, *connect_list = NULL;
    int option;

    options = (struct peer_options){
        .message_bytes = MESSAGE_BYTES_DEFAULT, .file = "-", .idle_s = 30, .total_s = 300};
    if (argc < 2 || (strcmp(argv[1], "recv") != 0 && strcmp(argv[1], "send") != 0))
        usage();
    options.sending = strcmp(argv[1], "send") == 0;
    optind = 2;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
        if (!parse_option(option, optarg, &bind_list, &connect_list))
            usage();
    if (optind != argc || options.port == 0 || options.message_bytes == 0 ||
        options.sending != (connect_list != NULL))
        usage();
    if (bind_list != NULL)
        add_addresses(&options.bind, bind_list, options.sending ? 0 : options.port);
    if (connect_list != NULL)
        add_addresses(&options.connect, connect_list, options.port);
}

static void *watchdog(void *unused) {
    unsigned long seen = 0;
    unsigned idle_s = 0, total_s = 0;

    (void)unused;
    while (idle_s < options.idle_s && total_s < options.total_s) {
        unsigned long now;

        sleep(1);
        total_s++;
        now = atomic_load(&progress);
        idle_s = now == seen ? idle_s + 1 : 0;
        seen = now;
    }
    fprintf(stderr, "%s: %s, after %lu bytes and events\n", stack->name,
            total_s < options.total_s ? "no progress" : "takes too long", seen);
    _exit(EXIT_TIMED_OUT);
}

/* Takes in data until the association ends; returns whether it ended gracefully. */
static bool receive_all(FILE *sink, unsigned long *total_bytes) {
    unsigned char *buffer = malloc(RECEIVE_BYTES);
    bool clean = false;

    if (buffer == NULL)
        fail("memory");
    for (;;) {
        enum peer_event event = PEER_END;
        ssize_t length = stack->receive(buffer, RECEIVE_BYTES, &event);

        if (length < 0)
            fail("receive");
        atomic_fetch_add(&progress, (unsigned long)length + 1);
        if (event == PEER_END)
            break;
        if (event == PEER_DATA) {
            *total_bytes += (unsigned long)length;
            if (sink == NULL || fwrite(buffer, 1, (size_t)length, sink) != (size_t)length)
                fail(sink == NULL ? "data came that nobody asked for" : "write");
            continue;
        }
        pthread_mutex_lock(&lock);
        is_up = is_up || event == PEER_UP;
        is_dry = is_dry || event == PEER_DRY;
        is_over = is_over || event == PEER_COMPLETE || event == PEER_LOST;
        is_clean = is_clean || event == PEER_COMPLETE;
        pthread_cond_broadcast(&changed);
        clean = is_clean;
        pthread_mutex_unlock(&lock);
        if (event == PEER_COMPLETE || event == PEER_LOST)
            break;
    }
    free(buffer);
    return clean;
}

static void *receive_notifications(void *unused) {
    unsigned long none = 0;

    (void)unused;
    receive_all(NULL, &none);
    pthread_mutex_lock(&lock);
    is_over = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return NULL;
}

static int run_receiver(void) {
    FILE *sink = strcmp(options.file, "-") == 0 ? stdout : fopen(options.file, "wb");
    unsigned long total_bytes = 0;
    bool clean;

    if (sink == NULL)
        fail(options.file);
    peer_say("listening");
    if (stack->accept(&options) < 0)
        fail("accept");
    atomic_fetch_add(&progress, 1);
    clean = receive_all(sink, &total_bytes);
    if (fclose(sink) != 0)
        fail("write");
    peer_say("received %lu bytes, %s", total_bytes, clean ? "clean end" : "association lost");
    return clean ? EXIT_SUCCESS : EXIT_FAILURE;
}

static unsigned long send_file(FILE *source) {
    unsigned char *buffer = malloc(options.message_bytes);
    unsigned long total_bytes = 0;
    size_t length;

    if (buffer == NULL)
        fail("memory");
    while ((length = fread(buffer, 1, options.message_bytes, source)) > 0) {
        if (stack->send(buffer, length) != (ssize_t)length)
            fail("send");
        total_bytes += length;
        atomic_fetch_add(&progress, length);
    }
    if (ferror(source))
        fail("read");
    free(buffer);
    return total_bytes;
}

/* Waits for a flag of the notification thread's; false when the association ended instead. */
static bool wait_for(const bool *flag) {
    bool came;

    pthread_mutex_lock(&lock);
    while (!*flag && !is_over)
        pthread_cond_wait(&changed, &lock);
    came = *flag && !is_over;
    pthread_mutex_unlock(&lock);
    return came;
}

static int run_sender(void) {
    FILE *source = strcmp(options.file, "-") == 0 ? stdin : fopen(options.file, "rb");
    pthread_t reader;
    unsigned long total_bytes;
    bool clean;

    if (source == NULL)
        fail(options.file);
    if (stack->connect(&options) < 0)
        fail("connect");
    if (pthread_create(&reader, NULL, receive_notifications, NULL) != 0)
        fail("thread");
    if (!wait_for(&is_up)) {
        fprintf(stderr, "%s: no association\n", stack->name);
        return EXIT_FAILURE;
    }
    peer_say("connected");
    total_bytes = send_file(source);
    fclose(source);
    if (stack->want_dry() < 0)
        fail("sender dry event");
    clean = wait_for(&is_dry);
    if (clean) {
        peer_say("%lu bytes acknowledged", total_bytes);
        if (stack->shutdown() < 0)
            fail("shutdown");
    }
    pthread_join(reader, NULL);
    clean = clean && is_clean;
    peer_say("sent %lu bytes, %s", total_bytes, clean ? "clean end" : "association lost");
    return clean ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Runs the program; does not return. */
static int peer_main(int argc, char **argv, const struct peer_backend *backend) {
    pthread_t dog;
    int status;

    stack = backend;
    parse_command_line(argc, argv);
    if (pthread_create(&dog, NULL, watchdog, NULL) != 0)
        fail("thread");
    if (stack->open(&options) < 0)
        fail("socket");
    status = options.sending ? run_sender() : run_receiver();
    stack->finish();
    fflush(NULL);
    _exit(status); /* not exit(): a stack's own threads may still run */
}

#endif
