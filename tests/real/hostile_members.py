# SPDX-License-Identifier: BSD-3-Clause
"""Hostile packets of members: who has an association of his own with the listener at the target, and
lies in it.  What has to be answered is asked for until the answer comes; where an association must
live, it answers a HEARTBEAT afterwards, and where it must not, the same HEARTBEAT is out of the blue.

The other kinds, and what a kind is, are in hostile_kinds.py.  Sections are RFC 9260's.
"""
import os
import struct
import time

from hostile_kinds import kind as kind_of
from hostile_kinds import some
from hostile_wire import (ABORT, COOKIE_ACK, COOKIE_ECHO, DATA, ERROR, HEARTBEAT_ACK, INIT_ACK, SACK,
                          SHUTDOWN_ACK, SHUTDOWN_COMPLETE, T_BIT, address_param, chunk, chunks_of, data,
                          heartbeat, init, packet, sack, shutdown, tlv)

KINDS = []


def kind(name, role="member", most=1 << 30):
    return kind_of(name, role, most, KINDS)


# ---- INIT, COOKIE ECHO (5.1, 5.2.4) -------------------------------------------------------------


@kind("H18 and the association that comes of it")
def h18_member(a):
    bad = ("ff02::1", "::1") if a.six else ("224.0.0.1", "127.0.0.1", "255.255.255.255")
    talk = a.join(*[address_param(address) for address in (a.target, *bad, a.bystanders[8], a.bystanders[8])])
    if talk:
        a.alive(talk)
        a.pause(0.2)  # collect() sees what goes where nothing may go
        a.leave(talk)


