#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench_tcp.py BUILD: TCP of frames of 9014 bytes through two ports of plx-fwd --mode io, af_xdp next to packet.

    [ vb ] -- [ va | plx-fwd | vc ] -- [ vd ]     two veth pairs, no segmentation and no checksum left to a card

Each round runs every driver once in each direction by iperf3, in turns; a figure is the median in Mbit/s, a ratio that
of the runs of one round, with the range that holds its median with 95 % certainty.  af_xdp's rings count buffers, of
which such a frame takes six: it gets rxd=8192, and so room for about as many packets as packet has.
"""
import atexit
import json
import signal
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True
import bench_fwd as b  # noqa: E402

DRIVERS = {"native": "driver=af_xdp,mode=native,rxd=8192", "generic": "driver=af_xdp,mode=generic,rxd=8192",
           "packet": "driver=packet"}
ADDRESS = {"b": "10.9.0.2", "c": "10.9.0.3"}


def at(end, cmd, check=True):
    return subprocess.run(["ip", "netns", "exec", b.NS + end] + cmd.split(), check=check,
                          capture_output=True, text=True)


def bed():
    for end in "abc":
        subprocess.run(["ip", "netns", "add", b.NS + end], check=True)
        at(end, "sysctl -qw net.ipv6.conf.all.disable_ipv6=1", check=False)
    for near, far, end in (("va", "vb", "b"), ("vc", "vd", "c")):
        subprocess.run(("ip link add %s mtu 9000 netns %sa type veth peer name %s mtu 9000 netns %s%s" %
                        (near, b.NS, far, b.NS, end)).split(), check=True)
        at(end, "ip addr add %s/24 dev %s" % (ADDRESS[end], far))
        for where, dev in (("a", near), (end, far)):
            at(where, "ethtool -K %s tx off tso off gso off gro off" % dev)
            at(where, "ip link set %s up" % dev)


def until(what, tries=200):
    for _ in range(tries):
        if what():
            return
        time.sleep(0.1)
    raise SystemExit("bench_tcp: nothing passes the bed")


def run(driver, back):
    """Mbit/s that end c (with back: b) received."""
    cmd = [b.FWD, "-l", str(b.WORK), "-m", "256M", "--huge", "never", "--idle", "adaptive", "--log-level", "error"]
    for dev in ("va", "vc"):
        cmd += ["--iface", "%s,queues=1,%s" % (dev, DRIVERS[driver])]
    fwd = b.begin("a", cmd + ["--", "--json", "--mode", "io"])
    b.await_start(fwd)
    until(lambda: not at("b", "ping -q -c 1 -W 1 " + ADDRESS["c"], check=False).returncode)
    server = b.begin("c", ["iperf3", "-s", "-1"])
    until(lambda: "listening" in b.said(server) or ":5201" in at("c", "ss -Hltn").stdout)
    out = at("b", "iperf3 -J -t %d -c %s%s" % (max(b.SECONDS, 1), ADDRESS["c"], " -R" if back else ""),
             check=False).stdout
    server.wait(30)
    b.running.remove(server)
    b.end(fwd)
    got = json.loads(out)
    if "sum_received" not in got.get("end", {}):
        raise SystemExit("bench_tcp: iperf3: %s" % got.get("error"))
    return got["end"]["sum_received"]["bits_per_second"] / 1e6


def main():
    atexit.register(b.cleanup)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    bed()
    got = {(d, back): [] for d in DRIVERS for back in (False, True)}
    for i in range(b.REPS):
        for back in (False, True):
            for d in sorted(DRIVERS, reverse=i % 2):
                got[d, back].append(run(d, back))
    print("\nTCP at MTU 9000 through io between two ports, one lcore: Mbit/s")
    print("%-5s %10s %10s %10s" % ("", *DRIVERS))
    for back in (False, True):
        print("%-5s %10.0f %10.0f %10.0f   native to packet %s" % (
            "back" if back else "forth", *(statistics.median(got[d, back]) for d in DRIVERS),
            b.as_fast("tcp " + ("back" if back else "forth"), list(zip(got["native", back], got["packet", back])))),
            flush=True)
    print("\n%s" % ("missed: " + ", ".join(b.misses) if b.misses else "all met"))
    return 1 if b.misses else 0


if __name__ == "__main__":
    sys.exit(main())
