# SPDX-License-Identifier: BSD-3-Clause
#
# app-vty.py HOST PORT COMMAND...: what an Osmocom program's VTY answers (telnet's negotiation is left
# unanswered, which it does not mind)
import socket
import sys

with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=10) as vty:
    text = b""
    for command in ["enable", *sys.argv[3:], "exit"]:
        while not text.endswith((b"> ", b"# ")):
            piece = vty.recv(65536)
            if not piece:
                sys.exit(f"closed: {text!r}")
            text += piece
        sys.stdout.buffer.write(text)
        text = b""
        vty.sendall(command.encode() + b"\r\n")