def resident_kib(pid):
    with open("/proc/%d/statm" % pid, encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


@kind("H21 INIT flood", most=1)
def h21(a):
    talk = a.join()  # and what comes with the first association is there
    before = resident_kib(a.options.listener_pid)
    for n in range(2000):
        a.stranger(init(tag=a.wrong_tag()), tag=0, at="listener", want=(INIT_ACK,))
        if n % 20 == 0:
            a.pause(0.005)
    a.pause(0.3)
    grown = resident_kib(a.options.listener_pid) - before
    print("H21 INIT flood: the listener's memory grew by %d KiB" % grown)
    if grown > 2048 and not a.options.sanitized:
        a.fault("2000 INITs left %d KiB behind" % grown)
    if talk:
        a.alive(talk)
        a.leave(talk)


@kind("H23 cookies that were altered, and then the right one")
def h23(a):
    talk = a.talk()
    if not a.greet(talk):
        return
    good = talk.cookie
    variants = [b"", good[:-1], good[:-4], good + b"\0", good + bytes(4), good[:len(good) // 2], bytes(len(good))]
    for n in a.random.sample(range(len(good)), min(30, len(good))):
        variants.append(good[:n] + bytes([good[n] ^ 1 << a.random.randrange(8)]) + good[n + 1:])
    talk.bodies.clear()
    for bad in variants:
        a.tell(talk, chunk(COOKIE_ECHO, bad))
    a.quiet(talk, chunk(COOKIE_ECHO, good), tag=talk.tag ^ 1)
    other = a.talk(address=talk.address)
    other.tag = talk.tag
    a.quiet(other, chunk(COOKIE_ECHO, good))  # from another port
    if talk.bodies:
        a.fault("an answer to a cookie that is not right")
    if a.ask(talk, chunk(COOKIE_ECHO, good), want=COOKIE_ACK):
        a.leave(talk)


@kind("H25 replayed cookies")
def h25(a):
    talk = a.join()
    if not talk:
        return
    for _ in range(3):  # 5.2.4 D
        a.ask(talk, chunk(COOKIE_ECHO, talk.cookie), want=COOKIE_ACK)
    # A restart (5.2.4 A): INIT ACK, and with its cookie a new association in the old one's place
    old_tag, old_cookie = talk.tag, talk.cookie
    if a.greet(talk) and a.ask(talk, chunk(COOKIE_ECHO, talk.cookie), want=COOKIE_ACK):
        a.alive(talk)
        a.quiet(talk, heartbeat(), tag=old_tag)  # the old tag is no longer right
        a.quiet(talk, chunk(COOKIE_ECHO, old_cookie), tag=old_tag)
        a.alive(talk)
    a.leave(talk)


@kind("H28 COOKIE ECHO that is not first, and two of them")
def h28(a):
    talk = a.talk()
    if not a.greet(talk):
        return
    a.quiet(talk, heartbeat(), chunk(COOKIE_ECHO, talk.cookie), but=(ABORT,))  # 8.4 (8)
    if a.ask(talk, chunk(COOKIE_ECHO, talk.cookie), chunk(COOKIE_ECHO, talk.cookie), want=COOKIE_ACK):
        a.alive(talk)
    a.leave(talk)


@kind("H29 restart in SHUTDOWN-ACK-SENT")
def h29(a):
    talk = a.join()
    if not talk:
        return
    tag, tsn, peer_tsn = talk.tag, talk.tsn, talk.peer_tsn
    if not a.greet(talk, tsn=tsn):  # the cookie of a restart, for later
        return
    cookie, restart_tag = talk.cookie, talk.tag
    talk.tag = tag
    if not a.ask(talk, shutdown(peer_tsn - 1), want=SHUTDOWN_ACK):
        return
    a.quiet(talk, data(tsn), but=(SHUTDOWN_ACK,))  # 9.2
    a.ask(talk, init(tag=a.wrong_tag()), want=SHUTDOWN_ACK, tag=0)  # 9.2
    found = a.ask(talk, chunk(COOKIE_ECHO, cookie), want=SHUTDOWN_ACK, tag=restart_tag)
    if found and not any(k == ERROR and v[:2] == b"\0\x0a" for k, _, v in chunks_of(found[2])):
        a.fault("no ERROR with Cookie Received While Shutting Down")
    a.tell(talk, chunk(SHUTDOWN_COMPLETE))
    a.gone(talk)


# ---- ABORT (8.5.1) ------------------------------------------------------------------------------


@kind("H30 ABORT with the right one")
def h30_member(a):
    for tag_of, flags in (("tag", 0), ("own_tag", T_BIT)):
        talk = a.join()
        if talk:
            a.quiet(talk, chunk(ABORT, flags=T_BIT if not flags else 0), tag=getattr(talk, tag_of))
            a.alive(talk)
            a.quiet(talk, chunk(ABORT, flags=flags), tag=getattr(talk, tag_of))
            a.gone(talk)


@kind("H31 ABORT with a format error; chunks behind one")
def h31(a):
    talk = a.join()
    if talk:
        a.quiet(talk, chunk(ABORT, tlv(12, b"x", length=some(a, 0, 3, 100, 65535))))
        a.quiet(talk, chunk(ABORT, length=some(a, 0, 1, 2, 3)))
        a.quiet(talk, chunk(ABORT), heartbeat(), data(talk.tsn), init())
        a.leave(talk)


# ---- HEARTBEAT, SACK (8.3, 6.2.1, 12.4) ---------------------------------------------------------


@kind("H43 HEARTBEAT flood, and answers of the same size")
def h43(a):
    talk = a.join()
    if not talk:
        return
    for size in (8, 500, 1000):
        found = a.ask(talk, heartbeat(bytes(size)), want=HEARTBEAT_ACK)
        if found and len(found[1]) != size + 4:
            a.fault("%d bytes for a HEARTBEAT of %d" % (len(found[1]), size + 4))
    talk.bodies.clear()
    for n in range(100):
        a.tell(talk, heartbeat(struct.pack("!I", n)))
    a.pause(0.2)
    if sum(HEARTBEAT_ACK in [k for k, _, _ in chunks_of(body)] for body in talk.bodies) > 100:
        a.fault("more answers than HEARTBEATs")
    a.tell(talk, heartbeat(bytes(30000)))
    a.alive(talk)
    a.leave(talk)


@kind("H44 SACK of what was never sent")
def h44(a):
    for lie in ("cumulative", "far", "gap"):
        talk = a.join()
        if talk:
            # 12.4: ABORT
            beyond = {"cumulative": sack(talk.peer_tsn), "far": sack(talk.peer_tsn + 0x40000000),
                      "gap": sack(talk.peer_tsn - 1, gaps=((2, 30),))}[lie]
            if a.ask(talk, beyond, want=ABORT):
                a.gone(talk)


def unacknowledged(a, count, **how):
    """An association in which the listener has sent `count` messages of 1000 bytes, not acknowledged."""
    talk = a.join(**how)
    if not talk:
        return None
    a.ask(talk, data(talk.tsn, b"generate %d" % count), want=DATA)
    talk.tsn += 1
    a.pause(0.05)
    return talk


def highest(a, talk):
    """The highest TSN that has come, relative to the first."""
    tsns = [struct.unpack_from("!I", value)[0] for body in talk.bodies for kind, _, value in chunks_of(body)
            if kind == DATA]
    return max([(tsn - talk.peer_tsn) & 0xFFFFFFFF for tsn in tsns], default=-1)


@kind("H46 gap blocks over what is in flight")
def h46(a):
    for gaps in (((0, 0),), ((0, 2),), ((2, 1),), ((65535, 2),), ((2, 2), (2, 2)), ((1, 2), (2, 2))):
        talk = unacknowledged(a, 20)
        if talk:
            a.tell(talk, sack(talk.peer_tsn - 1, gaps=gaps))
            a.alive(talk)  # rejected or put in order: nothing ends
            a.leave(talk)


@kind("H48 optimistic SACKs", most=2)
def h48(a):
    talk = unacknowledged(a, 200)
    if not talk:
        return
    for _ in range(60):  # each TSN alone, and so fast that no round trip can have passed
        top = highest(a, talk)
        a.tell(talk, sack(talk.peer_tsn + top))
        a.pause(0.002)
    if a.heard(talk, ABORT):
        a.fault("ABORT for SACKs of what was sent")
    a.leave(talk)


@kind("H49 reneging", most=2)
def h49(a):
    talk = unacknowledged(a, 20)
    if not talk:
        return
    top = highest(a, talk)
    if top >= 1:
        for n in range(6):
            gaps = ((2, top + 1),) if n % 2 == 0 else ()
            a.tell(talk, sack(talk.peer_tsn - 1, gaps=gaps))
            a.pause(0.01)
    for _ in range(40):
        a.tell(talk, sack(talk.peer_tsn + highest(a, talk), rwnd=1 << 20))
        a.pause(0.01)
    a.alive(talk)
    a.leave(talk)


@kind("H98 a window of 0 for ever", most=1)
def h98(a):
    talk = unacknowledged(a, 30)
    if not talk:
        return
    end, probes = time.monotonic() + 3, 0
    while time.monotonic() < end:
        a.tell(talk, sack(talk.peer_tsn + highest(a, talk), rwnd=0))
        talk.bodies = [body for body in talk.bodies if highest_of(body, talk) == highest(a, talk)]
        a.pause(0.1)
    probes = highest(a, talk)
    print("H98 a window of 0: %d messages have come" % (probes + 1))
    a.tell(talk, sack(talk.peer_tsn + highest(a, talk), rwnd=1 << 20))
    a.alive(talk)
    a.leave(talk)


def highest_of(body, talk):
    tsns = [struct.unpack_from("!I", value)[0] for kind, _, value in chunks_of(body) if kind == DATA]
    return max([(tsn - talk.peer_tsn) & 0xFFFFFFFF for tsn in tsns], default=-1)


# ---- DATA (6.2, 6.5, 6.9) -----------------------------------------------------------------------


@kind("H50 and the association that it is in")
def h50_member(a):
    talk = a.join()
    if talk:
        for far in (0x7FFFFFFE, 0x40000000, 0x1000000):
            found = a.ask(talk, data(talk.tsn + far, b"far"), want=SACK)
            if found and struct.unpack_from("!I", found[1])[0] != (talk.tsn - 1) & 0xFFFFFFFF:
                a.fault("a TSN outside the window was acknowledged")
        a.leave(talk)


@kind("H51 at most one SACK for a packet of duplicates")
def h51_member(a):
    talk = a.join()
    if not talk:
        return
    a.ask(talk, data(talk.tsn, b"once"), want=DATA)
    a.ask(talk, sack(talk.peer_tsn), data(talk.tsn, b"once"), want=SACK)
    talk.bodies.clear()
    for _ in range(50):
        a.tell(talk, *[data(talk.tsn, b"twice")] * 40)
    a.pause(0.3)
    sacks = sum(SACK in [k for k, _, _ in chunks_of(body)] for body in talk.bodies)
    if sacks > 50 or not sacks:
        a.fault("%d SACKs for 50 packets" % sacks)
    a.leave(talk)


@kind("H52 fragments and messages that never end", most=2)
def h52(a):
    talk = a.join(out=2048)
    if not talk:
        return
    tsn = talk.tsn
    for n in range(60):
        pieces = [data(tsn + 40 * n + m, b"x", flags=2 if n + m == 0 else 0) for m in range(40)]
        a.tell(talk, *pieces)
        a.pause(0.002)
    for n in range(60):  # unordered beginnings, without end
        a.tell(talk, *[data(tsn + 2400 + 40 * n + m, b"y", flags=6, sid=m) for m in range(40)])
        a.pause(0.002)
    if not a.heard(talk, ABORT):
        a.alive(talk)
    a.leave(talk)


@kind("H53 DATA without user data")
def h53(a):
    talk = a.join()
    if talk:
        found = a.ask(talk, data(talk.tsn, b""), want=ABORT)
        if found and found[1][:2] != b"\0\x09":
            a.fault("an ABORT without No User Data")


@kind("H54 fragments that do not fit together")
def h54(a):
    B, E, M = 2, 1, 0
    for flags, ssns in (((E,), (0,)), ((M, E), (0, 0)), ((B, B), (0, 0)), ((B, M, B), (0, 0, 0)),
                        ((B, E), (0, 1)), ((B, 3), (0, 1))):
        talk = a.join()
        if talk:
            chunks = [data(talk.tsn + n, b"piece", flag, ssn=ssn) for n, (flag, ssn) in enumerate(zip(flags, ssns))]
            a.quiet(talk, *chunks, but=(SACK, ABORT))  # and no message comes back
            a.leave(talk)


@kind("H55 stream that there is not")
def h55(a):
    talk = a.join(out=10)
    if talk:
        found = a.ask(talk, data(talk.tsn, b"lost", sid=some(a, 10, 2048, 65535)), want=ERROR)
        if found and found[1][:2] != b"\0\x01":
            a.fault("an ERROR without Invalid Stream Identifier")
        a.await_cumulative(talk, talk.tsn)
        a.leave(talk)


# ---- SHUTDOWN, many chunks (9.2, 12.4) ----------------------------------------------------------


@kind("H76 SHUTDOWN of what was never sent; flood")
def h76(a):
    talk = a.join()
    if talk and a.ask(talk, shutdown(talk.peer_tsn + some(a, 0, 1, 1000, 0x40000000)), want=ABORT):
        a.gone(talk)
    talk = a.join()
    if talk:
        talk.bodies.clear()
        for _ in range(50):
            a.tell(talk, *[shutdown(talk.peer_tsn - 1)] * 50)
        a.pause(0.2)
        if not 0 < len(talk.bodies) <= 55:
            a.fault("%d answers to 50 packets" % len(talk.bodies))
        a.tell(talk, chunk(SHUTDOWN_COMPLETE))
        a.gone(talk)


@kind("H77 DATA and INIT after SHUTDOWN ACK")
def h77(a):
    talk = a.join()
    if talk and a.ask(talk, shutdown(talk.peer_tsn - 1), want=SHUTDOWN_ACK):
        a.quiet(talk, data(talk.tsn, b"late"), but=(SHUTDOWN_ACK,))
        a.ask(talk, init(tag=a.wrong_tag()), want=SHUTDOWN_ACK, tag=0)
        a.tell(talk, chunk(SHUTDOWN_COMPLETE))


@kind("H80 300 chunks that want an answer")
def h80(a):
    talk = a.join()
    if not talk:
        return
    for many in ([chunk(0xFE)] * 300, [heartbeat(b"")] * 170, [chunk(0x7E)] * 300, [chunk(0xFE, bytes(300))] * 4,
                 [data(talk.tsn + n, b"x", sid=9999) for n in range(60)]):
        talk.bodies.clear()
        a.tell(talk, *many)
        a.pause(0.1)
        if len(talk.bodies) > 1:
            a.fault("%d packets in answer to one of %d chunks" % (len(talk.bodies), len(many)))
    a.alive(talk)
    a.leave(talk)


# ---- addresses of others (5.4, RFC 5062) --------------------------------------------------------


@kind("H81 addresses of bystanders: HEARTBEATs alone, and few", most=2)
def h81(a):
    camped = a.bystanders[0]
    a.visited[camped].clear()
    talk = a.join(address_param(camped), rwnd=1 << 20)
    if not talk:
        return
    for n in range(20):
        a.tell(talk, data(talk.tsn + n, b"generate 20"))
        a.tell(talk, sack(talk.peer_tsn + highest(a, talk), rwnd=1 << 20))
        a.pause(0.02)
    check_bystander(a, camped, 3)
    # and who has that address can connect all the same
    victim = a.talk(address=camped)
    a.addresses.append(camped)
    if a.greet(victim) and a.ask(victim, chunk(COOKIE_ECHO, victim.cookie), want=COOKIE_ACK):
        a.leave(victim)
    a.addresses.remove(camped)
    a.leave(talk)


def check_bystander(a, address, most):
    kinds = [kind for body in a.visited[address] for kind, _, _ in chunks_of(body)]
    print("%s: %s was sent %d packets" % (a.kind, address, len(a.visited[address])))
    if DATA in kinds:
        a.fault("DATA to an address that is not confirmed")
    if len(a.visited[address]) > most:
        a.fault("%d packets to an address that is not confirmed" % len(a.visited[address]))


@kind("H82 bombing: bystanders listed, no SACK any more", most=1)
def h82(a):
    camped = a.bystanders[1:5]
    talk = unacknowledged_with(a, camped)
    if not talk:
        return
    a.pause(4)  # T3 expires, and the path that was used fails for it
    for address in camped:
        check_bystander(a, address, 5)
    a.leave(talk)


def unacknowledged_with(a, camped):
    for address in camped:
        a.visited[address].clear()
    talk = a.join(*[address_param(address) for address in camped], rwnd=1 << 20)
    if talk:
        a.ask(talk, data(talk.tsn, b"generate 100"), want=DATA)
    return talk


@kind("H83 a cookie again and again, for its HEARTBEATs", most=1)
def h83(a):
    camped = a.bystanders[5]
    a.visited[camped].clear()
    talk = a.join(address_param(camped))
    if not talk:
        return
    for _ in range(200):
        a.tell(talk, chunk(COOKIE_ECHO, talk.cookie))
    a.pause(0.3)
    check_bystander(a, camped, 3)
    a.alive(talk)
    a.leave(talk)


@kind("H85 Packet Too Big, and then large HEARTBEATs", most=2)
def h85(a):
    talk = a.join(address=a.far)
    if not talk:
        return
    for mtu in (0, 68, 576, 1280):
        body = packet(talk.peer_port, talk.port, talk.own_tag, data(1))
        ports = (talk.udp[1], talk.udp[0]) if talk.udp else None
        a.icmp("big", bytes(a.net.packets(a.target, talk.address, body, ports)[0]), mtu=mtu)
        talk.bodies.clear()
        for _ in range(10):
            a.tell(talk, heartbeat(bytes(1300)))
        a.pause(0.1)
        # The target's own probes of the path's MTU (RFC 8899) are no answers.
        answers = sum(HEARTBEAT_ACK in [k for k, _, _ in chunks_of(body)] for body in talk.bodies)
        if answers > 10:
            a.fault("%d packets in answer to 10" % answers)
    a.alive(talk)
    a.leave(talk)


# ---- the rest -----------------------------------------------------------------------------------


@kind("H99 handshakes, and then silence", most=1)
def h99(a):
    talks = [a.join() for _ in range(100)]
    other = a.join()  # who comes then is still taken
    if other:
        a.alive(other)
        a.leave(other)
    for talk in talks:
        if talk:
            a.leave(talk)


@kind("H102 TSNs that wrap")
def h102(a):
    talk = a.join(tsn=0xFFFFFFFE)
    if not talk:
        return
    for n in (1, 2, 4, 0, 3, 5):  # with reordering
        a.tell(talk, data(talk.tsn + n, b"wrap", flags=7))
    a.tell(talk, data(talk.tsn + 6, b"wrap", flags=7))
    a.await_cumulative(talk, talk.tsn + 6)
    a.leave(talk)


@kind("twin: an association, a message and its echo, SHUTDOWN")
def twin_member(a):
    talk = a.join()
    if not talk:
        return
    a.alive(talk)
    found = a.ask(talk, data(talk.tsn, b"there and back"), want=DATA)
    if found and found[1][12:26] != b"there and back":
        a.fault("not the echo")
    if a.ask(talk, sack(talk.peer_tsn), shutdown(talk.peer_tsn), want=SHUTDOWN_ACK):
        a.tell(talk, chunk(SHUTDOWN_COMPLETE))
        a.gone(talk)
