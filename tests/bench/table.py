#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""table.py PROGRAM: runs a measurement of bench.h five times and prints one table.

Where a process's memory lies can favour either side of a row by a tenth, and does so for as long as the
process lives.  So each row is the median of five processes.  It misses its mark if it is slower in each of
them, by more than the 5 % that one and the same program differs by from process to process.
"""
import json
import os
import statistics
import subprocess
import sys

RUNS, ROUNDS, NOISE = 5, 11, 0.05


def main():
    runs = []
    for _ in range(RUNS):
        p = subprocess.run([sys.argv[1], "--json", "--rounds=%d" % ROUNDS], stdout=subprocess.PIPE, check=False)
        if p.returncode not in (0, 1):      # 1: a row missed in this process
            return p.returncode
        runs.append(json.loads(p.stdout))
    print("\n%-34s %5s | %9s %9s | %6s %13s |" % (runs[0]["bench"], "burst", "ours ns", "theirs ns", "ratio", "lowest..most"))
    missed = False
    for rows in zip(*(r["rows"] for r in runs)):
        ours = statistics.median(r["ours_ns"] for r in rows)
        line = "%-34s %5d | %9.2f " % (rows[0]["what"], rows[0]["burst"], ours)
        if rows[0]["ratio"] is None:
            print(line + "%9s |" % "n/a")
            continue
        ratios = sorted(r["ratio"] for r in rows)
        ratio, verdict = statistics.median(ratios), "OK"
        if ratios[0] > 1 + NOISE:
            missed, verdict = True, "MISS"
        elif ratio > 1:
            verdict = "OK: no difference that these runs could tell"
        print(line + "%9.2f | %6.2f %6.2f..%-5.2f | %s" % (statistics.median(r["theirs_ns"] for r in rows), ratio,
                                                         ratios[0], ratios[-1], verdict))
    print("an operation is one object; medians of %d processes, of each the lower quartile of %d interleaved rounds; "
          "ratio ours/theirs (%s), OK if <= 1" % (RUNS, ROUNDS, runs[0]["theirs"]))
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
