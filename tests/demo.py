# SPDX-License-Identifier: MIT
"""demo.py live < JSON lines           one line a second, as they come
demo.py summary FORWARDER GENERATOR   what crossed, and what was chosen; exit code 1 if not every packet
                                      came back intact"""
import json
import signal
import sys


def si(n):
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if n >= size:
            return "%.1f %s" % (n / size, unit)
    return "%.0f " % n


def live():
    second = 0
    for line in sys.stdin:
        o = json.loads(line)
        if o.get("type") != "interval":
            continue
        p, second = o["ports"][0], second + 1
        print("  %2d s   sent %9spackets/s %9sbit/s   back %9spackets/s   drops %d" % (
            second, si(p["tx_packets_per_second"]), si(p["tx_bits_per_second"]),
            si(p["rx_packets_per_second"]), p["rx_drops"] + p["tx_drops"]), flush=True)


def last(path):
    with open(path) as f:
        return json.loads(f.readlines()[-1])


def summary(forwarder, generator):
    fwd, gen = last(forwarder), last(generator)
    t = gen["total"]
    print("Summary")
    for who, o in (("macswap", fwd), ("generator", gen)):
        for p in o["ports"]:
            print("  %-10s %s: driver %s, %s, %d queues" % (who, p["name"], p["driver"], p["mode"], len(p["rxq"])))
            print("  %-10s chosen so: %s" % ("", p["why"]))
            print("  %-10s %s" % ("", ", ".join("queue %d: %d packets in, %d out" % (
                r["queue"], r["packets"], x["packets"]) for r, x in zip(p["rxq"], p["txq"]))))
        print("  %-10s %s" % ("", ", ".join("lcore %d on CPU %d: %.0f %% busy" % (
            l["id"], l["cpu"], 100 * l["busy_ns"] / max(o["duration_ns"], 1)) for l in o["lcores"])))
    print("  packets    %d sent, %d back, %d lost (%.4f %%), %d twice, %d out of order" % (
        t["sent"], t["received"], t["lost"], 100 * t["lost"] / max(t["sent"], 1), t["duplicates"], t["reordered"]))
    if t["packets_per_second"] is not None:
        print("  rate       %spackets/s over %.1f s" % (si(t["packets_per_second"]), gen["duration_ns"] / 1e9))
    print("  bytes      %sB of payload checked, %d packets corrupt" % (si(t["verified_bytes"]), t["corrupt"]))
    bad = t["lost"] or t["duplicates"] or t["reordered"] or t["corrupt"] or not t["received"]
    print("  result     %s" % ("packets are missing or damaged" if bad else "every packet came back, every byte as sent"))
    return 1 if bad else 0


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(live() if sys.argv[1] == "live" else summary(*sys.argv[2:]))
