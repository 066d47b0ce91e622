#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench_start.py BUILD: how long plx-fwd takes from its exec until it runs, and from SIGINT until it is gone, with one
af_xdp port, with 8 and with 64 over veth pairs.

A figure is the least of REPS runs.  Two must hold: a port of 64 costs no more than twice what one of 8 does, and 64 start
within LIMIT seconds.  CPU is what the process used in all, which other programs on the machine add less to.
"""
import atexit
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time

BUILD = sys.argv[1] if len(sys.argv) > 1 else "build-bench"
FWD = os.path.abspath(BUILD + "/apps/plx-fwd")
NS = "plx%d" % os.getpid()
REPS = int(os.environ.get("REPS", "3"))
LIMIT = float(os.environ.get("LIMIT", "1.2"))
CPU = min(os.sched_getaffinity(0))
running = []


def cleanup():
    for p in running:
        if p.poll() is None:
            p.kill()
            p.wait()
    for end in "ab":
        subprocess.run(["ip", "netns", "del", NS + end], stderr=subprocess.DEVNULL)


def pairs(n):
    for end in "ab":
        subprocess.run(["ip", "netns", "add", NS + end], check=True)
    text = "".join("link add v%d netns %sa type veth peer name v%d netns %sb\n" % (i, NS, i, NS) for i in range(n))
    subprocess.run(["ip", "-batch", "-"], input=text, text=True, check=True)
    for end in "ab":
        off = "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6"
        subprocess.run(["ip", "netns", "exec", NS + end, "sh", "-c", off], stderr=subprocess.DEVNULL)
        text = "".join("link set v%d up\n" % i for i in range(n))
        subprocess.run(["ip", "-n", NS + end, "-batch", "-"], input=text, text=True, check=True)


def run(n):
    """Seconds to start, to stop, and of CPU."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cmd = ["ip", "netns", "exec", NS + "a", FWD, "-l", str(CPU), "--huge", "never", "--idle", "interrupt"]
    for i in range(n):
        cmd += ["--iface", "v%d" % i]
    with tempfile.TemporaryFile("w+") as err:
        begin = time.monotonic()
        p = subprocess.Popen(cmd + ["--", "--mode", "rxonly"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err)
        running.append(p)
        while True:
            err.seek(0)
            said = err.read()
            if " running: " in said:
                break
            if p.poll() is not None or time.monotonic() > begin + 120:
                raise SystemExit("bench_start: it did not start:\n" + said[-2000:])
            time.sleep(0.002)
        start = time.monotonic() - begin
        begin = time.monotonic()
        p.send_signal(signal.SIGINT)
        p.wait(120)
        stop = time.monotonic() - begin
        running.remove(p)
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    return start, stop, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime


def main():
    atexit.register(cleanup)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    least, missed = {}, False
    pairs(64)
    print("%-6s %12s %12s %12s" % ("ports", "start ms", "stop ms", "CPU ms"))
    for n in (1, 8, 64):
        runs = [run(n) for _ in range(REPS)]
        least[n] = [min(r[k] for r in runs) for k in range(3)]
        print("%-6d %12.0f %12.0f %12.0f" % (n, *(1e3 * v for v in least[n])))
    for k, what in ((0, "start"), (1, "stop"), (2, "CPU")):
        ratio = least[64][k] / 64 / (least[8][k] / 8)
        bad = ratio > 2
        missed |= bad
        print("%-42s %8.2f  %s" % ("%s: a port of 64 to one of 8, at most 2" % what, ratio, "MISS" if bad else "OK"))
    bad = least[64][0] > LIMIT
    print("%-42s %8.2f  %s" % ("start of 64, at most %.1f s" % LIMIT, least[64][0], "MISS" if bad else "OK"))
    return missed or bad


sys.exit(main())
