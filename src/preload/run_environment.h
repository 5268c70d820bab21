/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How usctp-run tells the preloaded library what it was asked for: variables of the environment,
 * so that it reaches every program that the first one starts. usctp-run has checked the values.
 */
#ifndef PRELOAD_RUN_ENVIRONMENT_H
#define PRELOAD_RUN_ENVIRONMENT_H

#define RUN_ENVIRONMENT_UDP  "USCTP_RUN_UDP"  /* encapsulation port, decimal */
#define RUN_ENVIRONMENT_SET  "USCTP_RUN_SET"  /* NAME=VALUE,NAME=VALUE... of usctp/config.h */
#define RUN_ENVIRONMENT_PCAP "USCTP_RUN_PCAP" /* capture file */
/* Flags of enum usctp_stack_flag besides, decimal. */
#define RUN_ENVIRONMENT_FLAGS "USCTP_RUN_FLAGS"

/* The part that writes captures is a library of its own beside this one, so that who asks for none
 * does not load libpcap. It has these two, of types of usctp/usctp.h. */
#define RUN_CAPTURE_LIBRARY "libusctp-capture.so"
/* void *(const char *path, uint16_t udp_port, int (*keep)(int fd)); keep takes the file's
 * descriptor and returns the one to use, which the program cannot close by mistake. */
#define RUN_CAPTURE_OPEN   "usctp_capture_open"
#define RUN_CAPTURE_RECORD "usctp_capture_record" /* usctp_stack_options.trace */

#endif
