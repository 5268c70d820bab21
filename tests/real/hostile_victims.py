# SPDX-License-Identifier: BSD-3-Clause
"""Hostile packets for which a program of the target's is started: a usctp-cat that connects to an address
of the attacker's, which answers as no server should, or one that listens with a short cookie life, or
with short-lived keys.  After each lie comes the truth, and the handshake has to go on.

The other kinds, and what a kind is, are in hostile_kinds.py.  Sections are RFC 9260's.
"""
import struct
import time

from hostile_kinds import kind as kind_of
from hostile_wire import (ABORT, COOKIE_ACK, COOKIE_ECHO, ERROR, INIT, INIT_ACK, SHUTDOWN,
                          SHUTDOWN_ACK, SHUTDOWN_COMPLETE, T_BIT, address_param, chunk, chunks_of,
                          init, params_of, tlv)

KINDS = []
COOKIE = b"not what the target thinks it is"
TIMERS = ("--rto", "300,300,600")


def kind(name, most=1):
    return kind_of(name, "victim", most, KINDS)


class Client:
    """A usctp-cat that connects to us: after `called` its INIT is here, and we may answer."""

    def __init__(self, a, *options):
        port = a.fresh_port()
        self.a = a
        self.talk = a.talk(port=port, peer_port=0)
        extra = ()
        if a.udp:
            extra = ("--udp=%d" % (a.udp + 10),)
            self.talk.udp = (a.udp + 10, a.udp)
        self.process = a.start(*TIMERS, *extra, *options, self.talk.address, str(port))

    def called(self):
        found = self.a.await_chunk(self.talk, INIT, 10)
        if not found:
            self.a.fault("no INIT from the client")
            return False
        self.talk.peer_port = struct.unpack_from("!H", found[2])[0]
        self.talk.tag, _, _, _, self.talk.peer_tsn = struct.unpack_from("!IIHHI", found[1])
        self.talk.own_tag = self.a.wrong_tag()
        self.talk.tsn = 1
        return True

    def init_ack(self, *params, **how):
        return init(*(params or (tlv(7, COOKIE),)), kind=INIT_ACK, **{"tag": self.talk.own_tag, **how})

    def echoed(self):
        """A good INIT ACK gets the COOKIE ECHO: the TCB and its timer are still there."""
        found = self.a.ask(self.talk, self.init_ack(), want=COOKIE_ECHO)
        if found and (found[1] != COOKIE or struct.unpack_from("!I", found[2], 4)[0] != self.talk.own_tag):
            self.a.fault("another cookie or tag than the INIT ACK had")
        return bool(found)

    def established(self):
        return self.echoed() and self.a.alive_after(self.talk, chunk(COOKIE_ACK))

    def end(self):
        self.a.leave(self.talk)
        return self.a.stop(self.process)


def ignored(a, client, *packets, but=()):
    """In COOKIE-WAIT: no answer but another INIT."""
    for chunks in packets:
        a.quiet(client.talk, *chunks, but=(INIT, *but))
    a.collect()
    client.talk.bodies.clear()


def aborted(a, client, packet_chunk, cause=None, t_bit=False):
    """In COOKIE-WAIT: the INIT ACK destroys the TCB, with an ABORT to whoever sent it."""
    found = a.ask(client.talk, packet_chunk, want=ABORT, tries=1)
    if found and cause and struct.unpack_from("!H", found[1] + b"\0\0")[0] != cause:
        a.fault("not the cause %d but %s" % (cause, found[1][:8]))
    if found and bool(found[0] & T_BIT) != t_bit:
        a.fault("the T bit of the ABORT")
    if a.stop(client.process) == 0:
        a.fault("the client's exit status is 0")


@kind("H03 parameter lengths in INIT ACK; H15 address parameters there")
def h03_init_ack(a):
    for bad in (tlv(7, COOKIE, length=3), tlv(7, COOKIE, length=500), tlv(5, b"x"), tlv(6, bytes(17))):
        client = Client(a)
        if client.called():
            aborted(a, client, client.init_ack(tlv(7, COOKIE), bad))


