/* SPDX-License-Identifier: BSD-3-Clause */
/* What others build against the installed library, as C and C++: a message to itself over UDP. */
#include <usctp/usctp.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    struct usctp_stack_options options;
    struct sockaddr_in to;
    struct sctp_udpencaps encaps;
    char got[16] = "";
    memset(&to, 0, sizeof to);
    memset(&encaps, 0, sizeof encaps);
    to.sin_family = AF_INET;
    to.sin_port = htons(5001);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    usctp_stack_options_init(&options);
    options.flags = USCTP_STACK_UDP | USCTP_STACK_THREAD;
    struct usctp_stack *stack = usctp_stack_new(&options);
    int listener = usctp_socket(stack, AF_INET, SOCK_STREAM, IPPROTO_SCTP);
    int client = usctp_socket(stack, AF_INET, SOCK_STREAM, IPPROTO_SCTP);
    if (usctp_bind(listener, (const struct sockaddr *)&to, sizeof to) || usctp_listen(listener, 5))
        return perror("listening"), 1;
    encaps.sue_port = htons(usctp_stack_udp_port(stack)); /* another process may have 9899 */
    if (usctp_setsockopt(client, IPPROTO_SCTP, SCTP_REMOTE_UDP_ENCAPS_PORT, &encaps, sizeof encaps))
        return perror("the encapsulation port"), 1;
    if (usctp_connect(client, (const struct sockaddr *)&to, sizeof to))
        return perror("connecting"), 1;
    int server = usctp_accept(listener, NULL, NULL);
    if (usctp_send(client, "hello", 5, 0) != 5 || usctp_recv(server, got, sizeof got, 0) != 5)
        return perror("a message"), 1;
    usctp_stack_delete(stack);
    printf("%s from %s\n", got, USCTP_VERSION);
    return strcmp(got, "hello") != 0;
}
