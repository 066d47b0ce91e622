# SPDX-License-Identifier: MIT
"""first_packet.py COUNTER COMMAND...: starts COMMAND, measures until the interface counter grows (a packet of
the other end's load was answered), ends it with SIGINT.  Prints milliseconds as measured, and divided by how
much longer than its CPU time a program takes just now, because others use the machine."""
import subprocess
import sys
import time

counter, command = sys.argv[1], sys.argv[2:]


def packets():
    with open(counter) as f:
        return int(f.read())


def slowness():
    wall, cpu = time.monotonic(), time.process_time()
    while time.process_time() < cpu + 0.05:
        pass
    return max((time.monotonic() - wall) / 0.05, 1)


slow = slowness()
before, t0 = packets(), time.monotonic()
p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=sys.stderr)
while packets() == before and time.monotonic() < t0 + 5 and p.poll() is None:
    pass
ms = (time.monotonic() - t0) * 1000
answered = packets() != before
p.send_signal(2)
p.wait(5)
if not answered:
    sys.exit("no packet was answered within %d ms" % ms)
slow = (slow + slowness()) / 2
print("%.0f %.0f" % (ms, ms / slow))
