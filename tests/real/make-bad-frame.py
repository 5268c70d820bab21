#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""make-bad-frame.py IN OUT [UDP-PORT]: copies the first frames of a capture, two made bad on purpose.

In one the last byte of the SCTP packet is changed, so that its checksum is wrong; in another the first
chunk's length is 2, less than its own header (RFC 9260 3.2), and all behind it zero, under a checksum
that is right.  Prints the two frames' numbers (from 1).  tshark-check.sh uses it to prove that it would
find such frames.
"""
import sys

from scapy.layers.sctp import crc32c
from scapy.utils import PcapWriter, RawPcapReader

FRAMES = 200
LINK_HEADER_BYTES = {1: 14, 12: 0, 101: 0, 113: 16, 228: 0, 229: 0, 276: 20}
SCTP, UDP = 132, 17
COMMON_HEADER_BYTES = 12


def sctp_bounds(frame, link, udp_port):
    """Where the SCTP packet in a frame begins and ends, or None when there is no whole one."""
    at = LINK_HEADER_BYTES.get(link)
    if at is None or len(frame) < at + 20:
        return None
    if frame[at] >> 4 == 4:
        protocol, header = frame[at + 9], (frame[at] & 15) * 4
        end = at + int.from_bytes(frame[at + 2:at + 4], "big")
    elif frame[at] >> 4 == 6:
        protocol, header = frame[at + 6], 40
        end = at + 40 + int.from_bytes(frame[at + 4:at + 6], "big")
    else:
        return None
    at += header
    if protocol == UDP:
        if udp_port.to_bytes(2, "big") not in (frame[at:at + 2], frame[at + 2:at + 4]):
            return None
        at += 8
    elif protocol != SCTP:
        return None
    return (at, end) if at + COMMON_HEADER_BYTES + 4 <= end <= len(frame) else None


def is_bare(frame, link, udp_port):
    """Does the packet begin with a chunk that is only its header (an ABORT, SHUTDOWN ACK, COOKIE ACK...)?"""
    begin, _ = sctp_bounds(frame, link, udp_port)
    return int.from_bytes(frame[begin + 14:begin + 16], "big") <= 4


def spoil_checksum(frame, begin, end):
    frame[end - 1] ^= 0x55


def spoil_length(frame, begin, end):
    chunk = begin + COMMON_HEADER_BYTES
    frame[chunk + 2:chunk + 4] = (2).to_bytes(2, "big")
    # What follows is not to look like a chunk of type 129, which quotes a packet: its checksum would count, too.
    frame[chunk + 4:end] = bytes(end - chunk - 4)
    frame[begin + 8:begin + 12] = bytes(4)
    frame[begin + 8:begin + 12] = crc32c(bytes(frame[begin:end])).to_bytes(4, "big")


def main():
    source, target = sys.argv[1], sys.argv[2]
    udp_port = int(sys.argv[3]) if len(sys.argv) > 3 else 9899
    reader = RawPcapReader(source)
    link = getattr(reader, "linktype", None)
    frames = []
    for frame, metadata in reader:
        link = getattr(metadata, "linktype", link)
        frames.append(bytearray(frame))
        if len(frames) == FRAMES:
            break
    whole = [i for i, frame in enumerate(frames) if sctp_bounds(frame, link, udp_port)]
    if len(whole) < 2:
        sys.exit("make-bad-frame: no two SCTP packets among the first frames")
    # tshark minds a chunk's length most in those that carry something: the one nearest to the middle
    second = min(whole, key=lambda i: (is_bare(frames[i], link, udp_port), abs(whole.index(i) - len(whole) // 2)))
    first = whole[whole.index(second) - 1] if second != whole[0] else whole[1]
    spoil_checksum(frames[first], *sctp_bounds(frames[first], link, udp_port))
    spoil_length(frames[second], *sctp_bounds(frames[second], link, udp_port))
    writer = PcapWriter(target, linktype=link)
    writer.write_header(None)
    for frame in frames:
        writer.write_packet(bytes(frame), sec=0, usec=0, caplen=len(frame), wirelen=len(frame))
    writer.close()
    print(first + 1, second + 1)


main()
