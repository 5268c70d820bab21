# SPDX-License-Identifier: BSD-3-Clause
"""Bytes of SCTP, and frames on a device, for hostile-packets.py.

SCTP is written here byte by byte from RFC 9260 section 3, so that every field can be wrong; nothing of
usctp is used.  Scapy makes what is around it (Ethernet, IP, fragments, UDP, ICMP) and reads and writes
the device.
"""
import logging
import select
import socket
import struct
import time

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.arch.linux import L2ListenSocket, L2Socket  # noqa: E402
from scapy.layers.inet import ICMP, IP, UDP, fragment  # noqa: E402
from scapy.layers.inet6 import (ICMPv6DestUnreach, ICMPv6PacketTooBig,  # noqa: E402
                                ICMPv6ParamProblem, IPv6, IPv6ExtHdrFragment, fragment6)
from scapy.layers.l2 import Ether  # noqa: E402
from scapy.packet import Raw  # noqa: E402

SCTP, UDP_PROTOCOL = 132, 17
SO_RCVBUFFORCE = 33
FOREIGN_MAC = "02:00:00:00:00:66"  # so that nobody takes an attacker's frames for his victim's
(DATA, INIT, INIT_ACK, SACK, HEARTBEAT, HEARTBEAT_ACK, ABORT, SHUTDOWN, SHUTDOWN_ACK, ERROR,
 COOKIE_ECHO, COOKIE_ACK, ECNE, CWR, SHUTDOWN_COMPLETE) = range(15)
T_BIT = 1


def crc_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    return table


TABLE = crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


# ---- SCTP (RFC 9260 3) -------------------------------------------------------------------------


def tlv(kind, value=b"", length=None, pad=True):
    """A parameter or an error cause."""
    out = struct.pack("!HH", kind, len(value) + 4 if length is None else length) + value
    return out + bytes(-len(out) % 4) if pad else out


def chunk(kind, value=b"", flags=0, length=None, pad=True):
    length = len(value) + 4 if length is None else length
    out = struct.pack("!BBH", kind, flags, length & 0xFFFF) + value
    return out + bytes(-len(out) % 4) if pad else out


def packet(source, target, tag, *chunks, crc=None):
    body = b"".join(chunks)
    head = struct.pack("!HHI", source, target, tag)
    if crc is None:
        crc = crc32c(head + bytes(4) + body)
    return head + struct.pack("<I", crc & 0xFFFFFFFF) + body


def init(*params, tag=0x11223344, rwnd=65536, out=10, inbound=10, tsn=1, kind=INIT, pad=True):
    fixed = struct.pack("!IIHHI", tag, rwnd, out, inbound, tsn & 0xFFFFFFFF)
    return chunk(kind, fixed + b"".join(params), pad=pad)


def data(tsn, payload=b"x", flags=3, sid=0, ssn=0, ppid=0):
    return chunk(DATA, struct.pack("!IHHI", tsn & 0xFFFFFFFF, sid, ssn, ppid) + payload, flags)


def sack(cumulative, rwnd=65536, gaps=(), duplicates=(), gap_count=None, duplicate_count=None):
    value = struct.pack("!IIHH", cumulative & 0xFFFFFFFF, rwnd,
                        len(gaps) if gap_count is None else gap_count,
                        len(duplicates) if duplicate_count is None else duplicate_count)
    value += b"".join(struct.pack("!HH", *gap) for gap in gaps)
    return chunk(SACK, value + struct.pack("!%dI" % len(duplicates), *duplicates))


def heartbeat(info=b"hostile!", kind=HEARTBEAT):
    return chunk(kind, tlv(1, info))


def shutdown(cumulative):
    return chunk(SHUTDOWN, struct.pack("!I", cumulative & 0xFFFFFFFF))


def address_param(address):
    packed = pack(address)
    return tlv(5 if len(packed) == 4 else 6, packed)


