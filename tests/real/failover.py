#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What happened to a transfer whose primary path went dark, for test_failover.sh.

failover.py deliver IN OUT LOG       copies a pipe, and notes when bytes came
failover.py gap LOG FROM TO          the longest wait for bytes between two times, in ms
failover.py front FROM TO PCAP...    the same where only packets can be seen: the longest time in which the
                                     TSNs received without a gap did not grow
failover.py moves PCAP PRIMARY CUT REPAIR
    who carried DATA: the first T3-rtx expiry (the first TSN sent again after CUT; nothing that was sent
    since then has arrived, so nothing reports it missing), and the first transmissions after it,
    until REPAIR and then.  Prints "T3-MS AGAIN NEW-ON-ALTERNATE NEW-ON-PRIMARY NEW-ON-PRIMARY-LATER".

Times are seconds since the epoch.  Captures are of raw SCTP, by tcpdump on any device.
"""
import ipaddress
import os
import struct
import sys
import time

from scapy.utils import RawPcapReader

LINK_HEADER_BYTES = {1: 14, 113: 16, 276: 20}
SCTP, DATA = 132, 0


def deliver(source, target, log):
    with open(source, "rb", 0) as pipe, open(target, "wb", 0) as out, open(log, "w", encoding="ascii") as notes:
        while piece := os.read(pipe.fileno(), 1 << 16):
            notes.write("%.6f\n" % time.time())
            out.write(piece)
    return 0


def longest(times, start, end):
    """Of the waits that overlap with the time between the two."""
    return max((b - a for a, b in zip(times, times[1:]) if b > start and a < end), default=0.0)


def data_chunks(path):
    """Time, destination and TSN of every DATA chunk."""
    reader = RawPcapReader(path)
    skip = LINK_HEADER_BYTES[reader.linktype]
    for frame, meta in reader:
        ip = frame[skip:]
        if len(ip) < 40:
            continue
        if ip[0] >> 4 == 4:
            protocol, at, target = ip[9], (ip[0] & 15) * 4, ip[16:20]
            ip = ip[:struct.unpack_from("!H", ip, 2)[0]]
        else:
            protocol, at, target = ip[6], 40, ip[24:40]
            ip = ip[:40 + struct.unpack_from("!H", ip, 4)[0]]
        if protocol != SCTP:
            continue
        at += 12
        while at + 4 <= len(ip):
            kind, _, length = struct.unpack_from("!BBH", ip, at)
            if length < 4:
                break
            if kind == DATA and at + 8 <= len(ip):
                yield meta.sec + meta.usec / 1e6, target, struct.unpack_from("!I", ip, at + 4)[0]
            at += length + -length % 4


def front(start, end, paths):
    arrived = sorted((when, tsn) for path in paths for when, _, tsn in data_chunks(path))
    times, waiting, expected = [], set(), arrived[0][1]
    for when, tsn in arrived:
        waiting.add(tsn)
        if tsn == expected:
            times.append(when)
        while expected in waiting:
            waiting.discard(expected)
            expected = expected + 1 & 0xFFFFFFFF
    return longest(times, start, end)


def moves(path, primary, cut, repair):
    primary = ipaddress.ip_address(primary).packed
    seen, expiry, again = set(), None, 0
    alternate_new = primary_new = later = 0
    for when, target, tsn in data_chunks(path):
        is_new = tsn not in seen
        seen.add(tsn)
        if not is_new and when > cut:
            expiry = expiry or when
            again += 1
        elif is_new and expiry and when < repair:
            alternate_new += target != primary
            primary_new += target == primary
        elif is_new and when >= repair:
            later += target == primary
    print("%.0f %d %d %d %d" % (1000 * (expiry - cut) if expiry else -1, again, alternate_new, primary_new, later))
    return 0


def main():
    command, arguments = sys.argv[1], sys.argv[2:]
    if command == "deliver":
        return deliver(*arguments)
    if command == "moves":
        return moves(arguments[0], arguments[1], float(arguments[2]), float(arguments[3]))
    if command == "gap":
        with open(arguments[0], encoding="ascii") as file:
            gap = longest([float(line) for line in file], *map(float, arguments[1:]))
    else:
        gap = front(float(arguments[0]), float(arguments[1]), arguments[2:])
    print("%.0f" % (1000 * gap))
    return 0


if __name__ == "__main__":
    sys.exit(main())
