# SPDX-License-Identifier: BSD-3-Clause
"""Chooses the inputs of a corpus that cover most: see tools/fuzz.sh.

Arguments: libFuzzer's merge control file, how many inputs at most, the directory to copy them to.
The control file names the inputs, one a line behind two counts, and says of each by number what it
covers ("FT number feature..."). Taken is always the one that adds most, until none adds anything.
"""

import hashlib
import os
import sys


def read(path):
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    names = lines[2 : 2 + int(lines[0])]
    covers = {}
    for line in lines[2 + len(names) :]:
        words = line.split()
        if words and words[0] == "FT":
            covers[names[int(words[1])]] = set(words[2:])
    return covers


def choose(covers, most):
    left = set().union(*covers.values()) if covers else set()
    total, chosen = len(left), []
    while left and len(chosen) < most:
        # The smaller of two that add as much.
        best = max(covers, key=lambda name: (len(covers[name] & left), -os.path.getsize(name)))
        left -= covers[best]
        chosen.append(best)
    return chosen, total - len(left), total


def main():
    control, most, target = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    chosen, covered, total = choose(read(control), most)
    for name in chosen:
        with open(name, "rb") as file:
            data = file.read()
        # Named as libFuzzer names its inputs.
        with open(os.path.join(target, hashlib.sha1(data).hexdigest()), "wb") as file:
            file.write(data)
    print(f"{len(chosen):4} inputs, {covered} of {total} edges")


main()
