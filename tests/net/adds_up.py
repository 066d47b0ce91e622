# SPDX-License-Identifier: MIT
"""adds_up.py WHAT FILE [SLACK]: whether what was offered to a port's receive queues is what it received, and what it has
in counters of drops, of the first port that FILE tells of: by queue and in all.  SLACK frames of each queue may stand
in its ring.  WHAT is where it stands:

    live       text of pollux live NAME
    live-json  pollux live --json NAME
    summary    last line of plx-fwd --json: ports, queues and xstats; the names that both have agree
    intervals  the lines before it, added up: as if each were the last
    table      lines of text that plx-fwd prints while it runs: three digits, so within 2 percent
"""
import json
import re
import sys

what, path = sys.argv[1], sys.argv[2]
slack = int(sys.argv[3]) if len(sys.argv) > 3 else 0
text = open(path).read()
bad = []


def holds(name, offered, received, drops, room=slack):
    if offered is None or not 0 <= offered - received - drops <= room:
        bad.append("%s: %s offered, %d received, %d dropped" % (name, offered, received, drops))


def last_json():
    return json.loads([l for l in text.splitlines() if l.startswith("{")][-1])


def counters(x, queues):
    """Every counter by its name; of each port they are the same everywhere."""
    drops = sum(v for k, v in x.items() if k.startswith("rx_drop_"))
    holds("xstats", x["rx_offered"], x["rx_packets"], drops, slack * queues)
    for q in range(queues):
        holds("xstats of queue %d" % q, x["rx_q%d_offered" % q], x["rx_q%d_packets" % q], x["rx_q%d_drops" % q])


def live():
    rows = re.findall(r"rx queue (\d+) .*?  offered (\d+)  packets (\d+)  bytes \d+(.*)", text)
    for q, offered, received, rest in rows:
        drops = re.sub(r"interrupt \d+ on CPU \d+", "", rest)
        holds("queue " + q, int(offered), int(received), sum(map(int, re.findall(r" (\d+)", drops))))
    return rows


def live_json():
    p = json.loads(text)["ports"][0]
    for q in p["rxqs"]:
        holds("queue %d" % q["queue"], q.get("offered"), q["packets"], sum(q["drops"].values()))
    counters(p["counters"], len(p["rxqs"]))
    return p["rxqs"]


def summary():
    p = last_json()["ports"][0]
    holds("port", p["rx_offered"], p["rx_packets"], p["rx_drops"])
    for q in p["rxq"]:
        holds("queue %d" % q["queue"], q.get("offered"), q["packets"], q.get("drops", 0))
    x = p["xstats"]
    counters(x, len(p["rxq"]))
    if (x["rx_offered"], x["rx_packets"]) != (p["rx_offered"], p["rx_packets"]):
        bad.append("xstats and the port do not agree")
    return p["rxq"]


def intervals():
    sums = [0, 0, 0]
    lines = [json.loads(l)["ports"][0] for l in text.splitlines() if l.startswith('{"type":"interval"')]
    for n, p in enumerate(lines):
        sums = [a + b for a, b in zip(sums, (p["rx_offered"], p["rx_packets"], p["rx_drops"]))]
        holds("%d. interval" % n, *sums)
    return sums[0]


def table():
    def number(s):
        n, unit = re.match(r"([\d.]+) ?([kMG]?)", s).groups()
        return float(n) * {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}[unit]
    rows = re.findall(r"s va: offered (.*?)pps, rx (.*?)pps .*, drops (.*?)/s", text)
    for n, row in enumerate(rows):
        offered, received, drops = map(number, row)
        if abs(offered - received - drops) > max(offered, 1) * 0.02 + slack * 10:
            bad.append("%d. line: %s offered, %s received, %s dropped a second" % ((n,) + row))
    return [r for r in rows if number(r[0])]


seen = {"live": live, "live-json": live_json, "summary": summary, "intervals": intervals, "table": table}[what]()
if not seen:
    bad.append("nothing is told")
print("\n".join(bad), end="\n" if bad else "")
sys.exit(1 if bad else 0)
