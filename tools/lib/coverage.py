# SPDX-License-Identifier: BSD-3-Clause
"""Sums up gcov's JSON documents, one a line on stdin: see tools/coverage.sh.

Arguments: the top of the tree, the least percentage, and yes to print the lines that did not run.
"""

import json
import os
import sys


def ranges(numbers):
    """[1, 2, 3, 7] -> "1-3 7" """
    out = []
    for n in numbers:
        if out and out[-1][1] == n - 1:
            out[-1][1] = n
        else:
            out.append([n, n])
    return " ".join(f"{a}-{b}" if a != b else str(a) for a, b in out)


def collect(top, documents):
    """Lines of each file of src/assoc and src/chunk: number -> how often it ran."""
    files = {}
    for text in documents:
        if not text.strip():
            continue
        document = json.loads(text)
        for file in document["files"]:
            path = os.path.join(document["current_working_directory"], file["file"])
            name = os.path.relpath(os.path.normpath(path), top)
            if not name.startswith(("src/assoc/", "src/chunk/")):
                continue
            lines = files.setdefault(name, {})
            for line in file["lines"]:
                number = line["line_number"]
                lines[number] = lines.get(number, 0) + line["count"]
    return files


def main():
    top, least, missing = sys.argv[1], float(sys.argv[2]), sys.argv[3] == "yes"
    files = collect(top, sys.stdin)
    if not files:
        sys.exit("coverage: no counters; run the tests first")
    covered = total = 0
    for name in sorted(files):
        lines = files[name]
        ran = sum(1 for count in lines.values() if count > 0)
        covered, total = covered + ran, total + len(lines)
        print(f"{name:40} {ran:5} of {len(lines):5} lines {100 * ran / len(lines):6.1f} %")
        if missing and ran < len(lines):
            print("    not run:", ranges(sorted(n for n, count in lines.items() if count == 0)))
    percent = 100 * covered / total
    print(f"{'src/assoc and src/chunk':40} {covered:5} of {total:5} lines {percent:6.1f} %")
    sys.exit(0 if percent >= least else 1)


main()
