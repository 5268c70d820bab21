# SPDX-License-Identifier: BSD-3-Clause
#
# app-typed.py FILE: writes to stdout what a test appends to FILE, as it comes, up to a byte 4 (Ctrl-D),
# or until nobody reads any more.  By looking at the file again and again: neither a pipe nor inotify
# reaches from the host into the kernel peer.
import os
import select
import sys
import time

poll = select.poll()
poll.register(1, select.POLLERR)
offset = 0
end = False
while not end and not poll.poll(0):
    with open(sys.argv[1], "rb", 0) as file:
        file.seek(offset)
        piece = file.read()
    offset += len(piece)
    piece, mark, _ = piece.partition(b"\4")
    end = bool(mark)
    while piece:
        try:
            piece = piece[os.write(1, piece):]
        except BrokenPipeError:
            sys.exit()
    time.sleep(0.03)