def pack(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def chunks_of(body):
    """The chunks of an answer: type, flags, value."""
    at = 12
    while at + 4 <= len(body):
        kind, flags, length = struct.unpack_from("!BBH", body, at)
        if length < 4:
            return
        yield kind, flags, body[at + 4:at + length]
        at += length + -length % 4


def params_of(value, at=0):
    while at + 4 <= len(value):
        kind, length = struct.unpack_from("!HH", value, at)
        if length < 4:
            return
        yield kind, value[at + 4:at + length]
        at += length + -length % 4


# ---- the device --------------------------------------------------------------------------------


class Net:
    """Frames on a device, and what comes back."""

    def __init__(self, device, mac, udp_ports):
        self.device, self.mac, self.udp_ports = device, mac, udp_ports
        self.socket = L2Socket(iface=device)
        self.socket.ins.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        self.target = bytes.fromhex(mac.replace(":", ""))
        self.number = 1
        self.pieces = {}  # of fragmented packets

    def put(self, ip):
        frame = bytes(Ether(src=FOREIGN_MAC, dst=self.mac) / ip)
        for _ in range(100):
            try:
                self.socket.outs.send(frame)
                return
            except OSError:  # no room for it now
                time.sleep(0.001)

    def ip(self, source, target, protocol, payload):
        if ":" in target:
            return IPv6(src=source, dst=target, nh=protocol, hlim=64) / payload
        self.number = self.number % 65535 + 1
        return IP(src=source, dst=target, proto=protocol, id=self.number) / payload

    def packets(self, source, target, body, udp=None, size=None):
        """IP packets for one SCTP packet; several when it is larger than the link or than `size`.

        udp: ports for encapsulation (RFC 6951), or None."""
        payload, protocol = Raw(body), SCTP
        if udp:
            payload, protocol = UDP(sport=udp[0], dport=udp[1]) / payload, UDP_PROTOCOL
        total = len(body) + (8 if udp else 0)
        if size is None and total <= (1460 if ":" in target else 1480):
            return [self.ip(source, target, protocol, payload)]
        size = max(size or 1440, 8) // 8 * 8
        if ":" not in target:
            return fragment(self.ip(source, target, protocol, payload), size)
        self.number += 1
        head = IPv6ExtHdrFragment(id=self.number, nh=protocol)
        # IPv6 and fragment headers, and the checksum of UDP over the whole, are its business
        return fragment6(self.ip(source, target, 44, head / payload), size + 48)

    def icmp(self, source, target, kind, quoted, mtu=0):
        """An ICMP error: kind is port, protocol, host or big."""
        if ":" in target:
            head = {"port": ICMPv6DestUnreach(code=4), "host": ICMPv6DestUnreach(code=3),
                    "protocol": ICMPv6ParamProblem(code=1, ptr=6),
                    "big": ICMPv6PacketTooBig(mtu=mtu)}[kind]
            return IPv6(src=source, dst=target, hlim=64) / head / Raw(quoted)
        head = {"port": ICMP(type=3, code=3), "protocol": ICMP(type=3, code=2),
                "host": ICMP(type=3, code=1), "big": ICMP(type=3, code=4, nexthopmtu=mtu)}[kind]
        return IP(src=source, dst=target) / head / Raw(quoted)

    def wait(self, seconds):
        select.select([self.socket.ins], [], [], seconds)

    def take(self, most=2000):
        """Yields the SCTP packets that have come: source, target, UDP source port, packet."""
        for _ in range(most):
            if not select.select([self.socket.ins], [], [], 0)[0]:
                return
            _, frame, _ = self.socket.recv_raw(65535 + 64)
            found = frame and frame[6:12] == self.target and self.parse(frame[14:])
            if found:
                yield found

    def parse(self, ip):
        """Source, target, UDP source port and packet, whole; None for what is not SCTP, or not all there."""
        if len(ip) < 20:
            return None
        if ip[0] >> 4 == 4:
            protocol, at, family = ip[9], (ip[0] & 15) * 4, socket.AF_INET
            source, target = ip[12:16], ip[16:20]
            number, field = struct.unpack_from("!HH", ip, 4)
            offset, more = (field & 0x1FFF) * 8, bool(field & 0x2000)
            ip = ip[:struct.unpack_from("!H", ip, 2)[0]]
        elif ip[0] >> 4 == 6 and len(ip) >= 48:
            protocol, at, family = ip[6], 40, socket.AF_INET6
            source, target, offset, more = ip[8:24], ip[24:40], 0, False
            ip = ip[:40 + struct.unpack_from("!H", ip, 4)[0]]
            if protocol == 44:
                protocol, field, number, at = ip[40], *struct.unpack_from("!HI", ip, 42), 48
                offset, more = field & 0xFFF8, bool(field & 1)
        else:
            return None
        body = ip[at:]
        if more or offset:
            body = self.reassembled((source, target, number), offset, more, body)
        port = 0
        if protocol == UDP_PROTOCOL and len(body) >= 8:
            ports = struct.unpack_from("!HH", body)
            if not self.udp_ports & set(ports):
                return None
            port, body = ports[0], body[8:]
        elif protocol != SCTP:
            return None
        if len(body) < 12:
            return None
        return socket.inet_ntop(family, source), socket.inet_ntop(family, target), port, body

    def reassembled(self, key, offset, more, body):
        """The packet when this is its last fragment, else nothing; a link does not reorder."""
        have = self.pieces.pop(key, b"") if offset else b""
        if offset != len(have):
            return b""
        if not more:
            return have + body
        if len(self.pieces) > 1000:
            self.pieces.clear()
        self.pieces[key] = have + body
        return b""

    def watch(self, one, other, port, seconds=20):
        """What an insider knows of the association between two addresses, of which one end has this
        port: for each end its port, the tag that it expects, a TSN that it has sent."""
        known = {one: {}, other: {}}
        end = time.monotonic() + seconds
        listening = L2ListenSocket(iface=self.device)
        while time.monotonic() < end:
            if not select.select([listening.ins], [], [], 1)[0]:
                continue
            _, frame, _ = listening.recv_raw(65535 + 64)
            found = frame and self.parse(frame[14:])
            if not found or {found[0], found[1]} != {one, other}:
                continue
            source, target, tag = struct.unpack_from("!HHI", found[3])
            if tag == 0 or port not in (source, target):
                continue
            known[found[0]]["port"] = source
            known[found[1]].update(port=target, tag=tag)
            for kind, _, value in chunks_of(found[3]):
                if kind == DATA and len(value) >= 12:
                    known[found[0]]["tsn"] = struct.unpack_from("!I", value)[0]
            if all("tag" in end and "tsn" in end for end in known.values()):
                listening.close()
                return known
        return None
