# SPDX-License-Identifier: BSD-3-Clause
"""app-sockets.py server|client SERVER-ADDRESS: Python's own socket module on SCTP, which it knows nothing of
but the protocol's number.  Options, ancillary data and notifications are those of Linux, by number
(<linux/sctp.h>, RFC 6458).  Each side says what it has done, and ends with status 0 if all was as expected.
"""
import asyncio
import os
import selectors
import socket
import struct
import sys
import traceback

SCTP = 132
INITMSG, NODELAY, STATUS, RECVRCVINFO, EVENT = 2, 3, 14, 32, 127
CMSG_SNDINFO, CMSG_RCVINFO = 2, 3
MSG_NOTIFICATION = 0x8000
UNORDERED = 1
ASSOC_CHANGE = 0x8001
COMM_UP, SHUTDOWN_COMP = 0, 3
ESTABLISHED = 4
FAMILY = socket.AF_INET6 if ":" in sys.argv[2] else socket.AF_INET
HOST = sys.argv[2]
BLOCKING, SELECTED, LOOPED, MANY, FORKED, NOBODY = range(5000, 5006)
CLIENTS, MESSAGES, LARGE = 20, 50, 300000


def done(what):
    print(what, flush=True)


def new(style=socket.SOCK_STREAM):
    s = socket.socket(FAMILY, style, SCTP)
    s.settimeout(30)  # nothing waits for ever
    return s


def listener(port, style=socket.SOCK_STREAM):
    s = new(style)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(SCTP, INITMSG, struct.pack("HHHH", 7, 7, 0, 0))
    s.bind((HOST, port))
    if style == socket.SOCK_SEQPACKET:
        listen_for_changes(s)
    s.listen(100)
    return s


def send_info(stream, ppid, flags=0, assoc=0):
    return [(SCTP, CMSG_SNDINFO, struct.pack("HHIIi", stream, flags, ppid, 0, assoc))]


def receive(s, size=LARGE):
    """A message: its bytes, flags, (stream, flags, ppid, association id) or None, sender"""
    data, ancillary, flags, sender = s.recvmsg(size, 1000)
    info = None
    for level, kind, value in ancillary:
        if (level, kind) == (SCTP, CMSG_RCVINFO):
            sid, _, rcv_flags, ppid, _, _, _, assoc = struct.unpack("HHHxxIIIIi", value)
            info = (sid, rcv_flags, socket.ntohl(ppid), assoc)
    return data, flags, info, sender


def whole(s):
    """A message that may come in parts"""
    data, flags, info, _ = receive(s)
    while data and not flags & socket.MSG_EOR:
        more, flags, _, _ = receive(s)
        data += more
    return data, info


# --- blocking, one-to-one: streams, protocol ids, a large message, the end -----------------------------

def blocking_server(waiting):
    s, peer = waiting.accept()
    assert s.getpeername()[:2] == peer[:2], peer
    s.setsockopt(SCTP, RECVRCVINFO, 1)
    assert struct.unpack_from("Iii", s.getsockopt(SCTP, STATUS, 176))[1] == ESTABLISHED
    while True:
        data, info = whole(s)
        if not data:
            break
        s.sendmsg([data], send_info(info[0], socket.htonl(info[2] + 1)))
    s.close()


def blocking_client():
    s = new()
    s.setsockopt(SCTP, INITMSG, struct.pack("HHHH", 5, 5, 0, 0))
    s.setsockopt(SCTP, NODELAY, 1)
    assert s.getsockopt(SCTP, NODELAY) == 1
    s.connect((HOST, BLOCKING))
    s.setsockopt(SCTP, RECVRCVINFO, 1)
    status = struct.unpack_from("IiIHHHHI", s.getsockopt(SCTP, STATUS, 176))
    assert status[1] == ESTABLISHED and status[5:7] == (5, 5), status
    for i in range(MESSAGES):
        text = b"message %d" % i
        flags = UNORDERED if i % 3 == 0 else 0
        assert s.sendmsg([text[:3], text[3:]], send_info(i % 5, socket.htonl(1000 + i), flags)) == len(text)
        data, info = whole(s)
        assert data == text and info[0] == i % 5 and info[2] == 1001 + i, (data, info)
    text = os.urandom(100000)
    s.sendmsg([text], send_info(3, 0))
    data, info = whole(s)
    assert data == text and info[0] == 3, info
    try:
        s.sendmsg([b"x"], send_info(5, 0))
        raise AssertionError("stream 5 of 0..4")
    except OSError as error:
        assert error.errno == 22, error
    copy = s.dup()
    s.close()
    copy.send(b"by the other descriptor")
    assert copy.recv(100) == b"by the other descriptor"
    copy.shutdown(socket.SHUT_WR)
    copy.close()


