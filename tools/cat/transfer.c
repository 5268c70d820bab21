/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One loop over three descriptors: stdin, the association, stdout.  One message waits to be sent
 * and one buffer to be written, at most; nothing is read while they wait, so flow control reaches
 * from the reader of one side's stdout to the writer of the other side's stdin.
 *
 * Messages carry a payload protocol identifier (RFC 9260 3.3.1): 0 is bytes of the file.  The
 * others below pass between usctp-cats only.
 */
#include "cat/transfer.h"

#include "cat/turns.h"
#include "common/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum ppid {
    PPID_BYTES = 0,
    PPID_END = 0x75736301,  /* this side's stdin has ended */
    PPID_TURN = 0x75736302, /* bytes, spread over the streams in turn */
    PPID_TURN_END = 0x75736303,
};

enum {
    READ_BYTES = 65536,
    OUTPUT_BYTES = 256 << 10,
    PIPE_WRITE_BYTES = 4096, /* what a writable pipe takes without blocking */
    BURST_MESSAGES = 64,     /* sent, or received, before the other direction gets its chance */
};

enum ending { ENDING_NONE, ENDING_CLEAN, ENDING_LOST, ENDING_LOCAL };

struct transfer {
    struct link *link;
    int sd;
    struct transfer_options options;
    unsigned streams_out, streams_in;

    unsigned char *message; /* to the peer */
    size_t message_max, message_filled;
    bool input_is_file, message_ready, input_ended, marker_sent, shut_down;
    unsigned turn;

    unsigned char *output; /* from the peer */
    size_t output_from, output_to;
    bool output_blocks; /* not a regular file */
    struct turns *turns;
    bool peer_marker, peer_ended, completed, note_goes_on;

    enum ending ending;
};

static void end_locally(struct transfer *transfer, const char *what, int error) {
    report_error("%s: %s", what, strerror(error));
    transfer->ending = ENDING_LOCAL;
}

static void end_lost(struct transfer *transfer, int error) {
    report_error("the association is lost: %s", link_error_text(error));
    transfer->ending = ENDING_LOST;
}

/* ---- stdin to the peer ---------------------------------------------------------------------- */

/* Returns false when there is nothing more to read for now. */
static bool read_input(struct transfer *transfer) {
    ssize_t got = read(STDIN_FILENO, transfer->message + transfer->message_filled,
                       transfer->message_max - transfer->message_filled);
    if (got < 0) {
        if (errno != EINTR && errno != EAGAIN)
            end_locally(transfer, "cannot read stdin", errno);
        return false;
    }
    if (got == 0)
        transfer->input_ended = true;
    transfer->message_filled += (size_t)got;
    bool exact = transfer->options.message_bytes != 0;
    transfer->message_ready = transfer->message_filled == transfer->message_max ||
                              (transfer->message_filled > 0 && (!exact || transfer->input_ended));
    return got > 0;
}

/* Sends one message.  Returns false when it has to wait, or never will be. */
static bool send_one(struct transfer *transfer, const void *data, size_t bytes, bool is_marker) {
    bool in_turn = transfer->options.in_turn;
    uint32_t ppid =
        is_marker ? (in_turn ? PPID_TURN_END : PPID_END) : (in_turn ? PPID_TURN : PPID_BYTES);
    if (link_send(transfer->sd, data, bytes, (uint16_t)transfer->turn, ppid) >= 0) {
        if (in_turn)
            transfer->turn = (transfer->turn + 1) % transfer->streams_out;
        return true;
    }
    if (errno == EAGAIN || errno == EINTR)
        return false;
    if (errno == EMSGSIZE) {
        end_locally(transfer, "a message of this size cannot be sent (see --set send_buffer_bytes)",
                    errno);
    } else if (errno == EPIPE || errno == ENOTCONN || errno == ESHUTDOWN) {
        transfer->peer_ended = true; /* the peer has begun its shutdown; recv tells how it ends */
    } else {
        end_lost(transfer, errno);
    }
    return false;
}

/* Returns false when it waits for room. */
static bool send_message(struct transfer *transfer) {
    if (!send_one(transfer, transfer->message, transfer->message_filled, false))
        return false;
    transfer->message_filled = 0;
    transfer->message_ready = false;
    return true;
}

static bool marker_is_due(const struct transfer *transfer) {
    return transfer->options.both && transfer->input_ended && !transfer->marker_sent;
}

/* What this side's end of stdin means, once all of it is sent. */
static void after_input(struct transfer *transfer) {
    if (!transfer->input_ended || transfer->message_ready || transfer->peer_ended)
        return;
    if (marker_is_due(transfer)) {
        if (!send_one(transfer, "", 1, true))
            return;
        transfer->marker_sent = true;
    }
    bool may_end = !transfer->options.both || transfer->peer_marker;
    if (transfer->options.listening || !may_end || transfer->shut_down)
        return;
    if (usctp_shutdown(transfer->sd, SHUT_WR) != 0)
        end_lost(transfer, errno);
    transfer->shut_down = true;
}

