# SPDX-License-Identifier: BSD-3-Clause
"""The kinds of hostile packets, H01 to H104 of the catalogue: those of strangers, impostors and insiders,
single packets.  Members' are in hostile_members.py; what a program of the target's has to be started
for is in hostile_victims.py.

A kind is a function of the Attack in hostile-packets.py.  Its role says how often it is played: a
"packet" as often as there are packets to send, at most `most` times, a "twin" (what is corrected, and
has to be answered) likewise, a "member" and a "victim" a few times.  Sections are RFC 9260's.
"""
import struct
from collections import namedtuple

from hostile_wire import (ABORT, COOKIE_ACK, COOKIE_ECHO, ERROR, HEARTBEAT, HEARTBEAT_ACK, INIT, INIT_ACK,
                          SACK, SHUTDOWN_ACK, SHUTDOWN_COMPLETE, T_BIT, address_param, chunk, crc32c, data,
                          heartbeat, init, pack, packet, sack, shutdown, tlv)

CASES = {"H%02d" % n for n in (*range(1, 56), 76, 77, 79, 80, 81, 82, 83, 85, 86, 89, 90, 91, 98, 99,
                               100, 101, 102, 104)}
NOT_OVER_THE_WIRE = {
    "H101": "clocks that jump, wrap or stand still are the target's own; no packet moves them",
}
COMMON_TYPES = tuple(range(15))
Kind = namedtuple("Kind", "name function role most")
KINDS = []


def kind(name, role="packet", most=1 << 30, kinds=KINDS):
    def register(function):
        kinds.append(Kind(name, function, role, most))
        return function
    return register


def some(a, *choices):
    return a.random.choice(choices)


def filling(a, most=40):
    return a.random.randbytes(a.random.randrange(most))


# ---- lengths, padding (3.2, 6.10) ---------------------------------------------------------------


@kind("H01 chunk length below four, out of the blue")
def h01_stranger(a):
    bad = chunk(some(a, *COMMON_TYPES, 64, 128, 192, 255), filling(a), length=a.random.randrange(4))
    a.stranger(*some(a, (bad,), (heartbeat(), bad), (bad, bad, bad)), tag=some(a, None, 0))


@kind("H01 chunk length below four, in an association")
def h01_insider(a):
    bad = chunk(some(a, *COMMON_TYPES, 64, 128, 192, 255), filling(a), length=a.random.randrange(4))
    if a.random.random() < 0.7:
        a.insider(bad, chunk(ABORT))
    else:
        a.insider(a.marked(), bad, chunk(ABORT))


@kind("H01 64 KiB of zeros", most=4)
def h01_zeros(a):
    some(a, a.insider, a.stranger)(bytes(65000))


@kind("H02 chunk longer than the packet")
def h02(a):
    bad = chunk(some(a, *COMMON_TYPES, 200), filling(a), length=some(a, 60, 100, 1000, 32768, 65535))
    if a.random.random() < 0.5:
        a.stranger(bad, tag=some(a, None, 0))
    else:
        a.insider(a.marked(), bad)  # what comes before is kept


@kind("H02 INIT cut short")
def h02_cut(a):
    whole = init(tlv(0x8000, b"abcd"))
    cut = whole[:a.random.randrange(4, len(whole))]
    a.stranger(cut, tag=0, silent=True)


@kind("H03 parameter lengths in INIT")
def h03(a):
    bad = tlv(some(a, 5, 6, 9, 12, 0x8000, 0xC000), filling(a), length=some(a, 0, 1, 2, 3, 200, 65535))
    a.stranger(init(bad), tag=0, at="listener", want=(ABORT,))


@kind("H04 last parameter unpadded, padding, trailing bytes")
def h04(a):
    last = tlv(0x8000, b"abcde", pad=False)
    body = some(a, init(last, pad=False), init(last), init(tlv(0x8000, b"ab")), init(last) + b"\0" * 3)
    a.stranger(body, tag=0, at="listener", want=(INIT_ACK,))


# ---- packets (3, 3.1, 6.8, 8.4 rule 1) ----------------------------------------------------------


