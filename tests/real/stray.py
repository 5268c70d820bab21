#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""stray.py SOURCE DESTINATION PORT KIND [WAIT-MS]: one SCTP packet out of the blue, and what comes back.

KIND is init, data, shutdown-ack, shutdown-complete, abort, or bad (an INIT with a wrong checksum).  Prints one
line: the replies' chunk types with their flags and verification tag, in the order they came, or "silence".

stray.py --hold FAMILY: opens a raw SCTP socket (4 or 6) as a foreign stack would, says "held" and keeps it
until it is killed.
"""
import select
import signal
import socket
import struct
import sys
import time

SCTP = 132
TAG, INITIATE_TAG, SOURCE_PORT = 0x01020304, 0x0A0B0C0D, 7
CHUNKS = {  # tag of the packet, chunk
    "init": (0, struct.pack("!BBHIIHHI", 1, 0, 20, INITIATE_TAG, 65536, 1, 1, 1)),
    "data": (TAG, struct.pack("!BBHIHHI4s", 0, 3, 20, 1, 0, 0, 0, b"abcd")),
    "shutdown-ack": (TAG, struct.pack("!BBH", 8, 0, 4)),
    "shutdown-complete": (TAG, struct.pack("!BBH", 14, 0, 4)),
    "abort": (TAG, struct.pack("!BBH", 6, 0, 4)),
}


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def packet(port, kind):
    tag, chunk = CHUNKS["init" if kind == "bad" else kind]
    header = struct.pack("!HHI", SOURCE_PORT, port, tag)
    checksum = crc32c(header + bytes(4) + chunk) ^ (kind == "bad")
    return header + struct.pack("<I", checksum) + chunk


def replies(sock, source, destination, port, wait_s):
    end = time.monotonic() + wait_s
    while (left := end - time.monotonic()) > 0 and select.select([sock], [], [], left)[0]:
        data, sender = sock.recvfrom(65536)
        if ":" not in source:
            data = data[(data[0] & 15) * 4:]
        if len(data) < 16 or sender[0] != destination:
            continue
        from_port, to_port, tag = struct.unpack_from("!HHI", data)
        if (from_port, to_port) == (port, SOURCE_PORT):
            yield f"{data[12]}:{data[13]}:{tag:08x}"


def main():
    family = lambda text: socket.AF_INET6 if ":" in text or text == "6" else socket.AF_INET
    if sys.argv[1] == "--hold":
        held = socket.socket(family(sys.argv[2]), socket.SOCK_RAW, SCTP)
        print("held", file=sys.stderr, flush=True)
        signal.pause()
        held.close()
        return
    source, destination, port, kind = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    wait_s = int(sys.argv[5]) / 1000 if len(sys.argv) > 5 else 0.4
    sock = socket.socket(family(source), socket.SOCK_RAW, SCTP)
    sock.bind((source, 0))
    sock.sendto(packet(port, kind), (destination, 0))
    print(" ".join(replies(sock, source, destination, port, wait_s)) or "silence")


main()
