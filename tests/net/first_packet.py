# SPDX-License-Identifier: MIT
"""first_packet.py COUNTER COMMAND...: starts COMMAND and prints the milliseconds until the interface
counter grows (a packet of the other end's load was answered), then ends it with SIGINT."""
import subprocess
import sys
import time

counter, command = sys.argv[1], sys.argv[2:]


def packets():
    with open(counter) as f:
        return int(f.read())


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
print("%.0f" % ms)