@kind("H05 no packet: shorter than a header and a chunk")
def h05(a):
    body = packet(1, some(a, a.port, a.listener), some(a, 0, a.tag))
    a.stranger(body=body[:a.random.randrange(2, 12)] if a.random.random() < 0.7 else body, silent=True)
    body = packet(a.peer_port, a.port, a.tag)
    a.sent[a.kind] += 1
    a.send(body + bytes(a.random.randrange(4)), source=a.peer, udp=a.udp_to(False))


@kind("H06 checksums")
def h06(a):
    chunks = [some(a, chunk(ABORT), shutdown(a.own_tsn), heartbeat())]
    head = struct.pack("!HHI", a.peer_port, a.port, a.tag)
    pseudo = pack(a.peer) + pack(a.target) + struct.pack("!II", 12 + len(chunks[0]), 132)
    right = crc32c(head + bytes(4) + chunks[0])
    wrong = (0, right ^ 1 << a.random.randrange(32), crc32c(pseudo + head + bytes(4) + chunks[0]),
             int.from_bytes(right.to_bytes(4, "big"), "little"), right ^ 0xFFFFFFFF, 0xFFFFFFFF)
    a.insider(*chunks, crc=some(a, *wrong))
    a.stranger(init(), tag=0, at="listener", crc=some(a, 0, 1, 0xFFFFFFFF, wrong[1]), silent=True)


@kind("H07 addresses that are not unicast")
def h07(a):
    six = ("ff02::1", "::", "::1", "ff05::2") if a.six else None
    bad = some(a, *(six or ("224.0.0.1", "255.255.255.255", "10.77.0.255", "0.0.0.0", "127.0.0.1", "239.1.1.1")))
    body = some(a, init(), chunk(SHUTDOWN_ACK), heartbeat())
    tag = 0 if body[0] == INIT else None
    if a.random.random() < 0.5:
        a.stranger(body, tag=tag, source=bad, silent=True)
    else:
        a.stranger(body, tag=tag, target=bad, silent=True)


@kind("H08 port zero")
def h08(a):
    body = some(a, init(), heartbeat(), chunk(SHUTDOWN_ACK))
    tag = 0 if body[0] == INIT else None
    if a.random.random() < 0.5:
        a.stranger(body, tag=tag, port=0, silent=True)
    else:
        a.stranger(body, tag=tag, source_port=0, silent=True)


@kind("H09 fragmented by IP: INIT", most=60)
def h09(a):
    a.stranger(init(*[tlv(0x8000, bytes(40))] * 8), tag=0, at="listener", want=(INIT_ACK,),
               size=some(a, 8, 64, 200, 328))


@kind("H09 fragmented by IP: control chunks in an association, a fragment missing", most=60)
def h09_insider(a):
    a.insider(a.marked(200), size=some(a, 8, 48, 104))
    a.stranger(init(tlv(0x8000, bytes(400))), tag=0, size=104, spare=1, silent=True)


@kind("H09 64 KiB of control chunks", most=3)
def h09_large(a):
    some(a, a.insider, a.stranger)(*[heartbeat(bytes(200))] * 300)


# ---- INIT (3.3.2, 5.1, 12.3) --------------------------------------------------------------------


@kind("H10 INIT with a tag")
def h10(a):
    a.stranger(init(), silent=True)
    some(a, a.impostor, a.insider)(init())


@kind("H11 INIT that is not alone")
def h11(a):
    other = some(a, heartbeat(), data(1), chunk(COOKIE_ECHO, bytes(50)), init(), chunk(SHUTDOWN_ACK))
    a.stranger(*some(a, (init(), other), (other, init())), tag=0, silent=True)
    a.stranger(heartbeat(), init(), silent=True)
    a.insider(a.marked(), init())


@kind("H12 Initiate Tag 0")
def h12(a):
    a.stranger(init(tag=0), tag=0, silent=True)


@kind("H13 no streams, a window below 1500")
def h13(a):
    how = some(a, {"out": 0}, {"inbound": 0}, {"rwnd": a.random.randrange(1500)})
    a.stranger(init(**how), tag=0, at="listener", want=(ABORT,))
    tag = a.wrong_tag()
    a.spoofed[tag] = a.kind
    a.impostor(init(tag=tag, **how), tag=0)


