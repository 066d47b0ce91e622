# SPDX-License-Identifier: MIT
"""first_packet.py COUNTER COMMAND...: starts COMMAND, measures until the interface counter grows (a packet of
the other end's load was answered), ends it with SIGINT.  Prints milliseconds: by the clock, the part of it in
which its main thread was ready and others had the CPU, and the CPU time of all its threads."""
import os
import subprocess
import sys
import time

counter, command = sys.argv[1], sys.argv[2:]


def packets():
    with open(counter) as f:
        return int(f.read())


def schedstat(pid, tid):
    """CPU time of a thread, and its waiting for a CPU, in ms."""
    try:
        with open("/proc/%d/task/%s/schedstat" % (pid, tid)) as f:
            return [int(n) / 1e6 for n in f.read().split()[:2]]
    except OSError:     # it has ended
        return [0, 0]


before, t0 = packets(), time.monotonic()
p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=sys.stderr)
while packets() == before and time.monotonic() < t0 + 30 and p.poll() is None:
    time.sleep(0.0005)
ms = (time.monotonic() - t0) * 1000
answered = packets() != before
if answered and p.poll() is None:
    cpu = sum(schedstat(p.pid, tid)[0] for tid in os.listdir("/proc/%d/task" % p.pid))
    print("%.0f %.0f %.0f" % (ms, schedstat(p.pid, p.pid)[1], cpu))
p.send_signal(2)
try:
    p.wait(30)
except subprocess.TimeoutExpired:
    p.kill()
    sys.exit("no end within 30 s")
if not answered:
    sys.exit("no packet was answered within %d ms" % ms)
