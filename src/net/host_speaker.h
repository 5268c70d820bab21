/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who answers packets for ports that nobody has (RFC 9260 8.4), among the usctp processes of a
 * host.
 *
 * Raw sockets get every SCTP packet of the host, so one process speaks for all: the one that holds
 * the name "speaker". The others are connected to it and stand for election when it is gone. The
 * speaker's socket filter passes what is not known to be another's port. A packet for a port that
 * is not our own is answered only when nobody holds a name for the port (port_claim.c), no raw
 * socket for protocol 132 is open but usctp's own, which are registered by inode, and the kernel
 * has no SCTP. Ports that turn out to be others' are kept out of the filter from then on, until
 * their owner says that something has changed, or ends, or some seconds have passed. How many
 * packets a second are looked into is bounded. Without /proc nobody speaks.
 *
 * What is answered, and how, is the engine's (assoc/out_of_the_blue.c).
 */
#ifndef NET_HOST_SPEAKER_H
#define NET_HOST_SPEAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOST_SPEAKER_LOOKS_PER_SECOND 1000u /* packets for nobody's port that are looked into */
#define HOST_SPEAKER_MAX_LISTENERS    256u  /* other processes that are watched */
#define HOST_SPEAKER_LOOK_AGAIN_S     5     /* at what others claim */
#define HOST_SPEAKER_SILENT_S         1     /* at foreign raw sockets, while there are some */

struct host_namespace;
struct host_speaker;
struct port_claims;

/* What one batch of received packets has found out; zero it before the batch. */
struct host_speaker_look {
    bool has_looked, is_silent;
};

/*
 * Registers the raw sockets (-1: none) and, where may_speak, stands for election. `claims` are this
 * process's. Returns NULL without memory; whatever else it lacks makes it silent.
 */
struct host_speaker *host_speaker_new(const struct port_claims *claims, struct host_namespace *ns,
                                      const int raw_fds[2], bool may_speak);
/* Gives the office up. Also right in a forked child. */
void host_speaker_delete(struct host_speaker *speaker);
/* Readable when host_speaker_refresh has something to do; -1 when it never has. */
int host_speaker_descriptor(const struct host_speaker *speaker);
/* Does what is due: elections, news of others. Returns whether others' claims may have changed. */
bool host_speaker_refresh(struct host_speaker *speaker);
/* Tells the speaker that the claims of this process have changed. */
void host_speaker_tell(struct host_speaker *speaker);

/* Whether this process speaks now. Any thread may ask. */
bool host_speaker_speaks(const struct host_speaker *speaker);
/* Changes whenever the set below or the office does. */
uint64_t host_speaker_generation(const struct host_speaker *speaker);
/* Adds to a set of ports (port_claim.h) those whose packets the speaker wants to see: none while
 * another speaks. */
void host_speaker_add_ports(const struct host_speaker *speaker, uint64_t *set);

enum host_speaker_verdict {
    HOST_SPEAKER_IGNORE,  /* not for us to answer */
    HOST_SPEAKER_LIMITED, /* too many to look at */
    HOST_SPEAKER_ANSWER,
};
/* What to do with a packet for a port that this process does not claim. For the receiving thread.
 */
enum host_speaker_verdict host_speaker_judge(struct host_speaker *speaker, uint16_t port,
                                             struct host_speaker_look *look);

#endif