@kind("H14 Host Name Address")
def h14(a):
    a.stranger(init(tlv(11, b"localhost\0")), tag=0, at="listener", want=(ABORT,))


@kind("H15 address parameters of impossible lengths")
def h15(a):
    bad = some(a, *[tlv(5, bytes(n)) for n in (0, 1, 2, 3, 5)], *[tlv(6, bytes(n)) for n in (0, 1, 15, 17)])
    a.stranger(init(bad), tag=0, at="listener", want=(ABORT,))


@kind("H16 unknown parameters, Supported Extensions, Adaptation")
def h16(a):
    some_param = tlv(some(a, 0x0777, 0x4777, 0x8777, 0xC777, 0xC006, 0x8008), filling(a, 30))
    a.stranger(init(some_param, tlv(0xC0FE, b"report")), tag=0, at="listener", want=(INIT_ACK,))


@kind("H17 64 KiB of parameters that want a report", most=4)
def h17(a):
    a.stranger(init(*[tlv(0xC000 + n, bytes(12)) for n in range(4000)]), tag=0, at="listener",
               want=(INIT_ACK,))


@kind("H18 INIT lists the target's own, multicast, loopback and duplicate addresses")
def h18(a):
    own, bad = (a.target, ("ff02::1", "::1", "::")) if a.six else (a.target, ("224.0.0.1", "127.0.0.1", "0.0.0.0"))
    params = [address_param(address) for address in (own, *bad, own)]
    a.stranger(init(*params), tag=0, at="listener", want=(INIT_ACK, ABORT))


@kind("H19 INITs of all sizes", most=40)
def h19(a):
    params = [tlv(0xC123, bytes(a.random.randrange(1, 1300))) for _ in range(a.random.randrange(1, 12))]
    a.stranger(init(*params, address_param(a.bystanders[9])), tag=0, at="listener", want=(INIT_ACK,))


@kind("H20 thousands of addresses", most=3)
def h20(a):
    # none of them unicast but two: nobody else is to hear of this
    params = [address_param(some(a, "240.0.0.1", "224.0.0.9", *a.bystanders[8:])) for _ in range(3000)]
    a.stranger(init(*params), tag=0, at="listener", want=(INIT_ACK,))


@kind("H22 INIT for an association that is there", most=60)
def h22(a):
    tag = a.wrong_tag()
    a.spoofed[tag] = a.kind
    a.wanted[a.kind] += 1
    a.impostor(init(*some(a, (), (address_param(a.bystanders[9]),)), tag=tag), tag=0)


# ---- COOKIE ECHO, ABORT, SHUTDOWN COMPLETE, SHUTDOWN ACK (5.1.5, 8.5.1) -------------------------


@kind("H23 cookies of nobody")
def h23_stranger(a):
    a.stranger(chunk(COOKIE_ECHO, a.random.randbytes(a.random.randrange(300))), silent=True)
    some(a, a.impostor, a.insider)(chunk(COOKIE_ECHO, a.random.randbytes(a.random.randrange(300))))


@kind("H27 Cookie Preservative of 2^32 - 1")
def h27(a):
    param = some(a, tlv(9, b"\xff\xff\xff\xff"), tlv(9, bytes(4)), tlv(9, b"\x80\0\0\0"))
    a.stranger(init(param), tag=0, at="listener", want=(INIT_ACK,))


@kind("H30 ABORT with every tag but the right one")
def h30(a):
    cause = some(a, b"", tlv(12, b"bye"))
    tag, flags = some(a, (None, 0), (None, T_BIT), (a.tag, T_BIT), (a.peer_tag, 0), (a.tag ^ 1, 0), (0, T_BIT))
    a.impostor(chunk(ABORT, cause, flags), tag=tag)


@kind("H31 ABORT with a length that cannot be")
def h31_insider(a):
    a.insider(chunk(ABORT, tlv(12, b"x"), length=some(a, 0, 1, 2, 3, 500)))


@kind("H32 ABORT out of the blue")
def h32(a):
    abort = chunk(ABORT, some(a, b"", tlv(12, b"bye")), some(a, 0, T_BIT))
    a.stranger(*some(a, (abort,), (heartbeat(), abort), (chunk(SHUTDOWN_ACK), abort)), silent=True)