@kind("H30 ABORT in COOKIE-WAIT")
def h30(a):
    client = Client(a)
    if client.called():
        abort = chunk(ABORT)
        a.quiet(client.talk, abort, tag=client.talk.tag ^ 1, but=(INIT,))
        a.quiet(client.talk, chunk(ABORT, flags=T_BIT), tag=client.talk.own_tag, but=(INIT,))
        client.established()
    client.end()


@kind("H34 SHUTDOWN ACK in COOKIE-WAIT and COOKIE-ECHOED")
def h34(a):
    client = Client(a)
    if client.called():
        for again in (False, True):
            found = a.ask(client.talk, chunk(SHUTDOWN_ACK), want=SHUTDOWN_COMPLETE)
            if found and not found[0] & T_BIT:
                a.fault("a SHUTDOWN COMPLETE without the T bit")
            if not again:
                client.echoed()
        client.established()
    client.end()


@kind("H35 INIT ACK with Initiate Tag 0 and a wrong tag")
def h35(a):
    client = Client(a)
    if client.called():
        ignored(a, client)
        for params in ((), (tlv(7, COOKIE),)):
            a.quiet(client.talk, init(*params, tag=0, kind=INIT_ACK), tag=client.talk.tag ^ 1, but=(INIT,))
            a.quiet(client.talk, init(*params, tag=0, kind=INIT_ACK), tag=0, but=(INIT,))
        client.established()
    client.end()


@kind("H36 INIT in COOKIE-WAIT and COOKIE-ECHOED")
def h36(a):
    client = Client(a)
    if client.called():
        for tag in (1, 0xFFFFFFFF, client.talk.tag):
            found = a.ask(client.talk, init(tag=tag), want=INIT_ACK, tag=0)  # 5.2.1
            if found and struct.unpack_from("!I", found[2], 4)[0] != tag:
                a.fault("an INIT ACK with another tag than the INIT's")
        a.quiet(client.talk, init(), tag=client.talk.tag, but=(INIT,))
        client.echoed()
        a.ask(client.talk, init(tag=77), want=INIT_ACK, tag=0)
        client.established()
    client.end()


@kind("H37 INIT ACK without cookie, without streams, with a small window")
def h37(a):
    for params, how, cause in (((tlv(0x8000),), {}, 2), ((), {"out": 0}, 7), ((), {"inbound": 0}, 7),
                               ((), {"rwnd": 1499}, 7), ((), {"tag": 0}, None)):
        client = Client(a)
        if client.called():
            if how.get("tag") == 0:
                a.tell(client.talk, client.init_ack(*params, **how))
                if a.stop(client.process) == 0:  # 3.3.3
                    a.fault("the client's exit status is 0")
            else:
                aborted(a, client, client.init_ack(*params, **how), cause)


@kind("H38 INIT ACK from elsewhere, of nobody that was meant")
def h38(a):
    client = Client(a)
    if client.called():
        elsewhere = next(address for address in a.addresses if address != client.talk.address)
        foreign = client.init_ack(tlv(7, COOKIE), address_param(a.bystanders[7]))
        a.quiet(client.talk, foreign, source=elsewhere, but=(INIT,))
        client.established()
    client.end()


@kind("H39 a cookie of 60 KiB")
def h39(a):
    client = Client(a)
    if client.called():
        cookie = bytes(60000)
        a.tell(client.talk, client.init_ack(tlv(7, cookie)))
        a.pause(1)
        kinds = {k for body in client.talk.bodies for k, _, _ in chunks_of(body)}
        if not kinds & {COOKIE_ECHO, ABORT}:
            a.fault("neither a COOKIE ECHO nor an ABORT, but %s" % kinds)
    client.end()