# --- selectors -----------------------------------------------------------------------------------------

def selected_server(waiting):
    chosen = selectors.DefaultSelector()
    waiting.setblocking(False)
    chosen.register(waiting, selectors.EVENT_READ)
    left = CLIENTS
    while left:
        ready = chosen.select(30)
        assert ready
        for key, _ in ready:
            if key.fileobj is waiting:
                s, _ = waiting.accept()
                s.setblocking(False)
                chosen.register(s, selectors.EVENT_READ)
            else:
                data = key.fileobj.recv(1000)
                if data:
                    key.fileobj.send(data)
                else:
                    chosen.unregister(key.fileobj)
                    key.fileobj.close()
                    left -= 1


def selected_client():
    chosen = selectors.DefaultSelector()
    rounds = {}
    for _ in range(CLIENTS):
        s = new()
        s.setblocking(False)
        assert s.connect_ex((HOST, SELECTED)) == 115  # EINPROGRESS
        chosen.register(s, selectors.EVENT_WRITE)
        rounds[s] = 0
    while rounds:
        ready = chosen.select(30)
        assert ready
        for key, mask in ready:
            s = key.fileobj
            if mask & selectors.EVENT_WRITE:  # connected
                assert s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
                chosen.modify(s, selectors.EVENT_READ)
            else:
                assert s.recv(1000) == b"round %d" % rounds[s]
                rounds[s] += 1
            if rounds[s] == 5:
                chosen.unregister(s)
                s.close()
                del rounds[s]
            else:
                s.send(b"round %d" % rounds[s])


# --- asyncio -------------------------------------------------------------------------------------------

def looped_server(waiting):
    async def serve(s):
        loop = asyncio.get_running_loop()
        while data := await loop.sock_recv(s, 100000):
            await loop.sock_sendall(s, data)
        s.close()

    async def main():
        waiting.setblocking(False)
        served = []
        for _ in range(CLIENTS):
            s, _ = await asyncio.get_running_loop().sock_accept(waiting)
            served.append(asyncio.create_task(serve(s)))
        await asyncio.gather(*served)

    asyncio.run(asyncio.wait_for(main(), 60))


def looped_client():
    async def talk(number):
        loop = asyncio.get_running_loop()
        s = new()
        s.setblocking(False)
        await loop.sock_connect(s, (HOST, LOOPED))
        for i in range(MESSAGES):
            text = bytes([number, i]) * (i * 20 + 1)
            await loop.sock_sendall(s, text)
            assert await loop.sock_recv(s, 100000) == text
        s.close()

    async def main():
        await asyncio.gather(*(talk(i) for i in range(CLIENTS)))

    asyncio.run(asyncio.wait_for(main(), 60))


# --- one-to-many ---------------------------------------------------------------------------------------

def listen_for_changes(s):
    s.setsockopt(SCTP, RECVRCVINFO, 1)
    s.setsockopt(SCTP, EVENT, struct.pack("iHBx", 0, ASSOC_CHANGE, 1))


def change_of(data):
    kind, _, _, state, _, _, _, assoc = struct.unpack_from("HHIHHHHi", data)
    assert kind == ASSOC_CHANGE, kind
    return state, assoc


