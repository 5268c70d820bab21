/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libusctp-capture.so: what the library that usctp-run preloads loads for --pcap, so that programs
 * which ask for no capture do not load libpcap (src/preload/run_environment.h has the two names).
 *
 * The first process writes the file itself, others write FILE.PID. Every packet is written out at
 * once: the program may be killed.
 */
#include "common/capture.h"
#include "common/report.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

USCTP_API void *usctp_capture_open(const char *path, uint16_t udp_port, int (*keep)(int fd));
USCTP_API void usctp_capture_record(void *capture, const struct usctp_trace_record *record);

static char file[PATH_MAX];

/* Creates the file that this process writes. usctp-run has removed what an earlier run left.
 * Returns its descriptor or a negative errno. */
static int create(const char *path) {
    if (snprintf(file, sizeof file, "%s", path) >= (int)sizeof file)
        return -ENAMETOOLONG;
    int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 && errno == EEXIST) {
        if (snprintf(file, sizeof file, "%s.%ld", path, (long)getpid()) >= (int)sizeof file)
            return -ENAMETOOLONG;
        fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    }
    return fd < 0 ? -errno : fd;
}

void *usctp_capture_open(const char *path, uint16_t udp_port, int (*keep)(int fd)) {
    report_start("usctp-run");
    int fd = create(path);
    FILE *stream = NULL;
    if (fd >= 0) {
        fd = keep(fd);
        stream = fdopen(fd, "w");
    }
    if (stream == NULL) {
        report_error("cannot write the capture %s: %s", path, strerror(fd < 0 ? -fd : errno));
        return NULL;
    }
    struct capture *capture = capture_open_file(file, stream);
    capture_set_udp_port(capture, udp_port);
    return capture;
}

void usctp_capture_record(void *capture, const struct usctp_trace_record *record) {
    if (record->kind != USCTP_TRACE_PACKET_IN && record->kind != USCTP_TRACE_PACKET_OUT)
        return;
    capture_packet(capture, record);
    capture_flush(capture);
}