@kind("H33 SHUTDOWN COMPLETE")
def h33(a):
    a.stranger(chunk(SHUTDOWN_COMPLETE, flags=some(a, 0, T_BIT)), silent=True)
    tag, flags = some(a, (None, 0), (a.tag, 0), (a.peer_tag, T_BIT), (a.tag, T_BIT))
    a.impostor(chunk(SHUTDOWN_COMPLETE, flags=flags), tag=tag)


@kind("H34 SHUTDOWN ACK that nobody waits for")
def h34(a):
    some(a, a.insider, a.impostor)(chunk(SHUTDOWN_ACK))
    a.stranger(chunk(SHUTDOWN_ACK), want=(SHUTDOWN_COMPLETE,))


@kind("H37 INIT ACK in an association")
def h37(a):
    cookie = tlv(7, bytes(40))
    some(a, a.insider, a.impostor)(init(*some(a, (cookie,), ()), kind=INIT_ACK, tag=some(a, 0, 1, 99)))


@kind("H40 every type out of the blue")
def h40(a):
    types = {COOKIE_ECHO: (), ABORT: (), SHUTDOWN_COMPLETE: (), COOKIE_ACK: (), SHUTDOWN_ACK: (SHUTDOWN_COMPLETE,)}
    type_ = some(a, *[n for n in COMMON_TYPES if n not in (INIT,)])
    want = types.get(type_, (ABORT,))
    a.stranger(chunk(type_, bytes(some(a, 0, 4, 16))), silent=not want, want=want or None)


@kind("H40 ERROR with Stale Cookie out of the blue")
def h40_stale(a):
    a.stranger(chunk(ERROR, tlv(3, bytes(4))), silent=True)


# ---- HEARTBEAT, SACK, DATA (8.3, 6.2.1, 6.2) ----------------------------------------------------


@kind("H42 forged HEARTBEAT ACK")
def h42(a):
    info = some(a, b"", filling(a), bytes(32), a.random.randbytes(32))
    forged = some(a, heartbeat(info, HEARTBEAT_ACK), chunk(HEARTBEAT_ACK), chunk(HEARTBEAT_ACK, b"\0\1\0"),
                  chunk(HEARTBEAT_ACK, tlv(1, info, length=some(a, 0, 3, 500))))
    a.insider(forged)


@kind("H43 HEARTBEAT of 64 KiB, and without information", most=6)
def h43_large(a):
    a.insider(some(a, heartbeat(bytes(64000)), heartbeat(bytes(9000)), chunk(HEARTBEAT)))


@kind("H45 old SACKs")
def h45(a):
    old = a.own_tsn - a.random.randrange(1, 1 << 20)
    a.insider(sack(old, gaps=some(a, (), ((2, 3), (5, 9)))))


@kind("H46 gap blocks and counts that cannot be")
def h46_insider(a):
    old = a.own_tsn - 1 - a.random.randrange(1000)
    a.insider(some(a, sack(old, gap_count=some(a, 1, 16000, 65535)), sack(old, duplicate_count=1),
                   sack(old, gaps=((0, 0),)), sack(old, gaps=((9, 2),)), chunk(SACK), chunk(SACK, bytes(8))))


@kind("H46 16k gap blocks", most=3)
def h46_many(a):
    a.insider(sack(a.own_tsn - 70000, gaps=[(2 * n + 2, 2 * n + 2) for n in range(16000)]))


@kind("H47 16k duplicates in a SACK", most=3)
def h47(a):
    a.insider(sack(a.own_tsn - 10, duplicates=[a.own_tsn] * 16000))


@kind("H50 TSNs far outside the window")
def h50(a):
    a.insider(data(a.seen_tsn + some(a, 1 << 24, 1 << 28, 0x3FFFFFFF, 0x7F000000, -1000, -(1 << 20)), b"hostile"))


@kind("H51 duplicates")
def h51(a):
    a.insider(data(a.seen_tsn - a.random.randrange(100), b"not what it was"))


# ---- ERROR, many chunks, searches (3.3.10, 12.4, 8.4) -------------------------------------------