static void pump_input(struct transfer *transfer, bool readable) {
    for (int i = 0; i < BURST_MESSAGES && transfer->ending == ENDING_NONE; i++) {
        if (!transfer->message_ready && !transfer->input_ended && readable)
            readable = read_input(transfer) && transfer->input_is_file;
        if (!transfer->message_ready || transfer->peer_ended || !send_message(transfer))
            break;
    }
}

/* ---- the peer to stdout --------------------------------------------------------------------- */

static bool output_waits(const struct transfer *transfer) {
    return transfer->output_to > transfer->output_from;
}

/* Writes what it can without blocking; returns false when the rest has to wait. */
static bool write_output(struct transfer *transfer) {
    while (output_waits(transfer)) {
        size_t bytes = transfer->output_to - transfer->output_from;
        if (transfer->output_blocks) {
            struct pollfd polled = {.fd = STDOUT_FILENO, .events = POLLOUT};
            if (poll(&polled, 1, 0) <= 0)
                return false;
            if (bytes > PIPE_WRITE_BYTES)
                bytes = PIPE_WRITE_BYTES;
        }
        ssize_t put = write(STDOUT_FILENO, transfer->output + transfer->output_from, bytes);
        if (put < 0) {
            if (errno != EINTR && errno != EAGAIN)
                end_locally(transfer, "cannot write to stdout", errno);
            return false;
        }
        transfer->output_from += (size_t)put;
    }
    transfer->output_from = transfer->output_to = 0;
    return true;
}

/* How many streams there are each way, as both sides agreed. */
static void learn_streams(struct transfer *transfer) {
    struct sctp_status status;
    socklen_t bytes = sizeof status;
    memset(&status, 0, sizeof status);
    usctp_getsockopt(transfer->sd, IPPROTO_SCTP, SCTP_STATUS, &status, &bytes);
    /* It may have ended already: then receiving says how, and one stream is as good as any. */
    transfer->streams_out = status.sstat_outstrms > 0 ? status.sstat_outstrms : 1;
    transfer->streams_in = status.sstat_instrms > 0 ? status.sstat_instrms : 1;
}

static void on_peer_marker(struct transfer *transfer) {
    transfer->peer_marker = true;
    /* The peer has --both: a listener without it can only answer in kind. */
    if (transfer->options.listening)
        transfer->options.both = true;
}

static void on_notification(struct transfer *transfer, const unsigned char *bytes, size_t length) {
    struct sctp_assoc_change change;
    uint16_t type;
    if (length < sizeof type)
        return;
    memcpy(&type, bytes, sizeof type);
    if (type == SCTP_SHUTDOWN_EVENT)
        transfer->peer_ended = true;
    if (type != SCTP_ASSOC_CHANGE || length < offsetof(struct sctp_assoc_change, sac_info))
        return;
    memcpy(&change, bytes, offsetof(struct sctp_assoc_change, sac_info));
    if (change.sac_state == SCTP_RESTART)
        learn_streams(transfer);
}

/* Bytes in the output buffer that belong to a stream's turn go to the turns first. */
static void take_turn(struct transfer *transfer, const struct link_piece *piece, size_t length) {
    bool is_marker = piece->ppid == PPID_TURN_END;
    if (transfer->turns == NULL)
        transfer->turns = turns_new(transfer->streams_in);
    if (transfer->turns == NULL ||
        turns_put(transfer->turns, piece->sid, transfer->output + transfer->output_to, length,
                  piece->is_end, is_marker) != 0)
        end_locally(transfer, "cannot hold what comes before its turn",
                    transfer->turns == NULL ? ENOMEM : errno);
}

/* Moves what has its turn now to the output buffer.  Returns false when there was nothing. */
static bool take_turns(struct transfer *transfer) {
    bool marker = false;
    size_t room = OUTPUT_BYTES - transfer->output_to;
    if (transfer->turns == NULL || room == 0)
        return false;
    size_t taken =
        turns_take(transfer->turns, transfer->output + transfer->output_to, room, &marker);
    transfer->output_to += taken;
    if (marker)
        on_peer_marker(transfer);
    return taken > 0;
}

/* Writes until there is nothing more to write, or stdout has no room. */
static void flush_output(struct transfer *transfer) {
    bool more = true;
    while (more) {
        more = take_turns(transfer);
        if (!write_output(transfer))
            return;
    }
}

/* The association gives nothing more: how has it ended? */
static void on_end_of_file(struct transfer *transfer) {
    int error = transfer->completed ? 0 : link_await_end(transfer->link, transfer->sd);
    transfer->peer_ended = true;
    if (error == EINTR)
        transfer->ending = ENDING_LOCAL;
    else if (error != 0)
        end_lost(transfer, error);
    else
        transfer->ending = ENDING_CLEAN;
}

