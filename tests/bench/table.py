#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""table.py PROGRAM: runs a measurement of bench.h five times and prints one table.

What a neighbour does on the other half of the core, or how the memory of a process lies, favours either side
of a row by up to a tenth, and may do so for as long as the process lives.  So each row is the median of five
processes, with the lowest and the highest beside it, and its verdict says no more than these do:

  OK                          the median is at or below theirs
  MISS                        slower in each of the five processes by more than 5 %, which is what one and the
                              same program differs by from process to process; only this makes the exit code 1
  slower                      slower in each of the five, but not by more than 5 % in each
  undecided                   slower by the median, not in each: the runs contradict each other
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
        elif ratios[0] > 1:
            verdict = "slower, within the %.0f %% that a program differs by from run to run" % (100 * NOISE)
        elif ratio > 1:
            verdict = "undecided: slower in some runs, not in others"
        print(line + "%9.2f | %6.2f %6.2f..%-5.2f | %s" % (statistics.median(r["theirs_ns"] for r in rows), ratio,
                                                         ratios[0], ratios[-1], verdict))
    print("an operation is one object; medians of %d processes, of each the lower quartile of %d interleaved rounds; "
          "ratio ours/theirs (%s), OK if <= 1, MISS if > %.2f in every process" % (RUNS, ROUNDS, runs[0]["theirs"], 1 + NOISE))
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
