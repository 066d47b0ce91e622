#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tests/net/rooms.py BUILD: who sees whom, by the tables of lib/, drivers/ and runtime/meson.build.

In each room, with the compiler's line of one of its sources, the preprocessor is asked for each header that the room
may not see, and has to find none.  Then the symbols of its archive: none that is undefined is one that only a room above it
defines.  Speaks TAP.
"""
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

LAYERS = ["lib", "drivers", "runtime"]
TABLE = {"plx_drivers"}     # the one table of drivers, on top of all: drivers/drivers.c


def rows():
    """(layer, room) -> the rooms it sees, itself among them, from low to high."""
    sees, below = {}, []
    for layer in LAYERS:
        with open(layer + "/meson.build") as f:
            text = f.read()
        table = re.search(r"(?ms)^rooms = \[\n(.*?)^\]", text)[1]
        for room, names in re.findall(r"\['(\w+)', \[(.*?)\]\]", table, re.S):
            sees[layer, room] = below + [(layer, n) for n in re.findall(r"\w+", names)] + [(layer, room)]
        some = re.search(r"(?m)^seen_above = \[(.*)\]", text)
        below = below + [r for r in sees if r[0] == layer and (not some or r[1] in some[1])]
    return sees


def headers(room):
    folder = "/".join(room)
    return sorted(f for f in os.listdir(folder) if f.endswith(".h"))


def commands(build):
    """(layer, room) -> the words that compile one of its sources, without that source and its output."""
    found = {}
    with open(build + "/compile_commands.json") as f:
        for c in json.load(f):
            m = re.match(r"(lib|drivers|runtime)/libplx_\1_(\w+)\.a\.p/", c["output"])
            if m:
                words = shlex.split(c["command"])
                words = words[1:] if words[0].endswith("ccache") else words
                found[m[1], m[2]] = words[:words.index("-MD")]
    return found


def seen_headers(words, build, names):
    """Those of names that an include finds with this compiler's line."""
    with tempfile.NamedTemporaryFile("w", suffix=".c") as f:
        for h in names:
            f.write('#if __has_include("%s")\nfound %s\n#endif\n' % (h, h))
        f.flush()
        p = subprocess.run(words + ["-E", f.name], cwd=build, capture_output=True, text=True, check=True,
                           stdin=subprocess.DEVNULL)
    return re.findall(r"(?m)^found (\S+)", p.stdout)


def archive(build, room):
    return "%s/%s/libplx_%s.a" % (build, room[0], "_".join(room))


def symbols(path):
    """(defined, undefined) of an archive or object."""
    defined, undefined = set(), set()
    text = subprocess.run(["nm", path], capture_output=True, text=True, check=True).stdout
    for m in re.finditer(r"(?m)([A-Za-z]) (\w+)$", text):
        if m[1] == "U":
            undefined.add(m[2])
        elif m[1] in "TDBRVW":
            defined.add(m[2])
    return defined, undefined - defined


def upward(undefined, seen, defined):
    """The names that no room of seen defines, but another does."""
    known = set().union(*(defined[r] for r in seen)) | TABLE
    others = {s: r for r, names in defined.items() if r not in seen for s in names}
    return ["%s of %s/%s" % ((s,) + others[s]) for s in sorted(undefined) if s in others and s not in known]


def main():
    build, sees = sys.argv[1], rows()
    words, n = commands(build), 0
    cases = []
    for room, seen in sees.items():
        barred = [h for other in sees if other not in seen for h in headers(other)]
        bad = ["%s is found" % h for h in seen_headers(words[room], build, barred)]
        own = headers(room)
        if seen_headers(words[room], build, own) != own:
            bad.append("its own headers are not")
        cases.append(("%s/%s can include none of %d headers of other rooms" % (room + (len(barred),)), bad))
    both = {room: symbols(archive(build, room)) for room in sees}
    defined = {room: both[room][0] for room in sees}
    for room, seen in sees.items():
        cases.append(("%s/%s calls no room above it" % room, upward(both[room][1], seen, defined)))
    top = list(sees)[-1]
    low = list(sees)[0]
    name = sorted(defined[top])[0]
    wrong = upward({name}, sees[low], defined)
    cases.append(("a call from %s/%s to %s() is found" % (low + (name,)), [] if wrong else ["it is not"]))
    print("1..%d" % len(cases))
    for name, bad in cases:
        n += 1
        print("%sok %d - %s" % ("not " if bad else "", n, name))
        for line in bad:
            print("# " + line)
    return any(bad for _, bad in cases)


sys.exit(main())