def many_server(s):
    up, down = set(), set()
    while len(down) < 3:
        data, flags, info, sender = receive(s)
        if flags & MSG_NOTIFICATION:
            state, assoc = change_of(data)
            {COMM_UP: up, SHUTDOWN_COMP: down}[state].add(assoc)
        else:
            assert info[3] in up, info
            s.sendmsg([data.upper()], send_info(info[0], 0, 0, info[3]), 0, sender)
    assert up == down and len(up) == 3


def many_client():
    sockets = [new(socket.SOCK_SEQPACKET) for _ in range(3)]
    for number, s in enumerate(sockets):
        listen_for_changes(s)
        for i in range(4):
            text = b"socket %d message %d" % (number, i)
            s.sendmsg([text], send_info(i, 0), 0, (HOST, MANY))
            data, flags, info, _ = receive(s)
            if i == 0:
                assert flags & MSG_NOTIFICATION and change_of(data)[0] == COMM_UP
                data, flags, info, _ = receive(s)
            assert data == text.upper() and info[0] == i, (data, info)
    for s in sockets:
        s.close()


# --- a socket that was opened before the fork, and workers that share it --------------------------------

WORKERS, ASKERS, ROUNDS = 3, 5, 40


def work(s, number):
    """Answers until it is told to end; its status is 0 if it has had something to do."""
    answered = 0
    while True:
        data, flags, info, sender = receive(s)
        if flags & MSG_NOTIFICATION:
            continue
        if data == b"end":
            os._exit(0 if answered else 1)
        assert s.getsockopt(SCTP, RECVRCVINFO) == 1 and s.getsockname()[:2] == (HOST, FORKED)
        s.sendmsg([data + b" %d" % number], send_info(info[0], 0, 0, info[3]), 0, sender)
        answered += 1


def forked_server(s):
    workers = []
    for number in range(WORKERS):
        pid = os.fork()
        if pid == 0:
            try:
                work(s, number)
            finally:
                traceback.print_exc()
                os._exit(2)
        workers.append(pid)
    statuses = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in workers]
    assert all(status in (0, 1) for status in statuses) and 0 in statuses, statuses


def forked_client():
    sockets = [new() for _ in range(ASKERS)]
    for s in sockets:
        s.connect((HOST, FORKED))
    for i in range(ROUNDS):
        for s in sockets:
            s.sendmsg([b"question %d" % i], send_info(i % 3, 0))
        for s in sockets:
            assert s.recv(1000).startswith(b"question %d " % i)
    for _ in range(WORKERS):
        sockets[0].send(b"end")
    for s in sockets:
        s.close()


def errors_client():
    s = new()
    try:
        s.connect((HOST, NOBODY))
        raise AssertionError("somebody listens")
    except ConnectionRefusedError:
        pass
    s.close()
    s = new()
    s.bind(("::" if FAMILY == socket.AF_INET6 else "0.0.0.0", 0))
    s.listen()
    s.settimeout(0.1)
    try:
        s.accept()
        raise AssertionError("somebody connects")
    except TimeoutError:
        pass
    s.setblocking(False)
    try:
        s.accept()
        raise AssertionError("somebody connects")
    except BlockingIOError:
        pass
    s.close()


PHASES = [("blocking", BLOCKING, socket.SOCK_STREAM, blocking_server, blocking_client),
          ("selectors", SELECTED, socket.SOCK_STREAM, selected_server, selected_client),
          ("asyncio", LOOPED, socket.SOCK_STREAM, looped_server, looped_client),
          ("one-to-many", MANY, socket.SOCK_SEQPACKET, many_server, many_client),
          ("forked workers", FORKED, socket.SOCK_SEQPACKET, forked_server, forked_client)]

if sys.argv[1] == "server":
    waiting = [listener(port, style) for _, port, style, _, _ in PHASES]
    done("ready")
    for s, (name, _, _, serve, _) in zip(waiting, PHASES):
        serve(s)
        done(name)
    sys.stdin.read()  # it stays for who asks at a port that nobody has
else:
    errors_client()
    done("errors")
    for name, _, _, _, talk in PHASES:
        talk()
        done(name)
