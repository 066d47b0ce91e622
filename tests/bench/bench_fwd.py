#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench_fwd.py BUILD: plx-fwd against dpdk-testpmd in the same run.

null to null   what the runtime alone costs: io forwarding on one lcore between two null ports
af_xdp         tx, rx and macswap of 64-byte frames over a one-queue veth pair, one lcore, small pages
               for both; testpmd's net_af_xdp with busy_budget=0, its best setting here
Runs of the two alternate; a figure is the median, a ratio the median of the ratios of runs side by side, with the
range that holds it with 95 % certainty.  What is to be at least as fast misses when that whole range says slower.
For null, time is the CPU time of the polling thread, which other programs on the machine do not add to.  Over veth
it is the wall's: the kernel does most of the work, part of it in threads of its own, and rx and macswap depend on
the load.  System calls are counted by strace in runs of their own, instructions by callgrind, which needs no
counters of the machine and counts the same each time.
"""
import atexit
import json
import math
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = sys.argv[1] if len(sys.argv) > 1 else "build-bench"
FWD = os.path.abspath(BUILD + "/apps/plx-fwd")
NS = "plx%d" % os.getpid()
REPS = int(os.environ.get("REPS", "9"))
SECONDS = float(os.environ.get("SECONDS_EACH", "3.2"))
CPUS = sorted(os.sched_getaffinity(0))
WORK, OTHER = CPUS[-1], CPUS[0]     # where the measured lcore polls, and where the other side does
misses = []
running = []


HUGE = "/proc/sys/vm/nr_hugepages"
HUGE_PAGES = 192                    # of 2 MiB: 256 MiB for testpmd, 64 MiB for plx-fwd
had_huge = None


def lend_hugepages():
    """True if there are enough free, if need be after raising their number until the end."""
    global had_huge
    with open(HUGE) as f:
        had_huge = int(f.read())
    with open(HUGE, "w") as f:
        f.write(str(had_huge + HUGE_PAGES))
    with open("/proc/meminfo") as f:
        return int(re.search(r"HugePages_Free: +(\d+)", f.read())[1]) >= HUGE_PAGES


def cleanup():
    if had_huge is not None:
        with open(HUGE, "w") as f:
            f.write(str(had_huge))
    for p in running:
        if p.poll() is None:
            p.kill()
            p.wait()
    for end in "abc":
        subprocess.run(["ip", "netns", "del", NS + end], stderr=subprocess.DEVNULL)
    shutil.rmtree("/run/dpdk/" + NS, ignore_errors=True)


def pair():
    subprocess.run(["ip", "netns", "del", NS + "a"], stderr=subprocess.DEVNULL)
    subprocess.run(["ip", "netns", "del", NS + "b"], stderr=subprocess.DEVNULL)
    for end in "ab":
        subprocess.run(["ip", "netns", "add", NS + end], check=True)
    subprocess.run(("ip link add va netns %sa type veth peer name vb netns %sb" % (NS, NS)).split(), check=True)
    for end in "ab":
        sh = "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; ip link set v%s up" % end
        subprocess.run(["ip", "netns", "exec", NS + end, "sh", "-c", sh], check=True)


def counter(dev, name):
    with subprocess.Popen(["ip", "netns", "exec", NS + dev[1], "cat", "/sys/class/net/%s/statistics/%s" % (dev, name)],
                          stdout=subprocess.PIPE, text=True) as p:
        return int(p.stdout.read())


# ---- the two programs ----

NULLS = ["n0,driver=null", "n1,driver=null"]


def plx(end, ifaces, options, cpu, huge="never", wrap=()):
    cmd = [*wrap, FWD, "-l", str(cpu), "-m", "64M", "--huge", huge, "--idle", "busy", "--log-level", "error"]
    for i in ifaces:
        cmd += ["--iface", i]
    return begin(end, cmd + ["--", "--json", "--max-loss", "100%"] + options)


def testpmd(end, vdevs, options, cpu, huge="never", wrap=()):
    cmd = [*wrap, "dpdk-testpmd", "--no-pci", "--no-telemetry", "--file-prefix=" + NS,
           "-l", "%d,%d" % (OTHER, cpu), "--main-lcore=%d" % OTHER, "-m", "256"]
    cmd += ["--no-huge", "--no-shconf"] if huge == "never" else ["--in-memory"]
    cmd += ["--vdev=" + v for v in vdevs]
    return begin(end, cmd + ["--", "--auto-start", "--nb-cores=1", "--total-num-mbufs=16384",
                             "--stats-period=1"] + options)


def begin(end, cmd):
    if end:
        cmd = ["ip", "netns", "exec", NS + end] + cmd
    out = tempfile.TemporaryFile("w+")
    p = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
    p.out = out
    running.append(p)
    return p


def said(p):
    p.out.seek(0)
    return p.out.read()


def end(p):
    p.send_signal(signal.SIGINT)
    p.wait(60)
    running.remove(p)
    text = said(p)
    p.out.close()
    return text


def polling_ns(p):
    """CPU time of the thread that used most of it: the lcore."""
    ns = [0]
    for tid in os.listdir("/proc/%d/task" % p.pid):
        with open("/proc/%d/task/%s/schedstat" % (p.pid, tid)) as f:
            ns.append(int(f.read().split()[0]))
    return max(ns)


def await_start(p):
    """Until the program says that it forwards."""
    deadline = time.monotonic() + 60
    while not re.search('"interval"|packet forwarding packets/burst', said(p)):
        if p.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("bench_fwd: %s did not start:\n%s" % (" ".join(p.args), said(p)))
        time.sleep(0.05)


def measured(p, rate, what):
    """Packets a second: the median of full seconds; for null by the share of CPU that the lcore had."""
    await_start(p)
    cpu, wall = polling_ns(p), time.monotonic_ns()
    time.sleep(SECONDS)
    cpu, wall = polling_ns(p) - cpu, time.monotonic_ns() - wall
    return rate(end(p), what) * (wall / max(cpu, 1) if what == "null" else 1)


# ---- null to null ----

def plx_null(burst, huge):
    return measured(plx(None, NULLS, ["--mode", "io", "--burst", str(burst)], WORK, huge), plx_rate, "null")


def testpmd_null(burst, huge):
    return measured(testpmd(None, ["net_null0", "net_null1"], ["--forward-mode=io", "--burst=%d" % burst], WORK, huge),
                    testpmd_rate, "null")


# ---- af_xdp over veth ----

AXDP = "net_af_xdp0,iface=vb,start_queue=0,queue_count=1,busy_budget=0"


def veth(who, what, burst=32, calls=False):
    """One run of tx, rx or macswap at end b; packets per second.  The load of rx and macswap is the same
    plx-fwd at end a for both, on the other CPU."""
    pair()
    load = None
    if what != "tx":
        load = plx("a", ["va,steer=none"], ["--mode", "txonly", "--length", "64", "--burst", "32"], OTHER)
    mode = {"tx": "txonly", "rx": "rxonly", "fwd": "macswap"}[what]
    if who == "plx":
        p = plx("b", ["vb,driver=af_xdp,mode=native"],
                ["--mode", mode, "--burst", str(burst)] + (["--length", "64"] if what == "tx" else []), WORK)
        rate = plx_rate
    else:
        p = testpmd("b", [AXDP], ["--forward-mode=" + mode, "--burst=%d" % burst, "--port-topology=loop"] +
                    (["--txpkts=64"] if what == "tx" else []), WORK)
        rate = testpmd_rate
    if calls:
        await_start(p)
        got = count_calls(p)
        end(p)
    else:
        got = measured(p, rate, what)
    if load:
        end(load)
    return got


def count_calls(p):
    """System calls of the process and its threads, and packets of vb, during a second under strace; calls a packet."""
    log = "/tmp/%s.strace" % NS
    tids = os.listdir("/proc/%d/task" % p.pid)
    args = [a for t in tids for a in ("-p", t)]
    before = counter("vb", "tx_packets")
    s = subprocess.Popen(["strace", "-qq", "-c", "-U", "calls,name", "-o", log] + args, stderr=subprocess.DEVNULL)
    time.sleep(1.5)
    packets = counter("vb", "tx_packets") - before
    s.send_signal(signal.SIGINT)
    s.wait(5)
    with open(log) as f:
        m = re.search(r"^\s*(\d+)\s+total", f.read(), re.M)
    os.unlink(log)
    return int(m[1]) / packets if m and packets else None


# ---- what they print ----

def testpmd_rate(out, what):
    """Median of the sums over ports of what testpmd counted in each full second."""
    word = "Tx-pps" if what in ("tx", "fwd") else "Rx-pps"
    rounds = out.split("NIC statistics for port 0")[1:]
    sums = [sum(int(n) for n in re.findall(word + r":\s+(\d+)", r)) for r in rounds]
    return statistics.median([s for s in sums[1:] if s] or [0])


def plx_rate(out, what):
    """The same of plx-fwd's lines of a second."""
    key = "tx_packets_per_second" if what in ("tx", "fwd") else "rx_packets_per_second"
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    sums = [sum(p[key] for p in o["ports"]) for o in lines if o["type"] == "interval"]
    return statistics.median([s for s in sums[1:] if s] or [0])