/* Receives one piece.  Returns false when there is none for now. */
static bool receive_piece(struct transfer *transfer) {
    struct link_piece piece;
    unsigned char *at = transfer->output + transfer->output_to;
    ssize_t got =
        link_receive(transfer->link, transfer->sd, at, OUTPUT_BYTES - transfer->output_to, &piece);
    if (got < 0) {
        if (errno != EAGAIN && errno != EINTR)
            end_lost(transfer, errno);
        return false;
    }
    if (got == 0) {
        on_end_of_file(transfer);
        return false;
    }
    if (piece.is_notification) {
        transfer->completed = transfer->completed || piece.is_complete;
        if (!transfer->note_goes_on)
            on_notification(transfer, at, (size_t)got);
        transfer->note_goes_on = !piece.is_end;
    } else if (piece.ppid == PPID_TURN || piece.ppid == PPID_TURN_END) {
        take_turn(transfer, &piece, (size_t)got);
    } else if (piece.ppid == PPID_END) {
        on_peer_marker(transfer);
    } else {
        transfer->output_to += (size_t)got;
    }
    return transfer->ending == ENDING_NONE;
}

static void pump_output(struct transfer *transfer) {
    for (int i = 0; i < BURST_MESSAGES; i++) {
        if (OUTPUT_BYTES - transfer->output_to < LINK_RECEIVE_BYTES || !receive_piece(transfer))
            break;
    }
    flush_output(transfer);
}

/* After a clean end: what was received still has to reach stdout. */
static void drain_output(struct transfer *transfer) {
    struct pollfd polled = {.fd = STDOUT_FILENO, .events = POLLOUT};
    while (transfer->ending == ENDING_CLEAN) {
        flush_output(transfer);
        if (!output_waits(transfer))
            break;
        if (transfer->ending == ENDING_CLEAN &&
            link_poll(transfer->link, &polled, 1, LINK_FOREVER) < 0)
            transfer->ending = ENDING_LOCAL;
    }
}

/* ---- the loop ------------------------------------------------------------------------------- */

static bool is_regular(int fd) {
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

static void run(struct transfer *transfer) {
    while (transfer->ending == ENDING_NONE) {
        bool wants_input = !transfer->message_ready && !transfer->input_ended;
        bool wants_room =
            !transfer->peer_ended && (transfer->message_ready || marker_is_due(transfer));
        short events = (short)((wants_room ? POLLOUT : 0) | (output_waits(transfer) ? 0 : POLLIN));
        struct pollfd polled[] = {
            /* Not at all where nothing is wanted: a hang-up would be reported again and again. */
            {.fd = events != 0 ? transfer->sd : -1, .events = events},
            {.fd = wants_input ? STDIN_FILENO : -1, .events = POLLIN},
            {.fd = output_waits(transfer) ? STDOUT_FILENO : -1, .events = POLLOUT},
        };
        if (link_poll(transfer->link, polled, 3, LINK_FOREVER) < 0) {
            transfer->ending = ENDING_LOCAL;
            return;
        }
        if (polled[2].revents != 0)
            flush_output(transfer);
        if (!output_waits(transfer) && transfer->ending == ENDING_NONE)
            pump_output(transfer);
        if (transfer->ending == ENDING_NONE)
            pump_input(transfer, polled[1].revents != 0);
        if (transfer->ending == ENDING_NONE)
            after_input(transfer);
    }
}

/* What stdin holds now was to be sent too, though a quick peer left no time to read it. */
static void look_for_more(struct transfer *transfer) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    if (!transfer->input_ended && transfer->message_filled == 0 && poll(&input, 1, 0) == 1 &&
        (input.revents & POLLIN))
        read_input(transfer);
}

/* The exit status, with a line where something is missing. */
static int verdict(struct transfer *transfer) {
    if (transfer->ending == ENDING_CLEAN)
        look_for_more(transfer);
    if (transfer->ending != ENDING_CLEAN)
        return REPORT_FAILED;
    if (transfer->message_filled > 0) {
        report_error("the peer shut down before all of stdin was sent (--both on both sides waits "
                     "for both ends)");
        return REPORT_FAILED;
    }
    if (transfer->turns != NULL && turns_held_bytes(transfer->turns) > 0) {
        report_error("the association ended with messages missing");
        return REPORT_FAILED;
    }
    return 0;
}

int transfer_run(struct link *link, int sd, const struct transfer_options *options) {
    struct transfer transfer;
    memset(&transfer, 0, sizeof transfer);
    transfer.link = link;
    transfer.sd = sd;
    transfer.options = *options;
    transfer.input_is_file = is_regular(STDIN_FILENO);
    transfer.message_max = options->message_bytes != 0 ? options->message_bytes : READ_BYTES;
    transfer.output_blocks = !is_regular(STDOUT_FILENO);
    transfer.message = malloc(transfer.message_max);
    transfer.output = malloc(OUTPUT_BYTES);
    if (transfer.message == NULL || transfer.output == NULL)
        end_locally(&transfer, "cannot begin", ENOMEM);
    learn_streams(&transfer);
    run(&transfer);
    drain_output(&transfer);
    int status = verdict(&transfer);
    if (transfer.ending == ENDING_CLEAN)
        link_close_socket(link, sd);
    else
        link_abort(link, sd);
    turns_delete(transfer.turns);
    free(transfer.message);
    free(transfer.output);
    return status;
}
