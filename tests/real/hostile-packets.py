#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Hostile packets over a real device, built from the RFCs' text alone: nothing of usctp is used here.

Attacks one host (--target) from a device on its link: the end of an association that it has with
--peer, a listening endpoint (--listener; hostile-host.c), and programs that this script starts there
(--run).  Strangers send from addresses of their own, impostors in the peer's name with a wrong tag,
insiders in its name with the right tag what must be dropped nonetheless; members have associations of
their own with the listener, and lie in them.  hostile_kinds.py, hostile_members.py and
hostile_victims.py hold what is sent, H01 to H104 as a catalogue of hostile SCTP input numbers it,
hostile_wire.py the bytes.

Prints for each kind how many packets were sent, the replies, and the largest reply.  Exit status 1
when a rule is broken:
- each packet of a stranger has a source port of its own, so its replies can be told: at most one
  (RFC 9260 12.4), none where the catalogue says silent, of the kind that it says;
- no reply is larger than its packet, but for an INIT ACK (at most one packet of 1500 bytes) and the
  smallest replies there are;
- nothing ever goes to a multicast, broadcast or loopback address, and no impostor is answered;
- what is corrected ("twin") gets its answer: silence is silence for the right reason;
- every case of the catalogue is sent, or named with the reason why it cannot be.
"""
import argparse
import os
import random
import re
import shlex
import struct
import subprocess
import sys
import time
from collections import defaultdict

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import hostile_kinds  # noqa: E402
import hostile_members  # noqa: E402
import hostile_victims  # noqa: E402
from hostile_wire import (ABORT, COOKIE_ACK, COOKIE_ECHO, HEARTBEAT_ACK, INIT_ACK, SACK, T_BIT,  # noqa: E402
                          Net, chunk, chunks_of, crc32c, heartbeat, init, packet,
                          params_of)

SMALLEST_REPLY = 36  # a chunk of one cause behind the common header
LARGEST_INIT_ACK = 1480
WAIT_S = 3  # for an answer that must come, on a busy machine
SANITIZERS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:")


class Talk:
    """An association of our own, or the attempt at one.  `tag` goes into what is sent."""

    def __init__(self, kind, port, peer_port, address, udp):
        self.kind, self.port, self.peer_port, self.address, self.udp = kind, port, peer_port, address, udp
        self.bodies = []
        self.tag = self.own_tag = 0
        self.tsn = self.peer_tsn = 0  # the next that we send; the first of the other end
        self.cookie = None
        self.streams = 0


class Attack:
    def __init__(self, net, options, known):
        self.net, self.options = net, options
        self.target, self.peer = options.target, options.peer
        self.random = random.Random(options.seed)
        self.six = ":" in self.target
        self.listener = options.listener
        self.udp = options.udp
        here, there = known[self.target], known[self.peer]
        self.port, self.peer_port = here["port"], there["port"]
        self.tag, self.peer_tag = here["tag"], there["tag"]  # what it expects, what it sends
        self.seen_tsn, self.own_tsn = there["tsn"], here["tsn"]  # DATA that it has received, sent
        prefix = "fd78::%x" if self.six else "10.78.0.%d"
        self.addresses = [prefix % n for n in range(10, 13)]
        self.far = prefix % 13  # behind a link of a small MTU, or so the target is told
        self.bystanders = [prefix % n for n in range(40, 50)]
        self.next_port = 1024
        self.kind = None
        self.sent = defaultdict(int)
        self.replies = defaultdict(int)
        self.largest = defaultdict(int)
        self.waiting = {}    # source port -> kind, bytes, replies so far, silent, want
        self.talks = {}      # source port -> Talk
        self.spoofed = {}    # Initiate Tags of INITs in the peer's name -> kind
        self.marks = {}      # Heartbeat Info -> kind
        self.visited = defaultdict(list)  # what came to bystanders
        self.faults = []
        self.unanswered = defaultdict(int)
        self.wanted = defaultdict(int)

    def fault(self, text):
        self.faults.append("%s: %s" % (self.kind, text))

    # Sending. What is not named is a stranger's.

    def fresh_port(self):
        self.next_port = self.next_port + 1 if self.next_port < 19000 else 1025
        if self.next_port in (self.port, self.peer_port, self.listener) or self.next_port in self.talks:
            return self.fresh_port()
        self.waiting.pop(self.next_port, None)
        return self.next_port

    def wrong_tag(self):
        while True:
            tag = self.random.getrandbits(32)
            if tag not in (self.tag, self.peer_tag, 0):
                return tag

    def udp_to(self, to_listener):
        return (self.udp, self.udp + 1 if to_listener else self.udp) if self.udp else None

    def send(self, body, source=None, target=None, size=None, udp=None, spare=0):
        """One SCTP packet, in fragments of `size` bytes; the last `spare` fragments stay away."""
        self.sent[self.kind] += 1
        pieces = self.net.packets(source or self.addresses[0], target or self.target, body, udp, size)
        for piece in pieces[:len(pieces) - spare]:
            self.net.put(piece)

    def stranger(self, *chunks, body=None, tag=None, port=None, at=None, silent=False, want=None, must=True,
                 crc=None, size=None, spare=0, source=None, target=None, source_port=None):
        """From an address and a port of our own, to the association's port or the listener (at)."""
        at = at or self.random.choice(("listener", "association"))
        mine = self.fresh_port()
        if body is None:
            body = packet(mine if source_port is None else source_port,
                          (self.listener if at == "listener" else self.port) if port is None else port,
                          self.wrong_tag() if tag is None else tag, *chunks, crc=crc)
        elif len(body) >= 2:
            body = struct.pack("!H", mine) + body[2:]
        self.waiting[mine] = [self.kind, len(body), 0, silent, want]
        if want and must:
            self.wanted[self.kind] += 1
        self.send(body, source or self.random.choice(self.addresses), target, size,
                  self.udp_to(at == "listener"), spare)
        return mine

    def impostor(self, *chunks, tag=None, crc=None, size=None):
        body = packet(self.peer_port, self.port, self.wrong_tag() if tag is None else tag, *chunks, crc=crc)
        self.send(body, source=self.peer, size=size, udp=self.udp_to(False))

    def insider(self, *chunks, crc=None, size=None):
        self.impostor(*chunks, tag=self.tag, crc=crc, size=size)

    def marked(self, size=12):
        """A HEARTBEAT whose answer, which goes to the peer, can be told."""
        mark = b"hostile%09d" % self.random.randrange(10 ** 9) + bytes(max(0, size - 16))
        self.marks[mark[:16]] = self.kind
        self.wanted[self.kind] += 1
        return heartbeat(mark)

    def icmp(self, kind, quoted, mtu=0, source=None):
        self.sent[self.kind] += 1
        self.net.put(self.net.icmp(source or self.addresses[0], self.target, kind, quoted, mtu))

    # Receiving.

    def collect(self):
        for source, target, udp_port, body in self.net.take():
            if target.startswith(("224.", "255.", "127.", "ff", "0.0.0.0", "::1")) or target == "::" \
                    or target.endswith(".255"):
                self.fault("a packet to %s" % target)
            elif source != self.target:
                continue
            elif target == self.peer:
                self.overhear(body)
            elif target in self.addresses or target == self.far:
                self.judge(struct.unpack_from("!H", body, 2)[0], udp_port, body)
            elif target in self.bystanders:
                self.visited[target].append(body)

    def overhear(self, body):
        """Of what goes to the peer, what our packets in its name have caused."""
        source, target, tag = struct.unpack_from("!HHI", body)
        if (source, target) != (self.port, self.peer_port):
            return
        if tag in self.spoofed:
            kind = self.spoofed.pop(tag)
        elif tag != self.peer_tag:
            self.fault("an answer to an impostor: %s" % [kind for kind, _, _ in chunks_of(body)])
            return
        else:
            value = next((value for kind, _, value in chunks_of(body) if kind == HEARTBEAT_ACK), b"")
            kind = self.marks.pop(value[4:20], None)
            if kind is None:
                return
        self.replies[kind] += 1
        self.largest[kind] = max(self.largest[kind], len(body))

    def judge(self, port, udp_port, body):
        kinds = [kind for kind, _, _ in chunks_of(body)]
        if crc32c(body[:8] + bytes(4) + body[12:]) != struct.unpack_from("<I", body, 8)[0]:
            self.fault("a reply with a bad checksum: %s" % kinds)
        if port in self.talks:
            talk = self.talks[port]
            talk.bodies.append(body)
            if self.udp:
                talk.udp = (talk.udp[0], udp_port)
            self.replies[talk.kind] += 1
            self.largest[talk.kind] = max(self.largest[talk.kind], len(body))
            return
        if port not in self.waiting:
            self.fault("a packet to a port that asked for none: %s" % kinds)
            return
        expected = self.waiting[port]
        kind, asked, count, silent, want = expected
        expected[2] += 1
        self.replies[kind] += 1
        self.largest[kind] = max(self.largest[kind], len(body))
        limit = LARGEST_INIT_ACK if kinds == [INIT_ACK] else max(asked, SMALLEST_REPLY)
        if count >= 1:
            self.faults.append("%s: reply %d to one packet: %s" % (kind, count + 1, kinds))
        if silent:
            self.faults.append("%s: a reply where none is due: %s" % (kind, kinds))
        if want is not None and (not kinds or kinds[0] not in want):
            self.faults.append("%s: a reply of chunks %s, not of %s" % (kind, kinds, want))
        if len(body) > limit:
            self.faults.append("%s: a reply of %d bytes to %d: %s" % (kind, len(body), asked, kinds))
        if ABORT in kinds and INIT_ACK in kinds:
            self.faults.append("%s: ABORT and INIT ACK in one packet" % kind)

    # Associations of our own.

    def talk(self, peer_port=None, address=None, udp=None, port=None):
        port = port or self.fresh_port()
        self.talks[port] = Talk(self.kind, port, self.listener if peer_port is None else peer_port,
                                address or self.random.choice(self.addresses),
                                udp or self.udp_to(True))
        return self.talks[port]

    def tell(self, talk, *chunks, tag=None, size=None, port=None, source=None):
        self.send(packet(port or talk.port, talk.peer_port, talk.tag if tag is None else tag, *chunks),
                  source=source or talk.address, size=size, udp=talk.udp)

    def heard(self, talk, want):
        """The first chunk of that type which has come: flags, value, packet; or None."""
        for body in talk.bodies:
            for kind, flags, value in chunks_of(body):
                if kind == want:
                    return flags, value, body
        return None

    def await_chunk(self, talk, want, seconds=WAIT_S):
        end = time.monotonic() + seconds
        while True:
            self.collect()
            found = self.heard(talk, want)
            if found or time.monotonic() >= end:
                return found
            self.net.wait(0.02)

    def ask(self, talk, *chunks, want, tag=None, tries=3, must=True, **how):
        """Sends, and waits for a chunk of that type, which must come: again when it does not, since a
        busy host's socket may have been full."""
        talk.bodies.clear()
        for _ in range(tries):
            self.tell(talk, *chunks, tag=tag, **how)
            found = self.await_chunk(talk, want, WAIT_S / tries)
            if found:
                return found
            if want != ABORT and self.heard(talk, ABORT):
                break
        if must:
            self.fault("no answer of type %d to %s, but %s" % (
                want, [c[0] for c in chunks],
                [[kind for kind, _, _ in chunks_of(body)] for body in talk.bodies]))
        return None

    def quiet(self, talk, *chunks, seconds=0.05, but=(), **how):
        """Sends what must not be answered, but by chunks of these types."""
        talk.bodies.clear()
        self.tell(talk, *chunks, **how)
        self.pause(seconds)
        for body in talk.bodies:
            for kind, _, _ in chunks_of(body):
                if kind not in but:
                    self.fault("chunk %d in answer to %s, where none is due" % (kind, [c[0] for c in chunks]))

    def await_cumulative(self, talk, tsn):
        """A SACK that acknowledges up to this TSN."""
        end, last = time.monotonic() + WAIT_S, None
        while time.monotonic() < end:
            self.collect()
            for body in talk.bodies:
                for kind, _, value in chunks_of(body):
                    if kind == SACK:
                        last = struct.unpack_from("!I", value)[0]
                        if last == tsn & 0xFFFFFFFF:
                            return
            self.net.wait(0.02)
        self.fault("acknowledged to %s, not to %#x" % (last and hex(last), tsn & 0xFFFFFFFF))

    def pause(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.net.wait(max(0, end - time.monotonic()))
            self.collect()

    def greet(self, talk, *params, rwnd=65536, tsn=None, out=10, inbound=10):
        """INIT, INIT ACK; fills the talk.  Returns whether an INIT ACK has come."""
        talk.own_tag, talk.tag = self.wrong_tag(), 0
        talk.tsn = self.random.getrandbits(32) if tsn is None else tsn
        reply = self.ask(talk, init(*params, tag=talk.own_tag, rwnd=rwnd, out=out, inbound=inbound,
                                    tsn=talk.tsn), want=INIT_ACK)
        if not reply or len(reply[1]) < 16:
            return False
        talk.tag, _, _, talk.streams, talk.peer_tsn = struct.unpack_from("!IIHHI", reply[1])
        talk.cookie = next((value for kind, value in params_of(reply[1], 16) if kind == 7), None)
        return talk.cookie is not None

    def join(self, *params, address=None, **how):
        """An association with the listener: a Talk, or None when it cannot be had."""
        talk = self.talk(address=address)
        if self.greet(talk, *params, **how) and \
                self.ask(talk, chunk(COOKIE_ECHO, talk.cookie), want=COOKIE_ACK):
            return talk
        self.fault("no association with the listener")
        return None

    def alive(self, talk):
        """The association still answers a HEARTBEAT with what was in it."""
        info = b"%016x" % self.random.getrandbits(64)
        reply = self.ask(talk, heartbeat(info), want=HEARTBEAT_ACK)
        if reply and reply[1][4:20] != info:
            self.fault("a HEARTBEAT ACK with other information")
        return bool(reply)

    def alive_after(self, talk, *chunks):
        self.tell(talk, *chunks)
        return self.alive(talk)

    def gone(self, talk):
        """There is no association any more: the same HEARTBEAT is out of the blue."""
        reply = self.ask(talk, heartbeat(), want=ABORT)
        if reply and not reply[0] & T_BIT:
            self.fault("an ABORT without the T bit for what is out of the blue")

    def leave(self, talk):
        """Ends it; what it still sends is nobody's fault."""
        self.tell(talk, chunk(ABORT))
        self.sent[self.kind] -= 1

    # Programs of the target's.

    def start(self, *arguments):
        """usctp-cat there; its stdin stays open."""
        command = shlex.split(self.options.run) + list(arguments)
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE)

    def stop(self, process, may_live=False):
        """It ends by itself, or is ended; never by a fault of memory."""
        end = time.monotonic() + (0.1 if may_live else 20)
        while process.poll() is None and time.monotonic() < end:
            self.pause(0.02)
        if process.poll() is None:
            if not may_live:
                self.fault("a process did not end")
            process.terminate()
        _, text = process.communicate()
        text = text.decode(errors="replace")
        if process.returncode < 0 and process.returncode != -15 or any(s in text for s in SANITIZERS):
            self.fault("a process ended with %d: %s" % (process.returncode, text[-3000:]))
        return process.returncode

    # All of it.

    def run(self, kinds):
        packets, twins = [k for k in kinds if k.role == "packet"], [k for k in kinds if k.role == "twin"]
        each = self.options.packets // len(packets) + 1
        queue = [k for k in packets + twins for _ in range(min(each, k.most))]
        queue += [k for k in kinds if k.role == "member" for _ in range(min(self.options.members, k.most))]
        queue += [k for k in kinds if k.role == "victim" for _ in range(k.most if k.most < 10 else 1)]
        self.random.shuffle(queue)
        for kind in queue:
            self.kind = kind.name
            before = sum(self.sent.values())
            kind.function(self)
            self.collect()
            # so that the receivers' queues hold what comes
            self.pause(0.001 * (sum(self.sent.values()) - before))
        self.kind = "the end"
        self.pause(0.5)
        return self.report(kinds)

    def report(self, kinds):
        for name in sorted(self.sent, key=lambda name: (name[0], int(re.sub(r"\D.*", "", name[1:]) or 0), name)):
            print("%s: sent %d, replies %d, largest reply %d" % (
                name, self.sent[name], self.replies[name], self.largest[name]))
        for name, wanted in self.wanted.items():
            # a busy host may lose packets in full queues, and answers are limited in number
            if self.replies[name] * 2 < wanted:
                self.faults.append("%s: %d answers to %d packets that want one" % (
                    name, self.replies[name], wanted))
        for name in sorted(hostile_kinds.NOT_OVER_THE_WIRE):
            print("%s: not over the wire: %s" % (name, hostile_kinds.NOT_OVER_THE_WIRE[name]))
        cases = {kind.name.split()[0] for kind in kinds if self.sent[kind.name]} - {"twin"}
        expected = hostile_kinds.CASES - set(hostile_kinds.NOT_OVER_THE_WIRE)
        print("cases %d of %d, and %d not over the wire; kinds %d, packets %d, replies %d, faults %d" % (
            len(cases & expected), len(expected), len(hostile_kinds.NOT_OVER_THE_WIRE), len(self.sent),
            sum(self.sent.values()), sum(self.replies.values()), len(self.faults)))
        if cases & expected != expected:
            self.faults.append("not sent: %s" % sorted(expected - cases))
        for name in sorted({kind.name for kind in kinds} - {name for name in self.sent if self.sent[name]}):
            self.faults.append("not sent: %s" % name)
        for fault in self.faults[:30]:
            print("FAULT: " + fault)
        return 1 if self.faults else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--device", required=True)
    parser.add_argument("--mac", required=True, help="the target's")
    parser.add_argument("--target", required=True, help="address of the attacked end")
    parser.add_argument("--peer", required=True, help="address of the association's other end")
    parser.add_argument("--port", type=int, required=True, help="SCTP port of one of the two ends")
    parser.add_argument("--listener", type=int, required=True, help="SCTP port of hostile-host there")
    parser.add_argument("--listener-pid", type=int, required=True)
    parser.add_argument("--sanitized", action="store_true", help="memory that was freed is kept there")
    parser.add_argument("--run", required=True, help="command that runs usctp-cat there")
    parser.add_argument("--udp", type=int, default=0, help="encapsulation port; the listener's is the next")
    parser.add_argument("--packets", type=int, default=2000)
    parser.add_argument("--members", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--begin", required=True, help="file that appears when it may be attacked")
    parser.add_argument("--only", default="", help="kinds whose name begins so; then not all must run")
    options = parser.parse_args()
    udp_ports = {options.udp + n for n in (0, 1, 10, 11)} if options.udp else set()
    net = Net(options.device, options.mac, udp_ports)
    known = net.watch(options.target, options.peer, options.port)
    if not known:
        print("FAULT: no association to attack")
        return 1
    print("knows the association", file=sys.stderr, flush=True)
    while not os.path.exists(options.begin):
        time.sleep(0.02)
    kinds = hostile_kinds.KINDS + hostile_members.KINDS + hostile_victims.KINDS
    if options.only:
        kinds = [k for k in kinds if k.name.startswith(options.only)]
        hostile_kinds.CASES = {k.name.split()[0] for k in kinds}
    return Attack(net, options, known).run(kinds)


if __name__ == "__main__":
    sys.exit(main())