# ---- tables ----

def once(run):
    for _ in range(3):              # 0: not one full second of work on a busy machine
        rate = run()
        if rate:
            return rate
    raise SystemExit("bench_fwd: no full second of work in three runs: the machine is too busy")


def pairs(ours, theirs, reps):
    """What each of two functions gives, run side by side and in turns: [(ours, theirs), ...]"""
    got = []
    for i in range(reps):
        if i % 2:
            second = once(theirs)
            got.append((once(ours), second))
        else:
            first = once(ours)
            got.append((first, once(theirs)))
    return got


def medians(got):
    return (statistics.median(g[0] for g in got), statistics.median(g[1] for g in got))


def certain(ratios):
    """The median, and the range of order statistics that holds it with 95 % certainty."""
    n, r = len(ratios), sorted(ratios)
    k = 0
    while 2 * sum(math.comb(n, i) for i in range(k + 1)) <= 0.05 * 2 ** n:
        k += 1
    k = max(k - 1, 0)
    return statistics.median(r), r[k], r[n - 1 - k]


def judge(name, ok, how):
    if not ok:
        misses.append(name)
    return "%s (%s)" % ("OK" if ok else "MISS", how)


def at_most(name, ratio, limit):
    return "%5.2f x  %s" % (ratio, judge(name, ratio <= limit, "<= %g" % limit))