@kind("H79 ERROR: causes that cannot be")
def h79(a):
    cause = tlv(some(a, *range(14), 999, 0x8000), filling(a), length=some(a, None, 0, 1, 3, 500, 65535))
    if a.random.random() < 0.5:
        a.insider(chunk(ERROR, some(a, cause, tlv(999) + cause, b"")))
    else:
        a.stranger(chunk(ERROR, tlv(999) + cause))


@kind("H79 ERROR: 16k causes", most=3)
def h79_many(a):
    a.insider(chunk(ERROR, tlv(999) * 16000))


@kind("H80 300 chunks that want an answer, in the association", most=6)
def h80_insider(a):
    a.insider(*some(a, [chunk(0xFE)] * 300, [chunk(0x7E)] * 300, [heartbeat(b"")] * 170))


@kind("H86 long INITs that are refused")
def h86(a):
    bad = some(a, tlv(11, b"h" * 200), tlv(5, b"x"), tlv(9, b"", length=2))
    a.stranger(init(*[tlv(0x8000, bytes(200))] * a.random.randrange(4), bad, tlv(0x4001, bytes(100))), tag=0,
               at="listener", want=(ABORT,))


@kind("H89 ports searched")
def h89_ports(a):
    # Nobody may speak for ports that no process has; who does says ABORT
    port = a.random.randrange(20000, 30000)
    if a.random.random() < 0.5:
        a.stranger(init(), tag=0, port=port, want=(ABORT,), must=False)
    else:
        a.stranger(heartbeat(), port=port, want=(ABORT,), must=False)


@kind("H89 tags searched")
def h89_tags(a):
    for _ in range(5):
        a.impostor(some(a, data(1), chunk(ABORT), heartbeat(), sack(0), shutdown(0), chunk(COOKIE_ACK), chunk(ERROR)))


# ---- ICMP (10) ----------------------------------------------------------------------------------


def quotation(a, sctp, source=None, target=None):
    """A packet of the target's, as an ICMP error quotes it."""
    ports = (a.udp, a.udp) if a.udp else None
    return bytes(a.net.packets(source or a.target, target or a.peer, sctp, ports)[0])


@kind("H90 ICMP errors that are not the association's")
def h90(a):
    tag = some(a, a.wrong_tag(), 0, a.tag)
    body = packet(a.port, a.peer_port, tag, some(a, init(tag=some(a, 1, a.peer_tag)), data(1), b""))
    quoted = quotation(a, body)
    head = (40 if a.six else 20) + (8 if a.udp else 0)
    a.icmp(some(a, "port", "protocol", "host"), some(a, quoted, quoted[:head + a.random.randrange(8)]),
           source=some(a, a.peer, *a.addresses))


@kind("H91 Packet Too Big with a MTU of 0, 68, and more than it is")
def h91(a):
    body = packet(a.port, some(a, a.peer_port, 7), some(a, a.wrong_tag(), 0, a.tag), data(1))
    quoted = quotation(a, body, target=some(a, a.far, a.peer))
    a.icmp("big", quoted, mtu=some(a, 0, 1, 68, 575, 1500, 9000, 65535), source=a.addresses[0])


# ---- unknown types (3.2) ------------------------------------------------------------------------


UNKNOWN = [n for n in range(15, 256) if n not in (15, 64, 128, 129, 130, 132, 192, 193, 194)]


@kind("H100 unknown types in the association")
def h100(a):
    a.insider(chunk(some(a, *UNKNOWN), a.random.randbytes(some(a, 0, 1, 20, 1000)), a.random.randrange(256)),
              chunk(some(a, *UNKNOWN)))


@kind("H100 unknown types out of the blue")
def h100_stranger(a):
    a.stranger(chunk(some(a, *UNKNOWN), bytes(some(a, 0, 1, 20, 1000))), want=(ABORT,))


# ---- what is right ------------------------------------------------------------------------------


@kind("twin: a good INIT", "twin", most=100)
def twin_init(a):
    a.stranger(init(), tag=0, at="listener", want=(INIT_ACK,))


@kind("twin: a HEARTBEAT with the right tag, in the association", "twin", most=50)
def twin_heartbeat(a):
    a.insider(a.marked())