@kind("H41 Stale Cookie for ever, and of impossible lengths")
def h41(a):
    client = Client(a, "--set", "max_init_retransmits=3")
    if client.called() and client.echoed():
        for bad in (b"", b"\0\3\0\4", b"\0\3\0\6ab", tlv(3, bytes(3), length=8)):
            a.tell(client.talk, chunk(ERROR, bad))
        a.pause(0.1)
        for n in range(10):
            client.talk.bodies.clear()
            a.tell(client.talk, chunk(ERROR, tlv(3, b"\xff\xff\xff\xff")))
            found = a.await_chunk(client.talk, INIT, 2)
            if not found:
                break
            life = [value for k, value in params_of(found[1], 16) if k == 9]
            if not life or struct.unpack("!I", life[0])[0] > 60000:
                a.fault("a Cookie Preservative of %s" % life)
            client.called()
            if not client.echoed():
                break
        if n > 3 or a.stop(client.process) == 0:
            a.fault("%d times stale, and no end" % n)
        return
    client.end()


@kind("H76 a SHUTDOWN that nobody answers")
def h76(a):
    client = Client(a)
    if client.called() and client.established():
        client.process.stdin.close()
        client.process.stdin = None
        if not a.await_chunk(client.talk, SHUTDOWN, 5):
            a.fault("no SHUTDOWN")
        if a.stop(client.process) == 0:
            a.fault("the client's exit status is 0")
        times = sum(SHUTDOWN in [k for k, _, _ in chunks_of(body)] for body in client.talk.bodies)
        if not 2 <= times <= 14:  # Association.Max.Retrans, and once
            a.fault("%d SHUTDOWNs" % times)
        return
    client.end()


class Listener:
    """A usctp-cat that listens at the target for us."""

    def __init__(self, a, *options):
        self.a = a
        self.port = 19100 + a.random.randrange(800)
        self.options = options
        self.process = None
        self.start()

    def start(self):
        extra = ("--udp=%d" % (self.a.udp + 11),) if self.a.udp else ()
        self.process = self.a.start("-v", *extra, *self.options, "-l", self.a.target, str(self.port))
        self.process.stderr.readline()  # it says that it listens
        time.sleep(0.1)

    def talk(self):
        udp = (self.a.udp, self.a.udp + 11) if self.a.udp else None
        return self.a.talk(peer_port=self.port, udp=udp)

    def end(self):
        self.a.stop(self.process, may_live=True)


@kind("H24 a cookie that is too old")
def h24(a):
    listener = Listener(a, "--set", "valid_cookie_life_us=100000")
    talk = listener.talk()
    if a.greet(talk):
        time.sleep(0.3)
        found = a.ask(talk, chunk(COOKIE_ECHO, talk.cookie), want=ERROR)
        if found and (found[1][:4] != b"\0\3\0\x08" or found[0] & T_BIT):
            a.fault("not a Stale Cookie")
    # the twin, with a life that lasts
    param = tlv(9, struct.pack("!I", 30000))
    if a.greet(talk, param):
        time.sleep(0.3)
        a.ask(talk, chunk(COOKIE_ECHO, talk.cookie), want=COOKIE_ACK)
    a.leave(talk)
    listener.end()


@kind("H26 a cookie of the key before, and of the one before that")
def h26(a):
    listener = Listener(a, "--set", "cookie_key_life_us=1000000")
    talk, old = listener.talk(), listener.talk()
    if a.greet(old) and a.greet(talk):
        time.sleep(1.1)
        a.greet(listener.talk())  # the keys change, at the latest now
        if a.ask(talk, chunk(COOKIE_ECHO, talk.cookie), want=COOKIE_ACK):
            a.alive(talk)
        a.leave(talk)
    a.stop(listener.process, may_live=True)
    listener.start()
    old = listener.talk()
    if a.greet(old):
        for _ in range(2):
            time.sleep(1.1)
            a.greet(listener.talk())
        a.quiet(old, chunk(COOKIE_ECHO, old.cookie))
    listener.end()


@kind("H104 a cookie of the process before")
def h104(a):
    listener = Listener(a)
    talk = listener.talk()
    good = a.greet(talk)
    a.stop(listener.process, may_live=True)
    listener.start()
    if good:
        a.quiet(talk, chunk(COOKIE_ECHO, talk.cookie))
    if a.greet(talk):  # the twin
        a.ask(talk, chunk(COOKIE_ECHO, talk.cookie), want=COOKIE_ACK)
    a.leave(talk)
    listener.end()