def as_fast(name, got):
    ratio, low, high = certain([a / b for a, b in got])
    how = ">= 1" if ratio >= 1 or high < 1 else ">= 1: no difference that these runs could tell"
    return "%5.2f x [%.2f, %.2f]  %s" % (ratio, low, high, judge(name, high >= 1, how))


def null_table(huge):
    print("\nnull to null, io, one lcore, %s: ns a packet" % ("hugepages" if huge == "require" else "small pages"))
    print("%6s %10s %10s" % ("burst", "plx-fwd", "testpmd"))
    for burst in (1, 2, 4, 8, 16, 32, 64):
        got = pairs(lambda: plx_null(burst, huge), lambda: testpmd_null(burst, huge), 5 if burst == 32 else 1)
        line = "%6d %10.2f %10.2f" % (burst, *(1e9 / m for m in medians(got)))
        if burst == 32:
            line += "   " + at_most("null io", certain([b / a for a, b in got])[0], 0.5)
        print(line, flush=True)


def veth_table(what, title):
    print("\n%s: thousand packets a second" % title)
    print("%6s %10s %10s" % ("burst", "plx-fwd", "testpmd"))
    for burst in (1, 4, 16, 32, 64):
        got = pairs(lambda: veth("plx", what, burst), lambda: veth("testpmd", what, burst), REPS if burst == 32 else 1)
        line = "%6d %10.0f %10.0f" % (burst, *(m / 1e3 for m in medians(got)))
        if burst == 32:
            line += "   " + as_fast("af_xdp " + what, got)
        print(line, flush=True)


def calls_table():
    print("\nsystem calls a packet sent, burst 32 (strace)")
    ours, theirs = (veth(who, "tx", calls=True) for who in ("plx", "testpmd"))
    print("%-8s %8.4f\n%-8s %8.4f   %s" % ("plx-fwd", ours, "testpmd", theirs,
                                          at_most("tx calls", ours / theirs, 0.25)), flush=True)


GRIND = ["valgrind", "--fair-sched=yes", "--tool=callgrind", "--callgrind-out-file=/dev/null"]


def ground(run, packets):
    """Instructions a packet: what a long run executes more than a short one, by what it forwards more."""
    points = []
    for seconds in (3, 9):
        p = run()
        await_start(p)
        time.sleep(seconds)
        out = end(p)
        points.append((int(re.search(r"Collected : (\d+)", out)[1]), packets(out)))
    (i0, n0), (i1, n1) = points
    return (i1 - i0) / (n1 - n0)


def instructions_table():
    print("\nnull to null, io, burst 32: instructions a packet (callgrind)")
    if not shutil.which("valgrind"):
        print("valgrind is not installed: not counted")
        return
    ours = ground(lambda: plx(None, NULLS, ["--mode", "io"], WORK, wrap=GRIND),
                  lambda out: json.loads([o for o in out.splitlines() if '"summary"' in o][0])["total"]["received"])
    theirs = ground(lambda: testpmd(None, ["net_null0", "net_null1"], ["--forward-mode=io"], WORK, wrap=GRIND),
                    lambda out: int(re.findall(r"RX-packets: (\d+)", out)[-1]))
    print("%-8s %8.1f   %s\n%-8s %8.1f   %s" % (
        "plx-fwd", ours, judge("null instructions a packet", ours <= 42, "<= 42"), "testpmd", theirs,
        at_most("null instructions", ours / theirs, 0.5)), flush=True)


def main():
    atexit.register(cleanup)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if not shutil.which("dpdk-testpmd"):
        sys.exit("bench_fwd: dpdk-testpmd is not installed (package dpdk-dev)")
    null_table("never")
    if lend_hugepages():
        null_table("require")
    else:
        print("\nno room for %d hugepages: not measured with them" % HUGE_PAGES)
    instructions_table()
    veth_table("tx", "af_xdp transmit over veth, 64 bytes")
    veth_table("rx", "af_xdp receive over veth, 64 bytes, the same load")
    veth_table("fwd", "af_xdp macswap over veth, 64 bytes, the same load")
    calls_table()
    print("\n%s" % ("missed: " + ", ".join(misses) if misses else "all met"))
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
