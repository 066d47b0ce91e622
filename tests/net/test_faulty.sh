#!/bin/bash
# SPDX-License-Identifier: MIT
# test_faulty.sh - what programs with mistakes say, and what they leave: one that keeps its frames, one that
# crashes in a poller, one that gives a frame back twice.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
NAME=faulty$$

faulty() { # faulty FAULT: runs on va
	FAULT=$1 start prog a "$BUILD/tests/net/faulty" -l "${LC%%,*}" -m 16M --idle adaptive --name "$NAME" --iface va,queues=1
	PROG=$PID
	within $PATIENCE running prog || { show "$TMP/prog.err"; return 1; }
}
load() {
	start load b "$FWD" -l "${LC##*,}" -m 32M --idle adaptive --iface vb,queues=1,steer=none -- \
		--mode txonly --flows 64 --length 60 --rate "$1" --duration 60 --max-loss 100%
	LOAD=$PID
	within $PATIENCE running load
}
warned() { grep -qE "$1" "$TMP/prog.err"; }
line() { tail -n 1 "$TMP/prog.err" | grep -E "$1" || { show "$TMP/prog.err"; return 1; }; }

# ---- one that keeps its frames ----

pair 1
check "a program that keeps its frames starts" faulty keep
check "frames come" load 20k
check "its pool is found empty" within $PATIENCE warned 'pool .*: pool_empty: 0 of [0-9]+ frames can be had: .* and [1-9][0-9]* with the application'
check "with what to do" warned 'have it put back what it need not keep'
check "what is dropped for it refers to that" within $PATIENCE warned 'va rx: drops, .*see pool_empty|va rx: drops: .*see pool_empty'
check "and is not said to be polled too seldom" sh -c "! grep -q 'poll more often' '$TMP/prog.err'"
check "the load ends" end "$LOAD"
end "$PROG"
check "at the end they are counted" warned 'pool .*: [1-9][0-9]* of [0-9]+ frames were not put back'

# ---- one that crashes ----

check "a program that crashes starts" faulty crash
check "frames come" load 100
crashed() {
	finish "$PROG" $PATIENCE; local rc=$?
	[ $rc = 139 ] || { echo "exit code $rc, not 139"; return 1; }
}
check "it ends by SIGSEGV" crashed
check "its last line tells where" line '^faulty: fatal: SIGSEGV at address 0x18, lcore [0-9]+, poller faulty$'
check "the load ends" end "$LOAD"
check "no XDP program is left" within $PATIENCE no_xdp va

# ---- one that gives back twice ----

check "a program that gives a frame back twice starts" faulty twice
sent() { at b cat /sys/class/net/vb/statistics/tx_packets; }
has_sent() { [ "$(sent)" -ge "$1" ]; }
before=$(sent)
frames_come() { load 1000 && within $PATIENCE has_sent $((before + 100)); }
check "frames come" frames_come
check "the load ends" end "$LOAD"
end "$PROG"
twice() { # a hardened build ends where it happens
	warned '[1-9][0-9]* frames were put back twice' || line 'fatal: .*assertion failed: .*, lcore [0-9]+, poller faulty$'
}
check "that is said" twice
done_testing
